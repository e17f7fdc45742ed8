//! Answers on their way into an archive, and out of one.

use atelier_model::{ArchiveEntry, ArchiveKind, Digest, StopReason};

use crate::{
    Store, StoreError, column,
    queries::{
        answers::{StoredAnswer, answer_put_in_txn},
        blobs::blob_put_in_txn,
    },
    write::Write,
};

/// Answers of one page: few, since each comes with its body.
const PAGE_ROWS: i64 = 64;

/// An answer with its body.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ArchivedAnswer {
    /// All that is known of it.
    pub entry: ArchiveEntry,
    /// Its body.
    pub body: Vec<u8>,
}

#[derive(sqlx::FromRow)]
pub(crate) struct ReplyRow {
    ask_key: Vec<u8>,
    digest: Vec<u8>,
    stop: String,
    provider: String,
    model: String,
    input_tokens: i64,
    output_tokens: i64,
    cached_input_tokens: i64,
    cache_write_tokens: i64,
    cache_write_hour_tokens: i64,
    cost: i64,
    latency_ms: i64,
    created_at: i64,
}

impl Store {
    /// The next answers of a kind by their keys, from the first one after `after` on; none at the
    /// end.
    pub async fn archive_page(
        &self,
        kind: ArchiveKind,
        after: Option<&Digest>,
    ) -> Result<Vec<ArchivedAnswer>, StoreError> {
        match kind {
            ArchiveKind::Ask => self.replies_after(after).await,
            ArchiveKind::Relay => self.answers_after(after).await,
        }
    }

    /// Keeps answers out of an archive, all or none, and returns how many are new. What is known
    /// here already stays as it is.
    pub async fn archive_put(&self, answers: &[ArchivedAnswer]) -> Result<u64, StoreError> {
        let mut write = self.write().await?;
        let mut fresh = 0;
        for answer in answers {
            let is_fresh = match answer.entry.kind {
                ArchiveKind::Ask => reply_take_in_txn(&mut write, answer).await?,
                ArchiveKind::Relay => answer_take_in_txn(&mut write, answer).await?,
            };
            fresh += u64::from(is_fresh);
        }
        self.commit(write).await?;
        Ok(fresh)
    }

    async fn replies_after(
        &self,
        after: Option<&Digest>,
    ) -> Result<Vec<ArchivedAnswer>, StoreError> {
        let rows: Vec<ReplyRow> = sqlx::query_as(
            "SELECT ask_key, digest, stop, provider, model, input_tokens, output_tokens,
                 cached_input_tokens, cache_write_tokens, cache_write_hour_tokens, cost,
                 latency_ms, created_at
             FROM replies WHERE ask_key > $1
             UNION ALL
             SELECT ask_key, digest, stop, provider, model, input_tokens, output_tokens,
                 cached_input_tokens, cache_write_tokens, cache_write_hour_tokens, cost,
                 latency_ms, created_at
             FROM archived_replies AS archived WHERE ask_key > $1
                 AND NOT EXISTS (SELECT 1 FROM replies WHERE replies.ask_key = archived.ask_key)
             ORDER BY ask_key LIMIT $2",
        )
        .bind(after.map_or(&[][..], column::bytes))
        .bind(PAGE_ROWS)
        .fetch_all(self.readers())
        .await?;
        let mut answers = Vec::new();
        for row in rows {
            answers.push(self.archived(row).await?);
        }
        Ok(answers)
    }

    /// A reply with its text.
    pub(crate) async fn archived(&self, row: ReplyRow) -> Result<ArchivedAnswer, StoreError> {
        let key = column::digest(&row.ask_key, "the key of a reply")?;
        let digest = column::digest(&row.digest, "the digest of a reply")?;
        let body = self.blob_fetch(&digest).await?;
        let body = body.ok_or_else(|| StoreError::Corrupt {
            what: format!("the text of reply {}", key.short()),
        })?;
        let entry = row.entry(key)?;
        Ok(ArchivedAnswer { entry, body })
    }

