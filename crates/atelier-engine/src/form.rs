//! In which form the model of a task is asked for its edits.

use atelier_edit::policy;
use atelier_llm::{AnswersFrom, provider_entry};
use atelier_model::{Digest, EditForm, EditsOutcome, FormUse, Stage, Timestamp};
use atelier_store::{Store, StoreError};
use serde_json::Value;

use crate::{BuildError, Ctx};

/// The form to ask a run's model in; see [`for_question`].
pub(crate) async fn ask_in(
    ctx: &Ctx,
    question: &Value,
    lines: &[usize],
) -> Result<EditForm, BuildError> {
    if !counts(ctx) {
        return Ok(EditForm::Whole);
    }
    let model = &ctx.gateway.route(Stage::Code).model;
    Ok(for_question(&ctx.store, model, question, lines, ctx.now()).await?)
}

/// The form for a question, which is everything that is asked but its form, to change files of so
/// many lines.
///
/// What a question was once asked in is what it is asked in again, whatever was learned since: the
/// answer that was paid for is an answer to that very question.
async fn for_question(
    store: &Store,
    model: &str,
    question: &Value,
    lines: &[usize],
    at: Timestamp,
) -> Result<EditForm, StoreError> {
    let question = Digest::of_json(&(model, question));
    if let Some(form) = store.form_choice(&question).await? {
        return Ok(form);
    }
    let mut tallies = store.form_tallies().await?;
    let measured = tallies.remove(model).unwrap_or_default();
    let form = policy::choose(model, lines.iter().copied(), &measured);
    store.form_choose(&question, model, form, at).await
}

/// What is recorded of the edits of a reply.
pub(crate) fn used(
    ctx: &Ctx,
    model: &str,
    asked: EditForm,
    found: Vec<String>,
    outcome: EditsOutcome,
) -> Option<FormUse> {
    counts(ctx).then(|| FormUse {
        model: model.to_owned(),
        asked,
        found,
        outcome,
    })
}

/// Whether it is a model that is asked; what is not one writes in one form only.
fn counts(ctx: &Ctx) -> bool {
    let entry = provider_entry(&ctx.gateway.route(Stage::Code).provider);
    entry.is_none_or(|entry| entry.answers_from == AnswersFrom::Messages)
}

#[cfg(test)]
mod tests;
