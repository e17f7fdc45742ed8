//! This process as one of those that work on the project: on record, alive, and gone without a trace.

use std::{collections::BTreeSet, sync::Arc, time::Duration};

use atelier_exec::Git;
use atelier_model::{Timestamp, WorkerId};
use atelier_store::{Lease, Store, Worker};
use tokio::task::JoinSet;

use crate::{BuildError, Ctx};

/// Time between two signs of life; a worker counts as gone after many of them are missing.
const BEAT: Duration = Duration::from_secs(5);
/// Time between two looks at a lease that somebody else has. How often is not bounded: its holder
/// lives, or loses it.
pub(crate) const LOOK: Duration = Duration::from_millis(200);
/// Letters of a worker's id that begin the names of its worktrees.
const MARK_LETTERS: usize = 10;

/// This process as a worker.
#[derive(Debug)]
pub(crate) struct Presence {
    worker: Worker,
    /// Ends with the presence.
    _heart: JoinSet<()>,
}

impl Presence {
    /// Puts this process on record.
    pub(crate) async fn enter(ctx: &Ctx) -> Result<Self, BuildError> {
        let id = WorkerId::new(ctx.now(), &*ctx.ids);
        let worker = ctx.store.worker_begin(&id, ctx.now()).await?;
        let mut heart = JoinSet::new();
        let (store, clock) = (ctx.store.clone(), Arc::clone(&ctx.clock));
        heart.spawn(async move {
            loop {
                tokio::time::sleep(BEAT).await;
                // A beat that fails is made good by the next; if none comes, the leases tell.
                let _ = store.worker_beat(&id, clock.now()).await;
            }
        });
        Ok(Self {
            worker,
            _heart: heart,
        })
    }

    pub(crate) fn worker(&self) -> &Worker {
        &self.worker
    }

    /// Ends it: what it held is free, and its worktrees are gone. What is worth keeping is committed
    /// or in the store by now.
    pub(crate) async fn leave(self, ctx: &Ctx) {
        // How the work ended is on record and says more than what hinders tidying: whoever works here
        // next sweeps again, and holds this worker for dead once the process is gone.
        let _ = sweep(ctx, Some(self.worker.id())).await;
        let _ = ctx.store.worker_end(self.worker, ctx.now()).await;
    }
}

impl Ctx {
    /// The name of a worktree of this process: no other process uses it.
    pub(crate) fn place(&self, name: &str) -> String {
        match self.store.worker() {
            Some(worker) => format!("{}-{name}", mark(&worker)),
            None => name.to_owned(),
        }
    }
}

/// The end of a worker's id, which is chance.
fn mark(worker: &WorkerId) -> String {
    let id = worker.as_str();
    let from = id.floor_char_boundary(id.len().saturating_sub(MARK_LETTERS));
    id[from..].to_lowercase()
}

/// Removes the worktrees that no living worker uses, those of `leaving` included. Returns their names.
pub(crate) async fn sweep(
    ctx: &Ctx,
    leaving: Option<&WorkerId>,
) -> Result<Vec<String>, BuildError> {
    let left = left_over(&ctx.store, &ctx.git, ctx.now(), leaving).await?;
    ctx.git.worktrees_remove(&left)?;
    Ok(left)
}

/// The names of the worktrees that no living worker uses.
pub(crate) async fn left_over(
    store: &Store,
    git: &Git,
    now: Timestamp,
    leaving: Option<&WorkerId>,
) -> Result<Vec<String>, BuildError> {
    // The names first: what a worker makes that begins meanwhile is none of them.
    let names = git.worktree_names()?;
    let living = store.worker_list(None, now).await?;
    let marks: BTreeSet<String> = living
        .iter()
        .filter(|worker| Some(*worker) != leaving)
        .map(mark)
        .collect();
    let used = |name: &String| {
        // A commit that is being put together says nothing of who does it.
        let unnamed = name.starts_with('.') && !marks.is_empty();
        unnamed || marks.iter().any(|mark| name.starts_with(mark.as_str()))
    };
    Ok(names.into_iter().filter(|name| !used(name)).collect())
}

/// Waits until a lease is free, and takes it.
pub(crate) async fn lease_wait(ctx: &Ctx, name: &str) -> Result<Lease, BuildError> {
    loop {
        if let Some(lease) = ctx.store.lease_take(name, ctx.now()).await? {
            return Ok(lease);
        }
        rest(ctx).await?;
    }
}

/// Waits a moment, unless the work is stopped.
pub(crate) async fn rest(ctx: &Ctx) -> Result<(), BuildError> {
    tokio::select! {
        () = tokio::time::sleep(LOOK) => Ok(()),
        () = ctx.cancel.cancelled() => Err(BuildError::Cancelled),
    }
}
