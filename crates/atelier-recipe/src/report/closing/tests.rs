//! What runners print at their end that only scripts of projects start.
#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

use atelier_model::ReportFormat;

use crate::report::read_report;

/// Passed, failed and skipped, and each failure with its place.
#[track_caller]
fn check(format: ReportFormat, output: &str, counted: (u64, u64, u64), failures: &[(&str, &str)]) {
    let run = read_report(&format, output, &[]).unwrap();
    assert_eq!((run.passed, run.failed, run.skipped), counted, "{output}");
    let told = run.failures.iter();
    let told = told.map(|one| (one.name.as_str(), one.place.as_deref().unwrap_or_default()));
    assert_eq!(told.collect::<Vec<_>>(), failures, "{output}");
}

#[track_caller]
fn any(output: &str, counted: (u64, u64, u64), failures: &[(&str, &str)]) {
    check(ReportFormat::Any, output, counted, failures);
}

#[test]
fn pest_and_laravel() {
    let passed = "   PASS  Tests\\Unit\\ATest\n  ✓ it adds          0.01s\n\n  Tests:    7 skipped, 167 passed (338 assertions)\n  Duration: 13.51s\n";
    check(ReportFormat::Phpunit, passed, (167, 0, 7), &[]);
    let failed = "   FAIL  Tests\\Unit\\ATest\n  ⨯ it adds   0.02s\n  ──────────────\n   FAILED  Tests\\Unit\\ATest > it adds\n  Failed asserting that 3 is identical to 4.\n\n  at tests/Unit/ATest.php:4\n      1▕ <?php\n\n\n  Tests:    1 failed, 2 passed (3 assertions)\n  Duration: 0.10s\n";
    check(
        ReportFormat::Phpunit,
        failed,
        (2, 1, 0),
        &[("Tests\\Unit\\ATest > it adds", "tests/Unit/ATest.php:4")],
    );
}

#[test]
fn runners_in_a_browser() {
    any(
        "HeadlessChrome 90.0 (Linux): Executed 3 of 3 SUCCESS (0.01 secs / 0.005 secs)\nTOTAL: 3 SUCCESS\n",
        (3, 0, 0),
        &[],
    );
    let failed = "  1) [chromium] › tests/home.spec.ts:5:1 › home › has title ───────────\n\n    Error: expect(received).toBe(expected)\n\n\n  1 failed\n    [chromium] › tests/home.spec.ts:5:1 › home › has title ──\n  2 skipped\n  3 passed (4.1s)\n";
    any(
        failed,
        (3, 1, 2),
        &[("home › has title", "tests/home.spec.ts:5")],
    );
    any("\n  3 passed (900ms)\n", (3, 0, 0), &[]);
}

#[test]
fn runners_of_functional_languages() {
    any(
        "TEST RUN FAILED\n\nDuration: 120 ms\nPassed:   4\nFailed:   1\n",
        (4, 1, 0),
        &[],
    );
    any("Test Successful in 0.001s. 5 tests run.\n", (5, 0, 0), &[]);
    any("1 failure! in 0.002s. 5 tests run.\n", (4, 1, 0), &[]);
    any(
        "Cases: 4  Tried: 4  Errors: 1  Failures: 1\n",
        (2, 2, 0),
        &[],
    );
    any(
        "FAILED: Cases: 4 Tried: 4 Errors: 0 Failures: 1 Skip:  1 Todo: 0 Timeouts: 0.\n",
        (2, 1, 1),
        &[],
    );
}

#[test]
fn runners_of_native_programs() {
    any(
        "OK (3 tests, 3 ran, 9 checks, 0 ignored, 0 filtered out, 1 ms)\n",
        (3, 0, 0),
        &[],
    );
    let failed = "\nsrc/t.cpp:12: error: Failure in TEST(G, adds)\n\texpected <1>\n\n.\nErrors (1 failures, 3 tests, 3 ran, 9 checks, 0 ignored, 0 filtered out, 1 ms)\n";
    any(failed, (2, 1, 0), &[("TEST(G, adds)", "src/t.cpp:12")]);
    any(
        "Totals: 5 passed, 1 failed, 1 skipped, 0 blacklisted, 12ms\n",
        (5, 1, 1),
        &[],
    );
    any(
        "Executed 2 out of 3 tests: 2 tests pass and 1 fails locally.\n",
        (2, 1, 0),
        &[],
    );
    any("Executed 1 out of 1 test: 1 test passes.\n", (1, 0, 0), &[]);
}

#[test]
fn runners_of_scripts_and_stories() {
    any(
        "3 successes / 1 failure / 0 errors / 1 pending : 0.01 seconds\n",
        (3, 1, 1),
        &[],
    );
    let r = "── Failure ('test-a.R:3:1'): adds ──────────\n1 (`actual`) not equal to 2\n\n[ FAIL 1 | WARN 0 | SKIP 1 | PASS 10 ]\nError: Test failures\n";
    any(r, (10, 1, 1), &[("adds", "test-a.R:3")]);
    any(
        "ASSERT:expected:<1> but was:<2>\n\nRan 3 tests.\n\nFAILED (failures=1)\n",
        (2, 1, 0),
        &[("expected:<1> but was:<2>", "")],
    );
    any(
        "3 scenarios (1 failed, 2 passed)\n9 steps (1 failed, 8 passed)\n",
        (2, 1, 0),
        &[],
    );
    any(
        "1 feature passed, 0 failed, 0 skipped\n2 scenarios passed, 1 failed, 0 skipped\n",
        (2, 1, 0),
        &[],
    );
    any(
        "Tests Passed: 3, Failed: 1, Skipped: 1, Inconclusive: 0, NotRun: 0\n",
        (3, 1, 1),
        &[],
    );
}

#[test]
fn words_that_close_nothing_are_no_report() {
    for output in ["all good\n", "3 passed\n", "tests passed\n", "OK\n"] {
        assert_eq!(
            read_report(&ReportFormat::Any, output, &[]),
            None,
            "{output}"
        );
    }
}
