//! One file of a change: looked at, put in place, taken back.

use std::{collections::BTreeSet, fs::File, io::Read, os::fd::OwnedFd};

use atelier_model::{FileEntry, TreePath};
use rustix::{
    fs::{
        Access, AtFlags, FileType, RenameFlags, Stat, accessat, fstat, fsync, linkat, renameat,
        renameat_with, statat, unlinkat,
    },
    io::Errno,
};

use super::{
    super::{
        read::{TREE_BYTES_MAX, executable},
        walk::{file_open, folder_open, folders_of},
        write::folder_make,
    },
    ChangeFilesError,
    journal::{Entry, Journal, Seen},
    stage::{Stage, new_name, old_name},
};

/// Finds out, before anything is changed, what would keep a change from being made.
pub(super) fn check(root: &OwnedFd, journal: &Journal) -> Result<(), ChangeFilesError> {
    let device = fstat(root)
        .map_err(|error| ChangeFilesError::io("", error))?
        .st_dev;
    for entry in &journal.entries {
        let path = || entry.path.to_string();
        if !entry.is_before(look(root, &entry.path)?.as_ref()) {
            return Err(ChangeFilesError::Changed { path: path() });
        }
        let found = stat(root, &entry.path)?;
        if found.is_some_and(|stat| FileType::from_raw_mode(stat.st_mode).is_dir()) {
            return Err(ChangeFilesError::NoFile { path: path() });
        }
        if found.is_some_and(|stat| stat.st_mode & 0o222 == 0) {
            return Err(ChangeFilesError::ReadOnly { path: path() });
        }
        let folder = folder_nearest(root, &entry.path)?;
        if let Err(Errno::ACCESS | Errno::ROFS) =
            accessat(&folder, ".", Access::WRITE_OK, AtFlags::EACCESS)
        {
            return Err(ChangeFilesError::ReadOnlyFolder { path: path() });
        }
        let found = fstat(&folder).map_err(|error| ChangeFilesError::io(&path(), error))?;
        if found.st_dev != device {
            return Err(ChangeFilesError::OtherFileSystem { path: path() });
        }
    }
    Ok(())
}

/// Puts a file in place, unless it is there already.
pub(super) fn forward(
    root: &OwnedFd,
    stage: &Stage,
    index: usize,
    entry: &Entry,
) -> Result<(), ChangeFilesError> {
    let found = look(root, &entry.path)?;
    if entry.is_after(found.as_ref()) {
        return Ok(());
    }
    let path = entry.path.as_str();
    let changed = || ChangeFilesError::Changed {
        path: path.to_owned(),
    };
    if !entry.is_before(found.as_ref()) {
        return Err(changed());
    }
    let (new, old) = (new_name(index), old_name(index));
    let name = entry.path.name();
    let folder = folder_make(root, &entry.path)?;
    let done = match (&entry.before, &entry.after) {
        (_, None) => renameat(&folder, name, &stage.folder, &old),
        (Some(_), Some(_)) => keep(&folder, name, stage, &old)
            .and_then(|()| renameat(&stage.folder, &new, &folder, name)),
        (None, Some(_)) => rename_new(&stage.folder, &new, &folder, name),
    };
    done.map_err(|error| match error {
        Errno::EXIST | Errno::ISDIR | Errno::NOENT => changed(),
        other => ChangeFilesError::io(path, other),
    })
}

