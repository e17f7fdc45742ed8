//! What a pack tells of a run beside its replies: all that decided what was asked and built.

use std::collections::BTreeMap;

use atelier_model::{
    Act, AskDescriptor, AttemptOutcome, Component, Digest, EditForm, Evidence, Stage, Task, TaskId,
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
    /// Tasks that a person added, where what people did is not recorded.
    pub tasks: Vec<Task>,
    /// The first attempt of the newest round of each task, where attempts do not say theirs.
    pub rounds: BTreeMap<TaskId, u32>,
    /// What people did, in its order.
    #[serde(default)]
    pub acts: Vec<ActRecorded>,
    /// Summaries that no model's answer could be used for, by what decides them, each with the reason:
    /// extracts stood in.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub extracts: BTreeMap<Digest, String>,
    /// The locks that came with commits before the last one, by the number of the commit from 1.
    #[serde(default)]
    pub locks: BTreeMap<usize, String>,
    /// Components of earlier runs that the documents describe.
    pub components: Vec<Component>,
    /// The files it began from.
    pub base: Vec<FileRecorded>,
    /// Files that builds wrote and that belong to the work, by task, where attempts do not say theirs.
    pub built: BTreeMap<TaskId, Vec<FileRecorded>>,
    /// What the final check of the last commit came to.
    pub verdict: VerdictRecorded,
    /// Git's id of the tree of the last commit, which brings the lock.
    pub tree: String,
}

/// What a person did, and where in the run.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct ActRecorded {
    /// How many commits of the run there were.
    pub after: usize,
    /// What was done.
    pub act: Act,
    /// What the user's own commits had changed, where the run was opened again.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub files: Vec<FileRecorded>,
    /// The files they had taken away.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub gone: Vec<String>,
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
    /// The first attempt of its round, where that is known.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub first: Option<u32>,
    /// Git's id of the tree that its work did not fit with.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub met: Option<String>,
    /// Files that its build wrote and that belong to the work.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub built: Vec<FileRecorded>,
    /// What was put back while it was worked on, in the words of the documents.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub restored: Vec<String>,
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
