//! Everything that a check found standing, in one file: the next check sees in one pass whether all
//! of it stands still, and asks for no records, no digests and no contents.
//!
//! The file is bound to the log of executions as it was when the file was written: whatever is added
//! to that, by whomever, makes it worthless. Damaged, torn or of another form it counts as missing.

use std::{
    cmp::Reverse,
    collections::HashMap,
    fs,
    io::{self, Read as _, Write as _},
    os::unix::fs::MetadataExt as _,
    path::{Path, PathBuf},
    thread,
};

use atelier_model::Digest;
use rustix::fs::{FileType, readlinkat, stat};

use crate::{
    cas::{Cas, RecordError},
    codec::{Reader, Writer},
    digests::Known,
    outputs::{Output, Outputs},
    root,
    signature::Signature,
    survey::{Input, Survey},
    workspace::{Folders, Found, Workspace, threads_for},
};

/// The form of the file; another one has another beginning.
const MAGIC: [u8; 8] = *b"atstand1";
/// Bytes of the beginning and of the checksum behind it.
const HEAD_BYTES: usize = 8 + 32;
/// Bytes of a file that is read.
const FILE_BYTES_MAX: u64 = 512 * 1024 * 1024;
/// Paths of one block, which one thread looks at.
const BLOCK_PATHS: usize = 512;
/// Files that changed so late that they have to be read again, each time. With more of them, it is
/// better to look at everything anew.
const YOUNG_MAX: usize = 64;
/// Files that may have been written since, for everything else to be told as standing.
const TOUCHED_MAX: usize = 16;
/// Files of this kind that a store keeps: one for each choice of steps that somebody makes by turns.
const FILES_MAX: usize = 16;

const FILE: u8 = 0;
const YOUNG: u8 = 1;
const LINK: u8 = 2;
const FOLDER: u8 = 3;
const ABSENT: u8 = 4;
const TREE: u8 = 5;

/// What a path has to be.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Expected {
    File { digest: Digest, executable: bool },
    Link { target: Digest },
    Folder,
    Absent,
    Tree { digest: Digest },
}

/// What a check has looked at, as it stood.
#[derive(Debug, Default)]
pub struct Standing {
    paths: HashMap<Box<str>, Expected>,
    /// Walks over folders, whether they left out what git does, with the digest of what they found.
    walks: Vec<(Box<str>, bool, Digest)>,
    /// Whether something was found of which it cannot be seen that it stands still.
    doubtful: bool,
}

impl Standing {
    /// Adds something that steps read.
    pub fn add_input(&mut self, input: &Input) {
        self.add(&input.path, &input.found);
    }

    fn add(&mut self, path: &str, found: &Found) {
        let expected = match *found {
            Found::File {
                digest, executable, ..
            } => Expected::File { digest, executable },
            Found::Link { target } => Expected::Link { target },
            Found::Folder => Expected::Folder,
            Found::Absent => Expected::Absent,
            Found::Special | Found::Outside => {
                self.doubtful = true;
                return;
            }
        };
        self.expect(path, expected);
    }

    /// What is seen of one path by several must agree: otherwise it changed meanwhile.
    fn expect(&mut self, path: &str, expected: Expected) {
        match self.paths.get(path) {
            Some(known) => self.doubtful |= *known != expected,
            None => drop(self.paths.insert(path.into(), expected)),
        }
    }

    /// Forgets what was seen of some paths, because they were to change.
    pub fn forget(&mut self, changed: impl Fn(&str) -> bool) {
        self.paths.retain(|path, _| !changed(path));
    }

    /// Adds what a step made.
    pub fn add_outputs(&mut self, outputs: &Outputs) {
        for (path, output) in outputs.iter() {
            let expected = match output {
                Output::File(file) => Expected::File {
                    digest: file.digest,
                    executable: file.executable,
                },
                Output::Link { target } => Expected::Link {
                    target: Digest::of(root::os(target).as_encoded_bytes()),
                },
                Output::Folder { tree } => Expected::Tree { digest: *tree },
            };
            self.expect(path, expected);
        }
    }

