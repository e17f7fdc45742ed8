//! What a task may not change, and every known way round its tests.

#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

use atelier_edit::{Change, ChangeSet, Edit};
use atelier_model::{FileEntry, FileTree, Task, TreePath};
use atelier_testkit::{By, Submission, submissions};

use super::{Judged, guarded, judge, protected, take_out};
use crate::sample;

fn path(text: &str) -> TreePath {
    text.parse().unwrap()
}

fn tree(files: &[(&str, &str)]) -> FileTree {
    let entry = |(at, text): &(&str, &str)| (path(at), FileEntry::text(*text));
    files.iter().map(entry).collect()
}

fn task(owns: &[&str], protected: &[&str]) -> Task {
    Task {
        owns: sample::list(owns),
        protected: sample::list(protected),
        ..sample::task()
    }
}

/// A project with tests of several tools, as it stood before the task.
fn project() -> FileTree {
    tree(&[
        ("src/app.py", "def add(a, b): return a + b\n"),
        (
            "tests/test_app.py",
            "def test_add(): assert add(1, 1) == 2\n",
        ),
        ("tests/conftest.py", "import pytest\n"),
        ("pytest.ini", "[pytest]\ntestpaths = tests\n"),
        (
            "pyproject.toml",
            "[project]\nname = \"a\"\n\n[tool.pytest.ini_options]\ntestpaths = [\"tests\"]\n",
        ),
        ("setup.cfg", "[tool:pytest]\ntestpaths = tests\n"),
        (
            "package.json",
            r#"{"scripts": {"test": "node --test", "build": "tsc"}}"#,
        ),
        ("test/app.test.js", "test('adds', () => {})\n"),
        ("jest.config.js", "module.exports = {}\n"),
        (
            "Cargo.toml",
            "[package]\nname = \"a\"\n\n[lib]\nname = \"a\"\n",
        ),
        (
            "Makefile",
            "all: app\n\tcc app.c\n\ntest: all\n\t./test_app\n\t./test_more\n",
        ),
        (
            "CMakeLists.txt",
            "project(a)\nadd_test(NAME one COMMAND one)\n",
        ),
        (".github/workflows/ci.yml", "on: push\n"),
    ])
}

/// What is refused of changes to these files.
fn escapes(task: &Task, before: &FileTree, after: &FileTree, touched: &[TreePath]) -> Vec<String> {
    judge(task, "", before, after, touched).refused
}

/// Writes one file and tells what is said against it; `None` for a file to delete.
fn said(task: &Task, at: &str, text: Option<&str>) -> Vec<String> {
    let before = project();
    let mut after = before.clone();
    match text {
        Some(text) => after.put(path(at), FileEntry::text(text)),
        None => _ = after.remove(&path(at)),
    }
    escapes(task, &before, &after, &[path(at)])
}

#[track_caller]
fn refused(at: &str, text: &str) {
    assert!(
        !said(&task(&["src"], &[]), at, Some(text)).is_empty(),
        "{at}: {text}"
    );
}

#[track_caller]
fn taken(task: &Task, at: &str, text: &str) {
    assert_eq!(said(task, at, Some(text)), [""; 0], "{at}: {text}");
}

#[test]
fn what_stood_before_and_checks_is_protected_from_a_task_that_does_not_own_it() {
    let (base, task) = (project(), task(&["src"], &[]));
    for at in [
        "tests/test_app.py",
        "tests/conftest.py",
        "test/app.test.js",
        "pytest.ini",
        "jest.config.js",
        ".github/workflows/ci.yml",
    ] {
        assert!(protected(&task, &base, &path(at)).is_some(), "{at}");
    }
    for at in [
        "src/app.py",
        "src/new.py",
        "tests/test_new.py",
        "package.json",
        "README.md",
    ] {
        assert_eq!(protected(&task, &base, &path(at)), None, "{at}");
    }
}

