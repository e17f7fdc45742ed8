//! Trees on real disks: what is read, what is written, and what is never followed.
#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

use std::{
    collections::BTreeMap,
    fs,
    os::unix::fs::{PermissionsExt, symlink},
    path::Path,
};

use atelier_model::{FileEntry, FileTree, Limits, TreePath};
use proptest::prelude::*;
use tempfile::{TempDir, tempdir};

use super::*;

type Changes = BTreeMap<TreePath, Option<FileEntry>>;

fn path(text: &str) -> TreePath {
    TreePath::parse(text).unwrap()
}

/// Changes from `path`, `path = content`, or `path * content` for a file that may be executed.
fn changes(lines: &[&str]) -> Changes {
    let change = |line: &&str| match (line.split_once(" = "), line.split_once(" * ")) {
        (Some((at, content)), _) => (path(at), Some(FileEntry::text(content))),
        (None, Some((at, content))) => {
            let mut file = FileEntry::text(content);
            file.executable = true;
            (path(at), Some(file))
        }
        (None, None) => (path(line), None),
    };
    lines.iter().map(change).collect()
}

/// The tree on disk in the words of [`changes`].
fn shown(root: &Path) -> Vec<String> {
    let tree = tree_read(root, &Limits::default()).unwrap();
    let line = |(path, file): (&TreePath, &FileEntry)| {
        let sign = if file.executable { '*' } else { '=' };
        format!("{path} {sign} {}", file.as_text().unwrap())
    };
    tree.iter().map(line).collect()
}

fn folder(lines: &[&str]) -> TempDir {
    let folder = tempdir().unwrap();
    tree_write(folder.path(), &changes(lines)).unwrap();
    folder
}

#[test]
fn files_come_and_go_with_their_folders() {
    let folder = folder(&["a = 1", "b/c/d = 2", "b/e = 3", "run * #!/bin/sh"]);
    assert_eq!(
        shown(folder.path()),
        ["a = 1", "b/c/d = 2", "b/e = 3", "run * #!/bin/sh"]
    );
    tree_write(
        folder.path(),
        &changes(&["b/c/d", "a = 4", "gone/long/ago", "run = x"]),
    )
    .unwrap();
    assert_eq!(shown(folder.path()), ["a = 4", "b/e = 3", "run = x"]);
    assert!(!fs::exists(folder.path().join("b/c")).unwrap());
    tree_write(folder.path(), &changes(&["b/e"])).unwrap();
    assert!(!fs::exists(folder.path().join("b")).unwrap());
}

#[test]
fn a_file_may_become_a_folder_and_a_folder_a_file() {
    let folder = folder(&["a = 1", "b/c = 2"]);
    tree_write(folder.path(), &changes(&["a", "a/x = 3", "b/c", "b = 4"])).unwrap();
    assert_eq!(shown(folder.path()), ["a/x = 3", "b = 4"]);
    fs::create_dir(folder.path().join("empty")).unwrap();
    tree_write(folder.path(), &changes(&["empty = 5"])).unwrap();
    assert_eq!(shown(folder.path()), ["a/x = 3", "b = 4", "empty = 5"]);
}

#[test]
fn what_is_in_the_way_is_named() {
    let folder = folder(&["a = 1", "b/c = 2"]);
    let error = tree_write(folder.path(), &changes(&["a/b/c = 3"])).unwrap_err();
    assert_eq!(
        error.to_string(),
        "write `a/b/c`: `a` is no folder of this tree"
    );
    let error = tree_write(folder.path(), &changes(&["b = 3"])).unwrap_err();
    assert_eq!(
        error.to_string(),
        "write `b`: a folder with content is in its place"
    );
    let error = tree_write(folder.path(), &changes(&["b"])).unwrap_err();
    assert_eq!(
        error.to_string(),
        "write `b`: a folder with content is in its place"
    );
    assert_eq!(shown(folder.path()), ["a = 1", "b/c = 2"]);
    let names = fs::read_dir(folder.path().join("b")).unwrap();
    assert_eq!(names.count(), 1);
}

#[test]
fn a_link_in_the_place_of_a_folder_is_not_followed() {
    let outside = folder(&["file = 1"]);
    for target in [outside.path(), Path::new("real")] {
        let folder = folder(&["real/file = 1"]);
        symlink(target, folder.path().join("link")).unwrap();
        let error = tree_write(folder.path(), &changes(&["link/new = 2"])).unwrap_err();
        assert_eq!(
            error.to_string(),
            "write `link/new`: `link` is no folder of this tree"
        );
        tree_write(folder.path(), &changes(&["link/file"])).unwrap();
        assert_eq!(shown(folder.path()), ["real/file = 1"]);
    }
    assert_eq!(shown(outside.path()), ["file = 1"]);
}

