//! Fenced blocks that hold a whole file.

use super::{
    Doubt, EditFormat, Fence, Found, LOOK_BACK_LINES_MAX, Opening, Shown, Stop, deletion, json,
    search_replace,
};
use crate::{
    change::Change,
    header,
    parse::{Fault, Scan},
};

/// A path and a fence with the file's content.
pub(super) struct WholeFile;

/// Lines of explanation that may stand between a heading that names a file and its fence.
const EXPLANATION_LINES_MAX: usize = 4;

impl EditFormat for WholeFile {
    fn name(&self) -> &'static str {
        "whole-file"
    }

    fn read(&self, scan: &Scan<'_>, at: usize) -> Result<Option<Found>, Stop> {
        if scan.fence().is_some() || scan.place.envelope.is_some() {
            return Ok(None);
        }
        let Some((fence, info)) = Fence::opened_by(scan.at(at), at) else {
            return Ok(None);
        };
        let first = scan.line(at + 1)?.unwrap_or_default();
        let inside = || header::path_in_comment(first, info).filter(|_| !fence.closed_by(first));
        match path_of(scan, at, info) {
            Ok(Some(path)) => read_as(scan, at, fence, info, Ok(path), at + 1),
            Err(fault) => read_as(scan, at, fence, info, Err(fault), at + 1),
            Ok(None) => match inside() {
                Some(path) => read_as(scan, at, fence, info, Ok(path.to_owned()), at + 2),
                None => unnamed(scan, at, &fence),
            },
        }
    }
}

/// Reads a fence that holds a file, whose content begins at a line.
pub(super) fn read_as(
    scan: &Scan<'_>,
    at: usize,
    fence: Fence,
    info: &str,
    path: Result<String, Fault>,
    start: usize,
) -> Result<Option<Found>, Stop> {
    let known = path.as_ref().ok().cloned();
    let refused = |fault, end| {
        Err(Stop::Refused {
            at,
            path: known.clone(),
            fault,
            end,
        })
    };
    let end = end_of_fence(scan, &fence, start).map_err(|stop| {
        stop.while_open(|| Opening {
            path: known.clone(),
            from: start,
            shown: Shown::All,
        })
    })?;
    let Some(end) = end else {
        let missing = "the line that closes its fence";
        return refused(Fault::Truncated { missing }, scan.lines.count());
    };
    let path = match path {
        Ok(path) => path,
        Err(fault) => return refused(fault, end + 1),
    };
    let lines = scan.lines.range(start..end);
    let content: Vec<&str> = lines.map(|line| fence.content(line)).collect();
    let form = if fence.is_long() {
        search_replace::has_torn_block(&content).then_some("a part of a SEARCH block")
    } else {
        edit_within(&content)
    };
    if let Some(form) = form {
        return refused(Fault::Mixed { form }, end + 1);
    }
    if start == at + 1 && content.first().map(|line| line.trim()) == Some(scan.at(at).trim()) {
        let fault = Fault::Malformed {
            line: at + 2,
            said: "the line that opens its fence stands twice",
            mend: "write it once, with more backticks if the file begins with a fence",
        };
        return refused(fault, end + 1);
    }
    let mut text = content.join("\n");
    if !content.is_empty() {
        text.push('\n');
    }
    Ok(Some(Found {
        doubt: Some(Doubt {
            markdown: is_markdown(Some(&path), info),
            path: path.clone(),
            fence,
            end,
        }),
        edits: vec![(path, at, Change::Write { content: text })],
        end: end + 1,
        fenced: true,
        ..Found::default()
    }))
}

