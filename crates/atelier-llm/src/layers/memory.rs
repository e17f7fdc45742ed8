//! Keeps the latest and most wanted answers in memory, in front of the store: replies to our own
//! asks and answers to relayed requests, each under its key.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use atelier_model::{AskSource, BoxFuture, Digest, Reply, Timestamp};
use quick_cache::{Weighter, unsync::Cache};

use crate::{
    layers::{Failure, Layer, Next, Passage},
    relay::{self, Opened, Refusal, Transit},
};

/// Bytes of answers that are kept.
const BYTES_MAX: u64 = 32 * 1024 * 1024;

/// Replies of a usual size that these bytes have room for.
const REPLIES_USUAL: usize = 2_048;

/// Bytes that an answer takes beside its text: its key, its names, and its places in the tables.
const BYTES_AROUND: u64 = 640;

/// Milliseconds a reply is kept. What is removed from the store is gone here no later than that.
const AGE_MS_MAX: u64 = 600_000;

/// Answers by their keys, bounded in size and age; what is asked for often stays longest.
#[derive(Clone)]
pub(crate) struct Memory {
    replies: Arc<Mutex<Cache<Digest, Arc<Kept>, Bytes>>>,
}

/// An answer, and when it was put here.
struct Kept {
    held: Held,
    at: Timestamp,
}

/// An answer in one of its forms, whose keys are never the same.
enum Held {
    Reply(Reply),
    Answer(relay::Kept),
}

/// Counts the bytes of an answer.
struct Bytes;

impl Weighter<Digest, Arc<Kept>> for Bytes {
    fn weight(&self, _: &Digest, kept: &Arc<Kept>) -> u64 {
        let size = match &kept.held {
            Held::Reply(reply) => reply.text.len(),
            Held::Answer(answer) => answer.bytes.len(),
        };
        let size = u64::try_from(size).unwrap_or(BYTES_MAX);
        size.saturating_add(BYTES_AROUND)
    }
}

impl Default for Memory {
    fn default() -> Self {
        let cache = Cache::with_weighter(REPLIES_USUAL, BYTES_MAX, Bytes);
        Self {
            replies: Arc::new(Mutex::new(cache)),
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

    fn open<'a>(
        &'a self,
        transit: &'a mut Transit,
        next: Next<'a>,
    ) -> BoxFuture<'a, Result<Opened, Refusal>> {
        Box::pin(async move {
            if !transit.may_share() {
                return next.open(transit).await;
            }
            let (key, now) = (transit.key, transit.hands.clock.now());
            if let Some(kept) = self.recall_answer(&key, now) {
                return Ok(transit.hit(&kept, AskSource::Cache));
            }
            let memory = self.clone();
            transit.at_end(move |ending| {
                if let Some(kept) = &ending.kept {
                    memory.put(key, Held::Answer(kept.clone()), ending.at);
                }
            });
            next.open(transit).await
        })
    }
}

impl Memory {
    /// The reply of a key, unless it is too old.
    pub(super) fn recall(&self, key: &Digest, now: Timestamp) -> Option<Reply> {
        match &self.find(key, now)?.held {
            Held::Reply(reply) => Some(reply.clone()),
            Held::Answer(_) => None,
        }
    }

    /// The answer to a relayed request, unless it is too old.
    fn recall_answer(&self, key: &Digest, now: Timestamp) -> Option<relay::Kept> {
        match &self.find(key, now)?.held {
            Held::Answer(answer) => Some(answer.clone()),
            Held::Reply(_) => None,
        }
    }

    /// Keeps a reply as long as there is room for it.
    pub(super) fn keep(&self, reply: Reply, at: Timestamp) {
        self.put(reply.key, Held::Reply(reply), at);
    }

    fn find(&self, key: &Digest, now: Timestamp) -> Option<Arc<Kept>> {
        let mut replies = self.replies();
        let kept = replies.get(key)?.clone();
        if now.millis_since(kept.at) > AGE_MS_MAX {
            replies.remove(key);
            return None;
        }
        Some(kept)
    }

    fn put(&self, key: Digest, held: Held, at: Timestamp) {
        self.replies().insert(key, Arc::new(Kept { held, at }));
    }

    fn replies(&self) -> MutexGuard<'_, Cache<Digest, Arc<Kept>, Bytes>> {
        // A panic under this lock could only come out of the cache itself, which may forget.
        self.replies.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests;