    /// Adds which files there were, where that was asked for.
    pub fn add_survey(&mut self, survey: &Survey) {
        if let Some(paths) = survey.walked() {
            self.walks.push(("".into(), true, listed(paths)));
        }
        for (folder, paths) in survey.walked_ignored() {
            self.walks
                .push((folder.into_boxed_str(), false, listed(&paths)));
        }
        for (path, found) in survey.looked() {
            self.add(&path, &found);
        }
    }
}

/// What has become of everything that was kept as standing.
#[derive(Debug)]
pub enum Stood {
    /// All of it stands still; the notes that were kept with it.
    Whole(Vec<u8>),
    /// All but a few files.
    But(Touched),
}

/// What was kept as standing, and a few files of it that are there still and may hold something else.
#[derive(Debug)]
pub struct Touched {
    file: Vec<u8>,
    paths: Vec<String>,
    notes: Vec<u8>,
}

impl Touched {
    /// The files.
    pub fn paths(&self) -> &[String] {
        &self.paths
    }

    /// The notes that were kept.
    pub fn notes(&self) -> &[u8] {
        &self.notes
    }
}

/// What a look at a block has shown.
#[derive(Debug, Default)]
struct Look {
    touched: Vec<String>,
    /// Whether there is a link, through which a file may be read that no step names.
    linked: bool,
}

impl Look {
    /// Adds another look; `None` where too much was touched.
    fn add(&mut self, other: Self, touched_max: usize) -> Option<()> {
        self.linked |= other.linked;
        self.touched.extend(other.touched);
        (self.touched.len() <= touched_max).then_some(())
    }
}

/// One digest over paths in order.
fn listed(paths: &[String]) -> Digest {
    let mut writer = Writer::default();
    for path in paths {
        writer.text(path);
    }
    Digest::of(writer.finish())
}

impl Workspace {
    /// Keeps what stands under a key, with notes for whoever asks for it; says whether that could be
    /// done. Everything else that the check had to write must have been written before.
    pub fn keep_standing(
        &self,
        key: &Digest,
        standing: &Standing,
        notes: &[u8],
    ) -> Result<bool, RecordError> {
        if standing.doubtful {
            return Ok(false);
        }
        // What lies in one folder is looked at together.
        let paths = standing.paths.iter();
        let mut paths: Vec<(&str, &Expected)> = paths.map(|(path, one)| (&**path, one)).collect();
        paths.sort_unstable_by_key(|(path, _)| *path);
        let Some(blocks) = self.blocks(&paths) else {
            return Ok(false);
        };
        let mut body = Writer::default();
        body.digest(key);
        body.raw(&self.cas.log_place()?);
        body.number(standing.walks.len() as u64);
        for (folder, honours, digest) in &standing.walks {
            body.text(folder);
            body.byte(u8::from(*honours));
            body.digest(digest);
        }
        body.number(blocks.len() as u64);
        for block in &blocks {
            body.bytes(block);
        }
        body.bytes(notes);
        self.cas.put_standing(key, &body.finish())?;
        Ok(true)
    }

    /// Paths with the signatures that the digests which were found belong to; `None` where one is not
    /// known any more, or too many are too young.
    fn blocks(&self, paths: &[(&str, &Expected)]) -> Option<Vec<Vec<u8>>> {
        let mut young = 0;
        let mut blocks = Vec::with_capacity(paths.len().div_ceil(BLOCK_PATHS));
        self.cas.digests.look(|known| {
            for part in paths.chunks(BLOCK_PATHS) {
                let mut block = Writer::default();
                for (path, expected) in part {
                    let known = |path: &str| known(self.keys.key(path));
                    young += usize::from(put(&mut block, path, expected, &known)?);
                }
                blocks.push(block.finish());
            }
            Some(())
        })?;
        (young <= YOUNG_MAX).then_some(blocks)
    }

    /// Keeps under the same key that everything stands again: what was not touched, and what was seen
    /// `now` of the rest. Says whether that could be done.
    pub fn renew_standing(
        &self,
        key: &Digest,
        touched: &Touched,
        now: &Standing,
        notes: &[u8],
    ) -> Result<bool, RecordError> {
        let place = self.cas.log_place()?;
        match self.renewed(touched, now, &place, notes) {
            Some(body) if !now.doubtful => {
                self.cas.put_standing(key, &body)?;
                Ok(true)
            }
            Some(_) | None => Ok(false),
        }
    }

