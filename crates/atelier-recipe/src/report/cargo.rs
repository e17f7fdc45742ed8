//! Reports of `cargo test` and `cargo nextest run`.

use std::sync::LazyLock;

use atelier_model::{TestCounts, TestFailure};
use regex::Regex;

use crate::report::text::{capped, counts, failure, number, pattern};

static RUNNING: LazyLock<Regex> = LazyLock::new(|| pattern(r"^running (?P<tests>\d+) tests?$"));
static RESULT: LazyLock<Regex> = LazyLock::new(|| {
    pattern(concat!(
        r"^test result: (?:ok|FAILED)\. (?P<passed>\d+) passed; (?P<failed>\d+) failed; ",
        r"(?P<ignored>\d+) ignored; (?P<measured>\d+) measured; \d+ filtered out",
    ))
});

static PLACE: LazyLock<Regex> = LazyLock::new(|| pattern(r"panicked at (?:'.*', )?([^\s:]+:\d+)"));

/// The runs of test binaries and doc tests.
///
/// A run counts when its result agrees with the number of tests it announced. A run without a
/// result, or a result without a run, makes the whole report unknown: the process may have left on
/// purpose, or a test may have printed a result of its own. A run inside another one is what a test
/// printed, not a run.
pub(crate) fn libtest(output: &str) -> Vec<TestCounts> {
    let mut open: Vec<u64> = Vec::new();
    let mut runs: Vec<TestCounts> = Vec::new();
    for line in output.lines().map(str::trim_end) {
        if let Some(tests) = RUNNING
            .captures(line)
            .and_then(|found| number(&found, "tests"))
        {
            open.push(tests);
        } else if let Some((announced, run)) = result(line) {
            let Some(running) = open.last() else {
                return Vec::new();
            };
            if *running == announced {
                open.pop();
                if open.is_empty() {
                    runs.push(run);
                }
            }
        }
    }
    if !open.is_empty() {
        return Vec::new();
    }
    if let Some(last) = runs.last_mut() {
        last.failures = libtest_failures(output);
    }
    runs
}

fn result(line: &str) -> Option<(u64, TestCounts)> {
    let found = RESULT.captures(line)?;
    let run = counts(
        number(&found, "passed")?,
        number(&found, "failed")?,
        number(&found, "ignored")?,
    );
    let measured = number(&found, "measured")?;
    Some((run.executed() + run.skipped + measured, run))
}

fn libtest_failures(output: &str) -> Vec<TestFailure> {
    static HEAD: LazyLock<Regex> = LazyLock::new(|| pattern(r"(?m)^---- (.+) stdout ----$"));
    let heads: Vec<_> = HEAD.captures_iter(output).collect();
    let starts = heads.iter().filter_map(|head| head.get(0));
    let mut ends: Vec<usize> = starts.map(|head| head.start()).skip(1).collect();
    ends.push(output.len());
    let blocks = heads.iter().zip(ends).filter_map(|(head, end)| {
        let block = output.get(head.get(0)?.end()..end)?;
        let message = block.split("\nfailures:\n").next()?;
        let place = PLACE.captures(message).and_then(|found| found.get(1));
        let place = place.map(|place| place.as_str().to_owned());
        Some(failure(head.get(1)?.as_str(), place, message))
    });
    capped(blocks)
}

/// The runs of `nextest`, by its closing line.
pub(crate) fn nextest(output: &str) -> Vec<TestCounts> {
    static SUMMARY: LazyLock<Regex> = LazyLock::new(|| {
        pattern(r"(?m)^ *Summary \[[^\]]*\] +(?P<run>\d+)(?:/\d+)? tests? run: (?P<rest>.*)$")
    });
    static PASSED: LazyLock<Regex> = LazyLock::new(|| pattern(r"(?P<n>\d+) passed"));
    static SKIPPED: LazyLock<Regex> = LazyLock::new(|| pattern(r"(?P<n>\d+) skipped"));
    let of = |regex: &Regex, rest: &str| {
        regex
            .captures(rest)
            .and_then(|found| number(&found, "n"))
            .unwrap_or(0)
    };
    let runs = SUMMARY.captures_iter(output).filter_map(|found| {
        let rest = found.name("rest")?.as_str();
        let run = number(&found, "run")?;
        let passed = of(&PASSED, rest).min(run);
        let mut run = counts(passed, run - passed, of(&SKIPPED, rest));
        run.failures = nextest_failures(output.get(..found.get(0)?.start())?);
        Some(run)
    });
    runs.collect()
}

fn nextest_failures(before: &str) -> Vec<TestFailure> {
    static HEAD: LazyLock<Regex> = LazyLock::new(|| {
        pattern(concat!(
            r"(?m)^ +(?:TRY \d+ )?(?:FAIL|SIG\w+|TIMEOUT|ABORT) \[[^\]]*\] ",
            r"(?:\( *\d+/\d+\) )?(?P<name>.+)$",
        ))
    });
    static STATUS: LazyLock<Regex> = LazyLock::new(|| pattern(r"(?m)^ *(?:[A-Z]+ )+\["));
    let failures = HEAD.captures_iter(before).filter_map(|found| {
        let after = before.get(found.get(0)?.end()..)?;
        let end = STATUS.find(after).map_or(after.len(), |next| next.start());
        let block = &after[..end];
        let place = PLACE.captures(block).map(|place| place[1].to_owned());
        let said = block
            .split_once("panicked at ")
            .map_or(block, |(_, said)| said);
        Some(failure(&found["name"], place, said))
    });
    capped(failures)
}
