//! One change of state: a transaction that carries its own events.

use std::sync::Arc;

use atelier_model::{
    AuditFact, AuditLink, AuditNote, Digest, Event, EventKind, RunId, TaskId, Timestamp, WorkerId,
};
use atelier_seal::SealKey;
use sqlx::{Sqlite, SqliteConnection, SqlitePool, Transaction};

use crate::{StoreError, column};

/// A transaction that holds the write lock from its first moment, so that what it reads stays true
/// until it commits. Dropping it undoes everything.
pub(crate) struct Write {
    txn: Transaction<'static, Sqlite>,
    /// The end of the chain, once it was read: while the write lock is held, nobody else moves it.
    head: Option<Head>,
    /// The number of the newest event of this change.
    appended: Option<u64>,
    /// What the audit log is to say of it.
    audited: Vec<(AuditNote, Option<AuditLink>)>,
    /// What contents are sealed with.
    data_key: Option<Arc<SealKey>>,
    /// Who makes the change.
    worker: Option<WorkerId>,
}

/// Takes the write lock at once: what began by reading could not wait for it without a deadlock.
const BEGIN: &str = "BEGIN IMMEDIATE";

/// The newest link of the event chain.
#[derive(Clone, Copy)]
pub(crate) struct Head {
    pub(crate) seq: u64,
    pub(crate) hash: Digest,
}

impl Head {
    /// What the first event follows.
    pub(crate) fn start() -> Self {
        Self {
            seq: 0,
            hash: Digest::from_bytes([0; 32]),
        }
    }

    /// The hash of the link that follows this one.
    pub(crate) fn next_hash(&self, body: &str) -> Digest {
        let mut link = Vec::with_capacity(32 + body.len());
        link.extend_from_slice(self.hash.as_bytes());
        link.extend_from_slice(body.as_bytes());
        Digest::of(link)
    }

    pub(crate) async fn read(connection: &mut SqliteConnection) -> Result<Self, StoreError> {
        let row: Option<(i64, Vec<u8>)> =
            sqlx::query_as("SELECT seq, hash FROM chain_head WHERE id = 1")
                .fetch_optional(connection)
                .await?;
        let Some((seq, hash)) = row else {
            return Ok(Self::start());
        };
        Ok(Self {
            seq: column::from_count(seq),
            hash: column::digest(&hash, "the head of the event chain")?,
        })
    }
}

impl Write {
    pub(crate) async fn begin(pool: &SqlitePool) -> Result<Self, StoreError> {
        let mut begun = pool.begin_with(BEGIN).await;
        if matches!(begun, Err(sqlx::Error::InvalidSavePointStatement)) {
            // A full disk makes SQLite undo a transaction by itself. The driver, which then finds
            // nothing to undo, believes for ever that the transaction is still open.
            pool.acquire().await?.close().await?;
            begun = pool.begin_with(BEGIN).await;
        }
        Ok(Self {
            txn: begun?,
            head: None,
            appended: None,
            audited: Vec::new(),
            data_key: None,
            worker: None,
        })
    }

    /// The same change, whose contents are sealed with a key.
    pub(crate) fn sealing(self, data_key: Option<Arc<SealKey>>) -> Self {
        Self { data_key, ..self }
    }

    /// The same change, made by a worker.
    pub(crate) fn made_by(self, worker: Option<WorkerId>) -> Self {
        Self { worker, ..self }
    }

    /// Who makes the change.
    pub(crate) fn worker(&self) -> Option<&WorkerId> {
        self.worker.as_ref()
    }

    pub(crate) fn data_key(&self) -> Option<&SealKey> {
        self.data_key.as_deref()
    }

    pub(crate) fn connection(&mut self) -> &mut SqliteConnection {
        &mut self.txn
    }

    async fn head(&mut self) -> Result<Head, StoreError> {
        if let Some(head) = self.head {
            return Ok(head);
        }
        let head = Head::read(self.connection()).await?;
        self.head = Some(head);
        Ok(head)
    }

    /// The number of the newest event, those of the change so far included.
    pub(crate) async fn newest(&mut self) -> Result<u64, StoreError> {
        Ok(self.head().await?.seq)
    }

    /// Appends an event and returns its number.
    pub(crate) async fn event(
        &mut self,
        run: Option<&RunId>,
        task: Option<&TaskId>,
        kind: EventKind,
        at: Timestamp,
    ) -> Result<u64, StoreError> {
        let head = self.head().await?;
        let event = Event {
            seq: head.seq + 1,
            at,
            run: run.cloned(),
            task: task.cloned(),
            kind,
        };
        let body = column::json(&event);
        let next = Head {
            seq: event.seq,
            hash: head.next_hash(&body),
        };
        self.append(&event, &body, next).await?;
        self.head = Some(next);
        self.appended = Some(next.seq);
        self.audit(event, next);
        Ok(next.seq)
    }

    fn audit(&mut self, event: Event, link: Head) {
        let Some(fact) = AuditFact::of_event(&event.kind) else {
            return;
        };
        let note = AuditNote {
            at: event.at,
            run: event.run,
            task: event.task,
            client: None,
            fact,
        };
        let link = AuditLink {
            seq: link.seq,
            hash: link.hash,
        };
        self.audited.push((note, Some(link)));
    }

    /// Adds to the audit log what no event says.
    pub(crate) fn note(&mut self, note: AuditNote) {
        self.audited.push((note, None));
    }

    /// What the audit log is to say of the change so far.
    pub(crate) fn take_audited(&mut self) -> Vec<(AuditNote, Option<AuditLink>)> {
        std::mem::take(&mut self.audited)
    }

    async fn append(&mut self, event: &Event, body: &str, link: Head) -> Result<(), StoreError> {
        // Two statements in one trip to the connection's thread: of a small change, the trips are much
        // of the cost.
        sqlx::query(
            "INSERT INTO events (seq, at, run_id, task_id, kind, body, hash)
             VALUES ($1, $2, $3, $4, $5, $6, $7);
             INSERT INTO chain_head (id, seq, hash) VALUES (1, $1, $7)
             ON CONFLICT (id) DO UPDATE SET seq = EXCLUDED.seq, hash = EXCLUDED.hash",
        )
        .bind(column::count(link.seq))
        .bind(event.at.millis())
        .bind(event.run.as_ref().map(RunId::as_str))
        .bind(event.task.as_ref().map(TaskId::as_str))
        .bind(event.kind.name())
        .bind(body)
        .bind(column::bytes(&link.hash))
        .execute(self.connection())
        .await?;
        Ok(())
    }

    /// Commits, and returns the number of the newest event it wrote.
    pub(crate) async fn commit(self) -> Result<Option<u64>, StoreError> {
        self.txn.commit().await?;
        Ok(self.appended)
    }
}
