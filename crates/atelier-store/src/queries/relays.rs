//! Relayed requests: what they cost, who asked, and answers that may be given again.

use std::collections::BTreeSet;

use atelier_model::{AuditNote, MicroUsd, RelayRecord, Timestamp, Usage};
use sqlx::{QueryBuilder, Sqlite};

use crate::{Store, StoreError, column};

/// Rows of one statement: few sizes, so that each is prepared once and kept.
const ROWS_AT_ONCE: [usize; 3] = [64, 8, 1];

/// Ids of one question.
const IDS_AT_ONCE: usize = 500;

/// What the relayed requests of one client, provider and model came to.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RelaySpend {
    /// The client; `None` where no key was asked for.
    pub client: Option<String>,
    /// Provider.
    pub provider: String,
    /// Model.
    pub model: String,
    /// How many requests there were.
    pub requests: u64,
    /// Of these, how many were answered with an answer that was given before.
    pub cached: u64,
    /// Of these, how many ended without a complete answer.
    pub failed: u64,
    /// Tokens of the requests that the provider answered.
    pub usage: Usage,
    /// Money spent.
    pub cost: MicroUsd,
    /// Money that answers given before would have cost again.
    pub saved: MicroUsd,
}

/// What one client has spent.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct ClientSpend {
    pub(crate) client: Option<String>,
    pub(crate) total: MicroUsd,
    pub(crate) today: MicroUsd,
}

#[derive(sqlx::FromRow)]
struct SpendRow {
    client: Option<String>,
    provider: String,
    model: String,
    requests: i64,
    cached: i64,
    failed: i64,
    input: i64,
    output: i64,
    cached_input: i64,
    cache_write: i64,
    cache_write_hour: i64,
    cost: i64,
    saved: i64,
}

impl From<SpendRow> for RelaySpend {
    fn from(row: SpendRow) -> Self {
        let tokens = [
            row.input,
            row.output,
            row.cached_input,
            row.cache_write,
            row.cache_write_hour,
        ];
        Self {
            client: row.client,
            provider: row.provider,
            model: row.model,
            requests: column::from_count(row.requests),
            cached: column::from_count(row.cached),
            failed: column::from_count(row.failed),
            usage: column::from_tokens(tokens),
            cost: column::from_money(row.cost),
            saved: column::from_money(row.saved),
        }
    }
}

impl Store {
    /// Keeps relayed requests that have ended, none of which is kept already.
    pub(crate) async fn relays_put(&self, records: &[RelayRecord]) -> Result<(), StoreError> {
        if records.is_empty() {
            return Ok(());
        }
        let mut write = self.write().await?;
        let mut rest = records;
        for size in ROWS_AT_ONCE {
            let mut all = rest.chunks_exact(size);
            for records in &mut all {
                let mut insert = insert(records);
                insert.build().execute(write.connection()).await?;
            }
            rest = all.remainder();
        }
        for record in records {
            write.note(AuditNote::of_relay(record));
        }
        self.commit(write).await
    }

    /// Keeps those relayed requests that are not kept yet.
    pub(crate) async fn relays_put_missing(
        &self,
        records: Vec<RelayRecord>,
    ) -> Result<(), StoreError> {
        // What was begun before and dropped is over once it is this one's turn to write.
        drop(self.write().await?);
        let missing = self.relays_missing(records).await?;
        self.relays_put(&missing).await
    }

    /// Of these relayed requests, those that are not kept yet.
    pub(crate) async fn relays_missing(
        &self,
        records: Vec<RelayRecord>,
    ) -> Result<Vec<RelayRecord>, StoreError> {
        let mut kept = BTreeSet::new();
        for records in records.chunks(IDS_AT_ONCE) {
            let mut query = QueryBuilder::<Sqlite>::new("SELECT id FROM relays WHERE id IN (");
            let mut ids = query.separated(", ");
            for record in records {
                ids.push_bind(record.id.as_str());
            }
            query.push(")");
            let query = query.build_query_scalar::<String>().persistent(false);
            kept.extend(query.fetch_all(self.readers()).await?);
        }
        let is_missing = |record: &RelayRecord| !kept.contains(record.id.as_str());
        Ok(records.into_iter().filter(is_missing).collect())
    }

    /// What every client has spent, in all and since an instant.
    pub(crate) async fn relay_client_spend(
        &self,
        since: Timestamp,
    ) -> Result<Vec<ClientSpend>, StoreError> {
        let rows: Vec<(Option<String>, i64, i64)> = sqlx::query_as(
            "SELECT client, CAST(SUM(total) AS BIGINT), CAST(SUM(today) AS BIGINT)
             FROM (SELECT client, SUM(cost) AS total,
                       SUM(CASE WHEN at >= $1 THEN cost ELSE 0 END) AS today
                   FROM relays GROUP BY client
                   UNION ALL
                   SELECT NULLIF(client, ''), SUM(cost),
                       SUM(CASE WHEN day * 86400000 >= $1 THEN cost ELSE 0 END)
                   FROM relay_sums GROUP BY client) AS spent
             GROUP BY client ORDER BY client",
        )
        .bind(since.millis())
        .fetch_all(self.readers())
        .await?;
        let spent = rows.into_iter().map(|(client, total, today)| ClientSpend {
            client,
            total: column::from_money(total),
            today: column::from_money(today),
        });
        Ok(spent.collect())
    }

