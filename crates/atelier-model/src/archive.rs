//! Answers as they are kept outside the state they were given in.

use serde::{Deserialize, Serialize};

use crate::{Digest, MicroUsd, StopReason, Timestamp, Usage};

/// What an archived answer answers.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ArchiveKind {
    /// An ask of a run; its body is the text of the reply.
    Ask,
    /// A request of another program; its body is what the provider wrote, byte for byte.
    Relay,
}

impl ArchiveKind {
    /// Every kind, in the order in which they are archived.
    pub const ALL: [Self; 2] = [Self::Ask, Self::Relay];

    /// The kind's name.
    pub fn name(self) -> &'static str {
        match self {
            Self::Ask => "ask",
            Self::Relay => "relay",
        }
    }
}

/// All that is known of one complete answer, beside its body.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ArchiveEntry {
    /// What it answers.
    pub kind: ArchiveKind,
    /// Everything that decided the answer.
    pub key: Digest,
    /// Why it ended; known of asks alone.
    pub stop: Option<StopReason>,
    /// Provider that answered.
    pub provider: String,
    /// Model that did.
    pub model: String,
    /// Its tokens, where they are known.
    pub usage: Option<Usage>,
    /// What it cost when it was asked.
    pub cost: MicroUsd,
    /// Milliseconds until the whole answer was there.
    pub latency_ms: u64,
    /// When it was complete.
    pub at: Timestamp,
}
