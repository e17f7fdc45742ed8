//! What stands for a value: two brackets, the kind, a keyed digest, two brackets.
//!
//! There is no bracket inside, so a placeholder never overlaps another one, nor anything that looks
//! like one and begins or ends in the text around it.

use std::{ops::Range, sync::LazyLock};

use regex::Regex;

use crate::kind::Kind;

/// The beginning and the end.
pub(crate) const OPEN: &str = "[[";
const CLOSE: &str = "]]";

/// The word for a text that only looked like a placeholder.
const NO_KIND: &str = "TEXT";

/// Hexadecimal digits of the digest.
const DIGEST_DIGITS: usize = 12;

/// Bytes of the longest placeholder.
pub(crate) const BYTES_MAX: usize = 40;

/// What looks like a placeholder, in whatever case, made or not.
static SHAPE: LazyLock<Option<Regex>> =
    LazyLock::new(|| Regex::new(r"\[\[[A-Za-z_]{3,20}_[0-9A-Fa-f]{12}\]\]").ok());

/// The name under which a value leaves the machine, in capitals and small digits.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub(crate) struct Placeholder(String);

impl Placeholder {
    /// The placeholder of a value; a further attempt gives another one.
    pub(crate) fn make(key: &[u8; 32], value: &str, kind: Option<Kind>, attempt: u32) -> Self {
        let word = kind.map_or(NO_KIND, Kind::name);
        let mut hasher = blake3::Hasher::new_keyed(key);
        hasher.update(word.as_bytes());
        hasher.update(&attempt.to_le_bytes());
        hasher.update(value.as_bytes());
        let digest = hasher.finalize().to_hex();
        Self(format!(
            "{OPEN}{word}_{}{CLOSE}",
            &digest.as_str()[..DIGEST_DIGITS]
        ))
    }

    /// The placeholder as it was made, from one that was copied in other letters.
    pub(crate) fn read(written: &str) -> Self {
        let Some((word, digest)) = written.rsplit_once('_') else {
            return Self(written.to_owned());
        };
        let (word, digest) = (word.to_ascii_uppercase(), digest.to_ascii_lowercase());
        Self(format!("{word}_{digest}"))
    }

    pub(crate) fn as_str(&self) -> &str {
        &self.0
    }
}

/// Everything in a text that looks like a placeholder.
pub(crate) fn look_alikes(text: &str) -> impl Iterator<Item = Range<usize>> {
    let shape = SHAPE.as_ref().filter(|_| text.contains(OPEN));
    shape
        .into_iter()
        .flat_map(|shape| shape.find_iter(text))
        .map(|found| found.range())
}

/// How far a text that begins with a bracket is on its way to a placeholder.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Progress {
    /// It is none, whatever follows.
    Never,
    /// It may become one.
    Perhaps,
    /// Its first bytes are one.
    Whole(usize),
}

/// Judges the beginning of a text.
pub(crate) fn progress(text: &str) -> Progress {
    let shown = text.as_bytes();
    let inner = |byte: &u8| byte.is_ascii_alphanumeric() || *byte == b'_';
    if shown.len() < OPEN.len() {
        return if OPEN.starts_with(text) {
            Progress::Perhaps
        } else {
            Progress::Never
        };
    }
    let Some(body) = shown.strip_prefix(OPEN.as_bytes()) else {
        return Progress::Never;
    };
    let length = body.iter().take_while(|byte| inner(byte)).count();
    let total = OPEN.len() + length + CLOSE.len();
    if total > BYTES_MAX {
        return Progress::Never;
    }
    match body.get(length..).unwrap_or_default() {
        [] | [b']'] => Progress::Perhaps,
        [b']', b']', ..] => {
            let whole = text.get(..total).unwrap_or_default();
            let shaped = SHAPE.as_ref().is_some_and(|shape| shape.is_match(whole));
            if shaped {
                Progress::Whole(total)
            } else {
                Progress::Never
            }
        }
        [_, ..] => Progress::Never,
    }
}
