//! Blocks in which a line of dots stands for lines that the author left out.

use super::{
    Trouble, choose,
    splice::{Reading, Work, splice, stands},
    whole,
};
use crate::{
    place::{Hit, Page, arranged, places},
    text::{Ending, Piece, Text},
};

/// Works out what a block with lines of dots does: each piece between them has to have one place.
///
/// The replacement has to have as many lines of dots; what they stand for stays. `None` where the
/// block has no such lines or its pieces do not stand in the file.
pub(super) fn work(
    text: &Text,
    page: Page<'_>,
    reading: &Reading<'_>,
) -> Result<Option<Work>, Trouble> {
    let literal = |line: &str| page.lines.iter().any(|old| old.trim() == line.trim());
    let dots = |line: &&str| is_dots(line) && !literal(line);
    let old: Vec<_> = reading.search.split(dots).collect();
    let new: Vec<_> = reading.replace.split(dots).collect();
    if old.len() < 2 || new.len() != old.len() {
        return Ok(None);
    }
    let Some(hits) = hits(page, &old)? else {
        return Ok(None);
    };
    let mut splices = Vec::new();
    for ((old, new), hit) in old.iter().zip(&new).zip(hits) {
        let Some(hit) = hit else {
            if blank(new) {
                continue;
            }
            return Ok(None);
        };
        let splice = splice(text, page, &piece(old, new), &hit, Ending::Kept)?;
        let is_kept = |piece: &Piece| matches!(piece, Piece::Kept(_));
        let same = splice.pieces.len() == hit.range.len() && splice.pieces.iter().all(is_kept);
        if !same && !stands(page, &splice) {
            splices.push(splice);
        }
    }
    if splices.is_empty() {
        return Ok(Some(Work::Applied));
    }
    let note = "matched but for lines left out with dots".to_owned();
    Ok(Some(Work::Put(
        splices.into_iter().rev().collect(),
        vec![note],
    )))
}

fn piece<'a>(search: &[&'a str], replace: &[&'a str]) -> Reading<'a> {
    Reading {
        search: search.to_vec(),
        replace: replace.to_vec(),
        search_open: false,
        replace_open: false,
    }
}

/// The one place of each piece, none for those without anything to find; `None` where a piece
/// stands nowhere or they stand in another order.
fn hits(page: Page<'_>, pieces: &[&[&str]]) -> Result<Option<Vec<Option<Hit>>>, Trouble> {
    let mut found = Vec::new();
    for piece in pieces.iter().filter(|piece| !blank(piece)) {
        let places = places(page, piece);
        if places.hits.is_empty() || places.beyond {
            return Ok(None);
        }
        found.push(places.hits);
    }
    let ranges: Vec<Vec<_>> = found
        .iter()
        .map(|hits| hits.iter().map(|hit| hit.range.clone()).collect())
        .collect();
    let possible = arranged(&ranges, true);
    if possible.is_empty() {
        return Ok(None);
    }
    let mut chosen = Vec::new();
    for ((hits, possible), piece) in found.into_iter().zip(possible).zip(pieces_found(pieces)) {
        let [only] = possible.as_slice() else {
            let lines: Vec<usize> = possible.iter().map(|range| range.start + 1).collect();
            return Err(choose::several(&lines, false).seeking(piece));
        };
        chosen.extend(hits.into_iter().find(|hit| hit.range == *only));
    }
    let mut chosen = chosen.into_iter();
    let each = pieces
        .iter()
        .map(|piece| if blank(piece) { None } else { chosen.next() });
    Ok(Some(each.collect()))
}

fn pieces_found<'a>(pieces: &'a [&'a [&'a str]]) -> impl Iterator<Item = &'a [&'a str]> {
    pieces.iter().copied().filter(|piece| !blank(piece))
}

fn blank(lines: &[&str]) -> bool {
    lines.iter().all(|line| line.trim().is_empty())
}

fn is_dots(line: &str) -> bool {
    matches!(line.trim(), "..." | "…") || whole::stands_for_others(line)
}
