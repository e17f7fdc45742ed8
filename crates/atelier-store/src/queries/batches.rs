//! Batches: what was sent to be answered later, and what came of it.

use std::collections::{BTreeMap, BTreeSet};

use atelier_model::{Digest, MicroUsd, Timestamp, Usage};
use serde::{Deserialize, Serialize};

use crate::{
    Budgets, OverBudget, Scope, Store, StoreError, column,
    ledger::{DAY_MS, midnight},
    queries::blobs::blob_put_in_txn,
    write::Write,
};

/// Batches of one provider that are told from one whose name there nobody heard.
const VENDOR_IDS_MAX: i64 = 10_000;

/// Days of batches whose money is known to whoever answers requests: that of today, and more where
/// clocks differ.
const NEWEST_DAYS: i64 = 2;

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
    /// When the request that costs money went out; `None` as long as none did.
    pub ordered_at: Option<Timestamp>,
    /// The provider's key it belongs to, where that is a stored one.
    pub key_name: Option<String>,
    /// The content that holds what was hidden from the provider.
    pub hidden: Option<Digest>,
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
    cache_write_hour_tokens: i64,
    reserved: i64,
    cost: i64,
    ordered_at: Option<i64>,
    key_name: Option<String>,
    hidden: Option<Vec<u8>>,
    created_at: i64,
    updated_at: i64,
}

impl TryFrom<BatchRow> for Batch {
    type Error = StoreError;

    fn try_from(row: BatchRow) -> Result<Self, StoreError> {
        let hidden = row.hidden.as_deref();
        let hidden = hidden.map(|digest| column::digest(digest, "what a batch hides"));
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
                row.cache_write_hour_tokens,
            ]),
            reserved: column::from_money(row.reserved),
            cost: column::from_money(row.cost),
            ordered_at: row.ordered_at.map(column::at),
            key_name: row.key_name,
            hidden: hidden.transpose()?,
            created_at: column::at(row.created_at),
            updated_at: column::at(row.updated_at),
        })
    }
}

/// What became of a batch that was to be written down.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum BatchBegun {
    /// It is written down, and its money reserved.
    New,
    /// The same questions are with the same provider already, as this batch; nothing was written.
    Same(Box<Batch>),
    /// A budget does not cover it; nothing was written.
    OverBudget(OverBudget),
}

impl Store {
    /// Writes down a batch before it is sent, with what is hidden from its provider, and reserves
    /// its money. The budget in total is that of this one batch; that of the day is shared with
    /// all batches and relayed requests of the day. Where the same questions are with the same
    /// provider already, nothing is written, unless `is_meant`.
    pub async fn batch_begin(
        &self,
        batch: &mut Batch,
        hidden: Option<&[u8]>,
        budgets: Budgets,
        is_meant: bool,
    ) -> Result<BatchBegun, StoreError> {
        let mut write = self.write().await?;
        if !is_meant && let Some(same) = same_in_txn(&mut write, batch).await? {
            return Ok(BatchBegun::Same(Box::new(same)));
        }
        if let Some(over) = uncovered_in_txn(&mut write, batch, budgets).await? {
            return Ok(BatchBegun::OverBudget(over));
        }
        if let Some(hidden) = hidden {
            batch.hidden = Some(blob_put_in_txn(&mut write, hidden).await?);
        }
        insert_in_txn(&mut write, batch).await?;
        self.commit(write).await?;
        Ok(BatchBegun::New)
    }

    /// Claims the one request that costs money: whoever is told `true` sends it, and nobody else.
    pub async fn batch_order(&self, id: &str, at: Timestamp) -> Result<bool, StoreError> {
        let mut write = self.write().await?;
        let claimed = sqlx::query(
            "UPDATE batches SET ordered_at = $2, updated_at = $2
             WHERE id = $1 AND state = 'sending' AND ordered_at IS NULL",
        )
        .bind(id)
        .bind(at.millis())
        .execute(write.connection())
        .await?;
        self.commit(write).await?;
        Ok(claimed.rows_affected() == 1)
    }

    /// Gives up a batch whose order never went out; `false` where it did.
    pub async fn batch_drop(&self, id: &str, at: Timestamp) -> Result<bool, StoreError> {
        let mut write = self.write().await?;
        let dropped = sqlx::query(
            "UPDATE batches SET state = 'refused', reserved = 0, updated_at = $2
             WHERE id = $1 AND state = 'sending' AND ordered_at IS NULL",
        )
        .bind(id)
        .bind(at.millis())
        .execute(write.connection())
        .await?;
        self.commit(write).await?;
        Ok(dropped.rows_affected() == 1)
    }