    fn renewed(
        &self,
        touched: &Touched,
        now: &Standing,
        place: &[u8],
        notes: &[u8],
    ) -> Option<Vec<u8>> {
        let mut reader = Reader::new(touched.file.get(HEAD_BYTES..)?);
        let mut body = Writer::default();
        body.digest(&reader.digest()?);
        reader.raw(LOG_PLACE_BYTES)?;
        body.raw(place);
        let walks = reader;
        for _ in 0..reader.number()? {
            reader.text()?;
            reader.byte()?;
            reader.digest()?;
        }
        body.raw(between(walks, reader)?);
        let blocks = reader.number()?;
        body.number(blocks);
        let (mut young, mut renewed) = (0, 0);
        for _ in 0..blocks {
            let mut from = Reader::new(reader.bytes()?);
            let mut block = Writer::default();
            while !from.is_empty() {
                let start = from;
                let (tag, path) = entry(&mut from)?;
                if let Some(expected) = now.paths.get(path) {
                    renewed += 1;
                    let known = |path: &str| {
                        let key = self.keys.key(path);
                        self.cas.digests.look(|known| known(key))
                    };
                    young += usize::from(put(&mut block, path, expected, &known)?);
                } else {
                    young += usize::from(tag == YOUNG);
                    block.raw(between(start, from)?);
                }
            }
            body.bytes(&block.finish());
        }
        body.bytes(notes);
        let seen = |path: &String| now.paths.contains_key(path.as_str());
        let whole = renewed == now.paths.len() && touched.paths.iter().all(seen);
        (whole && young <= YOUNG_MAX).then(|| body.finish())
    }

    /// The notes that were kept under a key, where everything stands as it did then.
    pub fn standing(&self, key: &Digest) -> Option<Vec<u8>> {
        match self.looked(key, 0)? {
            Stood::Whole(notes) => Some(notes),
            Stood::But(_) => None,
        }
    }

    /// What has become of everything that was kept under a key as standing; `None` where that is more
    /// than that a few files were written which are there still.
    pub fn stood(&self, key: &Digest) -> Option<Stood> {
        self.looked(key, TOUCHED_MAX)
    }

    fn looked(&self, key: &Digest, touched_max: usize) -> Option<Stood> {
        let file = self.cas.read_standing(key)?;
        let mut reader = Reader::new(file.get(HEAD_BYTES..)?);
        if reader.digest()? != *key || reader.raw(LOG_PLACE_BYTES)? != self.cas.log_place().ok()? {
            return None;
        }
        let (look, notes) = self.look_over(reader, touched_max)?;
        let notes = notes.to_vec();
        if look.touched.is_empty() {
            return Some(Stood::Whole(notes));
        }
        let touched = Touched {
            paths: look.touched,
            notes,
            file,
        };
        (!look.linked).then_some(Stood::But(touched))
    }

    /// Whether everything stands still but what was touched already and what somebody has made since.
    pub fn stands_but(&self, touched: &Touched, made: impl Fn(&str) -> bool) -> bool {
        let look = || {
            let mut reader = Reader::new(touched.file.get(HEAD_BYTES..)?);
            reader.digest()?;
            reader.raw(LOG_PLACE_BYTES)?;
            self.look_over(reader, TOUCHED_MAX).map(|(look, _)| look)
        };
        let expected = |path: &String| touched.paths.contains(path) || made(path);
        look().is_some_and(|look| !look.linked && look.touched.iter().all(expected))
    }

