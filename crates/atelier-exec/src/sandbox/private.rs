//! Private folders of which each ends with the supervisor it belongs to, all of them in one place of the
//! user.
//!
//! What a supervisor left that was killed, the next one removes: its lock tells.

use std::{
    fs::{self, DirBuilder},
    io,
    os::{
        fd::OwnedFd,
        unix::fs::{DirBuilderExt, MetadataExt},
    },
    path::{Path, PathBuf},
};

use rustix::{
    fs::{FlockOperation, Mode, OFlags, flock, open},
    process::{geteuid, getpid},
};

use crate::tree::folder_remove;

/// Rights of a folder that is nobody else's.
const OWN: u32 = 0o700;
/// Numbers tried for a folder of this process.
const NAMES_MAX: u32 = 1000;
/// Folders looked at for what others left.
const SWEPT_MAX: usize = 4096;

/// Name of what is a command's in such a folder; the rest is its supervisor's.
const INNER: &str = "tmp";

/// A folder that nobody else uses, and that ends with this.
#[derive(Debug)]
pub(super) struct Private {
    /// A folder around it, which no command may change.
    outer: PathBuf,
    path: PathBuf,
    /// The lock on the outer folder. The kernel lets go of it with this process, whatever ends it.
    held: Option<OwnedFd>,
}

impl Private {
    /// A new one below the folder for such; what others left that are gone, is removed.
    pub(super) fn new(temporary: &Path) -> io::Result<Self> {
        let place = place(temporary)?;
        sweep(&place);
        let process = getpid();
        for number in 0..NAMES_MAX {
            let outer = place.join(format!("{process}-{number}"));
            match DirBuilder::new().mode(OWN).create(&outer) {
                Ok(()) => {}
                Err(error) if error.kind() == io::ErrorKind::AlreadyExists => continue,
                Err(error) => return Err(error),
            }
            // Somebody who sweeps may have been first, and then the folder is gone.
            if let Some(held) = hold(&outer) {
                let path = outer.join(INNER);
                DirBuilder::new().mode(OWN).create(&path)?;
                return Ok(Self {
                    outer,
                    path,
                    held: Some(held),
                });
            }
        }
        Err(io::ErrorKind::AlreadyExists.into())
    }

    /// Where it lies.
    pub(super) fn path(&self) -> &Path {
        &self.path
    }

    /// Whether it is as it was at first: nothing in it, and nobody else's.
    pub(super) fn is_pristine(&self) -> bool {
        fs::symlink_metadata(&self.path).is_ok_and(|found| is_own(&found))
            && fs::read_dir(&self.path).is_ok_and(|mut entries| entries.next().is_none())
    }
}

impl Private {
    /// Removes it before its time. What is left of it, the next one removes.
    pub(super) fn remove(&mut self) {
        if let Some(_held) = self.held.take() {
            let _ = folder_remove(&self.outer);
        }
    }
}

impl Drop for Private {
    fn drop(&mut self) {
        self.remove();
    }
}

/// The user's folder for all of them. Where somebody else has taken its name, another is made.
fn place(temporary: &Path) -> io::Result<PathBuf> {
    let place = temporary.join(format!("atelier-{}", geteuid().as_raw()));
    match DirBuilder::new().mode(OWN).create(&place) {
        Ok(()) => return Ok(place),
        Err(error) if error.kind() == io::ErrorKind::AlreadyExists => {}
        Err(error) => return Err(error),
    }
    if fs::symlink_metadata(&place).is_ok_and(|found| is_own(&found)) {
        return Ok(place);
    }
    let other = tempfile::Builder::new()
        .prefix("atelier-")
        .tempdir_in(temporary)?;
    Ok(other.keep())
}

fn is_own(found: &fs::Metadata) -> bool {
    found.is_dir() && found.uid() == geteuid().as_raw() && found.mode() & 0o7777 == OWN
}

fn same(found: &fs::Metadata, held: &OwnedFd) -> bool {
    let held = rustix::fs::fstat(held);
    held.is_ok_and(|held| held.st_dev == found.dev() && held.st_ino == found.ino())
}

/// Takes the lock of a folder; nothing where somebody else has it, or the folder is another by now.
fn hold(path: &Path) -> Option<OwnedFd> {
    let flags = OFlags::RDONLY | OFlags::DIRECTORY | OFlags::NOFOLLOW | OFlags::CLOEXEC;
    let held = open(path, flags, Mode::empty()).ok()?;
    flock(&held, FlockOperation::NonBlockingLockExclusive).ok()?;
    let found = fs::symlink_metadata(path).ok()?;
    same(&found, &held).then_some(held)
}

/// Removes what belongs to nobody who lives.
fn sweep(place: &Path) {
    let entries = fs::read_dir(place).into_iter().flatten().flatten();
    for entry in entries.take(SWEPT_MAX) {
        let path = entry.path();
        if let Some(_held) = hold(&path) {
            // What cannot be removed now may be later.
            let _ = folder_remove(&path);
        }
    }
}
