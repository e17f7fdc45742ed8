//! A run conducted: planned, approved, executed, described, judged and delivered.

use std::{future::Future, pin::Pin};

use atelier_exec::Delivery;
use atelier_model::{
    Approval, DevPlan, EventKind, FileTree, Run, RunFact, RunId, RunStatus, TaskFact, TaskId,
    TaskSource, TaskState,
};
use atelier_plan::{Draft, Ground};

use crate::{
    Answer, BuildError, Ctx, Overrides, Question, Report, agents,
    approve::ask_person,
    control,
    error::chain,
    estimate,
    oversee::Overseer,
    presence::sweep,
    replay, report, sealed, verdict,
    verify::settle,
    work::{Role, WorkEnd, work},
};

/// Brings a run to its end and records it. The caller has the lease of its conduct.
pub(crate) async fn conduct(
    ctx: &Ctx,
    run: &RunId,
    overrides: &Overrides,
) -> Result<Report, BuildError> {
    let run = take_up(ctx, run, overrides).await?;
    let (overseer, watched) = Overseer::new(ctx, &run.id);
    let driving = Box::pin(async {
        sweep(&watched, None).await?;
        drive(&watched, &run, overrides).await
    });
    finish(ctx, &run, overseer.watch(&watched, driving)).await
}

/// Takes a run up from wherever it was left.
async fn take_up(ctx: &Ctx, id: &RunId, overrides: &Overrides) -> Result<Run, BuildError> {
    let (now, store) = (ctx.now(), &ctx.store);
    store.asks_recover(id, now).await?;
    store.tasks_recover(id, now).await?;
    let run = store.run_fetch(id).await?;
    let (tasks, _) = store.task_outlines(id).await?;
    for task in tasks {
        if task.state == TaskState::Blocked {
            // The question is put again; the reply that led to it comes from the store.
            let fact = TaskFact::PersonAnswered;
            store
                .task_advance(id, &task.id, fact, "asked again", now)
                .await?;
        }
    }
    if !overrides.budget.is_none() {
        store.run_budget_change(id, overrides.budget, now).await?;
    }
    if let Some(approval) = overrides.approval {
        store.run_approval_set(id, approval).await?;
    }
    // A process that died left the run where it was; only a run that ended needs to be moved.
    let interrupted = matches!(run.status, RunStatus::Running | RunStatus::Verifying);
    if interrupted {
        store.run_advance(id, RunFact::Ended, now).await?;
    }
    if interrupted || run.status == RunStatus::Stopped {
        let fact = if store.plan_fetch(id).await?.is_some() {
            RunFact::ResumedRunning
        } else {
            RunFact::ResumedPlanning
        };
        store.run_advance(id, fact, now).await?;
    }
    Ok(store.run_fetch(id).await?)
}

/// Runs to the end, whatever it is, and records it.
async fn finish(
    ctx: &Ctx,
    run: &Run,
    work: impl Future<Output = Result<Option<Delivery>, BuildError>>,
) -> Result<Report, BuildError> {
    let work: Pin<Box<dyn Future<Output = _>>> = Box::pin(work);
    let (error, delivery) = match work.await {
        Ok(delivery) => (None, delivery),
        Err(_) if ctx.cancel.is_cancelled() => (Some(BuildError::Cancelled), None),
        Err(error) => (Some(error), None),
    };
    ctx.store.asks_recover(&run.id, ctx.now()).await?;
    ctx.store.tasks_recover(&run.id, ctx.now()).await?;
    let stopped = matches!(error, Some(BuildError::Cancelled));
    if stopped && others_work(ctx, run).await? {
        // One of those who help takes the conduct over.
        return report::report(ctx, &run.id, error, None, false).await;
    }
    let code = error.as_ref().map_or(0, |error| error.exit().code());
    let reason = error.as_ref().map(|error| chain(error)).unwrap_or_default();
    ctx.store.run_end(&run.id, code, &reason, ctx.now()).await?;
    report::report(ctx, &run.id, error, delivery, false).await
}

/// Whether other processes work on the run.
async fn others_work(ctx: &Ctx, run: &Run) -> Result<bool, BuildError> {
    let own = ctx.store.worker();
    let workers = ctx.store.worker_list(Some(&run.id), ctx.now()).await?;
    Ok(workers.into_iter().any(|worker| Some(worker) != own))
}

/// The flow: plan, approve, execute, describe, verify, deliver.
async fn drive(
    ctx: &Ctx,
    run: &Run,
    overrides: &Overrides,
) -> Result<Option<Delivery>, BuildError> {
    if !overrides.plan_only {
        // What cannot be confined is not worth a question.
        settle(ctx, &run.id).await?;
    }
    agents::look(ctx, run).await?;
    let plan = planned(ctx, run).await?;
    estimate::foretell(ctx, run, Some(&plan)).await?;
    if ctx.store.run_fetch(&run.id).await?.status == RunStatus::Planning {
        ctx.store
            .run_advance(&run.id, RunFact::PlanDrafted, ctx.now())
            .await?;
    }
    if ctx.store.run_fetch(&run.id).await?.status == RunStatus::Planned {
        if overrides.plan_only {
            return Ok(None);
        }
        approve_plan(ctx, run, &plan, overrides).await?;
        ctx.store
            .run_advance(&run.id, RunFact::PlanApproved, ctx.now())
            .await?;
    }
    report::follow_trunk(ctx, run).await?;
    sealed::fix_run(ctx, run).await?;
    let end = execute(ctx, run, &plan, overrides.only.as_ref()).await?;
    if end != WorkEnd::Whole {
        verdict::part(ctx, run).await?;
        return Ok(None);
    }
    replay::rest(ctx)?;
    verdict::describe(ctx, run, &plan).await?;
    ctx.store
        .run_advance(&run.id, RunFact::TasksDone, ctx.now())
        .await?;
    verdict::verdict(ctx, run).await?;
    deliver(ctx, run).await
}

