//! Source text without what is not code: comments, documentation, and tests among the sources.

use std::sync::LazyLock;

use atelier_model::TreePath;
use regex::Regex;

/// A language as far as cheats differ in it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Language {
    Python,
    Rust,
    Script,
    Go,
    Java,
    C,
    Ruby,
    Php,
    Shell,
}

impl Language {
    pub(super) fn of(path: &TreePath) -> Option<Self> {
        Some(match path.extension()? {
            "py" => Self::Python,
            "rs" => Self::Rust,
            "js" | "mjs" | "cjs" | "jsx" | "ts" | "mts" | "cts" | "tsx" => Self::Script,
            "go" => Self::Go,
            "java" | "kt" | "scala" | "cs" => Self::Java,
            "c" | "h" | "cc" | "cpp" | "cxx" | "hpp" => Self::C,
            "rb" => Self::Ruby,
            "php" => Self::Php,
            "sh" | "bash" | "bats" => Self::Shell,
            _ => return None,
        })
    }

    fn hash_comments(self) -> bool {
        matches!(self, Self::Python | Self::Ruby | Self::Php | Self::Shell)
    }

    fn slash_comments(self) -> bool {
        !matches!(self, Self::Python | Self::Ruby | Self::Shell)
    }
}

/// The code of a file; every line stands where it stood.
#[derive(Debug)]
pub(super) struct Code {
    pub(super) language: Language,
    pub(super) text: String,
}

impl Code {
    /// The code of a file; `None` where its language is not known.
    pub(super) fn of(path: &TreePath, text: &str) -> Option<Self> {
        let language = Language::of(path)?;
        let mut code = Self {
            language,
            text: blanked(language, text),
        };
        if language == Language::Rust && !crate::is_test_path(path) {
            code.blank_test_modules();
        }
        Some(code)
    }

    /// Modules of tests beside the code they test are tests, not sources.
    fn blank_test_modules(&mut self) {
        static MODULE: LazyLock<Option<Regex>> = LazyLock::new(|| {
            Regex::new(r"#\[cfg\(test\)\]\s*(?:#\[[^\]]*\]\s*)*mod\s+\w+\s*\{").ok()
        });
        let Some(module) = MODULE.as_ref() else {
            return;
        };
        let found: Vec<_> = module
            .find_iter(&self.text)
            .map(|one| one.range())
            .collect();
        for range in found {
            let end = block_end(&self.text, range.end - 1).unwrap_or(self.text.len());
            let blank = blank(&self.text[range.start..end]);
            self.text.replace_range(range.start..end, &blank);
        }
    }
}

/// The line of a place in a text, counted from 1.
pub(super) fn line_of(text: &str, at: usize) -> usize {
    text.as_bytes()
        .iter()
        .take(at)
        .filter(|byte| **byte == b'\n')
        .count()
        + 1
}

/// Where the block that opens with the brace at a place ends, behind its closing brace.
pub(super) fn block_end(text: &str, open: usize) -> Option<usize> {
    let mut depth = 0_usize;
    for (at, byte) in text.bytes().enumerate().skip(open) {
        match byte {
            b'{' => depth += 1,
            b'}' => {
                depth = depth.saturating_sub(1);
                if depth == 0 {
                    return Some(at + 1);
                }
            }
            _ => {}
        }
    }
    None
}

/// As many bytes of blanks, with the line ends where they were.
fn blank(text: &str) -> String {
    text.bytes()
        .map(|byte| if byte == b'\n' { '\n' } else { ' ' })
        .collect()
}

/// A text whose comments and documentation are blanks.
fn blanked(language: Language, text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    let mut rest = text;
    while let Some(next) = rest.chars().next() {
        let (length, code) = token(language, rest, &out);
        let length = length.clamp(next.len_utf8(), rest.len());
        let length = rest.ceil_char_boundary(length);
        if code {
            out.push_str(&rest[..length]);
        } else {
            out.push_str(&blank(&rest[..length]));
        }
        rest = &rest[length..];
    }
    out
}

/// Length of the comment, text or character that a text begins with, and whether it is code.
fn token(language: Language, rest: &str, before: &str) -> (usize, bool) {
    let line = || rest.find('\n').unwrap_or(rest.len());
    // In a shell the sign within a word is part of it.
    let word = language == Language::Shell && before.ends_with(|one: char| !one.is_whitespace());
    if language.hash_comments() && rest.starts_with('#') && !word {
        return (line(), false);
    }
    if language.slash_comments() && rest.starts_with("//") {
        // What a comment tells the compiler is code.
        return (line(), rest.starts_with("//go:"));
    }
    if language.slash_comments() && rest.starts_with("/*") {
        return (rest.find("*/").map_or(rest.len(), |at| at + 2), false);
    }
    if language == Language::Python {
        for quotes in ["\"\"\"", "'''"] {
            if let Some(inside) = rest.strip_prefix(quotes) {
                let length = inside.find(quotes).map_or(rest.len(), |at| at + 6);
                return (length, !begins_statement(before));
            }
        }
    }
    let quote = rest
        .chars()
        .next()
        .filter(|one| matches!(one, '"' | '\'' | '`'));
    match quote {
        Some('\'') if language == Language::Rust && !is_character(rest) => (1, true),
        Some(quote) => (text_length(rest, quote), true),
        None => (1, true),
    }
}

/// Whether a line has nothing yet, so that a text that begins here is a statement of its own.
fn begins_statement(before: &str) -> bool {
    let line = before.rsplit('\n').next().unwrap_or_default();
    let line = line.trim_start().trim_end_matches(['r', 'R', 'u', 'U']);
    line.is_empty() && !before.trim_end().ends_with(['(', ',', '=', '[', '{', '\\'])
}

/// In Rust a quote may begin the name of a lifetime.
fn is_character(rest: &str) -> bool {
    let mut chars = rest.chars().skip(1);
    match chars.next() {
        Some('\\') => true,
        Some(_) => chars.next() == Some('\''),
        None => false,
    }
}

/// Length of a text in quotes; one that does not end on its line ends with it.
fn text_length(rest: &str, quote: char) -> usize {
    let mut escaped = false;
    for (at, next) in rest.char_indices().skip(1) {
        if next == '\n' && quote != '`' {
            return at;
        }
        if escaped {
            escaped = false;
        } else if next == '\\' {
            escaped = true;
        } else if next == quote {
            return at + 1;
        }
    }
    rest.len()
}
