//! Contents on disk, each under its own digest.
//!
//! A content is written to a file of its own and moved into place when it is whole, so a name
//! either stands for all of it or is not there. Nothing is flushed for each content: what a power
//! cut spoils is found when it is read, and made again.

use std::{
    collections::HashMap,
    fs::{self, File, OpenOptions, create_dir},
    io::{self, Read, Write},
    path::{Path, PathBuf},
    process,
    sync::atomic::{AtomicBool, AtomicU64, Ordering},
};

use atelier_model::Digest;
use rustix::{fs::ioctl_ficlone, io::Errno};

use crate::{evict::Present, signature::Now};

/// Contents up to this size are handled in memory, in one piece.
pub(crate) const PIECE_BYTES: usize = 256 * 1024;
/// Tries of a name for a file that is being written.
const NAMES_MAX: u32 = 1000;

/// Why a content was not taken in. Nothing of it is kept.
#[derive(Debug, thiserror::Error)]
pub enum PutBlobError {
    /// The file system of the store is full, or the user's share of it.
    #[error("keep a content in the store: no space is left")]
    NoSpace,
    /// The content is larger than the store takes.
    #[error("keep a content of more than {bytes_max} bytes in the store")]
    TooLarge {
        /// The limit.
        bytes_max: u64,
    },
    /// Something else went wrong.
    #[error("keep a content in the store")]
    Io(#[source] io::Error),
}

/// Why a content could not be read.
#[derive(Debug, thiserror::Error)]
pub enum ReadBlobError {
    /// It is not there.
    #[error("find the content {} in the store", .0.short())]
    Missing(Digest),
    /// It was damaged. It is removed, and made again when it is needed.
    #[error("read the content {}: it was damaged, and is removed from the store", .0.short())]
    Damaged(Digest),
    /// It is larger than may be read at once.
    #[error("read the content {}: it has {bytes} bytes, at most {bytes_max} are read at once", .digest.short())]
    TooLarge {
        /// The content.
        digest: Digest,
        /// Its size.
        bytes: u64,
        /// The limit.
        bytes_max: u64,
    },
    /// Something else went wrong.
    #[error("read the content {}", .digest.short())]
    Io {
        /// The content.
        digest: Digest,
        /// Why.
        #[source]
        source: io::Error,
    },
}

impl PutBlobError {
    pub(crate) fn io(error: io::Error) -> Self {
        if is_full(&error) {
            Self::NoSpace
        } else {
            Self::Io(error)
        }
    }
}

/// Whether there is no space left, for anybody or for this user.
pub(crate) fn is_full(error: &io::Error) -> bool {
    matches!(
        error.kind(),
        io::ErrorKind::StorageFull | io::ErrorKind::QuotaExceeded
    )
}

impl ReadBlobError {
    /// Whether the content is gone, so that whatever needs it must be made again.
    pub fn is_miss(&self) -> bool {
        match self {
            Self::Missing(_) | Self::Damaged(_) => true,
            Self::TooLarge { .. } | Self::Io { .. } => false,
        }
    }

    fn io(digest: Digest, source: io::Error) -> Self {
        if source.kind() == io::ErrorKind::NotFound {
            Self::Missing(digest)
        } else {
            Self::Io { digest, source }
        }
    }
}

/// The contents of a store.
#[derive(Debug)]
pub(crate) struct Blobs {
    folder: PathBuf,
    stage: Stage,
    bytes_max: u64,
    /// Contents that were asked for since then are needed by work under way.
    opened_ns: i64,
    added: AtomicU64,
    /// Whether a clone was refused: then none is tried again.
    no_clones: AtomicBool,
}

impl Blobs {
    /// Contents below `folder`, written in `stage` first.
    pub(crate) fn open(
        folder: PathBuf,
        stage: Stage,
        bytes_max: u64,
        opened: &Now,
    ) -> io::Result<Self> {
        fs::create_dir_all(&folder)?;
        Ok(Self {
            folder,
            stage,
            bytes_max,
            opened_ns: opened.time_ns,
            added: AtomicU64::new(0),
            no_clones: AtomicBool::new(false),
        })
    }

