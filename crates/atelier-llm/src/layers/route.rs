//! Chooses who is asked where several may answer, and asks the next where one does not.
//!
//! It stands outside the budget: each route that is asked is reserved, billed and recorded as an ask
//! of its own, so that the record says who cost what, and why the next one was asked. It stands
//! inside the caches: whoever answered, the question is answered.

mod choice;
mod known;
mod relayed;

use std::sync::Arc;

use atelier_model::{
    AskId, BoxFuture, ChoiceReason, IdSource, MicroUsd, Reply, RouteChoice, Strategy,
};

use self::{
    choice::{Asked, chosen},
    known::{Known, UnderWay, rest_ms},
};
use crate::{
    AskError, AskErrorKind, RouteFailure,
    gateway::{BYTES_PER_TOKEN, expected_output_tokens},
    layers::{Failure, GivenUp, Layer, Next, Passage},
    relay::{Opened, Refusal, Transit},
    routing::{Needs, Order, Standing, order},
};

/// Remembers how every route answered lately, whoever asked.
#[derive(Default)]
pub(crate) struct Routes {
    known: Arc<Known>,
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
            self.ask_among(passage, next).await
        })
    }

    fn open<'a>(
        &'a self,
        transit: &'a mut Transit,
        next: Next<'a>,
    ) -> BoxFuture<'a, Result<Opened, Refusal>> {
        let Some(group) = transit.routes.group_of(&transit.prepared).cloned() else {
            return next.open(transit);
        };
        Box::pin(async move { self.open_among(transit, &group, next).await })
    }
}

impl Routes {
    /// Asks one of several after another.
    async fn ask_among(&self, passage: &mut Passage<'_>, next: Next<'_>) -> Result<Reply, Failure> {
        let order = self.order(passage);
        let channels = passage.channels.iter();
        let labels: Vec<String> = channels.map(|channel| channel.route.label()).collect();
        let mut failures = Vec::new();
        for (tried, &place) in order.places.iter().enumerate() {
            let choice = chosen(&Asked {
                strategy: passage.channels.strategy,
                order: &order,
                labels: &labels,
                failures: failures.iter().collect(),
            });
            passage.turn_to(place, choice);
            passage.standby = order.places.get(tried + 1).copied();
            passage.has_standby = passage.standby.is_some();
            let failure = match self.ask_one(passage, next).await {
                Ok(reply) => return Ok(reply),
                Err(failure) => failure,
            };
            let is_last = !moves_on(&failure.error);
            if is_last && (failures.is_empty() || !is_told(&failure.error)) {
                return Err(failure);
            }
            let kind = failure.error.kind();
            failures.push(RouteFailure {
                route: passage.route.label(),
                at: passage.record.at,
                tries: passage.sendings,
                error: failure.error,
            });
            if is_last || !passage.has_standby {
                break;
            }
            passage.give_up(kind);
        }
        Err(Failure::free(AskError::of_routes(failures)))
    }

    /// Asks the route that the passage stands at.
    async fn ask_one(&self, passage: &mut Passage<'_>, next: Next<'_>) -> Result<Reply, Failure> {
        let under_way = UnderWay::new(&self.known, passage.route);
        let (asked, begun) = (passage.route, passage.clock.now());
        let answered = next.run(passage).await;
        let now = passage.clock.now();
        match &answered {
            Ok(reply) => {
                // Of one that another was faster than, only that is known.
                let is_other = !std::ptr::eq(asked, passage.route);
                let took_ms = if is_other {
                    now.millis_since(begun)
                } else {
                    reply.latency_ms
                };
                under_way.note(|health| health.answered(took_ms, now));
            }
            Err(failure) => {
                if let Some(rest_ms) = rest_ms(&failure.error) {
                    under_way.note(|health| health.rest(rest_ms, now));
                }
            }
        }
        answered
    }

    fn order(&self, passage: &Passage<'_>) -> Order {
        let (channels, now) = (passage.channels, passage.clock.now());
        let health = self.known.of(channels.iter().map(|channel| &channel.route));
        let standings: Vec<Standing> = channels
            .iter()
            .zip(health)
            .map(|(channel, health)| Standing {
                abilities: channel.abilities,
                price: channel.price(now),
                health,
                tokens_max: channel.route.tokens_max,
            })
            .collect();
        let draw = draw(channels.strategy, passage.ids);
        order(channels.strategy, &standings, &needs(passage), now, draw)
    }
}

impl Passage<'_> {
    /// Notes that the route it stands at did not answer, before another is turned to.
    fn give_up(&mut self, kind: AskErrorKind) {
        let mut record = self.record.clone();
        record.latency_ms = self.clock.now().millis_since(record.at);
        self.given_up.push(GivenUp {
            record,
            kind,
            sendings: self.sendings,
        });
    }

    /// Goes on with the channel at a place, as an ask of its own on the record.
    fn turn_to(&mut self, place: usize, choice: RouteChoice) {
        let channel = self.channels.at(place);
        if choice.reason == ChoiceReason::Fallback {
            self.record.at = self.clock.now();
            self.record.id = AskId::new(self.record.at, self.ids);
            self.record.cost = MicroUsd::ZERO;
        }
        channel.route.name().clone_into(&mut self.record.provider);
        channel.route.model.clone_into(&mut self.record.model);
        self.record.choice = Some(choice);
        self.route = &channel.route;
        self.provider = &*channel.provider;
        self.price = channel.price(self.clock.now());
        self.key = None;
        self.has_spare_key = false;
        self.sendings = 0;
        self.turned_away = 0;
    }
}

/// Bits of chance, where the strategy draws.
fn draw(strategy: Strategy, ids: &dyn IdSource) -> u128 {
    match strategy {
        Strategy::Latency => ids.bits(),
        Strategy::Static | Strategy::Cost => 0,
    }
}

fn needs(passage: &Passage<'_>) -> Needs {
    let ask = &*passage.ask;
    let texts = ask.messages.iter().map(|message| message.text.len());
    let bytes = u64::try_from(texts.sum::<usize>()).unwrap_or(u64::MAX);
    Needs {
        input_tokens: bytes.div_ceil(BYTES_PER_TOKEN),
        output_tokens: expected_output_tokens(ask.stage).min(passage.route.tokens_max),
        schema: ask.schema.is_some() && passage.route.structured,
        tools: false,
        images: false,
        budget: passage.budgets.has_usd(),
    }
}

/// Whether another route may fare better. Money, patience and the state are the same for all.
fn moves_on(error: &AskError) -> bool {
    match error.kind() {
        AskErrorKind::Provider => true,
        AskErrorKind::Credentials => !matches!(error, AskError::NoEmbeddings),
        AskErrorKind::Budget
        | AskErrorKind::Diverged
        | AskErrorKind::Cancelled
        | AskErrorKind::Internal => false,
    }
}

/// Whether an end belongs into the story of the routes before it: more money would have gone on.
fn is_told(error: &AskError) -> bool {
    error.kind() == AskErrorKind::Budget
}
