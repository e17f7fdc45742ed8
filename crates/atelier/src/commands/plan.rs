//! `atelier plan`: stops after planning; and what a dry run shows.

use std::sync::Arc;

use atelier_engine::{Estimate, estimate};
use atelier_model::{Limits, RunMode};
use atelier_prompt::{Library, answer};
use atelier_store::Store;
use clap::Args;
use serde_json::json;

use super::{
    build::{request, requirement, requirement_file},
    drive::{self, Work},
    ending,
    exchange::{self, PlanCommand},
};
use crate::{
    app::{self, Place, SystemClock, SystemIds},
    cli::{Global, RunOptions},
    cli_error::CliError,
    guard_key,
    ui::{Tone, Ui},
    watch::seconds,
};

/// Files of the project that the first prompt names.
const FILES_NAMED_MAX: usize = 400;
/// What a project tells those who work on it.
const CONVENTIONS: &str = "AGENTS.md";

/// Plan a requirement and stop before anything is built
#[derive(Debug, Args)]
#[command(args_conflicts_with_subcommands = true)]
pub(crate) struct PlanArgs {
    #[command(subcommand)]
    pub(crate) command: Option<PlanCommand>,

    /// The requirement in plain language, or the file that holds it; `-` reads it from standard input
    #[arg(value_name = "REQUIREMENT")]
    pub(crate) requirement: Vec<String>,

    /// Read the requirement from a file
    #[arg(short = 'f', long, value_name = "FILE", conflicts_with = "requirement")]
    pub(crate) file: Option<std::path::PathBuf>,

    #[command(flatten)]
    pub(crate) options: RunOptions,
}

pub(crate) async fn run(global: &Global, args: &PlanArgs, ui: &Ui) -> Result<u8, CliError> {
    if let Some(command) = &args.command {
        return Box::pin(exchange::run(global, command, ui)).await;
    }
    let file = requirement_file(&args.requirement, args.file.as_deref());
    let requirement = requirement(&args.requirement, file)?;
    let (ctx, settings) = drive::open(global, &args.options, ui).await?;
    let work = Work::Build(request(
        requirement,
        RunMode::PlanOnly,
        (&args.options, &settings),
    )?);
    let outcome = Box::pin(drive::watched(&ctx, ui, &work)).await?;
    let report = &outcome.report;
    if report.error.is_none()
        && !ui.is_json()
        && let Some(plan) = ctx.store.plan_fetch(&report.run.id).await?
    {
        super::show::plan(ui, &plan);
        let words = &report.run.requirement;
        tell_estimate(ui, &estimate(&ctx.gateway, words, Some(&plan)));
    }
    ending::tell(&ctx, &settings, ui, &outcome).await;
    Ok(outcome.report.exit as u8)
}

/// Shows what a build would ask and cost. Asks nobody and leaves no trace in the project.
pub(super) async fn dry_run(
    global: &Global,
    options: &RunOptions,
    requirement: &str,
    ui: &Ui,
) -> Result<u8, CliError> {
    if requirement.trim().is_empty() {
        return Err(atelier_engine::BuildError::EmptyRequirement.into());
    }
    let place = Place::find(global)?;
    let (_, settings) = app::configure(&place, global, options)?;
    let store = Store::open_in_memory().await?;
    let gateway = app::gateway(
        &settings,
        guard_key::unused(),
        store,
        Arc::new(SystemClock),
        Arc::new(SystemIds),
    )?;
    let guess = estimate(&gateway, requirement, None);
    if ui.is_json() {
        ui.out(&as_json(&guess).to_string());
        return Ok(0);
    }
    let (files, conventions) = project(&place)?;
    let schema = answer::schema::<atelier_model::Design>().to_string();
    let inputs = json!({
        "requirement": requirement, "files": files, "documents": [], "conventions": conventions,
        "schema": schema,
    });
    let prompt = Library::builtin()
        .render("design", &inputs)
        .map_err(atelier_engine::BuildError::Render)?;
    ui.out("The first prompt (design):");
    for message in &prompt.messages {
        ui.out(&format!("--- {:?}", message.role).to_lowercase());
        ui.out(&message.text);
    }
    ui.out("---");
    tell_estimate(ui, &guess);
    ui.out("Nothing was asked and nothing was changed.");
    Ok(0)
}

/// The files of the newest commit by name, and the project's conventions for those who work on it.
fn project(place: &Place) -> Result<(Vec<String>, String), CliError> {
    let Some(git) = &place.git else {
        return Ok((Vec::new(), String::new()));
    };
    let Some(commit) = git.head()?.commit else {
        return Ok((Vec::new(), String::new()));
    };
    let tree = git.tree_of(&commit, &Limits::default())?;
    let names = tree
        .paths()
        .take(FILES_NAMED_MAX)
        .map(ToString::to_string)
        .collect();
    let conventions = CONVENTIONS.parse().ok().and_then(|path| tree.text(&path));
    Ok((names, conventions.unwrap_or_default().to_owned()))
}

/// The estimate as a table.
pub(super) fn tell_estimate(ui: &Ui, estimate: &Estimate) {
    let basis = if estimate.planned {
        "from the plan"
    } else {
        "from the requirement's size"
    };
    ui.out(&ui.ink(Tone::Strong, &format!("Estimate, {basis}:")));
    ui.out("  stage    provider   model                     asks  tokens in  tokens out     cost");
    for stage in &estimate.stages {
        let cost = stage
            .cost
            .map_or("unknown".to_owned(), |cost| cost.to_string());
        ui.out(&format!(
            "  {:<8} {:<10} {:<24} {:>5} {:>10} {:>11} {:>8}",
            stage.stage.name(),
            stage.provider,
            stage.model,
            stage.asks,
            stage.input_tokens,
            stage.output_tokens,
            cost
        ));
    }
    let cost = estimate
        .cost
        .map_or("unknown: a model has no price".to_owned(), |c| {
            c.to_string()
        });
    ui.out(&format!(
        "  about {cost} and {}",
        seconds(estimate.seconds * 1000)
    ));
}

fn as_json(estimate: &Estimate) -> serde_json::Value {
    let stages: Vec<_> = estimate
        .stages
        .iter()
        .map(|one| {
            json!({
                "stage": one.stage, "provider": one.provider, "model": one.model,
                "asks": one.asks, "input_tokens": one.input_tokens,
                "output_tokens": one.output_tokens, "cost_micro_usd": one.cost,
            })
        })
        .collect();
    json!({
        "v": 1, "type": "estimate", "planned": estimate.planned, "stages": stages,
        "cost_micro_usd": estimate.cost, "seconds": estimate.seconds,
    })
}
