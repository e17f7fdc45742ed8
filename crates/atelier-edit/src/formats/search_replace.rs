//! Blocks that replace some lines of a file with others.

use super::{EditFormat, Fence, Found};
use crate::{
    change::{Change, Hints, Split},
    header,
    parse::{ParseEditsError, Scan},
};

/// `<<<<<<< SEARCH` … `=======` … `>>>>>>> REPLACE`.
pub(super) struct SearchReplace;

const MARKS_MIN: usize = 5;
const MARKS_MAX: usize = 12;
/// Lines before a block, blank ones and fences aside, that are searched for its path.
const HEADER_LINES_MAX: usize = 3;

impl EditFormat for SearchReplace {
    fn name(&self) -> &'static str {
        "search-replace"
    }

    fn read(&self, scan: &Scan<'_>, at: usize) -> Result<Option<Found>, ParseEditsError> {
        let Some(open) = Marker::search(scan.lines[at]) else {
            return Ok(opened_fence(scan, at));
        };
        let end = end_of_block(scan.lines, at, &open)
            .or_else(|cut_off| ended_by_divider(scan, at, &open).ok_or(cut_off))?;
        let body = &scan.lines[at + 1..end];
        let body = &body[start_line_hint(body)..];
        let mut splits = splits(body, &open).into_iter();
        let first = splits
            .next()
            .ok_or(ParseEditsError::NoDivider { line: at + 1 })?;
        let path = match open.path {
            Some(path) => Some(path.to_owned()),
            None => path_before(scan, at),
        };
        let path = path.ok_or(ParseEditsError::NoPath { line: at + 1 })?;
        let change = Change::Replace {
            search: first.search,
            replace: first.replace,
            otherwise: splits.collect(),
            hints: Hints::default(),
        };
        Ok(Some(Found {
            edits: vec![(path, at, change)],
            end: end + 1,
            opened: None,
        }))
    }
}

/// A marker line that opens a block.
struct Marker<'a> {
    count: usize,
    indent: usize,
    /// A path after the word `SEARCH`.
    path: Option<&'a str>,
}

impl<'a> Marker<'a> {
    fn search(line: &'a str) -> Option<Self> {
        let (count, indent, rest) = marks(line, &['<', '-'])?;
        let rest = rest.trim_start().strip_prefix("SEARCH")?;
        let path = header::bare(rest.trim_start_matches(['>', ':']));
        let path = (!path.is_empty()).then_some(path);
        path.is_none_or(header::looks_like_path).then_some(Self {
            count,
            indent,
            path,
        })
    }
}

impl Marker<'_> {
    /// Whether this marker opens a block of its own, rather than being content of another.
    fn is_beside(&self, other: &Marker<'_>) -> bool {
        self.count == other.count && self.indent <= other.indent
    }
}

/// How many marks a line begins with, its indentation, and what follows the marks.
fn marks<'a>(line: &'a str, of: &[char]) -> Option<(usize, usize, &'a str)> {
    let trimmed = line.trim_start();
    let mark = trimmed.chars().next().filter(|c| of.contains(c))?;
    let rest = trimmed.trim_start_matches(mark);
    let count = trimmed.len() - rest.len();
    (MARKS_MIN..=MARKS_MAX)
        .contains(&count)
        .then_some((count, line.len() - trimmed.len(), rest))
}

fn is_replace(line: &str, open: &Marker<'_>) -> Option<usize> {
    let (count, indent, rest) = marks(line, &['>', '+'])?;
    (rest.trim() == "REPLACE" && indent <= open.indent).then_some(count)
}

fn is_divider(line: &str, open: &Marker<'_>) -> Option<usize> {
    let (count, indent, rest) = marks(line, &['='])?;
    (rest.trim().is_empty() && indent <= open.indent).then_some(count)
}

/// Index of the line that ends the block: the first closing marker as long as the opening one, or
/// else the first of any length, before another block opens.
fn end_of_block(lines: &[&str], at: usize, open: &Marker<'_>) -> Result<usize, ParseEditsError> {
    let mut other = None;
    for (index, line) in lines.iter().enumerate().skip(at + 1) {
        match is_replace(line, open) {
            Some(count) if count == open.count => return Ok(index),
            Some(_) => other = other.or(Some(index)),
            None if Marker::search(line).is_some_and(|next| next.is_beside(open)) => break,
            None => {}
        }
    }
    other.ok_or(ParseEditsError::Truncated {
        line: at + 1,
        missing: "its `>>>>>>> REPLACE` line",
    })
}

