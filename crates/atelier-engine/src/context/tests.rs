//! What a model sees of a project, within the budget.

#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

use atelier_model::{ContextHints, EditForm, FileEntry, FileTree, Task, TreePath};

use super::{forms, lines, pack};
use crate::sample::{self, plan};

fn tree(files: &[(&str, &str)]) -> FileTree {
    let entry =
        |(path, text): &(&str, &str)| (TreePath::parse(path).unwrap(), FileEntry::text(*text));
    files.iter().map(entry).collect()
}

fn task(outputs: &[&str], files: &[&str]) -> Task {
    let context = ContextHints {
        files: sample::list(files),
        ..ContextHints::default()
    };
    Task {
        outputs: sample::list(outputs),
        context,
        ..sample::task()
    }
}

#[test]
fn what_a_task_changes_is_shown_whole() {
    let files = tree(&[
        ("Cargo.toml", "[package]"),
        ("src/lib.rs", "pub fn add() {}"),
        ("src/far/away.rs", "fn away() {}"),
        ("notes/hint.txt", "look here"),
    ]);
    let packed = pack(&task(&["src/lib.rs"], &["notes"]), &plan(), &files, 4_000);
    for shown in [
        "pub fn add() {}",
        "[package]",
        "look here",
        "src/far/away.rs",
    ] {
        assert!(
            packed.text.contains(shown),
            "{shown} is not in:\n{}",
            packed.text
        );
    }
    assert!(!packed.text.contains("fn away()"), "{}", packed.text);
}

#[test]
fn a_small_budget_drops_neighbours_before_the_work() {
    let long = "fn other() { /* a neighbour with a long body */ }\n".repeat(200);
    let files = tree(&[("src/lib.rs", "pub fn add() {}"), ("src/other.rs", &long)]);
    let packed = pack(&task(&["src/lib.rs"], &[]), &plan(), &files, 300);
    assert!(packed.text.contains("pub fn add() {}"));
    assert!(!packed.text.contains("fn other() {"));
}

#[test]
fn the_same_project_packs_to_the_same_bytes() {
    let files = tree(&[
        ("src/lib.rs", "pub fn add() {}"),
        ("src/b.rs", "b"),
        ("a.txt", "a"),
    ]);
    let once = pack(&task(&["src"], &[]), &plan(), &files, 1_000).text;
    assert_eq!(
        once,
        pack(&task(&["src"], &[]), &plan(), &files, 1_000).text
    );
}

#[test]
fn only_a_large_file_is_changed_in_parts() {
    let long = "line\n".repeat(200);
    let files = tree(&[("src/long.rs", &long), ("src/short.rs", "line\n")]);
    let short = task(&["src/short.rs", "src/new.rs"], &[]);
    assert_eq!(lines(&short, &files), [1]);
    assert_eq!(
        forms(&short, &files, EditForm::Whole),
        "Write every file whole."
    );
    let both = task(&["src/long.rs", "src/short.rs"], &[]);
    assert_eq!(lines(&both, &files), [200, 1]);
    for (form, means) in [
        (EditForm::SearchReplace, "SEARCH/REPLACE blocks"),
        (EditForm::DiffFenced, "SEARCH/REPLACE blocks"),
        (EditForm::ApplyPatch, "a patch"),
    ] {
        assert_eq!(
            forms(&both, &files, form),
            format!("Change `src/long.rs` with {means}; write every other file whole.")
        );
    }
}
