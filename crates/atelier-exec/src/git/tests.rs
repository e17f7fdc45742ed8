//! Real repositories: what is committed, what moves, and what is never touched or run.
#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

use std::{
    collections::BTreeMap,
    fs,
    os::unix::fs::PermissionsExt,
    path::{Path, PathBuf},
    process,
};

use atelier_model::{FileEntry, Limits, Timestamp, TreePath};
use tempfile::TempDir;

use super::*;

/// A throwaway repository.
struct Project {
    folder: TempDir,
    git: Git,
}

impl Project {
    /// A repository without a commit.
    fn unborn() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let git = Git::init(&folder.path().join("project")).unwrap();
        let project = Self { folder, git };
        project.sh("git config user.name Ada && git config user.email ada@example.org");
        project.sh("git symbolic-ref HEAD refs/heads/main");
        project
    }

    /// A repository with one commit: `.gitignore`, `a` and `b/c`.
    fn new() -> Self {
        let project = Self::unborn();
        project.sh("echo '*.log' > .gitignore; echo one > a; mkdir b; echo two > b/c");
        project.sh("git add . && git commit -q -m first");
        project
    }

    fn root(&self) -> &Path {
        self.git.root()
    }

    /// Runs a script in the user's checkout, as the user would.
    fn sh(&self, script: &str) -> String {
        shell(self.root(), script)
    }

    fn head(&self) -> String {
        self.git.head().unwrap().commit.unwrap()
    }

    /// Everything of the user's, byte for byte: files, index, and where the head points.
    fn snapshot(&self) -> BTreeMap<PathBuf, Vec<u8>> {
        let mut files = BTreeMap::new();
        let mut folders = vec![self.root().to_owned()];
        while let Some(folder) = folders.pop() {
            for entry in fs::read_dir(folder).unwrap() {
                let path = entry.unwrap().path();
                let own = path.ends_with(".git") || path.ends_with(".atelier");
                if path.is_dir() && !own {
                    folders.push(path);
                } else if path.is_file() {
                    files.insert(path.clone(), fs::read(&path).unwrap());
                }
            }
        }
        for file in ["index", "HEAD", "refs/heads/main"] {
            let path = self.root().join(".git").join(file);
            files.insert(path.clone(), fs::read(&path).unwrap_or_default());
        }
        files
    }

    /// A branch `atelier/x` with one commit more than the user's.
    fn work(&self, lines: &[(&str, &str)]) -> String {
        let head = self.git.head().unwrap().commit;
        let worktree = self.git.worktree_open("work", head.as_deref()).unwrap();
        worktree.tree_write(&put(lines)).unwrap();
        let commit = worktree.commit(&second(head.as_deref())).unwrap();
        self.git.branch_set("atelier/x", &commit, None).unwrap();
        commit
    }
}

fn shell(folder: &Path, script: &str) -> String {
    let output = process::Command::new("sh")
        .args(["-ec", script])
        .current_dir(folder)
        .output()
        .unwrap();
    let said = String::from_utf8_lossy(&output.stderr).into_owned();
    assert!(output.status.success(), "{script}: {said}");
    String::from_utf8(output.stdout).unwrap()
}

fn put(lines: &[(&str, &str)]) -> BTreeMap<TreePath, Option<FileEntry>> {
    let entry = |(path, text): &(&str, &str)| {
        (TreePath::parse(path).unwrap(), Some(FileEntry::text(*text)))
    };
    lines.iter().map(entry).collect()
}

fn second(parent: Option<&str>) -> Commit<'_> {
    Commit {
        message: "feat: more\n\nWhy not.\n\nAtelier-Task: t1\n".to_owned(),
        parent,
        at: Timestamp::from_millis(1_700_000_000_999),
    }
}

fn shown(tree: &atelier_model::FileTree) -> Vec<String> {
    let line = |(path, file): (&TreePath, &FileEntry)| {
        format!("{path} = {}", file.as_text().unwrap().trim_end())
    };
    tree.iter().map(line).collect()
}

#[test]
fn a_repository_is_found_from_below_and_only_where_there_is_one() {
    let project = Project::new();
    let below = Git::discover(&project.root().join("b")).unwrap();
    assert_eq!(below.as_ref(), Some(&project.git));
    assert_eq!(Git::discover(project.folder.path()).unwrap(), None);
}

