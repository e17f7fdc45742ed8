//! An answer on its way to the client: read, watched for its end, and written again where the
//! client speaks another dialect.

use atelier_model::Usage;
use bytes::Bytes;
use futures_util::{FutureExt, StreamExt, stream, stream::BoxStream};
use tokio::task::yield_now;

use crate::{
    CallError,
    relay::{
        Demand, Refusal,
        dialect::{Reader, Writer},
        exchange::{Answer, Piece},
        report::reported,
        source::{Source, Whole, document_bytes_max, event_end, understood, wire_bytes_max},
        tally,
        transit::{Answered, How, Opened, Transit},
        vectors,
    },
    wire::{DecodeError, parse_document, sse::SseDecoder},
};

/// Bytes of one answer that is kept for whoever asks the same again.
const ANSWER_BYTES_MAX: usize = 8 << 20;

/// Bytes of the longest blank line that ends an event.
const EVENT_END_BYTES_MAX: usize = 4;

/// Bytes that are gathered before they go out.
const PIECE_BYTES: usize = 16 * 1024;

/// How the answer travels; told apart by its first byte, since servers err in their headers.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Form {
    /// Nothing has come but blanks.
    Unknown,
    /// One JSON document.
    Document,
    /// Events.
    Events,
}

impl Form {
    /// The form of bytes from the beginning of an answer.
    pub(crate) fn of(bytes: &[u8]) -> Self {
        match bytes.iter().find(|byte| !byte.is_ascii_whitespace()) {
            None => Self::Unknown,
            Some(b'{' | b'[' | b'<' | b'"') => Self::Document,
            Some(_) => Self::Events,
        }
    }
}

/// An answer on its way.
pub(crate) struct Flow {
    transit: Transit,
    source: Source,
    reader: Box<dyn Reader>,
    writer: Box<dyn Writer>,
    events: SseDecoder,
    form: Form,
    /// Bytes of the event, or of the document, that is not complete.
    pending: Vec<u8>,
    answer: Answer,
    /// Everything that came, for whoever asks the same again, as far as it is worth the room.
    raw: Option<Vec<u8>>,
    received: usize,
    has_spoken: bool,
    is_over: bool,
}

impl Flow {
    /// An answer that has begun.
    pub(crate) fn new(transit: Transit, opened: Opened) -> Self {
        let about = transit.prepared.about.clone();
        Self {
            reader: opened.source.dialect.reader(),
            writer: transit.prepared.client.writer(about),
            raw: transit.may_share().then(Vec::new),
            transit,
            source: opened.source,
            events: SseDecoder::default(),
            form: Form::Unknown,
            pending: Vec::new(),
            answer: Answer::default(),
            received: 0,
            has_spoken: false,
            is_over: false,
        }
    }

    /// Whether both sides speak one dialect.
    fn is_same(&self) -> bool {
        self.transit.prepared.client == self.source.dialect
    }

    /// The answer in one piece.
    pub(crate) fn whole(mut self) -> Result<Bytes, Refusal> {
        let Some(whole) = self.source.whole.take() else {
            return Err(self.cut(DecodeError::Truncated.into()));
        };
        let demand = self.transit.prepared.demand;
        let said = match demand {
            Demand::Answer if self.is_same() && whole.is_document => Ok(whole.bytes.clone()),
            Demand::Answer => self.written(&whole),
            Demand::Count | Demand::Embeddings => self.beside(&whole),
        };
        let said = match said {
            Ok(said) => said,
            Err(error) => return Err(self.cut(error.into())),
        };
        self.complete(Some(whole.bytes), whole.usage);
        Ok(self.transit.filtered(said, true))
    }

    /// Counts or vectors in the client's dialect.
    fn beside(&self, whole: &Whole) -> Result<Bytes, DecodeError> {
        let prepared = &self.transit.prepared;
        let is_count = prepared.demand == Demand::Count;
        if is_count && self.is_same() || !is_count && prepared.texts.is_none() {
            return Ok(whole.bytes.clone());
        }
        let value = parse_document(&whole.bytes)?;
        let said = match &prepared.texts {
            Some(texts) => vectors::document(&value, texts, &prepared.about.model)?,
            None => tally::document(prepared.client, tally::count(&value)?),
        };
        Ok(Bytes::from(said.to_string()))
    }

    /// A whole answer in the client's dialect.
    fn written(&self, whole: &Whole) -> Result<Bytes, DecodeError> {
        let prepared = &self.transit.prepared;
        let (client, about) = (prepared.client, &prepared.about);
        let read;
        let answer = if let Some(answer) = &whole.answer {
            answer
        } else {
            read = understood(whole.bytes.clone(), self.source.dialect)?.answer;
            read.as_ref().ok_or(DecodeError::Truncated)?
        };
        Ok(Bytes::from(client.document(answer, about).to_string()))
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
        // What was said before goes out first, however much has come in the meantime.
        if self.has_spoken {
            yield_now().await;
        }
        loop {
            if self.is_over {
                self.source.drain().await;
                return None;
            }
            let arrived = self.source.next(self.patience_ms()).await;
            let mut said = self.arrived(arrived);
            // Once the client has something, all that is there already goes out in one piece.
            while self.has_spoken && !self.is_over && said.len() < PIECE_BYTES {
                let Some(more) = self.source.next(self.patience_ms()).now_or_never() else {
                    break;
                };
                said.extend(self.arrived(more));
            }
            let said = self.transit.filtered(Bytes::from(said), self.is_over);
            if !said.is_empty() {
                self.has_spoken = true;
                return Some(said);
            }
        }
    }

