//! The paths that replies write before, into and on top of their blocks.

mod mention;
#[cfg(test)]
mod tests;

pub(crate) use mention::{announced, mentions, renamed};

/// Words that may stand before a path without saying anything else.
const LABELS: [&str; 22] = [
    "file", "files", "filename", "filepath", "path", "name", "create", "created", "creating",
    "new", "update", "updated", "updating", "modify", "modified", "edit", "add", "full",
    "complete", "final", "contents", "of",
];
/// Labels that leave no doubt that a path follows.
const SURE_LABELS: [&str; 4] = ["file", "filename", "filepath", "path"];
/// Files that are known by their whole name.
const NAMES: [&str; 19] = [
    "makefile",
    "gnumakefile",
    "dockerfile",
    "containerfile",
    "license",
    "licence",
    "readme",
    "procfile",
    "gemfile",
    "rakefile",
    "jenkinsfile",
    "vagrantfile",
    "justfile",
    "build",
    "workspace",
    "notice",
    "changelog",
    "codeowners",
    "authors",
];
/// Names of products that look like names of files.
const PRODUCTS: [&str; 9] = [
    "node.js",
    "vue.js",
    "next.js",
    "nuxt.js",
    "react.js",
    "three.js",
    "d3.js",
    "asp.net",
    "socket.io",
];
const PATH_BYTES_MAX: usize = 512;
const EXTENSION_BYTES_MAX: usize = 12;
const REMARK_BYTES_MAX: usize = 60;

/// The path that a line before a block names, such as `src/a.rs`, `**src/a.rs**:`,
/// ``### File: `src/a.rs` (new)`` or `2. src/a.rs`.
pub(crate) fn path_of(line: &str) -> Option<&str> {
    let mut rest = underlined(undecorated(line));
    if let Some(path) = tagged(rest) {
        return Some(path);
    }
    if renamed(line).is_some() {
        return None;
    }
    let mut sure = false;
    while let Some((word, after)) = label(rest) {
        sure |= SURE_LABELS.contains(&word.to_ascii_lowercase().as_str());
        rest = after;
    }
    let (path, remark, quoted) = divide(rest);
    let silent = |c: char| matches!(c, '*' | ':' | '_' | ' ' | '`' | '"' | '\'');
    let remark = remark.trim_matches(silent);
    let aside = remark.starts_with(['(', '[', '-', '–', '—']) && remark.len() <= REMARK_BYTES_MAX;
    if !(remark.is_empty() || aside) {
        return None;
    }
    let path = mention::without_line(path.trim());
    let fits = if quoted || sure {
        looks_like_path(path) || (sure && is_single(path))
    } else {
        is_single(path) && looks_like_path(path) && ends_like_a_file(path)
    };
    fits.then_some(path)
}

/// The path in the info string of a fence: `rust src/a.rs`, `rust:src/a.rs`, `js title="a.js"`.
pub(crate) fn path_in_info(info: &str) -> Option<&str> {
    for key in ["title", "filename", "file", "path"] {
        if let Some(value) = attribute(info, key) {
            return Some(value);
        }
    }
    if let Some((language, path)) = info.split_once(':')
        && !language.contains([' ', '/', '.'])
        && is_single(path)
        && looks_like_path(path)
    {
        return Some(path.trim());
    }
    let mut words = info.split_whitespace();
    let first = words.next()?;
    let path = words.find(|word| looks_like_path(word) && ends_like_a_file(word));
    // A first word without a dot or a slash is the name of a language, such as `dockerfile`.
    let named = |word: &str| {
        word.contains(['.', '/', '\\']) && looks_like_path(word) && ends_like_a_file(word)
    };
    path.or_else(|| named(first).then_some(first)).map(bare)
}

