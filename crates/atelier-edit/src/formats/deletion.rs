//! A line that removes a file.

use super::{EditFormat, Found, Stop};
use crate::{change::Change, header, parse::Scan};

/// `*** Delete File: path`.
pub(super) struct Deletion;

impl EditFormat for Deletion {
    fn name(&self) -> &'static str {
        "deletion"
    }

    fn read(&self, scan: &Scan<'_>, at: usize) -> Result<Option<Found>, Stop> {
        let Some(path) = deleted(scan.at(at)) else {
            return Ok(None);
        };
        Ok(Some(Found {
            edits: vec![(path.to_owned(), at, Change::Delete { holding: None })],
            end: at + 1,
            ..Found::default()
        }))
    }
}

/// The path of a line such as `*** Delete File: a`, ``### Delete: `a` `` or `**Delete file:** a`.
pub(super) fn deleted(line: &str) -> Option<&str> {
    let marked = line.trim();
    let rest = marked.trim_start_matches(['#', '*', ' ']);
    let marks = &marked[..marked.len() - rest.len()];
    if marks.trim().is_empty() {
        return None;
    }
    let rest = header::strip_word(rest, &["delete", "deleted", "remove"])?;
    let (rest, labelled) = match header::strip_word(rest, &["file"]) {
        Some(rest) => (rest, true),
        None => (rest, false),
    };
    let colon = rest.trim_start_matches('*').trim_start().starts_with(':');
    let path = header::bare(rest.trim_start_matches(['*', ' ', ':']));
    let named = header::looks_like_path(path);
    (!path.is_empty() && (named || (labelled && colon && !path.contains(' ')))).then_some(path)
}
