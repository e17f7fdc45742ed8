//! A run from its beginning, or from where it stopped, to its end.

use std::{collections::BTreeMap, future::Future, pin::Pin};

use atelier_exec::Delivery;
use atelier_model::{
    Approval, Budget, DevPlan, Digest, EventKind, FileTree, Run, RunFact, RunId, RunMode,
    RunStatus, Task, TaskFact, TaskGraph, TaskId, TaskState,
};
use atelier_plan::{Draft, Ground};
use futures_util::{StreamExt, stream::FuturesUnordered};

use crate::{
    Answer, BuildError, Ctx, Question, Report,
    approve::ask_person,
    error::chain,
    estimate, report, schedule,
    task::{self, TaskEnd},
    trunk::Trunk,
    verdict,
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
}

/// What changes when a run goes on.
#[derive(Debug, Clone, Default)]
pub struct Overrides {
    /// A new budget over all invocations of the run.
    pub budget: Option<Budget>,
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
    let _lock = ctx.store.run_lock().map_err(BuildError::Locked)?;
    let digest = Digest::of(requirement);
    if let Some(run) = ctx.store.run_by_requirement(&digest).await? {
        match run.status {
            RunStatus::Done => {
                begin(&run.id);
                if let Some(report) = again(ctx, &run).await? {
                    return Ok(report);
                }
            }
            RunStatus::Planned if request.mode == RunMode::PlanOnly => {
                begin(&run.id);
                return report::report(ctx, &run.id, None, None, true).await;
            }
            RunStatus::Cancelled => {}
            RunStatus::Planning
            | RunStatus::Planned
            | RunStatus::Running
            | RunStatus::Verifying
            | RunStatus::Stopped => {
                let overrides = Overrides {
                    // A budget that was set stays until another is named.
                    budget: request.budget.usd.is_some().then_some(request.budget),
                    approval: Some(request.approval),
                    plan_only: request.mode == RunMode::PlanOnly,
                    ..Overrides::default()
                };
                begin(&run.id);
                return go_on(ctx, &run, &overrides).await;
            }
        }
    }
    let run = create(ctx, request, requirement, digest).await?;
    begin(&run.id);
    let plan_only = request.mode == RunMode::PlanOnly;
    let overrides = Overrides {
        plan_only,
        ..Overrides::default()
    };
    finish(ctx, &run, drive(ctx, &run, &overrides)).await
}

/// Goes on with a run that ended before its goal, or executes one that is only planned.
pub async fn resume(
    ctx: &Ctx,
    run: &RunId,
    overrides: &Overrides,
    begin: Begin<'_>,
) -> Result<Report, BuildError> {
    let _lock = ctx.store.run_lock().map_err(BuildError::Locked)?;
    let run = ctx.store.run_fetch(run).await?;
    if run.status == RunStatus::Cancelled {
        return Err(BuildError::Finished(run.id));
    }
    begin(&run.id);
    if run.status == RunStatus::Done {
        if let Some(report) = again(ctx, &run).await? {
            return Ok(report);
        }
        // The user went another way: the result stands on its branch, for whoever wants it.
        let delivery = deliver(ctx, &run).await?;
        return report::report(ctx, &run.id, None, delivery, true).await;
    }
    go_on(ctx, &run, overrides).await
}

