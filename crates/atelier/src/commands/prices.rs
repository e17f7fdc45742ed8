//! `atelier prices`: what models cost, from public lists.

use std::{
    fmt::Write as _,
    io::Read as _,
    path::{Path, PathBuf},
};

use atelier_llm::{ImportedPrices, LeftOut, Tariff, day, read_prices};
use atelier_model::Clock as _;
use clap::{Args, Subcommand};
use serde_json::json;

use crate::{
    app::{Place, SystemClock},
    cli::{Global, RunOptions},
    cli_error::CliError,
    config::{Config, Settings, Sources},
    prices::{self, PricesError},
    ui::{Ui, plain},
};

/// Bytes of a price list.
const LIST_BYTES_MAX: u64 = 64 << 20;

/// Prices without sense that are shown one by one.
const LEFT_OUT_SHOWN: usize = 5;

/// Show what models cost, and import public price lists
#[derive(Debug, Subcommand)]
pub(crate) enum PricesCommand {
    /// Take the prices of a public list over, from today on
    ///
    /// Two lists are understood: `LiteLLM`'s `model_prices_and_context_window.json`, and the
    /// `api.json` of models.dev. Prices of your configuration still go before them. What was called
    /// before today keeps the price of its day.
    Import(PricesImportArgs),
    /// Show prices by model, with the origin of each
    List(PricesListArgs),
}

#[derive(Debug, Args)]
pub(crate) struct PricesImportArgs {
    /// The list; standard input with `-`
    #[arg(value_name = "FILE")]
    pub(crate) file: PathBuf,
}

#[derive(Debug, Args)]
pub(crate) struct PricesListArgs {
    /// Only models whose name holds this
    #[arg(value_name = "TEXT")]
    pub(crate) named: Option<String>,
}

pub(crate) fn run(global: &Global, command: &PricesCommand, ui: &Ui) -> Result<u8, CliError> {
    match command {
        PricesCommand::Import(args) => import(args, ui),
        PricesCommand::List(args) => list(global, args, ui),
    }
}

fn import(args: &PricesImportArgs, ui: &Ui) -> Result<u8, CliError> {
    let path = prices::file().ok_or(CliError::NoDataFolder)?;
    let text = text(&args.file).map_err(|source| CliError::PriceList {
        path: args.file.clone(),
        source,
    })?;
    let read = read_prices(&text).map_err(CliError::Prices)?;
    let mut tariffs = prices::read(&path)?;
    let today = day(SystemClock.now()).unwrap_or_default();
    let ImportedPrices {
        source,
        prices: found,
        left_out,
        priceless,
    } = read;
    let taken = tariffs.take(found, today);
    prices::write(&path, &tariffs)?;
    if ui.is_json() {
        let left_out: Vec<_> = left_out
            .iter()
            .map(|one| json!({"model": one.model, "field": one.field, "value": one.value}))
            .collect();
        let done = json!({
            "v": 1, "type": "prices.imported", "source": source.name(), "file": path,
            "from": today.to_string(), "added": taken.added, "changed": taken.changed,
            "same": taken.same, "not_by_token": priceless, "left_out": left_out,
        });
        ui.out(&done.to_string());
        return Ok(0);
    }
    left_out.iter().take(LEFT_OUT_SHOWN).for_each(
        |LeftOut {
             model,
             field,
             value,
         }| {
            let text = format!("left out {model}: {field} is {value}, which is no price");
            ui.warn(&plain(&text));
        },
    );
    if left_out.len() > LEFT_OUT_SHOWN {
        let more = left_out.len() - LEFT_OUT_SHOWN;
        ui.warn(&format!("left out {more} more such models"));
    }
    ui.out(&format!(
        "{}: {} prices added, {} changed, {} as before",
        source.name(),
        taken.added,
        taken.changed,
        taken.same
    ));
    ui.status(&format!("they hold from {today} on, in {}", path.display()));
    Ok(0)
}

/// The text of a list, of which there is no more than a list has.
fn text(file: &Path) -> std::io::Result<String> {
    let mut text = String::new();
    if file == Path::new("-") {
        let stdin = std::io::stdin().lock();
        stdin.take(LIST_BYTES_MAX).read_to_string(&mut text)?;
    } else {
        let file = std::fs::File::open(file)?;
        file.take(LIST_BYTES_MAX).read_to_string(&mut text)?;
    }
    Ok(text)
}

fn list(global: &Global, args: &PricesListArgs, ui: &Ui) -> Result<u8, CliError> {
    let place = Place::find(global)?;
    let sources = Sources::read(&place.root)?;
    let config = Config::load(&sources, global, &RunOptions::default())?;
    let table = Settings::prices(&config, &sources)?;
    let named = args.named.as_deref().unwrap_or_default();
    let mut shown = 0_usize;
    for (origin, tariffs) in table.tariffs() {
        for (model, tariffs) in tariffs.iter().filter(|(model, _)| model.contains(named)) {
            for tariff in tariffs {
                shown += 1;
                ui.out(&line(model, origin, tariff, ui.is_json()));
            }
        }
    }
    if shown == 0 && !ui.is_json() {
        ui.status("no model of this name has a price; `atelier prices import FILE` brings more");
    }
    Ok(0)
}

fn line(model: &str, origin: &str, tariff: &Tariff, as_json: bool) -> String {
    let Tariff { price, from, to } = tariff;
    let (from, to) = (
        from.map(|day| day.to_string()),
        to.map(|day| day.to_string()),
    );
    if as_json {
        let line = json!({
            "v": 1, "type": "price", "model": model, "origin": origin, "from": from, "to": to,
            "micro_usd_per_million": price,
        });
        return line.to_string();
    }
    let dollars = |micros: u64| atelier_model::MicroUsd(micros).to_string();
    let mut line = format!(
        "{}  {} in, {} out",
        plain(model),
        dollars(price.input),
        dollars(price.output)
    );
    // Writing to a text does not fail.
    for (word, amount) in [
        ("cached", price.cached_input),
        ("cache write", price.cache_write),
        ("cache write for an hour", price.cache_write_hour),
        ("batch in", price.batch_input),
        ("batch out", price.batch_output),
        ("long in", price.long.map(|long| long.input)),
        ("long out", price.long.map(|long| long.output)),
    ] {
        if let Some(amount) = amount {
            let _ = write!(line, ", {} {word}", dollars(amount));
        }
    }
    let _ = write!(line, "  ({origin}");
    if let Some(from) = from {
        let _ = write!(line, ", from {from}");
    }
    if let Some(to) = to {
        let _ = write!(line, ", until {to}");
    }
    line.push(')');
    line
}

impl From<PricesError> for CliError {
    fn from(error: PricesError) -> Self {
        crate::config::ConfigError::from(error).into()
    }
}
