//! `atelier status`: where the newest run, or another, stands.

mod budgets;

use atelier_engine::{Exit, is_told, overview, run_document, task_help};
use atelier_model::{Run, RunStatus, TaskState};
use atelier_store::{Store, TaskLine};
use clap::Args;

use super::{control::now, ending::short, select};
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
/// Tasks of which each has its line.
const TASKS_MAX: u32 = 200;

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
    let store = place.store_read(ui).await?;
    if args.all {
        for run in store.run_list(RUNS_MAX).await? {
            head(ui, &store, &run).await?;
        }
        return Ok(0);
    }
    let run = select::run(&store, args.run.as_deref()).await?;
    if ui.is_json() {
        let all = overview(&store, &run, &configured, now()).await?;
        for document in all.documents() {
            ui.out(&document.to_string());
        }
        return Ok(0);
    }
    head(ui, &store, &run).await?;
    budgets::show(ui, &store, &run, &configured).await?;
    tasks(ui, &store, &run).await?;
    questions(ui, &store, &run).await?;
    Ok(0)
}

/// The tasks of a run as a person wants to see them: all of few, and of many those with which
/// something is the matter.
async fn tasks(ui: &Ui, store: &Store, run: &Run) -> Result<(), CliError> {
    let counts = store.task_counts(&run.id).await?;
    let all: u64 = counts.values().sum();
    let is_large = all > u64::from(TASKS_MAX);
    let states: Vec<TaskState> = counts
        .keys()
        .copied()
        .filter(|state| !is_large || !matches!(state, TaskState::Pending | TaskState::Done))
        .collect();
    let lines = store.task_lines(&run.id, &states, TASKS_MAX).await?;
    for line in &lines {
        task(ui, line);
    }
    if is_large {
        let parts: Vec<String> = counts
            .iter()
            .map(|(state, count)| format!("{count} {}", word(state)))
            .collect();
        let (parts, shown) = (parts.join(", "), lines.len());
        ui.out(&format!("  {all} tasks: {parts}; {shown} of them shown"));
        ui.out("            atelier --json status, for all of them");
    }
    Ok(())
}

fn task(ui: &Ui, line: &TaskLine) {
    let tone = match line.state {
        TaskState::Done => Tone::Good,
        TaskState::Failed => Tone::Bad,
        TaskState::Blocked | TaskState::Cancelled | TaskState::Skipped | TaskState::Waived => {
            Tone::Warning
        }
        TaskState::Pending | TaskState::Ready => Tone::Faint,
        TaskState::Running | TaskState::Verifying | TaskState::Merging => Tone::Strong,
    };
    let state = ui.ink(tone, &format!("{:<9}", word(line.state)));
    let commit = line.commit.as_deref().map(short).unwrap_or_default();
    let told = format!("  {state} {:<6} {}  {commit}", line.id, plain(&line.title));
    ui.out(told.trim_end());
    if line.reason.is_empty() || !is_told(line.state) {
        return;
    }
    let first = plain(line.reason.lines().next().unwrap_or_default());
    ui.out(&format!("            {}", cut(&first, REASON_COLUMNS)));
    if let Some(help) = task_help(&line.id, line.state) {
        ui.out(&format!("            {help}"));
    }
}

/// What waits for a person, with the commands that answer it.
async fn questions(ui: &Ui, store: &Store, run: &Run) -> Result<(), CliError> {
    for question in store.question_list(&run.id).await? {
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
    if ui.is_json() {
        ui.out(&run_document(store, run).await?.to_string());
        return Ok(());
    }
    let spent = store.run_spent(&run.id).await?;
    let status = word(run.status);
    let budget = run
        .budget
        .usd
        .map(|usd| format!(" of {usd}"))
        .unwrap_or_default();
    let first = plain(run.requirement.lines().next().unwrap_or_default());
    let first = cut(&first, FIRST_COLUMNS);
    ui.out(&format!("{} {status}  {}{budget}  {first}", run.id, spent));
    if !run.reason.is_empty() && run.exit_code != Some(0) && tells_its_end(run) {
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

/// Whether the end that is on record is the newest: a run goes on after it, or is cancelled at rest.
fn tells_its_end(run: &Run) -> bool {
    match run.status {
        RunStatus::Planning | RunStatus::Running | RunStatus::Verifying => false,
        RunStatus::Cancelled => run.exit_code == Some(Exit::Cancelled as i32),
        RunStatus::Planned | RunStatus::Done | RunStatus::Stopped => true,
    }
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
