//! What a replacement becomes at its place: indented and typed as the lines there are.

use std::collections::{BTreeMap, BTreeSet};

use similar::{Algorithm, DiffOp, capture_diff_slices};

use super::splice::Reading;
use crate::{
    place::{Hit, Page, Rung, Shift, indent},
    text::Piece,
};

/// Characters of a line up to which typographic ones are carried over.
const RETYPED_CHARS_MAX: usize = 2_000;
/// Lines of a search with typographic characters that a new line is compared with.
const RETYPED_LINES_MAX: usize = 50;

/// Lines as they are compared: blanks at their ends that did not matter in finding them do not make
/// them others.
fn compared<'a>(hit: &Hit, lines: &[&'a str]) -> Vec<&'a str> {
    let exact = hit.way.rung == Rung::Exact;
    let part = |line: &&'a str| if exact { *line } else { line.trim_end() };
    lines.iter().map(part).collect()
}

/// The lines that come in place of a hit; `None` where the shift does not suit a new line.
///
/// Lines that search and replacement share stay as the file has them, byte for byte, also where the
/// replacement has them in another order.
pub(super) fn lines_after(
    view: &[&str],
    hit: &Hit,
    reading: &Reading<'_>,
    shift: &Shift,
) -> Option<Vec<Piece>> {
    let (search, replace) = (&reading.search, &reading.replace);
    let there = hit.lines(view, search);
    let known = known(view, hit, search, &there);
    let new = |line: &str| {
        Some(Piece::New(match known.get(line) {
            Some(Some(line)) => (*line).to_owned(),
            _ if hit.way.rung == Rung::Unicode => retyped(&shift.line(line)?, search, &there, view),
            _ => shift.line(line)?,
        }))
    };
    let mut pieces = Vec::new();
    let mut next = hit.range.start;
    let mut kept_last = true;
    let (old, written) = (compared(hit, search), compared(hit, replace));
    for op in capture_diff_slices(Algorithm::Myers, &old, &written) {
        let equal = matches!(op, DiffOp::Equal { .. });
        let bounded = search
            .get(op.old_range().start)
            .is_none_or(|line| !line.trim().is_empty());
        if op.old_range().is_empty() && kept_last && bounded && ends_blank(&replace[op.new_range()])
        {
            // New lines that bring a blank line after them follow the one before them.
            let end = blank_run_end(view, next, hit.range.end);
            pieces.extend((next..end).map(Piece::Kept));
            next = end;
        }
        for at in op.old_range() {
            // Blank lines that only the file has go with the lines on both of their sides.
            let end = match there[at] {
                Some(there) => there,
                None => blank_run_end(view, next, hit.range.end),
            };
            let written = matches!(pieces.last(), Some(Piece::New(line)) if line.trim().is_empty());
            let stays = equal && !written || (kept_last || paired(&op)) && there[at].is_some();
            if stays {
                pieces.extend((next..end).map(Piece::Kept));
            }
            next = next.max(end);
            if let Some(there) = there[at] {
                if equal {
                    pieces.push(Piece::Kept(there));
                }
                next = there + 1;
                kept_last = equal;
            }
            if paired(&op) {
                let at = op.new_range().start + (at - op.old_range().start);
                pieces.push(new(replace[at])?);
            }
        }
        if !equal && !paired(&op) {
            for at in op.new_range() {
                pieces.push(new(replace[at])?);
            }
        }
    }
    Some(pieces)
}

