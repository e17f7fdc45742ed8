//! Why a client gets no answer, with what it needs to know to try again.

use bytes::Bytes;

use crate::{
    AskError, CallError, Retry, Secret,
    relay::{Dialect, Passed, PassedBody, exchange::QuestionError},
    wire::DecodeError,
};

/// The header that says how long to wait.
const RETRY_AFTER: &str = "retry-after";

/// A refusal on its way to the client.
#[derive(Debug, Clone)]
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
    /// When it may be sent again.
    pub(crate) retry: Retry,
    /// Whether the key is wrong or has no money left, whatever the status says.
    pub(crate) no_access: bool,
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
            retry: Retry::Never,
            no_access: false,
        }
    }

    /// The refusal with how long its client is to wait, in the place of whatever else says so.
    #[must_use]
    pub(crate) fn with_wait(mut self, wait_ms: u64) -> Self {
        self.headers.retain(|(name, _)| name != RETRY_AFTER);
        let seconds = wait_ms.div_ceil(1_000).to_string();
        self.headers.push((RETRY_AFTER.to_owned(), seconds));
        self
    }

    /// Whether its client is told how long to wait.
    pub(crate) fn says_wait(&self) -> bool {
        self.headers.iter().any(|(name, _)| name == RETRY_AFTER)
    }

    /// The refusal of one sending as an ask's error would tell it.
    pub(crate) fn error(&self, provider: &str) -> AskError {
        self.error_after(1, provider)
    }

    /// The refusal of the last of so many sendings as an ask's error would tell it.
    pub(crate) fn error_after(&self, tries: u32, provider: &str) -> AskError {
        let provider = provider.to_owned();
        let (status, said) = (self.status, self.said.clone());
        match self.retry {
            Retry::After(wait_ms) => AskError::RateLimited {
                provider,
                status,
                said,
                tries,
                retry_after_ms: Some(wait_ms),
            },
            Retry::Soon | Retry::Backoff | Retry::Never => AskError::Provider {
                provider,
                status,
                said,
                tries,
            },
        }
    }

    /// The refusal without a key that the provider may have quoted.
    pub(crate) fn wiped(mut self, key: Option<&Secret>) -> Self {
        if let Some(key) = key {
            self.said = key.wiped_from(&self.said);
        }
        self
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
        CallError::from(error).into()
    }
}

impl From<CallError> for Refusal {
    fn from(error: CallError) -> Self {
        let (status, no_access) = match &error {
            CallError::KeyMissing => (401, true),
            CallError::Status {
                status, no_access, ..
            } => (*status, *no_access),
            CallError::Reported { status, .. } => (*status, false),
            CallError::TimedOut { .. } => (504, false),
            CallError::Connect { .. }
            | CallError::Broken { .. }
            | CallError::Truncated
            | CallError::Malformed { .. }
            | CallError::TooLarge { .. }
            | CallError::Scaffold(_) => (502, false),
        };
        Self {
            may_be_billed: error.may_be_billed(),
            retry: error.retry(),
            no_access,
            ..Self::new(status, format!("failed to {error}"))
        }
    }
}