    /// Looks at everything that is named from a place on, and finds the notes behind it.
    fn look_over<'a>(
        &self,
        mut reader: Reader<'a>,
        touched_max: usize,
    ) -> Option<(Look, &'a [u8])> {
        for _ in 0..reader.number()? {
            let (folder, honours) = (reader.text()?, reader.byte()? == 1);
            if !self.is_walked(folder, honours, &reader.digest()?) {
                return None;
            }
        }
        let mut blocks = Vec::new();
        for _ in 0..reader.number()? {
            blocks.push(reader.bytes()?);
        }
        let notes = reader.bytes()?;
        Some((self.look_at(&blocks, touched_max)?, notes))
    }

    /// Looks at all blocks, in threads.
    fn look_at(&self, blocks: &[&[u8]], touched_max: usize) -> Option<Look> {
        let part = blocks
            .len()
            .div_ceil(threads_for(blocks.len() * BLOCK_PATHS));
        let look = |blocks: &[&[u8]]| {
            let mut all = Look::default();
            for block in blocks {
                all.add(self.look_at_block(block, touched_max)?, touched_max)?;
            }
            Some(all)
        };
        let (first, rest) = blocks.split_at(part.min(blocks.len()));
        thread::scope(|scope| {
            let others: Vec<_> = rest
                .chunks(part.max(1))
                .map(|part| scope.spawn(|| look(part)))
                .collect();
            let mut all = look(first);
            for thread in others {
                let other = match thread.join() {
                    Ok(other) => other,
                    Err(panic) => std::panic::resume_unwind(panic),
                };
                all = all.zip(other).and_then(|(mut all, other)| {
                    all.add(other, touched_max)?;
                    Some(all)
                });
            }
            all
        })
    }

    fn is_walked(&self, folder: &str, honours: bool, digest: &Digest) -> bool {
        let is_folder =
            folder.is_empty() || matches!(self.look(&[folder]).as_deref(), Ok([Found::Folder]));
        is_folder
            && self
                .walk(folder, honours)
                .is_ok_and(|paths| listed(&paths) == *digest)
    }

    /// `Some` where every path of a block stands, except files that may have been written.
    fn look_at_block(&self, block: &[u8], touched_max: usize) -> Option<Look> {
        let mut look = Look::default();
        let mut folders = Folders::new(&self.root);
        let mut reader = Reader::new(block);
        while !reader.is_empty() {
            let (tag, path) = (reader.byte()?, reader.text()?);
            if !root::is_below(path) {
                return None;
            }
            if tag == YOUNG {
                let (digest, executable) = (reader.digest()?, reader.byte()? == 1);
                match self.look(&[path]).ok()?.first()? {
                    Found::File {
                        digest: found,
                        executable: now,
                        ..
                    } if *found == digest && *now == executable => {}
                    Found::File { .. } => look.touched.push(path.to_owned()),
                    Found::Link { .. }
                    | Found::Folder
                    | Found::Special
                    | Found::Absent
                    | Found::Outside => return None,
                }
                continue;
            }
            let (folder, name) = root::split(path);
            let stat = match folders.get(folder).ok()? {
                Ok(folder) => root::stat(folder, name).ok()?.map(|stat| (folder, stat)),
                Err(Found::Absent) => None,
                Err(_) => return None,
            };
            let kind = stat
                .as_ref()
                .map(|(_, stat)| FileType::from_raw_mode(stat.st_mode));
            let stands = match (tag, stat) {
                (FILE, Some((_, stat))) => {
                    let found = Signature::of(&stat);
                    if Signature::read(&mut reader)? == found {
                        true
                    } else {
                        look.touched.push(path.to_owned());
                        found.kind().is_file() && look.touched.len() <= touched_max
                    }
                }
                (LINK, Some((folder, _))) => {
                    look.linked = true;
                    let target = reader.digest()?;
                    let found = readlinkat(folder, root::os(name), Vec::new()).ok()?;
                    Digest::of(found.as_bytes()) == target
                }
                (TREE, Some(_)) => {
                    let mut outputs = Outputs::default();
                    let tree = reader.digest()?;
                    outputs.put(path, Output::Folder { tree }).ok()?;
                    let drift = self.drift(&[&outputs]).ok()?;
                    drift.iter().all(Vec::is_empty)
                }
                (FOLDER, _) => kind.is_some_and(FileType::is_dir),
                (ABSENT, found) => found.is_none(),
                _ => false,
            };
            if !stands {
                return None;
            }
        }
        (look.touched.len() <= touched_max).then_some(look)
    }
}

