//! The answers of a batch are fetched, counted and paid for.

use std::collections::BTreeMap;

use atelier_llm::{BatchOutcome, BatchProgress, BatchStage, Batches};
use atelier_model::{Clock as _, MicroUsd, Usage};
use atelier_store::{Batch, BatchState};

use super::{BatchCommandError, CollectArgs, Desk, ending, selected, shown};
use crate::{app::SystemClock, cli_error::CliError, ui::Ui};

pub(super) async fn collect(desk: &Desk, args: &CollectArgs, ui: &Ui) -> Result<u8, CliError> {
    let mut batch = selected(&desk.store, &args.batch).await?;
    let batches = desk.door(Some(&batch))?;
    let looked = desk.looked(&batches, &mut batch).await?;
    let progress = match (looked, &batch.vendor_id) {
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
    let hidden = match &batch.hidden {
        Some(digest) => desk.store.blob_fetch(digest).await?,
        None => None,
    };
    let names = (batch.id.as_str(), batch.custom_ids.as_slice());
    let outcomes = batches.collect(&progress, names, hidden.as_deref()).await;
    let outcomes = outcomes.map_err(BatchCommandError::Batch)?;
    let was_collected = batch.state == BatchState::Collected;
    let lines = settled(&batches, &mut batch, outcomes);
    shown::answers(ui, &lines, args.to.as_deref())?;
    if !was_collected {
        desk.note(&batch, "collected");
        desk.store.batch_update(&batch).await?;
    }
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
    mut outcomes: BTreeMap<usize, BatchOutcome>,
) -> Vec<String> {
    // Where the provider does not say what an answer used, its share of what was reserved counts.
    let share = batch
        .reserved
        .0
        .div_ceil(batch.custom_ids.len().max(1) as u64);
    (batch.succeeded, batch.failed) = (0, 0);
    (batch.usage, batch.cost) = (Usage::default(), MicroUsd::ZERO);
    let mut lines = Vec::with_capacity(batch.custom_ids.len());
    for (at, name) in batch.custom_ids.iter().enumerate() {
        let outcome = outcomes.remove(&at).unwrap_or(BatchOutcome::Missing);
        let mut cost = MicroUsd::ZERO;
        if let BatchOutcome::Answered { usage, .. } = &outcome {
            cost = usage.map_or(MicroUsd(share), |usage| batches.cost(&batch.model, &usage));
            batch.usage = added(batch.usage, usage.unwrap_or_default());
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
        cache_write_hour: one.cache_write_hour.saturating_add(other.cache_write_hour),
    }
}
