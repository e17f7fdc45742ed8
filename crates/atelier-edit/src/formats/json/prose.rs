//! Edits as JSON that begin within a line of prose.

use super::{
    Stop,
    edit::{self, Item},
    found, refuse,
    value::{Json, Values},
};
use crate::{
    formats::Found,
    parse::{Fault, Scan},
};

/// Blanks before a line from which on it is code that is shown.
const CODE_INDENT: usize = 4;

/// Reads an object that begins behind words; `None` where it is no edit, or may be mere data.
pub(super) fn read(scan: &Scan<'_>, at: usize) -> Result<Option<Found>, Stop> {
    let line = scan.at(at);
    let Some(column) = line.find('{') else {
        return Ok(None);
    };
    let before = &line[..column];
    if before.trim().is_empty()
        || before.starts_with(&" ".repeat(CODE_INDENT))
        || before.starts_with(['\t', '>', '|'])
        || before.contains(['"', '`', '['])
    {
        return Ok(None);
    }
    let text = &scan.lines.text_from(at)[column..];
    let mut values = Values::of(text);
    let value = match values.next() {
        Some(Ok(value)) => value,
        Some(Err(error)) if error.is_eof() => return cut_off(scan, at, text),
        Some(Err(_)) | None => return Ok(None),
    };
    let length = values.offset();
    let last = at + text[..length].matches('\n').count();
    // The rest of its last line has to have arrived.
    scan.line(last)?;
    let rest = text[length..].lines().next().unwrap_or_default().trim();
    let values = [value];
    if !is_edit(&values) {
        return Ok(None);
    }
    if introduces(before) && matches!(rest, "" | "," | ";" | ".") {
        return Ok(found(&values, at, last + 1));
    }
    refuse(at, last + 1, within(at))
}

/// Whether a value is an edit and not mere data.
fn is_edit(values: &[Json]) -> bool {
    let items = edit::items(values);
    let data = |item: &Item| matches!(item, Item::Data(..) | Item::Other);
    !items.iter().any(data) && !items.is_empty()
}

/// Whether words can only be there to say what comes: they end in a colon, or are the mark of a
/// list.
fn introduces(before: &str) -> bool {
    let before = before.trim();
    let number = before.strip_suffix(['.', ')']);
    let numbered = number.is_some_and(|number| number.bytes().all(|byte| byte.is_ascii_digit()));
    before.ends_with(':') || matches!(before, "-" | "*" | "+") || numbered
}

fn cut_off(scan: &Scan<'_>, at: usize, text: &str) -> Result<Option<Found>, Stop> {
    let count = scan.lines.count();
    scan.line(count)?;
    if super::looks_like_edit(text) {
        return refuse(at, count, super::cut_off());
    }
    Ok(None)
}

fn within(at: usize) -> Fault {
    Fault::Malformed {
        line: at + 1,
        said: "an edit as JSON stands in the middle of a line",
        mend: "write the JSON on lines of its own, in a fence",
    }
}
