//! Lets requests through as often and as much as their provider allows, first come, first served.
//!
//! It stands inside the retries, since providers count every sending.

mod desk;

use atelier_keys::PickedKey;
use atelier_model::{AuditFact, AuditNote, BoxFuture, Digest, Reply, Timestamp};

use crate::{
    AskError, Retry, Route,
    layers::{
        Failure, Layer, Next, Passage,
        limit::desk::{Asker, Patience, Turned},
        retry::{RELAYED_WAIT_MS_MAX, STANDBY_WAIT_MS_MAX},
    },
    limit::{
        contract::Contract,
        gate::{Ending, LimitState},
        rate::{Rate, RateTable},
        turnstile::Approach,
        weights::Load,
    },
    relay::{Demand, How, Opened, Refusal, Transit},
};

pub(crate) use desk::{Desk, Permit};

/// The status of a request that comes too often.
const TOO_MANY: u16 = 429;

/// Bytes up to which a request is taken for text.
const PLAIN_BYTES_MAX: usize = 32 * 1024;

/// Bytes that a picture or a file counts for, whatever its size: providers scale them down.
const MEDIA_BYTES: u64 = 6_000;

/// How deep a request is looked into for pictures.
const DEPTH_MAX: usize = 16;

/// Knows every limit, and who waits.
#[derive(Default)]
pub(crate) struct Limiter {
    desk: Desk,
}

impl Layer for Limiter {
    fn ask<'a>(
        &'a self,
        passage: &'a mut Passage<'_>,
        next: Next<'a>,
    ) -> BoxFuture<'a, Result<Reply, Failure>> {
        Box::pin(async move {
            let route = passage.route;
            let name = Name::of(route, &route.model, passage.key.as_ref());
            let approach = name.approach(route, passage.rates, "");
            let asker = Asker {
                clock: passage.clock_shared,
                cancel: Some(passage.cancel),
                patience: patience(passage),
            };
            let load = load(passage);
            let admitted = self.desk.admit(&approach, load, passage.number, asker);
            let permit = match admitted.await {
                Ok(permit) => permit,
                Err(turned) => return Err(turned_away(turned, passage)),
            };
            if let Some(fact) = waited(&permit, passage.route, &passage.route.model) {
                note(passage, fact);
            }
            passage.number = Some(permit.number());
            passage.permit = Some(permit.clone());
            let before = passage.sendings;
            let answered = next.run(passage).await;
            passage.permit = None;
            let ending = match &answered {
                Ok(reply) => Ending::Answered(reply.usage),
                Err(_) if passage.sendings == before => Ending::Unsent,
                Err(failure) => ending(failure),
            };
            let last = answered.as_ref().err().map(|failure| &failure.error);
            permit.end(&ending, last);
            answered
        })
    }

    fn limits(&self, now: Timestamp) -> Vec<LimitState> {
        self.desk.states(now)
    }

    fn open<'a>(
        &'a self,
        transit: &'a mut Transit,
        next: Next<'a>,
    ) -> BoxFuture<'a, Result<Opened, Refusal>> {
        Box::pin(async move {
            let routes = transit.routes.clone();
            let relayed = transit.prepared.relayed.clone();
            let name = Name::of(
                &relayed.route,
                &transit.prepared.model,
                transit.key_sent.as_ref(),
            );
            let kind = match transit.incoming.demand {
                Demand::Answer | Demand::Embeddings => "",
                // Vendors count it apart.
                Demand::Count => "count",
            };
            let approach = name.approach(&relayed.route, &routes.rates, kind);
            let asker = Asker {
                clock: &transit.hands.clock,
                cancel: None,
                patience: relayed_patience(transit),
            };
            let load = relayed_load(transit);
            let admitted = self.desk.admit(&approach, load, transit.number, asker);
            let permit = match admitted.await {
                Ok(permit) => permit,
                Err(turned) => return Err(sent_away(turned, transit)),
            };
            let fact = waited(&permit, &relayed.route, &transit.prepared.model);
            transit.record.decisions.extend(fact);
            transit.number = Some(permit.number());
            transit.permit = Some(permit.clone());
            let before = transit.sendings;
            let opened = next.open(transit).await;
            transit.permit = None;
            let refusal = match opened {
                Ok(opened) => {
                    transit.at_end(move |end| permit.end(&relayed_ending(end), None));
                    return Ok(opened);
                }
                Err(refusal) => refusal,
            };
            if transit.sendings == before {
                permit.end(&Ending::Unsent, None);
                return Err(refusal);
            }
            let last = refusal.error(relayed.route.name());
            permit.end(&refused(&refusal), Some(&last));
            // Where the provider does not say how long to wait, the gate still stays shut.
            match permit.shut_ms() {
                Some(wait_ms) if refusal.status == TOO_MANY && !refusal.says_wait() => {
                    Err(refusal.with_wait(wait_ms))
                }
                Some(_) | None => Err(refusal),
            }
        })
    }
}

