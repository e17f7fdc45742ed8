//! Changes to tests, in pairs of before and after, and the paths that count as tests.
#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

use atelier_model::TreePath;

use super::{is_test_path, new_escapes};

fn path(text: &str) -> TreePath {
    TreePath::parse(text).unwrap()
}

fn check(file: &str, before: &str, after: &str, expected: &[&str]) {
    assert_eq!(
        new_escapes(&path(file), Some(before), after),
        expected,
        "{after}"
    );
}

#[test]
fn a_marker_that_skips_a_test_is_found_in_every_language() {
    let rust = "#[test]\nfn one() {}\n";
    check(
        "src/lib.rs",
        rust,
        "#[test]\n#[ignore]\nfn one() {}\n",
        &["ignores a test"],
    );
    check(
        "src/lib.rs",
        rust,
        "#[test]\n#[ignore = \"slow\"]\nfn one() {}\n",
        &["ignores a test"],
    );
    let python = "class T(TestCase):\n    def test_one(self):\n        pass\n";
    for marker in [
        "@unittest.skip('x')",
        "@skipIf(True, 'x')",
        "@unittest.skipUnless(False, '')",
        "@pytest.mark.skip",
        "@pytest.mark.skipif(True)",
    ] {
        let after = python.replace("    def", &format!("    {marker}\n    def"));
        check("tests/test_a.py", python, &after, &["skips a test"]);
    }
    for marker in ["@unittest.expectedFailure", "@pytest.mark.xfail"] {
        let after = python.replace("    def", &format!("    {marker}\n    def"));
        check(
            "tests/test_a.py",
            python,
            &after,
            &["expects a test to fail"],
        );
    }
    let node = "test('one', () => {});\n";
    for call in [
        "test.skip('one', () => {});\n",
        "xit('one', () => {});\ntest('two', () => {});\n",
        "test('one', { skip: true }, () => {});\n",
        "it.todo('one');\ntest('one', () => {});\n",
    ] {
        check("src/a.test.ts", node, call, &["skips a test"]);
    }
    check(
        "a.test.js",
        node,
        "test.only('one', () => {});\n",
        &["leaves every other test out"],
    );
    let go = "func TestOne(t *testing.T) {}\n";
    check(
        "a_test.go",
        go,
        "func TestOne(t *testing.T) { t.Skip(\"later\") }\n",
        &["skips a test"],
    );
    let java = "@Test void one() {}\n";
    check(
        "src/test/java/ATest.java",
        java,
        "@Disabled @Test void one() {}\n",
        &["disables a test"],
    );
    let gtest = "TEST(A, One) {}\n";
    check(
        "tests/a.cpp",
        gtest,
        "TEST(A, DISABLED_One) {}\n",
        &["disables a test"],
    );
}

#[test]
fn leaving_the_test_process_is_found_in_tests_and_allowed_in_programs() {
    let ends = ["ends the test process as if it had succeeded"];
    for (file, call) in [
        ("tests/cli.rs", "std::process::exit(0)"),
        ("tests/test_a.py", "os._exit(0)"),
        ("test_a.py", "sys.exit()"),
        ("test_a.py", "raise SystemExit(0)"),
        ("a_test.go", "os.Exit(0)"),
        ("src/test/java/ATest.java", "System.exit(0);"),
        ("a.test.mjs", "process.exit(0);"),
        ("a.test.mjs", "process.exitCode = 0;"),
        ("tests/a.c", "exit(0);"),
    ] {
        check(file, "", call, &ends);
    }
    for (file, call) in [
        ("src/main.rs", "std::process::exit(0)"),
        ("main.py", "sys.exit(0)"),
        ("main.go", "os.Exit(0)"),
        ("server.mjs", "process.exit(0);"),
        ("test_a.py", "sys.exit(main())"),
        ("test_a.py", "raise SystemExit(2)"),
        ("test_a.py", "with self.assertRaises(SystemExit):"),
        ("a_test.go", "os.Exit(m.Run())"),
    ] {
        check(file, "", call, &[]);
    }
}

