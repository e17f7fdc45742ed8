//! Which command lines select tests, and which steps hold them.
#![expect(clippy::unwrap_used, reason = "a test reads what it wrote")]

use atelier_model::{BuildStep, FileEntry, FileTree, StepKind, TreePath};

use super::Selection;
use crate::Recipes;

fn tree(files: &[(&str, &str)]) -> FileTree {
    let mut tree = FileTree::default();
    for (path, text) in files {
        tree.put(path.parse().unwrap(), FileEntry::text(*text));
    }
    tree
}

fn words(line: &str) -> Vec<String> {
    line.split_whitespace().map(str::to_owned).collect()
}

/// The step that tests a project.
fn suite(tree: &FileTree) -> BuildStep {
    let projects = Recipes::builtin().detect(tree);
    let mut steps = projects.iter().flat_map(|project| project.steps(tree));
    steps.find(|step| step.kind == StepKind::Test).unwrap()
}

/// Of each line whether the project's own test step runs what it selects.
#[track_caller]
fn check(files: &[(&str, &str)], cases: &[(&str, bool)]) {
    let tree = tree(files);
    let suite = suite(&tree);
    for (line, expected) in cases {
        let selected = Selection::of(&words(line), None, &tree);
        let within = selected.is_some_and(|selected| selected.is_within(&suite, &tree));
        assert_eq!(
            within,
            *expected,
            "`{line}` within `{}`",
            suite.command_line()
        );
    }
}

/// Of each line whether it names a file of tests that is not there.
#[track_caller]
fn check_missing(files: &[(&str, &str)], cases: &[(&str, bool)]) {
    let tree = tree(files);
    for (line, expected) in cases {
        let selected = Selection::of(&words(line), None, &tree);
        let missing = selected.is_some_and(|selected| selected.is_missing());
        assert_eq!(missing, *expected, "`{line}`");
    }
}

const UNITTEST: &str =
    "import unittest\n\nclass One(unittest.TestCase):\n    def test_it(self):\n        pass\n";
const PYTHON: [(&str, &str); 7] = [
    ("chain/__init__.py", ""),
    ("tests/__init__.py", ""),
    ("tests/test_a.py", UNITTEST),
    ("tests/spec_a.py", UNITTEST),
    ("tests/deep/__init__.py", ""),
    ("tests/deep/test_b.py", UNITTEST),
    ("tests/loose/test_c.py", UNITTEST),
];

#[test]
fn what_unittest_discovers_is_known() {
    check(
        &PYTHON,
        &[
            ("python3 -m unittest tests.test_a", true),
            (
                "python -m unittest -v tests.test_a.One.test_it tests.deep.test_b",
                true,
            ),
            ("python3 -m unittest tests/test_a.py", true),
            // Another pattern, a folder that is no package, a file that is not there.
            ("python3 -m unittest tests.spec_a", false),
            ("python3 -m unittest tests/loose/test_c.py", false),
            ("python3 -m unittest tests.test_new", false),
            ("python3 -m unittest tests", false),
            ("python3 -m unittest discover -s tests/deep", false),
            ("python3 -m unittest -k one tests.test_a", false),
            ("python3 -m unittest", false),
            (".venv/bin/python -m unittest tests.test_a", false),
            ("python3 -m pytest tests/test_a.py", false),
            ("python3 tests/test_a.py", false),
            ("sh -c true", false),
        ],
    );
    let chosen = [
        (
            "tests/__init__.py",
            "def load_tests(loader, tests, pattern):\n    return tests\n",
        ),
        ("tests/test_a.py", UNITTEST),
    ];
    check(&chosen, &[("python3 -m unittest tests.test_a", false)]);
}

#[test]
fn what_pytest_collects_is_known() {
    let plain = [
        ("requirements.txt", "pytest\n"),
        ("tests/test_a.py", "def test_it():\n    pass\n"),
        ("tests/helpers.py", "def helper():\n    pass\n"),
    ];
    let suite = suite(&tree(&plain)).command_line();
    let python = suite.split_whitespace().next().unwrap().to_owned();
    let line = |rest: &str| format!("{python} -m pytest {rest}");
    let lines = [
        (line("tests/test_a.py"), true),
        (line("-q tests/test_a.py::test_it"), true),
        (line("tests/helpers.py"), false),
        (line("tests"), false),
        (line("-k it tests/test_a.py"), false),
        (line("tests/test_new.py"), false),
    ];
    let cases: Vec<_> = lines
        .iter()
        .map(|(line, is)| (line.as_str(), *is))
        .collect();
    check(&plain, &cases);
    let mut limited = plain.to_vec();
    limited.push(("pytest.ini", "[pytest]\ntestpaths = unit\n"));
    check(&limited, &[(cases[0].0, false)]);
}

