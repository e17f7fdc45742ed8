//! Opening files and folders below a root without following a symbolic link.

use std::{os::fd::OwnedFd, path::Path};

use atelier_model::TreePath;
use rustix::{
    fs::{Mode, OFlags, open, openat},
    io::Errno,
};

/// Folder at the root of a tree that holds what a change is about to put in place.
pub(super) const STAGING: &str = ".atelier-edit";

const FOLDER: OFlags = OFlags::RDONLY
    .union(OFlags::DIRECTORY)
    .union(OFlags::NOFOLLOW)
    .union(OFlags::CLOEXEC);

/// Opens the root itself, which is trusted: it may be reached through links.
pub(super) fn root_open(root: &Path) -> Result<OwnedFd, Errno> {
    open(root, FOLDER.difference(OFlags::NOFOLLOW), Mode::empty())
}

/// Opens a folder of a folder. A link in its place is `ELOOP` or `ENOTDIR`.
pub(super) fn folder_open(parent: &OwnedFd, name: &str) -> Result<OwnedFd, Errno> {
    openat(parent, name, FOLDER, Mode::empty())
}

/// Opens a file for reading. A link in its place is `ELOOP`; a pipe nobody writes to does not block.
pub(super) fn file_open(parent: &OwnedFd, name: &str) -> Result<OwnedFd, Errno> {
    let flags = OFlags::RDONLY | OFlags::NOFOLLOW | OFlags::NONBLOCK | OFlags::CLOEXEC;
    openat(parent, name, flags, Mode::empty())
}

/// The names of the folders that a path lies in, outermost first.
pub(super) fn folders_of(path: &TreePath) -> impl Iterator<Item = &str> {
    let parent = path.as_str().rsplit_once('/').map(|(parent, _)| parent);
    parent.into_iter().flat_map(|parent| parent.split('/'))
}
