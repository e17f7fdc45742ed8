//! Blocks whose text to find begins or ends within a line.

use super::{
    Trouble,
    choose::several,
    rework::opens,
    splice::{Reading, Splice, Work, misindented, splice},
};
use crate::{
    change::Hints,
    place::{Hit, Page, indent},
    text::{Ending, Text},
};

/// Places of a text that are told apart.
const PLACES_MAX: usize = 100;

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
    if indented && reading.search.len() == 1 && reading.replace.len() > 1 {
        // Lines after the first would need an indentation that nobody wrote. Where several lines
        // are found, those after the first show that indentation is written as the file has it.
        return Ok(None);
    }
    by_letter(text, page, reading, place).map(Some)
}

/// What to do where lines were found but for their indentation, or more: they may be meant as a
/// text that begins within its line, with the lines after the first indented as the file is.
pub(super) fn or_lines(
    text: &Text,
    page: Page<'_>,
    reading: &Reading<'_>,
    lines: Work,
) -> Result<Work, Trouble> {
    let Work::Put(splices, _) = &lines else {
        return Ok(lines);
    };
    let ([splice], [old]) = (splices.as_slice(), reading.search.as_slice()) else {
        return Ok(lines);
    };
    let there = page.lines[splice.range.start];
    let own = indent(there);
    if own.is_empty() || old.starts_with(char::is_whitespace) || further(reading).next().is_none() {
        return Ok(lines);
    }
    let outermost = further(reading).any(|line| indent(line).is_empty());
    let deeper = further(reading)
        .next()
        .is_some_and(|line| indent(line).len() > own.len());
    let opens = opens(reading.replace[0]);
    if outermost || opens && !deeper {
        return Ok(lines);
    }
    let places = places(page.lines, &reading.search);
    let kept = reading.replace.windows(2);
    let kept = kept
        .clone()
        .any(|two| two[0].trim().is_empty() && two[1] == there);
    match places.as_slice() {
        [place] if kept && !opens => by_letter(text, page, reading, *place),
        _ => Err(misindented(page, &reading.search, splice.range.clone())),
    }
}

/// The lines of a replacement after the first, blank ones aside.
fn further<'a>(reading: &'a Reading<'_>) -> impl Iterator<Item = &'a str> {
    let lines = reading.replace.iter().skip(1).copied();
    lines.filter(|line| !line.trim().is_empty())
}

/// What comes of a text that is replaced where it stands.
fn by_letter(
    text: &Text,
    page: Page<'_>,
    reading: &Reading<'_>,
    place: Place,
) -> Result<Work, Trouble> {
    if stands_already(page.lines[place.0], place.1, reading) {
        return Ok(Work::Applied);
    }
    let note = "found within a line".to_owned();
    let splice = changed(text, page, reading, place)?;
    Ok(Work::Put(vec![splice], vec![note]))
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
    let around = |offset: usize| {
        let start = column.checked_sub(offset)?;
        line.get(start..).map(|rest| rest.starts_with(new))
    };
    columns(new, old).any(|offset| around(offset) == Some(true))
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
