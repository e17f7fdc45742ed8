//! Where a run is built again: a temporary folder, and those that killed replays have left.

use std::{
    fs::{self, File},
    io,
    os::unix::fs::MetadataExt as _,
    path::{Path, PathBuf},
};

use tempfile::TempDir;

/// What the names of these folders begin with.
const PREFIX: &str = "atelier-replay-";
/// The file that is locked for as long as its folder is in use; a kill unlocks it too.
const IN_USE: &str = "in-use";
/// Folders that one replay removes; the next one goes on.
const SWEPT_MAX: usize = 100;
/// Folders that are made before it is given up: each may be taken for an abandoned one in the
/// moment before it is locked.
const MADE_MAX: usize = 10;

/// A folder for one replay; gone when it is dropped.
#[derive(Debug)]
pub(crate) struct Folder {
    folder: TempDir,
    /// Held until the folder is gone.
    _in_use: File,
}

impl Folder {
    /// Makes one among the temporary files, where what killed replays have left is removed.
    pub(super) fn new() -> io::Result<Self> {
        Self::new_in(&std::env::temp_dir())
    }

    fn new_in(parent: &Path) -> io::Result<Self> {
        for _ in 0..MADE_MAX {
            let folder = tempfile::Builder::new().prefix(PREFIX).tempdir_in(parent)?;
            let path = folder.path().join(IN_USE);
            let in_use = File::create_new(&path)?;
            if in_use.try_lock().is_ok() && path.exists() {
                sweep(parent, folder.path());
                return Ok(Self {
                    folder,
                    _in_use: in_use,
                });
            }
        }
        Err(io::ErrorKind::ResourceBusy.into())
    }

    /// The folder.
    pub(crate) fn path(&self) -> &Path {
        self.folder.path()
    }

    /// Leaves the folder where it is, for good: no replay removes it.
    pub(crate) fn keep(self) -> io::Result<PathBuf> {
        fs::remove_file(self.path().join(IN_USE))?;
        Ok(self.folder.keep())
    }

    /// Removes the folder.
    pub(super) fn close(self) -> io::Result<()> {
        self.folder.close()
    }
}

/// Removes the folders beside `own` that no replay works in any more. What cannot be removed stays:
/// it hinders nobody.
fn sweep(parent: &Path, own: &Path) {
    let Some(owner) = fs::metadata(own).ok().map(|found| found.uid()) else {
        return;
    };
    let entries = fs::read_dir(parent).into_iter().flatten().flatten();
    let named = entries.filter(|entry| {
        let name = entry.file_name();
        name.as_encoded_bytes().starts_with(PREFIX.as_bytes()) && entry.path() != own
    });
    let abandoned = named.filter(|entry| {
        // Anybody may put a link, or a folder of theirs, among the temporary files.
        let found = entry.metadata();
        found.is_ok_and(|found| found.is_dir() && found.uid() == owner)
    });
    for entry in abandoned.take(SWEPT_MAX) {
        // Without that file it is just being made, or was kept.
        if let Ok(in_use) = File::open(entry.path().join(IN_USE))
            && in_use.try_lock().is_ok()
        {
            let _ = fs::remove_dir_all(entry.path());
        }
    }
}

#[cfg(test)]
mod tests;
