//! Contents by their digest: prompts, replies, artifacts, outputs of checks.

use atelier_model::Digest;

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
        let data: Option<Vec<u8>> = sqlx::query_scalar("SELECT data FROM blobs WHERE digest = $1")
            .bind(column::bytes(digest))
            .fetch_optional(self.readers())
            .await?;
        data.map(|data| intact(data, digest)).transpose()
    }
}

fn intact(data: Vec<u8>, digest: &Digest) -> Result<Vec<u8>, StoreError> {
    if Digest::of(&data) == *digest {
        Ok(data)
    } else {
        Err(StoreError::Corrupt {
            what: format!("the content {}", digest.short()),
        })
    }
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
    sqlx::query(
        "INSERT INTO blobs (digest, size, data) VALUES ($1, $2, $3)
         ON CONFLICT (digest) DO NOTHING",
    )
    .bind(column::bytes(&digest))
    .bind(column::count(bytes.len() as u64))
    .bind(bytes)
    .execute(write.connection())
    .await?;
    Ok(digest)
}
