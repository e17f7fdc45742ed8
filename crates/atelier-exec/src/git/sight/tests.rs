//! What is seen agrees with what git says, and where it might not, git is asked.
#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

use std::{fs, path::Path, process::Command};

use super::{Sight, look};

/// Makes a repository in a folder of its own, changes it by a script, and compares what is seen from a
/// folder of it with what git says.
fn check(script: &str, from: &str, expected: fn(&Path) -> Sight) {
    let folder = tempfile::tempdir().unwrap();
    let top = folder.path().canonicalize().unwrap();
    let all = format!("git init -q -b main project && cd project && mkdir -p a/b && {script}");
    let made = Command::new("sh")
        .args(["-c", &all])
        .current_dir(&top)
        .status();
    assert!(made.unwrap().success(), "{script}");
    let from = top.join(from);
    let seen = look(&from);
    assert_eq!(seen, expected(&top), "{script}");
    if seen == Sight::Doubtful {
        return;
    }
    let git = Command::new("git")
        .args(["rev-parse", "--show-toplevel"])
        .current_dir(&from)
        .env_remove("GIT_DIR")
        .output()
        .unwrap();
    match seen {
        Sight::Nothing => assert!(!git.status.success(), "{script}"),
        Sight::Plain(root) => {
            let said = String::from_utf8(git.stdout).unwrap();
            assert_eq!(Path::new(said.trim_end()), root, "{script}");
        }
        Sight::Doubtful => {}
    }
}

#[test]
fn an_ordinary_repository_is_seen_from_anywhere_in_it() {
    let plain = |top: &Path| Sight::Plain(top.join("project"));
    check("true", "project", plain);
    check("true", "project/a/b", plain);
    check(
        "git config user.name Ada && git config remote.origin.url x",
        "project",
        plain,
    );
}

#[test]
fn without_any_nothing_is_seen() {
    let folder = tempfile::tempdir().unwrap();
    fs::create_dir(folder.path().join("empty")).unwrap();
    assert_eq!(look(&folder.path().join("empty")), Sight::Nothing);
}

#[test]
fn whatever_may_lead_elsewhere_is_for_git_to_say() {
    let doubtful = |_: &Path| Sight::Doubtful;
    for script in [
        "git config core.worktree ../a",
        "git config core.bare true",
        "git config include.path ../more",
        "git config extensions.worktreeConfig true",
        "rm -r .git/objects",
        "rm .git/HEAD",
        "echo nonsense > .git/HEAD",
        "mv .git ../elsewhere && ln -s ../elsewhere .git",
        "mv .git ../elsewhere && echo 'gitdir: ../elsewhere' > .git",
        "printf '[core] bare = true\\n' >> .git/config",
        "printf '[core]\\n\\tba\\\\\\nre = true\\n' >> .git/config",
    ] {
        check(script, "project", doubtful);
    }
    check("true", "project/.git/refs", doubtful);
    check("git init -q --bare ../bare", "bare", doubtful);
    check("true", "nowhere", doubtful);
}
