//! Checkouts that are not what is committed.
#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

use std::{collections::BTreeMap, fs, path::Path, process};

use atelier_model::{FileEntry, Limits, TreePath};

use crate::git::Git;

fn sh(folder: &Path, script: &str) {
    let mut shell = process::Command::new("sh");
    let status = shell.args(["-ec", script]).current_dir(folder).status();
    assert!(status.unwrap().success(), "{script}");
}

fn files(lines: &[(&str, &str)]) -> BTreeMap<TreePath, FileEntry> {
    let entry =
        |(path, text): &(&str, &str)| (TreePath::parse(path).unwrap(), FileEntry::text(*text));
    lines.iter().map(entry).collect()
}

/// A repository whose checkouts are not what is committed.
fn project(folder: &Path) -> Git {
    let git = Git::init(folder).unwrap();
    sh(
        folder,
        "git config user.name Ada; git config user.email ada@example.org
         git config filter.big.smudge 'sed s/reference/content/'
         git config filter.big.clean 'sed s/content/reference/'
         printf '*.py text eol=crlf\\n*.bin filter=big\\n' > .gitattributes
         mkdir 'a b'; printf 'one\\ntwo\\n' > 'a b/test é.py'; chmod +x 'a b/test é.py'
         printf 'content\\n' > golden.bin; printf 'plain\\n' > plain.txt
         git add . 2>/dev/null; git commit -q -m first",
    );
    git
}

#[test]
fn files_are_told_as_git_lays_them_out_whatever_stands_in_the_folder() {
    let folder = tempfile::tempdir().unwrap();
    let git = project(folder.path());
    let head = git.head().unwrap().commit;
    let worktree = git.worktree_open("t1", head.as_deref()).unwrap();
    let mut committed = files(&[
        ("a b/test é.py", "one\ntwo\n"),
        ("golden.bin", "reference\n"),
        ("plain.txt", "plain\n"),
    ]);
    for file in committed.values_mut() {
        file.executable = true;
    }
    let laid_out = git.files_laid_out(worktree.path(), &committed, &Limits::default());
    let laid_out = laid_out.unwrap();
    let text = |name: &str| laid_out[&TreePath::parse(name).unwrap()].as_text();
    assert_eq!(text("a b/test é.py"), Some("one\r\ntwo\r\n"));
    assert_eq!(text("golden.bin"), Some("content\n"));
    assert_eq!(text("plain.txt"), Some("plain\n"));
    assert!(laid_out.values().all(|file| file.executable));
    for (path, file) in &laid_out {
        let on_disk = fs::read(worktree.path().join(path.as_str())).unwrap();
        assert_eq!(on_disk, file.bytes, "{path}");
    }

    let changed = "rm *.bin plain.txt; echo x > 'a b/test é.py'
        printf '* -text -filter\\n' > .gitattributes; cp .gitattributes 'a b'";
    sh(worktree.path(), changed);
    let again = git.files_laid_out(worktree.path(), &committed, &Limits::default());
    assert_eq!(again.unwrap(), laid_out);
    assert_eq!(git.worktree_names().unwrap(), ["t1"]);
}

#[test]
fn what_the_commit_does_not_have_so_is_not_told() {
    let folder = tempfile::tempdir().unwrap();
    let git = project(folder.path());
    let head = git.head().unwrap().commit;
    let worktree = git.worktree_open("t1", head.as_deref()).unwrap();
    let limits = Limits::default();
    let other = files(&[("a b/test é.py", "one\nthree\n"), ("new.py", "one\n")]);
    let told = |folder: &Path| git.files_laid_out(folder, &other, &limits).unwrap();
    assert!(told(worktree.path()).is_empty());
    assert!(told(folder.path()).is_empty());
}
