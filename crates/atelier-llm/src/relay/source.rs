//! The bytes of an answer: from the provider as they come, or from an answer that was kept.

use std::time::Duration;

use atelier_model::{Limits, Usage};
use bytes::Bytes;
use reqwest::Response;
use serde_json::Value;
use tokio::time::timeout;

use crate::{
    CallError, Wait,
    relay::{Demand, Dialect, Refusal, dialect::count, exchange::Answer, flow::Form},
    wire::{
        DOCUMENT_BYTES_FACTOR_MAX, DecodeError, WIRE_BYTES_FACTOR_MAX, parse_document,
        sse::SseDecoder,
    },
};

/// Bytes of envelope that are always allowed.
const ENVELOPE_BYTES_MAX: usize = 64 * 1024;

/// Where the bytes of an answer come from.
pub(crate) struct Source {
    /// The dialect they are in.
    pub(crate) dialect: Dialect,
    /// What a whole answer says.
    pub(crate) whole: Option<Whole>,
    /// Bytes that are here already.
    ahead: Option<Bytes>,
    live: Option<Response>,
}

/// A whole answer that has been read.
pub(crate) struct Whole {
    /// All of it.
    pub(crate) bytes: Bytes,
    /// What it says; `None` where nobody needs to understand it.
    pub(crate) answer: Option<Answer>,
    /// Its tokens, where they are known.
    pub(crate) usage: Option<Usage>,
    /// Whether it came as one document.
    pub(crate) is_document: bool,
}

impl Source {
    /// An answer that was given before.
    pub(crate) fn kept(bytes: Bytes, usage: Option<Usage>, dialect: Dialect) -> Self {
        let is_document = Form::of(&bytes) == Form::Document;
        Self {
            dialect,
            whole: Some(Whole {
                bytes: bytes.clone(),
                answer: None,
                usage,
                is_document,
            }),
            ahead: Some(bytes),
            live: None,
        }
    }

    /// An answer whose head has come.
    pub(crate) fn live(response: Response, dialect: Dialect) -> Self {
        Self {
            dialect,
            whole: None,
            ahead: None,
            live: Some(response),
        }
    }

    /// Waits for the first event of a stream, or for all of a document in its place. What begins
    /// with an error, or ends before that, is no answer: nobody was told anything, so somebody else
    /// may be asked.
    pub(crate) async fn begun(mut self, limits: &Limits) -> Result<Self, Refusal> {
        let mut begun = Vec::new();
        let mut seen = 0;
        loop {
            let is_document = Form::of(&begun) == Form::Document;
            if !is_document && let Some(end) = event_end(&begun[seen..]) {
                let next = seen + end;
                if has_begun(&begun[seen..next], self.dialect)? {
                    break;
                }
                seen = next;
                continue;
            }
            if begun.len() > document_bytes_max(limits) {
                let limit = document_bytes_max(limits);
                return Err(CallError::TooLarge { limit }.into());
            }
            let Some(piece) = self.next(limits.first_byte_ms_max).await? else {
                understood(Bytes::copy_from_slice(&begun), self.dialect)?;
                break;
            };
            begun.extend_from_slice(&piece);
        }
        self.ahead = Some(Bytes::from(begun));
        Ok(self)
    }

    /// Reads a whole answer.
    pub(crate) async fn read(mut self, demand: Demand, limits: &Limits) -> Result<Self, Refusal> {
        let bytes = self.all(limits).await?;
        let whole = match demand {
            Demand::Answer => understood(bytes, self.dialect)?,
            Demand::Count | Demand::Embeddings => taken(bytes),
        };
        self.whole = Some(whole);
        Ok(self)
    }

    /// The next bytes, within a wait.
    pub(crate) async fn next(&mut self, limit_ms: u64) -> Result<Option<Bytes>, CallError> {
        if let Some(ahead) = self.ahead.take() {
            return Ok(Some(ahead));
        }
        let Some(live) = &mut self.live else {
            return Ok(None);
        };
        match timeout(Duration::from_millis(limit_ms), live.chunk()).await {
            Ok(Ok(piece)) => Ok(piece),
            Ok(Err(error)) => Err(CallError::Broken {
                said: crate::http::root_cause(&error),
            }),
            Err(_) => Err(CallError::TimedOut {
                which: Wait::Idle,
                limit_ms,
            }),
        }
    }

