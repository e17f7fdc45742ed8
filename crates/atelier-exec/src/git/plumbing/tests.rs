//! Processes that are kept, killed, outlived and shared.
#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

use std::{path::PathBuf, process, thread};

use atelier_model::{FileEntry, Limits, Timestamp, TreePath};
use rustix::process::{Pid, Signal, kill_process};

use super::*;
use crate::git::Commit;

fn repository() -> (TempDir, Git) {
    let folder = tempfile::tempdir().unwrap();
    let git = Git::init(&folder.path().join("project")).unwrap();
    (folder, git)
}

fn commit(git: &Git, parent: Option<&str>, text: &str) -> String {
    let path = TreePath::parse("folder/a.txt").unwrap();
    let changes = BTreeMap::from([(path, Some(FileEntry::text(text)))]);
    let commit = Commit {
        message: format!("feat: {text}\n"),
        parent,
        at: Timestamp::from_millis(1_700_000_000_000),
    };
    git.commit_changes(&changes, &commit).unwrap()
}

/// The text of the only file.
fn read(git: &Git, commit: &str) -> String {
    let tree = git.tree_of(commit, &Limits::default()).unwrap();
    let path = TreePath::parse("folder/a.txt").unwrap();
    assert_eq!(tree.len(), 1);
    tree.text(&path).unwrap().to_owned()
}

fn waiting(git: &Git) -> Vec<Pid> {
    let idle = git.plumbing.idle.lock().unwrap();
    idle.values()
        .flatten()
        .map(|kept| kept.process.pid())
        .collect()
}

/// Kills what waits, and sees that it is dead before anybody asks it.
fn kill_all(git: &Git) {
    for pid in waiting(git) {
        kill_process(pid, Signal::KILL).unwrap();
        let stat = PathBuf::from(format!("/proc/{}/stat", pid.as_raw_nonzero()));
        while !fs::read_to_string(&stat).unwrap().contains(") Z ") {
            thread::yield_now();
        }
    }
}

#[test]
fn the_same_processes_do_the_work_of_all_commits() {
    let (_folder, git) = repository();
    let first = commit(&git, None, "0");
    assert_eq!(read(&git, &first), "0");
    let mut parent = commit(&git, Some(&first), "1");
    let before = waiting(&git);
    assert_eq!(before.len(), 5, "one of each tool");
    for number in 2..20 {
        let text = number.to_string();
        parent = commit(&git, Some(&parent), &text);
        assert_eq!(read(&git, &parent), text);
    }
    assert_eq!(waiting(&git), before);
}

#[test]
fn they_end_with_the_last_handle() {
    let (_folder, git) = repository();
    let other = git.clone();
    commit(&git, None, "1");
    let pids = waiting(&git);
    drop(git);
    commit(&other, None, "2");
    assert_eq!(waiting(&other), pids);
    drop(other);
    for pid in pids {
        let place = PathBuf::from(format!("/proc/{}", pid.as_raw_nonzero()));
        assert!(!place.exists());
    }
}

#[test]
fn who_was_killed_while_waiting_is_replaced() {
    let (_folder, git) = repository();
    let mut parent = commit(&git, None, "0");
    for text in ["1", "2", "3"] {
        assert_eq!(read(&git, &parent).len(), 1);
        kill_all(&git);
        parent = commit(&git, Some(&parent), text);
        kill_all(&git);
        assert_eq!(read(&git, &parent), text);
    }
    let log = git.log(&parent, 10).unwrap();
    assert_eq!(log.len(), 4);
    assert_eq!(git.damages().unwrap(), Vec::<String>::new());
}

#[test]
fn killing_them_at_any_moment_spoils_no_commit() {
    let (_folder, git) = repository();
    let done = std::sync::atomic::AtomicBool::new(false);
    let is_done = || done.load(std::sync::atomic::Ordering::Relaxed);
    let commits: Vec<(String, String)> = thread::scope(|scope| {
        scope.spawn(|| {
            while !is_done() {
                // Whoever is named may have ended.
                for pid in processes_of(&git) {
                    let _ = kill_process(pid, Signal::KILL);
                }
                thread::sleep(Duration::from_millis(3));
            }
        });
        let mut made = Vec::new();
        for number in 0..200 {
            let text = number.to_string();
            let path = TreePath::parse("folder/a.txt").unwrap();
            let changes = BTreeMap::from([(path, Some(FileEntry::text(text.as_str())))]);
            let commit = Commit {
                message: "x".to_owned(),
                parent: None,
                at: Timestamp::from_millis(0),
            };
            match git.commit_changes(&changes, &commit) {
                Ok(id) => made.push((id, text)),
                Err(GitError::Refused { .. } | GitError::Host(_)) => {}
                Err(other) => panic!("{other}"),
            }
        }
        done.store(true, std::sync::atomic::Ordering::Relaxed);
        made
    });
    for (id, text) in &commits {
        assert_eq!(read(&git, id), *text);
    }
    assert_eq!(git.damages().unwrap(), Vec::<String>::new());
}

