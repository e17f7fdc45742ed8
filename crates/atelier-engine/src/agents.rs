//! The agents of a project: who does a task, who follows, and the files they share.

mod conventions;
mod proposals;
mod reviews;

#[cfg(test)]
mod tests;

use atelier_docs::{
    ProjectState, Rendered,
    codex::{
        self, Agent, Answers, CodexState, Findings, LogEntry, Roster, RosterError, TASK_LOG_FILE,
        log_faults, log_with,
    },
};
use atelier_model::{
    ContextHints, EventKind, FileTree, Run, RunId, Task, TaskChange, TaskChangeKind, TaskId,
    TaskSource, TaskState, TreePath,
};
use serde_json::json;

pub use self::proposals::{Synced, task_sync};
pub(crate) use self::{
    conventions::conventions,
    proposals::{reopen, take},
    reviews::{may_send_back, recover, send_back},
};
use crate::{BuildError, Ctx};

/// What stands for the id of a task in the path that an agent writes.
const TASK: &str = "{task}";
/// Characters of a date.
const DATE_CHARS: usize = "2026-01-01".len();

/// Who does a task on these files.
pub(crate) fn of_task(files: &FileTree, task: &Task) -> Result<Agent, RosterError> {
    let roster = Roster::read(files)?;
    let agent = roster.of_task(task.agent.as_deref(), &task.outputs)?;
    Ok(agent.clone())
}

/// The tasks, each with those behind it that follow it from agent to agent.
pub(crate) fn followed(files: &FileTree, tasks: Vec<Task>) -> Result<Vec<Task>, RosterError> {
    let roster = Roster::read(files)?;
    let mut all = Vec::with_capacity(tasks.len());
    for task in tasks {
        let behind = followers(&roster, &task)?;
        all.push(task);
        all.extend(behind);
    }
    Ok(all)
}

/// The same for the tasks that a change of the plan adds.
pub(crate) fn followed_anew(
    files: &FileTree,
    tasks: Vec<(Task, TaskChange)>,
) -> Result<Vec<(Task, TaskChange)>, RosterError> {
    let roster = Roster::read(files)?;
    let mut all = Vec::with_capacity(tasks.len());
    for (task, change) in tasks {
        let is_new = change.kind == TaskChangeKind::Added && task.source == TaskSource::Plan;
        let behind = if is_new {
            followers(&roster, &task)?
        } else {
            Vec::new()
        };
        let reason = format!("it follows {}", task.id);
        all.push((task, change));
        all.extend(behind.into_iter().map(|task| {
            let change = TaskChange {
                task: task.id.clone(),
                kind: TaskChangeKind::Added,
                reason: reason.clone(),
            };
            (task, change)
        }));
    }
    Ok(all)
}

fn followers(roster: &Roster, task: &Task) -> Result<Vec<Task>, RosterError> {
    let mut agent = roster.of_task(task.agent.as_deref(), &task.outputs)?;
    let mut behind: Vec<Task> = Vec::new();
    // A roster has no circle, and no chain is long.
    while let Some(then) = &agent.then {
        agent = roster.find(then)?;
        let last = behind.last().map_or(&task.id, |last| &last.id).clone();
        behind.push(follower(task, last, agent));
    }
    Ok(behind)
}

/// What an agent does once a task is done.
fn follower(task: &Task, last: TaskId, agent: &Agent) -> Task {
    let number = task.step.as_deref().unwrap_or(task.id.as_str());
    let output = agent
        .output
        .as_deref()
        .map(|path| path.replace(TASK, number));
    let outputs: Vec<String> = output.into_iter().collect();
    let mut name = agent.name.clone();
    if let Some(first) = name.get_mut(..1) {
        first.make_ascii_uppercase();
    }
    Task {
        id: TaskId::from_text(format!("{}-{}", task.id, agent.name)),
        step: None,
        title: format!("{name}: {}", task.title),
        description: format!(
            "{}\n\nWhat was done before, as task {number} ({}):\n\n{}",
            agent.goal, task.title, task.description
        ),
        why: String::new(),
        depends_on: vec![last],
        inputs: task.outputs.clone(),
        owns: outputs.clone(),
        outputs,
        protected: Vec::new(),
        acceptance: Vec::new(),
        context: ContextHints {
            files: task.outputs.clone(),
            ..task.context.clone()
        },
        source: TaskSource::Agent,
        agent: Some(agent.name.clone()),
        attempts: 0,
        round_first: 1,
        state: TaskState::Pending,
        commit: None,
        ..task.clone()
    }
}

