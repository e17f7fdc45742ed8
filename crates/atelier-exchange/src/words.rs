//! Paths, mentions and titles in running text.

use std::{collections::BTreeSet, sync::LazyLock};

use atelier_model::TreePath;
use regex::Regex;

/// Characters of a title.
const TITLE_CHARS_MAX: usize = 100;
/// Paths that one description may name as written.
const PATHS_MAX: usize = 50;
/// Tasks that one range may name.
const TASKS_MAX: usize = 200;

/// Words before what must be done first.
pub(crate) const NEEDS: &str = r"(?:depend(?:s|ent|ing)\s+on|blocked\s+by|waits\s+for|waiting\s+(?:on|for)|requires|needs|after)";

/// A constant expression.
#[expect(
    clippy::expect_used,
    reason = "the expressions are constant and tested"
)]
pub(crate) fn pattern(text: &str) -> Regex {
    Regex::new(text).expect("a constant expression")
}

static PATH: LazyLock<Regex> = LazyLock::new(|| {
    let text = r"(?:^|[\s`(\[\x22'])((?:[\w.@-]+/)*[\w.@-]+\.[A-Za-z][A-Za-z0-9]{0,9}|(?:[\w.@-]+/)+[\w.@-]*)";
    pattern(text)
});

static TASK: LazyLock<Regex> = LazyLock::new(|| {
    let one = r"T\d{1,9}[a-z]?(?:\s*[-–—]\s*T?\d{1,9})?\b";
    let list = format!(r"{one}(?:\s*(?:,|and|&|,\s*and)\s*{one})*");
    let text = format!(
        r"(?:(?P<subject>{list})\)?\s+)?\b(?P<word>(?i:{NEEDS}|blocks|before))[*_]*\s*:?[*_]*\s+(?:[\w ]*\()?(?P<list>{list})"
    );
    pattern(&text)
});

static RANGE: LazyLock<Regex> = LazyLock::new(|| {
    let text = r"T(?P<first>\d{1,9})(?P<letter>[a-z]?)(?:\s*[-–—]\s*T?(?P<last>\d{1,9}))?";
    pattern(text)
});

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

/// What a text says of the order of tasks: each pair is a task and one that it needs. A sentence
/// that names no task before the word is about `own`.
pub(crate) fn orders(text: &str, own: Option<&str>) -> Vec<(String, String)> {
    let mut pairs = Vec::new();
    for found in TASK.captures_iter(text) {
        let named = ranged(&found["list"]);
        let subject = match (found.name("subject"), own) {
            (Some(subject), _) => ranged(subject.as_str()),
            (None, Some(own)) => vec![own.to_owned()],
            (None, None) => continue,
        };
        let turned = matches!(found["word"].to_lowercase().as_str(), "blocks" | "before");
        let (later, earlier) = if turned {
            (named, subject)
        } else {
            (subject, named)
        };
        for one in &later {
            let needs = earlier.iter().filter(|need| *need != one);
            pairs.extend(needs.map(|need| (one.clone(), need.clone())));
        }
    }
    pairs
}

/// The tasks of a list such as `T003, T005-T007`.
fn ranged(list: &str) -> Vec<String> {
    let mut all = Vec::new();
    for found in RANGE.captures_iter(list) {
        let digits = &found["first"];
        all.push(format!("T{digits}{}", &found["letter"]));
        let end = found
            .name("last")
            .and_then(|last| last.as_str().parse().ok());
        if let (Ok(first), Some(end)) = (digits.parse::<u32>(), end) {
            let rest = (first..=end).skip(1).take(TASKS_MAX);
            all.extend(rest.map(|number| format!("T{number:0width$}", width = digits.len())));
        }
    }
    all
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
