//! Reading an archive: which answers are in a CAR file, and their bodies.

use std::{collections::BTreeMap, fmt, io};

use atelier_model::{ArchiveEntry, ArchiveKind, Digest, MicroUsd, StopReason, Timestamp, Usage};
use atelier_seal::SealKey;

use crate::{
    builder::{PART_BYTES_MAX, stop_name},
    car::{Car, Damage, ReadCarError, Source},
    cbor::Node,
    cid::Cid,
    sealed::opened,
};

/// What stands in the root; part of the stored format.
pub(crate) const FORMAT: &str = "atelier archive";
pub(crate) const SEALED_FORMAT: &str = "atelier sealed archive";
pub(crate) const VERSION: u64 = 1;

/// Bytes of a body: as many as the state takes.
const BODY_BYTES_MAX: usize = 64 << 20;

/// Why a CAR file cannot be read as an archive.
#[derive(Debug, thiserror::Error)]
pub enum ReadArchiveError {
    /// It is no CAR file, or cannot be read.
    #[error(transparent)]
    Car(#[from] ReadCarError),
    /// The root is not there whole.
    #[error("read the root of the archive, {root}: {}", .damage.as_ref().map_or_else(
        || "its header, at byte 0, names what is not in the file".to_owned(), ToString::to_string))]
    NoRoot {
        /// Its name.
        root: Cid,
        /// The first thing that is wrong with the file.
        damage: Option<Damage>,
    },
    /// The root is of something else.
    #[error("read {root} as an archive: it is something else")]
    NoArchive {
        /// Its name.
        root: Cid,
    },
    /// It was written by a newer program.
    #[error("read an archive of version {found}: this program knows version {VERSION}")]
    Newer {
        /// Its version.
        found: u64,
    },
    /// It was sealed with another key, or none is there.
    #[error("open the archive: it is sealed with key {print}, which is not yours")]
    OtherKey {
        /// The print of the key it was sealed with.
        print: String,
    },
}

impl From<io::Error> for ReadArchiveError {
    fn from(error: io::Error) -> Self {
        Self::Car(error.into())
    }
}

/// Something of an archive that is not there whole.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Damaged {
    /// The file is damaged there.
    File(Damage),
    /// A chunk of entries is missing, or is none.
    Chunk(Cid),
    /// A part of the body of an answer is missing.
    Body {
        /// The answer.
        key: Digest,
        /// The part.
        part: Cid,
    },
    /// The body of an answer has more bytes than are read.
    Large {
        /// The answer.
        key: Digest,
    },
    /// A sealed block does not open.
    Sealed(Cid),
}

impl fmt::Display for Damaged {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::File(damage) => damage.fmt(f),
            Self::Chunk(cid) => write!(f, "the entries in block {cid} are missing"),
            Self::Body { key, part } => {
                write!(f, "block {part} of answer {} is missing", key.short())
            }
            Self::Large { key } => {
                write!(
                    f,
                    "answer {} has more than {BODY_BYTES_MAX} bytes",
                    key.short()
                )
            }
            Self::Sealed(cid) => write!(f, "sealed block {cid} is missing or does not open"),
        }
    }
}

/// The entries of one chunk, each with the parts of its body.
pub type Chunk = Vec<(ArchiveEntry, Vec<Cid>)>;

/// An archive in a CAR file.
#[derive(Debug)]
pub struct Archive<'a> {
    blocks: Blocks<'a>,
    chunks: Vec<Cid>,
    entries: u64,
    damages: Vec<Damaged>,
}

/// The plain blocks of a file, sealed or not.
#[derive(Debug)]
pub(crate) struct Blocks<'a> {
    car: Car<'a>,
    seal: Option<Seal>,
}

#[derive(Debug)]
struct Seal {
    key: SealKey,
    /// In which block each plain one is sealed.
    places: BTreeMap<Cid, Cid>,
}

impl<'a> Archive<'a> {
    /// Looks at a whole file. `key` opens what is sealed.
    pub fn open(
        input: &'a mut dyn Source,
        key: Option<&SealKey>,
    ) -> Result<Self, ReadArchiveError> {
        let (mut blocks, mut root, mut node, damages) = Blocks::open(input, key)?;
        // A pack holds an archive, beside other things.
        if let Some(answers) = node.get("answers").and_then(Node::as_link) {
            root = answers;
            node = blocks.root(&root)?;
        }
        Self::of_root(blocks, &node, damages).ok_or(ReadArchiveError::NoArchive { root })
    }

