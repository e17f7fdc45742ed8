//! The forms in which a reply may write edits.

mod apply_patch;
mod deletion;
mod diff;
mod doubt;
mod execute_task;
mod fence;
mod hunk;
mod json;
mod naming;
mod search_replace;
mod whole_file;

use atelier_model::TreePath;

use crate::{
    change::Change,
    header,
    parse::{Fault, Scan},
};

pub(crate) use apply_patch::Envelope;
pub(crate) use doubt::Doubt;
pub(crate) use fence::Fence;

/// Every form, in the order in which a line of a reply is tried with them.
pub const FORMATS: &[&dyn EditFormat] = &[
    &apply_patch::ApplyPatch,
    &search_replace::SearchReplace,
    &diff::Diff,
    &deletion::Deletion,
    &json::JsonEdit,
    &execute_task::ExecuteTask,
    &whole_file::WholeFile,
];

/// One form in which a reply may write edits.
pub trait EditFormat: Sync {
    /// Its name, in kebab-case.
    fn name(&self) -> &'static str;

    /// Whether a fence whose first line this is holds edits of this form rather than a file.
    fn opens(&self, scan: &Scan<'_>, at: usize, fence: &Fence) -> Result<bool, Stop> {
        let _ = (scan, at, fence);
        Ok(false)
    }

    /// Reads what begins at a line of a reply; `None` where this form does not begin there.
    fn read(&self, scan: &Scan<'_>, at: usize) -> Result<Option<Found>, Stop>;
}

/// Why a form stopped reading.
#[derive(Debug)]
pub enum Stop {
    /// It needs lines that have not arrived yet.
    More(Option<Opening>),
    /// What it reads cannot be an edit.
    Refused {
        /// Index of the line at which the edit begins.
        at: usize,
        /// The file as written, where it is known.
        path: Option<String>,
        /// What is wrong.
        fault: Fault,
        /// Index of the line at which to read on.
        end: usize,
    },
}

/// What is known of an edit before all of it has arrived.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Opening {
    /// The file as written.
    pub(crate) path: Option<String>,
    /// Index of the first line that may hold new content.
    pub(crate) from: usize,
    /// Which of its lines are new content.
    pub(crate) shown: Shown,
}

/// Which lines of an edit that is under way are new content.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Shown {
    /// All of them.
    All,
    /// Those after a plus sign.
    Added,
    /// Those after the line that divides them from what they replace.
    AfterDivider,
}

/// What a form found.
#[derive(Debug, Default)]
pub struct Found {
    /// The edits: path as written, index of the line they begin at, change.
    pub(crate) edits: Vec<(String, usize, Change)>,
    /// What is wrong with others: index of the line they begin at, path where it is known, fault.
    pub(crate) faults: Vec<(usize, Option<String>, Fault)>,
    /// Index of the line after them.
    pub(crate) end: usize,
    /// What the following lines are part of from now on.
    pub(crate) inside: Option<Inside>,
    /// What is to be looked at again when the whole reply is there.
    pub(crate) doubt: Option<Doubt>,
    /// Files of edits that may be no more than data: path as written, index of their line.
    pub(crate) data: Vec<(String, usize)>,
    /// Whether a fence was read.
    pub(crate) fenced: bool,
    /// Whether the reply is laid out as a task from here on.
    pub(crate) task: bool,
    /// Whether the line opens something that is never closed.
    pub(crate) left_open: bool,
    /// Bytes to the end of the reply that were looked through for its end.
    pub(crate) searched: usize,
}

/// A change of what lines are part of.
#[derive(Debug)]
pub(crate) enum Inside {
    /// An envelope was opened.
    Envelope(Envelope),
    /// The envelope was closed.
    EnvelopeEnd,
}

impl Found {
    /// Adds something that is wrong.
    fn refuse(&mut self, at: usize, path: Option<String>, fault: Fault) {
        self.faults.push((at, path, fault));
    }
}

impl Stop {
    /// The same, with what is known of the edit should more lines be needed.
    fn while_open(self, opening: impl FnOnce() -> Opening) -> Self {
        match self {
            Self::More(None) => Self::More(Some(opening())),
            other @ (Self::More(Some(_)) | Self::Refused { .. }) => other,
        }
    }
}