/// Writes what a path has to be, and says whether it is a file that changed too lately to be known by its
/// signature; `None` where what was seen of it is not known any more.
fn put(
    block: &mut Writer,
    path: &str,
    expected: &Expected,
    known: &dyn Fn(&str) -> Option<Known>,
) -> Option<bool> {
    let (tag, digest) = match expected {
        Expected::File { digest, executable } => {
            let known = known(path)?;
            let same = known.digest == *digest && known.signature.executable() == *executable;
            if known.settled && same {
                block.byte(FILE);
                block.text(path);
                known.signature.write(block);
                return Some(false);
            }
            block.byte(YOUNG);
            block.text(path);
            block.digest(digest);
            block.byte(u8::from(*executable));
            return Some(true);
        }
        Expected::Link { target } => (LINK, Some(target)),
        Expected::Tree { digest } => (TREE, Some(digest)),
        Expected::Folder => (FOLDER, None),
        Expected::Absent => (ABSENT, None),
    };
    block.byte(tag);
    block.text(path);
    if let Some(digest) = digest {
        block.digest(digest);
    }
    Some(false)
}

/// Reads over one path of a block: its kind and itself.
fn entry<'a>(reader: &mut Reader<'a>) -> Option<(u8, &'a str)> {
    let (tag, path) = (reader.byte()?, reader.text()?);
    match tag {
        FILE => drop(Signature::read(reader)?),
        YOUNG => drop((reader.digest()?, reader.byte()?)),
        LINK | TREE => drop(reader.digest()?),
        FOLDER | ABSENT => {}
        _ => return None,
    }
    Some((tag, path))
}

/// The bytes that were read between two places.
fn between<'a>(start: Reader<'a>, end: Reader<'a>) -> Option<&'a [u8]> {
    let (all, rest) = (start.rest(), end.rest());
    all.get(..all.len().checked_sub(rest.len())?)
}

/// Bytes of what tells a state of the log of executions from every other.
const LOG_PLACE_BYTES: usize = 24;

impl Cas {
    /// What tells the file at a path, in no workspace, from every other and from itself after a change;
    /// `None` where it is not there, or changed so lately that a change could be missed.
    pub fn mark(&self, file: &Path) -> Option<String> {
        let signature = Signature::of(&stat(file).ok()?);
        let mut mark = Writer::default();
        signature.write(&mut mark);
        signature
            .is_settled(&self.opened)
            .then(|| Digest::of(mark.finish()).to_string())
    }

    /// Which file the log of executions is, and how long.
    fn log_place(&self) -> io::Result<[u8; LOG_PLACE_BYTES]> {
        let data = fs::metadata(self.folder().join("records"))?;
        let mut place = [0; LOG_PLACE_BYTES];
        for (part, value) in place
            .chunks_exact_mut(8)
            .zip([data.dev(), data.ino(), data.len()])
        {
            part.copy_from_slice(&value.to_le_bytes());
        }
        Ok(place)
    }

    fn standing_folder(&self) -> PathBuf {
        self.folder().join("standing")
    }

    fn standing_path(&self, key: &Digest) -> PathBuf {
        self.standing_folder().join(key.to_string())
    }

    fn put_standing(&self, key: &Digest, body: &[u8]) -> Result<(), RecordError> {
        let folder = self.standing_folder();
        fs::create_dir_all(&folder)?;
        let mut staged = self.blobs.stage().file(false)?;
        staged.file.write_all(&MAGIC)?;
        staged.file.write_all(Digest::of(body).as_bytes())?;
        staged.file.write_all(body)?;
        staged.place(&self.standing_path(key))?;
        let mut files = Vec::new();
        for entry in fs::read_dir(&folder)? {
            let entry = entry?;
            files.push((entry.metadata()?.modified()?, entry.path()));
        }
        files.sort_unstable_by_key(|(modified, _)| Reverse(*modified));
        for (_, path) in files.into_iter().skip(FILES_MAX) {
            fs::remove_file(path)?;
        }
        Ok(())
    }

    /// The whole file of a key, known to be undamaged.
    fn read_standing(&self, key: &Digest) -> Option<Vec<u8>> {
        let file = fs::File::open(self.standing_path(key)).ok()?;
        let len = file.metadata().ok()?.len();
        let mut bytes = Vec::with_capacity(usize::try_from(len.min(FILE_BYTES_MAX)).ok()? + 1);
        file.take(FILE_BYTES_MAX).read_to_end(&mut bytes).ok()?;
        let (head, body) = bytes.split_at_checked(HEAD_BYTES)?;
        let whole = head[..8] == MAGIC && head[8..] == *Digest::of(body).as_bytes();
        whole.then_some(bytes)
    }
}
