//! Leaves a model alone that fails again and again, or whose provider asks for it, across all asks.

mod state;

use std::{
    collections::BTreeMap,
    sync::{Arc, Mutex, PoisonError},
    time::Duration,
};

use atelier_keys::PickedKey;
use atelier_model::{AuditFact, AuditNote, BoxFuture, Clock, Limits, Reply, Timestamp};
use atelier_store::Store;
use tokio::{
    sync::watch,
    time::{sleep, timeout},
};
use tokio_util::sync::CancellationToken;
use url::Url;

use crate::{
    AskError, Retry, Route, Wait,
    layers::{
        Failure, Layer, Next, Passage,
        breaker::state::{Door, Fact, Pass, State},
    },
    relay::{How, Opened, Refusal, Transit},
};

/// Milliseconds that are waited for here, so that a clock which is a little late turns nobody away.
const GRACE_MS: u64 = 50;

/// The status of a request to a model that is left alone.
const UNAVAILABLE: u16 = 503;

/// The status of a request that comes too often.
const TOO_MANY: u16 = 429;

/// The status of a request that waited too long for the trial of a model.
const GATEWAY_TIMEOUT: u16 = 504;

/// Milliseconds a trial is taken to last, for those who can be answered elsewhere.
const TRIAL_MS: u64 = 1_000;

/// Who is asked: provider, model, the address where that is not the usual one, and with which
/// stored key, since providers count requests by key.
type Target = (String, String, Option<Url>, Option<Arc<str>>);

/// What is known of every model that was asked.
#[derive(Default)]
pub(crate) struct Breaker {
    targets: Mutex<BTreeMap<Target, Arc<watch::Sender<Known>>>>,
}

/// What is known of one model.
struct Known {
    provider: String,
    model: String,
    state: State,
    /// The latest failure that counted.
    last: Option<AskError>,
}

/// What is known of a model, and who wants to know when it changes.
type News = Arc<watch::Sender<Known>>;

/// The right to send, and the duty to tell how it ended. Whoever drops it untold gave up.
struct Ticket {
    target: News,
    store: Store,
    pass: Pass,
    now: Timestamp,
    failures_max: u32,
    is_told: bool,
}

/// What the wait for a ticket goes by.
#[derive(Clone, Copy)]
struct Asker<'a> {
    store: &'a Store,
    limits: &'a Limits,
    clock: &'a dyn Clock,
    cancel: Option<&'a CancellationToken>,
    has_standby: bool,
}

impl Layer for Breaker {
    fn ask<'a>(
        &'a self,
        passage: &'a mut Passage<'_>,
        next: Next<'a>,
    ) -> BoxFuture<'a, Result<Reply, Failure>> {
        Box::pin(async move {
            let target = self.target(passage.route, &passage.route.model, passage.key.as_ref());
            let asker = Asker {
                store: passage.store,
                limits: passage.limits,
                clock: passage.clock,
                cancel: Some(passage.cancel),
                has_standby: passage.has_standby,
            };
            let ticket = match admit(&target, asker).await {
                Ok(ticket) => ticket,
                Err(refused) => return Err(turned_away(refused, &target, passage)),
            };
            let answered = next.run(passage).await;
            let now = passage.clock.now();
            match &answered {
                Ok(_) => ticket.tell(Fact::Answered, None, now),
                Err(failure) => ticket.tell(fact(failure), Some(&failure.error), now),
            }
            answered
        })
    }

    fn open<'a>(
        &'a self,
        transit: &'a mut Transit,
        next: Next<'a>,
    ) -> BoxFuture<'a, Result<Opened, Refusal>> {
        Box::pin(async move {
            let route = &transit.prepared.relayed.route;
            let target = self.target(route, &transit.prepared.model, transit.key_sent.as_ref());
            let asker = Asker {
                store: transit.store(),
                limits: transit.limits(),
                clock: &*transit.hands.clock,
                cancel: None,
                has_standby: transit.has_standby,
            };
            let ticket = match admit(&target, asker).await {
                Ok(ticket) => ticket,
                Err(refused) => return Err(sent_away(refused, &target, transit)),
            };
            match next.open(transit).await {
                Ok(opened) => {
                    // Whether it answers as it should is known when the answer has ended.
                    transit.at_end(move |ending| match &ending.how {
                        How::Complete => ticket.tell(Fact::Answered, None, ending.at),
                        How::Cut(refusal) => {
                            ticket.judge(refusal, &ending.record.provider, ending.at);
                        }
                        How::Refused(_) | How::Abandoned => {}
                    });
                    Ok(opened)
                }
                Err(refusal) => {
                    let now = transit.hands.clock.now();
                    ticket.judge(&refusal, &transit.record.provider, now);
                    Err(refusal)
                }
            }
        })
    }
}

