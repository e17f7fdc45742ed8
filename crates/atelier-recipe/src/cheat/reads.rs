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

/// Folders of tests, by their names.
const TESTS: [&str; 7] = [
    "test",
    "tests",
    "__tests__",
    "spec",
    "testdata",
    "__snapshots__",
    "e2e",
];

/// Calls that read, and what they are given on their line.
static READS: LazyLock<Option<Regex>> = LazyLock::new(|| {
    Regex::new(
        r"(?m)^.*(?:\bopen|\bread\w*|\bRead\w*|\bPath|\binclude_\w+!?|\brequire|\bimport\b|\bfrom\b|\bglob|\bimport_module|__import__|\bgit\b|\bgrep\b|\bcat\b|\bsed\b|\bawk\b|\bwalk|\blistdir|\bOpen|\bload\w*|//go:embed|\bjoin|\bFile|\bresolve|__file__|\bURL)\b?.*$",
    )
    .ok()
});
static TEXT: LazyLock<Option<Regex>> = LazyLock::new(|| {
    Regex::new(r#"["'`]([^"'`\n]{1,200})["'`]|//go:embed (\S+)|(?:^|\s)([\w.-]+(?:/[\w.*-]+)+)"#)
        .ok()
});

/// Calls that look through folders.
static LOOKS: LazyLock<Option<Regex>> = LazyLock::new(|| {
    Regex::new(r"\b(?:r?glob|walk|listdir|scandir|iterdir|readdir\w*|read_dir|ReadDir|WalkDir|opendir|Dir|list|walkFileTree)\s*(?:Sync)?\s*[.(\[]").ok()
});
/// What says where the source itself lies.
static OWN_PLACE: LazyLock<Option<Regex>> = LazyLock::new(|| {
    Regex::new(r"__file__|__dirname|__dir__|import\.meta|CARGO_MANIFEST_DIR|runtime\.Caller").ok()
});

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
        // What only makes a folder a package expects nothing.
        .filter(|file| file.name() != "__init__.py")
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
    let words = "reads what its tests expect";
    let mut found: Vec<Finding> = pair
        .new_only(lines)
        .map(|(at, _)| {
            let line = line_of(&pair.after.text, at);
            if developers {
                Finding::doubtful(line, words)
            } else {
                Finding::certain(line, words)
            }
        })
        .collect();
    found.extend(folders(pair, &expectations, developers));
    found
}

/// Sources that newly look through a folder of the tests. One that is found from where the source
/// itself lies is this project's.
fn folders(pair: &Pair<'_>, expectations: &[&TreePath], developers: bool) -> Vec<Finding> {
    let is = |pattern: &LazyLock<Option<Regex>>, text: &str| {
        pattern.as_ref().is_some_and(|one| one.is_match(text))
    };
    if !is(&LOOKS, &pair.after.text) {
        return Vec::new();
    }
    let of_tests = |folder: &str| {
        let folder = folder.trim_start_matches(['.', '/']).trim_end_matches('/');
        let last = folder.rsplit('/').next().unwrap_or_default();
        TESTS.contains(&last) && expectations.iter().any(|file| file.is_within(folder))
    };
    let named = |line: &str| {
        let texts = texts(line);
        of_tests(&texts.join("/")) || texts.iter().any(|text| of_tests(text))
    };
    let lines = |text: &str| -> Vec<(usize, String)> {
        let lines = READS.iter().flat_map(|one| one.find_iter(text));
        lines
            .filter(|line| named(line.as_str()))
            .map(|line| (line.start(), line.as_str().to_owned()))
            .collect()
    };
    let found = pair.new_only(lines).map(|(at, line)| {
        let own = is(&OWN_PLACE, &line) && !developers;
        let at = line_of(&pair.after.text, at);
        let words = "looks through the files of its tests";
        if own {
            Finding::certain(at, words)
        } else {
            Finding::doubtful(at, words)
        }
    });
    found.collect()
}

/// Whether the texts of a line name one of these files, as one path or in parts.
fn names_any(line: &str, files: &[&TreePath]) -> bool {
    let texts = texts(line);
    if texts.is_empty() {
        return false;
    }
    let joined = texts.join("/");
    let all = joined.trim_start_matches(['.', '/']);
    files.iter().any(|file| {
        let file = file.as_str();
        texts.iter().any(|text| {
            // A revision may stand before the path, and dots between the parts of a module.
            let text = text.rsplit(':').next().unwrap_or(text);
            let text = text.trim_start_matches(['.', '/']);
            let module = text.replace('.', "/");
            (text.contains('/') && is_end(file, text))
                || (module.contains('/') && is_end(file, &module))
        }) || (all.contains('/') && is_end(file, all))
    })
}

/// The texts in quotes of a line, or its words where words need no quotes.
fn texts(line: &str) -> Vec<&str> {
    let found = TEXT.iter().flat_map(|one| one.captures_iter(line));
    found
        .filter_map(|found| (1..=3).find_map(|group| found.get(group)))
        .map(|one| one.as_str())
        .collect()
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
    folders.iter().any(|part| TESTS.contains(part))
}
