//! The log of executions: the newest record of each key and each step is found in memory.
//!
//! What went into an execution is asked for when something is explained, and never when nothing
//! has changed; so descriptors have a log of their own that is not read at the beginning.

mod logs;

use std::{
    cmp::Reverse,
    collections::{HashMap, HashSet},
    hash::BuildHasherDefault,
    io,
    ops::Range,
    path::Path,
};

use atelier_model::Digest;

use self::logs::Logs;
use crate::{
    codec::{Reader, Writer},
    digests::DigestHasher,
    frame,
    record::{Outcome, Record, RecordHead},
};

/// Durations of a step that are remembered, the newest ones.
const DURATIONS_MAX: usize = 8;
/// A record that was used so few runs ago is not marked as used again.
const MARK_EVERY: u32 = 8;

const RECORD: u8 = 1;
const USED: u8 = 2;

/// The last execution of a step, and what went into it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Last {
    /// The execution.
    pub record: Record,
    /// Its descriptor as it was handed in; `None` where it is lost.
    pub descriptor: Option<Vec<u8>>,
}

/// What past executions of a step say about the next one.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct History {
    /// Microseconds of the newest executions that succeeded, the newest last.
    pub durations_us: Vec<u64>,
    /// Bytes of memory it had at most in the executions that are remembered.
    pub rss_bytes_max: u64,
    /// How the last one ended.
    pub last: Option<Outcome>,
}

impl History {
    /// Milliseconds that the step usually takes: the middle of the newest times.
    pub fn usual_ms(&self) -> Option<u64> {
        let mut durations = self.durations_us.clone();
        durations.sort_unstable();
        let middle = durations.get(durations.len() / 2)?;
        Some(middle / 1_000)
    }
}

/// Where a descriptor is kept.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Descriptor {
    /// In the log of descriptors.
    Inline(Vec<u8>),
    /// In a content of its own.
    Blob(Digest),
}

/// The place of one record.
#[derive(Debug, Clone)]
pub(crate) struct Slot {
    pub(crate) key: Digest,
    /// Where the content of its frame is in the log.
    pub(crate) at: u64,
    /// Its bytes in memory, without key and descriptor.
    hot: Range<usize>,
    /// What the log says of its descriptor.
    cold: Range<u64>,
    /// The run that used it last.
    pub(crate) used: u32,
}

#[derive(Debug, Default)]
struct StepState {
    last: usize,
    /// The newest ones, written round and round.
    durations_us: [u64; DURATIONS_MAX],
    /// Executions that succeeded.
    passed: usize,
    rss_bytes_max: u64,
}

impl StepState {
    fn take(&mut self, index: usize, head: &RecordHead<'_>) {
        self.last = index;
        self.rss_bytes_max = self.rss_bytes_max.max(head.rss_bytes_max);
        if head.outcome == Outcome::Passed {
            self.durations_us[self.passed % DURATIONS_MAX] = head.duration_us;
            self.passed += 1;
        }
    }

    /// The durations that are remembered, the newest last.
    fn durations_us(&self) -> Vec<u64> {
        let first = self.passed.saturating_sub(DURATIONS_MAX);
        let at = |execution: usize| self.durations_us[execution % DURATIONS_MAX];
        (first..self.passed).map(at).collect()
    }
}

/// All records of a store.
#[derive(Debug)]
pub(crate) struct Records {
    logs: Logs,
    /// Up to where the log is known, and how long it was then.
    end: u64,
    seen: u64,
    /// Bytes of the log that are records.
    record_bytes: u64,
    arena: Vec<u8>,
    slots: Vec<Slot>,
    by_key: HashMap<Digest, usize, BuildHasherDefault<DigestHasher>>,
    by_step: HashMap<Box<str>, StepState>,
    /// The number of this run; nothing was read yet where it is 0.
    run: u32,
    marked: Vec<usize>,
}

impl Records {
    pub(crate) fn open(path: &Path) -> io::Result<Self> {
        let mut records = Self::unread(path)?;
        records.load()?;
        Ok(records)
    }

