//! Where requests wait for their turn, and the permits of those that are under way.

use std::{
    collections::BTreeMap,
    fmt,
    sync::{
        Arc, Mutex, MutexGuard, PoisonError,
        atomic::{AtomicBool, Ordering},
    },
    time::Duration,
};

use atelier_model::{Clock, Digest, Timestamp};
use reqwest::header::HeaderMap;
use serde_json::Value;
use tokio::{sync::Notify, time::sleep};
use tokio_util::sync::CancellationToken;

use crate::{
    AskError,
    limit::{
        gate::{Ending, Lack, LimitState},
        told,
        turnstile::{Approach, Entry, Place, Ticket, Turn, Turnstile, WAITING_MAX},
        weights::Load,
    },
};

/// Refusals that are remembered, one for each key and model.
const LASTS_MAX: usize = 256;

/// The turnstile, and whom to wake when something changes. Cheap to clone; all are one.
#[derive(Debug, Clone, Default)]
pub(crate) struct Desk(Arc<Mutex<Inner>>);

#[derive(Debug, Default)]
struct Inner {
    turnstile: Turnstile,
    /// Who waits, by number.
    bells: BTreeMap<u64, Arc<Notify>>,
    /// What each target was last refused for.
    lasts: BTreeMap<Digest, AskError>,
}

/// How long somebody waits.
#[derive(Debug, Clone, Copy)]
pub(super) struct Patience {
    /// Milliseconds because the provider asks for it.
    pub(super) asked_ms_max: u64,
    /// Milliseconds because of a limit.
    pub(super) rate_ms_max: u64,
}

/// What the wait for a permit goes by.
#[derive(Clone, Copy)]
pub(super) struct Asker<'a> {
    pub(super) clock: &'a Arc<dyn Clock>,
    pub(super) cancel: Option<&'a CancellationToken>,
    pub(super) patience: Patience,
}

/// Why somebody may not send.
#[derive(Debug)]
pub(super) enum Turned {
    Cancelled,
    /// The provider wants to be left alone for so many milliseconds more.
    Asked {
        wait_ms: u64,
        last: Option<AskError>,
    },
    /// A limit would have to be waited for longer than is worth it.
    Slow {
        limit: String,
        wait_ms: u64,
    },
}

impl Turned {
    /// Milliseconds that it would have had to wait, where a limit was in its way.
    pub(super) fn wait_ms(&self) -> Option<u64> {
        match self {
            Self::Cancelled => None,
            Self::Asked { wait_ms, .. } | Self::Slow { wait_ms, .. } => Some(*wait_ms),
        }
    }
}

/// The right to send once. Whoever drops it untold has sent, for all that is known.
pub(crate) struct Permit {
    desk: Desk,
    ticket: Ticket,
    target: Digest,
    clock: Arc<dyn Clock>,
    /// Milliseconds that it was waited for.
    waited_ms: u64,
    is_over: AtomicBool,
}

/// What somebody in the queue does next.
enum Step {
    Go(Ticket),
    /// Wait for so many milliseconds, or until something changes.
    Wait(u64),
}

/// A place in the queue. Whoever drops it leaves.
struct Queued<'d> {
    desk: &'d Desk,
    place: Place,
    bell: Arc<Notify>,
}

impl Desk {
    /// Waits until somebody may send.
    pub(super) async fn admit(
        &self,
        approach: &Approach<'_>,
        load: Load,
        number: Option<u64>,
        asker: Asker<'_>,
    ) -> Result<Arc<Permit>, Turned> {
        let start = asker.clock.now();
        let patience = asker.patience;
        let entry = {
            let mut inner = self.lock();
            if let Some(turned) = inner.asked(&approach.target, patience, start) {
                return Err(turned);
            }
            let turnstile = &mut inner.turnstile;
            let entry = turnstile.enter(approach, load, number, patience.rate_ms_max, start);
            if let Entry::Wait(place) = &entry {
                inner.bells.insert(place.number, Arc::default());
            }
            entry
        };
        match entry {
            Entry::Go(ticket) => Ok(self.permit(ticket, approach.target, asker, 0)),
            Entry::Wait(place) => {
                let queued = self.queued(place);
                queued.wait(approach.target, asker, start).await
            }
            Entry::TooLong(lack) => Err(slow(&lack)),
            Entry::Full => Err(Turned::Slow {
                limit: format!("{WAITING_MAX} requests that wait"),
                wait_ms: patience.rate_ms_max,
            }),
        }
    }

    /// What is known of every limit.
    pub(super) fn states(&self, now: Timestamp) -> Vec<LimitState> {
        self.lock().turnstile.states(now)
    }

    fn queued(&self, place: Place) -> Queued<'_> {
        let bell = self.lock().bells.get(&place.number).cloned();
        Queued {
            desk: self,
            place,
            bell: bell.unwrap_or_default(),
        }
    }

    fn permit(
        &self,
        ticket: Ticket,
        target: Digest,
        asker: Asker<'_>,
        waited_ms: u64,
    ) -> Arc<Permit> {
        Arc::new(Permit {
            desk: self.clone(),
            ticket,
            target,
            clock: Arc::clone(asker.clock),
            waited_ms,
            is_over: AtomicBool::new(false),
        })
    }

    fn lock(&self) -> MutexGuard<'_, Inner> {
        // A panic under this lock leaves counts that are off by one request.
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Inner {
    /// Wakes those whose turn it may be.
    fn ring(&self) {
        if self.turnstile.waiting() == 0 {
            return;
        }
        for number in self.turnstile.heads() {
            if let Some(bell) = self.bells.get(&number) {
                bell.notify_one();
            }
        }
    }

    /// Whether the provider wants to be left alone for longer than somebody waits.
    fn asked(&self, target: &Digest, patience: Patience, now: Timestamp) -> Option<Turned> {
        let wait_ms = self.turnstile.gate(target)?.shut_ms(now);
        (wait_ms > patience.asked_ms_max).then(|| Turned::Asked {
            wait_ms,
            last: self.lasts.get(target).cloned(),
        })
    }
}

