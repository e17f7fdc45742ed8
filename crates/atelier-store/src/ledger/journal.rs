//! What happens to relayed requests, line by line: written before it counts, folded into the
//! database in batches, and read again after a crash.
//!
//! A line is handed to the system in one write and never waited for on the disk: the end of the
//! process, however sudden, loses none. Segments are numbered files; the newest is written to, and
//! an older one goes when all its lines are in the database.

use std::{
    collections::{BTreeMap, BTreeSet, VecDeque},
    fs::{self, File, OpenOptions},
    io::{self, Read as _, Seek as _, SeekFrom, Write as _},
    path::{Path, PathBuf},
    sync::{Mutex, MutexGuard, PoisonError},
};

use atelier_model::{MicroUsd, RelayId, RelayRecord};
use serde::{Deserialize, Serialize};

/// Bytes of a segment after which the next one is begun.
const SEGMENT_BYTES_MAX: u64 = 4 << 20;

/// Bytes of all segments. Where the database takes no more, so many wait for it.
const JOURNAL_BYTES_MAX: u64 = 256 << 20;

/// Bytes that most lines have room in.
const LINE_BYTES_USUAL: usize = 1_024;

/// Bytes that are folded at once.
const CHUNK_BYTES_MAX: u64 = 1 << 20;

/// How the names of segments end.
const ENDING: &str = "journal";

/// How the line of a reservation begins: with the name of its request.
const RESERVED: &[u8] = b"{\"reserved\":{\"id\":\"";

/// Why a reservation that no end was found for is closed.
pub(super) const INTERRUPTED: &str = "interrupted";

/// One line.
#[derive(Debug, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
enum Line<R> {
    /// Money was reserved for a request.
    Reserved(R),
    /// The same, repeated in a newer segment because its end is still to come.
    Carried(R),
    /// A request has ended.
    Settled(R),
}

/// The journal of one process.
#[derive(Debug)]
pub(crate) struct Journal {
    /// `None` where everything stays in memory.
    dir: Option<PathBuf>,
    segments: Mutex<Segments>,
}

#[derive(Debug)]
struct Segments {
    /// The older ones, oldest first, as far as they are not folded.
    older: VecDeque<Segment>,
    live: Segment,
    bytes: u64,
}

#[derive(Debug)]
struct Segment {
    number: u64,
    medium: Medium,
    bytes: u64,
    /// Whether the last write may have ended within a line.
    is_torn: bool,
}

#[derive(Debug)]
enum Medium {
    File { file: File, path: PathBuf },
    Memory(Vec<u8>),
}

/// How far the journal is folded.
#[derive(Debug, Default)]
pub(crate) struct Folded {
    place: Place,
    /// Whether a folding was begun and not noted as done: what follows may be in the database already.
    is_unsure: bool,
    /// Reservations without an end.
    open: BTreeMap<RelayId, RelayRecord>,
}

/// Lines that are ready to be folded.
#[derive(Debug, Default)]
pub(crate) struct Chunk {
    /// Requests that have ended.
    pub(crate) settled: Vec<RelayRecord>,
    /// Reservations that were made.
    reserved: Vec<RelayRecord>,
    /// Where it ends.
    place: Place,
}

/// A place in the journal: the number of a segment, and bytes of it.
pub(crate) type Place = (u64, u64);

impl Folded {
    /// How many reservations have no end yet.
    #[cfg(test)]
    pub(super) fn open_count(&self) -> usize {
        self.open.len()
    }

    /// Up to where everything is folded.
    pub(crate) fn place(&self) -> Place {
        self.place
    }

    /// Notes that the next chunk is on its way into the database, and says whether it may have come
    /// there before: whoever folded it was dropped, or did not hear how it ended.
    pub(crate) fn begin(&mut self) -> bool {
        std::mem::replace(&mut self.is_unsure, true)
    }
}

