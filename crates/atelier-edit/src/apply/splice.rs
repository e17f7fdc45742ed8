//! The lines of a search are found in a file and others put in their place.

use super::{
    Trouble,
    before::{applied_before, rewritten, surrounded},
    choose::{Asked, Choice, choose},
    closest, elide, inline,
    rework::{dedents, indented_already, inserted, lines_after, misses_an_edge},
};
use crate::{
    change::{Hints, Split},
    place::{Hit, Page, Places, Rung, Shift, indent, places},
    text::{Ending, Piece, Text, lines},
};

/// Lengths of a line that may divide a block.
const DIVIDER_BYTES: std::ops::RangeInclusive<usize> = 5..=12;

/// The byte order mark.
pub(super) const MARK: char = '\u{feff}';

/// One way to read what to find and what to put in its place.
#[derive(Debug, Clone)]
pub(super) struct Reading<'a> {
    pub(super) search: Vec<&'a str>,
    pub(super) replace: Vec<&'a str>,
    /// Whether the lines to find are said to end the file without a line break.
    pub(super) search_open: bool,
    /// Whether the new lines are said to end it so.
    pub(super) replace_open: bool,
}

impl<'a> Reading<'a> {
    pub(super) fn of(search: &'a str, replace: &'a str) -> Self {
        // A mark that is quoted from the start of the file is not part of its first line.
        let (search, replace) = match search.strip_prefix(MARK) {
            Some(search) => (search, replace.strip_prefix(MARK).unwrap_or(replace)),
            None => (search, replace),
        };
        let open = |text: &str| !text.is_empty() && !text.ends_with(['\n', '\r']);
        Self {
            search: lines(search).map(|(line, _)| line).collect(),
            replace: lines(replace).map(|(line, _)| line).collect(),
            search_open: open(search),
            replace_open: open(replace),
        }
    }

    /// Every reading of a block that has something to find.
    pub(super) fn all(search: &'a str, replace: &'a str, otherwise: &'a [Split]) -> Vec<Self> {
        let others = otherwise
            .iter()
            .map(|split| Self::of(&split.search, &split.replace));
        std::iter::once(Self::of(search, replace))
            .chain(others)
            .filter(|reading| !reading.finds_nothing())
            .collect()
    }

    /// Whether the new lines are indented as some line to find is.
    fn is_in_line(&self) -> bool {
        let full = |line: &&&str| !line.trim().is_empty();
        let known = |new: &str| {
            let mut old = self.search.iter().filter(full);
            old.any(|old| indent(old) == indent(new))
        };
        inserted(&self.search, &self.replace)
            .filter(|line| !line.trim().is_empty())
            .all(known)
    }

    fn finds_nothing(&self) -> bool {
        self.search.iter().all(|line| line.trim().is_empty())
    }
}

/// What an edit does to the lines of a file.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Splice {
    pub(super) range: std::ops::Range<usize>,
    pub(super) pieces: Vec<Piece>,
    pub(super) ending: Ending,
}

impl Splice {
    /// Puts it into a file.
    pub(super) fn put_into(self, text: &mut Text) {
        text.put(self.range, self.pieces, self.ending);
    }
}

/// What is to be done for an edit.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Work {
    /// These changes, from the end of the file to its beginning.
    Put(Vec<Splice>, Vec<String>),
    /// Nothing: it has been done.
    Applied,
}

