//! Attempts: the tries at tasks.

use std::collections::BTreeMap;

use atelier_model::{
    Attempt, AttemptOutcome, EventKind, Evidence, FormUse, RunId, TaskFact, TaskId, TaskState,
    Timestamp,
};

use crate::{
    Store, StoreError, column,
    queries::{
        forms::{form_use_forget_in_txn, form_use_put_in_txn},
        tasks::task_advance_in_txn,
    },
    write::Write,
};

#[derive(sqlx::FromRow)]
struct AttemptRow {
    run_id: String,
    task_id: String,
    ordinal: i64,
    base: String,
    reply: Option<Vec<u8>>,
    outcome: Option<String>,
    feedback: String,
    evidence: String,
    cost: i64,
    started_at: i64,
    ended_at: Option<i64>,
    model: Option<String>,
    asked: Option<String>,
    found: Option<String>,
    edits: Option<String>,
}

impl AttemptRow {
    fn form_use(&self) -> Result<Option<FormUse>, StoreError> {
        let (Some(model), Some(asked), Some(found), Some(edits)) =
            (&self.model, &self.asked, &self.found, &self.edits)
        else {
            return Ok(None);
        };
        Ok(Some(FormUse {
            model: model.clone(),
            asked: column::from_word(asked, "the form of a reply")?,
            found: column::from_json(found, "the forms of a reply")?,
            outcome: column::from_word(edits, "the outcome of edits")?,
        }))
    }
}

impl TryFrom<AttemptRow> for Attempt {
    type Error = StoreError;

    fn try_from(row: AttemptRow) -> Result<Self, StoreError> {
        let edits = row.form_use()?;
        Ok(Self {
            run: RunId::from_text(row.run_id),
            task: TaskId::from_text(row.task_id),
            ordinal: column::small(row.ordinal, "the ordinal of an attempt")?,
            base: row.base,
            edits,
            reply: column::digest_opt(row.reply.as_deref(), "the reply of an attempt")?,
            outcome: column::from_word_opt(row.outcome.as_deref(), "the outcome of an attempt")?,
            feedback: row.feedback,
            evidence: column::from_json(&row.evidence, "the evidence of an attempt")?,
            cost: column::from_money(row.cost),
            started_at: column::at(row.started_at),
            ended_at: row.ended_at.map(column::at),
        })
    }
}

impl Store {
    /// Records that an attempt began. One that was interrupted begins again under its ordinal, with
    /// nothing left of what it had been.
    pub async fn attempt_start(&self, attempt: &Attempt, at: Timestamp) -> Result<(), StoreError> {
        let mut write = self.write().await?;
        attempt_insert_in_txn(&mut write, attempt, at).await?;
        sqlx::query(
            "UPDATE tasks SET attempts = CASE WHEN attempts < $3 THEN $3 ELSE attempts END,
                 updated_at = $4 WHERE run_id = $1 AND id = $2",
        )
        .bind(attempt.run.as_str())
        .bind(attempt.task.as_str())
        .bind(attempt.ordinal)
        .bind(at.millis())
        .execute(write.connection())
        .await?;
        let started = EventKind::AttemptStarted {
            ordinal: attempt.ordinal,
        };
        write
            .event(Some(&attempt.run), Some(&attempt.task), started, at)
            .await?;
        self.commit(write).await
    }

    /// Records how an open attempt ended and moves its task by the fact that follows from it.
    pub async fn attempt_finish(
        &self,
        attempt: &Attempt,
        fact: TaskFact,
        reason: &str,
        at: Timestamp,
    ) -> Result<TaskState, StoreError> {
        let mut write = self.write().await?;
        attempt_finish_in_txn(&mut write, attempt, reason, at).await?;
        let (run, task) = (&attempt.run, &attempt.task);
        let state = task_advance_in_txn(&mut write, run, task, (fact, reason), at).await?;
        self.commit(write).await?;
        Ok(state)
    }

    /// The attempts at a task in their order.
    pub async fn attempt_list(
        &self,
        run: &RunId,
        task: &TaskId,
    ) -> Result<Vec<Attempt>, StoreError> {
        let rows: Vec<AttemptRow> = sqlx::query_as(
            "SELECT attempts.*, form_uses.model, form_uses.asked, form_uses.found,
                 form_uses.outcome AS edits
             FROM attempts LEFT JOIN form_uses USING (run_id, task_id, ordinal)
             WHERE run_id = $1 AND task_id = $2 ORDER BY ordinal",
        )
        .bind(run.as_str())
        .bind(task.as_str())
        .fetch_all(self.readers())
        .await?;
        rows.into_iter().map(Attempt::try_from).collect()
    }

    /// The evidence of every task of a run that passed, by task; of its newest passed attempt.
    pub async fn evidence_list(
        &self,
        run: &RunId,
    ) -> Result<BTreeMap<TaskId, Evidence>, StoreError> {
        let rows: Vec<(String, String)> = sqlx::query_as(
            "SELECT task_id, evidence FROM attempts WHERE run_id = $1 AND outcome = 'passed'
             ORDER BY ordinal",
        )
        .bind(run.as_str())
        .fetch_all(self.readers())
        .await?;
        let row = |(task, evidence): (String, String)| {
            Ok((
                TaskId::from_text(task),
                column::from_json(&evidence, "the evidence of an attempt")?,
            ))
        };
        rows.into_iter().map(row).collect()
    }
}

