//! A change of a plan that exists: what is added, changed and removed, and why.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::{Component, PhaseOutline, RequirementItem, Step, TaskId};

/// What a wish makes of a plan, as the change stage answers. What is not named stays as it is.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize, JsonSchema)]
pub struct PlanChange {
    /// What changes, in one or two sentences.
    pub summary: String,
    /// Requirements that are new, or that have new words under their id.
    #[serde(default)]
    pub requirements: Vec<RequirementItem>,
    /// Requirements that no longer hold.
    #[serde(default)]
    pub requirements_removed: Vec<Dropped>,
    /// Components that are new, or described anew under their name.
    #[serde(default)]
    pub components: Vec<Component>,
    /// Phases that are new.
    #[serde(default)]
    pub phases: Vec<PhaseOutline>,
    /// Steps that are new, in the phase that their number names.
    #[serde(default)]
    pub added: Vec<StepChange>,
    /// Steps that exist and must be done in another way, whole, under their number.
    #[serde(default)]
    pub changed: Vec<StepChange>,
    /// Steps whose work is to be taken back.
    #[serde(default)]
    pub removed: Vec<Dropped>,
}

/// A new or changed step, and why.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct StepChange {
    /// Why the wish needs it.
    #[serde(default)]
    pub reason: String,
    /// The whole step.
    pub step: Step,
}

/// Something that is given up, and why.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Dropped {
    /// The requirement's id, or the step's number.
    pub id: String,
    /// Why.
    #[serde(default)]
    pub reason: String,
}

/// What a change of the plan does to a task.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum TaskChangeKind {
    /// It is new.
    Added,
    /// It is done anew, in another way.
    Changed,
    /// It is done anew because something it depends on is.
    Again,
    /// Its work is taken back.
    TakenBack,
    /// It never came to work that could be taken back, and is left out.
    Dropped,
}

impl TaskChangeKind {
    /// Its word.
    pub fn name(self) -> &'static str {
        match self {
            Self::Added => "added",
            Self::Changed => "changed",
            Self::Again => "again",
            Self::TakenBack => "taken_back",
            Self::Dropped => "dropped",
        }
    }
}

/// What a change of the plan does to one task, and why.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct TaskChange {
    /// The task.
    pub task: TaskId,
    /// What is done to it.
    pub kind: TaskChangeKind,
    /// Why.
    pub reason: String,
}
