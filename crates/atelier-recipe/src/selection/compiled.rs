//! Selections of Cargo's and Go's tests.

use atelier_model::{FileEntry, TreePath};

use super::{Named, Place};

/// Switches of `cargo test` that change neither what is built nor which tests run.
const CARGO_SWITCHES: &[&str] = &[
    "-q",
    "-v",
    "--frozen",
    "--locked",
    "--no-fail-fast",
    "--offline",
    "--quiet",
    "--verbose",
];
/// Switches of a Rust test program of that kind.
const LIBTEST_SWITCHES: &[&str] = &[
    "--exact",
    "--nocapture",
    "--show-output",
    "--test-threads=1",
];
/// Switches of `go test` of that kind.
const GO_SWITCHES: &[&str] = &["-v", "-json", "-count=1", "-failfast"];

/// `cargo test -q --test cli parses`.
pub(super) fn of_cargo(arguments: &[String], place: Place<'_>) -> Option<Vec<Named>> {
    let end = arguments.iter().position(|word| word == "--");
    let (own, passed) = arguments.split_at(end.unwrap_or(arguments.len()));
    let is_known = |word: &String| {
        LIBTEST_SWITCHES.contains(&word.as_str()) || !word.starts_with('-') || word == "--"
    };
    if !passed.iter().all(is_known) {
        return None;
    }
    let mut named = vec![Named::Tests];
    let mut words = own.iter().map(String::as_str);
    while let Some(word) = words.next() {
        match word {
            "--test" => named.push(target(words.next()?, place)?),
            "-p" | "--package" => {
                words.next()?;
            }
            "--lib" | "--bins" => {}
            word if CARGO_SWITCHES.contains(&word) || !word.starts_with('-') => {}
            _ => return None,
        }
    }
    Some(named)
}

/// The file of a test program; where it lies is certain only if no manifest says another place.
fn target(name: &str, place: Place<'_>) -> Option<Named> {
    let says_where = |(path, file): (&TreePath, &FileEntry)| {
        let text = || file.as_text().unwrap_or_default();
        path.name() == "Cargo.toml" && (text().contains("[[test]]") || text().contains("autotests"))
    };
    if name.contains('*') || place.tree.iter().any(says_where) {
        return None;
    }
    let ends = [format!("tests/{name}.rs"), format!("tests/{name}/main.rs")];
    let is_it = |path: &&TreePath| {
        let here = place.below(path);
        here.is_some_and(|here| {
            ends.iter().any(|end| {
                let rest = here.strip_suffix(end.as_str());
                rest.is_some_and(|rest| rest.is_empty() || rest.ends_with('/'))
            })
        })
    };
    let file = place.tree.paths().find(is_it);
    Some(file.map_or(Named::Missing, |file| Named::File(file.clone())))
}

/// Whether `cargo test` without a filter runs them.
pub(super) fn tests_all(
    whole: &[String],
    selected: &[String],
    _: &[TreePath],
    place: Place<'_>,
) -> bool {
    let is_whole = |word: &String| {
        CARGO_SWITCHES.contains(&word.as_str()) || matches!(word.as_str(), "--workspace" | "--all")
    };
    let of_all = whole
        .iter()
        .any(|word| word.starts_with("--workspace") || word == "--all");
    let manifests = place
        .tree
        .paths()
        .filter(|path| path.name() == "Cargo.toml");
    // Of one package among several nothing is said, unless all of them are tested.
    let one = manifests.count() <= 1;
    let named = selected
        .iter()
        .any(|word| matches!(word.as_str(), "-p" | "--package"));
    whole.iter().all(is_whole) && (of_all || (one && !named))
}

/// `go test -run TestParse ./internal/parse`.
pub(super) fn of_go(arguments: &[String], place: Place<'_>) -> Option<Vec<Named>> {
    let mut named = Vec::new();
    let mut words = arguments.iter().map(String::as_str);
    while let Some(word) = words.next() {
        if word == "-run" {
            words.next()?;
        } else if GO_SWITCHES.contains(&word) || word.starts_with("-run=") {
        } else if word == "." || word.starts_with("./") {
            named.push(package(word, place)?);
        } else {
            return None;
        }
    }
    if named.is_empty() {
        named.push(package(".", place)?);
    }
    Some(named)
}

/// A test file of a package; without one there is nothing to say.
fn package(word: &str, place: Place<'_>) -> Option<Named> {
    let word = word.strip_prefix("./").unwrap_or(word);
    let (folder, all_below) = match word.strip_suffix("...") {
        Some(folder) => (folder.trim_end_matches('/'), true),
        None => (word.trim_end_matches('/'), false),
    };
    let folder = if folder == "." { "" } else { folder };
    let is_it = |path: &&TreePath| {
        let Some(here) = place.below(path) else {
            return false;
        };
        let (of, name) = here.rsplit_once('/').unwrap_or(("", here));
        let rest = of.strip_prefix(folder);
        let below = rest.is_some_and(|rest| folder.is_empty() || rest.starts_with('/'));
        name.ends_with("_test.go") && (of == folder || (all_below && below))
    };
    let file = place.tree.paths().find(is_it)?;
    Some(Named::File(file.clone()))
}

/// Whether `go test ./...` runs them: it does not go into modules of their own.
pub(super) fn tests_packages(
    whole: &[String],
    _: &[String],
    _: &[TreePath],
    place: Place<'_>,
) -> bool {
    let is_whole = |word: &String| GO_SWITCHES.contains(&word.as_str()) || word == "./...";
    let modules = place.tree.paths().filter(|path| path.name() == "go.mod");
    whole.iter().all(is_whole) && whole.iter().any(|word| word == "./...") && modules.count() <= 1
}
