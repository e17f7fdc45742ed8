//! Answers as blocks that name themselves: content identifiers, CAR files, sealed archives.
//!
//! An archive is a tree of blocks in the formats of IPFS, so that any reader of those verifies it:
//! a DAG-CBOR root links to chunks of entries, an entry to the raw parts of its body. Every block
//! is named by a [`Cid`] of version 1 with SHA-256. [`ArchiveBuilder`] makes the blocks, [`Archive`]
//! finds the entries again in a CAR file. A sealed archive is the same tree, each of its blocks
//! sealed in a raw block, with a plain root that links to all of them: a node that pins the root
//! holds everything, and reads nothing.
//!
//! A [`Pack`] is a whole run in such a file: its replies, its [`Lock`], and a [`Recording`] of what
//! else decided it.
//!
//! What is needed of the formats is little and fixed, and stands here in whole. The common
//! libraries for it bring a dozen packages for 36 bytes of a name.
//!
//! Invariants: no file, no network, no clock; whoever calls brings what is read and takes what is
//! written. Bytes that are not what their name says are never given out.

mod archive;
mod builder;
mod car;
mod cbor;
mod cid;
mod lock;
mod pack;
mod recording;
mod sealed;

#[cfg(test)]
mod tests;

pub use archive::{Archive, Chunk, Damaged, ReadArchiveError};
pub use builder::ArchiveBuilder;
pub use car::{
    Block, CAR_HEADER_BYTES, Car, Damage, ReadCarError, Source, car_header, car_section,
};
pub use cid::{Cid, Codec, ParseCidError};
pub use lock::{
    LOCK_FILE, Lock, LockedAsk, LockedAttempt, LockedCommit, LockedSettings, ReadLockError,
};
pub use pack::{Pack, ReadPackError, archive_name};
pub use recording::{
    ActRecorded, AskRecorded, AttemptRecorded, FileRecorded, Recording, VerdictRecorded,
};