#[test]
fn the_head_tells_branch_and_commit() {
    let project = Project::unborn();
    let head = |branch: Option<&str>, commit: Option<String>| Head {
        branch: branch.map(str::to_owned),
        commit,
    };
    assert_eq!(project.git.head().unwrap(), head(Some("main"), None));
    project.sh("git commit -q --allow-empty -m first");
    let commit = project.sh("git rev-parse HEAD").trim().to_owned();
    assert_eq!(
        project.git.head().unwrap(),
        head(Some("main"), Some(commit.clone()))
    );
    project.sh("git checkout -q --detach");
    assert_eq!(project.git.head().unwrap(), head(None, Some(commit)));
}

#[test]
fn dirty_names_what_differs_and_never_ateliers_own() {
    let project = Project::new();
    assert_eq!(project.git.dirty().unwrap(), Vec::<String>::new());
    project.sh("echo x > a; echo x > 'new é'; rm b/c; mkdir .atelier; touch .atelier/x noise.log");
    project
        .git
        .worktree_open("t1", Some(&project.head()))
        .unwrap();
    assert_eq!(project.git.dirty().unwrap(), ["a", "b/c", "new é"]);
}

#[test]
fn the_first_commit_of_a_repository_is_delivered() {
    let project = Project::unborn();
    let worktree = project.git.worktree_open("t1", None).unwrap();
    assert!(worktree.tree_read(&Limits::default()).unwrap().is_empty());
    worktree
        .tree_write(&put(&[("src/a", "one"), ("b", "two")]))
        .unwrap();
    let commit = worktree.commit(&second(None)).unwrap();
    project.git.branch_set("atelier/x", &commit, None).unwrap();
    let log = project.git.log("atelier/x", 10).unwrap();
    assert_eq!(log.len(), 1);
    assert_eq!(log[0].parents, Vec::<String>::new());
    let delivery = project
        .git
        .deliver("atelier/x", Some("main"), None)
        .unwrap();
    let branch = "main".to_owned();
    assert_eq!(delivery, Delivery::FastForwarded { branch });
    assert_eq!(project.head(), commit);
    assert_eq!(project.sh("cat src/a b; git status --porcelain"), "onetwo");
}

#[test]
fn a_clean_and_unmoved_branch_is_fast_forwarded() {
    let project = Project::new();
    let base = project.head();
    let commit = project.work(&[("a", "changed"), ("new/file", "n")]);
    project.sh("echo mine > untracked");
    let delivery = project
        .git
        .deliver("atelier/x", Some("main"), Some(&base))
        .unwrap();
    assert!(matches!(delivery, Delivery::FastForwarded { .. }));
    assert_eq!(project.head(), commit);
    assert_eq!(project.sh("cat a new/file untracked"), "changednmine\n");
    assert_eq!(project.git.dirty().unwrap(), ["untracked"]);
    let again = project
        .git
        .deliver("atelier/x", Some("main"), Some(&commit))
        .unwrap();
    assert!(matches!(again, Delivery::FastForwarded { .. }));
}

#[test]
fn a_branch_that_is_not_clean_or_has_moved_is_left_byte_for_byte() {
    for (state, base_branch, command) in [
        (
            "echo mine > a",
            Some("main"),
            "git merge --ff-only atelier/x",
        ),
        (
            "echo mine > a; git add a",
            Some("main"),
            "git merge --ff-only atelier/x",
        ),
        ("rm b/c", Some("main"), "git merge --ff-only atelier/x"),
        ("echo mine > new", Some("main"), "git merge atelier/x"),
        ("echo mine > new.log", Some("main"), "git merge atelier/x"),
        (
            "git commit -q --allow-empty -m moved",
            Some("main"),
            "git merge atelier/x",
        ),
        (
            "git switch -q -c other",
            Some("main"),
            "git switch main && git merge atelier/x",
        ),
        (
            "git checkout -q --detach",
            Some("main"),
            "git switch main && git merge atelier/x",
        ),
        ("git checkout -q --detach", None, "git merge atelier/x"),
    ] {
        let project = Project::new();
        let base = project.head();
        let files = put(&[
            ("a", "changed"),
            ("new", "n"),
            ("new.log", "n"),
            ("b/c", "n"),
        ]);
        let made = project.git.commit_changes(&files, &second(Some(&base)));
        project
            .git
            .branch_set("atelier/x", &made.unwrap(), None)
            .unwrap();
        project.sh(state);
        let before = project.snapshot();
        let delivery = project
            .git
            .deliver("atelier/x", base_branch, Some(&base))
            .unwrap();
        let Delivery::Left {
            reason,
            command: told,
        } = delivery
        else {
            panic!("delivered over: {state}");
        };
        assert_eq!(told, command, "{state}: {reason}");
        assert!(!reason.is_empty() && !reason.contains('\n'));
        assert!(project.snapshot() == before, "touched: {state}");
    }
}

