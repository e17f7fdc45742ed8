//! Reports of `swift test`: `XCTest` closes with counts, Swift Testing prints a line a test.

use std::sync::LazyLock;

use atelier_model::TestCounts;
use regex::Regex;

use crate::report::text::{capped, counts, failure, number, pattern};

static XCTEST: LazyLock<Regex> = LazyLock::new(|| {
    pattern(concat!(
        r"(?m)^Test Suite '(?:All|Selected) tests' (?:passed|failed) at .*\n",
        r"\s+Executed (?P<total>\d+) tests?, with ",
    ))
});
/// Closing lines count failed assertions, so tests are counted by their own lines.
static CASE: LazyLock<Regex> = LazyLock::new(|| {
    pattern(concat!(
        r"(?m)^Test Case '(?:-\[)?(?P<name>[^'\]\n]+)\]?' ",
        r"(?P<verdict>passed|failed|skipped) \([\d.]+ seconds\)",
    ))
});
static TESTING: LazyLock<Regex> = LazyLock::new(|| {
    pattern(
        r"(?m)^\S+ +Test run with (?P<total>\d+) tests?(?: in \d+ suites?)? (?:passed|failed) after ",
    )
});
static TEST: LazyLock<Regex> = LazyLock::new(|| {
    pattern(
        r"(?m)^\S+ +Test (?P<name>(?:[^r]|r[^u]).*?) (?P<verdict>passed|failed|skipped)(?: after |: |\.)",
    )
});

/// The runs of both frameworks, which `swift test` starts one after the other.
pub(crate) fn runs(output: &str) -> Vec<TestCounts> {
    [xctest(output), testing(output)]
        .into_iter()
        .flatten()
        .collect()
}

fn xctest(output: &str) -> Option<TestCounts> {
    counted(&XCTEST, &CASE, output)
}

fn testing(output: &str) -> Option<TestCounts> {
    counted(&TESTING, &TEST, output)
}

/// Tests by their own lines; no more have passed than the closing line leaves room for.
fn counted(closing: &Regex, test: &Regex, output: &str) -> Option<TestCounts> {
    let closing = closing.captures_iter(output).last()?;
    let ended: Vec<_> = test.captures_iter(output).collect();
    let of = |verdict: &str| {
        let same = ended.iter().filter(|test| &test["verdict"] == verdict);
        same.count() as u64
    };
    let (failed, skipped) = (of("failed"), of("skipped"));
    let room = number(&closing, "total")?.checked_sub(failed)?;
    let mut run = counts(of("passed").min(room), failed, skipped);
    let broken = ended.iter().filter(|test| &test["verdict"] == "failed");
    run.failures = capped(broken.map(|test| failure(&test["name"], None, "")));
    Some(run)
}