/// The task that one of an agent followed, at the beginning of its chain.
pub(crate) async fn subject(ctx: &Ctx, task: &Task) -> Result<Option<Task>, BuildError> {
    let mut at = task.clone();
    for _ in 0..=codex::CHAIN_MAX {
        if at.source != TaskSource::Agent {
            return Ok((at.id != task.id).then_some(at));
        }
        let Some(before) = at.depends_on.first() else {
            return Ok(None);
        };
        at = ctx.store.task_fetch(&task.run, before).await?;
    }
    Ok(None)
}

/// Why an agent does not write a file; `None` where it may.
pub(crate) fn refusal(agent: &Agent, task: &Task, path: &TreePath) -> Option<String> {
    if is_of_roster(path) {
        return Some("it says who works on the project, or what was done".to_owned());
    }
    let named = |own: &String| own.trim_start_matches("./") == path.as_str();
    if task.outputs.iter().any(named) && task.source != TaskSource::Plan {
        return None;
    }
    if !agent.may_write(path) {
        return Some(format!("the agent `{}` does not write it", agent.name));
    }
    let is_test = !agent.tests && atelier_recipe::is_test_path(path);
    is_test.then(|| format!("the agent `{}` writes no tests", agent.name))
}

/// Files that no work of a model changes, whatever its task names: it would choose its own rights.
fn is_of_roster(path: &TreePath) -> bool {
    let whole = path.as_str();
    path.is_within(codex::AGENTS_FOLDER)
        || [
            codex::ROSTER_FILE,
            codex::TASK_LOG_FILE,
            codex::PROPOSALS_FILE,
        ]
        .contains(&whole)
}

/// What an agent is told beside its task; nothing where it has no words of its own.
pub(crate) fn brief(ctx: &Ctx, agent: &Agent) -> Result<Option<String>, BuildError> {
    if agent.prompt.is_empty() {
        return Ok(None);
    }
    let writes: Vec<String> = agent.writes.iter().map(ToString::to_string).collect();
    let inputs = json!({
        "name": agent.name, "goal": agent.goal, "prompt": agent.prompt, "writes": writes,
        "tests": agent.tests,
    });
    let prompt = ctx.library.render("agent", &inputs)?;
    let said = prompt.messages.into_iter().map(|message| message.text);
    Ok(Some(said.collect::<Vec<_>>().join("\n\n")))
}

/// The documents of `.codex/` as they must stand beside a tree, where the project keeps them.
pub(crate) async fn documents(
    ctx: &Ctx,
    run: &RunId,
    state: &ProjectState<'_>,
    finishing: Option<&TaskId>,
) -> Result<Vec<Rendered>, BuildError> {
    if !codex::has_codex(state.files) {
        return Ok(Vec::new());
    }
    let roster = Roster::read(state.files)?;
    let finished = finishing.and_then(|id| state.tasks.iter().find(|task| task.id == *id));
    let proposed = match finished {
        Some(task) => proposed_by(&roster, state.files, task)?,
        None if ctx.store.run_fetch(run).await?.trunk.is_none() => {
            let handoff = state.handoff.map(|handoff| handoff.next_steps.clone());
            handoff.unwrap_or_default()
        }
        None => Vec::new(),
    };
    let is_taken =
        |task: &&Task| task.source == TaskSource::Proposal && task.state == TaskState::Done;
    let taken = state.tasks.iter().filter(is_taken);
    let taken: Vec<(String, TaskId)> = taken
        .map(|task| (task.description.clone(), task.id.clone()))
        .collect();
    let log = match finished {
        // What cannot be read stays as it is; that is told when the run begins.
        Some(task) => log_with(text(state.files), &entry(&roster, run, task)?).ok(),
        None => None,
    };
    let rendered = codex::render(&CodexState {
        project: state,
        roster: &roster,
        proposed: &proposed,
        taken: &taken,
        log: log.as_deref(),
    });
    Ok(rendered?)
}

