//! `atelier status`: where the newest run, or another, stands.

use atelier_model::{Run, TaskState};
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
    let store = Place::find(global)?.store().await?;
    if args.all {
        for run in store.run_list(RUNS_MAX).await? {
            head(ui, &store, &run).await?;
        }
        return Ok(0);
    }
    let run = select::run(&store, args.run.as_deref()).await?;
    head(ui, &store, &run).await?;
    for task in store.task_list(&run.id).await? {
        if ui.is_json() {
            let value = serde_json::to_value(&task).unwrap_or_default();
            ui.out(&json!({"v": 1, "type": "task", "task": value}).to_string());
            continue;
        }
        let tone = match task.state {
            TaskState::Done => Tone::Good,
            TaskState::Failed => Tone::Bad,
            TaskState::Blocked | TaskState::Cancelled => Tone::Warning,
            TaskState::Pending | TaskState::Ready => Tone::Faint,
            TaskState::Running | TaskState::Verifying | TaskState::Merging => Tone::Strong,
        };
        let state = ui.ink(tone, &format!("{:<9}", word(task.state)));
        let commit = task.commit.as_deref().map(short).unwrap_or_default();
        let line = format!("  {state} {:<6} {}  {commit}", task.id, plain(&task.title));
        ui.out(line.trim_end());
    }
    Ok(0)
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
    if let Some(trunk) = &run.trunk {
        ui.out(&format!("  commit {} on {}", short(trunk), run.branch));
    }
    Ok(())
}

/// A state as its one word.
pub(super) fn word(state: impl serde::Serialize) -> String {
    let value = serde_json::to_value(state).unwrap_or_default();
    value.as_str().unwrap_or_default().to_owned()
}
