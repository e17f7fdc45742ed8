//! What a run has to show: documents while it goes on, a report at its end.

mod facts;

use std::collections::{BTreeMap, BTreeSet};

use atelier_docs::{ProjectState, Proof, Rendered};
use atelier_exec::{Delivery, GitError};
use atelier_model::{
    Component, DevPlan, Digest, EventKind, Evidence, FileTree, Handoff, Prose, Run, RunId,
    RunStatus, SandboxLevel, Stage, Task, TaskId, TaskState,
};
use atelier_store::{RunCost, Store, StoreError};

pub use self::facts::facts;
use crate::{BuildError, Ctx, Exit, agents, commit};

/// Earlier runs whose components are looked at.
const EARLIER_RUNS_MAX: u32 = 50;

/// The truth about an invocation.
#[derive(Debug)]
pub struct Report {
    /// The run as it stands now.
    pub run: Run,
    /// How the invocation ended.
    pub exit: Exit,
    /// Why it ended before its goal.
    pub error: Option<BuildError>,
    /// The result stood already; nothing had to be done.
    pub unchanged: bool,
    /// What became of the user's branch.
    pub delivery: Option<Delivery>,
    /// The tasks.
    pub tasks: Vec<Task>,
    /// Tests executed by the final verification.
    pub tests: u64,
    /// Checks of the final verification.
    pub checks: u64,
    /// Money and tokens, over all invocations of the run.
    pub cost: RunCost,
    /// Protected files that were put back.
    pub restored: Vec<String>,
    /// Things a person should know.
    pub warnings: Vec<String>,
    /// How tightly the commands of its checks were confined, where any was to be run.
    pub sandbox: Option<SandboxLevel>,
    /// The answers come from the scaffolder, not from a model.
    pub offline: bool,
}

/// Puts a report together from the store.
pub(crate) async fn report(
    ctx: &Ctx,
    run: &RunId,
    error: Option<BuildError>,
    delivery: Option<Delivery>,
    unchanged: bool,
) -> Result<Report, BuildError> {
    let run = ctx.store.run_fetch(run).await?;
    let mut report = Report {
        exit: error.as_ref().map_or(Exit::Verified, BuildError::exit),
        error,
        unchanged,
        delivery,
        tasks: ctx.store.task_list(&run.id).await?,
        tests: 0,
        checks: 0,
        cost: ctx.store.run_cost(&run.id).await?,
        restored: Vec::new(),
        warnings: Vec::new(),
        sandbox: None,
        offline: ctx.gateway.route(Stage::Code).provider == "offline",
        run,
    };
    for kind in [
        "run.verified",
        "tests.restored",
        "warning",
        "sandbox.chosen",
    ] {
        for event in ctx.store.event_list_kind(&report.run.id, kind).await? {
            report.take(event.kind);
        }
    }
    Ok(report)
}

impl Report {
    fn take(&mut self, kind: EventKind) {
        if let EventKind::RunVerified { checks, tests, .. } = kind {
            self.checks = checks;
            self.tests = tests;
        } else if let EventKind::TestsRestored { files } = kind {
            self.restored.extend(files);
        } else if let EventKind::Warning { message } = kind {
            self.warnings.push(message);
        } else if let EventKind::SandboxChosen { level, .. } = kind {
            self.sandbox = Some(level);
        }
    }
}

/// Why a task had failed that nobody in this process saw fail.
pub(crate) async fn failed_before(
    ctx: &Ctx,
    run: &RunId,
    id: &TaskId,
) -> Result<BuildError, BuildError> {
    let task = ctx.store.task_fetch(run, id).await?;
    let attempts = ctx.store.attempt_list(run, id).await?;
    let checks = attempts.last().map(|one| one.evidence.checks.iter());
    let failed = checks.and_then(|mut checks| checks.find(|check| !check.outcome.passed()));
    Ok(BuildError::TaskFailed {
        attempts: task.attempts + 1 - task.round_first,
        task: task.id,
        title: task.title,
        reason: failed.map_or_else(
            || "it failed before".to_owned(),
            |check| format!("{}: {}", check.name, check.reason),
        ),
    })
}

