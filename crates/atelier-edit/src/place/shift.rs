//! What turns one indentation into another, the same for every line.

/// A uniform change of indentation.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Shift {
    /// None.
    None,
    /// This much more.
    More(String),
    /// This much less.
    Less(String),
    /// This many spaces become one tab, and so many levels are added.
    Tabs {
        /// Spaces of one level.
        unit: usize,
        /// Levels added; less than nothing for levels taken away.
        levels: isize,
    },
    /// A tab becomes this many spaces, and so many levels are added.
    Spaces {
        /// Spaces of one level.
        unit: usize,
        /// Levels added; less than nothing for levels taken away.
        levels: isize,
    },
}

/// Spaces that a level may have where tabs stand for it.
const UNITS: [usize; 4] = [4, 2, 8, 3];

/// The white space at the start of a line.
pub(crate) fn indent(line: &str) -> &str {
    &line[..line.len() - line.trim_start().len()]
}

/// Every shift that turns each first indentation into the second one.
pub(crate) fn between(pairs: &[(&str, &str)]) -> Vec<Shift> {
    let Some((from, to)) = pairs.first() else {
        return Vec::new();
    };
    let mut simple = vec![Shift::None];
    if let Some(more) = to.strip_suffix(from).filter(|more| !more.is_empty()) {
        simple.push(Shift::More(more.to_owned()));
    }
    if let Some(less) = from.strip_suffix(to).filter(|less| !less.is_empty()) {
        simple.push(Shift::Less(less.to_owned()));
    }
    simple.retain(|shift| shift.fits(pairs));
    if !simple.is_empty() {
        return simple;
    }
    let level = |from: &str, to: &str, unit: usize| -> Option<[isize; 2]> {
        let (tabs, spaces) = tabs_and_spaces(from)?;
        let [tabs, spaces, unit, to] =
            [tabs, spaces, unit, to.len()].map(|size| isize::try_from(size).ok());
        let (tabs, spaces, unit, to) = (tabs?, spaces?, unit?, to?);
        Some([to - tabs - spaces / unit, (to - spaces) / unit - tabs])
    };
    let mut shifts: Vec<Shift> = UNITS
        .iter()
        .filter_map(|unit| level(from, to, *unit).map(|levels| (*unit, levels)))
        .flat_map(|(unit, [tabs, spaces])| {
            let levels = spaces;
            [
                Shift::Tabs { unit, levels: tabs },
                Shift::Spaces { unit, levels },
            ]
        })
        .filter(|shift| shift.fits(pairs))
        .collect();
    // A level that is only written differently is likelier than one that is moved as well.
    let in_place = |shift: &Shift| {
        matches!(
            shift,
            Shift::Tabs { levels: 0, .. } | Shift::Spaces { levels: 0, .. }
        )
    };
    if shifts.iter().any(in_place) {
        shifts.retain(in_place);
    }
    shifts
}

impl Shift {
    /// Whether it could be by whole levels: none has an odd number of blanks.
    pub(crate) fn is_level(&self) -> bool {
        match self {
            Self::None => false,
            Self::More(blanks) | Self::Less(blanks) => {
                blanks.len().is_multiple_of(2) || blanks.bytes().all(|byte| byte == b'\t')
            }
            Self::Tabs { .. } | Self::Spaces { .. } => true,
        }
    }

    fn fits(&self, pairs: &[(&str, &str)]) -> bool {
        pairs
            .iter()
            .all(|(from, to)| self.indent(from).as_deref() == Some(*to))
    }

    /// A line with its indentation shifted; `None` where it cannot be.
    pub(crate) fn line(&self, line: &str) -> Option<String> {
        if line.trim().is_empty() {
            return Some(line.to_owned());
        }
        let from = indent(line);
        Some(format!("{}{}", self.indent(from)?, &line[from.len()..]))
    }

    fn indent(&self, from: &str) -> Option<String> {
        match self {
            Self::None => Some(from.to_owned()),
            Self::More(more) => Some(format!("{more}{from}")),
            Self::Less(less) => from.strip_prefix(less.as_str()).map(str::to_owned),
            Self::Tabs { unit, levels } => {
                let (tabs, spaces) = tabs_and_spaces(from)?;
                let tabs = (tabs + spaces / unit).checked_add_signed(*levels)?;
                spaces.is_multiple_of(*unit).then(|| "\t".repeat(tabs))
            }
            Self::Spaces { unit, levels } => {
                let (tabs, spaces) = tabs_and_spaces(from)?;
                let width = isize::try_from(*unit).ok()?.checked_mul(*levels)?;
                let width = (tabs * unit + spaces).checked_add_signed(width)?;
                Some(" ".repeat(width))
            }
        }
    }
}

/// How many tabs and spaces an indentation has; `None` where it has other blanks.
fn tabs_and_spaces(indent: &str) -> Option<(usize, usize)> {
    let tabs = indent.bytes().filter(|byte| *byte == b'\t').count();
    let spaces = indent.bytes().filter(|byte| *byte == b' ').count();
    (tabs + spaces == indent.len()).then_some((tabs, spaces))
}