/// Lines before a block, blank ones and fences aside, that are searched for its path.
const HEADER_LINES_MAX: usize = 3;
/// Lines before a block, blank ones included, that are looked at.
const LOOK_BACK_LINES_MAX: usize = 24;

/// A fence whose first lines are an edit of some form, perhaps with its path before it.
pub(crate) fn opened(scan: &Scan<'_>, at: usize) -> Result<Option<Fence>, Stop> {
    if scan.fence().is_some() || scan.place.envelope.is_some() {
        return Ok(None);
    }
    let Some((mut fence, info)) = Fence::opened_by(scan.at(at), at) else {
        return Ok(None);
    };
    // Where it is named matters only for few fences, and takes a while to find.
    if fence.is_of_diffs() {
        fence.path = path_of_fence(scan, at, info);
    }
    let mut headers = 0;
    let mut index = at + 1;
    while let Some(line) = scan.line(index)?.filter(|line| !fence.closed_by(line)) {
        if !line.trim().is_empty() {
            for format in FORMATS {
                if !format.opens(scan, index, &fence)? {
                    continue;
                }
                fence.path = path_of_fence(scan, at, info);
                if format.opens(scan, index, &fence)? {
                    fence.form = Some(format.name());
                    return Ok(Some(fence));
                }
            }
            let names =
                header::path_of(line).is_some() || header::path_in_comment(line, info).is_some();
            headers += 1;
            if !names || headers > HEADER_LINES_MAX {
                break;
            }
        }
        index += 1;
    }
    Ok(None)
}

/// The path that stands before a fence of edits, or in its info string.
fn path_of_fence(scan: &Scan<'_>, at: usize, info: &str) -> Option<String> {
    let step = || execute_task::step_path(scan, at).ok().flatten();
    let lone = || nearest(scan, scan.place.floor, at).and_then(header::lone_path);
    let beside = || header::path_in_info(info).or_else(step).or_else(lone);
    path_in_lines(scan, scan.place.floor, at, "markdown").or_else(|| beside().map(str::to_owned))
}

/// The last of some lines that is not blank.
fn nearest<'a>(scan: &Scan<'a>, floor: usize, at: usize) -> Option<&'a str> {
    let floor = floor.max(at.saturating_sub(LOOK_BACK_LINES_MAX));
    let mut lines = scan.lines.range(floor..at).rev();
    lines.find(|line| !line.trim().is_empty())
}

/// The path that the last of some lines name, unless a nearer one announces another.
fn path_in_lines(scan: &Scan<'_>, floor: usize, at: usize, info: &str) -> Option<String> {
    last_lines(scan, floor, at)
        .take_while(|line| header::announced(line).is_none())
        .find_map(|line| header::path_of(line).or_else(|| header::path_in_comment(line, info)))
        .map(str::to_owned)
}

/// The path that the last of some lines name, whatever the others say.
fn header_above<'a>(scan: &'a Scan<'_>, floor: usize, at: usize) -> Option<&'a str> {
    last_lines(scan, floor, at).find_map(header::path_of)
}

/// The lines before a block that may name its file, from the nearest up.
fn last_lines<'a>(scan: &'a Scan<'_>, floor: usize, at: usize) -> impl Iterator<Item = &'a str> {
    let floor = floor.max(at.saturating_sub(LOOK_BACK_LINES_MAX));
    scan.lines
        .range(floor..at)
        .rev()
        .filter(|line| !line.trim().is_empty())
        .take(HEADER_LINES_MAX)
}

/// Whether a line is part of an edit wherever it stands, so that no edit can be made of what is
/// around it if no form has read it.
pub(crate) fn is_frame(line: &str) -> bool {
    search_replace::opens_block(line)
        || search_replace::ends_block(line)
        || apply_patch::is_frame(line)
        || diff::is_frame(line)
}

/// The fault of a line that is part of an edit that was not read.
pub(crate) fn unread(line: usize) -> Fault {
    Fault::Malformed {
        line: line + 1,
        said: "a line looks like part of an edit, which cannot be read",
        mend: "send each edit complete: its path, its first and its last line",
    }
}

/// Adds a move to what was found of a file.
fn move_to(found: &mut Found, path: &str, at: usize, to: &str) {
    match TreePath::parse(to) {
        Ok(to) => found.edits.push((path.to_owned(), at, Change::Move { to })),
        Err(reason) => found.refuse(at, Some(path.to_owned()), Fault::BadPath { reason }),
    }
}
