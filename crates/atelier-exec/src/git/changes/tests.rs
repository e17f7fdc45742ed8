//! Commits made of folders and texts of our own are those that git makes of an index.
#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

use std::{
    fmt::Write as _,
    fs,
    io::Write as _,
    path::Path,
    process::{Command, Stdio},
};

use atelier_model::{Limits, Timestamp};
use proptest::{collection::btree_map, option, prelude::*, sample::select};
use tempfile::TempDir;

use super::*;

fn project(arguments: &[&str]) -> (TempDir, Git) {
    let folder = tempfile::tempdir().unwrap();
    let root = folder.path().join("project");
    asked(
        folder.path(),
        &[&["init", "-q", "project"], arguments].concat(),
        b"",
    );
    asked(
        &root,
        &["config", "user.name", " Ada, <née> \u{e9} Lovelace. "],
        b"",
    );
    asked(&root, &["config", "user.email", "ada@example.org"], b"");
    let git = Git::discover(&root).unwrap().unwrap();
    (folder, git)
}

/// What git prints when it is asked the way that needs a process for each answer.
fn asked(folder: &Path, arguments: &[&str], input: &[u8]) -> String {
    let identity = [(" Ada, <née> \u{e9} Lovelace. ", "ada@example.org")];
    let mut command = Command::new("git");
    for role in ["AUTHOR", "COMMITTER"] {
        command
            .env(format!("GIT_{role}_NAME"), identity[0].0)
            .env(format!("GIT_{role}_EMAIL"), identity[0].1)
            .env(format!("GIT_{role}_DATE"), "@1700000000 +0000");
    }
    let mut child = command
        .args(arguments)
        .current_dir(folder)
        .env("GIT_INDEX_FILE", folder.join(".git/of-a-test"))
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    child.stdin.take().unwrap().write_all(input).unwrap();
    let output = child.wait_with_output().unwrap();
    assert!(output.status.success(), "{arguments:?}");
    String::from_utf8(output.stdout)
        .unwrap()
        .trim_end()
        .to_owned()
}

type Changes = BTreeMap<TreePath, Option<FileEntry>>;

/// The same commit through an index.
fn through_an_index(root: &Path, changes: &Changes, commit: &Commit<'_>) -> String {
    let _ = fs::remove_file(root.join(".git/of-a-test"));
    if let Some(parent) = commit.parent {
        asked(root, &["read-tree", parent], b"");
    }
    let nothing = "0".repeat(asked(root, &["mktree"], b"").len());
    let mut lines = String::new();
    for (path, file) in changes {
        let (mode, id) = match file {
            None => (0, nothing.clone()),
            Some(file) => {
                let arguments = ["hash-object", "-w", "--stdin"];
                (mode(file), asked(root, &arguments, &file.bytes))
            }
        };
        write!(lines, "{mode:o} {id}\t{path}\0").unwrap();
    }
    let arguments = ["update-index", "-z", "--index-info"];
    asked(root, &arguments, lines.as_bytes());
    let tree = asked(root, &["write-tree"], b"");
    let parent: Vec<&str> = commit
        .parent
        .into_iter()
        .flat_map(|id| ["-p", id])
        .collect();
    let arguments = [
        &["commit-tree", "-F", "-", tree.as_str()],
        parent.as_slice(),
    ]
    .concat();
    asked(root, &arguments, commit.message.as_bytes())
}

fn made<'a>(message: &str, parent: Option<&'a str>) -> Commit<'a> {
    Commit {
        message: message.to_owned(),
        parent,
        at: Timestamp::from_millis(1_700_000_000_999),
    }
}

/// Few names, so that files and folders of one name follow each other, and some that sort oddly.
fn paths() -> impl Strategy<Value = TreePath> {
    let name = select(vec!["a", "a-b", "a.b", "a0", "é ü", "Z", ".gitignore"]);
    let parts = proptest::collection::vec(name, 1..4);
    parts.prop_map(|parts| TreePath::parse(&parts.join("/")).unwrap())
}