impl Journal {
    /// A journal in a folder, which begins a segment of its own.
    pub(crate) fn in_folder(dir: &Path) -> io::Result<Self> {
        let number = numbers(dir)?.last().map_or(1, |last| last + 1);
        Ok(Self {
            segments: Mutex::new(Segments::new(Segment::create(Some(dir), number)?)),
            dir: Some(dir.to_owned()),
        })
    }

    /// A journal that is gone with the process.
    pub(crate) fn in_memory() -> io::Result<Self> {
        Ok(Self {
            segments: Mutex::new(Segments::new(Segment::create(None, 1)?)),
            dir: None,
        })
    }

    /// Writes that money is reserved.
    pub(crate) fn reserved(&self, record: &RelayRecord) -> io::Result<()> {
        self.append(&Line::Reserved(record))
    }

    /// Writes that a request has ended.
    pub(crate) fn settled(&self, record: &RelayRecord) -> io::Result<()> {
        self.append(&Line::Settled(record))
    }

    fn append(&self, line: &Line<&RelayRecord>) -> io::Result<()> {
        let mut text = Vec::with_capacity(LINE_BYTES_USUAL);
        serde_json::to_writer(&mut text, line)?;
        text.push(b'\n');
        let mut segments = self.segments();
        if segments.bytes.saturating_add(size(&text)) > JOURNAL_BYTES_MAX {
            return Err(io::ErrorKind::QuotaExceeded.into());
        }
        if segments.live.bytes >= SEGMENT_BYTES_MAX {
            segments.turn(self.dir.as_deref())?;
        }
        let written = segments.live.append(&text)?;
        segments.bytes += written;
        Ok(())
    }

    /// Begins a segment, so that all that was written before goes with the next folding.
    pub(crate) fn turn(&self) -> io::Result<()> {
        let mut segments = self.segments();
        match segments.live.bytes {
            0 => Ok(()),
            _ => segments.turn(self.dir.as_deref()),
        }
    }

    /// The next lines after a place; `None` where there are none.
    pub(crate) fn next(&self, (number, bytes): Place) -> io::Result<Option<Chunk>> {
        let mut segments = self.segments();
        let segment = match segments.older.front_mut() {
            Some(oldest) => oldest,
            None => &mut segments.live,
        };
        let from = if segment.number == number { bytes } else { 0 };
        let bytes = segment.read(from, CHUNK_BYTES_MAX)?;
        let number = segment.number;
        drop(segments);
        let chunk = Chunk::of(&bytes, (number, from));
        Ok((chunk.place != (number, from)).then_some(chunk))
    }

    /// Where it ends now.
    pub(crate) fn end(&self) -> Place {
        self.segments().live.place()
    }

    /// Notes that a chunk is in the database.
    pub(crate) fn folded(chunk: Chunk, folded: &mut Folded) {
        for record in chunk.reserved {
            folded.open.insert(record.id.clone(), record);
        }
        for record in &chunk.settled {
            folded.open.remove(&record.id);
        }
        folded.place = chunk.place;
        folded.is_unsure = false;
    }

    /// Removes older segments that are folded to their ends, each once what is open in it stands in
    /// the newest.
    pub(crate) fn shed(&self, folded: &mut Folded) -> io::Result<()> {
        while self.is_passed(folded) {
            for record in folded.open.values() {
                self.append(&Line::Carried(record))?;
            }
            let mut segments = self.segments();
            if let Some(oldest) = segments.older.pop_front() {
                segments.bytes = segments.bytes.saturating_sub(oldest.bytes);
                folded.place = (oldest.number + 1, 0);
                oldest.remove()?;
            }
        }
        Ok(())
    }

    /// Whether the oldest segment is folded to its end, and no longer written to.
    fn is_passed(&self, folded: &Folded) -> bool {
        let segments = self.segments();
        let oldest = segments.older.front();
        oldest.is_some_and(|oldest| oldest.place() == folded.place)
    }

