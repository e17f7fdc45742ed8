//! Every case of `fixtures/edits`, and properties of parsing and applying.
#![expect(
    clippy::unwrap_used,
    clippy::disallowed_methods,
    reason = "a test fails by panicking, and its cases are files"
)]

mod damage;

use std::{
    fs,
    path::{Path, PathBuf},
};

use atelier_model::{FileEntry, FileTree, Limits, TreePath};

use crate::{FORMATS, apply, parse};

/// Files that stand for an empty folder.
const KEEP: &str = ".keep";

fn fixtures() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../../fixtures/edits")
}

/// The files below a folder; none where there is no folder.
fn tree(folder: &Path) -> FileTree {
    let mut tree = FileTree::default();
    let mut folders = vec![folder.to_path_buf()];
    while let Some(next) = folders.pop() {
        for entry in fs::read_dir(&next).into_iter().flatten() {
            let path = entry.unwrap().path();
            if path.is_dir() {
                folders.push(path);
            } else if !path.ends_with(KEEP) {
                let name = path.strip_prefix(folder).unwrap().to_str().unwrap();
                let file = FileEntry {
                    bytes: fs::read(&path).unwrap(),
                    executable: executable(&path),
                };
                tree.put(TreePath::parse(name).unwrap(), file);
            }
        }
    }
    tree
}

#[cfg(unix)]
fn executable(path: &Path) -> bool {
    use std::os::unix::fs::PermissionsExt;
    fs::metadata(path).unwrap().permissions().mode() & 0o100 != 0
}

#[cfg(not(unix))]
fn executable(_: &Path) -> bool {
    false
}

/// The tree after a reply's edits, or why they are refused.
pub(crate) fn outcome(reply: &str, before: &FileTree) -> Result<FileTree, String> {
    let limits = Limits::default();
    let changes = parse(reply, &limits).map_err(|error| error.to_string())?;
    let applied = apply(&changes, before, &limits).map_err(|error| error.to_string())?;
    Ok(applied.tree)
}

/// What is wrong with a case; nothing if all is well.
fn check(case: &Path) -> Option<String> {
    let reply = fs::read_to_string(case.join("reply.md")).unwrap();
    let refused = case.join("refused.txt");
    match (
        outcome(&reply, &tree(&case.join("before"))),
        refused.exists(),
    ) {
        (Ok(after), false) => {
            let changes = tree(&case.join("after")).changes_to(&after);
            (!changes.is_empty()).then(|| format!("other than expected: {changes:#?}"))
        }
        (Err(said), true) => {
            let said = format!("{said}\n");
            if std::env::var_os("UPDATE").is_some() {
                fs::write(&refused, &said).unwrap();
            }
            let expected = fs::read_to_string(&refused).unwrap();
            (expected != said).then(|| format!("refused otherwise:\n{said}"))
        }
        (Ok(after), true) => Some(format!("applied, though it must be refused: {after:#?}")),
        (Err(said), false) => Some(format!("refused: {said}")),
    }
}

#[test]
fn every_case_is_applied_exactly_or_refused_as_written_down() {
    let mut cases: Vec<_> = fs::read_dir(fixtures())
        .unwrap()
        .map(|entry| entry.unwrap().path())
        .filter(|path| path.is_dir())
        .collect();
    cases.sort();
    assert!(cases.len() >= 100, "cases went missing: {}", cases.len());
    let wrong: Vec<_> = cases
        .iter()
        .filter_map(|case| Some(format!("{}: {}", case.file_name()?.display(), check(case)?)))
        .collect();
    assert!(wrong.is_empty(), "{}", wrong.join("\n\n"));
}

#[test]
fn every_form_has_cases() {
    let prefixes = [
        ("search-replace", "replace-"),
        ("deletion", "delete-"),
        ("whole-file", "whole-"),
    ];
    for format in FORMATS {
        let (_, prefix) = prefixes
            .iter()
            .find(|(name, _)| *name == format.name())
            .unwrap();
        let cases = fs::read_dir(fixtures()).unwrap();
        let named = cases.filter(|entry| {
            let name = entry.as_ref().unwrap().file_name();
            name.to_string_lossy().starts_with(prefix)
        });
        assert!(named.count() >= 5, "{}", format.name());
    }
}
