//! The digests of files by their signatures: an unchanged file is not read again.

use std::{
    collections::HashMap,
    fs::{self, File, OpenOptions},
    hash::{BuildHasherDefault, Hasher},
    io,
    path::{Path, PathBuf},
    process,
    sync::{Mutex, OnceLock, PoisonError, RwLock},
};

use atelier_model::Digest;

use crate::{
    codec::{Reader, Writer},
    frame,
    signature::Signature,
};

/// Entries of one frame: what a damaged frame costs is reading so many files again.
const FRAME_ENTRIES: usize = 1024;
/// Bytes of a log that is not worth writing anew.
const LOG_BYTES_KEPT: u64 = 1024 * 1024;

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

/// What is a digest already needs no other hash than its own words.
#[derive(Debug, Default)]
pub(crate) struct DigestHasher(u64);

impl Hasher for DigestHasher {
    fn finish(&self) -> u64 {
        self.0
    }

    fn write(&mut self, bytes: &[u8]) {
        for word in bytes.as_chunks().0 {
            self.0 ^= u64::from_le_bytes(*word);
        }
    }

    fn write_u128(&mut self, key: u128) {
        self.write(&key.to_le_bytes());
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

pub(crate) type Entries = HashMap<PathKey, Known, BuildHasherDefault<DigestHasher>>;

/// Every digest that is known, and the log it is kept in, which is read when it is first asked for.
#[derive(Debug)]
pub(crate) struct Digests {
    known: OnceLock<RwLock<Entries>>,
    log: Mutex<Log>,
    path: PathBuf,
    entries_max: usize,
}

#[derive(Debug)]
struct Log {
    file: File,
    /// What is not written yet.
    fresh: Vec<PathKey>,
}

impl Digests {
    pub(crate) fn open(path: &Path, entries_max: usize) -> io::Result<Self> {
        Ok(Self {
            known: OnceLock::new(),
            log: Mutex::new(Log {
                file: log(path)?,
                fresh: Vec::new(),
            }),
            path: path.to_owned(),
            entries_max,
        })
    }

    /// Everything that is known.
    pub(crate) fn known(&self) -> &RwLock<Entries> {
        self.known.get_or_init(|| {
            // Unreadable, it costs reading files again.
            let read = log(&self.path).and_then(|file| read_log(&file, self.entries_max));
            RwLock::new(read.unwrap_or_default())
        })
    }

    /// What is known of some paths, for as long as the closure looks at it.
    pub(crate) fn look<R>(&self, look: impl FnOnce(&dyn Fn(PathKey) -> Option<Known>) -> R) -> R {
        let known = self.known().read().unwrap_or_else(PoisonError::into_inner);
        look(&|key| known.get(&key).copied())
    }

    /// Takes what was found out. Where there is no room for it, everything else is forgotten.
    pub(crate) fn learn(&self, entries: &[(PathKey, Known)]) {
        if entries.is_empty() {
            return;
        }
        let mut known = self.known().write().unwrap_or_else(PoisonError::into_inner);
        let mut log = self.log.lock().unwrap_or_else(PoisonError::into_inner);
        if known.len() + entries.len() > self.entries_max {
            known.clear();
            log.fresh.clear();
        }
        for (key, entry) in entries.iter().take(self.entries_max) {
            known.insert(*key, *entry);
            log.fresh.push(*key);
        }
    }

    /// Writes what was learnt since the last time.
    pub(crate) fn save(&self) -> io::Result<()> {
        let Some(known) = self.known.get() else {
            return Ok(());
        };
        let known = known.read().unwrap_or_else(PoisonError::into_inner);
        let mut log = self.log.lock().unwrap_or_else(PoisonError::into_inner);
        let Log { file, fresh } = &mut *log;
        if fresh.is_empty() {
            return Ok(());
        }
        // One thing learnt twice is written once, as it is now.
        fresh.sort_unstable_by_key(|key| key.0);
        fresh.dedup();
        let entries = fresh
            .iter()
            .filter_map(|key| known.get(key).map(|entry| (key, entry)));
        frame::append(file, &frames(entries)?)?;
        fresh.clear();
        let useful = (known.len() * ENTRY_BYTES) as u64;
        if file.metadata()?.len() > 2 * useful + LOG_BYTES_KEPT {
            *file = self.rewritten(&known)?;
        }
        Ok(())
    }

    /// A new log with what is known. What another process adds to the old one is lost, and learnt
    /// again.
    fn rewritten(&self, known: &Entries) -> io::Result<File> {
        let part = self.path.with_extension(format!("{}.part", process::id()));
        fs::write(&part, frames(known.iter())?)?;
        fs::rename(&part, &self.path)?;
        log(&self.path)
    }
}

fn read_log(file: &File, entries_max: usize) -> io::Result<Entries> {
    let mut known = Entries::default();
    let bytes = usize::try_from(file.metadata()?.len()).unwrap_or(0);
    known.reserve((bytes / ENTRY_BYTES).min(entries_max));
    frame::scan(file, 0, |_, content| {
        let mut reader = Reader::new(content);
        while let Some((key, entry)) = read(&mut reader) {
            if known.len() < entries_max || known.contains_key(&key) {
                known.insert(key, entry);
            }
        }
    })?;
    Ok(known)
}

fn log(path: &Path) -> io::Result<File> {
    OpenOptions::new()
        .read(true)
        .append(true)
        .create(true)
        .open(path)
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
