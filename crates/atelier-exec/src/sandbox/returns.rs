//! What a command left in the layer over its workspace, taken over into the workspace: never
//! through a link, never a device, nobody's rights, and nothing of the repository's own files.

use std::{
    ffi::{CStr, CString, OsStr},
    fs::File,
    io,
    os::{
        fd::{AsFd, AsRawFd, BorrowedFd, OwnedFd},
        unix::ffi::OsStrExt,
    },
    path::{Component, Path},
};

use rustix::{
    fs::{
        AtFlags, CWD, Dir, FileType, Mode, OFlags, ResolveFlags, Stat, Timespec, Timestamps,
        UTIME_NOW, fchmod, fgetxattr, fstat, futimens, linkat, major, minor, mkdirat, openat2,
        readlinkat, renameat, statat, symlinkat, unlinkat,
    },
    io::Errno,
};

use super::{Returned, Returns};

/// Folders below each other.
const DEPTH_MAX: usize = 128;
/// Reasons that are kept.
const REFUSED_MAX: usize = 100;
/// Files, folders and links that are looked at.
const ENTRIES_MAX: u64 = 4_000_000;
/// Folders that steer the programs of whoever owns the workspace.
const PROTECTED: [&str; 2] = [".git", ".atelier"];
/// Bits of a mode that are taken over.
const MODE_BITS: u32 = 0o777;
/// How the layer says that a folder hides the one below it.
const OPAQUE: &CStr = c"user.overlay.opaque";

/// Begin of the name of a file that is being written; the process that writes it follows.
const PART: &str = ".atelier-part";

/// Takes over what lies in `layer`, as far as it `returns`, of a command that began at a time of the
/// clock of files. What has come into the workspace since then was never the command's to delete.
///
/// `bytes_max` bounds all files together: what takes no room in the layer, such as a hole in a
/// file or a second name of it, takes room outside.
pub(super) fn take(
    layer: &OwnedFd,
    workspace: &Path,
    returns: &Returns,
    begun: Moment,
    bytes_max: u64,
) -> io::Result<Returned> {
    if *returns == Returns::Nothing {
        return Ok(Returned::default());
    }
    let flags = OFlags::RDONLY | OFlags::DIRECTORY | OFlags::CLOEXEC;
    let target = rustix::fs::open(workspace, flags, Mode::empty())?;
    let mut taking = Taking {
        returns,
        begun,
        entries: 0,
        bytes_left: bytes_max,
        returned: Returned::default(),
    };
    taking.folder(layer.as_fd(), target.as_fd(), Path::new(""), 0)?;
    Ok(taking.returned)
}

/// A time of the clock that the kernel gives files: seconds, and nanoseconds of the next.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Moment(i64, u64);

impl Moment {
    /// Now, told by giving a folder this time.
    pub(super) fn now(folder: &OwnedFd) -> io::Result<Self> {
        let now = Timespec {
            tv_sec: 0,
            tv_nsec: UTIME_NOW,
        };
        let times = Timestamps {
            last_access: now,
            last_modification: now,
        };
        futimens(folder, &times)?;
        Ok(Self::changed(&fstat(folder)?))
    }

    /// When something was changed last, by whomever and in whatever way.
    fn changed(found: &Stat) -> Self {
        Self(found.st_ctime, found.st_ctime_nsec)
    }
}

/// How much of what lies at a path is wanted.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Wanted {
    No,
    /// Something below it.
    Above,
    /// What was made of it.
    Made,
    /// All that has become of it.
    Whole,
}

struct Taking<'a> {
    returns: &'a Returns,
    begun: Moment,
    entries: u64,
    bytes_left: u64,
    returned: Returned,
}

/// One entry of the layer, and the folder of the workspace it belongs to.
#[derive(Clone, Copy)]
struct Entry<'a> {
    from: BorrowedFd<'a>,
    to: BorrowedFd<'a>,
    name: &'a CStr,
    path: &'a Path,
}

