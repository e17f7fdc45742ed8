//! Keeping a store within its bounds: what was used longest ago goes first.

use std::{
    collections::{HashMap, HashSet},
    fs::{self, File, OpenOptions},
    io::{self, Read as _},
    os::unix::fs::{FileExt as _, MetadataExt as _},
    path::Path,
};

use atelier_model::Digest;
use rustix::fs::{FlockOperation, flock};

use crate::{
    cas::Cas,
    outputs::{Output, Outputs, Tree},
    record::{Outcome, Record},
    records::{Descriptor, Records},
};

/// Where something must go, this part of the bounds is left free, so that not every run has to do
/// it again.
const FREE_PART: u64 = 5;
/// Bytes of a log that is not worth writing anew.
const LOG_BYTES_KEPT: u64 = 1024 * 1024;

/// What was removed from a store.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Evicted {
    /// Records that were forgotten.
    pub records: u64,
    /// Contents that were removed.
    pub contents: u64,
    /// Bytes of the contents that were removed.
    pub bytes: u64,
    /// Bytes of the contents that are left, as far as they are known.
    pub bytes_left: u64,
    /// Whether something should have been removed and was not, because another process is at work.
    pub postponed: bool,
}

/// Why a store could not be kept within its bounds. Whatever was removed until then was not
/// needed by any record.
#[derive(Debug, thiserror::Error)]
#[error("remove what was used longest ago from the store")]
pub struct EvictError(#[from] io::Error);

impl Cas {
    /// Removes what was used longest ago where the store is beyond its bounds, and contents that no
    /// record names. Costs nothing where there is nothing to do.
    ///
    /// What this run has used or taken in stays in any case. While another process has the store
    /// open nothing is removed: the last one to end a run does it for all.
    pub fn evict(&self) -> Result<Evicted, EvictError> {
        let total = self.tally(0)?;
        let mut evicted = Evicted {
            bytes_left: total.unwrap_or(0),
            ..Evicted::default()
        };
        let mut records = self.records()?;
        let beyond = total.is_none_or(|total| total > self.limits().bytes_max)
            || records.len() > self.limits().records_max
            || records.is_wasteful(LOG_BYTES_KEPT);
        if !beyond {
            return Ok(evicted);
        }
        if flock(&self.presence, FlockOperation::NonBlockingLockExclusive).is_ok() {
            let done = self.evict_alone(&mut records, &mut evicted);
            flock(&self.presence, FlockOperation::LockShared).map_err(io::Error::from)?;
            done?;
        } else {
            // Asking for more may have cost what was held.
            flock(&self.presence, FlockOperation::LockShared).map_err(io::Error::from)?;
            evicted.postponed = true;
        }
        Ok(evicted)
    }

    fn evict_alone(&self, records: &mut Records, evicted: &mut Evicted) -> io::Result<()> {
        records.refresh()?;
        let present = self.blobs.list()?;
        let total: u64 = present.values().map(|blob| blob.size).sum();
        let keep = self.worth_keeping(records, &present, total)?;
        let before = records.len();
        let lost = before - keep.slots.len();
        if lost > 0 || records.is_wasteful(LOG_BYTES_KEPT) {
            records.rewrite(&self.folder().join("records"), &keep.slots)?;
        }
        evicted.records = lost as u64;
        let mut left = 0;
        // The records go first: a content that is left over is found the next time, and a record
        // that lacks one would have to be found out.
        for (digest, blob) in &present {
            if keep.contents.contains(digest) || blob.changed_ns >= self.opened.time_ns {
                left += blob.size;
                continue;
            }
            self.blobs.remove(digest)?;
            evicted.contents += 1;
            evicted.bytes += blob.size;
        }
        evicted.bytes_left = left;
        self.blobs.take_added();
        write_tally(&self.folder().join(TALLY), left)
    }

    /// The records that stay, the newest first, and all they need.
    fn worth_keeping(
        &self,
        records: &Records,
        present: &HashMap<Digest, Present>,
        total: u64,
    ) -> io::Result<Kept> {
        let limits = self.limits();
        let bytes_max = room(limits.bytes_max, total);
        let records_max = room(limits.records_max as u64, records.len() as u64);
        let mut kept = Kept::default();
        let mut bytes = 0_u64;
        for candidate in records.newest_first() {
            let Some((record, descriptor)) = records.whole(candidate.index)? else {
                continue;
            };
            let needed = self.needed(&record, descriptor.as_ref());
            let whole = needed.iter().all(|(digest, size)| {
                let blob = present.get(digest);
                blob.is_some_and(|blob| size.is_none_or(|size| size == blob.size))
            });
            let more: u64 = needed
                .keys()
                .filter(|digest| !kept.contents.contains(*digest))
                .filter_map(|digest| present.get(digest))
                .map(|blob| blob.size)
                .sum();
            let fits = bytes + more <= bytes_max && (kept.slots.len() as u64) < records_max;
            // What lacks a content is good for explanations at most.
            let worth = (whole || candidate.last) && (fits || candidate.in_use);
            if worth {
                bytes += more;
                kept.slots.push(candidate.index);
                kept.contents.extend(needed.into_keys());
            }
        }
        kept.slots.sort_unstable();
        Ok(kept)
    }

    /// The contents that a record names, with their sizes where it says them.
    fn needed(
        &self,
        record: &Record,
        descriptor: Option<&Descriptor>,
    ) -> HashMap<Digest, Option<u64>> {
        let mut needed = HashMap::new();
        if let Some(Descriptor::Blob(digest)) = descriptor {
            needed.insert(*digest, None);
        }
        needed.extend(record.log.map(|log| (log, None)));
        if record.outcome == Outcome::Passed {
            self.add_outputs(&record.outputs, &mut needed);
        }
        needed
    }

    fn add_outputs(&self, outputs: &Outputs, needed: &mut HashMap<Digest, Option<u64>>) {
        for (_, output) in outputs.iter() {
            match output {
                Output::File(file) => {
                    needed.insert(file.digest, Some(file.size));
                }
                Output::Link { .. } => {}
                Output::Folder { tree } => {
                    needed.insert(*tree, None);
                    let bytes = self.read(tree).ok();
                    let tree = bytes.and_then(|bytes| Tree::from_bytes(&bytes));
                    let files = tree.iter().flat_map(Tree::files);
                    needed.extend(files.map(|file| (file.digest, Some(file.size))));
                }
            }
        }
    }

    /// Adds to the number of bytes that the store holds, and says it; `None` where it is unknown.
    pub(crate) fn tally(&self, more: u64) -> io::Result<Option<u64>> {
        let file = OpenOptions::new()
            .read(true)
            .write(true)
            .create(true)
            .truncate(false)
            .open(self.folder().join(TALLY))?;
        flock(&file, FlockOperation::LockExclusive)?;
        let total = read_tally(&file)?.map(|total| total.saturating_add(more));
        if more > 0
            && let Some(total) = total
        {
            file.write_all_at(&tally_bytes(total), 0)?;
        }
        Ok(total)
    }
}

/// How much may stay where this much is held.
fn room(max: u64, held: u64) -> u64 {
    if held > max {
        max - max / FREE_PART
    } else {
        max
    }
}

/// Records and contents that stay.
#[derive(Debug, Default)]
struct Kept {
    slots: Vec<usize>,
    contents: HashSet<Digest>,
}

/// A content that is there.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Present {
    pub(crate) size: u64,
    /// When it was taken in, or asked for the last time.
    pub(crate) changed_ns: i64,
}

impl Present {
    pub(crate) fn of(data: &fs::Metadata) -> Self {
        Self {
            size: data.len(),
            changed_ns: data
                .mtime()
                .saturating_mul(1_000_000_000)
                .saturating_add(data.mtime_nsec()),
        }
    }
}

/// The file with the number of bytes that the store holds.
const TALLY: &str = "size";

/// The number, and once more with every bit turned, so that damage shows.
fn tally_bytes(total: u64) -> [u8; 16] {
    let mut bytes = [0; 16];
    bytes[..8].copy_from_slice(&total.to_le_bytes());
    bytes[8..].copy_from_slice(&(!total).to_le_bytes());
    bytes
}

fn read_tally(mut file: &File) -> io::Result<Option<u64>> {
    let mut bytes = Vec::new();
    (&mut file).take(17).read_to_end(&mut bytes)?;
    let total = bytes
        .first_chunk::<8>()
        .map(|total| u64::from_le_bytes(*total));
    Ok(total.filter(|total| tally_bytes(*total) == bytes.as_slice()))
}

fn write_tally(path: &Path, total: u64) -> io::Result<()> {
    fs::write(path, tally_bytes(total))
}