impl Queued<'_> {
    async fn wait(
        self,
        target: Digest,
        asker: Asker<'_>,
        start: Timestamp,
    ) -> Result<Arc<Permit>, Turned> {
        let never = CancellationToken::new();
        let cancel = asker.cancel.unwrap_or(&never);
        let mut now = start;
        // Every turn but the last ends with news of the gates, or with the time that they need.
        loop {
            now = now.max(asker.clock.now());
            let left_ms = asker
                .patience
                .rate_ms_max
                .saturating_sub(now.millis_since(start));
            let wait_ms = match self.turn(target, asker.patience, left_ms, now)? {
                Step::Go(ticket) => {
                    let waited_ms = now.millis_since(start);
                    return Ok(self.desk.permit(ticket, target, asker, waited_ms));
                }
                Step::Wait(wait_ms) => wait_ms.min(left_ms.max(1)),
            };
            tokio::select! {
                biased;
                () = cancel.cancelled() => return Err(Turned::Cancelled),
                () = self.bell.notified() => {}
                () = sleep(Duration::from_millis(wait_ms)) => now = later(now, wait_ms),
            }
        }
    }

    /// The ticket, or for how many milliseconds there will be none.
    fn turn(
        &self,
        target: Digest,
        patience: Patience,
        left_ms: u64,
        now: Timestamp,
    ) -> Result<Step, Turned> {
        let mut inner = self.desk.lock();
        if let Some(turned) = inner.asked(&target, patience, now) {
            return Err(turned);
        }
        match inner.turnstile.turn(self.place, now) {
            Turn::Go(ticket) => Ok(Step::Go(ticket)),
            Turn::Wait {
                lack: Some(lack), ..
            } if lack.wait_ms().is_some_and(|wait_ms| wait_ms > left_ms) => Err(slow(&lack)),
            Turn::Wait { lack, .. } if left_ms == 0 => Err(Turned::Slow {
                limit: lack.map_or_else(|| "those who came first".to_owned(), |lack| lack.words()),
                wait_ms: patience.rate_ms_max,
            }),
            Turn::Wait { wait_ms, .. } => Ok(Step::Wait(wait_ms.unwrap_or(left_ms))),
        }
    }
}

impl Drop for Queued<'_> {
    fn drop(&mut self) {
        let mut inner = self.desk.lock();
        inner.turnstile.leave(self.place);
        inner.bells.remove(&self.place.number);
        inner.ring();
    }
}

impl Permit {
    /// Its place among all that ever came.
    pub(super) fn number(&self) -> u64 {
        self.ticket.number
    }

    /// Milliseconds that it was waited for.
    pub(super) fn waited_ms(&self) -> u64 {
        self.waited_ms
    }

    /// An answer has begun, or a refusal has come: its headers tell what is left.
    pub(crate) fn heard(&self, headers: &HeaderMap) {
        let now = self.clock.now();
        let told = told::of_headers(headers, now);
        let mut inner = self.desk.lock();
        inner.turnstile.hear(&self.ticket, &told, now);
        inner.ring();
    }

    /// A refusal may name the limits that were exceeded.
    pub(crate) fn refused(&self, refusal: &Value, wait_ms: Option<u64>) {
        let limits = told::of_refusal(refusal);
        if limits.is_empty() {
            return;
        }
        let mut inner = self.desk.lock();
        let wait_ms = wait_ms.unwrap_or(0);
        let now = self.clock.now();
        inner
            .turnstile
            .exceeded(&self.ticket, &limits, wait_ms, now);
    }

    /// Milliseconds for which the provider is to be left alone; `None` where it need not be.
    pub(super) fn shut_ms(&self) -> Option<u64> {
        let inner = self.desk.lock();
        let wait_ms = inner
            .turnstile
            .gate(&self.target)?
            .shut_ms(self.clock.now());
        (wait_ms > 0).then_some(wait_ms)
    }

    /// The request has ended. Only the first end counts.
    pub(super) fn end(&self, ending: &Ending, last: Option<&AskError>) {
        if self.is_over.swap(true, Ordering::Relaxed) {
            return;
        }
        let now = self.clock.now();
        let mut inner = self.desk.lock();
        inner.turnstile.end(&self.ticket, ending, now);
        if let (Ending::Crowded { .. }, Some(last)) = (ending, last) {
            if inner.lasts.len() >= LASTS_MAX {
                inner.lasts.pop_first();
            }
            inner.lasts.insert(self.target, last.clone());
        }
        inner.ring();
    }
}

impl fmt::Debug for Permit {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "permit {}", self.ticket.number)
    }
}

impl Drop for Permit {
    fn drop(&mut self) {
        self.end(&Ending::Lost, None);
    }
}

fn slow(lack: &Lack) -> Turned {
    Turned::Slow {
        limit: lack.words(),
        wait_ms: lack.wait_ms().unwrap_or(0),
    }
}

/// An instant so many milliseconds later.
fn later(now: Timestamp, wait_ms: u64) -> Timestamp {
    Timestamp::from_millis(now.millis().saturating_add_unsigned(wait_ms))
}
