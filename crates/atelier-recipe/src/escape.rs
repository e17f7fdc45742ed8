//! Ways out of a test: what a change adds that keeps tests from counting.

use atelier_model::TreePath;

use crate::{recipe::TestRules, recipes::builtin};

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
                && escape.pattern.count(after) > escape.pattern.count(before)
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
