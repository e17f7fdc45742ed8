//! `atelier change`: the plan of a run is changed, and what that touches is done again.

use std::path::PathBuf;

use atelier_engine::{
    ChangeEnd, ChangeRequest, Ctx, Overrides, Proposal, estimate, is_edition, propose, told,
};
use atelier_model::{BudgetChange, DevPlan, Digest, Run, RunStatus, Stage, TaskChangeKind};
use clap::Args;
use serde_json::json;

use super::{
    build::{requirement, requirement_file},
    drive::{self, Work},
    select,
};
use crate::{
    cli::{Global, RunOptions},
    cli_error::CliError,
    config::Settings,
    ui::{Ui, plain},
};

/// Change what a run builds: only what that touches is done again
///
/// Steps that stay as they are keep their results. A new step is done, a changed one is done anew with
/// what depends on it, and the work of a removed one is taken back.
#[derive(Debug, Args)]
pub(crate) struct ChangeArgs {
    /// What should be different, in plain language; `-` reads it from standard input
    #[arg(value_name = "WISH")]
    pub(crate) wish: Vec<String>,

    /// Read the whole requirement, as it should be from now on, from a file
    #[arg(short = 'f', long, value_name = "FILE", conflicts_with = "wish")]
    pub(crate) file: Option<PathBuf>,

    /// The run, by the beginning of its id; the newest if left out
    #[arg(long, value_name = "RUN")]
    pub(crate) run: Option<String>,

    /// Show what would be done, and do nothing; the answer is kept, so doing it asks nothing more
    #[arg(long)]
    pub(crate) dry_run: bool,

    /// Change the plan and stop; go on with `atelier resume`
    #[arg(long)]
    pub(crate) plan_only: bool,

    #[command(flatten)]
    pub(crate) options: RunOptions,
}

pub(crate) async fn run(global: &Global, args: &ChangeArgs, ui: &Ui) -> Result<u8, CliError> {
    let file = requirement_file(&args.wish, args.file.as_deref());
    let text = requirement(&args.wish, file)?;
    if text.trim().is_empty() {
        return Err(atelier_engine::BuildError::EmptyRequirement.into());
    }
    let request = if file.is_some() {
        ChangeRequest::Requirement(text)
    } else {
        ChangeRequest::Wish(text)
    };
    let (ctx, settings) = drive::open(global, &args.options, ui).await?;
    let overrides = super::run::overrides(&args.options, &settings, args.options.yes)?;
    let run = select::run(&ctx.store, args.run.as_deref()).await?;
    if args.dry_run {
        let proposal = stoppable(&ctx, ui, propose(&ctx, &run.id, &request)).await??;
        tell(&ctx, ui, &proposal);
        ui.status("Nothing was changed.");
        return Ok(0);
    }
    let work = Change {
        run: &run,
        request: &request,
        overrides,
        stops: args.plan_only,
    };
    Box::pin(work.carry_out(&ctx, &settings, ui)).await
}

/// A change of a run and how far to go.
pub(super) struct Change<'a> {
    pub(super) run: &'a Run,
    pub(super) request: &'a ChangeRequest,
    pub(super) overrides: Overrides,
    /// Whether the run is not gone on with.
    pub(super) stops: bool,
}

impl Change<'_> {
    /// Makes the change, and brings the run to its end.
    pub(super) async fn carry_out(
        self,
        ctx: &Ctx,
        settings: &Settings,
        ui: &Ui,
    ) -> Result<u8, CliError> {
        let change = atelier_engine::change(ctx, &self.run.id, self.request, &self.overrides);
        match stoppable(ctx, ui, Box::pin(change)).await?? {
            ChangeEnd::Made(proposal) => tell(ctx, ui, &proposal),
            ChangeEnd::Nothing(proposal) => {
                tell(ctx, ui, &proposal);
                ui.status("Nothing is different.");
            }
            ChangeEnd::Standing(record) => {
                let number = record.ordinal;
                ui.status(&format!(
                    "This is change {number} of the run and stands already; say it in other words to \
                     change more."
                ));
            }
        }
        let run = ctx.store.run_fetch(&self.run.id).await?;
        if self.stops && run.status == RunStatus::Done {
            return Ok(0);
        }
        if self.stops || run.status == RunStatus::Planned {
            let next = if run.status == RunStatus::Planned {
                "run"
            } else {
                "resume"
            };
            ui.status(&format!("  go on with: atelier {next}"));
            return Ok(0);
        }
        // The budget is changed already.
        let overrides = Overrides {
            budget: BudgetChange::default(),
            plan_approved: true,
            ..self.overrides
        };
        let work = Work::Resume(run.id, overrides);
        Box::pin(drive::to_its_end(ctx, settings, ui, &work)).await
    }
}