#[test]
fn a_repository_without_a_commit_keeps_what_is_in_the_way() {
    for (state, delivered) in [
        ("echo mine > a", false),
        ("echo mine > a; git add a", false),
        ("echo mine > other; git add other", false),
        ("echo mine > other", true),
        ("git switch -q -c else", false),
    ] {
        let project = Project::unborn();
        project.work(&[("a", "theirs")]);
        project.sh(state);
        let before = project.snapshot();
        let delivery = project
            .git
            .deliver("atelier/x", Some("main"), None)
            .unwrap();
        let forwarded = matches!(delivery, Delivery::FastForwarded { .. });
        assert_eq!(forwarded, delivered, "{state}: {delivery:?}");
        assert_eq!(project.snapshot() == before, !delivered, "{state}");
    }
}

#[test]
fn a_branch_moves_only_from_where_it_is_believed_to_be() {
    let project = Project::new();
    let first = project.head();
    project.sh("git commit -q --allow-empty -m second");
    let second = project.head();
    let set = |new: &str, old: Option<&str>| project.git.branch_set("atelier/x", new, old);
    set(&first, None).unwrap();
    for wrong in [None, Some(second.as_str())] {
        let error = set(&second, wrong).unwrap_err();
        let GitError::Moved {
            branch,
            expected,
            found,
        } = error
        else {
            panic!("{error}");
        };
        assert_eq!(branch, "atelier/x");
        assert_eq!(expected.as_deref(), wrong);
        assert_eq!(found.as_deref(), Some(first.as_str()));
    }
    assert_eq!(
        project.git.branch_commit("atelier/x").unwrap().as_deref(),
        Some(&*first)
    );
    set(&second, Some(&first)).unwrap();
    assert_eq!(
        project.git.branch_commit("atelier/x").unwrap().as_deref(),
        Some(&*second)
    );
    let missing = project
        .git
        .branch_set("atelier/y", &first, Some(&second))
        .unwrap_err();
    assert!(matches!(missing, GitError::Moved { found: None, .. }));
    let refused = project
        .git
        .branch_set("atelier/x/y", &first, None)
        .unwrap_err();
    assert!(matches!(refused, GitError::Refused { .. }), "{refused}");
}

#[test]
fn the_users_checkout_is_not_touched_by_work() {
    let project = Project::new();
    project.sh("echo mine > a; echo staged > s; git add s; echo new > n");
    let before = project.snapshot();
    let commit = project.work(&[("a", "changed")]);
    project.git.dirty().unwrap();
    let fresh = project.git.checkout_fresh("verdict", &commit).unwrap();
    project
        .git
        .commit_changes(&put(&[("z", "1")]), &second(Some(&commit)))
        .unwrap();
    project.git.worktree_remove(&fresh).unwrap();
    let left = project.git.worktree_names().unwrap();
    project.git.worktrees_remove(&left).unwrap();
    assert!(project.git.worktree_names().unwrap().is_empty());
    assert!(project.snapshot() == before);
    assert_eq!(project.sh("git worktree list | wc -l").trim(), "1");
}

