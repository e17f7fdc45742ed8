//! Files and settings that decide which tests run.

#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

use proptest::prelude::*;

use super::{decides_tests, test_settings};

fn settings(path: &str, text: &str) -> Vec<(String, String)> {
    let path = path.parse().unwrap();
    test_settings(&path, text).into_iter().collect()
}

fn check(path: &str, text: &str, expected: &[(&str, &str)]) {
    let expected: Vec<_> = expected
        .iter()
        .map(|(key, value)| ((*key).to_owned(), (*value).to_owned()))
        .collect();
    assert_eq!(settings(path, text), expected, "{path}");
}

#[test]
fn files_that_decide_are_known_by_name() {
    for path in [
        "pytest.ini",
        "api/pytest.ini",
        ".pytest.ini",
        "tox.ini",
        "tests/conftest.py",
        ".cargo/config.toml",
        "crates/a/.cargo/config",
        ".config/nextest.toml",
        "jest.config.js",
        "web/vitest.config.mts",
        "vitest.setup.ts",
        ".mocharc.json",
        "CTestCustom.cmake",
        ".mvn/maven.config",
        ".github/workflows/ci.yml",
        "Jenkinsfile",
        "atelier.toml",
    ] {
        assert!(decides_tests(&path.parse().unwrap()), "{path}");
    }
    for path in [
        "pyproject.toml",
        "package.json",
        "Cargo.toml",
        "src/config.toml",
        "src/pytest_ini.py",
        "notpytest.ini",
        "docs/jest.config-guide.md",
        ".github/dependabot.yml",
        "config.toml",
        ".mvn",
        "src/app.ts",
    ] {
        assert!(!decides_tests(&path.parse().unwrap()), "{path}");
    }
}

#[test]
fn the_deciding_parts_of_build_files_are_read() {
    check(
        "web/package.json",
        r#"{"name": "a", "scripts": {"test": "node --test", "build": "tsc"}, "jest": {"a": 1}}"#,
        &[("jest", r#"{"a":1}"#), ("scripts.test", "\"node --test\"")],
    );
    check(
        "pyproject.toml",
        "[project]\nname = \"a\"\n[tool.pytest.ini_options]\ntestpaths = [\"tests\"]\npythonpath = [\"src\"]\n",
        &[("tool.pytest.ini_options.testpaths", r#"["tests"]"#)],
    );
    check(
        "Cargo.toml",
        "[package]\nname = \"a\"\nautotests = false\n[lib]\ntest = false\n[[bench]]\nname = \"b\"\nharness = false\n",
        &[("lib.test", "false"), ("package.autotests", "false")],
    );
    check(
        "setup.cfg",
        "[metadata]\nname = a\n[tool:pytest]\ntestpaths = tests\naddopts = -q\n\n[flake8]\nx = 1\n",
        &[("[tool:pytest]", "testpaths = tests\naddopts = -q")],
    );
    check(
        "CMakeLists.txt",
        "project(a C)\nenable_testing()\nadd_test(NAME one\n  COMMAND one)\n# add_test(no)\n",
        &[
            ("add_test(NAME one COMMAND one)", ""),
            ("enable_testing()", ""),
        ],
    );
    check(
        "pom.xml",
        "<properties><skipTests>true</skipTests></properties>",
        &[("<skipTests>true", "")],
    );
    check(
        "Makefile",
        "all: app\n\tcc -o app app.c\n\n# run them\ntest check: all\n\t./test_a\n\n\t./test_b\nclean:\n\trm -f app\n",
        &[("./test_a", ""), ("./test_b", ""), ("test check: all", "")],
    );
}

#[test]
fn what_cannot_be_read_decides_nothing() {
    check("package.json", "{", &[]);
    check("Cargo.toml", "[", &[]);
    check("README.md", "test: x", &[]);
    check("setup.cfg", "[tool:pytest]\n", &[]);
}

proptest! {
    #[test]
    fn any_text_can_be_looked_at(text: String) {
        for path in ["package.json", "Cargo.toml", "setup.cfg", "Makefile", "pom.xml", "CMakeLists.txt"] {
            settings(path, &text);
        }
        if let Ok(path) = text.parse() {
            decides_tests(&path);
        }
    }
}
