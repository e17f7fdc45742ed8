//! Reserves the most an ask can cost before it is sent, and settles what it did cost after.

use atelier_model::{BoxFuture, MicroUsd, Reply};
use atelier_store::Broken;

use crate::{
    AskError,
    layers::{Failure, Layer, Next, Passage},
    price, prompt_bytes,
    relay::{Opened, PAYMENT_REQUIRED, Refusal, Transit},
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

    fn open<'a>(
        &'a self,
        transit: &'a mut Transit,
        next: Next<'a>,
    ) -> BoxFuture<'a, Result<Opened, Refusal>> {
        Box::pin(async move {
            reserve(transit)?;
            next.open(transit).await
        })
    }
}

/// Turns away clients that have nothing left to spend, before anything is answered out of a cache.
pub(crate) struct Admission;

impl Layer for Admission {
    fn ask<'a>(
        &'a self,
        passage: &'a mut Passage<'_>,
        next: Next<'a>,
    ) -> BoxFuture<'a, Result<Reply, Failure>> {
        // A run that is out of money may still have what it has paid for.
        next.run(passage)
    }

    fn open<'a>(
        &'a self,
        transit: &'a mut Transit,
        next: Next<'a>,
    ) -> BoxFuture<'a, Result<Opened, Refusal>> {
        Box::pin(async move {
            let (ledger, budgets) = (&transit.hands.ledger, transit.client_budgets());
            let admitted = ledger.admit(&transit.record, budgets);
            admitted
                .map_err(|error| Refusal::new(PAYMENT_REQUIRED, format!("failed to {error}")))?;
            next.open(transit).await
        })
    }
}

/// Reserves the most that a relayed request can cost. Its end settles that.
fn reserve(transit: &mut Transit) -> Result<(), Refusal> {
    let price = transit.price.as_ref();
    transit.record.reserved = match price.map(|price| transit.prepared.worst_case(price)) {
        Some(worst) => worst,
        None if transit.is_bounded() => {
            let model = transit.prepared.model.clone();
            let error = AskError::PriceUnknown { model };
            return Err(Refusal::new(PAYMENT_REQUIRED, format!("failed to {error}")));
        }
        None => MicroUsd::ZERO,
    };
    transit.reserve()
}

async fn begin(passage: &mut Passage<'_>) -> Result<(), Failure> {
    if passage.cancel.is_cancelled() {
        return Err(Failure::free(AskError::Cancelled));
    }
    passage.record.reserved = match &passage.price {
        Some(price) => price::worst_case(price, &passage.ask, passage.route),
        None if is_bounded(passage).await? => {
            let model = passage.route.model.clone();
            return Err(Failure::free(AskError::PriceUnknown { model }));
        }
        None => MicroUsd::ZERO,
    };
    passage.record.reserved_tokens = price::tokens_most(&passage.ask, passage.route);
    let prompt = prompt_bytes(&passage.ask);
    let store = passage.store;
    let begun = store
        .ask_begin(&passage.record, &prompt, passage.budgets)
        .await;
    begun.map_err(|error| Failure::free(error.into()))
}

/// Whether the money is limited that an ask may cost.
async fn is_bounded(passage: &Passage<'_>) -> Result<bool, Failure> {
    let record = &passage.record;
    let of = (&record.run, record.stage, record.task.as_ref());
    let budgets = passage
        .store
        .run_budgets(of.0, of.1, of.2, passage.budgets)
        .await?;
    Ok(budgets.has_usd())
}

async fn finish(passage: &mut Passage<'_>, reply: Reply) -> Result<Reply, Failure> {
    let at = passage.clock.now();
    passage
        .store
        .ask_finish(&passage.record.id, &reply, passage.budgets, at)
        .await?;
    passage.record.cost = passage.record.cost + reply.cost;
    Ok(reply)
}

/// Closes the record of a failed ask; what the provider may charge for counts as spent.
async fn fail(passage: &mut Passage<'_>, failure: Failure) -> Failure {
    if failure.is_closed {
        return failure;
    }
    let cost = passage.debit(&failure);
    passage.record.cost = passage.record.cost + cost.usd;
    let (reason, partial) = (failure.error.to_string(), passage.partial.take());
    let broken = Broken {
        reason: &reason,
        partial: partial.as_deref(),
    };
    let at = passage.clock.now();
    let closed = passage
        .store
        .ask_fail(&passage.record.id, broken, cost, at)
        .await;
    match closed {
        Ok(()) => failure,
        Err(error) => error.into(),
    }
}
