//! From a client's request to the one that is sent.

use std::sync::Arc;

use atelier_model::{Digest, MicroUsd};
use serde_json::{Value, json};
use url::Url;

use crate::{
    GatewayError, Price, price,
    providers::relayed::Relayed,
    relay::{
        Dialect, Incoming, Inner, Refusal, body,
        dialect::{About, put, text},
    },
};

/// Bytes of a request that make one token, on average.
pub(crate) const BYTES_PER_TOKEN: usize = 4;

/// Headers of clients that are passed on where the dialect stays the same.
const PASSED_HEADERS: [&str; 3] = ["anthropic-version", "anthropic-beta", "openai-beta"];

/// A request as it will be sent.
pub(crate) struct Prepared {
    /// Where to.
    pub(crate) relayed: Arc<Relayed>,
    /// The address.
    pub(crate) url: Url,
    /// The model, as its provider calls it.
    pub(crate) model: String,
    /// The body.
    pub(crate) body: Vec<u8>,
    /// Headers of the client that are passed on.
    pub(crate) headers: Vec<(String, String)>,
    /// The client's dialect.
    pub(crate) client: Dialect,
    /// Whether the answer is wanted piece by piece.
    pub(crate) stream: bool,
    /// What the answer repeats of the question.
    pub(crate) about: About,
    /// What was left out because the other dialect has no words for it.
    pub(crate) dropped: Vec<String>,
    /// Everything that decides the answer.
    pub(crate) key: Digest,
    tokens_max: u64,
}

impl Prepared {
    /// Whether both sides speak one dialect.
    pub(crate) fn is_same(&self) -> bool {
        self.client == self.relayed.dialect
    }

    /// The most it can cost.
    pub(crate) fn worst_case(&self, price: &Price) -> MicroUsd {
        let input = price::input_tokens_max(self.body.len(), 1);
        price.most(input, self.tokens_max)
    }
}

impl Inner {
    /// Reads a request and writes the one that is sent.
    pub(crate) fn prepared(&self, incoming: &Incoming) -> Result<Prepared, Refusal> {
        let (value, asked) = read(incoming)?;
        let (relayed, model) = self.chosen(&asked)?;
        let client = incoming.dialect;
        let in_body = value.get("stream") == Some(&Value::Bool(true));
        let stream = incoming.stream.unwrap_or(in_body);
        let options = value.get("stream_options").unwrap_or(&Value::Null);
        let mut prepared = Prepared {
            url: relayed.url(&model, stream)?,
            body: Vec::new(),
            headers: Vec::new(),
            client,
            stream,
            about: About {
                model: asked,
                created_s: self.clock.now().millis() / 1_000,
                counted: options.get("include_usage") == Some(&Value::Bool(true)),
            },
            dropped: Vec::new(),
            key: Digest::of([]),
            tokens_max: relayed.route.tokens_max,
            relayed,
            model,
        };
        if prepared.is_same() {
            self.forward(&mut prepared, incoming, value);
        } else {
            translate(&mut prepared, client, &value)?;
        }
        prepared.key = key(&prepared);
        Ok(prepared)
    }

    /// Keeps the body but for the model. Where there is a budget and no limit, one is added: there
    /// is no worst case without.
    fn forward(&self, prepared: &mut Prepared, incoming: &Incoming, mut value: Value) {
        let relayed = &prepared.relayed;
        let kept = |(name, _): &&(String, String)| PASSED_HEADERS.contains(&name.as_str());
        prepared.headers = incoming.headers.iter().filter(kept).cloned().collect();
        let limits = match prepared.client {
            Dialect::Gemini => value.get("generationConfig").unwrap_or(&Value::Null),
            Dialect::Chat | Dialect::Completions | Dialect::Responses | Dialect::Messages => &value,
        };
        let names = [
            "max_completion_tokens",
            "max_tokens",
            "max_output_tokens",
            "maxOutputTokens",
        ];
        let limit = names.iter().find_map(|name| limits.get(name)?.as_u64());
        let is_bounded = self.purse.is_bounded();
        prepared.tokens_max = limit.unwrap_or(relayed.route.tokens_max);
        if is_bounded && limit.is_none() {
            limit_tokens(&mut value, relayed);
            put_model(&mut value, prepared);
            prepared.body = value.to_string().into_bytes();
            return;
        }
        let is_named = prepared.client != Dialect::Gemini && prepared.model != prepared.about.model;
        let changed = is_named.then(|| body::with_model(&incoming.body, &prepared.model));
        prepared.body = changed.flatten().unwrap_or_else(|| incoming.body.to_vec());
    }

    /// Who answers a model's name, and what the provider calls the model.
    fn chosen(&self, asked: &str) -> Result<(Arc<Relayed>, String), Refusal> {
        let asked = asked.trim_start_matches("models/");
        if let Some(relayed) = self.models.get(asked) {
            return Ok((Arc::clone(relayed), relayed.route.model.clone()));
        }
        let named = asked.split_once('/').and_then(|(provider, model)| {
            let mut all = self.models.values();
            let relayed = all.find(|relayed| relayed.route.provider == provider)?;
            Some((Arc::clone(relayed), model.to_owned()))
        });
        named.ok_or_else(|| {
            let models: Vec<&str> = self.models.keys().map(String::as_str).collect();
            let models = models.join(", ");
            Refusal::new(
                404,
                format!("there is no model `{asked}` here; there are {models}"),
            )
        })
    }

