//! Proposals that a person ticked: each becomes a task, once.

use std::collections::BTreeSet;

use atelier_docs::codex::{PROPOSALS_FILE, Proposal, proposals};
use atelier_model::{Run, RunId, RunStatus, TaskId, TaskSource, TreePath};

use crate::{
    BuildError, Ctx, NewTask,
    inject::{join, open, task_add_alone},
    presence::{Presence, lease_wait},
};

/// Runs whose tasks are looked at.
pub(super) const RUNS_MAX: u32 = 50;
/// What ticked proposals are worth beside the plan.
const PRIORITY: i32 = 0;

/// What became of ticked proposals.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Synced {
    /// The run that does them.
    pub run: Option<RunId>,
    /// The tasks that were made.
    pub tasks: Vec<TaskId>,
    /// Proposals that become tasks when the run is executed.
    pub waiting: usize,
}

/// Makes tasks of the proposals that a person ticked and committed.
pub async fn task_sync(ctx: &Ctx) -> Result<Synced, BuildError> {
    let presence = Presence::enter(ctx).await?;
    let lease = lease_wait(ctx, "tasks").await?;
    let synced = sync(ctx).await;
    ctx.store.lease_give_back(&lease).await?;
    presence.leave(ctx).await;
    synced
}

async fn sync(ctx: &Ctx) -> Result<Synced, BuildError> {
    let mut wanted = wanted(ctx).await?;
    if wanted.is_empty() {
        return Ok(Synced::default());
    }
    let newest = ctx.store.run_list(1).await?.into_iter().next();
    if let Some(run) = &newest {
        if open(ctx, run).await? {
            let tasks = join_all(ctx, run, wanted).await?;
            let run = Some(run.id.clone());
            return Ok(Synced {
                run,
                tasks,
                waiting: 0,
            });
        }
        if !matches!(run.status, RunStatus::Done | RunStatus::Cancelled) {
            let (run, waiting) = (Some(run.id.clone()), wanted.len());
            return Ok(Synced {
                run,
                waiting,
                ..Synced::default()
            });
        }
    }
    // One begins a run; the others join it when it is executed.
    let first = wanted.remove(0);
    let (run, task) = task_add_alone(ctx, &new(first)).await?;
    Ok(Synced {
        run: Some(run),
        tasks: vec![task],
        waiting: wanted.len(),
    })
}

/// Makes tasks of a run that is executed out of what a person ticked.
pub(crate) async fn take(ctx: &Ctx, run: &Run) -> Result<(), BuildError> {
    if ctx.recording.is_some() {
        return Ok(());
    }
    let lease = lease_wait(ctx, "tasks").await?;
    let taken = match wanted(ctx).await {
        Ok(wanted) => join_all(ctx, run, wanted).await,
        Err(error) => Err(error),
    };
    ctx.store.lease_give_back(&lease).await?;
    taken.map(|_| ())
}

/// Opens a finished run again where a person ticked something since; says whether it did.
pub(crate) async fn reopen(ctx: &Ctx, run: &Run) -> Result<bool, BuildError> {
    if ctx.recording.is_some() {
        return Ok(false);
    }
    let lease = lease_wait(ctx, "tasks").await?;
    let opened = reopen_alone(ctx, run).await;
    ctx.store.lease_give_back(&lease).await?;
    opened
}

async fn reopen_alone(ctx: &Ctx, run: &Run) -> Result<bool, BuildError> {
    let wanted = wanted(ctx).await?;
    if wanted.is_empty() || !open(ctx, run).await? {
        return Ok(false);
    }
    join_all(ctx, run, wanted).await?;
    Ok(true)
}

async fn join_all(ctx: &Ctx, run: &Run, wanted: Vec<String>) -> Result<Vec<TaskId>, BuildError> {
    let mut tasks = Vec::new();
    for text in wanted {
        tasks.push(join(ctx, run, &new(text)).await?.1);
    }
    Ok(tasks)
}

fn new(text: String) -> NewTask {
    NewTask {
        title: text.clone(),
        description: text,
        outputs: Vec::new(),
        checks: Vec::new(),
        priority: PRIORITY,
        agent: None,
        source: TaskSource::Proposal,
    }
}

/// What a person ticked and committed, and no task came of, in any run.
async fn wanted(ctx: &Ctx) -> Result<Vec<String>, BuildError> {
    let (Some(commit), Ok(path)) = (ctx.git.head()?.commit, PROPOSALS_FILE.parse::<TreePath>())
    else {
        return Ok(Vec::new());
    };
    let found = ctx.git.files_at(&[(commit.as_str(), &path)])?;
    let Some(text) = found.into_iter().next().flatten() else {
        return Ok(Vec::new());
    };
    let ticked = proposals(&String::from_utf8_lossy(&text)).into_iter();
    let mut ticked: Vec<String> = ticked
        .filter(Proposal::is_wanted)
        .map(|one| one.text)
        .collect();
    if ticked.is_empty() {
        return Ok(ticked);
    }
    let mut taken = BTreeSet::new();
    for run in ctx.store.run_list(RUNS_MAX).await? {
        let tasks = ctx.store.task_list(&run.id).await?.into_iter();
        let own = tasks.filter(|task| task.source == TaskSource::Proposal);
        taken.extend(own.map(|task| task.description));
    }
    ticked.retain(|text| taken.insert(text.clone()));
    Ok(ticked)
}
