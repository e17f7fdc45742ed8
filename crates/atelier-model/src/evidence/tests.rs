//! Evidence: what counts as proof, and what its digest covers.

use super::{CheckOutcome, CheckResult, Evidence, TestCounts, TestFailure};
use crate::Digest;

fn counts(passed: u64, failed: u64, skipped: u64) -> TestCounts {
    TestCounts {
        passed,
        failed,
        skipped,
        failures: Vec::new(),
    }
}

fn result(outcome: CheckOutcome) -> CheckResult {
    CheckResult {
        name: "test".to_owned(),
        command: "cargo test".to_owned(),
        outcome,
        reason: String::new(),
        exit: Some(0),
        tests: Some(counts(2, 1, 4)),
        output: Digest::of("output"),
        duration_ms: 5,
    }
}

fn evidence(outcomes: &[CheckOutcome]) -> Evidence {
    Evidence {
        checks: outcomes.iter().map(|outcome| result(*outcome)).collect(),
    }
}

#[test]
fn nothing_but_passed_checks_is_proof() {
    use CheckOutcome as O;
    assert!(!evidence(&[]).passed());
    assert!(evidence(&[O::Passed, O::Passed]).passed());
    for other in [
        O::Failed,
        O::TimedOut,
        O::NotStarted,
        O::NoTests,
        O::NeedsPerson,
    ] {
        assert!(!other.passed(), "{other:?}");
        assert!(!evidence(&[O::Passed, other]).passed(), "{other:?}");
    }
}

#[test]
fn skipped_tests_are_not_executed() {
    assert_eq!(counts(2, 1, 4).executed(), 3);
    assert_eq!(counts(0, 0, 9).executed(), 0);
    let passed = CheckOutcome::Passed;
    assert_eq!(evidence(&[passed, passed]).tests_executed(), 6);
    assert_eq!(evidence(&[]).tests_executed(), 0);
}

/// The numbers come from what a program printed.
#[test]
fn absurd_numbers_saturate() {
    let mut all = counts(u64::MAX, 1, u64::MAX);
    assert_eq!(all.executed(), u64::MAX);
    all.add(&counts(1, u64::MAX, 1));
    assert_eq!(all, counts(u64::MAX, u64::MAX, u64::MAX));
    let mut evidence = evidence(&[CheckOutcome::Passed, CheckOutcome::Passed]);
    evidence.checks[0].tests = Some(all);
    assert_eq!(evidence.tests_executed(), u64::MAX);
}

#[test]
fn counts_are_added_with_their_failures() {
    let failure = |name: &str| TestFailure {
        name: name.to_owned(),
        place: None,
        message: String::new(),
    };
    let with = |counts: TestCounts, name| TestCounts {
        failures: vec![failure(name)],
        ..counts
    };
    let mut all = with(counts(1, 2, 3), "a");
    all.add(&with(counts(10, 20, 30), "b"));
    let expected = TestCounts {
        failures: vec![failure("a"), failure("b")],
        ..counts(11, 22, 33)
    };
    assert_eq!(all, expected);
}

#[test]
fn the_digest_covers_what_was_run_and_concluded_but_no_times() {
    let base = result(CheckOutcome::Passed);
    let of = |check: CheckResult| {
        let checks = vec![check];
        Evidence { checks }.digest()
    };
    let mut digests = vec![
        of(base.clone()),
        of(CheckResult {
            name: "build".to_owned(),
            ..base.clone()
        }),
        of(CheckResult {
            command: "cargo test --lib".to_owned(),
            ..base.clone()
        }),
        of(CheckResult {
            outcome: CheckOutcome::Failed,
            ..base.clone()
        }),
        of(CheckResult {
            exit: None,
            ..base.clone()
        }),
        of(CheckResult {
            output: Digest::of("other"),
            ..base.clone()
        }),
        evidence(&[]).digest(),
        evidence(&[CheckOutcome::Passed, CheckOutcome::Passed]).digest(),
    ];
    assert_eq!(
        of(CheckResult {
            duration_ms: 6,
            ..base
        }),
        digests[0]
    );
    let all = digests.len();
    digests.sort();
    digests.dedup();
    assert_eq!(digests.len(), all);
}