#[test]
fn the_same_work_is_the_same_commit() {
    let projects = [Project::unborn(), Project::unborn()];
    let ids = projects.map(|project| {
        let worktree = project.git.worktree_open("t1", None).unwrap();
        worktree
            .tree_write(&put(&[("a", "one"), ("b/c", "two")]))
            .unwrap();
        let staged = worktree.commit(&second(None)).unwrap();
        let changes = put(&[("a", "one"), ("b/c", "two")]);
        let direct = project.git.commit_changes(&changes, &second(None)).unwrap();
        assert_eq!(staged, direct);
        staged
    });
    assert_eq!(ids[0], ids[1]);
}

#[test]
fn a_commit_carries_message_date_and_the_users_name() {
    let project = Project::new();
    let parent = project.head();
    let commit = project.work(&[("a", "changed")]);
    assert_eq!(
        project
            .sh("git log -1 --format='%an <%ae>|%cn <%ce>|%at|%ct|%B' atelier/x")
            .trim(),
        "Ada <ada@example.org>|Ada <ada@example.org>|1700000000\
         |1700000000|feat: more\n\nWhy not.\n\nAtelier-Task: t1"
    );
    let log = project.git.log("main..atelier/x", 10).unwrap();
    let expected = LogEntry {
        commit: commit.clone(),
        parents: vec![parent.clone()],
        tree: project.git.tree_id(&commit).unwrap(),
        at: Timestamp::from_millis(1_700_000_000_000),
        author: "Ada <ada@example.org>".to_owned(),
        subject: "feat: more".to_owned(),
        message: "feat: more\n\nWhy not.\n\nAtelier-Task: t1\n".to_owned(),
    };
    assert_eq!(log, [expected]);
    assert_eq!(project.git.message(&commit).unwrap(), log[0].message);
    assert_eq!(project.git.log("atelier/x", 1).unwrap().len(), 1);
    assert!(project.git.is_ancestor(&parent, &commit).unwrap());
    assert!(!project.git.is_ancestor(&commit, &parent).unwrap());
    assert!(project.git.is_ancestor("nothing", &parent).is_err());
    assert!(
        project
            .git
            .diff_text(Some(&parent), &commit)
            .unwrap()
            .contains("-one\n+changed")
    );
    assert!(
        project
            .git
            .diff_text(None, &parent)
            .unwrap()
            .contains("+++ b/b/c")
    );
    assert!(
        project
            .git
            .show_text(&commit)
            .unwrap()
            .contains("1 file changed")
    );
    let size = project.git.change_size(Some(&parent), &commit).unwrap();
    let one_line = ChangeSize {
        files: 1,
        added: 1,
        deleted: 1,
    };
    assert_eq!(size, one_line);
    assert_eq!(project.git.change_size(None, &parent).unwrap().deleted, 0);
}

#[test]
fn atelier_commits_where_nobody_is_configured() {
    let project = Project::new();
    project.sh("git config user.name '' && git config user.email ''");
    project.work(&[("a", "changed")]);
    assert_eq!(
        project
            .sh("git log -1 --format='%an <%ae>' atelier/x")
            .trim(),
        "Atelier <atelier@localhost>"
    );
}

#[test]
fn the_tree_of_a_commit_is_read_without_a_checkout() {
    let project = Project::new();
    project.sh("printf 'tail without newline' > 'é ü'; ln -s a link; printf '\\000\\377' > bin; echo 123456789 > large");
    project.sh("echo x > run; chmod +x run; : > empty; git add . && git commit -q -m more");
    let limits = Limits {
        file_bytes_max: 9,
        ..Limits::default()
    };
    let whole = project.git.tree_of("HEAD", &Limits::default()).unwrap();
    assert_eq!(
        whole,
        crate::tree_read(project.root(), &Limits::default()).unwrap()
    );
    let paths = |tree: &atelier_model::FileTree| {
        tree.paths()
            .map(ToString::to_string)
            .collect::<Vec<_>>()
            .join(" ")
    };
    assert_eq!(paths(&whole), ".gitignore a b/c bin empty large run é ü");
    let small = project.git.tree_of("HEAD", &limits).unwrap();
    assert_eq!(paths(&small), ".gitignore a b/c bin empty run");
    let few = Limits {
        tree_files_max: 2,
        ..Limits::default()
    };
    let error = project.git.tree_of("HEAD", &few).unwrap_err();
    assert!(matches!(
        error,
        GitError::Read(ReadTreeError::TooManyFiles { files_max: 2 })
    ));
    assert!(project.git.tree_of("--help", &limits).is_err());
}

