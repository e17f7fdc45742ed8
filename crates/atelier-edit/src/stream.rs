//! A reply that is read while it arrives.

use atelier_model::Limits;

use crate::{
    change::{ChangeSet, Edit},
    formats::{Opening, Shown},
    parse::{ParseEditsError, Pause, Reading, Span, line_at, too_long},
};

/// Reads the edits of a reply piece by piece.
///
/// What it finds in the end is what [`crate::parse`] finds in the whole reply, however this is cut
/// into pieces. Until then it gives glimpses, for people who watch. The time it takes is
/// proportional to the length of the reply.
///
/// ```
/// # fn main() -> Result<(), Box<dyn std::error::Error>> {
/// use atelier_edit::{Glimpse, Stream};
///
/// let mut stream = Stream::new(&atelier_model::Limits::default());
/// let mut seen = stream.push("a.txt\n```\none\n");
/// seen.extend(stream.push("``"));
/// seen.extend(stream.push("`\n"));
/// let changes = stream.finish()?;
/// assert!(matches!(&seen[0], Glimpse::Opened { path: Some(path), .. } if path == "a.txt"));
/// assert!(matches!(&seen[1], Glimpse::Line(line) if line == "one"));
/// assert!(matches!(&seen[2], Glimpse::Complete(edit) if *edit == changes.edits[0]));
/// # Ok(())
/// # }
/// ```
#[derive(Debug)]
pub struct Stream {
    limits: Limits,
    text: String,
    /// The lines that have arrived whole.
    spans: Vec<Span>,
    /// The byte after them.
    start: usize,
    reading: Reading,
    /// Edits that were told to be complete.
    told: usize,
    waiting: Option<Waiting>,
    /// Bytes that may be read again to see whether an edit is complete.
    credit: usize,
    ended: bool,
}

/// Something that was seen in a reply before all of it had arrived.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Glimpse {
    /// An edit has begun. One that arrives at once is only told to be complete.
    Opened {
        /// The file, as the reply writes it, where it is known already.
        path: Option<String>,
        /// The name of the form it is written in.
        format: &'static str,
    },
    /// A line of the new content of the edit that was opened last.
    Line(String),
    /// An edit is complete. Should the whole reply be accepted, its edits are these.
    Complete(Edit),
}

/// An edit that is under way.
#[derive(Debug)]
struct Waiting {
    /// Index of its first line.
    at: usize,
    /// Bytes from there to the end of what had arrived when it was read last.
    tried: usize,
    opening: Option<Opening>,
    /// Index of the next line to show.
    next: usize,
    /// Whether the line that divides it has been passed.
    divided: bool,
}

/// Bytes that may be read again for each byte that arrives.
const CREDIT_PER_BYTE: usize = 8;
/// Bytes of an edit that are read again whenever a line of it arrives.
const ALWAYS_READ_MAX: usize = 512;

impl Stream {
    /// A reply of which nothing has arrived.
    pub fn new(limits: &Limits) -> Self {
        Self {
            limits: limits.clone(),
            text: String::new(),
            spans: Vec::new(),
            start: 0,
            reading: Reading::default(),
            told: 0,
            waiting: None,
            credit: 0,
            ended: false,
        }
    }

    /// Takes in the next piece of the reply and tells what can be seen by now.
    pub fn push(&mut self, piece: &str) -> Vec<Glimpse> {
        if self.ended || self.text.len() > self.limits.reply_bytes_max {
            return Vec::new();
        }
        self.text.push_str(piece);
        if self.text.len() > self.limits.reply_bytes_max {
            return Vec::new();
        }
        let known = self.spans.len();
        if piece.contains('\n') {
            while let Some(length) = self.text[self.start..].find('\n') {
                let (span, next) = line_at(&self.text, self.start);
                debug_assert!(self.start + length + 1 == next, "lines end at line breaks");
                self.spans.push(span);
                self.start = next;
            }
        }
        self.credit += piece.len() * CREDIT_PER_BYTE;
        let mut seen = Vec::new();
        if self.spans.len() > known && self.is_worth_reading(known) {
            self.advance(false, &mut seen);
        }
        self.show(&mut seen);
        seen
    }

