//! What decides which tests run: files that do nothing else, and parts of build files.

use std::{collections::BTreeMap, sync::LazyLock};

use atelier_model::TreePath;
use regex::Regex;
use serde_json::Value;

/// Files that decide which tests run and how; a leading `*` stands for any folder, a trailing one
/// for any ending.
const DECIDING: [&str; 39] = [
    // Continuous integration.
    ".github/workflows/*",
    ".circleci/*",
    ".gitlab-ci.yml",
    ".travis.yml",
    ".pre-commit-config.yaml",
    "azure-pipelines.yml",
    "bitbucket-pipelines.yml",
    "Jenkinsfile",
    "atelier.toml",
    // Python.
    "*pytest.ini",
    "*.pytest.ini",
    "*pytest.toml",
    "*tox.ini",
    "*noxfile.py",
    "*conftest.py",
    "*sitecustomize.py",
    "*usercustomize.py",
    // Rust.
    "*.config/nextest.toml",
    "*.cargo/config",
    "*.cargo/config.toml",
    // JavaScript and TypeScript.
    "*jest.config.*",
    "*jest.setup.*",
    "*vitest.config.*",
    "*vitest.setup.*",
    "*vitest.workspace.*",
    "*.mocharc.*",
    "*karma.conf.*",
    "*ava.config.*",
    "*playwright.config.*",
    "*cypress.config.*",
    // PHP.
    "*phpunit.xml",
    "*phpunit.xml.dist",
    "*phpunit.dist.xml",
    // Ruby.
    "*.rspec",
    // C and C++.
    "*CTestConfig.cmake",
    "*CTestCustom.cmake",
    "*CTestCustom.ctest",
    // Java.
    ".mvn/*",
    "*junit-platform.properties",
];

/// Keys of `package.json` that decide which tests run.
const PACKAGE_KEYS: [&str; 7] = [
    "/scripts/test",
    "/scripts/pretest",
    "/scripts/posttest",
    "/jest",
    "/mocha",
    "/ava",
    "/vitest",
];
/// The same for `pyproject.toml`.
const PYPROJECT_KEYS: [&str; 8] = [
    "/tool/pytest/ini_options/timeout",
    "/tool/pytest/ini_options/testpaths",
    "/tool/pytest/ini_options/norecursedirs",
    "/tool/pytest/ini_options/python_files",
    "/tool/pytest/ini_options/python_classes",
    "/tool/pytest/ini_options/python_functions",
    "/tool/pytest/ini_options/addopts",
    "/tool/tox",
];
/// Settings of both that rule every test there is as soon as they are there.
const RULING: [&str; 8] = [
    "jest",
    "mocha",
    "package.autotests",
    "lib.test",
    "scripts.pretest",
    "scripts.posttest",
    "tool.pytest.ini_options.addopts",
    "tool.pytest.ini_options.timeout",
];
/// The same for `Cargo.toml`.
const CARGO_KEYS: [&str; 5] = [
    "/lib/test",
    "/lib/doctest",
    "/lib/harness",
    "/package/autotests",
    "/test",
];

/// Whether a file is there to decide which tests run and how, and for nothing else.
pub fn decides_tests(path: &TreePath) -> bool {
    DECIDING.iter().any(|name| is_like(path.as_str(), name))
}

fn is_like(path: &str, name: &str) -> bool {
    let (name, anywhere) = match name.strip_prefix('*') {
        Some(name) => (name, true),
        None => (name, false),
    };
    let begins = |path: &str| match name.strip_suffix('*') {
        Some(start) => path.len() > start.len() && path.starts_with(start),
        None => path == name,
    };
    let mut folders = path.match_indices('/').map(|(at, _)| &path[at + 1..]);
    begins(path) || (anywhere && folders.any(begins))
}

/// The parts of a build file that decide which tests run, each with its content; none where the
/// file is no build file that is known, or cannot be read.
pub fn test_settings(path: &TreePath, text: &str) -> BTreeMap<String, String> {
    match path.name() {
        "package.json" => at_keys(serde_json::from_str(text).ok(), &PACKAGE_KEYS),
        "pyproject.toml" => at_keys(toml::from_str(text).ok(), &PYPROJECT_KEYS),
        "Cargo.toml" => at_keys(toml::from_str(text).ok(), &CARGO_KEYS),
        "Rakefile" | "rakefile" => each(&RAKE, text),
        "setup.cfg" => section(text, "[tool:pytest]"),
        "pom.xml" => each(&MAVEN, text),
        "CMakeLists.txt" => each(&CMAKE, text),
        "Makefile" | "makefile" | "GNUmakefile" => rules(text),
        _ => BTreeMap::new(),
    }
}

