//! Answers that may be given again: which there are is known in memory, so that a request whose
//! answer was never given costs no query, and new ones wait for the next folding.

use std::{
    collections::BTreeMap,
    sync::{Mutex, MutexGuard, PoisonError},
};

use atelier_model::{Digest, Timestamp};

use crate::{Store, StoreError, StoredAnswer};

/// Answers that are kept; the oldest leave first.
const ANSWERS_MAX: usize = 50_000;

/// Bytes of answers that are kept.
const BYTES_MAX: u64 = 512 << 20;

/// Answers that wait for the next folding, and their bytes. What comes beyond is not kept: under a
/// load of new questions, keeping every answer would cost more than passing it on.
const WAITING_MAX: usize = 64;
const WAITING_BYTES_MAX: usize = 16 << 20;

/// Milliseconds an answer is given again: a week.
const AGE_MS_MAX: u64 = 7 * 24 * 3_600_000;

/// Answers beyond the most that are kept, of which so many more leave at once: a query for each
/// would cost more than it frees.
const SPARE: usize = 1_000;

/// What is known of the answers of a store.
#[derive(Debug)]
pub(crate) struct Answers {
    known: Mutex<Known>,
}

#[derive(Debug, Default)]
struct Known {
    /// The size of each by its key.
    sizes: BTreeMap<Digest, u64>,
    /// Of all together.
    bytes: u64,
    waiting: Vec<(Digest, StoredAnswer)>,
    waiting_bytes: usize,
}

impl Answers {
    /// The answers of a store.
    pub(crate) async fn of(store: &Store) -> Result<Self, StoreError> {
        let sizes: BTreeMap<Digest, u64> = store.answer_sizes().await?.into_iter().collect();
        let bytes = sizes.values().sum();
        Ok(Self {
            known: Mutex::new(Known {
                sizes,
                bytes,
                ..Known::default()
            }),
        })
    }

    /// The answer to a request, unless there is none or it is too old.
    pub(crate) async fn find(
        &self,
        store: &Store,
        key: &Digest,
        now: Timestamp,
    ) -> Result<Option<StoredAnswer>, StoreError> {
        {
            let known = self.known();
            // Under its own key what still waits is in memory before this cache; whoever asks in
            // other words only finds it here.
            if let Some((_, answer)) = known.waiting.iter().find(|(waiting, _)| waiting == key) {
                return Ok(Some(answer.clone()));
            }
            if !known.sizes.contains_key(key) {
                return Ok(None);
            }
        }
        let found = store.answer_fetch(key).await?;
        Ok(found.filter(|answer| now.millis_since(answer.at) <= AGE_MS_MAX))
    }

    /// Has an answer kept with the next folding, where there is room for it.
    pub(crate) fn keep(&self, key: Digest, answer: StoredAnswer) {
        let mut known = self.known();
        let bytes = known.waiting_bytes + answer.bytes.len();
        if bytes <= WAITING_BYTES_MAX && known.waiting.len() < WAITING_MAX {
            known.waiting_bytes = bytes;
            known.waiting.push((key, answer));
        }
    }

    /// Brings what waits into the database, and removes what is too much.
    pub(crate) async fn fold(&self, store: &Store) -> Result<(), StoreError> {
        let waiting = {
            let mut known = self.known();
            known.waiting_bytes = 0;
            std::mem::take(&mut known.waiting)
        };
        if waiting.is_empty() {
            return Ok(());
        }
        store.answers_put(&waiting).await?;
        let is_too_much = {
            let mut known = self.known();
            for (key, answer) in &waiting {
                known.add(*key, answer.bytes.len() as u64);
            }
            known.sizes.len() > ANSWERS_MAX || known.bytes > BYTES_MAX
        };
        if is_too_much {
            self.shed(store).await?;
        }
        Ok(())
    }

    /// Removes the oldest answers until there is room to spare.
    async fn shed(&self, store: &Store) -> Result<(), StoreError> {
        let mut kept_bytes = 0;
        let sizes = store.answer_sizes().await?.into_iter().enumerate();
        let too_much = sizes.filter(|(place, (_, size))| {
            kept_bytes += size;
            place + SPARE >= ANSWERS_MAX || kept_bytes > BYTES_MAX / 10 * 9
        });
        let too_much: Vec<Digest> = too_much.map(|(_, (key, _))| key).collect();
        store.answers_remove(&too_much).await?;
        let mut known = self.known();
        for key in &too_much {
            known.remove(key);
        }
        Ok(())
    }

    /// A panic leaves a size too many or too few, which the next opening mends.
    fn known(&self) -> MutexGuard<'_, Known> {
        self.known.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Known {
    fn add(&mut self, key: Digest, size: u64) {
        self.remove(&key);
        self.bytes += size;
        self.sizes.insert(key, size);
    }

    fn remove(&mut self, key: &Digest) {
        let size = self.sizes.remove(key).unwrap_or(0);
        self.bytes = self.bytes.saturating_sub(size);
    }
}
