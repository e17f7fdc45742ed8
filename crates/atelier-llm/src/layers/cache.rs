//! Answers what was answered before: the store keeps every complete reply by its key.

use atelier_model::{BoxFuture, Reply};

use crate::layers::{Failure, Layer, Next, Passage};

/// Needs neither key nor budget nor network where it has the reply.
pub(crate) struct Cache;

impl Layer for Cache {
    fn ask<'a>(
        &'a self,
        passage: &'a mut Passage<'_>,
        next: Next<'a>,
    ) -> BoxFuture<'a, Result<Reply, Failure>> {
        Box::pin(async move {
            match passage.store.reply_by_key(&passage.record.key).await? {
                Some(reply) => passage.hit(reply).await,
                None => next.run(passage).await,
            }
        })
    }
}
