//! What can go wrong with batches, and what to do then.

use std::{io, path::PathBuf};

use atelier_engine::Exit;
use atelier_llm::{BatchError, CallError};
use atelier_store::OverBudget;

/// Why a batch was not sent, shown or fetched.
#[derive(Debug, thiserror::Error)]
pub(crate) enum BatchCommandError {
    /// The file cannot be read.
    #[error("read the questions from {}", path.display())]
    Read {
        path: PathBuf,
        #[source]
        source: io::Error,
    },
    /// The answers cannot be written.
    #[error("write the answers to {}", path.display())]
    Write {
        path: PathBuf,
        #[source]
        source: io::Error,
    },
    /// There is no batch of that name.
    #[error("find batch `{name}`")]
    NotFound { name: String },
    /// The provider of a batch is configured no more.
    #[error("find provider `{provider}` in the configuration")]
    NoRoute { provider: String },
    /// The same questions were sent.
    #[error("send the batch: the same questions were sent as batch {id}")]
    Same { id: String },
    /// Nobody knows whether the provider has it.
    #[error("send batch {id}")]
    Uncertain {
        id: String,
        #[source]
        source: BatchError,
    },
    /// The provider does not list it.
    #[error("find batch {id} at the provider: its sending was cut, and nothing of it is there")]
    Lost { id: String },
    /// Some batches may be it.
    #[error("find batch {id} at the provider: {count} that are under way there may be it")]
    Unproved { id: String, count: usize },
    /// Somebody else sends it, or gave it up.
    #[error("send the batch: another process took it over")]
    Overtaken,
    /// There is a budget, and nobody can say whether it is kept.
    #[error("keep to the budget: nobody knows what {model} costs")]
    PriceUnknown { model: String },
    /// A budget does not cover it.
    #[error(transparent)]
    OverBudget(OverBudget),
    /// It did not go well.
    #[error(transparent)]
    Batch(#[from] BatchError),
}

impl BatchCommandError {
    /// The exit code.
    pub(crate) fn exit(&self) -> Exit {
        match self {
            Self::Read { .. } | Self::NotFound { .. } => Exit::Usage,
            Self::Write { .. } => Exit::Internal,
            Self::NoRoute { .. } | Self::PriceUnknown { .. } => Exit::Configuration,
            Self::Same { .. } | Self::Lost { .. } | Self::Unproved { .. } | Self::Overtaken => {
                Exit::Blocked
            }
            Self::Uncertain { .. } => Exit::Provider,
            Self::OverBudget(_) => Exit::Budget,
            Self::Batch(error) => match error {
                BatchError::Line { .. } | BatchError::NoQuestion | BatchError::TooLarge => {
                    Exit::Usage
                }
                BatchError::NoBatches { .. }
                | BatchError::Route(_)
                | BatchError::Call(CallError::KeyMissing) => Exit::Configuration,
                BatchError::Hidden => Exit::Internal,
                BatchError::Call(_) | BatchError::Uncertain(_) => Exit::Provider,
            },
        }
    }

    /// What a person can do about it.
    pub(crate) fn hint(&self) -> String {
        match self {
            Self::Read { .. } => "name a file that is there and may be read".to_owned(),
            Self::Write { .. } => {
                "name a place that may be written; the answers can be collected again".to_owned()
            }
            Self::NotFound { .. } | Self::Overtaken => "see `atelier batch status`".to_owned(),
            Self::NoRoute { provider } => format!("name it with --provider {provider}"),
            Self::Same { id } => {
                format!("see `atelier batch status {id}`; --again sends them once more")
            }
            Self::Uncertain { id, .. } => {
                format!("`atelier batch status {id}` looks for it at the provider")
            }
            Self::Lost { .. } => {
                "look again in a minute; if it stays away, `atelier batch cancel` gives it up and \
                 `atelier batch submit --again` sends it once more"
                    .to_owned()
            }
            Self::Unproved { id, .. } => format!(
                "`atelier batch status {id}` tells which one when they have ended; sending the \
                 questions again may pay for them twice"
            ),
            Self::PriceUnknown { .. } => {
                "give the model a price under `[prices]`, or leave the budget out".to_owned()
            }
            Self::OverBudget(_) => {
                "send fewer questions or ask for fewer tokens of each; or raise `budget` or \
                 `budget_day`"
                    .to_owned()
            }
            Self::Batch(error) => match error {
                BatchError::Line { .. } | BatchError::NoQuestion => {
                    "write one JSON object a line, with `custom_id` and `messages`".to_owned()
                }
                BatchError::TooLarge => "send it as several files".to_owned(),
                BatchError::NoBatches { .. } => "name the provider with --provider".to_owned(),
                BatchError::Hidden => {
                    "the answers can be collected by the version that sent the batch".to_owned()
                }
                BatchError::Route(_) | BatchError::Call(CallError::KeyMissing) => {
                    "see `atelier config show` and `atelier doctor`".to_owned()
                }
                BatchError::Call(_) | BatchError::Uncertain(_) => {
                    "try again; nothing is sent twice".to_owned()
                }
            },
        }
    }
}
