//! Complete answers to relayed requests, by the key of their request.

use atelier_model::{Digest, Timestamp, Usage};

use crate::{Store, StoreError, column, queries::blobs::blob_put_in_txn, write::Write};

/// How the content of an answer begins, so that it is never the same as a content of another kind
/// and goes with its row.
const HEAD: &[u8] = b"relayed answer\n";

/// A complete answer as its provider wrote it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct StoredAnswer {
    /// Its bytes.
    pub bytes: Vec<u8>,
    /// Who wrote them.
    pub provider: String,
    /// The model that did.
    pub model: String,
    /// Its tokens, where they are known.
    pub usage: Option<Usage>,
    /// When it was complete.
    pub at: Timestamp,
}

#[derive(sqlx::FromRow)]
struct AnswerRow {
    digest: Vec<u8>,
    provider: String,
    model: String,
    input_tokens: Option<i64>,
    output_tokens: Option<i64>,
    cached_input_tokens: Option<i64>,
    cache_write_tokens: Option<i64>,
    cache_write_hour_tokens: i64,
    at: i64,
}

impl AnswerRow {
    fn usage(&self) -> Option<Usage> {
        Some(column::from_tokens([
            self.input_tokens?,
            self.output_tokens?,
            self.cached_input_tokens?,
            self.cache_write_tokens?,
            self.cache_write_hour_tokens,
        ]))
    }
}

impl Store {
    /// The answer to a relayed request.
    pub(crate) async fn answer_fetch(
        &self,
        key: &Digest,
    ) -> Result<Option<StoredAnswer>, StoreError> {
        let row: Option<AnswerRow> =
            sqlx::query_as("SELECT * FROM relay_answers WHERE relay_key = $1")
                .bind(column::bytes(key))
                .fetch_optional(self.readers())
                .await?;
        let Some(row) = row else {
            return Ok(None);
        };
        let digest = column::digest(&row.digest, "an answer to a relayed request")?;
        let Some(mut bytes) = self.blob_fetch(&digest).await? else {
            return Ok(None);
        };
        bytes.drain(..HEAD.len().min(bytes.len()));
        Ok(Some(StoredAnswer {
            usage: row.usage(),
            bytes,
            provider: row.provider,
            model: row.model,
            at: column::at(row.at),
        }))
    }

    /// Keeps answers, each in the place of an older one to the same request.
    pub(crate) async fn answers_put(
        &self,
        answers: &[(Digest, StoredAnswer)],
    ) -> Result<(), StoreError> {
        let mut write = self.write().await?;
        for (key, answer) in answers {
            answer_put_in_txn(&mut write, key, answer).await?;
        }
        self.commit(write).await
    }

    /// The keys of all answers, the newest first, with their sizes.
    pub(crate) async fn answer_sizes(&self) -> Result<Vec<(Digest, u64)>, StoreError> {
        let rows: Vec<(Vec<u8>, i64)> =
            sqlx::query_as("SELECT relay_key, size FROM relay_answers ORDER BY at DESC, relay_key")
                .fetch_all(self.readers())
                .await?;
        let sizes = rows.into_iter().map(|(key, size)| {
            let key = column::digest(&key, "the key of a relayed request")?;
            Ok((key, column::from_count(size)))
        });
        sizes.collect()
    }

    /// Forgets answers.
    pub(crate) async fn answers_remove(&self, keys: &[Digest]) -> Result<(), StoreError> {
        let mut write = self.write().await?;
        for key in keys {
            answer_remove_in_txn(&mut write, key).await?;
        }
        self.commit(write).await
    }
}

pub(crate) async fn answer_put_in_txn(
    write: &mut Write,
    key: &Digest,
    answer: &StoredAnswer,
) -> Result<(), StoreError> {
    answer_remove_in_txn(write, key).await?;
    let digest = blob_put_in_txn(write, &[HEAD, &answer.bytes].concat()).await?;
    let tokens = answer.usage.map(column::tokens);
    let token = |place: usize| tokens.map(|tokens| tokens[place]);
    sqlx::query(
        "INSERT INTO relay_answers (relay_key, digest, size, provider, model, input_tokens,
             output_tokens, cached_input_tokens, cache_write_tokens, cache_write_hour_tokens, at)
         VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11)",
    )
    .bind(column::bytes(key))
    .bind(column::bytes(&digest))
    .bind(column::count(answer.bytes.len() as u64))
    .bind(&answer.provider)
    .bind(&answer.model)
    .bind(token(0))
    .bind(token(1))
    .bind(token(2))
    .bind(token(3))
    .bind(token(4).unwrap_or(0))
    .bind(answer.at.millis())
    .execute(write.connection())
    .await?;
    Ok(())
}

/// Removes an answer, and its content where no other request has the same.
async fn answer_remove_in_txn(write: &mut Write, key: &Digest) -> Result<(), StoreError> {
    let digest: Option<Vec<u8>> =
        sqlx::query_scalar("DELETE FROM relay_answers WHERE relay_key = $1 RETURNING digest")
            .bind(column::bytes(key))
            .fetch_optional(write.connection())
            .await?;
    let Some(digest) = digest else {
        return Ok(());
    };
    sqlx::query(
        "DELETE FROM blobs WHERE digest = $1
             AND NOT EXISTS (SELECT 1 FROM relay_answers WHERE digest = $1)",
    )
    .bind(digest)
    .execute(write.connection())
    .await?;
    Ok(())
}