#[test]
fn a_worktree_is_put_back_and_keeps_what_git_ignores() {
    let project = Project::new();
    let first = project.head();
    let worktree = project.git.worktree_open("t1", Some(&first)).unwrap();
    let at = worktree.path().to_owned();
    shell(
        &at,
        "echo x > a; rm b/c; echo x > new; mkdir -p d/e; echo x > build.log; git init -q sub",
    );
    let second = {
        project.sh("echo more > more; git add more; git commit -q -m second");
        project.head()
    };
    let worktree = project.git.worktree_open("t1", Some(&second)).unwrap();
    assert_eq!(worktree.path(), at);
    assert_eq!(
        shell(&at, "ls -A | xargs"),
        ".git .gitignore a b build.log more\n"
    );
    let tree = worktree.tree_read(&Limits::default()).unwrap();
    assert_eq!(
        shown(&tree),
        [".gitignore = *.log", "a = one", "b/c = two", "more = more"]
    );
    let fresh = project.git.checkout_fresh("t1", &second).unwrap();
    assert_eq!(
        shell(fresh.path(), "ls -A | xargs"),
        ".git .gitignore a b more\n"
    );
}

#[test]
fn a_worktree_that_is_broken_is_made_anew() {
    let project = Project::new();
    let first = project.head();
    for damage in [
        "rm -rf .atelier/worktrees/t1",
        "rm -rf .git/worktrees/t1",
        "rm -rf .atelier/worktrees/t1; ln -s /etc .atelier/worktrees/t1",
        "rm -rf .atelier/worktrees/t1; echo x > .atelier/worktrees/t1",
        "echo garbage > .git/worktrees/t1/index; touch .git/worktrees/t1/index.lock",
        "cd .atelier/worktrees/t1 && rm -rf .git && ln -s /etc .git",
        "cd .atelier/worktrees/t1 && rm -rf a && ln -s /etc/passwd a",
        "cd .atelier/worktrees/t1 && rm -rf b && ln -s /etc b",
    ] {
        project.git.worktree_open("t1", Some(&first)).unwrap();
        project.sh(damage);
        let worktree = project.git.worktree_open("t1", Some(&first)).unwrap();
        let tree = worktree.tree_read(&Limits::default()).unwrap();
        assert_eq!(
            shown(&tree),
            [".gitignore = *.log", "a = one", "b/c = two"],
            "{damage}"
        );
        assert_eq!(
            shell(
                worktree.path(),
                "git status --porcelain; git rev-parse HEAD"
            )
            .trim(),
            first
        );
    }
}

#[test]
fn names_of_worktrees_stay_below_their_folder() {
    let project = Project::new();
    let long = "x".repeat(101);
    for name in [
        "",
        ".",
        "..",
        "../x",
        "a/b",
        "-x",
        ".x",
        "a b",
        long.as_str(),
    ] {
        let error = project.git.worktree_open(name, None).unwrap_err();
        assert!(matches!(error, GitError::WorktreeName { .. }), "{name}");
    }
}

/// A script that notes that it ran.
fn trap(project: &Project) -> (PathBuf, PathBuf) {
    let (script, mark) = (
        project.folder.path().join("trap"),
        project.folder.path().join("mark"),
    );
    fs::write(
        &script,
        format!("#!/bin/sh\necho $0 >> {}\nexit 0\n", mark.display()),
    )
    .unwrap();
    fs::set_permissions(&script, fs::Permissions::from_mode(0o755)).unwrap();
    (script, mark)
}

