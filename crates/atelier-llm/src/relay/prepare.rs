//! From a client's request to the one that is sent.

use std::sync::Arc;

use atelier_model::{Digest, MicroUsd};
use bytes::Bytes;
use serde::Serialize;
use serde_json::Value;
use url::Url;

use crate::{
    GatewayError, Price, price,
    providers::relayed::Relayed,
    relay::{
        Demand, Dialect, Incoming, Refusal, Routes, body,
        dialect::{About, text},
        tally,
        vectors::{self, Texts},
    },
};

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
const ANSWERS_NAMES: [&str; 3] = ["n", "candidateCount", "candidate_count"];

/// A request as it will be sent.
pub(crate) struct Prepared {
    /// Where to.
    pub(crate) relayed: Arc<Relayed>,
    /// The address.
    pub(crate) url: Url,
    /// The model, as its provider calls it.
    pub(crate) model: String,
    /// The body.
    pub(crate) body: Bytes,
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
    /// Whether the provider may keep the prompt for an hour, which costs more.
    pub(crate) is_kept_long: bool,
    /// The texts that become vectors, where the client wants them otherwise than they come.
    pub(crate) texts: Option<Texts>,
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
    /// A request to a target before anything is written.
    fn new(incoming: &Incoming, asked: &str, (relayed, model): Target, url: Url) -> Self {
        Self {
            url,
            body: Bytes::new(),
            headers: Vec::new(),
            client: incoming.dialect,
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
            is_kept_long: false,
            texts: None,
            relayed,
            model,
        }
    }

    /// Whether both sides speak one dialect.
    pub(crate) fn is_same(&self) -> bool {
        self.client == self.relayed.dialect
    }

    /// Whether the token counts of a stream are asked for although the client does not want them:
    /// without them nobody knows what it cost.
    pub(crate) fn asks_for_counts(&self) -> bool {
        let is_chat = self.client == Dialect::Chat && self.is_same();
        is_chat && self.stream && !self.about.counted && self.relayed.asks_counts
    }

    /// The most it can cost.
    pub(crate) fn worst_case(&self, price: &Price) -> MicroUsd {
        let input = price::input_tokens_max(self.body.len(), 1);
        let price = if self.is_kept_long {
            price.for_an_hour()
        } else {
            *price
        };
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
            Demand::Count => self.counting(incoming, asked, to),
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
        let in_body = value.get("stream") == Some(&Value::Bool(true));
        let stream = incoming.stream.unwrap_or(in_body);
        let options = value.get("stream_options").unwrap_or(&Value::Null);
        let url = relayed.url(&model, stream)?;
        let tokens_max = relayed.route.tokens_max;
        let mut prepared = Prepared::new(incoming, asked, (relayed, model), url);
        prepared.stream = stream;
        prepared.tokens_max = tokens_max;
        prepared.about.created_s = facts.created_s;
        prepared.about.counted = options.get("include_usage") == Some(&Value::Bool(true));
        if prepared.is_same() {
            forward(&mut prepared, incoming, value, facts)?;
        } else {
            translate(&mut prepared, incoming.dialect, value)?;
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
            let relayed = all.find(|relayed| relayed.route.name() == provider)?;
            Some((Arc::clone(relayed), model.to_owned()))
        });
        named.ok_or_else(|| {
            let models: Vec<&str> = self.models.keys().map(String::as_str).collect();
            let models = models.join(", ");
            let remedy = listing(asked);
            let said = format!("there is no model `{asked}` here; there are {models}; {remedy}");
            Refusal::new(404, said)
        })
    }

    /// The request that has a provider count tokens, where its dialect has words for that.
    fn counting(
        &self,
        incoming: &Incoming,
        (value, asked): (&Value, &str),
        to: Option<Target>,
    ) -> Result<Prepared, Refusal> {
        let (relayed, model) = match to {
            Some(to) => to,
            None => self.chosen(asked)?,
        };
        let upstream = relayed.dialect;
        let Some(segments) = tally::segments(upstream, &model) else {
            let url = relayed.url(&model, false)?;
            let mut prepared = Prepared::new(incoming, asked, (relayed, model), url);
            prepared.is_estimated = true;
            return Ok(prepared);
        };
        let url = relayed.beside(&segments)?;
        let mut prepared = Prepared::new(incoming, asked, (relayed, model), url);
        if prepared.is_same() {
            prepared.headers = kept_headers(incoming);
            prepared.body = named(&prepared, incoming);
        } else {
            let mut question = tally::question(incoming.dialect, value)?;
            let body = tally::body(upstream, &mut question, &prepared.model)?;
            prepared.dropped = sorted(question.dropped);
            prepared.body = body.to_string().into();
        }
        prepared.key = key(&prepared);
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
        let upstream = relayed.dialect;
        if upstream == Dialect::Messages {
            let said = format!("{} makes no vectors", relayed.route.provider);
            return Err(Refusal::new(400, said));
        }
        let segments = vectors::segments(upstream, &model, value);
        let url = relayed.beside(&segments)?;
        let mut prepared = Prepared::new(incoming, asked, (relayed, model), url);
        let is_gemini = |dialect| dialect == Dialect::Gemini;
        if is_gemini(prepared.client) == is_gemini(upstream) {
            prepared.body = named(&prepared, incoming);
            if is_gemini(upstream) && prepared.model != asked {
                let renamed = vectors::renamed(value, &prepared.model);
                prepared.body = renamed.to_string().into();
            }
        } else {
            let texts = vectors::texts(prepared.client, value)?;
            let body = vectors::body(upstream, &texts, &prepared.model);
            prepared.dropped.clone_from(&texts.dropped);
            prepared.body = body.to_string().into();
            prepared.texts = Some(texts);
        }
        prepared.key = key(&prepared);
        Ok(prepared)
    }
}

