//! Which of several places an edit means: the only one, or the one that its hints leave.

use std::{
    collections::{BTreeMap, BTreeSet},
    ops::Range,
};

use super::{Trouble, before::stands_at, splice::Reading};
use crate::{
    change::{Change, Edit, Hints},
    place::{Hit, Page, Places, Scoped, arranged, places, places_by_any_way, scoped},
    text::Text,
};

/// Places that are listed for a search that is found more than once.
const PLACES_SHOWN_MAX: usize = 10;
/// Edits of one sequence whose order tells their places.
const SEQUENCE_MAX: usize = 200;
/// Letters and digits that new lines must have before their presence at the line that an author
/// named is taken as proof that the edit was applied earlier.
const TELLING_MIN: usize = 8;

/// What is known about the edits of one file, by their index in the reply.
#[derive(Debug, Clone, Default)]
pub(super) struct Memory {
    /// Edits that were applied, or had been before.
    done: BTreeSet<usize>,
    /// The lines that edits took the place of, by their numbers before any edit.
    placed: BTreeMap<usize, Range<usize>>,
    /// Per sequence, the lines that each of its edits can take the place of.
    feasible: BTreeMap<usize, BTreeMap<usize, Vec<Range<usize>>>>,
}

/// An edit that looks for its place.
#[derive(Debug)]
pub(super) struct Asked<'a> {
    /// All edits of the reply.
    pub(super) edits: &'a [Edit],
    /// Which of them it is.
    pub(super) at: usize,
    /// What it says about its place.
    pub(super) hints: &'a Hints,
    /// How many ways there are to read it.
    pub(super) readings: usize,
    /// What is known about the others.
    pub(super) memory: &'a mut Memory,
}

/// The outcome of a choice.
#[derive(Debug)]
pub(super) enum Choice {
    /// This place, with remarks.
    Hit(Hit, Vec<String>),
    /// The edit was applied before.
    Applied,
}

impl Memory {
    /// Remembers that an edit was applied.
    pub(super) fn did(&mut self, at: usize) {
        self.done.insert(at);
    }

    /// Remembers which lines of the file as it was an edit takes the place of.
    pub(super) fn placed(&mut self, at: usize, range: &Range<usize>) {
        self.placed.insert(at, range.start + 1..range.end + 1);
    }
}

impl Asked<'_> {
    /// Remembers the lines that this edit takes the place of.
    pub(super) fn placed(&mut self, text: &Text, range: &Range<usize>) {
        if let Some(numbers) = numbers(text, range) {
            self.memory.placed.insert(self.at, numbers);
        }
    }

    /// The earlier edit that says the same.
    pub(super) fn twin(&self) -> Option<usize> {
        let this = &self.edits[self.at];
        let same = |at: &usize| {
            let other = &self.edits[*at];
            other.path == this.path && says_the_same(&other.change, &this.change)
        };
        self.memory.done.iter().copied().find(same)
    }
}

/// Whether two edits replace the same lines by the same, and neither says where in another way
/// than the other.
fn says_the_same(one: &Change, other: &Change) -> bool {
    let (
        Change::Replace {
            search,
            replace,
            hints,
            ..
        },
        Change::Replace {
            search: other_search,
            replace: other_replace,
            hints: other_hints,
            ..
        },
    ) = (one, other)
    else {
        return one == other;
    };
    let line = hints
        .line
        .zip(other_hints.line)
        .is_none_or(|(one, other)| one == other);
    let silent = hints.scopes.is_empty() || other_hints.scopes.is_empty();
    let scopes = silent || hints.scopes == other_hints.scopes;
    line && scopes && search == other_search && replace == other_replace
}

/// The lines of a range by their numbers before any edit.
fn numbers(text: &Text, range: &Range<usize>) -> Option<Range<usize>> {
    let last = range.end.checked_sub(1)?;
    Some(text.number(range.start)?..text.number(last)? + 1)
}

