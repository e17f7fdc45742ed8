//! Locks on files: they end with the process that has them, however it ends.

use std::{
    fs::{self, File, OpenOptions, TryLockError},
    io::{self, Read as _, Seek as _, Write as _},
    path::{Path, PathBuf},
    process,
};

use atelier_model::WorkerId;

/// The right to what a file stands for. Dropping it, or the end of the process in whatever way, gives
/// it back.
#[derive(Debug)]
pub(crate) struct FileLock {
    _file: File,
}

/// Why a lock was not given.
#[derive(Debug, thiserror::Error)]
pub enum LockError {
    /// Another process has it.
    #[error("work on this project: {} is working on it already", holder(*.pid))]
    Held {
        /// Its process number, where it could be read.
        pid: Option<u32>,
    },
    /// The lock file could not be used.
    #[error("use the lock file {}", .path.display())]
    File {
        /// Its path.
        path: PathBuf,
        /// What the system said.
        #[source]
        source: io::Error,
    },
}

/// Bytes of the lock file that are read; a process number has at most ten digits.
const PID_BYTES_MAX: u64 = 32;

fn holder(pid: Option<u32>) -> String {
    pid.map_or_else(
        || "another process".to_owned(),
        |pid| format!("process {pid}"),
    )
}

pub(crate) fn on_disk(path: &Path) -> Result<FileLock, LockError> {
    let failed = |source| LockError::File {
        path: path.to_owned(),
        source,
    };
    let mut file = OpenOptions::new()
        .read(true)
        .write(true)
        .create(true)
        .truncate(false)
        .open(path)
        .map_err(failed)?;
    match file.try_lock() {
        Ok(()) => {}
        Err(TryLockError::WouldBlock) => {
            return Err(LockError::Held {
                pid: pid_in(&mut file),
            });
        }
        Err(TryLockError::Error(source)) => return Err(failed(source)),
    }
    file.set_len(0).map_err(failed)?;
    file.rewind().map_err(failed)?;
    writeln!(file, "{}", process::id()).map_err(failed)?;
    Ok(FileLock { _file: file })
}

/// Where the file of a worker is, in a folder that is there.
pub(crate) fn of_worker(state: &Path, id: &WorkerId) -> Result<PathBuf, LockError> {
    let path = worker_file(state, id);
    let folder = path.parent().unwrap_or(state);
    match fs::create_dir_all(folder) {
        Ok(()) => Ok(path),
        Err(source) => Err(LockError::File { path, source }),
    }
}

/// What the file of a worker says of it.
#[derive(Debug)]
pub(crate) enum Sign {
    /// It lives, or nobody can tell.
    Alive,
    /// It is gone; nobody else takes the file while this is held.
    Dead { _lock: FileLock },
    /// Somebody else saw it dead, and is about to say so.
    Gone,
}

/// Looks whether a worker lives.
pub(crate) fn sign_of(state: &Path, id: &WorkerId) -> Sign {
    match File::open(worker_file(state, id)) {
        Ok(file) if file.try_lock().is_ok() => Sign::Dead {
            _lock: FileLock { _file: file },
        },
        Err(error) if error.kind() == io::ErrorKind::NotFound => Sign::Gone,
        Ok(_) | Err(_) => Sign::Alive,
    }
}

/// Takes away the file of a worker that has ended. One that stays is in nobody's way.
pub(crate) fn worker_forget(state: &Path, id: &WorkerId) {
    let _ = fs::remove_file(worker_file(state, id));
}

fn worker_file(state: &Path, id: &WorkerId) -> PathBuf {
    state.join("workers").join(id.as_str())
}

fn pid_in(file: &mut File) -> Option<u32> {
    let mut text = String::new();
    file.take(PID_BYTES_MAX).read_to_string(&mut text).ok()?;
    text.trim().parse().ok()
}
