//! The key file: one key, readable by its owner alone.

use std::{
    fs::{self, File, OpenOptions},
    io::{self, Read as _, Write as _},
    os::unix::fs::{DirBuilderExt as _, OpenOptionsExt as _, PermissionsExt as _},
    path::{Path, PathBuf},
};

use atelier_seal::{SealKey, Secret};
use zeroize::Zeroizing;

use crate::{KeyStoreError, RandomError, hex, random};

/// Bytes of the file that are read: a key, and perhaps a line end.
const BYTES_MAX: u64 = 256;

/// What others than the owner may do.
const OTHERS: u32 = 0o077;

/// The key in a key file; `None` where there is no such file.
pub fn key_file_read(path: &Path) -> Result<Option<SealKey>, KeyStoreError> {
    let failed = |source| KeyStoreError::Read {
        path: path.to_owned(),
        source,
    };
    let file = match File::open(path) {
        Ok(file) => file,
        Err(error) if is_missing(&error) => return Ok(None),
        Err(error) => return Err(failed(error)),
    };
    let mode = file.metadata().map_err(failed)?.permissions().mode() & 0o777;
    if mode & OTHERS != 0 {
        return Err(KeyStoreError::OpenToOthers {
            path: path.to_owned(),
            mode,
        });
    }
    let mut text = Zeroizing::new(Vec::new());
    file.take(BYTES_MAX)
        .read_to_end(&mut text)
        .map_err(failed)?;
    let damaged = || KeyStoreError::KeyFileDamaged {
        path: path.to_owned(),
    };
    lock_key_of(&text).map(Some).ok_or_else(damaged)
}

/// Whether there is no such file, or not even a folder where it could be.
fn is_missing(error: &io::Error) -> bool {
    let kind = error.kind();
    kind == io::ErrorKind::NotFound || kind == io::ErrorKind::NotADirectory
}

/// The key in a key file, which is made where there is none. Of several processes that make it at
/// once, all get the key of the first.
pub fn key_file_create(path: &Path) -> Result<SealKey, KeyStoreError> {
    if let Some(key) = key_file_read(path)? {
        return Ok(key);
    }
    let failed = |source| KeyStoreError::Write {
        path: path.to_owned(),
        source,
    };
    folder_create(path).map_err(failed)?;
    let key = random::key()?;
    let draft = draft_of(path, &random::id("")?);
    let text = lock_key_text(&key);
    let written = write_new(&draft, text.expose().as_bytes());
    // A link, unlike a rename, never takes the place of what is there.
    let linked = written.and_then(|()| fs::hard_link(&draft, path));
    // The draft has served, or was never there.
    let _ = fs::remove_file(&draft);
    match linked {
        Ok(()) => Ok(key),
        Err(error) if error.kind() == io::ErrorKind::AlreadyExists => {
            let read = key_file_read(path)?;
            read.ok_or_else(|| failed(io::ErrorKind::NotFound.into()))
        }
        Err(error) => Err(failed(error)),
    }
}

/// A fresh key for a lock that is neither a file nor a passphrase.
pub fn lock_key_new() -> Result<SealKey, RandomError> {
    random::key()
}

/// A key as it is kept where only texts are.
pub fn lock_key_text(key: &SealKey) -> Secret {
    Secret::new(&Zeroizing::new(hex::encode(key.expose())))
}

/// The key of such a text; `None` where it is none.
pub fn lock_key_of(text: &[u8]) -> Option<SealKey> {
    let text = std::str::from_utf8(text).ok()?;
    let bytes = Zeroizing::new(hex::decode(text.trim())?);
    SealKey::from_slice(&bytes)
}

/// Makes the folder of a file, for its owner alone.
pub(crate) fn folder_create(path: &Path) -> io::Result<()> {
    let Some(folder) = path.parent() else {
        return Ok(());
    };
    fs::DirBuilder::new()
        .recursive(true)
        .mode(0o700)
        .create(folder)
}

/// A file that is written beside another before it takes its place.
pub(crate) fn draft_of(path: &Path, id: &str) -> PathBuf {
    let mut name = path.file_name().unwrap_or_default().to_owned();
    name.push(format!(".{id}.draft"));
    path.with_file_name(name)
}

/// Writes a file that was not there, for its owner alone, and waits until it is on the disk.
pub(crate) fn write_new(path: &Path, bytes: &[u8]) -> io::Result<()> {
    let mut options = OpenOptions::new();
    let mut file = options
        .write(true)
        .create_new(true)
        .mode(0o600)
        .open(path)?;
    file.write_all(bytes)?;
    file.sync_all()
}
