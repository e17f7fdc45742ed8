//! Why a batch was not sent, looked at or fetched.

use crate::{CallError, GatewayError};

use super::{BATCH_BYTES_MAX, BATCH_QUESTIONS_MAX};

/// Why a batch was not sent, looked at or fetched.
#[derive(Debug, thiserror::Error)]
pub enum BatchError {
    /// The provider has none, or none that is known here.
    #[error("give {provider} a batch: only providers `openai` and `anthropic` take them")]
    NoBatches {
        /// The provider.
        provider: String,
    },
    /// The route cannot be used.
    #[error(transparent)]
    Route(#[from] GatewayError),
    /// A line of the file is no question.
    #[error("read line {line} of the questions: {why}")]
    Line {
        /// Its number, from 1.
        line: usize,
        /// What is wrong with it.
        why: &'static str,
    },
    /// There is nothing to ask.
    #[error("find a question in the file")]
    NoQuestion,
    /// There is too much to ask.
    #[error("send a batch of more than {BATCH_QUESTIONS_MAX} questions or {BATCH_BYTES_MAX} bytes")]
    TooLarge,
    /// What was hidden from the provider cannot be read again.
    #[error("read what was hidden from the provider: the state holds something else")]
    Hidden,
    /// The provider did not answer as it should.
    #[error(transparent)]
    Call(#[from] CallError),
    /// The provider may have the batch: nobody heard its answer.
    #[error("learn whether the provider took the batch")]
    Uncertain(#[source] CallError),
}

impl BatchError {
    /// The error of the one request that costs money, which may have made a batch all the same.
    pub(super) fn of_order(self) -> Self {
        if let Self::Call(cause) = self {
            return if is_certain(&cause) {
                Self::Call(cause)
            } else {
                Self::Uncertain(cause)
            };
        }
        self
    }
}

/// Whether a failed order certainly made no batch.
fn is_certain(error: &CallError) -> bool {
    match error {
        // 408 is what a server between says that gave up waiting.
        CallError::Status { status, .. } => *status < 500 && *status != 408,
        CallError::KeyMissing | CallError::Connect { .. } => true,
        CallError::Reported { .. }
        | CallError::Broken { .. }
        | CallError::TimedOut { .. }
        | CallError::Truncated
        | CallError::Malformed { .. }
        | CallError::TooLarge { .. }
        | CallError::Scaffold(_) => false,
    }
}

/// The provider's answer is not what it should be.
pub(super) fn malformed(said: &str) -> BatchError {
    BatchError::Call(CallError::Malformed {
        said: said.to_owned(),
    })
}
