//! `atelier resume`: goes on where a run stopped.

use atelier_model::{RunFact, RunStatus};
use clap::Args;

use super::{
    drive::{self, Work},
    run::overrides,
    select,
};
use crate::{
    cli::{Global, RunOptions},
    cli_error::CliError,
    ui::Ui,
};

/// Go on with a run that was stopped, failed, or whose process died
///
/// Answers that were paid for are not asked again.
#[derive(Debug, Args)]
pub(crate) struct ResumeArgs {
    /// The run, by the beginning of its id; the newest if left out
    #[arg(value_name = "RUN")]
    pub(crate) run: Option<String>,

    #[command(flatten)]
    pub(crate) options: RunOptions,
}

pub(crate) async fn run(global: &Global, args: &ResumeArgs, ui: &Ui) -> Result<u8, CliError> {
    let (ctx, settings) = drive::open(global, &args.options, ui).await?;
    let overrides = overrides(&args.options, &settings, args.options.yes)?;
    let run = select::run(&ctx.store, args.run.as_deref()).await?;
    if run.status == RunStatus::Cancelled && args.run.is_some() {
        // Whoever names a run that was given up wants it after all.
        let now = ctx.clock.now();
        ctx.store
            .run_advance(&run.id, RunFact::Reopened, now)
            .await?;
    }
    Box::pin(drive::to_its_end(
        &ctx,
        &settings,
        ui,
        &Work::Resume(run.id, overrides),
    ))
    .await
}
