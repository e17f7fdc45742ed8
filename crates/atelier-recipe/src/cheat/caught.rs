//! Assertions in tests whose failure is caught and dropped.

use std::sync::LazyLock;

use regex::Regex;

use super::{
    Finding, Pair,
    code::{Language, block_end, line_of},
};

const WORDS: &str = "catches what its assertions throw";

static ASSERTS: LazyLock<Option<Regex>> = LazyLock::new(|| {
    Regex::new(r"\bassert|\.assert|\bexpect\s*\(|\bfail\s*\(|\.should\b|\b(?:EXPECT|ASSERT)_").ok()
});
/// What a handler does that drops nothing.
static HANDS_ON: LazyLock<Option<Regex>> = LazyLock::new(|| {
    Regex::new(
        r"\braise\b|\bthrow\b|\bassert|\.assert|\bexpect\s*\(|\bfail\s*\(|\.append\(|\.push\(|\breject|\bdone\s*\(|\berrors?\s*=|\b(?:EXPECT|ASSERT|FAIL)",
    )
    .ok()
});
/// Handlers that also take failed assertions.
static BROAD: LazyLock<Option<Regex>> = LazyLock::new(|| {
    Regex::new(r"^except\s*:|^except\b.*\b(?:AssertionError|Exception|BaseException)\b").ok()
});
static SUPPRESS: LazyLock<Option<Regex>> = LazyLock::new(|| {
    Regex::new(r"suppress\([^)\n]*\b(?:AssertionError|Exception|BaseException)\b[^)\n]*\)").ok()
});
static UNWIND: LazyLock<Option<Regex>> = LazyLock::new(|| {
    Regex::new(r"(?m)^\s*(?:let\s+_\w*\s*=\s*)?(?:std::)?(?:panic::)?catch_unwind\b").ok()
});
/// What asks for the result of what unwound.
static ASKED: LazyLock<Option<Regex>> = LazyLock::new(|| {
    Regex::new(r"\)\s*\.\s*(?:unwrap|unwrap_err|expect|expect_err|is_err|is_ok)\b").ok()
});
static TRY: LazyLock<Option<Regex>> = LazyLock::new(|| Regex::new(r"\btry\s*\{").ok());
static CATCH: LazyLock<Option<Regex>> =
    LazyLock::new(|| Regex::new(r"^\s*catch\s*(\([^)]*\))?\s*\{").ok());

pub(super) fn found(pair: &Pair<'_>) -> Vec<Finding> {
    let language = pair.after.language;
    let new = pair.new_only(|text| match language {
        Language::Python => [python(text), suppressed(text)].concat(),
        Language::Script | Language::Java | Language::C | Language::Php => braces(language, text),
        Language::Rust => unwound(text),
        Language::Go | Language::Ruby | Language::Shell => Vec::new(),
    });
    new.map(|(at, _)| Finding::certain(line_of(&pair.after.text, at), WORDS))
        .collect()
}

fn is(pattern: &LazyLock<Option<Regex>>, text: &str) -> bool {
    pattern.as_ref().is_some_and(|one| one.is_match(text))
}

/// `try` blocks with an assertion in them, by their indentation.
fn python(text: &str) -> Vec<(usize, String)> {
    let mut lines = Vec::new();
    let mut at = 0;
    for line in text.split_inclusive('\n') {
        lines.push((at, line));
        at += line.len();
    }
    let mut all = Vec::new();
    for (index, (at, line)) in lines.iter().enumerate() {
        if !line.trim_start().starts_with("try:") {
            continue;
        }
        let (body, mut next) = indented(&lines, index);
        if !is(&ASSERTS, &body) {
            continue;
        }
        while let Some((_, head)) = lines.get(next) {
            let trimmed = head.trim();
            if indent(head) != indent(line) || !trimmed.starts_with("except") {
                break;
            }
            let (handler, after) = indented(&lines, next);
            if is(&BROAD, trimmed) && !is(&HANDS_ON, &handler) {
                all.push((*at, format!("{body}{head}{handler}")));
            }
            next = after;
        }
    }
    all
}

