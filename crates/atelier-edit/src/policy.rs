//! Which form of edits a model is asked for.
//!
//! What is small is best written whole. For what is larger, each family of models has a form it
//! was brought up with; what was measured with a model overrides that once it is beyond chance.

use std::collections::BTreeMap;

use atelier_model::{EditForm, FormTally};

/// Lines up to which a file is better written whole than changed in parts.
pub const WHOLE_LINES_MAX: usize = 150;
/// Lines up to which a file may be written whole by a model that fails at changing it in parts.
const LARGE_LINES_MAX: usize = 600;
/// Replies that what is known of a family weighs as much as.
const PRIOR_WEIGHT: f64 = 20.0;
/// How far a rate may lie from what was seen, in standard deviations: one in twenty is beyond.
const DEVIATIONS: f64 = 1.645;

/// Models that write edits alike.
#[derive(Debug)]
pub struct Family {
    /// Its name.
    pub name: &'static str,
    /// Words of which one is in the names of its models; a `*` stands for the rest of a word.
    words: &'static [&'static str],
    /// Whether files that are not large are written whole as well.
    weak: bool,
    /// The forms for larger files, best first, each with the published share of replies whose
    /// edits are well formed and fit.
    forms: &'static [(EditForm, f64)],
}

use EditForm::{ApplyPatch, DiffFenced, SearchReplace, Whole};

/// Every family; the first that fits a model counts. The last fits every one.
pub const FAMILIES: &[Family] = &[
    Family {
        name: "small",
        words: &[
            "mini", "nano", "lite", "small", "tiny", "haiku", "gemma*", "phi*", "1b", "2b", "3b",
            "4b", "7b", "8b", "9b", "12b", "13b", "14b",
        ],
        weak: true,
        forms: &[(SearchReplace, 0.90), (Whole, 0.99)],
    },
    Family {
        name: "gemini",
        words: &["gemini*"],
        weak: false,
        forms: &[(DiffFenced, 0.98), (SearchReplace, 0.94), (Whole, 0.99)],
    },
    Family {
        name: "gpt",
        words: &["gpt*", "codex*", "o1", "o3", "o4"],
        weak: false,
        forms: &[(ApplyPatch, 0.94), (SearchReplace, 0.90), (Whole, 0.99)],
    },
    Family {
        name: "other",
        words: &["*"],
        weak: false,
        forms: &[(SearchReplace, 0.94), (Whole, 0.99)],
    },
];

/// The family of a model, by its name.
pub fn family(model: &str) -> &'static Family {
    let model = model.to_lowercase();
    let words = || model.split(|c: char| !c.is_alphanumeric());
    let fits = |pattern: &str| match pattern.strip_suffix('*') {
        Some(start) => words().any(|word| word.starts_with(start)),
        None => words().any(|word| word == pattern),
    };
    let found = FAMILIES
        .iter()
        .find(|family| family.words.iter().any(|word| fits(word)));
    found.unwrap_or(&FAMILIES[FAMILIES.len() - 1])
}

/// The form to ask a model for, when it is to change files of so many lines.
///
/// New files count as empty. Where all files are short, they are written whole. Else the family's
/// first form is asked for, unless another is better beyond chance: what is known of the family
/// counts like 20 replies, what was measured is added, and another form is taken only if even the
/// lower bound of its rate (Wilson's, one-sided, 95 %) lies above the rate of the first. Of several
/// such forms the one with the highest bound is taken.
pub fn choose(
    model: &str,
    lines: impl IntoIterator<Item = usize>,
    measured: &BTreeMap<EditForm, FormTally>,
) -> EditForm {
    let longest = lines.into_iter().max().unwrap_or(0);
    let family = family(model);
    let whole_up_to = if family.weak {
        LARGE_LINES_MAX
    } else {
        WHOLE_LINES_MAX
    };
    if longest <= whole_up_to {
        return Whole;
    }
    let rate = |(form, prior): &(EditForm, f64)| {
        let tally = measured.get(form).copied().unwrap_or_default();
        Rate::of(*prior, tally)
    };
    let [first, others @ ..] = family.forms else {
        return SearchReplace;
    };
    let usual = rate(first).mean();
    let better = others
        .iter()
        .filter(|(form, _)| *form != Whole || longest <= LARGE_LINES_MAX)
        .map(|other| (rate(other).lower_bound(), other.0))
        .filter(|(bound, _)| *bound > usual);
    let best = better.max_by(|one, other| one.0.total_cmp(&other.0));
    best.map_or(first.0, |(_, form)| form)
}

/// How often something went well.
struct Rate {
    well: f64,
    tried: f64,
}

impl Rate {
    fn of(prior: f64, tally: FormTally) -> Self {
        Self {
            well: prior * PRIOR_WEIGHT + count(tally.applied.min(tally.asked)),
            tried: PRIOR_WEIGHT + count(tally.asked),
        }
    }

    fn mean(&self) -> f64 {
        self.well / self.tried
    }

    /// Wilson's lower bound.
    fn lower_bound(&self) -> f64 {
        let (rate, tried) = (self.mean(), self.tried);
        let square = DEVIATIONS * DEVIATIONS;
        let spread = (rate * (1.0 - rate) / tried + square / (4.0 * tried * tried)).sqrt();
        (rate + square / (2.0 * tried) - DEVIATIONS * spread) / (1.0 + square / tried)
    }
}

/// A count as a number that is exact up to four milliards, and no more than that.
fn count(count: u64) -> f64 {
    f64::from(u32::try_from(count).unwrap_or(u32::MAX))
}

#[cfg(test)]
mod tests;