/// Chooses among the places of a reading. Those that earlier edits of the reply have put there
/// count only where there are no others.
pub(super) fn choose(
    text: &Text,
    page: Page<'_>,
    reading: &Reading<'_>,
    found: Places,
    asked: &mut Asked<'_>,
) -> Result<Choice, Trouble> {
    let old = |hit: &Hit| text.is_old(hit.range.clone());
    let mut pool = found.hits;
    if pool.iter().any(old) {
        pool.retain(old);
    }
    if found.beyond {
        return Err(ambiguous(&pool, true, reading));
    }
    if !pool.iter().any(old) {
        // A stricter match with new lines does not outweigh a place that was there before.
        let mut elsewhere = places_by_any_way(page, &reading.search)
            .into_iter()
            .filter(|range| text.is_old(range.clone()));
        if let Some(range) = elsewhere.next() {
            let lines = pool.iter().map(|hit| hit.range.start).chain([range.start]);
            let lines: Vec<usize> = lines.map(|line| line + 1).collect();
            return Err(several(&lines, false).seeking(&reading.search));
        }
    }
    let hit = match pool.as_slice() {
        [only] => only.clone(),
        _ => chosen(text, page, reading, &pool, asked)?,
    };
    let twin = asked.twin().and_then(|twin| asked.memory.placed.get(&twin));
    let mut old = hit.range.clone().filter_map(|at| text.number(at));
    if twin.is_some_and(|twin| old.any(|number| twin.contains(&number))) {
        return Ok(Choice::Applied);
    }
    if pool.len() > 1 {
        return Ok(Choice::Hit(hit, Vec::new()));
    }
    sole(text, page, reading, hit, asked.hints)
}

/// The place among several that the hints leave.
fn chosen(
    text: &Text,
    page: Page<'_>,
    reading: &Reading<'_>,
    pool: &[Hit],
    asked: &mut Asked<'_>,
) -> Result<Hit, Trouble> {
    let left = left(text, page, reading, pool, asked.hints);
    if let [only] = left.as_slice() {
        return Ok(pool[*only].clone());
    }
    let numbered: Vec<(usize, Range<usize>)> = left
        .iter()
        .filter_map(|at| Some((*at, numbers(text, &pool[*at].range)?)))
        .collect();
    let feasible = feasible(text, page, asked, &numbered);
    let mut fitting = numbered
        .iter()
        .filter(|(_, range)| feasible.contains(range));
    match (fitting.next(), fitting.next()) {
        (Some((only, _)), None) => Ok(pool[*only].clone()),
        _ => Err(ambiguous(pool, false, reading)),
    }
}

/// The places, by index, that no hint speaks against. A hint that speaks against all of them is
/// wrong and does not count, unless it names a part of the file in which none of them lies.
fn left(
    text: &Text,
    page: Page<'_>,
    reading: &Reading<'_>,
    pool: &[Hit],
    hints: &Hints,
) -> Vec<usize> {
    let mut left: Vec<usize> = (0..pool.len()).collect();
    let ranges: Vec<_> = pool.iter().map(|hit| hit.range.clone()).collect();
    if !hints.scopes.is_empty()
        && let Scoped::Below(below) = scoped(page.lines, &ranges, &hints.scopes)
    {
        left = below;
    }
    let line_of = |at: usize| pool[at].begin(&reading.search);
    let lines: [&dyn Fn(usize) -> bool; 2] = [
        &|at| hints.line.is_some() && text.number(line_of(at)) == hints.line,
        &|at| hints.line == Some(line_of(at) + 1),
    ];
    // Numbers count the lines before the reply, or else those that earlier edits left.
    if let Some(fits) = lines.iter().find(|fits| (0..pool.len()).any(fits)) {
        left.retain(|at| fits(*at));
    }
    let at_end = |at: usize| ends_file(reading, hints) && is_last(page.lines, &pool[at]);
    if (0..pool.len()).any(at_end) {
        left.retain(|at| at_end(*at));
    }
    left
}

