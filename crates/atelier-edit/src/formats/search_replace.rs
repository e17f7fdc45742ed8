//! Blocks that replace some lines of a file with others.

use std::ops::Range;

use super::{EditFormat, Fence, Found, Opening, Shown, Stop, naming};
use crate::{
    change::{Change, Hints, Split},
    header,
    parse::{Fault, Scan},
};

/// `<<<<<<< SEARCH` … `=======` … `>>>>>>> REPLACE`.
pub(super) struct SearchReplace;

/// Words after the marks that open a block.
const SEARCH: [&str; 3] = ["SEARCH", "search", "ORIGINAL"];
/// Words after the marks that close it.
const REPLACE: [&str; 3] = ["REPLACE", "replace", "UPDATED"];
const MARKS_MIN: usize = 5;
const MARKS_MAX: usize = 12;
/// Lines of a block that may divide it; each is a reading of the whole block.
const DIVIDERS_MAX: usize = 16;

impl EditFormat for SearchReplace {
    fn name(&self) -> &'static str {
        "search-replace"
    }

    fn opens(&self, scan: &Scan<'_>, at: usize, _: &Fence) -> Result<bool, Stop> {
        Ok(opens_block(scan.at(at)))
    }

    fn read(&self, scan: &Scan<'_>, at: usize) -> Result<Option<Found>, Stop> {
        let Some(open) = Marker::search(scan.at(at)) else {
            return Ok(None);
        };
        let named = match open.path {
            Some(path) => Ok(Some(path.to_owned())),
            None => naming::path_before(scan, at),
        };
        let path = named.as_ref().ok().cloned().flatten();
        let end = end_of_block(scan, at, &open).map_err(|stop| {
            stop.while_open(|| Opening {
                path: path.clone(),
                from: at + 1,
                shown: Shown::AfterDivider,
            })
        })?;
        let body: Vec<&str> = scan.lines.range(at + 1..end).collect();
        let (line, hints) = place_hints(&body);
        let refused = |fault| Stop::Refused {
            at,
            path: path.clone(),
            fault,
            end: end + 1,
        };
        let mut splits = splits(&body[hints..], &open)
            .ok_or_else(|| {
                refused(Fault::Malformed {
                    line: at + 1,
                    said: "it has very many `=======` lines",
                    mend: "write longer markers, of nine characters, around the block and between \
                           its parts",
                })
            })?
            .into_iter();
        let first = splits.next().ok_or_else(|| {
            refused(Fault::Malformed {
                line: at + 1,
                said: "it has no `=======` line between what to find and what to put in its place",
                mend: "write a line `=======` between the two parts",
            })
        })?;
        let path = named.and_then(|path| path.ok_or(Fault::NoPath));
        let path = path.map_err(&refused)?;
        let change = Change::Replace {
            search: first.search,
            replace: first.replace,
            otherwise: splits.collect(),
            hints: Hints {
                line,
                ..Hints::default()
            },
        };
        Ok(Some(Found {
            edits: vec![(path, at, change)],
            end: end + 1,
            ..Found::default()
        }))
    }
}

/// A marker line that opens a block.
struct Marker<'a> {
    count: usize,
    indent: usize,
    /// Whether its marks are dashes, which plus signs close.
    dashed: bool,
    /// A path after the word `SEARCH`.
    path: Option<&'a str>,
}

