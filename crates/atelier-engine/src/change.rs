//! A run's plan changed, with what that does to its tasks: nothing else is done again.

mod adopt;
mod amend;
mod error;
#[cfg(test)]
mod tests;

use std::collections::BTreeSet;

use atelier_model::{
    Approval, ChangeAsked, DevPlan, Digest, EventKind, FileTree, PlanChange, Run, RunId, RunStatus,
    Step, Task, TaskChange, TaskChangeKind, TaskSource, TaskState,
};
use atelier_plan::{Difference, Draft, Wish, check_numbers, difference, new_problems};
use atelier_store::{Amendment, ChangeRecord, Lease};

pub use self::{
    adopt::{Adoption, adopt},
    error::ChangeError,
};
pub(crate) use self::{amend::taken_back, error::list};
use crate::{
    Answer, BuildError, Ctx, Overrides, Question, agents, approve::ask_person, error::chain,
    inject, presence::Presence, sealed,
};

/// What is to change.
#[derive(Debug, Clone)]
pub enum ChangeRequest {
    /// A wish in a person's words; a model says what it means for the plan.
    Wish(String),
    /// The requirement as it reads now; a model says what that means for the plan.
    Requirement(String),
    /// The plan as a person edited it, and the requirement beside it. No model is asked.
    Plan {
        /// The requirement.
        requirement: String,
        /// The plan.
        plan: Box<DevPlan>,
    },
}

impl ChangeRequest {
    /// The request as it is kept.
    fn asked(&self) -> ChangeAsked {
        match self {
            Self::Wish(text) => ChangeAsked::Wish { text: text.clone() },
            Self::Requirement(text) => ChangeAsked::Requirement { text: text.clone() },
            Self::Plan { requirement, plan } => ChangeAsked::Plan {
                requirement: requirement.clone(),
                plan: plan.clone(),
            },
        }
    }
}

impl From<ChangeAsked> for ChangeRequest {
    fn from(asked: ChangeAsked) -> Self {
        match asked {
            ChangeAsked::Wish { text } => Self::Wish(text),
            ChangeAsked::Requirement { text } => Self::Requirement(text),
            ChangeAsked::Plan { requirement, plan } => Self::Plan { requirement, plan },
        }
    }
}

/// A change that is known and not yet made.
#[derive(Debug, Clone)]
pub struct Proposal {
    /// The run, as it stood.
    pub run: Run,
    /// What is wished for, word for word.
    pub wish: String,
    /// The requirement from then on.
    pub requirement: String,
    /// What changes, in a sentence or two.
    pub summary: String,
    /// The plan as it stood.
    pub before: DevPlan,
    /// The plan from then on.
    pub after: DevPlan,
    /// What becomes of the steps.
    pub difference: Difference,
    /// The tasks it touches, each as it is from then on.
    pub tasks: Vec<(Task, TaskChange)>,
    /// Which change of the run it is.
    pub ordinal: u32,
    /// What was asked for.
    pub asked: ChangeAsked,
}

impl Proposal {
    /// Whether nothing would be done.
    pub fn is_empty(&self) -> bool {
        self.difference.is_empty()
            && self.before == self.after
            && self.requirement == self.run.requirement
    }

    /// The steps and tasks of one kind, in the order of the plan.
    pub fn of(&self, kind: TaskChangeKind) -> impl Iterator<Item = &(Task, TaskChange)> {
        self.tasks
            .iter()
            .filter(move |(_, change)| change.kind == kind)
    }
}

/// What became of a request.
#[derive(Debug)]
pub enum ChangeEnd {
    /// The plan is changed: the run goes on with `resume`.
    Made(Box<Proposal>),
    /// Nothing had to be changed.
    Nothing(Box<Proposal>),
    /// The same wish was the newest change of the run: it is made already.
    Standing(ChangeRecord),
}

/// Says what a request would change, without changing anything. What a model was asked for this is
/// kept: making the change asks it nothing more.
pub async fn propose(
    ctx: &Ctx,
    run: &RunId,
    request: &ChangeRequest,
) -> Result<Proposal, BuildError> {
    let run = ctx.store.run_fetch(run).await?;
    let changes = ctx.store.change_list(&run.id).await?;
    proposal(ctx, run, request, &changes).await
}