    /// What relayed requests came to since an instant, by client, provider and model. Days of which
    /// only sums are left count where they began since.
    pub async fn relay_spend_list(&self, since: Timestamp) -> Result<Vec<RelaySpend>, StoreError> {
        let rows: Vec<SpendRow> = sqlx::query_as(
            "SELECT client, provider, model, CAST(SUM(requests) AS BIGINT) AS requests,
                 CAST(SUM(cached) AS BIGINT) AS cached, CAST(SUM(failed) AS BIGINT) AS failed,
                 CAST(SUM(input) AS BIGINT) AS input, CAST(SUM(output) AS BIGINT) AS output,
                 CAST(SUM(cached_input) AS BIGINT) AS cached_input,
                 CAST(SUM(cache_write) AS BIGINT) AS cache_write,
                 CAST(SUM(cache_write_hour) AS BIGINT) AS cache_write_hour,
                 CAST(SUM(cost) AS BIGINT) AS cost, CAST(SUM(saved) AS BIGINT) AS saved
             FROM (SELECT client, provider, model, COUNT(*) AS requests,
                 COUNT(CASE WHEN source <> 'provider' THEN 1 END) AS cached,
                 COUNT(error) AS failed,
                 CAST(SUM(CASE WHEN source = 'provider' THEN input_tokens ELSE 0 END) AS BIGINT)
                     AS input,
                 CAST(SUM(CASE WHEN source = 'provider' THEN output_tokens ELSE 0 END) AS BIGINT)
                     AS output,
                 CAST(SUM(CASE WHEN source = 'provider' THEN cached_input_tokens ELSE 0 END)
                     AS BIGINT) AS cached_input,
                 CAST(SUM(CASE WHEN source = 'provider' THEN cache_write_tokens ELSE 0 END)
                     AS BIGINT) AS cache_write,
                 CAST(SUM(CASE WHEN source = 'provider' THEN cache_write_hour_tokens ELSE 0 END)
                     AS BIGINT) AS cache_write_hour,
                 CAST(SUM(cost) AS BIGINT) AS cost, CAST(SUM(saved) AS BIGINT) AS saved
             FROM relays WHERE at >= $1 GROUP BY client, provider, model
             UNION ALL
             SELECT NULLIF(client, ''), provider, model, requests, cached, failed, input_tokens,
                 output_tokens, cached_input_tokens, cache_write_tokens, cache_write_hour_tokens,
                 cost, saved
             FROM relay_sums WHERE day * 86400000 >= $1) AS parts
             GROUP BY client, provider, model ORDER BY client, provider, model",
        )
        .bind(since.millis())
        .fetch_all(self.readers())
        .await?;
        Ok(rows.into_iter().map(RelaySpend::from).collect())
    }
}

fn insert(records: &[RelayRecord]) -> QueryBuilder<Sqlite> {
    let mut insert = QueryBuilder::new(
        "INSERT INTO relays (id, client, dialect, demand, provider, model, relay_key, source,
             input_tokens, output_tokens, cached_input_tokens, cache_write_tokens,
             cache_write_hour_tokens, cost, saved, first_byte_ms, latency_ms, sendings, status,
             error, partial, at) ",
    );
    insert.push_values(records, |mut row, record| {
        let [input, output, cached_input, cache_write, hour] = column::tokens(record.usage);
        row.push_bind(record.id.as_str())
            .push_bind(record.client.as_deref())
            .push_bind(record.dialect.as_str())
            .push_bind(record.demand.as_str())
            .push_bind(record.provider.as_str())
            .push_bind(record.model.as_str())
            .push_bind(column::bytes(&record.key))
            .push_bind(record.source.as_ref().map(column::word))
            .push_bind(input)
            .push_bind(output)
            .push_bind(cached_input)
            .push_bind(cache_write)
            .push_bind(hour)
            .push_bind(column::money(record.cost))
            .push_bind(column::money(record.saved))
            .push_bind(record.first_byte_ms.map(column::count))
            .push_bind(column::count(record.latency_ms))
            .push_bind(i64::from(record.sendings))
            .push_bind(i64::from(record.status))
            .push_bind(record.error.as_deref())
            .push_bind(record.partial.as_ref().map(column::bytes))
            .push_bind(record.at.millis());
    });
    insert
}