    /// The same, with nothing read yet.
    pub(crate) fn unread(path: &Path) -> io::Result<Self> {
        Ok(Self {
            logs: Logs::open(path)?,
            end: 0,
            seen: 0,
            record_bytes: 0,
            arena: Vec::new(),
            slots: Vec::new(),
            by_key: HashMap::default(),
            by_step: HashMap::new(),
            run: 0,
            marked: Vec::new(),
        })
    }

    /// Reads the log, where that was not done yet.
    pub(crate) fn load(&mut self) -> io::Result<()> {
        if self.run == 0 {
            self.refresh()?;
            self.run += 1;
        }
        Ok(())
    }

    /// Takes in what was added to the log since the last time, by whomever.
    pub(crate) fn refresh(&mut self) -> io::Result<()> {
        let len = self.logs.records.metadata()?.len();
        if len == self.seen {
            return Ok(());
        }
        let log = self.logs.records.try_clone()?;
        let scanned = frame::scan(&log, self.end, |at, content| {
            self.take(at, content);
        })?;
        self.end = scanned;
        self.seen = len;
        Ok(())
    }

    fn take(&mut self, at: u64, content: &[u8]) {
        let mut reader = Reader::new(content);
        match reader.byte() {
            Some(RECORD) => drop(self.take_record(at, content, reader)),
            Some(USED) => drop(self.take_marks(reader)),
            // What a later version wrote.
            Some(_) | None => {}
        }
    }

    fn take_record(&mut self, at: u64, content: &[u8], mut reader: Reader<'_>) -> Option<()> {
        let used = u32::try_from(reader.number()?).ok()?;
        let key = reader.digest()?;
        let hot = reader.bytes()?;
        let head = RecordHead::read(&mut Reader::new(hot))?;
        let cold = reader.rest().len() as u64;
        let end = at + content.len() as u64;
        let slot = Slot {
            key,
            at,
            hot: self.arena.len()..self.arena.len() + hot.len(),
            cold: end - cold..end,
            used,
        };
        self.arena.extend_from_slice(hot);
        self.run = self.run.max(used);
        self.record_bytes += content.len() as u64;
        let index = self.slots.len();
        self.by_key.insert(key, index);
        self.slots.push(slot);
        if !self.by_step.contains_key(head.step) {
            self.by_step.insert(head.step.into(), StepState::default());
        }
        let state = self.by_step.get_mut(head.step)?;
        state.take(index, &head);
        Some(())
    }

    fn take_marks(&mut self, mut reader: Reader<'_>) -> Option<()> {
        let run = u32::try_from(reader.number()?).ok()?;
        self.run = self.run.max(run);
        let mut at = 0_u64;
        while !reader.is_empty() {
            at = at.checked_add(reader.number()?)?;
            if let Ok(index) = self.slots.binary_search_by_key(&at, |slot| slot.at) {
                self.slots[index].used = self.slots[index].used.max(run);
            }
        }
        Some(())
    }

    fn record(&self, index: usize) -> Option<Record> {
        let slot = self.slots.get(index)?;
        Record::read(slot.key, &mut Reader::new(&self.arena[slot.hot.clone()]))
    }

    /// The record of a key, where its newest execution succeeded.
    pub(crate) fn find(&mut self, key: &Digest) -> io::Result<Option<Record>> {
        if !self.by_key.contains_key(key) {
            self.refresh()?;
        }
        let Some(&index) = self.by_key.get(key) else {
            return Ok(None);
        };
        let record = self.record(index);
        let found = record.filter(|record| record.outcome == Outcome::Passed);
        if found.is_some() {
            self.mark(index);
        }
        Ok(found)
    }

    /// Notes that a record was of use in this run.
    fn mark(&mut self, index: usize) {
        let run = self.run;
        let slot = &mut self.slots[index];
        if run.saturating_sub(slot.used) >= MARK_EVERY {
            self.marked.push(index);
        }
        slot.used = run;
    }

    /// The last record of a step.
    pub(crate) fn last_record(&mut self, step: &str) -> io::Result<Option<Record>> {
        self.refresh()?;
        let state = self.by_step.get(step);
        Ok(state.and_then(|state| self.record(state.last)))
    }