/// Whether an edit is said to concern the last lines of its file.
fn ends_file(reading: &Reading<'_>, hints: &Hints) -> bool {
    hints.at_end || reading.search_open || reading.replace_open
}

fn is_last(view: &[&str], hit: &Hit) -> bool {
    view[hit.range.end..]
        .iter()
        .all(|line| line.trim().is_empty())
}

/// The lines, by their numbers, that an edit can take the place of if all edits of its sequence
/// stand in the order in which they were written.
fn feasible(
    text: &Text,
    page: Page<'_>,
    asked: &mut Asked<'_>,
    own: &[(usize, Range<usize>)],
) -> Vec<Range<usize>> {
    let Some(sequence) = asked.hints.sequence else {
        return Vec::new();
    };
    if !asked.memory.feasible.contains_key(&sequence) {
        let own: Vec<_> = own.iter().map(|(_, range)| range.clone()).collect();
        let feasible = sequence_places(text, page, asked, sequence, &own);
        asked.memory.feasible.insert(sequence, feasible);
    }
    let known = asked.memory.feasible.get(&sequence);
    known
        .and_then(|known| known.get(&asked.at))
        .cloned()
        .unwrap_or_default()
}

fn sequence_places(
    text: &Text,
    page: Page<'_>,
    asked: &Asked<'_>,
    sequence: usize,
    own: &[Range<usize>],
) -> BTreeMap<usize, Vec<Range<usize>>> {
    let path = &asked.edits[asked.at].path;
    let mut members = Vec::new();
    for (at, edit) in asked
        .edits
        .iter()
        .enumerate()
        .filter(|(_, edit)| &edit.path == path)
    {
        let Change::Replace {
            search,
            replace,
            otherwise,
            hints,
        } = &edit.change
        else {
            continue;
        };
        if hints.sequence != Some(sequence) {
            continue;
        }
        if members.len() == SEQUENCE_MAX {
            return BTreeMap::new();
        }
        let ranges = match asked.memory.placed.get(&at) {
            Some(placed) => vec![placed.clone()],
            None if at == asked.at => own.to_vec(),
            None if at < asked.at => continue,
            None => {
                let readings = Reading::all(search, replace, otherwise);
                old_places(text, page, &readings, hints)
            }
        };
        if !ranges.is_empty() {
            members.push((at, ranges));
        }
    }
    let (edits, ranges): (Vec<_>, Vec<_>) = members.into_iter().unzip();
    edits.into_iter().zip(arranged(&ranges, false)).collect()
}

