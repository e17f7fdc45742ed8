//! What may have been meant, for the one who must mend an edit; nothing is ever applied on this.

use std::{collections::BTreeSet, ops::Range};

use atelier_model::{FileTree, TreePath};
use similar::TextDiff;

use crate::place::{fold, fold_path};

/// Similarity from which lines are worth showing.
const RATIO_MIN: f32 = 0.5;
/// Places of a file that are compared character by character.
const CANDIDATES_MAX: usize = 4;
/// Bytes of each that are compared.
const COMPARED_BYTES_MAX: usize = 1500;
/// Lines of a search that are compared.
const LINES_MAX: usize = 60;
/// Bytes of lines that are shown.
const SHOWN_BYTES_MAX: usize = 4000;

/// The lines of a file that are most like some others, if any are.
pub(super) fn lines(file: &[&str], search: &[&str]) -> Option<String> {
    let search: Vec<_> = search
        .iter()
        .copied()
        .skip_while(|line| line.trim().is_empty())
        .take(LINES_MAX)
        .collect();
    let key = |line: &str| fold(line.trim()).into_owned();
    let wanted: Vec<_> = search.iter().map(|line| key(line)).collect();
    let words: BTreeSet<&str> = wanted
        .iter()
        .flat_map(|line| line.split_whitespace())
        .collect();
    let keys: Vec<_> = file.iter().map(|line| key(line)).collect();
    let weight = |line: &String| {
        let known = line
            .split_whitespace()
            .filter(|word| words.contains(word))
            .count();
        known
            + if !line.is_empty() && wanted.contains(line) {
                4
            } else {
                0
            }
    };
    let weights: Vec<usize> = keys.iter().map(weight).collect();
    let size = search.len().min(file.len()).max(1);
    let mut starts: Vec<(usize, usize)> = weights
        .windows(size)
        .map(|window| window.iter().sum())
        .zip(0..)
        .collect();
    starts.sort_by_key(|(weight, start)| (std::cmp::Reverse(*weight), *start));
    let wanted = bounded(&wanted, COMPARED_BYTES_MAX);
    let (ratio, start) = starts
        .into_iter()
        .take(CANDIDATES_MAX)
        .map(|(_, start)| {
            let there = bounded(&keys[start..start + size], COMPARED_BYTES_MAX);
            (
                TextDiff::from_chars(wanted.as_str(), there.as_str()).ratio(),
                start,
            )
        })
        .max_by(|a, b| a.0.total_cmp(&b.0).then(b.1.cmp(&a.1)))?;
    (ratio >= RATIO_MIN).then(|| shown(file, start..start + size))
}

/// Comparisons of characters for which all places of a file are compared.
const ALL_COMPARED_MAX: usize = 4_000_000;

/// The place of a file that is most like some lines, and whether there is another, apart from
/// those that `beside` finds to be the same, that is as much like them. `None` where nothing is
/// like them, or the file is too long to tell.
pub(super) fn most_alike(
    file: &[&str],
    search: &[&str],
    beside: impl Fn(&Range<usize>) -> bool,
) -> Option<(Range<usize>, bool)> {
    let size = search.len();
    let wanted = search.join("\n");
    let all = file.iter().map(|line| line.len() + 1).sum::<usize>();
    if size == 0 || all.saturating_mul(size).saturating_mul(wanted.len()) > ALL_COMPARED_MAX {
        return None;
    }
    let ratio = |range: &Range<usize>| {
        let there = file[range.clone()].join("\n");
        TextDiff::from_chars(wanted.as_str(), there.as_str()).ratio()
    };
    let last = (file.len() + 1).checked_sub(size)?;
    let places: Vec<_> = (0..last)
        .map(|start| start..start + size)
        .map(|range| (ratio(&range), range))
        .collect();
    let (best, range) = places
        .iter()
        .max_by(|a, b| a.0.total_cmp(&b.0).then(b.1.start.cmp(&a.1.start)))?;
    let rival = |(other, range): &(f32, Range<usize>)| other >= best && !beside(range);
    let rivals = places.iter().any(rival);
    (*best >= RATIO_MIN).then(|| (range.clone(), rivals))
}

fn bounded(lines: &[String], bytes_max: usize) -> String {
    let text = lines.join("\n");
    let end = (0..=bytes_max.min(text.len()))
        .rev()
        .find(|at| text.is_char_boundary(*at));
    text[..end.unwrap_or(0)].to_owned()
}

/// Lines of a file as they are shown.
pub(super) fn shown(file: &[&str], range: Range<usize>) -> String {
    let first = range.start + 1;
    let last = range.end;
    let lines: Vec<String> = file[range].iter().map(|line| (*line).to_owned()).collect();
    let numbers = if first == last {
        format!("line {first}")
    } else {
        format!("lines {first}–{last}")
    };
    format!("{numbers}:\n{}\n", bounded(&lines, SHOWN_BYTES_MAX))
}

/// Lines of a search that are shown.
const SOUGHT_LINES_MAX: usize = 3;
/// Characters of each.
const SOUGHT_CHARS_MAX: usize = 100;

/// The first of some lines, each cut to a length.
pub(super) fn beginning(search: &[&str]) -> String {
    let full = search.iter().skip_while(|line| line.trim().is_empty());
    let mut shown: String = full
        .clone()
        .take(SOUGHT_LINES_MAX)
        .map(|line| cut(line) + "\n")
        .collect();
    if full.count() > SOUGHT_LINES_MAX {
        shown.push_str("…\n");
    }
    shown
}

/// A line, cut to a length.
pub(super) fn cut(line: &str) -> String {
    match line.char_indices().nth(SOUGHT_CHARS_MAX) {
        Some((end, _)) => format!("{}…", &line[..end]),
        None => line.to_owned(),
    }
}

/// Files that are searched for lines that were looked for in another one.
const FILES_MAX: usize = 2000;
/// Letters and digits that lines must have before their place in another file means anything.
const LETTERS_MIN: usize = 16;

/// The one other file in which these lines stand, character by character.
pub(super) fn other_file(tree: &FileTree, path: &TreePath, search: &str) -> Option<String> {
    if search.chars().filter(|c| c.is_alphanumeric()).count() < LETTERS_MIN {
        return None;
    }
    let mut holding = tree.iter().take(FILES_MAX).filter(|(other, file)| {
        *other != path && file.as_text().is_some_and(|t| t.contains(search))
    });
    let (only, _) = holding.next()?;
    holding.next().is_none().then(|| only.to_string())
}

/// The path of a tree that differs from another in case or folders only, if there is just one.
pub(super) fn path(tree: &FileTree, path: &TreePath) -> Option<String> {
    let name = fold_path(path.name());
    let alike: Vec<_> = tree
        .paths()
        .filter(|other| fold_path(other.name()) == name)
        .collect();
    match alike.as_slice() {
        [only] => Some(only.to_string()),
        _ => None,
    }
}
