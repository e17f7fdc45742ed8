//! What is left out of the output of each runner, and what never is.

use proptest::prelude::*;

use super::{COMPILED, RULES, lasting};

/// The same failure, seen twice, must read the same, and as expected.
fn check(once: &str, again: &str, expected: &str) {
    assert_eq!(lasting(once, &[]), expected, "of {once}");
    assert_eq!(lasting(again, &[]), expected, "of {again}");
}

#[test]
fn every_rule_is_usable() {
    assert_eq!(COMPILED.rules.len(), RULES.len());
    assert_eq!(COMPILED.any.len(), RULES.len());
}

#[test]
fn rust() {
    check(
        "test result: FAILED. 1 passed; 1 failed; 0 ignored; 0 measured; 0 filtered out; finished in 0.03s",
        "test result: FAILED. 1 passed; 1 failed; 0 ignored; 0 measured; 0 filtered out; finished in 12.40s",
        "test result: FAILED. 1 passed; 1 failed; 0 ignored; 0 measured; 0 filtered out; finished in …s",
    );
    check(
        "    Finished `test` profile [unoptimized + debuginfo] target(s) in 0.52s",
        "    Finished `test` profile [unoptimized + debuginfo] target(s) in 1m 02s",
        "    Finished `test` profile [unoptimized + debuginfo] target(s) in …s",
    );
    check(
        "     Running unittests src/lib.rs (target/debug/deps/demo-1a2b3c4d5e6f7081)",
        "     Running unittests src/lib.rs (target/debug/deps/demo-ffffffff5e6f7081)",
        "     Running unittests src/lib.rs (target/debug/deps/demo)",
    );
    check(
        "thread 'tests::adds' (18231) panicked at src/lib.rs:10:9:",
        "thread 'tests::adds' (99) panicked at src/lib.rs:10:9:",
        "thread 'tests::adds' panicked at src/lib.rs:10:9:",
    );
    check(
        "   Compiling demo v0.1.0 (/home/ada/demo/.atelier/worktrees/x7k2ab-slot-0)",
        "   Compiling demo v0.1.0 (/tmp/other/.atelier/worktrees/slot-3)",
        "   Compiling demo v0.1.0 (.)",
    );
    check(
        "        FAIL [   0.004s] demo tests::adds",
        "        FAIL [  14.104s] demo tests::adds",
        "        FAIL […s] demo tests::adds",
    );
}

#[test]
fn tests_of_rust_that_ended_in_another_order() {
    let once = "running 3 tests\ntest tests::b ... FAILED\ntest tests::a ... ok\ntest tests::c ... FAILED\n\nfailures:\n\n---- tests::c stdout ----\nthread 'tests::c' (7) panicked at src/lib.rs:9:5:\nc\n\n---- tests::b stdout ----\nb\n\n\nfailures:\n    tests::b\n    tests::c\n";
    let again = "running 3 tests\ntest tests::a ... ok\ntest tests::c ... FAILED\ntest tests::b ... FAILED\n\nfailures:\n\n---- tests::b stdout ----\nb\n\n---- tests::c stdout ----\nthread 'tests::c' (8) panicked at src/lib.rs:9:5:\nc\n\n\nfailures:\n    tests::b\n    tests::c\n";
    let (once, again) = (lasting(once, &[]), lasting(again, &[]));
    let told = |text: &str| {
        let mut lines: Vec<_> = text.lines().map(str::to_owned).collect();
        lines.retain(|line| !line.is_empty());
        lines
    };
    assert_eq!(told(&once), told(&again));
    assert!(once.contains("panicked at src/lib.rs:9:5:\nc\n"), "{once}");
}