impl Taking<'_> {
    fn folder(
        &mut self,
        from: BorrowedFd<'_>,
        to: BorrowedFd<'_>,
        path: &Path,
        depth: usize,
    ) -> io::Result<()> {
        for name in names(from)? {
            let path = path.join(OsStr::from_bytes(name.to_bytes()));
            let entry = Entry {
                from,
                to,
                name: &name,
                path: &path,
            };
            self.entries += 1;
            if self.entries > ENTRIES_MAX {
                self.refuse(&path, "there are too many files");
                return Ok(());
            }
            if let Err(error) = self.entry(entry, depth) {
                self.refuse(&path, &error.to_string());
            }
        }
        Ok(())
    }

    fn entry(&mut self, entry: Entry<'_>, depth: usize) -> io::Result<()> {
        let wanted = self.wanted(entry.path);
        if wanted == Wanted::No {
            return Ok(());
        }
        if is_protected(entry.name) {
            self.refuse(entry.path, "it steers programs outside");
            return Ok(());
        }
        let found = statat(entry.from, entry.name, AtFlags::SYMLINK_NOFOLLOW)?;
        match FileType::from_raw_mode(found.st_mode) {
            FileType::Directory if depth >= DEPTH_MAX => {
                self.refuse(entry.path, "it lies too deep");
                Ok(())
            }
            FileType::Directory => self.subfolder(entry, &found, depth, wanted),
            // What is above a place that is wanted is no part of it.
            _ if wanted == Wanted::Above => Ok(()),
            FileType::RegularFile if found.st_mode & !MODE_BITS & 0o7777 != 0 => {
                self.refuse(entry.path, "it lends its owner's rights");
                Ok(())
            }
            FileType::RegularFile => self.file(entry, &found),
            FileType::Symlink => self.link(entry),
            FileType::CharacterDevice if is_deletion(&found) && wanted == Wanted::Made => Ok(()),
            FileType::CharacterDevice if is_deletion(&found) => self.deletion(entry),
            FileType::CharacterDevice
            | FileType::BlockDevice
            | FileType::Fifo
            | FileType::Socket
            | FileType::Unknown => {
                self.refuse(entry.path, "it is no file, folder or link");
                Ok(())
            }
        }
    }

    fn wanted(&self, path: &Path) -> Wanted {
        let Returns::Only { whole, within } = self.returns else {
            return Wanted::Whole;
        };
        if whole.iter().any(|place| path.starts_with(place)) {
            Wanted::Whole
        } else if within.iter().any(|place| path.starts_with(place)) {
            Wanted::Made
        } else if whole
            .iter()
            .chain(within)
            .any(|place| place.starts_with(path))
        {
            Wanted::Above
        } else {
            Wanted::No
        }
    }

    fn subfolder(
        &mut self,
        entry: Entry<'_>,
        found: &Stat,
        depth: usize,
        wanted: Wanted,
    ) -> io::Result<()> {
        let from = folder_open(entry.from, entry.name)?;
        if wanted == Wanted::Whole && is_opaque(&from) && !self.removed(entry)? {
            return Ok(());
        }
        let to = match folder_open(entry.to, entry.name) {
            Ok(to) => to,
            Err(Errno::NOENT) => self.folder_make(entry)?,
            Err(Errno::LOOP | Errno::NOTDIR) if wanted != Wanted::Above => {
                unlinkat(entry.to, entry.name, AtFlags::empty())?;
                self.folder_make(entry)?
            }
            Err(error) => return Err(error.into()),
        };
        self.folder(from.as_fd(), to.as_fd(), entry.path, depth + 1)?;
        if wanted != Wanted::Above {
            // The owner must be able to remove it again.
            fchmod(&to, mode(found) | Mode::RWXU)?;
            futimens(&to, &times(found))?;
        }
        Ok(())
    }

    fn folder_make(&mut self, entry: Entry<'_>) -> Result<OwnedFd, Errno> {
        match mkdirat(entry.to, entry.name, Mode::RWXU) {
            Ok(()) => self.returned.written += 1,
            // Another step that writes into it was there first.
            Err(Errno::EXIST) => {}
            Err(error) => return Err(error),
        }
        folder_open(entry.to, entry.name)
    }

    fn file(&mut self, entry: Entry<'_>, found: &Stat) -> io::Result<()> {
        let bytes = u64::try_from(found.st_size).unwrap_or(u64::MAX);
        let Some(left) = self.bytes_left.checked_sub(bytes) else {
            self.refuse(entry.path, "it is larger than all that may be written");
            return Ok(());
        };
        self.bytes_left = left;
        if self.folder_in_the_way(entry)? {
            return Ok(());
        }
        let mut from = File::from(beneath(entry.from, entry.name, OFlags::RDONLY)?);
        let mut part = Part::new(entry.to)?;
        let written = io::copy(&mut from, &mut part.file).and_then(|_| {
            fchmod(&part.file, mode(found))?;
            futimens(&part.file, &times(found))?;
            Ok(part.place(entry.name)?)
        });
        if written.is_err() {
            // The first error is the one to report.
            part.discard();
        }
        written?;
        self.returned.written += 1;
        Ok(())
    }

    fn link(&mut self, entry: Entry<'_>) -> io::Result<()> {
        let target = readlinkat(entry.from, entry.name, Vec::new())?;
        if leads_out(entry.path, Path::new(OsStr::from_bytes(target.to_bytes()))) {
            self.refuse(entry.path, "it is a link that leads out of the workspace");
            return Ok(());
        }
        if self.folder_in_the_way(entry)? {
            return Ok(());
        }
        match unlinkat(entry.to, entry.name, AtFlags::empty()) {
            Ok(()) | Err(Errno::NOENT) => {}
            Err(error) => return Err(error.into()),
        }
        symlinkat(&target, entry.to, entry.name)?;
        self.returned.written += 1;
        Ok(())
    }

    fn deletion(&mut self, entry: Entry<'_>) -> io::Result<()> {
        if self.removed(entry)? {
            self.returned.removed += 1;
        }
        Ok(())
    }

    /// Makes room for what is no folder; whether there is none.
    fn folder_in_the_way(&mut self, entry: Entry<'_>) -> io::Result<bool> {
        match statat(entry.to, entry.name, AtFlags::SYMLINK_NOFOLLOW) {
            Ok(found) if FileType::from_raw_mode(found.st_mode) == FileType::Directory => {
                Ok(!self.removed(entry)?)
            }
            Ok(_) | Err(Errno::NOENT) => Ok(false),
            Err(error) => Err(error.into()),
        }
    }

    /// Removes what stood in the workspace when the command began; whether it could be.
    fn removed(&mut self, entry: Entry<'_>) -> io::Result<bool> {
        if !removable(entry.to, entry.name, 0)? {
            self.refuse(entry.path, "it holds what steers programs outside");
            return Ok(false);
        }
        remove(entry.to, entry.name, self.begun, 0)?;
        Ok(true)
    }

    fn refuse(&mut self, path: &Path, reason: &str) {
        if self.returned.refused.len() < REFUSED_MAX {
            let refused = format!("{}: {reason}", path.display());
            self.returned.refused.push(refused);
        }
    }
}