    async fn answers_after(
        &self,
        after: Option<&Digest>,
    ) -> Result<Vec<ArchivedAnswer>, StoreError> {
        let keys: Vec<(Vec<u8>,)> = sqlx::query_as(
            "SELECT relay_key FROM relay_answers WHERE relay_key > $1 ORDER BY relay_key LIMIT $2",
        )
        .bind(after.map_or(&[][..], column::bytes))
        .bind(PAGE_ROWS)
        .fetch_all(self.readers())
        .await?;
        let mut answers = Vec::new();
        for (key,) in keys {
            let key = column::digest(&key, "the key of a relayed request")?;
            // One that was shed since then is not missed.
            if let Some(stored) = self.answer_fetch(&key).await? {
                answers.push(relayed(key, stored));
            }
        }
        Ok(answers)
    }
}

impl ReplyRow {
    fn entry(self, key: Digest) -> Result<ArchiveEntry, StoreError> {
        Ok(ArchiveEntry {
            kind: ArchiveKind::Ask,
            key,
            stop: Some(column::from_word(&self.stop, "how a reply ended")?),
            provider: self.provider,
            model: self.model,
            usage: Some(column::from_tokens([
                self.input_tokens,
                self.output_tokens,
                self.cached_input_tokens,
                self.cache_write_tokens,
                self.cache_write_hour_tokens,
            ])),
            cost: column::from_money(self.cost),
            latency_ms: column::from_count(self.latency_ms),
            at: column::at(self.created_at),
        })
    }
}

fn relayed(key: Digest, stored: StoredAnswer) -> ArchivedAnswer {
    let entry = ArchiveEntry {
        kind: ArchiveKind::Relay,
        key,
        stop: None,
        provider: stored.provider,
        model: stored.model,
        usage: stored.usage,
        cost: atelier_model::MicroUsd::ZERO,
        latency_ms: 0,
        at: stored.at,
    };
    ArchivedAnswer {
        entry,
        body: stored.bytes,
    }
}

/// Keeps a reply unless there is one to its ask, and says whether it did.
async fn reply_take_in_txn(write: &mut Write, answer: &ArchivedAnswer) -> Result<bool, StoreError> {
    let ArchivedAnswer { entry, body } = answer;
    if is_there(
        write,
        "SELECT 1 FROM replies WHERE ask_key = $1",
        &entry.key,
    )
    .await?
    {
        return Ok(false);
    }
    let digest = blob_put_in_txn(write, body).await?;
    let [input, output, cached_input, cache_write, hour] =
        column::tokens(entry.usage.unwrap_or_default());
    let done = sqlx::query(
        "INSERT INTO archived_replies (ask_key, digest, stop, provider, model, input_tokens,
             output_tokens, cached_input_tokens, cache_write_tokens, cache_write_hour_tokens, cost,
             latency_ms, created_at)
         VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13)
         ON CONFLICT (ask_key) DO NOTHING",
    )
    .bind(column::bytes(&entry.key))
    .bind(column::bytes(&digest))
    .bind(column::word(&entry.stop.unwrap_or(StopReason::Length)))
    .bind(&entry.provider)
    .bind(&entry.model)
    .bind(input)
    .bind(output)
    .bind(cached_input)
    .bind(cache_write)
    .bind(hour)
    .bind(column::money(entry.cost))
    .bind(column::count(entry.latency_ms))
    .bind(entry.at.millis())
    .execute(write.connection())
    .await?;
    Ok(done.rows_affected() > 0)
}

/// Keeps a relayed answer unless there is one to its request, and says whether it did.
async fn answer_take_in_txn(
    write: &mut Write,
    answer: &ArchivedAnswer,
) -> Result<bool, StoreError> {
    let ArchivedAnswer { entry, body } = answer;
    if is_there(
        write,
        "SELECT 1 FROM relay_answers WHERE relay_key = $1",
        &entry.key,
    )
    .await?
    {
        return Ok(false);
    }
    let stored = StoredAnswer {
        bytes: body.clone(),
        provider: entry.provider.clone(),
        model: entry.model.clone(),
        usage: entry.usage,
        at: entry.at,
    };
    answer_put_in_txn(write, &entry.key, &stored).await?;
    Ok(true)
}

async fn is_there(
    write: &mut Write,
    query: &'static str,
    key: &Digest,
) -> Result<bool, StoreError> {
    let found: Option<i64> = sqlx::query_scalar(query)
        .bind(column::bytes(key))
        .fetch_optional(write.connection())
        .await?;
    Ok(found.is_some())
}