    /// The request that has a provider count tokens; `None` where it does not in this dialect.
    pub(crate) fn counting(&self, incoming: &Incoming) -> Result<Option<Prepared>, Refusal> {
        let mut prepared = self.prepared(incoming)?;
        if incoming.dialect != Dialect::Messages || !prepared.is_same() {
            return Ok(None);
        }
        prepared.url = prepared.relayed.beside(&["messages", "count_tokens"])?;
        Ok(Some(prepared))
    }

    /// The request that has vectors made of texts.
    pub(crate) fn embedding(&self, incoming: &Incoming) -> Result<Prepared, Refusal> {
        let (value, asked) = read(incoming)?;
        let own = self
            .embedder
            .as_ref()
            .filter(|own| own.route.model == asked);
        let (relayed, model) = match own {
            Some(own) => (Arc::clone(own), asked.clone()),
            None => self.chosen(&asked)?,
        };
        match relayed.dialect {
            Dialect::Chat | Dialect::Completions | Dialect::Responses => {}
            Dialect::Messages | Dialect::Gemini => {
                let said = format!(
                    "{} makes no vectors in this dialect",
                    relayed.route.provider
                );
                return Err(Refusal::new(400, said));
            }
        }
        let mut prepared = Prepared {
            url: relayed.beside(&["embeddings"])?,
            body: incoming.body.to_vec(),
            headers: Vec::new(),
            client: relayed.dialect,
            stream: false,
            about: About {
                model: asked,
                created_s: 0,
                counted: false,
            },
            dropped: Vec::new(),
            key: Digest::of([]),
            tokens_max: 0,
            relayed,
            model,
        };
        if text(&value, "model") != Some(prepared.model.as_str())
            && let Some(changed) = body::with_model(&incoming.body, &prepared.model)
        {
            prepared.body = changed;
        }
        Ok(prepared)
    }
}

/// The body as JSON, and the model that the request names.
fn read(incoming: &Incoming) -> Result<(Value, String), Refusal> {
    let value: Value = serde_json::from_slice(&incoming.body)
        .map_err(|error| Refusal::new(400, format!("the request is not JSON: {error}")))?;
    let named = incoming.model.as_deref().or_else(|| text(&value, "model"));
    let named = named.filter(|_| value.is_object());
    let asked = named.ok_or_else(|| Refusal::new(400, "the request names no model"))?;
    let asked = asked.to_owned();
    Ok((value, asked))
}

fn translate(prepared: &mut Prepared, client: Dialect, value: &Value) -> Result<(), Refusal> {
    let relayed = Arc::clone(&prepared.relayed);
    let mut question = client.question(value)?;
    question.stream = prepared.stream;
    // Whoever translates must know when an answer has to end.
    prepared.tokens_max = question.tokens_max.unwrap_or(relayed.route.tokens_max);
    question.tokens_max = Some(prepared.tokens_max);
    let written = relayed
        .dialect
        .body(&mut question, &prepared.model, prepared.tokens_max);
    let mut body = written?;
    if relayed.dialect == Dialect::Chat {
        to_habits(&mut body, &relayed);
    }
    prepared.dropped = question.dropped;
    prepared.dropped.sort();
    prepared.dropped.dedup();
    prepared.body = body.to_string().into_bytes();
    Ok(())
}

/// Writes chat completions as their server takes them.
fn to_habits(body: &mut Value, relayed: &Relayed) {
    let Some(object) = body.as_object_mut() else {
        return;
    };
    if let Some(limit) = object.remove("max_tokens") {
        object.insert(relayed.limit_name.to_owned(), limit);
    }
    if !relayed.asks_counts {
        object.remove("stream_options");
    }
}

fn limit_tokens(value: &mut Value, relayed: &Relayed) {
    let limit = relayed.route.tokens_max;
    if relayed.dialect != Dialect::Gemini {
        put(value, relayed.limit_name, Some(limit));
        return;
    }
    if value.get("generationConfig").is_none() {
        put(value, "generationConfig", Some(json!({})));
    }
    if let Some(config) = value.get_mut("generationConfig") {
        put(config, relayed.limit_name, Some(limit));
    }
}

fn put_model(value: &mut Value, prepared: &Prepared) {
    if prepared.client != Dialect::Gemini {
        put(value, "model", Some(prepared.model.as_str()));
    }
}

/// The name under which the answer is kept: all that is sent, but for the key.
fn key(prepared: &Prepared) -> Digest {
    let body = Digest::of(&prepared.body).to_string();
    let stream = prepared.stream;
    Digest::of_json(&json!({
        "version": 1, "url": prepared.url.as_str(), "headers": prepared.headers, "body": body,
        "stream": stream,
    }))
}

impl From<GatewayError> for Refusal {
    fn from(error: GatewayError) -> Self {
        Self::new(500, format!("failed to {error}"))
    }
}
