//! Why a key store could not do what it was asked, and what to do about it.

use std::{io, path::PathBuf};

use crate::{LockKind, RandomError, store::NAME_CHARS_MAX};

/// Why a key store could not do what it was asked. Nothing in it was changed.
#[derive(Debug, thiserror::Error)]
pub enum KeyStoreError {
    /// A file could not be read.
    #[error("read {}", .path.display())]
    Read {
        /// Its path.
        path: PathBuf,
        /// What the system said.
        #[source]
        source: io::Error,
    },
    /// A file could not be written.
    #[error("write {}", .path.display())]
    Write {
        /// Its path.
        path: PathBuf,
        /// What the system said.
        #[source]
        source: io::Error,
    },
    /// Another process is changing the store and does not finish.
    #[error("change {}: another process is changing it", .path.display())]
    Busy {
        /// Its path.
        path: PathBuf,
    },
    /// The file is not what this program writes.
    #[error("read {}: {why}", .path.display())]
    Damaged {
        /// Its path.
        path: PathBuf,
        /// What is wrong with it, and where.
        why: String,
    },
    /// The file was written by a newer program.
    #[error("read {} of format {found}: this program knows format {known}", .path.display())]
    Newer {
        /// Its path.
        path: PathBuf,
        /// The format that stands there.
        found: u64,
        /// The newest that this program knows.
        known: u64,
    },
    /// One key cannot be opened, though the lock was right.
    #[error("open {id} in {}: it was changed or moved", .path.display())]
    DamagedKey {
        /// The path of the file.
        path: PathBuf,
        /// The key.
        id: String,
    },
    /// Others than its owner can read the key file.
    #[error("trust {}: others can read it (mode {mode:03o})", .path.display())]
    OpenToOthers {
        /// Its path.
        path: PathBuf,
        /// Its mode.
        mode: u32,
    },
    /// The key file is gone.
    #[error("find {}, the file whose key opens {}", .key_file.display(), .path.display())]
    KeyFileMissing {
        /// Its path.
        key_file: PathBuf,
        /// The path of the store.
        path: PathBuf,
    },
    /// The key file holds no key.
    #[error("read a key in {}: there are no 64 hexadecimal digits", .path.display())]
    KeyFileDamaged {
        /// Its path.
        path: PathBuf,
    },
    /// The key is not the one that locked the store.
    #[error("open {} with this {}: it is another one", .path.display(), noun(*.kind))]
    WrongKey {
        /// The path of the store.
        path: PathBuf,
        /// What kind of lock it is.
        kind: LockKind,
    },
    /// The costs of a passphrase in the file are none that this program pays.
    #[error("make a key of the passphrase: its costs in the key store are out of bounds")]
    PassphraseCosts,
    /// There is no such key.
    #[error("find a key `{name}` that is not revoked")]
    NoSuchKey {
        /// Its name or id.
        name: String,
    },
    /// Several keys have that name.
    #[error("tell which key `{name}` is meant: {ids} have that name")]
    Ambiguous {
        /// The name.
        name: String,
        /// Their ids.
        ids: String,
    },
    /// A name is taken.
    #[error("use the name `{name}`: {id} has it")]
    NameTaken {
        /// The name.
        name: String,
        /// Who has it.
        id: String,
    },
    /// A client's name is taken.
    #[error("use the name `{name}`: {id} has it")]
    ClientNameTaken {
        /// The name.
        name: String,
        /// Who has it.
        id: String,
    },
    /// A key has no name, or one that cannot be shown.
    #[error("keep a key without a plain name of at most {NAME_CHARS_MAX} characters")]
    NoName,
    /// A key would open nothing.
    #[error("issue a key that opens nothing: {why}")]
    OpensNothing {
        /// Which of its terms shuts everything.
        why: &'static str,
    },
    /// Somebody still has a key.
    #[error("let everybody in while {id} is issued")]
    StillIssued {
        /// The key, or its row.
        id: String,
    },
    /// There is nothing in the value.
    #[error("keep an empty key")]
    EmptyValue,
    /// There is no more room.
    #[error("keep more than {max} keys")]
    TooMany {
        /// The most there may be.
        max: usize,
    },
    /// The system gave no random bytes.
    #[error(transparent)]
    Random(#[from] RandomError),
}

impl KeyStoreError {
    /// What a person can do about it.
    pub fn hint(&self) -> String {
        match self {
            Self::Read { path, .. } | Self::Write { path, .. } => {
                let folder = path.parent().unwrap_or(path).display();
                format!("check that {folder} can be read and written by you alone")
            }
            Self::Busy { .. } => {
                "try again; if it goes on, see which atelier still runs".to_owned()
            }
            Self::Damaged { path, .. } => format!(
                "restore {path} from a backup; nothing is written to it as it is. To begin anew, move it away and add the keys again",
                path = path.display()
            ),
            Self::Newer { .. } => "update atelier".to_owned(),
            Self::DamagedKey { id, .. } => {
                format!(
                    "`atelier keys revoke {id}`, and add the key again; the others are as they were"
                )
            }
            Self::OpenToOthers { path, .. } => {
                format!(
                    "chmod 600 {}; if others could have read it, exchange the keys too",
                    path.display()
                )
            }
            Self::KeyFileMissing { key_file, path } => format!(
                "restore {} from a backup; without it nobody reads the keys. To begin anew, move {} away and add the keys again",
                key_file.display(),
                path.display()
            ),
            Self::KeyFileDamaged { path } => {
                format!("restore {} from a backup", path.display())
            }
            Self::WrongKey { kind, .. } => match kind {
                LockKind::File => "restore the key file that belongs to it".to_owned(),
                LockKind::Keyring => "log in to the keyring in which the key lies".to_owned(),
                LockKind::Passphrase => "try again; nothing is lost".to_owned(),
            },
            Self::PassphraseCosts => "restore the key store from a backup".to_owned(),
            Self::NoSuchKey { .. } => {
                "`atelier keys list` and `atelier keys clients` show which there are".to_owned()
            }
            Self::Ambiguous { .. } => "name one of them by its id".to_owned(),
            Self::NameTaken { .. } => {
                "choose another name, or exchange its value with `atelier keys rotate`".to_owned()
            }
            Self::ClientNameTaken { id, .. } => {
                format!("choose another name, or `atelier keys revoke {id}` first")
            }
            Self::NoName => "write a name on one line".to_owned(),
            Self::OpensNothing { .. } => "change that, or leave it out".to_owned(),
            Self::StillIssued { .. } => {
                "`atelier keys clients` shows who has a key; `atelier keys revoke` takes it back"
                    .to_owned()
            }
            Self::EmptyValue => {
                "pass the key on standard input, such as `atelier keys add openai < file`"
                    .to_owned()
            }
            Self::TooMany { .. } => "`atelier keys forget` removes revoked ones".to_owned(),
            Self::Random(_) => "check that the system can give random bytes".to_owned(),
        }
    }
}

fn noun(kind: LockKind) -> &'static str {
    match kind {
        LockKind::File => "key file",
        LockKind::Keyring => "keyring",
        LockKind::Passphrase => "passphrase",
    }
}