#[test]
fn no_hook_and_no_monitor_runs() {
    let project = Project::new();
    let base = project.head();
    let (script, mark) = trap(&project);
    for hook in [
        "pre-commit",
        "commit-msg",
        "post-commit",
        "post-checkout",
        "post-merge",
        "pre-auto-gc",
        "reference-transaction",
        "post-index-change",
        "post-rewrite",
        "fsmonitor-watchman",
    ] {
        fs::copy(&script, project.root().join(".git/hooks").join(hook)).unwrap();
    }
    project.sh(&format!("git config core.fsmonitor {}", script.display()));
    project.sh(&format!("git config diff.external {}", script.display()));
    let _ = fs::remove_file(&mark);
    let commit = project.work(&[("a", "changed")]);
    project.git.dirty().unwrap();
    project.git.diff_text(Some(&base), &commit).unwrap();
    project.git.show_text(&commit).unwrap();
    project.git.checkout_fresh("verdict", &commit).unwrap();
    project
        .git
        .deliver("atelier/x", Some("main"), Some(&base))
        .unwrap();
    assert_eq!(project.head(), commit);
    assert_eq!(fs::read_to_string(&mark).unwrap_or_default(), "");
}

#[test]
fn a_changed_link_file_does_not_lead_git_elsewhere() {
    let project = Project::new();
    let base = project.head();
    let (script, mark) = trap(&project);
    let other = project.folder.path().join("other");
    let evil = Git::init(&other).unwrap();
    shell(
        &other,
        &format!(
            "git config core.fsmonitor {0}; git config core.pager {0}",
            script.display()
        ),
    );
    for damage in [
        format!("rm .git; echo 'gitdir: {}/.git' > .git", other.display()),
        format!("rm .git; cp -r {}/.git .git", other.display()),
        format!("rm .git; ln -s {}/.git .git", other.display()),
    ] {
        let worktree = project.git.worktree_open("t1", Some(&base)).unwrap();
        shell(worktree.path(), &damage);
        worktree.tree_write(&put(&[("a", "changed")])).unwrap();
        let tree = worktree.tree_read(&Limits::default()).unwrap();
        assert_eq!(
            shown(&tree),
            [".gitignore = *.log", "a = changed", "b/c = two"]
        );
        let commit = worktree.commit(&second(Some(&base))).unwrap();
        assert!(project.git.is_ancestor(&base, &commit).unwrap());
        let tree = project.git.tree_of(&commit, &Limits::default()).unwrap();
        assert_eq!(
            shown(&tree),
            [".gitignore = *.log", "a = changed", "b/c = two"]
        );
        assert!(project.git.worktree_open("t1", Some(&base)).is_ok());
        assert!(project.git.worktree_remove(&worktree).is_ok());
    }
    assert_eq!(evil.head().unwrap().commit, None);
    assert_eq!(fs::read_to_string(&mark).unwrap_or_default(), "");
}

#[test]
fn a_repository_that_a_step_left_behind_is_not_committed() {
    let project = Project::new();
    let base = project.head();
    let (script, mark) = trap(&project);
    let worktree = project.git.worktree_open("t1", Some(&base)).unwrap();
    shell(
        worktree.path(),
        &format!(
            "git init -q sub; cd sub; echo x > y; git add y
             git -c user.name=x -c user.email=x commit -q -m x
             git config core.fsmonitor {}; mkdir -p ../.atelier; echo x > ../.atelier/x; echo z > ../z",
            script.display()
        ),
    );
    let commit = worktree.commit(&second(Some(&base))).unwrap();
    let listed = project.sh(&format!("git ls-tree -r --name-only {commit} | xargs"));
    assert_eq!(listed, ".gitignore a b/c z\n");
    assert_eq!(fs::read_to_string(&mark).unwrap_or_default(), "");
}

#[test]
fn changes_are_committed_from_memory() {
    let project = Project::new();
    let base = project.head();
    let mut changes = put(&[
        ("b", "was a folder"),
        ("new/x", "n"),
        ("run", "r"),
        ("a.log", "l"),
    ]);
    changes.insert(TreePath::parse("b/c").unwrap(), None);
    changes.insert(TreePath::parse("a").unwrap(), None);
    changes.insert(TreePath::parse("never/there").unwrap(), None);
    changes
        .get_mut(&TreePath::parse("run").unwrap())
        .unwrap()
        .as_mut()
        .unwrap()
        .executable = true;
    let commit = project
        .git
        .commit_changes(&changes, &second(Some(&base)))
        .unwrap();
    let tree = project.git.tree_of(&commit, &Limits::default()).unwrap();
    assert_eq!(
        shown(&tree),
        [
            ".gitignore = *.log",
            "a.log = l",
            "b = was a folder",
            "new/x = n",
            "run = r"
        ]
    );
    assert!(
        tree.get(&TreePath::parse("run").unwrap())
            .unwrap()
            .executable
    );
    let same = project
        .git
        .commit_changes(&BTreeMap::new(), &second(Some(&base)))
        .unwrap();
    assert_eq!(
        project.git.tree_id(&same).unwrap(),
        project.git.tree_id(&base).unwrap()
    );
}