/// Index of a second divider that stands where the closing marker should, right before the end of
/// the block's fence.
fn ended_by_divider(scan: &Scan<'_>, at: usize, open: &Marker<'_>) -> Option<usize> {
    let fence = scan.fence.as_ref()?;
    let body = scan.lines[at + 1..]
        .iter()
        .take_while(|line| !fence.closed_by(line));
    let end = at + 1 + body.clone().count();
    let dividers = body.filter(|line| is_divider(line, open).is_some()).count();
    let last = end.checked_sub(1)?;
    let closed = end < scan.lines.len() && is_divider(scan.lines[last], open).is_some();
    (closed && dividers == 2).then_some(last)
}

/// Lines at the start of a block that only say where to look: `:start_line:12`, then `-------`.
fn start_line_hint(body: &[&str]) -> usize {
    let hint = |line: &&&str| line.starts_with(":start_line:") || line.starts_with(":end_line:");
    let hints = body.iter().take_while(hint).count();
    let ruler = |line: &&str| line.len() >= MARKS_MIN && line.bytes().all(|byte| byte == b'-');
    hints + usize::from(hints > 0 && body.get(hints).is_some_and(ruler))
}

/// Every way to divide a block, most likely first.
///
/// Where one divider is as long as the opening marker it is the one; lines of other lengths are
/// content. Where several are, the file itself has to tell.
fn splits(body: &[&str], open: &Marker<'_>) -> Vec<Split> {
    let dividers: Vec<(usize, usize)> = body
        .iter()
        .enumerate()
        .filter_map(|(index, line)| is_divider(line, open).map(|count| (index, count)))
        .collect();
    let alike: Vec<usize> = dividers
        .iter()
        .filter(|(_, count)| *count == open.count)
        .map(|(index, _)| *index)
        .collect();
    let places = if alike.is_empty() {
        dividers.iter().map(|(index, _)| *index).collect()
    } else {
        alike
    };
    places
        .into_iter()
        .map(|place| Split {
            search: text(&body[..place], open.indent),
            replace: text(&body[place + 1..], open.indent),
        })
        .collect()
}

/// Lines as text, without the indentation that the whole block has.
fn text(lines: &[&str], indent: usize) -> String {
    let indented =
        |line: &&str| line.trim().is_empty() || line.len() - line.trim_start().len() >= indent;
    let cut = if lines.iter().all(indented) {
        indent
    } else {
        0
    };
    let mut text = String::new();
    for line in lines {
        text.push_str(line.get(cut..).unwrap_or(""));
        text.push('\n');
    }
    text
}

/// The path of a block: in the lines before it inside its fence, in the fence, in the lines before
/// the fence, or that of the block before it.
fn path_before(scan: &Scan<'_>, at: usize) -> Option<String> {
    let floor = scan
        .fence
        .as_ref()
        .map_or(scan.floor, |fence| scan.floor.max(fence.line + 1));
    let info = match &scan.fence {
        Some(_) => "",
        None => "markdown",
    };
    let near = path_in_lines(&scan.lines[floor..at], info);
    near.or_else(|| scan.fence.as_ref().and_then(|fence| fence.path.clone()))
        .or_else(|| scan.path.clone())
}

/// The path that the last of some lines name.
fn path_in_lines(lines: &[&str], info: &str) -> Option<String> {
    lines
        .iter()
        .rev()
        .filter(|line| !line.trim().is_empty())
        .take(HEADER_LINES_MAX)
        .find_map(|line| header::path_of(line).or_else(|| header::path_in_comment(line, info)))
        .map(str::to_owned)
}

/// A fence whose first lines are a block, perhaps with its path before it.
fn opened_fence(scan: &Scan<'_>, at: usize) -> Option<Found> {
    if scan.fence.is_some() {
        return None;
    }
    let (mut fence, info) = Fence::opened_by(scan.lines[at], at)?;
    let names = |line: &str| {
        header::path_of(line).is_some() || header::path_in_comment(line, info).is_some()
    };
    let first = scan.lines[at + 1..]
        .iter()
        .take_while(|line| !fence.closed_by(line))
        .filter(|line| !line.trim().is_empty())
        .take(HEADER_LINES_MAX)
        .find(|line| !names(line))?;
    if !opens_block(first) {
        return None;
    }
    fence.path = header::path_in_info(info)
        .map(str::to_owned)
        .or_else(|| path_in_lines(&scan.lines[scan.floor..at], "markdown"));
    Some(Found {
        edits: Vec::new(),
        end: at + 1,
        opened: Some(fence),
    })
}

/// Whether a line opens a block.
pub(super) fn opens_block(line: &str) -> bool {
    Marker::search(line).is_some()
}
