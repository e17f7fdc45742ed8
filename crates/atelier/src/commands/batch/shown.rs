//! Batches and their answers, for people and for programs.

use std::path::Path;

use atelier_llm::{BatchOutcome, BatchProgress};
use atelier_model::MicroUsd;
use atelier_store::{Batch, BatchState, Store};
use serde_json::{Value, json};

use super::BatchCommandError;
use crate::{
    cli_error::CliError,
    ui::{Tone, Ui, plain},
    whole,
};

/// Batches that `atelier cost` sums up.
const SUMMED_MAX: u32 = 10_000;

fn document(kind: &str, batch: &Batch) -> Value {
    json!({
        "v": 1, "type": kind, "batch": batch.id, "provider": batch.provider, "model": batch.model,
        "vendor_id": batch.vendor_id, "key": batch.key_name, "state": batch.state, "questions": batch.custom_ids.len(),
        "succeeded": batch.succeeded, "failed": batch.failed, "usage": batch.usage,
        "reserved_micro_usd": batch.reserved, "cost_micro_usd": batch.cost,
    })
}

/// Shows a batch, and what the provider just said of it.
pub(super) fn batch(ui: &Ui, batch: &Batch, progress: Option<&BatchProgress>) {
    if ui.is_json() {
        let mut line = document("batch", batch);
        line["said"] = json!(progress.and_then(|progress| progress.said.as_deref()));
        line["word"] = json!(progress.map(|progress| progress.word.as_str()));
        ui.out(&line.to_string());
        return;
    }
    let state = match batch.state {
        BatchState::Sending if batch.ordered_at.is_none() => "not sent",
        BatchState::Sending => "sending",
        BatchState::Sent => "under way",
        BatchState::Ended => "ready to collect",
        BatchState::Collected => "collected",
        BatchState::Refused => "refused",
    };
    let money = match batch.state {
        BatchState::Collected => batch.cost.to_string(),
        BatchState::Sending | BatchState::Sent | BatchState::Ended | BatchState::Refused => {
            format!("at most {}", batch.reserved)
        }
    };
    ui.out(&format!(
        "{}  {state}: {} of {} answered, {} failed; {}, {money}",
        ui.ink(Tone::Strong, &batch.id),
        batch.succeeded,
        batch.custom_ids.len(),
        batch.failed,
        plain(&batch.model),
    ));
    if let Some(said) = progress.and_then(|progress| progress.said.as_deref()) {
        ui.status(&format!("the provider says: {}", plain(said)));
    }
}

/// Tells that a batch was sent.
pub(super) fn submitted(ui: &Ui, batch: &Batch) {
    if ui.is_json() {
        ui.out(&document("batch.submitted", batch).to_string());
        return;
    }
    ui.out(&batch.id);
    ui.status(&format!(
        "{} questions for {}, at most {}; `atelier batch collect {}` fetches the answers",
        batch.custom_ids.len(),
        plain(&batch.model),
        batch.reserved,
        batch.id,
    ));
}

/// Tells what came of a batch, beside the answers.
pub(super) fn collected(ui: &Ui, batch: &Batch) {
    if ui.is_json() {
        ui.out(&document("batch.collected", batch).to_string());
        return;
    }
    ui.status(&format!(
        "{} answered, {} failed; {}",
        batch.succeeded, batch.failed, batch.cost
    ));
}

/// What came of one question, as a line.
pub(super) fn answer(name: &str, outcome: BatchOutcome, cost: MicroUsd) -> String {
    let line = match outcome {
        BatchOutcome::Answered {
            text,
            response,
            usage,
        } => json!({
            "v": 1, "type": "batch.answer", "custom_id": name, "outcome": "succeeded",
            "text": text, "usage": usage, "cost_micro_usd": cost, "response": response,
        }),
        BatchOutcome::Failed { status, said } => json!({
            "v": 1, "type": "batch.answer", "custom_id": name, "outcome": "failed",
            "status": status, "error": said,
        }),
        BatchOutcome::Missing => json!({
            "v": 1, "type": "batch.answer", "custom_id": name, "outcome": "missing",
        }),
    };
    line.to_string()
}

/// Puts the answers into a file, which is whole or not there, or prints them.
pub(super) fn answers(
    ui: &Ui,
    lines: &[String],
    to: Option<&Path>,
) -> Result<(), BatchCommandError> {
    let Some(path) = to else {
        for line in lines {
            ui.out(line);
        }
        return Ok(());
    };
    let text: String = lines.iter().flat_map(|line| [line, "\n"]).collect();
    whole::write(path, text.as_bytes(), whole::MODE_OF_SECRETS).map_err(|source| {
        BatchCommandError::Write {
            path: path.to_owned(),
            source,
        }
    })
}

/// Shows what batches cost, and what those under way may cost.
pub(crate) async fn spent(ui: &Ui, store: &Store) -> Result<(), CliError> {
    let batches = store.batch_list("", SUMMED_MAX).await?;
    if batches.is_empty() {
        return Ok(());
    }
    if ui.is_json() {
        for batch in &batches {
            ui.out(&document("batch", batch).to_string());
        }
        return Ok(());
    }
    let cost: MicroUsd = batches.iter().map(|batch| batch.cost).sum();
    let reserved: MicroUsd = batches.iter().map(|batch| batch.reserved).sum();
    let open = match reserved {
        MicroUsd::ZERO => String::new(),
        reserved => format!(", and at most {reserved} for what is under way"),
    };
    let name = ui.ink(Tone::Strong, "batches");
    ui.out(&format!(
        "{name}  {cost} in {} of them{open}",
        batches.len()
    ));
    Ok(())
}
