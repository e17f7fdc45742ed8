//! Tasks that a person adds.

use atelier_model::{
    Acceptance, Budget, Check, Component, ContextHints, Design, DevPlan, Digest, Expect, FileTree,
    Phase, PhaseOutline, RequirementItem, Run, RunId, RunMode, RunStatus, Step, Task, TaskId,
    TaskSource, TechnologyStack,
};

use crate::{
    BuildError, Ctx, agents,
    presence::{Presence, lease_wait},
};

/// A task in a person's words.
#[derive(Debug, Clone)]
pub struct NewTask {
    /// Short title, or the whole wish.
    pub title: String,
    /// What to do; the title if empty.
    pub description: String,
    /// Paths it will write, where the person knows.
    pub outputs: Vec<String>,
    /// Commands that prove it, each as program and arguments.
    pub checks: Vec<Vec<String>>,
    /// Higher goes first.
    pub priority: i32,
    /// The agent that does it; the one that takes its files if left out.
    pub agent: Option<String>,
    /// Who asks for it.
    pub source: TaskSource,
}

/// Adds a task to the newest run, which is opened again where it was finished, or begins a run of
/// its own where there is none that could take it.
///
/// Without a check of its own the project's build and tests are its proof.
pub async fn task_add(ctx: &Ctx, new: &NewTask) -> Result<(RunId, TaskId), BuildError> {
    if new.title.trim().is_empty() {
        return Err(BuildError::EmptyRequirement);
    }
    let presence = Presence::enter(ctx).await?;
    // Two who add at once would find the same number free.
    let lease = lease_wait(ctx, "tasks").await?;
    let added = task_add_alone(ctx, new).await;
    ctx.store.lease_give_back(&lease).await?;
    presence.leave(ctx).await;
    added
}

pub(crate) async fn task_add_alone(
    ctx: &Ctx,
    new: &NewTask,
) -> Result<(RunId, TaskId), BuildError> {
    let newest = ctx.store.run_list(1).await?.into_iter().next();
    match &newest {
        Some(run) if open(ctx, run).await? => join(ctx, run, new).await,
        _ => begin(ctx, newest.as_ref(), new).await,
    }
}

/// Whether a run can take another task; a finished one is opened again where its result is part
/// of what the user has now.
pub(crate) async fn open(ctx: &Ctx, run: &Run) -> Result<bool, BuildError> {
    if ctx.store.task_list(&run.id).await?.is_empty() {
        return Ok(false);
    }
    match (run.status, &run.trunk) {
        (RunStatus::Done, Some(trunk)) => {
            let head = ctx.git.head()?;
            let Some(commit) = head.commit else {
                return Ok(false);
            };
            if !ctx.git.is_ancestor(trunk, &commit)? {
                return Ok(false);
            }
            let tip = ctx.git.branch_commit(&run.branch)?;
            ctx.git.branch_set(&run.branch, &commit, tip.as_deref())?;
            let branch = head.branch.as_deref();
            ctx.store
                .run_reopen(&run.id, branch, &commit, ctx.now())
                .await?;
            Ok(true)
        }
        (RunStatus::Running | RunStatus::Verifying | RunStatus::Stopped, _) => Ok(true),
        (RunStatus::Planning | RunStatus::Planned | RunStatus::Done | RunStatus::Cancelled, _) => {
            Ok(false)
        }
    }
}

/// Adds a task to a run that is open, with those that follow it.
pub(crate) async fn join(
    ctx: &Ctx,
    run: &Run,
    new: &NewTask,
) -> Result<(RunId, TaskId), BuildError> {
    let tasks = ctx.store.task_list(&run.id).await?;
    let count = tasks
        .iter()
        .filter(|task| matches!(task.source, TaskSource::User | TaskSource::Proposal))
        .count();
    let id = TaskId::from_text(format!("u{}", count + 1));
    let task = Task {
        id: id.clone(),
        step: None,
        ..of_step(&run.id, &step(new, "1.1"), new)
    };
    let stands = run.trunk.as_ref().or(run.base_commit.as_ref());
    for task in agents::followed(&files(ctx, stands)?, vec![task])? {
        ctx.store.task_add_own(&task, ctx.now()).await?;
    }
    Ok((run.id.clone(), id))
}

