//! Where in a file the lines of a search stand: a ladder of ways to compare, never a near match.

mod arrange;
mod fold;
mod pattern;
mod scope;
mod shift;
#[cfg(test)]
mod tests;

use std::{borrow::Cow, ops::Range};

pub(crate) use arrange::arranged;
pub(crate) use fold::fold;
pub use fold::fold_path;
pub(crate) use scope::{Scoped, scoped};
pub(crate) use shift::{Shift, indent};

/// Lines that are compared one by one for a single search; where it stands in more places than
/// that allows, it is not looked at further.
const COMPARED_LINES_MAX: usize = 1_000_000;

/// An odd number without pattern in its bits.
const KEY_FACTOR: u64 = 0x9e37_79b9_7f4a_7c15;

/// How a search was matched, from strict to lenient.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Rung {
    /// Byte for byte.
    Exact,
    /// But for blanks at the ends of lines.
    Trailing,
    /// But for the same indentation more or less in every line.
    Indent,
    /// But for typographic dashes, quotes and spaces.
    Unicode,
    /// But for blank lines.
    Blank,
}

impl Rung {
    /// What the match overlooked, for people.
    pub(crate) fn overlooked(self) -> &'static str {
        match self {
            Self::Exact => "nothing",
            Self::Trailing => "blanks at line ends",
            Self::Indent => "indentation",
            Self::Unicode => "typographic characters",
            Self::Blank => "blank lines",
        }
    }
}

/// One way to compare.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Way {
    /// The name of it.
    pub(crate) rung: Rung,
    shift: bool,
    fold: bool,
    skip_blank: bool,
}

const fn way(rung: Rung, shift: bool, fold: bool, skip_blank: bool) -> Way {
    Way {
        rung,
        shift,
        fold,
        skip_blank,
    }
}

/// The ladder. A rung is tried only if those above it find nothing; whatever any of them finds, the
/// last one would find too if indentation did not matter.
const LADDER: [Way; 8] = [
    way(Rung::Exact, false, false, false),
    way(Rung::Trailing, false, false, false),
    way(Rung::Indent, true, false, false),
    way(Rung::Unicode, false, true, false),
    way(Rung::Unicode, true, true, false),
    way(Rung::Blank, false, false, true),
    way(Rung::Blank, true, false, true),
    way(Rung::Blank, true, true, true),
];

/// One place where a search stands.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Hit {
    /// The lines of the file.
    pub(crate) range: Range<usize>,
    /// How it was matched.
    pub(crate) way: Way,
}

/// Every place where a search stands, by the strictest way that finds any.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub(crate) struct Places {
    /// The places, in the order of the file.
    pub(crate) hits: Vec<Hit>,
    /// Whether there may be more, which were not looked at.
    pub(crate) beyond: bool,
}

/// The lines of a file, and what they are found by.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Page<'a> {
    /// The lines.
    pub(crate) lines: &'a [&'a str],
    /// The key of each.
    pub(crate) keys: &'a [u64],
}

/// Lines that a file may have at most if every place of a search of so many lines is looked at.
pub(crate) fn lines_looked_through(search: usize) -> usize {
    COMPARED_LINES_MAX / search.max(1)
}

/// Every place where a search stands.
pub(crate) fn places(file: Page<'_>, search: &[&str]) -> Places {
    if search.iter().all(|line| line.trim().is_empty()) {
        return Places::default();
    }
    let most = lines_looked_through(search.len()) + 1;
    let candidates = Candidates::of(file, search, most);
    let beyond = candidates.starts.len() == most;
    let mut hits = Vec::new();
    for way in LADDER {
        hits.extend(candidates.hits(way));
        if !hits.is_empty() {
            break;
        }
    }
    Places { hits, beyond }
}

/// Every place where a search stands by any way, each as often as ways find it.
pub(crate) fn places_by_any_way(file: Page<'_>, search: &[&str]) -> Vec<Range<usize>> {
    let most = lines_looked_through(search.len()) + 1;
    let candidates = Candidates::of(file, search, most);
    let hits = LADDER.iter().flat_map(|way| candidates.hits(*way));
    hits.map(|hit| hit.range).collect()
}

/// What lines are found by: lines that any way takes for the same have the same key, others hardly
/// ever. It is 0 for blank lines and no others.
pub(crate) fn key(line: &str) -> u64 {
    let line = loosest(line);
    if line.is_empty() {
        return 0;
    }
    let (chunks, rest) = line.as_bytes().as_chunks::<8>();
    let mut last = [0; 8];
    last[..rest.len()].copy_from_slice(rest);
    let mut key = 0_u64;
    for chunk in chunks.iter().chain([&last]) {
        let mixed = (key ^ u64::from_le_bytes(*chunk)).wrapping_mul(KEY_FACTOR);
        key = mixed.rotate_left(29);
    }
    key.max(1)
}

/// Whether two lines are alike by the most lenient way.
pub(crate) fn alike(one: &str, other: &str) -> bool {
    loosest(one) == loosest(other)
}

