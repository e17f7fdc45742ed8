//! The features a requirement asks for, in the user's words.

use crate::request::{
    name::{Name, only_introduces},
    token::{Form, Statement},
};

/// Features that become proposals of their own; the rest stay in the quoted requirement.
pub(crate) const FEATURES_MAX: usize = 60;

/// Characters of one feature; a longer statement is cut between words.
const FEATURE_CHARS_MAX: usize = 400;

/// Every statement that asks for more than a project of a name, a kind and a language.
pub(crate) fn find(statements: &[Statement], project: &Name) -> Vec<String> {
    let mut found: Vec<String> = Vec::new();
    let mut left = statements.iter().peekable();
    while let Some(statement) = left.next() {
        let introduces_list = statement.text.ends_with([':', '：']) && left.peek().is_some();
        let asks = statement.form != Form::Heading
            && !introduces_list
            && statement
                .words
                .iter()
                .any(|word| word.lower.chars().any(char::is_alphabetic))
            && !only_introduces(statement, project);
        let feature = cut(&statement.text);
        if asks && !found.contains(&feature) {
            found.push(feature);
        }
        if found.len() == FEATURES_MAX {
            break;
        }
    }
    found
}

/// A statement of at most [`FEATURE_CHARS_MAX`] characters.
fn cut(text: &str) -> String {
    let Some((end, _)) = text.char_indices().nth(FEATURE_CHARS_MAX) else {
        return text.to_owned();
    };
    let head = &text[..end];
    head.rsplit_once(' ')
        .map_or(head, |(whole, _)| whole)
        .to_owned()
}