/// Waits for something that a person may stop.
async fn stoppable<T>(
    ctx: &Ctx,
    ui: &Ui,
    work: impl Future<Output = Result<T, atelier_engine::BuildError>>,
) -> Result<Result<T, CliError>, CliError> {
    let work: std::pin::Pin<Box<dyn Future<Output = _>>> = Box::pin(work);
    tokio::select! {
        done = work => Ok(done.map_err(CliError::from)),
        never = drive::stop_on_signal(ctx.cancel.clone(), ui) => match never {},
    }
}

/// Says what changes.
fn tell(ctx: &Ctx, ui: &Ui, proposal: &Proposal) {
    if ui.is_json() {
        ui.out(&as_json(proposal).to_string());
        return;
    }
    ui.out(&plain(proposal.summary.trim()));
    for line in told(proposal) {
        ui.out(&plain(&line));
    }
    let kept = kept(proposal);
    if kept > 0 {
        ui.out(&format!("  {kept} stay as they are"));
    }
    if let Some(price) = price(ctx, proposal) {
        ui.status(&format!("  about {price} for what is done"));
    }
}

/// How many steps of the plan are not touched.
fn kept(proposal: &Proposal) -> usize {
    let found = &proposal.difference;
    let steps = proposal.after.steps();
    steps
        .filter(|step| !found.touches(&step.number) && !found.added.contains(&step.number))
        .count()
}

/// What the touched steps will probably cost.
fn price(ctx: &Ctx, proposal: &Proposal) -> Option<atelier_model::MicroUsd> {
    let touched = |number: &String| {
        let found = &proposal.difference;
        found.touches(number) || found.added.contains(number)
    };
    let mut plan: DevPlan = proposal.after.clone();
    for phase in &mut plan.phases {
        phase.steps.retain(|step| touched(&step.number));
    }
    let guess = estimate(&ctx.gateway, &proposal.requirement, Some(&plan));
    let code = guess
        .stages
        .into_iter()
        .find(|one| one.stage == Stage::Code);
    code.and_then(|one| one.cost)
}

fn as_json(proposal: &Proposal) -> serde_json::Value {
    let of = |kind: TaskChangeKind| -> Vec<_> {
        proposal
            .of(kind)
            .map(|(_, change)| change.task.to_string())
            .collect()
    };
    json!({
        "v": 1, "type": "change", "run": proposal.run.id, "change": proposal.ordinal,
        "summary": proposal.summary, "added": of(TaskChangeKind::Added),
        "changed": of(TaskChangeKind::Changed), "again": of(TaskChangeKind::Again),
        "taken_back": of(TaskChangeKind::TakenBack), "dropped": of(TaskChangeKind::Dropped),
        "steps": {
            "added": proposal.difference.added, "changed": proposal.difference.changed,
            "removed": proposal.difference.removed,
            "again": proposal.difference.again.keys().collect::<Vec<_>>(),
        },
        "kept": kept(proposal),
    })
}

/// The run whose requirement is built again with other words: what a person edited in a file, or
/// said anew with more behind it. `None` where this is a requirement of its own.
pub(super) async fn edited(
    ctx: &Ctx,
    text: &str,
    from_file: bool,
) -> Result<Option<Run>, CliError> {
    let text = text.trim();
    let digest = Digest::of(text);
    if let Some(run) = ctx.store.run_by_requirement(&digest).await? {
        // The words that it had before a change: whoever has them in a file wants them back.
        let earlier = run.requirement_digest != digest && run.status != RunStatus::Cancelled;
        return Ok(Some(run).filter(|_| earlier && from_file));
    }
    let newest = ctx.store.run_list(1).await?.into_iter().next();
    let Some(run) = newest.filter(|run| run.status != RunStatus::Cancelled) else {
        return Ok(None);
    };
    let known = run.requirement.trim();
    let same = if from_file {
        is_edition(known, text)
    } else {
        text.starts_with(known)
    };
    let planned = ctx.store.plan_fetch(&run.id).await?.is_some();
    Ok(Some(run).filter(|_| same && planned))
}
