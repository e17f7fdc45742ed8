//! Leaves a model alone that fails again and again, or whose provider asks for it, across all asks.

mod state;

use std::{
    collections::BTreeMap,
    sync::{Arc, Mutex, PoisonError},
    time::Duration,
};

use atelier_model::{BoxFuture, Reply, Timestamp};
use tokio::{
    sync::watch,
    time::{sleep, timeout},
};
use url::Url;

use crate::{
    AskError, Retry, Wait,
    layers::{
        Failure, Layer, Next, Passage,
        breaker::state::{Door, Fact, Pass, State},
    },
};

/// Milliseconds that are waited for here, so that a clock which is a little late turns nobody away.
const GRACE_MS: u64 = 50;

/// Who is asked: provider, model, and the address where that is not the usual one.
type Target = (String, String, Option<Url>);

/// What is known of every model that was asked.
#[derive(Default)]
pub(crate) struct Breaker {
    targets: Mutex<BTreeMap<Target, Arc<watch::Sender<Known>>>>,
}

/// What is known of one model.
struct Known {
    state: State,
    /// The latest failure that counted.
    last: Option<AskError>,
}

/// The right to send, and the duty to tell how it ended. Whoever drops it untold gave up.
struct Ticket<'a> {
    target: &'a watch::Sender<Known>,
    pass: Pass,
    now: Timestamp,
    failures_max: u32,
    is_told: bool,
}

impl Layer for Breaker {
    fn ask<'a>(
        &'a self,
        passage: &'a mut Passage<'_>,
        next: Next<'a>,
    ) -> BoxFuture<'a, Result<Reply, Failure>> {
        Box::pin(async move {
            let target = self.target(passage);
            let ticket = admit(&target, passage).await?;
            let answered = next.run(passage).await;
            ticket.tell(&answered, passage.clock.now());
            answered
        })
    }
}

impl Breaker {
    fn target(&self, passage: &Passage<'_>) -> Arc<watch::Sender<Known>> {
        let route = passage.route;
        let name = (
            route.provider.clone(),
            route.model.clone(),
            route.base_url.clone(),
        );
        // Whoever panicked had added a target or none.
        let mut targets = self.targets.lock().unwrap_or_else(PoisonError::into_inner);
        let unknown = || {
            Arc::new(watch::Sender::new(Known {
                state: State::NEW,
                last: None,
            }))
        };
        targets.entry(name).or_insert_with(unknown).clone()
    }
}

/// Waits while a model is tried out, and turns away whoever comes too early.
async fn admit<'t>(
    target: &'t watch::Sender<Known>,
    passage: &mut Passage<'_>,
) -> Result<Ticket<'t>, Failure> {
    let limit_ms = passage.limits.ask_total_ms_max;
    let waiting = timeout(Duration::from_millis(limit_ms), wait(target, passage));
    match waiting.await {
        Ok(Ok(ticket)) => Ok(ticket),
        Ok(Err(Refused::Cancelled)) => Err(Failure::cancelled(false)),
        Ok(Err(Refused::TooEarly(wait_ms))) => {
            passage.turned_away += 1;
            Err(turned_away(target, passage, wait_ms))
        }
        Err(_) => Err(Failure::free(AskError::TimedOut {
            which: Wait::Total,
            limit_ms,
            tries: passage.sendings,
        })),
    }
}

/// Why somebody may not send.
enum Refused {
    Cancelled,
    /// By so many milliseconds.
    TooEarly(u64),
}

async fn wait<'t>(
    target: &'t watch::Sender<Known>,
    passage: &Passage<'_>,
) -> Result<Ticket<'t>, Refused> {
    let mut news = target.subscribe();
    let mut now = passage.clock.now();
    // Every turn but the last ends with news of the model, or with the time it was shut for.
    loop {
        now = now.max(passage.clock.now());
        let wait_ms = match want(target, now) {
            Door::Pass(pass) => return Ok(Ticket::new(target, pass, now, passage)),
            Door::Wait => None,
            Door::Shut(wait_ms) if wait_ms <= GRACE_MS => Some(wait_ms),
            Door::Shut(wait_ms) => return Err(Refused::TooEarly(wait_ms)),
        };
        tokio::select! {
            biased;
            () = passage.cancel.cancelled() => return Err(Refused::Cancelled),
            () = sleep(Duration::from_millis(wait_ms.unwrap_or(u64::MAX))), if wait_ms.is_some() => {
                now = state::later(now, wait_ms.unwrap_or_default());
            }
            // The sender is borrowed, so it cannot be gone.
            _ = news.changed() => {}
        }
    }
}

/// Asks for the right to send.
fn want(target: &watch::Sender<Known>, now: Timestamp) -> Door {
    let mut door = Door::Wait;
    target.send_if_modified(|known| {
        let (state, answer) = known.state.want(now);
        door = answer;
        let is_new = state != known.state;
        known.state = state;
        is_new
    });
    door
}

/// What becomes of an ask that came too early: it may come back in time.
fn turned_away(target: &watch::Sender<Known>, passage: &Passage<'_>, wait_ms: u64) -> Failure {
    let route = passage.route;
    let last = target.borrow().last.clone();
    Failure {
        retry: Retry::After(wait_ms),
        ..Failure::free(AskError::LeftAlone {
            provider: route.provider.clone(),
            model: route.model.clone(),
            wait_ms,
            last: last.map(Box::new),
        })
    }
}

impl<'t> Ticket<'t> {
    fn new(
        target: &'t watch::Sender<Known>,
        pass: Pass,
        now: Timestamp,
        passage: &Passage<'_>,
    ) -> Self {
        Self {
            target,
            pass,
            now,
            failures_max: passage.limits.ask_failures_max,
            is_told: false,
        }
    }

    /// Tells how the sending ended.
    fn tell(mut self, answered: &Result<Reply, Failure>, now: Timestamp) {
        self.is_told = true;
        let fact = answered.as_ref().map_or_else(fact, |_| Fact::Answered);
        let error = answered.as_ref().err().map(|failure| &failure.error);
        self.note(fact, error, now.max(self.now));
    }

    fn note(&self, fact: Fact, error: Option<&AskError>, now: Timestamp) {
        self.target.send_modify(|known| {
            known.state = known.state.next(self.pass, fact, now, self.failures_max);
            if matches!(fact, Fact::Failed | Fact::AskedToWait(_)) {
                known.last = error.cloned();
            }
        });
    }
}

impl Drop for Ticket<'_> {
    fn drop(&mut self) {
        if !self.is_told {
            self.note(Fact::Abandoned, None, self.now);
        }
    }
}

/// What a failed sending tells of the model.
fn fact(failure: &Failure) -> Fact {
    match failure.retry {
        Retry::After(wait_ms) => Fact::AskedToWait(wait_ms),
        Retry::Soon | Retry::Backoff => Fact::Failed,
        Retry::Never if matches!(failure.error, AskError::Cancelled) => Fact::Abandoned,
        // It answered; what it said concerns this request alone.
        Retry::Never => Fact::Answered,
    }
}
