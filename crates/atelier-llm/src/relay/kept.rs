//! Answers that were given before, kept in memory as their providers wrote them.

use std::{
    collections::{BTreeMap, VecDeque},
    sync::{Mutex, MutexGuard, PoisonError},
};

use atelier_model::Digest;
use bytes::Bytes;

/// Bytes of answers that are kept.
const BYTES_MAX: usize = 64 << 20;

/// Bytes of one answer that is kept.
pub(crate) const ANSWER_BYTES_MAX: usize = 8 << 20;

/// The answers; the oldest leave first.
#[derive(Debug, Default)]
pub(crate) struct Kept {
    shelf: Mutex<Shelf>,
}

#[derive(Debug, Default)]
struct Shelf {
    answers: BTreeMap<Digest, Bytes>,
    order: VecDeque<Digest>,
    bytes: usize,
}

impl Kept {
    /// The answer to a request.
    pub(crate) fn find(&self, key: &Digest) -> Option<Bytes> {
        self.shelf().answers.get(key).cloned()
    }

    /// Keeps a complete answer.
    pub(crate) fn put(&self, key: Digest, answer: Bytes) {
        if answer.len() > ANSWER_BYTES_MAX {
            return;
        }
        let kept = &mut *self.shelf();
        kept.bytes += answer.len();
        match kept.answers.insert(key, answer) {
            Some(old) => kept.bytes -= old.len(),
            None => kept.order.push_back(key),
        }
        while kept.bytes > BYTES_MAX {
            let Some(oldest) = kept.order.pop_front() else {
                break;
            };
            let left = kept.answers.remove(&oldest);
            kept.bytes -= left.map_or(0, |answer| answer.len());
        }
    }

    /// A panic elsewhere leaves the shelf usable: at worst it counts a few bytes too many.
    fn shelf(&self) -> MutexGuard<'_, Shelf> {
        self.shelf.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
