//! Reading only what an edit may touch: the named files, and the names that stand beside them.

use std::{
    collections::{BTreeMap, VecDeque},
    os::fd::OwnedFd,
    path::Path,
};

use atelier_model::{FileTree, Limits, Obstacle, TreePath};
use rustix::{
    fs::{AtFlags, Dir, FileType, statat},
    io::Errno,
};

use super::{
    read::{ReadTreeError, Reader, exactly, io},
    walk::{STAGING, folder_open, folders_of, root_open},
};

/// Names of one folder that are looked at.
const NAMES_MAX: usize = 1_000_000;
/// Folders that one glimpse enters.
const FOLDERS_MAX: usize = 2_000;
/// Entries that one glimpse looks at.
const ENTRIES_MAX: usize = 20_000;
/// Files that one glimpse reads.
const FILES_MAX: usize = 4_000;
/// Bytes that one glimpse reads.
const BYTES_MAX: u64 = 16 * 1024 * 1024;
/// Folders that hold what tools made or fetched; nobody mistypes the path of a file in them.
const MADE_BY_TOOLS: [&str; 8] = [
    ".git",
    ".atelier",
    STAGING,
    "node_modules",
    "target",
    "__pycache__",
    ".venv",
    ".cache",
];

/// Reads the named files below `root` and learns what stands in their way.
///
/// `fold` turns a name into what some file system takes for the same name. Names beside a path, at
/// each of its parts, that fold like it are known in the tree too, as obstacles.
pub fn tree_near(
    root: &Path,
    paths: &[&TreePath],
    fold: &dyn Fn(&str) -> String,
    limits: &Limits,
) -> Result<FileTree, ReadTreeError> {
    let mut near = Near {
        reader: Reader::new(limits),
        fold,
        names: BTreeMap::new(),
    };
    let root = root_open(root).map_err(|error| io("", error))?;
    for path in paths {
        near.path(&root, path)?;
    }
    Ok(near.reader.tree)
}

/// The names of one folder by what they fold to.
type Names = BTreeMap<String, Vec<String>>;

struct Near<'a> {
    reader: Reader<'a>,
    fold: &'a dyn Fn(&str) -> String,
    /// The folders that were looked into, by their paths; the root's is empty.
    names: BTreeMap<String, Names>,
}

impl Near<'_> {
    fn path(&mut self, root: &OwnedFd, path: &TreePath) -> Result<(), ReadTreeError> {
        let mut folder = root.try_clone().map_err(|source| ReadTreeError::Io {
            path: path.to_string(),
            source,
        })?;
        let mut at = String::new();
        for part in folders_of(path) {
            self.beside(&folder, &at, part)?;
            let next = below(&at, part);
            match folder_open(&folder, part) {
                Ok(opened) => folder = opened,
                Err(Errno::NOENT) => return Ok(()),
                Err(Errno::LOOP | Errno::NOTDIR) => return self.entry(&folder, part, &next),
                Err(error) => return Err(io(&next, error)),
            }
            at = next;
        }
        self.beside(&folder, &at, path.name())?;
        self.entry(&folder, path.name(), path.as_str())
    }

    /// What stands at a path; a folder is not entered.
    fn entry(&mut self, folder: &OwnedFd, name: &str, path: &str) -> Result<(), ReadTreeError> {
        let known = exactly(path).filter(|path| !self.reader.tree.contains(path));
        match known {
            Some(path) if is_folder(folder, name) => self.reader.tree.block(path, Obstacle::Folder),
            Some(_) => self.reader.entry(folder, name, path, 0)?,
            None => {}
        }
        Ok(())
    }

    /// Other names of a folder that some file system takes for this one.
    fn beside(&mut self, folder: &OwnedFd, at: &str, name: &str) -> Result<(), ReadTreeError> {
        if !self.names.contains_key(at) {
            let names = names_of(folder, at, self.fold)?;
            self.names.insert(at.to_owned(), names);
        }
        let alike = self
            .names
            .get(at)
            .and_then(|names| names.get(&(self.fold)(name)));
        for other in alike.into_iter().flatten().filter(|other| *other != name) {
            let Some(path) = exactly(&below(at, other)) else {
                continue;
            };
            let Ok(stat) = statat(folder, other.as_str(), AtFlags::SYMLINK_NOFOLLOW) else {
                continue;
            };
            let kind = FileType::from_raw_mode(stat.st_mode);
            if kind.is_dir() {
                self.reader.tree.block(path, Obstacle::Folder);
            } else if !self.reader.tree.contains(&path) {
                self.reader.tree.block(path, Obstacle::Unread);
            }
        }
        Ok(())
    }
}

