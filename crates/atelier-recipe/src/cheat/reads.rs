//! Sources that read what tests expect, build scripts that change it, and reports that no test wrote.

use std::sync::LazyLock;

use atelier_model::TreePath;
use regex::Regex;

use super::{Change, Finding, Pair, Visible, code::line_of};
use crate::{escape::holds_expectations, is_test_path};

/// Folders of programs for developers, which may look at tests.
const FOR_DEVELOPERS: [&str; 8] = [
    "scripts", "tools", "dev", "ci", "xtask", "bench", "benches", "docs",
];

/// Calls that read, and what they are given on their line.
static READS: LazyLock<Option<Regex>> = LazyLock::new(|| {
    Regex::new(
        r"(?m)^.*(?:\bopen|\bread\w*|\bRead\w*|\bPath|\binclude_\w+!?|\brequire|\bimport\b|\bfrom\b|\bglob|\bwalk|\blistdir|\bOpen|\bload\w*|//go:embed|\bjoin|\bFile|\bresolve|__file__|\bURL)\b?.*$",
    )
    .ok()
});
static TEXT: LazyLock<Option<Regex>> =
    LazyLock::new(|| Regex::new(r#"["'`]([^"'`\n]{1,200})["'`]|//go:embed (\S+)"#).ok());

/// What a build script does to files that are not its own.
static BUILD_SCRIPT: LazyLock<Option<Regex>> = LazyLock::new(|| {
    Regex::new(
        r#"(?:write|create|remove_file|rename|copy|OpenOptions|File::options|remove_dir_all)\b[^;]{0,120}["'](?:\./|/)?(?:[^"'\n]*/)?(?:tests?|src|Cargo\.toml|\.cargo)\b|rustc-(?:cfg|env)=[^"\n]*\b(?:test|RUSTC|RUSTFLAGS)"#,
    )
    .ok()
});

/// Reports of test runners where a runner would write them.
static REPORT: LazyLock<Option<Regex>> = LazyLock::new(|| {
    Regex::new(
        r"(?:^|/)(?:target/surefire-reports/.+\.xml|build/test-results/.+\.xml|(?:build/)?test-report\.xml|TEST-[^/]*\.xml|junit(?:-report|-results)?\.xml|nosetests\.xml|test-results?\.xml)$",
    )
    .ok()
});

/// What the place of a changed file and its text say, whatever its language.
pub(super) fn files(change: &Change<'_>) -> Vec<Finding> {
    let path = change.path.as_str();
    let mut found = Vec::new();
    let is = |pattern: &LazyLock<Option<Regex>>, text: &str| {
        pattern.as_ref().is_some_and(|one| one.is_match(text))
    };
    if is(&REPORT, path) && change.after.contains("<testsuite") && !lies_in_tests(change.path) {
        found.push(Finding::certain(1, "is a report that no test wrote"));
    }
    if change.path.name() == "build.rs" {
        let before = change.before.unwrap_or_default();
        let places = BUILD_SCRIPT
            .iter()
            .flat_map(|one| one.find_iter(change.after));
        let new = places.filter(|one| !before.contains(one.as_str()));
        found.extend(new.map(|one| {
            let line = line_of(change.after, one.start());
            Finding::certain(line, "changes tests or sources while it builds")
        }));
    }
    found
}

/// Sources that newly read a file of the tests.
pub(super) fn found(pair: &Pair<'_>, path: &TreePath, visible: &Visible<'_>) -> Vec<Finding> {
    let expectations: Vec<&TreePath> = visible
        .files
        .iter()
        .copied()
        .filter(|file| holds_expectations(file) || lies_in_tests(file) || is_test_path(file))
        .collect();
    if expectations.is_empty() || crate::decides_tests(path) {
        return Vec::new();
    }
    let lines = |text: &str| -> Vec<(usize, String)> {
        let lines = READS.iter().flat_map(|one| one.find_iter(text));
        let read = lines.filter(|line| names_any(line.as_str(), &expectations));
        read.map(|line| (line.start(), line.as_str().to_owned()))
            .collect()
    };
    let developers = path
        .as_str()
        .split('/')
        .any(|part| FOR_DEVELOPERS.contains(&part));
    pair.new_only(lines)
        .map(|(at, _)| {
            let line = line_of(&pair.after.text, at);
            let words = "reads what its tests expect";
            if developers {
                Finding::doubtful(line, words)
            } else {
                Finding::certain(line, words)
            }
        })
        .collect()
}

/// Whether the texts of a line name one of these files, as one path or in parts.
fn names_any(line: &str, files: &[&TreePath]) -> bool {
    let texts: Vec<&str> = TEXT
        .iter()
        .flat_map(|one| one.captures_iter(line))
        .filter_map(|found| found.get(1).or_else(|| found.get(2)))
        .map(|one| one.as_str())
        .collect();
    if texts.is_empty() {
        return false;
    }
    let joined = texts.join("/");
    let all = joined.trim_start_matches(['.', '/']);
    files.iter().any(|file| {
        let file = file.as_str();
        texts.iter().any(|text| {
            let text = text.trim_start_matches(['.', '/']);
            text.contains('/') && is_end(file, text)
        }) || (all.contains('/') && is_end(file, all))
    })
}

fn is_end(path: &str, end: &str) -> bool {
    let whole = path.strip_suffix(end);
    let module = |path: &str| -> bool {
        let stem = path.rsplit_once('.').map_or(path, |(stem, _)| stem);
        stem.strip_suffix(end)
            .is_some_and(|rest| rest.is_empty() || rest.ends_with('/'))
    };
    whole.is_some_and(|rest| rest.is_empty() || rest.ends_with('/')) || module(path)
}

/// Whether a file lies in a folder of tests.
fn lies_in_tests(path: &TreePath) -> bool {
    let parts: Vec<&str> = path.as_str().split('/').collect();
    let folders = parts.split_last().map_or(&[][..], |(_, folders)| folders);
    folders.iter().any(|part| {
        matches!(
            *part,
            "test" | "tests" | "__tests__" | "spec" | "testdata" | "__snapshots__" | "e2e"
        )
    })
}