#[test]
fn a_link_in_the_place_of_a_file_is_replaced() {
    let outside = folder(&["file = 1"]);
    let folder = folder(&[]);
    symlink(outside.path().join("file"), folder.path().join("link")).unwrap();
    symlink(
        outside.path().join("file"),
        folder.path().join(".atelier-part"),
    )
    .unwrap();
    tree_write(folder.path(), &changes(&["link = 2"])).unwrap();
    assert_eq!(shown(folder.path()), ["link = 2"]);
    assert_eq!(shown(outside.path()), ["file = 1"]);
    assert!(
        !fs::symlink_metadata(folder.path().join("link"))
            .unwrap()
            .is_symlink()
    );
}

#[test]
fn a_replaced_file_keeps_its_permissions_and_loses_special_rights() {
    let folder = folder(&["a = 1"]);
    let file = folder.path().join("a");
    let mode = || fs::metadata(&file).unwrap().permissions().mode() & 0o7777;
    assert_eq!(mode(), 0o644);
    fs::set_permissions(&file, fs::Permissions::from_mode(0o4600)).unwrap();
    tree_write(folder.path(), &changes(&["a = 2"])).unwrap();
    assert_eq!(mode(), 0o600);
    tree_write(folder.path(), &changes(&["a * 3"])).unwrap();
    assert_eq!(mode(), 0o700);
}

#[test]
fn other_names_of_a_replaced_file_keep_its_content() {
    let folder = folder(&["a = 1"]);
    fs::hard_link(folder.path().join("a"), folder.path().join("b")).unwrap();
    tree_write(folder.path(), &changes(&["a = 2"])).unwrap();
    assert_eq!(shown(folder.path()), ["a = 2", "b = 1"]);
}

#[test]
fn only_regular_files_are_read_and_the_rest_is_named() {
    let folder = folder(&["a = 1", "b/c = 2", "large = 12345", "nul2.txt/x = 3"]);
    let root = folder.path();
    for own in [".git", ".atelier", "b/.git"] {
        fs::create_dir(root.join(own)).unwrap();
        fs::write(root.join(own).join("file"), "own").unwrap();
    }
    symlink("a", root.join("link")).unwrap();
    symlink("..", root.join("b/up")).unwrap();
    fs::write(root.join("what?"), "").unwrap();
    let pipe = rustix::fs::Mode::from_raw_mode(0o600);
    let here = rustix::fs::open(root, rustix::fs::OFlags::PATH, pipe).unwrap();
    rustix::fs::mkfifoat(&here, "pipe", pipe).unwrap();
    let limits = Limits {
        file_bytes_max: 4,
        ..Limits::default()
    };
    let (tree, skipped) = tree_survey(root, &limits).unwrap();
    let paths: Vec<_> = tree.paths().map(TreePath::as_str).collect();
    assert_eq!(paths, ["a", "b/c", "nul2.txt/x"]);
    let skipped: Vec<_> = skipped
        .iter()
        .map(|file| (file.path.as_str(), &file.why))
        .collect();
    let expected = [
        ("b/up", &Skip::Link),
        ("large", &Skip::TooLarge(5)),
        ("link", &Skip::Link),
        ("pipe", &Skip::Special),
        ("what?", &Skip::NotPortable),
    ];
    assert_eq!(skipped, expected);
}

#[test]
fn too_many_files_are_an_error() {
    let folder = folder(&["a = 1", "b = 2", "c = 3"]);
    let limits = |tree_files_max| Limits {
        tree_files_max,
        ..Limits::default()
    };
    assert_eq!(tree_read(folder.path(), &limits(3)).unwrap().len(), 3);
    let error = tree_read(folder.path(), &limits(2)).unwrap_err();
    assert!(matches!(
        error,
        ReadTreeError::TooManyFiles { files_max: 2 }
    ));
    let error = tree_read(&folder.path().join("missing"), &limits(3)).unwrap_err();
    assert!(matches!(error, ReadTreeError::Io { .. }));
}

#[test]
fn a_full_disk_is_named_and_leaves_the_old_file() {
    let folder = folder(&["a = 1"]);
    let error = rustix::io::Errno::NOSPC;
    assert_eq!(
        write::failed("a", error).to_string(),
        "write `a`: no space is left"
    );
    assert_eq!(shown(folder.path()), ["a = 1"]);
}

