//! The edits of a reply, in whatever mixture of forms it writes them.

use atelier_model::{Limits, PathError, TreePath};

use crate::{
    change::{ChangeSet, Edit},
    formats::{FORMATS, Fence},
};

/// Why a reply could not be turned into edits. The message is worded for the model that wrote it.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum ParseEditsError {
    /// There is nothing in the reply that changes a file.
    #[error(
        "find an edit in the reply{}; write the path of each file in the line before its fence, \
         such as ### File: `src/app.py`",
        unnamed(*.fences)
    )]
    NoEdits {
        /// Fenced blocks that name no file.
        fences: usize,
    },
    /// The reply is too long to be read.
    #[error("read a reply of more than {bytes_max} bytes; answer more briefly")]
    TooLong {
        /// The limit.
        bytes_max: usize,
    },
    /// The reply has too many edits.
    #[error("read a reply of more than {edits_max} edits; answer with fewer")]
    TooMany {
        /// The limit.
        edits_max: usize,
    },
    /// The reply ends before a block does.
    #[error(
        "find the end of the block at line {line} of the reply: {missing} is missing, so the reply \
         may be cut off; send every block complete"
    )]
    Truncated {
        /// Where the block begins.
        line: usize,
        /// What would end it.
        missing: &'static str,
    },
    /// A path cannot be used.
    #[error("{reason} (line {line} of the reply); name files relative to the project's root")]
    BadPath {
        /// Where the block begins.
        line: usize,
        /// Why not.
        reason: PathError,
    },
    /// A block does not say which file it changes.
    #[error(
        "find the file of the block at line {line} of the reply; write its path in the line before \
         the block"
    )]
    NoPath {
        /// Where the block begins.
        line: usize,
    },
    /// A block names two files.
    #[error(
        "choose the file of the block at line {line} of the reply: it names both `{first}` and \
         `{second}`; name one"
    )]
    TwoPaths {
        /// Where the block begins.
        line: usize,
        /// One path.
        first: String,
        /// The other.
        second: String,
    },
    /// A block does not say where the replacement begins.
    #[error(
        "divide the block at line {line} of the reply: it has no `=======` line between what to \
         find and what to put in its place"
    )]
    NoDivider {
        /// Where the block begins.
        line: usize,
    },
    /// It is not certain where a fenced file ends.
    #[error(
        "find the end of the file at line {line} of the reply: its content has fences as long as \
         the one around it; use a longer fence around the file, of four backticks"
    )]
    DoubtfulFence {
        /// Where the fence opens.
        line: usize,
    },
    /// A fence holds both a file's content and a replacement.
    #[error(
        "read the block at line {line} of the reply: it is a whole file that contains a SEARCH \
         block; send either, or use a fence of four backticks if the markers belong to the file"
    )]
    Mixed {
        /// Where the fence opens.
        line: usize,
    },
    /// The block is written in a form that is not asked for.
    #[error("apply {form} at line {line} of the reply; send whole files or SEARCH/REPLACE blocks")]
    Foreign {
        /// Where the block begins.
        line: usize,
        /// What it is.
        form: &'static str,
    },
}

fn unnamed(fences: usize) -> String {
    match fences {
        0 => String::new(),
        1 => ": its one fenced block names no file".to_owned(),
        _ => format!(": its {fences} fenced blocks name no file"),
    }
}

/// A reply on its way to edits.
#[derive(Debug)]
pub struct Scan<'a> {
    /// Its lines.
    pub(crate) lines: &'a [&'a str],
    /// Index of the first line that no block has used up.
    pub(crate) floor: usize,
    /// The fence the scan is in.
    pub(crate) fence: Option<Fence>,
    /// The path of the newest block.
    pub(crate) path: Option<String>,
}

