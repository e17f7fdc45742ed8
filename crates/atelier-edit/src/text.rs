//! A file's bytes as lines that remember how they ended.

mod encoding;
#[cfg(test)]
mod tests;

use std::{cell::OnceCell, collections::BTreeMap, ops::Range};

pub(crate) use encoding::Encoding;

use crate::place::key;

/// A file, line by line.
#[derive(Debug, Clone)]
pub(crate) struct Text {
    pub(crate) encoding: Encoding,
    /// The byte order mark it opens with, which is not part of its first line.
    mark: Vec<u8>,
    /// The characters of all lines and their ends, those of new lines behind the others.
    characters: String,
    lines: Vec<Line>,
    /// How most of its lines ended before any edit.
    usual: End,
    /// What lines are found by, once something is looked for.
    keys: OnceCell<Vec<u64>>,
}

/// One line: where its characters are, and how it ends.
#[derive(Debug, Clone, Copy)]
struct Line {
    start: usize,
    stop: usize,
    end: End,
    /// Its number in the file as it was before any edit; 0 for a line that an edit put there.
    number: usize,
}

/// How a line ends.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum End {
    /// `\n`.
    Lf,
    /// `\r\n`.
    CrLf,
    /// `\r`.
    Cr,
    /// The file ends without a line break.
    None,
}

/// A line of what comes in place of others.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Piece {
    /// The line of the file with this index, as it is.
    Kept(usize),
    /// A new line.
    New(String),
}

/// What a file says about the end of its last line after an edit.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Ending {
    /// It is as it was.
    Kept,
    /// It has a line break.
    Closed,
    /// It has none.
    Open,
}

impl End {
    fn characters(self) -> &'static str {
        match self {
            Self::Lf => "\n",
            Self::CrLf => "\r\n",
            Self::Cr => "\r",
            Self::None => "",
        }
    }
}

/// The lines of a text and how they end.
pub(crate) fn lines(text: &str) -> impl Iterator<Item = (&str, End)> {
    let mut rest = text;
    let plain = !text.contains('\r');
    std::iter::from_fn(move || {
        if rest.is_empty() {
            return None;
        }
        let (line, end) = match line_break(rest, plain) {
            Some((at, end)) => (&rest[..at], end),
            None => (rest, End::None),
        };
        rest = &rest[line.len() + end.characters().len()..];
        Some((line, end))
    })
}

/// Where the first line of a text ends, and how.
fn line_break(text: &str, plain: bool) -> Option<(usize, End)> {
    if plain {
        return text.find('\n').map(|at| (at, End::Lf));
    }
    let mut from = 0;
    while let Some(at) = text[from..].find(['\n', '\r']).map(|at| from + at) {
        let rest = &text[at..];
        if rest.starts_with('\n') {
            return Some((at, End::Lf));
        }
        if rest.starts_with("\r\n") {
            return Some((at, End::CrLf));
        }
        // A carriage return before a whole line break belongs to the line.
        if !rest.starts_with("\r\r\n") {
            return Some((at, End::Cr));
        }
        from = at + 1;
    }
    None
}

impl Text {
    /// Takes a file apart; `None` where it is not text.
    pub(crate) fn of(bytes: &[u8]) -> Option<Self> {
        let (encoding, mark, characters) = Encoding::read(bytes)?;
        let mut start = 0;
        let lines: Vec<Line> = lines(&characters)
            .zip(1..)
            .map(|((line, end), number)| {
                let stop = start + line.len();
                let line = Line {
                    start,
                    stop,
                    end,
                    number,
                };
                start = stop + end.characters().len();
                line
            })
            .collect();
        Some(Self {
            encoding,
            mark: bytes[..mark].to_vec(),
            characters,
            usual: most(&lines).unwrap_or(End::Lf),
            lines,
            keys: OnceCell::new(),
        })
    }

    /// The file put together again.
    pub(crate) fn bytes(&self) -> Vec<u8> {
        let mut bytes = self.mark.clone();
        bytes.reserve(self.characters.len());
        // Lines whose characters follow each other are written at once.
        let mut run = 0..0;
        // Every character came from the file or was looked at before it was put there.
        let mut write = |text: &str| self.encoding.write(text, &mut bytes).unwrap_or_default();
        for line in &self.lines {
            if line.start != run.end || run.is_empty() {
                write(&self.characters[run]);
                run = line.start..line.start;
            }
            let end = line.end.characters();
            run.end = line.stop;
            if self.characters[line.stop..].starts_with(end) {
                run.end += end.len();
            } else {
                write(&self.characters[run]);
                write(end);
                run = 0..0;
            }
        }
        write(&self.characters[run]);
        bytes
    }

    /// What its lines are found by.
    pub(crate) fn keys(&self) -> &[u64] {
        let all = || self.lines.iter().map(|line| key(self.text_of(line)));
        self.keys.get_or_init(|| all().collect())
    }

    fn text_of(&self, line: &Line) -> &str {
        &self.characters[line.start..line.stop]
    }

    /// Its lines.
    pub(crate) fn view(&self) -> Vec<&str> {
        self.lines.iter().map(|line| self.text_of(line)).collect()
    }

