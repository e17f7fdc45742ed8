//! The store: contents, digests of files and records of executions in one folder.

use std::{
    fs::{self, File, OpenOptions},
    io,
    panic::resume_unwind,
    path::{Path, PathBuf},
    sync::{Mutex, MutexGuard, PoisonError},
    thread,
};

use atelier_model::Digest;
use rustix::fs::{FlockOperation, flock, syncfs};

use crate::{
    blobs::{Blobs, PutBlobError, ReadBlobError, Stage, is_full},
    digests::Digests,
    record::Record,
    records::{Descriptor, History, Last, Records},
    signature::Now,
};

/// How much a store holds at most.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CasLimits {
    /// Bytes of all contents together; what was used longest ago goes first.
    pub bytes_max: u64,
    /// Bytes of one content.
    pub blob_bytes_max: u64,
    /// Bytes of a content that is read into memory at once.
    pub read_bytes_max: u64,
    /// Bytes of a descriptor.
    pub descriptor_bytes_max: u64,
    /// Executions that are remembered.
    pub records_max: usize,
    /// Files whose digests are remembered.
    pub digests_max: usize,
    /// Files, links and folders of one step's outputs.
    pub outputs_max: usize,
    /// Files and links of a workspace that are looked at as inputs.
    pub survey_entries_max: usize,
}

impl Default for CasLimits {
    fn default() -> Self {
        Self {
            bytes_max: 10 * 1024 * 1024 * 1024,
            blob_bytes_max: 4 * 1024 * 1024 * 1024,
            read_bytes_max: 256 * 1024 * 1024,
            descriptor_bytes_max: 64 * 1024 * 1024,
            records_max: 200_000,
            digests_max: 500_000,
            outputs_max: 500_000,
            survey_entries_max: 1_000_000,
        }
    }
}

/// Descriptors up to this size are kept in a log, others as contents.
const DESCRIPTOR_INLINE_BYTES_MAX: usize = 4 * 1024;

/// Why a store could not be opened.
#[derive(Debug, thiserror::Error)]
#[error("open the store {}", .folder.display())]
pub struct OpenCasError {
    /// The store.
    pub folder: PathBuf,
    /// Why.
    #[source]
    pub source: io::Error,
}

