//! Managed sections: how people's text and ours share one file.
//!
//! A section is what stands between a line `<!-- atelier:begin ID -->` and the line
//! `<!-- atelier:end ID -->`. Markers are found line by line, whatever Markdown they stand in: a
//! code fence somebody forgot to close must not hide them.

use std::ops::Range;

use thiserror::Error;

/// Why sections could not be put into a text. Lines count from 1.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
pub enum MergeError {
    /// A line begins like a marker and is none.
    #[error(
        "read the marker in line {line}: write it as `<!-- atelier:begin ID -->` or \
         `<!-- atelier:end ID -->` alone on its line, or delete the line"
    )]
    Damaged {
        /// The line.
        line: usize,
    },
    /// A section begins within another one.
    #[error(
        "read section `{id}` in line {line}: it begins within section `{open}` of line \
         {open_line}; put `<!-- atelier:end {open} -->` before it, or delete the line"
    )]
    Nested {
        /// The line.
        line: usize,
        /// The section that begins.
        id: String,
        /// The section around it.
        open: String,
        /// Where that one began.
        open_line: usize,
    },
    /// A section is never closed.
    #[error(
        "read section `{id}` of line {line}: it has no end; put `<!-- atelier:end {id} -->` \
         after its last line"
    )]
    NotClosed {
        /// The line.
        line: usize,
        /// The section.
        id: String,
    },
    /// A section is closed that was not begun.
    #[error(
        "read the end of section `{id}` in line {line}: it was not begun; put \
         `<!-- atelier:begin {id} -->` before its first line, or delete the line"
    )]
    NotOpened {
        /// The line.
        line: usize,
        /// The section.
        id: String,
    },
    /// A section stands twice in one text.
    #[error(
        "read section `{id}` in line {line}: it is already in line {first}; delete one of the two"
    )]
    Repeated {
        /// The line.
        line: usize,
        /// The section.
        id: String,
        /// Where it stands first.
        first: usize,
    },
    /// A section to be written has no proper id, or one that another has too.
    #[error("name a section `{id}`: ids are lowercase letters, digits and hyphens, each used once")]
    BadId {
        /// The id.
        id: String,
    },
    /// The text of a section to be written has a line that looks like a marker.
    #[error("write section `{id}`: line {line} of its text looks like a marker")]
    MarkerInText {
        /// The section.
        id: String,
        /// The line of its text.
        line: usize,
    },
}

const ID_BYTES_MAX: usize = 64;
const BOM: char = '\u{feff}';

/// Puts sections into a text, and keeps every byte outside them.
///
/// Sections that are there get the new text; one that is there and not given is emptied, so that
/// nothing outdated stays. A new one goes behind the section given before it, else before the next
/// one that is there, else to the end. Line breaks follow those around the sections.
///
/// # Example
/// ```
/// let file = "Mine.\n";
/// let merged = atelier_docs::managed::merge(Some(file), &[("state", "2 of 3 done.")])?;
/// assert_eq!(
///     merged,
///     "Mine.\n\n<!-- atelier:begin state -->\n2 of 3 done.\n<!-- atelier:end state -->\n"
/// );
/// # Ok::<(), atelier_docs::managed::MergeError>(())
/// ```
pub fn merge(existing: Option<&str>, sections: &[(&str, &str)]) -> Result<String, MergeError> {
    check(sections)?;
    let text = existing.unwrap_or_default();
    let found = find(text)?;
    let eol = line_break(text, &found);
    let mut edits: Vec<(Range<usize>, String)> = found
        .iter()
        .map(|old| {
            let new = sections.iter().find(|(id, _)| *id == old.id);
            let body = new.map_or_else(String::new, |(_, body)| lines(body, eol));
            (old.body.clone(), body)
        })
        .collect();
    edits.extend(insertions(text, &found, sections, eol));
    // Sorting is stable: sections for the same place stay in the order they were given.
    edits.sort_by_key(|(range, _)| range.start);
    Ok(spliced(text, &edits))
}

/// What stands in a section of a text; `None` where there is no such section, or the markers are
/// damaged.
pub(crate) fn body<'a>(text: &'a str, id: &str) -> Option<&'a str> {
    let found = find(text).ok()?;
    let section = found.into_iter().find(|section| section.id == id)?;
    Some(&text[section.body])
}

/// Whether a text has a line that begins like a marker.
pub fn has_markers(text: &str) -> bool {
    let text = text.trim_start_matches(BOM);
    text.lines().any(|line| marker(line).is_some())
}

/// A section found in a text.
struct Found<'a> {
    id: &'a str,
    line: usize,
    /// From the begin marker's first byte to behind the end marker's line break.
    whole: Range<usize>,
    /// Between the two marker lines.
    body: Range<usize>,
}

enum Marker<'a> {
    Begin(&'a str),
    End(&'a str),
    Damaged,
}

fn marker(line: &str) -> Option<Marker<'_>> {
    let inside = line.trim().strip_prefix("<!--")?.trim_start();
    let rest = inside.strip_prefix("atelier:")?;
    let words = rest.strip_suffix("-->").unwrap_or_default();
    let mut words = words.split_whitespace();
    let read = match (words.next(), words.next(), words.next()) {
        (Some("begin"), Some(id), None) if is_id(id) => Marker::Begin(id),
        (Some("end"), Some(id), None) if is_id(id) => Marker::End(id),
        _ => Marker::Damaged,
    };
    Some(read)
}

fn is_id(text: &str) -> bool {
    let plain = |c: u8| c.is_ascii_lowercase() || c.is_ascii_digit() || c == b'-';
    !text.is_empty() && text.len() <= ID_BYTES_MAX && text.bytes().all(plain)
}

