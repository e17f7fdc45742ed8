//! `atelier gc`: takes away what runs left behind.

use atelier_engine::gc;
use atelier_model::Clock;
use clap::Args;
use serde_json::json;

use crate::{
    app::{Place, SystemClock},
    cli::Global,
    cli_error::CliError,
    ui::Ui,
};

/// Take away what nobody needs any more: attempts of finished runs, worktrees of dead processes
///
/// Branches, the state and everything of a run that can go on stay.
#[derive(Debug, Args)]
pub(crate) struct GcArgs {
    /// Keep the attempts of runs that ended in the last days
    #[arg(long, value_name = "N", default_value_t = 14)]
    pub(crate) keep_days: u32,

    /// Say what would be taken away, and leave it
    #[arg(long)]
    pub(crate) dry_run: bool,
}

pub(crate) async fn run(global: &Global, args: &GcArgs, ui: &Ui) -> Result<u8, CliError> {
    let mut place = Place::find(global)?;
    let store = place.store().await?;
    let git = place.repository()?;
    let freed = gc(
        &store,
        &git,
        SystemClock.now(),
        args.keep_days,
        args.dry_run,
    )
    .await?;
    if ui.is_json() {
        let attempts: Vec<_> = freed.attempts.iter().map(|one| &one.name).collect();
        let line = json!({
            "v": 1, "type": "gc", "dry_run": args.dry_run, "attempts": attempts,
            "worktrees": freed.worktrees, "bytes": freed.bytes,
        });
        ui.out(&line.to_string());
        return Ok(0);
    }
    for attempt in &freed.attempts {
        ui.status(&format!(
            "  attempt {} of {} in run {}",
            attempt.ordinal, attempt.task, attempt.run
        ));
    }
    for worktree in &freed.worktrees {
        ui.status(&format!("  worktree {worktree}"));
    }
    let verb = if args.dry_run { "would free" } else { "freed" };
    ui.out(&format!(
        "{verb} {} attempts and {} worktrees of {} MB",
        freed.attempts.len(),
        freed.worktrees.len(),
        freed.bytes / 1_000_000
    ));
    Ok(0)
}