    /// Removes the journal of a process that ends, where everything in it is folded and settled.
    pub(crate) fn close(&self, folded: &Folded) -> io::Result<()> {
        let segments = self.segments();
        let is_done = segments.older.is_empty()
            && folded.open.is_empty()
            && (segments.live.bytes == 0 || segments.live.place() == folded.place);
        if is_done {
            return segments.live.remove();
        }
        Ok(())
    }

    /// Whatever panicked had written a line or none.
    fn segments(&self) -> MutexGuard<'_, Segments> {
        self.segments.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Segments {
    fn new(live: Segment) -> Self {
        Self {
            older: VecDeque::new(),
            live,
            bytes: 0,
        }
    }

    /// Begins the next one.
    fn turn(&mut self, dir: Option<&Path>) -> io::Result<()> {
        let next = Segment::create(dir, self.live.number + 1)?;
        let full = std::mem::replace(&mut self.live, next);
        self.older.push_back(full);
        Ok(())
    }
}

impl Segment {
    fn create(dir: Option<&Path>, number: u64) -> io::Result<Self> {
        let medium = match dir {
            Some(dir) => {
                let path = path(dir, number);
                let mut options = OpenOptions::new();
                let file = options
                    .read(true)
                    .append(true)
                    .create_new(true)
                    .open(&path)?;
                Medium::File { file, path }
            }
            None => Medium::Memory(Vec::new()),
        };
        Ok(Self {
            number,
            medium,
            bytes: 0,
            is_torn: false,
        })
    }

    /// Appends a line and returns the bytes it took.
    fn append(&mut self, line: &[u8]) -> io::Result<u64> {
        let before = self.bytes;
        match &mut self.medium {
            Medium::Memory(all) => all.extend_from_slice(line),
            Medium::File { file, .. } => {
                if self.is_torn {
                    // What a full disk cut off ends here, and is no line.
                    file.write_all(b"\n")?;
                    self.is_torn = false;
                    self.bytes = file.metadata()?.len();
                }
                if let Err(error) = file.write_all(line) {
                    self.is_torn = true;
                    return Err(error);
                }
            }
        }
        self.bytes += size(line);
        Ok(self.bytes - before)
    }

    fn read(&mut self, from: u64, bytes_max: u64) -> io::Result<Vec<u8>> {
        let length = self.bytes.saturating_sub(from).min(bytes_max);
        match &mut self.medium {
            Medium::Memory(all) => {
                let from = usize::try_from(from).unwrap_or(usize::MAX);
                let rest = all.get(from..).unwrap_or_default();
                let length = usize::try_from(length).unwrap_or(usize::MAX);
                Ok(rest[..length.min(rest.len())].to_vec())
            }
            Medium::File { file, .. } => {
                // Whoever writes waits for this, so it is read in one piece.
                let mut bytes = Vec::with_capacity(usize::try_from(length).unwrap_or_default());
                file.seek(SeekFrom::Start(from))?;
                file.take(length).read_to_end(&mut bytes)?;
                Ok(bytes)
            }
        }
    }

    /// Its end.
    fn place(&self) -> Place {
        (self.number, self.bytes)
    }

