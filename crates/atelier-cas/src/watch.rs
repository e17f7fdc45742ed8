//! Waiting until something in a workspace changes.

use std::{
    collections::HashMap,
    io,
    mem::MaybeUninit,
    os::fd::{AsFd as _, OwnedFd},
    path::PathBuf,
    time::Duration,
};

use rustix::{
    event::{PollFd, PollFlags, Timespec, poll},
    fs::{
        inotify::{self, CreateFlags, Event, ReadFlags, Reader, WatchFlags},
        lstat,
    },
    io::Errno,
};

use crate::{
    survey::{RESERVED, SurveyError},
    workspace::Workspace,
};

/// What a change of a folder's files shows as.
const CHANGES: WatchFlags = WatchFlags::CLOSE_WRITE
    .union(WatchFlags::CREATE)
    .union(WatchFlags::DELETE)
    .union(WatchFlags::MOVED_FROM)
    .union(WatchFlags::MOVED_TO)
    .union(WatchFlags::ATTRIB)
    .union(WatchFlags::DELETE_SELF)
    .union(WatchFlags::ONLYDIR)
    .union(WatchFlags::DONT_FOLLOW);
/// Bytes of what the system tells at once.
const EVENTS_BYTES: usize = 16 * 1024;
/// Paths of changes that are told; more are counted as one.
const PATHS_MAX: usize = 20;

/// Why a workspace could not be watched.
#[derive(Debug, thiserror::Error)]
pub enum WatchError {
    /// Its folders could not be found.
    #[error(transparent)]
    Survey(#[from] SurveyError),
    /// The system watches no more folders for this user.
    #[error("watch {folders} folders: the system allows no more (fs.inotify.max_user_watches)")]
    TooMany {
        /// How many there are.
        folders: usize,
    },
    /// Something else went wrong.
    #[error("watch the folder")]
    Io(#[source] io::Error),
}

/// The folders of a workspace, watched.
///
/// A folder that is made later is told as a change, and is not watched itself: after a change, a
/// new watch is begun before anything is looked at.
#[derive(Debug)]
pub struct Watch {
    told: OwnedFd,
    root: PathBuf,
    folders: HashMap<i32, String>,
}

/// What has changed.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Changes {
    /// The first paths, in the order of their changes, each once.
    pub paths: Vec<String>,
    /// Whether there were more.
    pub more: bool,
}

impl Workspace {
    /// Begins to watch every folder that git does not leave out.
    pub fn watch(&self) -> Result<Watch, WatchError> {
        let io = |error: Errno| WatchError::Io(error.into());
        let told = inotify::init(CreateFlags::CLOEXEC | CreateFlags::NONBLOCK).map_err(io)?;
        let found = self.folders()?;
        let mut folders = HashMap::with_capacity(found.len());
        for folder in &found {
            let path = self.path().join(crate::root::os(folder));
            match inotify::add_watch(&told, path, CHANGES) {
                Ok(number) => drop(folders.insert(number, folder.clone())),
                // It went away, and whoever looks for files will not find any in it.
                Err(Errno::NOENT | Errno::NOTDIR) => {}
                Err(Errno::NOSPC) => {
                    let folders = found.len();
                    return Err(WatchError::TooMany { folders });
                }
                Err(error) => return Err(io(error)),
            }
        }
        let root = self.path().to_owned();
        Ok(Watch {
            told,
            root,
            folders,
        })
    }
}

impl Watch {
    /// Waits until something has changed, at most for a while, and says what; nothing where that
    /// while passed.
    pub fn wait(&self, at_most: Duration) -> Result<Changes, WatchError> {
        let mut changes = Changes::default();
        let time = Timespec::try_from(at_most).map_err(|_| WatchError::Io(Errno::INVAL.into()))?;
        let mut told = [PollFd::new(&self.told, PollFlags::IN)];
        match poll(&mut told, Some(&time)) {
            Ok(0) | Err(Errno::INTR) => return Ok(changes),
            Ok(_) => {}
            Err(error) => return Err(WatchError::Io(error.into())),
        }
        let mut buffer = [MaybeUninit::uninit(); EVENTS_BYTES];
        let mut reader = Reader::new(self.told.as_fd(), &mut buffer);
        loop {
            match reader.next() {
                Ok(event) => self.take(&event, &mut changes),
                Err(Errno::WOULDBLOCK) => return Ok(changes),
                Err(Errno::INTR) => {}
                Err(error) => return Err(WatchError::Io(error.into())),
            }
        }
    }

    fn take(&self, event: &Event<'_>, changes: &mut Changes) {
        // More happened than the system could tell: anything may have changed.
        if event.events().contains(ReadFlags::QUEUE_OVERFLOW) {
            changes.more = true;
        }
        let Some(folder) = self.folders.get(&event.wd()) else {
            return;
        };
        let name = event.file_name().map(|name| name.to_string_lossy());
        let path = match name.as_deref() {
            Some(name) if RESERVED.contains(&name) => return,
            Some(name) => crate::collect::join(folder, name),
            // The folder itself; the one above tells that it went away.
            None if folder.is_empty() => return,
            None => folder.clone(),
        };
        if changes.paths.contains(&path) || self.is_unnamed(event, &path) {
            return;
        }
        if changes.paths.len() == PATHS_MAX {
            changes.more = true;
        } else {
            changes.paths.push(path);
        }
    }

    /// Whether somebody has written a file that is in no folder: the system calls it by its number.
    /// By such a file a check tells the time of the file system.
    fn is_unnamed(&self, event: &Event<'_>, path: &str) -> bool {
        let name = path.rsplit('/').next().unwrap_or(path);
        let is_number = |name: &str| name.bytes().all(|byte| byte.is_ascii_digit());
        let of_folder = ReadFlags::CREATE
            .union(ReadFlags::DELETE)
            .union(ReadFlags::MOVED_FROM)
            .union(ReadFlags::MOVED_TO);
        !event.events().intersects(of_folder)
            && name.strip_prefix('#').is_some_and(is_number)
            && lstat(self.root.join(path)).is_err()
    }
}

impl Changes {
    /// Whether nothing has changed.
    pub fn is_empty(&self) -> bool {
        self.paths.is_empty() && !self.more
    }

    /// Takes in later changes.
    pub fn extend(&mut self, later: Self) {
        self.more |= later.more;
        for path in later.paths {
            if self.paths.contains(&path) {
                continue;
            }
            if self.paths.len() == PATHS_MAX {
                self.more = true;
                return;
            }
            self.paths.push(path);
        }
    }
}
