//! Documents: which of a project's documents were written, and with what content.

use atelier_model::{Digest, EventKind, RunId, Timestamp};

use crate::{Store, StoreError, column, write::Write};

/// One document as it was last written.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DocumentRow {
    /// Its path below the project's root.
    pub path: String,
    /// Its kind.
    pub kind: String,
    /// Digest of its content.
    pub digest: Digest,
    /// The run that wrote it.
    pub run: RunId,
    /// When.
    pub at: Timestamp,
}

impl Store {
    /// Records that documents were written, each as its path, kind and digest, all at once. The
    /// same content again changes nothing.
    pub async fn documents_put(
        &self,
        run: &RunId,
        documents: &[(&str, &str, Digest)],
        at: Timestamp,
    ) -> Result<(), StoreError> {
        let mut write = self.write().await?;
        for (path, kind, digest) in documents {
            document_put_in_txn(&mut write, run, (path, kind, *digest), at).await?;
        }
        self.commit(write).await
    }

    /// Every document, in the order of their paths.
    pub async fn document_list(&self) -> Result<Vec<DocumentRow>, StoreError> {
        let rows: Vec<(String, String, Vec<u8>, String, i64)> =
            sqlx::query_as("SELECT path, kind, digest, run_id, at FROM documents ORDER BY path")
                .fetch_all(self.readers())
                .await?;
        let row = |(path, kind, digest, run, at): (String, String, Vec<u8>, String, i64)| {
            Ok(DocumentRow {
                path,
                kind,
                digest: column::digest(&digest, "the digest of a document")?,
                run: RunId::from_text(run),
                at: column::at(at),
            })
        };
        rows.into_iter().map(row).collect()
    }
}

async fn document_put_in_txn(
    write: &mut Write,
    run: &RunId,
    (path, kind, digest): (&str, &str, Digest),
    at: Timestamp,
) -> Result<(), StoreError> {
    let changed = sqlx::query(
        "INSERT INTO documents (path, kind, digest, run_id, at) VALUES ($1, $2, $3, $4, $5)
         ON CONFLICT (path) DO UPDATE SET kind = EXCLUDED.kind, digest = EXCLUDED.digest,
             run_id = EXCLUDED.run_id, at = EXCLUDED.at
         WHERE documents.digest <> EXCLUDED.digest OR documents.kind <> EXCLUDED.kind",
    )
    .bind(path)
    .bind(kind)
    .bind(column::bytes(&digest))
    .bind(run.as_str())
    .bind(at.millis())
    .execute(write.connection())
    .await?
    .rows_affected();
    if changed > 0 {
        let path = path.to_owned();
        let written = EventKind::DocumentWritten { path, digest };
        write.event(Some(run), None, written, at).await?;
    }
    Ok(())
}
