//! Which generated files belong to the work.

#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

use atelier_model::{FileEntry, FileTree, TreePath};

use super::lockfiles;

#[test]
fn a_lockfile_that_git_ignores_is_not_part_of_the_work() {
    let names = |tree: &FileTree, folder: Option<&TreePath>| -> Vec<String> {
        lockfiles(tree, folder)
            .iter()
            .take(2)
            .map(ToString::to_string)
            .collect()
    };
    let mut tree = FileTree::default();
    assert_eq!(names(&tree, None), ["Cargo.lock", "package-lock.json"]);
    let folder = TreePath::parse("web/app").unwrap();
    assert_eq!(
        names(&tree, Some(&folder)),
        ["web/app/Cargo.lock", "web/app/package-lock.json"]
    );
    tree.put(
        TreePath::parse(".gitignore").unwrap(),
        FileEntry::text("/target\n/Cargo.lock\n"),
    );
    assert_eq!(names(&tree, None), ["package-lock.json", "pnpm-lock.yaml"]);
}
