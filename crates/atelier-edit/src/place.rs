//! Where in a file the lines of a search stand: a ladder of ways to compare, never a near match.

mod fold;
mod shift;

use std::{borrow::Cow, ops::Range};

pub(crate) use fold::{fold, fold_path};
pub(crate) use shift::{Shift, indent};

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

/// One place where a search stands.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Hit {
    /// The lines of the file.
    pub(crate) range: Range<usize>,
    /// For each line of the search, the line of the file; `None` for blank lines that have none.
    pub(crate) lines: Vec<Option<usize>>,
    /// What turns the search's indentation into the file's; several where the search does not tell.
    pub(crate) shifts: Vec<Shift>,
    /// How it was matched.
    pub(crate) rung: Rung,
}

/// One way to compare.
#[derive(Clone, Copy)]
struct Way {
    rung: Rung,
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

/// The ladder. A rung is tried only if those above it find nothing.
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

/// Every place where a search stands, by the strictest way that finds any.
///
/// A line of the file that is `None` matches nothing.
pub(crate) fn places(file: &[Option<&str>], search: &[&str]) -> Vec<Hit> {
    if search.iter().all(|line| line.trim().is_empty()) {
        return Vec::new();
    }
    LADDER
        .iter()
        .map(|way| way.places(file, search))
        .find(|hits| !hits.is_empty())
        .unwrap_or_default()
}

impl Way {
    fn places(self, file: &[Option<&str>], search: &[&str]) -> Vec<Hit> {
        let keep = |line: &str| !self.skip_blank || !line.trim().is_empty();
        let wanted: Vec<usize> = (0..search.len()).filter(|at| keep(search[*at])).collect();
        let there: Vec<usize> = (0..file.len())
            .filter(|at| file[*at].is_none_or(keep))
            .collect();
        let wanted_keys: Vec<_> = wanted.iter().map(|at| self.key(search[*at])).collect();
        let keys: Vec<_> = there
            .iter()
            .map(|at| file[*at].map(|line| self.key(line)))
            .collect();
        keys.windows(wanted.len())
            .enumerate()
            .filter(|(_, window)| {
                let pairs = window.iter().zip(&wanted_keys);
                pairs
                    .into_iter()
                    .all(|(key, wanted)| key.as_ref() == Some(wanted))
            })
            .filter_map(|(start, _)| {
                let pairs: Vec<(usize, usize)> = wanted
                    .iter()
                    .copied()
                    .zip(there[start..start + wanted.len()].iter().copied())
                    .collect();
                self.hit(file, search, &pairs)
            })
            .collect()
    }

    /// What of a line is compared.
    fn key(self, line: &str) -> Cow<'_, str> {
        let line = match self.rung {
            Rung::Exact => line,
            Rung::Trailing | Rung::Indent | Rung::Unicode | Rung::Blank => line.trim_end(),
        };
        let line = if self.shift { line.trim_start() } else { line };
        if self.fold {
            Cow::Owned(fold(line))
        } else {
            Cow::Borrowed(line)
        }
    }

    fn hit(self, file: &[Option<&str>], search: &[&str], pairs: &[(usize, usize)]) -> Option<Hit> {
        let (first, last) = (pairs.first()?.1, pairs.last()?.1);
        let shifts = if self.shift {
            let indents: Vec<(&str, &str)> = pairs
                .iter()
                .filter(|(wanted, _)| !search[*wanted].trim().is_empty())
                .filter_map(|(wanted, there)| {
                    Some((shift::indent(search[*wanted]), shift::indent(file[*there]?)))
                })
                .collect();
            shift::between(&indents)
        } else {
            vec![Shift::None]
        };
        let mut lines = vec![None; search.len()];
        for (wanted, there) in pairs {
            lines[*wanted] = Some(*there);
        }
        (!shifts.is_empty()).then_some(Hit {
            range: first..last + 1,
            lines,
            shifts,
            rung: self.rung,
        })
    }
}
