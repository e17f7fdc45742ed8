//! Gemini, and servers that speak its content generation.

use crate::{
    Call, Effort, ProviderEntry, Route,
    providers::{
        Abilities, AnswersFrom, embedder, endpoint,
        hosted::{KeyHeader, Spoken, host, written},
    },
    wire::{
        gemini::{Content, GenerateRequest, Generated, GenerationConfig, ThinkingConfig},
        schema,
        turns::turns,
    },
};

/// The version that is added where a base has none.
pub(super) const VERSION: &str = "v1beta";

/// Where the key goes.
pub(super) const KEY: KeyHeader = KeyHeader::named("x-goog-api-key");

/// The registry's line.
pub(super) const ENTRY: ProviderEntry = ProviderEntry {
    name: "gemini",
    about: "Google Gemini",
    default_base_url: Some("https://generativelanguage.googleapis.com/v1beta"),
    key_variables: &["GEMINI_API_KEY", "GOOGLE_API_KEY"],
    address_variables: &["GEMINI_BASE_URL", "GOOGLE_GEMINI_BASE_URL"],
    needs_key: true,
    answers_from: AnswersFrom::Messages,
    abilities: Abilities::ALL,
    build: |entry, route, transport| {
        let question = question(route);
        let segments = ["models", question.as_str()];
        let mut addresses = endpoint::addresses(route, entry, VERSION, &segments)?;
        if route.stream {
            addresses.0.query_pairs_mut().append_pair("alt", "sse");
        }
        let headers = KEY.headers(route)?;
        host(entry, route, transport, (addresses, headers), Gemini)
    },
    build_embedder: Some(embedder::gemini),
};

/// The last segment of the address: this dialect names model and method there.
pub(super) fn question(route: &Route) -> String {
    let method = if route.stream {
        "streamGenerateContent"
    } else {
        "generateContent"
    };
    format!("{}:{method}", model(route))
}

/// The name of a model; some lists write their own name before it.
pub(super) fn model(route: &Route) -> &str {
    route.model.trim_start_matches("models/")
}

struct Gemini;

impl Spoken for Gemini {
    type Dialect = Generated;

    fn body(&self, call: &Call<'_>) -> Vec<u8> {
        body(call)
    }
}

/// The body of a request.
pub(crate) fn body(call: &Call<'_>) -> Vec<u8> {
    let route = call.route;
    let (standing, turns) = turns(&call.ask.messages);
    let format = call.schema().map(|(_, value)| schema::unmarked(value));
    written(&GenerateRequest {
        system_instruction: (!standing.is_empty()).then(|| Content::standing(standing)),
        contents: turns.into_iter().map(Content::from).collect(),
        generation_config: GenerationConfig {
            temperature: route.temperature,
            max_output_tokens: route.tokens_max,
            response_mime_type: format.is_some().then_some("application/json"),
            response_json_schema: format,
            thinking_config: route.effort.map(|effort| thinking(effort, model(route))),
        },
    })
}

/// How an effort is said to a model: as a level, or to older models as a number of tokens.
pub(crate) fn thinking(effort: Effort, model: &str) -> ThinkingConfig {
    if !model.starts_with("gemini-2.5") {
        return ThinkingConfig::level(match effort {
            Effort::Low => "LOW",
            Effort::Medium => "MEDIUM",
            Effort::High => "HIGH",
        });
    }
    ThinkingConfig::budget(thinking_tokens(effort))
}

/// The number of tokens that the vendor itself puts for an effort.
pub(crate) fn thinking_tokens(effort: Effort) -> u64 {
    match effort {
        Effort::Low => 1_024,
        Effort::Medium => 8_192,
        Effort::High => 24_576,
    }
}
