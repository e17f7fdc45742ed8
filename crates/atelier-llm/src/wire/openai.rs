//! The chat completions dialect: what `OpenAI` speaks, and most servers with it.

use atelier_model::{Message, Role, StopReason, Usage};
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use crate::wire::{
    Completion, DecodeError, Dialect, parse_event, reported_error, status_of, typed,
};

/// The data of the event after which nothing follows.
const DONE: &str = "[DONE]";

/// A request body.
#[derive(Debug, Serialize)]
pub(crate) struct ChatRequest<'a> {
    pub(crate) model: &'a str,
    pub(crate) messages: Vec<ChatMessage<'a>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) temperature: Option<f64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) max_tokens: Option<u64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) max_completion_tokens: Option<u64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) reasoning_effort: Option<&'static str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) response_format: Option<Value>,
    pub(crate) stream: bool,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) stream_options: Option<StreamOptions>,
}

/// One message of a request.
#[derive(Debug, Serialize)]
pub(crate) struct ChatMessage<'a> {
    role: &'static str,
    content: &'a str,
}

/// What a stream carries beside its text.
#[derive(Debug, Serialize)]
pub(crate) struct StreamOptions {
    include_usage: bool,
}

impl StreamOptions {
    /// Asks for the token counts at the end of the stream.
    pub(crate) const USAGE: Self = Self {
        include_usage: true,
    };
}

impl<'a> From<&'a Message> for ChatMessage<'a> {
    fn from(message: &'a Message) -> Self {
        let role = match message.role {
            Role::System => "system",
            Role::User => "user",
            Role::Assistant => "assistant",
        };
        Self {
            role,
            content: &message.text,
        }
    }
}

/// The `response_format` that holds an answer to a schema.
pub(crate) fn schema_format(name: &str, schema: &Value) -> Value {
    json!({"type": "json_schema", "json_schema": {"name": name, "schema": schema}})
}

/// The `response_format` that holds an answer to the form of JSON.
pub(crate) fn syntax_format() -> Value {
    json!({"type": "json_object"})
}

#[derive(Debug, Deserialize)]
struct Chunk {
    #[serde(default)]
    choices: Option<Vec<Choice>>,
    #[serde(default)]
    usage: Option<ChatUsage>,
    /// Where one server puts the counts of a stream that were not asked for.
    #[serde(default)]
    x_groq: Option<Aside>,
}

#[derive(Debug, Deserialize)]
struct Aside {
    #[serde(default)]
    usage: Option<ChatUsage>,
}

#[derive(Debug, Deserialize)]
struct Choice {
    #[serde(default)]
    index: u64,
    #[serde(default)]
    delta: Option<Said>,
    #[serde(default)]
    message: Option<Said>,
    #[serde(default)]
    finish_reason: Option<String>,
}

#[derive(Debug, Deserialize)]
struct Said {
    #[serde(default)]
    content: Value,
    #[serde(default)]
    refusal: Option<String>,
}

#[derive(Debug, Deserialize)]
struct ChatUsage {
    #[serde(default)]
    prompt_tokens: Option<u64>,
    #[serde(default)]
    completion_tokens: Option<u64>,
    #[serde(default)]
    prompt_tokens_details: Option<PromptDetails>,
    /// The cached tokens, where they stand beside the details.
    #[serde(default)]
    prompt_cache_hit_tokens: Option<u64>,
}

#[derive(Debug, Deserialize)]
struct PromptDetails {
    #[serde(default)]
    cached_tokens: Option<u64>,
    #[serde(default, alias = "caching_tokens")]
    cache_write_tokens: Option<u64>,
}

/// Reads the counts of an answer.
pub(crate) fn usage(counts: &Value) -> Option<Usage> {
    ChatUsage::deserialize(counts).ok()?.usage()
}

impl ChatUsage {
    /// The counts, where both are there: half a bill is no bill.
    fn usage(&self) -> Option<Usage> {
        let input = self.prompt_tokens?;
        let details = self.prompt_tokens_details.as_ref();
        let cached = details.and_then(|details| details.cached_tokens);
        let cached = cached.or(self.prompt_cache_hit_tokens);
        let cached_input = cached.unwrap_or(0).min(input);
        let written = details.and_then(|details| details.cache_write_tokens);
        Some(Usage {
            input,
            output: self.completion_tokens?,
            cached_input,
            cache_write: written.unwrap_or(0).min(input - cached_input),
            ..Usage::default()
        })
    }
}

/// An answer as far as it has arrived.
#[derive(Debug, Default)]
pub(crate) struct Chat {
    text: String,
    stop: Option<StopReason>,
    refused: bool,
    usage: Option<Usage>,
    done: bool,
}

impl Chat {
    fn take(&mut self, chunk: Chunk) -> Result<(), DecodeError> {
        let aside = chunk.x_groq.and_then(|aside| aside.usage);
        if let Some(usage) = chunk.usage.or(aside).and_then(|counts| counts.usage()) {
            self.usage = Some(usage);
        }
        let choices = chunk.choices.unwrap_or_default();
        // One answer is asked for; a server that sends more must not have them mixed.
        for choice in choices.into_iter().filter(|choice| choice.index == 0) {
            if let Some(said) = choice.delta.or(choice.message) {
                push_content(&mut self.text, &said.content);
                self.refused |= said.refusal.is_some_and(|words| !words.is_empty());
            }
            if let Some(reason) = choice.finish_reason.filter(|reason| !reason.is_empty()) {
                self.stop = Some(stop_reason(&reason)?);
            }
        }
        Ok(())
    }
}

impl Dialect for Chat {
    fn document(&mut self, value: &Value) -> Result<(), DecodeError> {
        let chunk: Chunk = typed(value)?;
        if chunk.choices.as_ref().is_none_or(Vec::is_empty) {
            return Err(DecodeError::Malformed {
                said: "it holds no choice".to_owned(),
            });
        }
        self.take(chunk)?;
        if self.stop.is_none() {
            return Err(DecodeError::Malformed {
                said: "it does not say why it ended".to_owned(),
            });
        }
        Ok(())
    }

    fn event(&mut self, data: &str) -> Result<(), DecodeError> {
        if data.trim() == DONE {
            self.done = true;
            return Ok(());
        }
        let value: Value = parse_event(data)?;
        if let Some(reported) = reported_error(&value) {
            return Err(reported);
        }
        self.take(typed(&value)?)
    }

    fn is_complete(&self) -> bool {
        self.done
    }

    fn text(&self) -> &str {
        &self.text
    }

    fn finish(self) -> Result<Completion, DecodeError> {
        // Some servers say that they are done after an error too.
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

/// Appends content, which is a text or a list of parts with texts.
fn push_content(text: &mut String, content: &Value) {
    if let Some(piece) = content.as_str() {
        text.push_str(piece);
    }
    let parts = content.as_array().into_iter().flatten();
    for piece in parts.filter_map(|part| part.get("text").and_then(Value::as_str)) {
        text.push_str(piece);
    }
}

/// Why an answer ended. Some servers say there that they could not go on: that is an error.
fn stop_reason(reason: &str) -> Result<StopReason, DecodeError> {
    match reason {
        "length" | "max_tokens" | "model_length" => Ok(StopReason::Length),
        "content_filter" => Ok(StopReason::Filtered),
        "error" | "insufficient_system_resource" => Err(DecodeError::Reported {
            status: status_of(reason).unwrap_or(500),
            said: format!("the answer ended with `{reason}`"),
        }),
        _ => Ok(StopReason::End),
    }
}