/// Where a later edit may stand, by the numbers of lines before any edit.
fn old_places(
    text: &Text,
    page: Page<'_>,
    readings: &[Reading<'_>],
    hints: &Hints,
) -> Vec<Range<usize>> {
    for reading in readings {
        let mut pool = places(page, &reading.search).hits;
        pool.retain(|hit| text.is_old(hit.range.clone()));
        if !pool.is_empty() {
            let left = left(text, page, reading, &pool, hints);
            return left
                .iter()
                .filter_map(|at| numbers(text, &pool[*at].range))
                .collect();
        }
    }
    Vec::new()
}

/// What hints say about the only place there is. They do not place an edit, but where they speak
/// against this place it may be that the edit was applied at the one they mean.
fn sole(
    text: &Text,
    page: Page<'_>,
    reading: &Reading<'_>,
    hit: Hit,
    hints: &Hints,
) -> Result<Choice, Trouble> {
    let mut notes = Vec::new();
    let scopes = || {
        hints
            .scopes
            .iter()
            .map(|scope| format!("`{}`", scope.trim()))
    };
    if !hints.scopes.is_empty() {
        match scoped(page.lines, std::slice::from_ref(&hit.range), &hints.scopes) {
            Scoped::Unknown => {
                let scopes: Vec<_> = scopes().collect();
                notes.push(format!("the file has no {}", scopes.join(" with ")));
            }
            // The heading of a numbered hunk may be of anything before it, and be cut off.
            Scoped::Below(below) if below.is_empty() && hints.line.is_some() => {
                let scopes: Vec<_> = scopes().collect();
                notes.push(format!("found, but not below {}", scopes.join(" with ")));
            }
            Scoped::Below(below) if below.is_empty() => {
                if replaced_below(page, reading, hints) {
                    return Ok(Choice::Applied);
                }
                let scopes: Vec<_> = scopes().collect();
                return Err(Trouble::new(
                    format!(
                        "the lines to find stand at line {} only, which is not below {}",
                        hit.range.start + 1,
                        scopes.join(" with ")
                    ),
                    "copy the lines of the part that is meant, or name the part they stand in",
                )
                .seeking(&reading.search));
            }
            Scoped::Below(_) => {}
        }
    }
    let begin = hit.begin(&reading.search);
    if let Some(line) = hints.line
        && line != begin + 1
        && text.number(begin) != Some(line)
    {
        let letters = reading.replace.iter().flat_map(|line| line.chars());
        let telling = letters.filter(|c| c.is_alphanumeric()).count() >= TELLING_MIN;
        let there = line > 0 && stands_at(page.lines, line - 1, &reading.replace);
        match (there, telling) {
            (true, true) => return Ok(Choice::Applied),
            (true, false) => return Err(doubtful(&hit, line, reading)),
            (false, _) => {
                notes.push(format!("found at line {}, not at line {line}", begin + 1));
            }
        }
    }
    if ends_file(reading, hints) && !is_last(page.lines, &hit) {
        let blank = |line: &&&str| line.trim().is_empty();
        let blanks = page.lines.iter().rev().take_while(blank).count();
        let end = page.lines.len() - blanks;
        let start = end.checked_sub(reading.replace.len());
        if start.is_some_and(|start| stands_at(page.lines, start, &reading.replace)) {
            return Ok(Choice::Applied);
        }
        notes.push("found, but not at the end of the file".to_owned());
    }
    Ok(Choice::Hit(hit, notes))
}

/// Whether the replacement stands in the part of the file that the hints name.
fn replaced_below(page: Page<'_>, reading: &Reading<'_>, hints: &Hints) -> bool {
    let there = places(page, &reading.replace).hits;
    let ranges: Vec<_> = there.into_iter().map(|hit| hit.range).collect();
    match scoped(page.lines, &ranges, &hints.scopes) {
        Scoped::Below(below) => !below.is_empty(),
        Scoped::Unknown => false,
    }
}

fn doubtful(hit: &Hit, line: usize, reading: &Reading<'_>) -> Trouble {
    Trouble::new(
        format!(
            "the lines to find are said to stand at line {line}, where the new ones stand already; \
             they stand at line {} only",
            hit.range.start + 1
        ),
        "add lines before or after them that show which place is meant",
    )
    .seeking(&reading.search)
}

fn ambiguous(pool: &[Hit], beyond: bool, reading: &Reading<'_>) -> Trouble {
    let lines: Vec<usize> = pool.iter().map(|hit| hit.range.start + 1).collect();
    several(&lines, beyond).seeking(&reading.search)
}

/// The trouble with lines that stand at several places.
pub(super) fn several(lines: &[usize], beyond: bool) -> Trouble {
    let shown = lines.iter().take(PLACES_SHOWN_MAX).map(usize::to_string);
    let shown: Vec<_> = shown.collect();
    let more = if beyond || lines.len() > PLACES_SHOWN_MAX {
        ", …"
    } else {
        ""
    };
    let count = lines.len();
    let least = if beyond { "at least " } else { "" };
    Trouble::new(
        format!(
            "the lines to find stand in the file {least}{count} times, at lines {}{more}",
            shown.join(", ")
        ),
        "add lines before or after them, unchanged, to what to find and to what to put there, \
         until only one place fits",
    )
}
