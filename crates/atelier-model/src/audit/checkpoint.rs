//! Checkpoints: what is signed of a log at one size.

use serde::{Deserialize, Serialize};

use crate::{Timestamp, TreeHash};

/// The signed state of a log.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Checkpoint {
    /// Which log: the leaf hash of its first entry.
    pub origin: TreeHash,
    /// How many entries it covers.
    pub size: u64,
    /// The root of the tree of these.
    pub root: TreeHash,
    /// Size of the checkpoint before; 0 for the first.
    pub previous: u64,
    /// When it was signed.
    pub at: Timestamp,
    /// The Ed25519 public key that its signature is checked with, in lowercase hex.
    pub key: String,
    /// The Ed25519 signature of [`Self::signed_text`], in lowercase hex.
    pub signature: String,
}

impl Checkpoint {
    /// What is signed: one field a line.
    pub fn signed_text(&self) -> String {
        format!(
            "atelier audit 1\n{}\n{}\n{}\n{}\n{}\n{}\n",
            self.origin, self.size, self.root, self.previous, self.at, self.key
        )
    }

    /// What a commit says of it, as the value of the trailer [`Self::TRAILER`]: size, root, and the
    /// beginning of the origin.
    pub fn trailer(&self) -> String {
        let origin = self.origin.to_string();
        let name = &origin[..ORIGIN_DIGITS];
        format!("{} {} {name}", self.size, self.root)
    }

    /// The trailer's name.
    pub const TRAILER: &'static str = "Atelier-Audit";
}

/// Digits by which a trailer names the log.
const ORIGIN_DIGITS: usize = 16;