    /// Milliseconds to wait for the next bytes.
    fn patience_ms(&self) -> u64 {
        let limits = &self.transit.routes.limits;
        match self.received {
            0 => limits.first_byte_ms_max,
            _ => limits.ask_idle_ms_max,
        }
    }

    /// What is said of the next bytes, or of their absence.
    fn arrived(&mut self, arrived: Result<Option<Bytes>, CallError>) -> Vec<u8> {
        match arrived {
            Ok(Some(bytes)) => self.take(&bytes),
            Ok(None) => self.close(),
            Err(error) => self.fail(Refusal::from(error)),
        }
    }

    /// Takes the next bytes and says what they come to.
    fn take(&mut self, bytes: &[u8]) -> Vec<u8> {
        self.received += bytes.len();
        let limits = &self.transit.routes.limits;
        if self.received > wire_bytes_max(limits)
            || self.pending.len() > document_bytes_max(limits)
            || self.answer.bytes() > limits.reply_bytes_max
        {
            let limit = limits.reply_bytes_max;
            return self.fail(Refusal::from(DecodeError::TooLarge { limit }));
        }
        self.remember(bytes);
        self.recognise(bytes);
        let looked_at = self.pending.len().saturating_sub(EVENT_END_BYTES_MAX);
        self.pending.extend_from_slice(bytes);
        if self.form != Form::Events {
            return Vec::new();
        }
        let pending = std::mem::take(&mut self.pending);
        let mut said = Vec::new();
        let (mut begin, mut from) = (0, looked_at);
        while let Some(end) = event_end(&pending[from..]) {
            let end = from + end;
            said.extend(self.event(&pending[begin..end]));
            (begin, from) = (end, end);
            if self.is_over {
                break;
            }
        }
        self.pending = pending[begin..].to_vec();
        said
    }

    /// Gathers the bytes for whoever asks the same again, as far as they are worth the room.
    fn remember(&mut self, bytes: &[u8]) {
        if let Some(raw) = &mut self.raw {
            raw.extend_from_slice(bytes);
            if raw.len() > ANSWER_BYTES_MAX {
                self.raw = None;
            }
        }
    }

    fn recognise(&mut self, bytes: &[u8]) {
        if self.form == Form::Unknown {
            self.form = Form::of(bytes);
        }
    }

    /// Takes one event with all its lines.
    fn event(&mut self, event: &[u8]) -> Vec<u8> {
        let is_same = self.is_same();
        let mut said = Vec::new();
        for data in self.events.push(event) {
            match self.reader.event(&data) {
                Ok(pieces) => said.extend(self.pieces(&pieces)),
                // The provider's own words of its failure are in the client's dialect already.
                Err(error @ DecodeError::Reported { .. }) if is_same => {
                    self.cut(error.into());
                    return event.to_vec();
                }
                Err(error) => {
                    said.extend(self.fail(Refusal::from(error)));
                    return said;
                }
            }
        }
        let is_unasked = self.reader.has_only_counted() && self.transit.prepared.asks_for_counts();
        if is_same && !is_unasked {
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
            if !self.is_same() {
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
            said.extend(self.fail(Refusal::from(DecodeError::Truncated)));
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
            Err(error) => return self.fail(Refusal::from(error)),
        };
        let mut said = String::new();
        for piece in &pieces {
            self.answer.take(piece);
            said += &self.writer.piece(piece);
        }
        said += &self.writer.end(&self.answer);
        self.ended();
        said.into_bytes()
    }

    /// The answer is complete.
    fn end(&mut self) -> Vec<u8> {
        let said = if self.is_same() {
            Vec::new()
        } else {
            self.writer.end(&self.answer).into_bytes()
        };
        self.ended();
        said
    }

    fn ended(&mut self) {
        // What is kept has no room to grow, or it would take twice the memory that it counts for.
        let raw = self.raw.take().map(Vec::into_boxed_slice).map(Bytes::from);
        let usage = self.answer.tokens.map(|tokens| tokens.usage);
        self.complete(raw, usage);
    }

    /// There will be no end.
    fn fail(&mut self, refusal: Refusal) -> Vec<u8> {
        let refusal = self.cut(refusal);
        self.writer
            .error(refusal.status, &refusal.said)
            .into_bytes()
    }

    /// Tells the layers that the answer broke off.
    fn cut(&mut self, refusal: Refusal) -> Refusal {
        self.is_over = true;
        self.broken(How::Cut(refusal.clone()));
        reported(refusal, &self.transit)
    }

    fn broken(&mut self, how: How) {
        let answered = Answered {
            partial: self.answer.partial(),
            ..Answered::default()
        };
        self.transit.end(how, answered);
    }

    /// Tells the layers that the answer is complete.
    fn complete(&mut self, bytes: Option<Bytes>, usage: Option<Usage>) {
        self.is_over = true;
        let answered = Answered {
            usage,
            bytes,
            partial: Vec::new(),
        };
        self.transit.end(How::Complete, answered);
    }
}

impl Drop for Flow {
    /// The client went away, unless it has an answer or was told why there is none.
    fn drop(&mut self) {
        if !self.is_over {
            self.broken(How::Abandoned);
        }
    }
}
