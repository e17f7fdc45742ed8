//! The messages dialect of Anthropic.

use atelier_model::{Message, Role, StopReason, Usage};
use serde::{Deserialize, Serialize, de::DeserializeOwned};
use serde_json::Value;

use crate::wire::{Completion, DecodeError, Dialect, parse_event, reported_error, typed};

/// What stands between two messages of one speaker, which this dialect wants as one.
const BETWEEN_MESSAGES: &str = "\n\n";

/// A request body.
#[derive(Debug, Serialize)]
pub(crate) struct MessagesRequest<'a> {
    pub(crate) model: &'a str,
    pub(crate) max_tokens: u64,
    #[serde(skip_serializing_if = "String::is_empty")]
    pub(crate) system: String,
    pub(crate) messages: Vec<Turn>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) temperature: Option<f64>,
    pub(crate) stream: bool,
}

/// One turn of a conversation.
#[derive(Debug, PartialEq, Eq, Serialize)]
pub(crate) struct Turn {
    role: &'static str,
    content: String,
}

/// Takes a conversation apart into the system text and turns that alternate.
pub(crate) fn turns(messages: &[Message]) -> (String, Vec<Turn>) {
    let mut system = String::new();
    let mut turns: Vec<Turn> = Vec::new();
    for message in messages {
        let role = match message.role {
            Role::System => {
                join(&mut system, &message.text);
                continue;
            }
            Role::User => "user",
            Role::Assistant => "assistant",
        };
        match turns.last_mut() {
            Some(last) if last.role == role => join(&mut last.content, &message.text),
            _ => turns.push(Turn {
                role,
                content: message.text.clone(),
            }),
        }
    }
    (system, turns)
}

fn join(text: &mut String, more: &str) {
    if !text.is_empty() {
        text.push_str(BETWEEN_MESSAGES);
    }
    text.push_str(more);
}

#[derive(Debug, Deserialize)]
struct Answer {
    #[serde(default)]
    content: Vec<Block>,
    #[serde(default)]
    stop_reason: Option<String>,
    #[serde(default)]
    usage: Option<MessageUsage>,
}

#[derive(Debug, Deserialize)]
struct Block {
    #[serde(rename = "type")]
    kind: String,
    #[serde(default)]
    text: String,
}

#[derive(Debug, Deserialize)]
struct Delta {
    #[serde(default)]
    text: Option<String>,
    #[serde(default)]
    stop_reason: Option<String>,
}

/// Counts so far; later events repeat some of them, with the newer value.
#[derive(Debug, Clone, Copy, Default, Deserialize)]
#[expect(clippy::struct_field_names, reason = "the dialect names them so")]
struct MessageUsage {
    #[serde(default)]
    input_tokens: Option<u64>,
    #[serde(default)]
    output_tokens: Option<u64>,
    #[serde(default)]
    cache_read_input_tokens: Option<u64>,
    #[serde(default)]
    cache_creation_input_tokens: Option<u64>,
}

impl MessageUsage {
    fn update(&mut self, newer: Self) {
        let keep = |old: &mut Option<u64>, new: Option<u64>| *old = new.or(*old);
        keep(&mut self.input_tokens, newer.input_tokens);
        keep(&mut self.output_tokens, newer.output_tokens);
        keep(
            &mut self.cache_read_input_tokens,
            newer.cache_read_input_tokens,
        );
        keep(
            &mut self.cache_creation_input_tokens,
            newer.cache_creation_input_tokens,
        );
    }

    /// The counts with the cached tokens inside the input, where this dialect puts them beside it.
    fn usage(&self) -> Option<Usage> {
        let cached_input = self.cache_read_input_tokens.unwrap_or(0);
        let cache_write = self.cache_creation_input_tokens.unwrap_or(0);
        let beside = cached_input.saturating_add(cache_write);
        Some(Usage {
            input: self.input_tokens?.saturating_add(beside),
            output: self.output_tokens?,
            cached_input,
            cache_write,
        })
    }
}

/// An answer as far as it has arrived.
#[derive(Debug, Default)]
pub(crate) struct Messages {
    text: String,
    stop: Option<StopReason>,
    usage: MessageUsage,
    /// Whether the output count is final: a stream begins with a provisional one.
    counted: bool,
    whole: bool,
    done: bool,
}

impl Messages {
    fn take_answer(&mut self, answer: Answer) {
        for block in answer.content {
            self.take_block(&block);
        }
        self.usage.update(answer.usage.unwrap_or_default());
        self.stop = answer.stop_reason.as_deref().map(stop_reason);
    }

    fn take_block(&mut self, block: &Block) {
        if block.kind == "text" {
            self.text.push_str(&block.text);
        }
    }

    fn take_delta(&mut self, delta: Delta) {
        if let Some(text) = delta.text {
            self.text.push_str(&text);
        }
        if let Some(reason) = delta.stop_reason {
            self.stop = Some(stop_reason(&reason));
        }
    }
}

impl Dialect for Messages {
    fn document(&mut self, value: &Value) -> Result<(), DecodeError> {
        if value
            .get("content")
            .is_none_or(|content| !content.is_array())
        {
            return Err(DecodeError::Malformed {
                said: "it holds no content".to_owned(),
            });
        }
        self.take_answer(typed(value)?);
        self.counted = true;
        self.whole = true;
        if self.stop.is_none() {
            return Err(DecodeError::Malformed {
                said: "it does not say why it ended".to_owned(),
            });
        }
        Ok(())
    }

    fn event(&mut self, data: &str) -> Result<(), DecodeError> {
        let value: Value = parse_event(data)?;
        if let Some(reported) = reported_error(&value) {
            return Err(reported);
        }
        match value
            .get("type")
            .and_then(Value::as_str)
            .unwrap_or_default()
        {
            "message_start" => self.take_answer(part(&value, "message")?),
            "content_block_start" => self.take_block(&part(&value, "content_block")?),
            "content_block_delta" => self.take_delta(part(&value, "delta")?),
            "message_delta" => {
                let usage = part::<Option<MessageUsage>>(&value, "usage")?.unwrap_or_default();
                self.counted |= usage.output_tokens.is_some();
                self.usage.update(usage);
                self.take_delta(part(&value, "delta")?);
            }
            "message_stop" => self.done = true,
            // Pings, ends of blocks, and kinds that a later version of the dialect adds.
            _ => {}
        }
        Ok(())
    }

    fn is_complete(&self) -> bool {
        self.done
    }

    fn text_bytes(&self) -> usize {
        self.text.len()
    }

    fn finish(self) -> Result<Completion, DecodeError> {
        // The stop reason comes before the end; without one something was lost on the way.
        let stop = self.stop.ok_or(DecodeError::Truncated)?;
        if !self.done && !self.whole {
            return Err(DecodeError::Truncated);
        }
        Ok(Completion {
            text: self.text,
            stop,
            usage: self.usage.usage().filter(|_| self.counted),
        })
    }
}

/// One field of an event.
fn part<T: DeserializeOwned>(event: &Value, name: &str) -> Result<T, DecodeError> {
    typed(event.get(name).unwrap_or(&Value::Null))
}

fn stop_reason(reason: &str) -> StopReason {
    match reason {
        "max_tokens" | "model_context_window_exceeded" => StopReason::Length,
        "refusal" => StopReason::Filtered,
        _ => StopReason::End,
    }
}
