//! The course of a run, as its report needs it: every try and every ask, without prompts and replies,
//! and the checks behind its newest verdict.

use atelier_model::{AskLine, AskSource, AttemptLine, Event, EventKind, RunId, TaskId};

use crate::{Store, StoreError, column};

/// Letters of the feedback of a try: its first line is told.
const FEEDBACK_CHARS_MAX: u32 = 2_000;
/// Checks of one verdict.
const CHECKS_MAX: u32 = 20_000;

#[derive(sqlx::FromRow)]
struct AttemptRow {
    task_id: String,
    ordinal: i64,
    outcome: Option<String>,
    feedback: String,
    evidence: String,
    started_at: i64,
    ended_at: Option<i64>,
}

impl TryFrom<AttemptRow> for AttemptLine {
    type Error = StoreError;

    fn try_from(row: AttemptRow) -> Result<Self, StoreError> {
        Ok(Self {
            task: TaskId::from_text(row.task_id),
            ordinal: column::small(row.ordinal, "the ordinal of an attempt")?,
            outcome: column::from_word_opt(row.outcome.as_deref(), "the outcome of an attempt")?,
            feedback: row.feedback,
            evidence: column::from_json(&row.evidence, "the evidence of an attempt")?,
            started_at: column::at(row.started_at),
            ended_at: row.ended_at.map(column::at),
        })
    }
}

#[derive(sqlx::FromRow)]
struct AskRow {
    task_id: Option<String>,
    stage: String,
    provider: String,
    model: String,
    source: Option<String>,
    semantic: bool,
    failed: bool,
    input_tokens: i64,
    output_tokens: i64,
    cached_input_tokens: i64,
    cache_write_tokens: i64,
    cache_write_hour_tokens: i64,
    cost: i64,
    latency_ms: i64,
    at: i64,
}

impl TryFrom<AskRow> for AskLine {
    type Error = StoreError;

    fn try_from(row: AskRow) -> Result<Self, StoreError> {
        let tokens = [
            row.input_tokens,
            row.output_tokens,
            row.cached_input_tokens,
            row.cache_write_tokens,
            row.cache_write_hour_tokens,
        ];
        let source = column::from_word_opt(row.source.as_deref(), "the source of a reply")?;
        Ok(Self {
            task: row.task_id.map(TaskId::from_text),
            stage: column::from_word(&row.stage, "the stage of an ask")?,
            provider: row.provider,
            model: row.model,
            source: source.map(|source| {
                if row.semantic {
                    AskSource::Semantic
                } else {
                    source
                }
            }),
            failed: row.failed,
            usage: column::from_tokens(tokens),
            cost: column::from_money(row.cost),
            latency_ms: column::from_count(row.latency_ms),
            at: column::at(row.at),
        })
    }
}

impl Store {
    /// Every try at a task of a run, in the order in which they began.
    pub async fn attempt_lines(&self, run: &RunId) -> Result<Vec<AttemptLine>, StoreError> {
        let rows: Vec<AttemptRow> = sqlx::query_as(
            "SELECT task_id, ordinal, outcome, substr(feedback, 1, $2) AS feedback, evidence,
                 started_at, ended_at
             FROM attempts WHERE run_id = $1 ORDER BY started_at, task_id, ordinal",
        )
        .bind(run.as_str())
        .bind(FEEDBACK_CHARS_MAX)
        .fetch_all(self.readers())
        .await?;
        rows.into_iter().map(AttemptLine::try_from).collect()
    }

    /// Every ask of a run, in the order in which they were made.
    pub async fn ask_lines(&self, run: &RunId) -> Result<Vec<AskLine>, StoreError> {
        let rows: Vec<AskRow> = sqlx::query_as(
            "SELECT task_id, stage, provider, model, source, error IS NOT NULL AS failed,
                 EXISTS (SELECT 1 FROM semantic_hits WHERE ask_id = asks.id) AS semantic,
                 input_tokens, output_tokens, cached_input_tokens, cache_write_tokens,
                 cache_write_hour_tokens, cost, latency_ms, at
             FROM asks WHERE run_id = $1 ORDER BY seq",
        )
        .bind(run.as_str())
        .fetch_all(self.readers())
        .await?;
        rows.into_iter().map(AskLine::try_from).collect()
    }

    /// The ends of the checks of the newest verdict of a run, then that verdict; nothing where there
    /// was none. Checks of a verdict that was begun and never taken are not among them.
    pub async fn verdict_events(&self, run: &RunId) -> Result<Vec<Event>, StoreError> {
        let newest: Option<(i64, String)> = sqlx::query_as(
            "SELECT seq, body FROM events WHERE run_id = $1 AND kind = 'run.verified'
             ORDER BY seq DESC LIMIT 1",
        )
        .bind(run.as_str())
        .fetch_optional(self.readers())
        .await?;
        let Some((seq, body)) = newest else {
            return Ok(Vec::new());
        };
        let verdict: Event = column::from_json(&body, "an event")?;
        let EventKind::RunVerified { checks, .. } = verdict.kind else {
            return Ok(Vec::new());
        };
        // Whoever takes a run up moves it; so what lies before is of another invocation. Hidden tests
        // are told beside the checks.
        let bodies: Vec<String> = sqlx::query_scalar(
            "SELECT body FROM events
             WHERE run_id = $1 AND kind = 'check.finished' AND task_id IS NULL AND seq < $2
                 AND seq > (SELECT COALESCE(MAX(seq), 0) FROM events
                     WHERE run_id = $1 AND kind = 'run.status' AND seq < $2)
                 AND seq > (SELECT COALESCE(MAX(seq), 0) FROM events
                     WHERE run_id = $1 AND kind = 'run.verified' AND seq < $2)
             ORDER BY seq DESC LIMIT $3",
        )
        .bind(run.as_str())
        .bind(seq)
        .bind(column::count(checks.saturating_add(1)).min(i64::from(CHECKS_MAX)))
        .fetch_all(self.readers())
        .await?;
        let mut events = Vec::with_capacity(bodies.len() + 1);
        for body in bodies.iter().rev() {
            events.push(column::from_json(body, "an event")?);
        }
        events.push(verdict);
        Ok(events)
    }
}