    pub(crate) fn stage(&self) -> &Stage {
        &self.stage
    }

    /// Bytes that were added since this was asked the last time.
    pub(crate) fn take_added(&self) -> u64 {
        self.added.swap(0, Ordering::Relaxed)
    }

    pub(crate) fn path(&self, digest: &Digest) -> PathBuf {
        let name = digest.to_string();
        let (folder, rest) = name.split_at(2);
        self.folder.join(folder).join(rest)
    }

    /// The size of a content that is there.
    pub(crate) fn size(&self, digest: &Digest) -> Option<u64> {
        fs::symlink_metadata(self.path(digest))
            .ok()
            .filter(fs::Metadata::is_file)
            .map(|data| data.len())
    }

    /// Whether a content is there, and sees to it that it stays while work is under way.
    fn has(&self, digest: &Digest, size: u64) -> io::Result<bool> {
        let path = self.path(digest);
        let present = match fs::symlink_metadata(&path) {
            Ok(data) => Present::of(&data),
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(false),
            Err(error) => return Err(error),
        };
        if present.changed_ns < self.opened_ns {
            match OpenOptions::new().write(true).open(&path) {
                Ok(file) => Now::ask(&file).map(drop)?,
                Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(false),
                Err(error) => return Err(error),
            }
        }
        // A file of another size is what a power cut left.
        Ok(present.size == size)
    }

    /// Every content that is there.
    pub(crate) fn list(&self) -> io::Result<HashMap<Digest, Present>> {
        let mut present = HashMap::new();
        for folder in fs::read_dir(&self.folder)? {
            let folder = folder?;
            for entry in fs::read_dir(folder.path())? {
                let entry = entry?;
                let name = [folder.file_name(), entry.file_name()];
                let [Some(start), Some(rest)] = [name[0].to_str(), name[1].to_str()] else {
                    continue;
                };
                if let Ok(digest) = format!("{start}{rest}").parse() {
                    present.insert(digest, Present::of(&entry.metadata()?));
                }
            }
        }
        Ok(present)
    }

    /// Removes a content.
    pub(crate) fn remove(&self, digest: &Digest) -> io::Result<()> {
        match fs::remove_file(self.path(digest)) {
            Err(error) if error.kind() != io::ErrorKind::NotFound => Err(error),
            Ok(()) | Err(_) => Ok(()),
        }
    }

    /// Takes in bytes.
    pub(crate) fn put(&self, bytes: &[u8]) -> Result<Digest, PutBlobError> {
        let digest = Digest::of(bytes);
        let len = bytes.len() as u64;
        if len > self.bytes_max {
            return Err(PutBlobError::TooLarge {
                bytes_max: self.bytes_max,
            });
        }
        if self.has(&digest, len).map_err(PutBlobError::io)? {
            return Ok(digest);
        }
        let mut staged = self.stage.file(false).map_err(PutBlobError::io)?;
        staged.file.write_all(bytes).map_err(PutBlobError::io)?;
        self.place(staged, &digest, len)?;
        Ok(digest)
    }

    /// Takes in what is left of a file, and says its digest and size.
    pub(crate) fn put_file(&self, file: &File) -> Result<(Digest, u64), PutBlobError> {
        let mut piece = Vec::new();
        file.take(PIECE_BYTES as u64 + 1)
            .read_to_end(&mut piece)
            .map_err(PutBlobError::io)?;
        if piece.len() <= PIECE_BYTES {
            return self.put(&piece).map(|digest| (digest, piece.len() as u64));
        }
        let mut staged = self.stage.file(false).map_err(PutBlobError::io)?;
        let (digest, size) = self
            .pour(&piece, file, &mut staged.file)
            .map_err(PutBlobError::io)?;
        if size > self.bytes_max {
            return Err(PutBlobError::TooLarge {
                bytes_max: self.bytes_max,
            });
        }
        if !self.has(&digest, size).map_err(PutBlobError::io)? {
            self.place(staged, &digest, size)?;
        }
        Ok((digest, size))
    }

