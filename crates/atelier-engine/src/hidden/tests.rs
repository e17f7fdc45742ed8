//! What is told of hidden tests.

use atelier_model::{CheckOutcome, CheckResult, Evidence, TestCounts, TestFailure};

use super::concluded;
use crate::conclude::blank;

fn step(outcome: CheckOutcome, passed: u64, failed: &[&str]) -> CheckResult {
    let failures = failed.iter().map(|name| TestFailure {
        name: (*name).to_owned(),
        place: Some("tests/secret.py:3".to_owned()),
        message: "90 != 30240".to_owned(),
    });
    CheckResult {
        name: "test".to_owned(),
        outcome,
        tests: Some(TestCounts {
            passed,
            failed: failed.len() as u64,
            skipped: 0,
            failures: failures.collect(),
        }),
        ..blank()
    }
}

fn of(step: CheckResult, visible: u64) -> CheckResult {
    concluded(&Evidence { checks: vec![step] }, visible)
}

#[test]
fn failures_are_named_and_nothing_else_of_them_is_told() {
    let result = of(
        step(CheckOutcome::Failed, 3, &["test_weeks", "test_years"]),
        3,
    );
    assert_eq!(result.outcome, CheckOutcome::Failed);
    assert_eq!(result.reason, "2 tests failed: test_weeks, test_years");
    let text = serde_json::to_string(&result).unwrap_or_default();
    assert!(
        !text.contains("30240") && !text.contains("secret"),
        "{text}"
    );
}

#[test]
fn hidden_tests_that_do_not_run_prove_nothing() {
    assert_eq!(
        of(step(CheckOutcome::Passed, 3, &[]), 3).outcome,
        CheckOutcome::NoTests
    );
    assert_eq!(
        of(step(CheckOutcome::Passed, 4, &[]), 3).outcome,
        CheckOutcome::Passed
    );
    assert_eq!(
        concluded(&Evidence::default(), 0).outcome,
        CheckOutcome::NoTests
    );
}
