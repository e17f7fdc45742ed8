//! Citations of lines with the digest of their text: whether they hold, and where the lines went.

use std::ops::RangeInclusive;

use atelier_model::{Digest, TreePath};

use super::Project;

/// Letters of a digest that a citation holds.
const DIGEST_LETTERS: usize = 8;
/// Letters and digits that lines must have to be found again by what they say.
const TELLING_MIN: usize = 6;

/// A citation, taken apart.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Cited {
    pub(super) path: TreePath,
    pub(super) lines: Option<RangeInclusive<usize>>,
    pub(super) digest: Option<String>,
}

/// What became of a citation.
pub(super) enum Judgement {
    Holds,
    /// The same text stands at another place, and only there.
    Moved(String),
    Gone(String),
}

/// The letters by which a citation knows its lines again.
pub(crate) fn digest_of(lines: &[&str]) -> String {
    let ends = lines.iter().map(|line| line.trim_end());
    let text = ends.collect::<Vec<_>>().join("\n");
    let digest = Digest::of(&text).to_string();
    digest.chars().take(DIGEST_LETTERS).collect()
}

/// What stands between brackets, where it can only be a citation of lines or of a file that is there.
pub(super) fn parse(inside: &str, project: &Project<'_>) -> Option<Cited> {
    let plain = inside.replace("\\_", "_").replace("\\~", "~");
    let Some((name, fragment)) = plain.rsplit_once('#') else {
        let path = TreePath::parse(&plain).ok()?;
        // Without lines it may be a word of another kind of document.
        return (project.has_file(&path) || project.begins_inside(path.as_str())).then_some(
            Cited {
                path,
                lines: None,
                digest: None,
            },
        );
    };
    let (lines, digest) = match fragment.split_once('@') {
        Some((lines, digest)) => (lines, Some(digest.to_owned())),
        None => (fragment, None),
    };
    Some(Cited {
        path: TreePath::parse(name).ok()?,
        lines: Some(crate::citations::lines_of(lines)?),
        digest,
    })
}

pub(super) fn judge(cited: &Cited, project: &Project<'_>) -> Judgement {
    let (Some(lines), Some(digest)) = (&cited.lines, &cited.digest) else {
        return plain(cited, project);
    };
    let count = lines.end().saturating_sub(*lines.start()) + 1;
    let text = project.text(&cited.path);
    if text.is_some_and(|text| at(text, lines).is_some_and(|found| digest_of(&found) == *digest)) {
        return Judgement::Holds;
    }
    let here = text
        .map(|text| places(text, count, digest))
        .unwrap_or_default();
    match here.as_slice() {
        [only] => return Judgement::Moved(name(&cited.path, *only, count, digest)),
        [] => {}
        several => {
            let said = format!("names lines that stand at {} places now", several.len());
            return Judgement::Gone(said);
        }
    }
    elsewhere(cited, count, digest, project)
}

/// The same lines in another file, as after a file was renamed.
fn elsewhere(cited: &Cited, count: usize, digest: &str, project: &Project<'_>) -> Judgement {
    let mut found = Vec::new();
    for (path, text) in project.texts() {
        if path != &cited.path {
            let places = places(text, count, digest);
            found.extend(places.into_iter().map(|line| (path, line)));
        }
    }
    match found.as_slice() {
        [(path, line)] => Judgement::Moved(name(path, *line, count, digest)),
        _ if project.has_file(&cited.path) => {
            Judgement::Gone("names lines whose text has changed".to_owned())
        }
        _ => Judgement::Gone("names a file that is not there".to_owned()),
    }
}

/// A citation without a digest holds where the file has its lines.
fn plain(cited: &Cited, project: &Project<'_>) -> Judgement {
    let Some(lines) = &cited.lines else {
        return if project.has_file(&cited.path) {
            Judgement::Holds
        } else {
            Judgement::Gone("names a file that is not there".to_owned())
        };
    };
    match project.text(&cited.path) {
        Some(text) if at(text, lines).is_some() => Judgement::Holds,
        Some(text) => {
            let has = text.lines().count();
            Judgement::Gone(format!("names lines of a file that has {has}"))
        }
        None => Judgement::Gone("names a file that is not there".to_owned()),
    }
}

/// Lines of a text; `None` where it does not have them.
fn at<'t>(text: &'t str, lines: &RangeInclusive<usize>) -> Option<Vec<&'t str>> {
    let first = lines.start().checked_sub(1)?;
    let count = lines.end().checked_sub(first).filter(|count| *count > 0)?;
    let found: Vec<&str> = text.lines().skip(first).take(count).collect();
    (found.len() == count).then_some(found)
}

/// The first lines of all places at which so many lines have a digest.
fn places(text: &str, count: usize, digest: &str) -> Vec<usize> {
    let lines: Vec<&str> = text.lines().collect();
    let windows = lines.windows(count.max(1)).enumerate();
    windows
        .filter(|(_, window)| is_telling(window) && digest_of(window) == digest)
        .map(|(at, _)| at + 1)
        .collect()
}

/// Lines of nothing but brackets are everywhere.
fn is_telling(lines: &[&str]) -> bool {
    let words = lines.iter().flat_map(|line| line.chars());
    words
        .filter(|one| one.is_alphanumeric())
        .take(TELLING_MIN)
        .count()
        == TELLING_MIN
}

fn name(path: &TreePath, first: usize, count: usize, digest: &str) -> String {
    match count {
        1 => format!("{path}#L{first}@{digest}"),
        _ => format!("{path}#L{first}-L{}@{digest}", first + count - 1),
    }
}
