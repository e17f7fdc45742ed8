//! The two logs of executions: records, which are read at the beginning, and descriptors, which are
//! read one by one when something is explained.

use std::{
    fs::{self, File, OpenOptions},
    io,
    os::unix::fs::FileExt as _,
    path::{Path, PathBuf},
};

use atelier_model::Digest;

use super::{Descriptor, RECORD, Slot};
use crate::{
    codec::{Reader, Writer},
    frame,
    record::Record,
};

const LOGGED: u8 = 0;
const BLOB: u8 = 1;
const LOST: u8 = 2;

#[derive(Debug)]
pub(super) struct Logs {
    pub(super) records: File,
    descriptors: File,
}

impl Logs {
    pub(super) fn open(path: &Path) -> io::Result<Self> {
        Ok(Self {
            records: log(path)?,
            descriptors: log(&beside(path))?,
        })
    }

    /// Logs that take the place of those at a path when they are complete.
    pub(super) fn anew(path: &Path) -> io::Result<Self> {
        let logs = Self::open(&part(path))?;
        logs.records.set_len(0)?;
        logs.descriptors.set_len(0)?;
        Ok(logs)
    }

    /// Puts new logs in the place of the old ones.
    pub(super) fn replace(&self, path: &Path) -> io::Result<()> {
        // The old ones are gone after this.
        self.records.sync_data()?;
        self.descriptors.sync_data()?;
        // Between the two, a record finds another descriptor than its own, and notices.
        fs::rename(beside(&part(path)), beside(path))?;
        fs::rename(part(path), path)
    }

    /// Adds a record that was used last in a run; says where its frame begins, and the content of that.
    pub(super) fn add(
        &self,
        record: &Record,
        descriptor: Option<&Descriptor>,
        used: u32,
    ) -> io::Result<(u64, Vec<u8>)> {
        let mut hot = Writer::default();
        record.write(&mut hot);
        let mut content = Writer::default();
        content.byte(RECORD);
        content.number(u64::from(used));
        content.digest(&record.key);
        content.bytes(&hot.finish());
        match descriptor {
            Some(Descriptor::Inline(bytes)) => {
                content.byte(LOGGED);
                self.add_descriptor(bytes)?.write(&mut content);
            }
            Some(Descriptor::Blob(digest)) => {
                content.byte(BLOB);
                content.digest(digest);
            }
            None => content.byte(LOST),
        }
        let content = content.finish();
        let mut frames = Vec::new();
        frame::push(&mut frames, &content)?;
        Ok((frame::append(&self.records, &frames)?, content))
    }

    fn add_descriptor(&self, bytes: &[u8]) -> io::Result<Place> {
        let mut frames = Vec::new();
        frame::push(&mut frames, bytes)?;
        let start = frame::append(&self.descriptors, &frames)?;
        Ok(Place {
            at: start + (frames.len() - bytes.len()) as u64,
            len: bytes.len() as u64,
            sum: sum(bytes),
        })
    }

    /// The descriptor of a record, or where it is; `None` where it is lost.
    pub(super) fn descriptor(&self, slot: &Slot) -> io::Result<Option<Descriptor>> {
        let mut cold = vec![0; usize::try_from(slot.cold.end - slot.cold.start).unwrap_or(0)];
        self.records.read_exact_at(&mut cold, slot.cold.start)?;
        let mut reader = Reader::new(&cold);
        Ok(match reader.byte() {
            Some(LOGGED) => match Place::read(&mut reader) {
                Some(place) => self.logged(place)?.map(Descriptor::Inline),
                None => None,
            },
            Some(BLOB) => reader.digest().map(Descriptor::Blob),
            Some(_) | None => None,
        })
    }

    fn logged(&self, place: Place) -> io::Result<Option<Vec<u8>>> {
        let end = place.at.saturating_add(place.len);
        if end > self.descriptors.metadata()?.len() {
            return Ok(None);
        }
        let mut bytes = vec![0; usize::try_from(place.len).unwrap_or(0)];
        self.descriptors.read_exact_at(&mut bytes, place.at)?;
        Ok((sum(&bytes) == place.sum).then_some(bytes))
    }
}

/// Where a descriptor is in its log, and how to know that it is the one.
#[derive(Debug, Clone, Copy)]
struct Place {
    at: u64,
    len: u64,
    sum: [u8; 8],
}

impl Place {
    fn write(self, to: &mut Writer) {
        to.number(self.at);
        to.number(self.len);
        to.raw(&self.sum);
    }

    fn read(from: &mut Reader<'_>) -> Option<Self> {
        Some(Self {
            at: from.number()?,
            len: from.number()?,
            sum: from.array()?,
        })
    }
}

fn sum(bytes: &[u8]) -> [u8; 8] {
    let mut sum = [0; 8];
    sum.copy_from_slice(&Digest::of(bytes).as_bytes()[..8]);
    sum
}

/// The log of descriptors of a log of records.
fn beside(path: &Path) -> PathBuf {
    path.with_file_name("descriptors").with_extension(
        path.extension()
            .map_or_else(Default::default, ToOwned::to_owned),
    )
}

/// The log that is about to take the place of another.
fn part(path: &Path) -> PathBuf {
    path.with_extension("part")
}

fn log(path: &Path) -> io::Result<File> {
    OpenOptions::new()
        .read(true)
        .append(true)
        .create(true)
        .open(path)
}