fn named(attempt: &Attempt) -> String {
    format!(
        "attempt {} at task {} of run {}",
        attempt.ordinal, attempt.task, attempt.run
    )
}

async fn attempt_insert_in_txn(
    write: &mut Write,
    attempt: &Attempt,
    at: Timestamp,
) -> Result<(), StoreError> {
    sqlx::query(
        "INSERT INTO attempts (run_id, task_id, ordinal, base, reply, outcome, feedback, evidence,
             cost, started_at, ended_at, round_first)
         VALUES ($1, $2, $3, $4, $5, NULL, $6, $7, $8, $9, NULL,
             (SELECT round_first FROM tasks WHERE run_id = $1 AND id = $2))
         ON CONFLICT (run_id, task_id, ordinal) DO UPDATE SET base = EXCLUDED.base,
             reply = EXCLUDED.reply, outcome = NULL, feedback = EXCLUDED.feedback,
             evidence = EXCLUDED.evidence, cost = EXCLUDED.cost,
             started_at = EXCLUDED.started_at, ended_at = NULL,
             round_first = EXCLUDED.round_first, met = NULL",
    )
    .bind(attempt.run.as_str())
    .bind(attempt.task.as_str())
    .bind(attempt.ordinal)
    .bind(&attempt.base)
    .bind(attempt.reply.as_ref().map(column::bytes))
    .bind(&attempt.feedback)
    .bind(column::json(&attempt.evidence))
    .bind(column::money(attempt.cost))
    .bind(at.millis())
    .execute(write.connection())
    .await?;
    form_use_forget_in_txn(write, attempt).await
}

/// Records how an open attempt ended.
pub(crate) async fn attempt_finish_in_txn(
    write: &mut Write,
    attempt: &Attempt,
    reason: &str,
    at: Timestamp,
) -> Result<(), StoreError> {
    let outcome = attempt.outcome.ok_or_else(|| StoreError::Missing {
        what: format!("the outcome of {}", named(attempt)),
    })?;
    attempt_close_in_txn(write, attempt, outcome, at).await?;
    form_use_put_in_txn(write, attempt).await?;
    let finished = EventKind::AttemptFinished {
        ordinal: attempt.ordinal,
        outcome,
        reason: reason.to_owned(),
    };
    let (run, task) = (Some(&attempt.run), Some(&attempt.task));
    write.event(run, task, finished, at).await?;
    Ok(())
}

async fn attempt_close_in_txn(
    write: &mut Write,
    attempt: &Attempt,
    outcome: AttemptOutcome,
    at: Timestamp,
) -> Result<(), StoreError> {
    let closed = sqlx::query(
        "UPDATE attempts SET reply = $4, outcome = $5, feedback = $6, evidence = $7, cost = $8,
             ended_at = $9
         WHERE run_id = $1 AND task_id = $2 AND ordinal = $3 AND outcome IS NULL",
    )
    .bind(attempt.run.as_str())
    .bind(attempt.task.as_str())
    .bind(attempt.ordinal)
    .bind(attempt.reply.as_ref().map(column::bytes))
    .bind(column::word(&outcome))
    .bind(&attempt.feedback)
    .bind(column::json(&attempt.evidence))
    .bind(column::money(attempt.cost))
    .bind(at.millis())
    .execute(write.connection())
    .await?;
    if closed.rows_affected() == 0 {
        return Err(StoreError::Missing {
            what: format!("the open {}", named(attempt)),
        });
    }
    Ok(())
}

/// Closes the open attempts of a run on which no living worker but `own` works, as interrupted.
/// Returns how many there were.
pub(crate) async fn attempts_interrupt_in_txn(
    write: &mut Write,
    run: &RunId,
    own: &str,
    at: Timestamp,
) -> Result<usize, StoreError> {
    let open: Vec<(String, i64)> = sqlx::query_as(
        "UPDATE attempts SET outcome = $2, ended_at = $3
         WHERE run_id = $1 AND outcome IS NULL AND NOT EXISTS (SELECT 1 FROM leases
             WHERE name = 'task:' || attempts.run_id || ':' || attempts.task_id
                 AND worker <> $4 AND until > $3)
         RETURNING task_id, ordinal",
    )
    .bind(run.as_str())
    .bind(column::word(&AttemptOutcome::Interrupted))
    .bind(at.millis())
    .bind(own)
    .fetch_all(write.connection())
    .await?;
    let count = open.len();
    for (task, ordinal) in open {
        let finished = EventKind::AttemptFinished {
            ordinal: column::small(ordinal, "the ordinal of an attempt")?,
            outcome: AttemptOutcome::Interrupted,
            reason: "interrupted".to_owned(),
        };
        let task = TaskId::from_text(task);
        write.event(Some(run), Some(&task), finished, at).await?;
    }
    Ok(count)
}
