//! The routes of relayed requests: what a request needs, and what becomes of those who fail.

use std::sync::Arc;

use atelier_model::{AuditFact, Timestamp};
use serde_json::Value;

use crate::{
    AskError, Retry, RouteFailure,
    gateway::BYTES_PER_TOKEN,
    layers::{
        Next,
        route::{
            Routes,
            choice::{Asked, chosen},
            known::UnderWay,
        },
    },
    providers::relayed::Relayed,
    relay::{Ending, Group, How, Opened, Refusal, Transit},
    routing::{Needs, Order, Standing, abilities, order},
};

/// Tokens of a usual answer to another program, where it sets no limit below.
const ANSWER_TOKENS: u64 = 1_000;

/// How deep the parts of a message may lie in which an image is looked for.
const DEPTH_MAX: u32 = 8;

impl Routes {
    /// Opens the answer of one of several.
    pub(super) async fn open_among(
        &self,
        transit: &mut Transit,
        group: &Group,
        next: Next<'_>,
    ) -> Result<Opened, Refusal> {
        let order = self.order_of(transit, group);
        let mut failures: Vec<(RouteFailure, Refusal)> = Vec::new();
        for (tried, &place) in order.places.iter().enumerate() {
            let Some(to) = group.members.get(place) else {
                continue;
            };
            let at = transit.hands.clock.now();
            let standby = order.places.get(tried + 1);
            transit.standby = standby.and_then(|place| group.members.get(*place).cloned());
            transit.has_standby = transit.standby.is_some();
            let refusal = match self
                .open_one(transit, (group, &order, to), &failures, next)
                .await
            {
                Ok(opened) => return Ok(opened),
                Err(refusal) => refusal,
            };
            if !moves_on(&refusal) && failures.is_empty() {
                return Err(refusal);
            }
            let is_last = !moves_on(&refusal) || !transit.has_standby;
            failures.push((failure(transit, (to, at), &refusal), refusal.clone()));
            if is_last {
                break;
            }
            transit.give_up(&refusal);
        }
        Err(refusal_of(failures))
    }

    async fn open_one(
        &self,
        transit: &mut Transit,
        (group, order, to): (&Group, &Order, &Arc<Relayed>),
        failures: &[(RouteFailure, Refusal)],
        next: Next<'_>,
    ) -> Result<Opened, Refusal> {
        if !Arc::ptr_eq(to, &transit.prepared.relayed) {
            let model = to.route.model.clone();
            transit.turn_to(to, &model)?;
        }
        transit.has_spare_key = false;
        let labels: Vec<String> = group.members.iter().map(|one| one.route.label()).collect();
        let failed = failures.iter().map(|(failure, _)| failure);
        let choice = chosen(&Asked {
            strategy: group.strategy,
            order,
            labels: &labels,
            failures: failed.collect(),
        });
        transit.record.decisions.push(AuditFact::RouteChosen {
            provider: transit.record.provider.clone(),
            model: transit.record.model.clone(),
            choice,
        });
        let under_way = UnderWay::new(&self.known, &to.route);
        let begun = transit.hands.clock.now();
        match next.open(transit).await {
            Ok(opened) if !Arc::ptr_eq(to, &transit.prepared.relayed) => {
                // Another was faster: of this one only that is known.
                let now = transit.hands.clock.now();
                under_way.note(|health| health.answered(now.millis_since(begun), now));
                Ok(opened)
            }
            Ok(opened) => {
                transit.at_end(move |ending| learn(&under_way, ending));
                Ok(opened)
            }
            Err(refusal) => {
                let now = transit.hands.clock.now();
                if let Some(rest_ms) = rest_ms(&refusal, to) {
                    under_way.note(|health| health.rest(rest_ms, now));
                }
                Err(refusal)
            }
        }
    }

    fn order_of(&self, transit: &Transit, group: &Group) -> Order {
        let now = transit.hands.clock.now();
        let routes = || group.members.iter().map(|relayed| &relayed.route);
        let tokens_max = transit.prepared.tokens_max;
        let health = self.known.of(routes());
        let standings: Vec<Standing> = routes()
            .zip(health)
            .map(|(route, health)| Standing {
                abilities: abilities(route),
                price: transit.routes.prices.of_route(route, &route.model, now),
                health,
                tokens_max,
            })
            .collect();
        let hands = &transit.hands;
        let draw = super::draw(group.strategy, &*hands.ids);
        order(group.strategy, &standings, &needs(transit), now, draw)
    }
}

/// What is learnt of a route at the end of an answer that it began.
fn learn(under_way: &UnderWay, ending: &Ending) {
    match &ending.how {
        How::Complete => {
            let took_ms = ending.record.latency_ms;
            under_way.note(|health| health.answered(took_ms, ending.at));
        }
        How::Cut(refusal) => {
            let error = refusal.error(&ending.record.provider);
            if let Some(rest_ms) = super::known::rest_ms(&error) {
                under_way.note(|health| health.rest(rest_ms, ending.at));
            }
        }
        How::Refused(_) | How::Abandoned => {}
    }
}

