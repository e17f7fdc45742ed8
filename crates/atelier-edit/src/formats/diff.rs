//! Unified and git diffs.

mod file;
mod hunks;
mod path;

use self::{file::FileDiff, hunks::Bounds};
use super::{EditFormat, Fence, Found, Opening, Shown, Stop, hunk::ranges};
use crate::{
    header,
    parse::{Fault, Scan},
};

/// `diff --git`, or `---`, `+++` and hunks below them.
pub(super) struct Diff;

impl EditFormat for Diff {
    fn name(&self) -> &'static str {
        "diff"
    }

    fn opens(&self, scan: &Scan<'_>, at: usize, fence: &Fence) -> Result<bool, Stop> {
        if fence.holds_file() {
            return Ok(false);
        }
        let line = scan.at(at);
        if is_hunk_head(line) || is_names(scan, at)? || is_command(line) {
            return Ok(true);
        }
        if fence.is_of_diffs() {
            return Ok(fence.path.is_some() || preamble(scan, at, fence)?);
        }
        Ok(fence.path.as_deref().is_none_or(is_code) && is_marked(scan, at, fence)?)
    }

    fn read(&self, scan: &Scan<'_>, at: usize) -> Result<Option<Found>, Stop> {
        if scan.place.envelope.is_some() {
            return Ok(None);
        }
        let line = scan.at(at);
        match head(scan, at)? {
            Some(Head::Combined) => refuse_combined(scan, at),
            Some(Head::Git) => git(scan, at).map(Some),
            Some(Head::Plain) => plain(scan, at).map(Some),
            None if is_hunk_head(line) || opens_headless(scan, at) => headless(scan, at),
            None => Ok(None),
        }
    }
}

/// How the part of a diff that is about one file begins.
enum Head {
    /// With the command that made it.
    Git,
    /// With the names of the file before and after.
    Plain,
    /// It is about a merge.
    Combined,
}

fn head(scan: &Scan<'_>, at: usize) -> Result<Option<Head>, Stop> {
    let line = scan.at(at);
    if line.starts_with("diff --git ") {
        return Ok(Some(Head::Git));
    }
    if line.starts_with("diff --cc ") || line.starts_with("diff --combined ") {
        return Ok(Some(Head::Combined));
    }
    let plain = is_names(scan, at)?
        && (scan.fence().is_some() || scan.line(at + 2)?.is_some_and(is_hunk_head));
    Ok(plain.then_some(Head::Plain))
}

/// Whether a line and the next name a file before and after.
fn is_names(scan: &Scan<'_>, at: usize) -> Result<bool, Stop> {
    Ok(scan.at(at).starts_with("--- ")
        && scan
            .line(at + 1)?
            .is_some_and(|line| line.starts_with("+++ ")))
}

/// Whether a line says where the lines below it stand.
fn is_hunk_head(line: &str) -> bool {
    line.starts_with("@@ ") || line.trim_end() == "@@"
}

/// Whether a line can only be part of a diff.
pub(super) fn is_frame(line: &str) -> bool {
    line.strip_prefix("@@ ")
        .is_some_and(|head| ranges(head).is_some())
        || line.starts_with("diff --git ")
        || ["+++ ", "--- "].iter().any(|mark| {
            let name = line.strip_prefix(mark).unwrap_or_default();
            // A tab divides the name from the time of the file.
            let (name, timed) = match name.split_once('\t') {
                Some((name, _)) => (name.trim(), true),
                None => (name.trim(), false),
            };
            name == "/dev/null" || header::lone_path(name).is_some() || (timed && !name.is_empty())
        })
}

/// Whether a line is the command that made a diff.
fn is_command(line: &str) -> bool {
    line.starts_with("diff -") || line.starts_with("Index: ")
}

/// Lines that may stand in a fence before its diffs, as in a letter that brings them.
const PREAMBLE_LINES_MAX: usize = 64;

/// Whether the lines before a diff begin at a line of a fence.
fn preamble(scan: &Scan<'_>, at: usize, fence: &Fence) -> Result<bool, Stop> {
    for index in at..at + PREAMBLE_LINES_MAX {
        let Some(line) = scan.line(index)?.filter(|line| !fence.closed_by(line)) else {
            return Ok(false);
        };
        if is_command(line) || is_names(scan, index)? {
            return Ok(true);
        }
    }
    Ok(false)
}

