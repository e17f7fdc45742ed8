//! Edits written as JSON: one object, a list of them, or an object that holds such a list.

mod edit;
mod prose;
mod value;

use self::value::{Json, Values};
use super::{EditFormat, Fence, Found, Stop, apply_patch, whole_file};
use crate::parse::{Fault, Scan};

/// `{"path": …, "old": …, "new": …}` and the like.
pub(super) struct JsonEdit;

impl EditFormat for JsonEdit {
    fn name(&self) -> &'static str {
        "json"
    }

    fn read(&self, scan: &Scan<'_>, at: usize) -> Result<Option<Found>, Stop> {
        if scan.place.envelope.is_some() || scan.fence().is_some() {
            return Ok(None);
        }
        match Fence::opened_by(scan.at(at), at) {
            Some((fence, info)) => fenced(scan, at, &fence, info),
            None => bare(scan, at),
        }
    }
}

/// Lines of broken JSON that are searched for the words of an edit.
const BROKEN_LINES_MAX: usize = 100;

/// Edits in a fence that names no file.
fn fenced(scan: &Scan<'_>, at: usize, fence: &Fence, info: &str) -> Result<Option<Found>, Stop> {
    if !fence.may_hold_json() {
        return Ok(None);
    }
    let mut first = at + 1;
    while scan.line(first)?.is_some_and(|line| line.trim().is_empty()) {
        first += 1;
    }
    if !scan.line(first)?.is_some_and(begins) {
        return Ok(None);
    }
    if !matches!(whole_file::path_of(scan, at, info), Ok(None)) {
        return Ok(None);
    }
    let mut end = first;
    let mut closed = false;
    while let Some(line) = scan.line(end)? {
        closed = fence.closed_by(line);
        if closed {
            break;
        }
        end += 1;
    }
    let content: Vec<&str> = scan.lines.range(first..end).collect();
    let content = content.join("\n");
    if !closed {
        if has_any(&content, &FILES) {
            return refuse(at, end, cut_off());
        }
        return Ok(None);
    }
    let values: Result<Vec<Json>, _> = Values::of(&content).collect();
    let Ok(values) = values else {
        return refuse_if_edit(&content, at, end + 1, broken(at));
    };
    let found = found(&values, at, end + 1);
    Ok(found.map(|found| Found {
        fenced: true,
        ..found
    }))
}

/// Edits that stand in the reply as they are.
fn bare(scan: &Scan<'_>, at: usize) -> Result<Option<Found>, Stop> {
    let line = scan.at(at);
    if !line.starts_with(['{', '[']) {
        return prose::read(scan, at);
    }
    let text = scan.lines.text_from(at);
    let mut values = Values::of(text);
    let Some(first) = values.next() else {
        return Ok(None);
    };
    match first {
        Ok(value) => {
            let length = values.offset();
            let used = text.get(..length).unwrap_or_default();
            let rest = text.get(length..).unwrap_or_default();
            let rest = rest.lines().next().unwrap_or_default().trim();
            // The rest of its last line has to have arrived.
            let last = at + used.matches('\n').count();
            scan.line(last)?;
            let found = found(&[value], at, last + 1);
            if found.is_some() && !matches!(rest, "" | "," | ";") {
                return refuse(at, last + 1, broken(at));
            }
            Ok(found)
        }
        Err(error) if error.is_eof() => {
            let count = scan.lines.count();
            scan.line(count)?;
            if has_any(text, &FILES) {
                return refuse(at, count, cut_off());
            }
            Ok(Some(left_open(at, text.len())))
        }
        Err(_) => {
            let mut end = at + 1;
            while end < at + BROKEN_LINES_MAX
                && scan.line(end)?.is_some_and(|line| !line.trim().is_empty())
            {
                end += 1;
            }
            let lines: Vec<&str> = scan.lines.range(at..end).collect();
            refuse_if_edit(&lines.join("\n"), at, end, broken(at))?;
            Ok(Some(left_open(at, 0)))
        }
    }
}

/// Brackets in prose that are no JSON.
fn left_open(at: usize, searched: usize) -> Found {
    Found {
        end: at + 1,
        left_open: true,
        searched,
        ..Found::default()
    }
}

fn begins(line: &str) -> bool {
    line.trim_start().starts_with(['{', '['])
}

fn found(values: &[Json], at: usize, end: usize) -> Option<Found> {
    let mut found = Found {
        end,
        ..Found::default()
    };
    for item in edit::items(values) {
        match item {
            edit::Item::Change(path, change) => found.edits.push((path, at, change)),
            edit::Item::Data(path, change) => {
                found.data.push((path.clone(), at));
                found.edits.push((path, at, change));
            }
            edit::Item::Move(path, to) => super::move_to(&mut found, &path, at, &to),
            edit::Item::Patch(text) => apply_patch::read_text(&text, at, &mut found),
            edit::Item::Fault(path, said, mend) => {
                let line = at + 1;
                found.refuse(at, path, Fault::Malformed { line, said, mend });
            }
            edit::Item::Other => {}
        }
    }
    (!found.edits.is_empty() || !found.faults.is_empty()).then_some(found)
}

fn cut_off() -> Fault {
    Fault::Truncated {
        missing: "the end of the JSON",
    }
}

fn broken(at: usize) -> Fault {
    Fault::Malformed {
        line: at + 1,
        said: "it is not valid JSON",
        mend: "escape quotes, backslashes and line breaks within strings, and leave out comments \
               and commas at the end of lists; or write SEARCH/REPLACE blocks",
    }
}

fn refuse<T>(at: usize, end: usize, fault: Fault) -> Result<T, Stop> {
    Err(Stop::Refused {
        at,
        path: None,
        fault,
        end,
    })
}

fn refuse_if_edit(text: &str, at: usize, end: usize, fault: Fault) -> Result<Option<Found>, Stop> {
    if looks_like_edit(text) {
        refuse(at, end, fault)
    } else {
        Ok(None)
    }
}

/// Words with which the file of an edit is named.
const FILES: [&str; 6] = [
    "\"path\"",
    "\"file\"",
    "\"file_path\"",
    "\"filename\"",
    "\"filePath\"",
    "apply_patch",
];
/// Words with which a change is told.
const CHANGES: [&str; 10] = [
    "\"old",
    "\"new",
    "\"search\"",
    "\"replace\"",
    "\"content\"",
    "\"edits\"",
    "\"changes\"",
    "\"delete\"",
    "\"file_text\"",
    "*** Begin Patch",
];

fn has_any(text: &str, words: &[&str]) -> bool {
    words.iter().any(|word| text.contains(word))
}

/// Whether a text that cannot be read has the words of an edit.
pub(super) fn looks_like_edit(text: &str) -> bool {
    has_any(text, &FILES) && has_any(text, &CHANGES)
}
