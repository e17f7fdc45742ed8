//! The page says what became of the steps, and what it shows of them cannot act.

use atelier_model::{TestCounts, TestFailure};

use crate::report::sample;

#[test]
fn failures_come_first_with_their_tests_and_nothing_is_taken_for_markup() {
    let mut report = sample();
    report.passed = false;
    report.steps[1].verdict = "failed".to_owned();
    report.steps[1].failure = Some("exit code 1\n<script>alert(1)</script>".to_owned());
    report.steps[1].tests = Some(TestCounts {
        passed: 1,
        failed: 1,
        skipped: 0,
        failures: vec![TestFailure {
            name: "adds".to_owned(),
            place: Some("src/lib.rs:12".to_owned()),
            message: "left is not right".to_owned(),
        }],
    });
    let page = report.page("<b>adder</b>");
    assert!(page.contains("&lt;b&gt;adder&lt;/b&gt; · failed"));
    assert!(!page.contains("<script"));
    assert!(page.contains("src/lib.rs:12"));
    assert!(page.find("<td>test<td>") < page.find("<td>build<td>"));
    assert_eq!(page.matches("<tr>").count(), 2 + 2 + 1);
}

#[test]
fn bars_stay_within_their_lane() {
    let mut report = sample();
    report.steps[1].start_ms = 5_000;
    report.took_ms = 1_000;
    assert!(report.page("adder").contains("left:100.00%"));
    report.took_ms = 0;
    assert!(report.page("adder").contains("left:100.00%"));
}

#[test]
fn times_are_spelt_for_people() {
    let spelt = [430, 12_340, 245_000].map(super::spell);
    assert_eq!(spelt, ["430 ms", "12.3 s", "4 min 5 s"]);
}
