//! What the keys of asks were made of, and the reply that each of them has.

use std::collections::BTreeMap;

use atelier_model::{AskDescriptor, Digest, RunId};

use crate::{ArchivedAnswer, Store, StoreError, column, queries::archive::ReplyRow};

impl Store {
    /// Keeps what a key was made of. The same key is always made of the same.
    pub async fn ask_key_put(
        &self,
        key: &Digest,
        descriptor: &AskDescriptor,
    ) -> Result<(), StoreError> {
        let mut write = self.write().await?;
        sqlx::query(
            "INSERT INTO ask_keys (ask_key, descriptor) VALUES ($1, $2)
             ON CONFLICT (ask_key) DO NOTHING",
        )
        .bind(column::bytes(key))
        .bind(column::json(descriptor))
        .execute(write.connection())
        .await?;
        self.commit(write).await
    }

    /// What the keys of a run's asks were made of, as far as that is known.
    pub async fn ask_key_list(
        &self,
        run: &RunId,
    ) -> Result<BTreeMap<Digest, AskDescriptor>, StoreError> {
        let rows: Vec<(Vec<u8>, String)> = sqlx::query_as(
            "SELECT ask_key, descriptor FROM ask_keys
             WHERE ask_key IN (SELECT ask_key FROM asks WHERE run_id = $1)",
        )
        .bind(run.as_str())
        .fetch_all(self.readers())
        .await?;
        let row = |(key, descriptor): (Vec<u8>, String)| {
            Ok((
                column::digest(&key, "the key of an ask")?,
                column::from_json(&descriptor, "what a key was made of")?,
            ))
        };
        rows.into_iter().map(row).collect()
    }

    /// The reply to the ask of a key as it is archived; `None` where there is none.
    pub async fn archive_reply(&self, key: &Digest) -> Result<Option<ArchivedAnswer>, StoreError> {
        let row: Option<ReplyRow> = sqlx::query_as(
            "SELECT ask_key, digest, stop, provider, model, input_tokens, output_tokens,
                 cached_input_tokens, cache_write_tokens, cache_write_hour_tokens, cost,
                 latency_ms, created_at
             FROM replies WHERE ask_key = $1
             UNION ALL
             SELECT ask_key, digest, stop, provider, model, input_tokens, output_tokens,
                 cached_input_tokens, cache_write_tokens, cache_write_hour_tokens, cost,
                 latency_ms, created_at
             FROM archived_replies WHERE ask_key = $1
             LIMIT 1",
        )
        .bind(column::bytes(key))
        .fetch_optional(self.readers())
        .await?;
        match row {
            Some(row) => self.archived(row).await.map(Some),
            None => Ok(None),
        }
    }
}