/// A file that is being written into a folder, which others write into at the same time.
///
/// It has no name before it is whole, so that who is killed leaves nothing behind; only where the
/// file system cannot do that does it have one of this process's own.
struct Part<'a> {
    folder: BorrowedFd<'a>,
    file: File,
    name: String,
    named: bool,
}

impl<'a> Part<'a> {
    fn new(folder: BorrowedFd<'a>) -> Result<Self, Errno> {
        let mode = Mode::RUSR | Mode::WUSR;
        let flags = OFlags::WRONLY | OFlags::CLOEXEC;
        let name = format!("{PART}-{}", std::process::id());
        let unnamed = openat2(folder, c".", flags | OFlags::TMPFILE, mode, RESOLVE);
        let (file, named) = match unnamed {
            Err(Errno::OPNOTSUPP | Errno::ISDIR | Errno::INVAL | Errno::NOENT) => {
                // A process of this number that was killed may have left one.
                let _ = unlinkat(folder, &name, AtFlags::empty());
                let flags = flags | OFlags::CREATE | OFlags::EXCL | OFlags::NOFOLLOW;
                (openat2(folder, &name, flags, mode, RESOLVE)?, true)
            }
            opened => (opened?, false),
        };
        Ok(Self {
            folder,
            file: File::from(file),
            name,
            named,
        })
    }

    /// Gives it its name, in the place of what has it.
    fn place(&mut self, name: &CStr) -> Result<(), Errno> {
        if !self.named {
            match self.link(name) {
                Err(Errno::EXIST) => {}
                linked => return linked,
            }
            let _ = unlinkat(self.folder, &self.name, AtFlags::empty());
            self.link(self.name.clone())?;
            self.named = true;
        }
        renameat(self.folder, &self.name, self.folder, name)
    }

    fn link(&self, name: impl rustix::path::Arg) -> Result<(), Errno> {
        let own = format!("/proc/self/fd/{}", self.file.as_raw_fd());
        linkat(CWD, own, self.folder, name, AtFlags::SYMLINK_FOLLOW)
    }

    fn discard(&self) {
        if self.named {
            let _ = unlinkat(self.folder, &self.name, AtFlags::empty());
        }
    }
}

/// Nothing is resolved but a name in the folder itself.
const RESOLVE: ResolveFlags = ResolveFlags::BENEATH
    .union(ResolveFlags::NO_SYMLINKS)
    .union(ResolveFlags::NO_MAGICLINKS);

fn beneath(folder: BorrowedFd<'_>, name: &CStr, flags: OFlags) -> Result<OwnedFd, Errno> {
    let flags = flags | OFlags::NOFOLLOW | OFlags::CLOEXEC;
    openat2(folder, name, flags, Mode::empty(), RESOLVE)
}

