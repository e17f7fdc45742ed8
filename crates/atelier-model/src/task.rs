//! Tasks: what is executed, and the tries at them.

use serde::{Deserialize, Serialize};

use crate::{
    Acceptance, ContextHints, Digest, Evidence, FormUse, MicroUsd, RunId, TaskId, TaskState,
    Timestamp,
};

/// Who asked for a task.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum TaskSource {
    /// A step of the plan.
    Plan,
    /// A person, by `task add` or in the shell.
    User,
    /// A person, who ticked it where it was proposed.
    Proposal,
    /// The agent that did the task before it.
    Agent,
}

/// One unit of work.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Task {
    /// Its id: `t` and the step's number, or `u` and a count for a user's task.
    pub id: TaskId,
    /// The run it belongs to.
    pub run: RunId,
    /// The step it came from.
    pub step: Option<String>,
    /// Short title in the imperative.
    pub title: String,
    /// What to do.
    pub description: String,
    /// Why.
    pub why: String,
    /// Ids of the requirements it serves.
    pub requirements: Vec<String>,
    /// Tasks that must be done first.
    pub depends_on: Vec<TaskId>,
    /// Paths it reads.
    pub inputs: Vec<String>,
    /// Paths it creates or changes.
    pub outputs: Vec<String>,
    /// Paths only it may write while it runs.
    pub owns: Vec<String>,
    /// Paths it must not change.
    pub protected: Vec<String>,
    /// How it proves that it is done.
    pub acceptance: Vec<Acceptance>,
    /// What the one who does it should see.
    pub context: ContextHints,
    /// Higher goes first among ready tasks.
    pub priority: i32,
    /// Who asked for it.
    pub source: TaskSource,
    /// The agent that does it; the one that takes its files if left out.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub agent: Option<String>,
    /// Tries so far: the ordinal of the newest attempt.
    pub attempts: u32,
    /// Ordinal of the first attempt of the current round; a retry asked for by a person begins a
    /// new round, which is asked anew and not answered from the store.
    pub round_first: u32,
    /// Where it stands.
    pub state: TaskState,
    /// The commit that finished it.
    pub commit: Option<String>,
}

/// How a try ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum AttemptOutcome {
    /// Verified and committed.
    Passed,
    /// The reply held no usable edits.
    EditsRefused,
    /// A build step or check failed.
    ChecksFailed,
    /// The run ended before the try did.
    Interrupted,
    /// It passed on its own, but not together with what the trunk had become meanwhile.
    Conflict,
}

/// One try at a task.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Attempt {
    /// The run.
    pub run: RunId,
    /// The task.
    pub task: TaskId,
    /// 1 for the first try.
    pub ordinal: u32,
    /// Commit it started from.
    pub base: String,
    /// Digest of the reply's text.
    pub reply: Option<Digest>,
    /// How its edits were asked for and what came of them, once a model has answered.
    pub edits: Option<FormUse>,
    /// How it ended; `None` while it runs.
    pub outcome: Option<AttemptOutcome>,
    /// What failed, worded for the model that must mend it.
    pub feedback: String,
    /// What the checks concluded.
    pub evidence: Evidence,
    /// What its asks cost.
    pub cost: MicroUsd,
    /// When it began.
    pub started_at: Timestamp,
    /// When it ended.
    pub ended_at: Option<Timestamp>,
}
