//! What a report proves: a verdict is taken from exit code, output and counted tests, purely.

use atelier_exec::{Exit, Report, SpawnError};
use atelier_model::{Acceptance, CheckOutcome, CheckResult, Digest, TestCounts};

/// What a command must show.
pub(crate) struct Wanted<'a> {
    pub(crate) exit: i32,
    pub(crate) output: Option<&'a str>,
    /// Tests that must at least have run; `None` where no test is asked for.
    pub(crate) tests: Option<u64>,
}

pub(crate) fn conclude(
    report: &Report,
    tests: Option<&TestCounts>,
    wanted: &Wanted<'_>,
) -> (CheckOutcome, String) {
    let failed = |reason: String| (CheckOutcome::Failed, reason);
    match report.exit {
        Exit::WallTimeout => {
            return (
                CheckOutcome::TimedOut,
                format!("not done after {} ms", report.duration_ms),
            );
        }
        Exit::IdleTimeout => {
            return (CheckOutcome::TimedOut, "silent for too long".to_owned());
        }
        Exit::Signal(signal) => return failed(format!("ended by signal {signal}")),
        Exit::Cancelled => return failed("stopped".to_owned()),
        Exit::Code(code) if code != wanted.exit => {
            let named = tests.map(named_failures).unwrap_or_default();
            return failed(format!("exit code {code}, not {}{named}", wanted.exit));
        }
        Exit::Code(_) => {}
    }
    if let Some(reason) = mismatch(&report.output, wanted.output) {
        return failed(reason);
    }
    count_tests(tests, wanted)
}

/// Exit code 0 proves nothing about tests: their report must say that they ran and passed.
pub(crate) fn count_tests(
    tests: Option<&TestCounts>,
    wanted: &Wanted<'_>,
) -> (CheckOutcome, String) {
    let passed = (CheckOutcome::Passed, String::new());
    match (tests, wanted.tests) {
        (Some(tests), _) if tests.failed > 0 => {
            let reason = format!("{} tests failed{}", tests.failed, named_failures(tests));
            (CheckOutcome::Failed, reason)
        }
        (None, Some(_)) => (
            CheckOutcome::NoTests,
            "no test report was found in the output: how many tests ran is unknown".to_owned(),
        ),
        (Some(tests), Some(least)) if tests.executed() < least => {
            let ran = tests.executed();
            let skipped = if tests.skipped > 0 {
                format!(" and {} were skipped", tests.skipped)
            } else {
                String::new()
            };
            (
                CheckOutcome::NoTests,
                format!("{ran} tests ran{skipped}; at least {least} must"),
            )
        }
        (_, None) | (Some(_), Some(_)) => passed,
    }
}

pub(crate) fn named_failures(tests: &TestCounts) -> String {
    let names: Vec<&str> = tests
        .failures
        .iter()
        .take(5)
        .map(|one| one.name.as_str())
        .collect();
    if names.is_empty() {
        String::new()
    } else {
        format!(": {}", names.join(", "))
    }
}

pub(crate) fn mismatch(text: &str, pattern: Option<&str>) -> Option<String> {
    let pattern = pattern?;
    let expression = regex::RegexBuilder::new(pattern)
        .multi_line(true)
        .build()
        .ok();
    let matches = expression.is_some_and(|expression| expression.is_match(text));
    (!matches).then(|| format!("the output does not match `{pattern}`"))
}

/// The same command over the same tree concludes the same, but a criterion may ask for more.
pub(crate) fn judge_again(known: &CheckResult, least: Option<u64>) -> CheckResult {
    let executed = known.tests.as_ref().map_or(0, TestCounts::executed);
    let least = least.unwrap_or(0);
    if known.outcome.passed() && executed < least {
        return CheckResult {
            outcome: CheckOutcome::NoTests,
            reason: format!("{executed} tests ran; at least {least} must"),
            ..known.clone()
        };
    }
    known.clone()
}

pub(crate) fn blank() -> CheckResult {
    CheckResult {
        name: String::new(),
        command: String::new(),
        outcome: CheckOutcome::Passed,
        reason: String::new(),
        exit: None,
        tests: None,
        output: Digest::of(""),
        duration_ms: 0,
    }
}

pub(crate) fn of_reason(reason: String) -> CheckResult {
    let outcome = if reason.is_empty() {
        CheckOutcome::Passed
    } else {
        CheckOutcome::Failed
    };
    CheckResult {
        outcome,
        reason,
        ..blank()
    }
}

pub(crate) fn not_started<'a>(
    error: &SpawnError,
    hints: impl IntoIterator<Item = &'a str>,
) -> CheckResult {
    let hints: Vec<&str> = hints.into_iter().collect();
    let mut reason = error.to_string();
    if !hints.is_empty() {
        reason = format!("{reason} ({})", hints.join("; "));
    }
    CheckResult {
        outcome: CheckOutcome::NotStarted,
        reason,
        ..blank()
    }
}

/// Whether a criterion asks nothing but that the command succeeds and tests ran.
pub(crate) fn only_tests(acceptance: &Acceptance) -> bool {
    acceptance.expect.output.is_none() && acceptance.expect.exit.unwrap_or(0) == 0
}

/// How many tests a criterion's command must execute: at least one where it runs tests at all.
pub(crate) fn tests_wanted(argv: &[String], acceptance: &Acceptance) -> Option<u64> {
    let runs_tests = atelier_recipe::recognise_tests(argv).is_some();
    acceptance.expect.tests_min.or(runs_tests.then_some(1))
}

#[cfg(test)]
mod tests;