#[test]
fn python() {
    check(
        "========================= 1 failed, 1 passed in 0.03s ==========================",
        "==================== 1 failed, 1 passed in 75.13s (0:01:15) ====================",
        "=== 1 failed, 1 passed in …s ===",
    );
    check("2 passed in 0.12s", "2 passed in 1.02s", "2 passed in …s");
    check(
        "no tests ran in 0.00s",
        "no tests ran in 0.01s",
        "no tests ran in …s",
    );
    check(
        "Ran 3 tests in 0.001s",
        "Ran 3 tests in 0.002s",
        "Ran 3 tests in …s",
    );
    check(
        "E       assert <app.Store object at 0x7f3f1c0b2d50> is None",
        "E       assert <app.Store object at 0x10a3f9e50> is None",
        "E       assert <app.Store object at 0x…> is None",
    );
    check(
        "E   FileNotFoundError: [Errno 2] No such file or directory: '/tmp/pytest-of-ada/pytest-12/test_load0/a.json'",
        "E   FileNotFoundError: [Errno 2] No such file or directory: '/tmp/pytest-of-root/pytest-3/test_load0/a.json'",
        "E   FileNotFoundError: [Errno 2] No such file or directory: '/tmp/pytest-of-…/test_load0/a.json'",
    );
    check(
        "OSError: '/tmp/tmpk3x9_a1b/a.json'",
        "OSError: '/tmp/tmp0a8zk2qq/a.json'",
        "OSError: '/tmp/tmp…/a.json'",
    );
    check(
        "rootdir: /root/demo/.atelier/worktrees/slot-0",
        "rootdir: /x/.atelier/worktrees/9k-slot-1",
        "rootdir: .",
    );
    check(
        "  File \"/root/demo/.atelier/worktrees/slot-0/tests/test_app.py\", line 12, in test_add",
        "  File \"/x/.atelier/worktrees/a1-slot-1/tests/test_app.py\", line 12, in test_add",
        "  File \"tests/test_app.py\", line 12, in test_add",
    );
    check(
        "0.30s call     tests/test_a.py::test_x",
        "0.12s call     tests/test_a.py::test_x",
        "…s call     tests/test_a.py::test_x",
    );
}

#[test]
fn go() {
    check(
        "--- FAIL: TestAdd (0.00s)",
        "--- FAIL: TestAdd (1.20s)",
        "--- FAIL: TestAdd (…s)",
    );
    check(
        "    --- FAIL: TestAdd/two (0.00s)",
        "    --- FAIL: TestAdd/two (0.01s)",
        "    --- FAIL: TestAdd/two (…s)",
    );
    check(
        "ok  \texample.com/demo\t0.003s",
        "ok  \texample.com/demo\t(cached)",
        "ok  \texample.com/demo\t…s",
    );
    check(
        "FAIL\texample.com/demo\t0.004s",
        "FAIL\texample.com/demo\t1.5s",
        "FAIL\texample.com/demo\t…s",
    );
    check(
        r#"{"Time":"2026-01-02T03:04:05.6Z","Action":"fail","Package":"demo","Test":"TestAdd","Elapsed":0.01}"#,
        r#"{"Time":"2026-01-02T03:05:05.6Z","Action":"fail","Package":"demo","Test":"TestAdd","Elapsed":2}"#,
        r#"{"Action":"fail","Package":"demo","Test":"TestAdd","Elapsed":0}"#,
    );
    check(
        "goroutine 18 [running]:",
        "goroutine 7 [running]:",
        "goroutine … [running]:",
    );
    check(
        "\tdemo/add_test.go:9 +0x1d",
        "\tdemo/add_test.go:9 +0x2f",
        "\tdemo/add_test.go:9",
    );
    check(
        "demo.Add(0xc000012345, 0x2)",
        "demo.Add(0xc00009fff0, 0x2)",
        "demo.Add(0x…, 0x2)",
    );
    check(
        "open /tmp/TestLoad2750481923/001/a.json: no such file",
        "open /tmp/TestLoad118923/001/a.json: no such file",
        "open /tmp/TestLoad…/001/a.json: no such file",
    );
}

