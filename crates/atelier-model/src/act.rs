//! Acts: what people did to a run that decides what it came to, beside its requirement.

use serde::{Deserialize, Serialize};

use crate::{Acceptance, DevPlan, Task, TaskFact, TaskId};

/// What a person did to a run. Doing the same at the same places of its history leads to the same
/// result.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "type", rename_all = "snake_case")]
pub enum Act {
    /// The plan was not drafted: it was given, with tasks where they are not those of its steps.
    PlanGiven {
        /// The plan.
        plan: Box<DevPlan>,
        /// The tasks, where they were given too.
        tasks: Vec<Task>,
    },
    /// The plan was sent back.
    PlanRemarked {
        /// What was said against it.
        remark: String,
    },
    /// The plan was changed.
    PlanChanged {
        /// What was asked for.
        request: ChangeAsked,
        /// The requirement as it read before.
        before: String,
    },
    /// A finished run was opened again.
    Reopened {
        /// The user's newest commit then.
        commit: String,
    },
    /// A task was added.
    TaskAdded {
        /// The task.
        task: Box<Task>,
    },
    /// A task was changed.
    TaskEdited {
        /// The task.
        task: TaskId,
        /// Its title, where that was changed.
        title: Option<String>,
        /// What is to be done, where that was changed.
        description: Option<String>,
        /// How it is proved, where that was changed.
        acceptance: Option<Vec<Acceptance>>,
        /// The tasks that were done and begin anew because of it.
        again: Vec<TaskId>,
    },
    /// Something was said against what a task is to do.
    TaskRemarked {
        /// The task.
        task: TaskId,
        /// What.
        remark: String,
    },
    /// Tasks were given another round of attempts.
    TasksAgain {
        /// The tasks.
        tasks: Vec<TaskId>,
    },
    /// A task was left out.
    TaskLeft {
        /// The task.
        task: TaskId,
        /// In which way.
        fact: TaskFact,
        /// Why.
        reason: String,
    },
}

/// What was asked for when a plan was changed.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "type", rename_all = "snake_case")]
pub enum ChangeAsked {
    /// A wish in a person's words.
    Wish {
        /// The words.
        text: String,
    },
    /// The requirement, edited.
    Requirement {
        /// As it reads now.
        text: String,
    },
    /// The plan, edited.
    Plan {
        /// The requirement beside it.
        requirement: String,
        /// The plan.
        plan: Box<DevPlan>,
    },
}

/// An act with its place in the history of its run.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ActRecord {
    /// How often the trunk had moved before it.
    pub moves: u64,
    /// What was done.
    pub act: Act,
}
