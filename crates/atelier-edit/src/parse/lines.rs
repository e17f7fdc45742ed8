//! The lines of a reply, of which the last may not have arrived yet.

use std::ops::Range;

use crate::formats::Stop;

/// Where a line stands in the text of its reply, without its end.
pub(crate) type Span = Range<usize>;

/// The lines of a reply as far as it is known.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Lines<'a> {
    text: &'a str,
    spans: &'a [Span],
    /// Whether no more will come.
    whole: bool,
    /// A line of which some bytes do not count.
    cut: Option<Cut>,
}

/// The start of a line that does not count.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Cut {
    /// Index of the line.
    pub(crate) line: usize,
    /// Its bytes that do not count.
    pub(crate) bytes: usize,
}

impl<'a> Lines<'a> {
    pub(crate) fn new(text: &'a str, spans: &'a [Span], whole: bool, cut: Option<Cut>) -> Self {
        Self {
            text,
            spans,
            whole,
            cut,
        }
    }

    /// How many lines there are so far.
    pub(crate) fn count(&self) -> usize {
        self.spans.len()
    }

    /// A line; `None` where the reply has ended before it.
    ///
    /// Whoever looks at a line that has not arrived yet is stopped and starts over when it has, so
    /// that what is found in a part of a reply is found in the whole as well.
    pub(crate) fn get(&self, index: usize) -> Result<Option<&'a str>, Stop> {
        match self.spans.get(index) {
            Some(_) => Ok(Some(self.at(index))),
            None if self.whole => Ok(None),
            None => Err(Stop::More(None)),
        }
    }

    /// A line that is there; nothing where it is not.
    pub(crate) fn at(&self, index: usize) -> &'a str {
        let line = self.spans.get(index).cloned().unwrap_or_default();
        let line = self.text.get(line).unwrap_or_default();
        match self.cut {
            Some(cut) if cut.line == index => line.get(cut.bytes..).unwrap_or_default(),
            _ => line,
        }
    }

    /// The text from a line on, as far as it is known in whole lines.
    pub(crate) fn text_from(self, line: usize) -> &'a str {
        let cut = self.cut.filter(|cut| cut.line == line);
        let start =
            self.spans.get(line).map_or(0, |span| span.start) + cut.map_or(0, |cut| cut.bytes);
        let end = self.spans.last().map_or(0, |span| span.end);
        self.text.get(start..end).unwrap_or_default()
    }

    /// What is left of a line whose first bytes do not count.
    pub(crate) fn cut(&self, line: usize, bytes: usize) -> Cut {
        let before = self.cut.filter(|cut| cut.line == line);
        Cut {
            line,
            bytes: bytes + before.map_or(0, |cut| cut.bytes),
        }
    }

    /// Lines that are there.
    pub(crate) fn range(
        self,
        range: Range<usize>,
    ) -> impl DoubleEndedIterator<Item = &'a str> + ExactSizeIterator + Clone {
        range.map(move |index| self.at(index))
    }
}

/// Where the line that begins at a byte of a text stands, and the byte after its end.
pub(crate) fn line_at(text: &str, start: usize) -> (Span, usize) {
    let rest = text.get(start..).unwrap_or_default();
    // A byte order mark before a reply is no part of its first line.
    let mark = if start == 0 && rest.starts_with(MARK) {
        MARK.len_utf8()
    } else {
        0
    };
    match rest.find('\n') {
        Some(length) => {
            let line = &rest[..length];
            let line = line.strip_suffix('\r').unwrap_or(line);
            (start + mark..start + line.len(), start + length + 1)
        }
        None => (start + mark..text.len(), text.len()),
    }
}

/// The byte order mark.
const MARK: char = '\u{feff}';
