//! What had come of answers that broke off, on its way into the database.

use std::sync::{Mutex, MutexGuard, PoisonError};

use atelier_model::{Digest, Timestamp};

use crate::{Store, StoreError};

/// Contents that wait for the next folding, and their bytes. What comes beyond is not kept.
const WAITING_MAX: usize = 256;
const WAITING_BYTES_MAX: usize = 32 << 20;

/// What waits for the next folding.
#[derive(Debug, Default)]
pub(crate) struct Partials {
    waiting: Mutex<Vec<(Timestamp, Vec<u8>)>>,
}

impl Partials {
    /// Has a content kept with the next folding, and returns its digest; `None` where there is no
    /// room for it.
    pub(crate) fn keep(&self, content: Vec<u8>, at: Timestamp) -> Option<Digest> {
        let digest = Digest::of(&content);
        let mut waiting = self.waiting();
        let bytes: usize = waiting.iter().map(|(_, content)| content.len()).sum();
        if waiting.len() >= WAITING_MAX || bytes + content.len() > WAITING_BYTES_MAX {
            return None;
        }
        waiting.push((at, content));
        Some(digest)
    }

    /// Brings what waits into the database. Only one at a time may do so: what could not be brought
    /// in waits on, before what has come since.
    pub(crate) async fn fold(&self, store: &Store) -> Result<(), StoreError> {
        let mut folding = std::mem::take(&mut *self.waiting());
        if folding.is_empty() {
            return Ok(());
        }
        let put = store.partials_put(&folding).await;
        if put.is_err() {
            let mut waiting = self.waiting();
            folding.append(&mut waiting);
            *waiting = folding;
        }
        put
    }

    /// Whatever panicked had pushed or taken, and nothing between.
    fn waiting(&self) -> MutexGuard<'_, Vec<(Timestamp, Vec<u8>)>> {
        self.waiting.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
