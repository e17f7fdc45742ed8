//! The dialects as they travel: request bodies, and one decoder for whole and streamed answers.
//!
//! Nothing here opens a connection. A decoder takes bytes in whatever pieces they arrive and says
//! at the end whether they were a complete answer by the rules of its dialect.

pub(crate) mod anthropic;
pub(crate) mod embeddings;
pub(crate) mod gemini;
pub(crate) mod openai;
pub(crate) mod responses;
pub(crate) mod schema;
pub(crate) mod sse;
pub(crate) mod turns;

#[cfg(test)]
mod tests;

use std::borrow::Cow;

use atelier_model::{StopReason, Usage};
use serde::de::DeserializeOwned;
use serde_json::Value;

use self::sse::SseDecoder;

/// Characters of a provider's own words that are kept.
const SAID_CHARS_MAX: usize = 500;

/// Bytes on the wire for one byte of text: a streamed token travels in some 300 bytes of JSON.
pub(crate) const WIRE_BYTES_FACTOR_MAX: usize = 400;

/// Bytes of a JSON document for one byte of text, every character escaped, and its envelope.
pub(crate) const DOCUMENT_BYTES_FACTOR_MAX: usize = 8;

/// One complete answer of a provider.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Completion {
    /// The text.
    pub text: String,
    /// Why it ended.
    pub stop: StopReason,
    /// Tokens, where the provider counted them.
    pub usage: Option<Usage>,
}

/// Why bytes were not a complete answer.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub(crate) enum DecodeError {
    /// They ended before the dialect's terminal event.
    #[error("read an answer that ended too early")]
    Truncated,
    /// They do not follow the dialect.
    #[error("read an answer in the provider's dialect: {said}")]
    Malformed {
        /// What is wrong.
        said: String,
    },
    /// The provider reports an error in the place of an answer.
    #[error("get an answer, the provider says: {said}")]
    Reported {
        /// The HTTP status that means the same.
        status: u16,
        /// The provider's words.
        said: String,
    },
    /// The text or its envelope is larger than allowed.
    #[error("read an answer of more than {limit} bytes")]
    TooLarge {
        /// The limit.
        limit: usize,
    },
}

impl DecodeError {
    /// The same of an event that was not closed by its blank line: unless it parses it was cut off.
    pub(crate) fn of_last(self) -> Self {
        match self {
            Self::Malformed { .. } => Self::Truncated,
            other @ (Self::Truncated | Self::Reported { .. } | Self::TooLarge { .. }) => other,
        }
    }
}

/// What one dialect makes of the JSON it receives.
pub(crate) trait Dialect: Default {
    /// Takes a whole answer.
    fn document(&mut self, value: &Value) -> Result<(), DecodeError>;

    /// Takes one event of a stream: its data, which is not always JSON.
    fn event(&mut self, data: &str) -> Result<(), DecodeError>;

    /// Whether the terminal event of the dialect was seen.
    fn is_complete(&self) -> bool;

    /// The text so far.
    fn text(&self) -> &str;

    /// The answer, when nothing more will come.
    fn finish(self) -> Result<Completion, DecodeError>;
}

/// How an answer travels; told apart by its first byte, since servers err in their headers.
#[derive(Debug)]
enum Form {
    Unknown,
    Document(Vec<u8>),
    Stream(SseDecoder),
}

/// Takes the bytes of one answer in pieces of any size.
#[derive(Debug)]
pub(crate) struct Decoder<D> {
    dialect: D,
    form: Form,
    text_bytes_max: usize,
    wire_bytes: usize,
}

impl<D: Dialect> Decoder<D> {
    /// A decoder for an answer of at most so many bytes of text.
    pub(crate) fn new(dialect: D, text_bytes_max: usize) -> Self {
        Self {
            dialect,
            form: Form::Unknown,
            text_bytes_max,
            wire_bytes: 0,
        }
    }

