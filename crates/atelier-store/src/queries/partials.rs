//! What had come of answers that broke off: kept for whoever looks, never given as an answer.

use atelier_model::{Digest, Timestamp};

use crate::{Store, StoreError, column, queries::blobs::blob_put_in_txn, write::Write};

/// Most contents that the beginning of a digest is told to mean.
const MEANT_MAX: i64 = 8;

impl Store {
    /// Keeps what had come of answers, each with the time of its end.
    pub(crate) async fn partials_put(
        &self,
        partials: &[(Timestamp, Vec<u8>)],
    ) -> Result<(), StoreError> {
        let mut write = self.write().await?;
        for (at, content) in partials {
            partial_put_in_txn(&mut write, content, *at).await?;
        }
        self.commit(write).await
    }

    /// The contents whose digests begin with these digits: no others than what had come of answers
    /// that broke off.
    pub async fn partial_list(&self, begin: &str) -> Result<Vec<Digest>, StoreError> {
        let rows: Vec<Vec<u8>> = sqlx::query_scalar(
            "SELECT digest FROM partials WHERE substr(lower(hex(digest)), 1, length($1)) = $1
             ORDER BY digest LIMIT $2",
        )
        .bind(begin.to_lowercase())
        .bind(MEANT_MAX)
        .fetch_all(self.readers())
        .await?;
        let digest = |row: &Vec<u8>| column::digest(row, "the name of half an answer");
        rows.iter().map(digest).collect()
    }
}

/// Keeps what had come of an answer, and returns the digest that it is found by.
pub(crate) async fn partial_put_in_txn(
    write: &mut Write,
    content: &[u8],
    at: Timestamp,
) -> Result<Digest, StoreError> {
    let digest = blob_put_in_txn(write, content).await?;
    sqlx::query(
        "INSERT INTO partials (digest, size, at) VALUES ($1, $2, $3)
         ON CONFLICT (digest) DO NOTHING",
    )
    .bind(column::bytes(&digest))
    .bind(column::count(content.len() as u64))
    .bind(at.millis())
    .execute(write.connection())
    .await?;
    Ok(digest)
}
