//! A folder that steps work in, seen through a store: which files are in it, and what they hold.

use std::{
    fs::File,
    io,
    os::fd::OwnedFd,
    path::{Path, PathBuf},
    sync::{Arc, LazyLock, Mutex, OnceLock, PoisonError},
    thread,
};

use atelier_model::Digest;
use rustix::{
    fs::{FileType, Stat, fstat, readlinkat},
    io::Errno,
};

use crate::{
    blobs::PIECE_BYTES,
    cas::Cas,
    digests::{Known, PathKey, PathKeys},
    root::{self, Root},
    signature::{Now, Signature},
};

/// Threads that look at files at once.
const THREADS_MAX: usize = 8;
/// Paths for which another thread is worth while.
const PATHS_PER_THREAD: usize = 512;
/// Folders that are kept open while paths are looked at.
const FOLDERS_OPEN_MAX: usize = 8;
/// Readings of a file that changes while it is read.
pub(crate) const READINGS_MAX: u32 = 3;

/// What stands at a path.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Found {
    /// A regular file.
    File {
        /// The digest of its content.
        digest: Digest,
        /// Bytes of its content.
        size: u64,
        /// Whether it may be executed.
        executable: bool,
    },
    /// A symbolic link, wherever it leads.
    Link {
        /// The digest of its target as it is written.
        target: Digest,
    },
    /// A folder.
    Folder,
    /// A device, a pipe or a socket.
    Special,
    /// Nothing.
    Absent,
    /// Whatever it is, a symbolic link on the way leads out of the workspace.
    Outside,
}

/// Why a file could not be looked at.
#[derive(Debug, thiserror::Error)]
pub enum LookError {
    /// The path is no path below the root.
    #[error("look at `{0}`: it is not a plain path below the root")]
    NotBelow(String),
    /// It could not be read.
    #[error("look at `{path}`")]
    Io {
        /// The path below the root.
        path: String,
        /// Why.
        #[source]
        source: io::Error,
    },
}

/// Why a workspace could not be opened.
#[derive(Debug, thiserror::Error)]
#[error("open the folder {}", .path.display())]
pub struct OpenWorkspaceError {
    /// The folder.
    pub path: PathBuf,
    /// Why.
    #[source]
    pub source: io::Error,
}

/// A folder that steps work in.
#[derive(Debug)]
pub struct Workspace {
    pub(crate) cas: Arc<Cas>,
    pub(crate) root: Root,
    pub(crate) keys: PathKeys,
    /// Files whose digests a later look may not trust: they changed too short a time before they
    /// were read.
    unsettled: Mutex<Vec<String>>,
    /// A file without a name in the folder's file system.
    timepiece: OnceLock<Option<File>>,
}

impl Workspace {
    /// Opens the folder at `root` for work with a store. The root itself may be reached through
    /// links; nothing below it is reached through one that leads out of it.
    pub fn open(cas: Arc<Cas>, root: &Path) -> Result<Self, OpenWorkspaceError> {
        let error = |error: io::Error| OpenWorkspaceError {
            path: root.to_owned(),
            source: error,
        };
        let keys = PathKeys::of(&root.canonicalize().map_err(error)?);
        let root = Root::open(root).map_err(|errno| error(errno.into()))?;
        Ok(Self {
            cas,
            root,
            keys,
            unsettled: Mutex::default(),
            timepiece: OnceLock::new(),
        })
    }

    /// The folder.
    pub fn path(&self) -> &Path {
        self.root.path()
    }

    /// The store.
    pub fn cas(&self) -> &Arc<Cas> {
        &self.cas
    }

    /// What stands at some paths, in their order.
    ///
    /// A file is read only where it may have changed since it was read the last time. Paths that
    /// lie in one folder are best given one behind the other.
    pub fn look(&self, paths: &[&str]) -> Result<Vec<Found>, LookError> {
        let seen = in_threads(paths, |part| self.see_all(part))?;
        let unread: Vec<usize> = (0..seen.len())
            .filter(|at| matches!(seen[*at], Seen::Unread))
            .collect();
        let now = self.now(unread.is_empty(), paths)?;
        let read = in_threads(&unread, |part| {
            part.iter()
                .map(|at| self.read(paths[*at], now))
                .collect::<Result<Vec<_>, _>>()
        })?;
        let learnt: Vec<(PathKey, Known)> = read.iter().filter_map(|read| read.learnt).collect();
        let doubtful = unread
            .iter()
            .zip(&read)
            .filter(|(_, read)| read.is_unsettled());
        let doubtful = doubtful.map(|(at, _)| paths[*at].to_owned()).collect();
        self.learn(&learnt, doubtful);
        let mut read = read.into_iter();
        Ok(seen
            .into_iter()
            .map(|seen| match seen {
                Seen::Found(found) => found,
                Seen::Unread => read.next().map_or(Found::Absent, |read| read.found),
            })
            .collect())
    }

