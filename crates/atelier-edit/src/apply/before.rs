//! Whether an edit was applied earlier: then there is nothing to do.

use std::ops::Range;

use similar::{Algorithm, DiffOp, capture_diff_slices};

use super::{closest, rework::inserted, splice::Reading};
use crate::{
    place::{Hit, Page, Rung, places},
    text::Piece,
};

/// Letters and digits that inserted lines must have before their presence right beside their place
/// is taken as proof that an edit was applied earlier: hardly anybody wants a line twice there.
const TELLING_ADDED_MIN: usize = 1;
/// The same for a replacement that shares lines with a search that stands nowhere.
const TELLING_BESIDE_MIN: usize = 5;
/// The same where nothing around them agrees.
const TELLING_ALONE_MIN: usize = 20;
/// Beginnings of lines that only close what others opened: another one may well follow.
const CLOSING: [&str; 9] = ["}", ")", "]", "</", "end", "fi", "done", "esac", "#endif"];

/// Whether the lines that a block adds before or after its place, which has so many lines, stand
/// there already: `above` it, from the nearest up, or `below` it.
pub(super) fn surrounded<'a>(
    above: impl Iterator<Item = &'a str>,
    below: impl Iterator<Item = &'a str>,
    size: usize,
    pieces: &[Piece],
) -> bool {
    let kept = |piece: &Piece| matches!(piece, Piece::Kept(_));
    let added = |piece: &Piece| match piece {
        Piece::New(line) => Some(line.clone()),
        Piece::Kept(_) => None,
    };
    let before: Vec<String> = pieces.iter().map_while(added).collect();
    let rest = &pieces[before.len()..];
    let middle = rest.iter().take_while(|piece| kept(piece)).count();
    let after: Vec<String> = rest[middle..].iter().map_while(added).collect();
    let whole = middle == size && before.len() + middle + after.len() == pieces.len();
    let new = || before.iter().chain(&after).map(String::as_str);
    if !whole || letters(new().filter(|line| !closes(line))) < TELLING_ADDED_MIN {
        return false;
    }
    let filled = |line: &&str| !line.trim().is_empty();
    let before = before.iter().rev().map(String::as_str).filter(filled);
    let after = after.iter().map(String::as_str).filter(filled);
    follow(above.filter(filled), before) && follow(below.filter(filled), after)
}

/// Whether a replacement stands, as it is written, where its search was found only by comparing
/// less than exactly.
pub(super) fn rewritten(page: Page<'_>, hit: &Hit, reading: &Reading<'_>) -> bool {
    let (search, replace) = (&reading.search, &reading.replace);
    if replace.len() < search.len() || inserted(search, replace).next().is_none() {
        return false;
    }
    places(page, replace).hits.iter().any(|there| {
        let range = &there.range;
        let meets = range.start < hit.range.end && hit.range.start < range.end;
        meets && there.way.rung <= Rung::Trailing
    })
}

/// Whether lines begin with some others, blanks at their ends aside.
fn follow<'a, 'b>(
    mut there: impl Iterator<Item = &'a str>,
    mut wanted: impl Iterator<Item = &'b str>,
) -> bool {
    wanted.all(|wanted| {
        there
            .next()
            .is_some_and(|there| there.trim_end() == wanted.trim_end())
    })
}

fn closes(line: &str) -> bool {
    let line = line.trim();
    CLOSING.iter().any(|start| line.starts_with(start))
}

/// Whether lines stand in the file from one of its lines on, blanks at their ends aside.
pub(super) fn stands_at(file: &[&str], start: usize, lines: &[&str]) -> bool {
    let there = file.get(start..start + lines.len());
    let same = |(there, wanted): (&&str, &&str)| there.trim_end() == wanted.trim_end();
    !lines.is_empty() && there.is_some_and(|there| there.iter().zip(lines).all(same))
}

/// Whether the replacement stands in the file where its search does not, and could hardly stand
/// there by chance.
pub(super) fn applied_before(page: Page<'_>, reading: &Reading<'_>) -> bool {
    let (search, replace) = (&reading.search, &reading.replace);
    let hits = places(page, replace).hits;
    let once = matches!(hits.as_slice(), [hit] if hit.way.rung <= Rung::Trailing);
    let telling_line = |at: usize| !search[at].trim().is_empty();
    let ops = capture_diff_slices(Algorithm::Myers, search, replace);
    let shared = ops
        .iter()
        .any(|op| matches!(op, DiffOp::Equal { .. }) && op.old_range().any(telling_line));
    // That lines at an edge of the block are gone proves nothing: they may be misquoted.
    let edges = [ops.first(), ops.last()];
    if edges
        .iter()
        .any(|op| matches!(op, Some(DiffOp::Delete { .. })))
    {
        return false;
    }
    let telling = if shared {
        TELLING_BESIDE_MIN
    } else {
        TELLING_ALONE_MIN
    };
    once && (letters(inserted(search, replace)) >= telling || replaced(page, &hits[0], search))
}

/// Whether the one place of a replacement is what its search was: nothing else in the file is as
/// much like the search.
fn replaced(page: Page<'_>, hit: &Hit, search: &[&str]) -> bool {
    let meets = |range: &Range<usize>| range.start < hit.range.end && hit.range.start < range.end;
    let Some((range, next)) = closest::most_alike(page.lines, search, meets) else {
        return false;
    };
    let same = hit.range.len() != search.len() || range.start == hit.range.start;
    meets(&range) && same && !next
}

fn letters<'a>(lines: impl Iterator<Item = &'a str>) -> usize {
    lines
        .map(|line| line.chars().filter(|c| c.is_alphanumeric()).count())
        .sum()
}
