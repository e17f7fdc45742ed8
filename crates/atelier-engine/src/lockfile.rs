//! Lockfiles: what a build writes that belongs to the work.

use atelier_model::{FileTree, TreePath};

/// Files in which package managers fix the versions they chose.
const LOCKFILES: [&str; 10] = [
    "Cargo.lock",
    "package-lock.json",
    "pnpm-lock.yaml",
    "yarn.lock",
    "uv.lock",
    "poetry.lock",
    "go.sum",
    "Gemfile.lock",
    "composer.lock",
    "mix.lock",
];

/// Whether a file is one by its name.
pub(crate) fn is_one(path: &TreePath) -> bool {
    let name = path.as_str().rsplit('/').next();
    name.is_some_and(|name| LOCKFILES.contains(&name))
}

/// Where the lockfiles of a project would be, without those that its `.gitignore` names.
pub(crate) fn lockfiles(tree: &FileTree, folder: Option<&TreePath>) -> Vec<TreePath> {
    let place = |name: &str| {
        let path = TreePath::parse(name).ok()?;
        Some(folder.map_or_else(|| path.clone(), |folder| path.below(folder)))
    };
    let ignored = place(".gitignore")
        .and_then(|path| tree.text(&path))
        .unwrap_or_default();
    let kept = |name: &&&str| {
        !ignored
            .lines()
            .any(|line| line.trim().trim_start_matches('/') == **name)
    };
    LOCKFILES
        .iter()
        .filter(kept)
        .filter_map(|name| place(name))
        .collect()
}

#[cfg(test)]
mod tests;