/// Works out what a block does to a file.
///
/// Of several ways to divide one block the one with the longest search that stands in the file is
/// taken. Of readings of another kind all that stand as strictly have to come to the same.
///
/// `prose` says that lines of `=` may well be part of the file, as underlines of headings.
pub(super) fn work(
    text: &Text,
    mut readings: Vec<Reading<'_>>,
    asked: &mut Asked<'_>,
    prose: bool,
) -> Result<Work, Trouble> {
    let lines = text.view();
    let page = Page {
        lines: &lines,
        keys: text.keys(),
    };
    readings.sort_by_key(|reading| std::cmp::Reverse(reading.search.len()));
    let divided = readings
        .windows(2)
        .all(|two| two[0].search.starts_with(&two[1].search));
    let mut standing: Vec<(usize, Places)> = Vec::new();
    for (at, reading) in readings.iter().enumerate() {
        let places = places(page, &reading.search);
        if !places.hits.is_empty() {
            standing.push((at, places));
            if divided {
                break;
            }
        }
    }
    let way = |(_, places): &(usize, Places)| places.hits[0].way.step();
    let strictest = standing.iter().map(way).min();
    let laxer = standing
        .iter()
        .filter(|found| Some(way(found)) != strictest);
    let laxer: Vec<usize> = laxer.map(|(at, _)| *at).collect();
    standing.retain(|found| Some(way(found)) == strictest);
    let mut standing = standing.into_iter();
    let Some((letter, places)) = standing.next() else {
        return absent(text, page, &readings, asked.hints);
    };
    // In a file indented by one blank, the blank that marks a kept line looks like its indentation;
    // where the new lines are then out of line, the other reading is at least as likely.
    let in_line = |at: usize| readings[at].is_in_line();
    if !in_line(letter) && laxer.into_iter().any(in_line) {
        return Err(read_in_several_ways());
    }
    if divided && asked.readings > 1 {
        drop_spare_divider(page, &mut readings[letter].replace, prose)?;
    }
    let letter = &readings[letter];
    let level = places.hits[0].is_level(page.lines, &letter.search);
    let loose = asked.hints.inline && places.hits[0].way.rung > Rung::Trailing;
    let mut work = fit(text, page, letter, places, asked)?;
    if loose {
        work = inline::or_lines(text, page, letter, work)?;
    }
    // Where another reading stands as well, the one by the letter of the form is meant if it is
    // shifted by whole levels, for then the other is not.
    let agrees = |(other, places)| {
        let other: &Reading<'_> = &readings[other];
        fit(text, page, other, places, asked).is_ok_and(|other| other == work)
    };
    if level || standing.all(agrees) {
        return Ok(work);
    }
    Err(read_in_several_ways())
}

fn read_in_several_ways() -> Trouble {
    Trouble::new(
        "the lines of the hunk can be read in several ways, and more than one stands in the file",
        "begin every line of the hunk with a blank, `-` or `+`",
    )
}