    /// The archive whose root this is; `None` where it is none.
    pub(crate) fn of_root(blocks: Blocks<'a>, node: &Node, damages: Vec<Damaged>) -> Option<Self> {
        let is_archive = node.get("format")?.as_text()? == FORMAT;
        let chunks = node.get("chunks")?.as_links()?;
        let entries = node.get("entries")?.as_int()?;
        is_archive.then_some(Self {
            blocks,
            chunks,
            entries,
            damages,
        })
    }

    /// The root that the file names: the sealed one's where it is sealed.
    pub fn root(&self) -> Cid {
        self.blocks.car.root()
    }

    /// Whether it is sealed.
    pub fn is_sealed(&self) -> bool {
        self.blocks.seal.is_some()
    }

    /// How many answers there were when it was made.
    pub fn entries(&self) -> u64 {
        self.entries
    }

    /// The chunks of its entries.
    pub fn chunks(&self) -> &[Cid] {
        &self.chunks
    }

    /// What is wrong with the file.
    pub fn damages(&self) -> &[Damaged] {
        &self.damages
    }

    /// The entries of a chunk.
    pub fn chunk(&mut self, cid: &Cid) -> io::Result<Result<Chunk, Damaged>> {
        let bytes = self.blocks.block(cid)?;
        let node = bytes.and_then(|bytes| Node::decode(&bytes));
        let entries = node.as_ref().and_then(|node| {
            let entries = node.get("entries")?.as_list()?.iter();
            entries.map(entry).collect()
        });
        Ok(entries.ok_or(Damaged::Chunk(*cid)))
    }

    /// The body of an answer.
    pub fn body(&mut self, key: &Digest, parts: &[Cid]) -> io::Result<Result<Vec<u8>, Damaged>> {
        if parts.len() > BODY_BYTES_MAX / PART_BYTES_MAX {
            return Ok(Err(Damaged::Large { key: *key }));
        }
        let mut body = Vec::new();
        for part in parts {
            let Some(bytes) = self.blocks.block(part)? else {
                let (key, part) = (*key, *part);
                return Ok(Err(Damaged::Body { key, part }));
            };
            body.extend_from_slice(&bytes);
        }
        Ok(if body.len() > BODY_BYTES_MAX {
            Err(Damaged::Large { key: *key })
        } else {
            Ok(body)
        })
    }
}

impl<'a> Blocks<'a> {
    /// Looks at a whole file and opens it: the plain name of its root, the root, and what is
    /// damaged.
    pub(crate) fn open(
        input: &'a mut dyn Source,
        key: Option<&SealKey>,
    ) -> Result<(Self, Cid, Node, Vec<Damaged>), ReadArchiveError> {
        let car = Car::open(input)?;
        let mut damages: Vec<Damaged> = car.damages().iter().cloned().map(Damaged::File).collect();
        let mut root = car.root();
        let mut blocks = Self { car, seal: None };
        let mut node = blocks.root(&root)?;
        if node.get("format").and_then(Node::as_text) == Some(SEALED_FORMAT) {
            let lost = ReadArchiveError::NoArchive { root };
            let (seal, inner, lost_parts) = unsealed(&mut blocks.car, &node, key)?.ok_or(lost)?;
            blocks.seal = Some(seal);
            damages.extend(lost_parts);
            root = inner;
            node = blocks.root(&root)?;
        }
        Ok((blocks, root, node, damages))
    }

    pub(crate) fn block(&mut self, cid: &Cid) -> io::Result<Option<Vec<u8>>> {
        let Some(seal) = &self.seal else {
            return self.car.block(cid);
        };
        let Some(place) = seal.places.get(cid) else {
            return Ok(None);
        };
        let bytes = self.car.block(place)?;
        let block = bytes.and_then(|bytes| opened(&seal.key, &bytes));
        Ok(block
            .filter(|block| block.cid == *cid)
            .map(|block| block.bytes))
    }

