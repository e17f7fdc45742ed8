//! The file of keys: read whole, changed under a lock, and replaced in one step.

use std::{
    fs::{self, File, OpenOptions, TryLockError},
    io::{self, Read as _},
    os::unix::fs::{MetadataExt as _, OpenOptionsExt as _},
    path::{Path, PathBuf},
    thread,
    time::Duration,
};

use atelier_model::Timestamp;
use atelier_seal::{SealKey, Secret};

use crate::{
    Client, ClientTerms, Contents, Issued, KeyState, KeyStoreError, Lock, StoredKey,
    contents::CLIENTS, key_file, random,
};

/// Rows of each kind, revoked ones included.
const ROWS_MAX: usize = 10_000;

/// Characters of a name.
pub(crate) const NAME_CHARS_MAX: usize = 128;

/// Bytes of the file that are read: far more than so many rows have.
const FILE_BYTES_MAX: u64 = 64 << 20;

/// Looks at the lock of the file before giving up, and milliseconds between two looks.
const LOCK_LOOKS_MAX: u32 = 500;
const LOCK_LOOK_MS: u64 = 10;

/// The file in which a user's keys lie.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct KeyStore {
    path: PathBuf,
}

/// What differs after every change of the file.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Stamp {
    inode: u64,
    bytes: u64,
    changed_s: i64,
    changed_ns: i64,
}

impl KeyStore {
    /// The store in a file, which need not be there yet.
    pub fn at(path: impl Into<PathBuf>) -> Self {
        Self { path: path.into() }
    }

    /// The file.
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// What lies in it; nothing where the file is not there.
    pub fn read(&self) -> Result<Contents, KeyStoreError> {
        let failed = |source| KeyStoreError::Read {
            path: self.path.clone(),
            source,
        };
        let file = match File::open(&self.path) {
            Ok(file) => file,
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(Contents::default()),
            Err(error) => return Err(failed(error)),
        };
        let mut text = String::new();
        let read = file.take(FILE_BYTES_MAX).read_to_string(&mut text);
        read.map_err(failed)?;
        Contents::parse(&text, &self.path)
    }

    /// What tells this state of the file from every other; `None` where it is not there.
    pub(crate) fn stamp(&self) -> Option<Stamp> {
        let data = fs::metadata(&self.path).ok()?;
        Some(Stamp {
            inode: data.ino(),
            bytes: data.len(),
            changed_s: data.ctime(),
            changed_ns: data.ctime_nsec(),
        })
    }

    /// The master key, by the key of its lock.
    pub fn open(&self, lock_key: &SealKey) -> Result<Option<SealKey>, KeyStoreError> {
        self.read()?.master(lock_key, &self.path)
    }

    /// The master key; a new one behind this lock where there is none.
    pub fn begin(&self, lock: Lock, lock_key: &SealKey) -> Result<SealKey, KeyStoreError> {
        if let Some(master) = self.open(lock_key)? {
            return Ok(master);
        }
        self.change(|contents| {
            // Another process may have been first.
            if let Some(master) = contents.master(lock_key, &self.path)? {
                return Ok(master);
            }
            let master = random::key()?;
            contents.put_master(lock, lock_key, &master)?;
            Ok(master)
        })
    }

    /// Puts the master key behind another lock. Nothing that was sealed with it changes.
    pub fn relock(
        &self,
        old_lock_key: &SealKey,
        lock: Lock,
        lock_key: &SealKey,
    ) -> Result<(), KeyStoreError> {
        self.change(|contents| {
            let master = match contents.master(old_lock_key, &self.path)? {
                Some(master) => master,
                None => random::key()?,
            };
            Ok(contents.put_master(lock, lock_key, &master)?)
        })
    }

    /// Keeps a key of a provider under a name that no usable key of that provider has.
    pub fn key_add(
        &self,
        master: &SealKey,
        (provider, name): (&str, &str),
        secret: &Secret,
        now: Timestamp,
    ) -> Result<StoredKey, KeyStoreError> {
        plain(name)?;
        self.change(|contents| {
            let mut named = contents.keys.iter().filter(|key| key.is_usable());
            if let Some(key) = named.find(|key| key.provider == provider && key.name == name) {
                return Err(taken(name, &key.id));
            }
            put_key(contents, master, (provider, name), secret, now)
        })
    }

