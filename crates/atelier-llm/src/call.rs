//! One sending of an ask to a provider, and the ways it can fail.

use std::sync::{Mutex, PoisonError};

use atelier_model::{Ask, Limits, Timestamp};
use atelier_scaffold::ScaffoldError;

use crate::{Route, Secret, layers::Permit, wire::DecodeError};

/// What a provider is given.
#[derive(Debug, Clone, Copy)]
pub struct Call<'a> {
    /// The question.
    pub ask: &'a Ask,
    /// Who is asked, and how.
    pub route: &'a Route,
    /// The key of this sending, where it is not the route's.
    pub key: Option<&'a Secret>,
    /// How long to wait and how much to read.
    pub limits: &'a Limits,
    /// The current instant, for dates in a provider's answer.
    pub now: Timestamp,
    /// Who wants to know what an answer tells of its provider's limits.
    pub(crate) permit: Option<&'a Permit>,
    /// Where what has come of an answer is left that does not come to its end.
    pub(crate) heard: &'a Heard,
}

/// What has come of an answer that did not come to its end.
#[derive(Debug, Default)]
pub(crate) struct Heard(Mutex<String>);

impl Heard {
    /// Leaves what has come.
    pub(crate) fn leave(&self, said: &str) {
        // What is locked is one text, which no panic leaves half written.
        let mut heard = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        said.clone_into(&mut heard);
    }

    /// Takes what was left.
    pub(crate) fn take(&self) -> String {
        let mut heard = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        std::mem::take(&mut *heard)
    }
}

impl<'a> Call<'a> {
    /// The schema that the answer is held to, with its name, where the route says so.
    pub(crate) fn schema(&self) -> Option<(&'a str, &'a serde_json::Value)> {
        let schema = self.ask.schema.as_ref().filter(|_| self.route.structured);
        schema.map(|(name, schema)| (name.as_str(), schema))
    }
}

/// The four waits of a sending.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Wait {
    /// For the connection.
    Connect,
    /// For the first byte of the answer.
    FirstByte,
    /// For the next piece of the answer.
    Idle,
    /// For the whole answer.
    Total,
}

impl Wait {
    /// The limit that bounds it, as its setting is named.
    pub fn limit_name(self) -> &'static str {
        match self {
            Self::Connect => "connect_ms_max",
            Self::FirstByte => "first_byte_ms_max",
            Self::Idle => "ask_idle_ms_max",
            Self::Total => "ask_total_ms_max",
        }
    }

    /// What was waited for.
    pub fn name(self) -> &'static str {
        match self {
            Self::Connect => "the connection",
            Self::FirstByte => "the first byte of the answer",
            Self::Idle => "the next piece of the answer",
            Self::Total => "the whole answer",
        }
    }
}

/// Why one sending brought no answer.
#[derive(Debug, thiserror::Error)]
pub enum CallError {
    /// The provider needs a key and the route has none.
    #[error("find a key")]
    KeyMissing,
    /// The provider refused with a status, before it did any work.
    #[error("get an answer, the provider says {status}: {said}")]
    Status {
        /// HTTP status.
        status: u16,
        /// Its words.
        said: String,
        /// Milliseconds after which it wants to be asked again.
        retry_after_ms: Option<u64>,
        /// Whether the key is wrong or has no money left, whatever the status says: no wait mends
        /// that.
        no_access: bool,
    },
    /// The provider reported an error in the middle of its answer.
    #[error("get the whole answer, the provider says {status}: {said}")]
    Reported {
        /// The HTTP status that means the same.
        status: u16,
        /// Its words.
        said: String,
    },
    /// There was no connection; nothing left the machine.
    #[error("connect: {said}")]
    Connect {
        /// The cause.
        said: String,
    },
    /// The connection broke after the request may have left.
    #[error("read the answer: {said}")]
    Broken {
        /// The cause.
        said: String,
    },
    /// A wait reached its limit.
    #[error("get an answer within {limit_ms} ms of waiting for {}", which.name())]
    TimedOut {
        /// Which wait.
        which: Wait,
        /// Its limit.
        limit_ms: u64,
    },
    /// The answer ended before the terminal event of its dialect.
    #[error("read an answer that ended too early")]
    Truncated,
    /// The answer does not follow its dialect.
    #[error("read an answer in the provider's dialect: {said}")]
    Malformed {
        /// What is wrong.
        said: String,
    },
    /// The answer is larger than allowed.
    #[error("read an answer of more than {limit} bytes")]
    TooLarge {
        /// The limit.
        limit: usize,
    },
    /// The scaffolder has no answer.
    #[error("scaffold an answer")]
    Scaffold(#[source] ScaffoldError),
}

/// When a failed sending may be repeated.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Retry {
    /// It would fail again.
    Never,
    /// After a short wait: whoever has no network should learn it at once.
    Soon,
    /// After a wait that grows.
    Backoff,
    /// After so many milliseconds.
    After(u64),
}

impl CallError {
    /// When it may be sent again.
    pub fn retry(&self) -> Retry {
        match self {
            Self::Status {
                status,
                retry_after_ms,
                no_access: false,
                ..
            } if may_pass(*status) => retry_after_ms.map_or(Retry::Backoff, Retry::After),
            Self::Reported { status, .. } if may_pass(*status) => Retry::Backoff,
            Self::Connect { .. } => Retry::Soon,
            Self::Broken { .. } | Self::TimedOut { .. } | Self::Truncated => Retry::Backoff,
            Self::Status { .. }
            | Self::Reported { .. }
            | Self::KeyMissing
            | Self::Malformed { .. }
            | Self::TooLarge { .. }
            | Self::Scaffold(_) => Retry::Never,
        }
    }

    /// Whether the provider may charge for it: the request left, and no clean refusal came back.
    pub fn may_be_billed(&self) -> bool {
        match self {
            Self::KeyMissing
            | Self::Status { .. }
            | Self::Connect { .. }
            | Self::Scaffold(_)
            | Self::TimedOut {
                which: Wait::Connect,
                ..
            } => false,
            Self::Reported { .. }
            | Self::Broken { .. }
            | Self::TimedOut {
                which: Wait::FirstByte | Wait::Idle | Wait::Total,
                ..
            }
            | Self::Truncated
            | Self::Malformed { .. }
            | Self::TooLarge { .. } => true,
        }
    }
}

impl From<DecodeError> for CallError {
    fn from(error: DecodeError) -> Self {
        match error {
            DecodeError::Truncated => Self::Truncated,
            DecodeError::Malformed { said } => Self::Malformed { said },
            DecodeError::Reported { status, said } => Self::Reported { status, said },
            DecodeError::TooLarge { limit } => Self::TooLarge { limit },
        }
    }
}

/// Whether a status speaks of a state that may pass.
fn may_pass(status: u16) -> bool {
    matches!(status, 408 | 409 | 429 | 500..=599)
}
