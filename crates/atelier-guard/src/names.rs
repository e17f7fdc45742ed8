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
    let mut inside = false;
    let starts = text.char_indices().filter(move |(_, letter)| {
        let starts = !inside && is_capital(*letter);
        inside = is_part(*letter);
        starts
    });
    starts.map(|(start, _)| {
        let rest = &text[start..];
        let end = rest
            .find(|letter: char| !is_part(letter))
            .unwrap_or(rest.len());
        start..start + end
    })
}

fn is_capital(letter: char) -> bool {
    letter.is_ascii_uppercase() || (!letter.is_ascii() && letter.is_uppercase())
}

fn is_part(letter: char) -> bool {
    letter.is_ascii_alphanumeric()
        || letter == '_'
        || (!letter.is_ascii() && letter.is_alphanumeric())
}