fn indent(line: &str) -> usize {
    line.len() - line.trim_start().len()
}

/// What stands under a line, further in, and the index of the line after it. What follows the
/// colon on the line itself belongs to it.
fn indented(lines: &[(usize, &str)], head: usize) -> (String, usize) {
    let Some((_, first)) = lines.get(head) else {
        return (String::new(), head + 1);
    };
    let rest = first.rsplit_once(':').map_or("", |(_, rest)| rest);
    let mut body = rest.to_owned();
    let mut next = head + 1;
    while let Some((_, line)) = lines.get(next) {
        if !line.trim().is_empty() && indent(line) <= indent(first) {
            break;
        }
        body.push_str(line);
        next += 1;
    }
    (body, next)
}

fn suppressed(text: &str) -> Vec<(usize, String)> {
    let found = SUPPRESS.iter().flat_map(|one| one.find_iter(text));
    let with_assertion = found.filter(|found| {
        let after = &text[found.end()..];
        let near: String = after.lines().take(4).collect::<Vec<_>>().join("\n");
        is(&ASSERTS, &near)
    });
    with_assertion
        .map(|found| (found.start(), found.as_str().to_owned()))
        .collect()
}

/// Unwinding of assertions that is caught, and of which nothing is asked afterwards.
fn unwound(text: &str) -> Vec<(usize, String)> {
    let found = UNWIND.iter().flat_map(|one| one.find_iter(text));
    let dropped = found.filter(|found| {
        let statement = statement(&text[found.end()..]);
        is(&ASSERTS, statement) && !is(&ASKED, statement)
    });
    dropped
        .map(|found| {
            let statement = statement(&text[found.end()..]);
            let skipped = found.as_str().len() - found.as_str().trim_start().len();
            (found.start() + skipped, statement.to_owned())
        })
        .collect()
}

/// A text up to the end of its first statement, brackets and all.
fn statement(text: &str) -> &str {
    let mut depth = 0_i32;
    for (at, byte) in text.bytes().enumerate() {
        match byte {
            b'(' | b'{' | b'[' => depth += 1,
            b')' | b'}' | b']' => depth -= 1,
            b';' if depth <= 0 => return &text[..at],
            _ => {}
        }
    }
    text
}

/// `try` blocks in braces with an assertion in them, whose handler drops it.
fn braces(language: Language, text: &str) -> Vec<(usize, String)> {
    let mut all = Vec::new();
    for found in TRY.iter().flat_map(|one| one.find_iter(text)) {
        let Some(end) = block_end(text, found.end() - 1) else {
            continue;
        };
        let body = &text[found.start()..end];
        let head = CATCH.iter().find_map(|one| one.captures(&text[end..]));
        let Some(head) = head.filter(|_| is(&ASSERTS, body)) else {
            continue;
        };
        let caught = head.get(1).map_or("", |one| one.as_str());
        let open = end + head.get(0).map_or(0, |one| one.end()) - 1;
        let close = block_end(text, open).unwrap_or(text.len());
        let handler = &text[open..close];
        if takes_assertions(language, caught) && !is(&HANDS_ON, handler) {
            all.push((found.start(), format!("{body}{handler}")));
        }
    }
    all
}

/// Whether a handler of this head also takes failed assertions.
fn takes_assertions(language: Language, caught: &str) -> bool {
    let of = |names: &[&str]| names.iter().any(|name| caught.contains(name));
    match language {
        Language::Java => {
            of(&["AssertionError", "Throwable", "Error ", "Exception e", "_:"])
                && !of(&[
                    "IOException",
                    "IllegalArgument",
                    "NullPointer",
                    "NumberFormat",
                ])
        }
        Language::C => of(&["..."]),
        Language::Php => of(&["Throwable", "AssertionFailed", "\\Error", "Exception "]),
        Language::Script
        | Language::Python
        | Language::Rust
        | Language::Go
        | Language::Ruby
        | Language::Shell => true,
    }
}
