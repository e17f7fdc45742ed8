//! `OpenAI` and every server that speaks its chat completions.

use std::sync::Arc;

use atelier_model::{BoxFuture, Limits};
use reqwest::header::{AUTHORIZATION, HeaderMap, HeaderValue};
use url::Url;

use crate::{
    Call, CallError, Completion, GatewayError, Provider, ProviderEntry, Route,
    http::{Endpoint, Transport},
    providers::{AnswersFrom, endpoint},
    wire::openai::{Chat, ChatRequest, StreamOptions, schema_format},
};

/// The host whose models take their limit under another name.
const HOST: &str = "api.openai.com";

const BASE_URL: &str = "https://api.openai.com/v1";

/// The registry's line.
pub(super) const ENTRY: ProviderEntry = ProviderEntry {
    name: "openai",
    about: "OpenAI, or any server that speaks its chat completions (Ollama, LM Studio, llama.cpp, vLLM, OpenRouter)",
    default_base_url: Some(BASE_URL),
    key_variables: &["OPENAI_API_KEY"],
    answers_from: AnswersFrom::Messages,
    build,
};

struct OpenAi {
    endpoint: Endpoint,
    is_public: bool,
}

fn build(route: &Route, transport: &Transport) -> Result<Arc<dyn Provider>, GatewayError> {
    let addresses = endpoint::addresses(route, BASE_URL, &["chat", "completions"])?;
    let is_public = is_public(&addresses.0);
    let mut headers = HeaderMap::new();
    if let Some(key) = route.usable_key() {
        let mut value = HeaderValue::try_from(format!("Bearer {}", key.expose()))
            .map_err(|_| GatewayError::Key)?;
        value.set_sensitive(true);
        headers.insert(AUTHORIZATION, value);
    }
    let endpoint = Endpoint::new(addresses, headers, route.usable_key(), transport)?;
    Ok(Arc::new(OpenAi {
        endpoint,
        is_public,
    }))
}

fn is_public(url: &Url) -> bool {
    url.host_str() == Some(HOST)
}

impl OpenAi {
    fn check_key(&self) -> Result<(), CallError> {
        if self.is_public && !self.endpoint.has_key() {
            return Err(CallError::KeyMissing);
        }
        Ok(())
    }
}

/// The request body. The public address takes the limit under another name than everyone else.
pub(crate) fn body(call: &Call<'_>, is_public: bool) -> Vec<u8> {
    let route = call.route;
    let tokens_max = Some(route.tokens_max);
    let schema = call.ask.schema.as_ref().filter(|_| route.structured);
    let request = ChatRequest {
        model: &route.model,
        messages: call.ask.messages.iter().map(Into::into).collect(),
        temperature: route.temperature,
        max_tokens: tokens_max.filter(|_| !is_public),
        max_completion_tokens: tokens_max.filter(|_| is_public),
        response_format: schema.map(|(name, schema)| schema_format(name, schema)),
        stream: route.stream,
        stream_options: route.stream.then_some(StreamOptions::USAGE),
    };
    // Texts, numbers and JSON values are all it holds, and each of them can be written.
    serde_json::to_vec(&request).unwrap_or_default()
}

impl Provider for OpenAi {
    fn send<'a>(&'a self, call: &'a Call<'a>) -> BoxFuture<'a, Result<Completion, CallError>> {
        Box::pin(async move {
            self.check_key()?;
            let body = body(call, self.is_public);
            self.endpoint.ask::<Chat>(body, call.limits, call.now).await
        })
    }

    fn probe<'a>(&'a self, limits: &'a Limits) -> BoxFuture<'a, Result<(), CallError>> {
        Box::pin(async move {
            self.check_key()?;
            self.endpoint.probe(limits).await
        })
    }
}
