//! An answer on its way to the client: read, watched for its end, and written again where the
//! client speaks another dialect.

use std::{sync::Arc, time::Duration};

use atelier_model::{Digest, Limits};
use bytes::Bytes;
use futures_util::{StreamExt, stream, stream::BoxStream};
use reqwest::Response;
use tokio::time::timeout;

use crate::{
    CallError, Wait,
    relay::{
        Bill, Refusal,
        dialect::{Reader, Writer},
        exchange::{Answer, Piece},
        kept::{ANSWER_BYTES_MAX, Kept},
        prepare::Prepared,
    },
    wire::{DecodeError, parse_document, sse::SseDecoder},
};

/// Bytes on the wire for one byte of text: a streamed token travels in some 300 bytes of JSON.
const WIRE_BYTES_FACTOR_MAX: usize = 400;

/// Bytes of one JSON document or event for one byte of text, every character escaped.
const DOCUMENT_BYTES_FACTOR_MAX: usize = 8;

/// Bytes of envelope that are always allowed.
const ENVELOPE_BYTES_MAX: usize = 64 * 1024;

/// Milliseconds to read what follows the terminal event, so that the connection can be used again.
const DRAIN_MS_MAX: u64 = 100;

/// Where the bytes of an answer come from.
pub(crate) struct Source {
    live: Option<Response>,
    kept: Option<Bytes>,
}

impl Source {
    /// An answer that was given before.
    pub(crate) fn kept(bytes: Bytes) -> Self {
        Self {
            live: None,
            kept: Some(bytes),
        }
    }

    /// An answer that has begun.
    pub(crate) fn live(response: Response) -> Self {
        Self {
            live: Some(response),
            kept: None,
        }
    }

    async fn next(&mut self, limit_ms: u64) -> Result<Option<Bytes>, CallError> {
        let Some(live) = &mut self.live else {
            return Ok(self.kept.take());
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

    /// All of it.
    pub(crate) async fn whole(mut self, limits: &Limits) -> Result<Bytes, CallError> {
        let limit = document_bytes_max(limits);
        let mut all = Vec::new();
        // A whole answer sends its first byte only when it is complete.
        while let Some(piece) = self.next(limits.first_byte_ms_max).await? {
            all.extend_from_slice(&piece);
            if all.len() > limit {
                return Err(CallError::TooLarge { limit });
            }
        }
        Ok(Bytes::from(all))
    }
}

fn document_bytes_max(limits: &Limits) -> usize {
    let text = limits.reply_bytes_max;
    text.saturating_mul(DOCUMENT_BYTES_FACTOR_MAX)
        .saturating_add(ENVELOPE_BYTES_MAX)
}

fn wire_bytes_max(limits: &Limits) -> usize {
    let text = limits.reply_bytes_max;
    text.saturating_mul(WIRE_BYTES_FACTOR_MAX)
        .saturating_add(ENVELOPE_BYTES_MAX)
}

/// What has to be done with an answer once it is complete.
struct Completion {
    bill: Bill,
    kept: Option<(Arc<Kept>, Digest)>,
}

/// How the answer travels; told apart by its first byte, since servers err in their headers.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Form {
    Unknown,
    Document,
    Events,
}

/// An answer on its way.
pub(crate) struct Flow {
    prepared: Prepared,
    source: Source,
    limits: Limits,
    completion: Option<Completion>,
    reader: Box<dyn Reader>,
    writer: Box<dyn Writer>,
    events: SseDecoder,
    form: Form,
    /// Bytes of the event, or of the document, that is not complete.
    pending: Vec<u8>,
    answer: Answer,
    /// Everything that came, for whoever asks the same again.
    raw: Vec<u8>,
    received: usize,
    is_over: bool,
}

impl Flow {
    /// An answer whose first byte has not been read.
    pub(crate) fn new(
        prepared: Prepared,
        source: Source,
        (bill, kept): (Bill, Option<(Arc<Kept>, Digest)>),
        limits: Limits,
    ) -> Self {
        Self {
            reader: prepared.relayed.dialect.reader(),
            writer: prepared.client.writer(prepared.about.clone()),
            prepared,
            source,
            limits,
            completion: Some(Completion { bill, kept }),
            events: SseDecoder::default(),
            form: Form::Unknown,
            pending: Vec::new(),
            answer: Answer::default(),
            raw: Vec::new(),
            received: 0,
            is_over: false,
        }
    }

