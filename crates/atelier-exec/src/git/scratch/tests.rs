//! A repository beside another: what it sees, and what comes back from it.
#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

use std::collections::BTreeMap;

use atelier_model::{FileEntry, Timestamp, TreePath};

use crate::{Commit, Git, GitError};

fn commit(git: &Git, parent: Option<&str>, text: &str) -> String {
    let path = TreePath::parse("a.txt").unwrap();
    let changes = BTreeMap::from([(path, Some(FileEntry::text(text)))]);
    let commit = Commit {
        message: "feat: a\n".to_owned(),
        parent,
        at: Timestamp::from_millis(1_700_000_000_000),
    };
    git.commit_changes(&changes, &commit).unwrap()
}

#[test]
fn objects_are_seen_and_only_a_branch_that_is_fetched_comes_back() {
    let folder = tempfile::tempdir().unwrap();
    let user = Git::init(&folder.path().join("user")).unwrap();
    let first = commit(&user, None, "1");
    let beside = Git::init_beside(&folder.path().join("beside"), &first, Some(&user)).unwrap();
    let tree = user.tree_id(&first).unwrap();
    assert!(beside.has_tree(&tree).unwrap());
    assert!(!beside.has_tree(&first).unwrap(), "a commit is no tree");

    let second = commit(&beside, Some(&first), "2");
    let second_tree = beside.tree_id(&second).unwrap();
    beside.branch_set("work", &second, None).unwrap();
    assert!(!user.has_tree(&second_tree).unwrap());
    user.branch_fetch(&beside, "work", "again", false).unwrap();
    assert_eq!(user.branch_commit("again").unwrap(), Some(second.clone()));
    assert!(user.has_tree(&second_tree).unwrap());

    let third = commit(&beside, Some(&first), "3");
    beside.branch_set("work", &third, Some(&second)).unwrap();
    let refused = user.branch_fetch(&beside, "work", "again", false);
    assert!(matches!(refused, Err(GitError::Moved { .. })));
    user.branch_fetch(&beside, "work", "again", true).unwrap();
    assert_eq!(user.branch_commit("again").unwrap(), Some(third));
}

#[test]
fn ids_are_digested_as_those_of_the_other_one() {
    let folder = tempfile::tempdir().unwrap();
    let git = Git::init_beside(&folder.path().join("long"), &"0".repeat(64), None).unwrap();
    assert_eq!(commit(&git, None, "1").len(), 64);
}
