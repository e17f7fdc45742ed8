//! Reports of `go test`: JSON events, verbose lines, or one line a package.

use std::{
    collections::{BTreeMap, BTreeSet},
    sync::LazyLock,
};

use atelier_model::TestCounts;
use regex::Regex;
use serde::Deserialize;

use crate::report::text::{capped, counts, failure, pattern};

/// One line of `go test -json`.
#[derive(Deserialize)]
struct GoEvent {
    #[serde(rename = "Action")]
    action: String,
    #[serde(rename = "Package", default)]
    package: String,
    #[serde(rename = "Test")]
    test: Option<String>,
    #[serde(rename = "Output", default)]
    output: String,
}

/// What became of each test, by package and name.
#[derive(Default)]
struct Tests {
    verdicts: BTreeMap<(String, String), &'static str>,
    output: BTreeMap<(String, String), String>,
}

/// The run that was printed, in whichever form.
pub(crate) fn runs(output: &str) -> Vec<TestCounts> {
    json(output)
        .or_else(|| verbose(output))
        .or_else(|| terse(output))
        .into_iter()
        .collect()
}

fn json(output: &str) -> Option<TestCounts> {
    let events = output.lines().filter(|line| line.starts_with("{\""));
    let events: Vec<GoEvent> = events
        .filter_map(|line| serde_json::from_str(line).ok())
        .collect();
    let ended = |event: &GoEvent| {
        event.test.is_none() && matches!(event.action.as_str(), "pass" | "fail" | "skip")
    };
    if !events.iter().any(ended) {
        return None;
    }
    let mut tests = Tests::default();
    for event in events {
        let Some(test) = event.test else { continue };
        let key = (event.package, test);
        match event.action.as_str() {
            "output" => tests.output.entry(key).or_default().push_str(&event.output),
            "pass" => drop(tests.verdicts.insert(key, "PASS")),
            "fail" => drop(tests.verdicts.insert(key, "FAIL")),
            "skip" => drop(tests.verdicts.insert(key, "SKIP")),
            _ => {}
        }
    }
    Some(tests.counts())
}

fn verbose(output: &str) -> Option<TestCounts> {
    static END: LazyLock<Regex> =
        LazyLock::new(|| pattern(r"(?m)^ *--- (?P<verdict>PASS|FAIL|SKIP): (?P<test>\S+) \("));
    static CLOSED: LazyLock<Regex> = LazyLock::new(|| pattern(r"(?m)^(?:ok  |FAIL|PASS)"));
    if !output.contains("=== RUN ") || !CLOSED.is_match(output) {
        return None;
    }
    let mut tests = Tests::default();
    let mut top = 0;
    for found in END.captures_iter(output) {
        let verdict = match &found["verdict"] {
            "PASS" => "PASS",
            "FAIL" => "FAIL",
            _ => "SKIP",
        };
        // Packages are not named here; sub-tests follow the test they belong to.
        if !found["test"].contains('/') {
            top += 1;
        }
        tests
            .verdicts
            .insert((format!("{top}"), found["test"].to_owned()), verdict);
    }
    Some(tests.counts())
}

/// Without `-v` only packages are named: each that passed ran at least one test.
fn terse(output: &str) -> Option<TestCounts> {
    static PACKAGE: LazyLock<Regex> =
        LazyLock::new(|| pattern(r"(?m)^(?P<verdict>ok  |FAIL|\?   )\t\S+\t?(?P<rest>.*)$"));
    let mut run = None;
    for found in PACKAGE.captures_iter(output) {
        let run: &mut TestCounts = run.get_or_insert_default();
        match &found["verdict"] {
            "FAIL" => run.failed += 1,
            "ok  " if !found["rest"].contains("[no tests to run]") => run.passed += 1,
            _ => {}
        }
    }
    run
}

impl Tests {
    /// Counts the tests that have no sub-tests: a parent only repeats what they say, unless it
    /// failed and none of them did.
    fn counts(&self) -> TestCounts {
        let parents: BTreeSet<(&str, &str)> = self
            .verdicts
            .keys()
            .flat_map(|(package, test)| {
                let slashes = test.match_indices('/');
                slashes.map(move |(at, _)| (package.as_str(), &test[..at]))
            })
            .collect();
        let failed_below = |key: &(String, String)| {
            let below = format!("{}/", key.1);
            self.verdicts.iter().any(|(other, verdict)| {
                *verdict == "FAIL" && other.0 == key.0 && other.1.starts_with(&below)
            })
        };
        let is_leaf = |key: &&(String, String)| {
            let own = || self.verdicts.get(*key) == Some(&"FAIL") && !failed_below(key);
            !parents.contains(&(&*key.0, &*key.1)) || own()
        };
        let leaves: Vec<_> = self.verdicts.keys().filter(is_leaf).collect();
        let of = |verdict| {
            let same = leaves
                .iter()
                .filter(|key| self.verdicts.get(**key) == Some(&verdict));
            same.count() as u64
        };
        let mut run = counts(of("PASS"), of("FAIL"), of("SKIP"));
        let failed = leaves
            .iter()
            .filter(|key| self.verdicts.get(**key) == Some(&"FAIL"));
        run.failures = capped(failed.map(|key| {
            let output = self.output.get(*key).map_or("", String::as_str);
            failure(&key.1, place(output), &said(output))
        }));
        run
    }
}

/// What a test printed, without the frame that the runner puts around it.
fn said(output: &str) -> String {
    let frame = |line: &&str| !line.starts_with("=== ") && !line.trim_start().starts_with("--- ");
    output.lines().filter(frame).collect::<Vec<_>>().join("\n")
}

fn place(output: &str) -> Option<String> {
    static PLACE: LazyLock<Regex> = LazyLock::new(|| pattern(r"(?m)^ +(\S+\.go:\d+): "));
    PLACE.captures(output).map(|found| found[1].to_owned())
}
