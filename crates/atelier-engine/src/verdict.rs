//! The final verdict: everything checked again, in a fresh checkout of the final commit.

use atelier_archive::LOCK_FILE;
use atelier_exec::Commit;
use atelier_model::{
    DevPlan, EventKind, Evidence, FileEntry, FileTree, Run, RunFact, Task, TaskState, TreePath,
};
use atelier_plan::Draft;

use crate::{
    BuildError, Ctx, commit,
    hidden::{self, Graded},
    protect, replay, report, sealed,
    verify::Verification,
};

/// Describes the finished project: the documents get their prose and are committed.
///
/// Prose is welcome, not needed: where the model cannot be asked, the documents say what the state
/// says, and the report tells why there is no more.
pub(crate) async fn describe(ctx: &Ctx, run: &Run, plan: &DevPlan) -> Result<(), BuildError> {
    let Some(trunk) = ctx.store.run_fetch(&run.id).await?.trunk else {
        return Ok(());
    };
    let files = ctx.git.tree_of(&trunk, &ctx.limits)?;
    // The lock may stand there already, where the process died right after this: what is described
    // is the project, the same each time.
    let mut project = files.clone();
    if let Ok(lock) = TreePath::parse(LOCK_FILE) {
        project.remove(&lock);
    }
    let tasks = ctx.store.task_list(&run.id).await?;
    let draft = Draft {
        store: &ctx.store,
        gateway: &ctx.gateway,
        library: &ctx.library,
        clock: &*ctx.clock,
        limits: &ctx.limits,
        cancel: &ctx.cancel,
        run,
    };
    let prose = match draft.prose(plan, &project, &tasks).await {
        Ok(prose) => Some(prose),
        Err(_) if ctx.cancel.is_cancelled() => return Err(BuildError::Cancelled),
        Err(error) if replay::has_prose(ctx) => return Err(error.into()),
        Err(error) => {
            let message = format!(
                "the documents stay without prose: {}",
                crate::error::chain(&error)
            );
            let kind = EventKind::Warning { message };
            ctx.store
                .event_append(Some(&run.id), None, kind, ctx.now())
                .await?;
            None
        }
    };
    let rendered = report::documents(ctx, run, plan, &project, None, prose.as_ref()).await?;
    let subject = format!("docs: describe {} as built", plan.design.name);
    let stands = |document: &atelier_docs::Rendered| {
        let file = files.get(&document.path);
        file.is_some_and(|file| file.bytes == document.text.as_bytes())
    };
    let lock = replay::lock_text(ctx, run, &files, rendered.iter().all(stands)).await?;
    commit_files(
        ctx,
        run,
        (Some(&trunk), &files),
        (&rendered, Some(lock)),
        &subject,
    )
    .await
}

/// Commits documents that belong to no task, where they say anything new.
pub(crate) async fn commit_documents(
    ctx: &Ctx,
    run: &Run,
    base: Option<&str>,
    files: &FileTree,
    rendered: &[atelier_docs::Rendered],
    subject: &str,
) -> Result<(), BuildError> {
    commit_files(ctx, run, (base, files), (rendered, None), subject).await
}

/// The same, with the lock of the run beside them.
async fn commit_files(
    ctx: &Ctx,
    run: &Run,
    (base, files): (Option<&str>, &FileTree),
    (rendered, lock): (&[atelier_docs::Rendered], Option<String>),
    subject: &str,
) -> Result<(), BuildError> {
    let mut tree = files.clone();
    if let Some((lock, path)) = lock.zip(TreePath::parse(LOCK_FILE).ok()) {
        tree.put(path, FileEntry::text(lock));
    }
    for document in rendered {
        tree.put(
            document.path.clone(),
            FileEntry::text(document.text.clone()),
        );
    }
    let changes = files.changes_to(&tree);
    if changes.is_empty() {
        return Ok(());
    }
    let audited = ctx.store.audit_newest().await?;
    let message = commit::house_message(&run.id, subject, tree.digest(), audited.as_ref());
    let made = ctx.git.commit_changes(
        &changes,
        &Commit {
            message,
            parent: base,
            at: ctx.now(),
        },
    )?;
    ctx.store.run_trunk_set(&run.id, &made, ctx.now()).await?;
    report::trunk_moved(ctx, run, &made, base)?;
    report::keep_documents(ctx, run, rendered).await
}

/// Checks the trunk of a run that is done in part, in a fresh checkout.
pub(crate) async fn part(ctx: &Ctx, run: &Run) -> Result<(), BuildError> {
    let Some(commit) = ctx.store.run_fetch(&run.id).await?.trunk else {
        return Ok(());
    };
    let tasks = ctx.store.task_list(&run.id).await?;
    match check(ctx, run, &tasks, &commit).await? {
        None => Ok(()),
        Some(reason) => Err(BuildError::Verdict { commit, reason }),
    }
}

