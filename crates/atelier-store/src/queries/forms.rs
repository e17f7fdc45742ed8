//! Forms of edits: how they were asked for, what came of it, and what was decided to ask.

use std::collections::BTreeMap;

use atelier_model::{Attempt, Digest, EditForm, EditsOutcome, FormTally, Timestamp};

use crate::{Store, StoreError, column, write::Write};

impl Store {
    /// How well each model wrote each form it was asked for. A reply that was taken out of the
    /// cache again counts once.
    pub async fn form_tallies(
        &self,
    ) -> Result<BTreeMap<String, BTreeMap<EditForm, FormTally>>, StoreError> {
        let rows: Vec<(String, String, String, i64)> = sqlx::query_as(
            "SELECT model, asked, outcome, COUNT(DISTINCT reply) FROM form_uses
             GROUP BY model, asked, outcome ORDER BY model, asked, outcome",
        )
        .fetch_all(self.readers())
        .await?;
        let mut tallies: BTreeMap<String, BTreeMap<EditForm, FormTally>> = BTreeMap::new();
        for (model, asked, outcome, count) in rows {
            let form = column::from_word(&asked, "the form of a reply")?;
            let outcome = column::from_word(&outcome, "the outcome of edits")?;
            let forms = tallies.entry(model).or_default();
            add(
                forms.entry(form).or_default(),
                outcome,
                column::from_count(count),
            );
        }
        Ok(tallies)
    }

    /// The form in which a question was asked before; the question is digested without its form.
    pub async fn form_choice(&self, question: &Digest) -> Result<Option<EditForm>, StoreError> {
        let form: Option<String> =
            sqlx::query_scalar("SELECT form FROM form_choices WHERE question = $1")
                .bind(column::bytes(question))
                .fetch_optional(self.readers())
                .await?;
        column::from_word_opt(form.as_deref(), "the form of a question")
    }

    /// Keeps the form in which a question is asked, unless one is kept, and returns what counts.
    pub async fn form_choose(
        &self,
        question: &Digest,
        model: &str,
        form: EditForm,
        at: Timestamp,
    ) -> Result<EditForm, StoreError> {
        let mut write = self.write().await?;
        sqlx::query(
            "INSERT INTO form_choices (question, model, form, at) VALUES ($1, $2, $3, $4)
             ON CONFLICT (question) DO NOTHING",
        )
        .bind(column::bytes(question))
        .bind(model)
        .bind(column::word(&form))
        .bind(at.millis())
        .execute(write.connection())
        .await?;
        let kept: String = sqlx::query_scalar("SELECT form FROM form_choices WHERE question = $1")
            .bind(column::bytes(question))
            .fetch_one(write.connection())
            .await?;
        self.commit(write).await?;
        column::from_word(&kept, "the form of a question")
    }
}

fn add(tally: &mut FormTally, outcome: EditsOutcome, count: u64) {
    tally.asked += count;
    match outcome {
        EditsOutcome::Applied => {
            tally.well_formed += count;
            tally.applied += count;
        }
        EditsOutcome::Misplaced => tally.well_formed += count,
        EditsOutcome::Malformed => {}
    }
}

/// Records how the edits of an attempt were asked for and what came of them.
pub(crate) async fn form_use_put_in_txn(
    write: &mut Write,
    attempt: &Attempt,
) -> Result<(), StoreError> {
    let (Some(used), Some(reply)) = (&attempt.edits, &attempt.reply) else {
        return Ok(());
    };
    sqlx::query(
        "INSERT INTO form_uses (run_id, task_id, ordinal, reply, model, asked, found, outcome)
         VALUES ($1, $2, $3, $4, $5, $6, $7, $8)",
    )
    .bind(attempt.run.as_str())
    .bind(attempt.task.as_str())
    .bind(attempt.ordinal)
    .bind(column::bytes(reply))
    .bind(&used.model)
    .bind(column::word(&used.asked))
    .bind(column::json(&used.found))
    .bind(column::word(&used.outcome))
    .execute(write.connection())
    .await?;
    Ok(())
}

/// Forgets what came of the edits of an attempt that begins again.
pub(crate) async fn form_use_forget_in_txn(
    write: &mut Write,
    attempt: &Attempt,
) -> Result<(), StoreError> {
    sqlx::query("DELETE FROM form_uses WHERE run_id = $1 AND task_id = $2 AND ordinal = $3")
        .bind(attempt.run.as_str())
        .bind(attempt.task.as_str())
        .bind(attempt.ordinal)
        .execute(write.connection())
        .await?;
    Ok(())
}