    /// The answer in one piece.
    pub(crate) async fn whole(mut self) -> Result<Bytes, Refusal> {
        let source = std::mem::replace(&mut self.source, Source::kept(Bytes::new()));
        let bytes = source.whole(&self.limits).await?;
        self.recognise(&bytes);
        if self.form == Form::Document {
            let value = parse_document(&bytes)?;
            let pieces = self.reader.document(&value)?;
            self.note(&pieces);
        } else {
            let mut data = self.events.push(&bytes);
            data.extend(std::mem::take(&mut self.events).finish());
            for data in data {
                let pieces = self.reader.event(&data)?;
                self.note(&pieces);
            }
            if !self.reader.may_end() {
                return Err(DecodeError::Truncated.into());
            }
        }
        self.complete(bytes.clone());
        if self.prepared.is_same() && self.form == Form::Document {
            return Ok(bytes);
        }
        let Prepared { client, about, .. } = &self.prepared;
        Ok(Bytes::from(
            client.document(&self.answer, about).to_string(),
        ))
    }

    fn note(&mut self, pieces: &[Piece]) {
        for piece in pieces {
            self.answer.take(piece);
        }
    }

    /// The answer piece by piece.
    pub(crate) fn stream(self) -> BoxStream<'static, Bytes> {
        stream::unfold(self, |mut flow| async move {
            let bytes = flow.next().await?;
            Some((bytes, flow))
        })
        .boxed()
    }

    async fn next(&mut self) -> Option<Bytes> {
        loop {
            if self.is_over {
                self.drain().await;
                return None;
            }
            let limit_ms = match self.received {
                0 => self.limits.first_byte_ms_max,
                _ => self.limits.ask_idle_ms_max,
            };
            let said = match self.source.next(limit_ms).await {
                Ok(Some(bytes)) => self.take(&bytes),
                Ok(None) => self.close(),
                Err(error) => self.fail(&Refusal::from(error)),
            };
            if !said.is_empty() {
                return Some(Bytes::from(said));
            }
        }
    }

    /// Takes the next bytes and says what they come to.
    fn take(&mut self, bytes: &[u8]) -> Vec<u8> {
        self.received += bytes.len();
        if self.received > wire_bytes_max(&self.limits)
            || self.pending.len() > document_bytes_max(&self.limits)
            || self.answer.bytes() > self.limits.reply_bytes_max
        {
            let limit = self.limits.reply_bytes_max;
            return self.fail(&Refusal::from(DecodeError::TooLarge { limit }));
        }
        if self
            .completion
            .as_ref()
            .is_some_and(|completion| completion.kept.is_some())
        {
            self.remember(bytes);
        }
        self.recognise(bytes);
        self.pending.extend_from_slice(bytes);
        if self.form != Form::Events {
            return Vec::new();
        }
        let mut said = Vec::new();
        while let Some(end) = event_end(&self.pending) {
            let event: Vec<u8> = self.pending.drain(..end).collect();
            said.extend(self.event(&event));
            if self.is_over {
                break;
            }
        }
        said
    }

    /// Keeps the bytes for whoever asks the same again, as far as they are worth the room.
    fn remember(&mut self, bytes: &[u8]) {
        if self.raw.len() + bytes.len() <= ANSWER_BYTES_MAX {
            self.raw.extend_from_slice(bytes);
        } else if let Some(completion) = &mut self.completion {
            completion.kept = None;
            self.raw = Vec::new();
        }
    }

    fn recognise(&mut self, bytes: &[u8]) {
        if self.form != Form::Unknown {
            return;
        }
        if let Some(first) = bytes.iter().find(|byte| !byte.is_ascii_whitespace()) {
            self.form = match first {
                b'{' | b'[' | b'<' | b'"' => Form::Document,
                _ => Form::Events,
            };
        }
    }