    /// Takes the next bytes.
    pub(crate) fn push(&mut self, bytes: &[u8]) -> Result<(), DecodeError> {
        self.wire_bytes = self.wire_bytes.saturating_add(bytes.len());
        self.check(self.wire_bytes, WIRE_BYTES_FACTOR_MAX)?;
        let bytes = self.recognise(bytes);
        match &mut self.form {
            Form::Unknown => Ok(()),
            Form::Document(document) => {
                document.extend_from_slice(bytes);
                let size = document.len();
                self.check(size, DOCUMENT_BYTES_FACTOR_MAX)
            }
            Form::Stream(stream) => {
                let events = stream.push(bytes);
                let pending = stream.pending_bytes();
                self.check(pending, DOCUMENT_BYTES_FACTOR_MAX)?;
                self.take(&events)
            }
        }
    }

    /// Whether the answer is complete, so that nothing more needs to be read.
    pub(crate) fn is_complete(&self) -> bool {
        self.dialect.is_complete()
    }

    /// What has come so far: the text of a stream, a document as it stands.
    pub(crate) fn said(&self) -> Cow<'_, str> {
        match &self.form {
            Form::Document(document) => String::from_utf8_lossy(document),
            Form::Unknown | Form::Stream(_) => Cow::Borrowed(self.dialect.text()),
        }
    }

    /// The answer, after the last byte.
    pub(crate) fn finish(mut self) -> Result<Completion, DecodeError> {
        match std::mem::replace(&mut self.form, Form::Unknown) {
            Form::Unknown => return Err(DecodeError::Truncated),
            Form::Document(document) => {
                let value = parse_document(&document)?;
                if let Some(reported) = reported_error(&value) {
                    return Err(reported);
                }
                self.dialect.document(&value)?;
            }
            Form::Stream(stream) => {
                if !self.dialect.is_complete()
                    && let Some(last) = stream.finish()
                {
                    self.dialect.event(&last).map_err(DecodeError::of_last)?;
                }
            }
        }
        self.check(self.dialect.text().len(), 1)?;
        self.dialect.finish()
    }

    /// Settles the form by the first byte that is not white space and returns what is left.
    fn recognise<'b>(&mut self, bytes: &'b [u8]) -> &'b [u8] {
        if !matches!(self.form, Form::Unknown) {
            return bytes;
        }
        let Some(start) = bytes.iter().position(|byte| !byte.is_ascii_whitespace()) else {
            return bytes;
        };
        let is_document = matches!(bytes[start], b'{' | b'[' | b'<' | b'"');
        self.form = if is_document {
            Form::Document(Vec::new())
        } else {
            Form::Stream(SseDecoder::default())
        };
        &bytes[start..]
    }

    fn take(&mut self, events: &[String]) -> Result<(), DecodeError> {
        for data in events {
            if self.dialect.is_complete() {
                break;
            }
            self.dialect.event(data)?;
        }
        self.check(self.dialect.text().len(), 1)
    }

    fn check(&self, size: usize, factor: usize) -> Result<(), DecodeError> {
        let limit = self.text_bytes_max;
        if size
            > limit
                .saturating_mul(factor)
                .saturating_add(ENVELOPE_BYTES_MAX * (factor - 1))
        {
            return Err(DecodeError::TooLarge { limit });
        }
        Ok(())
    }
}

/// Bytes of envelope that are always allowed, however small the limit of the text is.
const ENVELOPE_BYTES_MAX: usize = 16 * 1024;

/// Reads a whole answer. A document that merely stops is truncated, not malformed.
pub(crate) fn parse_document(document: &[u8]) -> Result<Value, DecodeError> {
    serde_json::from_slice(document).map_err(|error| {
        if error.is_eof() {
            return DecodeError::Truncated;
        }
        let start: String = String::from_utf8_lossy(document).chars().take(80).collect();
        DecodeError::Malformed {
            said: format!("it is not JSON and begins with `{}`", tidy(&start)),
        }
    })
}

/// Reads the data of one event.
pub(crate) fn parse_event(data: &str) -> Result<Value, DecodeError> {
    serde_json::from_str(data).map_err(|error| DecodeError::Malformed {
        said: format!("an event is not JSON: {error}"),
    })
}

/// Takes a value for what the dialect says it is.
fn typed<T: DeserializeOwned>(value: &Value) -> Result<T, DecodeError> {
    T::deserialize(value).map_err(|error| DecodeError::Malformed {
        said: format!("a part of it is not what it should be: {error}"),
    })
}

