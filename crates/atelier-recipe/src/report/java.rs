//! Reports of Maven's Surefire and Failsafe.

use std::sync::LazyLock;

use atelier_model::TestCounts;
use regex::Regex;

use crate::report::text::{counts, number, pattern};

static SUMMARY: LazyLock<Regex> = LazyLock::new(|| {
    pattern(concat!(
        r"(?m)^(?:\[\w+\] )?Tests run: (?P<run>\d+), Failures: (?P<failures>\d+), ",
        r"Errors: (?P<errors>\d+), Skipped: (?P<skipped>\d+)(?:, Flakes: \d+)?\s*$",
    ))
});

/// Said instead of a summary; a report file beside it is from an earlier run.
static NONE: LazyLock<Regex> = LazyLock::new(|| pattern(r"(?m)^(?:\[\w+\] )?No tests to run\.$"));

/// The runs of modules, by the line that closes each; the lines of single classes name a time.
pub(crate) fn surefire(output: &str) -> Vec<TestCounts> {
    let runs = SUMMARY.captures_iter(output).filter_map(|found| {
        let failed = number(&found, "failures")? + number(&found, "errors")?;
        let skipped = number(&found, "skipped")?;
        let passed = number(&found, "run")?
            .checked_sub(failed)?
            .checked_sub(skipped)?;
        Some(counts(passed, failed, skipped))
    });
    let mut runs: Vec<_> = runs.collect();
    if runs.is_empty() && NONE.is_match(output) {
        runs.push(TestCounts::default());
    }
    runs
}