    /// Keeps what was learnt about files.
    pub(crate) fn learn(&self, learnt: &[(PathKey, Known)], unsettled: Vec<String>) {
        self.cas.digests.learn(learnt);
        let mut known = self
            .unsettled
            .lock()
            .unwrap_or_else(PoisonError::into_inner);
        known.extend(unsettled);
    }

    /// Reads those files again that were read so soon after a change that the next look could not
    /// trust what was found. Best done once, after all work: what is still too young stays so.
    pub fn settle(&self) -> Result<(), LookError> {
        let mut young = std::mem::take(
            &mut *self
                .unsettled
                .lock()
                .unwrap_or_else(PoisonError::into_inner),
        );
        if young.is_empty() {
            return Ok(());
        }
        young.sort_unstable();
        young.dedup();
        let paths: Vec<&str> = young.iter().map(String::as_str).collect();
        self.look(&paths).map(drop)
    }

    /// The time by the clock of the file system; of no interest where nothing is read.
    fn now(&self, nothing: bool, paths: &[&str]) -> Result<Now, LookError> {
        if nothing {
            return Ok(self.cas.opened);
        }
        self.clock()
            .map_err(|error| look_error(paths.first().copied().unwrap_or_default(), error))
    }

    /// The time by the clock of the file system that the folder lies in; where that cannot be asked
    /// without a trace, by that of the store's, which says less of files elsewhere.
    pub(crate) fn clock(&self) -> Result<Now, Errno> {
        let own = self.timepiece.get_or_init(|| self.root.unnamed_file().ok());
        Now::ask(own.as_ref().unwrap_or(&self.cas.presence))
    }

    fn see_all(&self, paths: &[&str]) -> Result<Vec<Seen>, LookError> {
        let mut folders = Folders::new(&self.root);
        self.cas.digests.look(|known| {
            let see = |path: &&str| {
                let error = |errno| look_error(path, errno);
                if !root::is_below(path) {
                    return Err(LookError::NotBelow((*path).to_owned()));
                }
                let (folder, name) = root::split(path);
                let folder = match folders.get(folder).map_err(error)? {
                    Ok(folder) => folder,
                    Err(why) => return Ok(Seen::Found(*why)),
                };
                let Some(stat) = root::stat(folder, name).map_err(error)? else {
                    return Ok(Seen::Found(Found::Absent));
                };
                seen(folder, name, &stat, || known(self.keys.key(path))).map_err(error)
            };
            paths.iter().map(see).collect()
        })
    }

    /// Reads the file at a path, which was a regular file a moment ago.
    fn read(&self, path: &str, now: Now) -> Result<Read, LookError> {
        let error = |errno| look_error(path, errno);
        let (folder, name) = root::split(path);
        let read = self
            .root
            .folder(folder)
            .and_then(|folder| root::file(&folder, name))
            .and_then(|file| digest_of(&file));
        let (digest, signature, whole) = match read {
            Ok(read) => read,
            // It went away, or something else took its place.
            Err(Errno::NOENT | Errno::NOTDIR | Errno::LOOP | Errno::XDEV) => {
                return Ok(Read::gone());
            }
            Err(errno) => return Err(error(errno)),
        };
        let known = Known {
            signature,
            digest,
            settled: signature.is_settled(&now),
        };
        Ok(Read {
            found: file_found(&known),
            learnt: whole.then(|| (self.keys.key(path), known)),
        })
    }
}

/// What a look at a path brought.
enum Seen {
    Found(Found),
    /// A regular file that must be read.
    Unread,
}

struct Read {
    found: Found,
    learnt: Option<(PathKey, Known)>,
}

impl Read {
    fn is_unsettled(&self) -> bool {
        self.learnt.is_some_and(|(_, known)| !known.settled)
    }

    fn gone() -> Self {
        Self {
            found: Found::Absent,
            learnt: None,
        }
    }
}

fn seen(
    folder: &OwnedFd,
    name: &str,
    stat: &Stat,
    known: impl FnOnce() -> Option<Known>,
) -> Result<Seen, Errno> {
    let signature = Signature::of(stat);
    Ok(match signature.kind() {
        FileType::RegularFile => match known() {
            Some(known) if known.settled && known.signature == signature => {
                Seen::Found(file_found(&known))
            }
            Some(_) | None => Seen::Unread,
        },
        FileType::Symlink => Seen::Found(Found::Link {
            target: Digest::of(readlinkat(folder, root::os(name), Vec::new())?.as_bytes()),
        }),
        FileType::Directory => Seen::Found(Found::Folder),
        FileType::Fifo
        | FileType::Socket
        | FileType::CharacterDevice
        | FileType::BlockDevice
        | FileType::Unknown => Seen::Found(Found::Special),
    })
}