    /// The last record of a step, and where its descriptor is.
    pub(crate) fn last(&mut self, step: &str) -> io::Result<Option<(Record, Option<Descriptor>)>> {
        self.refresh()?;
        let Some(state) = self.by_step.get(step) else {
            return Ok(None);
        };
        self.whole(state.last)
    }

    /// A record with the place of its descriptor.
    pub(crate) fn whole(&self, index: usize) -> io::Result<Option<(Record, Option<Descriptor>)>> {
        let (Some(record), Some(slot)) = (self.record(index), self.slots.get(index)) else {
            return Ok(None);
        };
        Ok(Some((record, self.logs.descriptor(slot)?)))
    }

    pub(crate) fn history(&self, step: &str) -> Option<History> {
        let state = self.by_step.get(step)?;
        Some(History {
            durations_us: state.durations_us(),
            rss_bytes_max: state.rss_bytes_max,
            last: self.record(state.last).map(|record| record.outcome),
        })
    }

    /// Adds a record. All contents it names must be in the store already.
    pub(crate) fn append(&mut self, record: &Record, descriptor: &Descriptor) -> io::Result<()> {
        let (start, content) = self.logs.add(record, Some(descriptor), self.run)?;
        if start != self.seen || start != self.end {
            // Others have added something, too.
            return self.refresh();
        }
        let at = start + frame::HEAD_BYTES as u64;
        self.take(at, &content);
        self.end = at + content.len() as u64;
        self.seen = self.end;
        Ok(())
    }

    /// How many records there are, those included that newer ones replaced.
    pub(crate) fn len(&self) -> usize {
        self.slots.len()
    }

    /// Whether most of the log is of no use, and there is more of it than `bytes_kept`.
    pub(crate) fn is_wasteful(&self, bytes_kept: u64) -> bool {
        let replaced = self.slots.len() > 2 * self.by_key.len();
        self.seen > bytes_kept && (replaced || self.seen > 2 * self.record_bytes)
    }

    /// The newest record of each key and of each step, in the order of the log.
    fn live(&self) -> Vec<usize> {
        let steps = self.by_step.values().map(|state| state.last);
        let mut live: Vec<usize> = self.by_key.values().copied().chain(steps).collect();
        live.sort_unstable();
        live.dedup();
        live
    }

    /// The records that may be kept, those used last first.
    pub(crate) fn newest_first(&self) -> Vec<Candidate> {
        let last: HashSet<usize> = self.by_step.values().map(|state| state.last).collect();
        let live = self.live().into_iter().map(|index| Candidate {
            index,
            last: last.contains(&index),
            in_use: self.slots[index].used == self.run,
        });
        let mut candidates: Vec<Candidate> = live.collect();
        candidates.sort_by_key(|it| Reverse((self.slots[it.index].used, it.index)));
        candidates
    }

    /// Replaces the logs by others with these records only. Nobody else may be at work.
    pub(crate) fn rewrite(&mut self, path: &Path, keep: &[usize]) -> io::Result<()> {
        let new = Logs::anew(path)?;
        for index in keep {
            if let Some((record, descriptor)) = self.whole(*index)? {
                new.add(&record, descriptor.as_ref(), self.slots[*index].used)?;
            }
        }
        new.replace(path)?;
        let run = self.run;
        *self = Self::open(path)?;
        self.run = run;
        Ok(())
    }

    /// Writes which records were of use.
    pub(crate) fn save(&mut self) -> io::Result<()> {
        if self.marked.is_empty() {
            return Ok(());
        }
        let mut places: Vec<u64> = self.marked.iter().map(|at| self.slots[*at].at).collect();
        places.sort_unstable();
        let mut content = Writer::default();
        content.byte(USED);
        content.number(u64::from(self.run));
        let mut before = 0;
        for place in places {
            content.number(place - before);
            before = place;
        }
        let mut frames = Vec::new();
        frame::push(&mut frames, &content.finish())?;
        frame::append(&self.logs.records, &frames)?;
        self.marked.clear();
        Ok(())
    }
}

/// A record that may be kept.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Candidate {
    pub(crate) index: usize,
    /// Whether it is the last of its step.
    pub(crate) last: bool,
    /// Whether this run has used it.
    pub(crate) in_use: bool,
}

#[cfg(test)]
mod tests;
