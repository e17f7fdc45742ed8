//! A snapshot changes with the user's files and with nothing else.

#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

use std::fs;

use super::{ThrowawayHome, repo_snapshot};

#[test]
fn a_snapshot_sees_content_and_mode_and_the_index_alone() {
    let home = ThrowawayHome::new().unwrap();
    let project = home.project();
    let git = |arguments: &[&str]| {
        let done = home.git().args(arguments).output().unwrap();
        assert!(done.status.success(), "{done:?}");
    };
    git(&["init", "-q"]);
    fs::write(project.join("a.txt"), "a").unwrap();
    git(&["add", "a.txt"]);
    git(&["commit", "-q", "-m", "feat: begin"]);
    let before = repo_snapshot(&project).unwrap();
    assert_eq!(
        before.keys().collect::<Vec<_>>(),
        [".git/HEAD", ".git/index", "a.txt"]
    );

    git(&["branch", "other"]);
    fs::create_dir(project.join(".atelier")).unwrap();
    fs::write(project.join(".atelier/state.db"), "x").unwrap();
    assert_eq!(repo_snapshot(&project).unwrap(), before);

    fs::write(project.join("a.txt"), "b").unwrap();
    let changed = repo_snapshot(&project).unwrap();
    assert_ne!(changed["a.txt"], before["a.txt"]);
    assert_eq!(changed[".git/index"], before[".git/index"]);

    git(&["add", "a.txt"]);
    assert_ne!(
        repo_snapshot(&project).unwrap()[".git/index"],
        before[".git/index"]
    );
}

#[test]
fn a_home_has_no_identity_and_no_configuration() {
    let home = ThrowawayHome::new().unwrap();
    let asked = home
        .command("git")
        .args(["config", "--list"])
        .output()
        .unwrap();
    assert_eq!(String::from_utf8_lossy(&asked.stdout), "");
    let listed = home.command("env").output().unwrap();
    let listed = String::from_utf8_lossy(&listed.stdout).into_owned();
    assert!(!listed.contains("API_KEY"), "{listed}");
    assert!(
        listed.contains(&format!("HOME={}\n", home.path().display())),
        "{listed}"
    );
}