#[test]
fn javascript() {
    check("  ✓ adds (3 ms)", "  ✓ adds", "  ✓ adds");
    check(
        "  ✕ subtracts (12 ms)",
        "  ✕ subtracts (1.2 s)",
        "  ✕ subtracts",
    );
    check(
        "FAIL src/a.test.js (5.123 s)",
        "FAIL src/a.test.js",
        "FAIL src/a.test.js",
    );
    check(
        "Time:        0.512 s, estimated 1 s",
        "Time:        1.5 s",
        "Time:        …",
    );
    check(
        " ✓ src/a.test.ts (2 tests) 3ms",
        " ✓ src/a.test.ts (2 tests) 31ms",
        " ✓ src/a.test.ts (2 tests)",
    );
    check(
        "   Duration  312ms (transform 20ms, setup 0ms, collect 15ms)",
        "   Duration  1.31s (transform 21ms, setup 0ms, collect 19ms)",
        "   Duration  …",
    );
    check(
        "   Start at  12:34:56",
        "   Start at  01:02:03",
        "   Start at  …",
    );
}

#[test]
fn mocha_and_node_itself() {
    check("  1 passing (5ms)", "  1 passing (2s)", "  1 passing");
    check("  2 failing", "  2 failing", "  2 failing");
    check("    ✔ adds (41ms)", "    ✔ adds", "    ✔ adds");
    check("✖ adds (0.512ms)", "✖ adds (1.901917ms)", "✖ adds");
    check(
        "ℹ duration_ms 45.123",
        "ℹ duration_ms 51.6",
        "ℹ duration_ms …",
    );
    check(
        "# duration_ms 45.123",
        "# duration_ms 51.6",
        "# duration_ms …",
    );
    check(
        "  duration_ms: 0.53",
        "  duration_ms: 12",
        "  duration_ms: …",
    );
    check(
        "    at TestContext.<anonymous> (file:///root/demo/.atelier/worktrees/slot-1/test/a.test.js:3:10)",
        "    at TestContext.<anonymous> (file:///x/.atelier/worktrees/kq-slot-0/test/a.test.js:3:10)",
        "    at TestContext.<anonymous> (test/a.test.js:3:10)",
    );
    check(
        "(node:1234) ExperimentalWarning: x",
        "(node:9) ExperimentalWarning: x",
        "(node) ExperimentalWarning: x",
    );
    check(
        "(fail) adds [0.12ms]",
        "(fail) adds [3.00ms]",
        "(fail) adds",
    );
    check(
        "adds ... FAILED (4ms)",
        "adds ... FAILED (12ms)",
        "adds ... FAILED",
    );
    check(
        "added 12 packages in 1s",
        "added 12 packages in 843ms",
        "added 12 packages in …s",
    );
    check("✓ built in 312ms", "✓ built in 1.2s", "✓ built in");
}

