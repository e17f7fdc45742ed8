//! The folder that a workspace lies in: everything below it is reached through it, and nothing
//! outside.

use std::{
    borrow::Cow,
    ffi::{OsStr, OsString},
    fs::File,
    os::{fd::OwnedFd, unix::ffi::OsStringExt as _},
    path::{Path, PathBuf},
};

use rustix::{
    fs::{AtFlags, Mode, OFlags, ResolveFlags, Stat, mkdirat, open, openat, openat2, statat},
    io::Errno,
};

const FOLDER: OFlags = OFlags::RDONLY
    .union(OFlags::DIRECTORY)
    .union(OFlags::CLOEXEC);

/// Permissions of a new folder, of which the process's mask takes some.
const FOLDER_MODE: Mode = Mode::from_raw_mode(0o777);

/// Tries of an opening that the kernel gives up because a name was moved meanwhile.
const TRIES_MAX: u32 = 8;

/// An open root.
#[derive(Debug)]
pub(crate) struct Root {
    folder: OwnedFd,
    path: PathBuf,
}

impl Root {
    /// Opens a root, which is trusted: it may be reached through links.
    pub(crate) fn open(path: &Path) -> Result<Self, Errno> {
        let folder = open(path, FOLDER, Mode::empty())?;
        Ok(Self {
            folder,
            path: path.to_owned(),
        })
    }

    pub(crate) fn path(&self) -> &Path {
        &self.path
    }

    /// Opens a folder below the root for reading. Links on the way are followed as long as they
    /// stay below the root; one that leaves it is `EXDEV`.
    pub(crate) fn folder(&self, path: &str) -> Result<OwnedFd, Errno> {
        self.resolve(path, ResolveFlags::BENEATH | ResolveFlags::NO_MAGICLINKS)
    }

    /// Opens a folder below the root for writing: a link on the way is `ELOOP`.
    pub(crate) fn own_folder(&self, path: &str) -> Result<OwnedFd, Errno> {
        self.resolve(path, ResolveFlags::BENEATH | ResolveFlags::NO_SYMLINKS)
    }

    /// Opens a folder for writing, and makes it and those above it where they are missing.
    pub(crate) fn made_folder(&self, path: &str) -> Result<OwnedFd, Errno> {
        match self.own_folder(path) {
            Err(Errno::NOENT) => {
                let (above, name) = split(path);
                let parent = self.made_folder(above)?;
                match mkdirat(&parent, os(name), FOLDER_MODE) {
                    Ok(()) | Err(Errno::EXIST) => subfolder(&parent, name),
                    Err(error) => Err(error),
                }
            }
            opened => opened,
        }
    }

    /// A file of the root's file system that nobody else sees and that ends with its descriptor.
    pub(crate) fn unnamed_file(&self) -> Result<File, Errno> {
        let flags = OFlags::TMPFILE | OFlags::WRONLY | OFlags::CLOEXEC;
        openat(&self.folder, ".", flags, Mode::RUSR | Mode::WUSR).map(File::from)
    }

    fn resolve(&self, path: &str, how: ResolveFlags) -> Result<OwnedFd, Errno> {
        let path = if path.is_empty() { "." } else { path };
        for _ in 0..TRIES_MAX {
            match openat2(&self.folder, os(path), FOLDER, Mode::empty(), how) {
                Err(Errno::AGAIN | Errno::INTR) => {}
                // A kernel or a filter that does not know the call: no link at all is followed.
                Err(Errno::NOSYS) => return self.stepwise(path),
                opened => return opened,
            }
        }
        Err(Errno::AGAIN)
    }

    fn stepwise(&self, path: &str) -> Result<OwnedFd, Errno> {
        let mut folder = openat(&self.folder, ".", FOLDER, Mode::empty())?;
        for part in path.split('/').filter(|part| *part != ".") {
            if part == ".." {
                return Err(Errno::XDEV);
            }
            folder = subfolder(&folder, part)?;
        }
        Ok(folder)
    }
}

/// Opens a folder of a folder. A link in its place is `ELOOP` or `ENOTDIR`.
pub(crate) fn subfolder(parent: &OwnedFd, name: &str) -> Result<OwnedFd, Errno> {
    openat(parent, os(name), FOLDER | OFlags::NOFOLLOW, Mode::empty())
}

/// Makes a folder of a folder where it is missing, and opens it.
pub(crate) fn made_subfolder(parent: &OwnedFd, name: &str) -> Result<OwnedFd, Errno> {
    match mkdirat(parent, os(name), FOLDER_MODE) {
        Ok(()) | Err(Errno::EXIST) => subfolder(parent, name),
        Err(error) => Err(error),
    }
}

/// Opens a file of a folder for reading. A link in its place is `ELOOP`; a pipe nobody writes to
/// does not block.
pub(crate) fn file(parent: &OwnedFd, name: &str) -> Result<File, Errno> {
    let flags = OFlags::RDONLY | OFlags::NOFOLLOW | OFlags::NONBLOCK | OFlags::CLOEXEC;
    openat(parent, os(name), flags, Mode::empty()).map(File::from)
}

/// What stands at a name of a folder, links as links.
pub(crate) fn stat(parent: &OwnedFd, name: &str) -> Result<Option<Stat>, Errno> {
    match statat(parent, os(name), AtFlags::SYMLINK_NOFOLLOW) {
        Ok(stat) => Ok(Some(stat)),
        Err(Errno::NOENT) => Ok(None),
        Err(error) => Err(error),
    }
}

/// Names that are no text are written as one: each byte that is not valid UTF-8 as the character
/// this far beyond this one, in the last part of the range that is nobody's.
const RAW: u32 = 0x0010_ff00;
/// What every such character begins with.
const RAW_START: u8 = 0xf4;

/// The text of a name or path; `None` where it holds one of the characters that stand for a byte.
pub(crate) fn text(raw: &[u8]) -> Option<String> {
    let mut text = String::with_capacity(raw.len());
    for chunk in raw.utf8_chunks() {
        if chunk.valid().chars().any(|c| u32::from(c) >= RAW) {
            return None;
        }
        text.push_str(chunk.valid());
        let bytes = chunk.invalid().iter();
        text.extend(bytes.filter_map(|byte| char::from_u32(RAW + u32::from(*byte))));
    }
    Some(text)
}

/// The name or path that a text stands for.
pub(crate) fn os(text: &str) -> Cow<'_, OsStr> {
    if memchr::memchr(RAW_START, text.as_bytes()).is_none() {
        return Cow::Borrowed(OsStr::new(text));
    }
    let mut raw = Vec::with_capacity(text.len());
    for c in text.chars() {
        match u32::from(c).checked_sub(RAW).map(u8::try_from) {
            Some(Ok(byte)) => raw.push(byte),
            Some(Err(_)) | None => raw.extend_from_slice(c.encode_utf8(&mut [0; 4]).as_bytes()),
        }
    }
    Cow::Owned(OsString::from_vec(raw))
}

/// A path's folder, empty for the root, and its last part.
pub(crate) fn split(path: &str) -> (&str, &str) {
    path.rsplit_once('/').unwrap_or(("", path))
}

/// Whether a text is a path below a root: not empty, and no part that is empty, `.`, `..` or holds
/// a zero byte.
pub(crate) fn is_below(path: &str) -> bool {
    path.split('/').all(is_name)
}

/// Whether a text can be the name of one thing in a folder.
pub(crate) fn is_name(name: &str) -> bool {
    !matches!(name, "" | "." | "..") && !name.contains(['/', '\0'])
}

#[cfg(test)]
mod tests;