async fn create(
    ctx: &Ctx,
    request: &BuildRequest,
    requirement: &str,
    digest: Digest,
) -> Result<Run, BuildError> {
    let head = ctx.git.head()?;
    let id = RunId::new(ctx.now(), &*ctx.ids);
    let run = Run {
        branch: format!("atelier/{id}"),
        id,
        requirement: requirement.to_owned(),
        requirement_digest: digest,
        mode: request.mode,
        approval: request.approval,
        budget: request.budget,
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
    let dirty = ctx.git.dirty()?;
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

async fn go_on(ctx: &Ctx, run: &Run, overrides: &Overrides) -> Result<Report, BuildError> {
    let now = ctx.now();
    ctx.store.asks_recover(&run.id, now).await?;
    ctx.store.tasks_recover(&run.id, now).await?;
    ctx.git.worktrees_remove(&ctx.git.worktree_names()?)?;
    for task in ctx.store.task_list(&run.id).await? {
        if task.state == TaskState::Blocked {
            // The question is put again; the reply that led to it comes from the store.
            let fact = TaskFact::PersonAnswered;
            ctx.store
                .task_advance(&run.id, &task.id, fact, "asked again", now)
                .await?;
        }
    }
    if let Some(budget) = overrides.budget {
        ctx.store.run_budget_set(&run.id, budget, now).await?;
    }
    if let Some(approval) = overrides.approval {
        ctx.store.run_approval_set(&run.id, approval).await?;
    }
    // A process that died left the run where it was; only a run that ended needs to be moved.
    let planned = ctx.store.plan_fetch(&run.id).await?.is_some();
    let interrupted = matches!(run.status, RunStatus::Running | RunStatus::Verifying);
    if interrupted {
        ctx.store.run_advance(&run.id, RunFact::Ended, now).await?;
    }
    if interrupted || run.status == RunStatus::Stopped {
        let fact = if planned {
            RunFact::ResumedRunning
        } else {
            RunFact::ResumedPlanning
        };
        ctx.store.run_advance(&run.id, fact, now).await?;
    }
    let run = ctx.store.run_fetch(&run.id).await?;
    finish(ctx, &run, drive(ctx, &run, overrides)).await
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
    // What is worth keeping is committed or in the store.
    ctx.git.worktrees_remove(&ctx.git.worktree_names()?)?;
    let code = error.as_ref().map_or(0, |error| error.exit().code());
    let reason = error.as_ref().map(|error| chain(error)).unwrap_or_default();
    ctx.store.run_end(&run.id, code, &reason, ctx.now()).await?;
    report::report(ctx, &run.id, error, delivery, false).await
}

/// The flow: plan, approve, execute, describe, verify, deliver.
async fn drive(
    ctx: &Ctx,
    run: &Run,
    overrides: &Overrides,
) -> Result<Option<Delivery>, BuildError> {
    let plan = planned(ctx, run).await?;
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
    follow_trunk(ctx, run).await?;
    let complete = execute(ctx, run, &plan, overrides.only.as_ref()).await?;
    if !complete {
        verdict::part(ctx, run).await?;
        return Ok(None);
    }
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
    let ground = ground(ctx, run)?;
    let draft = Draft {
        store: &ctx.store,
        gateway: &ctx.gateway,
        library: &ctx.library,
        clock: &*ctx.clock,
        limits: &ctx.limits,
        cancel: &ctx.cancel,
        run,
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
    match ask_person(ctx, &run.id, None, &question).await? {
        Answer::Yes => Ok(()),
        Answer::No => Err(BuildError::Declined("the plan".to_owned())),
        Answer::Nobody => Err(BuildError::NeedsPerson(
            "the plan waits for approval".to_owned(),
        )),
    }
}

/// The branch may lag behind the store after a crash; it must never be anywhere else.
async fn follow_trunk(ctx: &Ctx, run: &Run) -> Result<(), BuildError> {
    let Some(trunk) = ctx.store.run_fetch(&run.id).await?.trunk else {
        return Ok(());
    };
    let tip = ctx.git.branch_commit(&run.branch)?;
    let behind = match &tip {
        Some(tip) if *tip == trunk => return Ok(()),
        Some(tip) => ctx.git.is_ancestor(tip, &trunk)?,
        None => true,
    };
    if !behind {
        return Err(BuildError::BranchMoved {
            branch: run.branch.clone(),
            expected: trunk,
        });
    }
    report::trunk_moved(ctx, run, &trunk, tip.as_deref())
}

/// Executes tasks until all are done. `false` when only a part was asked for and that is done.
async fn execute(
    ctx: &Ctx,
    run: &Run,
    plan: &DevPlan,
    only: Option<&TaskId>,
) -> Result<bool, BuildError> {
    if ctx.store.task_list(&run.id).await?.is_empty() {
        let tasks = atelier_plan::tasks(&run.id, plan);
        ctx.store.task_add(&tasks, ctx.now()).await?;
        plan_documents(ctx, run, plan).await?;
    }
    let width = ctx.limits.tasks_at_once_max.max(1);
    let mut running: Vec<TaskId> = Vec::new();
    let mut slots: Vec<usize> = (1..=width).rev().collect();
    let trunk = Trunk::default();
    let mut waits = Vec::new();
    let mut work = FuturesUnordered::new();
    loop {
        let (graph, tasks) = ready(ctx, run, only).await?;
        if running.is_empty() && all_done(&tasks, only) {
            return Ok(tasks.values().all(|task| task.state == TaskState::Done));
        }
        for id in schedule::next(&graph, &tasks, &running, width) {
            permit(ctx, run, &tasks[&id]).await?;
            let Some(slot) = slots.pop() else { break };
            running.push(id.clone());
            let trunk = &trunk;
            work.push(async move {
                let end = task::execute(ctx, run, plan, &id, slot, trunk).await;
                (id, slot, end)
            });
        }
        let Some((id, slot, end)) = work.next().await else {
            return Err(stuck(&tasks, &waits));
        };
        slots.push(slot);
        running.retain(|other| *other != id);
        match end? {
            // With one blocked, others may still be done; the run ends when none is left that can.
            TaskEnd::Done | TaskEnd::Again => {}
            TaskEnd::Blocked { reason } => waits.push(format!("{id}: {reason}")),
            TaskEnd::Failed { attempts, reason } => {
                let title = tasks[&id].title.clone();
                return Err(BuildError::TaskFailed {
                    task: id,
                    title,
                    attempts,
                    reason,
                });
            }
        }
    }
}

/// Moves tasks whose dependencies are done to ready, and gives blocked ones another look.
async fn ready(
    ctx: &Ctx,
    run: &Run,
    only: Option<&TaskId>,
) -> Result<(TaskGraph, BTreeMap<TaskId, Task>), BuildError> {
    let list = ctx.store.task_list(&run.id).await?;
    let graph = TaskGraph::new(&list)?;
    let states = list
        .iter()
        .map(|task| (task.id.clone(), task.state))
        .collect();
    for id in graph.now_ready(&states) {
        let fact = TaskFact::DependenciesDone;
        ctx.store
            .task_advance(&run.id, &id, fact, "", ctx.now())
            .await?;
    }
    let wanted = |id: &TaskId| only.is_none_or(|only| only == id || graph.depends(only, id));
    let list = ctx.store.task_list(&run.id).await?;
    let tasks = list
        .into_iter()
        .map(|mut task| {
            // What is not asked for is left out of the schedule, not out of the graph.
            if task.state == TaskState::Ready && !wanted(&task.id) {
                task.state = TaskState::Pending;
            }
            (task.id.clone(), task)
        })
        .collect();
    Ok((graph, tasks))
}

fn all_done(tasks: &BTreeMap<TaskId, Task>, only: Option<&TaskId>) -> bool {
    match only {
        Some(id) => tasks
            .get(id)
            .is_some_and(|task| task.state == TaskState::Done),
        None => tasks.values().all(|task| task.state == TaskState::Done),
    }
}

/// Why nothing can be started although not everything is done.
fn stuck(tasks: &BTreeMap<TaskId, Task>, waits: &[String]) -> BuildError {
    if !waits.is_empty() {
        return BuildError::NeedsPerson(waits.join("; "));
    }
    let of = |state: TaskState| tasks.values().find(|task| task.state == state);
    if let Some(task) = of(TaskState::Failed) {
        return BuildError::TaskFailed {
            task: task.id.clone(),
            title: task.title.clone(),
            attempts: task.attempts + 1 - task.round_first,
            reason: "it failed before".to_owned(),
        };
    }
    let open: Vec<String> = tasks
        .values()
        .filter(|task| matches!(task.state, TaskState::Blocked | TaskState::Cancelled))
        .map(|task| format!("{} ({})", task.id, task.title))
        .collect();
    BuildError::NeedsPerson(format!("these tasks wait: {}", open.join(", ")))
}

async fn permit(ctx: &Ctx, run: &Run, next: &Task) -> Result<(), BuildError> {
    if ctx.cancel.is_cancelled() {
        return Err(BuildError::Cancelled);
    }
    if run.approval != Approval::Task {
        return Ok(());
    }
    match task::approved(ctx, run, next).await? {
        Answer::Yes => Ok(()),
        Answer::No => Err(BuildError::Declined(format!("task {}", next.id))),
        Answer::Nobody => Err(BuildError::NeedsPerson(format!(
            "task {} waits for approval",
            next.id
        ))),
    }
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
async fn deliver(ctx: &Ctx, run: &Run) -> Result<Option<Delivery>, BuildError> {
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