/// The most tests that build steps executed on the way of the trunk to where it stands.
pub(crate) async fn tests_so_far(ctx: &Ctx, run: &Run) -> Result<u64, BuildError> {
    let Some(trunk) = ctx.store.run_fetch(&run.id).await?.trunk else {
        return Ok(0);
    };
    let point = ctx.store.trunk_at(&run.id, &trunk).await?;
    Ok(point.map_or(0, |point| point.tests))
}

/// Whether a check is a criterion, named `2.3/A1`, and no build step, which is named `test` or in a
/// sub-folder `apps/web:test`.
pub(crate) fn is_criterion(name: &str) -> bool {
    name.contains('/') && !name.contains(':')
}

/// Tests of build steps alone; criteria may run the same tests again.
pub(crate) fn of_steps(evidence: &Evidence) -> u64 {
    let steps = evidence
        .checks
        .iter()
        .filter(|check| !is_criterion(&check.name));
    steps
        .filter_map(|check| check.tests.as_ref())
        .map(atelier_model::TestCounts::executed)
        .fold(0, u64::saturating_add)
}

/// Renders the documents as they must stand beside a tree. `finishing` is the task that is about
/// to be done, with its evidence.
pub(crate) async fn documents(
    ctx: &Ctx,
    run: &Run,
    plan: &DevPlan,
    files: &FileTree,
    finishing: Option<(&TaskId, &Evidence)>,
    prose: Option<&Prose>,
) -> Result<Vec<Rendered>, BuildError> {
    let mut tasks = ctx.store.task_list(&run.id).await?;
    let mut proven = ctx.store.evidence_list(&run.id).await?;
    let restored = restored(ctx, &run.id).await?;
    let mut proofs = BTreeMap::new();
    for task in &mut tasks {
        let evidence = match finishing {
            Some((id, evidence)) if *id == task.id => {
                task.state = TaskState::Done;
                Some(evidence.clone())
            }
            _ if task.state == TaskState::Done => proven.remove(&task.id),
            _ => None,
        };
        // What others are at in this moment is no fact about the commit.
        if task.state.is_under_way() || matches!(task.state, TaskState::Ready | TaskState::Failed) {
            task.state = TaskState::Pending;
        }
        if let Some(evidence) = evidence {
            let restored = restored.get(&task.id).cloned().unwrap_or_default();
            proofs.insert(task.id.clone(), proof(task, &evidence, restored));
        }
    }
    let handoff = handoff(ctx, &run.id).await?;
    let whole = whole_project(ctx, run, plan, files).await?;
    let state = ProjectState {
        run,
        plan: &whole,
        handoff: handoff.as_ref(),
        prose,
        tasks: &tasks,
        proofs: &proofs,
        files,
    };
    let mut documents = atelier_docs::render(&state)?;
    let finishing = finishing.map(|(id, _)| id);
    documents.extend(agents::documents(ctx, &run.id, &state, finishing).await?);
    Ok(documents)
}

/// The plan with the components of earlier runs that still stand: a run that adds to a project
/// describes all of it.
async fn whole_project(
    ctx: &Ctx,
    run: &Run,
    plan: &DevPlan,
    files: &FileTree,
) -> Result<DevPlan, BuildError> {
    let mut whole = plan.clone();
    let earlier = match &ctx.recording {
        Some(recorded) => recorded.components().to_vec(),
        None => earlier_components(&ctx.store, run).await?,
    };
    for part in earlier {
        let parts = &mut whole.design.components;
        let known = parts
            .iter()
            .any(|own| own.name == part.name || own.path == part.path);
        if !known && files.paths().any(|path| path.is_within(&part.path)) {
            parts.push(part);
        }
    }
    Ok(whole)
}