fn file_found(known: &Known) -> Found {
    Found::File {
        digest: known.digest,
        size: known.signature.size,
        executable: known.signature.executable(),
    }
}

/// The digest of an open file's content, its signature, and whether both belong together: the file
/// did not change while it was read.
pub(crate) fn digest_of(file: &File) -> Result<(Digest, Signature, bool), Errno> {
    let mut before = Signature::of(&fstat(file)?);
    let mut readings = 0;
    loop {
        let digest = content_digest(file, before.size)?;
        let after = Signature::of(&fstat(file)?);
        readings += 1;
        if after == before || readings == READINGS_MAX {
            return Ok((digest, after, after == before));
        }
        before = after;
    }
}

fn content_digest(file: &File, size: u64) -> Result<Digest, Errno> {
    use std::os::unix::fs::FileExt as _;
    let len = usize::try_from(size)
        .unwrap_or(PIECE_BYTES)
        .clamp(1, PIECE_BYTES);
    let mut buffer = vec![0; len];
    let mut hasher = blake3::Hasher::new();
    let mut at = 0;
    // A file that grows is read to the size it had: then it counts as changed.
    while at < size {
        let read = match file.read_at(&mut buffer, at) {
            Ok(0) => break,
            Ok(read) => read,
            Err(error) if error.kind() == io::ErrorKind::Interrupted => continue,
            Err(error) => return Err(Errno::from_io_error(&error).unwrap_or(Errno::IO)),
        };
        hasher.update(&buffer[..read]);
        at += read as u64;
    }
    Ok(Digest::from_bytes(*hasher.finalize().as_bytes()))
}

pub(crate) fn look_error(path: &str, error: Errno) -> LookError {
    LookError::Io {
        path: path.to_owned(),
        source: error.into(),
    }
}

/// The folders that paths lie in, the last few of them kept open.
pub(crate) struct Folders<'a> {
    root: &'a Root,
    /// Each with what is found below it where it is no folder.
    open: Vec<(String, Result<OwnedFd, Found>)>,
    next: usize,
}

impl<'a> Folders<'a> {
    pub(crate) fn new(root: &'a Root) -> Self {
        Self {
            root,
            open: Vec::new(),
            next: 0,
        }
    }

    /// The folder at a path, or what every path below it is.
    pub(crate) fn get(&mut self, path: &str) -> Result<Result<&OwnedFd, &Found>, Errno> {
        if let Some(at) = self.open.iter().position(|(open, _)| open == path) {
            return Ok(self.open[at].1.as_ref());
        }
        let folder = match self.root.folder(path) {
            Ok(folder) => Ok(folder),
            // Something else is in its place, or it leads in circles: no file is below it.
            Err(Errno::NOENT | Errno::NOTDIR | Errno::LOOP) => Err(Found::Absent),
            Err(Errno::XDEV) => Err(Found::Outside),
            Err(error) => return Err(error),
        };
        let entry = (path.to_owned(), folder);
        let at = self.next;
        if self.open.len() < FOLDERS_OPEN_MAX {
            self.open.push(entry);
        } else {
            self.open[at] = entry;
        }
        self.next = (at + 1) % FOLDERS_OPEN_MAX;
        Ok(self.open[at].1.as_ref())
    }
}

/// Threads that are worth while for so many paths.
pub(crate) fn threads_for(paths: usize) -> usize {
    /// Asking costs the reading of several files.
    static CORES: LazyLock<usize> =
        LazyLock::new(|| thread::available_parallelism().map_or(1, usize::from));
    match paths / PATHS_PER_THREAD {
        0 | 1 => 1,
        worth => worth.min(*CORES).min(THREADS_MAX),
    }
}

/// Does the same for parts of a list at once, and returns the results in the order of the list.
pub(crate) fn in_threads<T: Sync, R: Send, E: Send>(
    items: &[T],
    work: impl Fn(&[T]) -> Result<Vec<R>, E> + Sync,
) -> Result<Vec<R>, E> {
    let threads = threads_for(items.len());
    if threads == 1 {
        return work(items);
    }
    let parts = items.chunks(items.len().div_ceil(threads));
    let done: Vec<Result<Vec<R>, E>> = thread::scope(|scope| {
        let running: Vec<_> = parts.map(|part| scope.spawn(|| work(part))).collect();
        let joined = running.into_iter().map(|thread| match thread.join() {
            Ok(done) => done,
            Err(panic) => std::panic::resume_unwind(panic),
        });
        joined.collect()
    });
    let mut all = Vec::with_capacity(items.len());
    for part in done {
        all.extend(part?);
    }
    Ok(all)
}
