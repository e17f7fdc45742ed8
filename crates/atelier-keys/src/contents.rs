//! What lies in a key store, read from its file and written to it again.

use std::path::Path;

use atelier_seal::{SealKey, seal, unseal};
use serde::{Deserialize, Serialize, de::DeserializeOwned};
use serde_json::Value;

use crate::{Client, KeyStoreError, Lock, RandomError, StoredKey, hex, random};

/// The format that this program writes.
const FORMAT: u64 = 1;

/// What the sealed master key belongs to; part of the stored format.
const MASTER_LABEL: &[u8] = b"atelier master key 1";

/// The lists of the file.
pub(crate) const KEYS: &str = "keys";
pub(crate) const CLIENTS: &str = "clients";

/// What lies in a key store.
#[derive(Debug, Clone, Default)]
pub struct Contents {
    /// Keys of providers, in the order in which they were added.
    pub keys: Vec<StoredKey>,
    /// Keys of clients, in the order in which they were issued.
    pub clients: Vec<Client>,
    /// Rows that are not what this program writes. They stay in the file as they are.
    pub damaged: Vec<DamagedRow>,
    /// Whether a key was ever issued to a client, also if none of them is there any more.
    pub were_issued: bool,
    locked: Option<Locked>,
}

/// A row that is not what this program writes.
#[derive(Debug, Clone, PartialEq)]
pub struct DamagedRow {
    /// `keys` or `clients`.
    pub list: &'static str,
    /// Its place in the list, from 1.
    pub row: usize,
    /// Its id, where that can be read.
    pub id: Option<String>,
    /// What is wrong with it.
    pub why: String,
    raw: Value,
}

/// The master key behind its lock.
#[derive(Debug, Clone)]
struct Locked {
    lock: Lock,
    /// Tells another key from changed bytes.
    print: String,
    master: Vec<u8>,
}

/// The file as JSON.
#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Document {
    format: u64,
    lock: Option<LockDocument>,
    keys: Vec<Value>,
    clients: Vec<Value>,
    /// Files from before it was kept are without it.
    #[serde(default)]
    were_issued: bool,
}

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct LockDocument {
    with: Lock,
    print: String,
    #[serde(with = "hex::serde")]
    master: Vec<u8>,
}

/// As much of any format as tells which it is.
#[derive(Deserialize)]
struct Begin {
    format: u64,
}

impl Contents {
    /// Reads a file's text.
    pub(crate) fn parse(text: &str, path: &Path) -> Result<Self, KeyStoreError> {
        let damaged = |error: serde_json::Error| KeyStoreError::Damaged {
            path: path.to_owned(),
            why: error.to_string(),
        };
        let Begin { format } = serde_json::from_str(text).map_err(damaged)?;
        if format > FORMAT {
            return Err(KeyStoreError::Newer {
                path: path.to_owned(),
                found: format,
                known: FORMAT,
            });
        }
        let document: Document = serde_json::from_str(text).map_err(damaged)?;
        let were_issued = document.were_issued || !document.clients.is_empty();
        let mut rows = Vec::new();
        Ok(Self {
            keys: read(document.keys, KEYS, &mut rows),
            clients: read(document.clients, CLIENTS, &mut rows),
            damaged: rows,
            were_issued,
            locked: document.lock.map(|lock| Locked {
                lock: lock.with,
                print: lock.print,
                master: lock.master,
            }),
        })
    }

    /// The text of a file.
    pub(crate) fn text(&self) -> String {
        let lock = self.locked.clone().map(|locked| LockDocument {
            with: locked.lock,
            print: locked.print,
            master: locked.master,
        });
        let document = Document {
            format: FORMAT,
            lock,
            keys: written(&self.keys, KEYS, &self.damaged),
            clients: written(&self.clients, CLIENTS, &self.damaged),
            were_issued: self.were_issued || !self.clients.is_empty(),
        };
        // Texts and numbers are all it holds, and each of them can be written.
        let mut text = serde_json::to_string_pretty(&document).unwrap_or_default();
        text.push('\n');
        text
    }

    /// The lock, where there is a master key behind one.
    pub fn lock(&self) -> Option<&Lock> {
        self.locked.as_ref().map(|locked| &locked.lock)
    }

    /// The master key, by the key of its lock; `None` where there is none yet.
    pub(crate) fn master(
        &self,
        lock_key: &SealKey,
        path: &Path,
    ) -> Result<Option<SealKey>, KeyStoreError> {
        let Some(locked) = &self.locked else {
            return Ok(None);
        };
        if locked.print != lock_key.print().to_string() {
            return Err(KeyStoreError::WrongKey {
                path: path.to_owned(),
                kind: locked.lock.kind(),
            });
        }
        let opened = unseal(lock_key, MASTER_LABEL, &locked.master).ok();
        let master = opened.and_then(|bytes| SealKey::from_slice(&bytes));
        master.map(Some).ok_or_else(|| KeyStoreError::Damaged {
            path: path.to_owned(),
            why: "the sealed master key was changed".to_owned(),
        })
    }

    /// Puts a master key behind a lock.
    pub(crate) fn put_master(
        &mut self,
        lock: Lock,
        lock_key: &SealKey,
        master: &SealKey,
    ) -> Result<(), RandomError> {
        let sealed = seal(lock_key, random::bytes()?, MASTER_LABEL, master.expose());
        self.locked = Some(Locked {
            lock,
            print: lock_key.print().to_string(),
            master: sealed,
        });
        Ok(())
    }
}

/// The rows that can be read; the others are set aside.
fn read<T: DeserializeOwned>(
    rows: Vec<Value>,
    list: &'static str,
    damaged: &mut Vec<DamagedRow>,
) -> Vec<T> {
    let mut good = Vec::with_capacity(rows.len());
    for (index, raw) in rows.into_iter().enumerate() {
        match T::deserialize(&raw) {
            Ok(row) => good.push(row),
            Err(error) => damaged.push(DamagedRow {
                list,
                row: index + 1,
                id: raw.get("id").and_then(Value::as_str).map(str::to_owned),
                why: error.to_string(),
                raw,
            }),
        }
    }
    good
}

/// Rows as they are written: those that could not be read come last, as they were.
fn written<T: Serialize>(rows: &[T], list: &str, damaged: &[DamagedRow]) -> Vec<Value> {
    let good = rows.iter().filter_map(|row| serde_json::to_value(row).ok());
    let kept = damaged.iter().filter(|row| row.list == list);
    good.chain(kept.map(|row| row.raw.clone())).collect()
}
