//! Requests of other programs that were passed on to a model, as they are kept.

use serde::{Deserialize, Serialize};

use crate::{AskSource, AuditFact, Digest, MicroUsd, RelayId, Timestamp, Usage};

/// One request of another program, and what came of it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct RelayRecord {
    /// Its name.
    pub id: RelayId,
    /// The client that asked, by the name of its key; `None` where no key is asked for.
    pub client: Option<String>,
    /// The client's dialect.
    pub dialect: String,
    /// What it was about: `answer`, `count` or `embeddings`.
    pub demand: String,
    /// The provider that answered, or was to.
    pub provider: String,
    /// The model, as its provider calls it.
    pub model: String,
    /// Everything that decided the answer.
    pub key: Digest,
    /// Where the answer came from; `None` where there was none.
    pub source: Option<AskSource>,
    /// Tokens.
    pub usage: Usage,
    /// Money reserved while it was open.
    pub reserved: MicroUsd,
    /// Money spent.
    pub cost: MicroUsd,
    /// Money that the answer would have cost again, had it not been kept.
    pub saved: MicroUsd,
    /// Milliseconds until the first byte of the answer.
    pub first_byte_ms: Option<u64>,
    /// Milliseconds until its end.
    pub latency_ms: u64,
    /// How often it was sent.
    pub sendings: u32,
    /// HTTP status that the client was answered.
    pub status: u16,
    /// Why there was no complete answer, where there was none.
    pub error: Option<String>,
    /// What had come of an answer that broke off, by the digest under which that is kept. It is
    /// never given as an answer.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub partial: Option<Digest>,
    /// What was decided on its way, for the audit log: the key, the route, waits, redactions.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub decisions: Vec<AuditFact>,
    /// When it came.
    pub at: Timestamp,
}