/// Reads a fence that names no file: an example, or deletions. One that is never closed holds
/// nothing that could be lost.
fn unnamed(scan: &Scan<'_>, at: usize, fence: &Fence) -> Result<Option<Found>, Stop> {
    let Some(end) = end_of_fence(scan, fence, at + 1)? else {
        return Ok(Some(Found {
            end: at + 1,
            left_open: true,
            searched: scan.lines.text_from(at).len(),
            ..Found::default()
        }));
    };
    let lines = scan.lines.range(at + 1..end);
    let content: Vec<&str> = lines.map(|line| fence.content(line)).collect();
    let frame = content.iter().position(|line| super::is_frame(line));
    let frame = frame.or_else(|| swallowed(&content, fence.may_show_fences()));
    if let Some(frame) = frame {
        return Err(Stop::Refused {
            at,
            path: None,
            fault: super::unread(at + 1 + frame),
            end: end + 1,
        });
    }
    Ok(Some(Found {
        edits: deletions(&content, at + 1),
        end: end + 1,
        fenced: true,
        ..Found::default()
    }))
}

/// The index of a line at which a named or labelled fence of edits begins in the content of a fence
/// that names no file: where a line that opens or closes a fence was lost, a fence swallows others.
/// A fence that may `show` others shows them whole.
fn swallowed(content: &[&str], show: bool) -> Option<usize> {
    let shown = |fence: &Fence, index: usize| {
        show && content[index + 1..]
            .iter()
            .any(|line| fence.closed_by(line))
    };
    let mut before = "";
    let mut named = None;
    let mut of_json = None;
    for (index, line) in content.iter().enumerate() {
        if let Some((fence, info)) = Fence::opened_by(line, 0) {
            let labelled =
                header::path_in_info(info).is_some() || header::path_of(before).is_some();
            if labelled && named.is_none() && !shown(&fence, index) {
                named = Some(index);
            }
            if fence.is_of_json() && of_json.is_none() && !shown(&fence, index) {
                of_json = Some(index);
            }
        }
        if !line.trim().is_empty() {
            before = line;
        }
    }
    named.or_else(|| of_json.filter(|at| json::looks_like_edit(&content[*at..].join("\n"))))
}

/// The edit of another form that a content holds.
fn edit_within(content: &[&str]) -> Option<&'static str> {
    let marked = content.iter().find_map(|line| {
        if search_replace::opens_block(line) || search_replace::ends_block(line) {
            Some("marks of a SEARCH block")
        } else {
            (line.trim_end() == "*** Begin Patch").then_some("a patch")
        }
    });
    let conflicted = || search_replace::has_marks(content);
    marked.or_else(|| conflicted().then_some("marks of a merge conflict"))
}

fn is_markdown(path: Option<&str>, info: &str) -> bool {
    let extension = path
        .and_then(|path| path.rsplit_once('.'))
        .map(|(_, ext)| ext);
    let markdown = |word: &str| matches!(word, "md" | "markdown" | "mdx" | "qmd" | "rmd");
    extension.is_some_and(|ext| markdown(&ext.to_ascii_lowercase()))
        || info.split_whitespace().next().is_some_and(markdown)
}

