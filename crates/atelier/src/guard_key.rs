//! The key from which placeholders follow: random bytes in a file beside the state.
//!
//! It is made at first use. Whoever copies the state's folder keeps its questions equal.

use std::{
    io::{ErrorKind, Write as _},
    os::unix::fs::OpenOptionsExt as _,
    path::{Path, PathBuf},
};

use atelier_seal::SealKey;
use rand::TryRng as _;

/// Name of the file.
const FILE: &str = "guard.key";

/// Bytes of the key.
const KEY_BYTES: usize = 32;

/// Why there is no key.
#[derive(Debug, thiserror::Error)]
pub(crate) enum GuardKeyError {
    /// The file could not be read or made.
    #[error("keep the key of placeholders in {}", path.display())]
    File {
        path: PathBuf,
        #[source]
        source: std::io::Error,
    },
    /// The file holds something else.
    #[error("read the key of placeholders in {}: it is not {KEY_BYTES} bytes long", .0.display())]
    Length(PathBuf),
    /// The system has no random bytes.
    #[error("draw a key for placeholders: the system gives no random bytes")]
    Chance,
}

impl GuardKeyError {
    /// What a person can do about it.
    pub(crate) fn hint(&self) -> String {
        match self {
            Self::File { path, .. } => {
                format!("make sure that {} may be read and written", path.display())
            }
            Self::Length(path) => format!(
                "delete {}; questions in which something was hidden are asked anew then",
                path.display()
            ),
            Self::Chance => "hide nothing with `-c guard=off`, or repair the system".to_owned(),
        }
    }
}

/// A key for a gateway that nobody is asked through.
pub(crate) fn unused() -> SealKey {
    SealKey::from_bytes([0; KEY_BYTES])
}

/// The key of a state's folder.
pub(crate) fn of(folder: &Path) -> Result<SealKey, GuardKeyError> {
    let path = folder.join(FILE);
    match std::fs::read(&path) {
        Ok(bytes) => read(&bytes, path),
        Err(error) if error.kind() == ErrorKind::NotFound => made(folder, path),
        Err(source) => Err(GuardKeyError::File { path, source }),
    }
}

fn read(bytes: &[u8], path: PathBuf) -> Result<SealKey, GuardKeyError> {
    SealKey::from_slice(bytes).ok_or(GuardKeyError::Length(path))
}

/// Makes the file whole under another name first: of two processes that begin at once, both have
/// the key of the one that comes first.
fn made(folder: &Path, path: PathBuf) -> Result<SealKey, GuardKeyError> {
    let mut bytes = [0; KEY_BYTES];
    let drawn = rand::rngs::SysRng.try_fill_bytes(&mut bytes);
    drawn.map_err(|_| GuardKeyError::Chance)?;
    let fresh = folder.join(format!("{FILE}.{}", std::process::id()));
    let placed = written(&fresh, &bytes).and_then(|()| std::fs::hard_link(&fresh, &path));
    // What is left of it would only be found again by nobody.
    let _ = std::fs::remove_file(&fresh);
    match placed {
        Ok(()) => Ok(SealKey::from_bytes(bytes)),
        Err(error) if error.kind() == ErrorKind::AlreadyExists && path.exists() => {
            let found = std::fs::read(&path);
            let found = found.map_err(|source| GuardKeyError::File {
                path: path.clone(),
                source,
            })?;
            read(&found, path)
        }
        Err(source) => Err(GuardKeyError::File { path, source }),
    }
}

fn written(path: &Path, bytes: &[u8]) -> std::io::Result<()> {
    let mut options = std::fs::OpenOptions::new();
    let mut file = options
        .write(true)
        .create_new(true)
        .mode(0o600)
        .open(path)?;
    file.write_all(bytes)?;
    file.sync_all()
}