/// The plan of the run: the stored one, or a new one, with its tasks and documents.
async fn planned(ctx: &Ctx, run: &Run) -> Result<DevPlan, BuildError> {
    if let Some(plan) = ctx.store.plan_fetch(&run.id).await? {
        return Ok(plan);
    }
    let recorded = ctx.recording.as_ref();
    if let Some((plan, _)) = recorded.and_then(|recorded| recorded.given()) {
        ctx.store.plan_put(&run.id, plan, ctx.now()).await?;
        return Ok(plan.clone());
    }
    estimate::foretell(ctx, run, None).await?;
    let ground = ground(ctx, run)?;
    let remarks = match recorded {
        Some(recorded) => recorded.remarks(),
        None => ctx.store.run_remarks(&run.id).await?,
    };
    let asked = control::with_remarks(run, &remarks);
    let draft = Draft {
        store: &ctx.store,
        gateway: &ctx.gateway,
        library: &ctx.library,
        clock: &*ctx.clock,
        limits: &ctx.limits,
        cancel: &ctx.cancel,
        run: &asked,
    };
    let drafted = draft.plan(&ground).await?;
    ctx.store
        .plan_put(&run.id, &drafted.plan, ctx.now())
        .await?;
    Ok(drafted.plan)
}

fn ground(ctx: &Ctx, run: &Run) -> Result<Ground, BuildError> {
    let Some(commit) = &run.base_commit else {
        return Ok(Ground::default());
    };
    let files = ctx.git.tree_of(commit, &ctx.limits)?;
    let conventions = report::conventions(&files).to_owned();
    Ok(Ground { files, conventions })
}

async fn approve_plan(
    ctx: &Ctx,
    run: &Run,
    plan: &DevPlan,
    overrides: &Overrides,
) -> Result<(), BuildError> {
    if run.approval == Approval::Never || overrides.plan_approved {
        return Ok(());
    }
    let steps: Vec<String> = plan
        .steps()
        .map(|step| format!("  {} {}", step.number, step.title))
        .collect();
    let price = estimate(&ctx.gateway, &run.requirement, Some(plan)).in_words();
    let question = Question::Plan {
        summary: format!("{}\n  {price}", steps.join("\n")),
    };
    match ask_person(ctx, &run.id, &question).await?.answer {
        Answer::Yes => Ok(()),
        Answer::No => Err(BuildError::Declined("the plan".to_owned())),
        Answer::Nobody => Err(BuildError::AwaitsAnswer {
            what: "the plan".to_owned(),
            subject: "plan".to_owned(),
        }),
    }
}

/// Executes tasks until all are done, or the part that was asked for.
async fn execute(
    ctx: &Ctx,
    run: &Run,
    plan: &DevPlan,
    only: Option<&TaskId>,
) -> Result<WorkEnd, BuildError> {
    replay::rest(ctx)?;
    let (known, _) = ctx.store.task_outlines(&run.id).await?;
    let of_plan = if let Some(first) = known.first() {
        ctx.store.task_fetch(&run.id, &first.id).await?.source == TaskSource::Plan
    } else {
        let tasks = atelier_plan::tasks(&run.id, plan);
        let mut tasks = agents::followed(&ground(ctx, run)?.files, tasks)?;
        if let Some(recorded) = &ctx.recording {
            tasks = recorded.tasks(tasks);
        }
        ctx.store.task_add(&tasks, ctx.now()).await?;
        tasks
            .first()
            .is_none_or(|task| task.source == TaskSource::Plan)
    };
    // Also where a process died between the two.
    if of_plan && ctx.store.run_fetch(&run.id).await?.trunk.is_none() {
        plan_documents(ctx, run, plan).await?;
    }
    agents::recover(ctx, run).await?;
    agents::take(ctx, run).await?;
    work(ctx, run, plan, Role::Conductor(only)).await
}

/// The first commit of a run: design, plan and handoff as documents.
async fn plan_documents(ctx: &Ctx, run: &Run, plan: &DevPlan) -> Result<(), BuildError> {
    let base = run.base_commit.as_deref();
    let files = match base {
        Some(commit) => ctx.git.tree_of(commit, &ctx.limits)?,
        None => FileTree::default(),
    };
    let rendered = report::documents(ctx, run, plan, &files, None, None).await?;
    let subject = format!("docs: design and plan of {}", plan.design.name);
    verdict::commit_documents(ctx, run, base, &files, &rendered, &subject).await
}

/// Hands the result over; never anything else that the run's branch may have become.
pub(crate) async fn deliver(ctx: &Ctx, run: &Run) -> Result<Option<Delivery>, BuildError> {
    let verified = ctx.store.run_fetch(&run.id).await?.trunk;
    if ctx.git.branch_commit(&run.branch)? != verified {
        return Err(BuildError::BranchMoved {
            branch: run.branch.clone(),
            expected: verified.unwrap_or_default(),
        });
    }
    let (branch, base) = (run.base_branch.as_deref(), run.base_commit.as_deref());
    let delivery = ctx.git.deliver(&run.branch, branch, base)?;
    let (fast_forwarded, reason) = match &delivery {
        Delivery::FastForwarded { branch } => (Some(branch.clone()), String::new()),
        Delivery::Left { reason, command } => (None, format!("{reason}; {command}")),
    };
    let kind = EventKind::RunDelivered {
        branch: run.branch.clone(),
        fast_forwarded,
        reason,
    };
    ctx.store
        .event_append(Some(&run.id), None, kind, ctx.now())
        .await?;
    Ok(Some(delivery))
}