#[test]
fn other_languages() {
    check(
        "[ERROR] Tests run: 3, Failures: 1, Errors: 0, Skipped: 0, Time elapsed: 0.05 s <<< FAILURE! -- in demo.AddTest",
        "[ERROR] Tests run: 3, Failures: 1, Errors: 0, Skipped: 0, Time elapsed: 1,204.1 s <<< FAILURE! -- in demo.AddTest",
        "[ERROR] Tests run: 3, Failures: 1, Errors: 0, Skipped: 0, Time elapsed: … s <<< FAILURE! -- in demo.AddTest",
    );
    check(
        "[INFO] Finished at: 2026-01-02T03:04:05Z",
        "[INFO] Finished at: 2027-01-02T03:04:05Z",
        "[INFO] Finished at: …",
    );
    check(
        "BUILD FAILED in 3s",
        "BUILD FAILED in 1m 4s",
        "BUILD FAILED in …s",
    );
    check(
        "  Failed Adds [12 ms]",
        "  Failed Adds [< 1 ms]",
        "  Failed Adds",
    );
    check(
        "Failed!  - Failed:     1, Passed:     0, Skipped:     0, Total:     1, Duration: 23 ms - demo.dll (net8.0)",
        "Failed!  - Failed:     1, Passed:     0, Skipped:     0, Total:     1, Duration: < 1 ms - demo.dll (net8.0)",
        "Failed!  - Failed:     1, Passed:     0, Skipped:     0, Total:     1, Duration: … - demo.dll (net8.0)",
    );
    check(
        "1/2 Test #1: adds .............................   Passed    0.01 sec",
        "1/2 Test #1: adds .............................   Passed   10.21 sec",
        "1/2 Test #1: adds .............................   Passed … sec",
    );
    check(
        "[  FAILED  ] Add.Two (0 ms)",
        "[  FAILED  ] Add.Two (12 ms)",
        "[  FAILED  ] Add.Two",
    );
    check(
        "Finished in 0.00212 seconds (files took 0.08 seconds to load)",
        "Finished in 1.2 seconds (files took 0.1 seconds to load)",
        "Finished in …",
    );
    check(
        "Finished in 0.001200s, 833.3 runs/s, 833.3 assertions/s.",
        "Finished in 0.5s, 2.0 runs/s, 2.0 assertions/s.",
        "Finished in …",
    );
    check(
        "Randomized with seed 1234",
        "Randomized with seed 9",
        "Randomized with seed …",
    );
    check(
        "Time: 00:00.012, Memory: 6.00 MB",
        "Time: 00:01.2, Memory: 8.00 MB",
        "Time: …",
    );
    check(
        r#"<testsuite name="pytest" tests="2" time="0.031" timestamp="2026-01-02T03:04:05" hostname="a">"#,
        r#"<testsuite name="pytest" tests="2" time="3.031" timestamp="2027-01-02T03:04:05" hostname="b">"#,
        r#"<testsuite name="pytest" tests="2" time="…" timestamp="…" hostname="…">"#,
    );
    check(
        r#"<testcase classname="tests.test_a" name="test_x" time="0.004">"#,
        r#"<testcase classname="tests.test_a" name="test_x" time="1">"#,
        r#"<testcase classname="tests.test_a" name="test_x" time="…">"#,
    );
    check(
        "not done after 60012 ms",
        "not done after 60340 ms",
        "not done after … ms",
    );
}

#[test]
fn what_the_tested_program_says_stays_letter_by_letter() {
    for text in [
        "assertion `left == right` failed\n  left: 0.03\n right: 0.05\n",
        "src/lib.rs:10:9",
        "E       AssertionError: assert '3s' == '5s'",
        "E       assert 12.5 == 0.12",
        "expected 12ms, got 15ms",
        "Error: Timeout of 2000ms exceeded.",
        "panic: test timed out after 30s",
        "    add_test.go:12: Add(1, 2) = 4, want 3 (0.5s budget)",
        "left: 0xdeadbeef, right: 0xff",
        "the mask is 0x0000ffff",
        "created at 2024-01-01T00:00:00Z",
        "time=\"0.004\"",
        "{\"elapsed\": 0.004, \"timestamp\": \"2024-01-01\"}",
        "Finished in 3 steps",
        "Finished the race in 12s flat",
        "waited 0.12 s for the lock",
        "+ 3 ms",
        "✓ is what the program prints",
        "Duration must be positive",
        "No such file: /tmp/config.toml",
        "No such file: /tmp/my-project/a.json",
        "Ran out of memory in 3s",
        "File \"tests/test_app.py\", line 12, in test_add",
        "   --> src/main.rs:7:13",
        "goroutine pool of 12",
        "process 1234 (worker) ended",
        "",
        "\n\n",
    ] {
        assert_eq!(lasting(text, &[]), text);
    }
}

#[test]
fn folders_of_the_machine_have_names() {
    let folders = [("/home/ada/.cache/atelier/home", "~")];
    let text = "error in /home/ada/.cache/atelier/home/.cargo/registry/src/a.rs:3";
    assert_eq!(
        lasting(text, &folders),
        "error in ~/.cargo/registry/src/a.rs:3"
    );
}

proptest! {
    #[test]
    fn what_lasts_lasts(text in "(([a-z✓ ]{0,8}|in |0.0[0-9]s|/tmp/tmp[a-z]{8}|0x7f[0-9a-f]{10}|\\([0-9] ms\\)|\n){0,12})") {
        let once = lasting(&text, &[]);
        prop_assert_eq!(lasting(&once, &[]), once);
    }
}