/// Checks the trunk in a fresh checkout and says what it found.
pub(crate) async fn verdict(ctx: &Ctx, run: &Run) -> Result<(), BuildError> {
    let Some(commit) = ctx.store.run_fetch(&run.id).await?.trunk else {
        return Err(BuildError::Verdict {
            commit: "none".to_owned(),
            reason: "nothing was built".to_owned(),
        });
    };
    let tasks = ctx.store.task_list(&run.id).await?;
    let reason = check(ctx, run, &tasks, &commit).await?;
    match reason {
        None => {
            ctx.store
                .run_advance(&run.id, RunFact::Verified, ctx.now())
                .await?;
            Ok(())
        }
        Some(reason) => Err(BuildError::Verdict { commit, reason }),
    }
}

/// Checks any commit against the criteria of the tasks that are done; `None` when all of it holds.
pub(crate) async fn check(
    ctx: &Ctx,
    run: &Run,
    tasks: &[Task],
    commit: &str,
) -> Result<Option<String>, BuildError> {
    if replay::verdict_taken(ctx, run, commit).await? {
        return Ok(None);
    }
    let tree = ctx.git.tree_of(commit, &ctx.limits)?;
    let checkout = ctx.git.checkout_fresh(&ctx.place("verdict"), commit)?;
    // Nor may anything steer the tools that an earlier command left beside the checkout.
    atelier_exec::home_settle(&ctx.home).map_err(BuildError::Home)?;
    let done = tasks.iter().filter(|task| task.state == TaskState::Done);
    let acceptance = done
        .flat_map(|task| {
            let number = task.step.as_deref().unwrap_or(task.id.as_str());
            task.acceptance
                .iter()
                .map(move |one| (format!("{number}/{}", one.id), one))
        })
        .collect();
    let verification = Verification {
        ctx,
        run: &run.id,
        task: None,
        folder: checkout.path(),
        tree: &tree,
        guarded: protect::guarded(&tree, None),
        acceptance,
        others: Vec::new(),
        tests_before: report::tests_so_far(ctx, run).await?,
        ask_person: false,
    };
    let evidence = verification.run().await;
    ctx.git.worktree_remove(&checkout)?;
    let evidence = evidence?;
    let whole = tasks.iter().all(|task| task.state == TaskState::Done);
    let reason = match failure(&evidence, whole) {
        None => beyond(ctx, run, (tasks, commit, &tree), &evidence).await?,
        reason => reason,
    };
    let kind = EventKind::RunVerified {
        commit: commit.to_owned(),
        passed: reason.is_none(),
        checks: evidence.checks.len() as u64,
        tests: report::of_steps(&evidence).max(most_of_criteria(&evidence)),
    };
    ctx.store
        .event_append(Some(&run.id), None, kind, ctx.now())
        .await?;
    Ok(reason)
}

/// What does not hold beyond the checks: criteria that were moved, and hidden tests that fail.
async fn beyond(
    ctx: &Ctx,
    run: &Run,
    (tasks, commit, tree): (&[Task], &str, &FileTree),
    evidence: &Evidence,
) -> Result<Option<String>, BuildError> {
    if ctx.recording.is_some() {
        return Ok(None);
    }
    if let Some(moved) = sealed::moved(ctx, &run.id, tasks).await? {
        return Ok(Some(moved));
    }
    let hidden = hidden::of_done(ctx, &run.id, tasks).await?;
    if hidden.is_empty() {
        return Ok(None);
    }
    let checkout = ctx.git.checkout_fresh(&ctx.place("graded"), commit)?;
    let graded = Graded {
        ctx,
        run: &run.id,
        tree,
        worktree: &checkout,
        visible: report::of_steps(evidence),
    };
    let result = graded.grade(&hidden).await;
    ctx.git.worktree_remove(&checkout)?;
    let result = result?;
    Ok((!result.outcome.passed()).then(|| format!("{}: {}", result.name, result.reason)))
}

/// The first thing that does not hold. Checks without a single executed test prove too little of a
/// whole run; a part of one may be documents alone.
fn failure(evidence: &Evidence, whole: bool) -> Option<String> {
    let failed = evidence.checks.iter().find(|check| !check.outcome.passed());
    match failed {
        Some(check) => Some(format!("{}: {}", check.name, check.reason)),
        None if evidence.checks.is_empty() => Some("no check ran".to_owned()),
        None if whole && evidence.tests_executed() == 0 => Some("no test was executed".to_owned()),
        None => None,
    }
}

fn most_of_criteria(evidence: &Evidence) -> u64 {
    evidence
        .checks
        .iter()
        .filter_map(|check| check.tests.as_ref())
        .map(atelier_model::TestCounts::executed)
        .max()
        .unwrap_or(0)
}