/// The processes of git that work on this repository alone.
fn processes_of(git: &Git) -> Vec<Pid> {
    let place = git.root().to_string_lossy();
    let works_there = |folder: &PathBuf| {
        let words = fs::read(folder.join("cmdline")).unwrap_or_default();
        let words = String::from_utf8_lossy(&words);
        words.starts_with("git\0") && words.contains(place.as_ref())
    };
    let all = fs::read_dir("/proc").unwrap().flatten();
    all.map(|entry| entry.path())
        .filter(works_there)
        .filter_map(|folder| Pid::from_raw(folder.file_name()?.to_str()?.parse().ok()?))
        .collect()
}

#[test]
fn many_ask_at_once_and_few_processes_are_kept() {
    let (_folder, git) = repository();
    let base = commit(&git, None, "0");
    thread::scope(|scope| {
        for number in 0..8 {
            let (git, base) = (&git, &base);
            scope.spawn(move || {
                for turn in 0..10 {
                    let text = format!("{number} {turn}");
                    let made = commit(git, Some(base), &text);
                    assert_eq!(read(git, &made), text);
                }
            });
        }
    });
    let idle = git.plumbing.idle.lock().unwrap();
    assert!(idle.values().all(|kept| kept.len() <= IDLE_MAX));
}

#[test]
fn what_others_do_to_the_repository_is_seen() {
    let (_folder, git) = repository();
    let sh = |script: &str| {
        let mut command = process::Command::new("sh");
        let done = command.args(["-ec", script]).current_dir(git.root());
        assert!(done.status().unwrap().success(), "{script}");
    };
    let first = commit(&git, None, "1");
    git.branch_set("main", &first, None).unwrap();
    assert_eq!(read(&git, "main"), "1");
    let second = commit(&git, Some(&first), "2");
    // Somebody moves the branch, packs everything, and takes away what nobody holds.
    git.branch_set("main", &second, Some(&first)).unwrap();
    assert_eq!(read(&git, "main"), "2");
    sh("git pack-refs --all && git repack -adq && git prune-packed && git prune --expire=now");
    assert_eq!(read(&git, "main"), "2");
    assert_eq!(commit(&git, Some(&first), "2"), second);
    let third = commit(&git, Some(&second), "3");
    sh("git reflog expire --expire=now --all && git gc -q --prune=now");
    assert!(git.tree_of(&third, &Limits::default()).is_err());
    assert_eq!(commit(&git, Some(&second), "3"), third);
    assert_eq!(read(&git, &third), "3");
    // What was seen in a pack goes with the pack.
    git.branch_set("held", &third, None).unwrap();
    sh("git repack -adq");
    assert_eq!(commit(&git, Some(&second), "3"), third);
    sh("git branch -qD held && git repack -adq && git prune-packed && git prune --expire=now");
    assert!(git.tree_of(&third, &Limits::default()).is_err());
    assert_eq!(commit(&git, Some(&second), "3"), third);
    assert_eq!(read(&git, &third), "3");
    // The folder in which it stood goes, as between two runs.
    fs::remove_dir_all(git.root().join(".atelier")).unwrap();
    let fourth = commit(&git, Some(&third), "4");
    assert_eq!(read(&git, &fourth), "4");
    sh("git fsck --strict");
}

#[test]
fn facts_and_their_absence_are_told_apart() {
    assert_eq!(fact(b"x missing"), Ok(None));
    assert_eq!(fact(b"x y ambiguous"), Ok(None));
    assert_eq!(fact(b"0123 blob 3"), Err(Strange));
    let id = "a".repeat(40);
    let known = Fact {
        id: id.clone(),
        kind: "blob".to_owned(),
        bytes: 3,
    };
    assert_eq!(fact(format!("{id} blob 3").as_bytes()), Ok(Some(known)));
    assert_eq!(fact(format!("{id} blob 3 4").as_bytes()), Err(Strange));
    assert_eq!(fact(format!("{id} blob x").as_bytes()), Err(Strange));
}