/// The settings that a change adds to a build file and that rule tests that were there before: what
/// runs around all of them, and options that every run of them gets.
pub fn new_rules(path: &TreePath, before: &str, after: &str) -> Vec<String> {
    let old = test_settings(path, before);
    let new = test_settings(path, after).into_keys();
    let mut found: Vec<String> = new
        .filter(|name| !old.contains_key(name))
        .filter(|name| RULING.contains(&name.as_str()) || name.starts_with("<excludedGroups"))
        .collect();
    found.extend(rules_by_value(path, before, after));
    found
}

/// Settings that rule every test there is only where they say something unusual.
fn rules_by_value(path: &TreePath, before: &str, after: &str) -> Vec<String> {
    let (old, new) = (test_settings(path, before), test_settings(path, after));
    let named = |key: &str| key.starts_with("tool.pytest.ini_options.python_");
    let added = new.into_iter().filter(|(key, _)| !old.contains_key(key));
    let unusual = added.filter(|(key, value)| match key.as_str() {
        // Tests that are named otherwise than tests usually are leave out those that are not.
        key if named(key) => !value.to_lowercase().contains("test"),
        "[tool:pytest]" => value.contains("addopts"),
        "test" => value.contains("required-features") || value.contains("\"src/"),
        _ => false,
    });
    unusual.map(|(key, _)| key).collect()
}

fn at_keys(file: Option<Value>, keys: &[&str]) -> BTreeMap<String, String> {
    let Some(file) = file else {
        return BTreeMap::new();
    };
    let name = |key: &str| key.trim_start_matches('/').replace('/', ".");
    keys.iter()
        .filter_map(|key| Some((name(key), file.pointer(key)?.to_string())))
        .collect()
}

/// The lines of one section of a file with `[sections]`.
fn section(text: &str, title: &str) -> BTreeMap<String, String> {
    let lines = text.lines().map(str::trim_end);
    let inside: Vec<&str> = lines
        .skip_while(|line| *line != title)
        .skip(1)
        .take_while(|line| !line.starts_with('['))
        .filter(|line| !line.is_empty())
        .collect();
    let found = (!inside.is_empty()).then(|| (title.to_owned(), inside.join("\n")));
    found.into_iter().collect()
}

/// Commands that register tests.
static CMAKE: LazyLock<Option<Regex>> = LazyLock::new(|| {
    Regex::new(
        r"(?im)^\s*(?:enable_testing|add_test|gtest_discover_tests|catch_discover_tests|doctest_discover_tests|gtest_add_tests)\s*\([^)]*\)",
    )
    .ok()
});

/// Files of tests that a task of Ruby executes.
static RAKE: LazyLock<Option<Regex>> =
    LazyLock::new(|| Regex::new(r"(?m)\.(?:pattern|test_files)\s*=\s*[^\n]+").ok());

/// Elements that choose tests.
static MAVEN: LazyLock<Option<Regex>> = LazyLock::new(|| {
    Regex::new(
        r"<(?:skipTests|maven\.test\.skip|maven\.test\.failure\.ignore|testFailureIgnore|excludedGroups|excludes|testSourceDirectory)>\s*[^<]*",
    )
    .ok()
});

/// Each match on its own, so that more may come but none may go.
fn each(pattern: &LazyLock<Option<Regex>>, text: &str) -> BTreeMap<String, String> {
    let found = pattern
        .iter()
        .flat_map(|pattern| pattern.find_iter(text))
        .map(|found| {
            found
                .as_str()
                .split_whitespace()
                .collect::<Vec<_>>()
                .join(" ")
        });
    found.map(|words| (words, String::new())).collect()
}

/// The rules `test` and `check` of a makefile, line by line: a line may come, but none may go.
fn rules(text: &str) -> BTreeMap<String, String> {
    let mut inside = false;
    let mut lines = BTreeMap::new();
    for line in text.lines() {
        if !line.starts_with(['\t', ' ', '#']) && !line.trim().is_empty() {
            let targets = line.split_once(':').map_or("", |(targets, _)| targets);
            let mut targets = targets.split_whitespace();
            inside = targets.any(|target| matches!(target, "test" | "check"));
        }
        let line = line.trim();
        if inside && !line.is_empty() && !line.starts_with('#') {
            lines.insert(line.to_owned(), String::new());
        }
    }
    lines
}

#[cfg(test)]
mod tests;
