//! A run begun, found again, joined or gone on with; what it takes to bring it to its end is
//! `conduct.rs`.

use atelier_model::{
    Approval, Budget, BudgetChange, Digest, EventKind, Run, RunId, RunMode, RunStatus, TaskId,
    Timestamp, Used,
};
use atelier_store::Lease;

use crate::{
    BuildError, Ctx, Exit, Report, agents,
    conduct::{conduct, deliver},
    oversee::Overseer,
    presence::{LOOK, Presence, lease_wait},
    report, verdict,
    verify::settle,
    work::{Role, work},
};

/// What is asked for.
#[derive(Debug, Clone)]
pub struct BuildRequest {
    /// The requirement, word for word.
    pub requirement: String,
    /// How far to go.
    pub mode: RunMode,
    /// When a person is asked.
    pub approval: Approval,
    /// What may be used up.
    pub budget: Budget,
    /// What a person changes of that, or of the budget of the run that is there already.
    pub change: BudgetChange,
}

/// What changes when a run goes on.
#[derive(Debug, Clone, Default)]
pub struct Overrides {
    /// What changes of the budget over all invocations of the run.
    pub budget: BudgetChange,
    /// A new policy for approvals.
    pub approval: Option<Approval>,
    /// Only this task and what it depends on.
    pub only: Option<TaskId>,
    /// The plan counts as approved.
    pub plan_approved: bool,
    /// Go no further than the plan.
    pub plan_only: bool,
}

/// Tells the watcher which run it is, as soon as that is known.
pub type Begin<'a> = &'a (dyn Fn(&RunId) + Send + Sync);

/// Builds a requirement: a new run, the unfinished one of the same words, or nothing at all where
/// the result stands already.
pub async fn build(
    ctx: &Ctx,
    request: &BuildRequest,
    begin: Begin<'_>,
) -> Result<Report, BuildError> {
    let requirement = request.requirement.trim();
    if requirement.is_empty() {
        return Err(BuildError::EmptyRequirement);
    }
    let (bytes, limit) = (requirement.len(), ctx.limits.requirement_bytes_max);
    if bytes > limit {
        return Err(BuildError::LongRequirement { bytes, limit });
    }
    let presence = Presence::enter(ctx).await?;
    let report = build_present(ctx, &presence, request, begin).await;
    presence.leave(ctx).await;
    report
}

async fn build_present(
    ctx: &Ctx,
    presence: &Presence,
    request: &BuildRequest,
    begin: Begin<'_>,
) -> Result<Report, BuildError> {
    let requirement = request.requirement.trim();
    let digest = Digest::of(requirement);
    // Two processes that are asked for the same at once work on one run.
    let lease = lease_wait(ctx, &format!("requirement:{digest}")).await?;
    let found = find(ctx, request, requirement, digest).await;
    ctx.store.lease_give_back(&lease).await?;
    let (run, known) = found?;
    begin(&run.id);
    let plan_only = request.mode == RunMode::PlanOnly;
    match run.status {
        RunStatus::Done => {
            if agents::reopen(ctx, &run).await? {
                return Box::pin(bring(ctx, presence, &run.id, &overrides(request, known))).await;
            }
            if let Some(report) = again(ctx, &run).await? {
                return Ok(report);
            }
            let run = create(ctx, request, requirement, digest).await?;
            begin(&run.id);
            Box::pin(bring(ctx, presence, &run.id, &overrides(request, false))).await
        }
        RunStatus::Planned if plan_only => report::report(ctx, &run.id, None, None, true).await,
        RunStatus::Planning
        | RunStatus::Planned
        | RunStatus::Running
        | RunStatus::Verifying
        | RunStatus::Stopped
        | RunStatus::Cancelled => {
            Box::pin(bring(ctx, presence, &run.id, &overrides(request, known))).await
        }
    }
}

/// The run of a requirement that is to be worked on, and whether it was there before.
async fn find(
    ctx: &Ctx,
    request: &BuildRequest,
    requirement: &str,
    digest: Digest,
) -> Result<(Run, bool), BuildError> {
    let known = ctx.store.run_by_requirement(&digest).await?;
    match known.filter(|run| run.status != RunStatus::Cancelled) {
        Some(run) => Ok((run, true)),
        None => Ok((create(ctx, request, requirement, digest).await?, false)),
    }
}

