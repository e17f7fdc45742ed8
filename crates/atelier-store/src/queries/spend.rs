//! Spend: what asks cost, by run, stage and model.

use atelier_model::{MicroUsd, RunId, Stage, Usage};

use crate::{Store, StoreError, column};

/// What the asks of one run, stage and model came to.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Spend {
    /// The run.
    pub run: RunId,
    /// The stage.
    pub stage: Stage,
    /// Provider.
    pub provider: String,
    /// Model.
    pub model: String,
    /// How many asks there were, those answered from the cache included.
    pub asks: u64,
    /// Of these, how many the cache answered.
    pub cached: u64,
    /// Of these, how many ended without an answer.
    pub failed: u64,
    /// Tokens of the asks that the provider answered.
    pub usage: Usage,
    /// Money spent.
    pub cost: MicroUsd,
}

#[derive(sqlx::FromRow)]
struct SpendRow {
    run_id: String,
    stage: String,
    provider: String,
    model: String,
    asks: i64,
    cached: i64,
    failed: i64,
    input: i64,
    output: i64,
    cached_input: i64,
    cache_write: i64,
    cache_write_hour: i64,
    cost: i64,
}

impl TryFrom<SpendRow> for Spend {
    type Error = StoreError;

    fn try_from(row: SpendRow) -> Result<Self, StoreError> {
        let tokens = [
            row.input,
            row.output,
            row.cached_input,
            row.cache_write,
            row.cache_write_hour,
        ];
        Ok(Self {
            run: RunId::from_text(row.run_id),
            stage: column::from_word(&row.stage, "the stage of an ask")?,
            provider: row.provider,
            model: row.model,
            asks: column::from_count(row.asks),
            cached: column::from_count(row.cached),
            failed: column::from_count(row.failed),
            usage: column::from_tokens(tokens),
            cost: column::from_money(row.cost),
        })
    }
}

impl Store {
    /// What the asks of a run came to, by stage and model, in the order of the first ask of each.
    pub async fn spend_list(&self, run: &RunId) -> Result<Vec<Spend>, StoreError> {
        let rows: Vec<SpendRow> = sqlx::query_as(
            "SELECT run_id, stage, provider, model, COUNT(*) AS asks,
                 COUNT(CASE WHEN source = 'cache' THEN 1 END) AS cached,
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
                 CAST(SUM(cost) AS BIGINT) AS cost
             FROM asks WHERE run_id = $1
             GROUP BY run_id, stage, provider, model ORDER BY MIN(seq)",
        )
        .bind(run.as_str())
        .fetch_all(self.readers())
        .await?;
        rows.into_iter().map(Spend::try_from).collect()
    }
}
