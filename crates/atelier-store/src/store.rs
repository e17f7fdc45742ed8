//! The handle on one project's state.

use std::{
    path::{Path, PathBuf},
    sync::{
        Arc, Mutex, OnceLock, PoisonError,
        atomic::{AtomicBool, Ordering},
    },
};

use atelier_model::{AuditNote, WorkerId};
use atelier_seal::SealKey;
use sqlx::SqlitePool;
use tokio::sync::watch;

use crate::{
    Lease, Notary, OpenError, StoreError, notes::Notes, open, queries::leases, write::Write,
};

/// State, events and replies of one project. Cloning is cheap; all clones are the same store.
///
/// Changes go through one connection, one after another; questions have a few connections of
/// their own and never wait for a change.
#[derive(Debug, Clone)]
pub struct Store {
    inner: Arc<Inner>,
    /// What every change depends on.
    lease: Option<Arc<Lease>>,
}

#[derive(Debug)]
struct Inner {
    writer: SqlitePool,
    readers: SqlitePool,
    newest: watch::Sender<u64>,
    /// `None` in memory.
    folder: Option<PathBuf>,
    /// The worker that this process is at the moment.
    worker: Mutex<Option<WorkerId>>,
    notes: Notes,
    notary: OnceLock<Arc<Notary>>,
    has_missed_copy: AtomicBool,
    data_key: OnceLock<Arc<SealKey>>,
}

impl Store {
    /// Opens the state in a project's `.atelier` folder, creating folder and database as needed.
    ///
    /// A database of an older version is copied to `backups/` and migrated; one of a newer version
    /// is refused.
    pub async fn open(dir: &Path) -> Result<Self, OpenError> {
        let opened = open::on_disk(dir, &open::migrator()).await?;
        Ok(Self::from_opened(opened, Some(dir.to_owned())))
    }

    /// Opens state that lies where nothing may be written; nothing is made there either. Every change
    /// of it fails.
    ///
    /// State of another version than this program's is refused: it cannot be migrated.
    pub async fn open_unwritable(dir: &Path) -> Result<Self, OpenError> {
        let opened = open::unwritable(dir, &open::migrator()).await?;
        Ok(Self::from_opened(opened, Some(dir.to_owned())))
    }

    /// Opens an empty store that is gone when its last clone is dropped.
    pub async fn open_in_memory() -> Result<Self, OpenError> {
        let opened = open::in_memory(&open::migrator()).await?;
        Ok(Self::from_opened(opened, None))
    }

    fn from_opened(opened: open::Opened, folder: Option<PathBuf>) -> Self {
        let inner = Inner {
            writer: opened.writer,
            readers: opened.readers,
            newest: watch::Sender::new(opened.newest),
            folder,
            worker: Mutex::new(None),
            notes: Notes::default(),
            notary: OnceLock::new(),
            has_missed_copy: AtomicBool::new(false),
            data_key: OnceLock::new(),
        };
        Self {
            inner: Arc::new(inner),
            lease: None,
        }
    }

    /// The same store for work that a lease allows: each of its changes is refused as
    /// [`StoreError::Stale`] once the lease is somebody else's.
    #[must_use]
    pub fn under(&self, lease: Lease) -> Self {
        Self {
            inner: Arc::clone(&self.inner),
            lease: Some(Arc::new(lease)),
        }
    }

    /// The worker that this process is at the moment.
    pub fn worker(&self) -> Option<WorkerId> {
        let worker = self.inner.worker.lock();
        worker.unwrap_or_else(PoisonError::into_inner).clone()
    }

    pub(crate) fn set_worker(&self, worker: Option<WorkerId>) {
        let mut held = self
            .inner
            .worker
            .lock()
            .unwrap_or_else(PoisonError::into_inner);
        *held = worker;
    }

    /// The folder it is in; `None` in memory.
    pub(crate) fn folder(&self) -> Option<&Path> {
        self.inner.folder.as_deref()
    }

    /// The number of the newest event this store has written; changes after each commit.
    ///
    /// Events that another process writes do not show here.
    pub fn event_watch(&self) -> watch::Receiver<u64> {
        self.inner.newest.subscribe()
    }

    /// Closes the connections and waits until they are closed. Dropping the last clone closes them
    /// too, without waiting.
    pub async fn close(&self) {
        self.inner.readers.close().await;
        self.inner.writer.close().await;
    }

    pub(crate) fn readers(&self) -> &SqlitePool {
        &self.inner.readers
    }

    /// Begins a change. Nothing of it is seen before [`Self::commit`].
    pub(crate) async fn write(&self) -> Result<Write, StoreError> {
        let data_key = self.data_key().cloned();
        let write = Write::begin(&self.inner.writer).await?;
        let mut write = write.sealing(data_key).made_by(self.worker());
        if let Some(lease) = &self.lease {
            leases::lease_check_in_txn(&mut write, lease).await?;
        }
        Ok(write)
    }

    /// Makes a change durable, with what the audit log is to say of it, then tells the watchers of
    /// events.
    pub(crate) async fn commit(&self, mut write: Write) -> Result<(), StoreError> {
        let notes = self.inner.notes.take();
        let signed = self.audit_append_in_txn(&mut write, &notes).await?;
        let newest = write.commit().await?;
        notes.are_written();
        self.inner.newest.send_if_modified(|seen| match newest {
            Some(seq) if seq > *seen => {
                *seen = seq;
                true
            }
            _ => false,
        });
        if let Some(checkpoint) = signed {
            self.audit_copy(checkpoint).await;
        }
        Ok(())
    }

    /// Notes a fact for the audit log. It is written with the next change, in its transaction; if
    /// that one fails, with the one after.
    pub fn audit_note(&self, note: AuditNote) {
        self.inner.notes.add(note);
    }

    /// Writes what is noted now, where no change of state will soon.
    pub async fn audit_flush(&self) -> Result<(), StoreError> {
        if self.inner.notes.is_empty() {
            return Ok(());
        }
        let write = self.write().await?;
        self.commit(write).await
    }

    /// Has every content sealed from now on, and what is sealed opened, with the project's data
    /// key. The first key stays.
    pub fn seal_with(&self, data_key: SealKey) {
        let _ = self.inner.data_key.set(Arc::new(data_key));
    }

    pub(crate) fn data_key(&self) -> Option<&Arc<SealKey>> {
        self.inner.data_key.get()
    }

    /// Has every state of the audit log signed from now on. The first notary stays.
    pub fn audit_sign_with(&self, notary: Notary) {
        let _ = self.inner.notary.set(Arc::new(notary));
    }

    /// Whether this is the first time that a copy could not be written.
    pub(crate) fn first_missed_copy(&self) -> bool {
        !self.inner.has_missed_copy.swap(true, Ordering::Relaxed)
    }

    pub(crate) fn notary(&self) -> Option<&Arc<Notary>> {
        self.inner.notary.get()
    }

    /// The one connection through which changes go.
    pub(crate) fn writer(&self) -> &SqlitePool {
        &self.inner.writer
    }
}
