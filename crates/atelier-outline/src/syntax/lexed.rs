//! The brackets of a text, read without a grammar: only texts and comments are told from the rest.

use crate::syntax::{brackets::Bracket, line_before};

/// How texts and comments are written.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Lexis {
    /// As in C and C++.
    C,
    /// As in CSS.
    Css,
}

/// The brackets of a text; `None` if they depend on how it is compiled.
pub(crate) fn brackets(lexis: Lexis, text: &str) -> Option<Vec<Bracket>> {
    let mut found = Vec::new();
    let mut at = 0;
    while let Some(first) = text[at..].chars().next() {
        let rest = &text[at..];
        if lexis == Lexis::C && first == '#' && leads(text, at) {
            let directive = &rest[..line_end(rest)];
            let word = directive[1..].trim_start();
            // Two texts in one: each may open a bracket that the other closes.
            if word.starts_with("else") || word.starts_with("elif") {
                return None;
            }
        }
        let end = skipped(lexis, text, at);
        if end == 0 {
            let word = &rest[..first.len_utf8()];
            found.extend(Bracket::read(word, text, at));
            at += first.len_utf8();
        } else {
            at += end;
        }
    }
    Some(found)
}

/// Bytes of the text, comment, number or word that begins here; 0 if none does.
fn skipped(lexis: Lexis, text: &str, at: usize) -> usize {
    let rest = &text[at..];
    let in_c = lexis == Lexis::C;
    if rest.starts_with("/*") {
        return comment(rest);
    }
    if in_c && rest.starts_with("//") {
        return line_end(rest);
    }
    if in_c && rest.starts_with('#') && leads(text, at) {
        return directive(rest);
    }
    if rest.starts_with(['"', '\'']) {
        return quoted(rest);
    }
    if rest.starts_with('\\') {
        return escaped(rest);
    }
    let word = rest.find(|c: char| !is_word(c)).unwrap_or(rest.len());
    let after = &rest[word..];
    if in_c && rest.starts_with(|c: char| c.is_ascii_digit()) {
        return number(rest);
    }
    if in_c && rest[..word].ends_with('R') && after.starts_with('"') {
        return word + raw(after);
    }
    if !in_c && rest[..word].eq_ignore_ascii_case("url") && after.starts_with('(') {
        let address = after[1..].trim_start();
        if !address.starts_with(['"', '\'']) {
            return rest.find(')').map_or(rest.len(), |end| end + 1);
        }
    }
    word
}

fn is_word(c: char) -> bool {
    c.is_alphanumeric() || c == '_'
}

/// Whether nothing but blanks stands before a byte in its line.
fn leads(text: &str, at: usize) -> bool {
    line_before(text, at).is_some_and(|line| line.trim().is_empty())
}

/// Bytes to the end of a line that a backslash may continue.
fn line_end(rest: &str) -> usize {
    let mut end = 0;
    for line in rest.split_inclusive('\n') {
        end += line.len();
        if !line.trim_end().ends_with('\\') {
            break;
        }
    }
    end
}

/// Bytes of a directive of the preprocessor: its lines, and the comments that begin in them.
fn directive(rest: &str) -> usize {
    let mut at = 0;
    while let Some(first) = rest[at..].chars().next() {
        let here = &rest[at..];
        at += match first {
            '\n' => return at,
            '/' if here.starts_with("/*") => comment(here),
            '/' if here.starts_with("//") => return at + line_end(here),
            '"' | '\'' => quoted(here),
            '\\' => escaped(here),
            other => other.len_utf8(),
        };
    }
    at
}

/// Bytes of a comment between marks.
fn comment(rest: &str) -> usize {
    let inside = rest.get(2..).unwrap_or_default();
    inside.find("*/").map_or(rest.len(), |end| end + 4)
}

/// Bytes of a backslash and what it takes with it; a line break may be two characters.
fn escaped(rest: &str) -> usize {
    let after = &rest[1..];
    let taken = if after.starts_with("\r\n") {
        2
    } else {
        after.chars().next().map_or(0, char::len_utf8)
    };
    1 + taken
}

/// Bytes of a text in quotes; one that is not closed ends with its line.
fn quoted(rest: &str) -> usize {
    let mut chars = rest.chars();
    let quote = chars.next();
    let mut at = quote.map_or(0, char::len_utf8);
    while let Some(c) = rest[at..].chars().next() {
        match c {
            '\\' => at += escaped(&rest[at..]),
            '\n' => return at,
            _ if Some(c) == quote => return at + 1,
            _ => at += c.len_utf8(),
        }
    }
    at
}

/// Bytes of a number, which may have quotes between its digits.
fn number(rest: &str) -> usize {
    let mut end = 0;
    let mut chars = rest.chars().peekable();
    while let Some(c) = chars.next() {
        let separates = c == '\'' && chars.peek().is_some_and(|&next| is_word(next));
        if !is_word(c) && c != '.' && !separates {
            break;
        }
        end += c.len_utf8();
    }
    end
}

/// Bytes of a raw text, `"mark(…)mark"`.
fn raw(rest: &str) -> usize {
    let Some((mark, _)) = rest[1..].split_once('(') else {
        return rest.len();
    };
    let close = format!("){mark}\"");
    rest.find(&close)
        .map_or(rest.len(), |end| end + close.len())
}
