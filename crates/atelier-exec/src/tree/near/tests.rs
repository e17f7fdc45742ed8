//! What is read around the named files, and what is left alone.
#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

use std::{fs, os::unix::fs::symlink, path::Path};

use tempfile::{TempDir, tempdir};

use super::*;

/// A folder of files with their names as content; a name that ends in `/` is a folder.
fn folder(names: &[&str]) -> TempDir {
    let root = tempdir().unwrap();
    for name in names {
        let at = root.path().join(name);
        if name.ends_with('/') {
            fs::create_dir_all(at).unwrap();
        } else {
            fs::create_dir_all(at.parent().unwrap()).unwrap();
            fs::write(at, name).unwrap();
        }
    }
    root
}

/// Files as `path`, everything else as `path: what it is`.
fn shown(tree: &FileTree) -> Vec<String> {
    let files = tree.paths().map(ToString::to_string);
    let obstacles = tree
        .obstacles()
        .map(|(path, what)| format!("{path}: {what}"));
    files.chain(obstacles).collect()
}

fn near(root: &Path, paths: &[&str]) -> Vec<String> {
    let paths: Vec<_> = paths.iter().map(|path| path.parse().unwrap()).collect();
    let paths: Vec<&TreePath> = paths.iter().collect();
    let fold = |name: &str| name.to_lowercase();
    shown(&tree_near(root, &paths, &fold, &Limits::default()).unwrap())
}

#[test]
fn only_what_is_named_is_read() {
    let root = folder(&["a", "b", "d/a", "d/b", "e/f/g", ".gitignore"]);
    assert_eq!(
        near(root.path(), &["a", "d/b", "new", "no/where"]),
        ["a", "d/b"]
    );
    assert_eq!(near(root.path(), &[]), [""; 0]);
}

#[test]
fn names_that_some_system_takes_for_the_same_are_known() {
    let root = folder(&["Read.me", "SRC/a", "src/B", "src/b", "lib/X/y"]);
    assert_eq!(
        near(root.path(), &["read.me", "src/b", "Lib/x/z"]),
        [
            "src/b",
            "Read.me: a file that was not read",
            "SRC: a folder",
            "lib: a folder",
            "src/B: a file that was not read"
        ]
    );
}

#[test]
fn a_file_that_is_named_and_resembles_another_named_one_is_read() {
    let root = folder(&["a", "A"]);
    for order in [["a", "A"], ["A", "a"]] {
        assert_eq!(near(root.path(), &order), ["A", "a"]);
    }
}

#[test]
fn what_stands_in_the_way_is_known() {
    let root = folder(&["folder/x", "empty/", "file", "deep/er/"]);
    let link = |target: &str, at: &str| symlink(target, root.path().join(at)).unwrap();
    link("folder", "to-folder");
    link("file", "to-file");
    link("nowhere", "deep/er/dangling");
    assert_eq!(
        near(
            root.path(),
            &[
                "folder",
                "empty",
                "file/below",
                "to-folder/x",
                "to-file",
                "deep/er/dangling",
                "deep/er/dangling/x"
            ]
        ),
        [
            "file",
            "deep/er/dangling: a symbolic link",
            "empty: a folder",
            "folder: a folder",
            "to-file: a symbolic link",
            "to-folder: a symbolic link",
        ]
    );
}

#[test]
fn a_file_beyond_the_limit_is_in_the_way() {
    let root = folder(&["large"]);
    let limits = Limits {
        file_bytes_max: 4,
        ..Limits::default()
    };
    let large = "large".parse().unwrap();
    let tree = tree_near(root.path(), &[&large], &str::to_owned, &limits).unwrap();
    assert_eq!(
        shown(&tree),
        ["large: a file of 5 bytes, more than may be read"]
    );
}

#[test]
fn a_glimpse_adds_what_is_not_known_and_changes_nothing_else() {
    let root = folder(&[
        "a",
        "d/b",
        "node_modules/x",
        ".git/config",
        ".atelier/y",
        "z/link-not/q",
    ]);
    symlink("d", root.path().join("link")).unwrap();
    let mut known = FileTree::default();
    known.put(
        "a".parse().unwrap(),
        atelier_model::FileEntry::text("as it was"),
    );
    known.block("z".parse().unwrap(), Obstacle::Link);
    let tree = tree_glimpse(root.path(), known, &Limits::default());
    assert_eq!(shown(&tree), ["a", "d/b", "z: a symbolic link"]);
    assert_eq!(tree.text(&"a".parse().unwrap()), Some("as it was"));
}

#[test]
fn a_glimpse_ends_in_a_folder_that_does_not() {
    let root = folder(&["first/a", "first/b"]);
    let many = root.path().join("many");
    fs::create_dir(&many).unwrap();
    for number in 0..=FILES_MAX {
        fs::write(many.join(format!("{number:05}")), "").unwrap();
    }
    let tree = tree_glimpse(root.path(), FileTree::default(), &Limits::default());
    assert_eq!(tree.len(), FILES_MAX);
    assert!(tree.contains(&"first/b".parse().unwrap()));
    assert_eq!(
        shown(&tree_glimpse(
            &root.path().join("nowhere"),
            FileTree::default(),
            &Limits::default()
        )),
        [""; 0]
    );
}
