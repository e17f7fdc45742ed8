//! Given names, by which a person is recognised where nothing else says that one is meant.

use std::{
    collections::HashSet,
    hash::{BuildHasherDefault, Hasher},
    ops::Range,
    sync::LazyLock,
};

use crate::words;

/// Names of Europe and the Americas that are no common words, so that few of them mislead.
static GIVEN: LazyLock<HashSet<&'static str, BuildHasherDefault<Mixed>>> = LazyLock::new(|| {
    include_str!("../rules/given-names.txt")
        .split_whitespace()
        .collect()
});

/// Bytes of the longest name.
const BYTES_MAX: usize = 24;

/// The hash of Fowler, Noll and Vo: every capitalised word is looked up, and no text chooses the
/// names in the set.
struct Mixed(u64);

impl Default for Mixed {
    fn default() -> Self {
        Self(0xcbf2_9ce4_8422_2325)
    }
}

impl Hasher for Mixed {
    fn finish(&self) -> u64 {
        self.0
    }

    fn write(&mut self, bytes: &[u8]) {
        for byte in bytes {
            self.0 = (self.0 ^ u64::from(*byte)).wrapping_mul(0x0100_0000_01b3);
        }
    }
}

/// Whether a word is known as a given name.
pub(crate) fn is_given(word: &str) -> bool {
    word.len() <= BYTES_MAX && GIVEN.contains(word)
}

/// Words that begin with a capital, as far as the next sign.
pub(crate) fn capitalised(text: &str) -> impl Iterator<Item = Range<usize>> {
    let bytes = text.as_bytes();
    let starts = words::starts(bytes).filter(|at| {
        let first = bytes[*at];
        first.is_ascii_uppercase() || first >= FIRST_OF_CAPITAL
    });
    starts.map(|start| start..start + words::length(&bytes[start..]))
}

/// The first byte of the first letter beyond ASCII.
const FIRST_OF_CAPITAL: u8 = 0xc3;
