//! `atelier cost`: what was spent, and how well models write edits.

mod relayed;

use std::collections::BTreeMap;

use atelier_edit::policy;
use atelier_model::{EditForm, FormTally, MicroUsd, Run};
use atelier_store::{Spend, Store};
use clap::Args;
use serde_json::json;

use super::{batch, select};
use crate::{
    app::Place,
    cli::Global,
    cli_error::CliError,
    ui::{Tone, Ui, plain},
};

/// Runs listed.
const RUNS_MAX: u32 = 20;
/// Lines of a file for which the form to ask for is shown: as many as no file has that is written
/// whole.
const LARGE_LINES: usize = 1_000;

/// Show what was spent, by run, stage and model
#[derive(Debug, Args)]
pub(crate) struct CostArgs {
    /// The run, by the beginning of its id; the newest runs if left out
    #[arg(value_name = "RUN")]
    pub(crate) run: Option<String>,

    /// Show instead how well each model writes each form of edits it was asked for
    #[arg(long, conflicts_with = "run")]
    pub(crate) formats: bool,

    /// Show only what the gateway spent for other programs, by client and model; outside a
    /// project, that of your own state
    #[arg(long, conflicts_with_all = ["run", "formats"])]
    pub(crate) gateway: bool,
}

pub(crate) async fn run(global: &Global, args: &CostArgs, ui: &Ui) -> Result<u8, CliError> {
    let place = Place::find(global)?;
    if args.gateway {
        let store = place.ledger_store_read(ui).await?;
        relayed::show(ui, &store, true).await?;
        batch::spent(ui, &store).await?;
        return Ok(0);
    }
    let store = place.store_read(ui).await?;
    if args.formats {
        formats(ui, &store.form_tallies().await?);
        return Ok(0);
    }
    let runs = match &args.run {
        Some(named) => vec![select::run(&store, Some(named)).await?],
        None => store.run_list(RUNS_MAX).await?,
    };
    let mut total = MicroUsd::ZERO;
    for run in &runs {
        total = total + spent(ui, &store, run).await?;
    }
    if runs.len() > 1 && !ui.is_json() {
        ui.out(&format!("{total} in {} runs", runs.len()));
    }
    if args.run.is_none() {
        relayed::show(ui, &store, false).await?;
        batch::spent(ui, &store).await?;
    }
    Ok(0)
}

/// Shows what a run cost and returns it.
async fn spent(ui: &Ui, store: &Store, run: &Run) -> Result<MicroUsd, CliError> {
    let parts = store.spend_list(&run.id).await?;
    let cost = parts.iter().map(|part| part.cost).sum();
    if !ui.is_json() {
        let id = ui.ink(Tone::Strong, run.id.as_str());
        ui.out(&format!("{id}  {cost}"));
    }
    for part in &parts {
        if ui.is_json() {
            let line = json!({
                "v": 1, "type": "cost", "run": part.run, "stage": part.stage,
                "provider": part.provider, "model": part.model, "asks": part.asks,
                "cached": part.cached, "failed": part.failed, "usage": part.usage,
                "cost_micro_usd": part.cost,
            });
            ui.out(&line.to_string());
        } else {
            ui.out(&line(part));
        }
    }
    Ok(cost)
}

/// One stage and model as people read it.
fn line(part: &Spend) -> String {
    let usage = part.usage;
    let told = |count: u64, what: &str| match count {
        0 => String::new(),
        count => format!(", {count} {what}"),
    };
    let cached = match usage.cached_input {
        0 => String::new(),
        cached => format!(" ({cached} cached)"),
    };
    format!(
        "  {:<8} {:<24} {:>10}  {} asks{}{}; {} tokens in{cached}, {} out",
        part.stage.name(),
        plain(&part.model),
        part.cost.to_string(),
        part.asks,
        told(part.cached, "answered from the store"),
        told(part.failed, "failed"),
        usage.input,
        usage.output,
    )
}

/// Shows for each model and form how it went, and the form that is asked for now.
fn formats(ui: &Ui, tallies: &BTreeMap<String, BTreeMap<EditForm, FormTally>>) {
    if tallies.is_empty() && !ui.is_json() {
        ui.out("no model was asked for edits yet");
    }
    for (model, forms) in tallies {
        let next = policy::choose(model, [LARGE_LINES], forms);
        let family = policy::family(model).name;
        if !ui.is_json() {
            let name = ui.ink(Tone::Strong, &plain(model));
            ui.out(&format!("{name}  larger files are asked for as {next}"));
        }
        for (form, tally) in forms {
            let FormTally {
                asked,
                well_formed,
                applied,
            } = *tally;
            let rate = share(applied, asked);
            if ui.is_json() {
                let line = json!({
                    "v": 1, "type": "format", "model": model, "family": family, "form": form,
                    "asked": asked, "well_formed": well_formed, "applied": applied,
                    "applied_permille": rate, "asked_next": next,
                });
                ui.out(&line.to_string());
                continue;
            }
            let rate = format!("{}.{} %", rate / 10, rate % 10);
            ui.out(&format!(
                "  {:<15} {rate:>8}  {asked} asked, {well_formed} well formed, {applied} applied",
                form.name()
            ));
        }
    }
}

/// A share in thousandths, rounded down.
fn share(part: u64, whole: u64) -> u64 {
    part.saturating_mul(1_000) / whole.max(1)
}
