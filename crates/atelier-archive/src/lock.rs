//! The lock of a run: a file beside what was built that names every reply it was built from.

use std::collections::BTreeMap;

use atelier_model::{Digest, RunId, Stage, TaskId};
use serde::{Deserialize, Serialize};

/// Name of the file, at the root of the project.
pub const LOCK_FILE: &str = "atelier.lock";

/// The first lines of the file.
const HEAD: &str = "# Written by Atelier; do not edit. It names every reply that this was built from.\n\
                    # `atelier replay` builds it again from an archive, `atelier verify` checks it.\n\n";

/// Bytes of a lock that is read.
const BYTES_MAX: usize = 64 << 20;

/// What a run was made from, in the order in which it was put together.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Lock {
    /// Version of this structure.
    pub version: u32,
    /// The run.
    pub run: RunId,
    /// Digest of the requirement.
    pub requirement: Digest,
    /// Git's id of the tree it began from; not there where it began from nothing.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub base: Option<String>,
    /// Name of the archive of all replies, which is the same wherever it is made.
    pub archive: String,
    /// Settings that decided what was asked.
    pub settings: LockedSettings,
    /// The programs that decided what was built, with their versions.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub tools: BTreeMap<String, String>,
    /// The versions of each prompt template.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub templates: BTreeMap<String, Vec<Digest>>,
    /// Every answered ask, by stage, task and attempt.
    #[serde(default, rename = "ask", skip_serializing_if = "Vec::is_empty")]
    pub asks: Vec<LockedAsk>,
    /// Every commit of the run in order, but for the one that brings the lock itself.
    #[serde(default, rename = "commit", skip_serializing_if = "Vec::is_empty")]
    pub commits: Vec<LockedCommit>,
}

/// Settings that decided what was asked.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct LockedSettings {
    /// How what models were shown was made shorter.
    pub compression: String,
    /// Tries at one task.
    pub attempts_max: u32,
    /// Phases of a plan.
    pub phases_max: usize,
    /// Steps of a plan.
    pub steps_max: usize,
    /// Edits of a reply.
    pub edits_max: usize,
    /// Files of a tree.
    pub tree_files_max: usize,
    /// Bytes of a file.
    pub file_bytes_max: usize,
    /// Tokens of the context.
    pub context_tokens_max: usize,
    /// Bytes of a command's output.
    pub output_bytes_max: usize,
    /// Bytes of evidence.
    pub evidence_bytes_max: usize,
}

/// An answered ask.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct LockedAsk {
    /// Its stage.
    pub stage: Stage,
    /// Its task.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub task: Option<TaskId>,
    /// Its attempt ordinal.
    pub attempt: u32,
    /// Its key.
    pub key: Digest,
    /// Digest of the conversation it asked with.
    pub prompt: Digest,
    /// Digest of the reply.
    pub reply: Digest,
}

/// A commit of the run's branch.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct LockedCommit {
    /// The task it brings; not there for the documents of the run itself.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub task: Option<TaskId>,
    /// The attempts that led to it.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub attempts: Vec<LockedAttempt>,
    /// Digest of the evidence that its trailer names.
    pub evidence: String,
    /// Git's id of its tree.
    pub tree: String,
}

/// An attempt at a task.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct LockedAttempt {
    /// Its ordinal.
    pub ordinal: u32,
    /// Git's id of the tree it began from; not there where it began from nothing.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub base: Option<String>,
}

/// Why a text is no lock.
#[derive(Debug, thiserror::Error)]
pub enum ReadLockError {
    /// It is too long.
    #[error("read a lock of more than {BYTES_MAX} bytes")]
    Large,
    /// It is something else.
    #[error("read the lock")]
    Toml(#[source] Box<toml::de::Error>),
    /// It was written by a newer program.
    #[error(
        "read a lock of version {found}: this program knows version {}",
        Lock::VERSION
    )]
    Newer {
        /// Its version.
        found: u32,
    },
}

impl Lock {
    /// The current value of [`Lock::version`].
    pub const VERSION: u32 = 1;

    /// The file's text, which is the same for the same lock.
    pub fn to_text(&self) -> String {
        // All of its fields can be written as TOML: values first, then tables.
        HEAD.to_owned() + &toml::to_string(self).unwrap_or_default()
    }

    /// Reads the file's text.
    pub fn read(text: &str) -> Result<Self, ReadLockError> {
        if text.len() > BYTES_MAX {
            return Err(ReadLockError::Large);
        }
        let lock: Self = toml::from_str(text).map_err(|error| ReadLockError::Toml(error.into()))?;
        if lock.version > Self::VERSION {
            let found = lock.version;
            return Err(ReadLockError::Newer { found });
        }
        Ok(lock)
    }
}

#[cfg(test)]
pub(crate) mod tests;