/// For each line of a search that stands otherwise in the file, how it stands there; `None` where
/// it stands there in several ways.
fn known<'a>(
    view: &[&'a str],
    hit: &Hit,
    search: &[&'a str],
    there: &[Option<usize>],
) -> BTreeMap<&'a str, Option<&'a str>> {
    let mut known = BTreeMap::new();
    if hit.way.rung == Rung::Exact {
        return known;
    }
    for (line, there) in search.iter().zip(there) {
        let stands = there.map_or("", |there| view[there]);
        known
            .entry(*line)
            .and_modify(|known| {
                if *known != Some(stands) {
                    *known = None;
                }
            })
            .or_insert(Some(stands));
    }
    known
}

/// Whether lines are replaced by as many others, each by one.
fn paired(op: &DiffOp) -> bool {
    matches!(op, DiffOp::Replace { old_len, new_len, .. } if old_len == new_len)
}

fn ends_blank(lines: &[&str]) -> bool {
    lines.last().is_some_and(|line| line.trim().is_empty())
}

/// Whether new lines are indented less than every line of a search that has a single indentation.
/// Where that indentation is not the file's, it cannot be told what theirs should be.
pub(super) fn dedents(search: &[&str], replace: &[&str]) -> bool {
    let depth = |line: &&str| (!line.trim().is_empty()).then(|| indent(line).len());
    let mut depths = search.iter().filter_map(depth);
    let Some(first) = depths.next() else {
        return false;
    };
    let single = depths.all(|depth| depth == first);
    single && inserted(search, replace).any(|line| depth(&line).is_some_and(|depth| depth < first))
}

/// Whether a new line is indented as the file is already, although the search is not: where nothing
/// before it opens a block, it may be meant as it stands or be one level deeper.
pub(super) fn indented_already(
    view: &[&str],
    hit: &Hit,
    search: &[&str],
    replace: &[&str],
) -> bool {
    let full = |line: &&str| !line.trim().is_empty();
    let mut depths = search.iter().copied().filter(full).map(indent);
    let Some(first) = depths.next() else {
        return false;
    };
    let there = view[hit.range.clone()].iter().copied().find(full);
    let there = there.map(indent).unwrap_or_default();
    if there == first || !depths.all(|depth| depth == first) {
        return false;
    }
    let doubtful = |at: usize| {
        let before = replace[..at].iter().rev().copied().find(full);
        full(&replace[at]) && indent(replace[at]) == there && !before.is_some_and(opens)
    };
    capture_diff_slices(Algorithm::Myers, search, replace)
        .into_iter()
        .filter(|op| !matches!(op, DiffOp::Equal { .. }))
        .any(|op| op.new_range().any(doubtful))
}

/// Whether new lines stand beside a blank line at the edge of a search where the file has another
/// line: they would come apart from what they were written beside.
pub(super) fn misses_an_edge(page: Page<'_>, hit: &Hit, reading: &Reading<'_>) -> bool {
    let (search, replace) = (&reading.search, &reading.replace);
    let full = |line: &&str| !line.trim().is_empty();
    let (Some(first), Some(last)) = (search.iter().position(full), search.iter().rposition(full))
    else {
        return false;
    };
    let before = hit.range.start.checked_sub(1);
    let other = |at: Option<usize>| at.and_then(|at| page.lines.get(at)).is_some_and(full);
    let above = first > 0 && other(before);
    let below = last + 1 < search.len() && other(Some(hit.range.end));
    let changes = |op: &DiffOp| !matches!(op, DiffOp::Equal { .. });
    hit.way.rung == Rung::Blank
        && capture_diff_slices(Algorithm::Myers, search, replace)
            .iter()
            .filter(|op| changes(op))
            .any(|op| {
                let old = op.old_range();
                above && old.start <= first && old.end <= first || below && old.start > last
            })
}

/// Whether what follows a line usually lies one level deeper.
pub(super) fn opens(line: &str) -> bool {
    let line = line.trim_end();
    let tag = line.ends_with('>') && !line.contains("</") && !line.ends_with("/>");
    tag || line.ends_with([':', '{', '(', '[', ',', '\\', '='])
        || [" do", " then", "else", "=>", "->"]
            .iter()
            .any(|end| line.ends_with(end))
}

/// The lines of a replacement that its search does not have.
pub(super) fn inserted<'a>(
    search: &[&str],
    replace: &'a [&'a str],
) -> impl Iterator<Item = &'a str> {
    capture_diff_slices(Algorithm::Myers, search, replace)
        .into_iter()
        .filter(|op| !matches!(op, DiffOp::Equal { .. }))
        .flat_map(|op| op.new_range())
        .map(|at| replace[at])
}

/// A new line with the typographic characters of the line it is made of, wherever the search has
/// plain ones that the new line shares: from the start, up to the end, or within what both share.
fn retyped(new: &str, search: &[&str], there: &[Option<usize>], view: &[&str]) -> String {
    let mut body: Vec<char> = new.trim_start().chars().collect();
    let candidate = |(old, there): (&&str, &Option<usize>)| {
        let plain: Vec<char> = old.trim().chars().collect();
        let typed: Vec<char> = view[(*there)?].trim().chars().collect();
        let differ = plain != typed && plain.len() == typed.len();
        (differ && plain.len() <= RETYPED_CHARS_MAX).then_some((plain, typed))
    };
    let best = search
        .iter()
        .zip(there)
        .filter_map(candidate)
        .take(RETYPED_LINES_MAX)
        .map(|(plain, typed)| (shared(&plain, &body), plain, typed))
        .filter(|(shared, plain, _)| shared.len() * 2 >= plain.len())
        .max_by_key(|(shared, _, _)| shared.len());
    let Some((shared, plain, typed)) = best else {
        return new.to_owned();
    };
    let start = plain
        .iter()
        .zip(&body)
        .take_while(|(old, new)| old == new)
        .count();
    let ends = plain.iter().rev().zip(body.iter().rev());
    let end = ends.take_while(|(old, new)| old == new).count();
    let size = body.len();
    for (old, new) in &shared {
        let outside =
            (old == new && *new < start) || (plain.len() - old == size - new && size - new <= end);
        // A character whose neighbours differ may be shared by chance.
        let between = *old > 0 && *new > 0 && shared.contains(&(old - 1, new - 1));
        if outside || between && shared.contains(&(old + 1, new + 1)) {
            body[*new] = typed[*old];
        }
    }
    indent(new).chars().chain(body).collect()
}

/// The positions of characters that two lines share, in the order of both.
fn shared(old: &[char], new: &[char]) -> BTreeSet<(usize, usize)> {
    if new.len() > RETYPED_CHARS_MAX {
        return BTreeSet::new();
    }
    capture_diff_slices(Algorithm::Myers, old, new)
        .iter()
        .filter(|op| matches!(op, DiffOp::Equal { .. }))
        .flat_map(|op| op.old_range().zip(op.new_range()))
        .collect()
}

fn blank_run_end(view: &[&str], from: usize, to: usize) -> usize {
    let blank = |at: &usize| view[*at].trim().is_empty();
    from + (from..to).take_while(blank).count()
}
