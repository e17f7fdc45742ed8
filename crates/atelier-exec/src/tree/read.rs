//! Reading a tree: regular files only.

use std::{fs::File, io::Read, os::fd::OwnedFd, path::Path};

use atelier_model::{FileEntry, FileTree, Limits, Obstacle, TreePath};
use rustix::{
    fs::{AtFlags, Dir, FileType, Mode, Stat, fstat, statat},
    io::Errno,
};

use super::walk::{STAGING, file_open, folder_open, folders_of, root_open};

/// Folders below each other that are entered.
const DEPTH_MAX: usize = 128;
/// Bytes of all files of a tree together.
pub(crate) const TREE_BYTES_MAX: u64 = 256 * 1024 * 1024;

/// Why a tree could not be read.
#[derive(Debug, thiserror::Error)]
pub enum ReadTreeError {
    /// A file or folder could not be read.
    #[error("read `{path}`")]
    Io {
        /// The path below the root; empty for the root itself.
        path: String,
        /// Why.
        #[source]
        source: std::io::Error,
    },
    /// There are more files than may be read.
    #[error("read the tree: it has more than {files_max} files")]
    TooManyFiles {
        /// The limit.
        files_max: usize,
    },
    /// There are more names in one folder than may be looked at.
    #[error("read the folder `{path}`: it has more than {names_max} names")]
    TooManyNames {
        /// The folder below the root; empty for the root itself.
        path: String,
        /// The limit.
        names_max: usize,
    },
    /// The files together are larger than may be read.
    #[error("read the tree: its files have more than {bytes_max} bytes")]
    TooManyBytes {
        /// The limit.
        bytes_max: u64,
    },
}

/// Why a file is not part of a tree that was read.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Skip {
    /// It has this many bytes, more than may be read.
    TooLarge(u64),
    /// It is a symbolic link.
    Link,
    /// It is a device, a pipe or a socket.
    Special,
    /// Its name cannot be used on every system.
    NotPortable,
    /// It lies deeper than folders are entered.
    TooDeep,
}

/// One file that was left out.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SkippedFile {
    /// Its path below the root.
    pub path: String,
    /// Why.
    pub why: Skip,
}

/// Reads every regular file below `root`, except git's and Atelier's own folders.
///
/// Links, special files and files larger than `file_bytes_max` are obstacles of the tree;
/// [`tree_survey`] names everything that was left out.
pub fn tree_read(root: &Path, limits: &Limits) -> Result<FileTree, ReadTreeError> {
    tree_survey(root, limits).map(|(tree, _)| tree)
}

/// Reads a tree like [`tree_read`] and names what was left out, in the order of the paths.
pub fn tree_survey(
    root: &Path,
    limits: &Limits,
) -> Result<(FileTree, Vec<SkippedFile>), ReadTreeError> {
    let mut reader = Reader::new(limits);
    let folder = root_open(root).map_err(|error| io("", error))?;
    reader.folder(&folder, "", 0)?;
    reader.skipped.sort_by(|a, b| a.path.cmp(&b.path));
    Ok((reader.tree, reader.skipped))
}

/// Reads the named files below `root`. What is no regular file any more is an obstacle.
pub(crate) fn files_read(
    root: &Path,
    paths: &[TreePath],
    limits: &Limits,
) -> Result<FileTree, ReadTreeError> {
    let mut reader = Reader::new(limits);
    let folder = root_open(root).map_err(|error| io("", error))?;
    for path in paths {
        reader.named(&folder, path)?;
    }
    Ok(reader.tree)
}

pub(super) struct Reader<'a> {
    limits: &'a Limits,
    pub(super) tree: FileTree,
    skipped: Vec<SkippedFile>,
    bytes: u64,
}

impl<'a> Reader<'a> {
    pub(super) fn new(limits: &'a Limits) -> Self {
        Self {
            limits,
            tree: FileTree::default(),
            skipped: Vec::new(),
            bytes: 0,
        }
    }

    fn skip(&mut self, path: &str, why: Skip) {
        let obstacle = match why {
            Skip::TooLarge(bytes) => Some(Obstacle::TooLarge(bytes)),
            Skip::Link => Some(Obstacle::Link),
            Skip::Special => Some(Obstacle::Special),
            Skip::TooDeep => Some(Obstacle::Unread),
            // No path of a tree is such a name, or lies below it.
            Skip::NotPortable => None,
        };
        if let (Some(obstacle), Some(path)) = (obstacle, exactly(path)) {
            self.tree.block(path, obstacle);
        }
        self.skipped.push(SkippedFile {
            path: path.to_owned(),
            why,
        });
    }