impl Breaker {
    fn target(&self, route: &Route, model: &str, key: Option<&PickedKey>) -> News {
        let name = (
            route.name().to_owned(),
            model.to_owned(),
            route.base_url.clone(),
            key.map(|key| Arc::clone(&key.id)),
        );
        // Whoever panicked had added a target or none.
        let mut targets = self.targets.lock().unwrap_or_else(PoisonError::into_inner);
        let unknown = || {
            Arc::new(watch::Sender::new(Known {
                provider: route.name().to_owned(),
                model: model.to_owned(),
                state: State::NEW,
                last: None,
            }))
        };
        targets.entry(name).or_insert_with(unknown).clone()
    }
}

/// Why somebody may not send.
#[derive(Clone, Copy)]
enum Refused {
    Cancelled,
    /// By so many milliseconds.
    TooEarly(u64),
    /// The trial of others took so many milliseconds.
    TimedOut(u64),
}

/// Waits while a model is tried out, and turns away whoever comes too early.
async fn admit(target: &News, asker: Asker<'_>) -> Result<Ticket, Refused> {
    let limit_ms = asker.limits.ask_total_ms_max;
    let waiting = timeout(Duration::from_millis(limit_ms), wait(target, asker));
    waiting.await.unwrap_or(Err(Refused::TimedOut(limit_ms)))
}