/// Who is asked with which key.
struct Name<'a> {
    provider: &'a str,
    model: &'a str,
    key: Digest,
}

impl<'a> Name<'a> {
    fn of(route: &'a Route, model: &'a str, key: Option<&PickedKey>) -> Self {
        let own = || route.usable_key().map_or("", |key| key.expose());
        let key = key.map_or_else(own, |key| &*key.id);
        Self {
            provider: route.name(),
            model,
            key: Digest::of(key),
        }
    }

    /// Whose limits concern it.
    fn approach<'t>(&self, route: &Route, rates: &'t RateTable, kind: &str) -> Approach<'t>
    where
        'a: 't,
    {
        let contract = Contract::of(&route.provider);
        let address = route.base_url.as_ref().map_or("", |url| url.as_str());
        let lines = rates.of(self.provider, self.model).into_iter();
        let line = |(name, rate): (&'t str, &'t Rate)| (self.digest(&["rate", name]), name, rate);
        Approach {
            target: self.digest(&[kind, self.provider, address, self.model]),
            contract,
            label: (self.provider, self.model),
            trial: contract.tells() && !route.is_local(),
            rates: if kind.is_empty() {
                lines.map(line).collect()
            } else {
                Vec::new()
            },
        }
    }

    /// The name of a gate: words and a key, of which nothing can be read back.
    fn digest(&self, words: &[&str]) -> Digest {
        let mut text = Vec::with_capacity(128);
        for word in words {
            text.extend_from_slice(word.as_bytes());
            text.push(0);
        }
        text.extend_from_slice(self.key.as_bytes());
        Digest::of(text)
    }
}

/// What an ask is going to use up.
fn load(passage: &Passage<'_>) -> Load {
    let messages = &passage.ask.messages;
    let texts = messages.iter().map(|message| message.text.len());
    let schema = passage.ask.schema.as_ref();
    let schema = schema.filter(|_| passage.route.structured);
    let schema = schema.map_or(0, |(_, schema)| schema.to_string().len());
    Load {
        bytes: count(texts.sum::<usize>().saturating_add(schema)),
        tokens_max: Some(passage.route.tokens_max),
    }
}

/// What a relayed request is going to use up.
fn relayed_load(transit: &Transit) -> Load {
    let prepared = &transit.prepared;
    let bytes = if prepared.body.len() <= PLAIN_BYTES_MAX {
        count(prepared.body.len())
    } else {
        text_bytes(transit.value(), DEPTH_MAX)
    };
    Load {
        bytes,
        tokens_max: Some(prepared.tokens_max),
    }
}

/// Bytes of a request without those of its pictures and files.
fn text_bytes(value: &serde_json::Value, depth: usize) -> u64 {
    use serde_json::Value as V;
    match value {
        V::Null | V::Bool(_) | V::Number(_) => 4,
        V::String(text) if text.starts_with("data:") => MEDIA_BYTES,
        V::String(text) => count(text.len()),
        V::Array(_) | V::Object(_) if depth == 0 => MEDIA_BYTES,
        V::Array(values) => values
            .iter()
            .map(|value| text_bytes(value, depth - 1))
            .sum(),
        V::Object(members) => {
            let member = |(name, value): (&String, &V)| {
                let is_media = name == "data" && value.is_string();
                let bytes = if is_media {
                    MEDIA_BYTES
                } else {
                    text_bytes(value, depth - 1)
                };
                bytes.saturating_add(count(name.len()))
            };
            members.iter().map(member).sum()
        }
    }
}

fn count(size: usize) -> u64 {
    u64::try_from(size).unwrap_or(u64::MAX)
}

/// How long an ask waits.
fn patience(passage: &Passage<'_>) -> Patience {
    let limits = passage.limits;
    let longest = Patience {
        asked_ms_max: limits.retry_wait_ms_max,
        rate_ms_max: limits.rate_wait_ms_max,
    };
    longest.with_standby(passage.has_standby || passage.has_spare_key)
}

/// How long a relayed request waits.
fn relayed_patience(transit: &Transit) -> Patience {
    let limits = transit.limits();
    let longest = Patience {
        asked_ms_max: limits.retry_wait_ms_max.min(RELAYED_WAIT_MS_MAX),
        rate_ms_max: limits.rate_wait_ms_max,
    };
    longest.with_standby(transit.has_standby || transit.has_spare_key)
}

impl Patience {
    fn with_standby(self, has_standby: bool) -> Self {
        let most = if has_standby {
            STANDBY_WAIT_MS_MAX
        } else {
            u64::MAX
        };
        Self {
            asked_ms_max: self.asked_ms_max.min(most),
            rate_ms_max: self.rate_ms_max.min(most),
        }
    }
}