fn check(sections: &[(&str, &str)]) -> Result<(), MergeError> {
    for (index, (id, text)) in sections.iter().enumerate() {
        let twice = sections[..index].iter().any(|(other, _)| other == id);
        if twice || !is_id(id) {
            let id = (*id).to_owned();
            return Err(MergeError::BadId { id });
        }
        if let Some(line) = text.lines().position(|line| marker(line).is_some()) {
            let id = (*id).to_owned();
            let line = line + 1;
            return Err(MergeError::MarkerInText { id, line });
        }
    }
    Ok(())
}

fn find(text: &str) -> Result<Vec<Found<'_>>, MergeError> {
    let mut found: Vec<Found<'_>> = Vec::new();
    let mut open: Option<Found<'_>> = None;
    // A byte order mark is no part of the first line; it stays in front of whatever is inserted.
    let mut at = text.len() - text.trim_start_matches(BOM).len();
    for (index, raw) in text[at..].split_inclusive('\n').enumerate() {
        let (line, start) = (index + 1, at);
        at += raw.len();
        match (marker(raw), open.take()) {
            (None, section) => open = section,
            (Some(Marker::Damaged), _) => return Err(MergeError::Damaged { line }),
            (Some(Marker::Begin(id)), None) => {
                if let Some(first) = found.iter().find(|section| section.id == id) {
                    let (id, first) = (id.to_owned(), first.line);
                    return Err(MergeError::Repeated { line, id, first });
                }
                let (whole, body) = (start..at, at..at);
                open = Some(Found {
                    id,
                    line,
                    whole,
                    body,
                });
            }
            (Some(Marker::End(id)), Some(mut section)) if section.id == id => {
                section.body.end = start;
                section.whole.end = at;
                found.push(section);
            }
            (Some(Marker::Begin(id)), Some(section)) => {
                let (open, open_line) = (section.id.to_owned(), section.line);
                let id = id.to_owned();
                return Err(MergeError::Nested {
                    line,
                    id,
                    open,
                    open_line,
                });
            }
            (Some(Marker::End(id)), _) => {
                let id = id.to_owned();
                return Err(MergeError::NotOpened { line, id });
            }
        }
    }
    match open {
        Some(section) => Err(MergeError::NotClosed {
            line: section.line,
            id: section.id.to_owned(),
        }),
        None => Ok(found),
    }
}

/// The line break that most lines outside the sections' texts have: those bytes never change, so
/// the answer is the same after every merge.
fn line_break(text: &str, found: &[Found<'_>]) -> &'static str {
    let mut outside = Vec::with_capacity(found.len() + 1);
    let mut at = 0;
    for section in found {
        outside.push(&text[at..section.body.start]);
        at = section.body.end;
    }
    outside.push(&text[at..]);
    let count = |what: &str| -> usize { outside.iter().map(|s| s.matches(what).count()).sum() };
    let (all, windows) = (count("\n"), count("\r\n"));
    if windows * 2 > all { "\r\n" } else { "\n" }
}

/// A section's text with the file's line breaks, ending in one unless it is empty.
fn lines(text: &str, eol: &str) -> String {
    let mut out = String::with_capacity(text.len() + 16);
    for line in text.trim_end().lines() {
        out.push_str(line.trim_end_matches('\r'));
        out.push_str(eol);
    }
    out
}

/// New sections, each with the place it goes to.
fn insertions(
    text: &str,
    found: &[Found<'_>],
    sections: &[(&str, &str)],
    eol: &str,
) -> Vec<(Range<usize>, String)> {
    let place = |id: &str| found.iter().find(|section| section.id == id);
    let mut edits: Vec<(Range<usize>, String)> = Vec::new();
    for (index, (id, body)) in sections.iter().enumerate() {
        if place(id).is_some() {
            continue;
        }
        let begin = format!("<!-- atelier:begin {id} -->{eol}");
        let end = format!("<!-- atelier:end {id} -->{eol}");
        let marked = format!("{begin}{}{end}", lines(body, eol));
        let before = sections[..index].iter().rev().find_map(|(id, _)| place(id));
        let after = sections[index..].iter().find_map(|(id, _)| place(id));
        let (at, new) = match (before, after) {
            (None, Some(after)) => (after.whole.start, format!("{marked}{eol}")),
            (None, None) if edits.is_empty() => (text.len(), format!("{}{marked}", gap(text, eol))),
            (None, None) => (text.len(), format!("{eol}{marked}")),
            (Some(before), _) if text[before.whole.clone()].ends_with('\n') => {
                (before.whole.end, format!("{eol}{marked}"))
            }
            (Some(before), _) => {
                let ended = edits
                    .iter()
                    .any(|(range, _)| range.start == before.whole.end);
                let lead = if ended { "" } else { eol };
                (before.whole.end, format!("{lead}{eol}{marked}"))
            }
        };
        edits.push((at..at, new));
    }
    edits
}

/// What must stand between a text and a section at its end, so that one blank line parts them.
fn gap(text: &str, eol: &str) -> String {
    let unix = text.replace("\r\n", "\n");
    if text.is_empty() || unix.ends_with("\n\n") {
        String::new()
    } else if unix.ends_with('\n') {
        eol.to_owned()
    } else {
        eol.repeat(2)
    }
}

fn spliced(text: &str, edits: &[(Range<usize>, String)]) -> String {
    let mut out = String::with_capacity(text.len());
    let mut at = 0;
    for (range, new) in edits {
        out.push_str(&text[at..range.start]);
        out.push_str(new);
        at = range.end;
    }
    out.push_str(&text[at..]);
    out
}