#[test]
fn what_cargo_tests_is_known() {
    let one = [
        ("Cargo.toml", "[package]\nname = \"one\"\n"),
        (
            "src/lib.rs",
            "#[cfg(test)]\nmod tests {\n    #[test]\n    fn it() {}\n}\n",
        ),
        ("tests/cli.rs", "#[test]\nfn it() {}\n"),
    ];
    check(
        &one,
        &[
            ("cargo test", true),
            ("cargo test --test cli", true),
            ("cargo test -q parses -- --exact", true),
            ("cargo test --lib", true),
            ("cargo test --test new", false),
            ("cargo test --release", false),
            ("cargo test --features fast", false),
            ("cargo test -- --ignored", false),
            ("cargo test -p one", false),
            ("cargo nextest run", false),
            ("cargo +nightly test", false),
        ],
    );
    let several = [
        ("Cargo.toml", "[workspace]\nmembers = [\"a\"]\n"),
        ("a/Cargo.toml", "[package]\nname = \"a\"\n"),
        ("a/src/lib.rs", "#[test]\nfn it() {}\n"),
        ("a/tests/cli.rs", "#[test]\nfn it() {}\n"),
    ];
    let cases = [
        ("cargo test -p a", true),
        ("cargo test -p a --test cli", true),
    ];
    check(&several, &cases);
    check_missing(
        &several,
        &[
            ("cargo test --test cli", false),
            ("cargo test --test new", true),
        ],
    );
    let named = [(
        "Cargo.toml",
        "[package]\nname = \"one\"\n[[test]]\nname = \"new\"\npath = \"t.rs\"\n",
    )];
    check_missing(&named, &[("cargo test --test new", false)]);
}

#[test]
fn what_go_tests_is_known() {
    let one = [
        ("go.mod", "module one\n"),
        ("parse/parse_test.go", "package parse\n"),
        ("main.go", "package main\n"),
    ];
    check(
        &one,
        &[
            ("go test ./parse", true),
            ("go test -v -run TestOne ./parse/...", true),
            ("go test ./...", true),
            ("go test ./pars", false),
            ("go test ./other", false),
            ("go test -race ./parse", false),
            ("go test -tags slow ./parse", false),
        ],
    );
    let nested = [one.as_slice(), &[("parse/go.mod", "module parse\n")]].concat();
    let tree = tree(&nested);
    let suite = BuildStep {
        argv: words("go test ./..."),
        ..suite(&tree)
    };
    let selected = Selection::of(&words("go test ./parse"), None, &tree);
    assert!(!selected.unwrap().is_within(&suite, &tree));
}

#[test]
fn tests_that_are_not_there_cannot_pass() {
    check_missing(
        &PYTHON,
        &[
            ("python3 -m unittest tests.test_new", true),
            ("python3 -m unittest tests.test_new.One", false),
            ("python3 -m unittest tests/test_new.py", true),
            ("python3 -m pytest tests/test_new.py::test_it", true),
            ("python3 -m unittest tests.test_a.One.test_new", false),
            // It may be installed.
            ("python3 -m unittest other.test_new", false),
        ],
    );
    let speaks = [("tests/__init__.py", "from other import test_new\n")];
    check_missing(&speaks, &[("python3 -m unittest tests.test_new", false)]);
}

#[test]
fn a_selection_holds_where_it_was_made() {
    let files = PYTHON.map(|(path, text)| (format!("sub/{path}"), text));
    let files: Vec<_> = files
        .iter()
        .map(|(path, text)| (path.as_str(), *text))
        .collect();
    let tree = tree(&files);
    let sub: TreePath = "sub".parse().unwrap();
    let suite = suite(&tree);
    assert_eq!(suite.cwd.as_ref(), Some(&sub));
    let argv = words("python3 -m unittest tests.test_a");
    let here = Selection::of(&argv, Some(&sub), &tree).unwrap();
    assert!(here.is_within(&suite, &tree), "{}", suite.command_line());
    assert!(Selection::of(&argv, None, &tree).is_none());
    let shell = BuildStep {
        shell: true,
        ..suite
    };
    assert!(!here.is_within(&shell, &tree));
}
