//! What is written is read back with the same counts by the reader of all `JUnit` files.
#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

use atelier_model::{ReportFormat, StepKind, TestCounts, TestFailure};
use atelier_recipe::read_report;
use proptest::prelude::*;

use crate::report::sample;

fn read(text: &str) -> TestCounts {
    let files = [("junit.xml".to_owned(), text.as_bytes().to_vec())];
    read_report(&ReportFormat::Junit, "", &files).unwrap()
}

#[test]
fn a_test_step_lists_its_failures_and_any_other_is_one_case() {
    let mut report = sample();
    let counts = TestCounts {
        passed: 2,
        failed: 1,
        skipped: 1,
        failures: vec![TestFailure {
            name: "adds <two> & \"three\"".to_owned(),
            place: Some("src/lib.rs:12:5".to_owned()),
            message: "left\nright\u{1b}[0m".to_owned(),
        }],
    };
    report.steps[1].verdict = "failed".to_owned();
    report.steps[1].tests = Some(counts);
    let read = read(&report.junit());
    assert_eq!((read.passed, read.failed, read.skipped), (3, 1, 1));
    assert_eq!(read.failures[0].name, "test.adds <two> & \"three\"");
    assert_eq!(read.failures[0].place.as_deref(), Some("src/lib.rs:12"));
    assert_eq!(read.failures[0].message, "left\nright\u{fffd}[0m");
}

#[test]
fn a_step_that_failed_although_its_tests_passed_is_a_failure() {
    let mut report = sample();
    report.steps[1].verdict = "failed".to_owned();
    report.steps[1].tests = Some(TestCounts {
        passed: 5,
        ..TestCounts::default()
    });
    let read = read(&report.junit());
    assert_eq!((read.passed, read.failed, read.skipped), (1, 1, 0));
}

proptest! {
    #[test]
    fn any_words_are_written_so_that_they_can_be_read(
        name: String, why: String, message: String, failed in 0..3_u64, passed in 0..3_u64,
        verdict in prop::sample::select(vec!["succeeded", "failed", "not_reached", "up_to_date"]),
    ) {
        let mut report = sample();
        let step = &mut report.steps[1];
        step.step.clone_from(&name);
        step.why = why;
        step.verdict = verdict.to_owned();
        step.kind = StepKind::Test;
        step.tests = Some(TestCounts {
            passed,
            failed,
            skipped: 0,
            failures: vec![TestFailure { name, place: None, message }; usize::try_from(failed).unwrap()],
        });
        let text = report.junit();
        let read = read(&text);
        // A failed check is never written as one without failures, nor the other way round.
        prop_assert_eq!(read.failed > 0, verdict == "failed", "{}", text);
    }
}
