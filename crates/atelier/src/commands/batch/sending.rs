//! A file of questions is read, paid for out of the budgets, and sent, once.

use std::{io::Read as _, path::Path};

use atelier_llm::{BATCH_BYTES_MAX, BatchError, BatchQuestions, Batches};
use atelier_model::{AuditFact, Clock as _, MicroUsd, RelayId, Usage};
use atelier_store::{Batch, BatchBegun, BatchState, Budgets, OverBudget, Scope};

use super::{BatchCommandError, Desk, SubmitArgs, shown};
use crate::{
    app::{SystemClock, SystemIds},
    cli_error::CliError,
    ui::Ui,
};

pub(super) async fn submit(desk: &Desk, args: &SubmitArgs, ui: &Ui) -> Result<u8, CliError> {
    let text = read(&args.file)?;
    let batches = desk.door(None)?;
    let questions = batches.read(&text).map_err(BatchCommandError::Batch)?;
    let mut batch = written(desk, &batches, &questions, ui)?;
    let mut begun = begin(desk, &mut batch, &questions, args.again).await?;
    if let BatchBegun::Same(same) = &begun
        && desk.store.batch_drop(&same.id, SystemClock.now()).await?
    {
        // Its order never went out, so whoever began it is given up and its money is free.
        desk.note(same, "given up");
        begun = begin(desk, &mut batch, &questions, args.again).await?;
    }
    match begun {
        BatchBegun::New => send(desk, &batches, batch, &questions, ui).await,
        BatchBegun::Same(same) => again(desk, *same, ui).await,
        BatchBegun::OverBudget(over) => {
            desk.tell(refused(over));
            Err(BatchCommandError::OverBudget(over).into())
        }
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

/// The batch as it is written down before anything is sent.
fn written(
    desk: &Desk,
    batches: &Batches,
    questions: &BatchQuestions,
    ui: &Ui,
) -> Result<Batch, BatchCommandError> {
    let worst = batches.worst_case(questions);
    let model = questions.model.clone();
    if worst.is_none() {
        if !budgets(desk).are_none() {
            return Err(BatchCommandError::PriceUnknown { model });
        }
        ui.warn(&format!("nobody knows what {model} costs"));
    }
    let now = SystemClock.now();
    Ok(Batch {
        id: RelayId::new(now, &SystemIds).as_str().to_owned(),
        provider: batches.provider().to_owned(),
        model,
        questions: questions.digest,
        custom_ids: questions.custom_ids.clone(),
        vendor_id: None,
        state: BatchState::Sending,
        succeeded: 0,
        failed: 0,
        usage: Usage::default(),
        reserved: worst.unwrap_or_default(),
        cost: MicroUsd::ZERO,
        ordered_at: None,
        key_name: batches.key_name().map(str::to_owned),
        hidden: None,
        created_at: now,
        updated_at: now,
    })
}

fn budgets(desk: &Desk) -> Budgets {
    Budgets {
        total: desk.settings.budget.usd,
        day: desk.settings.budget_day,
    }
}

async fn begin(
    desk: &Desk,
    batch: &mut Batch,
    questions: &BatchQuestions,
    is_meant: bool,
) -> Result<BatchBegun, CliError> {
    let hidden = questions.hidden.as_ref();
    let kept = hidden.map(|hidden| hidden.kept.as_slice());
    let budgets = budgets(desk);
    let begun = desk.store.batch_begin(batch, kept, budgets, is_meant);
    Ok(begun.await?)
}

fn refused(over: OverBudget) -> AuditFact {
    let scope = match over.scope {
        Scope::EveryoneDay | Scope::ClientDay => "day",
        Scope::Run | Scope::Stage | Scope::Task | Scope::Everyone | Scope::Client => "batch",
    };
    AuditFact::BudgetRefused {
        scope: scope.to_owned(),
        needed: over.needed,
        spent: over.taken,
        budget: over.budget,
    }
}

/// Sends a batch that is written down. Before the request that costs money goes out, that is
/// written down too, so that whoever finds the batch knows whether it may be paid for.
async fn send(
    desk: &Desk,
    batches: &Batches,
    mut batch: Batch,
    questions: &BatchQuestions,
    ui: &Ui,
) -> Result<u8, CliError> {
    let token = batch.id.clone();
    let prepared = match batches.prepare(questions, &token).await {
        Ok(prepared) => prepared,
        Err(error) => return Err(turned_away(desk, batch, error).await?),
    };
    on_record(desk, &batch, questions);
    let now = SystemClock.now();
    if !desk.store.batch_order(&batch.id, now).await? {
        return Err(BatchCommandError::Overtaken.into());
    }
    batch.ordered_at = Some(now);
    match batches.order(prepared).await {
        Ok(vendor_id) => batch.vendor_id = Some(vendor_id),
        // The row stays as it is: whoever looks at it next looks for it at the provider.
        Err(source @ BatchError::Uncertain(_)) => {
            return Err(BatchCommandError::Uncertain { id: token, source }.into());
        }
        Err(error) => return Err(turned_away(desk, batch, error).await?),
    }
    batch.state = BatchState::Sent;
    batch.updated_at = SystemClock.now();
    desk.store.batch_update(&batch).await?;
    shown::submitted(ui, &batch);
    Ok(0)
}

/// What goes out with a batch: the key, what is hidden, the batch itself.
fn on_record(desk: &Desk, batch: &Batch, questions: &BatchQuestions) {
    if let Some(name) = &batch.key_name {
        desk.tell(AuditFact::KeyUsed {
            provider: batch.provider.clone(),
            name: name.clone(),
        });
    }
    if let Some(hidden) = &questions.hidden {
        desk.tell(hidden.fact.clone());
    }
    desk.note(batch, "sent");
}

/// Writes down that a batch certainly is not there.
async fn turned_away(
    desk: &Desk,
    mut batch: Batch,
    error: BatchError,
) -> Result<CliError, CliError> {
    batch.state = BatchState::Refused;
    batch.reserved = MicroUsd::ZERO;
    batch.updated_at = SystemClock.now();
    desk.note(&batch, "refused");
    desk.store.batch_update(&batch).await?;
    Ok(BatchCommandError::Batch(error).into())
}

/// Goes on with a batch whose order went out and whose answer nobody heard; any other was sent.
async fn again(desk: &Desk, mut same: Batch, ui: &Ui) -> Result<u8, CliError> {
    if same.state != BatchState::Sending {
        return Err(BatchCommandError::Same { id: same.id }.into());
    }
    let batches = desk.door(Some(&same))?;
    desk.looked(&batches, &mut same).await?;
    shown::submitted(ui, &same);
    Ok(0)
}
