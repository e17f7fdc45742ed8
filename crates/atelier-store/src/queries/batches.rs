//! Batches: what was sent to be answered later, and what came of it.

use atelier_model::{Digest, MicroUsd, Timestamp, Usage};
use serde::{Deserialize, Serialize};

use crate::{Store, StoreError, column};

/// How far a batch is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum BatchState {
    /// It is being sent; where nobody sends it any more, it may have arrived.
    Sending,
    /// The provider has it.
    Sent,
    /// The provider is done with it.
    Ended,
    /// Its answers were fetched.
    Collected,
    /// The provider did not take it.
    Refused,
}

/// One batch.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Batch {
    /// Its name here.
    pub id: String,
    /// Who answers.
    pub provider: String,
    /// Model.
    pub model: String,
    /// Digest of its questions.
    pub questions: Digest,
    /// What each question is called, in the order of the questions.
    pub custom_ids: Vec<String>,
    /// Its name at the provider; `None` as long as the provider named none.
    pub vendor_id: Option<String>,
    /// How far it is.
    pub state: BatchState,
    /// Questions that were answered.
    pub succeeded: u64,
    /// Questions that were not.
    pub failed: u64,
    /// Tokens of all answers.
    pub usage: Usage,
    /// The most it may still cost.
    pub reserved: MicroUsd,
    /// What its answers cost.
    pub cost: MicroUsd,
    /// When it was made.
    pub created_at: Timestamp,
    /// When it was last changed.
    pub updated_at: Timestamp,
}

#[derive(sqlx::FromRow)]
struct BatchRow {
    id: String,
    provider: String,
    model: String,
    questions: Vec<u8>,
    custom_ids: String,
    vendor_id: Option<String>,
    state: String,
    succeeded: i64,
    failed: i64,
    input_tokens: i64,
    output_tokens: i64,
    cached_input_tokens: i64,
    cache_write_tokens: i64,
    reserved: i64,
    cost: i64,
    created_at: i64,
    updated_at: i64,
}

impl TryFrom<BatchRow> for Batch {
    type Error = StoreError;

    fn try_from(row: BatchRow) -> Result<Self, StoreError> {
        Ok(Self {
            questions: column::digest(&row.questions, "the questions of a batch")?,
            custom_ids: column::from_json(&row.custom_ids, "the names in a batch")?,
            state: column::from_word(&row.state, "the state of a batch")?,
            id: row.id,
            provider: row.provider,
            model: row.model,
            vendor_id: row.vendor_id,
            succeeded: column::from_count(row.succeeded),
            failed: column::from_count(row.failed),
            usage: column::from_tokens([
                row.input_tokens,
                row.output_tokens,
                row.cached_input_tokens,
                row.cache_write_tokens,
            ]),
            reserved: column::from_money(row.reserved),
            cost: column::from_money(row.cost),
            created_at: column::at(row.created_at),
            updated_at: column::at(row.updated_at),
        })
    }
}

impl Store {
    /// Writes down a batch before it is sent. Where the same questions are with the same provider
    /// already, nothing is written and that batch is returned, unless `is_meant`.
    pub async fn batch_begin(
        &self,
        batch: &Batch,
        is_meant: bool,
    ) -> Result<Option<Batch>, StoreError> {
        let mut write = self.write().await?;
        let same: Option<BatchRow> = sqlx::query_as(
            "SELECT * FROM batches WHERE questions = $1 AND provider = $2 AND state <> 'refused'
             ORDER BY id DESC LIMIT 1",
        )
        .bind(column::bytes(&batch.questions))
        .bind(&batch.provider)
        .fetch_optional(write.connection())
        .await?;
        if let Some(same) = same.filter(|_| !is_meant) {
            return Batch::try_from(same).map(Some);
        }
        let [input, output, cached_input, cache_write] = column::tokens(batch.usage);
        sqlx::query(
            "INSERT INTO batches (id, provider, model, questions, custom_ids, vendor_id, state,
                 succeeded, failed, input_tokens, output_tokens, cached_input_tokens,
                 cache_write_tokens, reserved, cost, created_at, updated_at)
             VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15, $16, $17)",
        )
        .bind(&batch.id)
        .bind(&batch.provider)
        .bind(&batch.model)
        .bind(column::bytes(&batch.questions))
        .bind(column::json(&batch.custom_ids))
        .bind(&batch.vendor_id)
        .bind(column::word(&batch.state))
        .bind(column::count(batch.succeeded))
        .bind(column::count(batch.failed))
        .bind(input)
        .bind(output)
        .bind(cached_input)
        .bind(cache_write)
        .bind(column::money(batch.reserved))
        .bind(column::money(batch.cost))
        .bind(batch.created_at.millis())
        .bind(batch.updated_at.millis())
        .execute(write.connection())
        .await?;
        self.commit(write).await?;
        Ok(None)
    }

    /// Writes down how far a batch is. What was collected once stays so.
    pub async fn batch_update(&self, batch: &Batch) -> Result<(), StoreError> {
        let mut write = self.write().await?;
        let [input, output, cached_input, cache_write] = column::tokens(batch.usage);
        sqlx::query(
            "UPDATE batches SET vendor_id = $2, state = $3, succeeded = $4, failed = $5,
                 input_tokens = $6, output_tokens = $7, cached_input_tokens = $8,
                 cache_write_tokens = $9, reserved = $10, cost = $11, updated_at = $12
             WHERE id = $1 AND (state <> 'collected' OR $3 = 'collected')",
        )
        .bind(&batch.id)
        .bind(&batch.vendor_id)
        .bind(column::word(&batch.state))
        .bind(column::count(batch.succeeded))
        .bind(column::count(batch.failed))
        .bind(input)
        .bind(output)
        .bind(cached_input)
        .bind(cache_write)
        .bind(column::money(batch.reserved))
        .bind(column::money(batch.cost))
        .bind(batch.updated_at.millis())
        .execute(write.connection())
        .await?;
        self.commit(write).await
    }

    /// The newest batches whose name begins so, at most `count`, the newest first.
    pub async fn batch_list(&self, begin: &str, count: u32) -> Result<Vec<Batch>, StoreError> {
        let rows: Vec<BatchRow> = sqlx::query_as(
            "SELECT * FROM batches WHERE substr(id, 1, length($1)) = $1 ORDER BY id DESC LIMIT $2",
        )
        .bind(begin)
        .bind(i64::from(count))
        .fetch_all(self.readers())
        .await?;
        rows.into_iter().map(Batch::try_from).collect()
    }
}