/// Headers of the client that are passed on where the dialect stays the same.
fn kept_headers(incoming: &Incoming) -> Vec<(String, String)> {
    let kept = |(name, _): &&(String, String)| PASSED_HEADERS.contains(&name.as_str());
    incoming.headers.iter().filter(kept).cloned().collect()
}

/// The client's body with the model as its provider calls it; Gemini's has it in the address.
fn named(prepared: &Prepared, incoming: &Incoming) -> Bytes {
    let is_named = prepared.client != Dialect::Gemini && prepared.model != prepared.about.model;
    let named = is_named.then(|| body::with_model(&incoming.body, &prepared.model));
    named
        .flatten()
        .map_or_else(|| incoming.body.clone(), Bytes::from)
}

fn sorted(mut dropped: Vec<String>) -> Vec<String> {
    dropped.sort();
    dropped.dedup();
    dropped
}

/// Keeps the body but for the model. Where there is a budget and no limit, one is added: there
/// is no worst case without.
fn forward(
    prepared: &mut Prepared,
    incoming: &Incoming,
    value: &Value,
    facts: Facts,
) -> Result<(), Refusal> {
    let relayed = &prepared.relayed;
    let is_gemini = prepared.client == Dialect::Gemini;
    let settings = if is_gemini {
        let settings = value.get("generationConfig");
        let settings = settings.or_else(|| value.get("generation_config"));
        settings.unwrap_or(&Value::Null)
    } else {
        value
    };
    let limit = most(settings, &LIMIT_NAMES, facts)?;
    prepared.answers = most(settings, &ANSWERS_NAMES, facts)?.unwrap_or(1).max(1);
    prepared.tokens_max = limit.unwrap_or(relayed.route.tokens_max);
    prepared.is_kept_long = prepared.client == Dialect::Messages && says_how_long(value);
    let mut body = named(prepared, incoming);
    if facts.is_bounded && limit.is_none() {
        let path = ["generationConfig", relayed.limit_name];
        let path = if is_gemini { &path[..] } else { &path[1..] };
        let limit = Value::from(prepared.tokens_max);
        body = body::with_member(&body, path, &limit).map_or(body, Bytes::from);
    }
    if prepared.asks_for_counts() {
        let path = ["stream_options", "include_usage"];
        body = body::with_member(&body, &path, &Value::Bool(true)).map_or(body, Bytes::from);
    }
    prepared.headers = kept_headers(incoming);
    prepared.body = body;
    Ok(())
}

/// Whether a request may say anywhere how long its prompt is to be kept. What it says does not
/// matter: where a name stands twice, nobody knows which one the provider takes.
fn says_how_long(value: &Value) -> bool {
    match value {
        Value::Array(items) => items.iter().any(says_how_long),
        Value::Object(members) => {
            members.contains_key("ttl") || members.values().any(says_how_long)
        }
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) => false,
    }
}

/// The largest number under any of these names, since servers differ in which of them they read.
///
/// Some servers also read `"9000"` and `9e3`. What may be read as more than is reserved does not
/// pass where a budget is kept.
fn most(settings: &Value, names: &[&str], facts: Facts) -> Result<Option<u64>, Refusal> {
    let mut most = None;
    for name in names {
        let value = settings.get(*name).unwrap_or(&Value::Null);
        if facts.is_bounded && !value.is_null() && !value.is_u64() {
            let said = format!("`{name}` must be a whole number, since a budget is kept here");
            return Err(Refusal::new(400, said));
        }
        most = most.max(value.as_u64());
    }
    Ok(most)
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
    prepared.dropped = sorted(question.dropped);
    prepared.body = body.to_string().into();
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

/// All that decides an answer. The names stand in the order of canonical JSON, so that its digest
/// needs no tree of values.
#[derive(Serialize)]
struct Deciding<'a> {
    body: Digest,
    headers: &'a [(String, String)],
    stream: bool,
    url: &'a str,
    version: u32,
}

/// The name under which the answer is kept: all that is sent, but for the key.
fn key(prepared: &Prepared) -> Digest {
    let deciding = Deciding {
        body: Digest::of(&prepared.body),
        headers: &prepared.headers,
        stream: prepared.stream,
        url: prepared.url.as_str(),
        version: 1,
    };
    Digest::of(serde_json::to_vec(&deciding).unwrap_or_default())
}

impl From<GatewayError> for Refusal {
    fn from(error: GatewayError) -> Self {
        Self::new(500, format!("failed to {error}"))
    }
}

/// How a model becomes one that can be asked for.
fn listing(asked: &str) -> String {
    let is_name = |name: &str| {
        let plain = |c: char| c.is_ascii_alphanumeric() || c == '-' || c == '_';
        !name.is_empty() && name.chars().all(plain)
    };
    match asked.split_once('/') {
        Some((provider, model)) if is_name(provider) && !model.is_empty() => format!(
            "whoever runs this gateway can list it: `providers.{provider}.models` with {}",
            serde_json::Value::from(model)
        ),
        Some(_) | None => {
            "whoever runs this gateway can list more below `providers.NAME.models`".to_owned()
        }
    }
}
