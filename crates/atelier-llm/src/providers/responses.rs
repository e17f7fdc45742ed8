//! `OpenAI` and servers that speak its responses.

use serde_json::json;

use crate::{
    Call, ProviderEntry,
    providers::{
        Abilities, AnswersFrom, embedder, endpoint,
        hosted::{KeyHeader, Spoken, host, written},
    },
    wire::{
        responses::{Item, Responses, ResponsesRequest, text_format},
        turns::turns,
    },
};

/// The registry's line.
pub(super) const ENTRY: ProviderEntry = ProviderEntry {
    name: "responses",
    about: "OpenAI, or any server that speaks its responses, its newer dialect",
    default_base_url: Some("https://api.openai.com/v1"),
    key_variables: &["OPENAI_API_KEY"],
    address_variables: &["OPENAI_BASE_URL", "OPENAI_API_BASE"],
    needs_key: true,
    answers_from: AnswersFrom::Messages,
    abilities: Abilities::ALL,
    build: |entry, route, transport| {
        let addresses = endpoint::addresses(route, entry, endpoint::VERSION, &["responses"])?;
        let headers = KeyHeader::BEARER.headers(route)?;
        host(entry, route, transport, (addresses, headers), Speech)
    },
    build_embedder: Some(embedder::compatible),
};

struct Speech;

impl Spoken for Speech {
    type Dialect = Responses;

    fn body(&self, call: &Call<'_>) -> Vec<u8> {
        body(call)
    }
}

/// The body of a request.
pub(crate) fn body(call: &Call<'_>) -> Vec<u8> {
    let route = call.route;
    let (instructions, turns) = turns(&call.ask.messages);
    written(&ResponsesRequest {
        model: &route.model,
        instructions,
        input: turns.into_iter().map(Item::from).collect(),
        temperature: route.temperature,
        max_output_tokens: route.tokens_max,
        reasoning: route.effort.map(|effort| json!({"effort": effort.name()})),
        text: call
            .schema()
            .map(|(name, schema)| text_format(name, schema)),
        store: false,
        stream: route.stream,
    })
}