/// Finds every edit of a reply.
pub fn parse(reply: &str, limits: &Limits) -> Result<ChangeSet, ParseEditsError> {
    if reply.len() > limits.reply_bytes_max {
        let bytes_max = limits.reply_bytes_max;
        return Err(ParseEditsError::TooLong { bytes_max });
    }
    let lines = lines(reply)?;
    let mut scan = Scan {
        lines: &lines,
        floor: 0,
        fence: None,
        path: None,
    };
    let mut changes = ChangeSet::default();
    let mut fences = 0;
    let mut at = 0;
    while at < lines.len() {
        if scan
            .fence
            .as_ref()
            .is_some_and(|fence| fence.closed_by(lines[at]))
        {
            scan.fence = None;
            at += 1;
            scan.floor = at;
            continue;
        }
        if let Some(form) = patch(&lines[at..]) {
            return Err(ParseEditsError::Foreign { line: at + 1, form });
        }
        let Some((format, found)) = read(&scan, at)? else {
            at += 1;
            continue;
        };
        fences += usize::from(found.edits.is_empty() && found.opened.is_none());
        for (path, line, change) in found.edits {
            if changes.edits.len() == limits.edits_max {
                let edits_max = limits.edits_max;
                return Err(ParseEditsError::TooMany { edits_max });
            }
            let line = line + 1;
            changes.edits.push(Edit {
                path: tree_path(&path, line)?,
                block: changes.edits.len() + 1,
                line,
                format,
                change,
            });
            scan.path = Some(path);
        }
        scan.fence = found.opened.or(scan.fence);
        at = found.end;
        scan.floor = at;
    }
    finish(&scan, changes, fences)
}

/// What kind of patch begins at a line.
pub(crate) fn patch(lines: &[&str]) -> Option<&'static str> {
    let line = lines.first()?;
    let next = lines.get(1).copied().unwrap_or_default();
    if line.trim_end() == "*** Begin Patch" {
        Some("a patch")
    } else if line.starts_with("diff --git ")
        || line.starts_with("--- ") && next.starts_with("+++ ")
    {
        Some("a diff")
    } else {
        None
    }
}

/// What begins at a line, and the name of its form.
fn read(
    scan: &Scan<'_>,
    at: usize,
) -> Result<Option<(&'static str, crate::formats::Found)>, ParseEditsError> {
    for format in FORMATS {
        if let Some(found) = format.read(scan, at)? {
            return Ok(Some((format.name(), found)));
        }
    }
    Ok(None)
}

fn tree_path(path: &str, line: usize) -> Result<TreePath, ParseEditsError> {
    TreePath::parse(path).map_err(|reason| ParseEditsError::BadPath { line, reason })
}

fn finish(
    scan: &Scan<'_>,
    changes: ChangeSet,
    fences: usize,
) -> Result<ChangeSet, ParseEditsError> {
    if let Some(fence) = &scan.fence {
        return Err(ParseEditsError::Truncated {
            line: fence.line + 1,
            missing: "the line that closes its fence",
        });
    }
    if changes.edits.is_empty() {
        return Err(ParseEditsError::NoEdits { fences });
    }
    Ok(changes)
}

/// The tags in which some models think aloud before they answer.
const THINKING: [(&str, &str); 3] = [
    ("<think>", "</think>"),
    ("<thinking>", "</thinking>"),
    ("<reasoning>", "</reasoning>"),
];

/// The lines of a reply, those of its thinking blank so that the others keep their numbers.
fn lines(reply: &str) -> Result<Vec<&str>, ParseEditsError> {
    let mut lines: Vec<&str> = reply.lines().collect();
    let first = lines.iter().position(|line| !line.trim().is_empty());
    for (open, close) in THINKING {
        let opened = first.filter(|first| lines[*first].trim_start().starts_with(open));
        let closed = lines.iter().position(|line| line.contains(close));
        match (opened, closed) {
            (Some(_), Some(end)) => {
                let line = lines[end];
                let after = line.find(close).map_or(line.len(), |at| at + close.len());
                lines[..end].fill("");
                lines[end] = &line[after..];
            }
            (Some(first), None) => {
                return Err(ParseEditsError::Truncated {
                    line: first + 1,
                    missing: "the end of the thinking",
                });
            }
            (None, _) => {}
        }
    }
    Ok(lines)
}
