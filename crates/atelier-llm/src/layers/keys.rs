//! Sends with one stored key of the provider, and goes on with the next where it is not accepted.

use std::sync::Arc;

use atelier_keys::{KeyRing, PickedKey};
use atelier_model::{AuditFact, AuditNote, BoxFuture, Reply, Timestamp};

use crate::{
    AskError, Retry, Route,
    layers::{Failure, Layer, Next, Passage, retry},
    relay::{Opened, Refusal, Transit},
};

/// Keys that are tried for one request; each costs a sending.
const TRIED_MAX: usize = 8;

/// Milliseconds for which a key cools that was used too often, where its provider names no time.
const COOL_MS: u64 = 10_000;

/// Name, in the audit log, of a key that the configuration names.
const CONFIGURED: &str = "configured";

/// What the end of a sending says of its key.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Verdict {
    /// It is not accepted, or there is no money left on it.
    Refused,
    /// It was used too often: it may be used again in so many milliseconds.
    Cools(u64),
    /// Nothing: another key would have met the same.
    None,
}

/// Chooses among the stored keys of a provider. What it learns of them lies in their ring, which
/// every route to that provider shares.
pub(crate) struct Keys;

impl Layer for Keys {
    fn ask<'a>(
        &'a self,
        passage: &'a mut Passage<'_>,
        next: Next<'a>,
    ) -> BoxFuture<'a, Result<Reply, Failure>> {
        Box::pin(async move {
            let Some(mut turn) = Turn::of(passage.route.ring.as_ref()) else {
                passage.key = None;
                note(passage, configured(passage.route));
                return next.run(passage).await;
            };
            loop {
                let now = passage.clock.now();
                (passage.key, passage.has_spare_key) = turn.next(now);
                note(passage, passage.key.as_ref().map(|key| turn.used(key)));
                let failure = match next.run(passage).await {
                    Ok(reply) => {
                        turn.accepted();
                        return Ok(reply);
                    }
                    Err(failure) => failure,
                };
                let goes_on = turn.judge(verdict(&failure.error), passage.clock.now());
                if !goes_on {
                    return Err(failure);
                }
                retry::renew(passage, &failure, 0).await?;
            }
        })
    }

    fn open<'a>(
        &'a self,
        transit: &'a mut Transit,
        next: Next<'a>,
    ) -> BoxFuture<'a, Result<Opened, Refusal>> {
        Box::pin(async move {
            let Some(mut turn) = Turn::of(transit.prepared.relayed.route.ring.as_ref()) else {
                transit.key_sent = None;
                let used = configured(&transit.prepared.relayed.route);
                transit.record.decisions.extend(used);
                return next.open(transit).await;
            };
            loop {
                let now = transit.hands.clock.now();
                (transit.key_sent, transit.has_spare_key) = turn.next(now);
                let used = transit.key_sent.as_ref().map(|key| turn.used(key));
                transit.record.decisions.extend(used);
                let refusal = match next.open(transit).await {
                    Ok(opened) => {
                        turn.accepted();
                        return Ok(opened);
                    }
                    Err(refusal) => refusal,
                };
                let goes_on = turn.judge(relayed_verdict(&refusal), transit.hands.clock.now());
                if !goes_on {
                    return Err(refusal);
                }
                transit.reserve_again(&refusal)?;
            }
        })
    }
}

/// What the audit log is to say of a key that the configuration names.
fn configured(route: &Route) -> Option<AuditFact> {
    route.key.as_ref().map(|_| AuditFact::KeyUsed {
        provider: route.name().to_owned(),
        name: CONFIGURED.to_owned(),
    })
}

fn note(passage: &Passage<'_>, fact: Option<AuditFact>) {
    if let Some(fact) = fact {
        passage.store.audit_note(AuditNote {
            at: passage.clock.now(),
            run: Some(passage.ask.run.clone()),
            task: passage.ask.task.clone(),
            client: None,
            fact,
        });
    }
}

/// One request's way through the keys of a ring.
struct Turn {
    ring: KeyRing,
    tried: Vec<Arc<str>>,
    is_doubtful: bool,
}

