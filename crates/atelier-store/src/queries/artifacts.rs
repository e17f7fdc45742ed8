//! Artifacts: what the stages of a run made.

use atelier_model::{Digest, EventKind, RunId, Stage, Timestamp};

use crate::{Store, StoreError, column, queries::blobs::blob_put_in_txn, write::Write};

impl Store {
    /// Keeps a stage's artifact under a name, replacing what was there. Putting the same content
    /// again changes nothing and makes no event.
    #[expect(clippy::too_many_arguments, reason = "each is a column of its own")]
    pub async fn artifact_put(
        &self,
        run: &RunId,
        stage: Stage,
        name: &str,
        bytes: &[u8],
        summary: &str,
        phase: Option<u32>,
        at: Timestamp,
    ) -> Result<Digest, StoreError> {
        let mut write = self.write().await?;
        let digest = blob_put_in_txn(&mut write, bytes).await?;
        if artifact_digest_in_txn(&mut write, run, stage, name).await? == Some(digest) {
            return Ok(digest);
        }
        let finished = EventKind::StageFinished {
            stage,
            phase,
            artifact: digest,
            summary: summary.to_owned(),
        };
        let seq = write.event(Some(run), None, finished, at).await?;
        sqlx::query(
            "INSERT INTO artifacts (run_id, stage, name, digest, phase, seq, created_at)
             VALUES ($1, $2, $3, $4, $5, $6, $7)
             ON CONFLICT (run_id, stage, name) DO UPDATE SET digest = EXCLUDED.digest,
                 phase = EXCLUDED.phase, seq = EXCLUDED.seq, created_at = EXCLUDED.created_at",
        )
        .bind(run.as_str())
        .bind(stage.name())
        .bind(name)
        .bind(column::bytes(&digest))
        .bind(phase)
        .bind(column::count(seq))
        .bind(at.millis())
        .execute(write.connection())
        .await?;
        self.commit(write).await?;
        Ok(digest)
    }

    /// The content of a stage's artifact.
    pub async fn artifact_fetch(
        &self,
        run: &RunId,
        stage: Stage,
        name: &str,
    ) -> Result<Option<Vec<u8>>, StoreError> {
        let found: Option<Vec<u8>> = sqlx::query_scalar(
            "SELECT digest FROM artifacts WHERE run_id = $1 AND stage = $2 AND name = $3",
        )
        .bind(run.as_str())
        .bind(stage.name())
        .bind(name)
        .fetch_optional(self.readers())
        .await?;
        match column::digest_opt(found.as_deref(), "the digest of an artifact")? {
            Some(digest) => self.blob_fetch(&digest).await,
            None => Ok(None),
        }
    }
}

async fn artifact_digest_in_txn(
    write: &mut Write,
    run: &RunId,
    stage: Stage,
    name: &str,
) -> Result<Option<Digest>, StoreError> {
    let found: Option<Vec<u8>> = sqlx::query_scalar(
        "SELECT digest FROM artifacts WHERE run_id = $1 AND stage = $2 AND name = $3",
    )
    .bind(run.as_str())
    .bind(stage.name())
    .bind(name)
    .fetch_optional(write.connection())
    .await?;
    column::digest_opt(found.as_deref(), "the digest of an artifact")
}
