//! Where a text does not follow the grammar of its language.

mod brackets;
mod exact;
pub(crate) mod grammar;
mod lexed;
mod reduce;

use atelier_model::TreePath;

pub(crate) use lexed::Lexis;
pub use reduce::{skeleton, without_comments};

use crate::{
    fault::Fault,
    languages::{self, Reader},
};

/// Faults of one file that are told; what follows the first is mostly its consequence.
const FAULTS_MAX: usize = 3;
/// Bytes of a text that is read; a larger one is seldom anybody's source.
const BYTES_MAX: usize = 64 * 1024;
/// Bytes of a line that a grammar is let at. What grammars do about errors grows with their number
/// in one line, and what nobody wrote by hand has lines without end.
const GRAMMAR_LINE_BYTES_MAX: usize = 4096;
/// Brackets in brackets that a grammar is let at, those in texts and comments included: each level
/// adds up on its stack.
const NESTED_MAX: usize = 256;

/// Bytes of a line in which its beginning is looked for.
const LINE_BYTES_MAX: usize = 1000;

/// What stands before a byte in its line; `None` in a line that nobody wrote by hand.
fn line_before(text: &str, byte: usize) -> Option<&str> {
    let from = text.floor_char_boundary(byte.saturating_sub(LINE_BYTES_MAX));
    let near = text.get(from..byte)?;
    match near.rfind('\n') {
        Some(at) => Some(&near[at + 1..]),
        None => (from == 0).then_some(near),
    }
}

/// Where a text does not follow the grammar of its language, at most the first three places.
///
/// `None` where that cannot be said: the language is unknown, or the text is too large or too
/// tangled for the bounds of this crate.
pub fn check(path: &TreePath, text: &str) -> Option<Vec<Fault>> {
    let language = languages::of(path)?;
    if text.len() > BYTES_MAX {
        return None;
    }
    // A mark at the beginning is no part of the text.
    let text = text.strip_prefix('\u{feff}').unwrap_or(text);
    match language.reader {
        Reader::Grammar(grammar) if !is_absurd(text) => grammar::faults(&grammar(), text),
        Reader::Grammar(_) => None,
        Reader::Brackets(lexis) => {
            lexed::brackets(lexis, text).map(|found| brackets::faults(&found, text))
        }
        Reader::Json => Some(exact::json(text)),
        Reader::Toml => Some(exact::toml(text)),
    }
}

/// The faults of a file that followed its grammar before a change, or was not there, and does not
/// after it.
pub fn broken(path: &TreePath, before: Option<&str>, after: &str) -> Vec<Fault> {
    let faults = check(path, after).unwrap_or_default();
    let sound = |text| check(path, text).is_some_and(|faults| faults.is_empty());
    if faults.is_empty() || before.is_none_or(sound) {
        faults
    } else {
        Vec::new()
    }
}

/// Whether a text is none that anyone wrote by hand.
fn is_absurd(text: &str) -> bool {
    let mut depth: usize = 0;
    let too_deep = text.bytes().any(|byte| {
        depth = match byte {
            b'(' | b'[' | b'{' => depth + 1,
            b')' | b']' | b'}' => depth.saturating_sub(1),
            _ => depth,
        };
        depth > NESTED_MAX
    });
    too_deep || text.lines().any(|line| line.len() > GRAMMAR_LINE_BYTES_MAX)
}
