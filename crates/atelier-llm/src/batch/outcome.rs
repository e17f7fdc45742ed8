//! How far a batch is, where it is, and what came of its questions.

use std::collections::BTreeSet;

use atelier_model::{Timestamp, Usage};
use serde_json::Value;

/// How far a provider is with a batch.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct BatchProgress {
    /// Whether it is still at it, done, or did not take it.
    pub stage: BatchStage,
    /// Its own word for that.
    pub word: String,
    /// Questions that are answered.
    pub succeeded: u64,
    /// Questions that failed, were given up or came too late.
    pub failed: u64,
    /// Why it did not take it.
    pub said: Option<String>,
    /// Where the answers are.
    pub(super) places: Vec<String>,
}

/// What a provider does with a batch.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum BatchStage {
    /// It is at it.
    Going,
    /// It is done; some questions may have no answer.
    Ended,
    /// It did not take it.
    Refused,
}

/// What is known of a batch whose name at the provider nobody heard.
#[derive(Debug, Clone, Copy)]
pub struct BatchTrace<'a> {
    /// Its name here, which went with it.
    pub token: &'a str,
    /// How many questions it has.
    pub questions: usize,
    /// When the request went out that made it.
    pub ordered_at: Timestamp,
    /// What other batches are called at the provider.
    pub others: &'a BTreeSet<String>,
}

/// Where such a batch is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum BatchFound {
    /// It is there, under this name.
    Here(String),
    /// So many may be it; which one is seen when they have ended.
    Perhaps(usize),
    /// The provider lists nothing that could be it.
    Nowhere,
}

/// What came of one question.
#[derive(Debug, Clone, PartialEq)]
pub enum BatchOutcome {
    /// An answer.
    Answered {
        /// Its text.
        text: String,
        /// All of it, as the provider wrote it.
        response: Value,
        /// Its tokens, where the provider tells them.
        usage: Option<Usage>,
    },
    /// An error in its place.
    Failed {
        /// HTTP status that means the same, where there is one.
        status: Option<u16>,
        /// The provider's words.
        said: String,
    },
    /// Nothing at all.
    Missing,
}
