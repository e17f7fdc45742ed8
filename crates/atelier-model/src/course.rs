//! The course of a run: its tries and its asks, without what was said in them.

use crate::{AskSource, AttemptOutcome, Evidence, MicroUsd, Stage, TaskId, Timestamp, Usage};

/// A try at a task, without what was said in it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AttemptLine {
    /// The task.
    pub task: TaskId,
    /// 1 for the first.
    pub ordinal: u32,
    /// How it ended; `None` while it runs.
    pub outcome: Option<AttemptOutcome>,
    /// The beginning of what the model was told of its failure.
    pub feedback: String,
    /// What its checks concluded.
    pub evidence: Evidence,
    /// When it began.
    pub started_at: Timestamp,
    /// When it ended.
    pub ended_at: Option<Timestamp>,
}

/// An ask, as far as it counts.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AskLine {
    /// The task it was for.
    pub task: Option<TaskId>,
    /// Its stage.
    pub stage: Stage,
    /// Provider.
    pub provider: String,
    /// Model.
    pub model: String,
    /// Where the reply came from, once there is one.
    pub source: Option<AskSource>,
    /// Whether it ended without a reply.
    pub failed: bool,
    /// Tokens; of the first answer where the reply was kept.
    pub usage: Usage,
    /// Money spent.
    pub cost: MicroUsd,
    /// Milliseconds.
    pub latency_ms: u64,
    /// When it was made.
    pub at: Timestamp,
}
