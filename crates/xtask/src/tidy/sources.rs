//! The files of the workspace that rules look at.

use std::{
    collections::{BTreeMap, BTreeSet},
    fs,
    path::Path,
};

/// Folders that hold what tools made.
const SKIPPED: &[&str] = &[".git", ".atelier", "target", "node_modules", "dist"];
/// Folders below the root that are entered at most.
const DEPTH_MAX: usize = 16;
/// Larger files are data, not text that someone wrote.
const BYTES_MAX: u64 = 1024 * 1024;

/// Text files by their path from the root, written with `/`.
#[derive(Default)]
pub(crate) struct Files {
    pub(crate) texts: BTreeMap<String, String>,
}

impl Files {
    /// The text of a file, empty if it is not there.
    pub(crate) fn text(&self, path: &str) -> &str {
        self.texts.get(path).map_or("", String::as_str)
    }

    /// Rust source files with their text.
    pub(crate) fn rust(&self) -> impl Iterator<Item = (&str, &str)> {
        let files = self
            .texts
            .iter()
            .map(|(path, text)| (path.as_str(), text.as_str()));
        files.filter(|(path, _)| path.starts_with("crates/") && has_extension(path, "rs"))
    }

    /// The names directly below a folder, of files and folders.
    pub(crate) fn names_in(&self, folder: &str) -> BTreeSet<&str> {
        let prefix = format!("{folder}/");
        let below = self
            .texts
            .keys()
            .filter_map(|path| path.strip_prefix(&prefix));
        below.filter_map(|rest| rest.split('/').next()).collect()
    }
}

/// Whether a path ends in `.extension`.
pub(crate) fn has_extension(path: &str, extension: &str) -> bool {
    Path::new(path)
        .extension()
        .is_some_and(|found| found == extension)
}

/// Whether a source file holds tests only.
pub(crate) fn is_test(path: &str) -> bool {
    path.ends_with("/tests.rs") || path.contains("/tests/") || path.contains("/benches/")
}

/// Reads every text file of the workspace.
pub(crate) fn read(root: &Path) -> Files {
    let mut files = Files::default();
    enter(root, "", 0, &mut files);
    files
}

fn enter(folder: &Path, prefix: &str, depth: usize, files: &mut Files) {
    let entries = fs::read_dir(folder).into_iter().flatten().flatten();
    for entry in entries {
        let name = entry.file_name().to_string_lossy().into_owned();
        let path = format!("{prefix}{name}");
        let Ok(kind) = entry.file_type() else {
            continue;
        };
        if kind.is_dir() && depth < DEPTH_MAX && !SKIPPED.contains(&name.as_str()) {
            enter(&entry.path(), &format!("{path}/"), depth + 1, files);
        } else if kind.is_file()
            && entry.metadata().is_ok_and(|data| data.len() <= BYTES_MAX)
            && let Ok(text) = fs::read_to_string(entry.path())
        {
            files.texts.insert(path, text);
        }
    }
}
