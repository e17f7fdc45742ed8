//! What a report proves, and what it does not.

use atelier_exec::{Exit, Report};
use atelier_model::{
    Acceptance, Check, CheckOutcome, CheckResult, Expect, TestCounts, TestFailure,
};

use super::{Wanted, blank, conclude, judge_again, tests_wanted};

fn counts(passed: u64, failed: u64, skipped: u64) -> TestCounts {
    let failure = |index| TestFailure {
        name: format!("case {index}"),
        place: None,
        message: String::new(),
    };
    TestCounts {
        passed,
        failed,
        skipped,
        failures: (0..failed).map(failure).collect(),
    }
}

/// A process that ended so, with this report, where so many tests were asked for.
fn check(
    exit: Exit,
    tests: Option<&TestCounts>,
    asked: Option<u64>,
    outcome: CheckOutcome,
    said: &str,
) {
    let report = Report {
        exit,
        output: "all fine".to_owned(),
        truncated: false,
        duration_ms: 1500,
        usage: atelier_exec::Usage::default(),
    };
    let wanted = Wanted {
        exit: 0,
        output: None,
        tests: asked,
    };
    let concluded = conclude(&report, tests, &wanted);
    assert_eq!((concluded.0, concluded.1.as_str()), (outcome, said));
}

#[test]
fn success_without_tests_is_success_only_where_none_are_asked_for() {
    use CheckOutcome::{NoTests, Passed};
    let ok = Exit::Code(0);
    check(ok, None, None, Passed, "");
    check(ok, Some(&counts(0, 0, 0)), None, Passed, "");
    check(ok, Some(&counts(3, 0, 0)), Some(1), Passed, "");
    check(
        ok,
        Some(&counts(0, 0, 0)),
        Some(1),
        NoTests,
        "0 tests ran; at least 1 must",
    );
    check(
        ok,
        Some(&counts(0, 0, 4)),
        Some(1),
        NoTests,
        "0 tests ran and 4 were skipped; at least 1 must",
    );
    check(
        ok,
        Some(&counts(2, 0, 0)),
        Some(3),
        NoTests,
        "2 tests ran; at least 3 must",
    );
    let unknown = "no test report was found in the output: how many tests ran is unknown";
    check(ok, None, Some(1), NoTests, unknown);
}

#[test]
fn failed_tests_are_a_failure_whatever_the_exit_code() {
    use CheckOutcome::Failed;
    check(
        Exit::Code(0),
        Some(&counts(5, 1, 0)),
        Some(1),
        Failed,
        "1 tests failed: case 0",
    );
    check(
        Exit::Code(0),
        Some(&counts(5, 1, 0)),
        None,
        Failed,
        "1 tests failed: case 0",
    );
    let said = "exit code 101, not 0: case 0, case 1";
    check(
        Exit::Code(101),
        Some(&counts(5, 2, 0)),
        Some(1),
        Failed,
        said,
    );
}

#[test]
fn a_process_that_did_not_end_by_itself_proves_nothing() {
    use CheckOutcome::{Failed, TimedOut};
    let nine = counts(9, 0, 0);
    let all = || Some(&nine);
    check(
        Exit::WallTimeout,
        all(),
        Some(1),
        TimedOut,
        "not done after 1500 ms",
    );
    check(
        Exit::IdleTimeout,
        all(),
        Some(1),
        TimedOut,
        "silent for too long",
    );
    check(Exit::Signal(9), all(), Some(1), Failed, "ended by signal 9");
}

#[test]
fn the_output_must_match_where_that_is_asked() {
    let report = Report {
        exit: Exit::Code(2),
        output: "usage: x\nunknown option --y\n".to_owned(),
        truncated: false,
        duration_ms: 1,
        usage: atelier_exec::Usage::default(),
    };
    let wanted = |pattern| Wanted {
        exit: 2,
        output: Some(pattern),
        tests: None,
    };
    assert_eq!(
        conclude(&report, None, &wanted("^unknown option")).0,
        CheckOutcome::Passed
    );
    let (outcome, said) = conclude(&report, None, &wanted("^option"));
    assert_eq!(outcome, CheckOutcome::Failed);
    assert_eq!(said, "the output does not match `^option`");
}

fn criterion(tests_min: Option<u64>) -> Acceptance {
    Acceptance {
        id: "A1".to_owned(),
        text: String::new(),
        requirements: Vec::new(),
        check: Check::Human {
            question: String::new(),
        },
        expect: Expect {
            tests_min,
            ..Expect::default()
        },
        timeout_seconds: None,
        must_fail_before: false,
    }
}

#[test]
fn a_command_that_runs_tests_must_run_one() {
    let wanted = |line: &str, tests_min| {
        let argv: Vec<String> = line.split(' ').map(str::to_owned).collect();
        tests_wanted(&argv, &criterion(tests_min))
    };
    assert_eq!(wanted("cargo test", None), Some(1));
    assert_eq!(wanted("cargo test", Some(7)), Some(7));
    assert_eq!(wanted("cargo build", None), None);
    assert_eq!(wanted("cargo build", Some(2)), Some(2));
}

#[test]
fn what_a_build_step_concluded_is_no_proof_of_tests_that_did_not_run() {
    use CheckOutcome::{NoTests, Passed};
    let step = |tests: Option<TestCounts>| CheckResult { tests, ..blank() };
    let judged = |tests, least| judge_again(&step(tests), least).outcome;
    assert_eq!(judged(None, Some(1)), NoTests);
    assert_eq!(judged(Some(counts(0, 0, 5)), Some(1)), NoTests);
    assert_eq!(judged(Some(counts(2, 0, 0)), Some(3)), NoTests);
    assert_eq!(judged(Some(counts(3, 0, 0)), Some(3)), Passed);
    assert_eq!(judged(None, None), Passed);
    let failed = CheckResult {
        outcome: CheckOutcome::Failed,
        ..blank()
    };
    assert_eq!(judge_again(&failed, Some(1)).outcome, CheckOutcome::Failed);
}