    /// Copies a piece that was read and the rest of its file, no further than a little beyond what
    /// the store takes.
    fn pour(&self, piece: &[u8], from: &File, to: &mut File) -> io::Result<(Digest, u64)> {
        let mut hasher = blake3::Hasher::new();
        let mut buffer = piece.to_vec();
        let mut size = 0;
        loop {
            hasher.update(&buffer);
            to.write_all(&buffer)?;
            size += buffer.len() as u64;
            buffer.clear();
            if size > self.bytes_max || from.take(PIECE_BYTES as u64).read_to_end(&mut buffer)? == 0
            {
                return Ok((Digest::from_bytes(*hasher.finalize().as_bytes()), size));
            }
        }
    }

    fn place(&self, staged: Staged, digest: &Digest, size: u64) -> Result<(), PutBlobError> {
        let path = self.path(digest);
        staged.place(&path).map_err(PutBlobError::io)?;
        self.added.fetch_add(size, Ordering::Relaxed);
        Ok(())
    }

    /// Reads a content whole and makes sure that it is the one.
    pub(crate) fn read(&self, digest: &Digest, bytes_max: u64) -> Result<Vec<u8>, ReadBlobError> {
        let error = |source| ReadBlobError::io(*digest, source);
        let path = self.path(digest);
        let file = File::open(&path).map_err(error)?;
        let size = file.metadata().map_err(error)?.len();
        if size > bytes_max {
            return Err(ReadBlobError::TooLarge {
                digest: *digest,
                bytes: size,
                bytes_max,
            });
        }
        let mut bytes = Vec::with_capacity(usize::try_from(size).unwrap_or(0) + 1);
        file.take(bytes_max)
            .read_to_end(&mut bytes)
            .map_err(error)?;
        if Digest::of(&bytes) == *digest {
            Ok(bytes)
        } else {
            Err(self.damaged(digest))
        }
    }

    /// Copies a content into a file that is being written, and makes sure that it is the one.
    pub(crate) fn copy(&self, digest: &Digest, to: &mut File) -> Result<u64, CopyBlobError> {
        let from =
            File::open(self.path(digest)).map_err(|source| ReadBlobError::io(*digest, source))?;
        let size = from
            .metadata()
            .map_err(|source| ReadBlobError::io(*digest, source))?
            .len();
        let cloned = size > PIECE_BYTES as u64 && self.clone_to(&from, to);
        let mut hasher = blake3::Hasher::new();
        let mut buffer =
            Vec::with_capacity(PIECE_BYTES.min(usize::try_from(size).unwrap_or(0) + 1));
        let mut done = 0;
        while done < size {
            buffer.clear();
            (&from)
                .take(PIECE_BYTES as u64)
                .read_to_end(&mut buffer)
                .map_err(|source| ReadBlobError::io(*digest, source))?;
            if buffer.is_empty() {
                break;
            }
            hasher.update(&buffer);
            if !cloned {
                to.write_all(&buffer).map_err(CopyBlobError::Write)?;
            }
            done += buffer.len() as u64;
        }
        if Digest::from_bytes(*hasher.finalize().as_bytes()) == *digest {
            Ok(done)
        } else {
            Err(self.damaged(digest).into())
        }
    }

    /// Shares the content's blocks with another file, where the file system can.
    fn clone_to(&self, from: &File, to: &File) -> bool {
        if self.no_clones.load(Ordering::Relaxed) {
            return false;
        }
        match ioctl_ficlone(to, from) {
            Ok(()) => true,
            // Only this file lies elsewhere.
            Err(Errno::XDEV) => false,
            Err(_) => {
                self.no_clones.store(true, Ordering::Relaxed);
                false
            }
        }
    }