    /// Keeps a new value for a named key of a provider. The values before it are used only where
    /// the new one fails, until they are revoked.
    pub fn key_rotate(
        &self,
        master: &SealKey,
        named: &str,
        secret: &Secret,
        now: Timestamp,
    ) -> Result<StoredKey, KeyStoreError> {
        self.change(|contents| {
            let active = |key: &StoredKey| key.state == KeyState::Active && key.is_named(named);
            let found: Vec<&StoredKey> = contents.keys.iter().filter(|key| active(key)).collect();
            let old = one(&found, named, |key| &key.id)?;
            let (provider, name) = (old.provider.clone(), old.name.clone());
            let same = contents.keys.iter_mut();
            for key in same.filter(|key| key.provider == provider && key.name == name) {
                key.retire(now);
            }
            put_key(contents, master, (&provider, &name), secret, now)
        })
    }

    /// Revokes a key of a provider: it is never used again, and its value is gone.
    pub fn key_revoke(&self, named: &str, now: Timestamp) -> Result<StoredKey, KeyStoreError> {
        self.change(|contents| {
            let meant = |key: &StoredKey| key.state != KeyState::Revoked && key.is_named(named);
            let found: Vec<&StoredKey> = contents.keys.iter().filter(|key| meant(key)).collect();
            let id = one(&found, named, |key| &key.id)?.id.clone();
            let key = contents.keys.iter_mut().find(|key| key.id == id);
            let key = key.ok_or_else(|| no_such(named))?;
            key.revoke(now);
            Ok(key.clone())
        })
    }

    /// Issues a key to a client.
    pub fn client_issue(
        &self,
        name: &str,
        mut terms: ClientTerms,
        now: Timestamp,
    ) -> Result<Issued, KeyStoreError> {
        plain(name)?;
        for model in &mut terms.models {
            *model = model.trim().to_owned();
        }
        opens_something(&terms, now)?;
        self.change(|contents| {
            let mut open = contents.clients.iter().filter(|client| client.is_open(now));
            if let Some(client) = open.find(|client| client.name == name) {
                return Err(KeyStoreError::ClientNameTaken {
                    name: name.to_owned(),
                    id: client.id.clone(),
                });
            }
            bounded(contents.clients.len())?;
            let issued = Client::issue(name, terms, now)?;
            contents.clients.push(issued.client.clone());
            Ok(issued)
        })
    }

    /// Revokes a key of a client: it opens nothing from the next request on.
    pub fn client_revoke(&self, named: &str, now: Timestamp) -> Result<Client, KeyStoreError> {
        self.change(|contents| {
            let meant = |client: &Client| {
                client.revoked_at.is_none()
                    && [&client.id, &client.name].iter().any(|&n| n == named)
            };
            let found: Vec<&Client> = contents.clients.iter().filter(|one| meant(one)).collect();
            let id = one(&found, named, |client| &client.id)?.id.clone();
            let client = contents.clients.iter_mut().find(|client| client.id == id);
            let client = client.ok_or_else(|| no_such(named))?;
            client.revoked_at = Some(now);
            Ok(client.clone())
        })
    }

    /// Removes what is revoked, and says how many rows that were. Whoever has issued keys does not
    /// let everybody in by that.
    pub fn forget_revoked(&self) -> Result<usize, KeyStoreError> {
        self.change(|contents| {
            let before = contents.keys.len() + contents.clients.len();
            contents.keys.retain(|key| key.state != KeyState::Revoked);
            contents
                .clients
                .retain(|client| client.revoked_at.is_none());
            Ok(before - contents.keys.len() - contents.clients.len())
        })
    }

    /// Forgets that keys were ever issued to clients, so that a gateway which is started from now on
    /// lets everybody on this machine in. Refused while there is a key that is not revoked.
    pub fn forget_issuing(&self) -> Result<(), KeyStoreError> {
        self.change(|contents| {
            let mut left = contents.clients.iter();
            if let Some(client) = left.find(|client| client.revoked_at.is_none()) {
                let id = client.id.clone();
                return Err(KeyStoreError::StillIssued { id });
            }
            if let Some(row) = contents.damaged.iter().find(|row| row.list == CLIENTS) {
                let id = row.id.clone().unwrap_or_else(|| format!("row {}", row.row));
                return Err(KeyStoreError::StillIssued { id });
            }
            contents.clients.clear();
            contents.were_issued = false;
            Ok(())
        })
    }

