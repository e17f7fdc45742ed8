//! Replies by the key of the ask they answer: what is paid for is never asked again.

use atelier_model::{AskId, AskSource, Digest, MicroUsd, Reply, Timestamp};

use crate::{Store, StoreError, column, queries::blobs::blob_put_in_txn, write::Write};

#[derive(sqlx::FromRow)]
struct ReplyRow {
    digest: Vec<u8>,
    stop: String,
    provider: String,
    model: String,
    input_tokens: i64,
    output_tokens: i64,
    cached_input_tokens: i64,
    cache_write_tokens: i64,
    cache_write_hour_tokens: i64,
    latency_ms: i64,
}

impl Store {
    /// The stored reply to an ask with this key, as it is given from the cache: at no cost.
    pub async fn reply_by_key(&self, key: &Digest) -> Result<Option<Reply>, StoreError> {
        let row: Option<ReplyRow> = sqlx::query_as(
            "SELECT digest, stop, provider, model, input_tokens, output_tokens,
                 cached_input_tokens, cache_write_tokens, cache_write_hour_tokens, latency_ms
             FROM replies WHERE ask_key = $1
             UNION ALL
             SELECT digest, stop, provider, model, input_tokens, output_tokens,
                 cached_input_tokens, cache_write_tokens, cache_write_hour_tokens, latency_ms
             FROM archived_replies WHERE ask_key = $1
             LIMIT 1",
        )
        .bind(column::bytes(key))
        .fetch_optional(self.readers())
        .await?;
        let Some(row) = row else {
            return Ok(None);
        };
        let digest = column::digest(&row.digest, "the digest of a reply")?;
        let text = self.blob_fetch(&digest).await?;
        let text = text.and_then(|bytes| String::from_utf8(bytes).ok());
        Ok(Some(Reply {
            key: *key,
            text: text.ok_or_else(|| StoreError::Corrupt {
                what: format!("the text of reply {}", key.short()),
            })?,
            digest,
            stop: column::from_word(&row.stop, "how a reply ended")?,
            provider: row.provider,
            model: row.model,
            usage: column::from_tokens([
                row.input_tokens,
                row.output_tokens,
                row.cached_input_tokens,
                row.cache_write_tokens,
                row.cache_write_hour_tokens,
            ]),
            cost: MicroUsd::ZERO,
            latency_ms: column::from_count(row.latency_ms),
            source: AskSource::Cache,
        }))
    }
}

/// Keeps a reply under its key. The first reply to a key stays: whoever has seen it will see it
/// again.
pub(crate) async fn reply_put_in_txn(
    write: &mut Write,
    ask: &AskId,
    reply: &Reply,
    at: Timestamp,
) -> Result<Digest, StoreError> {
    let digest = blob_put_in_txn(write, reply.text.as_bytes()).await?;
    let [input, output, cached_input, cache_write, hour] = column::tokens(reply.usage);
    sqlx::query(
        "INSERT INTO replies (ask_key, ask_id, digest, stop, provider, model, input_tokens,
             output_tokens, cached_input_tokens, cache_write_tokens, cache_write_hour_tokens, cost,
             latency_ms, created_at)
         VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14)
         ON CONFLICT (ask_key) DO NOTHING",
    )
    .bind(column::bytes(&reply.key))
    .bind(ask.as_str())
    .bind(column::bytes(&digest))
    .bind(column::word(&reply.stop))
    .bind(&reply.provider)
    .bind(&reply.model)
    .bind(input)
    .bind(output)
    .bind(cached_input)
    .bind(cache_write)
    .bind(hour)
    .bind(column::money(reply.cost))
    .bind(column::count(reply.latency_ms))
    .bind(at.millis())
    .execute(write.connection())
    .await?;
    Ok(digest)
}
