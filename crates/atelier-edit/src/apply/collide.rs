//! Paths that some file systems cannot hold side by side.

use std::collections::BTreeMap;

use atelier_model::{FileTree, Obstacle, TreePath};

use super::{Problem, Trouble, stage::After};
use crate::{change::ChangeSet, place::fold_path};

/// The new paths that collide with others of the tree as it would be.
pub(super) fn problems(changes: &ChangeSet, after: &After<'_>, tree: &FileTree) -> Vec<Problem> {
    let new: Vec<&TreePath> = after
        .iter()
        .filter(|(path, file)| file.is_some() && !tree.contains(path))
        .map(|(path, _)| *path)
        .collect();
    if new.is_empty() {
        return Vec::new();
    }
    let stays = |path: &&TreePath| after.get(path).is_none_or(Option::is_some);
    let mut files: BTreeMap<String, &str> = BTreeMap::new();
    let mut folders: BTreeMap<String, &str> = BTreeMap::new();
    let obstacles = tree
        .obstacles()
        .map(|(path, obstacle)| (path, obstacle == Obstacle::Folder));
    let all = tree.paths().filter(stays).map(|path| (path, false));
    for (path, folder) in all.chain(obstacles) {
        let kind = if folder { &mut folders } else { &mut files };
        kind.insert(fold_path(path.as_str()), path.as_str());
        for folder in folders_of(path) {
            folders.insert(fold_path(folder), folder);
        }
    }
    let mut problems = Vec::new();
    for path in new {
        let trouble = collision(path, &files, &folders);
        files
            .entry(fold_path(path.as_str()))
            .or_insert(path.as_str());
        for folder in folders_of(path) {
            folders.entry(fold_path(folder)).or_insert(folder);
        }
        let mut edits = changes.edits.iter();
        let edit = edits.find(|edit| edit.paths().any(|named| named == path));
        if let (Some(other), Some(edit)) = (trouble, edit) {
            problems.push(said(path, other).about(edit));
        }
    }
    problems
}

fn said(path: &TreePath, other: &str) -> Trouble {
    if path.as_str() == other {
        Trouble::new("there is a folder of this name", "choose another path")
    } else if path.is_within(other) {
        let said = format!("there is a file `{other}` where a folder would have to be");
        Trouble::new(said, "choose another path, or remove that file as well")
    } else {
        Trouble::new(
            format!("many systems cannot tell this path from `{other}`"),
            "use the path that is there, or one that differs in more than case",
        )
    }
}

/// The path that a new one collides with.
fn collision<'a>(
    path: &TreePath,
    files: &BTreeMap<String, &'a str>,
    folders: &BTreeMap<String, &'a str>,
) -> Option<&'a str> {
    let folded = fold_path(path.as_str());
    let as_file = files.get(&folded).or_else(|| folders.get(&folded));
    as_file.copied().or_else(|| {
        folders_of(path).find_map(|folder| {
            let folded = fold_path(folder);
            let spelled = folders.get(&folded).filter(|other| **other != folder);
            files.get(&folded).or(spelled).copied()
        })
    })
}

/// The folders that a path lies in, outermost first.
fn folders_of(path: &TreePath) -> impl Iterator<Item = &str> {
    let path = path.as_str();
    path.match_indices('/').map(|(at, _)| &path[..at])
}
