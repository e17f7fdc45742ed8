//! `atelier batch`: many questions at once, answered within a day for less.

mod error;
mod shown;

use std::{
    collections::BTreeMap,
    io::Read as _,
    path::{Path, PathBuf},
};

use atelier_engine::Exit;
use atelier_llm::{BATCH_BYTES_MAX, BatchError, BatchOutcome, BatchProgress, BatchStage, Batches};
use atelier_model::{Clock as _, MicroUsd, RelayId, Stage, Usage};
use atelier_store::{Batch, BatchState, Store};
use clap::{Args, Subcommand};

pub(crate) use self::{error::BatchCommandError, shown::spent};
use crate::{
    app::{self, Place, SystemClock, SystemIds},
    cli::{Global, RunOptions},
    cli_error::CliError,
    config::Settings,
    ui::Ui,
};

/// Batches listed.
const LISTED_MAX: u32 = 20;

/// Have many questions answered within a day, for about half the price
#[derive(Debug, Subcommand)]
pub(crate) enum BatchCommand {
    /// Send the questions of a file, one JSON object a line
    Submit(SubmitArgs),
    /// Show how far a batch is; the newest batches if none is named
    Status(StatusArgs),
    /// Fetch the answers of a batch, one JSON object a line, in the order of the questions
    Collect(CollectArgs),
}

#[derive(Debug, Args)]
pub(crate) struct SubmitArgs {
    /// The file; each line has `custom_id` and `messages`, or is a line of the provider's own form
    #[arg(value_name = "FILE")]
    pub(crate) file: PathBuf,

    /// Send it though the same questions were sent before
    #[arg(long)]
    pub(crate) again: bool,
}

#[derive(Debug, Args)]
pub(crate) struct StatusArgs {
    /// The batch, by the beginning of its name
    #[arg(value_name = "BATCH")]
    pub(crate) batch: Option<String>,
}

#[derive(Debug, Args)]
pub(crate) struct CollectArgs {
    /// The batch, by the beginning of its name
    #[arg(value_name = "BATCH")]
    pub(crate) batch: String,

    /// Write the answers to this file; one that is there is replaced
    #[arg(long, value_name = "FILE")]
    pub(crate) to: Option<PathBuf>,
}

pub(crate) async fn run(global: &Global, command: &BatchCommand, ui: &Ui) -> Result<u8, CliError> {
    let place = Place::find(global)?;
    let store = place.ledger_store().await?;
    let (_, settings) = app::configure(&place, global, &RunOptions::default())?;
    match command {
        BatchCommand::Submit(args) => submit(&store, &settings, args, ui).await,
        BatchCommand::Status(StatusArgs { batch: None }) => {
            for batch in store.batch_list("", LISTED_MAX).await? {
                shown::batch(ui, &batch, None);
            }
            Ok(0)
        }
        BatchCommand::Status(StatusArgs { batch: Some(name) }) => {
            let mut batch = selected(&store, name).await?;
            let batches = door(&settings, Some(&batch.provider))?;
            let progress = looked(&store, &batches, &mut batch).await?;
            shown::batch(ui, &batch, progress.as_ref());
            Ok(ending(&batch) as u8)
        }
        BatchCommand::Collect(args) => collect(&store, &settings, args, ui).await,
    }
}

/// The batches of a provider that is configured: that of this name, else the one that writes code.
fn door(settings: &Settings, provider: Option<&str>) -> Result<Batches, CliError> {
    let usual = settings.routes.get(&Stage::Code);
    let mut routes = usual
        .into_iter()
        .chain(settings.routes.values())
        .chain(&settings.upstreams);
    let route = routes
        .find(|route| provider.is_none_or(|name| route.name() == name))
        .ok_or_else(|| BatchCommandError::NoRoute {
            provider: provider.unwrap_or_default().to_owned(),
        })?;
    let terms = (&settings.prices, &settings.limits);
    Ok(Batches::new(route, terms, SystemClock.now()).map_err(BatchCommandError::Batch)?)
}

