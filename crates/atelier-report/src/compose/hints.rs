//! What to do next, told from the report itself.

use atelier_model::{RunStatus, SandboxLevel, TaskState};

use crate::{
    Facts, Hint, Need, RunReport,
    words::{duration, many},
};

/// Hints of a report.
const HINTS_MAX: usize = 12;
/// Milliseconds of waiting that are worth a word, where they are more than one part of so many of all.
const WAITED_MS: u64 = 10_000;
const WAITED_SHARE: u64 = 4;
/// Tries at one task that are worth a word.
const TRIES: u32 = 3;

/// The hints, the most urgent first.
pub(super) fn hints(facts: &Facts, report: &RunReport) -> Vec<Hint> {
    let mut hints = Vec::new();
    let mut add = |text: String, command: String| hints.push(Hint { text, command });
    goal(facts, &mut add);
    proof(report, &mut add);
    project(report, &mut add);
    hints.truncate(HINTS_MAX);
    hints
}

/// What brings the run to its goal.
fn goal(facts: &Facts, add: &mut impl FnMut(String, String)) {
    let run = &facts.run;
    for task in &facts.tasks {
        let id = &task.id;
        if task.state == TaskState::Failed {
            add(
                format!("Task {id} used up its tries"),
                format!("atelier task retry {id}"),
            );
        } else if task.state == TaskState::Blocked {
            add(
                format!("Task {id} waits for you"),
                format!("atelier approve {id}"),
            );
        }
    }
    match run.status {
        RunStatus::Stopped if run.exit_code == Some(12) => add(
            "The budget is used up; nothing paid for is asked again".to_owned(),
            "atelier resume --budget +1.00".to_owned(),
        ),
        RunStatus::Stopped => add(
            "The run ended before its goal".to_owned(),
            format!("atelier resume {}", run.id),
        ),
        RunStatus::Planned => add(
            "The plan waits to be executed".to_owned(),
            "atelier run".to_owned(),
        ),
        RunStatus::Planning
        | RunStatus::Running
        | RunStatus::Verifying
        | RunStatus::Done
        | RunStatus::Cancelled => {}
    }
}

/// What makes the proof stronger, or the next run cheaper.
fn proof(report: &RunReport, add: &mut impl FnMut(String, String)) {
    let unproven = report.requirements.iter();
    let unproven = unproven.filter(|one| one.state == Need::Unproven).count();
    if unproven > 0 {
        add(
            format!(
                "No criterion stands for {}",
                many(unproven as u64, "statement")
            ),
            "atelier change \"add a criterion for …\"".to_owned(),
        );
    }
    if !report.evidence.restored.is_empty() {
        add(
            "Protected tests were changed and put back; see what was tried".to_owned(),
            "atelier log".to_owned(),
        );
    }
    if let Some(level) = &report.evidence.sandbox
        && level != SandboxLevel::Strong.as_str()
    {
        add(
            format!("Commands were confined at the level `{level}`, which is not the tightest"),
            "atelier doctor sandbox".to_owned(),
        );
    }
    waiting(report, add);
    let mended = report.tasks.iter().filter(|task| task.attempts >= TRIES);
    if let Some(task) = mended.max_by_key(|task| task.attempts) {
        add(
            format!(
                "Task {} took {} tries; see what it failed on",
                task.id, task.attempts
            ),
            format!("atelier show {}", task.id),
        );
    }
}

/// Whether tasks that could have been done stood in line.
fn waiting(report: &RunReport, add: &mut impl FnMut(String, String)) {
    let line = &report.timeline;
    let path = line.critical_path.iter();
    let waited = path.fold(0, |sum: u64, link| sum.saturating_add(link.waited_ms));
    if waited >= WAITED_MS && waited > line.wall_ms / WAITED_SHARE {
        add(
            format!(
                "Of {}, {} went by while ready tasks waited for a free worker",
                duration(line.wall_ms),
                duration(waited)
            ),
            format!("atelier build --jobs {}", line.width.saturating_mul(2)),
        );
    }
}

/// What the project lacks.
fn project(report: &RunReport, add: &mut impl FnMut(String, String)) {
    let states: Vec<&str> = report
        .workflows
        .iter()
        .map(|one| one.state.as_str())
        .collect();
    if !states.is_empty() && states.iter().all(|state| *state == "missing") {
        add(
            "No forge checks this project yet".to_owned(),
            "atelier ci generate".to_owned(),
        );
    } else if states.contains(&"outdated") {
        add(
            "The workflow no longer has the steps of the project".to_owned(),
            "atelier ci generate".to_owned(),
        );
    }
    if report.tools.is_empty() && report.outcome.commit.is_some() {
        add(
            "Linters and scanners have not looked at the project".to_owned(),
            "atelier report --analyse".to_owned(),
        );
    }
    if report.outcome.offline {
        add(
            "The answers came from built-in templates; connect a model".to_owned(),
            "atelier doctor".to_owned(),
        );
    }
}