/// Changes the plan of a run. The run is not gone on with; whoever asked does that.
///
/// A process that dies before the change is made leaves everything as it was, but for the answer
/// that was paid for; one that dies later leaves the change made, whole.
pub async fn change(
    ctx: &Ctx,
    run: &RunId,
    request: &ChangeRequest,
    overrides: &Overrides,
) -> Result<ChangeEnd, BuildError> {
    let presence = Presence::enter(ctx).await?;
    let end = change_present(ctx, run, request, overrides).await;
    presence.leave(ctx).await;
    end
}

async fn change_present(
    ctx: &Ctx,
    id: &RunId,
    request: &ChangeRequest,
    overrides: &Overrides,
) -> Result<ChangeEnd, BuildError> {
    let lease = ctx.store.lease_take(&Lease::conduct(id), ctx.now()).await?;
    let lease = lease.ok_or_else(|| ChangeError::Conducted(id.clone()))?;
    let under = Ctx {
        store: ctx.store.under(lease.clone()),
        ..ctx.clone()
    };
    let end = Box::pin(change_alone(&under, id, request, overrides)).await;
    ctx.store.lease_give_back(&lease).await?;
    end
}

async fn change_alone(
    ctx: &Ctx,
    id: &RunId,
    request: &ChangeRequest,
    overrides: &Overrides,
) -> Result<ChangeEnd, BuildError> {
    let now = ctx.now();
    ctx.store.asks_recover(id, now).await?;
    ctx.store.tasks_recover(id, now).await?;
    let changes = ctx.store.change_list(id).await?;
    if let Some(standing) = standing(request, &changes) {
        return Ok(ChangeEnd::Standing(standing.clone()));
    }
    if !overrides.budget.is_none() {
        ctx.store
            .run_budget_change(id, overrides.budget, now)
            .await?;
    }
    let run = ctx.store.run_fetch(id).await?;
    let asked = proposal(ctx, run, request, &changes).await;
    // What was paid for is on record, also where nothing came of it.
    ctx.store.asks_recover(id, ctx.now()).await?;
    let proposal = asked?;
    if proposal.is_empty() {
        return Ok(ChangeEnd::Nothing(Box::new(proposal)));
    }
    approve(ctx, &proposal, overrides).await?;
    make(ctx, &proposal).await?;
    hand_on(ctx, request, &proposal).await?;
    Ok(ChangeEnd::Made(Box::new(proposal)))
}

/// The newest change, where it is the one that is asked for again.
fn standing<'a>(request: &ChangeRequest, changes: &'a [ChangeRecord]) -> Option<&'a ChangeRecord> {
    let newest = changes.last()?;
    match request {
        ChangeRequest::Wish(wish) => (newest.wish == wish.trim()).then_some(newest),
        ChangeRequest::Requirement(text) => {
            (newest.requirement == Digest::of(text.trim())).then_some(newest)
        }
        // A plan is compared with the one that stands: where they are the same, nothing is done.
        ChangeRequest::Plan { .. } => None,
    }
}

async fn proposal(
    ctx: &Ctx,
    run: Run,
    request: &ChangeRequest,
    changes: &[ChangeRecord],
) -> Result<Proposal, BuildError> {
    if run.status == RunStatus::Cancelled {
        return Err(BuildError::Finished(run.id));
    }
    let before = ctx.store.plan_fetch(&run.id).await?;
    let before = before.ok_or_else(|| ChangeError::NoPlan(run.id.clone()))?;
    let ground = Ground {
        tasks: ctx.store.task_list(&run.id).await?,
        retired: changes.iter().flat_map(|one| one.removed.clone()).collect(),
        files: files(ctx, &run)?,
        ordinal: u32::try_from(changes.len() + 1).unwrap_or(u32::MAX),
        before,
    };
    let asked = asked(ctx, &run, request, &ground).await?;
    if ground.tasks.iter().any(|task| task.state.is_under_way()) {
        return Err(ChangeError::Conducted(run.id).into());
    }
    // What takes work back is nothing that reads what it takes.
    let others: Vec<Step> = ground
        .tasks
        .iter()
        .filter(|task| task.step.is_none() && task.source != TaskSource::Plan)
        .map(atelier_plan::task_step)
        .collect();
    let difference = difference(&ground.before, &asked.after, &others);
    let tasks = amend::tasks(&run.id, &ground, &asked, &difference);
    let tasks = agents::followed_anew(&ground.files, tasks)?;
    Ok(Proposal {
        wish: asked.wish,
        requirement: asked.requirement,
        summary: asked.change.summary.clone(),
        before: ground.before,
        after: asked.after,
        ordinal: ground.ordinal,
        asked: request.asked(),
        difference,
        tasks,
        run,
    })
}

