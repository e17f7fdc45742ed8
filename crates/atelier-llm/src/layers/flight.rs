//! Makes identical asks that are under way at once one: the first leads, the others get its reply.

use std::{
    collections::BTreeMap,
    sync::{Mutex, MutexGuard, PoisonError},
};

use atelier_model::{BoxFuture, Digest, Reply};
use tokio::sync::watch;

use crate::{
    AskError, AskErrorKind,
    layers::{Failure, Layer, Next, Passage},
};

/// How a flight ended; `None` while it is under way.
type Landing = Option<Result<Reply, AskError>>;

/// Knows which asks are under way.
#[derive(Default)]
pub(crate) struct SingleFlight {
    under_way: Mutex<BTreeMap<Digest, watch::Receiver<Landing>>>,
}

/// What an ask is to its flight.
enum Part<'a> {
    Lead(Lead<'a>),
    Follow(watch::Receiver<Landing>),
}

/// The right to answer for all who ask the same. A leader that is dropped leaves the flight open,
/// and one of those who follow takes the lead.
struct Lead<'a> {
    flights: &'a SingleFlight,
    key: Digest,
    landing: watch::Sender<Landing>,
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
                let landing = match self.join(passage.record.key) {
                    Part::Lead(lead) => return lead.fly(passage, next).await,
                    Part::Follow(landing) => landing,
                };
                match follow(passage, landing).await? {
                    Some(Ok(reply)) => return passage.hit(reply).await,
                    Some(Err(error)) => return Err(Failure::free(error)),
                    None => {}
                }
            }
        })
    }
}

impl SingleFlight {
    fn join(&self, key: Digest) -> Part<'_> {
        let mut under_way = self.under_way();
        if let Some(landing) = under_way.get(&key) {
            return Part::Follow(landing.clone());
        }
        let (landing, landed) = watch::channel(None);
        under_way.insert(key, landed);
        Part::Lead(Lead {
            flights: self,
            key,
            landing,
        })
    }

    fn under_way(&self) -> MutexGuard<'_, BTreeMap<Digest, watch::Receiver<Landing>>> {
        // Whoever panicked had changed one entry or none.
        self.under_way
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
    }
}

impl Lead<'_> {
    async fn fly(self, passage: &mut Passage<'_>, next: Next<'_>) -> Result<Reply, Failure> {
        let answered = next.run(passage).await;
        match &answered {
            Ok(reply) => self.land(Ok(reply.clone())),
            Err(failure) if is_shared(&failure.error) => self.land(Err(failure.error.clone())),
            Err(_) => {}
        }
        answered
    }

    fn land(&self, landing: Result<Reply, AskError>) {
        self.landing.send_replace(Some(landing));
    }
}

impl Drop for Lead<'_> {
    fn drop(&mut self) {
        // Before those who follow learn that nobody leads, so that one of them finds the place free.
        self.flights.under_way().remove(&self.key);
    }
}

/// Waits for the end of a flight; `None` where its leader gave up.
async fn follow(
    passage: &Passage<'_>,
    mut landing: watch::Receiver<Landing>,
) -> Result<Landing, Failure> {
    tokio::select! {
        biased;
        landed = landing.wait_for(Option::is_some) => {
            Ok(landed.ok().and_then(|landed| landed.clone()))
        }
        () = passage.cancel.cancelled() => Err(Failure::cancelled(false)),
    }
}

/// Whether an error would meet everyone who asks the same. Money, patience and the state are each
/// ask's own.
fn is_shared(error: &AskError) -> bool {
    match error.kind() {
        AskErrorKind::Provider => true,
        AskErrorKind::Credentials => matches!(error, AskError::Credentials { .. }),
        AskErrorKind::Budget | AskErrorKind::Cancelled | AskErrorKind::Internal => false,
    }
}
