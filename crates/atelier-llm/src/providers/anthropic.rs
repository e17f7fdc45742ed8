//! Anthropic, and servers that speak its messages.

use atelier_model::Stage;
use reqwest::header::{HeaderName, HeaderValue};

use crate::{
    Call, ProviderEntry, Route,
    providers::{
        Abilities, AnswersFrom, endpoint,
        hosted::{KeyHeader, Spoken, host, written},
    },
    wire::{
        anthropic::{Messages, MessagesRequest, OutputConfig, Thinking, content, system},
        schema,
        turns::turns,
    },
};

pub(super) const VERSION_HEADER: HeaderName = HeaderName::from_static("anthropic-version");

/// The version of the dialect that the decoder is written for.
pub(super) const VERSION: HeaderValue = HeaderValue::from_static("2023-06-01");

/// The registry's line.
pub(crate) const ENTRY: ProviderEntry = ProviderEntry {
    name: "anthropic",
    about: "Anthropic, or any server that speaks its messages",
    default_base_url: Some("https://api.anthropic.com"),
    key_variables: &["ANTHROPIC_API_KEY"],
    address_variables: &["ANTHROPIC_BASE_URL"],
    needs_key: true,
    answers_from: AnswersFrom::Messages,
    abilities: Abilities::ALL,
    build: |entry, route, transport| {
        let addresses = endpoint::addresses(route, entry, endpoint::VERSION, &["messages"])?;
        let mut headers = KeyHeader::named("x-api-key").headers(route)?;
        headers.insert(VERSION_HEADER, VERSION);
        host(entry, route, transport, (addresses, headers), Anthropic)
    },
    build_embedder: None,
};

struct Anthropic;

impl Spoken for Anthropic {
    type Dialect = Messages;

    fn body(&self, call: &Call<'_>) -> Vec<u8> {
        body(call)
    }
}

/// The body of a request.
pub(crate) fn body(call: &Call<'_>) -> Vec<u8> {
    let route = call.route;
    let (standing, turns) = turns(&call.ask.messages);
    let (thinking, effort) = thinking(route);
    let format = call.schema().and_then(|(_, value)| schema::closed(value));
    written(&MessagesRequest {
        model: &route.model,
        max_tokens: route.tokens_max,
        system: system(standing),
        messages: content(turns, is_asked_again(call.ask.stage)),
        // A model that thinks chooses its own temperature, and refuses any other.
        temperature: route.temperature.filter(|_| thinking.is_none()),
        output_config: OutputConfig::of(effort, format),
        thinking,
        stream: route.stream,
    })
}

/// Whether conversations of a stage usually go on, so that what is read now is worth keeping in the
/// provider's prompt cache. Writing costs a quarter more than reading afresh, and reading back a
/// tenth: it pays where more than one ask in five is followed by another within minutes, as work
/// that is checked is.
fn is_asked_again(stage: Stage) -> bool {
    match stage {
        Stage::Code => true,
        Stage::Design
        | Stage::Plan
        | Stage::Detail
        | Stage::Handoff
        | Stage::Change
        | Stage::Summary
        | Stage::Docs => false,
    }
}

/// How a route's effort is said to its model: newer ones take it as it is, older ones as a number
/// of tokens.
fn thinking(route: &Route) -> (Option<Thinking>, Option<&'static str>) {
    let Some(effort) = route.effort else {
        return (None, None);
    };
    if !counts_thoughts(&route.model) {
        return (Some(Thinking::ADAPTIVE), Some(effort.name()));
    }
    (Thinking::budget(effort, route.tokens_max), None)
}

/// The beginnings of the models whose thoughts are bounded by a number of tokens.
const COUNTING: [&str; 9] = [
    "claude-3-7-",
    "claude-opus-4-0",
    "claude-opus-4-1",
    "claude-opus-4-2025",
    "claude-opus-4-5",
    "claude-sonnet-4-0",
    "claude-sonnet-4-2025",
    "claude-sonnet-4-5",
    "claude-haiku-4-5",
];

/// Whether a model takes effort as a number of tokens only.
pub(crate) fn counts_thoughts(model: &str) -> bool {
    let is_first_of_four = matches!(model, "claude-opus-4" | "claude-sonnet-4");
    is_first_of_four || COUNTING.iter().any(|start| model.starts_with(start))
}