/// What a review that is about to be done proposes.
fn proposed_by(roster: &Roster, files: &FileTree, task: &Task) -> Result<Vec<String>, RosterError> {
    let agent = roster.of_task(task.agent.as_deref(), &task.outputs)?;
    if agent.answer != Answers::Findings {
        return Ok(Vec::new());
    }
    let paths = task
        .outputs
        .iter()
        .filter_map(|path| TreePath::parse(path).ok());
    let texts = paths.filter_map(|path| files.text(&path));
    Ok(texts.flat_map(Findings::proposed).collect())
}

fn entry(roster: &Roster, run: &RunId, task: &Task) -> Result<LogEntry, RosterError> {
    let agent = roster.of_task(task.agent.as_deref(), &task.outputs)?;
    let began = run.made_at().unwrap_or_default().to_string();
    Ok(LogEntry {
        task_id: task.id.to_string(),
        agent: agent.name.clone(),
        date: began.chars().take(DATE_CHARS).collect(),
        summary: task.title.clone(),
        output_files: task.outputs.clone(),
        run: run.to_string(),
    })
}

fn text(files: &FileTree) -> Option<&str> {
    files.text(&TASK_LOG_FILE.parse().ok()?)
}

/// Says what is wrong with the agents of a run before anything is asked, and tells a person once
/// where the log of what was done is not as it was written.
pub(crate) async fn look(ctx: &Ctx, run: &Run) -> Result<(), BuildError> {
    let stands = ctx.store.run_fetch(&run.id).await?;
    let Some(commit) = stands.trunk.or(stands.base_commit) else {
        return Ok(());
    };
    let files = ctx.git.tree_of(&commit, &ctx.limits)?;
    Roster::read(&files)?;
    if ctx.recording.is_some() || !codex::has_codex(&files) {
        return Ok(());
    }
    let written = written(ctx, &run.id).await?;
    let faults = log_faults(text(&files).unwrap_or_default(), written.as_deref());
    let known = ctx.store.event_list_kind(&run.id, "warning").await?;
    for fault in faults {
        let message = format!("failed to {fault}");
        let kind = EventKind::Warning { message };
        if !known.iter().any(|event| event.kind == kind) {
            ctx.store
                .event_append(Some(&run.id), None, kind, ctx.now())
                .await?;
        }
    }
    Ok(())
}

/// The log as Atelier left it last in what this run stands on.
async fn written(ctx: &Ctx, run: &RunId) -> Result<Option<String>, BuildError> {
    let Ok(path) = TASK_LOG_FILE.parse::<TreePath>() else {
        return Ok(None);
    };
    for one in ctx.store.run_list(proposals::RUNS_MAX).await? {
        let points = ctx.store.trunk_list(&one.id).await?;
        // What else moved the trunk may be what a person did.
        let mut merged = points.iter().rev().filter(|point| point.task.is_some());
        let Some(point) = merged.next() else { continue };
        if one.id != *run && !delivered(ctx, &point.commit) {
            continue;
        }
        let found = ctx.git.files_at(&[(point.commit.as_str(), &path)])?;
        if let Some(log) = found.into_iter().next().flatten() {
            return Ok(Some(String::from_utf8_lossy(&log).into_owned()));
        }
    }
    Ok(None)
}

/// Whether a commit is part of what the user has.
fn delivered(ctx: &Ctx, commit: &str) -> bool {
    let head = ctx.git.head().ok().and_then(|head| head.commit);
    head.is_some_and(|head| ctx.git.is_ancestor(commit, &head).unwrap_or(false))
}
