//! The folder that holds new contents until they are in place, and old ones until they are not
//! needed.

use std::{collections::BTreeMap, fs::File, io::Write, os::fd::OwnedFd};

use atelier_model::{FileEntry, FileTree, TreePath};
use rustix::{
    fs::{
        AtFlags, Dir, Gid, Mode, OFlags, Stat, Uid, fchmod, fchown, fstat, fsync, mkdirat, openat,
        statat, unlinkat,
    },
    io::Errno,
    process::geteuid,
};

use super::{
    super::walk::{STAGING, folder_open},
    ChangeFilesError,
    journal::Journal,
    step,
};

/// Keeps the folder out of a repository if it is left behind.
const IGNORE: (&str, &[u8]) = (".gitignore", b"*\n");

/// The staging folder of a root.
#[derive(Debug)]
pub(super) struct Stage {
    pub(super) folder: OwnedFd,
}

impl Stage {
    /// The stage that an earlier process left.
    pub(super) fn open(root: &OwnedFd) -> Result<Option<Self>, ChangeFilesError> {
        let foreign = || ChangeFilesError::ForeignStage { path: STAGING };
        let folder = match folder_open(root, STAGING) {
            Ok(folder) => folder,
            Err(Errno::NOENT) => return Ok(None),
            Err(Errno::LOOP | Errno::NOTDIR) => return Err(foreign()),
            Err(error) => return Err(ChangeFilesError::io(STAGING, error)),
        };
        let stat = fstat(&folder).map_err(|error| ChangeFilesError::io(STAGING, error))?;
        if stat.st_uid == geteuid().as_raw() {
            Ok(Some(Self { folder }))
        } else {
            Err(foreign())
        }
    }

    /// A new and empty stage.
    pub(super) fn create(root: &OwnedFd) -> Result<Self, ChangeFilesError> {
        let unmade = |error| ChangeFilesError::io(STAGING, error);
        mkdirat(root, STAGING, Mode::RWXU).map_err(|error| match error {
            Errno::ACCESS | Errno::ROFS => ChangeFilesError::ReadOnlyRoot,
            other => unmade(other),
        })?;
        let folder = folder_open(root, STAGING).map_err(unmade)?;
        let stage = Self { folder };
        // It only spares a repository a look at what is left behind: it need not outlast the power.
        stage
            .write(IGNORE.0, IGNORE.1, Mode::from_raw_mode(0o600))
            .map_err(|error| failed(IGNORE.0, error))?;
        Ok(stage)
    }

    /// Lays down every new content, with the permissions it will have.
    pub(super) fn fill(
        &self,
        root: &OwnedFd,
        journal: &Journal,
        after: &FileTree,
        moved: &BTreeMap<TreePath, TreePath>,
    ) -> Result<(), ChangeFilesError> {
        for (index, entry) in journal.entries.iter().enumerate() {
            let Some(file) = after.get(&entry.path) else {
                continue;
            };
            let model = if entry.before.is_some() {
                Some(&entry.path)
            } else {
                moved.get(&entry.path)
            };
            let model = model.map(|path| step::stat(root, path)).transpose()?;
            self.lay(&new_name(index), file, model.flatten().as_ref())
                .map_err(|error| ChangeFilesError::io(entry.path.as_str(), error))?;
        }
        Ok(())
    }

    /// Writes one content with the permissions and the owner of the file it stands in for.
    pub(super) fn lay(
        &self,
        name: &str,
        file: &FileEntry,
        model: Option<&Stat>,
    ) -> Result<(), Errno> {
        // What nobody stood in for yet gets what the user's mask leaves.
        let usual = if file.executable { 0o777 } else { 0o666 };
        let laid = self.write(name, &file.bytes, Mode::from_raw_mode(usual))?;
        let now = fstat(&laid)?;
        if let Some(model) = model {
            if (now.st_uid, now.st_gid) != (model.st_uid, model.st_gid) {
                let owner = Uid::from_raw(model.st_uid);
                // Only root can give files away; the content matters more than the owner.
                let _ = fchown(&laid, Some(owner), Some(Gid::from_raw(model.st_gid)));
            }
            let plain = model.st_mode & 0o666;
            let runs = if file.executable {
                (plain & 0o444) >> 2
            } else {
                0
            };
            fchmod(&laid, Mode::from_raw_mode(plain | runs))?;
        } else if file.executable {
            fchmod(&laid, Mode::from_raw_mode((now.st_mode & 0o777) | 0o100))?;
        }
        fsync(&laid)
    }

    /// Writes a file of the stage itself.
    pub(super) fn put(&self, name: &str, bytes: &[u8]) -> Result<(), ChangeFilesError> {
        self.write(name, bytes, Mode::from_raw_mode(0o600))
            .and_then(fsync)
            .map_err(|error| failed(name, error))
    }

    fn write(&self, name: &str, bytes: &[u8], mode: Mode) -> Result<OwnedFd, Errno> {
        let flags =
            OFlags::WRONLY | OFlags::CREATE | OFlags::EXCL | OFlags::NOFOLLOW | OFlags::CLOEXEC;
        let mut file = File::from(openat(&self.folder, name, flags, mode)?);
        file.write_all(bytes).map_err(|error| step::errno(&error))?;
        Ok(file.into())
    }

    /// Whether there is a file of this name.
    pub(super) fn holds(&self, name: &str) -> bool {
        statat(&self.folder, name, AtFlags::SYMLINK_NOFOLLOW).is_ok()
    }

    /// Removes the stage with everything in it.
    pub(super) fn remove(&self, root: &OwnedFd) -> Result<(), ChangeFilesError> {
        let entries = Dir::read_from(&self.folder).map_err(|error| failed("", error))?;
        let names: Vec<_> = entries
            .filter_map(|entry| Some(entry.ok()?.file_name().to_owned()))
            .filter(|name| !matches!(name.to_bytes(), b"." | b".."))
            .collect();
        for name in names {
            unlinkat(&self.folder, &name, AtFlags::empty())
                .map_err(|error| failed(&name.to_string_lossy(), error))?;
        }
        unlinkat(root, STAGING, AtFlags::REMOVEDIR)
            .map_err(|error| ChangeFilesError::io(STAGING, error))
    }
}

/// The path of a file of the stage below the root.
pub(super) fn staged_path(name: &str) -> String {
    format!("{STAGING}/{name}")
}

/// Why a file of the stage could not be used.
pub(super) fn failed(name: &str, error: Errno) -> ChangeFilesError {
    ChangeFilesError::io(&staged_path(name), error)
}

/// The name of a new content.
pub(super) fn new_name(index: usize) -> String {
    format!("new-{index}")
}

/// The name of an old file.
pub(super) fn old_name(index: usize) -> String {
    format!("old-{index}")
}