impl<'a> Marker<'a> {
    fn search(line: &'a str) -> Option<Self> {
        let (count, indent, rest) = marks(line, &['<', '-'])?;
        let rest = rest.trim_start();
        let rest = SEARCH.iter().find_map(|word| rest.strip_prefix(word))?;
        let path = header::bare(rest.trim_start_matches(['>', ':']));
        let path = (!path.is_empty()).then_some(path);
        path.is_none_or(header::looks_like_path).then_some(Self {
            count,
            indent,
            dashed: line.trim_start().starts_with('-'),
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

/// Whether a line closes a block, and whether with marks like those that opened it.
fn is_replace(line: &str, open: &Marker<'_>) -> Option<bool> {
    let (count, indent, rest) = marks(line, &['>', '+'])?;
    let rest = rest.trim();
    // Some repeat the path of the block after its end.
    let (word, path) = rest.split_once(' ').unwrap_or((rest, ""));
    let path = path.is_empty() || header::looks_like_path(path);
    let closes = REPLACE.contains(&word) && path && indent <= open.indent;
    let dashed = line.trim_start().starts_with('+');
    closes.then_some(count == open.count && dashed == open.dashed)
}

fn is_divider(line: &str, open: &Marker<'_>) -> Option<usize> {
    let (count, indent, rest) = marks(line, &['='])?;
    (rest.trim().is_empty() && indent <= open.indent).then_some(count)
}

/// Index of the line that ends the block: the first closing marker like the opening one; or else
/// the first of any length or kind, unless something that is no part of the block stands before it.
fn end_of_block(scan: &Scan<'_>, at: usize, open: &Marker<'_>) -> Result<usize, Stop> {
    let mut other = None;
    let mut passed = false;
    let mut next = at + 1;
    while let Some(line) = scan.line(next)? {
        match is_replace(line, open) {
            Some(true) => return Ok(next),
            Some(false) => other = other.or(Some(next).filter(|_| !passed)),
            None => {
                let marker = Marker::search(line);
                if marker.as_ref().is_some_and(|next| next.is_beside(open)) {
                    break;
                }
                passed |= marker.is_some()
                    || Fence::opened_by(line, next).is_some()
                    || header::path_of(line).is_some();
            }
        }
        next += 1;
    }
    let by_divider = || ended_by_divider(scan, at..next, open);
    other.or_else(by_divider).ok_or(Stop::Refused {
        at,
        path: None,
        fault: Fault::Truncated {
            missing: "its `>>>>>>> REPLACE` line",
        },
        end: next,
    })
}

/// Index of a second divider that stands where the closing marker should, right before the end of
/// the block's fence.
fn ended_by_divider(scan: &Scan<'_>, block: Range<usize>, open: &Marker<'_>) -> Option<usize> {
    let fence = scan.fence()?;
    let mut dividers = Vec::new();
    for (index, line) in block.clone().zip(scan.lines.range(block)).skip(1) {
        if fence.closed_by(line) {
            let last = dividers.last().filter(|last| **last == index - 1);
            return last.copied().filter(|_| dividers.len() == 2);
        }
        if is_divider(line, open).is_some() {
            dividers.push(index);
        }
    }
    None
}

/// The line number that stands at the start of a block, as `:start_line:12` and a ruler, and how
/// many lines say so.
fn place_hints(body: &[&str]) -> (Option<usize>, usize) {
    let number = |line: &str| line.strip_prefix(":start_line:")?.trim().parse().ok();
    let hint = |line: &&&str| line.starts_with(":start_line:") || line.starts_with(":end_line:");
    let count = body.iter().take_while(hint).count();
    let line = body[..count].iter().find_map(|line| number(line));
    let dashes = |line: &&str| line.len() >= MARKS_MIN && line.bytes().all(|byte| byte == b'-');
    let ruler = count > 0 && body.get(count).is_some_and(dashes);
    (line, count + usize::from(ruler))
}

/// Every way to divide a block, most likely first.
///
/// Where one divider is as long as the opening marker it is the one; lines of other lengths are
/// content. Where several are, the file itself has to tell; `None` where too many are.
fn splits(body: &[&str], open: &Marker<'_>) -> Option<Vec<Split>> {
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
    let readings = |place: usize| readings(&body[..place], &body[place + 1..], open.indent);
    (places.len() <= DIVIDERS_MAX).then(|| places.into_iter().flat_map(readings).collect())
}

/// The ways to read two parts: without the backslashes that keep lines of the file from being taken
/// for markers and, should the file have these lines with backslashes, as they are.
fn readings(search: &[&str], replace: &[&str], indent: usize) -> Vec<Split> {
    let split = |search: &[&str], replace: &[&str]| Split {
        search: text(search, indent),
        replace: text(replace, indent),
    };
    let bare_search: Vec<&str> = search.iter().map(|line| unescaped(line)).collect();
    let bare_replace: Vec<&str> = replace.iter().map(|line| unescaped(line)).collect();
    let mut readings = vec![split(&bare_search, &bare_replace)];
    if bare_search != search {
        readings.push(split(search, replace));
    }
    readings
}

/// A line without the backslash before what would otherwise be a marker.
fn unescaped(line: &str) -> &str {
    line.strip_prefix('\\')
        .filter(|rest| {
            let named = rest.starts_with(":start_line:") || rest.starts_with(":end_line:");
            named || marks(rest, &['<', '=', '>', '-']).is_some_and(|(_, indent, _)| indent == 0)
        })
        .unwrap_or(line)
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

/// Whether a line ends a block.
pub(super) fn ends_block(line: &str) -> bool {
    marks(line, &['>', '+']).is_some_and(|(_, _, rest)| REPLACE.contains(&rest.trim()))
}

/// Whether some lines have the end of a block that does not begin in them, or its beginning alone.
pub(super) fn has_torn_block(lines: &[&str]) -> bool {
    let mut depth = 0_usize;
    for line in lines {
        if opens_block(line) {
            depth += 1;
        } else if ends_block(line) {
            let Some(outer) = depth.checked_sub(1) else {
                return true;
            };
            depth = outer;
        }
    }
    depth > 0
}

/// Whether some lines have the marks of a block or of a merge conflict, in whatever words.
pub(super) fn has_marks(lines: &[&str]) -> bool {
    let opens = |line: &&str| {
        marks(line, &['<']).is_some_and(|(_, indent, _)| indent == 0)
            || line.starts_with("&lt;&lt;&lt;&lt;&lt;")
    };
    let divides = |line: &&str| {
        marks(line, &['=']).is_some_and(|(_, indent, rest)| indent == 0 && rest.trim().is_empty())
    };
    let closes = |line: &&str| {
        marks(line, &['>']).is_some_and(|(_, indent, _)| indent == 0)
            || line.starts_with("&gt;&gt;&gt;&gt;&gt;")
    };
    let mut rest = lines.iter();
    rest.any(opens) && rest.any(divides) && rest.any(closes)
}

/// Whether a line opens a block.
pub(super) fn opens_block(line: &str) -> bool {
    Marker::search(line).is_some()
}
