//! Relayed requests of long ago: their sums stay, their rows go.

use atelier_model::Timestamp;

use crate::{Store, StoreError, ledger::midnight};

/// Rows that one transaction folds. Whoever answers requests meanwhile waits for no more.
const ROWS_AT_ONCE: i64 = 1_000;

impl Store {
    /// Folds some of the rows of the days before that of an instant into sums, and returns how many
    /// there were.
    pub(crate) async fn relays_fold(&self, before: Timestamp) -> Result<u64, StoreError> {
        let before = midnight(before);
        let mut write = self.write().await?;
        sqlx::query(SUM)
            .bind(before.millis())
            .bind(ROWS_AT_ONCE)
            .execute(write.connection())
            .await?;
        let gone = sqlx::query(
            "DELETE FROM relays WHERE id IN
                 (SELECT id FROM relays WHERE at < $1 ORDER BY at, id LIMIT $2)",
        )
        .bind(before.millis())
        .bind(ROWS_AT_ONCE)
        .execute(write.connection())
        .await?;
        self.commit(write).await?;
        Ok(gone.rows_affected())
    }

    /// Removes some of what had come of answers that broke off before the day of an instant, and
    /// returns how many there were.
    pub(crate) async fn partials_remove(&self, before: Timestamp) -> Result<u64, StoreError> {
        let mut write = self.write().await?;
        let gone: Vec<Vec<u8>> = sqlx::query_scalar(
            "DELETE FROM partials WHERE digest IN
                 (SELECT digest FROM partials WHERE at < $1 ORDER BY at LIMIT $2)
             RETURNING digest",
        )
        .bind(midnight(before).millis())
        .bind(ROWS_AT_ONCE)
        .fetch_all(write.connection())
        .await?;
        for digest in &gone {
            // Each says what it was to answer, so that nothing else has the same content.
            sqlx::query("DELETE FROM blobs WHERE digest = $1")
                .bind(digest)
                .execute(write.connection())
                .await?;
        }
        self.commit(write).await?;
        Ok(gone.len() as u64)
    }
}

/// Adds rows to the sums of their days.
const SUM: &str = "INSERT INTO relay_sums (day, client, provider, model, requests, cached, failed,
         input_tokens, output_tokens, cached_input_tokens, cache_write_tokens,
         cache_write_hour_tokens, cost, saved)
     SELECT at / 86400000, COALESCE(client, ''), provider, model,
         COUNT(*), COUNT(CASE WHEN source <> 'provider' THEN 1 END), COUNT(error),
         SUM(CASE WHEN source = 'provider' THEN input_tokens ELSE 0 END),
         SUM(CASE WHEN source = 'provider' THEN output_tokens ELSE 0 END),
         SUM(CASE WHEN source = 'provider' THEN cached_input_tokens ELSE 0 END),
         SUM(CASE WHEN source = 'provider' THEN cache_write_tokens ELSE 0 END),
         SUM(CASE WHEN source = 'provider' THEN cache_write_hour_tokens ELSE 0 END),
         SUM(cost), SUM(saved)
     FROM (SELECT * FROM relays WHERE at < $1 ORDER BY at, id LIMIT $2) AS oldest
     GROUP BY at / 86400000, COALESCE(client, ''), provider, model
     ON CONFLICT (day, client, provider, model) DO UPDATE SET
         requests = relay_sums.requests + EXCLUDED.requests,
         cached = relay_sums.cached + EXCLUDED.cached,
         failed = relay_sums.failed + EXCLUDED.failed,
         input_tokens = relay_sums.input_tokens + EXCLUDED.input_tokens,
         output_tokens = relay_sums.output_tokens + EXCLUDED.output_tokens,
         cached_input_tokens = relay_sums.cached_input_tokens + EXCLUDED.cached_input_tokens,
         cache_write_tokens = relay_sums.cache_write_tokens + EXCLUDED.cache_write_tokens,
         cache_write_hour_tokens =
             relay_sums.cache_write_hour_tokens + EXCLUDED.cache_write_hour_tokens,
         cost = relay_sums.cost + EXCLUDED.cost,
         saved = relay_sums.saved + EXCLUDED.saved";