/// What of a line every way compares.
fn loosest(line: &str) -> Cow<'_, str> {
    match fold(line) {
        Cow::Borrowed(line) => Cow::Borrowed(line.trim()),
        Cow::Owned(line) => Cow::Owned(line.trim().to_owned()),
    }
}

/// Places where a search may stand, by the keys of the lines that are not blank.
struct Candidates<'a> {
    file: &'a [&'a str],
    search: &'a [&'a str],
    /// The lines of the search that are not blank.
    wanted: Vec<usize>,
    /// The lines of the file that are not blank.
    there: Vec<usize>,
    /// Where in `there` the places begin.
    starts: Vec<usize>,
}

impl<'a> Candidates<'a> {
    fn of(file: Page<'a>, search: &'a [&'a str], most: usize) -> Self {
        let full = |keys: &mut dyn Iterator<Item = u64>| -> (Vec<usize>, Vec<u64>) {
            keys.enumerate().filter(|(_, key)| *key != 0).unzip()
        };
        let (there, keys) = full(&mut file.keys.iter().copied());
        let (wanted, wanted_keys) = full(&mut search.iter().map(|line| key(line)));
        let starts = pattern::starts(&keys, &wanted_keys).take(most).collect();
        Self {
            file: file.lines,
            search,
            wanted,
            there,
            starts,
        }
    }

    /// The places that stand by one way.
    fn hits(&self, way: Way) -> impl Iterator<Item = Hit> {
        self.starts.iter().filter_map(move |start| {
            let range = if way.skip_blank {
                self.there[*start]..self.there[start + self.wanted.len() - 1] + 1
            } else {
                let start = self.there[*start].checked_sub(self.wanted[0])?;
                start..start + self.search.len()
            };
            let hit = Hit { range, way };
            hit.stands(self.file, self.search).then_some(hit)
        })
    }
}

impl Way {
    /// How far down the ladder it is.
    pub(crate) fn step(self) -> usize {
        LADDER
            .iter()
            .position(|way| *way == self)
            .unwrap_or(LADDER.len())
    }

    /// What of a line is compared.
    fn key(self, line: &str) -> Cow<'_, str> {
        if self.rung == Rung::Exact {
            return Cow::Borrowed(line);
        }
        let folded = if self.fold {
            fold(line)
        } else {
            Cow::Borrowed(line)
        };
        let cut = |line: &str| {
            let cut = line.trim_end().len();
            let start = if self.shift {
                cut - line[..cut].trim_start().len()
            } else {
                0
            };
            start..cut
        };
        match folded {
            Cow::Borrowed(line) => Cow::Borrowed(&line[cut(line)]),
            Cow::Owned(line) => Cow::Owned(line[cut(&line)].to_owned()),
        }
    }
}

impl Hit {
    /// A place where lines stand byte for byte.
    pub(crate) fn exact(range: Range<usize>) -> Self {
        Self {
            range,
            way: LADDER[0],
        }
    }

    /// Where the first line of the search would be.
    pub(crate) fn begin(&self, search: &[&str]) -> usize {
        let blank = search
            .iter()
            .take_while(|line| line.trim().is_empty())
            .count();
        let skipped = if self.way.skip_blank { blank } else { 0 };
        self.range.start.saturating_sub(skipped)
    }

    fn stands(&self, file: &[&str], search: &[&str]) -> bool {
        let Some(there) = file.get(self.range.clone()) else {
            return false;
        };
        let keep = |line: &&&str| !self.way.skip_blank || !line.trim().is_empty();
        let wanted = search.iter().filter(keep).map(|line| self.way.key(line));
        let there = there.iter().filter(keep).map(|line| self.way.key(line));
        wanted.eq(there) && !self.shifts(file, search).is_empty()
    }

    /// For each line of the search, the line of the file; `None` for blank lines that have none.
    pub(crate) fn lines(&self, file: &[&str], search: &[&str]) -> Vec<Option<usize>> {
        let keep = |line: &str| !self.way.skip_blank || !line.trim().is_empty();
        let mut there = self.range.clone().filter(|at| keep(file[*at]));
        search
            .iter()
            .map(|line| keep(line).then(|| there.next()).flatten())
            .collect()
    }

    /// Whether the search stands here with another indentation, by whole levels of it.
    pub(crate) fn is_level(&self, file: &[&str], search: &[&str]) -> bool {
        let shifts = self.shifts(file, search);
        self.way.shift && shifts.iter().all(Shift::is_level)
    }

    /// What turns the search's indentation into the file's; several where it does not tell.
    pub(crate) fn shifts(&self, file: &[&str], search: &[&str]) -> Vec<Shift> {
        if !self.way.shift {
            return vec![Shift::None];
        }
        let lines = self.lines(file, search);
        let indents: Vec<(&str, &str)> = search
            .iter()
            .zip(lines)
            .filter(|(wanted, _)| !wanted.trim().is_empty())
            .filter_map(|(wanted, there)| Some((indent(wanted), indent(file[there?]))))
            .collect();
        shift::between(&indents)
    }
}