    /// What the newest batches of a provider are called there.
    pub async fn batch_vendor_ids(&self, provider: &str) -> Result<BTreeSet<String>, StoreError> {
        let ids: Vec<String> = sqlx::query_scalar(
            "SELECT vendor_id FROM batches WHERE provider = $1 AND vendor_id IS NOT NULL
             ORDER BY id DESC LIMIT $2",
        )
        .bind(provider)
        .bind(VENDOR_IDS_MAX)
        .fetch_all(self.readers())
        .await?;
        Ok(ids.into_iter().collect())
    }

    /// Writes down how far a batch is. What was collected once stays so.
    pub async fn batch_update(&self, batch: &Batch) -> Result<(), StoreError> {
        let mut write = self.write().await?;
        let [input, output, cached_input, cache_write, hour] = column::tokens(batch.usage);
        sqlx::query(
            "UPDATE batches SET vendor_id = $2, state = $3, succeeded = $4, failed = $5,
                 input_tokens = $6, output_tokens = $7, cached_input_tokens = $8,
                 cache_write_tokens = $9, cache_write_hour_tokens = $10, reserved = $11,
                 cost = $12, key_name = $13, updated_at = $14
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
        .bind(hour)
        .bind(column::money(batch.reserved))
        .bind(column::money(batch.cost))
        .bind(&batch.key_name)
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

    /// What the batches of each of the newest days cost or may cost, by the number of the day.
    pub(crate) async fn batch_days(&self) -> Result<BTreeMap<i64, MicroUsd>, StoreError> {
        let days: Vec<(i64, i64)> = sqlx::query_as(
            "SELECT created_at / 86400000 AS day, CAST(SUM(reserved + cost) AS BIGINT)
             FROM batches WHERE created_at >= (SELECT MAX(created_at) FROM batches) - $1
             GROUP BY created_at / 86400000 ORDER BY day",
        )
        .bind(NEWEST_DAYS * DAY_MS)
        .fetch_all(self.readers())
        .await?;
        let days = days.into_iter();
        Ok(days
            .map(|(day, spent)| (day, column::from_money(spent)))
            .collect())
    }
}

/// Money of the batches since an instant.
const SPENT: &str = "SELECT CAST(COALESCE(SUM(reserved + cost), 0) AS BIGINT) FROM batches
     WHERE created_at >= $1";

/// The newest batch of the same questions that its provider did not refuse.
async fn same_in_txn(write: &mut Write, batch: &Batch) -> Result<Option<Batch>, StoreError> {
    let same: Option<BatchRow> = sqlx::query_as(
        "SELECT * FROM batches WHERE questions = $1 AND provider = $2 AND state <> 'refused'
         ORDER BY id DESC LIMIT 1",
    )
    .bind(column::bytes(&batch.questions))
    .bind(&batch.provider)
    .fetch_optional(write.connection())
    .await?;
    same.map(Batch::try_from).transpose()
}

/// The budget that does not cover a batch.
async fn uncovered_in_txn(
    write: &mut Write,
    batch: &Batch,
    budgets: Budgets,
) -> Result<Option<OverBudget>, StoreError> {
    let over = |scope, budget: MicroUsd, taken: MicroUsd| {
        let needed = batch.reserved;
        (taken + needed > budget).then_some(OverBudget {
            scope,
            budget,
            taken,
            needed,
        })
    };
    let total = budgets.total;
    let total = total.and_then(|budget| over(Scope::Everyone, budget, MicroUsd::ZERO));
    let Some(day) = budgets.day.filter(|_| total.is_none()) else {
        return Ok(total);
    };
    let since = midnight(batch.created_at).millis();
    let batches: i64 = sqlx::query_scalar(SPENT)
        .bind(since)
        .fetch_one(write.connection())
        .await?;
    let relays = "SELECT CAST(COALESCE(SUM(cost), 0) AS BIGINT) FROM relays WHERE at >= $1";
    let relays: i64 = sqlx::query_scalar(relays)
        .bind(since)
        .fetch_one(write.connection())
        .await?;
    let taken = column::from_money(batches) + column::from_money(relays);
    Ok(over(Scope::EveryoneDay, day, taken))
}

async fn insert_in_txn(write: &mut Write, batch: &Batch) -> Result<(), StoreError> {
    let [input, output, cached_input, cache_write, hour] = column::tokens(batch.usage);
    sqlx::query(
        "INSERT INTO batches (id, provider, model, questions, custom_ids, vendor_id, state,
             succeeded, failed, input_tokens, output_tokens, cached_input_tokens,
             cache_write_tokens, cache_write_hour_tokens, reserved, cost, ordered_at, key_name,
             hidden, created_at, updated_at)
         VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15, $16, $17, $18,
             $19, $20, $21)",
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
    .bind(hour)
    .bind(column::money(batch.reserved))
    .bind(column::money(batch.cost))
    .bind(batch.ordered_at.map(Timestamp::millis))
    .bind(&batch.key_name)
    .bind(batch.hidden.as_ref().map(column::bytes))
    .bind(batch.created_at.millis())
    .bind(batch.updated_at.millis())
    .execute(write.connection())
    .await?;
    Ok(())
}
