//! The project's data key, sealed: it opens with the master key of its user alone.

use atelier_model::Timestamp;

use crate::{Store, StoreError, column};

impl Store {
    /// The project's data key as it is kept; `None` where there is none yet.
    pub async fn data_key_fetch(&self) -> Result<Option<Vec<u8>>, StoreError> {
        let sealed = sqlx::query_scalar("SELECT sealed FROM data_keys WHERE id = 1");
        Ok(sealed.fetch_optional(self.readers()).await?)
    }

    /// Keeps the project's data key where there is none yet, and returns the one that is kept.
    pub async fn data_key_ensure(
        &self,
        sealed: &[u8],
        at: Timestamp,
    ) -> Result<Vec<u8>, StoreError> {
        let mut write = self.write().await?;
        sqlx::query(
            "INSERT INTO data_keys (id, sealed, created_at) VALUES (1, $1, $2)
             ON CONFLICT (id) DO NOTHING",
        )
        .bind(sealed)
        .bind(at.millis())
        .execute(write.connection())
        .await?;
        let kept = sqlx::query_scalar("SELECT sealed FROM data_keys WHERE id = 1")
            .fetch_one(write.connection())
            .await?;
        self.commit(write).await?;
        Ok(kept)
    }

    /// How many contents there are: sealed ones, and plain ones from before.
    pub async fn blob_counts(&self) -> Result<(u64, u64), StoreError> {
        let (sealed, all): (Option<i64>, i64) =
            sqlx::query_as("SELECT sum(sealed), count(*) FROM blobs")
                .fetch_one(self.readers())
                .await?;
        let sealed = column::from_count(sealed.unwrap_or(0));
        Ok((sealed, column::from_count(all).saturating_sub(sealed)))
    }
}
