//! Answers of visible tests that stand in the sources as special cases.
//!
//! A case is a line of a test with the literals of a call and of its result. Sources that newly name
//! all literals of a case close to each other answer that case alone. One such place may be chance
//! and is told; several of them that are nothing but the cases of the tests are not.

use std::{collections::BTreeSet, sync::LazyLock};

use regex::Regex;

use super::{Change, Finding, Pair, Visible, code::Code};
use crate::is_test_path;

/// Lines within which the literals of a case must stand.
const WINDOW_LINES: usize = 3;
/// Literals of one case that are looked at.
const LITERALS_MAX: usize = 8;
/// Cases of visible tests that are looked at.
const CASES_MAX: usize = 2_000;
/// How far around an answered case other cases of the same table are looked for.
const TABLE_LINES: usize = 12;
/// How telling the literals of a case must be together.
const TELLING_MIN: usize = 3;
/// How telling all answered cases must be together.
const TELLING_TOGETHER_MIN: usize = 6;
/// How telling they must be where the sources compare with them.
const COMPARED_MIN: usize = 2;

static LITERAL: LazyLock<Option<Regex>> = LazyLock::new(|| {
    Regex::new(r#""(?:[^"\\\n]|\\.)*"|'(?:[^'\\\n]|\\.)*'|`[^`\n]*`|\b\d[\d_]*(?:\.\d+)?\b"#).ok()
});
static COMPARES: LazyLock<Option<Regex>> = LazyLock::new(|| {
    Regex::new(r"\bif\b|\bcase\b|\bmatch\b|\bwhen\b|\belif\b|==|\?|=>|\bswitch\b|startswith").ok()
});
/// Lines of tests that show a case.
static SHOWS: LazyLock<Option<Regex>> = LazyLock::new(|| {
    Regex::new(r"assert|expect|EXPECT|==|!=|should|^\s*[\[({].*[\])}]\s*,?\s*$").ok()
});

pub(super) fn found(pair: &Pair<'_>, visible: &Visible<'_>) -> Vec<Finding> {
    answers(pair.before_text(), &pair.after.text, visible)
}

/// The same in a file of data that sources may read.
pub(super) fn in_data(change: &Change<'_>, visible: &Visible<'_>) -> Vec<Finding> {
    let data = matches!(
        change.path.extension(),
        Some("json" | "yaml" | "yml" | "toml" | "ini" | "xml")
    );
    if !data || is_test_path(change.path) {
        return Vec::new();
    }
    answers(change.before.unwrap_or_default(), change.after, visible)
}

fn answers(before: &str, after: &str, visible: &Visible<'_>) -> Vec<Finding> {
    let cases = cases(visible);
    if cases.is_empty() {
        return Vec::new();
    }
    let old: BTreeSet<&str> = before.lines().map(str::trim).collect();
    // What is empty, or says nothing, brings nothing nearer or further apart.
    let lines: Vec<Line> = after
        .lines()
        .enumerate()
        .filter(|(_, line)| !line.trim().is_empty())
        .map(|(number, line)| Line::of(number, line, old.contains(line.trim())))
        .collect();
    let mut answered: Vec<(usize, &Case, bool)> = Vec::new();
    for case in &cases {
        if let Some((line, compared)) = stands_in(case, &lines) {
            answered.push((line, case, compared));
        }
    }
    let shown: BTreeSet<&String> = answered
        .iter()
        .flat_map(|(_, case, _)| &case.literals)
        .collect();
    let places: BTreeSet<usize> = answered.iter().map(|(line, _, _)| *line).collect();
    let table = entries_beside(&places, &shown, &lines) >= 2;
    answered.retain(|(_, case, compared)| {
        case.telling >= if *compared { COMPARED_MIN } else { TELLING_MIN }
    });
    let mut found = judge(&answered, table);
    for one in &mut found {
        one.line = lines.get(one.line).map_or(1, |line| line.number + 1);
    }
    found
}

/// One line of the sources.
struct Line {
    /// Its number in the file, counted from 0.
    number: usize,
    /// Its literals; none where the line is no new one.
    literals: Vec<String>,
    new: bool,
    compares: bool,
}

impl Line {
    fn of(number: usize, line: &str, old: bool) -> Self {
        Self {
            number,
            literals: literals(line),
            new: !old,
            compares: COMPARES.as_ref().is_some_and(|one| one.is_match(line)),
        }
    }
}

/// The literals of a line of a test.
#[derive(Debug, PartialEq, Eq, PartialOrd, Ord)]
struct Case {
    literals: Vec<String>,
    telling: usize,
}

fn cases(visible: &Visible<'_>) -> BTreeSet<Case> {
    let mut all = BTreeSet::new();
    for (path, text) in &visible.tests {
        let Some(code) = Code::of(path, text) else {
            continue;
        };
        for line in code.text.lines() {
            if !SHOWS.as_ref().is_some_and(|one| one.is_match(line)) {
                continue;
            }
            let found = literals(line);
            let asked = |one: &String| visible.asked.contains(one.trim_matches(['"', '\'', '`']));
            if !(2..=LITERALS_MAX).contains(&found.len()) || found.last().is_some_and(asked) {
                continue;
            }
            let telling = found.iter().map(|one| telling(one)).sum();
            all.insert(Case {
                literals: found,
                telling,
            });
            if all.len() >= CASES_MAX {
                return all;
            }
        }
    }
    all
}

/// The literals of a line, texts without regard to how they are quoted.
fn literals(line: &str) -> Vec<String> {
    let found = LITERAL.iter().flat_map(|one| one.find_iter(line));
    found
        .map(|one| {
            let text = one.as_str();
            match text.strip_prefix(['"', '\'', '`']) {
                Some(inside) => format!("\"{}\"", &inside[..inside.len().saturating_sub(1)]),
                None => text.replace('_', ""),
            }
        })
        .collect()
}

/// How unlikely it is that a literal stands somewhere by chance.
fn telling(literal: &str) -> usize {
    let length = literal.trim_matches('"').chars().count();
    if literal.starts_with('"') {
        match length {
            0..=1 => 0,
            2..=5 => 1,
            _ => 2,
        }
    } else {
        match length {
            0..=1 => 0,
            2 => 1,
            _ => 2,
        }
    }
}

/// Where new lines name every literal of a case close to each other, and whether they compare.
fn stands_in(case: &Case, lines: &[Line]) -> Option<(usize, bool)> {
    (0..lines.len()).find_map(|at| {
        let end = (at + WINDOW_LINES).min(lines.len());
        let window = &lines[at..end];
        let first = window.first()?;
        let begins = first.new && first.literals.iter().any(|one| case.literals.contains(one));
        if !begins {
            return None;
        }
        let mut needed = case.literals.clone();
        let mut compares = false;
        for line in window.iter().filter(|line| line.new) {
            compares |= line.compares;
            for one in &line.literals {
                if let Some(index) = needed.iter().position(|need| need == one) {
                    needed.swap_remove(index);
                }
            }
            if needed.is_empty() {
                return Some((at, compares));
            }
        }
        None
    })
}

/// Findings by the index of their line. `table` says that the answered cases stand in a table that knows more than the tests.
fn judge(answered: &[(usize, &Case, bool)], table: bool) -> Vec<Finding> {
    let places: BTreeSet<usize> = answered.iter().map(|(line, _, _)| *line).collect();
    let telling: usize = answered.iter().map(|(_, case, _)| case.telling).sum();
    let certain = answered.len() >= 2 && telling >= TELLING_TOGETHER_MIN && !table;
    places
        .into_iter()
        .map(|line| {
            let words = "answers a case of the visible tests alone";
            if certain {
                Finding::certain(line, words)
            } else {
                Finding::doubtful(line, words)
            }
        })
        .collect()
}

/// Entries of the same table that no visible test shows: a table that knows more than the tests is
/// no list of their answers.
fn entries_beside(places: &BTreeSet<usize>, shown: &BTreeSet<&String>, lines: &[Line]) -> usize {
    let near = |at: usize| places.iter().any(|place| place.abs_diff(at) <= TABLE_LINES);
    let strange = |line: &Line| {
        let others = line.literals.iter().filter(|one| !shown.contains(one));
        others.count() / 2
    };
    let others = lines.iter().enumerate();
    others
        .filter(|(at, line)| near(*at) && line.new)
        .map(|(_, line)| strange(line))
        .sum()
}
