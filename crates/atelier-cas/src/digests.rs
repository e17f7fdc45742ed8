//! The digests of files by their signatures: an unchanged file is not read again.

use std::{
    collections::HashMap,
    fs::{File, OpenOptions},
    hash::{BuildHasherDefault, Hasher},
    io,
    path::Path,
    sync::{Mutex, PoisonError, RwLock},
};

use atelier_model::Digest;

use crate::{
    codec::{Reader, Writer},
    frame,
    signature::Signature,
};

/// Entries of one frame: what a damaged frame costs is reading so many files again.
const FRAME_ENTRIES: usize = 1024;

/// A path of a workspace, digested: equal for equal paths of equal roots, and for no others.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(crate) struct PathKey(u128);

/// Makes the keys of one root's paths.
#[derive(Debug, Clone)]
pub(crate) struct PathKeys([u8; 32]);

impl PathKeys {
    pub(crate) fn of(root: &Path) -> Self {
        let root = root.as_os_str().as_encoded_bytes();
        Self(blake3::derive_key("atelier-cas: paths of a root", root))
    }

    pub(crate) fn key(&self, path: &str) -> PathKey {
        let mut key = [0; 16];
        key.copy_from_slice(&blake3::keyed_hash(&self.0, path.as_bytes()).as_bytes()[..16]);
        PathKey(u128::from_le_bytes(key))
    }
}

/// A key is a digest already; half of it is its hash.
#[derive(Debug, Default)]
struct KeyHasher(u64);

impl Hasher for KeyHasher {
    fn finish(&self) -> u64 {
        self.0
    }

    fn write(&mut self, bytes: &[u8]) {
        for chunk in bytes.chunks(8) {
            let mut word = [0; 8];
            word[..chunk.len()].copy_from_slice(chunk);
            self.0 ^= u64::from_le_bytes(word);
        }
    }

    fn write_u128(&mut self, key: u128) {
        let [a, b, c, d, e, f, g, h, ..] = key.to_le_bytes();
        self.0 = u64::from_le_bytes([a, b, c, d, e, f, g, h]);
    }
}

/// What is known of the file at a path.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Known {
    pub(crate) signature: Signature,
    pub(crate) digest: Digest,
    /// Whether every change since must show in the signature.
    pub(crate) settled: bool,
}

type Entries = HashMap<PathKey, Known, BuildHasherDefault<KeyHasher>>;

/// Every digest that is known, and the log it is kept in.
#[derive(Debug)]
pub(crate) struct Digests {
    known: RwLock<Entries>,
    fresh: Mutex<Vec<PathKey>>,
    log: File,
    entries_max: usize,
}

impl Digests {
    pub(crate) fn open(path: &Path, entries_max: usize) -> io::Result<Self> {
        let log = OpenOptions::new()
            .read(true)
            .append(true)
            .create(true)
            .open(path)?;
        let mut known = Entries::default();
        let mut entries = 0;
        frame::scan(&log, 0, |_, content| {
            let mut reader = Reader::new(content);
            if known.is_empty() {
                known.reserve(content.len() / ENTRY_BYTES);
            }
            while let Some((key, entry)) = read(&mut reader) {
                entries += 1;
                if known.len() < entries_max || known.contains_key(&key) {
                    known.insert(key, entry);
                }
            }
        })?;
        let digests = Self {
            known: RwLock::new(known),
            fresh: Mutex::new(Vec::new()),
            log,
            entries_max,
        };
        Ok(digests)
    }

    /// What is known of some paths, for as long as the closure looks at it.
    pub(crate) fn look<R>(&self, look: impl FnOnce(&dyn Fn(PathKey) -> Option<Known>) -> R) -> R {
        let known = self.known.read().unwrap_or_else(PoisonError::into_inner);
        look(&|key| known.get(&key).copied())
    }

    /// Takes what was found out.
    pub(crate) fn learn(&self, entries: &[(PathKey, Known)]) {
        if entries.is_empty() {
            return;
        }
        let mut known = self.known.write().unwrap_or_else(PoisonError::into_inner);
        let mut fresh = self.fresh.lock().unwrap_or_else(PoisonError::into_inner);
        for (key, entry) in entries {
            if known.len() < self.entries_max || known.contains_key(key) {
                known.insert(*key, *entry);
                fresh.push(*key);
            }
        }
    }

    /// Writes what was learnt since the last time.
    pub(crate) fn save(&self) -> io::Result<()> {
        let known = self.known.read().unwrap_or_else(PoisonError::into_inner);
        let mut fresh = self.fresh.lock().unwrap_or_else(PoisonError::into_inner);
        if fresh.is_empty() {
            return Ok(());
        }
        // One thing learnt twice is written once, as it is now.
        fresh.sort_unstable_by_key(|key| key.0);
        fresh.dedup();
        let entries = fresh
            .iter()
            .filter_map(|key| known.get(key).map(|entry| (key, entry)));
        frame::append(&self.log, &frames(entries)?)?;
        fresh.clear();
        Ok(())
    }
}

/// Bytes of an entry: key, signature, digest, whether it is settled.
const ENTRY_BYTES: usize = 16 + 44 + 32 + 1;

fn frames<'a>(entries: impl Iterator<Item = (&'a PathKey, &'a Known)>) -> io::Result<Vec<u8>> {
    let mut frames = Vec::new();
    let mut content = Writer::default();
    let mut count = 0;
    for (key, entry) in entries {
        write(&mut content, *key, entry);
        count += 1;
        if count % FRAME_ENTRIES == 0 {
            frame::push(&mut frames, &std::mem::take(&mut content).finish())?;
        }
    }
    if count % FRAME_ENTRIES != 0 {
        frame::push(&mut frames, &content.finish())?;
    }
    Ok(frames)
}

fn write(to: &mut Writer, key: PathKey, entry: &Known) {
    to.raw(&key.0.to_le_bytes());
    entry.signature.write(to);
    to.digest(&entry.digest);
    to.byte(u8::from(entry.settled));
}

fn read(from: &mut Reader<'_>) -> Option<(PathKey, Known)> {
    let key = PathKey(u128::from_le_bytes(from.array()?));
    let entry = Known {
        signature: Signature::read(from)?,
        digest: from.digest()?,
        settled: from.byte()? == 1,
    };
    Some((key, entry))
}

#[cfg(test)]
mod tests;
