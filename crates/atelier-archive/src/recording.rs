//! What a pack tells of a run beside its replies: all that decided what was asked and built.

use std::collections::BTreeMap;

use atelier_model::{
    AskDescriptor, AttemptOutcome, Component, Digest, EditForm, Evidence, Stage, Task, TaskId,
};
use serde::{Deserialize, Serialize};

/// What is recorded of a run.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
pub struct Recording {
    /// Templates that stood in for built-in ones, by name.
    pub prompts: BTreeMap<String, String>,
    /// Recipes of the project's own, by name.
    pub recipes: BTreeMap<String, String>,
    /// Every answered ask, by stage, task and attempt.
    pub asks: Vec<AskRecorded>,
    /// Every attempt at every task.
    pub attempts: Vec<AttemptRecorded>,
    /// Tasks that a person added.
    pub tasks: Vec<Task>,
    /// The first attempt of the newest round of each task: what a person had retried.
    pub rounds: BTreeMap<TaskId, u32>,
    /// Components of earlier runs that the documents describe.
    pub components: Vec<Component>,
    /// The files it began from.
    pub base: Vec<FileRecorded>,
    /// Files that builds wrote and that belong to the work, by task.
    pub built: BTreeMap<TaskId, Vec<FileRecorded>>,
    /// What the final check of the last commit came to.
    pub verdict: VerdictRecorded,
    /// Git's id of the tree of the last commit, which brings the lock.
    pub tree: String,
}

/// An answered ask.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct AskRecorded {
    /// Its stage.
    pub stage: Stage,
    /// Its task.
    pub task: Option<TaskId>,
    /// Its key.
    pub key: Digest,
    /// Who answered.
    pub provider: String,
    /// What the key was made of.
    pub descriptor: AskDescriptor,
    /// The conversation.
    pub prompt: Digest,
}

/// An attempt at a task.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct AttemptRecorded {
    /// The task.
    pub task: TaskId,
    /// Its ordinal.
    pub ordinal: u32,
    /// Git's id of the tree it began from.
    pub base: Option<String>,
    /// How it ended.
    pub outcome: Option<AttemptOutcome>,
    /// The form its edits were asked for.
    pub form: Option<EditForm>,
    /// What its checks concluded; the outputs are contents of the pack.
    pub evidence: Evidence,
}

/// A file of a tree.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct FileRecorded {
    /// Where it stands.
    pub path: String,
    /// Whether it may be executed.
    pub executable: bool,
    /// Its content.
    pub content: Digest,
}

/// What a final check came to.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct VerdictRecorded {
    /// How many checks ran.
    pub checks: u64,
    /// How many tests were executed.
    pub tests: u64,
}
