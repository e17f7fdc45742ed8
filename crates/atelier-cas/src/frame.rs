//! Logs that only grow: frames with a checksum, found again behind any damage.
//!
//! A frame is a mark, the length of its content, a checksum over both, and the content. A torn end
//! or a flipped bit costs the frame it is in and no other: reading goes on at the next mark whose
//! checksum holds.

use std::{
    fs::File,
    io::{self, Write as _},
    os::unix::fs::FileExt as _,
};

use memchr::memmem;
use rustix::fs::{FlockOperation, flock};

/// What a frame begins with.
const MARK: [u8; 4] = [0xa7, b'F', b'r', 0x1c];
/// Bytes before the content: mark, length, checksum.
pub(crate) const HEAD_BYTES: usize = 16;
/// Bytes of one frame's content.
pub(crate) const FRAME_BYTES_MAX: usize = 64 * 1024 * 1024;
/// Bytes that are read at once.
const CHUNK_BYTES: usize = 1024 * 1024;

/// Puts the frame of a content behind what is there. A content longer than [`FRAME_BYTES_MAX`] is
/// never read again, so it is refused.
pub(crate) fn push(frames: &mut Vec<u8>, content: &[u8]) -> io::Result<()> {
    let len = u32::try_from(content.len())
        .ok()
        .filter(|_| content.len() <= FRAME_BYTES_MAX)
        .ok_or_else(|| io::Error::from(io::ErrorKind::FileTooLarge))?;
    frames.extend_from_slice(&MARK);
    frames.extend_from_slice(&len.to_le_bytes());
    frames.extend_from_slice(&checksum(len, content));
    frames.extend_from_slice(content);
    Ok(())
}

fn checksum(len: u32, content: &[u8]) -> [u8; 8] {
    let mut hasher = blake3::Hasher::new();
    hasher.update(&len.to_le_bytes());
    hasher.update(content);
    let mut sum = [0; 8];
    sum.copy_from_slice(&hasher.finalize().as_bytes()[..8]);
    sum
}

/// Adds frames to the end of a log, all or none, and returns where they begin.
///
/// Several processes may add to one log at once.
pub(crate) fn append(log: &File, frames: &[u8]) -> io::Result<u64> {
    flock(log, FlockOperation::LockExclusive)?;
    let added = append_locked(log, frames);
    flock(log, FlockOperation::Unlock)?;
    added
}

fn append_locked(mut log: &File, frames: &[u8]) -> io::Result<u64> {
    let start = log.metadata()?.len();
    if let Err(error) = log.write_all(frames) {
        // Half a frame would be skipped by every reader, but it would still take space.
        log.set_len(start)?;
        return Err(error);
    }
    Ok(start)
}

/// Reads every whole frame from a place in a log: calls `each` with the place of the content and
/// the content. Says where the last whole frame ends: reading goes on from there when the log has
/// grown.
pub(crate) fn scan(log: &File, from: u64, mut each: impl FnMut(u64, &[u8])) -> io::Result<u64> {
    // Nobody adds, or takes back what did not fit, while the log is read.
    flock(log, FlockOperation::LockShared)?;
    let scanned = scan_locked(log, from, &mut each);
    flock(log, FlockOperation::Unlock)?;
    scanned
}

fn scan_locked(log: &File, from: u64, each: &mut impl FnMut(u64, &[u8])) -> io::Result<u64> {
    let mut window = Window::new(log, from)?;
    let mut end = window.at();
    while window.seek_mark()? {
        let Some(len) = window.frame()? else {
            window.skip(1);
            continue;
        };
        let content = &window.rest()[HEAD_BYTES..HEAD_BYTES + len];
        each(window.at() + HEAD_BYTES as u64, content);
        window.skip(HEAD_BYTES + len);
        end = window.at();
    }
    Ok(end)
}

/// A part of a log in memory, moved along it.
struct Window<'a> {
    log: &'a File,
    len: u64,
    /// Where the buffer begins in the log.
    base: u64,
    buffer: Vec<u8>,
    /// What of the buffer has been dealt with.
    done: usize,
}

impl<'a> Window<'a> {
    fn new(log: &'a File, from: u64) -> io::Result<Self> {
        let len = log.metadata()?.len();
        Ok(Self {
            log,
            len,
            base: from.min(len),
            buffer: Vec::new(),
            done: 0,
        })
    }

    fn at(&self) -> u64 {
        self.base + self.done as u64
    }

    fn rest(&self) -> &[u8] {
        &self.buffer[self.done..]
    }

    fn skip(&mut self, bytes: usize) {
        self.done += bytes;
    }

    /// Has at least this many bytes in memory, unless the log ends before.
    fn fill(&mut self, bytes: usize) -> io::Result<bool> {
        if self.rest().len() >= bytes {
            return Ok(true);
        }
        self.buffer.drain(..self.done);
        self.base += self.done as u64;
        self.done = 0;
        let known = self.buffer.len();
        let unread = self.len - self.base - known as u64;
        let wanted = (bytes - known).max(CHUNK_BYTES) as u64;
        let more = usize::try_from(wanted.min(unread)).unwrap_or(0);
        self.buffer.resize(known + more, 0);
        self.log
            .read_exact_at(&mut self.buffer[known..], self.base + known as u64)?;
        Ok(self.buffer.len() >= bytes)
    }

    /// Moves on to the next mark; false where no frame can follow.
    fn seek_mark(&mut self) -> io::Result<bool> {
        while self.fill(HEAD_BYTES)? {
            let Some(before) = memmem::find(self.rest(), &MARK) else {
                // A mark may begin in the last bytes of what is in memory.
                self.skip(self.rest().len() - (MARK.len() - 1));
                continue;
            };
            self.skip(before);
            return self.fill(HEAD_BYTES);
        }
        Ok(false)
    }

    /// The length of the content of the frame that begins here, where it is whole.
    fn frame(&mut self) -> io::Result<Option<usize>> {
        let [_, _, _, _, a, b, c, d, sum @ ..] = self.head();
        let len = u32::from_le_bytes([a, b, c, d]);
        let bytes = len as usize;
        if bytes > FRAME_BYTES_MAX || !self.fill(HEAD_BYTES + bytes)? {
            return Ok(None);
        }
        let content = &self.rest()[HEAD_BYTES..HEAD_BYTES + bytes];
        Ok((checksum(len, content) == sum).then_some(bytes))
    }

    fn head(&self) -> [u8; HEAD_BYTES] {
        let mut head = [0; HEAD_BYTES];
        head.copy_from_slice(&self.rest()[..HEAD_BYTES]);
        head
    }
}

#[cfg(test)]
mod tests;