fn overrides(request: &BuildRequest, known: bool) -> Overrides {
    Overrides {
        // A budget that was set stays until another is named.
        budget: if known {
            request.change.or(request.budget.into())
        } else {
            BudgetChange::default()
        },
        approval: known.then_some(request.approval),
        plan_only: request.mode == RunMode::PlanOnly,
        ..Overrides::default()
    }
}

/// Goes on with a run that ended before its goal, or executes one that is only planned.
pub async fn resume(
    ctx: &Ctx,
    run: &RunId,
    overrides: &Overrides,
    begin: Begin<'_>,
) -> Result<Report, BuildError> {
    let presence = Presence::enter(ctx).await?;
    let report = resume_present(ctx, &presence, run, overrides, begin).await;
    presence.leave(ctx).await;
    report
}

async fn resume_present(
    ctx: &Ctx,
    presence: &Presence,
    run: &RunId,
    overrides: &Overrides,
    begin: Begin<'_>,
) -> Result<Report, BuildError> {
    let run = ctx.store.run_fetch(run).await?;
    if run.status == RunStatus::Cancelled {
        return Err(BuildError::Finished(run.id));
    }
    begin(&run.id);
    if run.status == RunStatus::Done && !agents::reopen(ctx, &run).await? {
        if let Some(report) = again(ctx, &run).await? {
            return Ok(report);
        }
        // The user went another way: the result stands on its branch, for whoever wants it.
        let delivery = deliver(ctx, &run).await?;
        return report::report(ctx, &run.id, None, delivery, true).await;
    }
    Box::pin(bring(ctx, presence, &run.id, overrides)).await
}

/// Brings a run to its end: conducts it, or helps whoever does and takes over if that process dies.
async fn bring(
    ctx: &Ctx,
    presence: &Presence,
    run: &RunId,
    overrides: &Overrides,
) -> Result<Report, BuildError> {
    let begun = ctx.now();
    ctx.store.worker_joins(presence.worker(), run).await?;
    let conducting = Lease::conduct(run);
    if ctx
        .store
        .lease_holder(&conducting, ctx.now())
        .await?
        .is_none()
    {
        // Whoever begins to work on it wants no rest any more.
        ctx.store.run_wake(run).await?;
    }
    let mut helped = false;
    loop {
        if let Some(lease) = ctx
            .store
            .lease_take(&Lease::conduct(run), ctx.now())
            .await?
        {
            let report = if helped && ended_since(ctx, run, begun).await? {
                ended_elsewhere(ctx, run).await
            } else {
                Box::pin(conduct(ctx, run, overrides)).await
            };
            ctx.store.lease_give_back(&lease).await?;
            return report;
        }
        if !helped {
            // Help that confines less than the run began with is no help.
            settle(ctx, run).await?;
            say(ctx, run, "another process conducts this run: helping it").await?;
            helped = true;
        }
        let (overseer, watched) = Overseer::new(ctx, run);
        let helping = Box::pin(help(&watched, run));
        match overseer.watch(&watched, helping).await {
            // Whoever conducts the run obeys too, and says how it ended.
            Err(BuildError::Paused | BuildError::RunCancelled | BuildError::TimeSpent { .. }) => {}
            helped => helped?,
        }
        tokio::select! {
            () = tokio::time::sleep(LOOK) => {}
            () = ctx.cancel.cancelled() => return Err(stopped(ctx, run).await?),
        }
    }
}

/// Does what can be done at this moment of a run that another process conducts.
async fn help(ctx: &Ctx, run: &RunId) -> Result<(), BuildError> {
    let run = ctx.store.run_fetch(run).await?;
    if run.status != RunStatus::Running {
        return Ok(());
    }
    if let Some(plan) = ctx.store.plan_fetch(&run.id).await? {
        work(ctx, &run, &plan, Role::Helper).await?;
    }
    Ok(())
}

/// What a helper leaves behind that is stopped: nothing of its own.
async fn stopped(ctx: &Ctx, run: &RunId) -> Result<BuildError, BuildError> {
    ctx.store.asks_recover(run, ctx.now()).await?;
    ctx.store.tasks_recover(run, ctx.now()).await?;
    Ok(BuildError::Cancelled)
}