    pub(crate) fn root(&mut self, root: &Cid) -> Result<Node, ReadArchiveError> {
        let Some(bytes) = self.block(root)? else {
            return Err(ReadArchiveError::NoRoot {
                root: *root,
                damage: self.car.damages().first().cloned(),
            });
        };
        let node = Node::decode(&bytes).ok_or(ReadArchiveError::NoArchive { root: *root })?;
        match node.get("version").and_then(Node::as_int) {
            Some(found) if found > VERSION => Err(ReadArchiveError::Newer { found }),
            _ => Ok(node),
        }
    }
}

/// Opens every sealed block once, to learn which is which; `None` where the root is none.
fn unsealed(
    car: &mut Car<'_>,
    root: &Node,
    key: Option<&SealKey>,
) -> Result<Option<(Seal, Cid, Vec<Damaged>)>, ReadArchiveError> {
    let read = || {
        let print = root.get("key")?.as_text()?;
        let parts = root.get("parts")?.as_links()?;
        Some((print, root.get("root")?.as_link()?, parts))
    };
    let Some((print, sealed_root, lists)) = read() else {
        return Ok(None);
    };
    let Some(key) = key.filter(|key| key.print().to_string() == print) else {
        let print = print.to_owned();
        return Err(ReadArchiveError::OtherKey { print });
    };
    let (mut places, mut damages, mut inner) = (BTreeMap::new(), Vec::new(), None);
    for list in lists {
        let bytes = car.block(&list)?;
        let links = bytes.and_then(|bytes| Node::decode(&bytes)?.as_links());
        let Some(links) = links else {
            damages.push(Damaged::Sealed(list));
            continue;
        };
        for link in links {
            let bytes = car.block(&link)?;
            let Some(block) = bytes.and_then(|bytes| opened(key, &bytes)) else {
                damages.push(Damaged::Sealed(link));
                continue;
            };
            if link == sealed_root {
                inner = Some(block.cid);
            }
            places.insert(block.cid, link);
        }
    }
    let Some(inner) = inner else {
        return Err(ReadArchiveError::NoRoot {
            root: sealed_root,
            damage: car.damages().first().cloned(),
        });
    };
    let key = key.clone();
    Ok(Some((Seal { key, places }, inner, damages)))
}

fn entry(node: &Node) -> Option<(ArchiveEntry, Vec<Cid>)> {
    let text = |name: &str| Some(node.get(name)?.as_text()?.to_owned());
    let int = |name: &str| node.get(name)?.as_int();
    let kind = text("kind")?;
    let entry = ArchiveEntry {
        kind: ArchiveKind::ALL
            .into_iter()
            .find(|other| other.name() == kind)?,
        key: Digest::from_bytes(node.get("key")?.as_bytes()?.try_into().ok()?),
        stop: unless_null(node.get("stop")?, stop)?,
        provider: text("provider")?,
        model: text("model")?,
        usage: unless_null(node.get("usage")?, usage)?,
        cost: MicroUsd(int("cost")?),
        latency_ms: int("latency_ms")?,
        at: Timestamp::from_millis(i64::try_from(int("at")?).ok()?),
    };
    // Without the reason of its end, a reply could pass for a whole one.
    let is_whole = entry.kind == ArchiveKind::Relay || entry.stop.is_some();
    let parts = node.get("body")?.as_links()?;
    is_whole.then_some((entry, parts))
}

/// What a node means that may be nothing; `None` where it means something else.
#[expect(
    clippy::option_option,
    reason = "nothing and something else are two things"
)]
fn unless_null<T>(node: &Node, read: impl Fn(&Node) -> Option<T>) -> Option<Option<T>> {
    if *node == Node::Null {
        return Some(None);
    }
    read(node).map(Some)
}

fn stop(node: &Node) -> Option<StopReason> {
    let name = node.as_text()?;
    let known = [StopReason::End, StopReason::Length, StopReason::Filtered];
    known.into_iter().find(|stop| stop_name(*stop) == name)
}

fn usage(node: &Node) -> Option<Usage> {
    let counts: Option<Vec<u64>> = node.as_list()?.iter().map(Node::as_int).collect();
    let counts = counts?;
    // Most answers wrote nothing that is kept for an hour, and say nothing of it.
    let (counts, cache_write_hour) = match counts.as_slice() {
        [counts @ .., hour] if counts.len() == 4 => (counts, *hour),
        counts => (counts, 0),
    };
    let &[input, output, cached_input, cache_write] = counts else {
        return None;
    };
    Some(Usage {
        input,
        output,
        cached_input,
        cache_write,
        cache_write_hour,
    })
}