/// The components of the runs that were done when a run began, of the newest first.
pub(crate) async fn earlier_components(
    store: &Store,
    run: &Run,
) -> Result<Vec<Component>, StoreError> {
    let mut components = Vec::new();
    for one in store.run_list(EARLIER_RUNS_MAX).await? {
        let was_done = one.ended_at.is_some_and(|ended| ended <= run.created_at);
        if one.id == run.id || one.status != RunStatus::Done || !was_done {
            continue;
        }
        if let Some(plan) = store.plan_fetch(&one.id).await? {
            components.extend(plan.design.components);
        }
    }
    Ok(components)
}

/// What was put back, by the task that tried to change it.
async fn restored(
    ctx: &Ctx,
    run: &RunId,
) -> Result<BTreeMap<TaskId, BTreeSet<String>>, BuildError> {
    let mut all: BTreeMap<TaskId, BTreeSet<String>> = BTreeMap::new();
    for event in ctx.store.event_list_kind(run, "tests.restored").await? {
        if let (Some(task), EventKind::TestsRestored { files }) = (event.task, event.kind) {
            all.entry(task).or_default().extend(files);
        }
    }
    Ok(all)
}

fn proof(task: &Task, evidence: &Evidence, restored: BTreeSet<String>) -> Proof {
    Proof {
        tests: of_steps(evidence),
        checks: evidence.checks.len() as u64,
        subject: commit::subject(task),
        outputs: task.outputs.clone(),
        restored: restored.into_iter().collect(),
    }
}

async fn handoff(ctx: &Ctx, run: &RunId) -> Result<Option<Handoff>, BuildError> {
    let bytes = ctx
        .store
        .artifact_fetch(run, Stage::Handoff, "handoff")
        .await?;
    Ok(bytes.and_then(|bytes| serde_json::from_slice(&bytes).ok()))
}

/// The project's own rules for those who write in it, or nothing.
pub(crate) fn conventions(files: &FileTree) -> &str {
    ["AGENTS.md", "CLAUDE.md", "CONVENTIONS.md"]
        .iter()
        .find_map(|path| files.text(&path.parse().ok()?))
        .unwrap_or_default()
}

/// Registers the documents that are now part of the trunk.
pub(crate) async fn keep_documents(
    ctx: &Ctx,
    run: &Run,
    documents: &[Rendered],
) -> Result<(), BuildError> {
    let written: Vec<_> = documents
        .iter()
        .map(|one| (one.path.as_str(), one.kind, Digest::of(&one.text)))
        .collect();
    ctx.store
        .documents_put(&run.id, &written, ctx.now())
        .await?;
    Ok(())
}

/// The branch may lag behind the store after a crash; it must never be anywhere else.
pub(crate) async fn follow_trunk(ctx: &Ctx, run: &Run) -> Result<(), BuildError> {
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
    trunk_moved(ctx, run, &trunk, tip.as_deref())
}

/// Lets the run's branch follow the trunk, which the store has already moved.
pub(crate) fn trunk_moved(
    ctx: &Ctx,
    run: &Run,
    commit: &str,
    before: Option<&str>,
) -> Result<(), BuildError> {
    if let Some(recorded) = &ctx.recording {
        recorded.committed(&ctx.git.tree_id(commit)?)?;
    }
    let mut moved = ctx.git.branch_set(&run.branch, commit, before);
    let missing = matches!(moved, Err(GitError::Moved { found: None, .. }));
    if missing && before == run.base_commit.as_deref() {
        // The first commit of a run makes its branch.
        moved = ctx.git.branch_set(&run.branch, commit, None);
    }
    moved.map_err(|error| {
        if !matches!(error, GitError::Moved { .. }) {
            return BuildError::Git(error);
        }
        BuildError::BranchMoved {
            branch: run.branch.clone(),
            expected: before.unwrap_or("no commit").to_owned(),
        }
    })
}
