//! Every cut of a reply gives the same, and each file is told as soon as it can be known.
#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

use std::io::{self, Read};

use super::*;

/// A reply with two files, more than one form, and characters of several bytes.
const REPLY: &str = "Grüße 🌍\n\na.txt\n```\nä\n```\n\n\
    b.txt\n```\n<<<<<<< SEARCH\nalt\n=======\nneu €\n>>>>>>> REPLACE\n```\n\nc.txt\n```\nz\n```\n";

/// Gives its bytes in pieces of one length, each after a signal that interrupts the reading.
struct Dripping<'a> {
    rest: &'a [u8],
    length: usize,
    interrupted: bool,
}

impl<'a> Dripping<'a> {
    fn new(bytes: &'a [u8], length: usize) -> Self {
        Self {
            rest: bytes,
            length,
            interrupted: false,
        }
    }
}

impl Read for Dripping<'_> {
    fn read(&mut self, into: &mut [u8]) -> io::Result<usize> {
        self.interrupted = !self.interrupted;
        if self.interrupted {
            return Err(ErrorKind::Interrupted.into());
        }
        let length = self.length.min(self.rest.len()).min(into.len());
        let (now, rest) = self.rest.split_at(length);
        into[..length].copy_from_slice(now);
        self.rest = rest;
        Ok(length)
    }
}

fn received(bytes: &[u8], length: usize, limits: &Limits) -> Result<ChangeSet, Refusal> {
    receive(Dripping::new(bytes, length), limits, |_| {}).unwrap()
}

#[test]
fn every_cut_of_a_reply_gives_the_same_edits() {
    let limits = Limits::default();
    let whole = atelier_edit::parse(REPLY, &limits).unwrap();
    assert_eq!(whole.edits.len(), 3);
    for length in 1..=REPLY.len() {
        let Ok(changes) = received(REPLY.as_bytes(), length, &limits) else {
            panic!("pieces of {length} bytes are refused");
        };
        assert_eq!(changes, whole, "pieces of {length} bytes");
    }
}

#[test]
fn a_file_is_told_before_the_reply_has_ended() {
    let start = "a.txt\n```\nfirst\n";
    let broken = Dripping::new(start.as_bytes(), 3).chain(Failing);
    let mut seen = Vec::new();
    let end = receive(broken, &Limits::default(), |path| {
        seen.push(path.to_owned());
    });
    assert!(end.is_err());
    assert_eq!(seen, ["a.txt"]);

    seen.clear();
    let read = Dripping::new(REPLY.as_bytes(), 1);
    let _ = receive(read, &Limits::default(), |path| seen.push(path.to_owned()));
    assert_eq!(seen, ["a.txt", "b.txt", "c.txt"]);
}

/// A source that breaks.
struct Failing;

impl Read for Failing {
    fn read(&mut self, _: &mut [u8]) -> io::Result<usize> {
        Err(ErrorKind::ConnectionReset.into())
    }
}

#[test]
fn what_is_no_text_is_refused_with_its_place() {
    let limits = Limits::default();
    for (bytes, place) in [
        (&b"ab\xff"[..], 2),
        (b"\xe2\x82", 0),
        (b"abc\xe2\x82x", 3),
        (b"abc\xe2\x82", 3),
    ] {
        for length in 1..=bytes.len() {
            match received(bytes, length, &limits) {
                Err(Refusal::NotText { at }) => assert_eq!(at, place, "{bytes:?} by {length}"),
                Ok(_) | Err(_) => panic!("{bytes:?} is taken for text"),
            }
        }
    }
}

#[test]
fn a_reply_without_end_is_refused_at_the_limit() {
    let limits = Limits {
        reply_bytes_max: 10,
        ..Limits::default()
    };
    let endless = io::repeat(b'a');
    let refused = receive(endless, &limits, |_| {}).unwrap();
    assert!(matches!(refused, Err(Refusal::TooLong { bytes_max: 10 })));
    let exact = received(b"aaaaaaaaaa", 3, &limits);
    assert!(!matches!(exact, Err(Refusal::TooLong { .. })));
}
