//! What a report proves, and what it does not.

use atelier_exec::{Exit, Report};
use atelier_model::{CheckOutcome, TestCounts, TestFailure};

use super::{Wanted, conclude};

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