/// What is to be done where no reading stands in the file.
fn absent(
    text: &Text,
    page: Page<'_>,
    readings: &[Reading<'_>],
    hints: &Hints,
) -> Result<Work, Trouble> {
    if let Some(only) = readings.first().filter(|_| hints.inline)
        && let Some(work) = inline::work(text, page, only, hints)?
    {
        return Ok(work);
    }
    for reading in readings {
        if let Some(work) = elide::work(text, page, reading)? {
            return Ok(work);
        }
        if applied_before(page, reading) {
            return Ok(Work::Applied);
        }
    }
    let shortest = readings.iter().min_by_key(|reading| reading.search.len());
    let search = shortest.map(|reading| reading.search.as_slice());
    Err(not_found(text, page, search.unwrap_or_default()))
}

/// Drops a divider that was written a second time at the end of a replacement; refuses dividers
/// of which it cannot be told whether they belong to the file.
fn drop_spare_divider(page: Page<'_>, replace: &mut Vec<&str>, prose: bool) -> Result<(), Trouble> {
    let spare = |line: &&&str| is_divider(line) && !page.lines.contains(line);
    match replace.iter().filter(spare).count() {
        0 => Ok(()),
        1 if !prose && replace.last().as_ref().is_some_and(spare) => {
            replace.pop();
            Ok(())
        }
        _ => Err(Trouble::new(
            "the block has several `=======` lines, and it cannot be told which of them divides it",
            "use one such line; if others belong to the file, write longer markers, of nine \
             characters, around the block and between its parts",
        )),
    }
}

fn is_divider(line: &str) -> bool {
    let line = line.trim_end();
    DIVIDER_BYTES.contains(&line.len()) && line.bytes().all(|byte| byte == b'=')
}

/// Chooses the one place of a reading and works out what comes there.
fn fit(
    text: &Text,
    page: Page<'_>,
    reading: &Reading<'_>,
    places: Places,
    asked: &mut Asked<'_>,
) -> Result<Work, Trouble> {
    let (hit, mut notes) = match choose(text, page, reading, places, asked)? {
        Choice::Hit(hit, notes) => (hit, notes),
        Choice::Applied => return Ok(Work::Applied),
    };
    let (search, replace) = (&reading.search, &reading.replace);
    if !asked.hints.inline && indented_already(page.lines, &hit, search, replace) {
        return Err(misindented(page, search, hit.range.clone()));
    }
    if hit.way.rung > Rung::Exact && rewritten(page, &hit, reading) {
        return Ok(Work::Applied);
    }
    if misses_an_edge(page, &hit, reading) {
        return Err(blank_edge(page, search, hit.range.clone()));
    }
    let ending = ending(text, &hit, reading)?;
    let splice = splice(text, page, reading, &hit, ending)?;
    if ending == Ending::Kept && stands(page, &splice) {
        return Ok(Work::Applied);
    }
    if hit.way.rung != Rung::Exact {
        notes.push(format!("matched but for {}", hit.way.rung.overlooked()));
    }
    asked.placed(text, &hit.range);
    Ok(Work::Put(vec![splice], notes))
}

/// Whether what a splice adds stands around its place already.
pub(super) fn stands(page: Page<'_>, splice: &Splice) -> bool {
    let above = page.lines[..splice.range.start].iter().rev().copied();
    let below = page.lines[splice.range.end..].iter().copied();
    surrounded(above, below, splice.range.len(), &splice.pieces)
}

/// The trouble with a blank line that an edit keeps and the file does not have.
fn blank_edge(page: Page<'_>, search: &[&str], range: std::ops::Range<usize>) -> Trouble {
    Trouble::new(
        "the blank line at the edge of the lines to find is not in the file, and new lines go \
         beside it",
        "copy the lines exactly as they stand in the file",
    )
    .seeking(search)
    .meaning(closest::shown(page.lines, range))
}

/// What comes in place of a hit.
pub(super) fn splice(
    text: &Text,
    page: Page<'_>,
    reading: &Reading<'_>,
    hit: &Hit,
    ending: Ending,
) -> Result<Splice, Trouble> {
    let (search, replace) = (&reading.search, &reading.replace);
    for line in inserted(search, replace) {
        if let Some(c) = text.encoding.lacks(line) {
            return Err(lacking(text, c));
        }
    }
    let telling = |shift: &&Shift| **shift == Shift::None || !dedents(search, replace);
    let mut outcomes: Vec<Vec<Piece>> = hit
        .shifts(page.lines, search)
        .iter()
        .filter(telling)
        .filter_map(|shift| lines_after(page.lines, hit, reading, shift))
        .collect();
    outcomes.dedup();
    match (outcomes.pop(), outcomes.is_empty()) {
        (Some(pieces), true) => Ok(Splice {
            range: hit.range.clone(),
            pieces,
            ending,
        }),
        _ => Err(misindented(page, search, hit.range.clone())),
    }
}

/// The trouble with lines whose indentation does not tell that of the new ones.
pub(super) fn misindented(
    page: Page<'_>,
    search: &[&str],
    range: std::ops::Range<usize>,
) -> Trouble {
    Trouble::new(
        "the lines to find are indented otherwise than in the file, and it cannot be told how the \
         new lines are to be indented",
        "copy the lines with their indentation exactly as they stand in the file",
    )
    .seeking(search)
    .meaning(closest::shown(page.lines, range))
}

/// How the file ends after an edit. Only an edit of its last lines that says so changes that.
fn ending(text: &Text, hit: &Hit, reading: &Reading<'_>) -> Result<Ending, Trouble> {
    let last = hit.range.end == text.len();
    match (reading.search_open, reading.replace_open) {
        (true, false) if last => Ok(Ending::Closed),
        (false, true) if last => Ok(Ending::Open),
        (false, true) => Err(Trouble::new(
            "the new lines are said to end the file without a line break, but the lines to find \
             are not its last",
            "say that the file ends without a line break only of its last line",
        )),
        _ => Ok(Ending::Kept),
    }
}

/// The trouble with a character that a file cannot hold.
pub(super) fn lacking(text: &Text, c: char) -> Trouble {
    Trouble::new(
        format!(
            "the file's encoding is {}, in which the new character `{c}` (U+{:04X}) cannot be \
             written",
            text.encoding.name(),
            u32::from(c)
        ),
        "write such characters as escapes of the language, or in plain ASCII",
    )
}

fn not_found(text: &Text, page: Page<'_>, search: &[&str]) -> Trouble {
    let foreign = search.iter().any(|line| !line.is_ascii());
    let unread = text.encoding.lacks("\u{e9}").is_some() && foreign;
    let trouble = if unread {
        Trouble::new(
            format!(
                "the lines to find are not in the file, whose encoding is {}: lines with \
                 characters beyond ASCII cannot be found in it",
                text.encoding.name()
            ),
            "find lines of ASCII beside them",
        )
    } else {
        Trouble::new(
            "the lines to find are not in the file",
            "copy whole lines exactly as they stand in the file, or send the whole file",
        )
    };
    let closest = closest::lines(page.lines, search);
    Trouble {
        closest,
        ..trouble.seeking(search)
    }
}