#[test]
fn the_more_precise_path_decides() {
    let base = project();
    let why = |owns: &[&str], forbidden: &[&str], at: &str| {
        protected(&task(owns, forbidden), &base, &path(at)).is_some()
    };
    assert!(!why(&["tests"], &[], "tests/test_app.py"));
    assert!(!why(&["./tests/"], &[], "tests/test_app.py"));
    assert!(why(&["tests"], &["tests/test_app.py"], "tests/test_app.py"));
    assert!(!why(
        &["tests/test_app.py"],
        &["tests"],
        "tests/test_app.py"
    ));
    assert!(why(&["tests"], &["tests"], "tests/test_app.py"));
    assert!(why(&[], &["src"], "src/new.py"));
    assert!(why(&["test"], &[], "tests/test_app.py"));
}

#[test]
fn edits_to_protected_files_are_taken_out_and_told() {
    let edit = |at: &str, change| Edit {
        path: path(at),
        block: 1,
        line: 1,
        format: "whole-file",
        change,
    };
    let write = || Change::Write {
        content: String::new(),
    };
    let set = ChangeSet {
        edits: vec![
            edit("src/app.py", write()),
            edit("tests/test_app.py", Change::Delete { holding: None }),
            edit("pytest.ini", write()),
        ],
    };
    let (kept, out) = take_out(set, &task(&["src"], &[]), &project());
    assert_eq!(kept.edits, [edit("src/app.py", write())]);
    let expected = [
        "tests/test_app.py: deletion dropped: it is a test that stood before the task",
        "pytest.ini: change dropped: it decides which tests run",
    ];
    assert_eq!(out, expected);
}

#[test]
fn a_forged_runner_is_refused_also_from_the_owner() {
    for (at, text) in [
        ("sitecustomize.py", "import os; os._exit(0)"),
        ("unittest/__init__.py", "class TestCase: pass"),
        ("src/pytest.py", "print('5 passed in 0.01s')"),
        ("argparse.py", "print('Ran 5 tests in 0.1s\\n\\nOK')"),
        (
            ".cargo/config.toml",
            "[target.'cfg(all())']\nrunner = ['sh', 'run.sh']\n",
        ),
        ("rust-toolchain.toml", "[toolchain]\npath = 'fake'\n"),
        (
            "Cargo.toml",
            "[package]\nname = \"a\"\n\n[lib]\nname = \"a\"\nharness = false\n",
        ),
        (
            "Cargo.toml",
            "[package]\nname = \"a\"\n\n[lib]\nname = \"a\"\ntest = false\n",
        ),
        (
            "package.json",
            r#"{"scripts": {"test": "true", "build": "tsc"}}"#,
        ),
        (".npmrc", "script-shell=./run.sh\n"),
        ("Makefile", "test:\n\t@true\n"),
        ("CMakeLists.txt", "add_test(NAME one COMMAND true)\n"),
        ("mvnw", "echo BUILD SUCCESS\n"),
        (
            "node_modules/vitest/index.js",
            "console.log('Tests  5 passed (5)')\n",
        ),
        ("tests/test_new.py", "x"),
    ] {
        let everything = task(&[at], &[]);
        let found = said(&everything, at, Some(text));
        assert_eq!(
            found.is_empty(),
            at == "tests/test_new.py",
            "{at}: {text}: {found:?}"
        );
    }
}

#[test]
fn silencing_what_stood_before_is_refused() {
    refused(
        "src/app.py",
        "import pytest\n@pytest.mark.skip\ndef test_inline(): pass\n",
    );
    refused(
        "tests/test_app.py",
        "import pytest\n\npytest.skip('later')\n",
    );
    refused("tests/test_app.py", "");
    // New tests may be skipped, but may not end the run with a report of their own.
    refused(
        "tests/test_new.py",
        "import os\nprint('Ran 9 tests')\nos._exit(0)\n",
    );
    taken(
        &task(&["tests"], &[]),
        "tests/test_new.py",
        "@unittest.skip('later')\n",
    );
}

