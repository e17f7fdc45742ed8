//! Anthropic, and servers that speak its messages.

use std::sync::Arc;

use atelier_model::{BoxFuture, Limits};
use reqwest::header::{HeaderMap, HeaderName, HeaderValue};

use crate::{
    Call, CallError, Completion, GatewayError, Provider, ProviderEntry, Route,
    http::{Endpoint, Transport},
    providers::{AnswersFrom, endpoint},
    wire::anthropic::{Messages, MessagesRequest, turns},
};

const HOST: &str = "api.anthropic.com";

const BASE_URL: &str = "https://api.anthropic.com";

const KEY_HEADER: HeaderName = HeaderName::from_static("x-api-key");

const VERSION_HEADER: HeaderName = HeaderName::from_static("anthropic-version");

/// The version of the dialect that the decoder is written for.
const VERSION: HeaderValue = HeaderValue::from_static("2023-06-01");

/// The registry's line.
pub(super) const ENTRY: ProviderEntry = ProviderEntry {
    name: "anthropic",
    about: "Anthropic, or any server that speaks its messages",
    default_base_url: Some(BASE_URL),
    key_variables: &["ANTHROPIC_API_KEY"],
    answers_from: AnswersFrom::Messages,
    build,
};

struct Anthropic {
    endpoint: Endpoint,
    is_public: bool,
}

fn build(route: &Route, transport: &Transport) -> Result<Arc<dyn Provider>, GatewayError> {
    let addresses = endpoint::addresses(route, BASE_URL, &["messages"])?;
    let is_public = addresses.0.host_str() == Some(HOST);
    let mut headers = HeaderMap::new();
    headers.insert(VERSION_HEADER, VERSION);
    if let Some(key) = route.usable_key() {
        let mut value = HeaderValue::try_from(key.expose()).map_err(|_| GatewayError::Key)?;
        value.set_sensitive(true);
        headers.insert(KEY_HEADER, value);
    }
    let endpoint = Endpoint::new(addresses, headers, route.usable_key(), transport)?;
    Ok(Arc::new(Anthropic {
        endpoint,
        is_public,
    }))
}

impl Anthropic {
    fn check_key(&self) -> Result<(), CallError> {
        if self.is_public && !self.endpoint.has_key() {
            return Err(CallError::KeyMissing);
        }
        Ok(())
    }
}

fn body(call: &Call<'_>) -> Vec<u8> {
    let (system, messages) = turns(&call.ask.messages);
    let request = MessagesRequest {
        model: &call.route.model,
        max_tokens: call.route.tokens_max,
        system,
        messages,
        temperature: call.route.temperature,
        stream: call.route.stream,
    };
    // Texts, numbers and JSON values are all it holds, and each of them can be written.
    serde_json::to_vec(&request).unwrap_or_default()
}

impl Provider for Anthropic {
    fn send<'a>(&'a self, call: &'a Call<'a>) -> BoxFuture<'a, Result<Completion, CallError>> {
        Box::pin(async move {
            self.check_key()?;
            let body = body(call);
            let endpoint = &self.endpoint;
            endpoint.ask::<Messages>(body, call.limits, call.now).await
        })
    }

    fn probe<'a>(&'a self, limits: &'a Limits) -> BoxFuture<'a, Result<(), CallError>> {
        Box::pin(async move {
            self.check_key()?;
            self.endpoint.probe(limits).await
        })
    }
}
