//! Files that are written whole or not at all, wherever a user says they go.

use std::{
    ffi::OsString,
    fs::{self, File},
    io::{self, Write},
    os::unix::fs::OpenOptionsExt,
    path::{Path, PathBuf},
};

/// Rights of a file that anybody may read.
pub(crate) const MODE: u32 = 0o666;
/// Rights of what was asked and answered: nobody else who uses this machine has business in it.
pub(crate) const MODE_OF_SECRETS: u32 = 0o600;

/// Where a file is written that a user names.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Place {
    /// There, once it is whole: a link stays a link to it.
    File(PathBuf),
    /// Straight into a device or a pipe, which nothing can take the place of.
    Stream(PathBuf),
}

impl Place {
    /// Where a path leads.
    pub(crate) fn of(path: &Path) -> io::Result<Self> {
        match fs::metadata(path) {
            Ok(found) if found.is_file() => Ok(Self::File(fs::canonicalize(path)?)),
            Ok(found) if found.is_dir() => Err(io::ErrorKind::IsADirectory.into()),
            Ok(_) => Ok(Self::Stream(path.to_owned())),
            Err(error) if error.kind() == io::ErrorKind::NotFound => {
                Ok(Self::File(path.to_owned()))
            }
            Err(error) => Err(error),
        }
    }
}

/// The name of a file while it is not whole.
pub(crate) fn unfinished(file: &Path) -> PathBuf {
    let mut name: OsString = file.as_os_str().to_owned();
    name.push(".new");
    PathBuf::from(name)
}

/// Writes a file whole: whoever opens it meanwhile finds the one before. A new one has these rights.
pub(crate) fn write(path: &Path, bytes: &[u8], mode: u32) -> io::Result<()> {
    let file = match Place::of(path)? {
        Place::File(file) => file,
        Place::Stream(stream) => {
            return File::options().write(true).open(stream)?.write_all(bytes);
        }
    };
    let fresh = unfinished(&file);
    let put = || {
        let mut options = File::options();
        let options = options.write(true).create(true).truncate(true).mode(mode);
        let mut draft = options.open(&fresh)?;
        draft.write_all(bytes)?;
        draft.sync_all()?;
        fs::rename(&fresh, &file)
    };
    put().inspect_err(|_| {
        // Nothing is to be left beside a file that could not be replaced.
        let _ = fs::remove_file(&fresh);
    })
}

#[cfg(test)]
mod tests;