/// The path that a comment consists of: `// src/a.rs`, `# a.py`, `<!-- index.html -->`.
pub(crate) fn path_in_comment<'a>(line: &'a str, info: &str) -> Option<&'a str> {
    let line = line.trim();
    let markdown = matches!(info, "markdown" | "md" | "mdx");
    let body = [
        ("<!--", "-->"),
        ("/*", "*/"),
        ("//", ""),
        ("--", ""),
        (";", ""),
        ("%", ""),
    ]
    .iter()
    .find_map(|(open, close)| line.strip_prefix(open)?.strip_suffix(close))
    .or_else(|| {
        line.strip_prefix('#')
            .filter(|rest| !markdown && !rest.starts_with('!'))
    })?;
    let mut body = body.trim();
    while let Some((word, after)) = label(body)
        && SURE_LABELS.contains(&word.to_ascii_lowercase().as_str())
    {
        body = after;
    }
    let path = bare(body);
    (is_single(path) && looks_like_path(path) && ends_like_a_file(path)).then_some(path)
}

/// The path that a line consists of although it does not end like a file, such as `bin/run`, or in
/// backticks `.gitattributes` and `Caddyfile`.
pub(crate) fn lone_path(line: &str) -> Option<&str> {
    let text = undecorated(line);
    let path = bare(text);
    let quoted = text.starts_with('`') && text.trim_end_matches([':', '*', ' ']).ends_with('`');
    let named = path.contains('.') || path.starts_with(|c: char| c.is_ascii_uppercase());
    let plain = |c: char| c.is_ascii_alphanumeric() || matches!(c, '.' | '-' | '_');
    let word = quoted && named && path.chars().all(plain);
    (is_single(path) && (looks_like_path(path) || word)).then_some(path)
}

/// Whether a text could be the path of a file, rather than a word or a phrase.
pub(crate) fn looks_like_path(text: &str) -> bool {
    let odd = |c: char| matches!(c, '<' | '>' | '{' | '}' | ';' | '|' | '=' | ',' | '`' | '"');
    if text.is_empty() || text.len() > PATH_BYTES_MAX || text.contains(odd) {
        return false;
    }
    if text.contains("://") || text.ends_with(['/', '\\']) || text.contains(char::is_control) {
        return false;
    }
    if PRODUCTS.contains(&text.to_ascii_lowercase().as_str()) {
        return false;
    }
    let rooted = text.starts_with(['/', '\\']);
    let deep = text.contains(['/', '\\']) && !rooted && is_single(text);
    deep || ends_like_a_file(text)
}

/// A text without the quotes, stars and colons around it.
pub(crate) fn bare(text: &str) -> &str {
    text.trim()
        .trim_end_matches([':', '*', ' '])
        .trim_matches(['`', '"', '\'', '*'])
        .trim()
}

/// The text after one of these words, in any case.
pub(crate) fn strip_word<'a>(text: &'a str, words: &[&str]) -> Option<&'a str> {
    let end = text
        .find(|c: char| !c.is_ascii_alphabetic())
        .unwrap_or(text.len());
    let (word, rest) = text.split_at(end);
    words
        .iter()
        .any(|known| known.eq_ignore_ascii_case(word))
        .then(|| rest.trim_start())
}

fn is_single(text: &str) -> bool {
    !text.is_empty() && !text.trim().contains(char::is_whitespace)
}

/// Whether the last part of a path has an extension, begins with a dot, or is a known name.
fn ends_like_a_file(text: &str) -> bool {
    let name = text.rsplit(['/', '\\']).next().unwrap_or(text);
    if NAMES.contains(&name.to_ascii_lowercase().as_str()) {
        return true;
    }
    let Some((_, extension)) = name.rsplit_once('.') else {
        return text.starts_with('.') && text.contains('/');
    };
    let alphanumeric = extension
        .bytes()
        .all(|b| b.is_ascii_alphanumeric() || b == b'_' || b == b'-');
    !extension.is_empty()
        && extension.len() <= EXTENSION_BYTES_MAX
        && alphanumeric
        && extension.starts_with(|c: char| c.is_ascii_alphabetic())
}

