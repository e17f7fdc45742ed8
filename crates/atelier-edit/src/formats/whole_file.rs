//! Fenced blocks that hold a whole file.

use super::{EditFormat, Fence, Found, deletion, search_replace};
use crate::{
    change::Change,
    header,
    parse::{self, ParseEditsError, Scan},
};

/// A path and a fence with the file's content.
pub(super) struct WholeFile;

/// Lines of explanation that may stand between a heading that names a file and its fence.
const EXPLANATION_LINES_MAX: usize = 4;

impl EditFormat for WholeFile {
    fn name(&self) -> &'static str {
        "whole-file"
    }

    fn read(&self, scan: &Scan<'_>, at: usize) -> Result<Option<Found>, ParseEditsError> {
        if scan.fence.is_some() {
            return Ok(None);
        }
        let Some((fence, info)) = Fence::opened_by(scan.lines[at], at) else {
            return Ok(None);
        };
        let named = path_of(scan, at, info)?;
        let first = scan.lines.get(at + 1).copied().unwrap_or_default();
        let (path, start) = match named {
            Some(path) => (Some(path), at + 1),
            None => match header::path_in_comment(first, info) {
                Some(path) if !fence.closed_by(first) => (Some(path.to_owned()), at + 2),
                _ => (None, at + 1),
            },
        };
        let markdown = is_markdown(path.as_deref(), info);
        let end = match end_of_fence(scan.lines, &fence, start) {
            Ok(end) => end,
            // An example in prose that is not closed holds nothing that could be lost.
            Err(_) if path.is_none() => return Ok(None),
            Err(error) => return Err(error),
        };
        let content: Vec<&str> = scan.lines[start..end]
            .iter()
            .map(|line| fence.content(line))
            .collect();
        let Some(path) = path else {
            if let Some(form) = parse::patch(&content) {
                return Err(ParseEditsError::Foreign { line: at + 1, form });
            }
            let edits = deletions(&content, start);
            return Ok(Some(Found {
                edits,
                end: end + 1,
                opened: None,
            }));
        };
        refuse_doubt(scan.lines, &fence, end, markdown)?;
        if !fence.is_long() && content.iter().any(|line| search_replace::opens_block(line)) {
            return Err(ParseEditsError::Mixed { line: at + 1 });
        }
        if let Some(form) = foreign(&path, info, &content) {
            return Err(ParseEditsError::Foreign { line: at + 1, form });
        }
        let mut text = content.join("\n");
        if !content.is_empty() {
            text.push('\n');
        }
        Ok(Some(Found {
            edits: vec![(path, at, Change::Write { content: text })],
            end: end + 1,
            opened: None,
        }))
    }
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
fn path_of(scan: &Scan<'_>, at: usize, info: &str) -> Result<Option<String>, ParseEditsError> {
    let before: Vec<&str> = scan.lines[scan.floor..at]
        .iter()
        .rev()
        .copied()
        .filter(|line| !line.trim().is_empty())
        .take(EXPLANATION_LINES_MAX + 1)
        .collect();
    let heading = |line: &&str| line.trim_start().starts_with('#');
    let is_for = |path: &&str| !is_commands(info) || is_script(path);
    let nearest = before.first().filter(|_| !is_list(&before));
    let above = match nearest.and_then(|line| header::path_of(line)) {
        Some(path) if nearest.is_some_and(heading) => Some(path),
        Some(path) => Some(path).filter(is_for),
        None => {
            let heading = before.iter().skip(1).find(|line| heading(line));
            heading
                .and_then(|line| header::path_of(line))
                .filter(is_for)
        }
    };
    match (header::path_in_info(info), above) {
        (Some(inside), Some(above)) if !same_file(inside, above) => {
            Err(ParseEditsError::TwoPaths {
                line: at + 1,
                first: above.to_owned(),
                second: inside.to_owned(),
            })
        }
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

/// Whether a fence shows commands to be typed.
fn is_commands(info: &str) -> bool {
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
fn same_file(inside: &str, above: &str) -> bool {
    let inside = inside.trim_start_matches("./");
    let above = above.trim_start_matches("./");
    inside == above
        || above
            .strip_suffix(inside)
            .is_some_and(|rest| rest.ends_with('/'))
}

/// Index of the line that closes a fence. Fences with an info string inside it are skipped with
/// their own closing lines.
fn end_of_fence(lines: &[&str], fence: &Fence, start: usize) -> Result<usize, ParseEditsError> {
    let mut depth = 0_usize;
    for (index, line) in lines.iter().enumerate().skip(start) {
        if fence.closed_by(line) {
            if depth == 0 {
                return Ok(index);
            }
            depth -= 1;
        } else if fence.nests(line) {
            depth += 1;
        }
    }
    Err(ParseEditsError::Truncated {
        line: fence.line + 1,
        missing: "line that closes its fence",
    })
}

/// Refuses a fence of which it is not certain where it ends: it is no longer than the fences its
/// content may have, and what follows looks like more of the content.
fn refuse_doubt(
    lines: &[&str],
    fence: &Fence,
    end: usize,
    markdown: bool,
) -> Result<(), ParseEditsError> {
    if fence.is_long() {
        return Ok(());
    }
    let rest = &lines[end + 1..];
    let next_block = rest.iter().enumerate().position(|(index, line)| {
        search_replace::opens_block(line)
            || deletion::deleted(line).is_some()
            || Fence::opened_by(line, 0).is_some_and(|(_, info)| {
                let before = rest[..index]
                    .iter()
                    .rev()
                    .find(|line| !line.trim().is_empty());
                header::path_in_info(info).is_some()
                    || before.is_some_and(|line| header::path_of(line).is_some())
            })
    });
    let rest = &rest[..next_block.unwrap_or(rest.len())];
    let glued = rest.first().is_some_and(|line| {
        !line.trim().is_empty() && header::path_of(line).is_none() && !line.starts_with('#')
    });
    let bare_fence = rest.iter().any(|line| fence.closed_by(line));
    let labelled = rest.iter().filter(|line| fence.nests(line)).count();
    let closings = rest.iter().filter(|line| fence.closed_by(line)).count();
    let doubtful = if markdown {
        closings > labelled
    } else {
        glued && bare_fence
    };
    if doubtful {
        return Err(ParseEditsError::DoubtfulFence {
            line: fence.line + 1,
        });
    }
    Ok(())
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

/// The form of a content that is a patch rather than a file.
fn foreign(path: &str, info: &str, content: &[&str]) -> Option<&'static str> {
    if matches!(path.rsplit_once('.'), Some((_, "diff" | "patch"))) {
        return None;
    }
    let blank = content
        .iter()
        .take_while(|line| line.trim().is_empty())
        .count();
    let lines = &content[blank..];
    let hunk = lines.first().is_some_and(|line| line.starts_with("@@ "));
    let labelled = matches!(info.split_whitespace().next(), Some("diff" | "patch"));
    parse::patch(lines).or((hunk || labelled).then_some("a diff"))
}
