//! Changing a tree: each file whole or not at all, below the root or not at all.

use std::{collections::BTreeMap, fs::File, io::Write, os::fd::OwnedFd, path::Path};

use atelier_model::{FileEntry, TreePath};
use rustix::{
    fs::{
        AtFlags, FileType, Mode, OFlags, RawMode, fchmod, mkdirat, openat, renameat, statat,
        unlinkat,
    },
    io::Errno,
};

use super::walk::{folder_open, folders_of, root_open};

/// Name of a file that is being written; it stays behind only where the process is killed.
const PART: &str = ".atelier-part";

/// Why a tree could not be changed. Files before the named one may have been changed already.
#[derive(Debug, thiserror::Error)]
pub enum WriteTreeError {
    /// The file system is full, or the user's share of it.
    #[error("write `{path}`: no space is left")]
    NoSpace {
        /// The path below the root.
        path: String,
    },
    /// A symbolic link or a file stands where a folder is needed.
    #[error("write `{path}`: `{part}` is no folder of this tree")]
    NotAFolder {
        /// The path below the root.
        path: String,
        /// The part of the path that is in the way.
        part: String,
    },
    /// A folder with content stands where a file is needed.
    #[error("write `{path}`: a folder with content is in its place")]
    FolderInTheWay {
        /// The path below the root.
        path: String,
    },
    /// Something else went wrong.
    #[error("write `{path}`")]
    Io {
        /// The path below the root; empty for the root itself.
        path: String,
        /// Why.
        #[source]
        source: std::io::Error,
    },
}

/// Puts and deletes files below `root`; folders come and go with their files.
///
/// Never goes through a symbolic link below `root`: a link in the place of a folder is an error, a
/// link in the place of a file is replaced. A replaced file keeps its permissions, apart from the
/// right to execute, which follows the entry.
pub fn tree_write(
    root: &Path,
    changes: &BTreeMap<TreePath, Option<FileEntry>>,
) -> Result<(), WriteTreeError> {
    let root = root_open(root).map_err(|error| failed("", error))?;
    // Deletions first: a file may go to make room for a folder of its name.
    for (path, _) in changes.iter().filter(|(_, entry)| entry.is_none()) {
        file_remove(&root, path)?;
    }
    for (path, entry) in changes {
        if let Some(entry) = entry {
            file_put(&root, path, entry)?;
        }
    }
    Ok(())
}

fn file_put(root: &OwnedFd, path: &TreePath, entry: &FileEntry) -> Result<(), WriteTreeError> {
    let error = |error| failed(path.as_str(), error);
    let folder = folder_make(root, path)?;
    let name = path.name();
    let mode = mode_for(&folder, name, entry.executable).map_err(error)?;
    let part = part_create(&folder).map_err(error)?;
    let written = part_write(part, &entry.bytes, mode)
        .map_err(error)
        .and_then(|()| part_rename(&folder, path));
    if written.is_err() {
        // The first error is the one to report.
        let _ = unlinkat(&folder, PART, AtFlags::empty());
    }
    written
}

fn part_create(folder: &OwnedFd) -> Result<OwnedFd, Errno> {
    let flags = OFlags::WRONLY | OFlags::CREATE | OFlags::EXCL | OFlags::NOFOLLOW | OFlags::CLOEXEC;
    match openat(folder, PART, flags, Mode::from_raw_mode(0o600)) {
        Err(Errno::EXIST) => {
            unlinkat(folder, PART, AtFlags::empty())?;
            openat(folder, PART, flags, Mode::from_raw_mode(0o600))
        }
        opened => opened,
    }
}

fn part_write(part: OwnedFd, bytes: &[u8], mode: Mode) -> Result<(), Errno> {
    let mut file = File::from(part);
    file.write_all(bytes)
        .map_err(|error| Errno::from_io_error(&error).unwrap_or(Errno::IO))?;
    fchmod(&file, mode)
}

