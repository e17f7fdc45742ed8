//! Ways out of a test: what a change adds that keeps tests from counting.

use std::{collections::BTreeSet, sync::LazyLock};

use atelier_model::TreePath;
use regex::Regex;

use crate::{
    recipe::{EscapeRule, TestRules},
    recipes::builtin,
};

/// How a test, or what holds tests, is named; each alternative has its name in a group.
static NAMED: LazyLock<Option<Regex>> = LazyLock::new(|| {
    Regex::new(
        r#"\b(?:def|func|fn|void|class|struct)\s+(\w+)|\b(?:[xf]?it|x?test|[xf]?describe|suite|context|x?specify)(?:\.\w+)*\s*\(\s*["'`]([^"'`\n]+)|@test\s+["']([^"'\n]+)"#,
    )
    .ok()
});

/// Whether a path is a test file by the conventions of its language.
pub fn is_test_path(path: &TreePath) -> bool {
    rules().any(|rules| is_test(rules, path))
}

/// Whether a file holds what tests compare with: recorded snapshots and expected outputs.
pub fn holds_expectations(path: &TreePath) -> bool {
    let text = path.as_str();
    let folder = text.split('/').any(|part| part == "__snapshots__");
    let recorded = matches!(
        path.extension(),
        Some("snap" | "ambr" | "golden" | "approved")
    );
    let approved = path.name().contains(".approved.") || path.name().contains(".golden.");
    folder || recorded || approved
}

/// The ways a change to one file adds for tests not to count, in words that follow its path; none
/// if it adds none.
///
/// `before` is the file's text before the change, `None` if it is new. Markers that skip tests,
/// calls that end the test process, tests that are gone and test files that are emptied are found
/// by comparing counts, so that moving code within a file is no escape.
pub fn new_escapes(path: &TreePath, before: Option<&str>, after: &str) -> Vec<String> {
    let before = before.unwrap_or_default();
    let mut found = Vec::new();
    for rules in rules().filter(|rules| concerns(rules, path)) {
        let in_tests = is_test(rules, path);
        for escape in &rules.escapes {
            if (in_tests || !escape.only_in_tests)
                && of_known(escape, before, after) > escape.pattern.count(before)
            {
                found.push(escape.words.clone());
            }
        }
        found.extend(lost_tests(rules, before, after));
        if in_tests && after.trim().is_empty() && !before.trim().is_empty() {
            found.push("empties a test file".to_owned());
        }
    }
    found.sort();
    found.dedup();
    found
}

/// What in a test file ends the run before the runner has reported: whoever printed a report
/// before would have the last word. A new test file is judged by this, and not by what it skips:
/// that shows in the number of tests.
pub fn early_ends(path: &TreePath, text: &str) -> Vec<String> {
    rules()
        .filter(|rules| is_test(rules, path) && concerns(rules, path))
        .flat_map(|rules| &rules.escapes)
        .filter(|escape| escape.ends_run && escape.pattern.count(text) > 0)
        .map(|escape| escape.words.clone())
        .collect()
}

/// How many tests a file declares, as far as its language shows them.
pub fn declared_tests(path: &TreePath, text: &str) -> usize {
    let counts = rules()
        .filter(|rules| concerns(rules, path))
        .filter_map(|rules| rules.function.as_ref())
        .map(|function| function.count(text));
    counts.max().unwrap_or(0)
}

/// How often an escape stands in a text, without those of new tests that concern them alone: whoever
/// adds a test may say where it does not run. Where a test went meanwhile, none is new.
fn of_known(escape: &EscapeRule, before: &str, after: &str) -> usize {
    let places = escape.pattern.places(after);
    if !escape.one_test || places.is_empty() {
        return places.len();
    }
    let (had, has) = (names(before), names(after));
    let name = |(_, name): &(usize, &str)| (*name).to_owned();
    let known: BTreeSet<String> = had.iter().map(name).collect();
    let still: BTreeSet<String> = has.iter().map(name).collect();
    if !known.is_subset(&still) {
        return places.len();
    }
    let of_new = |at: &&usize| owner(after, **at, &has).is_some_and(|name| !known.contains(name));
    places.len() - places.iter().filter(of_new).count()
}

/// The test that a marker in a text concerns: the next one where it stands before it, otherwise the
/// one it stands in.
fn owner<'a>(text: &str, at: usize, names: &[(usize, &'a str)]) -> Option<&'a str> {
    let begin = text[..at].rfind('\n').map_or(0, |end| end + 1);
    let end = text[at..].find('\n').map_or(text.len(), |end| at + end);
    let line = &text[begin..end];
    let found = if line.trim_start().starts_with(['@', '#']) && !line.contains("@test") {
        names.iter().find(|(place, _)| *place > at)
    } else {
        let indent = |line: &str| line.len() - line.trim_start().len();
        let last = names.iter().rev().find(|(place, _)| *place < end);
        last.filter(|(place, _)| {
            let head = text[..*place].rfind('\n').map_or(0, |end| end + 1);
            head == begin || indent(&text[head..]) < indent(line)
        })
    };
    found.map(|(_, name)| *name)
}

/// The names of tests and of what holds them, with their places.
fn names(text: &str) -> Vec<(usize, &str)> {
    let found = NAMED.iter().flat_map(|one| one.captures_iter(text));
    let named = found.filter_map(|found| {
        let name = (1..=3).find_map(|group| found.get(group))?;
        Some((found.get(0)?.start(), name.as_str()))
    });
    named.collect()
}

fn rules() -> impl Iterator<Item = &'static TestRules> {
    builtin().iter().map(|recipe| &recipe.tests)
}

fn is_test(rules: &TestRules, path: &TreePath) -> bool {
    rules.paths.iter().any(|glob| glob.matches(path.as_str()))
}

fn concerns(rules: &TestRules, path: &TreePath) -> bool {
    rules.sources.iter().any(|glob| glob.matches(path.as_str()))
}

fn lost_tests(rules: &TestRules, before: &str, after: &str) -> Option<String> {
    let function = rules.function.as_ref()?;
    let (had, has) = (function.count(before), function.count(after));
    (has < had).then(|| format!("has {has} tests where it had {had}"))
}

#[cfg(test)]
mod tests;
