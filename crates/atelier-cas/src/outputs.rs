//! What a step made: files by content, links by target, folders as trees.

use std::{collections::BTreeMap, fmt};

use atelier_model::Digest;

use crate::{
    codec::{Reader, Writer},
    root::{is_below, is_name},
};

/// Version of the binary form; another one is another content.
const FORMAT: u8 = 1;
/// Folders below each other in a tree.
pub(crate) const DEPTH_MAX: usize = 128;

/// Everything a step made, in the order of the paths.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Outputs {
    /// In order, each path once. Most steps make one thing, and there are many steps.
    entries: Vec<(Box<str>, Output)>,
}

/// One thing that a step made.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Output {
    /// A regular file.
    File(FileOutput),
    /// A symbolic link.
    Link {
        /// Where it leads, as it is written.
        target: String,
    },
    /// A folder with all that is in it.
    Folder {
        /// The digest of its tree.
        tree: Digest,
    },
}

/// The content and mode of a file.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct FileOutput {
    /// The digest of its content.
    pub digest: Digest,
    /// Bytes of its content.
    pub size: u64,
    /// Whether it may be executed.
    pub executable: bool,
}

/// Why something is no output.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("use `{0}` as the path of an output: it is not a plain path below the root")]
pub struct OutputPathError(
    /// The path.
    pub String,
);

impl Outputs {
    /// Puts an output, replacing what was at its path.
    pub fn put(&mut self, path: impl Into<String>, output: Output) -> Result<(), OutputPathError> {
        let path = path.into();
        if !is_below(&path) {
            return Err(OutputPathError(path));
        }
        match self.place(&path) {
            Ok(at) => self.entries[at].1 = output,
            Err(at) => self.entries.insert(at, (path.into_boxed_str(), output)),
        }
        Ok(())
    }

    /// The output at a path.
    pub fn get(&self, path: &str) -> Option<&Output> {
        self.place(path).ok().map(|at| &self.entries[at].1)
    }

    /// Where a path is, or where it belongs; mostly behind the last one.
    fn place(&self, path: &str) -> Result<usize, usize> {
        match self.entries.last() {
            Some((last, _)) if last.as_ref() < path => Err(self.entries.len()),
            Some(_) | None => self
                .entries
                .binary_search_by(|(known, _)| known.as_ref().cmp(path)),
        }
    }

    /// The outputs in the order of their paths.
    pub fn iter(&self) -> impl Iterator<Item = (&str, &Output)> {
        self.entries
            .iter()
            .map(|(path, output)| (path.as_ref(), output))
    }

    /// How many outputs there are.
    pub fn len(&self) -> usize {
        self.entries.len()
    }

    /// Whether there is none.
    pub fn is_empty(&self) -> bool {
        self.entries.is_empty()
    }

    /// One digest over every path, kind, mode and content: what dependents see of a step.
    pub fn digest(&self) -> Digest {
        let mut writer = Writer::default();
        self.write(&mut writer);
        Digest::of(writer.finish())
    }

    pub(crate) fn write(&self, to: &mut Writer) {
        to.byte(FORMAT);
        to.number(self.entries.len() as u64);
        for (path, output) in &self.entries {
            to.text(path);
            output.write(to);
        }
    }

    pub(crate) fn read(from: &mut Reader<'_>) -> Option<Self> {
        if from.byte()? != FORMAT {
            return None;
        }
        let mut outputs = Self::default();
        let count = from.number()?;
        let least = u64::try_from(from.rest().len()).ok()? / 2;
        outputs
            .entries
            .reserve_exact(usize::try_from(count.min(least)).ok()?);
        for _ in 0..count {
            let path = from.text()?;
            outputs.put(path, Output::read(from)?).ok()?;
        }
        Some(outputs)
    }
}

impl Output {
    const FILE: u8 = 0;
    const EXECUTABLE: u8 = 1;
    const LINK: u8 = 2;
    const FOLDER: u8 = 3;

    pub(crate) fn write(&self, to: &mut Writer) {
        match self {
            Self::File(file) => {
                to.byte(if file.executable {
                    Self::EXECUTABLE
                } else {
                    Self::FILE
                });
                to.digest(&file.digest);
                to.number(file.size);
            }
            Self::Link { target } => {
                to.byte(Self::LINK);
                to.text(target);
            }
            Self::Folder { tree } => {
                to.byte(Self::FOLDER);
                to.digest(tree);
            }
        }
    }

