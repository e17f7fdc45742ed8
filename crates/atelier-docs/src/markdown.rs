//! Markdown made from text that is not trusted to be well-formed.
//!
//! What models and people wrote goes through [`words`], [`line`], [`cell`] or [`block`]: it can then neither
//! open an HTML comment that hides the rest, nor stand for one of our markers, nor break a table,
//! nor put a heading above its place.

use std::fmt::Write as _;
use std::ops::Range;

use atelier_model::FileTree;

use crate::citations;

/// Follows a text line by line and tells code blocks from prose.
#[derive(Debug, Default)]
pub(crate) struct Fences {
    open: Option<String>,
}

/// What a line is to a reader of Markdown.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Line {
    /// Opens or closes a code block.
    Fence,
    /// Inside a code block.
    Code,
    /// Anything else.
    Text,
}

impl Fences {
    pub(crate) fn next(&mut self, line: &str) -> Line {
        let trimmed = line.trim();
        let run = fence_run(trimmed);
        match &self.open {
            Some(open) if run.starts_with(open.as_str()) && run.len() == trimmed.len() => {
                self.open = None;
                Line::Fence
            }
            Some(_) => Line::Code,
            None if run.is_empty()
                || (run.starts_with('`') && trimmed[run.len()..].contains('`')) =>
            {
                Line::Text
            }
            None => {
                self.open = Some(run.to_owned());
                Line::Fence
            }
        }
    }

    /// The fence that closes the block under way.
    pub(crate) fn closing(self) -> Option<String> {
        self.open
    }
}

/// The backticks or tildes a line begins with, where there are at least three.
fn fence_run(trimmed: &str) -> &str {
    let run = |mark: char| {
        let rest = trimmed.trim_start_matches(mark);
        &trimmed[..trimmed.len() - rest.len()]
    };
    [run('`'), run('~')]
        .into_iter()
        .find(|run| run.len() >= 3)
        .unwrap_or_default()
}

/// The code spans of one line, and where the rest begins that no backtick closes on this line.
pub(crate) fn code_spans(line: &str) -> (Vec<Range<usize>>, Option<usize>) {
    let runs = backtick_runs(line);
    let mut spans = Vec::new();
    let mut at = 0;
    while let Some(offset) = line[at..].find(['`', '\\']) {
        let start = at + offset;
        if line[start..].starts_with('\\') {
            let escaped = line[start + 1..].chars().next().map_or(0, char::len_utf8);
            at = start + 1 + escaped;
            continue;
        }
        let Some(open) = runs.iter().find(|run| run.contains(&start)) else {
            break;
        };
        let length = open.end - start;
        let close = runs
            .iter()
            .find(|run| run.start >= open.end && run.len() == length);
        let Some(close) = close else {
            return (spans, Some(start));
        };
        spans.push(start..close.end);
        at = close.end;
    }
    (spans, None)
}

/// The longest rows of backticks, each with its place.
fn backtick_runs(line: &str) -> Vec<Range<usize>> {
    let mut runs: Vec<Range<usize>> = Vec::new();
    for (at, _) in line.match_indices('`') {
        match runs.last_mut() {
            Some(run) if run.end == at => run.end = at + 1,
            _ => runs.push(at..at + 1),
        }
    }
    runs
}

/// Running text within a line, such as the rest of a heading. Its backticks are paired, so that
/// none of them reaches into what stands beside it.
pub(crate) fn words(text: &str, files: &FileTree) -> String {
    let mut joined = text.split_whitespace().collect::<Vec<_>>().join(" ");
    // A backslash at the end would take the meaning of what follows.
    let slashes = joined.len() - joined.trim_end_matches('\\').len();
    if slashes % 2 == 1 {
        joined.push('\\');
    }
    if let (_, Some(open)) = code_spans(&joined) {
        let rest = joined.split_off(open);
        escape_backticks(&rest, &mut joined);
    }
    prose_line(&joined, &mut true, files)
}

/// Adds a text in which no backtick means anything.
fn escape_backticks(text: &str, out: &mut String) {
    let mut escaped = false;
    for c in text.chars() {
        if c == '`' && !escaped {
            out.push('\\');
        }
        out.push(c);
        escaped = c == '\\' && !escaped;
    }
}

/// Running text that is a line, or a list item, of its own.
pub(crate) fn line(text: &str, files: &FileTree) -> String {
    unstructured(&words(text, files))
}

/// Running text in a table.
pub(crate) fn cell(text: &str, files: &FileTree) -> String {
    words(text, files).replace('|', "\\|")
}

/// A text shown letter by letter within a line.
pub(crate) fn code(text: &str) -> String {
    let text = text.split_whitespace().collect::<Vec<_>>().join(" ");
    let longest = backtick_runs(&text)
        .iter()
        .map(Range::len)
        .max()
        .unwrap_or(0);
    let ticks = "`".repeat(longest + 1);
    if text.is_empty() {
        "` `".to_owned()
    } else if longest == 0 {
        format!("`{text}`")
    } else {
        format!("{ticks} {text} {ticks}")
    }
}

/// A text shown letter by letter as a block.
pub(crate) fn fence(info: &str, text: &str) -> String {
    let longest = backtick_runs(text)
        .iter()
        .map(Range::len)
        .max()
        .unwrap_or(0);
    let ticks = "`".repeat(longest.max(2) + 1);
    let text = unmarked(text.trim_end());
    format!("{ticks}{info}\n{text}\n{ticks}\n")
}

