//! Why a client gets no answer, with what it needs to know to try again.

use bytes::Bytes;

use crate::{
    CallError,
    relay::{Dialect, Passed, PassedBody, exchange::QuestionError},
    wire::DecodeError,
};

/// A refusal on its way to the client.
#[derive(Debug)]
pub(crate) struct Refusal {
    /// HTTP status.
    pub(crate) status: u16,
    /// What happened.
    pub(crate) said: String,
    /// Headers of the provider that clients act on.
    pub(crate) headers: Vec<(String, String)>,
    /// The provider's own body, where it is in the client's dialect.
    pub(crate) body: Option<Bytes>,
    /// Whether the provider may charge for it.
    pub(crate) may_be_billed: bool,
}

impl Refusal {
    /// A refusal of the relay's own, before anything was sent.
    pub(crate) fn new(status: u16, said: impl Into<String>) -> Self {
        Self {
            status,
            said: said.into(),
            headers: Vec::new(),
            body: None,
            may_be_billed: false,
        }
    }

    /// The answer to the client.
    pub(crate) fn passed(self, dialect: Dialect) -> Passed {
        let own = || Bytes::from(dialect.error(self.status, &self.said).to_string());
        let body = self.body.clone().unwrap_or_else(own);
        let mut headers = self.headers;
        headers.push(("content-type".to_owned(), "application/json".to_owned()));
        Passed {
            status: self.status,
            headers,
            body: PassedBody::Whole(body),
        }
    }
}

impl From<QuestionError> for Refusal {
    fn from(error: QuestionError) -> Self {
        Self::new(400, format!("failed to {error}"))
    }
}

impl From<DecodeError> for Refusal {
    fn from(error: DecodeError) -> Self {
        let status = match &error {
            DecodeError::Reported { status, .. } => *status,
            DecodeError::Truncated
            | DecodeError::Malformed { .. }
            | DecodeError::TooLarge { .. } => 502,
        };
        Self {
            may_be_billed: true,
            ..Self::new(status, format!("failed to {error}"))
        }
    }
}

impl From<CallError> for Refusal {
    fn from(error: CallError) -> Self {
        let status = match &error {
            CallError::KeyMissing => 401,
            CallError::Status { status, .. } | CallError::Reported { status, .. } => *status,
            CallError::TimedOut { .. } => 504,
            CallError::Connect { .. }
            | CallError::Broken { .. }
            | CallError::Truncated
            | CallError::Malformed { .. }
            | CallError::TooLarge { .. }
            | CallError::Scaffold(_) => 502,
        };
        Self {
            may_be_billed: error.may_be_billed(),
            ..Self::new(status, format!("failed to {error}"))
        }
    }
}