fn changes() -> impl Strategy<Value = Changes> {
    let file = (select(vec!["", "x", "y\n", "\0\r\n"]), any::<bool>());
    let file = file.prop_map(|(text, executable)| FileEntry {
        bytes: text.as_bytes().to_vec(),
        executable,
    });
    btree_map(paths(), option::weighted(0.7, file), 0..8)
}

fn messages() -> impl Strategy<Value = String> {
    let texts = [
        "",
        "x",
        "\n\nfeat: x\n\nWhy.\n",
        "# é\r\n \n\n\n",
        "\u{fffe}x",
        "\u{fdd0}",
    ];
    select(texts.to_vec()).prop_map(str::to_owned)
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 12, ..ProptestConfig::default() })]

    #[test]
    fn commits_are_byte_for_byte_those_of_an_index(
        steps in proptest::collection::vec((changes(), messages()), 1..4),
        is_long in any::<bool>(),
    ) {
        let format = if is_long { "--object-format=sha256" } else { "--object-format=sha1" };
        let (_folder, git) = project(&[format]);
        let mut parent: Option<String> = None;
        for (changes, message) in steps {
            let commit = made(&message, parent.as_deref());
            let made = git.commit_changes(&changes, &commit).unwrap();
            prop_assert_eq!(&made, &through_an_index(git.root(), &changes, &commit));
            parent = Some(made);
        }
    }
}

#[test]
fn what_is_not_named_stays_whatever_it_is() {
    let (_folder, git) = project(&[]);
    let root = git.root();
    let blob = asked(root, &["hash-object", "-w", "--stdin"], b"a");
    let elsewhere = "1".repeat(blob.len());
    let lines = format!(
        "120000 {blob}\td/link\0100755 {blob}\td/run\0160000 {elsewhere}\td/sub\0100644 {blob}\td/new\nline\0"
    );
    asked(
        root,
        &["update-index", "-z", "--index-info"],
        lines.as_bytes(),
    );
    let tree = asked(root, &["write-tree"], b"");
    let parent = asked(root, &["commit-tree", tree.as_str(), "-m", "x"], b"");
    let changes = Changes::from([(
        TreePath::parse("d/more").unwrap(),
        Some(FileEntry::text("m")),
    )]);
    let commit = made("more\n", Some(&parent));
    let id = git.commit_changes(&changes, &commit).unwrap();
    assert_eq!(id, through_an_index(root, &changes, &commit));
    let tree = git.tree_of(&id, &Limits::default()).unwrap();
    let paths: Vec<_> = tree.paths().map(TreePath::as_str).collect();
    assert_eq!(paths, ["d/more", "d/run"]);
}

#[test]
fn what_is_no_commit_is_no_parent() {
    let (_folder, git) = project(&[]);
    let tree = asked(git.root(), &["mktree"], b"");
    for parent in ["nothing", tree.as_str(), "two\nlines", ""] {
        let made = made("x", Some(parent));
        assert!(
            git.commit_changes(&Changes::new(), &made).is_err(),
            "{parent}"
        );
        assert!(git.commit_tree(&tree, &made).is_err(), "{parent}");
    }
    let alone = git.commit_tree(&tree, &made("x", None)).unwrap();
    assert!(git.commit_tree(&alone, &made("x", None)).is_err());
    assert!(
        git.commit_changes(&Changes::new(), &made("nul\0", None))
            .is_err()
    );
}

#[test]
fn a_setting_of_where_the_checkout_is_changes_nothing() {
    let (_folder, git) = project(&[]);
    let root = git.root().to_owned();
    let setting = root.to_string_lossy();
    asked(&root, &["config", "core.worktree", setting.as_ref()], b"");
    let git = Git::discover(&root).unwrap().unwrap();
    let file = Some(FileEntry::text("a"));
    let changes = Changes::from([(TreePath::parse("d/a").unwrap(), file)]);
    let commit = made("x\n", None);
    let id = git.commit_changes(&changes, &commit).unwrap();
    assert_eq!(id, through_an_index(&root, &changes, &commit));
}
