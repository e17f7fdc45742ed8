//! The line on which whoever carries out commands hangs: orders, each with the place for its
//! output, single words, and the end.

use std::{
    io::{self, IoSlice, IoSliceMut},
    mem::MaybeUninit,
    os::{
        fd::{AsFd, BorrowedFd, OwnedFd},
        unix::net::UnixStream,
    },
    time::Duration,
};

use rustix::{
    event::{PollFd, PollFlags, Timespec, poll},
    io::Errno,
    net::{
        RecvAncillaryBuffer, RecvAncillaryMessage, RecvFlags, SendAncillaryBuffer,
        SendAncillaryMessage, SendFlags, recvmsg, sendmsg,
    },
};

/// What comes before an order, together with the descriptor of the place for its output.
const ORDER: u8 = b'o';

/// Announces an order whose output goes to `output`; the order itself follows as a frame.
pub(super) fn announce(line: BorrowedFd<'_>, output: BorrowedFd<'_>) -> Result<(), Errno> {
    let mut space = [MaybeUninit::uninit(); rustix::cmsg_space!(ScmRights(1))];
    let mut with = SendAncillaryBuffer::new(&mut space);
    let descriptors = [output];
    with.push(SendAncillaryMessage::ScmRights(&descriptors));
    let word = [IoSlice::new(&[ORDER])];
    sendmsg(line, &word, &mut with, SendFlags::NOSIGNAL).map(drop)
}

/// Waits for the next order, for as long as is said; the place for its output. `None` where there
/// will be no other.
pub(super) fn announced(line: &UnixStream, wait: Option<Duration>) -> io::Result<Option<OwnedFd>> {
    line.set_nonblocking(false)?;
    let wait = wait.map(Timespec::try_from).transpose();
    let wait = wait.map_err(|_| io::ErrorKind::InvalidInput)?;
    loop {
        let mut look = [PollFd::new(line, PollFlags::IN)];
        match poll(&mut look, wait.as_ref()) {
            Ok(0) => return Ok(None),
            Err(Errno::INTR) => continue,
            Ok(_) => {}
            Err(error) => return Err(error.into()),
        }
        let mut word = [0];
        let mut space = [MaybeUninit::uninit(); rustix::cmsg_space!(ScmRights(1))];
        let mut with = RecvAncillaryBuffer::new(&mut space);
        let mut words = [IoSliceMut::new(&mut word)];
        let got = match recvmsg(line.as_fd(), &mut words, &mut with, RecvFlags::CMSG_CLOEXEC) {
            Err(Errno::INTR) => continue,
            got => got?,
        };
        if got.bytes == 0 {
            return Ok(None);
        }
        let mut descriptor = None;
        for message in with.drain() {
            if let RecvAncillaryMessage::ScmRights(descriptors) = message {
                descriptor = descriptors.last();
            }
        }
        match descriptor {
            Some(output) if word == [ORDER] => return Ok(Some(output)),
            // A word for a command that had ended before it arrived.
            Some(_) | None => {}
        }
    }
}