async fn ended_since(ctx: &Ctx, run: &RunId, begun: Timestamp) -> Result<bool, BuildError> {
    let run = ctx.store.run_fetch(run).await?;
    let settled = match run.status {
        RunStatus::Planned | RunStatus::Done | RunStatus::Stopped | RunStatus::Cancelled => true,
        RunStatus::Planning | RunStatus::Running | RunStatus::Verifying => false,
    };
    Ok(settled && run.ended_at.is_some_and(|ended| ended >= begun))
}

/// The end of a run as the process that conducted it put it on record.
async fn ended_elsewhere(ctx: &Ctx, run: &RunId) -> Result<Report, BuildError> {
    let ended = ctx.store.run_fetch(run).await?;
    let exit = Exit::of_code(ended.exit_code.unwrap_or(0));
    let reason = ended.reason.clone();
    let error = (exit != Exit::Verified).then_some(BuildError::EndedElsewhere { exit, reason });
    report::report(ctx, run, error, None, false).await
}

async fn say(ctx: &Ctx, run: &RunId, message: &str) -> Result<(), BuildError> {
    let kind = EventKind::Warning {
        message: message.to_owned(),
    };
    ctx.store
        .event_append(Some(run), None, kind, ctx.now())
        .await?;
    Ok(())
}

async fn create(
    ctx: &Ctx,
    request: &BuildRequest,
    requirement: &str,
    digest: Digest,
) -> Result<Run, BuildError> {
    let (head, dirty) = (ctx.git.head()?, ctx.git.dirty()?);
    let recorded = ctx
        .recording
        .as_ref()
        .map(|recorded| recorded.run().clone());
    let id = recorded.unwrap_or_else(|| RunId::new(ctx.now(), &*ctx.ids));
    let run = Run {
        branch: format!("atelier/{id}"),
        id,
        requirement: requirement.to_owned(),
        requirement_digest: digest,
        mode: request.mode,
        approval: request.approval,
        budget: request.change.apply(request.budget, Used::default()),
        base_branch: head.branch,
        base_commit: head.commit,
        trunk: None,
        status: RunStatus::Planning,
        exit_code: None,
        reason: String::new(),
        created_at: ctx.now(),
        ended_at: None,
    };
    ctx.store.run_create(&run).await?;
    if !dirty.is_empty() {
        let message = format!(
            "what is not committed is left alone and not seen by the run ({}): {}",
            dirty.len(),
            dirty.iter().take(5).cloned().collect::<Vec<_>>().join(", ")
        );
        let kind = EventKind::Warning { message };
        ctx.store
            .event_append(Some(&run.id), None, kind, ctx.now())
            .await?;
    }
    Ok(run)
}

/// A finished run whose words come again: nothing to do where its result still stands.
async fn again(ctx: &Ctx, run: &Run) -> Result<Option<Report>, BuildError> {
    let Some(trunk) = &run.trunk else {
        return Ok(None);
    };
    let head = ctx.git.head()?;
    let Some(commit) = head.commit else {
        // Nothing was ever delivered: try once more.
        let delivery = deliver(ctx, run).await?;
        return report::report(ctx, &run.id, None, delivery, true)
            .await
            .map(Some);
    };
    if commit == *trunk || ctx.git.tree_id(&commit)? == ctx.git.tree_id(trunk)? {
        return report::report(ctx, &run.id, None, None, true)
            .await
            .map(Some);
    }
    if Some(&commit) == run.base_commit.as_ref() {
        let delivery = deliver(ctx, run).await?;
        return report::report(ctx, &run.id, None, delivery, true)
            .await
            .map(Some);
    }
    if !ctx.git.is_ancestor(trunk, &commit)? {
        return Ok(None);
    }
    // The user went on from the result: what was asked for must still hold.
    let tasks = ctx.store.task_list(&run.id).await?;
    let reason = verdict::check(ctx, run, &tasks, &commit).await?;
    let error = reason.map(|reason| BuildError::Verdict { commit, reason });
    report::report(ctx, &run.id, error, None, true)
        .await
        .map(Some)
}