/// The path of a fence: in its info string, or in the line before it, or in a heading with a few
/// lines of explanation between.
pub(super) fn path_of(scan: &Scan<'_>, at: usize, info: &str) -> Result<Option<String>, Fault> {
    let floor = scan.place.floor.max(at.saturating_sub(LOOK_BACK_LINES_MAX));
    let before: Vec<&str> = scan
        .lines
        .range(floor..at)
        .rev()
        .filter(|line| !line.trim().is_empty())
        .take(EXPLANATION_LINES_MAX + 1)
        .collect();
    let heading = |line: &&str| line.trim_start().starts_with('#');
    let is_for = |path: &&str| is_for(info, path);
    let nearest = before.first().filter(|_| !is_list(&before));
    let renamed = nearest.and_then(|line| header::renamed(line));
    if let Some((from, to)) = renamed.filter(|_| !is_commands(info)) {
        return Err(Fault::TwoPaths {
            first: from.to_owned(),
            second: to.to_owned(),
        });
    }
    let above = match nearest.and_then(|line| header::path_of(line)) {
        Some(path) if nearest.is_some_and(heading) => Some(path),
        Some(path) => Some(path).filter(is_for),
        None => {
            let heading = before.iter().skip(1).position(heading);
            let named = heading.and_then(|at| Some((at + 1, header::path_of(before[at + 1])?)));
            let between = &before[..named.map_or(0, |(at, _)| at)];
            let other = between.iter().find_map(|line| header::announced(line));
            match (named, other) {
                (Some((_, path)), Some(other)) if !same_file(other, path) => {
                    return Err(Fault::TwoPaths {
                        first: path.to_owned(),
                        second: other.to_owned(),
                    });
                }
                (named, _) => named.map(|(_, path)| path).filter(is_for),
            }
        }
    };
    match (header::path_in_info(info), above) {
        (Some(inside), Some(above)) if !same_file(inside, above) => Err(Fault::TwoPaths {
            first: above.to_owned(),
            second: inside.to_owned(),
        }),
        (inside, above) => Ok(above.or(inside).map(str::to_owned)),
    }
}

/// Whether the last lines before a fence are entries of a list, which names files without holding
/// them.
fn is_list(before: &[&str]) -> bool {
    let entry = |line: &&&str| {
        let rest = line.trim_start().strip_prefix(['-', '*', '+']);
        rest.is_some_and(|rest| rest.starts_with(' '))
    };
    before.iter().take(2).filter(entry).count() == 2
}

/// Whether a fence with an info string may hold a file rather than commands that are about it.
pub(super) fn is_for(info: &str, path: &str) -> bool {
    !is_commands(info) || is_script(path)
}

/// Whether a fence shows commands to be typed.
pub(super) fn is_commands(info: &str) -> bool {
    matches!(
        info.split_whitespace().next(),
        Some("bash" | "sh" | "shell" | "zsh" | "console" | "terminal" | "powershell" | "cmd")
    )
}

fn is_script(path: &str) -> bool {
    let name = path.rsplit('/').next().unwrap_or(path);
    match name.rsplit_once('.') {
        Some((_, extension)) => {
            matches!(
                extension,
                "sh" | "bash" | "zsh" | "ps1" | "cmd" | "bat" | "env" | "fish"
            )
        }
        None => true,
    }
}

/// Whether two spellings mean one file: equal, or one is the other's last parts.
pub(super) fn same_file(inside: &str, above: &str) -> bool {
    let inside = inside.trim_start_matches("./");
    let above = above.trim_start_matches("./");
    inside == above
        || above
            .strip_suffix(inside)
            .is_some_and(|rest| rest.ends_with('/'))
}

/// Index of the line that closes a fence; `None` where none does. Fences with an info string inside
/// it are skipped with their own closing lines.
pub(super) fn end_of_fence(
    scan: &Scan<'_>,
    fence: &Fence,
    start: usize,
) -> Result<Option<usize>, Stop> {
    let mut depth = 0_usize;
    let mut index = start;
    while let Some(line) = scan.line(index)? {
        if fence.closed_by(line) {
            if depth == 0 {
                return Ok(Some(index));
            }
            depth -= 1;
        } else if fence.nests(line) {
            depth += 1;
        }
        index += 1;
    }
    Ok(None)
}

/// Deletions that stand in a fence of their own.
fn deletions(content: &[&str], start: usize) -> Vec<(String, usize, Change)> {
    let lines = || {
        content
            .iter()
            .enumerate()
            .filter(|(_, line)| !line.trim().is_empty())
    };
    let paths: Vec<_> = lines()
        .filter_map(|(index, line)| {
            let path = deletion::deleted(line)?;
            Some((
                path.to_owned(),
                start + index,
                Change::Delete { holding: None },
            ))
        })
        .collect();
    if paths.len() == lines().count() {
        paths
    } else {
        Vec::new()
    }
}
