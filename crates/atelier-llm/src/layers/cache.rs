//! Answers what was answered before, out of the store.
//!
//! Replies to our own asks are kept for ever by their key, complete answers to relayed requests for
//! a while. Those are kept as they were asked for, whole or streamed: what a dialect says in one
//! form and not in the other must not get lost.

use atelier_model::{AskSource, BoxFuture, Reply, Timestamp};
use atelier_store::StoredAnswer;

use crate::{
    layers::{Failure, Layer, Next, Passage},
    relay::{Kept, Opened, Refusal, Transit},
};

/// Needs neither key nor budget nor network where it has the reply.
pub(crate) struct Cache;

impl Layer for Cache {
    fn ask<'a>(
        &'a self,
        passage: &'a mut Passage<'_>,
        next: Next<'a>,
    ) -> BoxFuture<'a, Result<Reply, Failure>> {
        Box::pin(async move {
            if let Some(reply) = passage.store.reply_by_key(&passage.record.key).await? {
                return passage.hit(reply).await;
            }
            // Without it an answer is an answer still.
            if let Some(descriptor) = passage.descriptor() {
                let _ = passage
                    .store
                    .ask_key_put(&passage.record.key, &descriptor)
                    .await;
            }
            next.run(passage).await
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
            let (key, ledger) = (transit.key, transit.hands.ledger.clone());
            // A state that cannot be read has no answer; the provider has.
            if let Ok(Some(stored)) = ledger.answer(&key, transit.hands.clock.now()).await {
                return Ok(transit.hit(&kept(stored), AskSource::Cache));
            }
            transit.at_end(move |ending| {
                if let Some(kept) = &ending.kept {
                    ledger.answer_keep(key, stored(kept, ending.at));
                }
            });
            next.open(transit).await
        })
    }
}

pub(super) fn kept(stored: StoredAnswer) -> Kept {
    Kept {
        bytes: stored.bytes.into(),
        provider: stored.provider,
        model: stored.model,
        usage: stored.usage,
    }
}

fn stored(kept: &Kept, at: Timestamp) -> StoredAnswer {
    StoredAnswer {
        bytes: kept.bytes.to_vec(),
        provider: kept.provider.clone(),
        model: kept.model.clone(),
        usage: kept.usage,
        at,
    }
}
