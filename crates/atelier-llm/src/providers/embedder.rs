//! Who makes vectors of texts: an address and a body of their own beside those of answers.

use std::sync::Arc;

use crate::{
    Call, GatewayError, Provider, ProviderEntry, Route, Transport,
    providers::{
        endpoint, gemini,
        hosted::{KeyHeader, Spoken, host, written},
    },
    wire::{
        embeddings::{BatchEmbedRequest, EmbedContentRequest, EmbeddingsRequest, Vectors},
        gemini::Content,
    },
};

/// Prepares a server that speaks the embeddings of `OpenAI`.
pub(super) fn compatible(
    entry: &'static ProviderEntry,
    route: &Route,
    transport: &Transport,
) -> Result<Arc<dyn Provider>, GatewayError> {
    let addresses = endpoint::addresses(route, entry, endpoint::VERSION, &["embeddings"])?;
    let headers = KeyHeader::BEARER.headers(route)?;
    host(entry, route, transport, (addresses, headers), Compatible)
}

/// Prepares Gemini.
pub(super) fn gemini(
    entry: &'static ProviderEntry,
    route: &Route,
    transport: &Transport,
) -> Result<Arc<dyn Provider>, GatewayError> {
    let question = format!("{}:batchEmbedContents", gemini::model(route));
    let segments = ["models", question.as_str()];
    let addresses = endpoint::addresses(route, entry, gemini::VERSION, &segments)?;
    let headers = gemini::KEY.headers(route)?;
    host(entry, route, transport, (addresses, headers), Gemini)
}

struct Compatible;

impl Spoken for Compatible {
    type Dialect = Vectors;

    fn body(&self, call: &Call<'_>) -> Vec<u8> {
        written(&EmbeddingsRequest {
            model: &call.route.model,
            input: texts(call).collect(),
            encoding_format: "float",
        })
    }

    fn dialect(&self, call: &Call<'_>) -> Vectors {
        Vectors::of(call.ask.messages.len())
    }
}

struct Gemini;

impl Spoken for Gemini {
    type Dialect = Vectors;

    fn body(&self, call: &Call<'_>) -> Vec<u8> {
        let model = format!("models/{}", gemini::model(call.route));
        let request = |text: &str| EmbedContentRequest {
            model: model.clone(),
            content: Content::standing(text.to_owned()),
        };
        written(&BatchEmbedRequest {
            requests: texts(call).map(request).collect(),
        })
    }

    fn dialect(&self, call: &Call<'_>) -> Vectors {
        Vectors::of(call.ask.messages.len())
    }
}

fn texts<'a>(call: &Call<'a>) -> impl Iterator<Item = &'a str> {
    call.ask
        .messages
        .iter()
        .map(|message| message.text.as_str())
}
