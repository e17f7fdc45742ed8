//! Summaries that a run keeps, and what the prompts of its tasks were put together from.

use atelier_model::{
    Digest, PromptRecord, RunId, Summary, SummaryMaker, SummaryRecord, TaskId, Timestamp,
};

use crate::{Store, StoreError, column, queries::blobs::blob_put_in_txn};

/// Summaries of a run that are listed; it has few, and each costs an ask or an extract.
const SUMMARIES_MAX: i64 = 10_000;
/// Conversations of a task that are listed.
const PROMPTS_MAX: i64 = 10_000;

/// A row of `summaries` beside its run and key: name, maker, content, fault, instant.
type SummaryRow = (String, String, Vec<u8>, String, i64);
/// The same with its key before it.
type KeyedRow = (Vec<u8>, String, String, Vec<u8>, String, i64);

impl Store {
    /// The summary that a run has under a key.
    pub async fn summary_fetch(
        &self,
        run: &RunId,
        key: &Digest,
    ) -> Result<Option<SummaryRecord>, StoreError> {
        let row: Option<SummaryRow> = sqlx::query_as(
            "SELECT name, maker, digest, fault, created_at FROM summaries
             WHERE run_id = $1 AND summary_key = $2",
        )
        .bind(run.as_str())
        .bind(column::bytes(key))
        .fetch_optional(self.readers())
        .await?;
        match row {
            Some(row) => self.summary(run, *key, row).await.map(Some),
            None => Ok(None),
        }
    }

    /// The summaries of a run, oldest first.
    pub async fn summary_list(&self, run: &RunId) -> Result<Vec<SummaryRecord>, StoreError> {
        let rows: Vec<KeyedRow> = sqlx::query_as(
            "SELECT summary_key, name, maker, digest, fault, created_at FROM summaries
             WHERE run_id = $1 ORDER BY created_at, summary_key LIMIT $2",
        )
        .bind(run.as_str())
        .bind(SUMMARIES_MAX)
        .fetch_all(self.readers())
        .await?;
        let mut all = Vec::with_capacity(rows.len());
        for (key, name, maker, digest, fault, at) in rows {
            let key = column::digest(&key, "the key of a summary")?;
            let row = (name, maker, digest, fault, at);
            all.push(self.summary(run, key, row).await?);
        }
        Ok(all)
    }

    /// Keeps a summary, unless the run has one under its key.
    pub async fn summary_keep(&self, made: &SummaryRecord) -> Result<(), StoreError> {
        let mut write = self.write().await?;
        let content = column::json(&made.summary);
        let digest = blob_put_in_txn(&mut write, content.as_bytes()).await?;
        sqlx::query(
            "INSERT INTO summaries (run_id, summary_key, name, maker, digest, fault, created_at)
             VALUES ($1, $2, $3, $4, $5, $6, $7)
             ON CONFLICT (run_id, summary_key) DO NOTHING",
        )
        .bind(made.run.as_str())
        .bind(column::bytes(&made.key))
        .bind(&made.name)
        .bind(column::word(&made.maker))
        .bind(column::bytes(&digest))
        .bind(&made.fault)
        .bind(made.at.millis())
        .execute(write.connection())
        .await?;
        self.commit(write).await
    }

    /// Keeps what a prompt was put together from; whoever asks the same again says the same again.
    pub async fn prompt_keep(&self, prompt: &PromptRecord) -> Result<(), StoreError> {
        let mut write = self.write().await?;
        sqlx::query(
            "INSERT INTO prompts (run_id, task_id, attempt, base, parts, tokens)
             VALUES ($1, $2, $3, $4, $5, $6)
             ON CONFLICT (run_id, task_id, attempt) DO UPDATE SET base = EXCLUDED.base,
                 parts = EXCLUDED.parts, tokens = EXCLUDED.tokens",
        )
        .bind(prompt.run.as_str())
        .bind(prompt.task.as_str())
        .bind(prompt.attempt)
        .bind(prompt.base.as_deref())
        .bind(column::json(&prompt.parts))
        .bind(count(prompt.tokens))
        .execute(write.connection())
        .await?;
        self.commit(write).await
    }

    /// What the prompts of a task were put together from, in the order of its attempts.
    pub async fn prompt_list(
        &self,
        run: &RunId,
        task: &TaskId,
    ) -> Result<Vec<PromptRecord>, StoreError> {
        let rows: Vec<(i64, Option<String>, String, i64)> = sqlx::query_as(
            "SELECT attempt, base, parts, tokens FROM prompts
             WHERE run_id = $1 AND task_id = $2 ORDER BY attempt LIMIT $3",
        )
        .bind(run.as_str())
        .bind(task.as_str())
        .bind(PROMPTS_MAX)
        .fetch_all(self.readers())
        .await?;
        let prompt = |(attempt, base, parts, tokens): (i64, _, String, i64)| {
            Ok(PromptRecord {
                run: run.clone(),
                task: task.clone(),
                attempt: column::small(attempt, "the attempt of a prompt")?,
                base,
                parts: column::from_json(&parts, "the parts of a prompt")?,
                tokens: column::small(tokens, "the tokens of a prompt")?,
            })
        };
        rows.into_iter().map(prompt).collect()
    }

    async fn summary(
        &self,
        run: &RunId,
        key: Digest,
        (name, maker, digest, fault, at): SummaryRow,
    ) -> Result<SummaryRecord, StoreError> {
        let digest = column::digest(&digest, "the content of a summary")?;
        let content = self.blob_fetch(&digest).await?.unwrap_or_default();
        let content = String::from_utf8_lossy(&content);
        let summary: Summary = column::from_json(&content, "a summary")?;
        let maker: SummaryMaker = column::from_word(&maker, "the maker of a summary")?;
        Ok(SummaryRecord {
            run: run.clone(),
            key,
            name,
            maker,
            summary,
            fault,
            at: Timestamp::from_millis(at),
        })
    }
}

fn count(tokens: usize) -> i64 {
    i64::try_from(tokens).unwrap_or(i64::MAX)
}
