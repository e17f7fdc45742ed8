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
                    let (tag, digest) = match expected {
                        Expected::File { digest, executable } => {
                            let known = known(self.keys.key(path))?;
                            let same = known.digest == *digest
                                && known.signature.executable() == *executable;
                            if known.settled && same {
                                block.byte(FILE);
                                block.text(path);
                                known.signature.write(&mut block);
                                continue;
                            }
                            young += 1;
                            block.byte(YOUNG);
                            block.text(path);
                            block.digest(digest);
                            block.byte(u8::from(*executable));
                            continue;
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
                }
                blocks.push(block.finish());
            }
            Some(())
        })?;
        (young <= YOUNG_MAX).then_some(blocks)
    }

    /// The notes that were kept under a key, where everything stands as it did then.
    pub fn standing(&self, key: &Digest) -> Option<Vec<u8>> {
        let file = self.cas.read_standing(key)?;
        let mut reader = Reader::new(file.get(HEAD_BYTES..)?);
        if reader.digest()? != *key || reader.raw(LOG_PLACE_BYTES)? != self.cas.log_place().ok()? {
            return None;
        }
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
        let paths = blocks.len() * BLOCK_PATHS;
        let part = blocks.len().div_ceil(threads_for(paths)).max(1);
        let stand = |blocks: &[&[u8]]| blocks.iter().all(|block| self.stands(block).is_some());
        let (first, rest) = blocks.split_at(part.min(blocks.len()));
        let all = thread::scope(|scope| {
            let others: Vec<_> = rest
                .chunks(part)
                .map(|part| scope.spawn(|| stand(part)))
                .collect();
            let first = stand(first);
            let mut others = others.into_iter();
            let rest = others.all(|thread| match thread.join() {
                Ok(stands) => stands,
                Err(panic) => std::panic::resume_unwind(panic),
            });
            first && rest
        });
        all.then(|| notes.to_vec())
    }

    fn is_walked(&self, folder: &str, honours: bool, digest: &Digest) -> bool {
        let is_folder =
            folder.is_empty() || matches!(self.look(&[folder]).as_deref(), Ok([Found::Folder]));
        is_folder
            && self
                .walk(folder, honours)
                .is_ok_and(|paths| listed(&paths) == *digest)
    }

    /// `Some` where every path of a block stands.
    fn stands(&self, block: &[u8]) -> Option<()> {
        let mut folders = Folders::new(&self.root);
        let mut reader = Reader::new(block);
        while !reader.is_empty() {
            let (tag, path) = (reader.byte()?, reader.text()?);
            if !root::is_below(path) {
                return None;
            }
            if tag == YOUNG {
                let (digest, executable) = (reader.digest()?, reader.byte()? == 1);
                let found = self.look(&[path]).ok()?;
                let same = |found: &Found| {
                    matches!(found, Found::File { digest: d, executable: x, .. }
                        if *d == digest && *x == executable)
                };
                found.first().filter(|found| same(found))?;
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
                (FILE, Some((_, stat))) => Signature::read(&mut reader)? == Signature::of(&stat),
                (LINK, Some((folder, _))) => {
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
        Some(())
    }
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
