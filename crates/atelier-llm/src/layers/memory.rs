//! Keeps the latest and most wanted replies in memory, in front of the store.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use atelier_model::{BoxFuture, Digest, Reply, Timestamp};
use quick_cache::{Weighter, unsync::Cache};

use crate::layers::{Failure, Layer, Next, Passage};

/// Bytes of replies that are kept.
const BYTES_MAX: u64 = 16 * 1024 * 1024;

/// Replies of a usual size that these bytes have room for.
const REPLIES_USUAL: usize = 2_048;

/// Bytes a reply takes beside its text.
const BYTES_AROUND: u64 = 256;

/// Milliseconds a reply is kept. What is removed from the store is gone here no later than that.
const AGE_MS_MAX: u64 = 600_000;

/// Replies by their keys, bounded in size and age; what is asked for often stays longest.
pub(crate) struct Memory {
    replies: Mutex<Cache<Digest, Arc<Kept>, Bytes>>,
}

/// A reply, and when it was put here.
struct Kept {
    reply: Reply,
    at: Timestamp,
}

/// Counts the bytes of a reply.
struct Bytes;

impl Weighter<Digest, Arc<Kept>> for Bytes {
    fn weight(&self, _: &Digest, kept: &Arc<Kept>) -> u64 {
        let text = u64::try_from(kept.reply.text.len()).unwrap_or(BYTES_MAX);
        text.saturating_add(BYTES_AROUND)
    }
}

impl Default for Memory {
    fn default() -> Self {
        Self {
            replies: Mutex::new(Cache::with_weighter(REPLIES_USUAL, BYTES_MAX, Bytes)),
        }
    }
}

impl Layer for Memory {
    fn ask<'a>(
        &'a self,
        passage: &'a mut Passage<'_>,
        next: Next<'a>,
    ) -> BoxFuture<'a, Result<Reply, Failure>> {
        Box::pin(async move {
            if let Some(reply) = self.recall(&passage.record.key, passage.clock.now()) {
                return passage.hit(reply).await;
            }
            let reply = next.run(passage).await?;
            self.keep(reply.clone(), passage.clock.now());
            Ok(reply)
        })
    }
}

impl Memory {
    /// The reply of a key, unless it is too old.
    pub(super) fn recall(&self, key: &Digest, now: Timestamp) -> Option<Reply> {
        let mut replies = self.replies();
        let kept = replies.get(key)?.clone();
        if now.millis_since(kept.at) > AGE_MS_MAX {
            replies.remove(key);
            return None;
        }
        drop(replies);
        Some(kept.reply.clone())
    }

    /// Keeps a reply as long as there is room for it.
    pub(super) fn keep(&self, reply: Reply, at: Timestamp) {
        let key = reply.key;
        self.replies().insert(key, Arc::new(Kept { reply, at }));
    }

    fn replies(&self) -> MutexGuard<'_, Cache<Digest, Arc<Kept>, Bytes>> {
        // A panic under this lock could only come out of the cache itself, which may forget.
        self.replies.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests;