fn failure(transit: &Transit, (to, at): (&Relayed, Timestamp), refusal: &Refusal) -> RouteFailure {
    RouteFailure {
        route: to.route.label(),
        at,
        tries: transit.sendings,
        error: refusal.error_after(transit.sendings, to.route.name()),
    }
}

/// Whether another route may fare better. What is wrong with a request is wrong everywhere, and its
/// client reads the words of its own provider best.
fn moves_on(refusal: &Refusal) -> bool {
    let is_refused = matches!(
        refusal.status,
        401 | 403 | 404 | 408 | 413 | 429 | 500..=599
    );
    refusal.no_access || refusal.retry != Retry::Never || is_refused
}

/// Milliseconds a route is left alone after a refusal; `None` where it concerns this request alone.
fn rest_ms(refusal: &Refusal, to: &Relayed) -> Option<u64> {
    let is_passing = refusal.retry != Retry::Never || refusal.status >= 500;
    let is_shut = refusal.no_access || matches!(refusal.status, 401 | 403);
    let provider = to.route.name();
    if is_shut {
        let error = AskError::Credentials {
            provider: provider.to_owned(),
            model: to.route.model.clone(),
            status: Some(refusal.status),
            said: String::new(),
        };
        return super::known::rest_ms(&error);
    }
    is_passing
        .then(|| refusal.error(provider))
        .and_then(|error| super::known::rest_ms(&error))
}

/// What the client is told where nobody answered: the whole story, with the status and the headers
/// of whoever may answer soonest, else of the one that it asked for.
fn refusal_of(failures: Vec<(RouteFailure, Refusal)>) -> Refusal {
    let soonest = failures
        .iter()
        .filter_map(|(_, refusal)| match refusal.retry {
            Retry::After(wait_ms) => Some((wait_ms, refusal)),
            Retry::Never | Retry::Soon | Retry::Backoff => None,
        });
    let soonest = soonest.min_by_key(|(wait_ms, _)| *wait_ms);
    let told = soonest.map(|(_, refusal)| refusal);
    let told = told
        .or_else(|| failures.first().map(|(_, refusal)| refusal))
        .cloned();
    let billed = failures
        .last()
        .is_some_and(|(_, refusal)| refusal.may_be_billed);
    let mut told = told.unwrap_or_else(|| Refusal::new(502, "nobody answers"));
    if failures.len() > 1 {
        let failures = failures.into_iter().map(|(failure, _)| failure).collect();
        let error = AskError::of_routes(failures);
        told.said = format!("failed to {error}");
        told.body = None;
    }
    Refusal {
        // The money of those before the last is settled already.
        may_be_billed: billed,
        ..told
    }
}

fn needs(transit: &Transit) -> Needs {
    let value = transit.value();
    let images = has_image(value, DEPTH_MAX);
    // An image is many bytes and few tokens, so with one the bytes say nothing.
    let bytes = if images {
        0
    } else {
        transit.incoming.body.len()
    };
    let bytes = u64::try_from(bytes).unwrap_or(u64::MAX);
    let has = |name: &str| {
        let list = value.get(name).and_then(Value::as_array);
        list.is_some_and(|list| !list.is_empty())
    };
    Needs {
        input_tokens: bytes.div_ceil(BYTES_PER_TOKEN),
        output_tokens: transit.prepared.tokens_max.min(ANSWER_TOKENS),
        schema: is_held_to_schema(value),
        tools: has("tools") || has("functions"),
        images,
        budget: transit.is_bounded(),
    }
}

/// Whether the answer is to follow a schema, in any dialect.
fn is_held_to_schema(value: &Value) -> bool {
    let kind = [
        "/response_format/type",
        "/text/format/type",
        "/output_config/format/type",
    ];
    let is_schema =
        |path: &&str| value.pointer(path).and_then(Value::as_str) == Some("json_schema");
    let gemini = ["responseSchema", "responseJsonSchema"];
    let settings = value.get("generationConfig");
    kind.iter().any(is_schema)
        || settings.is_some_and(|settings| gemini.iter().any(|name| settings.get(name).is_some()))
}

/// Whether a part of a message is an image, in any dialect.
fn has_image(value: &Value, depth: u32) -> bool {
    let Some(deeper) = depth.checked_sub(1) else {
        return false;
    };
    match value {
        Value::Array(items) => items.iter().any(|item| has_image(item, deeper)),
        Value::Object(members) => {
            let kind = members.get("type").and_then(Value::as_str);
            matches!(kind, Some("image" | "image_url" | "input_image"))
                || members.contains_key("inlineData")
                || [
                    "messages", "input", "contents", "content", "parts", "source",
                ]
                .iter()
                .filter_map(|name| members.get(*name))
                .any(|inner| has_image(inner, deeper))
        }
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) => false,
    }
}