impl Turn {
    fn of(ring: Option<&KeyRing>) -> Option<Self> {
        Some(Self {
            ring: ring?.clone(),
            tried: Vec::new(),
            is_doubtful: false,
        })
    }

    /// The key of the next sending, and whether there is another beside it.
    fn next(&mut self, now: Timestamp) -> (Option<PickedKey>, bool) {
        let Some(pick) = self.ring.pick(now, &self.tried) else {
            return (None, false);
        };
        self.is_doubtful = pick.is_doubtful;
        self.tried.push(Arc::clone(&pick.key.id));
        let has_spare = pick.has_spare && self.tried.len() < TRIED_MAX;
        (Some(pick.key), has_spare)
    }

    /// What the audit log is to say of a key that is sent.
    fn used(&self, key: &PickedKey) -> AuditFact {
        AuditFact::KeyUsed {
            provider: self.ring.provider().to_owned(),
            name: key.id.to_string(),
        }
    }

    /// The key of the last sending served.
    fn accepted(&self) {
        if let Some(id) = self.tried.last().filter(|_| self.is_doubtful) {
            self.ring.accepted(id);
        }
    }

    /// Notes what the last sending says of its key; whether the next key is worth a sending.
    fn judge(&self, verdict: Verdict, now: Timestamp) -> bool {
        let Some(id) = self.tried.last() else {
            return false;
        };
        match verdict {
            Verdict::None => return false,
            Verdict::Refused => self.ring.refused(id, now),
            Verdict::Cools(wait_ms) => self.ring.cools(id, later(now, wait_ms)),
        }
        self.tried.len() < TRIED_MAX && self.ring.has_fresh(now, &self.tried)
    }
}

fn later(now: Timestamp, wait_ms: u64) -> Timestamp {
    let wait_ms = i64::try_from(wait_ms).unwrap_or(i64::MAX);
    Timestamp::from_millis(now.millis().saturating_add(wait_ms))
}

/// Whether another key may serve where an ask failed so.
pub(super) fn speaks_of_key(error: &AskError) -> bool {
    verdict(error) != Verdict::None
}

/// Whether another key may serve where a relayed request was refused so.
pub(super) fn refuses_key(refusal: &Refusal) -> bool {
    relayed_verdict(refusal) != Verdict::None
}

fn verdict(error: &AskError) -> Verdict {
    match error {
        AskError::Credentials {
            status: Some(_), ..
        } => Verdict::Refused,
        AskError::RateLimited {
            status: TOO_MANY,
            retry_after_ms,
            ..
        } => Verdict::Cools(retry_after_ms.unwrap_or(COOL_MS)),
        AskError::LeftAlone {
            wait_ms,
            last: Some(last),
            ..
        } if speaks_of_key(last) => Verdict::Cools(*wait_ms),
        AskError::OverRate { wait_ms, .. } => Verdict::Cools(*wait_ms),
        AskError::Credentials { status: None, .. }
        | AskError::RateLimited { .. }
        | AskError::LeftAlone { .. }
        | AskError::Budget { .. }
        | AskError::Limit { .. }
        | AskError::Resting
        | AskError::Refused { .. }
        | AskError::Provider { .. }
        | AskError::Network { .. }
        | AskError::TimedOut { .. }
        | AskError::Truncated { .. }
        | AskError::Malformed { .. }
        | AskError::TooLarge { .. }
        | AskError::NoEmbeddings
        | AskError::Diverged(_)
        | AskError::NothingRecorded
        | AskError::EveryRoute { .. }
        | AskError::PriceUnknown { .. }
        | AskError::Scaffold(_)
        | AskError::Cancelled
        | AskError::Store(_) => Verdict::None,
    }
}

fn relayed_verdict(refusal: &Refusal) -> Verdict {
    if refusal.no_access || matches!(refusal.status, 401..=403) {
        return Verdict::Refused;
    }
    match (refusal.status, refusal.retry) {
        (TOO_MANY, Retry::After(wait_ms)) => Verdict::Cools(wait_ms),
        (TOO_MANY, Retry::Never | Retry::Soon | Retry::Backoff) => Verdict::Cools(COOL_MS),
        _ => Verdict::None,
    }
}

/// The status of a key that was used too often.
const TOO_MANY: u16 = 429;