    /// How many lines it has.
    pub(crate) fn len(&self) -> usize {
        self.lines.len()
    }

    /// Whether no line has anything to read.
    pub(crate) fn is_blank(&self) -> bool {
        self.view().iter().all(|line| line.trim().is_empty())
    }

    /// Whether its last line has no line break.
    pub(crate) fn is_open(&self) -> bool {
        self.lines.last().is_some_and(|line| line.end == End::None)
    }

    /// The number that a line had before any edit; `None` for a line that an edit put there.
    pub(crate) fn number(&self, at: usize) -> Option<usize> {
        let number = self.lines.get(at)?.number;
        (number > 0).then_some(number)
    }

    /// Whether all these lines were there before any edit.
    pub(crate) fn is_old(&self, range: Range<usize>) -> bool {
        self.lines[range].iter().all(|line| line.number > 0)
    }

    /// Puts pieces in place of some lines.
    pub(crate) fn put(&mut self, range: Range<usize>, pieces: Vec<Piece>, ending: Ending) {
        let open = match ending {
            Ending::Kept => self.is_open(),
            Ending::Open => true,
            Ending::Closed => false,
        };
        let usual = self.usual_end(range.clone());
        // Where lines are replaced by as many others, each ends as the one before it did.
        let paired = pieces.len() == range.len();
        let mut put = Vec::with_capacity(pieces.len());
        for (at, piece) in (range.start..).zip(pieces) {
            put.push(match piece {
                Piece::Kept(at) => self.lines[at],
                Piece::New(text) if paired => self.fresh(&text, self.lines[at].end),
                Piece::New(text) => self.fresh(&text, usual),
            });
        }
        if let Some(last) = self.lines.last_mut().filter(|line| line.end == End::None) {
            last.end = usual;
        }
        for line in put.iter_mut().filter(|line| line.end == End::None) {
            line.end = usual;
        }
        if let Some(mut keys) = self.keys.take() {
            keys.splice(
                range.clone(),
                put.iter().map(|line| key(self.text_of(line))),
            );
            self.keys = OnceCell::from(keys);
        }
        self.lines.splice(range, put);
        if let Some(last) = self.lines.last_mut().filter(|_| open) {
            last.end = End::None;
        }
    }

    fn fresh(&mut self, text: &str, end: End) -> Line {
        let start = self.characters.len();
        self.characters.push_str(text);
        let stop = self.characters.len();
        self.characters.push_str(end.characters());
        Line {
            start,
            stop,
            end,
            number: 0,
        }
    }

    /// A new content in the manner of this file: in its encoding, with its mark and its line ends,
    /// and without the last one where the file has none. `Err` with a character that the encoding
    /// lacks.
    pub(crate) fn manner(&self, content: &str) -> Result<Vec<u8>, char> {
        let content = content.strip_prefix('\u{feff}').unwrap_or(content);
        let content = match content.strip_suffix('\n') {
            Some(open) if self.is_open() => open.strip_suffix('\r').unwrap_or(open),
            _ => content,
        };
        let mut bytes = self.mark.clone();
        let ends = self.ends();
        if ends.len() < 2 {
            for (line, end) in lines(content) {
                let end = match ends.first() {
                    Some(usual) if end != End::None => *usual,
                    _ => end,
                };
                self.line(line, end, &mut bytes)?;
            }
            return Ok(bytes);
        }
        let usual = self.usual_end(0..self.lines.len());
        let mut known: BTreeMap<&str, Vec<End>> = BTreeMap::new();
        for (line, text) in self.lines.iter().zip(self.view()).rev() {
            known.entry(text).or_default().push(line.end);
        }
        for (line, end) in lines(content) {
            let same = known.get_mut(line).and_then(Vec::pop);
            let same = same.filter(|same| *same != End::None).unwrap_or(usual);
            let end = if end == End::None { end } else { same };
            self.line(line, end, &mut bytes)?;
        }
        Ok(bytes)
    }

    fn line(&self, line: &str, end: End, bytes: &mut Vec<u8>) -> Result<(), char> {
        if let Some(c) = self.encoding.lacks(line) {
            return Err(c);
        }
        self.encoding.write(line, bytes)?;
        self.encoding.write(end.characters(), bytes)
    }

    /// The ways in which its lines end, each once.
    fn ends(&self) -> Vec<End> {
        let mut ends = Vec::new();
        for line in &self.lines {
            if line.end != End::None && !ends.contains(&line.end) {
                ends.push(line.end);
            }
        }
        ends
    }

    /// How most lines of a range end, or else most lines of the file.
    fn usual_end(&self, range: Range<usize>) -> End {
        let near = self.lines.get(range).and_then(most);
        near.or_else(|| most(&self.lines)).unwrap_or(self.usual)
    }
}

/// How most of some lines end; `None` where no end is the most frequent.
fn most(lines: &[Line]) -> Option<End> {
    let mut counts = [End::Lf, End::CrLf, End::Cr].map(|end| (0, end));
    for (count, end) in &mut counts {
        *count = lines.iter().filter(|line| line.end == *end).count();
    }
    counts.sort_by_key(|(count, _)| std::cmp::Reverse(*count));
    (counts[0].0 > counts[1].0).then_some(counts[0].1)
}