/// What a change begins from.
struct Ground {
    before: DevPlan,
    tasks: Vec<Task>,
    retired: BTreeSet<String>,
    files: FileTree,
    ordinal: u32,
}

/// What is asked for, as a plan.
struct Asked {
    wish: String,
    requirement: String,
    change: PlanChange,
    after: DevPlan,
}

/// The newest files of the run.
fn files(ctx: &Ctx, run: &Run) -> Result<FileTree, BuildError> {
    match run.trunk.as_ref().or(run.base_commit.as_ref()) {
        Some(commit) => Ok(ctx.git.tree_of(commit, &ctx.limits)?),
        None => Ok(FileTree::default()),
    }
}

async fn asked(
    ctx: &Ctx,
    run: &Run,
    request: &ChangeRequest,
    ground: &Ground,
) -> Result<Asked, BuildError> {
    let (wish, requirement) = match request {
        ChangeRequest::Wish(wish) => {
            let wish = wish.trim();
            (
                wish.to_owned(),
                format!("{}\n\nAlso: {wish}", run.requirement.trim()),
            )
        }
        ChangeRequest::Requirement(text) => {
            let text = text.trim();
            let wish = format!("The requirement now reads:\n\n{text}");
            (wish, text.to_owned())
        }
        ChangeRequest::Plan { requirement, plan } => {
            return by_hand(ctx, run, requirement, plan, ground);
        }
    };
    if wish.is_empty() {
        return Err(BuildError::EmptyRequirement);
    }
    let (bytes, limit) = (requirement.len(), ctx.limits.requirement_bytes_max);
    if bytes > limit {
        return Err(BuildError::LongRequirement { bytes, limit });
    }
    let done: Vec<String> = ground
        .tasks
        .iter()
        .filter(|task| task.state == TaskState::Done)
        .map(|task| {
            format!(
                "{} {}",
                task.step.as_deref().unwrap_or(task.id.as_str()),
                task.title
            )
        })
        .collect();
    let changed = draft(ctx, run)
        .change(Wish {
            text: &wish,
            plan: &ground.before,
            done: &done,
            retired: &ground.retired,
            files: &ground.files,
            ordinal: ground.ordinal,
        })
        .await?;
    Ok(Asked {
        wish,
        requirement,
        change: changed.change,
        after: changed.plan,
    })
}

fn draft<'a>(ctx: &'a Ctx, run: &'a Run) -> Draft<'a> {
    Draft {
        store: &ctx.store,
        gateway: &ctx.gateway,
        library: &ctx.library,
        clock: &*ctx.clock,
        limits: &ctx.limits,
        cancel: &ctx.cancel,
        run,
    }
}

/// A plan that a person edited: what is wrong with it that was not before is refused.
fn by_hand(
    ctx: &Ctx,
    run: &Run,
    requirement: &str,
    plan: &DevPlan,
    ground: &Ground,
) -> Result<Asked, BuildError> {
    check_numbers(&ground.before, plan, &ground.retired).map_err(ChangeError::Delta)?;
    let problems = new_problems(&ground.before, plan, &ground.files, &ctx.limits);
    if !problems.is_empty() {
        return Err(ChangeError::Lint(problems).into());
    }
    let requirement = match requirement.trim() {
        "" => run.requirement.clone(),
        text => text.to_owned(),
    };
    Ok(Asked {
        wish: "The plan was edited.".to_owned(),
        requirement,
        change: PlanChange {
            summary: "The plan was edited by hand.".to_owned(),
            ..PlanChange::default()
        },
        after: plan.clone(),
    })
}

async fn approve(ctx: &Ctx, proposal: &Proposal, overrides: &Overrides) -> Result<(), BuildError> {
    let run = &proposal.run;
    let approval = overrides.approval.unwrap_or(run.approval);
    if approval == Approval::Never || overrides.plan_approved {
        return Ok(());
    }
    let question = Question::Plan {
        summary: told(proposal).join("\n"),
    };
    match ask_person(ctx, &run.id, &question).await?.answer {
        Answer::Yes => Ok(()),
        Answer::No => Err(BuildError::Declined("the change".to_owned())),
        Answer::Nobody => Err(BuildError::NeedsPerson(
            "the change waits for approval".to_owned(),
        )),
    }
}

