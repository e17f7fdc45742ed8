//! The responses dialect of `OpenAI`.

use atelier_model::{StopReason, Usage};
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use crate::wire::{
    Completion, DecodeError, Dialect, flat_error, parse_event, reported_error,
    turns::{Speaker, Turn},
    typed,
};

/// A request body.
#[derive(Debug, Serialize)]
pub(crate) struct ResponsesRequest<'a> {
    pub(crate) model: &'a str,
    #[serde(skip_serializing_if = "String::is_empty")]
    pub(crate) instructions: String,
    pub(crate) input: Vec<Item>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) temperature: Option<f64>,
    pub(crate) max_output_tokens: u64,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) reasoning: Option<Value>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) text: Option<Value>,
    /// Whether the provider keeps the answer for later requests; nobody here refers to it.
    pub(crate) store: bool,
    pub(crate) stream: bool,
}

/// One message of a request.
#[derive(Debug, PartialEq, Eq, Serialize)]
pub(crate) struct Item {
    /// What it is; one server does not know it by its other fields.
    #[serde(rename = "type")]
    kind: &'static str,
    role: &'static str,
    content: String,
}

impl From<Turn> for Item {
    fn from(turn: Turn) -> Self {
        let role = match turn.speaker {
            Speaker::User => "user",
            Speaker::Model => "assistant",
        };
        Self {
            kind: "message",
            role,
            content: turn.text,
        }
    }
}

/// The `text` that holds an answer to a schema.
pub(crate) fn text_format(name: &str, schema: &Value) -> Value {
    json!({"format": {"type": "json_schema", "name": name, "schema": schema, "strict": false}})
}

#[derive(Debug, Deserialize)]
struct Answer {
    #[serde(default)]
    status: Option<String>,
    #[serde(default)]
    incomplete_details: Option<Incomplete>,
    #[serde(default)]
    output: Vec<Output>,
    #[serde(default)]
    usage: Option<ResponseUsage>,
}

#[derive(Debug, Deserialize)]
struct Incomplete {
    #[serde(default)]
    reason: Option<String>,
}

#[derive(Debug, Deserialize)]
struct Output {
    #[serde(rename = "type", default)]
    kind: String,
    #[serde(default)]
    content: Option<Vec<Part>>,
}

#[derive(Debug, Deserialize)]
struct Part {
    #[serde(rename = "type", default)]
    kind: String,
    #[serde(default)]
    text: Option<String>,
}

#[derive(Debug, Deserialize)]
struct ResponseUsage {
    #[serde(default)]
    input_tokens: Option<u64>,
    #[serde(default)]
    output_tokens: Option<u64>,
    #[serde(default)]
    input_tokens_details: Option<InputDetails>,
}

#[derive(Debug, Deserialize)]
struct InputDetails {
    #[serde(default)]
    cached_tokens: Option<u64>,
    #[serde(default)]
    cache_write_tokens: Option<u64>,
}

/// Reads the counts of an answer.
pub(crate) fn usage(counts: &Value) -> Option<Usage> {
    ResponseUsage::deserialize(counts).ok()?.usage()
}

impl ResponseUsage {
    /// The counts, where both are there. Reasoning is inside the output here.
    fn usage(&self) -> Option<Usage> {
        let input = self.input_tokens?;
        let details = self.input_tokens_details.as_ref();
        let cached = details.and_then(|details| details.cached_tokens);
        let cached_input = cached.unwrap_or(0).min(input);
        let written = details.and_then(|details| details.cache_write_tokens);
        Some(Usage {
            input,
            output: self.output_tokens?,
            cached_input,
            cache_write: written.unwrap_or(0).min(input - cached_input),
            ..Usage::default()
        })
    }
}

/// An answer as far as it has arrived.
#[derive(Debug, Default)]
pub(crate) struct Responses {
    text: String,
    stop: Option<StopReason>,
    refused: bool,
    usage: Option<Usage>,
}

impl Responses {
    /// Takes the answer as it stands at its end. Its text, where it is repeated there, goes before
    /// the pieces.
    fn end(&mut self, answer: Answer) -> Result<(), DecodeError> {
        let stop = stop_reason(&answer)?;
        let parts = answer
            .output
            .into_iter()
            .filter(|item| item.kind == "message");
        let mut text = String::new();
        for part in parts.filter_map(|item| item.content).flatten() {
            self.refused |= part.kind == "refusal";
            if part.kind == "output_text" {
                text.push_str(&part.text.unwrap_or_default());
            }
        }
        if !text.is_empty() {
            self.text = text;
        }
        self.usage = answer.usage.as_ref().and_then(ResponseUsage::usage);
        self.stop = Some(stop);
        Ok(())
    }
}

impl Dialect for Responses {
    fn document(&mut self, value: &Value) -> Result<(), DecodeError> {
        if value.get("output").is_none_or(|output| !output.is_array()) {
            return Err(DecodeError::Malformed {
                said: "it holds no output".to_owned(),
            });
        }
        self.end(typed(value)?)
    }

    fn event(&mut self, data: &str) -> Result<(), DecodeError> {
        let value: Value = parse_event(data)?;
        if let Some(reported) = reported_error(&value) {
            return Err(reported);
        }
        let response = || value.get("response").unwrap_or(&Value::Null);
        let kind = value.get("type").and_then(Value::as_str);
        match kind.unwrap_or_default() {
            "response.output_text.delta" => {
                let delta = value.get("delta").and_then(Value::as_str);
                self.text.push_str(delta.unwrap_or_default());
            }
            "response.refusal.delta" | "response.refusal.done" => self.refused = true,
            "response.completed" | "response.incomplete" => self.end(typed(response())?)?,
            "response.failed" => {
                return Err(reported_error(response()).unwrap_or_else(|| flat_error(response())));
            }
            "error" => return Err(flat_error(&value)),
            // What is thought, repeated or announced, and kinds that a later version adds.
            _ => {}
        }
        Ok(())
    }

    fn is_complete(&self) -> bool {
        self.stop.is_some()
    }

    fn text(&self) -> &str {
        &self.text
    }

    fn finish(self) -> Result<Completion, DecodeError> {
        let stop = self.stop.ok_or(DecodeError::Truncated)?;
        Ok(Completion {
            text: self.text,
            stop: if self.refused {
                StopReason::Filtered
            } else {
                stop
            },
            usage: self.usage,
        })
    }
}

/// Why an answer ended. One that is still being made, or was given up, is no answer.
fn stop_reason(answer: &Answer) -> Result<StopReason, DecodeError> {
    let reason = answer.incomplete_details.as_ref();
    let reason = reason.and_then(|details| details.reason.as_deref());
    match (answer.status.as_deref(), reason) {
        (Some("completed"), _) => Ok(StopReason::End),
        (Some("incomplete"), Some("content_filter")) => Ok(StopReason::Filtered),
        (Some("incomplete"), _) => Ok(StopReason::Length),
        (Some(status), _) => Err(DecodeError::Malformed {
            said: format!("its status is `{}`", crate::wire::tidy(status)),
        }),
        (None, _) => Err(DecodeError::Malformed {
            said: "it does not say why it ended".to_owned(),
        }),
    }
}
