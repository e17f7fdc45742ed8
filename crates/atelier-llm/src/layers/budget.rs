//! Reserves the most an ask can cost before it is sent, and settles what it did cost after.

use atelier_model::{BoxFuture, MicroUsd, Reply};

use crate::{
    AskError,
    layers::{Failure, Layer, Next, Passage},
    price, prompt_bytes,
};

/// Keeps the ledger: what is spent and reserved together never exceeds the budget.
pub(crate) struct Budget;

impl Layer for Budget {
    fn ask<'a>(
        &'a self,
        passage: &'a mut Passage<'_>,
        next: Next<'a>,
    ) -> BoxFuture<'a, Result<Reply, Failure>> {
        Box::pin(async move {
            begin(passage).await?;
            match next.run(passage).await {
                Ok(reply) => finish(passage, reply).await,
                Err(failure) => Err(fail(passage, failure).await),
            }
        })
    }
}

async fn begin(passage: &mut Passage<'_>) -> Result<(), Failure> {
    if passage.cancel.is_cancelled() {
        return Err(Failure::free(AskError::Cancelled));
    }
    passage.record.reserved = match (&passage.price, passage.budget) {
        (Some(price), _) => price::worst_case(price, passage.ask, passage.route),
        (None, None) => MicroUsd::ZERO,
        (None, Some(_)) => {
            let model = passage.route.model.clone();
            return Err(Failure::free(AskError::PriceUnknown { model }));
        }
    };
    let prompt = prompt_bytes(passage.ask);
    let store = passage.store;
    let begun = store
        .ask_begin(&passage.record, &prompt, passage.budget)
        .await;
    begun.map_err(|error| Failure::free(error.into()))
}

async fn finish(passage: &Passage<'_>, reply: Reply) -> Result<Reply, Failure> {
    let at = passage.clock.now();
    passage
        .store
        .ask_finish(&passage.record.id, &reply, at)
        .await?;
    Ok(reply)
}

/// Closes the record of a failed ask; what the provider may charge for counts as spent.
async fn fail(passage: &Passage<'_>, failure: Failure) -> Failure {
    if failure.is_closed {
        return failure;
    }
    let cost = passage.debit(&failure);
    let words = failure.error.to_string();
    let at = passage.clock.now();
    let closed = passage
        .store
        .ask_fail(&passage.record.id, &words, cost, at)
        .await;
    match closed {
        Ok(()) => failure,
        Err(error) => error.into(),
    }
}
