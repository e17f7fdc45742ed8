//! `atelier stats`: what models took, where answers came from, and how well the work went.

mod tally;

use atelier_llm::PriceTable;
use atelier_model::{Clock as _, Timestamp};
use atelier_store::ModelQuality;
use clap::{Args, ValueEnum};
use serde_json::json;

use self::tally::{Tally, tallies};
use super::select;
use crate::{
    app::{Place, SystemClock},
    cli::{Global, RunOptions},
    cli_error::CliError,
    config::{Config, Settings, Sources},
    ui::{Tone, Ui, plain},
};

/// Requests that are looked at; older ones are left out, and that is said.
const CALLS_MAX: u32 = 200_000;

const DAY_MS: i64 = 86_400_000;

/// Show what models took: times, tokens, money, kept answers, and how well the work went
#[derive(Debug, Args)]
pub(crate) struct StatsArgs {
    /// Only this run, by the beginning of its id; all runs and the gateway if left out
    #[arg(long, value_name = "RUN")]
    pub(crate) run: Option<String>,

    /// Only the last days
    #[arg(long, value_name = "DAYS")]
    pub(crate) days: Option<u32>,

    /// What each line is about
    #[arg(long, value_enum, value_name = "WHAT", default_value = "asker")]
    pub(crate) by: By,
}

/// What a line is about.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum By {
    /// Stage or dialect, provider and model
    Asker,
    /// Provider and model
    Model,
    /// Provider
    Provider,
    /// Stage, or dialect of another program
    Stage,
    /// Task
    Task,
}

pub(crate) async fn run(global: &Global, args: &StatsArgs, ui: &Ui) -> Result<u8, CliError> {
    let place = Place::find(global)?;
    let store = place.ledger_store_read(ui).await?;
    let run = match &args.run {
        Some(named) => Some(select::run(&store, Some(named)).await?.id),
        None => None,
    };
    let since = since(args.days, SystemClock.now());
    let prices = prices(&place, global)?;
    let calls = store.call_list(run.as_ref(), since, CALLS_MAX).await?;
    if calls.len() == CALLS_MAX as usize {
        ui.warn(&format!("only the newest {CALLS_MAX} requests are counted"));
    }
    let (total, lines) = tallies(&calls, args.by, &prices);
    if calls.is_empty() && !ui.is_json() {
        ui.out("nothing was asked yet");
        return Ok(0);
    }
    for (name, tally) in &lines {
        show(ui, name, tally);
    }
    if lines.len() > 1 || ui.is_json() {
        show(ui, "total", &total);
    }
    for quality in store.quality_list(run.as_ref(), since).await? {
        show_quality(ui, &quality);
    }
    Ok(0)
}

fn since(days: Option<u32>, now: Timestamp) -> Timestamp {
    let span = |days: u32| i64::from(days).saturating_mul(DAY_MS);
    days.map_or(Timestamp::default(), |days| {
        Timestamp::from_millis(now.millis().saturating_sub(span(days)))
    })
}

fn prices(place: &Place, global: &Global) -> Result<PriceTable, CliError> {
    let sources = Sources::read(&place.root)?;
    let config = Config::load(&sources, global, &RunOptions::default())?;
    Ok(Settings::prices(&config, &sources)?)
}

fn show(ui: &Ui, name: &str, tally: &Tally) {
    let Tally {
        requests,
        failed,
        from_provider,
        from_cache,
        from_semantic,
        usage,
        cost,
        saved,
        ..
    } = tally;
    let (total, first) = (tally.total_ms(), tally.first_byte_ms());
    if ui.is_json() {
        let line = json!({
            "v": 1, "type": "stats", "name": name, "requests": requests, "failed": failed,
            "answers": {"provider": from_provider, "cache": from_cache, "semantic": from_semantic},
            "usage": usage, "cost_micro_usd": cost, "saved_micro_usd": saved,
            "latency_ms": {"p50": total[0], "p95": total[1], "p99": total[2]},
            "first_byte_ms": {"p50": first[0], "p95": first[1], "p99": first[2]},
        });
        ui.out(&line.to_string());
        return;
    }
    ui.out(&format!(
        "{}  {cost}, {saved} saved",
        ui.ink(Tone::Strong, &plain(name))
    ));
    let kept = from_cache + from_semantic;
    let share = kept.saturating_mul(100) / (*requests).max(1);
    ui.out(&format!(
        "  {requests} requests: {from_provider} answered by the provider, {kept} ({share} %) by what \
         is kept ({from_semantic} in other words), {failed} failed"
    ));
    ui.out(&format!(
        "  {} tokens in ({} cached), {} out",
        usage.input, usage.cached_input, usage.output
    ));
    let times = |what: &str, [p50, p95, p99]: [Option<u64>; 3]| {
        let ms = |time: Option<u64>| time.map(|time| format!("{time} ms"));
        if let (Some(p50), Some(p95), Some(p99)) = (ms(p50), ms(p95), ms(p99)) {
            ui.out(&format!(
                "  {what}: half within {p50}, 95 % {p95}, 99 % {p99}"
            ));
        }
    };
    times("whole answer", total);
    times("first byte", first);
}

fn show_quality(ui: &Ui, quality: &ModelQuality) {
    let ModelQuality {
        model,
        passed,
        passed_at_once,
        refused,
        failed,
    } = quality;
    if ui.is_json() {
        let line = json!({
            "v": 1, "type": "quality", "model": model, "verified": passed,
            "verified_at_once": passed_at_once, "edits_refused": refused,
            "checks_failed": failed,
        });
        ui.out(&line.to_string());
        return;
    }
    let asked_again = refused + failed;
    ui.out(&format!(
        "{}  work verified {passed} times, {passed_at_once} of them at the first try; asked again \
         {asked_again} times: {refused} for edits that could not be made, {failed} for failed checks",
        ui.ink(Tone::Strong, &plain(model))
    ));
}

#[cfg(test)]
mod tests;
