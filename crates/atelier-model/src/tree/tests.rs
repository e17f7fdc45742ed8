//! Trees: what differs between two of them, and what a digest covers.

#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

use proptest::prelude::*;

use super::{FileEntry, FileTree, Obstacle};
use crate::TreePath;

fn path(text: &str) -> TreePath {
    text.parse().unwrap()
}

fn tree(files: &[(&str, &str)]) -> FileTree {
    files
        .iter()
        .map(|(at, text)| (path(at), FileEntry::text(*text)))
        .collect()
}

#[test]
fn files_are_put_found_and_removed() {
    let mut tree = tree(&[("b", "2"), ("a/x", "1")]);
    assert_eq!(
        tree.paths().map(TreePath::as_str).collect::<Vec<_>>(),
        ["a/x", "b"]
    );
    assert_eq!(tree.text(&path("b")), Some("2"));
    tree.put(
        path("b"),
        FileEntry {
            bytes: vec![0xff],
            executable: true,
        },
    );
    assert_eq!(tree.text(&path("b")), None);
    assert!(tree.get(&path("b")).unwrap().executable);
    assert_eq!(tree.remove(&path("a/x")).unwrap().as_text(), Some("1"));
    assert!(!tree.contains(&path("a/x")));
    assert_eq!((tree.len(), tree.is_empty()), (1, false));
    assert!(FileTree::default().is_empty());
}

#[test]
fn changes_are_what_differs_and_nothing_else() {
    let before = tree(&[
        ("same", "1"),
        ("changed", "1"),
        ("gone", "1"),
        ("mode", "1"),
    ]);
    let mut after = tree(&[("same", "1"), ("changed", "2"), ("new", "1")]);
    let executable = FileEntry {
        executable: true,
        ..FileEntry::text("1")
    };
    after.put(path("mode"), executable.clone());
    let changes = before.changes_to(&after);
    let expected = [
        (path("changed"), Some(FileEntry::text("2"))),
        (path("gone"), None),
        (path("mode"), Some(executable)),
        (path("new"), Some(FileEntry::text("1"))),
    ];
    assert_eq!(changes, expected.into());
}

#[test]
fn path_mode_and_content_decide_the_digest() {
    let digest = |at: &str, text: &str, executable| {
        let entry = FileEntry {
            executable,
            ..FileEntry::text(text)
        };
        FileTree::from_iter([(path(at), entry)]).digest()
    };
    let mut digests = vec![
        FileTree::default().digest(),
        digest("a", "1", false),
        digest("b", "1", false),
        digest("a", "2", false),
        digest("a", "1", true),
        tree(&[("a", "1"), ("b", "1")]).digest(),
    ];
    assert_eq!(digests[1], tree(&[("a", "1")]).digest());
    digests.sort();
    digests.dedup();
    assert_eq!(digests.len(), 6);
}

fn any_tree() -> impl Strategy<Value = FileTree> {
    let name = "[a-d](/[a-d]){0,2}";
    let entry = (prop::collection::vec(0u8..3, 0..3), any::<bool>());
    prop::collection::vec((name, entry), 0..12).prop_map(|files| {
        files
            .into_iter()
            .map(|(at, (bytes, executable))| (path(&at), FileEntry { bytes, executable }))
            .collect()
    })
}

proptest! {
    #[test]
    fn changes_applied_give_the_other_tree(one in any_tree(), two in any_tree()) {
        let changes = one.changes_to(&two);
        let mut tree = one.clone();
        for (at, change) in changes {
            // No change is idle.
            prop_assert_ne!(tree.get(&at), change.as_ref());
            match change {
                Some(file) => tree.put(at, file),
                None => _ = tree.remove(&at),
            }
        }
        prop_assert_eq!(&tree, &two);
        prop_assert_eq!(tree.digest(), two.digest());
        prop_assert_eq!(one == two, one.digest() == two.digest());
    }
}

#[test]
fn an_obstacle_stands_at_a_path_and_above_others() {
    let mut tree = FileTree::default();
    tree.block(path("link"), Obstacle::Link);
    tree.block(path("big.bin"), Obstacle::TooLarge(9));
    tree.block(path("src"), Obstacle::Folder);
    let found = |at: &str| {
        let at = path(at);
        let found = tree.obstacle(&at);
        found.map(|(place, obstacle)| (place.to_string(), obstacle))
    };
    let link = Some(("link".to_owned(), Obstacle::Link));
    assert_eq!(found("link"), link);
    assert_eq!(found("link/a/b"), link);
    assert_eq!(
        found("big.bin/a"),
        Some(("big.bin".to_owned(), Obstacle::TooLarge(9)))
    );
    assert_eq!(found("src"), Some(("src".to_owned(), Obstacle::Folder)));
    assert_eq!(found("src/a"), None);
    assert_eq!(found("links"), None);
}

#[test]
fn a_path_is_a_file_or_an_obstacle_never_both() {
    let mut tree = FileTree::default();
    let at = path("a");
    tree.put(at.clone(), FileEntry::text("one"));
    tree.block(at.clone(), Obstacle::Link);
    assert!(!tree.contains(&at));
    assert_eq!(tree.digest(), FileTree::default().digest());
    tree.put(at.clone(), FileEntry::text("two"));
    assert_eq!(tree.obstacle(&at), None);
    assert_eq!(tree.obstacles().count(), 0);
}
