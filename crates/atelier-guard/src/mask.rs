//! What may be shown of a span to the person who asks what was found.

use crate::kind::Kind;

/// Letters of personal data that are shown.
const SHOWN_LETTERS: usize = 1;

/// A hint at a value that does not give it away: its length, and how it begins where that tells
/// nothing that its kind does not tell already.
pub fn preview(kind: Kind, value: &str) -> String {
    let letters = value.chars().count();
    let begin: String = if kind.is_secret() {
        String::new()
    } else {
        value
            .chars()
            .take(SHOWN_LETTERS)
            .filter(|letter| !letter.is_control())
            .collect()
    };
    let noun = if letters == 1 {
        "character"
    } else {
        "characters"
    };
    format!("{begin}… ({letters} {noun})")
}
