//! What killed replays leave, and what stays.
#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

use std::{fs, os::unix::fs::symlink, path::Path};

use super::{Folder, IN_USE, PREFIX};

/// The names in a folder, in order.
fn names(folder: &Path) -> Vec<String> {
    let entries = fs::read_dir(folder).unwrap();
    let mut names: Vec<_> = entries
        .map(|entry| entry.unwrap().file_name().into_string().unwrap())
        .collect();
    names.sort();
    names
}

#[test]
fn what_a_killed_replay_left_goes_with_the_next_one() {
    let parent = tempfile::tempdir().unwrap();
    let left = parent.path().join(format!("{PREFIX}killed"));
    fs::create_dir_all(left.join("project/src")).unwrap();
    fs::write(left.join("project/src/main.py"), "print()\n").unwrap();
    fs::write(left.join(IN_USE), "").unwrap();

    let folder = Folder::new_in(parent.path()).unwrap();
    let own = folder.path().file_name().unwrap().to_str().unwrap();
    assert_eq!(names(parent.path()), [own]);
    folder.close().unwrap();
    assert_eq!(names(parent.path()), [""; 0]);
}

#[test]
fn what_is_in_use_kept_or_something_else_stays() {
    let parent = tempfile::tempdir().unwrap();
    let elsewhere = tempfile::tempdir().unwrap();
    fs::write(elsewhere.path().join(IN_USE), "").unwrap();
    symlink(
        elsewhere.path(),
        parent.path().join(format!("{PREFIX}link")),
    )
    .unwrap();
    fs::create_dir(parent.path().join(format!("{PREFIX}made"))).unwrap();
    let foreign = parent.path().join("another");
    fs::create_dir(&foreign).unwrap();
    fs::write(foreign.join(IN_USE), "").unwrap();

    let running = Folder::new_in(parent.path()).unwrap();
    let kept = Folder::new_in(parent.path()).unwrap().keep().unwrap();
    let before = names(parent.path());
    let next = Folder::new_in(parent.path()).unwrap();
    assert!(running.path().exists() && kept.exists());
    assert!(elsewhere.path().join(IN_USE).exists());
    next.close().unwrap();
    assert_eq!(names(parent.path()), before);
    drop(running);
    assert_eq!(names(parent.path()).len(), before.len() - 1);
}
