//! Chooses who is asked where several may answer, and asks the next where one does not.
//!
//! It stands outside the budget: each route that is asked is reserved, billed and recorded as an ask
//! of its own, so that the record says who cost what, and why the next one was asked. It stands
//! inside the caches: whoever answered, the question is answered.

use std::{
    collections::BTreeMap,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};

use atelier_model::{
    AskId, BoxFuture, ChoiceReason, PassedOver, PassedOverReason, Reply, RouteChoice, Strategy,
};

use crate::{
    AskError, AskErrorKind, RouteFailure,
    gateway::{BYTES_PER_TOKEN, Channel, expected_output_tokens},
    layers::{Failure, Layer, Next, Passage},
    routing::{Health, Needs, Order, Standing, order},
};

/// Milliseconds a route is left alone that failed after all its tries, where others can answer.
const FAILED_REST_MS: u64 = 5_000;

/// Milliseconds a route is left alone whose key is refused: somebody may be mending it.
const REFUSED_REST_MS: u64 = 60_000;

/// Milliseconds a route is left alone at most, whatever its provider asks for.
const REST_MS_MAX: u64 = 3_600_000;

/// Remembers how every route answered lately, whoever asked. It holds the routes of one
/// configuration and no others, so it does not grow.
#[derive(Default)]
pub(crate) struct Routes {
    known: Arc<Known>,
}

/// The health of routes, by their names and addresses.
#[derive(Default)]
struct Known(Mutex<BTreeMap<String, Health>>);

/// One question under way at a route. Whoever drops it has ended it.
struct UnderWay {
    known: Arc<Known>,
    name: String,
}

impl Layer for Routes {
    fn ask<'a>(
        &'a self,
        passage: &'a mut Passage<'_>,
        next: Next<'a>,
    ) -> BoxFuture<'a, Result<Reply, Failure>> {
        Box::pin(async move {
            if passage.channels.is_alone() {
                return next.run(passage).await;
            }
            self.among_several(passage, next).await
        })
    }
}

impl Routes {
    async fn among_several(
        &self,
        passage: &mut Passage<'_>,
        next: Next<'_>,
    ) -> Result<Reply, Failure> {
        let order = self.order(passage);
        let mut failures = Vec::new();
        for (tried, &place) in order.places.iter().enumerate() {
            let choice = choice(passage, &order, place, &failures);
            passage.turn_to(place, choice);
            passage.has_standby = tried + 1 < order.places.len();
            let failure = match self.one(passage, next).await {
                Ok(reply) => return Ok(reply),
                Err(failure) => failure,
            };
            let is_last = !moves_on(&failure.error);
            if is_last && (failures.is_empty() || !is_told(&failure.error)) {
                return Err(failure);
            }
            failures.push(RouteFailure {
                route: passage.route.label(),
                at: passage.record.at,
                tries: passage.sendings,
                error: failure.error,
            });
            if is_last {
                break;
            }
        }
        Err(Failure::free(AskError::of_routes(failures)))
    }

    /// Asks the route that the passage stands at.
    async fn one(&self, passage: &mut Passage<'_>, next: Next<'_>) -> Result<Reply, Failure> {
        let under_way = UnderWay::new(&self.known, name(passage.channels.at(passage.place)));
        let answered = next.run(passage).await;
        let now = passage.clock.now();
        match &answered {
            Ok(reply) => under_way.note(|health| health.answered(reply.latency_ms, now)),
            Err(failure) => {
                if let Some(rest_ms) = rest_ms(&failure.error) {
                    under_way.note(|health| health.rest(rest_ms.min(REST_MS_MAX), now));
                }
            }
        }
        answered
    }

    fn order(&self, passage: &Passage<'_>) -> Order {
        let standings: Vec<Standing> = {
            let known = self.known.lock();
            let health = |channel| known.get(&name(channel)).copied().unwrap_or_default();
            let channels = passage.channels.iter();
            channels
                .map(|channel| Standing {
                    abilities: channel.abilities,
                    price: channel.price,
                    health: health(channel),
                    tokens_max: channel.route.tokens_max,
                })
                .collect()
        };
        let strategy = passage.channels.strategy;
        let draw = match strategy {
            Strategy::Latency => passage.ids.bits(),
            Strategy::Static | Strategy::Cost => 0,
        };
        let now = passage.clock.now();
        order(strategy, &standings, &needs(passage), now, draw)
    }
}

impl Known {
    /// The notes of a route are plain numbers, so no panic leaves them half written.
    fn lock(&self) -> MutexGuard<'_, BTreeMap<String, Health>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl UnderWay {
    fn new(known: &Arc<Known>, name: String) -> Self {
        let under_way = Self {
            known: Arc::clone(known),
            name,
        };
        under_way.note(Health::began);
        under_way
    }

