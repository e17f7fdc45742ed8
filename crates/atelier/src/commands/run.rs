//! `atelier run`: executes a plan that was made before.

use atelier_engine::Overrides;
use atelier_model::RunStatus;
use clap::Args;

use super::{
    drive::{self, Work},
    select,
};
use crate::{
    cli::{Global, RunOptions},
    cli_error::CliError,
    ui::Ui,
};

/// Execute a plan that `atelier plan` made; this approves it
#[derive(Debug, Args)]
pub(crate) struct RunArgs {
    /// The run, by the beginning of its id; the newest planned one if left out
    #[arg(value_name = "RUN")]
    pub(crate) run: Option<String>,

    #[command(flatten)]
    pub(crate) options: RunOptions,
}

pub(crate) async fn run(global: &Global, args: &RunArgs, ui: &Ui) -> Result<u8, CliError> {
    let (ctx, settings) = drive::open(global, &args.options, ui).await?;
    let run = if let Some(named) = &args.run {
        select::run(&ctx.store, Some(named)).await?
    } else {
        let runs = ctx.store.run_list(u32::from(u8::MAX)).await?;
        let planned = runs
            .into_iter()
            .find(|run| run.status == RunStatus::Planned);
        planned.ok_or_else(|| CliError::NotFound {
            what: "a run that is",
            name: "planned".to_owned(),
            known: Vec::new(),
        })?
    };
    let overrides = overrides(&args.options, &settings, true)?;
    Box::pin(drive::to_its_end(
        &ctx,
        &settings,
        ui,
        &Work::Resume(run.id, overrides),
    ))
    .await
}

/// What flags and configuration change for a run that goes on: only what was said.
pub(super) fn overrides(
    options: &RunOptions,
    settings: &crate::config::Settings,
    plan_approved: bool,
) -> Result<Overrides, CliError> {
    let approval = options.approval.is_some().then_some(settings.approval);
    Ok(Overrides {
        budget: options.limits.change()?,
        approval,
        plan_approved,
        ..Overrides::default()
    })
}