/// The path in a tag such as `<path>src/a.rs</path>`, or the text of a link to it.
fn tagged(text: &str) -> Option<&str> {
    let within = |open: &str, close: &str| {
        let rest = text.trim_start_matches(['*', '`']).strip_prefix(open)?;
        rest.split_once(close).map(|(path, _)| path)
    };
    let path = within("<path>", "</path>")
        .or_else(|| within("<file>", "</file>"))
        .or_else(|| within("<file_path>", "</file_path>"))
        .or_else(|| within("[", "]("))?;
    let path = bare(path);
    (is_single(path) && looks_like_path(path)).then_some(path)
}

/// A text without the underscores that make it bold.
fn underlined(text: &str) -> &str {
    let inner = || {
        text.strip_prefix("__")?
            .trim_end_matches([':', ' '])
            .strip_suffix("__")
    };
    inner()
        .filter(|inner| ends_like_a_file(inner.trim_end_matches(':')))
        .unwrap_or(text)
}

/// A text without the bullet or the picture before it.
fn unpictured(text: &str) -> &str {
    let picture = |c: char| !c.is_ascii() && !c.is_alphanumeric() && !c.is_whitespace();
    let rest = text.trim_start_matches(picture);
    if rest.starts_with(' ') {
        rest.trim_start()
    } else {
        text
    }
}

/// A line without heading marks, list marks, pictures and numbers before its text.
pub(crate) fn undecorated(line: &str) -> &str {
    let mut rest = line.trim();
    rest = unpictured(rest.trim_start_matches(['#', '>']).trim_start());
    for mark in ["- ", "+ ", "* "] {
        rest = rest.strip_prefix(mark).unwrap_or(rest).trim_start();
    }
    let digits = rest.len() - rest.trim_start_matches(|c: char| c.is_ascii_digit()).len();
    if digits > 0
        && let Some(after) = rest[digits..].strip_prefix(['.', ')'])
        && after.starts_with(' ')
    {
        rest = after.trim_start();
    }
    rest.trim_start_matches('*').trim_start()
}

/// A label at the start of a text, and what follows it.
fn label(text: &str) -> Option<(&str, &str)> {
    let end = text.find(|c: char| !c.is_ascii_alphabetic())?;
    let (word, rest) = text.split_at(end);
    let after = rest.trim_start_matches(['*', ':', ' ']);
    let separated = after.len() < rest.len();
    let known = LABELS.iter().any(|known| known.eq_ignore_ascii_case(word));
    (separated && known && !after.is_empty()).then_some((word, after))
}

/// The path at the start of a text, what follows it, and whether the path was quoted.
fn divide(text: &str) -> (&str, &str, bool) {
    for mark in ["**`", "`", "\"", "'"] {
        let close = mark.trim_start_matches('*');
        if let Some(inner) = text.strip_prefix(mark)
            && let Some((path, remark)) = inner.split_once(close)
        {
            return (path, remark, true);
        }
    }
    let end = text.find([' ', '\t']).unwrap_or(text.len());
    let (path, remark) = text.split_at(end);
    (path.trim_end_matches([':', '*']), remark, false)
}

/// The value of `key=value`, `key="value"` or `key: value` in an info string.
fn attribute<'a>(info: &'a str, key: &str) -> Option<&'a str> {
    for (at, _) in info.match_indices(key) {
        let before = info[..at].chars().next_back();
        if before.is_some_and(|c| c.is_alphanumeric() || c == '_' || c == '-') {
            continue;
        }
        let rest = info[at + key.len()..].trim_start();
        let Some(rest) = rest.strip_prefix(['=', ':']) else {
            continue;
        };
        let rest = rest.trim_start();
        let quote = rest.chars().next().filter(|c| matches!(c, '"' | '\''));
        let value = match quote {
            Some(quote) => rest[1..].split(quote).next(),
            None => rest.split([' ', '}', ',']).next(),
        };
        if let Some(value) = value.map(str::trim).filter(|value| !value.is_empty()) {
            return Some(value);
        }
    }
    None
}