    fn note(&self, change: impl FnOnce(&mut Health)) {
        let mut known = self.known.lock();
        match known.get_mut(&self.name) {
            Some(health) => change(health),
            None => change(known.entry(self.name.clone()).or_default()),
        }
    }
}

impl Drop for UnderWay {
    fn drop(&mut self) {
        self.note(Health::ended);
    }
}

impl Passage<'_> {
    /// Goes on with the channel at a place, as an ask of its own on the record.
    fn turn_to(&mut self, place: usize, choice: RouteChoice) {
        let channel = self.channels.at(place);
        if choice.reason == ChoiceReason::Fallback {
            self.record.at = self.clock.now();
            self.record.id = AskId::new(self.record.at, self.ids);
        }
        channel.route.name().clone_into(&mut self.record.provider);
        channel.route.model.clone_into(&mut self.record.model);
        self.record.choice = Some(choice);
        self.place = place;
        self.route = &channel.route;
        self.provider = &*channel.provider;
        self.price = channel.price;
        self.sendings = 0;
        self.turned_away = 0;
    }
}

/// A route of the configuration, and no other.
fn name(channel: &Channel) -> String {
    let route = &channel.route;
    match &route.base_url {
        Some(url) => format!("{} {url}", route.label()),
        None => route.label(),
    }
}

fn needs(passage: &Passage<'_>) -> Needs {
    let ask = passage.ask;
    let texts = ask.messages.iter().map(|message| message.text.len());
    let bytes = u64::try_from(texts.sum::<usize>()).unwrap_or(u64::MAX);
    Needs {
        input_tokens: bytes.div_ceil(BYTES_PER_TOKEN),
        output_tokens: expected_output_tokens(ask.stage).min(passage.route.tokens_max),
        schema: ask.schema.is_some() && passage.route.structured,
        tools: false,
        images: false,
        budget: passage.budget.is_some(),
    }
}

/// Why the channel at a place is asked now, and what became of those before it.
fn choice(
    passage: &Passage<'_>,
    order: &Order,
    place: usize,
    failures: &[RouteFailure],
) -> RouteChoice {
    let failed = failures.iter().map(|failure| PassedOver {
        route: failure.route.clone(),
        why: PassedOverReason::Failed {
            error: failure.error.to_string(),
        },
    });
    let asked = order.places.iter().take(failures.len());
    let asked: Vec<usize> = asked.copied().chain([place]).collect();
    let before = order.passed_over.iter();
    let before = before.filter(|(over, _)| !asked.contains(over));
    let before = before.map(|(over, why)| PassedOver {
        route: passage.channels.at(*over).route.label(),
        why: why.clone(),
    });
    RouteChoice {
        strategy: passage.channels.strategy,
        reason: if failures.is_empty() {
            order.reason.clone()
        } else {
            ChoiceReason::Fallback
        },
        passed_over: before.chain(failed).collect(),
    }
}

/// Whether another route may fare better. Money, patience and the state are the same for all.
fn moves_on(error: &AskError) -> bool {
    match error.kind() {
        AskErrorKind::Provider => true,
        AskErrorKind::Credentials => !matches!(error, AskError::NoEmbeddings),
        AskErrorKind::Budget | AskErrorKind::Cancelled | AskErrorKind::Internal => false,
    }
}

/// Whether an end belongs into the story of the routes before it: more money would have gone on.
fn is_told(error: &AskError) -> bool {
    error.kind() == AskErrorKind::Budget
}

/// Milliseconds a route is left alone after a failure; `None` where it concerns this ask alone.
fn rest_ms(error: &AskError) -> Option<u64> {
    match error {
        AskError::LeftAlone { wait_ms, .. } => Some(*wait_ms),
        AskError::RateLimited { retry_after_ms, .. } => {
            Some(retry_after_ms.unwrap_or(FAILED_REST_MS))
        }
        AskError::Provider { .. }
        | AskError::Network { .. }
        | AskError::TimedOut { .. }
        | AskError::Truncated { .. } => Some(FAILED_REST_MS),
        AskError::Credentials { .. } => Some(REFUSED_REST_MS),
        AskError::Budget { .. }
        | AskError::Refused { .. }
        | AskError::Malformed { .. }
        | AskError::TooLarge { .. }
        | AskError::NoEmbeddings
        | AskError::PriceUnknown { .. }
        | AskError::Scaffold(_)
        | AskError::Cancelled
        | AskError::EveryRoute { .. }
        | AskError::Store(_) => None,
    }
}
