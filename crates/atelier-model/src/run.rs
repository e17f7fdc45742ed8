//! Runs: one invocation over a project.

use serde::{Deserialize, Serialize};

use crate::{Budget, Digest, RunId, Timestamp};

/// When a person is asked before work goes on.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Approval {
    /// Never.
    #[default]
    Never,
    /// Once, after planning.
    Plan,
    /// After planning and before each task.
    Task,
}

/// How far a run goes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum RunMode {
    /// From the requirement to a verified branch.
    #[default]
    Build,
    /// Stops after planning.
    PlanOnly,
}

/// Where a run stands. Only [`crate::next_run`] moves it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum RunStatus {
    /// The stages are being asked.
    Planning,
    /// The plan is complete and waits for a person, or for `atelier run`.
    Planned,
    /// Tasks are being executed.
    Running,
    /// The final commit is being checked in a fresh checkout.
    Verifying,
    /// Everything is verified.
    Done,
    /// It ended before its goal and can be resumed.
    Stopped,
    /// A person ended it for good.
    Cancelled,
}

/// One invocation over a project.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Run {
    /// Its id.
    pub id: RunId,
    /// The requirement, word for word.
    pub requirement: String,
    /// Digest of the requirement.
    pub requirement_digest: Digest,
    /// How far it goes.
    pub mode: RunMode,
    /// When a person is asked.
    pub approval: Approval,
    /// What it may use up.
    pub budget: Budget,
    /// The user's branch at the start; `None` for a detached head.
    pub base_branch: Option<String>,
    /// The commit at the start; `None` where the repository had none.
    pub base_commit: Option<String>,
    /// The branch that receives verified commits.
    pub branch: String,
    /// The newest verified commit on that branch.
    pub trunk: Option<String>,
    /// Where it stands.
    pub status: RunStatus,
    /// The exit code of its newest end.
    pub exit_code: Option<i32>,
    /// One line on its newest end.
    pub reason: String,
    /// When it was created.
    pub created_at: Timestamp,
    /// When it last ended.
    pub ended_at: Option<Timestamp>,
}
