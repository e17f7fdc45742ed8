//! Paths that a line of prose mentions.

use super::{PRODUCTS, bare, divide, ends_like_a_file, is_single, label, looks_like_path};

/// Extensions of files that prose speaks of; others, as in `self.count`, may well be code.
const EXTENSIONS: [&str; 83] = [
    "adoc", "astro", "bash", "bat", "c", "cc", "cfg", "cjs", "clj", "cmake", "cpp", "cs", "csproj",
    "css", "csv", "cxx", "dart", "edn", "ejs", "elm", "erl", "ex", "exs", "fish", "fs", "go",
    "gql", "gradle", "graphql", "h", "hbs", "hpp", "hs", "htm", "html", "ini", "ipynb", "java",
    "js", "json", "json5", "jsonc", "jsx", "kt", "kts", "less", "lua", "m", "md", "mdx", "mjs",
    "ml", "mli", "mts", "nim", "php", "pl", "prisma", "proto", "ps1", "py", "pyi", "rb", "rs",
    "rst", "sass", "scala", "scss", "sh", "sql", "svelte", "svg", "swift", "toml", "ts", "tsx",
    "txt", "vue", "xml", "yaml", "yml", "zig", "zsh",
];
/// Files without an extension that begin with a dot.
const HIDDEN: [&str; 6] = [
    ".dockerignore",
    ".editorconfig",
    ".env",
    ".gitattributes",
    ".gitignore",
    ".npmrc",
];
/// Arrows between an old and a new path.
const ARROWS: [&str; 5] = ["-->", "->", "=>", "→", "⇒"];

/// A path that a line of prose mentions.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Mention<'a> {
    /// The path.
    pub(crate) path: &'a str,
    /// Whether it stands alone in backticks or in bold, so that there is no doubt that it is one.
    pub(crate) sure: bool,
}

/// The paths that a line of prose mentions.
pub(crate) fn mentions(line: &str) -> Vec<Mention<'_>> {
    let mut found = Vec::new();
    for (index, part) in line.split('`').enumerate() {
        let quoted = index % 2 == 1;
        if quoted && is_single(part) {
            let path = without_line(part.trim());
            let sure = is_mentioned(path);
            if sure || (looks_like_path(path) && path.contains(['/', '\\'])) {
                found.push(Mention { path, sure });
            }
            continue;
        }
        for word in part.split_whitespace() {
            let (path, bold) = plain(word);
            if is_mentioned(path) {
                found.push(Mention { path, sure: bold });
            }
        }
    }
    found
}

/// The path that a line announces what follows for, without being a header: a heading that mentions
/// it among other words, or a sentence that ends in a colon.
pub(crate) fn announced(line: &str) -> Option<&str> {
    let opens = line.trim_end().ends_with(':') || line.trim_start().starts_with('#');
    if !opens || super::path_of(line).is_some() {
        return None;
    }
    mentions(line).first().map(|mention| mention.path)
}

/// The old and the new path of a line that says no more than that a file gets another name.
pub(crate) fn renamed(line: &str) -> Option<(&str, &str)> {
    let mut rest = super::undecorated(line);
    while let Some((_, after)) = label(rest) {
        rest = after;
    }
    let (from, after, _) = divide(rest);
    let after = after.trim_start_matches(['*', '_', ' ']);
    let to = ARROWS.iter().find_map(|arrow| after.strip_prefix(arrow))?;
    let (to, _, _) = divide(to.trim_start_matches(['*', '_', ' ']));
    let to = bare(to);
    (looks_like_path(from) && looks_like_path(to)).then_some((from, to))
}

/// A path without the number of a line after it, as in `src/a.rs:12` or `src/a.rs:12-14`.
pub(super) fn without_line(path: &str) -> &str {
    let number = |text: &str| {
        !text.is_empty()
            && text
                .bytes()
                .all(|b| b.is_ascii_digit() || matches!(b, b'-' | b':'))
    };
    match path.split_once(':') {
        Some((file, lines)) if number(lines) && ends_like_a_file(file) => file,
        Some(_) | None => path,
    }
}

/// A word of prose without the marks around it, and whether it is bold.
fn plain(word: &str) -> (&str, bool) {
    let marks = |c: char| {
        matches!(
            c,
            '(' | ')' | '[' | ']' | ',' | ';' | ':' | '!' | '?' | '"' | '\''
        )
    };
    let word = word.trim_matches(marks).trim_end_matches('.');
    let word = word.trim_matches(marks);
    let inner = word.trim_matches('*');
    let bold = word.starts_with("**") && word.trim_end_matches([':', ',', '.']).ends_with("**");
    let inner = inner.trim_matches(marks);
    (without_line(inner), bold)
}

/// Whether a word can only be the path of a file.
fn is_mentioned(word: &str) -> bool {
    if !(is_single(word) && looks_like_path(word) && ends_like_a_file(word)) {
        return false;
    }
    let name = word.rsplit(['/', '\\']).next().unwrap_or(word);
    let lower = name.to_ascii_lowercase();
    if HIDDEN.contains(&lower.as_str()) {
        return true;
    }
    match lower.rsplit_once('.') {
        Some((stem, extension)) => {
            !stem.is_empty()
                && !PRODUCTS.contains(&lower.as_str())
                && EXTENSIONS.contains(&extension)
        }
        None => name.ends_with("file") && name.starts_with(|c: char| c.is_ascii_uppercase()),
    }
}
