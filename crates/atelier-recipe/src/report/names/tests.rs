//! Names in what runners print.

use super::passed_names;

#[track_caller]
fn check(output: &str, expected: &[&str]) {
    let found: Vec<_> = passed_names(output).into_iter().collect();
    assert_eq!(found, expected, "{output}");
}

#[test]
fn tests_that_passed_are_named_and_others_are_not() {
    check(
        "running 3 tests\ntest a::one ... ok\ntest a::two ... FAILED\ntest b ... ignored\n",
        &["a::one"],
    );
    check(
        "        PASS [   0.505s] ( 7/46) atelier-recipe ci::tests::every\n",
        &["atelier-recipe ci::tests::every"],
    );
    check(
        "tests/test_a.py::test_one PASSED   [ 50%]\ntests/test_a.py::test_two[1-2] FAILED [100%]\n",
        &["tests/test_a.py::test_one"],
    );
    check(
        "test_one (tests.test_a.A.test_one) ... ok\ntest_two (tests.test_a.A) ... FAIL\n",
        &["test_one (tests.test_a.A.test_one)"],
    );
    check(
        "TAP version 13\n# Subtest: weeks\nok 1 - weeks\n  ---\n  duration_ms: 1\n  ...\nnot ok 2 - days\nok 3 - later # SKIP\n",
        &["weeks"],
    );
    check(
        "✔ weeks (0.5ms)\n✖ days (1ms)\n  ✓ hours 2 ms\n",
        &["hours 2 ms", "weeks"],
    );
    check(
        "{\"Action\":\"pass\",\"Package\":\"a/b\",\"Test\":\"TestOne\"}\n{\"Action\":\"pass\",\"Package\":\"a/b\"}\n{\"Action\":\"fail\",\"Package\":\"a/b\",\"Test\":\"TestTwo\"}\n",
        &["a/b.TestOne"],
    );
    check(
        "    Start 1: ring\n1/2 Test  #1: ring ........   Passed    0.00 sec\n",
        &["ring"],
    );
    check("Ran 5 tests in 0.001s\n\nOK\n", &[]);
}