/// The one batch whose name begins so.
async fn selected(store: &Store, name: &str) -> Result<Batch, CliError> {
    let mut found = store.batch_list(name, 2).await?;
    match (found.pop(), found.is_empty()) {
        (Some(batch), true) => Ok(batch),
        (Some(_), false) => Err(CliError::Usage(format!(
            "find one batch `{name}`: several begin so"
        ))),
        (None, _) => Err(BatchCommandError::NotFound {
            name: name.to_owned(),
        }
        .into()),
    }
}

fn read(path: &Path) -> Result<String, BatchCommandError> {
    let failed = |source| BatchCommandError::Read {
        path: path.to_owned(),
        source,
    };
    let file = std::fs::File::open(path).map_err(failed)?;
    let (mut text, most) = (String::new(), BATCH_BYTES_MAX as u64 + 1);
    file.take(most).read_to_string(&mut text).map_err(failed)?;
    if text.len() > BATCH_BYTES_MAX {
        return Err(BatchError::TooLarge.into());
    }
    Ok(text)
}

async fn submit(
    store: &Store,
    settings: &Settings,
    args: &SubmitArgs,
    ui: &Ui,
) -> Result<u8, CliError> {
    let text = read(&args.file)?;
    let batches = door(settings, None)?;
    let questions = batches.read(&text).map_err(BatchCommandError::Batch)?;
    let worst = batches.worst_case(&questions);
    let now = SystemClock.now();
    let mut batch = Batch {
        id: RelayId::new(now, &SystemIds).as_str().to_owned(),
        provider: batches.provider().to_owned(),
        model: questions.model.clone(),
        questions: questions.digest,
        custom_ids: questions.custom_ids.clone(),
        vendor_id: None,
        state: BatchState::Sending,
        succeeded: 0,
        failed: 0,
        usage: Usage::default(),
        reserved: worst.unwrap_or_default(),
        cost: MicroUsd::ZERO,
        created_at: now,
        updated_at: now,
    };
    if let Some(same) = store.batch_begin(&batch, args.again).await? {
        return Err(BatchCommandError::Same { id: same.id }.into());
    }
    if worst.is_none() {
        ui.warn(&format!("nobody knows what {} costs", batch.model));
    }
    let sent = batches.submit(&questions, &batch.id).await;
    match sent {
        Ok(vendor_id) => {
            batch.vendor_id = Some(vendor_id);
            batch.state = BatchState::Sent;
        }
        // The row stays as it is: whoever looks at it next looks for it at the provider.
        Err(source @ BatchError::Uncertain(_)) => {
            return Err(BatchCommandError::Uncertain {
                id: batch.id,
                source,
            }
            .into());
        }
        Err(error) => {
            batch.state = BatchState::Refused;
            batch.reserved = MicroUsd::ZERO;
            store.batch_update(&batch).await?;
            return Err(BatchCommandError::Batch(error).into());
        }
    }
    store.batch_update(&batch).await?;
    shown::submitted(ui, &batch);
    Ok(0)
}

/// Asks the provider how far a batch is, and writes it down; `None` where that is known for good.
async fn looked(
    store: &Store,
    batches: &Batches,
    batch: &mut Batch,
) -> Result<Option<BatchProgress>, CliError> {
    if batch.state == BatchState::Refused || batch.state == BatchState::Collected {
        return Ok(None);
    }
    let failed = BatchCommandError::Batch;
    let known = match batch.vendor_id.clone() {
        Some(known) => Some(known),
        None => batches.find(&batch.id).await.map_err(failed)?,
    };
    let Some(vendor_id) = known else {
        return Err(BatchCommandError::Lost {
            id: batch.id.clone(),
        }
        .into());
    };
    let progress = batches.look(&vendor_id).await.map_err(failed)?;
    batch.vendor_id = Some(vendor_id);
    batch.succeeded = progress.succeeded;
    batch.failed = progress.failed;
    batch.state = match progress.stage {
        BatchStage::Going => BatchState::Sent,
        BatchStage::Ended => BatchState::Ended,
        BatchStage::Refused => BatchState::Refused,
    };
    if batch.state == BatchState::Refused {
        batch.reserved = MicroUsd::ZERO;
    }
    batch.updated_at = SystemClock.now();
    store.batch_update(batch).await?;
    Ok(Some(progress))
}

