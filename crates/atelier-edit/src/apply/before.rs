//! Whether an edit was applied earlier: then there is nothing to do.

use similar::{Algorithm, DiffOp, capture_diff_slices};

use super::{rework::inserted, splice::Reading};
use crate::place::{Hit, Page, Rung, places};

/// Letters and digits that inserted lines must have before their presence is taken as proof that
/// an edit was applied earlier, where lines around them agree as well.
const TELLING_BESIDE_MIN: usize = 8;
/// The same where nothing around them agrees.
const TELLING_ALONE_MIN: usize = 20;

/// Whether the lines that a replacement adds around its search stand around the hit already.
pub(super) fn surrounded(page: Page<'_>, hit: &Hit, reading: &Reading<'_>) -> bool {
    let (search, replace) = (&reading.search, &reading.replace);
    if replace.len() <= search.len() || hit.way.rung > Rung::Trailing {
        return false;
    }
    if letters(inserted(search, replace)) < TELLING_BESIDE_MIN {
        return false;
    }
    replace
        .windows(search.len())
        .enumerate()
        .filter(|(_, window)| window == search)
        .filter_map(|(offset, _)| hit.range.start.checked_sub(offset))
        .any(|start| stands_at(page.lines, start, replace))
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
    let shared = capture_diff_slices(Algorithm::Myers, search, replace)
        .iter()
        .any(|op| matches!(op, DiffOp::Equal { .. }) && op.old_range().any(telling_line));
    let telling = if shared {
        TELLING_BESIDE_MIN
    } else {
        TELLING_ALONE_MIN
    };
    once && letters(inserted(search, replace)) >= telling
}

fn letters<'a>(lines: impl Iterator<Item = &'a str>) -> usize {
    lines
        .map(|line| line.chars().filter(|c| c.is_alphanumeric()).count())
        .sum()
}
