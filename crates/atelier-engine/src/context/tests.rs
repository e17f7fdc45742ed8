//! What a model sees of a project, within the budget.

#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

use atelier_model::{ContextHints, EditForm, FileEntry, FileTree, Task, TreePath};

use atelier_prompt::context::{Compression, Packed, data};
use proptest::prelude::*;

use super::{forms, lines};
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

fn pack(task: &Task, plan: &atelier_model::DevPlan, files: &FileTree, tokens_max: usize) -> Packed {
    super::pack(task, plan, files, (Compression::Off, tokens_max)).packed
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

/// A source with what compression leaves out of it.
const WORDY: &str = "// Why.\n\n\n\n/// The area.\npub fn area(a: u32) -> u32 {\n    // Once.   \n    let sides = a * a;\n    sides + sides + sides + sides + sides\n}\n";

#[test]
fn what_is_only_read_is_shown_in_fewer_words_and_the_difference_is_known() {
    let files = tree(&[
        ("src/lib.rs", WORDY),
        ("src/near.rs", &WORDY.replace("area", "near")),
        ("far/named.rs", &WORDY.replace("area", "named").repeat(2)),
        ("far/notes.txt", "a  \n\n\n\nb\n"),
        ("far/again.rs", &WORDY.replace("area", "named").repeat(2)),
    ]);
    let task = task(&["src/lib.rs"], &["far"]);
    let shown = super::pack(&task, &plan(), &files, (Compression::Safe, 9_000));
    let text = &shown.packed.text;
    assert!(text.contains(&data("src/lib.rs", WORDY)), "{text}");
    assert!(
        text.contains("### File: `src/near.rs` (without bodies)"),
        "{text}"
    );
    assert!(text.contains("pub fn near(a: u32) -> u32 { … }"), "{text}");
    assert!(
        text.contains("### File: `far/again.rs` (without comments)"),
        "{text}"
    );
    assert!(
        text.contains("### File: `far/named.rs`\n\nThe same text as `far/again.rs`."),
        "{text}"
    );
    assert!(text.contains(&data("far/notes.txt", "a\n\nb\n")), "{text}");
    let off = super::pack(&task, &plan(), &files, (Compression::Off, 9_000));
    assert_eq!(off.packed, pack(&task, &plan(), &files, 9_000));
    assert!(off.bytes_full.abs_diff(off.packed.text.len()) < 40);
    assert!(
        text.len() + 300 < shown.bytes_full,
        "{} of {}",
        text.len(),
        shown.bytes_full
    );
}

/// Lines of which sources are made, readable or not.
const LINES: &[&str] = &[
    "// a comment",
    "/* of",
    "more */ fn f() {",
    "}",
    "    let a = 1;   ",
    "",
    "",
    "\t\"// text\"",
    "def f():",
    "    # no",
    "fn area(a: u32) -> u32 { a * a + a * a + a }",
    "```",
];

proptest! {
    #![proptest_config(ProptestConfig { cases: 300, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn what_may_be_changed_is_never_shortened(
        sources in prop::collection::vec(prop::collection::vec(prop::sample::select(LINES), 0..30), 1..6),
        name in prop::sample::select(&["a.rs", "a.py", "a.ts", "a.txt"][..]),
        tokens_max in 0_usize..2_000,
    ) {
        let texts: Vec<String> = sources.iter().map(|lines| lines.join("\n")).collect();
        let paths: Vec<String> = (0..texts.len()).map(|at| format!("d{at}/{name}")).collect();
        let files: Vec<(&str, &str)> = paths.iter().zip(&texts).map(|(path, text)| (&**path, &**text)).collect();
        // The first half may be changed, the rest is only read.
        let changed = texts.len().div_ceil(2);
        let outputs: Vec<&str> = paths[..changed].iter().map(|path| &**path).collect();
        let read: Vec<&str> = paths[changed..].iter().map(|path| &**path).collect();
        let task = task(&outputs, &read);
        let shown = super::pack(&task, &plan(), &tree(&files), (Compression::Safe, tokens_max));
        for (path, text) in files.iter().take(changed) {
            prop_assert!(shown.packed.text.contains(&data(path, text)), "{}", path);
        }
    }
}