    /// Takes one event with all its lines.
    fn event(&mut self, event: &[u8]) -> Vec<u8> {
        let is_same = self.prepared.is_same();
        let mut said = Vec::new();
        for data in self.events.push(event) {
            match self.reader.event(&data) {
                Ok(pieces) => said.extend(self.pieces(&pieces)),
                // The provider's own words of its failure are in the client's dialect already.
                Err(DecodeError::Reported { .. }) if is_same => {
                    self.is_over = true;
                    self.completion = None;
                    return event.to_vec();
                }
                Err(error) => {
                    said.extend(self.fail(&Refusal::from(error)));
                    return said;
                }
            }
        }
        if is_same {
            said = event.to_vec();
        }
        if self.reader.is_done() {
            said.extend(self.end());
        }
        said
    }

    /// Notes pieces, and says them where the client speaks another dialect.
    fn pieces(&mut self, pieces: &[Piece]) -> Vec<u8> {
        let mut said = Vec::new();
        for piece in pieces {
            self.answer.take(piece);
            if !self.prepared.is_same() {
                said.extend(self.writer.piece(piece).into_bytes());
            }
        }
        said
    }

    /// There are no more bytes.
    fn close(&mut self) -> Vec<u8> {
        let rest = std::mem::take(&mut self.pending);
        if self.form == Form::Document {
            return self.document(&rest);
        }
        let mut said = Vec::new();
        if !rest.is_empty() {
            let mut last = rest;
            last.extend_from_slice(b"\n\n");
            // What was cut off within an event does not parse, and is no event.
            said = self.event(&last);
        }
        if self.is_over {
            return said;
        }
        if !self.reader.may_end() {
            said.extend(self.fail(&Refusal::from(DecodeError::Truncated)));
            return said;
        }
        said.extend(self.end());
        said
    }

    /// A whole answer in the place of a stream, told as one.
    fn document(&mut self, bytes: &[u8]) -> Vec<u8> {
        let read = parse_document(bytes).and_then(|value| self.reader.document(&value));
        let pieces = match read {
            Ok(pieces) => pieces,
            Err(error) => return self.fail(&Refusal::from(error)),
        };
        let mut said = String::new();
        for piece in &pieces {
            self.answer.take(piece);
            said += &self.writer.piece(piece);
        }
        said += &self.writer.end(&self.answer);
        self.is_over = true;
        let raw = Bytes::from(std::mem::take(&mut self.raw));
        self.complete(raw);
        said.into_bytes()
    }

    /// The answer is complete.
    fn end(&mut self) -> Vec<u8> {
        self.is_over = true;
        let said = if self.prepared.is_same() {
            Vec::new()
        } else {
            self.writer.end(&self.answer).into_bytes()
        };
        let raw = Bytes::from(std::mem::take(&mut self.raw));
        self.complete(raw);
        said
    }

    /// There will be no end. What was reserved counts as spent.
    fn fail(&mut self, refusal: &Refusal) -> Vec<u8> {
        self.is_over = true;
        self.completion = None;
        self.writer
            .error(refusal.status, &refusal.said)
            .into_bytes()
    }

    /// Settles the money and keeps the answer.
    fn complete(&mut self, raw: Bytes) {
        let Some(Completion { bill, kept }) = self.completion.take() else {
            return;
        };
        if let (Some(price), Some(tokens)) = (bill.price, self.answer.tokens) {
            bill.reservation.settle(price.cost(&tokens.usage));
        }
        if let Some((kept, key)) = kept {
            kept.put(key, raw);
        }
    }

    /// Reads what follows the terminal event, which is nothing but the end of the body.
    async fn drain(&mut self) {
        if let Some(mut live) = self.source.live.take() {
            let rest = async { while let Ok(Some(_)) = live.chunk().await {} };
            let _ = timeout(Duration::from_millis(DRAIN_MS_MAX), rest).await;
        }
    }
}

/// The place after the first blank line.
fn event_end(bytes: &[u8]) -> Option<usize> {
    let ends: [&[u8]; 3] = [b"\n\n", b"\r\n\r\n", b"\r\r"];
    (0..bytes.len()).find_map(|at| {
        let end = ends.iter().find(|end| bytes[at..].starts_with(end))?;
        Some(at + end.len())
    })
}