    /// Says that no more will arrive and tells what can be seen now.
    pub fn end(&mut self) -> Vec<Glimpse> {
        let mut seen = Vec::new();
        if self.ended || self.text.len() > self.limits.reply_bytes_max {
            return seen;
        }
        self.ended = true;
        if self.start < self.text.len() {
            let (span, next) = line_at(&self.text, self.start);
            self.spans.push(span);
            self.start = next;
        }
        self.advance(true, &mut seen);
        seen
    }

    /// The edits of the whole reply.
    pub fn finish(mut self) -> Result<ChangeSet, ParseEditsError> {
        if self.text.len() > self.limits.reply_bytes_max {
            return Err(too_long(&self.limits));
        }
        self.end();
        self.reading.finish(&self.text, &self.spans)
    }

    /// Whether what has arrived since the edit under way was read last may have completed it, and
    /// reading it again is not too dear.
    fn is_worth_reading(&mut self, known: usize) -> bool {
        let Some(waiting) = &self.waiting else {
            return true;
        };
        let start = self.spans.get(waiting.at).map_or(0, |span| span.start);
        let size = self.start.saturating_sub(start);
        if size <= ALWAYS_READ_MAX || size >= waiting.tried.saturating_mul(2) {
            return true;
        }
        let new = self.spans.get(known..).unwrap_or_default();
        let ends = new
            .iter()
            .any(|span| may_end(self.text.get(span.clone()).unwrap_or_default()));
        if ends && size <= self.credit {
            self.credit -= size;
            return true;
        }
        false
    }

    fn advance(&mut self, whole: bool, seen: &mut Vec<Glimpse>) {
        let pause = self
            .reading
            .advance(&self.text, &self.spans, whole, &self.limits);
        let complete = self.reading.edits().iter().skip(self.told);
        seen.extend(complete.cloned().map(Glimpse::Complete));
        self.told = self.reading.edits().len();
        match pause {
            Some(pause) => self.wait(pause, seen),
            None => self.waiting = None,
        }
    }

    fn wait(&mut self, pause: Pause, seen: &mut Vec<Glimpse>) {
        let start = self.spans.get(pause.at).map_or(0, |span| span.start);
        let mut waiting = match self.waiting.take() {
            Some(waiting) if waiting.at == pause.at => waiting,
            _ => Waiting {
                at: pause.at,
                tried: 0,
                opening: None,
                next: pause.at,
                divided: false,
            },
        };
        waiting.tried = self.start - start;
        if let (None, Some((format, opening))) = (&waiting.opening, pause.opening) {
            seen.push(Glimpse::Opened {
                path: opening.path.clone(),
                format,
            });
            waiting.next = opening.from;
            waiting.opening = Some(opening);
        }
        self.waiting = Some(waiting);
    }

    /// Shows the lines of the edit under way that have not been shown.
    fn show(&mut self, seen: &mut Vec<Glimpse>) {
        let Some(waiting) = &mut self.waiting else {
            return;
        };
        let Some(opening) = &waiting.opening else {
            return;
        };
        for span in self.spans.iter().skip(waiting.next) {
            let line = self.text.get(span.clone()).unwrap_or_default();
            let shown = match opening.shown {
                Shown::All => Some(line),
                Shown::Added => line
                    .strip_prefix('+')
                    .filter(|rest| !rest.starts_with("++ ")),
                Shown::AfterDivider if waiting.divided => Some(line),
                Shown::AfterDivider => {
                    waiting.divided = line.starts_with("=====");
                    None
                }
            };
            seen.extend(shown.map(|line| Glimpse::Line(line.to_owned())));
        }
        waiting.next = waiting.next.max(self.spans.len());
    }
}

/// Whether an edit may be complete at a line.
fn may_end(line: &str) -> bool {
    const ENDS: [&str; 14] = [
        "```", "~~~", ">>>>>", "+++++", "<<<<<", "-----", "***", "@@", "diff ", "--- ", "}", "]",
        "</", "=====",
    ];
    let line = line.trim_start();
    ENDS.iter().any(|end| line.starts_with(end))
}

#[cfg(test)]
mod tests;
