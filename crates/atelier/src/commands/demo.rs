//! `atelier demo`: a recorded run that comes with the program, built again before one's eyes.

use atelier_exec::{environment, find_program};
use clap::Args;
use serde_json::json;

use super::replay::{ReplayError, own, replayed};
use crate::{
    app::{self, Place},
    cli::Global,
    cli_error::CliError,
    ui::Ui,
};

/// The run, as `atelier pack` wrote it.
const RUN: &[u8] = include_bytes!("../../demo.car");

/// The program without which its checks cannot be carried out.
const NEEDED: &str = "python3";

/// Watch a recorded run from its requirement to a verified branch; needs no key, no model, no network
#[derive(Debug, Args)]
pub(crate) struct DemoArgs {
    /// Take what is recorded of the checks, instead of carrying them out again
    #[arg(long)]
    pub(crate) without_checks: bool,
}

pub(crate) async fn run(global: &Global, args: &DemoArgs, ui: &Ui) -> Result<u8, CliError> {
    let pack = own(RUN)?;
    let folder = tempfile::Builder::new().prefix("atelier-demo-").tempdir();
    let folder = folder.map_err(ReplayError::Folder)?;
    // Nothing of where the command was started has a say in it.
    let place = Place {
        folder: folder.path().to_owned(),
        root: folder.path().to_owned(),
        git: None,
    };
    let settings = app::configure_unasked(&place, global)?;
    let path = environment(&place.root).remove("PATH").unwrap_or_default();
    let runs_checks = !args.without_checks && find_program(NEEDED, &path).is_some();
    ui.status(&format!("the requirement: {}", pack.requirement.trim()));
    let replies = pack.answers.len();
    let done = Box::pin(replayed(&place, &settings, (pack, runs_checks), ui)).await?;
    if let Some(error) = done.report.error {
        return Err(error.into());
    }
    let (branch, tests) = (done.report.run.branch.clone(), done.report.tests);
    let kept = done
        .folder
        .keep()
        .map_err(ReplayError::Folder)?
        .join("project");
    if ui.is_json() {
        let line = json!({
            "v": 1, "type": "demo", "folder": kept, "branch": branch, "replies": replies,
            "tests": tests, "checks": if runs_checks { "again" } else { "recorded" },
        });
        ui.out(&line.to_string());
        return Ok(0);
    }
    ui.out(&format!("built and verified in {}", kept.display()));
    ui.status(&format!(
        "{replies} replies came from the record; {tests} tests; nobody was asked"
    ));
    if !runs_checks && !args.without_checks {
        ui.status(&format!(
            "{NEEDED} is not installed: its checks were taken from the record"
        ));
    }
    ui.status("look at it: `git log` there; build something of your own: atelier build \"…\"");
    Ok(0)
}
