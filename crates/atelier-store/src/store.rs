//! The handle on one project's state.

use std::{
    path::{Path, PathBuf},
    sync::{Arc, atomic::AtomicBool},
};

use sqlx::SqlitePool;
use tokio::sync::watch;

use crate::{LockError, OpenError, RunLock, StoreError, lock, open, write::Write};

/// State, events and replies of one project. Cloning is cheap; all clones are the same store.
///
/// Changes go through one connection, one after another; questions have a few connections of
/// their own and never wait for a change.
#[derive(Debug, Clone)]
pub struct Store {
    inner: Arc<Inner>,
}

#[derive(Debug)]
struct Inner {
    writer: SqlitePool,
    readers: SqlitePool,
    newest: watch::Sender<u64>,
    home: Home,
}

/// Where the run lock of a store lives.
#[derive(Debug)]
enum Home {
    Folder(PathBuf),
    Memory(Arc<AtomicBool>),
}

impl Store {
    /// Opens the state in a project's `.atelier` folder, creating folder and database as needed.
    ///
    /// A database of an older version is copied to `backups/` and migrated; one of a newer version
    /// is refused.
    pub async fn open(dir: &Path) -> Result<Self, OpenError> {
        let opened = open::on_disk(dir, &open::migrator()).await?;
        Ok(Self::from_opened(opened, Home::Folder(dir.to_owned())))
    }

    /// Opens an empty store that is gone when its last clone is dropped.
    pub async fn open_in_memory() -> Result<Self, OpenError> {
        let opened = open::in_memory(&open::migrator()).await?;
        Ok(Self::from_opened(opened, Home::Memory(Arc::default())))
    }

    fn from_opened(opened: open::Opened, home: Home) -> Self {
        let inner = Inner {
            writer: opened.writer,
            readers: opened.readers,
            newest: watch::Sender::new(opened.newest),
            home,
        };
        Self {
            inner: Arc::new(inner),
        }
    }

    /// Takes the right to work on this project's runs, or says who has it.
    pub fn run_lock(&self) -> Result<RunLock, LockError> {
        match &self.inner.home {
            Home::Folder(dir) => lock::on_disk(&dir.join("run.lock")),
            Home::Memory(held) => lock::in_memory(held),
        }
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
        Write::begin(&self.inner.writer).await
    }

    /// Makes a change durable, then tells the watchers of events.
    pub(crate) async fn commit(&self, write: Write) -> Result<(), StoreError> {
        let newest = write.commit().await?;
        self.inner.newest.send_if_modified(|seen| match newest {
            Some(seq) if seq > *seen => {
                *seen = seq;
                true
            }
            _ => false,
        });
        Ok(())
    }

    #[cfg(test)]
    pub(crate) fn writer(&self) -> &SqlitePool {
        &self.inner.writer
    }
}
