//! A file tree held in memory.

use std::{collections::BTreeMap, fmt, sync::Arc};

use crate::{Digest, TreePath};

/// One file of a tree.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FileEntry {
    /// The content, byte for byte.
    pub bytes: Vec<u8>,
    /// Whether the file may be executed.
    pub executable: bool,
}

impl FileEntry {
    /// An ordinary file with this text.
    pub fn text(text: impl Into<String>) -> Self {
        Self {
            bytes: text.into().into_bytes(),
            executable: false,
        }
    }

    /// The content as text, where it is valid UTF-8.
    pub fn as_text(&self) -> Option<&str> {
        std::str::from_utf8(&self.bytes).ok()
    }
}

/// What stands at a path of a tree and is no file of it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Obstacle {
    /// A symbolic link, wherever it leads.
    Link,
    /// A device, a pipe or a socket.
    Special,
    /// A repository of its own.
    Repository,
    /// A file of this many bytes, more than may be read.
    TooLarge(u64),
    /// A file that was not read.
    Unread,
    /// A folder whose files are not all known; what lies below it is free.
    Folder,
}

impl fmt::Display for Obstacle {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Link => f.write_str("a symbolic link"),
            Self::Special => f.write_str("a device, a pipe or a socket"),
            Self::Repository => f.write_str("a repository of its own"),
            Self::TooLarge(bytes) => write!(f, "a file of {bytes} bytes, more than may be read"),
            Self::Unread => f.write_str("a file that was not read"),
            Self::Folder => f.write_str("a folder"),
        }
    }
}

/// Files by path. Symbolic links and special files are never part of a tree; where they stand in
/// the way of files they are known as obstacles.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct FileTree {
    /// Copies of a tree share the files that none of them changes.
    files: BTreeMap<TreePath, Arc<FileEntry>>,
    obstacles: BTreeMap<TreePath, Obstacle>,
}

impl FileTree {
    /// The file at a path.
    pub fn get(&self, path: &TreePath) -> Option<&FileEntry> {
        self.files.get(path).map(AsRef::as_ref)
    }

    /// The text of the file at a path, where it is there and valid UTF-8.
    pub fn text(&self, path: &TreePath) -> Option<&str> {
        self.get(path).and_then(FileEntry::as_text)
    }

    /// Whether there is a file at a path.
    pub fn contains(&self, path: &TreePath) -> bool {
        self.files.contains_key(path)
    }

    /// Puts a file, replacing what was there.
    pub fn put(&mut self, path: TreePath, file: FileEntry) {
        self.obstacles.remove(&path);
        self.files.insert(path, Arc::new(file));
    }

    /// Removes a file and returns it.
    pub fn remove(&mut self, path: &TreePath) -> Option<FileEntry> {
        self.files.remove(path).map(Arc::unwrap_or_clone)
    }

    /// The files in the order of their paths.
    pub fn iter(&self) -> impl Iterator<Item = (&TreePath, &FileEntry)> {
        self.files.iter().map(|(path, file)| (path, file.as_ref()))
    }

    /// The paths in order.
    pub fn paths(&self) -> impl Iterator<Item = &TreePath> {
        self.files.keys()
    }

    /// How many files there are.
    pub fn len(&self) -> usize {
        self.files.len()
    }

    /// Whether there is no file.
    pub fn is_empty(&self) -> bool {
        self.files.is_empty()
    }

    /// Says what stands at a path where there is no file of this tree.
    pub fn block(&mut self, path: TreePath, obstacle: Obstacle) {
        self.files.remove(&path);
        self.obstacles.insert(path, obstacle);
    }

    /// What keeps a file from standing at a path, and where: at the path itself, or in the place of
    /// a folder above it.
    pub fn obstacle(&self, path: &TreePath) -> Option<(&TreePath, Obstacle)> {
        let at = |(path, obstacle): (_, &Obstacle)| (path, *obstacle);
        let here = self.obstacles.get_key_value(path).map(at);
        let above = || {
            let folders = std::iter::successors(path.parent(), TreePath::parent);
            folders
                .filter_map(|folder| self.obstacles.get_key_value(&folder).map(at))
                .find(|(_, obstacle)| *obstacle != Obstacle::Folder)
        };
        here.or_else(above)
    }

    /// Everything that is no file of this tree, in the order of the paths.
    pub fn obstacles(&self) -> impl Iterator<Item = (&TreePath, Obstacle)> {
        self.obstacles
            .iter()
            .map(|(path, obstacle)| (path, *obstacle))
    }

    /// A digest of every path, mode and content of the files.
    pub fn digest(&self) -> Digest {
        let list: Vec<_> = self
            .files
            .iter()
            .map(|(path, file)| (path.as_str(), file.executable, Digest::of(&file.bytes)))
            .collect();
        Digest::of_json(&list)
    }

    /// What turns this tree into `other`: the file to put, or `None` for a file to delete.
    pub fn changes_to(&self, other: &Self) -> BTreeMap<TreePath, Option<FileEntry>> {
        let gone = self.paths().filter(|path| !other.contains(path));
        let put = other
            .iter()
            .filter(|(path, file)| self.get(path) != Some(*file));
        gone.map(|path| (path.clone(), None))
            .chain(put.map(|(path, file)| (path.clone(), Some(file.clone()))))
            .collect()
    }
}

impl FromIterator<(TreePath, FileEntry)> for FileTree {
    fn from_iter<I: IntoIterator<Item = (TreePath, FileEntry)>>(files: I) -> Self {
        Self {
            files: files
                .into_iter()
                .map(|(path, file)| (path, Arc::new(file)))
                .collect(),
            obstacles: BTreeMap::new(),
        }
    }
}

#[cfg(test)]
mod tests;
