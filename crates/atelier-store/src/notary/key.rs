//! The signing key on disk, and the public keys that count.

use std::{
    collections::BTreeSet,
    fs::{self, File, OpenOptions},
    io::{self, Write as _},
    os::unix::fs::{MetadataExt as _, OpenOptionsExt as _},
    path::{Path, PathBuf},
};

use super::{NotaryError, SEED_BYTES, bytes, hex};

/// Public keys that are read at most.
const KEYS_MAX: usize = 1_000;
/// Digits of a key in hex.
const KEY_DIGITS: usize = 64;
/// Rights of a group and of others.
const FOREIGN_RIGHTS: u32 = 0o077;

fn failed(path: &Path) -> impl Fn(io::Error) -> NotaryError + '_ {
    |source| NotaryError::File {
        path: path.to_owned(),
        source,
    }
}

/// The key in the folder; `fresh` becomes it where there is none.
pub(super) fn seed(
    folder: &Path,
    fresh: &[u8; SEED_BYTES],
) -> Result<[u8; SEED_BYTES], NotaryError> {
    let path = folder.join("key");
    match fs::read_to_string(&path) {
        Ok(text) => parsed(&path, &text),
        Err(error) if error.kind() == io::ErrorKind::NotFound => {
            create(folder, &path, fresh)?;
            // Another process may have been first: what is there counts.
            let text = fs::read_to_string(&path).map_err(failed(&path))?;
            parsed(&path, &text)
        }
        Err(error) => Err(failed(&path)(error)),
    }
}

fn parsed(path: &Path, text: &str) -> Result<[u8; SEED_BYTES], NotaryError> {
    let mode = fs::metadata(path).map_err(failed(path))?.mode();
    if mode & FOREIGN_RIGHTS != 0 {
        return Err(NotaryError::Exposed(path.to_owned()));
    }
    let seed = bytes(text.trim_end()).and_then(|bytes| bytes.try_into().ok());
    seed.ok_or_else(|| NotaryError::NoKey(path.to_owned()))
}

/// Puts a key in place, whole or not at all, unless there is one.
fn create(folder: &Path, path: &Path, fresh: &[u8; SEED_BYTES]) -> Result<(), NotaryError> {
    fs::create_dir_all(folder).map_err(failed(folder))?;
    let name = format!("key.{}", &hex(&blake(fresh))[..16]);
    let unfinished: PathBuf = folder.join(name);
    let written = OpenOptions::new()
        .write(true)
        .create_new(true)
        .mode(0o600)
        .open(&unfinished)
        .and_then(|mut file| {
            writeln!(file, "{}", hex(fresh))?;
            file.sync_all()
        });
    written.map_err(failed(&unfinished))?;
    let linked = fs::hard_link(&unfinished, path);
    fs::remove_file(&unfinished).map_err(failed(&unfinished))?;
    match linked {
        Err(error) if error.kind() != io::ErrorKind::AlreadyExists => Err(failed(path)(error)),
        Ok(()) | Err(_) => Ok(()),
    }
}

/// A name that tells nothing of the key.
fn blake(fresh: &[u8; SEED_BYTES]) -> [u8; SEED_BYTES] {
    *atelier_model::Digest::of(fresh).as_bytes()
}

/// Notes that this public key counts, also once another one signs.
pub(super) fn trust(folder: &Path, key: &str) -> Result<(), NotaryError> {
    let trusted = folder.join("trusted");
    let path = trusted.join(key);
    if fs::exists(&path).map_err(failed(&path))? {
        return Ok(());
    }
    fs::create_dir_all(&trusted).map_err(failed(&trusted))?;
    File::create(&path).map_err(failed(&path))?;
    Ok(())
}

/// The public keys that count.
pub(super) fn trusted(folder: &Path) -> Result<BTreeSet<String>, NotaryError> {
    let path = folder.join("trusted");
    let entries = match fs::read_dir(&path) {
        Ok(entries) => entries,
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(BTreeSet::new()),
        Err(error) => return Err(failed(&path)(error)),
    };
    let mut keys = BTreeSet::new();
    for entry in entries.take(KEYS_MAX) {
        let name = entry.map_err(failed(&path))?.file_name();
        let key = name.to_str().filter(|key| key.len() == KEY_DIGITS);
        keys.extend(key.filter(|key| bytes(key).is_some()).map(str::to_owned));
    }
    Ok(keys)
}