/// How a failed sending ended, as far as limits are concerned.
fn ending(failure: &Failure) -> Ending {
    if let AskError::RateLimited {
        status: TOO_MANY,
        retry_after_ms,
        ..
    } = failure.error
    {
        return Ending::Crowded {
            wait_ms: retry_after_ms,
        };
    }
    let is_unreached = matches!(failure.error, AskError::Network { .. });
    match failure.may_be_billed {
        true => Ending::Lost,
        false if is_unreached => Ending::Unsent,
        false => Ending::Refused,
    }
}

fn refused(refusal: &Refusal) -> Ending {
    match refusal.retry {
        Retry::After(wait_ms) if refusal.status == TOO_MANY => Ending::Crowded {
            wait_ms: Some(wait_ms),
        },
        Retry::Soon => Ending::Unsent,
        Retry::Backoff if refusal.status == TOO_MANY => Ending::Crowded { wait_ms: None },
        Retry::After(_) | Retry::Backoff | Retry::Never if refusal.may_be_billed => Ending::Lost,
        Retry::After(_) | Retry::Backoff | Retry::Never => Ending::Refused,
    }
}

fn relayed_ending(end: &crate::relay::Ending) -> Ending {
    match &end.how {
        How::Complete => Ending::Answered(end.record.usage),
        How::Cut(_) | How::Abandoned => Ending::Lost,
        How::Refused(refusal) => refused(refusal),
    }
}

/// What the audit log is to say of a request that had to wait.
fn waited(permit: &Permit, route: &Route, model: &str) -> Option<AuditFact> {
    let wait_ms = permit.waited_ms();
    (wait_ms > 0).then(|| AuditFact::LimitWaited {
        provider: route.name().to_owned(),
        model: model.to_owned(),
        wait_ms,
    })
}

/// What the audit log is to say of a request that was not sent.
fn refused_fact(route: &Route, wait_ms: u64) -> AuditFact {
    AuditFact::LimitRefused {
        of: route.name().to_owned(),
        wait_ms,
    }
}

fn note(passage: &Passage<'_>, fact: AuditFact) {
    passage.store.audit_note(AuditNote {
        at: passage.clock.now(),
        run: Some(passage.record.run.clone()),
        task: passage.record.task.clone(),
        client: None,
        fact,
    });
}

/// What becomes of an ask that may not be sent.
fn turned_away(turned: Turned, passage: &Passage<'_>) -> Failure {
    let route = passage.route;
    if let Some(wait_ms) = turned.wait_ms() {
        note(passage, refused_fact(route, wait_ms));
    }
    match turned {
        Turned::Cancelled => Failure::cancelled(false),
        Turned::Asked { wait_ms, last } => Failure {
            retry: Retry::After(wait_ms),
            ..Failure::free(left_alone(route, &route.model, wait_ms, last))
        },
        Turned::Slow { limit, wait_ms } => {
            Failure::free(over_rate(route, &route.model, limit, wait_ms))
        }
    }
}

/// What becomes of a relayed request that may not be sent. Its client learns how long to wait.
fn sent_away(turned: Turned, transit: &mut Transit) -> Refusal {
    let route = &transit.prepared.relayed.route;
    let model = &transit.prepared.model;
    let fact = turned.wait_ms().map(|wait_ms| refused_fact(route, wait_ms));
    transit.record.decisions.extend(fact);
    let (error, wait_ms, cause) = match turned {
        Turned::Cancelled => return Refusal::new(TOO_MANY, "the request was cancelled"),
        Turned::Asked { wait_ms, last } => {
            let cause = last.as_ref().map(|last| format!(": {last}"));
            let error = left_alone(route, model, wait_ms, last);
            (error, wait_ms, cause.unwrap_or_default())
        }
        Turned::Slow { limit, wait_ms } => {
            let error = over_rate(route, model, limit, wait_ms);
            (error, wait_ms, String::new())
        }
    };
    transit.turned_away += 1;
    Refusal {
        retry: Retry::After(wait_ms),
        ..Refusal::new(TOO_MANY, format!("failed to {error}{cause}"))
    }
    .with_wait(wait_ms)
}

fn left_alone(route: &Route, model: &str, wait_ms: u64, last: Option<AskError>) -> AskError {
    AskError::LeftAlone {
        provider: route.name().to_owned(),
        model: model.to_owned(),
        wait_ms,
        last: last.map(Box::new),
    }
}

fn over_rate(route: &Route, model: &str, limit: String, wait_ms: u64) -> AskError {
    AskError::OverRate {
        provider: route.name().to_owned(),
        model: model.to_owned(),
        limit,
        wait_ms,
    }
}
