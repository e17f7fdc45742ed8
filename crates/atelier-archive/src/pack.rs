//! A pack: a run as one file from which it can be built again without a model.

use std::{
    collections::{BTreeMap, BTreeSet},
    io,
};

use atelier_model::{ArchiveEntry, Digest};
use atelier_seal::SealKey;

use crate::{
    Archive, ArchiveBuilder, Block, Cid, Damaged, Lock, ReadArchiveError, ReadLockError, Recording,
    Source,
    archive::{Blocks, VERSION},
    cbor::Node,
};

/// What stands in the root; part of the stored format.
const FORMAT: &str = "atelier pack";

/// Contents that one list names.
const LIST_MAX: usize = 2_000;

/// Contents of a pack, and bytes of all of them.
const CONTENTS_MAX: usize = 2_000_000;
const BYTES_MAX: usize = 1 << 30;

/// A whole run.
#[derive(Debug, Clone, PartialEq)]
pub struct Pack {
    /// Its lock.
    pub lock: Lock,
    /// Its requirement, word for word.
    pub requirement: String,
    /// What else decided it.
    pub recording: Recording,
    /// Prompts, outputs of checks and files, by their digests.
    pub contents: BTreeMap<Digest, Vec<u8>>,
    /// The replies.
    pub answers: Vec<(ArchiveEntry, Vec<u8>)>,
}

/// Why a file is no pack that can be replayed.
#[derive(Debug, thiserror::Error)]
pub enum ReadPackError {
    /// It cannot be read as an archive.
    #[error(transparent)]
    Archive(#[from] ReadArchiveError),
    /// It is an archive of answers, not of a run.
    #[error("find a run in {root}: it is an archive of answers alone")]
    NoRun {
        /// Its name.
        root: Cid,
    },
    /// A part of it is damaged.
    #[error("read all of the pack: {first}{}", beside(*.count))]
    Damaged {
        /// The first damage.
        first: Damaged,
        /// How many there are.
        count: usize,
    },
    /// A part of it is something else than its place says.
    #[error("read {part} of the pack in block {cid}")]
    Part {
        /// What it should be.
        part: &'static str,
        /// Its block.
        cid: Cid,
    },
    /// Its lock cannot be read.
    #[error("read the lock of the pack")]
    Lock(#[from] ReadLockError),
    /// The lock names other replies.
    #[error("find the replies that the lock names, {named}: the pack has {found}")]
    OtherReplies {
        /// The archive that the lock names.
        named: String,
        /// The one in the pack.
        found: Cid,
    },
    /// It holds more than is read.
    #[error("read a pack of more than {BYTES_MAX} bytes or {CONTENTS_MAX} contents")]
    Large,
}

impl From<io::Error> for ReadPackError {
    fn from(error: io::Error) -> Self {
        Self::Archive(error.into())
    }
}

fn beside(count: usize) -> String {
    match count {
        0 | 1 => String::new(),
        count => format!(", and {} more places", count - 1),
    }
}

/// Name of the plain archive of these answers.
pub fn archive_name(answers: &[(ArchiveEntry, Vec<u8>)]) -> Cid {
    let mut builder = ArchiveBuilder::new(None);
    for (entry, body) in answers {
        builder.add(entry, body);
    }
    builder.finish().0
}

impl Pack {
    /// Its blocks, and its root, which is the last of them. With a key they are sealed. The same
    /// pack has the same bytes.
    pub fn blocks(&self, seal: Option<SealKey>) -> (Cid, Vec<Block>) {
        let mut builder = ArchiveBuilder::new(seal);
        let mut out = Vec::new();
        for (entry, body) in &self.answers {
            out.extend(builder.add(entry, body));
        }
        let answers = builder.close(&mut out);
        let lock = builder.add_body(self.lock.to_text().as_bytes(), &mut out);
        let requirement = builder.add_body(self.requirement.as_bytes(), &mut out);
        // A recording is made of what JSON can write.
        let recording = serde_json::to_vec(&self.recording).unwrap_or_default();
        let recording = builder.add_body(&recording, &mut out);
        let all: Vec<_> = self.contents.iter().collect();
        let mut lists = Vec::new();
        for some in all.chunks(LIST_MAX) {
            let list = some.iter().map(|(digest, bytes)| {
                let parts = builder.add_body(bytes, &mut out);
                Node::map([
                    ("digest", Node::Bytes(digest.as_bytes().to_vec())),
                    ("body", Node::links(&parts)),
                ])
            });
            let list = Block::node(&Node::List(list.collect()));
            lists.push(builder.put(list, &mut out));
        }
        let root = Block::node(&Node::map([
            ("format", Node::text(FORMAT)),
            ("version", Node::Int(VERSION)),
            ("answers", Node::Link(answers)),
            ("lock", Node::links(&lock)),
            ("requirement", Node::links(&requirement)),
            ("recording", Node::links(&recording)),
            ("contents", Node::links(&lists)),
        ]));
        let root = builder.put(root, &mut out);
        let root = builder.seal_root(root, &mut out);
        (root, out)
    }

    /// Reads a whole pack; a single byte that is not as it was written is an error that says where.
    pub fn read(input: &mut dyn Source, key: Option<&SealKey>) -> Result<Self, ReadPackError> {
        let (mut blocks, cid, node, damages) = Blocks::open(input, key)?;
        if let Some(first) = damages.first() {
            return Err(ReadPackError::Damaged {
                first: first.clone(),
                count: damages.len(),
            });
        }
        if node.get("format").and_then(Node::as_text) != Some(FORMAT) {
            return Err(ReadPackError::NoRun { root: cid });
        }
        let links = |part: &'static str| {
            let links = node.get(part).and_then(Node::as_links);
            links.ok_or(ReadPackError::Part { part, cid })
        };
        let mut parts = Parts {
            blocks: &mut blocks,
            left: BYTES_MAX,
        };
        let lock = Lock::read(&parts.text("lock", &links("lock")?, cid)?)?;
        let requirement = parts.text("requirement", &links("requirement")?, cid)?;
        let recording = parts.body("recording", &links("recording")?)?;
        let recording = serde_json::from_slice(&recording);
        let recording = recording.map_err(|_| ReadPackError::Part {
            part: "recording",
            cid,
        })?;
        let contents = parts.contents(&links("contents")?)?;
        let answers = node.get("answers").and_then(Node::as_link);
        let answers = answers.ok_or(ReadPackError::Part {
            part: "answers",
            cid,
        })?;
        if lock.archive != answers.to_string() {
            return Err(ReadPackError::OtherReplies {
                named: lock.archive,
                found: answers,
            });
        }
        Ok(Self {
            lock,
            requirement,
            recording,
            contents,
            answers: answers_in(blocks, answers)?,
        })
    }

    /// The content of a digest.
    pub fn content(&self, digest: &Digest) -> Option<&[u8]> {
        self.contents.get(digest).map(Vec::as_slice)
    }

    /// Digests that the recording names and that are not among the contents.
    pub fn missing(&self) -> BTreeSet<Digest> {
        let mut missing = self.needed();
        missing.retain(|digest| !self.contents.contains_key(digest));
        missing
    }

    /// Leaves out what was asked. A replay needs its digests alone; where it parts from the record, it
    /// tells in which message and not in which words.
    pub fn drop_prompts(&mut self) {
        let needed = self.needed();
        self.contents.retain(|digest, _| needed.contains(digest));
    }

    /// What a replay cannot do without.
    fn needed(&self) -> BTreeSet<Digest> {
        let recording = &self.recording;
        let outputs = recording.attempts.iter();
        let outputs = outputs.flat_map(|one| one.evidence.checks.iter().map(|one| one.output));
        let files = recording.base.iter();
        let files = files.chain(recording.built.values().flatten());
        let files = files.chain(recording.attempts.iter().flat_map(|one| &one.built));
        let files = files.chain(recording.acts.iter().flat_map(|one| &one.files));
        let named = outputs.chain(files.map(|file| file.content));
        named.collect()
    }
}

/// Bodies that are read one after another, up to a number of bytes.
struct Parts<'b, 'a> {
    blocks: &'b mut Blocks<'a>,
    left: usize,
}

impl Parts<'_, '_> {
    fn body(&mut self, part: &'static str, links: &[Cid]) -> Result<Vec<u8>, ReadPackError> {
        let mut body = Vec::new();
        for cid in links {
            let bytes = self.blocks.block(cid)?;
            let bytes = bytes.ok_or(ReadPackError::Part { part, cid: *cid })?;
            let left = self.left.checked_sub(bytes.len());
            self.left = left.ok_or(ReadPackError::Large)?;
            body.extend_from_slice(&bytes);
        }
        Ok(body)
    }