    /// The file at a path, or what stands in its place or in that of a folder above it.
    fn named(&mut self, root: &OwnedFd, path: &TreePath) -> Result<(), ReadTreeError> {
        let mut folder = root.try_clone().map_err(|source| ReadTreeError::Io {
            path: path.to_string(),
            source,
        })?;
        let mut reached = String::new();
        for part in folders_of(path) {
            reached.push_str(part);
            match folder_open(&folder, part) {
                Ok(next) => folder = next,
                Err(Errno::NOENT) => return Ok(()),
                Err(Errno::LOOP | Errno::NOTDIR) => {
                    return self.entry(&folder, part, &reached, DEPTH_MAX);
                }
                Err(error) => return Err(io(path.as_str(), error)),
            }
            reached.push('/');
        }
        self.entry(&folder, path.name(), path.as_str(), 0)
    }

    fn folder(&mut self, folder: &OwnedFd, at: &str, depth: usize) -> Result<(), ReadTreeError> {
        let entries = Dir::read_from(folder).map_err(|error| io(at, error))?;
        for entry in entries {
            let entry = entry.map_err(|error| io(at, error))?;
            let name = entry.file_name().to_string_lossy().into_owned();
            if matches!(name.as_str(), "." | ".." | ".git" | ".atelier" | STAGING) {
                continue;
            }
            let path = if at.is_empty() {
                name.clone()
            } else {
                format!("{at}/{name}")
            };
            if entry.file_name().to_str().is_err() {
                self.skip(&path, Skip::NotPortable);
            } else {
                self.entry(folder, &name, &path, depth)?;
            }
        }
        Ok(())
    }

    pub(super) fn entry(
        &mut self,
        parent: &OwnedFd,
        name: &str,
        path: &str,
        depth: usize,
    ) -> Result<(), ReadTreeError> {
        let stat = match statat(parent, name, AtFlags::SYMLINK_NOFOLLOW) {
            Ok(stat) => stat,
            // It went away while the tree was read.
            Err(Errno::NOENT) => return Ok(()),
            Err(error) => return Err(io(path, error)),
        };
        let kind = FileType::from_raw_mode(stat.st_mode);
        if kind.is_symlink() {
            self.skip(path, Skip::Link);
        } else if kind.is_dir() {
            if depth == DEPTH_MAX {
                self.skip(path, Skip::TooDeep);
            } else {
                let folder = folder_open(parent, name).map_err(|error| io(path, error))?;
                self.folder(&folder, path, depth + 1)?;
            }
        } else if kind.is_file() {
            self.file(parent, name, path)?;
        } else {
            self.skip(path, Skip::Special);
        }
        Ok(())
    }

    fn file(&mut self, parent: &OwnedFd, name: &str, path: &str) -> Result<(), ReadTreeError> {
        let Some(tree_path) = exactly(path) else {
            self.skip(path, Skip::NotPortable);
            return Ok(());
        };
        let file = file_open(parent, name).map_err(|error| io(path, error))?;
        let stat = fstat(&file).map_err(|error| io(path, error))?;
        let size = u64::try_from(stat.st_size).unwrap_or(u64::MAX);
        if size > self.limits.file_bytes_max as u64 {
            self.skip(path, Skip::TooLarge(size));
            return Ok(());
        }
        if self.tree.len() == self.limits.tree_files_max {
            return Err(ReadTreeError::TooManyFiles {
                files_max: self.limits.tree_files_max,
            });
        }
        let bytes = self.content(file, path)?;
        self.bytes += bytes.len() as u64;
        if self.bytes > TREE_BYTES_MAX {
            return Err(ReadTreeError::TooManyBytes {
                bytes_max: TREE_BYTES_MAX,
            });
        }
        let executable = executable(&stat);
        self.tree.put(tree_path, FileEntry { bytes, executable });
        Ok(())
    }

    /// The file may grow while it is read; what goes beyond the limit is not read.
    fn content(&self, file: OwnedFd, path: &str) -> Result<Vec<u8>, ReadTreeError> {
        let mut bytes = Vec::new();
        File::from(file)
            .take(self.limits.file_bytes_max as u64)
            .read_to_end(&mut bytes)
            .map_err(|source| ReadTreeError::Io {
                path: path.to_owned(),
                source,
            })?;
        Ok(bytes)
    }
}

/// The path of a tree that is written just so.
pub(super) fn exactly(path: &str) -> Option<TreePath> {
    let parsed = TreePath::parse(path).ok()?;
    (parsed.as_str() == path).then_some(parsed)
}

pub(super) fn executable(stat: &Stat) -> bool {
    Mode::from_raw_mode(stat.st_mode).contains(Mode::XUSR)
}

pub(super) fn io(path: &str, error: Errno) -> ReadTreeError {
    ReadTreeError::Io {
        path: path.to_owned(),
        source: error.into(),
    }
}
