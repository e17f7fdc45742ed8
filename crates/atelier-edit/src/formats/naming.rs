//! The file that a block without a path of its own is about.

use std::ops::Range;

use super::{Fence, header_above, nearest, path_in_lines, whole_file};
use crate::{
    header,
    parse::{Fault, Scan},
};

/// Lines after a block over which its path is kept for the next one.
const KEPT_LINES_MAX: usize = 200;

/// The path of a block: in the lines before it inside its fence, in the fence, in the lines before
/// the fence, or that of the block before it.
pub(super) fn path_before(scan: &Scan<'_>, at: usize) -> Result<Option<String>, Fault> {
    let fence = scan.fence();
    let floor = fence.map_or(scan.place.floor, |fence| {
        scan.place.floor.max(fence.line + 1)
    });
    let line = nearest(scan, floor, at);
    refuse_rename(line)?;
    let of_fence = fence.map(|fence| path_of_opened(scan, fence));
    let of_fence = of_fence.transpose()?.flatten();
    let first = fence.is_some_and(|fence| floor == fence.line + 1);
    let info = if fence.is_some() { "" } else { "markdown" };
    let single = || line.and_then(header::lone_path).map(str::to_owned);
    let written = match path_in_lines(scan, floor, at, info) {
        None => single()
            .map(|path| unless_above(scan, floor..at, path))
            .transpose()?,
        written => written,
    };
    if let Some(written) = written {
        return match of_fence.filter(|_| first) {
            Some(above) if !whole_file::same_file(&written, &above) => Err(two(above, written)),
            Some(_) | None => Ok(Some(written)),
        };
    }
    match (fence, of_fence) {
        (Some(_), Some(path)) => of_prose(scan, floor..at, Some(path)),
        (Some(fence), None) if first => of_prose(scan, since(scan, fence.line), carried(scan, at)),
        (Some(_) | None, _) => of_prose(scan, since(scan, at), carried(scan, at)),
    }
}

/// The path of a fence of edits, unless its info string or the line before it names another.
fn path_of_opened(scan: &Scan<'_>, fence: &Fence) -> Result<Option<String>, Fault> {
    let before = since(scan, fence.line);
    refuse_rename(nearest(scan, before.start, before.end))?;
    let info = Fence::opened_by(scan.at(fence.line), fence.line).map_or("", |(_, info)| info);
    let inside = header::path_in_info(info).filter(|path| header::looks_like_path(path));
    match (&fence.path, inside) {
        (Some(above), Some(inside)) if !whole_file::same_file(inside, above) => {
            Err(two(above.clone(), inside.to_owned()))
        }
        (path, _) => Ok(path.clone()),
    }
}

fn refuse_rename(line: Option<&str>) -> Result<(), Fault> {
    match line.and_then(header::renamed) {
        Some((from, to)) => Err(two(from.to_owned(), to.to_owned())),
        None => Ok(()),
    }
}

/// The lines between the newest block and a line.
fn since(scan: &Scan<'_>, at: usize) -> Range<usize> {
    let newest = scan.place.newest.as_ref().map(|newest| newest.end);
    newest
        .unwrap_or(at.saturating_sub(super::LOOK_BACK_LINES_MAX))
        .min(at)..at
}

/// The path of the block before one that names none, if both are written in one manner: where a
/// path was lost, the block before may well be of another file.
fn carried(scan: &Scan<'_>, at: usize) -> Option<String> {
    let newest = scan.place.newest.as_ref()?;
    if at.saturating_sub(newest.end) > KEPT_LINES_MAX {
        return None;
    }
    let fence = scan.fence().map(|fence| fence.line);
    let opening = |line: Option<usize>| line.map(|line| scan.at(line).trim());
    let marks = |line: usize| scan.at(line).split_whitespace().next();
    let alike = opening(fence) == opening(newest.fence) && marks(at) == marks(newest.line);
    (fence == newest.fence && fence.is_some() || alike).then(|| newest.path.clone())
}

/// The file of a block after some lines of prose: the only one that the last of them mentions, or
/// the one that was `kept` from before them if they mention no other.
fn of_prose(
    scan: &Scan<'_>,
    prose: Range<usize>,
    kept: Option<String>,
) -> Result<Option<String>, Fault> {
    let last = nearest(scan, prose.start, prose.end).unwrap_or_default();
    let last = header::mentions(last);
    if let Some((first, others)) = last.split_first() {
        let other = others.iter().find(|other| other.path != first.path);
        if let Some(other) = other {
            return Err(two(first.path.to_owned(), other.path.to_owned()));
        }
        if last.iter().any(|mention| mention.sure) {
            return unless_above(scan, prose.clone(), first.path.to_owned()).map(Some);
        }
    }
    let Some(kept) = kept else {
        return Ok(None);
    };
    let mentioned = scan.lines.range(prose).flat_map(header::mentions);
    let other = mentioned
        .map(|mention| mention.path)
        .find(|path| !whole_file::same_file(path, &kept));
    match other {
        Some(other) => Err(two(kept, other.to_owned())),
        None => Ok(Some(kept)),
    }
}

/// A path that prose names, unless a header above it names another.
fn unless_above(scan: &Scan<'_>, prose: Range<usize>, path: String) -> Result<String, Fault> {
    match header_above(scan, prose.start, prose.end) {
        Some(above) if !whole_file::same_file(&path, above) => Err(two(above.to_owned(), path)),
        Some(_) | None => Ok(path),
    }
}

fn two(first: String, second: String) -> Fault {
    Fault::TwoPaths { first, second }
}
