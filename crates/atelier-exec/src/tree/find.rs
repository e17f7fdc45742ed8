//! Single files of a folder, and files whose paths match patterns.

use std::{fs, path::Path};

use atelier_model::{FileEntry, Limits, TreePath};

use super::files_read;

/// Entries of a folder that are looked at for one search.
const ENTRIES_MAX: usize = 200_000;
/// Folders below each other that are searched.
const DEPTH_MAX: usize = 16;
/// Files of one search.
const FOUND_MAX: usize = 2_000;

/// The regular file at a path below `root`; `None` where there is none, or a larger one than
/// `bytes_max`.
pub fn file_read(root: &Path, path: &TreePath, bytes_max: usize) -> Option<FileEntry> {
    let limits = Limits {
        file_bytes_max: bytes_max,
        ..Limits::default()
    };
    let mut tree = files_read(root, std::slice::from_ref(path), &limits).ok()?;
    tree.remove(path)
}

/// The regular files below `root` whose paths match one of the patterns, in the order of their
/// paths. Links are not followed.
pub fn files_matching(
    root: &Path,
    patterns: &[String],
    bytes_max: usize,
) -> Vec<(String, Vec<u8>)> {
    let mut set = globset::GlobSetBuilder::new();
    for pattern in patterns {
        if let Ok(glob) = globset::Glob::new(pattern) {
            set.add(glob);
        }
    }
    let Ok(set) = set.build() else {
        return Vec::new();
    };
    if set.is_empty() {
        return Vec::new();
    }
    let mut paths = Vec::new();
    let mut open = vec![(String::new(), 0)];
    let mut seen = 0;
    while let Some((folder, depth)) = open.pop() {
        let Ok(entries) = fs::read_dir(root.join(&folder)) else {
            continue;
        };
        for entry in entries.flatten() {
            seen += 1;
            let (Ok(kind), Some(name)) = (
                entry.file_type(),
                entry.file_name().to_str().map(str::to_owned),
            ) else {
                continue;
            };
            let path = if folder.is_empty() {
                name
            } else {
                format!("{folder}/{name}")
            };
            if kind.is_dir() && depth < DEPTH_MAX && seen < ENTRIES_MAX {
                open.push((path, depth + 1));
            } else if kind.is_file() && set.is_match(&path) {
                paths.push(path);
            }
        }
    }
    paths.sort();
    paths.truncate(FOUND_MAX);
    let read = |path: String| {
        let file = file_read(root, &TreePath::parse(&path).ok()?, bytes_max)?;
        Some((path, file.bytes))
    };
    paths.into_iter().filter_map(read).collect()
}

/// The regular files that stand directly in some folders below `root`, in the order of their
/// paths; `None` is `root` itself. Folders that are not there hold nothing, and those behind a link
/// are not looked into.
pub fn files_beside<'a>(
    root: &Path,
    folders: impl IntoIterator<Item = Option<&'a TreePath>>,
) -> Vec<TreePath> {
    let mut found = Vec::new();
    for folder in folders {
        let place = folder.map_or_else(|| root.to_owned(), |at| root.join(at.as_str()));
        let below = place.ancestors().take_while(|part| *part != root);
        let is_real = |part: &Path| fs::symlink_metadata(part).is_ok_and(|found| found.is_dir());
        if !below.into_iter().all(is_real) {
            continue;
        }
        let Ok(entries) = fs::read_dir(place) else {
            continue;
        };
        let names = entries
            .flatten()
            .take(ENTRIES_MAX)
            .filter(|entry| entry.file_type().is_ok_and(|kind| kind.is_file()))
            .filter_map(|entry| TreePath::parse(entry.file_name().to_str()?).ok());
        found.extend(names.map(|name| folder.map_or_else(|| name.clone(), |at| name.below(at))));
    }
    found.sort();
    found.dedup();
    found
}
