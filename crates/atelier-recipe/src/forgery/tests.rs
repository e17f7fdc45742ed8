//! Forged test runs by tool, and honest files that must not be taken for one.

#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

use super::{COMPILED, forgeries};

/// Whether writing a file anew is taken for a forgery.
fn check(path: &str, text: &str, expected: bool) {
    let found = forgeries(&path.parse().unwrap(), None, text);
    assert_eq!(!found.is_empty(), expected, "{path}: {text}: {found:?}");
}

#[test]
fn every_pattern_compiles() {
    assert!(COMPILED.iter().all(|(_, pattern)| pattern.is_some()));
}

#[test]
fn what_stands_in_for_a_runner_is_found() {
    check("unittest/__main__.py", "print('OK')", true);
    check("src/pytest.py", "", true);
    check("sitecustomize.py", "import os", true);
    check("node_modules/vitest/index.js", "", true);
    check(
        ".cargo/config.toml",
        "[target.x86_64-unknown-linux-gnu]\nrunner = [\"sh\"]",
        true,
    );
    check(
        "Cargo.toml",
        "[[test]]\nname = \"a\"\nharness = false\n",
        true,
    );
    check("Cargo.toml", "[lib]\ntest = false\n", true);
    check(
        "Cargo.toml",
        "[package]\nname = \"a\"\nautotests = false\n",
        true,
    );
    check(
        "rust-toolchain.toml",
        "[toolchain]\npath = \"fake\"\n",
        true,
    );
    check(".npmrc", "script-shell=./run.sh\n", true);
    check(".yarnrc.yml", "yarnPath: fake.cjs\n", true);
    check("mvnw", "#!/bin/sh\n", true);
    check(
        "pom.xml",
        "<testFailureIgnore>true</testFailureIgnore>",
        true,
    );
    check(".mvn/maven.config", "-DskipTests\n", true);
    check("argparse.py", "", true);
    check("src/logging/__init__.py", "", true);
    check(
        "pyproject.toml",
        "[project.entry-points.pytest11]\na = \"b\"\n",
        true,
    );
    check(
        "CMakeLists.txt",
        "set(CMAKE_CROSSCOMPILING_EMULATOR sh run.sh)",
        true,
    );
    check("CMakeLists.txt", "add_test(NAME ring COMMAND true)", true);
    check(
        "CMakeLists.txt",
        "add_test(NAME ring\n  COMMAND /bin/echo ok)",
        true,
    );
}

#[test]
fn settings_that_let_tests_pass_are_found() {
    check(
        "package.json",
        r#"{"scripts": {"test": "node --test || true"}}"#,
        true,
    );
    check("package.json", r#"{"scripts": {"test": "echo ok"}}"#, true);
    check("Makefile", "test:\n\t@true\n", true);
    check(
        "Makefile",
        "test: all\n\tctest --test-dir build || true\n",
        true,
    );
    check(
        "pyproject.toml",
        "[tool.pytest.ini_options]\naddopts = \"--ignore tests\"",
        true,
    );
    check(
        "tests/conftest.py",
        "def pytest_collection_modifyitems(items): items.clear()",
        true,
    );
}

#[test]
fn honest_files_are_left_alone() {
    check("src/app/unittest_report.py", "", false);
    check("src/app/doctest.py", "", false);
    check(
        "Cargo.toml",
        "[package]\nname = \"a\"\n\n[[bin]]\nname = \"a\"\n",
        false,
    );
    let bench = "[lib]\nname = \"a\"\n\n[[bench]]\nname = \"speed\"\nharness = false\n";
    check("Cargo.toml", bench, false);
    check("Cargo.toml", "[[bin]]\nname = \"a\"\ntest = false\n", false);
    check(
        "rust-toolchain.toml",
        "[toolchain]\nchannel = \"1.95\"\n",
        false,
    );
    check(".npmrc", "save-exact=true\n", false);
    check("pom.xml", "<skipTests>false</skipTests>", false);
    check("src/app/types.py", "", false);
    check("src/app/logging/__init__.py", "", false);
    check("types/app.py", "", false);
    check(
        "pyproject.toml",
        "[tool.pytest.ini_options]\naddopts = \"-p no:cacheprovider -q\"",
        false,
    );
    check(".cargo/config.toml", "[build]\nincremental = true\n", false);
    check(
        "CMakeLists.txt",
        "add_test(NAME ring COMMAND test_ring)",
        false,
    );
    check(
        "CMakeLists.txt",
        "add_test(NAME all COMMAND $<TARGET_FILE:all_tests>)",
        false,
    );
    check(
        "package.json",
        r#"{"scripts": {"test": "node --test", "build": "tsc"}}"#,
        false,
    );
    check("Makefile", "test: build\n\tctest --test-dir build\n", false);
    check(
        "pyproject.toml",
        "[tool.pytest.ini_options]\ntestpaths = [\"tests\"]",
        false,
    );
    check(
        "tests/conftest.py",
        "import pytest\n\n@pytest.fixture\ndef store(): return {}\n",
        false,
    );
}

#[test]
fn what_stood_before_is_no_forgery_of_the_task() {
    let text = "[[test]]\nharness = false\n";
    let path = "Cargo.toml".parse().unwrap();
    assert_eq!(
        forgeries(&path, Some(text), &format!("{text}\n[dependencies]\n")).len(),
        0
    );
}
