//! The content generation dialect of Gemini.

use atelier_model::{StopReason, Usage};
use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::wire::{
    Completion, DecodeError, Dialect, parse_event, reported_error,
    turns::{Speaker, Turn},
    typed,
};

/// A request body; model and form of the answer stand in the address.
#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct GenerateRequest {
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) system_instruction: Option<Content>,
    pub(crate) contents: Vec<Content>,
    pub(crate) generation_config: GenerationConfig,
}

/// One turn of a conversation.
#[derive(Debug, PartialEq, Eq, Serialize)]
pub(crate) struct Content {
    #[serde(skip_serializing_if = "Option::is_none")]
    role: Option<&'static str>,
    parts: [TextPart; 1],
}

#[derive(Debug, PartialEq, Eq, Serialize)]
struct TextPart {
    text: String,
}

impl Content {
    /// The standing instructions, which nobody speaks.
    pub(crate) fn standing(text: String) -> Self {
        Self {
            role: None,
            parts: [TextPart { text }],
        }
    }
}

impl From<Turn> for Content {
    fn from(turn: Turn) -> Self {
        let role = match turn.speaker {
            Speaker::User => "user",
            Speaker::Model => "model",
        };
        Self {
            role: Some(role),
            ..Self::standing(turn.text)
        }
    }
}

/// How an answer is made.
#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct GenerationConfig {
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) temperature: Option<f64>,
    pub(crate) max_output_tokens: u64,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) response_mime_type: Option<&'static str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) response_json_schema: Option<Value>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) thinking_config: Option<ThinkingConfig>,
}

/// How hard to think: in words, or as a number of tokens.
#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct ThinkingConfig {
    #[serde(skip_serializing_if = "Option::is_none")]
    thinking_level: Option<&'static str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    thinking_budget: Option<u64>,
}

impl ThinkingConfig {
    /// In a word.
    pub(crate) fn level(level: &'static str) -> Self {
        Self {
            thinking_level: Some(level),
            thinking_budget: None,
        }
    }

    /// As a number of tokens.
    pub(crate) fn budget(tokens: u64) -> Self {
        Self {
            thinking_level: None,
            thinking_budget: Some(tokens),
        }
    }
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
struct Piece {
    #[serde(default)]
    candidates: Option<Vec<Candidate>>,
    #[serde(default)]
    prompt_feedback: Option<Feedback>,
    #[serde(default)]
    usage_metadata: Option<UsageMetadata>,
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
struct Candidate {
    #[serde(default)]
    index: u64,
    #[serde(default)]
    content: Option<Said>,
    #[serde(default)]
    finish_reason: Option<String>,
}

#[derive(Debug, Deserialize)]
struct Said {
    #[serde(default)]
    parts: Vec<Part>,
}

#[derive(Debug, Deserialize)]
struct Part {
    #[serde(default)]
    text: Option<String>,
    /// Whether it is thought and not said.
    #[serde(default)]
    thought: bool,
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
struct Feedback {
    #[serde(default)]
    block_reason: Option<String>,
}

/// Counts of everything so far; each piece repeats them.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
#[expect(clippy::struct_field_names, reason = "the dialect names them so")]
struct UsageMetadata {
    #[serde(default)]
    prompt_token_count: Option<u64>,
    #[serde(default)]
    cached_content_token_count: Option<u64>,
    #[serde(default)]
    candidates_token_count: Option<u64>,
    #[serde(default)]
    thoughts_token_count: Option<u64>,
    #[serde(default)]
    tool_use_prompt_token_count: Option<u64>,
    #[serde(default)]
    total_token_count: Option<u64>,
}

/// Reads the counts of an answer.
pub(crate) fn usage(counts: &Value) -> Option<Usage> {
    UsageMetadata::deserialize(counts).ok()?.usage()
}

impl UsageMetadata {
    /// The counts. Thoughts stand beside the answer here, not in it, and an answer without a word
    /// has no count of its own: then the total tells.
    fn usage(&self) -> Option<Usage> {
        let tools = self.tool_use_prompt_token_count.unwrap_or(0);
        let input = self.prompt_token_count?.saturating_add(tools);
        let output = match (self.candidates_token_count, self.thoughts_token_count) {
            (None, None) => self.total_token_count?.saturating_sub(input),
            (said, thought) => said.unwrap_or(0).saturating_add(thought.unwrap_or(0)),
        };
        Some(Usage {
            input,
            output,
            cached_input: self.cached_content_token_count.unwrap_or(0).min(input),
            ..Usage::default()
        })
    }
}

/// Reasons that say only that there is none yet.
const UNSET: [&str; 2] = ["", "FINISH_REASON_UNSPECIFIED"];

/// An answer as far as it has arrived.
#[derive(Debug, Default)]
pub(crate) struct Generated {
    text: String,
    stop: Option<StopReason>,
    /// Counts that came with the end or after it: earlier ones are not final.
    usage: Option<Usage>,
}

impl Generated {
    fn take(&mut self, piece: Piece) {
        let candidates = piece.candidates.unwrap_or_default();
        // One answer is asked for; a server that sends more must not have them mixed.
        for candidate in candidates.into_iter().filter(|one| one.index == 0) {
            let parts = candidate.content.into_iter().flat_map(|said| said.parts);
            for part in parts.filter(|part| !part.thought) {
                self.text.push_str(&part.text.unwrap_or_default());
            }
            let reason = candidate.finish_reason;
            if let Some(reason) = reason.filter(|reason| !UNSET.contains(&reason.as_str())) {
                self.stop = Some(stop_reason(&reason));
            }
        }
        let blocked = piece.prompt_feedback.and_then(|said| said.block_reason);
        if blocked.is_some() {
            self.stop = Some(StopReason::Filtered);
        }
        if let Some(usage) = piece.usage_metadata.filter(|_| self.stop.is_some()) {
            self.usage = usage.usage();
        }
    }
}

impl Dialect for Generated {
    fn document(&mut self, value: &Value) -> Result<(), DecodeError> {
        if value.get("candidates").is_none() && value.get("promptFeedback").is_none() {
            return Err(DecodeError::Malformed {
                said: "it holds no candidate".to_owned(),
            });
        }
        self.take(typed(value)?);
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
        self.take(typed(&value)?);
        Ok(())
    }

    /// The reason ends the answer, but the counts may come one piece later.
    fn is_complete(&self) -> bool {
        self.stop.is_some() && self.usage.is_some()
    }

    fn text(&self) -> &str {
        &self.text
    }

    fn finish(self) -> Result<Completion, DecodeError> {
        Ok(Completion {
            text: self.text,
            stop: self.stop.ok_or(DecodeError::Truncated)?,
            usage: self.usage,
        })
    }
}

/// What ended an answer. Only one reason says that it is whole; all others, also those that a later
/// version adds, withheld something.
fn stop_reason(reason: &str) -> StopReason {
    match reason {
        "STOP" => StopReason::End,
        "MAX_TOKENS" => StopReason::Length,
        _ => StopReason::Filtered,
    }
}
