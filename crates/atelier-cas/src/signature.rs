//! What a file system tells about a file without its content being read.

use std::fs::File;

use rustix::{
    fs::{FileType, Mode, Stat, Timespec, Timestamps, UTIME_NOW, fstat, futimens},
    io::Errno,
};

use crate::codec::{Reader, Writer};

/// A nanosecond-stamped file system's clock moves at least this often.
const TICK_NS: i64 = 20_000_000;
/// The same for one that stamps whole seconds, or every second one.
const COARSE_TICK_NS: i64 = 3_000_000_000;
const SECOND_NS: i64 = 1_000_000_000;

/// A file is taken for unchanged as long as all of this is the same.
///
/// The time of change is in it because nobody can set it: a file that got its old size and its old
/// time of modification back is seen all the same.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Signature {
    /// When the content was modified, in nanoseconds since 1970.
    pub(crate) modified_ns: i64,
    /// When the content or the attributes were changed.
    pub(crate) changed_ns: i64,
    pub(crate) size: u64,
    pub(crate) inode: u64,
    pub(crate) device: u64,
    pub(crate) mode: u32,
}

impl Signature {
    pub(crate) fn of(stat: &Stat) -> Self {
        Self {
            modified_ns: nanos(stat.st_mtime, i64::try_from(stat.st_mtime_nsec)),
            changed_ns: nanos(stat.st_ctime, i64::try_from(stat.st_ctime_nsec)),
            size: u64::try_from(stat.st_size).unwrap_or(0),
            inode: stat.st_ino,
            device: stat.st_dev,
            mode: stat.st_mode,
        }
    }

    pub(crate) fn executable(&self) -> bool {
        Mode::from_raw_mode(self.mode).contains(Mode::XUSR)
    }

    pub(crate) fn kind(&self) -> FileType {
        FileType::from_raw_mode(self.mode)
    }

    /// Whether any change after `now`, a time before the content was read, must show in the
    /// signature.
    ///
    /// A change within the same tick of the clock would leave the same times. Where the clock went
    /// back, the file seems to come from the future, and nothing is certain.
    pub(crate) fn is_settled(&self, now: &Now) -> bool {
        let coarse = self.device != now.device || self.changed_ns % SECOND_NS == 0;
        let tick = if coarse { COARSE_TICK_NS } else { TICK_NS };
        self.changed_ns.saturating_add(tick) < now.time_ns
    }

    pub(crate) fn write(&self, to: &mut Writer) {
        for value in [self.modified_ns, self.changed_ns] {
            to.raw(&value.to_le_bytes());
        }
        for value in [self.size, self.inode, self.device] {
            to.raw(&value.to_le_bytes());
        }
        to.raw(&self.mode.to_le_bytes());
    }

    pub(crate) fn read(from: &mut Reader<'_>) -> Option<Self> {
        Some(Self {
            modified_ns: i64::from_le_bytes(from.array()?),
            changed_ns: i64::from_le_bytes(from.array()?),
            size: u64::from_le_bytes(from.array()?),
            inode: u64::from_le_bytes(from.array()?),
            device: u64::from_le_bytes(from.array()?),
            mode: u32::from_le_bytes(from.array()?),
        })
    }
}

/// The time by the clock of a file system.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Now {
    pub(crate) time_ns: i64,
    /// The file system that said so.
    pub(crate) device: u64,
}

impl Now {
    /// Asks the file system that a file lies in, by touching the file.
    pub(crate) fn ask(file: &File) -> Result<Self, Errno> {
        let now = Timespec {
            tv_sec: 0,
            tv_nsec: UTIME_NOW,
        };
        let times = Timestamps {
            last_access: now,
            last_modification: now,
        };
        futimens(file, &times)?;
        let signature = Signature::of(&fstat(file)?);
        Ok(Self {
            time_ns: signature.modified_ns,
            device: signature.device,
        })
    }
}

/// Nanoseconds since 1970; what lies beyond the range of the type is at its end.
fn nanos<E>(seconds: i64, nanos: Result<i64, E>) -> i64 {
    seconds
        .saturating_mul(SECOND_NS)
        .saturating_add(nanos.unwrap_or(0))
}

#[cfg(test)]
mod tests;