    /// Changes the contents, one process at a time. Where the change fails, nothing is written;
    /// whoever reads meanwhile reads all of the old file or all of the new one.
    fn change<T>(
        &self,
        change: impl FnOnce(&mut Contents) -> Result<T, KeyStoreError>,
    ) -> Result<T, KeyStoreError> {
        let failed = |source| KeyStoreError::Write {
            path: self.path.clone(),
            source,
        };
        key_file::folder_create(&self.path).map_err(failed)?;
        let _lock = self.hold()?;
        let mut contents = self.read()?;
        let changed = change(&mut contents)?;
        let draft = key_file::draft_of(&self.path, &random::id("")?);
        let written = key_file::write_new(&draft, contents.text().as_bytes());
        let replaced = written.and_then(|()| fs::rename(&draft, &self.path));
        if let Err(source) = replaced {
            // What is half written is of no use, and not being able to remove it changes nothing.
            let _ = fs::remove_file(&draft);
            return Err(failed(source));
        }
        if let Some(folder) = self.path.parent() {
            File::open(folder)
                .and_then(|folder| folder.sync_all())
                .map_err(failed)?;
        }
        Ok(changed)
    }

    /// Waits for the right to change the file; the system gives it back when the lock is dropped.
    fn hold(&self) -> Result<File, KeyStoreError> {
        let path = self.path.with_extension("lock");
        let failed = |source| KeyStoreError::Write {
            path: path.clone(),
            source,
        };
        let mut options = OpenOptions::new();
        options.write(true).create(true).truncate(false).mode(0o600);
        let file = options.open(&path).map_err(failed)?;
        for _ in 0..LOCK_LOOKS_MAX {
            match file.try_lock() {
                Ok(()) => return Ok(file),
                Err(TryLockError::WouldBlock) => thread::sleep(Duration::from_millis(LOCK_LOOK_MS)),
                Err(TryLockError::Error(source)) => return Err(failed(source)),
            }
        }
        Err(KeyStoreError::Busy { path })
    }
}

fn put_key(
    contents: &mut Contents,
    master: &SealKey,
    of: (&str, &str),
    secret: &Secret,
    now: Timestamp,
) -> Result<StoredKey, KeyStoreError> {
    if secret.is_empty() {
        return Err(KeyStoreError::EmptyValue);
    }
    bounded(contents.keys.len())?;
    let key = StoredKey::new(master, of, secret, now)?;
    contents.keys.push(key.clone());
    Ok(key)
}

/// The only one of those that were found.
fn one<'a, T>(
    found: &[&'a T],
    named: &str,
    id: impl Fn(&T) -> &String,
) -> Result<&'a T, KeyStoreError> {
    match found {
        [] => Err(no_such(named)),
        [one] => Ok(one),
        several => {
            let ids: Vec<&str> = several.iter().map(|row| id(row).as_str()).collect();
            Err(KeyStoreError::Ambiguous {
                name: named.to_owned(),
                ids: ids.join(", "),
            })
        }
    }
}

fn no_such(name: &str) -> KeyStoreError {
    KeyStoreError::NoSuchKey {
        name: name.to_owned(),
    }
}

fn taken(name: &str, id: &str) -> KeyStoreError {
    KeyStoreError::NameTaken {
        name: name.to_owned(),
        id: id.to_owned(),
    }
}

/// Refuses a name that cannot be shown on one line.
fn plain(name: &str) -> Result<(), KeyStoreError> {
    let is_plain = !name.trim().is_empty() && !name.chars().any(char::is_control);
    if !is_plain || name.chars().count() > NAME_CHARS_MAX {
        return Err(KeyStoreError::NoName);
    }
    Ok(())
}

/// Refuses terms under which a key would be of no use to anybody.
fn opens_something(terms: &ClientTerms, now: Timestamp) -> Result<(), KeyStoreError> {
    let why = if terms.requests_per_minute == Some(0) {
        "no request a minute is allowed"
    } else if terms.models.iter().any(String::is_empty) {
        "one of its models has no name"
    } else if terms.expires_at.is_some_and(|end| end <= now) {
        "its time is over"
    } else {
        return Ok(());
    };
    Err(KeyStoreError::OpensNothing { why })
}

fn bounded(rows: usize) -> Result<(), KeyStoreError> {
    if rows >= ROWS_MAX {
        return Err(KeyStoreError::TooMany { max: ROWS_MAX });
    }
    Ok(())
}
