//! Paths, mentions and titles in running text.

use std::{collections::BTreeSet, sync::LazyLock};

use atelier_model::TreePath;
use regex::Regex;

/// Characters of a title.
const TITLE_CHARS_MAX: usize = 100;
/// Paths that one description may name as written.
const PATHS_MAX: usize = 50;

#[expect(clippy::expect_used, reason = "the expression is constant and tested")]
static PATH: LazyLock<Regex> = LazyLock::new(|| {
    let text = r"(?:^|[\s`(\[\x22'])((?:[\w.@-]+/)*[\w.@-]+\.[A-Za-z][A-Za-z0-9]{0,9}|(?:[\w.@-]+/)+[\w.@-]*)";
    Regex::new(text).expect("a constant expression")
});

#[expect(clippy::expect_used, reason = "the expression is constant and tested")]
static ISSUE: LazyLock<Regex> = LazyLock::new(|| {
    let text = r"(?i)\b(?:depends\s+on|blocked\s+by|requires|needs|after)\s*:?\s+((?:#\d+(?:\s*(?:,|and|&)\s*)?)+)";
    Regex::new(text).expect("a constant expression")
});

#[expect(clippy::expect_used, reason = "the expression is constant and tested")]
static TASK: LazyLock<Regex> = LazyLock::new(|| {
    let text = r"(?i)\b(?:depends\s+on|blocked\s+by|requires|after)\s*:?\s+((?:T\d+(?:\s*(?:,|and|&)\s*)?)+)";
    Regex::new(text).expect("a constant expression")
});

#[expect(clippy::expect_used, reason = "the expression is constant and tested")]
static NUMBER: LazyLock<Regex> =
    LazyLock::new(|| Regex::new(r"[#Tt]?\d+").expect("a constant expression"));

/// The files that a text names, each once and in order. A folder, a version and a host are none.
pub(crate) fn paths(text: &str) -> Vec<String> {
    let mut seen = BTreeSet::new();
    let found = PATH.captures_iter(text).filter_map(|found| {
        let raw = found
            .get(1)?
            .as_str()
            .trim_end_matches(['.', ',', ':', ';']);
        let name = raw.rsplit('/').next()?;
        let (stem, extension) = name.rsplit_once('.')?;
        let words = matches!(
            stem.to_lowercase().as_str(),
            "i" | "e" | "node" | "e.g" | "i.e"
        );
        let host = matches!(extension, "com" | "org" | "io" | "net" | "dev") && !raw.contains('/');
        let plain = !stem.is_empty() || raw.contains('/') || raw.starts_with('.');
        if words || host || !plain {
            return None;
        }
        let path = TreePath::parse(raw).ok()?;
        seen.insert(path.as_str().to_owned())
            .then(|| path.as_str().to_owned())
    });
    found.take(PATHS_MAX).collect()
}

/// Issues that a text says it depends on, such as `#12`.
pub(crate) fn issues(text: &str) -> Vec<String> {
    mentions(&ISSUE, text)
}

/// Tasks that a text says it depends on, such as `T012`.
pub(crate) fn tasks(text: &str) -> Vec<String> {
    mentions(&TASK, text)
}

fn mentions(pattern: &Regex, text: &str) -> Vec<String> {
    let lists = pattern.captures_iter(text).filter_map(|found| found.get(1));
    lists
        .flat_map(|list| NUMBER.find_iter(list.as_str()))
        .map(|found| found.as_str().to_uppercase())
        .collect()
}

/// The first line of a text, cut at a word where it is long.
pub(crate) fn title(text: &str) -> String {
    let line = text.lines().map(str::trim).find(|line| !line.is_empty());
    let line = line.unwrap_or_default();
    match line.char_indices().nth(TITLE_CHARS_MAX) {
        None => line.to_owned(),
        Some((end, _)) => {
            let head = &line[..end];
            let whole = head.rsplit_once(' ').map_or(head, |(whole, _)| whole);
            format!("{}…", whole.trim_end_matches([',', ';', ':']))
        }
    }
}

/// A text as a name: lower case, words joined by hyphens.
pub(crate) fn name(text: &str) -> String {
    let mut name = String::new();
    for c in text.chars().flat_map(char::to_lowercase) {
        if c.is_ascii_alphanumeric() {
            name.push(c);
        } else if !name.ends_with('-') && !name.is_empty() {
            name.push('-');
        }
    }
    let name = name.trim_end_matches('-');
    if name.is_empty() { "project" } else { name }.to_owned()
}
