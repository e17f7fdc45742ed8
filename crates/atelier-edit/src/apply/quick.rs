//! One change of a large file without taking it apart: the lines to find are found as bytes, and
//! no others are looked at.

#[cfg(test)]
mod tests;

use std::ops::Range;

use memchr::{memchr_iter, memchr2, memmem};

use super::{
    before::surrounded,
    file::Block,
    rework::lines_after,
    splice::{MARK, Reading, Splice},
    whole,
};
use crate::{
    place::{Hit, Shift, key, lines_looked_through},
    text::{Ending, Piece, Text},
};

/// What a block does to a file.
#[derive(Debug)]
pub(super) enum Quick {
    /// Nothing: it has been done.
    Applied,
    /// This.
    Put(Patch),
}

/// Whole lines of a file and what comes in their place.
#[derive(Debug, Clone)]
pub(super) struct Patch {
    /// The bytes of the lines.
    old: Range<usize>,
    /// What comes in their place.
    new: String,
    /// The same by lines, for edits that follow.
    splice: Splice,
}

impl Patch {
    /// The lines that it takes the place of.
    pub(super) fn lines(&self) -> &Range<usize> {
        &self.splice.range
    }

    /// The file with it.
    pub(super) fn bytes(&self, before: &[u8]) -> Vec<u8> {
        let (above, below) = (&before[..self.old.start], &before[self.old.end..]);
        [above, self.new.as_bytes(), below].concat()
    }

    /// The lines of the file with it.
    pub(super) fn applied(&self, mut text: Text) -> Text {
        self.splice.clone().put_into(&mut text);
        text
    }
}

/// What a block does to a file that no edit has changed yet.
///
/// `None` where that is not plain from the only place at which its lines stand byte for byte: then
/// the file has to be taken apart. Files of other encodings and with other line ends than `\n` are
/// not looked at here, nor blocks of which more is said than their lines.
pub(super) fn work(bytes: &[u8], block: &Block<'_>) -> Option<Quick> {
    let Block {
        search,
        replace,
        otherwise,
        hints,
    } = *block;
    let bare = otherwise.is_empty() && hints.scopes.is_empty() && !hints.at_end;
    if !bare || !search.ends_with('\n') || !(replace.is_empty() || replace.ends_with('\n')) {
        return None;
    }
    if search.starts_with(MARK) || search.contains('\r') || replace.contains('\r') {
        return None;
    }
    let reading = Reading::of(search, replace);
    let (wanted, size) = (&reading.search, reading.search.len());
    let findable = wanted.iter().any(|line| key(line) != 0);
    if !findable || whole::left_out(&reading.replace, |_| false, false).is_some() {
        return None;
    }
    let text = plain(bytes)?;
    let start = only_place(text, search)?;
    let (above, below) = (&text[..start], &text[start + search.len()..]);
    let first = breaks(above);
    let last = first + size + breaks(below) + 1;
    let elsewhere = hints.line.is_some_and(|line| line != first + 1);
    if elsewhere || last > lines_looked_through(size) {
        return None;
    }
    let pieces = lines_after(wanted, &Hit::exact(0..size), &reading, &Shift::None)?;
    if surrounded(above.lines().rev(), below.lines(), size, &pieces) {
        return Some(Quick::Applied);
    }
    Some(Quick::Put(Patch {
        old: start..start + search.len(),
        new: written(&pieces, wanted),
        splice: Splice {
            range: first..first + size,
            pieces: pieces
                .into_iter()
                .map(|piece| moved(piece, first))
                .collect(),
            ending: Ending::Kept,
        },
    }))
}

/// The text of a file of UTF-8 without a mark whose lines end with `\n` alone.
fn plain(bytes: &[u8]) -> Option<&str> {
    if memchr2(0, b'\r', bytes).is_some() {
        return None;
    }
    let text = std::str::from_utf8(bytes).ok()?;
    (!text.starts_with(MARK)).then_some(text)
}

/// Where some lines stand, if that is at one place only.
fn only_place(text: &str, search: &str) -> Option<usize> {
    let (text, search) = (text.as_bytes(), search.as_bytes());
    let open = &search[..search.len() - 1];
    if text.ends_with(open) {
        // The last of the lines may stand there without its line break.
        return None;
    }
    let after_break = [b"\n", search].concat();
    let finder = memmem::Finder::new(&after_break);
    let first = if text.starts_with(search) {
        0
    } else {
        finder.find(text)? + 1
    };
    let other = finder.find(&text[first..]);
    other.is_none().then_some(first)
}

fn breaks(text: &str) -> usize {
    memchr_iter(b'\n', text.as_bytes()).count()
}

/// The text of some pieces; those that are kept are lines of what was to find.
fn written(pieces: &[Piece], wanted: &[&str]) -> String {
    let mut text = String::new();
    for piece in pieces {
        text.push_str(match piece {
            Piece::Kept(at) => wanted[*at],
            Piece::New(line) => line,
        });
        text.push('\n');
    }
    text
}

fn moved(piece: Piece, by: usize) -> Piece {
    match piece {
        Piece::Kept(at) => Piece::Kept(at + by),
        Piece::New(line) => Piece::New(line),
    }
}
