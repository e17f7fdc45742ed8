//! Contents by their digest: prompts, replies, artifacts, outputs of checks.
//!
//! Where the store has a data key, they are sealed with it. Their names stay the digests of what
//! is in them, which events, commits and proofs repeat: whoever has the database and a guess at a
//! whole content can confirm it, and reads nothing else.

use atelier_model::Digest;
use atelier_seal::{SealKey, UnsealError, seal_content, unseal_content};

use crate::{Store, StoreError, column, write::Write};

/// Bytes of one content. The largest thing the house makes is a reply.
const BLOB_BYTES_MAX: usize = 64 * 1024 * 1024;

impl Store {
    /// Keeps a content and returns its digest. The same content is kept once.
    pub async fn blob_put(&self, bytes: &[u8]) -> Result<Digest, StoreError> {
        let mut write = self.write().await?;
        let digest = blob_put_in_txn(&mut write, bytes).await?;
        self.commit(write).await?;
        Ok(digest)
    }

    /// The content with this digest. Content that does not match its digest is reported, never
    /// returned.
    pub async fn blob_fetch(&self, digest: &Digest) -> Result<Option<Vec<u8>>, StoreError> {
        let row: Option<(Vec<u8>, bool)> =
            sqlx::query_as("SELECT data, sealed FROM blobs WHERE digest = $1")
                .bind(column::bytes(digest))
                .fetch_optional(self.readers())
                .await?;
        let Some((data, is_sealed)) = row else {
            return Ok(None);
        };
        if !is_sealed {
            return intact(data, digest).map(Some);
        }
        let key = self.data_key().ok_or_else(|| StoreError::Sealed {
            what: named(digest),
        })?;
        intact(opened(key, digest, &data)?, digest).map(Some)
    }
}

/// Contents that are sealed in one transaction.
const SEALED_AT_ONCE: i64 = 256;

impl Store {
    /// Seals every content that is kept in plain, and returns how many there were. Nothing of them
    /// is left in the files of the database.
    pub async fn blobs_seal(&self) -> Result<u64, StoreError> {
        let key = self.data_key().ok_or_else(|| StoreError::Sealed {
            what: "what is to be sealed".to_owned(),
        })?;
        let mut count = 0;
        // Each turn leaves fewer: nothing is kept in plain while there is a key.
        loop {
            let mut write = self.write().await?;
            let plain: Vec<(Vec<u8>, Vec<u8>)> =
                sqlx::query_as("SELECT digest, data FROM blobs WHERE sealed = 0 LIMIT $1")
                    .bind(SEALED_AT_ONCE)
                    .fetch_all(write.connection())
                    .await?;
            for (digest, data) in &plain {
                let digest = column::digest(digest, "the name of a content")?;
                sqlx::query("UPDATE blobs SET data = $1, sealed = 1 WHERE digest = $2")
                    .bind(seal_content(key, digest.as_bytes(), data))
                    .bind(column::bytes(&digest))
                    .execute(write.connection())
                    .await?;
            }
            self.commit(write).await?;
            if plain.is_empty() {
                break;
            }
            count += plain.len() as u64;
        }
        // What was written ahead holds the pages as they were.
        sqlx::query("PRAGMA wal_checkpoint(TRUNCATE)")
            .execute(self.writer())
            .await?;
        Ok(count)
    }
}

fn opened(key: &SealKey, digest: &Digest, data: &[u8]) -> Result<Vec<u8>, StoreError> {
    match unseal_content(key, digest.as_bytes(), data) {
        Ok(mut plain) => Ok(std::mem::take(&mut *plain)),
        Err(UnsealError::Format { .. } | UnsealError::Cut | UnsealError::Refused) => {
            Err(damaged(digest))
        }
    }
}

fn intact(data: Vec<u8>, digest: &Digest) -> Result<Vec<u8>, StoreError> {
    if Digest::of(&data) == *digest {
        Ok(data)
    } else {
        Err(damaged(digest))
    }
}

fn damaged(digest: &Digest) -> StoreError {
    StoreError::Corrupt {
        what: named(digest),
    }
}

fn named(digest: &Digest) -> String {
    format!("the content {}", digest.short())
}

pub(crate) async fn blob_put_in_txn(write: &mut Write, bytes: &[u8]) -> Result<Digest, StoreError> {
    if bytes.len() > BLOB_BYTES_MAX {
        return Err(StoreError::TooLarge {
            what: "a content",
            bytes: bytes.len() as u64,
            max: BLOB_BYTES_MAX as u64,
        });
    }
    let digest = Digest::of(bytes);
    let key = write.data_key();
    let sealed = key.map(|key| seal_content(key, digest.as_bytes(), bytes));
    // A content that was kept in plain is sealed when it comes again.
    sqlx::query(
        "INSERT INTO blobs (digest, size, data, sealed) VALUES ($1, $2, $3, $4)
         ON CONFLICT (digest) DO UPDATE SET data = EXCLUDED.data, sealed = EXCLUDED.sealed
             WHERE blobs.sealed < EXCLUDED.sealed",
    )
    .bind(column::bytes(&digest))
    .bind(column::count(bytes.len() as u64))
    .bind(sealed.as_deref().unwrap_or(bytes))
    .bind(sealed.is_some())
    .execute(write.connection())
    .await?;
    Ok(digest)
}
