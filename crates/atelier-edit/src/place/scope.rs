//! Which places lie in the part of a file that an author names by its head.

use std::ops::Range;

use super::{alike, indent, loosest};

/// What heads say about some places.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Scoped {
    /// The file has no such heads.
    Unknown,
    /// The places, by index, that lie below them; perhaps none.
    Below(Vec<usize>),
}

/// Bytes at which git cuts off the head that it shows, roughly.
const CUT_OFF_BYTES_MIN: usize = 60;
/// Lines with one of these heads that are looked at.
const HEADS_MAX: usize = 10_000;

/// Which of some places lie below the heads, outermost first: within their bodies, by
/// indentation; or in the section that such a heading opens; or, where neither can be told, at
/// least after them.
pub(crate) fn scoped(file: &[&str], places: &[Range<usize>], heads: &[String]) -> Scoped {
    let mut bodies: Option<Vec<Range<usize>>> = None;
    let mut after = 0;
    for head in heads.iter().filter(|head| !head.trim().is_empty()) {
        let lines = lines_of(file, head);
        let inside = lines
            .iter()
            .filter(|at| within(bodies.as_deref(), **at))
            .map(|at| body(file, *at))
            .collect();
        let Some(first) = lines.into_iter().find(|at| *at >= after) else {
            return Scoped::Unknown;
        };
        after = first;
        bodies = Some(inside);
    }
    let chosen = |within: &dyn Fn(&Range<usize>) -> bool| -> Vec<usize> {
        let all = places.iter().enumerate();
        all.filter(|(_, place)| within(place))
            .map(|(at, _)| at)
            .collect()
    };
    let bodies = bodies.unwrap_or_default();
    let meets = |place: &Range<usize>, body: &Range<usize>| {
        place.start < body.end && body.start < place.end
    };
    let within = chosen(&|place| bodies.iter().any(|body| meets(place, body)));
    // A head without a body of its own only says what comes before.
    if within.is_empty() && bodies.iter().all(|body| body.len() == 1) {
        Scoped::Below(chosen(&|place| place.start >= after))
    } else {
        Scoped::Below(within)
    }
}

/// Whether a line lies in one of some bodies, if any are known.
fn within(bodies: Option<&[Range<usize>]>, line: usize) -> bool {
    bodies.is_none_or(|bodies| bodies.iter().any(|body| body.contains(&line)))
}

/// The lines that are a head, or begin with it where none is.
fn lines_of(file: &[&str], head: &str) -> Vec<usize> {
    let wanted = loosest(head);
    let found = |fits: &dyn Fn(&str) -> bool| -> Vec<usize> {
        let all = file.iter().enumerate();
        let fitting = all.filter(|(_, line)| fits(line)).map(|(at, _)| at);
        fitting.take(HEADS_MAX).collect()
    };
    let whole = found(&|line| alike(line, head));
    if !whole.is_empty() {
        return whole;
    }
    found(&|line| {
        loosest(line)
            .strip_prefix(wanted.as_ref())
            .is_some_and(|rest| {
                let cut_off = wanted.len() >= CUT_OFF_BYTES_MIN;
                let word = |c: char| c.is_alphanumeric() || c == '_';
                cut_off || !(rest.starts_with(word) && wanted.ends_with(word))
            })
    })
}

/// The lines from a head to the end of what belongs to it.
fn body(file: &[&str], head: usize) -> Range<usize> {
    let depth = indent(file[head]).len();
    if let Some(mark) = mark(file[head]) {
        let lines = file[head + 1..].iter();
        let inside = lines.take_while(|line| !opens_section(line, mark)).count();
        return head..head + 1 + inside;
    }
    let mut end = head + 1;
    for (at, line) in file.iter().enumerate().skip(head + 1) {
        let text = line.trim();
        let deeper = indent(line).len() > depth && !text.is_empty();
        if deeper || continues(text) {
            end = at + 1;
        } else if !is_aside(text) {
            // A bracket that closes the body still belongs to it.
            return head..if text.starts_with('}') { at + 1 } else { end };
        }
    }
    head..end
}

/// The sign that opens a heading, such as `##` or `[`; `None` where the head begins with a word.
fn mark(head: &str) -> Option<&str> {
    let head = head.trim();
    let hashes = head.len() - head.trim_start_matches('#').len();
    if hashes > 0 && head[hashes..].starts_with(' ') {
        return Some(&head[..hashes]);
    }
    let table = head.starts_with('[') && head.ends_with(']');
    table.then_some("[")
}

/// Whether a line opens a section beside or above that of a mark.
fn opens_section(line: &str, mark: &str) -> bool {
    let line = line.trim();
    if mark == "[" {
        return line.starts_with('[') && line.ends_with(']');
    }
    let hashes = line.len() - line.trim_start_matches('#').len();
    (1..=mark.len()).contains(&hashes) && line[hashes..].starts_with(' ')
}

/// Whether a line that is indented no deeper than a head may still belong to it: the end of its
/// parameters, or the bracket that opens its body.
fn continues(line: &str) -> bool {
    line.starts_with(['{', ')', ']']) || matches!(line, "where" | "begin" | "is")
}

/// Whether a line says nothing about where a body ends: a blank one, a comment, a condition of the
/// preprocessor.
fn is_aside(line: &str) -> bool {
    line.is_empty()
        || ["#", "//", "/*", "*"]
            .iter()
            .any(|mark| line.starts_with(mark))
}
