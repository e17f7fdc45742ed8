//! From a client's request to the one that is sent.

use std::sync::Arc;

use atelier_model::{Digest, MicroUsd};
use serde_json::{Value, json};
use url::Url;

use crate::{
    GatewayError, Price, price,
    providers::relayed::Relayed,
    relay::{
        Demand, Dialect, Incoming, Refusal, Routes, body,
        dialect::{About, text},
    },
};

/// Bytes of a request that make one token, on average.
pub(crate) const BYTES_PER_TOKEN: usize = 4;

/// Headers of clients that are passed on where the dialect stays the same.
const PASSED_HEADERS: [&str; 3] = ["anthropic-version", "anthropic-beta", "openai-beta"];

/// What the most tokens of an answer are called.
const LIMIT_NAMES: [&str; 4] = [
    "max_completion_tokens",
    "max_tokens",
    "max_output_tokens",
    "maxOutputTokens",
];

/// What the number of answers is called.
const ANSWERS_NAMES: [&str; 2] = ["n", "candidateCount"];

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
    /// What it is about.
    pub(crate) demand: Demand,
    /// Whether tokens are estimated here, since the provider does not count them in this dialect.
    pub(crate) is_estimated: bool,
    /// Most tokens of one answer.
    pub(crate) tokens_max: u64,
    /// Answers that are asked for at once.
    pub(crate) answers: u64,
}

/// What a preparation needs to know beside the request.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Facts {
    /// Seconds since 1970.
    pub(crate) created_s: i64,
    /// Whether a budget is kept, which needs a worst case.
    pub(crate) is_bounded: bool,
}

/// Who answers, and what it calls the model.
pub(crate) type Target = (Arc<Relayed>, String);

impl Prepared {
    /// Whether both sides speak one dialect.
    pub(crate) fn is_same(&self) -> bool {
        self.client == self.relayed.dialect
    }

    /// The most it can cost.
    pub(crate) fn worst_case(&self, price: &Price) -> MicroUsd {
        let input = price::input_tokens_max(self.body.len(), 1);
        price.most(input, self.tokens_max.saturating_mul(self.answers))
    }
}

impl Routes {
    /// Writes the request that is sent: to this target, or to the one that the model's name stands
    /// for.
    pub(crate) fn prepared(
        &self,
        incoming: &Incoming,
        asked: (&Value, &str),
        to: Option<Target>,
        facts: Facts,
    ) -> Result<Prepared, Refusal> {
        match incoming.demand {
            Demand::Answer => self.question(incoming, asked, to, facts),
            Demand::Count => self.counting(incoming, asked, to, facts),
            Demand::Embeddings => self.embedding(incoming, asked, to),
        }
    }

    fn question(
        &self,
        incoming: &Incoming,
        (value, asked): (&Value, &str),
        to: Option<Target>,
        facts: Facts,
    ) -> Result<Prepared, Refusal> {
        let (relayed, model) = match to {
            Some(to) => to,
            None => self.chosen(asked)?,
        };
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
                model: asked.to_owned(),
                created_s: facts.created_s,
                counted: options.get("include_usage") == Some(&Value::Bool(true)),
            },
            dropped: Vec::new(),
            key: Digest::of([]),
            demand: incoming.demand,
            is_estimated: false,
            tokens_max: relayed.route.tokens_max,
            answers: 1,
            relayed,
            model,
        };
        if prepared.is_same() {
            forward(&mut prepared, incoming, value, facts);
        } else {
            translate(&mut prepared, client, value)?;
        }
        prepared.key = key(&prepared);
        Ok(prepared)
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

    /// The request that has a provider count tokens, where it does in this dialect.
    fn counting(
        &self,
        incoming: &Incoming,
        asked: (&Value, &str),
        to: Option<Target>,
        facts: Facts,
    ) -> Result<Prepared, Refusal> {
        let mut prepared = self.question(incoming, asked, to, facts)?;
        prepared.stream = false;
        prepared.tokens_max = 0;
        if incoming.dialect == Dialect::Messages && prepared.is_same() {
            prepared.url = prepared.relayed.beside(&["messages", "count_tokens"])?;
            prepared.key = key(&prepared);
        } else {
            prepared.is_estimated = true;
        }
        Ok(prepared)
    }

    /// The request that has vectors made of texts.
    fn embedding(
        &self,
        incoming: &Incoming,
        (value, asked): (&Value, &str),
        to: Option<Target>,
    ) -> Result<Prepared, Refusal> {
        let own = self.embedder.as_ref();
        let own = own.filter(|own| own.route.model == asked);
        let own = own.map(|own| (Arc::clone(own), asked.to_owned()));
        let (relayed, model) = match to.or(own) {
            Some(to) => to,
            None => self.chosen(asked)?,
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
                model: asked.to_owned(),
                created_s: 0,
                counted: false,
            },
            dropped: Vec::new(),
            key: Digest::of([]),
            demand: incoming.demand,
            is_estimated: false,
            tokens_max: 0,
            answers: 1,
            relayed,
            model,
        };
        if text(value, "model") != Some(prepared.model.as_str())
            && let Some(changed) = body::with_model(&incoming.body, &prepared.model)
        {
            prepared.body = changed;
        }
        prepared.key = key(&prepared);
        Ok(prepared)
    }
}

/// Keeps the body but for the model. Where there is a budget and no limit, one is added: there
/// is no worst case without.
fn forward(prepared: &mut Prepared, incoming: &Incoming, value: &Value, facts: Facts) {
    let relayed = &prepared.relayed;
    let kept = |(name, _): &&(String, String)| PASSED_HEADERS.contains(&name.as_str());
    prepared.headers = incoming.headers.iter().filter(kept).cloned().collect();
    let is_gemini = prepared.client == Dialect::Gemini;
    let settings = if is_gemini {
        value.get("generationConfig").unwrap_or(&Value::Null)
    } else {
        value
    };
    let number = |name: &&str| settings.get(*name)?.as_u64();
    let limit = LIMIT_NAMES.iter().find_map(number);
    prepared.answers = ANSWERS_NAMES.iter().find_map(number).unwrap_or(1);
    prepared.tokens_max = limit.unwrap_or(relayed.route.tokens_max);
    let is_named = !is_gemini && prepared.model != prepared.about.model;
    let named = is_named.then(|| body::with_model(&incoming.body, &prepared.model));
    let mut body = named.flatten().unwrap_or_else(|| incoming.body.to_vec());
    if facts.is_bounded && limit.is_none() {
        let path = ["generationConfig", relayed.limit_name];
        let path = if is_gemini { &path[..] } else { &path[1..] };
        let limit = Value::from(prepared.tokens_max);
        body = body::with_member(&body, path, &limit).unwrap_or(body);
    }
    prepared.body = body;
}

/// The body as JSON, and the model that the request names.
pub(crate) fn read(incoming: &Incoming) -> Result<(Value, String), Refusal> {
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
