//! The files a step reads: leaves in order, and the root of their Merkle tree.

use std::cmp::Ordering;

use atelier_model::Digest;
use serde::{Deserialize, Serialize};

use crate::descriptor::Canonical;

/// What a leaf is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum LeafMode {
    /// A file.
    File,
    /// A file that can be executed.
    Executable,
    /// A symbolic link; its digest is that of its target's text.
    Link,
}

/// One file.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct Leaf {
    /// Its path from the root of the tree.
    pub path: String,
    /// What it is.
    pub mode: LeafMode,
    /// The digest of its content.
    pub digest: Digest,
}

/// Files in the order of their paths, each once, with the digest over all of them.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(from = "Vec<Leaf>", into = "Vec<Leaf>")]
pub struct InputTree {
    leaves: Vec<Leaf>,
    root: Digest,
}

/// What two trees of inputs differ in.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum InputChange {
    /// It was not there.
    Added,
    /// It is there no longer.
    Removed,
    /// It has other content or another mode.
    Changed,
}

impl InputTree {
    /// Puts leaves in order; of several at one path the last stays.
    pub fn new(mut leaves: Vec<Leaf>) -> Self {
        // What comes from a walk is in order already.
        if !leaves.is_sorted_by(|a, b| a.path < b.path) {
            leaves.reverse();
            leaves.sort_by(|a, b| a.path.cmp(&b.path));
            leaves.dedup_by(|a, b| a.path == b.path);
        }
        let root = folder(&leaves, 0);
        Self { leaves, root }
    }

    /// The leaves in the order of their paths.
    pub fn leaves(&self) -> &[Leaf] {
        &self.leaves
    }

    /// The digest over all paths, modes and contents.
    pub fn root(&self) -> Digest {
        self.root
    }

    /// The paths in which `now` differs from this tree, in order.
    pub fn changes_to<'a>(
        &'a self,
        now: &'a Self,
    ) -> impl Iterator<Item = (&'a str, InputChange)> + 'a {
        let differ = self.root != now.root;
        let [before, after] = [self, now].map(|tree| if differ { &*tree.leaves } else { &[] });
        let (mut before, mut after) = (before.iter().peekable(), after.iter().peekable());
        let pairs = std::iter::from_fn(move || {
            let order = match (before.peek(), after.peek()) {
                (None, None) => return None,
                (Some(_), None) => Ordering::Less,
                (None, Some(_)) => Ordering::Greater,
                (Some(old), Some(new)) => old.path.cmp(&new.path),
            };
            let old = if order.is_le() { before.next() } else { None };
            let new = if order.is_ge() { after.next() } else { None };
            Some((old, new))
        });
        pairs.filter_map(|pair| match pair {
            (None, Some(new)) => Some((&*new.path, InputChange::Added)),
            (Some(old), None) => Some((&*old.path, InputChange::Removed)),
            (Some(old), Some(new)) if old != new => Some((&*new.path, InputChange::Changed)),
            (Some(_), Some(_)) | (None, None) => None,
        })
    }
}

impl From<Vec<Leaf>> for InputTree {
    fn from(leaves: Vec<Leaf>) -> Self {
        Self::new(leaves)
    }
}

impl From<InputTree> for Vec<Leaf> {
    fn from(tree: InputTree) -> Self {
        tree.leaves
    }
}

/// The digest of a folder: its entries in order, each a leaf or a folder with its own digest.
/// `skip` is how many bytes of each path lead to the folder.
fn folder(leaves: &[Leaf], skip: usize) -> Digest {
    let mut node = Canonical::new();
    let mut rest = leaves;
    while let Some(first) = rest.first() {
        let name = &first.path[skip..];
        let Some(slash) = name.find('/') else {
            node.number(first.mode as u64);
            node.text(name);
            node.bytes(first.digest.as_bytes());
            rest = &rest[1..];
            continue;
        };
        let below = skip + slash + 1;
        let prefix = &first.path.as_bytes()[..below];
        // In order, whatever shares a beginning stands together.
        let end = rest.partition_point(|leaf| leaf.path.as_bytes().starts_with(prefix));
        node.number(FOLDER);
        node.text(&name[..slash]);
        node.bytes(folder(&rest[..end], below).as_bytes());
        rest = &rest[end..];
    }
    node.finish()
}

/// Marks a folder where a leaf has its mode.
const FOLDER: u64 = 0xff;

#[cfg(test)]
mod tests;
