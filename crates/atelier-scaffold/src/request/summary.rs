//! One line that says what the project is for, out of the requirement's first sentence.

use crate::request::{
    name::{Name, only_introduces},
    token::{Form, Statement, listed},
};

/// Columns of the summary, which goes into manifests and help texts.
const COLUMNS_MAX: usize = 72;

/// Words of a requirement's beginning that say nothing of the project.
const BEGINNINGS: &str = "a an build can could create develop hello hi i implement i'd like make me my need please the \
    to us want we would write you have";

/// What the first sentence says that is more than an introduction.
pub(crate) fn find(statements: &[Statement], name: &Name) -> Option<String> {
    let first = statements
        .iter()
        .find(|statement| statement.form == Form::Sentence)
        .filter(|statement| !only_introduces(statement, name))?;
    let line = fitting(&plain(clause(first)));
    (!line.is_empty()).then_some(line)
}

/// The part of a sentence that describes: what follows `that` or `which` in the order to build something, or
/// everything after the order.
fn clause(statement: &Statement) -> &str {
    let text = statement.text.as_str();
    let orders = |word: &str| listed(BEGINNINGS, word);
    let ordered = statement
        .words
        .first()
        .is_some_and(|word| orders(&word.lower));
    let relative = statement
        .words
        .iter()
        .position(|word| matches!(word.lower.as_str(), "that" | "which"))
        .and_then(|at| statement.words.get(at + 1))
        .filter(|_| ordered);
    let start = relative.or_else(|| statement.words.iter().find(|word| !orders(&word.lower)));
    start.map_or(text, |word| &text[word.start..])
}

/// A text without marks that mean something in Markdown, a string or a placeholder, beginning with a capital.
fn plain(text: &str) -> String {
    let plain: String = text
        .chars()
        .filter(|c| {
            !matches!(
                c,
                '`' | '*' | '_' | '<' | '>' | '[' | ']' | '{' | '}' | '|' | '\\'
            )
        })
        .map(|c| if c == '"' { '\'' } else { c })
        .collect();
    // Two question marks begin a trigraph in C.
    let plain = plain.replace("??", "?");
    let plain = plain.trim_start_matches(|c: char| !c.is_alphanumeric());
    let mut chars = plain.chars();
    chars.next().map_or_else(String::new, |first| {
        format!("{}{}", first.to_uppercase(), chars.as_str())
    })
}

/// What fits into [`COLUMNS_MAX`] columns, cut between words, without a mark at its end; a wide character takes two.
fn fitting(text: &str) -> String {
    let mut columns = 0;
    let mut fitting = text;
    for (at, c) in text.char_indices() {
        columns += if c.is_ascii() { 1 } else { 2 };
        if columns > COLUMNS_MAX {
            let head = &text[..at];
            fitting = head.rsplit_once(' ').map_or(head, |(whole, _)| whole);
            break;
        }
    }
    let marks = [
        '.', '。', ',', ';', ':', '!', '?', ' ', '-', '…', '！', '？', '，',
    ];
    fitting.trim_end_matches(marks).to_owned()
}
