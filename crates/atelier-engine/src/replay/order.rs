//! The order of a recorded run: which task is next, and on which commit it stands.

use atelier_model::{Attempt, EditForm, Run, Task, TaskId};

use super::Divergence;
use crate::{BuildError, Ctx};

/// Of the tasks that may begin, the one that began then.
pub(crate) async fn next(
    ctx: &Ctx,
    run: &Run,
    offered: Vec<TaskId>,
) -> Result<Vec<TaskId>, BuildError> {
    rest(ctx)?;
    let Some(recorded) = ctx.recording.as_ref().filter(|_| !offered.is_empty()) else {
        return Ok(offered);
    };
    let trunk = ctx.store.run_fetch(&run.id).await?.trunk;
    let trunk = trunk.or_else(|| run.base_commit.clone());
    let tree = trunk.map(|commit| ctx.git.tree_id(&commit)).transpose()?;
    let mut known = Vec::new();
    for task in offered {
        let attempts = ctx.store.attempt_list(&run.id, &task).await?;
        known.push((task, attempts.last().map_or(0, |one| one.ordinal)));
    }
    let next = recorded.next(&known, tree.as_deref());
    let (next, first) = next.ok_or_else(|| Divergence::Order {
        number: recorded.commits() + 1,
    })?;
    if let Some(first) = first {
        ctx.store.task_round_set(&run.id, &next, first).await?;
    }
    Ok(vec![next])
}

/// Comes to rest where a person did something in the recorded run that is not done yet here.
pub(crate) fn rest(ctx: &Ctx) -> Result<(), BuildError> {
    match &ctx.recording {
        Some(recorded) if recorded.is_act_due() => Err(BuildError::Paused),
        Some(_) | None => Ok(()),
    }
}

/// The commit of this run on which the next attempt at a task stood then; `None` where there is no
/// record, or it stood on nothing.
pub(crate) async fn base(
    ctx: &Ctx,
    run: &Run,
    task: &Task,
    earlier: &[Attempt],
) -> Result<Option<String>, BuildError> {
    let Some(recorded) = &ctx.recording else {
        return Ok(None);
    };
    let attempts = earlier.last().map_or(0, |one| one.ordinal);
    let attempts = attempts.max(task.round_first.saturating_sub(1));
    let Some(tree) = recorded.base(&task.id, attempts) else {
        return Ok(None);
    };
    let trunk = ctx.store.run_fetch(&run.id).await?.trunk;
    let history = ctx.store.trunk_list(&run.id).await?;
    let before = history.into_iter().rev().map(|point| point.commit);
    let all = trunk
        .into_iter()
        .chain(before)
        .chain(run.base_commit.clone());
    for commit in all {
        if ctx.git.tree_id(&commit)? == tree {
            return Ok(Some(commit));
        }
    }
    Ok(None)
}

/// The form in which a task was asked for its edits on a commit.
pub(crate) fn form(
    ctx: &Ctx,
    task: &Task,
    base: Option<&str>,
) -> Result<Option<EditForm>, BuildError> {
    let Some(recorded) = &ctx.recording else {
        return Ok(None);
    };
    let tree = base.map(|commit| ctx.git.tree_id(commit)).transpose()?;
    Ok(recorded.form((&task.id, task.round_first), tree.as_deref()))
}
