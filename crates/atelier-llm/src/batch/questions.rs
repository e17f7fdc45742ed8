//! The questions of a batch, as people and as the provider write them.

use std::collections::BTreeSet;

use atelier_model::{Digest, MicroUsd};
use serde_json::{Map, Value, json};

use super::{BATCH_BYTES_MAX, BATCH_QUESTIONS_MAX, BatchError};
use crate::{Price, price::input_tokens_max, providers::relayed::Relayed};

/// Bytes of what a question is called.
const NAME_BYTES_MAX: usize = 512;

/// Where the questions of a batch go.
pub(super) const ENDPOINT: &str = "/v1/chat/completions";

/// The questions of one batch.
#[derive(Debug, Clone, PartialEq)]
pub struct BatchQuestions {
    /// The model of all of them.
    pub model: String,
    /// What each is called, in their order.
    pub custom_ids: Vec<String>,
    /// Digest of all that is asked.
    pub digest: Digest,
    /// As they are sent, one a line.
    pub(super) lines: String,
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
}

/// Reads one question a line.
pub(super) fn read(text: &str, relayed: &Relayed) -> Result<BatchQuestions, BatchError> {
    let (mut names, mut custom_ids, mut tokens) = (BTreeSet::new(), Vec::new(), Vec::new());
    let (mut lines, mut model) = (String::new(), None);
    let written = text
        .lines()
        .enumerate()
        .filter(|(_, line)| !line.trim().is_empty());
    for (at, line) in written {
        let wrong = |why| BatchError::Line { line: at + 1, why };
        let (name, mut body) = taken_apart(line).map_err(wrong)?;
        if !names.insert(name.clone()) {
            return Err(wrong("its `custom_id` is that of another"));
        }
        let (of, most) = completed(&mut body, relayed).map_err(wrong)?;
        if *model.get_or_insert_with(|| of.clone()) != of {
            return Err(wrong("a batch has one model, and this is another"));
        }
        let asked = json!({"custom_id": name, "method": "POST", "url": ENDPOINT, "body": body});
        let asked = asked.to_string();
        tokens.push((input_tokens_max(asked.len(), count(&asked)), most));
        custom_ids.push(name);
        lines.push_str(&asked);
        lines.push('\n');
        if lines.len() > BATCH_BYTES_MAX || custom_ids.len() > BATCH_QUESTIONS_MAX {
            return Err(BatchError::TooLarge);
        }
    }
    Ok(BatchQuestions {
        model: model.ok_or(BatchError::NoQuestion)?,
        digest: Digest::of(&lines),
        custom_ids,
        lines,
        tokens,
    })
}

/// Messages of a question, counted so that there are never more.
fn count(asked: &str) -> usize {
    asked.matches("\"role\"").count()
}

/// The name of a question and what is asked.
fn taken_apart(line: &str) -> Result<(String, Map<String, Value>), &'static str> {
    let Ok(Value::Object(mut line)) = serde_json::from_str(line) else {
        return Err("it is no JSON object");
    };
    let Some(Value::String(name)) = line.remove("custom_id") else {
        return Err("it has no `custom_id`");
    };
    if name.is_empty() || name.len() > NAME_BYTES_MAX {
        return Err("its `custom_id` is empty or too long");
    }
    let url = line.get("url").and_then(Value::as_str);
    if url.is_some_and(|url| url != ENDPOINT) {
        return Err("its `url` is another than /v1/chat/completions");
    }
    let body = match line.remove("body") {
        Some(Value::Object(body)) => body,
        Some(_) => return Err("its `body` is no JSON object"),
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
