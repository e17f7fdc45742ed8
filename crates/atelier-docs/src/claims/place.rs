//! Places within files that links lead to: headings of documents, and lines of sources.

use std::collections::BTreeMap;

use atelier_model::TreePath;

use super::Project;
use crate::{
    citations::lines_of,
    markdown::{Fences, Line},
};

/// Endings of documents that have headings.
const DOCUMENTS: [&str; 2] = ["md", "markdown"];

/// What is wrong with a place in a file; `None` where it is there, or is not for us to know.
pub(super) fn problem(
    (document, own): (&TreePath, &str),
    path: &str,
    place: &str,
    project: &Project<'_>,
) -> Option<String> {
    let odd = |one: char| one.is_whitespace() || "%:~=<>{}$*".contains(one);
    if place.is_empty() || place == "top" || place.contains(odd) {
        return None;
    }
    let target = if path.is_empty() {
        document.clone()
    } else {
        project.linked_file(document, path)?
    };
    let text = if path.is_empty() {
        own
    } else {
        project.text(&target)?
    };
    if let Some(lines) = lines_of(place) {
        let has = text.lines().count();
        let there = *lines.start() > 0 && !lines.is_empty() && *lines.end() <= has;
        return (!there).then(|| format!("names lines of a file that has {has}"));
    }
    let is_document = target
        .extension()
        .is_some_and(|end| DOCUMENTS.contains(&end));
    // What is put in later may bring headings.
    if !is_document || text.contains("{{") || text.contains("@include") {
        return None;
    }
    (!has_place(text, place)).then(|| format!("names a heading that is not there: `#{place}`"))
}

/// Whether a document has a heading, or a mark, of this name. What sites make of headings differs in
/// signs only, so letters and digits decide.
fn has_place(text: &str, place: &str) -> bool {
    let place = place.strip_prefix("user-content-").unwrap_or(place);
    let marks = [
        format!("id=\"{place}\""),
        format!("id='{place}'"),
        format!("name=\"{place}\""),
        format!("{{#{place}}}"),
        format!("({place})="),
        format!("[^{place}]"),
    ];
    if marks.iter().any(|mark| text.contains(mark)) {
        return true;
    }
    let headings = headings(text);
    let (stem, number) = match place.rsplit_once('-') {
        Some((stem, number)) => (stem, number.parse::<usize>().ok()),
        None => (place, None),
    };
    // Those of the same words are told apart by a number.
    let counted = number.is_some_and(|number| {
        let count = headings.get(&letters(stem)).copied().unwrap_or_default();
        number < count
    });
    counted || headings.contains_key(&letters(place))
}

/// The headings of a document by their letters and digits, and how often each is there.
fn headings(text: &str) -> BTreeMap<String, usize> {
    let mut all = BTreeMap::new();
    let mut fences = Fences::default();
    let mut before = "";
    for line in text.lines() {
        if fences.next(line) != Line::Text {
            before = "";
            continue;
        }
        let plain = line.trim();
        let hashes = plain.len() - plain.trim_start_matches('#').len();
        let underlines = plain.len() > 1
            && (plain.chars().all(|one| one == '=') || plain.chars().all(|one| one == '-'));
        let heading = if (1..=6).contains(&hashes) && plain[hashes..].starts_with([' ', '\t']) {
            Some(plain[hashes..].trim_end_matches('#'))
        } else if underlines && !before.is_empty() {
            Some(before)
        } else {
            plain.starts_with("<h").then_some(plain)
        };
        if let Some(heading) = heading {
            *all.entry(letters(&without_targets(heading))).or_default() += 1;
        }
        before = plain;
    }
    all
}

/// A heading without the targets of its links, its tags, and marks of its own.
fn without_targets(heading: &str) -> String {
    let heading = heading.split(" {#").next().unwrap_or(heading);
    let mut out = String::with_capacity(heading.len());
    let mut rest = heading;
    while let Some(next) = rest.chars().next() {
        let skipped = if rest.starts_with("](") {
            rest.find(')')
        } else if next == '<' {
            rest.find('>')
        } else {
            None
        };
        if let Some(end) = skipped {
            rest = &rest[end + 1..];
        } else {
            out.push(next);
            rest = &rest[next.len_utf8()..];
        }
    }
    out
}

fn letters(text: &str) -> String {
    let kept = text.chars().filter(|one| one.is_alphanumeric());
    kept.flat_map(char::to_lowercase).collect()
}
