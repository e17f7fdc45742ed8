//! Counting the tokens of a request before it is asked: in every dialect that has words for it.

#[cfg(test)]
mod tests;

use serde_json::{Value, json};

use crate::{
    relay::{
        Dialect,
        dialect::put,
        exchange::{Question, QuestionError},
    },
    wire::DecodeError,
};

/// Fields of a question that count in Anthropic's dialect; it refuses all others.
const MESSAGES_FIELDS: &[&str] = &[
    "model",
    "messages",
    "system",
    "tools",
    "tool_choice",
    "thinking",
    "output_config",
];

/// Fields of a question that count in responses.
const RESPONSES_FIELDS: &[&str] = &[
    "model",
    "input",
    "instructions",
    "tools",
    "tool_choice",
    "parallel_tool_calls",
    "text",
    "reasoning",
];

/// The segments after the version of the address at which a provider counts; `None` where its
/// dialect has none.
pub(crate) fn segments(upstream: Dialect, model: &str) -> Option<Vec<String>> {
    let segments: &[&str] = match upstream {
        Dialect::Messages => &["messages", "count_tokens"],
        Dialect::Responses => &["responses", "input_tokens"],
        Dialect::Gemini => {
            let model = model.trim_start_matches("models/");
            return Some(vec!["models".to_owned(), format!("{model}:countTokens")]);
        }
        Dialect::Chat | Dialect::Completions => return None,
    };
    Some(segments.iter().map(|&segment| segment.to_owned()).collect())
}

/// Reads what is to be counted: a question without anything about its answer.
pub(crate) fn question(client: Dialect, body: &Value) -> Result<Question, QuestionError> {
    // Gemini takes either the conversation alone or the whole question in an object of its own.
    let whole = body
        .get("generateContentRequest")
        .filter(|_| client == Dialect::Gemini);
    client.question(whole.unwrap_or(body))
}

/// Writes what is to be counted in the dialect of a provider that counts.
pub(crate) fn body(
    upstream: Dialect,
    question: &mut Question,
    model: &str,
) -> Result<Value, QuestionError> {
    let mut body = upstream.body(question, model, 1)?;
    let kept = match upstream {
        Dialect::Messages => MESSAGES_FIELDS,
        Dialect::Responses => RESPONSES_FIELDS,
        Dialect::Gemini => {
            let model = model.trim_start_matches("models/");
            put(&mut body, "model", Some(format!("models/{model}")));
            return Ok(json!({"generateContentRequest": body}));
        }
        Dialect::Chat | Dialect::Completions => return Ok(body),
    };
    if let Some(object) = body.as_object_mut() {
        object.retain(|name, _| kept.contains(&name.as_str()));
    }
    Ok(body)
}

/// Reads how many they are.
pub(crate) fn count(answer: &Value) -> Result<u64, DecodeError> {
    let count = answer
        .get("input_tokens")
        .or_else(|| answer.get("totalTokens"));
    count
        .and_then(Value::as_u64)
        .ok_or_else(|| DecodeError::Malformed {
            said: "it holds no count of tokens".to_owned(),
        })
}

/// Says how many they are.
pub(crate) fn document(client: Dialect, tokens: u64) -> Value {
    match client {
        Dialect::Gemini => json!({"totalTokens": tokens}),
        Dialect::Responses => json!({"object": "response.input_tokens", "input_tokens": tokens}),
        Dialect::Chat | Dialect::Completions | Dialect::Messages => {
            json!({"input_tokens": tokens})
        }
    }
}