/// A list of running texts; empty where there are none.
pub(crate) fn list<T: AsRef<str>>(items: impl IntoIterator<Item = T>) -> String {
    items.into_iter().fold(String::new(), |mut out, item| {
        _ = writeln!(out, "- {}", item.as_ref());
        out
    })
}

/// A heading with its text, or nothing where there is no text.
pub(crate) fn titled(level: usize, title: &str, body: &str) -> String {
    if body.trim().is_empty() {
        return String::new();
    }
    format!(
        "{} {title}\n\n{}\n",
        "#".repeat(level),
        body.trim_matches('\n')
    )
}

/// Markdown of several blocks whose highest heading becomes one of level `top`.
pub(crate) fn block(text: &str, top: usize, files: &FileTree) -> String {
    let lines: Vec<&str> = text.lines().map(str::trim_end).collect();
    let shift = top.cast_signed() - highest(&lines).cast_signed();
    let mut out = String::with_capacity(text.len() + 64);
    let mut fences = Fences::default();
    // A backtick left open may reach into later lines: from there on nothing counts as code until
    // the paragraph ends.
    let mut closed = true;
    let mut previous = "";
    for line in lines {
        match fences.next(line) {
            Line::Fence | Line::Code => out.push_str(&unmarked(line)),
            Line::Text if line.is_empty() => closed = true,
            Line::Text if is_underline(line) && is_paragraph(previous) => {
                // What would make a heading of the line before it.
                out.push('\\');
                out.push_str(line.trim_start());
            }
            Line::Text => match heading(line) {
                Some((level, title)) => {
                    let level = (level.cast_signed() + shift).clamp(1, 6).cast_unsigned();
                    out.push_str(&"#".repeat(level));
                    out.push(' ');
                    out.push_str(&prose_line(title, &mut true, files));
                }
                None => out.push_str(&prose_line(line, &mut closed, files)),
            },
        }
        out.push('\n');
        previous = line;
    }
    if let Some(fence) = fences.closing() {
        out.push_str(&fence);
        out.push('\n');
    }
    out
}

/// Level and text of a heading line.
pub(crate) fn heading(line: &str) -> Option<(usize, &str)> {
    let trimmed = line.trim_start();
    let rest = trimmed.trim_start_matches('#');
    let level = trimmed.len() - rest.len();
    let title = rest.trim().trim_end_matches('#').trim_end();
    let shallow = line.len() - trimmed.len() <= 3;
    let spaced = rest.is_empty() || rest.starts_with([' ', '\t']);
    ((1..=6).contains(&level) && spaced && shallow).then_some((level, title))
}

fn highest(lines: &[&str]) -> usize {
    let mut fences = Fences::default();
    lines
        .iter()
        .filter(|line| fences.next(line) == Line::Text)
        .filter_map(|line| heading(line))
        .map(|(level, _)| level)
        .min()
        .unwrap_or(1)
}

fn is_underline(line: &str) -> bool {
    let line = line.trim();
    !line.is_empty()
        && ['=', '-']
            .iter()
            .any(|mark| line.trim_matches(*mark).is_empty())
}

fn is_paragraph(line: &str) -> bool {
    !line.is_empty() && heading(line).is_none() && fence_run(line.trim()).is_empty()
}

/// One line of prose. `closed` says whether every backtick before it in its paragraph is paired,
/// and is kept up to date.
fn prose_line(line: &str, closed: &mut bool, files: &FileTree) -> String {
    let (mut spans, open) = code_spans(line);
    if *closed {
        *closed = open.is_none();
    } else {
        spans.clear();
    }
    let mut out = String::with_capacity(line.len() + 16);
    let mut at = 0;
    for span in spans {
        out.push_str(&prose(&line[at..span.start], files));
        out.push_str(&line[span.clone()]);
        at = span.end;
    }
    out.push_str(&prose(&line[at..], files));
    out
}

/// Running text without code: HTML is shown instead of obeyed, and a citation that leads nowhere
/// becomes a name.
fn prose(text: &str, files: &FileTree) -> String {
    let cited = citations::demoted(text, files);
    let mut out = String::with_capacity(cited.len() + 16);
    let mut rest = cited.as_str();
    while let Some(at) = rest.find('<') {
        let next = rest[at + 1..].chars().next();
        let tag = next.is_some_and(|c| c.is_ascii_alphabetic() || matches!(c, '/' | '!' | '?'));
        out.push_str(&rest[..at]);
        out.push_str(if tag { "&lt;" } else { "<" });
        rest = &rest[at + 1..];
    }
    out.push_str(rest);
    out
}

/// A line that begins no heading, list, quote, code block, table or rule.
fn unstructured(line: &str) -> String {
    let digits = line.len() - line.trim_start_matches(|c: char| c.is_ascii_digit()).len();
    let item = |rest: &str| rest.is_empty() || rest.starts_with(' ');
    let numbered = digits > 0 && line[digits..].strip_prefix(['.', ')']).is_some_and(item);
    let bulleted = line.strip_prefix(['-', '+', '*']).is_some_and(item);
    let first = line.chars().next().unwrap_or(' ');
    let ruled = "-*_=".contains(first) && line.chars().all(|c| c == first || c == ' ');
    let fenced = line.starts_with("~~~");
    let other = line.starts_with(['>', '|']) || heading(line).is_some();
    if numbered {
        format!("{}\\{}", &line[..digits], &line[digits..])
    } else if bulleted || ruled || fenced || other {
        format!("\\{line}")
    } else {
        line.to_owned()
    }
}

/// Code in which no line can be taken for one of our markers.
fn unmarked(text: &str) -> String {
    if crate::managed::has_markers(text) {
        text.replace("<!--", "<! --")
    } else {
        text.to_owned()
    }
}
