//! Whether a model is asked, left alone or tried out: the state of one breaker.

use atelier_model::Timestamp;

/// Milliseconds a model is left alone for the first time; they double from time to time.
const REST_FIRST_MS: u64 = 1_000;

/// Milliseconds a model is left alone at most after failures.
const REST_MS_MAX: u64 = 30_000;

/// Milliseconds a model is left alone at most because its provider asks for it. What wants to wait
/// for tomorrow is tried once an hour.
const ASKED_REST_MS_MAX: u64 = 3_600_000;

/// What is known of a model.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum State {
    /// It is asked. So many sendings in a row have failed.
    Closed {
        /// Fewer than the limit.
        failures: u32,
    },
    /// Its provider answers, and wants to be left alone until then.
    Resting {
        /// When everybody may ask again.
        until: Timestamp,
    },
    /// It failed too often, and is left alone until then.
    Open {
        /// When one may ask to try it out.
        until: Timestamp,
        /// How often it was opened since it last answered.
        openings: u32,
    },
    /// It is tried out: one sending is under way, and all others wait for its end.
    HalfOpen {
        /// How often it was opened since it last answered.
        openings: u32,
    },
}

/// The right to send once.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Pass {
    /// One among others.
    Usual,
    /// The one that tries out a model.
    Probe,
}

/// How a sending ended, as far as it tells of the model's health.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Fact {
    /// Somebody answered, be it to refuse this very request.
    Answered,
    /// Nobody answered, or not as they should.
    Failed,
    /// The provider wants to be left alone for so many milliseconds.
    AskedToWait(u64),
    /// The asker gave up.
    Abandoned,
}

/// What somebody who wants to send is told.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Door {
    /// Send.
    Pass(Pass),
    /// Wait for the end of the sending that tries it out.
    Wait,
    /// Come back after so many milliseconds.
    Shut(u64),
}

impl State {
    /// Nothing is known.
    pub(super) const NEW: Self = Self::Closed { failures: 0 };

    /// Somebody wants to send.
    pub(super) fn want(self, now: Timestamp) -> (Self, Door) {
        match self {
            Self::Closed { .. } => (self, Door::Pass(Pass::Usual)),
            Self::Resting { until } if now >= until => (Self::NEW, Door::Pass(Pass::Usual)),
            Self::Open { until, openings } if now >= until => {
                (Self::HalfOpen { openings }, Door::Pass(Pass::Probe))
            }
            Self::Resting { until } | Self::Open { until, .. } => {
                (self, Door::Shut(until.millis_since(now)))
            }
            Self::HalfOpen { .. } => (self, Door::Wait),
        }
    }

    /// Milliseconds for which the model is left alone; nothing where it is not.
    pub(super) fn shut_ms(self, now: Timestamp) -> Option<u64> {
        match self {
            Self::Resting { until } | Self::Open { until, .. } => {
                Some(until.millis_since(now)).filter(|wait_ms| *wait_ms > 0)
            }
            Self::Closed { .. } | Self::HalfOpen { .. } => None,
        }
    }

    /// A sending with this pass has ended. Those that began before the model was left alone tell
    /// nothing new, unless its provider asks for more time.
    pub(super) fn next(self, pass: Pass, fact: Fact, now: Timestamp, failures_max: u32) -> Self {
        match (self, pass) {
            (Self::Closed { failures }, Pass::Usual | Pass::Probe) => {
                closed(failures, fact, now, failures_max)
            }
            (Self::HalfOpen { openings }, Pass::Probe) => tried(openings, fact, now),
            (Self::HalfOpen { .. }, Pass::Usual) => self,
            (Self::Resting { until }, Pass::Usual | Pass::Probe) => Self::Resting {
                until: until.max(asked(fact, now)),
            },
            (Self::Open { until, openings }, Pass::Usual | Pass::Probe) => Self::Open {
                until: until.max(asked(fact, now)),
                openings,
            },
        }
    }
}

fn closed(failures: u32, fact: Fact, now: Timestamp, failures_max: u32) -> State {
    match fact {
        Fact::Answered => State::NEW,
        Fact::Failed if failures + 1 >= failures_max => opened(0, now),
        Fact::Failed => State::Closed {
            failures: failures + 1,
        },
        Fact::AskedToWait(_) => State::Resting {
            until: asked(fact, now),
        },
        Fact::Abandoned => State::Closed { failures },
    }
}

fn tried(openings: u32, fact: Fact, now: Timestamp) -> State {
    match fact {
        Fact::Answered => State::NEW,
        Fact::Failed => opened(openings, now),
        Fact::AskedToWait(_) => State::Resting {
            until: asked(fact, now),
        },
        // The next one may try at once.
        Fact::Abandoned => State::Open {
            until: now,
            openings,
        },
    }
}

/// Open after so many times before.
fn opened(before: u32, now: Timestamp) -> State {
    let doublings = before.min(u64::BITS - 1);
    let rest_ms = REST_FIRST_MS.saturating_mul(1 << doublings);
    State::Open {
        until: later(now, rest_ms.min(REST_MS_MAX)),
        openings: before.saturating_add(1),
    }
}

/// The end of the rest that a provider asks for; now where it asks for none.
fn asked(fact: Fact, now: Timestamp) -> Timestamp {
    match fact {
        Fact::AskedToWait(wait_ms) => later(now, wait_ms.min(ASKED_REST_MS_MAX)),
        Fact::Answered | Fact::Failed | Fact::Abandoned => now,
    }
}

/// An instant so many milliseconds later.
pub(super) fn later(now: Timestamp, wait_ms: u64) -> Timestamp {
    let wait_ms = i64::try_from(wait_ms).unwrap_or(i64::MAX);
    Timestamp::from_millis(now.millis().saturating_add(wait_ms))
}

#[cfg(test)]
mod tests;
