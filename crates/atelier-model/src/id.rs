//! Identifiers: ULIDs, sortable by the time they were made.

use std::fmt;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::Timestamp;

/// Where chance comes from: the system's generator, or a test's counter.
pub trait IdSource: Send + Sync {
    /// 128 bits no earlier call returned; only the lower 80 are used.
    fn bits(&self) -> u128;
}

macro_rules! id {
    ($(#[$doc:meta])* $name:ident) => {
        $(#[$doc])*
        #[derive(
            Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, JsonSchema,
        )]
        #[serde(transparent)]
        pub struct $name(String);

        impl $name {
            /// Makes a new one from the current time and fresh bits.
            pub fn new(at: Timestamp, ids: &dyn IdSource) -> Self {
                Self(ulid_text(at, ids))
            }

            /// Takes a text that was made by [`Self::new`] before, or that a person typed.
            pub fn from_text(text: impl Into<String>) -> Self {
                Self(text.into())
            }

            /// When it was made; `None` where it was not made by [`Self::new`].
            pub fn made_at(&self) -> Option<Timestamp> {
                let made = ulid::Ulid::from_string(&self.0).ok()?.timestamp_ms();
                i64::try_from(made).ok().map(Timestamp::from_millis)
            }

            /// The text of the identifier.
            pub fn as_str(&self) -> &str {
                &self.0
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str(&self.0)
            }
        }
    };
}

id!(
    /// Names a project: one git repository with its state.
    ProjectId
);
id!(
    /// Names a run: one invocation over a project.
    RunId
);
id!(
    /// Names a task within its run; derived from the step's number, such as `t2.3`.
    TaskId
);
id!(
    /// Names one ask.
    AskId
);
id!(
    /// Names one request of another program.
    RelayId
);
id!(
    /// Names a worker: a process that works on a project, from its beginning to its end.
    WorkerId
);

fn ulid_text(at: Timestamp, ids: &dyn IdSource) -> String {
    let millis = u64::try_from(at.millis()).unwrap_or(0);
    ulid::Ulid::from_parts(millis, ids.bits()).to_string()
}

#[cfg(test)]
mod tests;
