//! The Merkle tree of RFC 9162: hashes of leaves and nodes, roots that grow, and proofs.

use std::fmt;

use serde::{Deserialize, Deserializer, Serialize, Serializer};
use sha2::{Digest as _, Sha256};

use crate::Digest;

/// Stands before the bytes of a leaf, so that no node can pass for one.
const LEAF: [u8; 1] = [0];
/// Stands before the hashes of two children.
const NODE: [u8; 1] = [1];

/// A SHA-256 hash of a leaf, of a node, or of a whole tree.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct TreeHash([u8; 32]);

impl TreeHash {
    /// The hash of the tree that has no leaf.
    pub fn empty() -> Self {
        Self(Sha256::digest([]).into())
    }

    /// The hash of a leaf with these bytes.
    pub fn leaf(bytes: &[u8]) -> Self {
        let mut hash = Sha256::new();
        hash.update(LEAF);
        hash.update(bytes);
        Self(hash.finalize().into())
    }

    /// The hash of a node with these children.
    pub fn node(left: &Self, right: &Self) -> Self {
        let mut hash = Sha256::new();
        hash.update(NODE);
        hash.update(left.0);
        hash.update(right.0);
        Self(hash.finalize().into())
    }

    /// The raw 32 bytes.
    pub fn as_bytes(&self) -> &[u8; 32] {
        &self.0
    }

    /// The hash that these 32 bytes are.
    pub fn from_bytes(bytes: [u8; 32]) -> Self {
        Self(bytes)
    }
}

impl fmt::Display for TreeHash {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        // Both are 32 bytes, written the same way.
        Digest::from_bytes(self.0).fmt(f)
    }
}

impl fmt::Debug for TreeHash {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "TreeHash({self})")
    }
}

impl Serialize for TreeHash {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for TreeHash {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        Ok(Self(*Digest::deserialize(deserializer)?.as_bytes()))
    }
}

/// All that must be kept of a tree to add leaves to it: the roots of its full subtrees.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Frontier {
    size: u64,
    /// From the largest subtree to the smallest: one for each bit that is set in `size`.
    peaks: Vec<TreeHash>,
}

impl Frontier {
    /// The frontier that was taken apart by [`Self::size`] and [`Self::peaks`], if it can be one.
    pub fn from_parts(size: u64, peaks: Vec<TreeHash>) -> Option<Self> {
        let fits = usize::try_from(size.count_ones()) == Ok(peaks.len());
        fits.then_some(Self { size, peaks })
    }

    /// How many leaves the tree has.
    pub fn size(&self) -> u64 {
        self.size
    }

    /// The roots of the full subtrees, largest first.
    pub fn peaks(&self) -> &[TreeHash] {
        &self.peaks
    }

    /// Adds a leaf at the end.
    pub fn push(&mut self, leaf: TreeHash) {
        let mut hash = leaf;
        for _ in 0..self.size.trailing_ones() {
            // There is a peak for every bit that is set.
            if let Some(left) = self.peaks.pop() {
                hash = TreeHash::node(&left, &hash);
            }
        }
        self.peaks.push(hash);
        self.size += 1;
    }

    /// The hash of the tree as it is.
    pub fn root(&self) -> TreeHash {
        let from_the_right = self.peaks.iter().rev().copied();
        from_the_right
            .reduce(|right, left| TreeHash::node(&left, &right))
            .unwrap_or_else(TreeHash::empty)
    }
}

impl FromIterator<TreeHash> for Frontier {
    fn from_iter<I: IntoIterator<Item = TreeHash>>(leaves: I) -> Self {
        let mut frontier = Self::default();
        for leaf in leaves {
            frontier.push(leaf);
        }
        frontier
    }
}

/// Hashes that prove something about a tree to someone who has only its root.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct TreeProof {
    /// The hashes, from the leaves up.
    pub path: Vec<TreeHash>,
}

/// Why there is no proof.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum TreeProofError {
    /// The leaf is not in the tree.
    #[error("prove leaf {index} of a tree of {size}")]
    NoLeaf {
        /// Its index, from 0.
        index: u64,
        /// Leaves of the tree.
        size: u64,
    },
    /// The smaller tree has no leaf, or more leaves than the larger.
    #[error("prove that a tree of {size} begins with one of {old}")]
    NoPrefix {
        /// Leaves of the smaller tree.
        old: u64,
        /// Leaves of the larger tree.
        size: u64,
    },
}