    fn text(
        &mut self,
        part: &'static str,
        links: &[Cid],
        root: Cid,
    ) -> Result<String, ReadPackError> {
        let cid = links.first().copied().unwrap_or(root);
        let body = self.body(part, links)?;
        String::from_utf8(body).map_err(|_| ReadPackError::Part { part, cid })
    }

    fn contents(&mut self, lists: &[Cid]) -> Result<BTreeMap<Digest, Vec<u8>>, ReadPackError> {
        let mut contents = BTreeMap::new();
        for cid in lists {
            let other = || ReadPackError::Part {
                part: "contents",
                cid: *cid,
            };
            let bytes = self.blocks.block(cid)?.ok_or_else(other)?;
            let node = Node::decode(&bytes).ok_or_else(other)?;
            for one in node.as_list().ok_or_else(other)? {
                let read = || {
                    let digest = one.get("digest")?.as_bytes()?.try_into().ok()?;
                    Some((Digest::from_bytes(digest), one.get("body")?.as_links()?))
                };
                let (digest, links) = read().ok_or_else(other)?;
                let body = self.body("contents", &links)?;
                if Digest::of(&body) != digest {
                    return Err(other());
                }
                contents.insert(digest, body);
                if contents.len() > CONTENTS_MAX {
                    return Err(ReadPackError::Large);
                }
            }
        }
        Ok(contents)
    }
}

/// The answers of the archive with this root.
fn answers_in(
    mut blocks: Blocks<'_>,
    root: Cid,
) -> Result<Vec<(ArchiveEntry, Vec<u8>)>, ReadPackError> {
    let node = blocks.root(&root)?;
    let mut archive =
        Archive::of_root(blocks, &node, Vec::new()).ok_or(ReadArchiveError::NoArchive { root })?;
    let whole =
        |read: Result<_, Damaged>| read.map_err(|first| ReadPackError::Damaged { first, count: 1 });
    let mut answers = Vec::new();
    let mut left = BYTES_MAX;
    for cid in archive.chunks().to_vec() {
        let chunk = archive.chunk(&cid)?;
        for (entry, parts) in chunk.map_err(|first| ReadPackError::Damaged { first, count: 1 })? {
            let body: Vec<u8> = whole(archive.body(&entry.key, &parts)?)?;
            left = left.checked_sub(body.len()).ok_or(ReadPackError::Large)?;
            answers.push((entry, body));
        }
    }
    Ok(answers)
}

#[cfg(test)]
mod tests;