fn names_of(
    folder: &OwnedFd,
    at: &str,
    fold: &dyn Fn(&str) -> String,
) -> Result<Names, ReadTreeError> {
    let mut names = Names::new();
    let entries = Dir::read_from(folder).map_err(|error| io(at, error))?;
    for (index, entry) in entries.enumerate() {
        if index == NAMES_MAX {
            return Err(ReadTreeError::TooManyNames {
                path: at.to_owned(),
                names_max: NAMES_MAX,
            });
        }
        let entry = entry.map_err(|error| io(at, error))?;
        if let Ok(name) = entry.file_name().to_str() {
            names.entry(fold(name)).or_default().push(name.to_owned());
        }
    }
    Ok(names)
}

/// Reads as much of a folder as is read quickly, the files nearest to its root first, into a tree.
///
/// What the tree knows already stays as it is. It is good for suggestions only: what is missing
/// may be there, and what cannot be read is passed over.
pub fn tree_glimpse(root: &Path, tree: FileTree, limits: &Limits) -> FileTree {
    let mut glimpse = Glimpse {
        reader: Reader::new(limits),
        waiting: VecDeque::from([String::new()]),
        folders: 1,
        entries: 0,
        files: 0,
        bytes: 0,
    };
    glimpse.reader.tree = tree;
    if let Ok(root) = root_open(root) {
        while let Some(at) = glimpse.waiting.pop_front() {
            glimpse.folder(&root, &at);
        }
    }
    glimpse.reader.tree
}

struct Glimpse<'a> {
    reader: Reader<'a>,
    /// Folders to look into, by their paths.
    waiting: VecDeque<String>,
    folders: usize,
    entries: usize,
    files: usize,
    bytes: u64,
}

impl Glimpse<'_> {
    fn folder(&mut self, root: &OwnedFd, at: &str) {
        let parts = at.split('/').filter(|part| !part.is_empty());
        let opened = root.try_clone().ok().and_then(|root| {
            parts
                .into_iter()
                .try_fold(root, |folder, part| folder_open(&folder, part).ok())
        });
        let Some(folder) = opened else { return };
        let Ok(entries) = Dir::read_from(&folder) else {
            return;
        };
        let mut names: Vec<String> = entries
            .take(ENTRIES_MAX - self.entries)
            .filter_map(|entry| Some(entry.ok()?.file_name().to_str().ok()?.to_owned()))
            .collect();
        self.entries += names.len();
        names.sort();
        for name in names {
            self.entry(&folder, &name, below(at, &name));
        }
    }

    fn entry(&mut self, folder: &OwnedFd, name: &str, path: String) {
        let Ok(stat) = statat(folder, name, AtFlags::SYMLINK_NOFOLLOW) else {
            return;
        };
        let kind = FileType::from_raw_mode(stat.st_mode);
        let size = u64::try_from(stat.st_size).unwrap_or(u64::MAX);
        if kind.is_dir() {
            let left = matches!(name, "." | "..") || MADE_BY_TOOLS.contains(&name);
            if !left && self.folders < FOLDERS_MAX {
                self.folders += 1;
                self.waiting.push_back(path);
            }
        } else if kind.is_file() && self.files < FILES_MAX && size <= BYTES_MAX - self.bytes {
            let tree = &self.reader.tree;
            let new = |path: &TreePath| !tree.contains(path) && tree.obstacle(path).is_none();
            if exactly(&path).is_some_and(|path| new(&path)) {
                self.files += 1;
                self.bytes += size;
                // What cannot be read is passed over.
                let _ = self.reader.entry(folder, name, &path, 0);
            }
        }
    }
}

fn below(folder: &str, name: &str) -> String {
    if folder.is_empty() {
        name.to_owned()
    } else {
        format!("{folder}/{name}")
    }
}

fn is_folder(parent: &OwnedFd, name: &str) -> bool {
    statat(parent, name, AtFlags::SYMLINK_NOFOLLOW)
        .is_ok_and(|stat| FileType::from_raw_mode(stat.st_mode).is_dir())
}

#[cfg(test)]
mod tests;
