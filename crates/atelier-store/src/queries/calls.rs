//! Asks and relayed requests side by side: what they took, for whoever counts.

use atelier_model::{AskSource, MicroUsd, RunId, TaskId, Timestamp, Usage};

use crate::{Store, StoreError, column};

/// An ask or a relayed request that has ended.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PastCall {
    /// Who asked: the name of a stage, or the dialect of another program.
    pub asker: String,
    /// The task it was for, where it was for one.
    pub task: Option<TaskId>,
    /// Provider.
    pub provider: String,
    /// Model.
    pub model: String,
    /// Where the answer came from; `None` where there was none.
    pub source: Option<AskSource>,
    /// Tokens.
    pub usage: Usage,
    /// Money spent.
    pub cost: MicroUsd,
    /// Money that a kept answer would have cost again, where that was written down.
    pub saved: Option<MicroUsd>,
    /// Milliseconds until the first byte, where that was measured.
    pub first_byte_ms: Option<u64>,
    /// Milliseconds until the end.
    pub latency_ms: u64,
    /// Whether there was no complete answer.
    pub failed: bool,
    /// When it came.
    pub at: Timestamp,
}

/// How often the work of a model ended how.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ModelQuality {
    /// The model.
    pub model: String,
    /// Attempts whose work passed every check.
    pub passed: u64,
    /// Of these, those that passed at the first try.
    pub passed_at_once: u64,
    /// Attempts whose edits could not be made.
    pub refused: u64,
    /// Attempts whose work failed a check.
    pub failed: u64,
}

#[derive(sqlx::FromRow)]
struct CallRow {
    asker: String,
    task_id: Option<String>,
    provider: String,
    model: String,
    source: Option<String>,
    input_tokens: i64,
    output_tokens: i64,
    cached_input_tokens: i64,
    cache_write_tokens: i64,
    cache_write_hour_tokens: i64,
    cost: i64,
    saved: Option<i64>,
    first_byte_ms: Option<i64>,
    latency_ms: i64,
    failed: bool,
    at: i64,
}

impl TryFrom<CallRow> for PastCall {
    type Error = StoreError;

    fn try_from(row: CallRow) -> Result<Self, StoreError> {
        let tokens = [
            row.input_tokens,
            row.output_tokens,
            row.cached_input_tokens,
            row.cache_write_tokens,
            row.cache_write_hour_tokens,
        ];
        Ok(Self {
            asker: row.asker,
            task: row.task_id.map(TaskId::from_text),
            provider: row.provider,
            model: row.model,
            source: column::from_word_opt(row.source.as_deref(), "the source of an answer")?,
            usage: column::from_tokens(tokens),
            cost: column::from_money(row.cost),
            saved: row.saved.map(column::from_money),
            first_byte_ms: row.first_byte_ms.map(column::from_count),
            latency_ms: column::from_count(row.latency_ms),
            failed: row.failed,
            at: column::at(row.at),
        })
    }
}

impl Store {
    /// Asks and relayed requests that have ended since an instant, of one run or of all, the
    /// newest first and no more than so many. A run has no relayed requests.
    pub async fn call_list(
        &self,
        run: Option<&RunId>,
        since: Timestamp,
        max: u32,
    ) -> Result<Vec<PastCall>, StoreError> {
        let rows: Vec<CallRow> = sqlx::query_as(
            "SELECT stage AS asker, task_id, provider, model,
                 CASE WHEN EXISTS (SELECT 1 FROM semantic_hits WHERE ask_id = asks.id)
                     THEN 'semantic' ELSE source END AS source,
                 input_tokens, output_tokens, cached_input_tokens, cache_write_tokens,
                 cache_write_hour_tokens, cost, NULL AS saved, NULL AS first_byte_ms, latency_ms, error IS NOT NULL AS failed, at
             FROM asks WHERE ended_at IS NOT NULL AND at >= $1 AND ($2 IS NULL OR run_id = $2)
             UNION ALL
             SELECT dialect, NULL, provider, model, source, input_tokens, output_tokens,
                 cached_input_tokens, cache_write_tokens, cache_write_hour_tokens, cost, saved,
                 first_byte_ms, latency_ms, error IS NOT NULL, at
             FROM relays WHERE at >= $1 AND $2 IS NULL
             ORDER BY at DESC LIMIT $3",
        )
        .bind(since.millis())
        .bind(run.map(RunId::as_str))
        .bind(i64::from(max))
        .fetch_all(self.readers())
        .await?;
        rows.into_iter().map(PastCall::try_from).collect()
    }

    /// How the work of each model ended since an instant, in one run or in all.
    pub async fn quality_list(
        &self,
        run: Option<&RunId>,
        since: Timestamp,
    ) -> Result<Vec<ModelQuality>, StoreError> {
        let rows: Vec<(String, i64, i64, i64, i64)> = sqlx::query_as(
            "SELECT model, COUNT(CASE WHEN outcome = 'passed' THEN 1 END),
                 COUNT(CASE WHEN outcome = 'passed' AND ordinal = 1 THEN 1 END),
                 COUNT(CASE WHEN outcome = 'edits_refused' THEN 1 END),
                 COUNT(CASE WHEN outcome = 'checks_failed' THEN 1 END)
             FROM (SELECT attempts.outcome, attempts.ordinal,
                     (SELECT asks.model FROM asks
                      WHERE asks.run_id = attempts.run_id AND asks.task_id = attempts.task_id
                          AND asks.attempt = attempts.ordinal AND asks.error IS NULL
                      ORDER BY asks.seq DESC LIMIT 1) AS model
                   FROM attempts
                   WHERE outcome IS NOT NULL AND started_at >= $1
                       AND ($2 IS NULL OR run_id = $2)) AS worked
             WHERE model IS NOT NULL GROUP BY model ORDER BY model",
        )
        .bind(since.millis())
        .bind(run.map(RunId::as_str))
        .fetch_all(self.readers())
        .await?;
        let quality = rows
            .into_iter()
            .map(|(model, passed, at_once, refused, failed)| ModelQuality {
                model,
                passed: column::from_count(passed),
                passed_at_once: column::from_count(at_once),
                refused: column::from_count(refused),
                failed: column::from_count(failed),
            });
        Ok(quality.collect())
    }
}