/// A change in a few lines, for a person.
pub fn told(proposal: &Proposal) -> Vec<String> {
    let word = |kind: TaskChangeKind| match kind {
        TaskChangeKind::Added => "new",
        TaskChangeKind::Changed => "changed",
        TaskChangeKind::Again => "again",
        TaskChangeKind::TakenBack => "taken back",
        TaskChangeKind::Dropped => "dropped",
    };
    let line = |(task, change): &(Task, TaskChange)| {
        let name = task.step.as_deref().unwrap_or(task.id.as_str());
        let reason = if change.reason.is_empty() {
            String::new()
        } else {
            format!(" ({})", change.reason)
        };
        format!("  {:<10} {name} {}{reason}", word(change.kind), task.title)
    };
    let mut lines: Vec<String> = proposal.tasks.iter().map(line).collect();
    if lines.is_empty() && !proposal.difference.is_empty() {
        // The tasks are made from the plan when its execution begins.
        let of = |kind: &'static str, names: Vec<&String>| -> Vec<String> {
            names
                .iter()
                .map(|name| format!("  {kind:<10} {name}"))
                .collect()
        };
        lines.extend(of("new", proposal.difference.added.iter().collect()));
        lines.extend(of("changed", proposal.difference.changed.iter().collect()));
        lines.extend(of("dropped", proposal.difference.removed.iter().collect()));
    }
    lines
}

/// Makes a change: a finished run is opened again, and one transaction does the rest.
async fn make(ctx: &Ctx, proposal: &Proposal) -> Result<(), BuildError> {
    let run = ctx.store.run_fetch(&proposal.run.id).await?;
    if run.status == RunStatus::Done && !inject::open(ctx, &run).await? {
        return Err(ChangeError::Elsewhere(run.id).into());
    }
    let removed: Vec<String> = proposal.difference.removed.iter().cloned().collect();
    let amendment = Amendment {
        run: &proposal.run.id,
        ordinal: proposal.ordinal,
        wish: &proposal.wish,
        requirement: &proposal.requirement,
        summary: &proposal.summary,
        plan: &proposal.after,
        removed: &removed,
        request: &proposal.asked,
        is_reworded: proposal.requirement != proposal.run.requirement
            || proposal.after.design.summary != proposal.before.design.summary,
        tasks: &proposal.tasks,
    };
    ctx.store.plan_change(&amendment, ctx.now()).await?;
    // What is done and has less to prove is judged by that from now on.
    for (task, change) in &proposal.tasks {
        if change.kind == TaskChangeKind::Dropped && task.state == TaskState::Done {
            sealed::fix(ctx, &run.id, task).await?;
        }
    }
    Ok(())
}

/// Hands the changed plan on in words. They are welcome, not needed: where the model cannot be asked,
/// those of the plan before stay.
async fn hand_on(
    ctx: &Ctx,
    request: &ChangeRequest,
    proposal: &Proposal,
) -> Result<(), BuildError> {
    match request {
        ChangeRequest::Plan { .. } => return Ok(()),
        ChangeRequest::Wish(_) | ChangeRequest::Requirement(_) => {}
    }
    let run = ctx.store.run_fetch(&proposal.run.id).await?;
    match draft(ctx, &run).handoff(&proposal.after).await {
        Ok(_) => Ok(()),
        Err(_) if ctx.cancel.is_cancelled() => Err(BuildError::Cancelled),
        Err(error) => {
            let message = format!("the handoff stays as it was: {}", chain(&error));
            let kind = EventKind::Warning { message };
            ctx.store
                .event_append(Some(&run.id), None, kind, ctx.now())
                .await?;
            Ok(())
        }
    }
}

/// Whether a requirement reads like one that is known, changed here and there: a person edited the
/// text and builds again.
pub fn is_edition(before: &str, after: &str) -> bool {
    amend::is_edition(before, after)
}

/// How many tests must at least run when a task is judged, of those that ran before it. A task that
/// the plan asks for in another way, or that takes work back, may leave tests of that work out.
pub(crate) async fn tests_floor(ctx: &Ctx, task: &Task, tests: u64) -> Result<u64, BuildError> {
    if tests == 0 || task.round_first == 1 {
        return Ok(tests);
    }
    let changes = ctx.store.change_list(&task.run).await?;
    let newest = changes
        .iter()
        .rev()
        .flat_map(|change| &change.tasks)
        .find(|change| change.task == task.id);
    let fewer = newest.is_some_and(|change| match change.kind {
        TaskChangeKind::Changed | TaskChangeKind::TakenBack => true,
        TaskChangeKind::Added | TaskChangeKind::Again | TaskChangeKind::Dropped => false,
    });
    Ok(if fewer { 0 } else { tests })
}
