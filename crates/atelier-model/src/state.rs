//! The two state machines: every status in the store is written through these functions.

use serde::{Deserialize, Serialize};

use crate::RunStatus;

/// Where a task stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum TaskState {
    /// Waits for tasks it depends on.
    Pending,
    /// Everything it depends on is done.
    Ready,
    /// A model is being asked, or its edits are being applied.
    Running,
    /// Build steps and checks run over the edited tree.
    Verifying,
    /// Verified; the trunk is about to move to it.
    Merging,
    /// The trunk holds it.
    Done,
    /// A person is needed.
    Blocked,
    /// All attempts are used up.
    Failed,
    /// A person gave it up.
    Cancelled,
    /// A person leaves it out: it is not done, and what depends on it waits.
    Skipped,
    /// A person does without its acceptance, for a reason that is on record: it is not done, but
    /// what depends on it goes on.
    Waived,
}

impl TaskState {
    /// Whether nothing more has to be done for it.
    pub fn is_settled(self) -> bool {
        match self {
            Self::Done | Self::Waived => true,
            Self::Pending
            | Self::Ready
            | Self::Running
            | Self::Verifying
            | Self::Merging
            | Self::Blocked
            | Self::Failed
            | Self::Cancelled
            | Self::Skipped => false,
        }
    }

    /// Whether somebody works on it.
    pub fn is_under_way(self) -> bool {
        match self {
            Self::Running | Self::Verifying | Self::Merging => true,
            Self::Pending
            | Self::Ready
            | Self::Done
            | Self::Blocked
            | Self::Failed
            | Self::Cancelled
            | Self::Skipped
            | Self::Waived => false,
        }
    }
}

/// What happened to a task.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum TaskFact {
    /// The last task it depended on is done.
    DependenciesDone,
    /// A worker took it.
    Claimed,
    /// A reply's edits stand in the worktree.
    Edited,
    /// A check failed, or the edits could not be used, and an attempt is left.
    AttemptFailed,
    /// A check failed, or the edits could not be used, and no attempt is left.
    AttemptsUsedUp,
    /// Every check passed and the work is committed.
    Verified,
    /// The trunk moved to its commit.
    Merged,
    /// The trunk could not take it; it must be done again on the newer trunk.
    MergeRefused,
    /// It needs an approval, an answer or a person's look.
    PersonNeeded,
    /// The person answered.
    PersonAnswered,
    /// The process that worked on it is gone.
    Interrupted,
    /// A person asks for another round of attempts.
    RetryAsked,
    /// A person gives it up.
    CancelAsked,
    /// A person leaves it out.
    SkipAsked,
    /// A person does without its acceptance.
    WaiveAsked,
    /// The plan was changed so that it must be done anew.
    PlanChanged,
}

/// What happened to a run.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum RunFact {
    /// The plan is complete.
    PlanDrafted,
    /// The plan may be executed.
    PlanApproved,
    /// Every task is done.
    TasksDone,
    /// The fresh checkout passed every check.
    Verified,
    /// It ended before its goal.
    Ended,
    /// A person wants more of a run that had its end: of a finished one, or of one given up.
    Reopened,
    /// It goes on where no plan is complete yet.
    ResumedPlanning,
    /// It goes on where the plan is complete.
    ResumedRunning,
    /// A person ends it for good.
    CancelAsked,
}

/// A fact that cannot happen in a state.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("move from {state} by {fact}")]
pub struct Refused {
    /// The state.
    pub state: String,
    /// The fact.
    pub fact: String,
}

fn refused<T>(state: impl std::fmt::Debug, fact: impl std::fmt::Debug) -> Result<T, Refused> {
    Err(Refused {
        state: format!("{state:?}"),
        fact: format!("{fact:?}"),
    })
}

/// The state of a task after a fact.
pub fn next_task(state: TaskState, fact: TaskFact) -> Result<TaskState, Refused> {
    use TaskFact as F;
    use TaskState as S;
    Ok(match (state, fact) {
        (S::Pending, F::DependenciesDone)
        | (S::Running | S::Verifying | S::Merging, F::Interrupted)
        | (S::Merging, F::MergeRefused)
        | (S::Blocked, F::PersonAnswered | F::RetryAsked) => S::Ready,
        (S::Ready, F::Claimed) | (S::Running | S::Verifying | S::Merging, F::AttemptFailed) => {
            S::Running
        }
        (S::Running, F::Edited) => S::Verifying,
        (S::Verifying, F::Verified) => S::Merging,
        (S::Merging, F::Merged) => S::Done,
        (S::Running | S::Verifying | S::Merging, F::AttemptsUsedUp) => S::Failed,
        (S::Ready | S::Running | S::Verifying | S::Merging, F::PersonNeeded) => S::Blocked,
        (S::Failed | S::Cancelled | S::Skipped | S::Waived | S::Done, F::RetryAsked)
        | (
            S::Pending
            | S::Ready
            | S::Done
            | S::Blocked
            | S::Failed
            | S::Cancelled
            | S::Skipped
            | S::Waived,
            F::PlanChanged,
        ) => S::Pending,
        // What is merged already, or in this moment, is nothing to leave out any more.
        (S::Pending | S::Ready | S::Running | S::Verifying | S::Blocked | S::Failed, fact)
        | (S::Cancelled | S::Skipped, fact @ (F::SkipAsked | F::WaiveAsked))
        | (S::Skipped, fact @ F::CancelAsked) => left_out(state, fact)?,
        _ => return refused(state, fact),
    })
}

/// The state of a task that a person does not want done.
fn left_out(state: TaskState, fact: TaskFact) -> Result<TaskState, Refused> {
    use TaskFact as F;
    match fact {
        F::CancelAsked => Ok(TaskState::Cancelled),
        F::SkipAsked if state != TaskState::Skipped => Ok(TaskState::Skipped),
        F::WaiveAsked => Ok(TaskState::Waived),
        F::DependenciesDone
        | F::Claimed
        | F::Edited
        | F::AttemptFailed
        | F::AttemptsUsedUp
        | F::Verified
        | F::Merged
        | F::MergeRefused
        | F::PersonNeeded
        | F::PersonAnswered
        | F::Interrupted
        | F::RetryAsked
        | F::PlanChanged
        | F::SkipAsked => refused(state, fact),
    }
}

/// The status of a run after a fact.
pub fn next_run(status: RunStatus, fact: RunFact) -> Result<RunStatus, Refused> {
    use RunFact as F;
    use RunStatus as S;
    Ok(match (status, fact) {
        (S::Planning, F::PlanDrafted) => S::Planned,
        (S::Planned, F::PlanApproved) | (S::Stopped, F::ResumedRunning) => S::Running,
        (S::Stopped, F::ResumedPlanning) => S::Planning,
        (S::Running, F::TasksDone) => S::Verifying,
        (S::Verifying, F::Verified) => S::Done,
        (S::Planning | S::Planned | S::Running | S::Verifying, F::Ended)
        | (S::Done | S::Cancelled, F::Reopened) => S::Stopped,
        (S::Planning | S::Planned | S::Running | S::Verifying | S::Stopped, F::CancelAsked) => {
            S::Cancelled
        }
        _ => return refused(status, fact),
    })
}

#[cfg(test)]
mod tests;