/// The exit code that tells how a batch stands.
fn ending(batch: &Batch) -> Exit {
    let all = batch.custom_ids.len() as u64;
    match batch.state {
        BatchState::Sending | BatchState::Sent => Exit::Blocked,
        BatchState::Refused => Exit::Failed,
        BatchState::Ended | BatchState::Collected if batch.succeeded < all => Exit::Failed,
        BatchState::Ended | BatchState::Collected => Exit::Verified,
    }
}

async fn collect(
    store: &Store,
    settings: &Settings,
    args: &CollectArgs,
    ui: &Ui,
) -> Result<u8, CliError> {
    let mut batch = selected(store, &args.batch).await?;
    let batches = door(settings, Some(&batch.provider))?;
    let progress = match (looked(store, &batches, &mut batch).await?, &batch.vendor_id) {
        (Some(progress), _) => progress,
        // What was collected can be fetched again as long as the provider keeps it.
        (None, Some(vendor_id)) if batch.state == BatchState::Collected => {
            let looked = batches.look(vendor_id).await;
            looked.map_err(BatchCommandError::Batch)?
        }
        (None, _) => return Ok(unfinished(ui, &batch, None)),
    };
    if progress.stage != BatchStage::Ended {
        return Ok(unfinished(ui, &batch, Some(&progress)));
    }
    let outcomes = batches.collect(&progress).await;
    let outcomes = outcomes.map_err(BatchCommandError::Batch)?;
    let lines = settled(&batches, &mut batch, outcomes);
    shown::answers(ui, &lines, args.to.as_deref())?;
    store.batch_update(&batch).await?;
    shown::collected(ui, &batch);
    Ok(ending(&batch) as u8)
}

fn unfinished(ui: &Ui, batch: &Batch, progress: Option<&BatchProgress>) -> u8 {
    shown::batch(ui, batch, progress);
    ending(batch) as u8
}

/// Counts what came of every question and what it cost, and writes a line for each, in their order.
fn settled(
    batches: &Batches,
    batch: &mut Batch,
    mut outcomes: BTreeMap<String, BatchOutcome>,
) -> Vec<String> {
    (batch.succeeded, batch.failed) = (0, 0);
    (batch.usage, batch.cost) = (Usage::default(), MicroUsd::ZERO);
    let mut lines = Vec::with_capacity(batch.custom_ids.len());
    for name in &batch.custom_ids {
        let outcome = outcomes.remove(name).unwrap_or(BatchOutcome::Missing);
        let mut cost = MicroUsd::ZERO;
        if let BatchOutcome::Answered { usage, .. } = &outcome {
            cost = batches.cost(&batch.model, usage);
            batch.usage = added(batch.usage, *usage);
            batch.succeeded += 1;
        } else {
            batch.failed += 1;
        }
        batch.cost = batch.cost + cost;
        lines.push(shown::answer(name, outcome, cost));
    }
    batch.state = BatchState::Collected;
    batch.reserved = MicroUsd::ZERO;
    batch.updated_at = SystemClock.now();
    lines
}

fn added(one: Usage, other: Usage) -> Usage {
    Usage {
        input: one.input.saturating_add(other.input),
        output: one.output.saturating_add(other.output),
        cached_input: one.cached_input.saturating_add(other.cached_input),
        cache_write: one.cache_write.saturating_add(other.cache_write),
    }
}
