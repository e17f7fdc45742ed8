//! Blocks whose text to find begins or ends within a line.

use super::{
    Trouble,
    choose::several,
    splice::{Reading, Splice, Work, splice},
};
use crate::{
    change::Hints,
    place::{Hit, Page},
    text::{Ending, Text},
};

/// Places of a text that are told apart.
const PLACES_MAX: usize = 100;
/// Letters and digits that a replacement must add to its text before its presence is taken as
/// proof that it was made earlier.
const TELLING_MIN: usize = 5;

/// A place of a text within lines: the first line, and the byte of it at which the text begins.
type Place = (usize, usize);

/// Works out what a block does whose text stands within lines; `None` where it stands nowhere.
pub(super) fn work(
    text: &Text,
    page: Page<'_>,
    reading: &Reading<'_>,
    hints: &Hints,
) -> Result<Option<Work>, Trouble> {
    let ends = [reading.search.first(), reading.search.last()];
    let blank = |c: char| c.is_whitespace();
    if ends[0].is_none_or(|first| first.is_empty() || first.starts_with(blank))
        || ends[1].is_none_or(|last| last.is_empty() || last.ends_with(blank))
    {
        return Ok(None);
    }
    let places = places(page.lines, &reading.search);
    let numbered = |(line, _): &&Place| text.number(*line) == hints.line && hints.line.is_some();
    let mut named = places.iter().filter(numbered);
    let place = match (places.as_slice(), named.next(), named.next()) {
        ([], _, _) => return Ok(None),
        ([only], _, _) | (_, Some(only), None) => *only,
        _ => {
            let lines: Vec<usize> = places.iter().map(|(line, _)| line + 1).collect();
            return Err(several(&lines, places.len() == PLACES_MAX).seeking(&reading.search));
        }
    };
    let before = &page.lines[place.0][..place.1];
    let indented = !before.is_empty() && before.trim().is_empty();
    if indented && reading.search.len().max(reading.replace.len()) > 1 {
        // Lines after the first would need an indentation that nobody wrote.
        return Ok(None);
    }
    if stands_already(page.lines[place.0], place.1, reading) {
        return Ok(Some(Work::Applied));
    }
    let note = "found within a line".to_owned();
    Ok(Some(Work::Put(
        vec![changed(text, page, reading, place)?],
        vec![note],
    )))
}

/// Every place of a text, overlapping ones included, up to a number.
fn places(file: &[&str], search: &[&str]) -> Vec<Place> {
    match search {
        [] => Vec::new(),
        [only] => {
            let all = file.iter().enumerate();
            let within =
                all.flat_map(|(at, line)| columns(line, only).map(move |column| (at, column)));
            within.take(PLACES_MAX).collect()
        }
        [first, middle @ .., last] => file
            .windows(search.len())
            .enumerate()
            .filter(|(_, there)| {
                there[0].ends_with(first)
                    && there[1..=middle.len()] == *middle
                    && there[search.len() - 1].starts_with(last)
            })
            .map(|(at, there)| (at, there[0].len() - first.len()))
            .take(PLACES_MAX)
            .collect(),
    }
}

/// Where in a line a text begins.
fn columns<'a>(line: &'a str, text: &'a str) -> impl Iterator<Item = usize> {
    let step = text.chars().next().map_or(1, char::len_utf8);
    let find = move |from: usize| Some(from + line.get(from..)?.find(text)?);
    std::iter::successors(find(0), move |at| find(at + step))
}

/// Whether the whole replacement stands around its text already.
fn stands_already(line: &str, column: usize, reading: &Reading<'_>) -> bool {
    let ([old], [new]) = (reading.search.as_slice(), reading.replace.as_slice()) else {
        return false;
    };
    let letters = |text: &str| text.chars().filter(|c| c.is_alphanumeric()).count();
    let telling = letters(new) >= letters(old) + TELLING_MIN;
    let around = |offset: usize| {
        let start = column.checked_sub(offset)?;
        line.get(start..).map(|rest| rest.starts_with(new))
    };
    telling && columns(new, old).any(|offset| around(offset) == Some(true))
}

/// The lines with the text replaced in them.
fn changed(
    text: &Text,
    page: Page<'_>,
    reading: &Reading<'_>,
    (line, column): Place,
) -> Result<Splice, Trouble> {
    let range = line..line + reading.search.len();
    let there = &page.lines[range.clone()];
    let rest = match reading.search.as_slice() {
        [only] => column + only.len(),
        [.., last] => last.len(),
        [] => 0,
    };
    let before = &there[0][..column];
    let after = &there[there.len() - 1][rest..];
    let lines = format!("{before}{}{after}", reading.replace.join("\n"));
    let whole = Reading {
        search: there.to_vec(),
        replace: lines.split('\n').collect(),
        search_open: false,
        replace_open: false,
    };
    splice(text, page, &whole, &Hit::exact(range), Ending::Kept)
}