fn part_rename(folder: &OwnedFd, path: &TreePath) -> Result<(), WriteTreeError> {
    let name = path.name();
    match renameat(folder, PART, folder, name) {
        Err(Errno::ISDIR | Errno::EXIST | Errno::NOTEMPTY) => {
            // An empty folder is nothing anybody keeps: git does not know such folders.
            unlinkat(folder, name, AtFlags::REMOVEDIR).map_err(|_| {
                WriteTreeError::FolderInTheWay {
                    path: path.to_string(),
                }
            })?;
            renameat(folder, PART, folder, name).map_err(|error| failed(path.as_str(), error))
        }
        renamed => renamed.map_err(|error| failed(path.as_str(), error)),
    }
}

/// The permissions of the file that is replaced, with the entry's right to execute.
fn mode_for(folder: &OwnedFd, name: &str, executable: bool) -> Result<Mode, Errno> {
    let base: RawMode = match statat(folder, name, AtFlags::SYMLINK_NOFOLLOW) {
        Ok(stat) if FileType::from_raw_mode(stat.st_mode).is_file() => stat.st_mode & 0o777,
        Ok(_) | Err(Errno::NOENT) => 0o644,
        Err(error) => return Err(error),
    };
    let plain = base & !0o111;
    let runs = if executable { (plain & 0o444) >> 2 } else { 0 };
    Ok(Mode::from_raw_mode(plain | runs))
}

/// Opens the folder of a file and creates what is missing of it.
pub(super) fn folder_make(root: &OwnedFd, path: &TreePath) -> Result<OwnedFd, WriteTreeError> {
    let mut folder = root_copy(root, path)?;
    let mut reached = String::new();
    for part in folders_of(path) {
        reached.push_str(part);
        folder = match folder_open(&folder, part) {
            Err(Errno::NOENT) => {
                mkdirat(&folder, part, Mode::from_raw_mode(0o755))
                    .map_err(|error| failed(path.as_str(), error))?;
                folder_open(&folder, part)
            }
            opened => opened,
        }
        .map_err(|error| match error {
            Errno::LOOP | Errno::NOTDIR => WriteTreeError::NotAFolder {
                path: path.to_string(),
                part: reached.clone(),
            },
            other => failed(path.as_str(), other),
        })?;
        reached.push('/');
    }
    Ok(folder)
}

/// Removes a file, then the folders that are empty without it.
fn file_remove(root: &OwnedFd, path: &TreePath) -> Result<(), WriteTreeError> {
    let mut folders = vec![root_copy(root, path)?];
    for part in folders_of(path) {
        match folder_open(&folders[folders.len() - 1], part) {
            Ok(folder) => folders.push(folder),
            // What is no folder of this tree holds no file of this tree.
            Err(Errno::NOENT | Errno::LOOP | Errno::NOTDIR) => return Ok(()),
            Err(error) => return Err(failed(path.as_str(), error)),
        }
    }
    match unlinkat(&folders[folders.len() - 1], path.name(), AtFlags::empty()) {
        Ok(()) | Err(Errno::NOENT) => {}
        Err(Errno::ISDIR) => {
            return Err(WriteTreeError::FolderInTheWay {
                path: path.to_string(),
            });
        }
        Err(error) => return Err(failed(path.as_str(), error)),
    }
    let parts: Vec<_> = folders_of(path).collect();
    for (index, part) in parts.iter().enumerate().rev() {
        match unlinkat(&folders[index], *part, AtFlags::REMOVEDIR) {
            Ok(()) => {}
            Err(_) => break,
        }
    }
    Ok(())
}

fn root_copy(root: &OwnedFd, path: &TreePath) -> Result<OwnedFd, WriteTreeError> {
    root.try_clone().map_err(|source| WriteTreeError::Io {
        path: path.to_string(),
        source,
    })
}

pub(super) fn failed(path: &str, error: Errno) -> WriteTreeError {
    match error {
        Errno::NOSPC | Errno::DQUOT => WriteTreeError::NoSpace {
            path: path.to_owned(),
        },
        other => WriteTreeError::Io {
            path: path.to_owned(),
            source: other.into(),
        },
    }
}