async fn begin(
    ctx: &Ctx,
    newest: Option<&Run>,
    new: &NewTask,
) -> Result<(RunId, TaskId), BuildError> {
    let requirement = if new.description.trim().is_empty() {
        &new.title
    } else {
        &new.description
    };
    let head = ctx.git.head()?;
    let known = match newest {
        Some(run) => ctx.store.plan_fetch(&run.id).await?.map(|plan| plan.design),
        None => None,
    };
    let plan = plan(known, new, requirement);
    let id = RunId::new(ctx.now(), &*ctx.ids);
    let run = Run {
        branch: format!("atelier/{id}"),
        id: id.clone(),
        requirement: requirement.trim().to_owned(),
        requirement_digest: Digest::of(requirement.trim()),
        mode: RunMode::Build,
        approval: newest.map(|run| run.approval).unwrap_or_default(),
        budget: Budget::default(),
        base_branch: head.branch,
        base_commit: head.commit,
        trunk: None,
        status: RunStatus::Planning,
        exit_code: None,
        reason: String::new(),
        created_at: ctx.now(),
        ended_at: None,
    };
    let tasks = plan.steps().map(|step| of_step(&id, step, new)).collect();
    let tasks = agents::followed(&files(ctx, run.base_commit.as_ref())?, tasks)?;
    ctx.store.run_adopt(&run, &plan, &tasks, ctx.now()).await?;
    Ok((id, TaskId::from_text("t1.1")))
}

fn files(ctx: &Ctx, commit: Option<&String>) -> Result<FileTree, BuildError> {
    match commit {
        Some(commit) => Ok(ctx.git.tree_of(commit, &ctx.limits)?),
        None => Ok(FileTree::default()),
    }
}

fn of_step(run: &RunId, step: &Step, new: &NewTask) -> Task {
    Task {
        agent: new.agent.clone(),
        priority: new.priority,
        ..atelier_plan::step_task(run, step, new.source)
    }
}

fn step(new: &NewTask, number: &str) -> Step {
    let check = |(index, argv): (usize, &Vec<String>)| Acceptance {
        id: format!("A{}", index + 1),
        text: format!("`{}` succeeds", argv.join(" ")),
        requirements: vec!["R1".to_owned()],
        check: Check::Command {
            argv: argv.clone(),
            cwd: None,
        },
        expect: Expect::default(),
        timeout_seconds: None,
        must_fail_before: false,
    };
    let description = if new.description.trim().is_empty() {
        &new.title
    } else {
        &new.description
    };
    Step {
        number: number.to_owned(),
        title: new
            .title
            .lines()
            .next()
            .unwrap_or_default()
            .trim()
            .to_owned(),
        description: description.trim().to_owned(),
        why: String::new(),
        requirements: vec!["R1".to_owned()],
        depends_on: Vec::new(),
        inputs: Vec::new(),
        outputs: new.outputs.clone(),
        owns: new.outputs.clone(),
        protected: Vec::new(),
        acceptance: new.checks.iter().enumerate().map(check).collect(),
        context: ContextHints::default(),
    }
}

/// A plan of one step over the design that is known.
fn plan(known: Option<Design>, new: &NewTask, requirement: &str) -> DevPlan {
    let mut design = known.unwrap_or_else(|| Design {
        name: "project".to_owned(),
        summary: String::new(),
        objectives: Vec::new(),
        requirements: Vec::new(),
        technology_stack: TechnologyStack {
            language: String::new(),
            kind: String::new(),
            frameworks: Vec::new(),
            testing: String::new(),
        },
        architecture_overview: String::new(),
        components: Vec::<Component>::new(),
        dependencies: Vec::new(),
        challenges: Vec::new(),
    });
    design.requirements = vec![RequirementItem {
        id: "R1".to_owned(),
        text: requirement.trim().to_owned(),
    }];
    let outline = PhaseOutline {
        number: 1,
        title: new.title.clone(),
        description: requirement.trim().to_owned(),
        requirements: vec!["R1".to_owned()],
        depends_on: Vec::new(),
    };
    DevPlan {
        design,
        summary: new.title.clone(),
        phases: vec![Phase {
            outline,
            steps: vec![step(new, "1.1")],
        }],
    }
}
