//! The messages dialect of Anthropic.

use atelier_model::{StopReason, Usage};
use serde::{Deserialize, Serialize, de::DeserializeOwned};
use serde_json::Value;

use crate::{
    Effort,
    wire::{
        Completion, DecodeError, Dialect, parse_event, reported_error,
        turns::{Speaker, Turn},
        typed,
    },
};

/// The fewest tokens of thought that can be asked for.
const THOUGHT_TOKENS_MIN: u64 = 1_024;

/// A request body.
#[derive(Debug, Serialize)]
pub(crate) struct MessagesRequest<'a> {
    pub(crate) model: &'a str,
    pub(crate) max_tokens: u64,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) system: Option<[TextBlock; 1]>,
    pub(crate) messages: Vec<Spoken>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) temperature: Option<f64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) thinking: Option<Thinking>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) output_config: Option<OutputConfig>,
    pub(crate) stream: bool,
}

/// One turn of a conversation.
#[derive(Debug, PartialEq, Eq, Serialize)]
pub(crate) struct Spoken {
    role: &'static str,
    content: [TextBlock; 1],
}

/// A text, and whether the provider's prompt cache is to keep everything up to its end.
#[derive(Debug, PartialEq, Eq, Serialize)]
pub(crate) struct TextBlock {
    #[serde(rename = "type")]
    kind: &'static str,
    text: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    cache_control: Option<CacheControl>,
}

#[derive(Debug, PartialEq, Eq, Serialize)]
struct CacheControl {
    #[serde(rename = "type")]
    kind: &'static str,
}

impl TextBlock {
    fn new(text: String, kept: bool) -> Self {
        Self {
            kind: "text",
            text,
            cache_control: kept.then_some(CacheControl { kind: "ephemeral" }),
        }
    }
}

/// The standing text, which every ask of its stage begins with and which is therefore kept.
pub(crate) fn system(text: String) -> Option<[TextBlock; 1]> {
    (!text.is_empty()).then(|| [TextBlock::new(text, true)])
}

/// The turns of a conversation; the last one is `kept` where it is likely to go on.
pub(crate) fn content(turns: Vec<Turn>, kept: bool) -> Vec<Spoken> {
    let last = turns.len().saturating_sub(1);
    let spoken = turns.into_iter().enumerate().map(|(index, turn)| Spoken {
        role: match turn.speaker {
            Speaker::User => "user",
            Speaker::Model => "assistant",
        },
        content: [TextBlock::new(turn.text, kept && index == last)],
    });
    spoken.collect()
}

/// Whether and how far the model thinks before it answers.
#[derive(Debug, PartialEq, Eq, Serialize)]
pub(crate) struct Thinking {
    #[serde(rename = "type")]
    kind: &'static str,
    #[serde(skip_serializing_if = "Option::is_none")]
    budget_tokens: Option<u64>,
}

impl Thinking {
    /// As far as the model sees fit.
    pub(crate) const ADAPTIVE: Self = Self {
        kind: "adaptive",
        budget_tokens: None,
    };

    /// Up to a share of the answer's tokens; `None` where so few are no thought.
    pub(crate) fn budget(effort: Effort, tokens_max: u64) -> Option<Self> {
        let share = match effort {
            Effort::Low => tokens_max / 8,
            Effort::Medium => tokens_max / 4,
            Effort::High => tokens_max / 2,
        };
        let tokens = share.max(THOUGHT_TOKENS_MIN);
        (tokens < tokens_max).then_some(Self {
            kind: "enabled",
            budget_tokens: Some(tokens),
        })
    }
}

/// What is wanted of the answer.
#[derive(Debug, PartialEq, Serialize)]
pub(crate) struct OutputConfig {
    #[serde(skip_serializing_if = "Option::is_none")]
    effort: Option<&'static str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    format: Option<Format>,
}

#[derive(Debug, PartialEq, Serialize)]
struct Format {
    #[serde(rename = "type")]
    kind: &'static str,
    schema: Value,
}

impl OutputConfig {
    /// What is wanted, where anything is.
    pub(crate) fn of(effort: Option<&'static str>, schema: Option<Value>) -> Option<Self> {
        let format = schema.map(|schema| Format {
            kind: "json_schema",
            schema,
        });
        (effort.is_some() || format.is_some()).then_some(Self { effort, format })
    }
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
pub(crate) struct MessageUsage {
    #[serde(default)]
    input_tokens: Option<u64>,
    #[serde(default)]
    output_tokens: Option<u64>,
    #[serde(default)]
    cache_read_input_tokens: Option<u64>,
    #[serde(default)]
    cache_creation_input_tokens: Option<u64>,
    #[serde(default)]
    cache_creation: Option<CacheCreation>,
}

/// The written tokens by how long they are kept.
#[derive(Debug, Clone, Copy, Deserialize)]
struct CacheCreation {
    #[serde(default)]
    ephemeral_1h_input_tokens: Option<u64>,
}

impl MessageUsage {
    /// Forgets the output with which a stream begins: it is provisional.
    pub(crate) fn begin(&mut self) {
        self.output_tokens = None;
    }

    /// Takes newer counts.
    pub(crate) fn update(&mut self, newer: Self) {
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
        self.cache_creation = newer.cache_creation.or(self.cache_creation);
    }

    /// The counts with the cached tokens inside the input, where this dialect puts them beside it.
    pub(crate) fn usage(&self) -> Option<Usage> {
        let cached_input = self.cache_read_input_tokens.unwrap_or(0);
        let cache_write = self.cache_creation_input_tokens.unwrap_or(0);
        let beside = cached_input.saturating_add(cache_write);
        let of_an_hour = self
            .cache_creation
            .and_then(|written| written.ephemeral_1h_input_tokens);
        Some(Usage {
            input: self.input_tokens?.saturating_add(beside),
            output: self.output_tokens?,
            cached_input,
            cache_write,
            cache_write_hour: of_an_hour.unwrap_or(0).min(cache_write),
        })
    }
}

/// An answer as far as it has arrived.
#[derive(Debug, Default)]
pub(crate) struct Messages {
    text: String,
    stop: Option<StopReason>,
    usage: MessageUsage,
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
            "message_start" => {
                self.take_answer(part(&value, "message")?);
                self.usage.begin();
            }
            "content_block_start" => self.take_block(&part(&value, "content_block")?),
            "content_block_delta" => self.take_delta(part(&value, "delta")?),
            "message_delta" => {
                let usage = part::<Option<MessageUsage>>(&value, "usage")?.unwrap_or_default();
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

    fn text(&self) -> &str {
        &self.text
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
            usage: self.usage.usage(),
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
