//! Chat completions as most servers speak them, and the habits in which they differ.

use std::sync::Arc;

use url::Url;

use crate::{
    Call, GatewayError, Provider, ProviderEntry, Route, SchemaSupport, Transport,
    providers::{
        endpoint,
        hosted::{KeyHeader, Spoken, host, written},
    },
    wire::openai::{Chat, ChatRequest, StreamOptions, schema_format, syntax_format},
};

/// The segments after the version of the question.
pub(super) const SEGMENTS: &[&str] = &["chat", "completions"];

/// How the limit of an answer's tokens is called.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum LimitName {
    /// `max_tokens`, which nearly everyone understands.
    MaxTokens,
    /// `max_completion_tokens`, which its inventor demands of newer models.
    MaxCompletionTokens,
}

/// What one server does differently from the next.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Habits {
    /// Where the key goes.
    pub(super) key: KeyHeader,
    /// How the limit of an answer is called.
    pub(crate) limit: LimitName,
    /// Whether the token counts of a stream must be asked for. Some send them always, and refuse a
    /// request that asks.
    pub(crate) asks_usage: bool,
    /// The segments after the version of the cheapest question that fails when the key is wrong.
    pub(super) probe: &'static [&'static str],
    /// Whether an answer that is held to a schema can be streamed.
    pub(crate) streams_schema: bool,
}

impl Habits {
    /// What most do.
    pub(crate) const USUAL: Self = Self {
        key: KeyHeader::BEARER,
        limit: LimitName::MaxTokens,
        asks_usage: true,
        probe: endpoint::MODELS,
        streams_schema: true,
    };
}

/// Prepares a server with the addresses that most have.
pub(super) fn build(
    entry: &'static ProviderEntry,
    route: &Route,
    transport: &Transport,
    habits: Habits,
) -> Result<Arc<dyn Provider>, GatewayError> {
    let segments = (SEGMENTS, habits.probe);
    let addresses = endpoint::probed_addresses(route, entry, endpoint::VERSION, segments)?;
    build_at(addresses, (entry, route, transport), habits)
}

/// Prepares a server with addresses of its own.
pub(super) fn build_at(
    addresses: (Url, Url),
    (entry, route, transport): (&'static ProviderEntry, &Route, &Transport),
    habits: Habits,
) -> Result<Arc<dyn Provider>, GatewayError> {
    let headers = habits.key.headers(route)?;
    let spoken = Compatible { entry, habits };
    host(entry, route, transport, (addresses, headers), spoken)
}

struct Compatible {
    entry: &'static ProviderEntry,
    habits: Habits,
}

impl Spoken for Compatible {
    type Dialect = Chat;

    fn body(&self, call: &Call<'_>) -> Vec<u8> {
        body(call, self.entry.abilities.schema, self.habits)
    }
}

/// The body of a request.
pub(crate) fn body(call: &Call<'_>, schema: SchemaSupport, habits: Habits) -> Vec<u8> {
    let route = call.route;
    let tokens_max = |name| (habits.limit == name).then_some(route.tokens_max);
    let response_format = call.schema().and_then(|(name, value)| match schema {
        SchemaSupport::Never => None,
        SchemaSupport::Syntax => Some(syntax_format()),
        SchemaSupport::Full => Some(schema_format(name, value)),
    });
    let stream = route.stream && (response_format.is_none() || habits.streams_schema);
    let asks_usage = stream && habits.asks_usage;
    written(&ChatRequest {
        model: &route.model,
        messages: call.ask.messages.iter().map(Into::into).collect(),
        temperature: route.temperature,
        max_tokens: tokens_max(LimitName::MaxTokens),
        max_completion_tokens: tokens_max(LimitName::MaxCompletionTokens),
        reasoning_effort: route.effort.map(crate::Effort::name),
        response_format,
        stream,
        stream_options: asks_usage.then_some(StreamOptions::USAGE),
    })
}
