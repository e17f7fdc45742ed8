//! Makes identical asks that are under way at once one: the first leads, the others get its reply.
//!
//! Relayed requests for whole answers likewise; those for streamed answers each fly alone, since
//! who follows would get its first piece only with the last.

use std::{
    collections::BTreeMap,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};

use atelier_model::{AskSource, BoxFuture, Digest, Reply};
use tokio::sync::watch;

use crate::{
    AskError, AskErrorKind, Retry,
    layers::{Failure, Layer, Next, Passage},
    relay::{How, Kept, Opened, Refusal, Transit},
};

/// How the flight of an ask ended.
type Replied = Result<Reply, AskError>;

/// How the flight of a relayed request ended.
type Relayed = Result<Kept, Refusal>;

/// Knows what is under way.
#[derive(Default)]
pub(crate) struct SingleFlight {
    asks: Arc<Flights<Replied>>,
    relayed: Arc<Flights<Relayed>>,
}

/// What is under way by its key, with its end to come; `None` while it is under way.
struct Flights<T>(Mutex<BTreeMap<Digest, watch::Receiver<Option<T>>>>);

/// What somebody is to a flight.
enum Part<T> {
    Lead(Lead<T>),
    Follow(watch::Receiver<Option<T>>),
}

/// The right to answer for all who ask the same. A leader that is dropped leaves the flight open,
/// and one of those who follow takes the lead.
struct Lead<T> {
    flights: Arc<Flights<T>>,
    key: Digest,
    landing: watch::Sender<Option<T>>,
}

impl Layer for SingleFlight {
    fn ask<'a>(
        &'a self,
        passage: &'a mut Passage<'_>,
        next: Next<'a>,
    ) -> BoxFuture<'a, Result<Reply, Failure>> {
        Box::pin(async move {
            // Every turn but the last is one leader that gave up, and each gives up only once.
            loop {
                let landing = match self.asks.join(passage.record.key) {
                    Part::Lead(lead) => return fly(&lead, passage, next).await,
                    Part::Follow(landing) => landing,
                };
                let landed = tokio::select! {
                    biased;
                    landed = follow(landing) => landed,
                    () = passage.cancel.cancelled() => return Err(Failure::cancelled(false)),
                };
                match landed {
                    Some(Ok(reply)) => return passage.hit(reply).await,
                    Some(Err(error)) => return Err(Failure::free(error)),
                    None => {}
                }
            }
        })
    }

    fn open<'a>(
        &'a self,
        transit: &'a mut Transit,
        next: Next<'a>,
    ) -> BoxFuture<'a, Result<Opened, Refusal>> {
        Box::pin(async move {
            if transit.prepared.stream || !transit.may_share() {
                return next.open(transit).await;
            }
            loop {
                let landing = match self.relayed.join(transit.key) {
                    Part::Lead(lead) => {
                        transit.at_end(move |ending| {
                            lead.end(&ending.how, ending.kept.as_ref());
                            // Whoever finds the place free finds the answer in the memory before it.
                            ending.hold(lead);
                        });
                        return next.open(transit).await;
                    }
                    Part::Follow(landing) => landing,
                };
                match follow(landing).await {
                    Some(Ok(kept)) => return Ok(transit.hit(&kept, AskSource::Cache)),
                    Some(Err(refusal)) => return Err(refusal),
                    None => {}
                }
            }
        })
    }
}

impl<T> Default for Flights<T> {
    fn default() -> Self {
        Self(Mutex::default())
    }
}

impl<T> Flights<T> {
    fn join(self: &Arc<Self>, key: Digest) -> Part<T> {
        let mut under_way = self.under_way();
        if let Some(landing) = under_way.get(&key) {
            return Part::Follow(landing.clone());
        }
        let (landing, landed) = watch::channel(None);
        under_way.insert(key, landed);
        Part::Lead(Lead {
            flights: Arc::clone(self),
            key,
            landing,
        })
    }

    fn under_way(&self) -> MutexGuard<'_, BTreeMap<Digest, watch::Receiver<Option<T>>>> {
        // Whoever panicked had changed one entry or none.
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl<T> Lead<T> {
    fn land(&self, landing: T) {
        self.landing.send_replace(Some(landing));
    }
}

impl Lead<Relayed> {
    fn end(&self, how: &How, kept: Option<&Kept>) {
        match (how, kept) {
            (_, Some(kept)) => self.land(Ok(kept.clone())),
            (How::Refused(refusal), None) if refusal.is_shared() => {
                self.land(Err(refusal.clone()));
            }
            // Money and patience are each request's own: one of those who follow takes the lead.
            (How::Complete | How::Cut(_) | How::Refused(_) | How::Abandoned, None) => {}
        }
    }
}

impl<T> Drop for Lead<T> {
    fn drop(&mut self) {
        // Before those who follow learn that nobody leads, so that one of them finds the place free.
        self.flights.under_way().remove(&self.key);
    }
}

async fn fly(
    lead: &Lead<Replied>,
    passage: &mut Passage<'_>,
    next: Next<'_>,
) -> Result<Reply, Failure> {
    let answered = next.run(passage).await;
    match &answered {
        Ok(reply) => lead.land(Ok(reply.clone())),
        Err(failure) if is_shared(&failure.error) => lead.land(Err(failure.error.clone())),
        Err(_) => {}
    }
    answered
}

/// Waits for the end of a flight; `None` where its leader gave up.
async fn follow<T: Clone>(mut landing: watch::Receiver<Option<T>>) -> Option<T> {
    let landed = landing.wait_for(Option::is_some).await;
    landed.ok().and_then(|landed| landed.clone())
}

/// Whether an error would meet everyone who asks the same. Money, patience and the state are each
/// ask's own.
fn is_shared(error: &AskError) -> bool {
    match error.kind() {
        AskErrorKind::Provider => true,
        AskErrorKind::Credentials => matches!(error, AskError::Credentials { .. }),
        AskErrorKind::Budget
        | AskErrorKind::Diverged
        | AskErrorKind::Cancelled
        | AskErrorKind::Internal => false,
    }
}

impl Refusal {
    /// Whether it would meet everyone who asks the same: it is the provider's.
    fn is_shared(&self) -> bool {
        self.body.is_some() || self.no_access || self.retry != Retry::Never || self.may_be_billed
    }
}