#[test]
fn git_is_named_when_it_refuses() {
    let project = Project::new();
    let error = project.git.tree_id("nothing").unwrap_err();
    assert!(
        error
            .to_string()
            .starts_with("run `git rev-parse`: fatal: "),
        "{error}"
    );
}

/// Two commits that part from the project's first one.
fn sides(project: &Project, ours: &[(&str, &str)], theirs: &[(&str, &str)]) -> (String, String) {
    let head = project.head();
    let side = |lines: &[(&str, &str)]| {
        let commit = second(Some(&head));
        project.git.commit_changes(&put(lines), &commit).unwrap()
    };
    (side(ours), side(theirs))
}

#[test]
fn two_commits_are_merged_without_a_checkout() {
    let project = Project::new();
    project.sh("echo mine > a; echo staged > s; git add s");
    let before = project.snapshot();
    let (ours, theirs) = sides(&project, &[("a", "ours\n")], &[("d", "theirs\n")]);
    let Merged::Clean(tree) = project.git.merge_trees(&ours, &theirs).unwrap() else {
        panic!("they touch different files");
    };
    let commit = project
        .git
        .commit_of_tree(&tree, &second(Some(&ours)))
        .unwrap();
    let merged = project.git.tree_of(&commit, &Limits::default()).unwrap();
    let text = |path: &str| merged.text(&path.parse().unwrap()).unwrap().to_owned();
    assert_eq!((text("a"), text("d")), ("ours\n".into(), "theirs\n".into()));
    assert!(project.snapshot() == before);
}

#[test]
fn a_conflict_names_its_files_and_shows_both_sides() {
    let project = Project::new();
    let (ours, theirs) = sides(&project, &[("a", "ours\n")], &[("a", "theirs\n")]);
    let Merged::Conflict(found) = project.git.merge_trees(&ours, &theirs).unwrap() else {
        panic!("they change the same line");
    };
    assert_eq!(found.files, ["a"]);
    let places = "a:\n<<<<<<< the trunk\nours\n=======\ntheirs\n>>>>>>> this task\n\n";
    assert_eq!(found.places, places);
}

#[test]
fn no_attribute_of_a_tree_starts_a_program_that_merges() {
    let project = Project::new();
    let witness = project.root().join("witness");
    project.sh(&format!(
        "git config merge.own.driver 'touch {}; false'",
        witness.display()
    ));
    project.sh("echo '* merge=own' > .gitattributes; git add . && git commit -q -m attributes");
    let (ours, theirs) = sides(&project, &[("a", "ours\n")], &[("a", "theirs\n")]);
    let merged = project.git.merge_trees(&ours, &theirs).unwrap();
    assert!(matches!(merged, Merged::Conflict(_)));
    assert!(!witness.exists());
}

#[test]
fn attempts_are_kept_until_they_are_let_go_of() {
    let project = Project::new();
    let (first, second) = sides(&project, &[("a", "1")], &[("a", "2")]);
    project.git.attempt_keep("r1", "t1.1", 1, &first).unwrap();
    project.git.attempt_keep("r1", "t1.1", 2, &second).unwrap();
    // The same attempt again replaces what it was.
    project.git.attempt_keep("r1", "t1.1", 1, &second).unwrap();
    let kept = project.git.attempts().unwrap();
    let seen: Vec<_> = kept.iter().map(|one| (one.ordinal, &one.commit)).collect();
    assert_eq!(seen, [(1, &second), (2, &second)]);
    assert_eq!(
        (kept[0].run.as_str(), kept[0].task.as_str()),
        ("r1", "t1.1")
    );
    project.git.attempts_forget(&kept).unwrap();
    assert_eq!(project.git.attempts().unwrap(), []);
    project.git.attempts_forget(&kept).unwrap();
}