impl TreeProof {
    /// Proves that a leaf, counted from 0, is in the tree of these leaves.
    pub fn inclusion(leaves: &[TreeHash], index: u64) -> Result<Self, TreeProofError> {
        let size = leaves.len() as u64;
        let place = usize::try_from(index).ok().filter(|at| *at < leaves.len());
        let place = place.ok_or(TreeProofError::NoLeaf { index, size })?;
        let mut path = Vec::new();
        inclusion(leaves, place, &mut path);
        Ok(Self { path })
    }

    /// Proves that the tree of these leaves begins with the tree of the first `old` of them.
    pub fn consistency(leaves: &[TreeHash], old: u64) -> Result<Self, TreeProofError> {
        let size = leaves.len() as u64;
        let end = usize::try_from(old).ok();
        let end = end.filter(|end| (1..=leaves.len()).contains(end));
        let end = end.ok_or(TreeProofError::NoPrefix { old, size })?;
        let mut path = Vec::new();
        if end < leaves.len() {
            consistency(leaves, end, true, &mut path);
        }
        Ok(Self { path })
    }

    /// Whether the leaf at `index` of the tree with this size and root is this one.
    pub fn holds_for_leaf(&self, leaf: TreeHash, index: u64, size: u64, root: TreeHash) -> bool {
        if index >= size {
            return false;
        }
        let (mut node, mut last, mut hash) = (index, size - 1, leaf);
        for step in &self.path {
            if last == 0 {
                return false;
            }
            if node & 1 == 1 || node == last {
                hash = TreeHash::node(step, &hash);
                while node & 1 == 0 && node != 0 {
                    (node, last) = (node >> 1, last >> 1);
                }
            } else {
                hash = TreeHash::node(&hash, step);
            }
            (node, last) = (node >> 1, last >> 1);
        }
        last == 0 && hash == root
    }

    /// Whether the tree `new` (size and root) begins with the tree `old`.
    pub fn holds_for_growth(&self, old: (u64, TreeHash), new: (u64, TreeHash)) -> bool {
        let ((old_size, old_root), (new_size, new_root)) = (old, new);
        if old_size == 0 || old_size > new_size {
            return false;
        }
        if old_size == new_size {
            return self.path.is_empty() && old_root == new_root;
        }
        let first = old_size.is_power_of_two().then_some(old_root);
        let mut path = first.into_iter().chain(self.path.iter().copied());
        let Some(seed) = path.next() else {
            return false;
        };
        let zeros = (old_size - 1).trailing_ones();
        let (mut node, mut last) = ((old_size - 1) >> zeros, (new_size - 1) >> zeros);
        let (mut old_hash, mut new_hash) = (seed, seed);
        for step in path {
            if last == 0 {
                return false;
            }
            if node & 1 == 1 || node == last {
                old_hash = TreeHash::node(&step, &old_hash);
                new_hash = TreeHash::node(&step, &new_hash);
                while node & 1 == 0 && node != 0 {
                    (node, last) = (node >> 1, last >> 1);
                }
            } else {
                new_hash = TreeHash::node(&new_hash, &step);
            }
            (node, last) = (node >> 1, last >> 1);
        }
        last == 0 && old_hash == old_root && new_hash == new_root
    }
}

/// Where the left subtree of so many leaves, at least two, ends: the largest power of two below.
fn split(leaves: usize) -> usize {
    leaves.next_power_of_two() / 2
}

fn root_of(leaves: &[TreeHash]) -> TreeHash {
    leaves.iter().copied().collect::<Frontier>().root()
}

fn inclusion(leaves: &[TreeHash], index: usize, path: &mut Vec<TreeHash>) {
    if leaves.len() < 2 {
        return;
    }
    let (left, right) = leaves.split_at(split(leaves.len()));
    if index < left.len() {
        inclusion(left, index, path);
        path.push(root_of(right));
    } else {
        inclusion(right, index - left.len(), path);
        path.push(root_of(left));
    }
}

/// `whole` says that the part `leaves[..end]` of the old tree was a subtree at its left edge, whose
/// hash the verifier knows.
fn consistency(leaves: &[TreeHash], end: usize, whole: bool, path: &mut Vec<TreeHash>) {
    if end == leaves.len() {
        if !whole {
            path.push(root_of(leaves));
        }
        return;
    }
    let (left, right) = leaves.split_at(split(leaves.len()));
    if end <= left.len() {
        consistency(left, end, whole, path);
        path.push(root_of(right));
    } else {
        consistency(right, end - left.len(), false, path);
        path.push(root_of(left));
    }
}

#[cfg(test)]
mod tests;
