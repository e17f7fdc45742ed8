//! Summaries of longer texts, and the record of what a prompt was put together from.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::{Digest, RunId, TaskId, Timestamp};

/// What of a longer text matters to a task that needs it as background.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize, JsonSchema)]
pub struct Summary {
    /// What the text is about and what it wants, in at most three sentences.
    pub goal: String,
    /// Decisions that the text records, one each.
    #[serde(default)]
    pub decisions: Vec<String>,
    /// What must hold: limits, formats, names, prohibitions, one each.
    #[serde(default)]
    pub constraints: Vec<String>,
    /// Paths and names that others rely on, spelled as in the text, one each.
    #[serde(default)]
    pub names: Vec<String>,
    /// What the text leaves open, one each.
    #[serde(default)]
    pub open: Vec<String>,
}

/// Who made a summary.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum SummaryMaker {
    /// A model was asked.
    Model,
    /// The text's own first sentences and rules; no model, or none whose answer was usable.
    Extract,
}

/// A summary that a run keeps: what is summarised once is not summarised again.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SummaryRecord {
    /// The run.
    pub run: RunId,
    /// Digest of the text and of everything else that decides the summary.
    pub key: Digest,
    /// What was summarised, such as `the requirement`.
    pub name: String,
    /// Who made it.
    pub maker: SummaryMaker,
    /// The summary.
    pub summary: Summary,
    /// Why no model's answer could be used, where one was asked; empty otherwise.
    pub fault: String,
    /// When.
    pub at: Timestamp,
}

/// One piece of a prompt.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct PromptPart {
    /// What it is: a path, or words such as `the requirement`.
    pub name: String,
    /// How it was put in, such as `whole`, `summary` or `first 40 lines`; `left out` where it was
    /// not.
    pub form: String,
    /// Its estimated tokens.
    pub tokens: usize,
    /// The estimated tokens of the whole.
    pub tokens_full: usize,
    /// Why it is shorter than the whole, or left out; empty where it is whole.
    #[serde(default)]
    pub why: String,
}

/// What the first prompt of a conversation about a task was put together from.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct PromptRecord {
    /// The run.
    pub run: RunId,
    /// The task.
    pub task: TaskId,
    /// The attempt whose ask it is first used in.
    pub attempt: u32,
    /// The commit whose files were shown; nothing where there was none.
    #[serde(default)]
    pub base: Option<String>,
    /// Its pieces, in the order of the prompt.
    pub parts: Vec<PromptPart>,
    /// Estimated tokens of the whole prompt, instructions included.
    pub tokens: usize,
}