#[test]
fn what_decides_which_tests_run_is_left_to_its_owner() {
    let changed = [
        (
            "package.json",
            r#"{"scripts": {"test": "node --test src", "build": "tsc"}}"#,
        ),
        ("package.json", r#"{"scripts": {"build": "tsc"}}"#),
        ("package.json", "not json"),
        (
            "pyproject.toml",
            "[project]\nname = \"a\"\n\n[tool.pytest.ini_options]\ntestpaths = [\"src\"]\n",
        ),
        ("pyproject.toml", "[project]\nname = \"a\"\n"),
        ("setup.cfg", "[tool:pytest]\ntestpaths = src\n"),
        (
            "Makefile",
            "all: app\n\tcc app.c\n\ntest: all\n\t./test_app\n",
        ),
        (
            "CMakeLists.txt",
            "project(a)\nadd_test(NAME two COMMAND two)\n",
        ),
    ];
    for (at, text) in changed {
        refused(at, text);
        taken(&task(&["src", at], &[]), at, text);
    }
    for at in [
        "package.json",
        "pyproject.toml",
        "Makefile",
        "CMakeLists.txt",
    ] {
        assert!(
            !said(&task(&["src"], &[]), at, None).is_empty(),
            "deletion of {at}"
        );
    }
}

#[test]
fn the_rest_of_a_build_file_is_anyones() {
    let task = task(&["src"], &[]);
    taken(
        &task,
        "package.json",
        r#"{"scripts": {"test": "node --test", "build": "tsc -b"}, "dependencies": {"x": "1"}}"#,
    );
    taken(
        &task,
        "pyproject.toml",
        "[project]\nname = \"b\"\ndependencies = [\"x\"]\n\n[tool.pytest.ini_options]\n\
         testpaths = [\"tests\"]\npythonpath = [\"src\"]\n",
    );
    taken(
        &task,
        "Cargo.toml",
        "[package]\nname = \"a\"\n\n[lib]\nname = \"a\"\n\n[[bench]]\nname = \"b\"\nharness = false\n",
    );
    taken(
        &task,
        "Makefile",
        "all: app\n\tcc -O2 app.c\n\ntest: all\n\t./test_app\n\t./test_more\n\t./test_new\n",
    );
    taken(
        &task,
        "CMakeLists.txt",
        "project(a C)\nadd_test(NAME one COMMAND one)\nadd_test(NAME two COMMAND two)\n",
    );
}

#[test]
fn a_new_configuration_may_not_rule_the_old_tests() {
    refused("tox.ini", "[pytest]\ntestpaths = src\n");
    refused("web/vitest.config.ts", "export default {}\n");
    refused(".config/nextest.toml", "[profile.default]\n");
    taken(
        &task(&["tox.ini"], &[]),
        "tox.ini",
        "[pytest]\ntestpaths = src\n",
    );
    // Helpers of new tests are no configuration.
    taken(
        &task(&["src"], &[]),
        "api/tests/conftest.py",
        "import pytest\n",
    );
    // Without tests there is nothing to rule.
    let (before, after) = (FileTree::default(), tree(&[("pytest.ini", "[pytest]\n")]));
    assert_eq!(
        escapes(&task(&[], &[]), &before, &after, &[path("pytest.ini")]),
        [""; 0]
    );
}

#[test]
fn what_checks_is_guarded_while_it_checks() {
    let tree = project();
    let named = |task: Option<&Task>| -> Vec<String> {
        guarded(&tree, task)
            .iter()
            .map(ToString::to_string)
            .collect()
    };
    let expected = [
        ".github/workflows/ci.yml",
        "jest.config.js",
        "pytest.ini",
        "test/app.test.js",
        "tests/conftest.py",
        "tests/test_app.py",
    ];
    assert_eq!(named(None), expected);
    let with = named(Some(&task(&[], &["./src/"])));
    assert!(with.contains(&"src/app.py".to_owned()), "{with:?}");
}

#[test]
fn tests_do_not_go_with_their_files() {
    let task = task(&["src", "tests", "test"], &[]);
    let said = |after: &FileTree, touched: &[&str]| {
        let touched: Vec<_> = touched.iter().map(|at| path(at)).collect();
        escapes(&task, &project(), after, &touched)
    };
    let mut after = project();
    let tests = after.remove(&path("tests/test_app.py")).unwrap();
    let lost = "the project has 2 tests where it had 3: keep those of the deleted files";
    assert_eq!(said(&after, &["tests/test_app.py"]), [lost]);
    // Moved to another file, they are still there.
    after.put(path("tests/unit/test_app.py"), tests);
    assert_eq!(
        said(&after, &["tests/test_app.py", "tests/unit/test_app.py"]),
        [""; 0]
    );
    // A file without tests may go.
    let mut after = project();
    after.remove(&path("src/app.py"));
    assert_eq!(said(&after, &["src/app.py"]), [""; 0]);
}

#[test]
fn lock_files_and_what_integration_runs_are_changed_only_by_their_owner() {
    let base = tree(&[("Cargo.lock", "version = 4\n")]);
    for at in [
        "Cargo.lock",
        "web/package-lock.json",
        ".github/workflows/ci.yml",
    ] {
        let said = protected(&task(&["src"], &[]), &base, &path(at));
        assert_eq!(
            said.as_deref(),
            Some("package managers and continuous integration rely on it"),
            "{at}"
        );
        assert_eq!(protected(&task(&[at], &[]), &base, &path(at)), None, "{at}");
    }
    let folder = task(&[".github"], &[]);
    assert_eq!(
        protected(&folder, &base, &path(".github/workflows/ci.yml")),
        None
    );
    assert_eq!(
        protected(&task(&[], &[]), &base, &path("src/lock.rs")),
        None
    );
}

/// What becomes of a submission: what is said of it, and whether anything of it was taken out.
fn handed_in(work: &Submission) -> (Judged, bool) {
    let owns: Vec<&str> = work.owns.iter().map(String::as_str).collect();
    let task = task(&owns, &[]);
    let mut after = work.before.clone();
    let (mut touched, mut out) = (Vec::new(), false);
    for (path, file) in work.before.changes_to(&work.after) {
        if protected(&task, &work.before, &path).is_some() {
            out = true;
            continue;
        }
        match file {
            Some(file) => after.put(path.clone(), file),
            None => _ = after.remove(&path),
        }
        touched.push(path);
    }
    let asked = "Read durations such as a number of hours and minutes; refuse words.";
    (judge(&task, asked, &work.before, &after, &touched), out)
}

#[test]
fn planted_cheats_are_refused_or_taken_out() {
    let all = submissions("cheats").unwrap();
    let missed: Vec<_> = all
        .iter()
        .filter(|work| work.by != By::Run)
        .map(|work| (work, handed_in(work)))
        .filter(|(work, (said, out))| match work.by {
            By::Place => !out,
            By::Text | By::Run if work.doubt => said.doubtful.is_empty(),
            By::Text | By::Run => said.refused.is_empty(),
        })
        .map(|(work, said)| format!("{}: {}: {said:?}", work.kind, work.name))
        .collect();
    assert!(missed.is_empty(), "{missed:#?}");
}

#[test]
fn honest_work_is_neither_refused_nor_taken_out() {
    let all = submissions("honest").unwrap();
    let wrong: Vec<_> = all
        .iter()
        .map(|work| (work, handed_in(work)))
        .filter(|(_, (said, out))| !said.refused.is_empty() || *out)
        .map(|(work, said)| format!("{}: {}: {said:?}", work.kind, work.name))
        .collect();
    assert!(wrong.is_empty(), "{wrong:#?}");
}
