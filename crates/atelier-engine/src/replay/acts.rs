//! What people did in a recorded run, done again at the same places.

use std::collections::BTreeMap;

use atelier_archive::ActRecorded;
use atelier_exec::Commit;
use atelier_model::{Act, Run, RunFact, RunId, RunStatus, TreePath};
use atelier_store::TaskEdit;

use super::{Divergence, Recorded};
use crate::{
    BuildError, ChangeRequest, Ctx, Overrides,
    change::{ChangeEnd, change},
};

/// Does what people did at the place to which a replay has come. Says whether there was anything: the
/// run is to be gone on with then.
pub async fn go_on(ctx: &Ctx, run: &RunId, error: Option<&BuildError>) -> Result<bool, BuildError> {
    // What was not verified then was mended by somebody.
    let at_rest = matches!(
        error,
        None | Some(BuildError::Paused | BuildError::Verdict { .. })
    );
    let Some(recorded) = ctx.recording.as_ref().filter(|_| at_rest) else {
        return Ok(false);
    };
    let mut done = false;
    while let Some(act) = recorded.act_take() {
        let run = ctx.store.run_fetch(run).await?;
        Box::pin(redo(ctx, recorded, &run, act)).await?;
        done = true;
    }
    Ok(done)
}

async fn redo(
    ctx: &Ctx,
    recorded: &Recorded,
    run: &Run,
    done: &ActRecorded,
) -> Result<(), BuildError> {
    let (store, at, id) = (&ctx.store, ctx.now(), &run.id);
    if let Act::Reopened { .. } = &done.act {
        return reopen(ctx, recorded, run, done).await;
    }
    if run.status == RunStatus::Done {
        store.run_advance(id, RunFact::Reopened, at).await?;
    }
    match &done.act {
        Act::PlanGiven { .. } | Act::PlanRemarked { .. } | Act::Reopened { .. } => {}
        Act::PlanChanged { request, .. } => {
            let overrides = Overrides {
                plan_approved: true,
                ..Overrides::default()
            };
            let request = ChangeRequest::from(request.clone());
            match change(ctx, id, &request, &overrides).await? {
                ChangeEnd::Made(_) => {}
                ChangeEnd::Nothing(_) | ChangeEnd::Standing(_) => {
                    return Err(Divergence::NoChange.into());
                }
            }
        }
        Act::TaskAdded { task } => store.task_add(&[(**task).clone()], at).await?,
        Act::TaskEdited {
            task,
            title,
            description,
            acceptance,
            ..
        } => {
            let edit = TaskEdit {
                title: title.clone(),
                description: description.clone(),
                acceptance: acceptance.clone(),
                ..TaskEdit::default()
            };
            store.task_edit(id, task, (&edit, ""), at).await?;
        }
        Act::TaskRemarked { task, remark } => store.task_remark(id, task, remark).await?,
        Act::TasksAgain { tasks } => store.tasks_again(id, tasks, at).await?,
        Act::TaskLeft { task, fact, reason } => {
            let how = (*fact, reason.as_str());
            store.task_leave_out(id, task, how, at).await?;
        }
    }
    Ok(())
}

/// Opens the run again, on its result or on what the user had made of it.
async fn reopen(
    ctx: &Ctx,
    recorded: &Recorded,
    run: &Run,
    done: &ActRecorded,
) -> Result<(), BuildError> {
    let Some(trunk) = run.trunk.clone() else {
        return Ok(());
    };
    let commit = if done.files.is_empty() && done.gone.is_empty() {
        trunk
    } else {
        let mut changes: BTreeMap<_, _> = recorded
            .files(done.files.iter())?
            .into_iter()
            .map(|(path, file)| (path, Some(file)))
            .collect();
        let gone = done
            .gone
            .iter()
            .filter_map(|path| TreePath::parse(path).ok());
        changes.extend(gone.map(|path| (path, None)));
        let made = Commit {
            message: "chore: what was changed before the run was opened again\n".to_owned(),
            parent: Some(&trunk),
            at: ctx.now(),
        };
        ctx.git.commit_changes(&changes, &made)?
    };
    let tip = ctx.git.branch_commit(&run.branch)?;
    ctx.git.branch_set(&run.branch, &commit, tip.as_deref())?;
    ctx.store
        .run_reopen(&run.id, None, &commit, ctx.now())
        .await?;
    Ok(())
}