    async fn all(&mut self, limits: &Limits) -> Result<Bytes, CallError> {
        let limit = document_bytes_max(limits);
        let mut all = Vec::new();
        // A whole answer sends its first byte only when it is complete.
        while let Some(piece) = self.next(limits.first_byte_ms_max).await? {
            if all.len() + piece.len() > limit {
                return Err(CallError::TooLarge { limit });
            }
            all.extend_from_slice(&piece);
        }
        Ok(Bytes::from(all))
    }

    /// Reads what follows the terminal event, which is nothing but the end of the body.
    pub(crate) async fn drain(&mut self) {
        if let Some(mut live) = self.live.take() {
            crate::http::drain(&mut live).await;
        }
    }
}

/// Most bytes of one document or event.
pub(crate) fn document_bytes_max(limits: &Limits) -> usize {
    let text = limits.reply_bytes_max;
    text.saturating_mul(DOCUMENT_BYTES_FACTOR_MAX)
        .saturating_add(ENVELOPE_BYTES_MAX)
}

/// Most bytes of one answer.
pub(crate) fn wire_bytes_max(limits: &Limits) -> usize {
    let text = limits.reply_bytes_max;
    text.saturating_mul(WIRE_BYTES_FACTOR_MAX)
        .saturating_add(ENVELOPE_BYTES_MAX)
}

/// Understands a whole answer, in whichever form it came.
pub(crate) fn understood(bytes: Bytes, dialect: Dialect) -> Result<Whole, DecodeError> {
    let mut reader = dialect.reader();
    let mut answer = Answer::default();
    let is_document = Form::of(&bytes) == Form::Document;
    if is_document {
        let value = parse_document(&bytes)?;
        for piece in reader.document(&value)? {
            answer.take(&piece);
        }
    } else {
        let mut events = SseDecoder::default();
        for data in events.push(&bytes) {
            for piece in reader.event(&data)? {
                answer.take(&piece);
            }
        }
        if let Some(last) = events.finish() {
            for piece in reader.event(&last).map_err(DecodeError::of_last)? {
                answer.take(&piece);
            }
        }
        if !reader.may_end() {
            return Err(DecodeError::Truncated);
        }
    }
    Ok(Whole {
        bytes,
        usage: answer.tokens.map(|tokens| tokens.usage),
        answer: Some(answer),
        is_document,
    })
}

/// Takes an answer that nobody needs to understand, but for what it cost.
fn taken(bytes: Bytes) -> Whole {
    let value: Value = serde_json::from_slice(&bytes).unwrap_or_default();
    let counts = value.get("usage").or_else(|| value.get("usageMetadata"));
    let usage = counts.map(|counts| Usage {
        input: count(counts, "prompt_tokens").max(count(counts, "promptTokenCount")),
        ..Usage::default()
    });
    Whole {
        bytes,
        answer: None,
        usage,
        is_document: true,
    }
}

/// Whether a part of a stream says anything but that the server still works; an error where it says
/// that there is no answer. What follows is looked at as it flows.
fn has_begun(events: &[u8], dialect: Dialect) -> Result<bool, DecodeError> {
    let mut reader = dialect.reader();
    let events = SseDecoder::default().push(events);
    events
        .iter()
        .try_for_each(|data| reader.event(data).map(drop))?;
    Ok(!events.is_empty())
}

/// The place after the first blank line.
pub(crate) fn event_end(bytes: &[u8]) -> Option<usize> {
    let ends: [&[u8]; 3] = [b"\n\n", b"\r\n\r\n", b"\r\r"];
    let mut from = 0;
    while let Some(next) = bytes[from..]
        .iter()
        .position(|byte| matches!(byte, b'\n' | b'\r'))
    {
        let rest = &bytes[from + next..];
        if let Some(end) = ends.iter().find(|end| rest.starts_with(end)) {
            return Some(from + next + end.len());
        }
        from += next + 1;
    }
    None
}
