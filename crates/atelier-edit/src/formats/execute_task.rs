//! Replies laid out as a task with steps, of which each may name the file it writes.

use super::{EditFormat, Fence, Found, LOOK_BACK_LINES_MAX, Stop, whole_file};
use crate::{
    header,
    parse::{Fault, Scan},
};

/// `# EXECUTE TASK`, and steps such as ``1. Write the parser in `src/parse.rs`:`` over their code.
pub(super) struct ExecuteTask;

/// Lines of explanation that may stand between a step and its code.
const EXPLANATION_LINES_MAX: usize = 4;

/// First words of steps that say what is written where.
const WRITES: [&str; 17] = [
    "add",
    "adjust",
    "change",
    "create",
    "define",
    "edit",
    "extend",
    "fix",
    "implement",
    "modify",
    "put",
    "refactor",
    "replace",
    "rewrite",
    "set",
    "update",
    "write",
];

impl EditFormat for ExecuteTask {
    fn name(&self) -> &'static str {
        "execute-task"
    }

    fn read(&self, scan: &Scan<'_>, at: usize) -> Result<Option<Found>, Stop> {
        if scan.place.envelope.is_some() || scan.fence().is_some() {
            return Ok(None);
        }
        if is_task(scan.at(at)) {
            return Ok(Some(Found {
                end: at + 1,
                task: true,
                ..Found::default()
            }));
        }
        if !scan.place.task {
            return Ok(None);
        }
        let Some((fence, info)) = Fence::opened_by(scan.at(at), at) else {
            return Ok(None);
        };
        let unnamed = matches!(whole_file::path_of(scan, at, info), Ok(None));
        let path = if unnamed {
            step_path(scan, at)
        } else {
            Ok(None)
        };
        let path = match path {
            Ok(Some(path)) if whole_file::is_for(info, path) => Ok(path.to_owned()),
            Ok(_) => return Ok(None),
            Err(_) if whole_file::is_commands(info) => return Ok(None),
            Err(fault) => Err(fault),
        };
        whole_file::read_as(scan, at, fence, info, path, at + 1)
    }
}

/// Whether a line is the heading of a task.
fn is_task(line: &str) -> bool {
    line.starts_with('#')
        && line
            .trim_start_matches(['#', ' ', '*'])
            .to_ascii_uppercase()
            .starts_with("EXECUTE TASK")
}

/// The file that the step above a fence writes; `None` outside a task.
pub(super) fn step_path<'a>(scan: &Scan<'a>, at: usize) -> Result<Option<&'a str>, Fault> {
    if !scan.place.task {
        return Ok(None);
    }
    let floor = scan.place.floor.max(at.saturating_sub(LOOK_BACK_LINES_MAX));
    let before = scan.lines.range(floor..at).rev();
    let before = before.filter(|line| !line.trim().is_empty());
    for (index, line) in before.take(EXPLANATION_LINES_MAX + 1).enumerate() {
        let heading = line.starts_with('#') || line.starts_with("**");
        if (index == 0 || heading) && writes(line) {
            return only_path(line);
        }
        if heading {
            break;
        }
    }
    Ok(None)
}

/// Whether a line is a step that writes something.
fn writes(line: &str) -> bool {
    let text = header::undecorated(line);
    let text = match header::strip_word(text, &["step"]) {
        Some(rest) => rest.trim_start_matches(|c: char| c.is_ascii_digit() || ".:)-– ".contains(c)),
        None => text,
    };
    header::strip_word(text.trim_start_matches(['*', ' ']), &WRITES).is_some()
}

/// The one path in backticks that a line names.
fn only_path(line: &str) -> Result<Option<&str>, Fault> {
    let quoted = line.split('`').skip(1).step_by(2);
    let mut paths = quoted.filter(|text| header::looks_like_path(text));
    let Some(first) = paths.next() else {
        return Ok(None);
    };
    match paths.find(|other| *other != first) {
        Some(second) => Err(Fault::TwoPaths {
            first: first.to_owned(),
            second: second.to_owned(),
        }),
        None => Ok(Some(first)),
    }
}
