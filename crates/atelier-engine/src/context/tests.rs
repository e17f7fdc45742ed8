//! What a model sees of a project, within the budget.

#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

use atelier_model::{ContextHints, FileEntry, FileTree, Task, TreePath};

use super::{forms, pack};
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
fn only_a_large_file_is_searched_and_replaced() {
    let long = "line\n".repeat(200);
    let files = tree(&[("src/long.rs", &long), ("src/short.rs", "line\n")]);
    assert_eq!(
        forms(&task(&["src/short.rs"], &[]), &files),
        "Write every file whole."
    );
    let said = forms(&task(&["src/long.rs", "src/new.rs"], &[]), &files);
    assert!(
        said.starts_with("Change `src/long.rs` with SEARCH/REPLACE"),
        "{said}"
    );
}
