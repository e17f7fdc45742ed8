//! The questions of a batch, as people and as providers write them.

use std::collections::BTreeSet;

use atelier_guard::{Policy, Vault};
use atelier_model::{Digest, MicroUsd};
use serde_json::{Map, Value};

use super::{BATCH_BYTES_MAX, BATCH_QUESTIONS_MAX, BatchError, Batches, hidden::BatchHidden};
use crate::{
    Price, layers::guard::question, price::input_tokens_max, providers::relayed::Relayed,
    relay::Dialect,
};

/// Bytes of what a question is called.
const NAME_BYTES_MAX: usize = 512;

/// Where the questions of a batch go at `OpenAI`.
pub(super) const ENDPOINT: &str = "/v1/chat/completions";

/// The questions of one batch.
#[derive(Debug, PartialEq)]
pub struct BatchQuestions {
    /// The model of all of them.
    pub model: String,
    /// What each is called, in their order.
    pub custom_ids: Vec<String>,
    /// Digest of all that is asked.
    pub digest: Digest,
    /// What is hidden in them from the provider, where something is.
    pub hidden: Option<BatchHidden>,
    /// What is sent of each, in JSON.
    pub(super) bodies: Vec<String>,
    /// Most tokens of each: in, out.
    tokens: Vec<(u64, u64)>,
}

impl BatchQuestions {
    pub(super) fn worst_case(&self, price: &Price) -> MicroUsd {
        let tokens = self.tokens.iter();
        tokens
            .map(|(input, output)| price.most(*input, *output))
            .sum()
    }

    /// What is sent of each, by the name it is sent with. The names that people give are no
    /// business of the provider, which may not take them either.
    pub(super) fn sent(&self, token: &str) -> impl Iterator<Item = (String, &str)> {
        let bodies = self.bodies.iter().enumerate();
        bodies.map(move |(at, body)| (format!("{token}-{at}"), body.as_str()))
    }
}

/// The place of a question by the name that it was sent with.
pub(super) fn place(name: &str, token: &str, custom_ids: &[String]) -> Option<usize> {
    let numbered = name
        .strip_prefix(token)
        .and_then(|rest| rest.strip_prefix('-'));
    match numbered {
        Some(number) => number.parse().ok().filter(|at| *at < custom_ids.len()),
        None => custom_ids.iter().position(|known| known == name),
    }
}

/// Reads one question a line and hides what the provider must not see.
pub(super) fn read(text: &str, batches: &Batches) -> Result<BatchQuestions, BatchError> {
    let policy = batches.relayed.route.guard;
    let (mut vault, mut json) = (Vault::new(*batches.guard_key.expose()), Vec::new());
    let (mut names, mut custom_ids) = (BTreeSet::new(), Vec::new());
    let (mut bodies, mut tokens, mut model) = (Vec::new(), Vec::new(), None);
    let (mut size, mut asked) = (0, Digest::of(batches.relayed.route.provider.as_bytes()));
    let written = text
        .lines()
        .enumerate()
        .filter(|(_, line)| !line.trim().is_empty());
    for (at, line) in written {
        let wrong = |why| BatchError::Line { line: at + 1, why };
        let dialect = batches.relayed.dialect;
        let (name, mut body) = taken_apart(line, dialect).map_err(wrong)?;
        if !names.insert(name.clone()) {
            return Err(wrong("its `custom_id` is that of another"));
        }
        let (of, most) = completed(&mut body, &batches.relayed).map_err(wrong)?;
        if *model.get_or_insert_with(|| of.clone()) != of {
            return Err(wrong("a batch has one model, and this is another"));
        }
        let body = Value::Object(body).to_string();
        asked = Digest::of(format!("{asked}\n{name}\n{body}"));
        let (body, wants_json) = hide(body, (dialect, policy), &mut vault).map_err(wrong)?;
        if wants_json {
            json.push(custom_ids.len());
        }
        size += body.len();
        tokens.push((input_tokens_max(body.len(), count(&body)), most));
        custom_ids.push(name);
        bodies.push(body);
        if size > BATCH_BYTES_MAX || custom_ids.len() > BATCH_QUESTIONS_MAX {
            return Err(BatchError::TooLarge);
        }
    }
    Ok(BatchQuestions {
        model: model.ok_or(BatchError::NoQuestion)?,
        digest: asked,
        hidden: BatchHidden::of(&vault, json),
        custom_ids,
        bodies,
        tokens,
    })
}

/// A question without what the provider must not see; whether its answer is to be JSON.
fn hide(
    body: String,
    (dialect, policy): (Dialect, Policy),
    vault: &mut Vault,
) -> Result<(String, bool), &'static str> {
    if policy == Policy::Off {
        return Ok((body, false));
    }
    let hidden = question::redact(&body, dialect, policy, vault);
    let hidden = hidden.map_err(|_| "it is no JSON that can be looked through")?;
    Ok((hidden.body.unwrap_or(body), hidden.wants_json))
}

/// Messages of a question, counted so that there are never more.
fn count(asked: &str) -> usize {
    asked.matches("\"role\"").count()
}

/// The name of a question and what is asked.
fn taken_apart(line: &str, dialect: Dialect) -> Result<(String, Map<String, Value>), &'static str> {
    let Ok(Value::Object(mut line)) = serde_json::from_str(line) else {
        return Err("it is no JSON object");
    };
    let Some(Value::String(name)) = line.remove("custom_id") else {
        return Err("it has no `custom_id`");
    };
    if name.is_empty() || name.len() > NAME_BYTES_MAX {
        return Err("its `custom_id` is empty or too long");
    }
    let body = match dialect {
        Dialect::Messages if line.contains_key("url") => {
            return Err("it is in the form of another provider");
        }
        Dialect::Messages => line.remove("params"),
        Dialect::Chat | Dialect::Completions | Dialect::Responses | Dialect::Gemini => {
            let url = line.get("url").and_then(Value::as_str);
            if url.is_some_and(|url| url != ENDPOINT) {
                return Err("its `url` is another than /v1/chat/completions");
            }
            if line.contains_key("params") {
                return Err("it is in the form of another provider");
            }
            line.remove("body")
        }
    };
    let body = match body {
        Some(Value::Object(body)) => body,
        Some(_) => return Err("what it asks is no JSON object"),
        None => line,
    };
    if !body.get("messages").is_some_and(Value::is_array) {
        return Err("it has no `messages`");
    }
    if body.get("stream").and_then(Value::as_bool) == Some(true) {
        return Err("it asks for a stream, which a batch has not");
    }
    Ok((name, body))
}

/// Adds what is not said and the route knows; the model, and the most tokens of the answer.
fn completed(
    body: &mut Map<String, Value>,
    relayed: &Relayed,
) -> Result<(String, u64), &'static str> {
    let route = &relayed.route;
    let model = body
        .entry("model")
        .or_insert_with(|| route.model.clone().into());
    let model = model.as_str().ok_or("its `model` is no text")?.to_owned();
    let said = ["max_completion_tokens", "max_tokens"]
        .into_iter()
        .find_map(|name| body.remove(name));
    let most = match said {
        Some(said) => said.as_u64().ok_or("its most tokens are no number")?,
        None => route.tokens_max,
    };
    body.insert(relayed.limit_name.to_owned(), most.into());
    let choices = body.get("n").and_then(Value::as_u64).unwrap_or(1).max(1);
    Ok((model, most.saturating_mul(choices)))
}
