//! Entries of the audit log: a fact, when and for whom, and its number.

use serde::{Deserialize, Serialize};

use crate::{AuditFact, Digest, RunId, TaskId, Timestamp, TreeHash, audit::sorted::sorted};

/// A fact on its way into the log, before it has a number.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct AuditNote {
    /// When it happened.
    pub at: Timestamp,
    /// The run it belongs to.
    pub run: Option<RunId>,
    /// The task it belongs to.
    pub task: Option<TaskId>,
    /// Name of the client's key, where another program asked.
    pub client: Option<String>,
    /// What happened.
    pub fact: AuditFact,
}

impl AuditNote {
    /// A fact that belongs to no run and no client.
    pub fn new(fact: AuditFact, at: Timestamp) -> Self {
        Self {
            at,
            run: None,
            task: None,
            client: None,
            fact,
        }
    }

    /// The entry that this note becomes.
    pub fn numbered(self, seq: u64, event: Option<AuditLink>) -> AuditEntry {
        AuditEntry {
            seq,
            at: self.at,
            run: self.run,
            task: self.task,
            client: self.client,
            event,
            fact: self.fact,
        }
    }
}

/// The event that says the same, by number and hash: whoever rewrites the log of events, whose
/// chain nobody signs, contradicts this.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct AuditLink {
    /// Its number.
    pub seq: u64,
    /// Its hash in the chain of events.
    pub hash: Digest,
}

/// One fact on record.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct AuditEntry {
    /// Its number: 1, 2, 3, … without a gap in one log.
    pub seq: u64,
    /// When it happened.
    pub at: Timestamp,
    /// The run it belongs to.
    pub run: Option<RunId>,
    /// The task it belongs to.
    pub task: Option<TaskId>,
    /// Name of the client's key, where another program asked.
    pub client: Option<String>,
    /// The event that says the same, where there is one.
    pub event: Option<AuditLink>,
    /// What happened.
    pub fact: AuditFact,
}

impl AuditEntry {
    /// The entry as canonical JSON: object keys sorted, no white space. These bytes are the leaf.
    pub fn body(&self) -> String {
        let written = serde_json::to_string(self).unwrap_or_default();
        sorted(&written).unwrap_or_else(|| {
            let mut canonical = serde_json::to_value(self).unwrap_or_default();
            // Whatever map another crate's features give serde_json, the order is this one.
            canonical.sort_all_objects();
            canonical.to_string()
        })
    }

    /// The hash of a leaf that holds this body.
    pub fn leaf(body: &str) -> TreeHash {
        TreeHash::leaf(body.as_bytes())
    }
}

#[cfg(test)]
mod tests;