/// Why records or digests could not be used.
#[derive(Debug, thiserror::Error)]
pub enum RecordError {
    /// The file system of the store is full, or the user's share of it.
    #[error("write the records of the store: no space is left")]
    NoSpace,
    /// The descriptor is larger than the store takes.
    #[error("keep a descriptor of {bytes} bytes, at most {bytes_max}")]
    DescriptorTooLarge {
        /// Its size.
        bytes: u64,
        /// The limit.
        bytes_max: u64,
    },
    /// The descriptor could not be kept.
    #[error("keep a descriptor")]
    Descriptor(#[source] PutBlobError),
    /// Something else went wrong.
    #[error("use the records of the store")]
    Io(#[source] io::Error),
}

impl From<io::Error> for RecordError {
    fn from(error: io::Error) -> Self {
        if is_full(&error) {
            Self::NoSpace
        } else {
            Self::Io(error)
        }
    }
}

/// The folder of everything on disk: another version of it has another one.
const FORMAT: &str = "v1";

/// An open store. Any number of threads and processes may use one at once.
///
/// All methods block; call them from threads that may.
#[derive(Debug)]
pub struct Cas {
    folder: PathBuf,
    limits: CasLimits,
    pub(crate) blobs: Blobs,
    pub(crate) digests: Digests,
    pub(crate) records: Mutex<Records>,
    /// Locked for sharing as long as the store is open.
    pub(crate) presence: File,
    /// When it was opened, by the clock of its file system.
    pub(crate) opened: Now,
}

impl Cas {
    /// Opens a store, and makes it where there is none.
    ///
    /// The folder should lie in the same file system as the workspaces: files are moved between
    /// them, and the ages of files are told by its clock.
    pub fn open(folder: &Path, limits: CasLimits) -> Result<Self, OpenCasError> {
        let io = |source| OpenCasError {
            folder: folder.to_owned(),
            source,
        };
        let folder = &folder.join(FORMAT);
        fs::create_dir_all(folder).map_err(io)?;
        let presence = OpenOptions::new()
            .read(true)
            .write(true)
            .create(true)
            .truncate(false)
            .open(folder.join("lock"))
            .map_err(io)?;
        let stage = Stage::open(folder.join("stage")).map_err(io)?;
        if flock(&presence, FlockOperation::NonBlockingLockExclusive).is_ok() {
            stage.sweep().map_err(io)?;
        }
        flock(&presence, FlockOperation::LockShared).map_err(|error| io(error.into()))?;
        let opened = Now::ask(&presence).map_err(|error| io(error.into()))?;
        let bytes_max = limits.blob_bytes_max;
        let blobs = Blobs::open(folder.join("blobs"), stage, bytes_max, &opened).map_err(io)?;
        let digests = Digests::open(&folder.join("digests"), limits.digests_max).map_err(io)?;
        let records = Records::unread(&folder.join("records")).map_err(io)?;
        Ok(Self {
            folder: folder.to_owned(),
            limits,
            blobs,
            digests,
            records: Mutex::new(records),
            presence,
            opened,
        })
    }

    /// The folder it lies in.
    pub fn folder(&self) -> &Path {
        &self.folder
    }

    /// How much it holds at most.
    pub fn limits(&self) -> &CasLimits {
        &self.limits
    }

    /// Takes in bytes and says their digest.
    pub fn put_bytes(&self, bytes: &[u8]) -> Result<Digest, PutBlobError> {
        self.blobs.put(bytes)
    }

    /// Takes in what is left of an open file, and says its digest and size.
    pub fn put_file(&self, file: &File) -> Result<(Digest, u64), PutBlobError> {
        self.blobs.put_file(file)
    }

    /// Reads a content into memory. Its digest is made sure of: what was damaged is removed, and
    /// the error says so.
    pub fn read(&self, digest: &Digest) -> Result<Vec<u8>, ReadBlobError> {
        self.blobs.read(digest, self.limits.read_bytes_max)
    }

    /// The size of a content, where it is there.
    pub fn size(&self, digest: &Digest) -> Option<u64> {
        self.blobs.size(digest)
    }

    /// Reads what is known of executions and of files, which else is done when it is asked for: both at
    /// once, which is worth a thread.
    pub fn load(&self) -> Result<(), RecordError> {
        thread::scope(|scope| {
            let digests = scope.spawn(|| drop(self.digests.known().read()));
            let records = self.records().map(drop);
            digests.join().unwrap_or_else(|panic| resume_unwind(panic));
            Ok(records?)
        })
    }

    pub(crate) fn records(&self) -> io::Result<MutexGuard<'_, Records>> {
        let mut records = self.records.lock().unwrap_or_else(PoisonError::into_inner);
        records.load()?;
        Ok(records)
    }

    /// The record under a key, where the newest execution under it succeeded at the first try.
    ///
    /// Its outputs may have to be restored, and some of them may be gone: that is for
    /// [`Workspace::restore`](crate::Workspace::restore) to find out.
    pub fn find(&self, key: &Digest) -> Result<Option<Record>, RecordError> {
        Ok(self.records()?.find(key)?)
    }

    /// Adds the record of an execution, and the descriptor that its key is the digest of.
    ///
    /// All contents that the record names must be in the store already.
    pub fn append(&self, record: &Record, descriptor: &[u8]) -> Result<(), RecordError> {
        let bytes = descriptor.len() as u64;
        if bytes > self.limits.descriptor_bytes_max {
            return Err(RecordError::DescriptorTooLarge {
                bytes,
                bytes_max: self.limits.descriptor_bytes_max,
            });
        }
        let descriptor = if descriptor.len() <= DESCRIPTOR_INLINE_BYTES_MAX {
            Descriptor::Inline(descriptor.to_owned())
        } else {
            let digest = self.blobs.put(descriptor).map_err(|error| match error {
                PutBlobError::NoSpace => RecordError::NoSpace,
                error @ (PutBlobError::TooLarge { .. } | PutBlobError::Io(_)) => {
                    RecordError::Descriptor(error)
                }
            })?;
            Descriptor::Blob(digest)
        };
        Ok(self.records()?.append(record, &descriptor)?)
    }

    /// The record of the last execution of a step, however it ended.
    pub fn last_record(&self, step: &str) -> Result<Option<Record>, RecordError> {
        Ok(self.records()?.last_record(step)?)
    }

    /// The last execution of a step, however it ended, with its descriptor.
    pub fn last(&self, step: &str) -> Result<Option<Last>, RecordError> {
        let Some((record, descriptor)) = self.records()?.last(step)? else {
            return Ok(None);
        };
        let descriptor = match descriptor {
            Some(Descriptor::Inline(bytes)) => Some(bytes),
            // An explanation that is lost is no reason to fail.
            Some(Descriptor::Blob(digest)) => self
                .blobs
                .read(&digest, self.limits.descriptor_bytes_max)
                .ok(),
            None => None,
        };
        Ok(Some(Last { record, descriptor }))
    }

    /// What past executions of a step say about the next one.
    pub fn history(&self, step: &str) -> Option<History> {
        self.records().ok()?.history(step)
    }

    /// Writes what was learnt since the last time. What a killed process did not save costs reading
    /// files again, and nothing else.
    pub fn save(&self) -> Result<(), RecordError> {
        let mut records = self.records.lock().unwrap_or_else(PoisonError::into_inner);
        records.save()?;
        drop(records);
        let added = self.blobs.take_added();
        if added > 0 {
            self.tally(added)?;
        }
        Ok(self.digests.save()?)
    }

    /// Sees to it that everything written so far outlives a power cut, in one go.
    pub fn sync(&self) -> Result<(), RecordError> {
        syncfs(&self.presence).map_err(|error| RecordError::from(io::Error::from(error)))
    }
}