fn folder_open(folder: BorrowedFd<'_>, name: &CStr) -> Result<OwnedFd, Errno> {
    beneath(folder, name, OFlags::RDONLY | OFlags::DIRECTORY)
}

fn names(folder: BorrowedFd<'_>) -> io::Result<Vec<CString>> {
    let mut names = Vec::new();
    for entry in Dir::read_from(folder)? {
        let entry = entry?;
        let name = entry.file_name();
        if name != c"." && name != c".." {
            names.push(name.to_owned());
        }
    }
    names.sort();
    Ok(names)
}

fn is_protected(name: &CStr) -> bool {
    let name = name.to_bytes();
    PROTECTED
        .iter()
        .any(|protected| name.eq_ignore_ascii_case(protected.as_bytes()))
}

/// How the layer says that something below it is gone.
fn is_deletion(found: &Stat) -> bool {
    major(found.st_rdev) == 0 && minor(found.st_rdev) == 0
}

fn is_opaque(folder: &OwnedFd) -> bool {
    let mut value = [0_u8; 1];
    matches!(fgetxattr(folder, OPAQUE, &mut value), Ok(1)) && value == *b"y"
}

/// Whether a link at a path below the workspace leads out of it, whatever stands there.
fn leads_out(link: &Path, target: &Path) -> bool {
    let mut depth = link.components().count().saturating_sub(1);
    let mut named = false;
    for part in target.components() {
        match part {
            Component::Normal(_) => named = true,
            Component::CurDir => {}
            // Behind a name, which may be a link itself, nobody knows what is above.
            Component::ParentDir if named || depth == 0 => return true,
            Component::ParentDir => depth -= 1,
            Component::RootDir | Component::Prefix(_) => return true,
        }
    }
    false
}

fn mode(found: &Stat) -> Mode {
    Mode::from_raw_mode(found.st_mode & MODE_BITS)
}

fn times(found: &Stat) -> Timestamps {
    let time = |seconds, nanoseconds| Timespec {
        tv_sec: seconds,
        tv_nsec: i64::try_from(nanoseconds).unwrap_or_default(),
    };
    Timestamps {
        last_access: time(found.st_atime, found.st_atime_nsec),
        last_modification: time(found.st_mtime, found.st_mtime_nsec),
    }
}

/// Whether nothing at or below a name is protected.
fn removable(folder: BorrowedFd<'_>, name: &CStr, depth: usize) -> io::Result<bool> {
    if is_protected(name) || depth > DEPTH_MAX {
        return Ok(false);
    }
    let inner = match folder_open(folder, name) {
        Ok(inner) => inner,
        Err(Errno::NOENT | Errno::NOTDIR | Errno::LOOP) => return Ok(true),
        Err(error) => return Err(error.into()),
    };
    for name in names(inner.as_fd())? {
        if !removable(inner.as_fd(), &name, depth + 1)? {
            return Ok(false);
        }
    }
    Ok(true)
}

/// Removes a name with all below it, which is no deeper than was looked at, as far as nobody has
/// changed it since the command began.
fn remove(folder: BorrowedFd<'_>, name: &CStr, begun: Moment, depth: usize) -> io::Result<()> {
    let found = match statat(folder, name, AtFlags::SYMLINK_NOFOLLOW) {
        Ok(found) => found,
        Err(Errno::NOENT) => return Ok(()),
        Err(error) => return Err(error.into()),
    };
    let is_new = Moment::changed(&found) > begun;
    if FileType::from_raw_mode(found.st_mode) != FileType::Directory {
        return if is_new {
            Ok(())
        } else {
            gone(unlinkat(folder, name, AtFlags::empty()))
        };
    }
    if depth > DEPTH_MAX {
        return Err(io::ErrorKind::InvalidInput.into());
    }
    let inner = folder_open(folder, name)?;
    for name in names(inner.as_fd())? {
        remove(inner.as_fd(), &name, begun, depth + 1)?;
    }
    // In a new one, somebody may be about to write; in another, what is new has stayed.
    if is_new {
        return Ok(());
    }
    match unlinkat(folder, name, AtFlags::REMOVEDIR) {
        Err(Errno::NOTEMPTY | Errno::EXIST) => Ok(()),
        removed => gone(removed),
    }
}

/// What somebody else has removed is removed.
fn gone(removed: Result<(), Errno>) -> io::Result<()> {
    match removed {
        Ok(()) | Err(Errno::NOENT) => Ok(()),
        Err(error) => Err(error.into()),
    }
}

#[cfg(test)]
mod tests;