/// Takes back what [`forward`] did. A file that somebody else changed since then stays.
pub(super) fn back(
    root: &OwnedFd,
    stage: &Stage,
    index: usize,
    entry: &Entry,
) -> Result<(), ChangeFilesError> {
    let (new, old) = (new_name(index), old_name(index));
    let put = entry.after.is_none() || !stage.holds(&new);
    let kept = entry.before.is_none() || stage.holds(&old);
    let found = match look(root, &entry.path) {
        // No change puts there what is no file: it is somebody else's.
        Err(ChangeFilesError::NoFile { .. }) => return Ok(()),
        found => found?,
    };
    if !put || !kept || !entry.is_after(found.as_ref()) {
        return Ok(());
    }
    let name = entry.path.name();
    let folder = folder_make(root, &entry.path)?;
    let done = match (&entry.before, &entry.after) {
        (None, _) => unlinkat(&folder, name, AtFlags::empty()),
        (Some(_), Some(_)) => renameat(&stage.folder, &old, &folder, name),
        (Some(_), None) => rename_new(&stage.folder, &old, &folder, name),
    };
    done.map_err(|error| ChangeFilesError::io(entry.path.as_str(), error))
}

/// Keeps an old file in the stage, where it stays when another takes its place.
fn keep(folder: &OwnedFd, name: &str, stage: &Stage, old: &str) -> Result<(), Errno> {
    match unlinkat(&stage.folder, old, AtFlags::empty()) {
        Ok(()) | Err(Errno::NOENT) => {}
        Err(error) => return Err(error),
    }
    match linkat(folder, name, &stage.folder, old, AtFlags::empty()) {
        // Not every file system has links, and not every file may have one more.
        Err(Errno::PERM | Errno::OPNOTSUPP | Errno::NOSYS | Errno::MLINK) => {
            let file = file_open(folder, name)?;
            let stat = fstat(&file)?;
            let entry = FileEntry {
                bytes: content(file)?,
                executable: executable(&stat),
            };
            stage.lay(old, &entry, Some(&stat))
        }
        linked => linked,
    }
}

/// Moves a file to where none may be.
fn rename_new(from: &OwnedFd, name: &str, folder: &OwnedFd, to: &str) -> Result<(), Errno> {
    match renameat_with(from, name, folder, to, RenameFlags::NOREPLACE) {
        // Some file systems cannot look and move in one step.
        Err(Errno::INVAL | Errno::NOSYS | Errno::OPNOTSUPP) => {
            match statat(folder, to, AtFlags::SYMLINK_NOFOLLOW) {
                Err(Errno::NOENT) => renameat(from, name, folder, to),
                Ok(_) => Err(Errno::EXIST),
                Err(error) => Err(error),
            }
        }
        renamed => renamed,
    }
}

/// The file at a path as it is now; none where nothing is, or a folder.
fn look(root: &OwnedFd, path: &TreePath) -> Result<Option<Seen>, ChangeFilesError> {
    let failed = |error| ChangeFilesError::io(path.as_str(), error);
    let no_file = || ChangeFilesError::NoFile {
        path: path.to_string(),
    };
    let Some(folder) = folder_there(root, path).map_err(failed)? else {
        return Ok(None);
    };
    let file = match file_open(&folder, path.name()) {
        Ok(file) => file,
        Err(Errno::NOENT) => return Ok(None),
        Err(Errno::LOOP | Errno::NXIO) => return Err(no_file()),
        Err(error) => return Err(failed(error)),
    };
    let stat = fstat(&file).map_err(failed)?;
    let kind = FileType::from_raw_mode(stat.st_mode);
    if kind.is_dir() {
        return Ok(None);
    }
    if !kind.is_file() {
        return Err(no_file());
    }
    Ok(Some(Seen::of(&FileEntry {
        bytes: content(file).map_err(failed)?,
        executable: executable(&stat),
    })))
}

fn content(file: OwnedFd) -> Result<Vec<u8>, Errno> {
    let mut bytes = Vec::new();
    File::from(file)
        .take(TREE_BYTES_MAX)
        .read_to_end(&mut bytes)
        .map_err(|error| errno(&error))?;
    Ok(bytes)
}

/// What the system knows of the file at a path; nothing where none is.
pub(super) fn stat(root: &OwnedFd, path: &TreePath) -> Result<Option<Stat>, ChangeFilesError> {
    let failed = |error| ChangeFilesError::io(path.as_str(), error);
    let Some(folder) = folder_there(root, path).map_err(failed)? else {
        return Ok(None);
    };
    match statat(&folder, path.name(), AtFlags::SYMLINK_NOFOLLOW) {
        Ok(stat) => Ok(Some(stat)),
        Err(Errno::NOENT) => Ok(None),
        Err(error) => Err(failed(error)),
    }
}