/// The error that a provider puts in the place of an answer.
pub(crate) fn reported_error(value: &Value) -> Option<DecodeError> {
    let error = value.get("error").filter(|error| !error.is_null())?;
    Some(DecodeError::Reported {
        status: reported_status(error),
        said: said(value).unwrap_or_else(|| "an error without words".to_owned()),
    })
}

/// An error whose fields stand beside its type, not in an object of their own.
pub(crate) fn flat_error(value: &Value) -> DecodeError {
    DecodeError::Reported {
        status: reported_status(value),
        said: said(value).unwrap_or_else(|| "an error without words".to_owned()),
    }
}

/// The HTTP status that an error object means: its code where it is one, else by its words.
fn reported_status(error: &Value) -> u16 {
    let code = error.get("code").and_then(Value::as_u64);
    if let Some(code) = code.and_then(|code| u16::try_from(code).ok())
        && (400..600).contains(&code)
    {
        return code;
    }
    let word = |field: &str| error.get(field).and_then(Value::as_str);
    let words = ["code", "type"].into_iter().filter_map(word);
    words.into_iter().find_map(status_of).unwrap_or(500)
}

/// The HTTP status that a word for an error means.
fn status_of(word: &str) -> Option<u16> {
    let status = match word {
        "invalid_request_error" | "invalid_prompt" | "context_length_exceeded" => 400,
        "authentication_error" | "invalid_api_key" => 401,
        "billing_error" | "insufficient_quota" => 402,
        "permission_error" => 403,
        "not_found_error" | "model_not_found" => 404,
        "request_too_large" => 413,
        "rate_limit_error" | "rate_limit_exceeded" => 429,
        "server_error" | "api_error" => 500,
        "insufficient_system_resource" => 503,
        "timeout_error" => 504,
        "overloaded_error" => 529,
        _ => return None,
    };
    Some(status)
}

/// The words of an error body: all dialects, and the habits of their imitators.
pub(crate) fn said(value: &Value) -> Option<String> {
    let error = value.get("error").unwrap_or(value);
    let text = error
        .get("message")
        .or_else(|| value.get("message"))
        .or_else(|| value.get("detail"))
        .unwrap_or(error);
    let text = match text {
        Value::String(text) => text.clone(),
        other @ (Value::Null
        | Value::Bool(_)
        | Value::Number(_)
        | Value::Array(_)
        | Value::Object(_)) => other.to_string(),
    };
    Some(tidy(&text)).filter(|text| !text.is_empty())
}

/// The body of a refusal; null where it is no JSON. A refused stream may come as a list of one.
pub(crate) fn error_document(body: &[u8]) -> Value {
    match serde_json::from_slice(body).unwrap_or_default() {
        Value::Array(list) => list.into_iter().next().unwrap_or_default(),
        document @ (Value::Null
        | Value::Bool(_)
        | Value::Number(_)
        | Value::String(_)
        | Value::Object(_)) => document,
    }
}

/// Whether a refusal means that the key is wrong or has no credit, where its status does not say
/// so.
pub(crate) fn denies_access(refusal: &Value) -> bool {
    let Some(error) = refusal.get("error") else {
        return false;
    };
    let word = |field: &str| error.get(field).and_then(Value::as_str);
    let details = error.get("details").and_then(Value::as_array);
    let mut details = details.into_iter().flatten();
    word("code").or_else(|| word("type")) == Some("insufficient_quota")
        || details.any(|detail| {
            detail
                .get("reason")
                .is_some_and(|why| why == "API_KEY_INVALID")
        })
}

/// A stranger's words on one line of bounded length, without control characters.
pub(crate) fn tidy(text: &str) -> String {
    let words = text
        .split(|c: char| c.is_control() || c.is_whitespace())
        .filter(|word| !word.is_empty());
    let line = words.collect::<Vec<_>>().join(" ");
    match line.char_indices().nth(SAID_CHARS_MAX) {
        Some((end, _)) => format!("{}…", &line[..end]),
        None => line,
    }
}
