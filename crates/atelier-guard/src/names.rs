//! Given names, by which a person is recognised where nothing else says that one is meant.

use std::{collections::HashSet, ops::Range, sync::LazyLock};

/// Names of Europe and the Americas that are no common words, so that few of them mislead.
static GIVEN: LazyLock<HashSet<&'static str>> = LazyLock::new(|| {
    include_str!("../rules/given-names.txt")
        .split_whitespace()
        .collect()
});

/// Whether a word is known as a given name.
pub(crate) fn is_given(word: &str) -> bool {
    GIVEN.contains(word)
}

/// Words that begin with a capital, as far as the next sign.
pub(crate) fn capitalised(text: &str) -> impl Iterator<Item = Range<usize>> {
    let bytes = text.as_bytes();
    let starts = (0..bytes.len()).filter(move |at| {
        let begins = bytes[*at].is_ascii_uppercase() || bytes[*at] >= FIRST_OF_CAPITAL;
        begins
            && !at
                .checked_sub(1)
                .is_some_and(|before| is_part(bytes[before]))
    });
    starts.map(|start| {
        let rest = &bytes[start..];
        let length = rest
            .iter()
            .position(|byte| !is_part(*byte))
            .unwrap_or(rest.len());
        start..start + length
    })
}

/// The first byte of the first letter beyond ASCII.
const FIRST_OF_CAPITAL: u8 = 0xc3;

fn is_part(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || byte == b'_' || byte >= 0x80
}
