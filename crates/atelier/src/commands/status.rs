//! `atelier status`: where the newest run, or another, stands.

mod budgets;

use atelier_model::{Run, RunStatus, Task, TaskState};
use atelier_store::Store;
use clap::Args;
use serde_json::json;

use super::{ending::short, select};
use crate::{
    app::Place,
    cli::Global,
    cli_error::CliError,
    row::cut,
    ui::{Tone, Ui, plain},
};

/// Columns of the requirement's first line.
const FIRST_COLUMNS: usize = 60;
/// Columns of a reason.
const REASON_COLUMNS: usize = 84;
/// Runs listed.
const RUNS_MAX: u32 = 20;

/// Show where runs and tasks stand
#[derive(Debug, Args)]
pub(crate) struct StatusArgs {
    /// The run, by the beginning of its id; the newest if left out
    #[arg(value_name = "RUN")]
    pub(crate) run: Option<String>,

    /// List all runs instead
    #[arg(long)]
    pub(crate) all: bool,
}

pub(crate) async fn run(global: &Global, args: &StatusArgs, ui: &Ui) -> Result<u8, CliError> {
    let place = Place::find(global)?;
    let configured = budgets::configured(global, &place);
    let store = place.store().await?;
    if args.all {
        for run in store.run_list(RUNS_MAX).await? {
            head(ui, &store, &run).await?;
        }
        return Ok(0);
    }
    let run = select::run(&store, args.run.as_deref()).await?;
    head(ui, &store, &run).await?;
    let tasks = store.task_list(&run.id).await?;
    budgets::show(ui, &store, &run, &tasks, &configured).await?;
    let reasons = store.task_reasons(&run.id).await?;
    for task in tasks {
        let reason = reasons.get(&task.id).filter(|_| is_told(task.state));
        if ui.is_json() {
            let value = serde_json::to_value(&task).unwrap_or_default();
            let mut line = json!({"v": 1, "type": "task", "task": value});
            if let Some(reason) = reason {
                line["reason"] = json!(reason);
                line["help"] = json!(help(&task));
            }
            ui.out(&line.to_string());
            continue;
        }
        let tone = match task.state {
            TaskState::Done => Tone::Good,
            TaskState::Failed => Tone::Bad,
            TaskState::Blocked | TaskState::Cancelled | TaskState::Skipped | TaskState::Waived => {
                Tone::Warning
            }
            TaskState::Pending | TaskState::Ready => Tone::Faint,
            TaskState::Running | TaskState::Verifying | TaskState::Merging => Tone::Strong,
        };
        let state = ui.ink(tone, &format!("{:<9}", word(task.state)));
        let commit = task.commit.as_deref().map(short).unwrap_or_default();
        let line = format!("  {state} {:<6} {}  {commit}", task.id, plain(&task.title));
        ui.out(line.trim_end());
        if let Some(reason) = reason {
            let first = plain(reason.lines().next().unwrap_or_default());
            ui.out(&format!("            {}", cut(&first, REASON_COLUMNS)));
            if let Some(help) = help(&task) {
                ui.out(&format!("            {help}"));
            }
        }
    }
    questions(ui, &store, &run).await?;
    Ok(0)
}

/// Whether a reader wants to know why a task stands there.
fn is_told(state: TaskState) -> bool {
    match state {
        TaskState::Blocked
        | TaskState::Failed
        | TaskState::Cancelled
        | TaskState::Skipped
        | TaskState::Waived => true,
        TaskState::Pending
        | TaskState::Ready
        | TaskState::Running
        | TaskState::Verifying
        | TaskState::Merging
        | TaskState::Done => false,
    }
}

/// The command that helps a task on.
fn help(task: &Task) -> Option<String> {
    let id = &task.id;
    match task.state {
        TaskState::Blocked => Some(format!("atelier approve {id}, or atelier task skip {id}")),
        TaskState::Failed => Some(format!(
            "atelier task retry {id}, or atelier task edit {id}"
        )),
        TaskState::Cancelled | TaskState::Skipped => Some(format!("atelier task retry {id}")),
        TaskState::Pending
        | TaskState::Ready
        | TaskState::Running
        | TaskState::Verifying
        | TaskState::Merging
        | TaskState::Done
        | TaskState::Waived => None,
    }
}

/// What waits for a person, with the commands that answer it.
async fn questions(ui: &Ui, store: &Store, run: &Run) -> Result<(), CliError> {
    for question in store.question_list(&run.id).await? {
        if ui.is_json() {
            let value = serde_json::to_value(&question).unwrap_or_default();
            ui.out(&json!({"v": 1, "type": "question", "question": value}).to_string());
            continue;
        }
        let subject = plain(&question.subject);
        let first = plain(question.body.lines().next().unwrap_or_default());
        let first = cut(first.trim(), REASON_COLUMNS);
        ui.out(&format!("  waits for you: {subject}  {first}"));
        ui.out(&format!(
            "            atelier approve {subject}, or atelier reject {subject} --reason TEXT"
        ));
    }
    Ok(())
}

async fn head(ui: &Ui, store: &Store, run: &Run) -> Result<(), CliError> {
    let cost = store.run_cost(&run.id).await?;
    if ui.is_json() {
        let value = serde_json::to_value(run).unwrap_or_default();
        let line = json!({"v": 1, "type": "run", "run": value, "cost_micro_usd": cost.spent});
        ui.out(&line.to_string());
        return Ok(());
    }
    let status = word(run.status);
    let budget = run
        .budget
        .usd
        .map(|usd| format!(" of {usd}"))
        .unwrap_or_default();
    let first = plain(run.requirement.lines().next().unwrap_or_default());
    let first = cut(&first, FIRST_COLUMNS);
    ui.out(&format!(
        "{} {status}  {}{budget}  {first}",
        run.id, cost.spent
    ));
    if !run.reason.is_empty() && run.exit_code != Some(0) {
        ui.out(&format!(
            "  ended with {}: {}",
            run.exit_code.unwrap_or(1),
            plain(&run.reason)
        ));
    }
    let rests = store.run_pulse(&run.id).await?.rest.is_some();
    if let Some(help) = run_help(run, rests) {
        ui.out(&format!("  go on with: {help}"));
    }
    if let Some(trunk) = &run.trunk {
        ui.out(&format!("  commit {} on {}", short(trunk), run.branch));
    }
    Ok(())
}

/// The command that takes a run on that nobody works on.
fn run_help(run: &Run, rests: bool) -> Option<String> {
    let more = match run.exit_code {
        Some(12) => " --budget +1.00, or whichever limit is used up",
        _ => "",
    };
    match run.status {
        RunStatus::Stopped => Some(format!("atelier resume{more}")),
        RunStatus::Planned => Some("atelier run".to_owned()),
        RunStatus::Planning | RunStatus::Running | RunStatus::Verifying if rests => {
            Some("atelier resume, once it rests".to_owned())
        }
        RunStatus::Cancelled => Some(format!("atelier resume {}", run.id)),
        RunStatus::Planning | RunStatus::Running | RunStatus::Verifying | RunStatus::Done => None,
    }
}

/// A state as its one word.
pub(super) fn word(state: impl serde::Serialize) -> String {
    let value = serde_json::to_value(state).unwrap_or_default();
    value.as_str().unwrap_or_default().to_owned()
}