#[test]
fn files_are_found_by_pattern_and_read_alone() {
    let folder = folder(&["r/a.xml = 1", "r/s/b.xml = 2", "r/c.txt = 3", "d.xml = 4"]);
    symlink("d.xml", folder.path().join("link.xml")).unwrap();
    let found = |patterns: &[&str]| {
        let patterns: Vec<_> = patterns.iter().map(ToString::to_string).collect();
        let files = files_matching(folder.path(), &patterns, 100);
        files.into_iter().map(|(path, _)| path).collect::<Vec<_>>()
    };
    assert_eq!(found(&["**/*.xml"]), ["d.xml", "r/a.xml", "r/s/b.xml"]);
    assert_eq!(found(&["r/c.*", "d.xml"]), ["d.xml", "r/c.txt"]);
    assert_eq!(found(&["[", "none"]), Vec::<String>::new());
    let file = |at: &str, bytes_max| file_read(folder.path(), &path(at), bytes_max);
    assert_eq!(file("d.xml", 1), Some(FileEntry::text("4")));
    assert_eq!(file("d.xml", 0), None);
    assert_eq!(file("link.xml", 100), None);
    assert_eq!(file("missing", 100), None);
}

#[test]
fn a_folder_is_removed_whatever_was_done_to_it() {
    let folder = folder(&["shut/in/file = 1"]);
    let outside = self::folder(&["file = 1"]);
    let root = folder.path().join("shut");
    symlink(outside.path(), root.join("link")).unwrap();
    fs::set_permissions(root.join("in"), fs::Permissions::from_mode(0o000)).unwrap();
    folder_remove(&root).unwrap();
    assert!(!fs::exists(&root).unwrap());
    symlink(outside.path(), &root).unwrap();
    folder_remove(&root).unwrap();
    folder_remove(&root).unwrap();
    assert_eq!(shown(outside.path()), ["file = 1"]);
}

#[test]
fn what_stands_beside_is_listed_and_links_are_not_entered() {
    let (folder, outside) = (tempdir().unwrap(), tempdir().unwrap());
    for file in ["a.txt", "sub/b.txt", "sub/deep/c.txt"] {
        let place = folder.path().join(file);
        fs::create_dir_all(place.parent().unwrap()).unwrap();
        fs::write(place, "").unwrap();
    }
    fs::write(outside.path().join("secret.txt"), "").unwrap();
    symlink(outside.path(), folder.path().join("link")).unwrap();
    let (sub, link, none) = (path("sub"), path("link"), path("none"));
    let (through, deep) = (path("link/x"), path("sub/deep"));
    let listed = |folders: &[Option<&TreePath>]| -> Vec<String> {
        let found = files_beside(folder.path(), folders.iter().copied());
        found.iter().map(ToString::to_string).collect()
    };
    assert_eq!(listed(&[None]), ["a.txt"]);
    assert_eq!(
        listed(&[Some(&sub), Some(&deep)]),
        ["sub/b.txt", "sub/deep/c.txt"]
    );
    assert_eq!(listed(&[Some(&link), Some(&through), Some(&none)]), [""; 0]);
}

/// Trees over a few names, so that files, folders and conflicts between them are frequent.
fn trees() -> impl Strategy<Value = FileTree> {
    let name = prop::sample::select(vec!["a", "b", "c"]);
    let at = prop::collection::vec(name, 1..4).prop_map(|parts| parts.join("/"));
    let file = ("[xy]{0,3}", any::<bool>());
    prop::collection::btree_map(at, file, 0..8).prop_map(|files| {
        let blocked = |path: &str| {
            let inside = |folder: &String| path.starts_with(&format!("{folder}/"));
            files.keys().any(inside)
        };
        let keep = files.iter().filter(|(at, _)| !blocked(at));
        let entry = |(at, (text, executable)): (&String, &(String, bool))| {
            let mut file = FileEntry::text(text.as_str());
            file.executable = *executable;
            (path(at), file)
        };
        keep.map(entry).collect()
    })
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(128))]

    #[test]
    fn what_is_written_is_read(before in trees(), after in trees()) {
        let folder = tempdir().unwrap();
        let limits = Limits::default();
        tree_write(folder.path(), &FileTree::default().changes_to(&before)).unwrap();
        prop_assert_eq!(&tree_read(folder.path(), &limits).unwrap(), &before);
        tree_write(folder.path(), &before.changes_to(&after)).unwrap();
        prop_assert_eq!(&tree_read(folder.path(), &limits).unwrap(), &after);
        let folders = fs::read_dir(folder.path()).unwrap().count();
        let expected: std::collections::BTreeSet<_> =
            after.paths().filter_map(|path| path.as_str().split('/').next()).collect();
        prop_assert_eq!(folders, expected.len());
    }
}