/// The folder of a file, where there is one.
fn folder_there(root: &OwnedFd, path: &TreePath) -> Result<Option<OwnedFd>, Errno> {
    let mut folder = copy(root)?;
    for part in folders_of(path) {
        folder = match folder_open(&folder, part) {
            Ok(next) => next,
            Err(Errno::NOENT | Errno::LOOP | Errno::NOTDIR) => return Ok(None),
            Err(error) => return Err(error),
        };
    }
    Ok(Some(folder))
}

/// The innermost folder on the way to a file that there is.
fn folder_nearest(root: &OwnedFd, path: &TreePath) -> Result<OwnedFd, ChangeFilesError> {
    let failed = |error| ChangeFilesError::io(path.as_str(), error);
    let mut folder = copy(root).map_err(failed)?;
    for part in folders_of(path) {
        match folder_open(&folder, part) {
            Ok(next) => folder = next,
            Err(Errno::NOENT | Errno::LOOP | Errno::NOTDIR) => break,
            Err(error) => return Err(failed(error)),
        }
    }
    Ok(folder)
}

/// Adds the folders that must be made for a file, outer ones first.
pub(super) fn folders_missing(
    root: &OwnedFd,
    path: &TreePath,
    missing: &mut Vec<TreePath>,
) -> Result<(), ChangeFilesError> {
    let mut folders: Vec<_> = std::iter::successors(path.parent(), TreePath::parent).collect();
    folders.reverse();
    for folder in folders {
        let there =
            stat(root, &folder)?.is_some_and(|stat| FileType::from_raw_mode(stat.st_mode).is_dir());
        if !there && !missing.contains(&folder) {
            missing.push(folder);
        }
    }
    Ok(())
}

/// Removes folders that were made for nothing.
pub(super) fn folders_unmake(root: &OwnedFd, journal: &Journal) {
    for folder in journal.folders_made.iter().rev() {
        folder_remove(root, folder);
    }
}

/// Removes the folders that are empty without the files that went.
pub(super) fn folders_tidy(root: &OwnedFd, journal: &Journal) {
    for entry in journal.entries.iter().filter(|entry| entry.after.is_none()) {
        let mut folders = std::iter::successors(entry.path.parent(), TreePath::parent);
        while folders
            .next()
            .is_some_and(|folder| folder_remove(root, &folder))
        {}
    }
}

/// Whether a folder was empty, and is gone.
fn folder_remove(root: &OwnedFd, folder: &TreePath) -> bool {
    let parent = folder_there(root, folder).ok().flatten();
    parent.is_some_and(|parent| unlinkat(&parent, folder.name(), AtFlags::REMOVEDIR).is_ok())
}

/// Waits until the disk knows every name that was changed.
pub(super) fn sync(root: &OwnedFd, journal: &Journal) -> Result<(), ChangeFilesError> {
    let mut synced = BTreeSet::new();
    let files = journal.entries.iter().map(|entry| &entry.path);
    for path in files.chain(&journal.folders_made) {
        if !synced.insert(path.parent()) {
            continue;
        }
        match fsync(folder_nearest(root, path)?) {
            // Not every file system can do it for folders.
            Ok(()) | Err(Errno::INVAL | Errno::OPNOTSUPP) => {}
            Err(error) => return Err(ChangeFilesError::io(path.as_str(), error)),
        }
    }
    Ok(())
}

fn copy(root: &OwnedFd) -> Result<OwnedFd, Errno> {
    root.try_clone().map_err(|error| errno(&error))
}

pub(super) fn errno(error: &std::io::Error) -> Errno {
    Errno::from_io_error(error).unwrap_or(Errno::IO)
}
