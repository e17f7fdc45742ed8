//! The run lock: one process at a time works on a project's runs.

use std::{
    fs::{File, OpenOptions, TryLockError},
    io::{self, Read as _, Seek as _, Write as _},
    path::{Path, PathBuf},
    process,
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
};

/// The right to work on a project's runs. Dropping it, or the end of the process in whatever way,
/// gives it back.
#[derive(Debug)]
pub struct RunLock {
    held: Held,
}

#[derive(Debug)]
enum Held {
    /// The operating system releases the lock with the file.
    File {
        _file: File,
    },
    Memory(Arc<AtomicBool>),
}

/// Why the run lock was not given.
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

pub(crate) fn on_disk(path: &Path) -> Result<RunLock, LockError> {
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
    Ok(RunLock {
        held: Held::File { _file: file },
    })
}

pub(crate) fn in_memory(held: &Arc<AtomicBool>) -> Result<RunLock, LockError> {
    if held.swap(true, Ordering::AcqRel) {
        return Err(LockError::Held {
            pid: Some(process::id()),
        });
    }
    Ok(RunLock {
        held: Held::Memory(Arc::clone(held)),
    })
}

fn pid_in(file: &mut File) -> Option<u32> {
    let mut text = String::new();
    file.take(PID_BYTES_MAX).read_to_string(&mut text).ok()?;
    text.trim().parse().ok()
}

impl Drop for RunLock {
    fn drop(&mut self) {
        if let Held::Memory(held) = &self.held {
            held.store(false, Ordering::Release);
        }
    }
}