    fn remove(&self) -> io::Result<()> {
        match &self.medium {
            Medium::Memory(_) => Ok(()),
            Medium::File { path, .. } => fs::remove_file(path),
        }
    }
}

impl Chunk {
    /// The whole lines of bytes that begin at `from`. Half a line is left for the next chunk.
    fn of(bytes: &[u8], (number, from): Place) -> Self {
        let end = bytes.iter().rposition(|byte| *byte == b'\n');
        let whole = &bytes[..end.map_or(0, |end| end + 1)];
        let mut chunk = Self {
            place: (number, from + size(whole)),
            ..Self::default()
        };
        let (reserved, rest): (Vec<&[u8]>, Vec<&[u8]>) = whole
            .split(|byte| *byte == b'\n')
            .partition(|line| line.starts_with(RESERVED));
        for line in rest {
            match read(line) {
                Some(Line::Settled(record)) => chunk.settled.push(record),
                Some(Line::Reserved(record)) => chunk.reserved.push(record),
                // Whoever folds what it has written itself knows what is open.
                Some(Line::Carried(_)) | None => {}
            }
        }
        let ended: BTreeSet<&[u8]> = chunk
            .settled
            .iter()
            .map(|record| record.id.as_str().as_bytes())
            .collect();
        // Most requests end soon after they began: those need not be read to their ends.
        let is_open = |line: &&[u8]| id(line).is_none_or(|id| !ended.contains(id));
        let open: Vec<_> = reserved
            .into_iter()
            .filter(is_open)
            .filter_map(read)
            .collect();
        chunk
            .reserved
            .extend(open.into_iter().filter_map(|line| match line {
                Line::Reserved(record) => Some(record),
                Line::Carried(_) | Line::Settled(_) => None,
            }));
        chunk
    }
}

/// Everything that processes which are gone have left in a folder: requests that have ended, and
/// those that were cut off, which must be taken to have cost all that was reserved. The files
/// stay until [`forget`] is told that they are kept elsewhere.
pub(crate) fn left_behind(dir: &Path) -> io::Result<Vec<RelayRecord>> {
    let mut settled = Vec::new();
    let mut ended = BTreeSet::new();
    let mut open = BTreeMap::new();
    for number in numbers(dir)? {
        for line in lines(&fs::read(path(dir, number))?) {
            match line {
                Line::Reserved(record) | Line::Carried(record) => {
                    open.insert(record.id.clone(), record);
                }
                Line::Settled(record) => {
                    ended.insert(record.id.clone());
                    settled.push(record);
                }
            }
        }
    }
    open.retain(|id, _| !ended.contains(id));
    settled.extend(open.into_values().map(interrupted));
    Ok(settled)
}

/// Removes what processes which are gone have left in a folder.
pub(crate) fn forget(dir: &Path) -> io::Result<()> {
    for number in numbers(dir)? {
        fs::remove_file(path(dir, number))?;
    }
    Ok(())
}

fn interrupted(record: RelayRecord) -> RelayRecord {
    RelayRecord {
        cost: record.cost + record.reserved,
        reserved: MicroUsd::ZERO,
        source: None,
        error: Some(INTERRUPTED.to_owned()),
        ..record
    }
}

/// The lines that can be read.
fn lines(bytes: &[u8]) -> impl Iterator<Item = Line<RelayRecord>> {
    bytes.split(|byte| *byte == b'\n').filter_map(read)
}

/// What a line says. One that was torn by a full disk or a power failure says nothing.
fn read(line: &[u8]) -> Option<Line<RelayRecord>> {
    serde_json::from_slice(line).ok()
}

/// The name in the line of a reservation.
fn id(line: &[u8]) -> Option<&[u8]> {
    let rest = line.strip_prefix(RESERVED)?;
    rest.split(|byte| *byte == b'"').next()
}

/// The numbers of the segments in a folder, in order.
fn numbers(dir: &Path) -> io::Result<Vec<u64>> {
    let mut numbers = Vec::new();
    for entry in fs::read_dir(dir)? {
        let path = entry?.path();
        let is_segment = path.extension().is_some_and(|ending| ending == ENDING);
        let name = path.file_stem().and_then(|name| name.to_str());
        let number = name.and_then(|name| name.parse::<u64>().ok());
        numbers.extend(number.filter(|_| is_segment));
    }
    numbers.sort_unstable();
    Ok(numbers)
}

fn path(dir: &Path, number: u64) -> PathBuf {
    dir.join(format!("{number:08}.{ENDING}"))
}

fn size(bytes: &[u8]) -> u64 {
    u64::try_from(bytes.len()).unwrap_or(u64::MAX)
}