#[test]
fn tests_that_are_gone_are_counted() {
    let two = "def test_a():\n    pass\n\ndef test_b():\n    pass\n";
    check(
        "test_a.py",
        two,
        "def test_a():\n    pass\n",
        &["has 1 tests where it had 2"],
    );
    check(
        "test_a.py",
        two,
        "\n",
        &["empties a test file", "has 0 tests where it had 2"],
    );
    check(
        "src/lib.rs",
        "#[tokio::test]\nasync fn a() {}\n",
        "async fn a() {}\n",
        &["has 0 tests where it had 1"],
    );
    check(
        "a_test.go",
        "func TestA(t *testing.T) {}\n",
        "func testA(t *testing.T) {}\n",
        &["has 0 tests where it had 1"],
    );
}

#[test]
fn tests_that_stay_move_or_come_are_no_escape() {
    let skipped = "@unittest.skip('x')\ndef test_a():\n    pass\n";
    check("test_a.py", skipped, skipped, &[]);
    check(
        "test_a.py",
        skipped,
        &format!("import unittest\n\n{skipped}"),
        &[],
    );
    check("test_a.py", skipped, "def test_a():\n    pass\n", &[]);
    check(
        "test_a.py",
        "",
        "def test_a():\n    assert one() == 1\n",
        &[],
    );
    check(
        "README.md",
        "",
        "Use `pytest.mark.skip` or `os._exit(0)`.\n",
        &[],
    );
    assert_eq!(
        new_escapes(&path("tests/a.rs"), None, "#[test]\nfn a() {}\n"),
        Vec::<String>::new()
    );
}

#[test]
fn a_new_file_may_bring_an_escape() {
    let found = new_escapes(
        &path("conftest.py"),
        None,
        "def pytest_collection_modifyitems(items):\n    items.clear()\n",
    );
    assert_eq!(found, ["takes over which tests are run or how they end"]);
}

#[test]
fn test_files_are_known_by_their_paths() {
    for test in [
        "tests/cli.rs",
        "crates/a/tests/it/main.rs",
        "src/parse/tests.rs",
        "main_test.go",
        "pkg/a/b_test.go",
        "test_todo.py",
        "tests/helpers.py",
        "pkg/tests/test_a.py",
        "conftest.py",
        "todo_test.py",
        "src/app.test.ts",
        "src/app.spec.jsx",
        "test/server.js",
        "src/__tests__/a.tsx",
        "tests/page.test.mjs",
        "src/test/java/demo/SumTest.java",
        "core/src/test/kotlin/A.kt",
        "tests/sum.c",
        "test/sum_test.cpp",
    ] {
        assert!(is_test_path(&path(test)), "{test}");
    }
    for other in [
        "src/main.rs",
        "src/contest.rs",
        "main.go",
        "testing.go",
        "todo.py",
        "latest.py",
        "src/app.ts",
        "src/attest.js",
        "src/main/java/demo/Sum.java",
        "src/sum.c",
        "README.md",
        "docs/tests.md",
    ] {
        assert!(!is_test_path(&path(other)), "{other}");
    }
}

#[test]
fn a_new_test_may_not_end_the_run_before_its_report() {
    let ends = |path: &str, text: &str| super::early_ends(&path.parse().unwrap(), text).len();
    assert_eq!(
        ends(
            "tests/test_new.py",
            "print('Ran 9 tests')\nimport os\nos._exit(0)\n"
        ),
        1
    );
    assert_eq!(ends("test/new.test.js", "process.exit(0)\n"), 1);
    assert_eq!(
        ends(
            "new_test.go",
            "func TestMain(m *testing.M) { os.Exit(0) }\n"
        ),
        1
    );
    assert_eq!(ends("tests/new.rs", "std::process::exit(0);\n"), 1);
    // What only skips, what reports its failures, and what is no test.
    assert_eq!(ends("tests/test_new.py", "@unittest.skip('later')\n"), 0);
    assert_eq!(ends("tests/test_new.py", "sys.exit(run())\n"), 0);
    assert_eq!(
        ends(
            "new_test.go",
            "func TestMain(m *testing.M) { os.Exit(m.Run()) }\n"
        ),
        0
    );
    assert_eq!(ends("src/main.js", "process.exit(0)\n"), 0);
}
