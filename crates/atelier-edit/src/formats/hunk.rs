//! Lines with a mark before each that says whether it is kept, removed or added.

use crate::change::{Change, Hints, Split};

/// Some lines of a file and what becomes of them.
#[derive(Debug, Default)]
pub(super) struct Hunk<'a> {
    /// Index of the line of the reply at which it begins.
    pub(super) at: usize,
    /// What is said about its place.
    pub(super) hints: Hints,
    /// Its lines.
    pub(super) lines: Vec<HunkLine<'a>>,
}

/// One line of a hunk.
#[derive(Debug, Clone, Copy)]
pub(super) struct HunkLine<'a> {
    mark: Mark,
    /// The line as written, with its mark.
    raw: &'a str,
    /// Whether a line break follows it in the file.
    ended: bool,
}

/// What becomes of a line.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Mark {
    /// It is kept.
    Kept,
    /// It is kept, and the blank that should say so was left out.
    Bare,
    /// It is removed.
    Removed,
    /// It is added.
    Added,
}

impl<'a> HunkLine<'a> {
    pub(super) fn read(raw: &'a str) -> Self {
        let mark = match raw.chars().next() {
            Some(' ') | None => Mark::Kept,
            Some('-') => Mark::Removed,
            Some('+') => Mark::Added,
            Some(_) => Mark::Bare,
        };
        Self {
            mark,
            raw,
            ended: true,
        }
    }

    pub(super) fn mark(&self) -> Mark {
        self.mark
    }

    /// Whether the line shows nothing, so that it may be there for the eye only.
    pub(super) fn is_blank(&self) -> bool {
        self.raw.is_empty()
    }

    /// Whether it is not a line of the file but a remark about the one before it.
    pub(super) fn is_remark(&self) -> bool {
        self.raw.starts_with("\\ ")
    }

    /// The line in the file; `verbatim` says that kept lines are written without a blank before
    /// them.
    fn text(&self, verbatim: bool) -> &'a str {
        match self.mark {
            Mark::Bare => self.raw,
            Mark::Kept if verbatim => self.raw,
            Mark::Kept | Mark::Removed | Mark::Added => self.raw.get(1..).unwrap_or_default(),
        }
    }
}

impl Hunk<'_> {
    /// Says that the last line of the file, which is the newest line here, has no line break.
    pub(super) fn end_without_break(&mut self) {
        if let Some(line) = self.lines.last_mut() {
            line.ended = false;
        }
    }

    /// Whether it changes nothing by its form: it has no line.
    pub(super) fn is_empty(&self) -> bool {
        self.lines.is_empty()
    }

    /// Drops blank lines at its end.
    pub(super) fn trim_end(&mut self) {
        while self.lines.last().is_some_and(HunkLine::is_blank) {
            self.lines.pop();
        }
    }

    /// The lines that are added, as text.
    pub(super) fn added(&self) -> String {
        self.side(Mark::Added, false)
    }

    /// The lines that are removed, as text.
    pub(super) fn removed(&self) -> String {
        self.side(Mark::Removed, false)
    }

    /// Whether all lines have the same mark.
    pub(super) fn is_all(&self, mark: Mark) -> bool {
        self.lines.iter().all(|line| line.mark == mark)
    }

    /// The lines with one of the marks that change something, and those that are kept.
    fn side(&self, mark: Mark, verbatim: bool) -> String {
        let mut text = String::new();
        let mine = |line: &&HunkLine<'_>| {
            line.mark == mark || matches!(line.mark, Mark::Kept | Mark::Bare)
        };
        for line in self.lines.iter().filter(mine) {
            text.push_str(line.text(verbatim));
            if line.ended {
                text.push('\n');
            }
        }
        text
    }

    fn split(&self, verbatim: bool) -> Split {
        Split {
            search: self.side(Mark::Removed, verbatim),
            replace: self.side(Mark::Added, verbatim),
        }
    }

    /// The change. It has two readings where lines are kept: the blank before these may have been
    /// left out, which can be told only from the file.
    pub(super) fn change(self) -> Change {
        let first = self.split(false);
        let verbatim = Some(self.split(true)).filter(|other| *other != first);
        Change::Replace {
            search: first.search,
            replace: first.replace,
            otherwise: verbatim.into_iter().collect(),
            hints: self.hints,
        }
    }
}

/// The line numbers in the head of a hunk.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Ranges {
    /// First line and number of lines before.
    pub(super) old: Option<(usize, usize)>,
    /// First line and number of lines after.
    pub(super) new: Option<(usize, usize)>,
}

/// The line numbers that stand between `@@` and `@@`, and the text after them.
pub(super) fn ranges(head: &str) -> Option<(Ranges, &str)> {
    let rest = head.trim_start().strip_prefix('-')?;
    let (old, rest) = rest.split_once(' ')?;
    let rest = rest.trim_start().strip_prefix('+')?;
    let end = rest
        .find(|c: char| !c.is_ascii_digit() && c != ',')
        .unwrap_or(rest.len());
    let (new, rest) = rest.split_at(end);
    let tail = rest.trim_start();
    let tail = tail.strip_prefix("@@").unwrap_or(tail);
    let tail = tail.strip_prefix(' ').unwrap_or(tail);
    Some((
        Ranges {
            old: Some(range(old)?),
            new: Some(range(new)?),
        },
        tail,
    ))
}

fn range(text: &str) -> Option<(usize, usize)> {
    match text.split_once(',') {
        Some((start, count)) => Some((start.parse().ok()?, count.parse().ok()?)),
        None => Some((text.parse().ok()?, 1)),
    }
}

#[cfg(test)]
mod tests;