/// Whether lines with marks before them are not usual in a file.
fn is_code(path: &str) -> bool {
    const LISTS: [&str; 9] = [
        "md", "markdown", "mdx", "rst", "txt", "yaml", "yml", "adoc", "org",
    ];
    let extension = path.rsplit_once('.').map(|(_, extension)| extension);
    extension.is_some_and(|extension| !LISTS.contains(&extension.to_ascii_lowercase().as_str()))
}

/// Whether all lines of a fence have marks before them, as only those of a diff have: some are
/// added, and unless all are, some are removed.
fn is_marked(scan: &Scan<'_>, at: usize, fence: &Fence) -> Result<bool, Stop> {
    let (mut added, mut removed, mut kept) = (0, 0, 0);
    let mut index = at;
    while let Some(line) = scan.line(index)?.filter(|line| !fence.closed_by(line)) {
        match line.chars().next() {
            Some('+') => added += 1,
            Some('-') => removed += 1,
            Some(' ') => kept += 1,
            Some(_) => return Ok(false),
            None => {}
        }
        index += 1;
    }
    Ok(added > 0 && (removed > 0 || kept == 0))
}

/// Whether a line is the first of a fence of diffs that names its file before the fence, so that
/// its lines need no head.
fn opens_headless(scan: &Scan<'_>, at: usize) -> bool {
    scan.fence()
        .is_some_and(|fence| fence.form == Some(Diff.name()) && fence.path.is_some())
        && scan.place.floor == at
        && scan.at(at).starts_with(['+', '-', ' '])
}

fn refuse_combined(scan: &Scan<'_>, at: usize) -> Result<Option<Found>, Stop> {
    let mut end = at + 1;
    while scan
        .inner(end)?
        .is_some_and(|line| !line.starts_with("diff "))
    {
        end += 1;
    }
    Err(Stop::Refused {
        at,
        path: None,
        fault: Fault::Malformed {
            line: at + 1,
            said: "it is the diff of a merge",
            mend: "send a diff against one version of the file",
        },
        end,
    })
}

fn opening(path: Option<&str>, from: usize) -> Opening {
    Opening {
        path: path.map(str::to_owned),
        from,
        shown: Shown::Added,
    }
}

/// A file's part of a diff that git made.
fn git(scan: &Scan<'_>, at: usize) -> Result<Found, Stop> {
    let mut file = FileDiff::git(scan.at(at), at);
    let mut next = at + 1;
    while let Some(line) = scan.inner(next)? {
        if !file.header(line) {
            break;
        }
        next += 1;
    }
    if scan.inner(next)?.is_some() && is_names(scan, next)? {
        file.names(scan.at(next), scan.at(next + 1));
        next += 2;
    }
    read_hunks(scan, file, next)
}

/// A file's part of a diff that only names it.
fn plain(scan: &Scan<'_>, at: usize) -> Result<Found, Stop> {
    let mut file = FileDiff::new(at);
    file.names(scan.at(at), scan.at(at + 1));
    read_hunks(scan, file, at + 2)
}

/// Hunks without a head that names their file.
fn headless(scan: &Scan<'_>, at: usize) -> Result<Option<Found>, Stop> {
    let Some(fence) = scan.fence() else {
        return Ok(None);
    };
    let file = FileDiff::named(fence.path.clone(), at);
    read_hunks(scan, file, at).map(Some)
}

fn read_hunks(scan: &Scan<'_>, mut file: FileDiff, from: usize) -> Result<Found, Stop> {
    let bounds = Bounds {
        scan,
        sequence: file.at,
    };
    let hunks = bounds.hunks(from).map_err(|stop| {
        let path = file.path();
        stop.while_open(|| opening(path.ok().as_deref(), from))
    })?;
    file.truncated = hunks.truncated || file.is_cut_off(&hunks.found);
    let end = hunks.end.max(from);
    let path = file.path().ok();
    Ok(match file.changes(hunks.found) {
        Ok(mut found) => {
            found.end = end;
            found
        }
        Err((at, fault)) => Found {
            faults: vec![(at, path, fault)],
            end,
            ..Found::default()
        },
    })
}
