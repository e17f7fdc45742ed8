//! The project this state belongs to.

use atelier_model::{ProjectId, Timestamp};

use crate::{Store, StoreError};

impl Store {
    /// The project's id: the one it was given first, or `fresh` if it has none yet. A project that
    /// was moved or renamed keeps its id.
    pub async fn project_ensure(
        &self,
        fresh: &ProjectId,
        root: &str,
        title: &str,
        at: Timestamp,
    ) -> Result<ProjectId, StoreError> {
        let mut write = self.write().await?;
        let known: Option<String> =
            sqlx::query_scalar("SELECT id FROM projects ORDER BY created_at, id LIMIT 1")
                .fetch_optional(write.connection())
                .await?;
        let id = known.map_or_else(|| fresh.clone(), ProjectId::from_text);
        sqlx::query(
            "INSERT INTO projects (id, root, title, created_at) VALUES ($1, $2, $3, $4)
             ON CONFLICT (id) DO UPDATE SET root = EXCLUDED.root, title = EXCLUDED.title",
        )
        .bind(id.as_str())
        .bind(root)
        .bind(title)
        .bind(at.millis())
        .execute(write.connection())
        .await?;
        self.commit(write).await?;
        Ok(id)
    }
}
