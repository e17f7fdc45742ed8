//! Almost-JSON mended into JSON, with a proof that no word of it was lost.

use jsonrepair_rs::jsonrepair;
use serde_json::Value;

use super::{
    ReadAnswerError,
    extract::{Candidate, left_open},
    syntax,
};

/// Brackets deep that a value may be.
const DEPTH_MAX: usize = 100;

/// The value of a candidate whose syntax is broken.
pub(super) fn value(candidate: &Candidate<'_>) -> Result<Value, ReadAnswerError> {
    let refused = |reason: &str| ReadAnswerError::Syntax {
        line: 1,
        column: 1,
        reason: reason.to_owned(),
    };
    if deepest(candidate.text) > DEPTH_MAX {
        return Err(refused("brackets are nested too deeply"));
    }
    let (open, in_string) = left_open(candidate.text);
    let ends_whole = candidate.text.ends_with(['}', ']', '"']);
    // A missing bracket is a slip where the model had more to say or all but the last one stands;
    // more than that is an answer cut off, and what is lost with it cannot be known.
    if in_string || open > 1 && !candidate.ended || open > 0 && !ends_whole {
        return Err(ReadAnswerError::Truncated);
    }
    let source = without_comments(&with_escapes(candidate.text));
    let mended = jsonrepair(&source).map_err(|error| ReadAnswerError::Syntax {
        line: error.line.max(1),
        column: error.column.max(1),
        reason: error.message,
    })?;
    let value: Value = serde_json::from_str(&mended).map_err(|error| syntax(&error))?;
    if words(&source) != words(&mended) {
        return Err(refused("it cannot be mended without losing some of it"));
    }
    Ok(value)
}

fn deepest(text: &str) -> usize {
    let mut depth = 0_usize;
    let mut deepest = 0;
    for byte in text.bytes() {
        match byte {
            b'{' | b'[' => depth += 1,
            b'}' | b']' => depth = depth.saturating_sub(1),
            _ => {}
        }
        deepest = deepest.max(depth);
    }
    deepest
}

/// Backslashes in strings that begin no escape, as in regular expressions, doubled.
fn with_escapes(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    let mut string = false;
    let mut rest = text.chars();
    while let Some(c) = rest.next() {
        out.push(c);
        if c == '"' {
            string = !string;
        } else if c == '\\' && string {
            let ahead = rest.as_str();
            let unicode = ahead.strip_prefix('u').is_some_and(|hex| {
                hex.len() >= 4 && hex.bytes().take(4).all(|byte| byte.is_ascii_hexdigit())
            });
            let known = ahead.starts_with(['"', '\\', '/', 'b', 'f', 'n', 'r', 't', '\'', '\n']);
            if unicode || known {
                out.extend(rest.next());
            } else {
                out.push('\\');
            }
        }
    }
    out
}

/// A text without `//` and `/* */` comments outside strings.
fn without_comments(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    let mut string = false;
    let mut escaped = false;
    let mut at = 0;
    while let Some(c) = text[at..].chars().next() {
        let rest = &text[at..];
        if string {
            match c {
                _ if escaped => escaped = false,
                '\\' => escaped = true,
                '"' => string = false,
                _ => {}
            }
        } else if c == '"' {
            string = true;
        } else if rest.starts_with("//") {
            at += rest.find('\n').unwrap_or(rest.len());
            continue;
        } else if rest.starts_with("/*")
            && let Some(end) = rest.find("*/")
        {
            at += end + "*/".len();
            continue;
        }
        out.push(c);
        at += c.len_utf8();
    }
    out
}

/// The letters and digits of a text in order, with the names that Python and JavaScript give to
/// JSON's constants in place.
fn words(text: &str) -> String {
    let unescaped = text
        .replace("\\n", " ")
        .replace("\\t", " ")
        .replace("\\r", " ");
    let mut words = String::with_capacity(text.len());
    for word in unescaped.split(|c: char| !c.is_alphanumeric()) {
        match word {
            "None" | "undefined" => words.push_str("null"),
            "True" => words.push_str("true"),
            "False" => words.push_str("false"),
            _ => words.push_str(word),
        }
    }
    words
}