async fn wait(target: &News, asker: Asker<'_>) -> Result<Ticket, Refused> {
    let mut now = asker.clock.now();
    if let Door::Pass(pass) = want(target, now) {
        return Ok(Ticket::new(target, pass, now, asker));
    }
    let never = CancellationToken::new();
    let cancel = asker.cancel.unwrap_or(&never);
    let mut news = target.subscribe();
    // Every turn but the last ends with news of the model, or with the time it was shut for.
    loop {
        now = now.max(asker.clock.now());
        let wait_ms = match want(target, now) {
            Door::Pass(pass) => return Ok(Ticket::new(target, pass, now, asker)),
            // Whoever can be answered elsewhere need not know how the trial ends.
            Door::Wait if asker.has_standby => return Err(Refused::TooEarly(TRIAL_MS)),
            Door::Wait => None,
            Door::Shut(wait_ms) if wait_ms <= GRACE_MS => Some(wait_ms),
            Door::Shut(wait_ms) => return Err(Refused::TooEarly(wait_ms)),
        };
        tokio::select! {
            biased;
            () = cancel.cancelled() => return Err(Refused::Cancelled),
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

/// What becomes of an ask that may not be sent: one that came too early may come back in time.
fn turned_away(refused: Refused, target: &News, passage: &mut Passage<'_>) -> Failure {
    let tries = passage.sendings;
    match refused {
        Refused::Cancelled => Failure::cancelled(false),
        Refused::TimedOut(limit_ms) => Failure::free(trial_too_long(limit_ms, tries)),
        Refused::TooEarly(wait_ms) => {
            passage.turned_away += 1;
            Failure {
                retry: Retry::After(wait_ms),
                ..Failure::free(left_alone(
                    target.borrow().last.clone(),
                    passage.route,
                    wait_ms,
                ))
            }
        }
    }
}

/// What becomes of a relayed request that may not be sent. Its client is told what the provider
/// said last, with the wait that is left.
fn sent_away(refused: Refused, target: &News, transit: &mut Transit) -> Refusal {
    let wait_ms = match refused {
        Refused::TooEarly(wait_ms) => wait_ms,
        Refused::TimedOut(limit_ms) => {
            let error = trial_too_long(limit_ms, transit.sendings);
            return Refusal::new(GATEWAY_TIMEOUT, format!("failed to {error}"));
        }
        Refused::Cancelled => 0,
    };
    transit.turned_away += 1;
    let last = target.borrow().last.clone();
    let (status, cause) = match &last {
        Some(last) => (status(last), format!(": {last}")),
        None => (UNAVAILABLE, String::new()),
    };
    let error = left_alone(last.clone(), &transit.prepared.relayed.route, wait_ms);
    Refusal {
        retry: Retry::After(wait_ms),
        ..Refusal::new(status, format!("failed to {error}{cause}"))
    }
    .with_wait(wait_ms)
}

fn left_alone(last: Option<AskError>, route: &Route, wait_ms: u64) -> AskError {
    AskError::LeftAlone {
        provider: route.name().to_owned(),
        model: route.model.clone(),
        wait_ms,
        last: last.map(Box::new),
    }
}

fn trial_too_long(limit_ms: u64, tries: u32) -> AskError {
    AskError::TimedOut {
        which: Wait::Total,
        limit_ms,
        tries,
    }
}

/// The status that says the same as what a model last failed for.
fn status(last: &AskError) -> u16 {
    if let AskError::RateLimited { status, .. } | AskError::Provider { status, .. } = last {
        return *status;
    }
    UNAVAILABLE
}

impl Ticket {
    fn new(target: &News, pass: Pass, now: Timestamp, asker: Asker<'_>) -> Self {
        Self {
            target: Arc::clone(target),
            store: asker.store.clone(),
            pass,
            now,
            failures_max: asker.limits.ask_failures_max,
            is_told: false,
        }
    }

    /// Tells how the sending ended.
    fn tell(mut self, fact: Fact, error: Option<&AskError>, now: Timestamp) {
        self.is_told = true;
        self.note(fact, error, now.max(self.now));
    }

    /// Tells of a relayed request that failed.
    fn judge(self, refusal: &Refusal, provider: &str, now: Timestamp) {
        let error = refusal.error(provider);
        let fact = if refusal.status == TOO_MANY {
            Fact::Answered
        } else {
            told(refusal.retry)
        };
        self.tell(fact, Some(&error), now);
    }

    fn note(&self, fact: Fact, error: Option<&AskError>, now: Timestamp) {
        let mut opened = None;
        self.target.send_if_modified(|known| {
            let state = known.state.next(self.pass, fact, now, self.failures_max);
            let is_failure = matches!(fact, Fact::Failed | Fact::AskedToWait(_));
            if is_failure {
                known.last = error.cloned();
            }
            let is_new = state != known.state;
            known.state = state;
            opened = state
                .shut_ms(now)
                .filter(|_| is_new)
                .map(|wait_ms| known.opened(wait_ms));
            is_new
        });
        if let Some(fact) = opened {
            self.store.audit_note(AuditNote::new(fact, now));
        }
    }
}

impl Known {
    fn opened(&self, wait_ms: u64) -> AuditFact {
        AuditFact::BreakerOpened {
            provider: self.provider.clone(),
            model: self.model.clone(),
            wait_ms,
        }
    }
}

impl Drop for Ticket {
    fn drop(&mut self) {
        if !self.is_told {
            self.note(Fact::Abandoned, None, self.now);
        }
    }
}

/// What a failed sending tells of the model.
fn fact(failure: &Failure) -> Fact {
    // Whoever is asked too often is well, and the limits know how long to wait.
    if matches!(
        failure.error,
        AskError::RateLimited {
            status: TOO_MANY,
            ..
        }
    ) {
        return Fact::Answered;
    }
    match failure.retry {
        Retry::Never if matches!(failure.error, AskError::Cancelled) => Fact::Abandoned,
        retry @ (Retry::After(_) | Retry::Soon | Retry::Backoff | Retry::Never) => told(retry),
    }
}

fn told(retry: Retry) -> Fact {
    match retry {
        Retry::After(wait_ms) => Fact::AskedToWait(wait_ms),
        Retry::Soon | Retry::Backoff => Fact::Failed,
        // It answered; what it said concerns this request alone.
        Retry::Never => Fact::Answered,
    }
}