    pub(crate) fn read(from: &mut Reader<'_>) -> Option<Self> {
        let kind = from.byte()?;
        Some(match kind {
            Self::FILE | Self::EXECUTABLE => Self::File(FileOutput {
                digest: from.digest()?,
                size: from.number()?,
                executable: kind == Self::EXECUTABLE,
            }),
            Self::LINK => Self::Link {
                target: from.text()?.to_owned(),
            },
            Self::FOLDER => Self::Folder {
                tree: from.digest()?,
            },
            _ => return None,
        })
    }
}

impl fmt::Display for Output {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::File(file) if file.executable => write!(f, "executable {}", file.digest.short()),
            Self::File(file) => write!(f, "file {}", file.digest.short()),
            Self::Link { target } => write!(f, "link to {target}"),
            Self::Folder { tree } => write!(f, "folder {}", tree.short()),
        }
    }
}

/// One folder of a tree: names in order, each with what it is. Folders below it are named by the
/// digests of their own nodes.
pub(crate) type Node = BTreeMap<String, Output>;

/// A folder and all folders below it, each by the digest of its node: a Merkle tree.
///
/// Kept as one blob, every node once, folders after those in them and so the whole folder last.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub(crate) struct Tree {
    order: Vec<Digest>,
    nodes: BTreeMap<Digest, Node>,
}

impl Tree {
    /// Builds the tree of a folder from the bottom up: `add` for each folder after those in it.
    pub(crate) fn add(&mut self, node: Node) -> Digest {
        let digest = Digest::of(encode(&node));
        if self.nodes.insert(digest, node).is_none() {
            self.order.push(digest);
        }
        digest
    }

    /// The node of the whole folder, which was added last.
    pub(crate) fn root(&self) -> Option<&Node> {
        self.order.last().and_then(|digest| self.nodes.get(digest))
    }

    pub(crate) fn node(&self, digest: &Digest) -> Option<&Node> {
        self.nodes.get(digest)
    }

    /// Every file in it, those of equal folders once.
    pub(crate) fn files(&self) -> impl Iterator<Item = &FileOutput> {
        let outputs = self.nodes.values().flat_map(BTreeMap::values);
        outputs.filter_map(|output| match output {
            Output::File(file) => Some(file),
            Output::Link { .. } | Output::Folder { .. } => None,
        })
    }

    pub(crate) fn to_bytes(&self) -> Vec<u8> {
        let mut writer = Writer::default();
        writer.byte(FORMAT);
        writer.number(self.order.len() as u64);
        for node in self
            .order
            .iter()
            .filter_map(|digest| self.nodes.get(digest))
        {
            writer.bytes(&encode(node));
        }
        writer.finish()
    }

    /// `None` where the bytes are no tree: a folder that is not there, a name that is none, bytes
    /// behind the end.
    pub(crate) fn from_bytes(bytes: &[u8]) -> Option<Self> {
        let mut reader = Reader::new(bytes);
        if reader.byte()? != FORMAT {
            return None;
        }
        let mut tree = Self::default();
        for _ in 0..reader.number()? {
            let node = decode(reader.bytes()?)?;
            let known = |output: &Output| match output {
                // Folders come after those in them: nothing can contain itself.
                Output::Folder { tree: below } => tree.nodes.contains_key(below),
                Output::File(_) | Output::Link { .. } => true,
            };
            if !node.values().all(known) {
                return None;
            }
            tree.add(node);
        }
        reader.is_empty().then_some(tree)
    }
}

fn encode(node: &Node) -> Vec<u8> {
    let mut writer = Writer::default();
    writer.number(node.len() as u64);
    for (name, output) in node {
        writer.text(name);
        output.write(&mut writer);
    }
    writer.finish()
}

fn decode(bytes: &[u8]) -> Option<Node> {
    let mut reader = Reader::new(bytes);
    let mut node = Node::new();
    for _ in 0..reader.number()? {
        let name = reader.text().filter(|name| is_name(name))?;
        node.insert(name.to_owned(), Output::read(&mut reader)?);
    }
    reader.is_empty().then_some(node)
}

#[cfg(test)]
mod tests;
