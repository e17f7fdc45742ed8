//! Names of tests that passed, for those runners that print them.

use std::{collections::BTreeSet, sync::LazyLock};

use regex::Regex;
use serde_json::Value;

use super::text;

/// Names that are kept of one report.
const NAMES_MAX: usize = 20_000;

/// How runners print a test that passed; the group is its name.
static PASSED: LazyLock<Vec<Regex>> = LazyLock::new(|| {
    [
        // Rust's own runner, and nextest.
        r"(?m)^test (\S+)(?: - should panic)? \.\.\. ok$",
        r"(?m)^ *PASS \[ *[\d.]+s\] (?:\( *\d+/\d+\) )?(\S.*)$",
        // Python.
        r"(?m)^(\S+::\S.*?) PASSED\b",
        r"(?m)^(test\w* \([\w.]+\))(?:\n.*)? \.\.\. ok$",
        // What prints TAP, and the runners of JavaScript.
        r"(?m)^ *ok \d+ (?:- )?([^#\n]+?)(?: # time.*)? *$",
        r"(?m)^ *[✔✓] (.+?)(?: \([\d.]+ ?m?s\))?$",
        // CTest.
        r"(?m)^ *\d+/\d+ Test +#\d+: (\S+) \.+ +Passed\b",
    ]
    .iter()
    .filter_map(|pattern| Regex::new(pattern).ok())
    .collect()
});

/// The names of the tests that passed, as far as a report names them; the first of very many.
///
/// A runner that prints no names gives none, which says nothing about its tests.
pub fn passed_names(output: &str) -> BTreeSet<String> {
    let output = text::plain(output);
    let output = text::whole_lines(&output);
    let printed = PASSED
        .iter()
        .flat_map(|one| one.captures_iter(output))
        .map(|found| found[1].trim().to_owned());
    printed.chain(go(output)).take(NAMES_MAX).collect()
}

/// `go test -json` prints an event a line.
fn go(output: &str) -> impl Iterator<Item = String> {
    let events = output
        .lines()
        .filter(|line| line.starts_with('{') && line.contains("\"pass\""))
        .filter_map(|line| serde_json::from_str::<Value>(line).ok())
        .filter(|event| event["Action"] == "pass");
    events.filter_map(|event| {
        let (package, test) = (event["Package"].as_str()?, event["Test"].as_str()?);
        Some(format!("{package}.{test}"))
    })
}

#[cfg(test)]
mod tests;
