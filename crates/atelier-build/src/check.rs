//! A check: what of a project is to be done, what happens meanwhile, why it cannot be carried out.

use std::{io, sync::Arc};

use atelier_cas::{EvictError, LookError, RecordError};
use atelier_model::Digest;
use atelier_step::{Capacity, Explanation, OnFailure, ScheduleError, StepIndex, Verdict};
use tokio::{task::JoinError, time::Instant};

use crate::{
    Ahead, CheckReport, Plan, Project, StepReport, Workshop, examine::ExamineError,
    execute::KeepError, look::look, run::Run,
};

/// Why a check could not be carried out. Never a verdict on a step.
#[derive(Debug, thiserror::Error)]
pub enum CheckError {
    /// The steps cannot be scheduled.
    #[error(transparent)]
    Schedule(#[from] ScheduleError),
    /// A step could not be examined.
    #[error(transparent)]
    Examine(#[from] ExamineError),
    /// A result could not be kept or brought back.
    #[error("keep the result of step `{step}`")]
    Keep {
        /// The step.
        step: String,
        /// Why.
        #[source]
        source: KeepError,
    },
    /// What steps made that are no more could not be removed.
    #[error("remove what steps made that are no more")]
    Retire {
        /// Why.
        #[source]
        source: KeepError,
    },
    /// The store could not be written.
    #[error(transparent)]
    Record(#[from] RecordError),
    /// Files could not be looked at again.
    #[error(transparent)]
    Look(#[from] LookError),
    /// There could not be made room in the store.
    #[error(transparent)]
    Evict(#[from] EvictError),
    /// Processors could not be shared out.
    #[error("share out processors")]
    JobServer(#[source] io::Error),
    /// Work was given up before it was done.
    #[error("finish the check: work of it was given up")]
    Lost,
}

/// What of a project is to be done, and how.
#[derive(Debug, Clone)]
pub struct Choice {
    /// The steps.
    pub wanted: Vec<StepIndex>,
    /// Whether results of before are not used.
    pub force: bool,
    /// What a failure means for the other steps.
    pub on_failure: OnFailure,
    /// What the machine gives.
    pub capacity: Capacity,
    /// Whether the report is to have a trace.
    pub trace: bool,
    /// Whether steps are named that nothing had to be done for. Of many steps they would be most of what
    /// is told.
    pub named: bool,
    /// Under what it is kept that everything stands, for [`standing`](crate::standing()): what tells this
    /// choice of these steps from every other. Not kept if `None`.
    pub asked: Option<Digest>,
}

/// Something that happens in a check.
#[derive(Debug)]
pub enum Progress<'a> {
    /// What is about to be done, where that is anything.
    Planned(&'a Plan),
    /// A step is executed.
    Began {
        /// The step.
        step: &'a str,
        /// Which try this is, from 1.
        attempt: u32,
        /// Why.
        why: &'a Explanation,
    },
    /// A step is over.
    Over(&'a StepReport),
}

impl Progress<'_> {
    /// Whether a step is over that nothing had to be done for.
    pub fn is_spared(&self) -> bool {
        match self {
            Self::Planned(_) | Self::Began { .. } => false,
            Self::Over(report) => {
                let words = [Verdict::CutOff, Verdict::UpToDate].map(Verdict::as_str);
                words.contains(&report.verdict.as_str())
            }
        }
    }
}

/// Executes what has to be executed of a project's steps, and says what became of each.
pub async fn check(
    shop: &Workshop,
    project: &Arc<Project>,
    choice: &Choice,
    tell: &(dyn Fn(Progress<'_>) + Send + Sync),
) -> Result<CheckReport, CheckError> {
    check_after(shop, project, choice, None, tell).await
}

/// The same, where one of the steps may have been executed already.
pub async fn check_after(
    shop: &Workshop,
    project: &Arc<Project>,
    choice: &Choice,
    ahead: Option<Box<Ahead>>,
    tell: &(dyn Fn(Progress<'_>) + Send + Sync),
) -> Result<CheckReport, CheckError> {
    let begun = Instant::now();
    let first = look(shop, project, choice).await?;
    Run::new(
        shop,
        project,
        choice,
        tell,
        first,
        ahead.map(|ahead| *ahead),
        begun,
    )?
    .conclude()
    .await
}

/// Runs work that blocks where it may.
pub(crate) async fn blocking<T: Send + 'static>(
    work: impl FnOnce() -> Result<T, CheckError> + Send + 'static,
) -> Result<T, CheckError> {
    joined(tokio::task::spawn_blocking(work).await)?
}

/// What a task returned; its panic is ours.
pub(crate) fn joined<T>(done: Result<T, JoinError>) -> Result<T, CheckError> {
    done.map_err(|error| match error.try_into_panic() {
        Ok(panic) => std::panic::resume_unwind(panic),
        Err(_) => CheckError::Lost,
    })
}