    /// Removes a content whose bytes are not what its name says.
    fn damaged(&self, digest: &Digest) -> ReadBlobError {
        match self.remove(digest) {
            Ok(()) => ReadBlobError::Damaged(*digest),
            Err(source) => ReadBlobError::Io {
                digest: *digest,
                source,
            },
        }
    }
}

/// Why a content was not copied.
#[derive(Debug)]
pub(crate) enum CopyBlobError {
    Read(ReadBlobError),
    Write(io::Error),
}

impl From<ReadBlobError> for CopyBlobError {
    fn from(error: ReadBlobError) -> Self {
        Self::Read(error)
    }
}

/// Where files lie while they are written.
#[derive(Debug)]
pub(crate) struct Stage {
    folder: PathBuf,
    next: AtomicU64,
}

/// Permissions of a new file, of which the process's mask takes some.
const FILE_MODE: u32 = 0o666;
const EXECUTABLE_MODE: u32 = 0o777;

impl Stage {
    pub(crate) fn open(folder: PathBuf) -> io::Result<Self> {
        fs::create_dir_all(&folder)?;
        Ok(Self {
            folder,
            next: AtomicU64::new(0),
        })
    }

    /// A new file that no other process has.
    pub(crate) fn file(&self, executable: bool) -> io::Result<Staged> {
        use std::os::unix::fs::OpenOptionsExt as _;
        let mut options = OpenOptions::new();
        options.write(true).read(true).create_new(true);
        options.mode(if executable {
            EXECUTABLE_MODE
        } else {
            FILE_MODE
        });
        let mut tries = 0;
        loop {
            let number = self.next.fetch_add(1, Ordering::Relaxed);
            let path = self.folder.join(format!("{}-{number}", process::id()));
            match options.open(&path) {
                // Another process with this number, in another namespace or long gone.
                Err(error) if error.kind() == io::ErrorKind::AlreadyExists && tries < NAMES_MAX => {
                    tries += 1;
                }
                opened => {
                    return opened.map(|file| Staged {
                        file,
                        path: Some(path),
                    });
                }
            }
        }
    }

    /// Removes what killed processes left. Nobody else may be at work.
    pub(crate) fn sweep(&self) -> io::Result<()> {
        for entry in fs::read_dir(&self.folder)? {
            fs::remove_file(entry?.path())?;
        }
        Ok(())
    }
}

/// A file that is being written; dropping it removes it.
#[derive(Debug)]
pub(crate) struct Staged {
    pub(crate) file: File,
    path: Option<PathBuf>,
}

impl Staged {
    /// The name it has for now.
    pub(crate) fn path(&self) -> Option<&Path> {
        self.path.as_deref()
    }

    /// Says that it has been moved away.
    pub(crate) fn moved(mut self) {
        self.path = None;
    }

    /// Moves it to its name, making the folder where it is missing.
    pub(crate) fn place(mut self, to: &Path) -> io::Result<()> {
        let Some(from) = self.path.take() else {
            return Ok(());
        };
        let moved = match (fs::rename(&from, to), to.parent()) {
            (Err(error), Some(folder)) if error.kind() == io::ErrorKind::NotFound => {
                match create_dir(folder) {
                    Err(error) if error.kind() != io::ErrorKind::AlreadyExists => Err(error),
                    Ok(()) | Err(_) => fs::rename(&from, to),
                }
            }
            (moved, _) => moved,
        };
        if moved.is_err() {
            self.path = Some(from);
        }
        moved
    }
}

impl Drop for Staged {
    fn drop(&mut self) {
        if let Some(path) = &self.path {
            // What cannot be removed is swept when the store is opened the next time.
            drop(fs::remove_file(path));
        }
    }
}
