//! Recomputes a log from its entries and checkpoints, and says where it was tampered with.

use std::cmp::{Ordering, Reverse};

use crate::{AuditEntry, Checkpoint, Frontier, TreeHash};

/// Findings that are told one by one; more are only counted.
const FINDINGS_MAX: usize = 100;

/// What the keeper of the keys says of a checkpoint's signature.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Standing {
    /// A trusted key signed it.
    Signed,
    /// The signature holds, but nobody trusts its key.
    Untrusted,
    /// The signature does not hold.
    Broken,
}

/// One thing that is not as it was written, and where.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Tampering {
    /// The entry is not what was written.
    #[error("entry {seq} was changed")]
    Changed {
        /// Its number.
        seq: u64,
    },
    /// The entry stands where another one stood.
    #[error("entry {seq} was exchanged: it is entry {claims}")]
    Moved {
        /// Where it stands.
        seq: u64,
        /// The number it was written with.
        claims: u64,
    },
    /// Entries are gone.
    #[error("entries {first} to {last} are missing")]
    Missing {
        /// Number of the first.
        first: u64,
        /// Number of the last.
        last: u64,
    },
    /// There is an entry too many.
    #[error("entry {seq} stands where entry {expected} belongs")]
    Inserted {
        /// The number it has.
        seq: u64,
        /// The number that belongs there.
        expected: u64,
    },
    /// Each entry fits its own hash, but together they are not what was signed.
    #[error("entries {first} to {last} are not those that were signed")]
    Rewritten {
        /// Number of the first that may be meant.
        first: u64,
        /// Number of the last.
        last: u64,
    },
    /// The end of the log was cut off.
    #[error("entries {first} to {last} were cut off")]
    Truncated {
        /// Number of the first that is gone.
        first: u64,
        /// Number of the last that is known of.
        last: u64,
    },
    /// Entries at the end that no checkpoint covers.
    #[error("entries {first} to {last} are not signed")]
    Unsigned {
        /// Number of the first.
        first: u64,
        /// Number of the last.
        last: u64,
    },
    /// The entry cannot be read, nor what follows.
    #[error("entry {seq} cannot be read")]
    Unreadable {
        /// Its number.
        seq: u64,
    },
    /// A checkpoint is not what was signed.
    #[error("the checkpoint at entry {size} was changed")]
    CheckpointChanged {
        /// Its size.
        size: u64,
    },
    /// A checkpoint was signed with a key that nobody trusts.
    #[error("the checkpoint at entry {size} is signed with an unknown key, {key}")]
    CheckpointUntrusted {
        /// Its size.
        size: u64,
        /// The public key.
        key: String,
    },
    /// A checkpoint is gone.
    #[error("the checkpoint at entry {size} is missing")]
    CheckpointMissing {
        /// Its size.
        size: u64,
    },
    /// A checkpoint stands before entries that it covers, or after others.
    #[error("the checkpoint at entry {size} does not stand there")]
    CheckpointMoved {
        /// Its size.
        size: u64,
    },
    /// A checkpoint is of another log.
    #[error("the checkpoint at entry {size} is of another log")]
    CheckpointForeign {
        /// Its size.
        size: u64,
    },
    /// The copy of a checkpoint in the second place says something else.
    #[error("entries {first} to {last} are not those that the copy in {place} was signed for")]
    CopyDiffers {
        /// Number of the first that may be meant.
        first: u64,
        /// Number of the last.
        last: u64,
        /// Where the copy is.
        place: String,
    },
    /// A copy in the second place is of another log, so that the whole log was exchanged.
    #[error("a log of {size} entries is gone; the copy in {place} knows of it")]
    Replaced {
        /// How many entries it had at least.
        size: u64,
        /// Where the copy is.
        place: String,
    },
    /// A copy in the second place is no longer what was signed.
    #[error("the copy in {place} was changed")]
    CopyChanged {
        /// Where the copy is.
        place: String,
    },
    /// What the log keeps to go on is not what its entries come to.
    #[error("the end of the tree, as it is kept, was changed")]
    HeadChanged,
    /// An event is not the one that an entry was written for, or the chain of events is broken.
    #[error("event {seq} is not what was written")]
    EventChanged {
        /// Its number.
        seq: u64,
    },
    /// A line of an export is none that Atelier writes.
    #[error("line {line} is not one that was written")]
    Line {
        /// Its number, from 1.
        line: u64,
    },
}

impl Tampering {
    /// The entries among which the place is, first and last; nothing where no entry is meant.
    pub fn place(&self) -> Option<(u64, u64)> {
        match self {
            Self::Changed { seq } | Self::Moved { seq, .. } | Self::Unreadable { seq } => {
                Some((*seq, *seq))
            }
            Self::Inserted { expected, .. } => Some((expected.saturating_sub(1), *expected)),
            Self::Missing { first, last }
            | Self::Rewritten { first, last }
            | Self::Truncated { first, last }
            | Self::CopyDiffers { first, last, .. }
            | Self::Unsigned { first, last } => Some((*first, *last)),
            Self::CheckpointChanged { size }
            | Self::CheckpointUntrusted { size, .. }
            | Self::CheckpointMissing { size }
            | Self::CheckpointMoved { size }
            | Self::CheckpointForeign { size } => Some((*size, *size)),
            Self::Replaced { .. }
            | Self::CopyChanged { .. }
            | Self::HeadChanged
            | Self::EventChanged { .. }
            | Self::Line { .. } => None,
        }
    }
}

/// What a check came to.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AuditReport {
    /// Entries that were read.
    pub entries: u64,
    /// Checkpoints that were read.
    pub checkpoints: u64,
    /// The root of the tree as it was recomputed; nothing where it cannot be.
    pub root: Option<TreeHash>,
    /// What was tampered with, in the order of the log; at most a hundred.
    pub tamperings: Vec<Tampering>,
    /// How many more there are.
    pub more: u64,
}

impl AuditReport {
    /// Whether the log is as it was written.
    pub fn is_intact(&self) -> bool {
        self.tamperings.is_empty()
    }
}

/// A check under way. Entries and checkpoints are given in order, each checkpoint once its last
/// entry was given; memory does not grow with the log.
pub struct AuditCheck<'a> {
    standing: &'a dyn Fn(&Checkpoint) -> Standing,
    /// Copies from the second place, with the place, that were not reached yet; largest first.
    copies: Vec<(String, Checkpoint)>,
    /// How many entries there must have been so far.
    size: u64,
    /// The tree of these; nothing once an entry is missing or roots disagree.
    tree: Option<Frontier>,
    origin: Option<TreeHash>,
    /// Size of the checkpoint before; nothing where that one cannot be believed.
    previous: Option<u64>,
    /// Size of the newest checkpoint that the entries agree with.
    good: u64,
    /// The largest size that a trusted key signed.
    signed: u64,
    /// Size of a checkpoint that came before the entries it covers.
    ahead: Option<u64>,
    /// Whether the end was never reached.
    is_cut: bool,
    checkpoints: u64,
    found: Vec<Tampering>,
    more: u64,
}

impl<'a> AuditCheck<'a> {
    /// A check of a log, with the copies of checkpoints that are known of it, each with the place
    /// where it was found.
    pub fn new(
        standing: &'a dyn Fn(&Checkpoint) -> Standing,
        copies: Vec<(String, Checkpoint)>,
    ) -> Self {
        let mut check = Self {
            standing,
            copies: Vec::new(),
            size: 0,
            tree: Some(Frontier::default()),
            origin: None,
            previous: Some(0),
            good: 0,
            signed: 0,
            ahead: None,
            is_cut: false,
            checkpoints: 0,
            found: Vec::new(),
            more: 0,
        };
        for (place, copy) in copies {
            if standing(&copy) == Standing::Signed {
                check.copies.push((place, copy));
            } else {
                check.find(Tampering::CopyChanged { place });
            }
        }
        check.copies.sort_by_key(|(_, copy)| Reverse(copy.size));
        check
    }

    /// How many entries there must have been so far.
    pub fn size(&self) -> u64 {
        self.size
    }

    /// Takes the next entry: the number it is kept under, its body, and the hash kept beside it.
    pub fn entry(&mut self, seq: u64, body: &str, leaf: TreeHash) {
        self.compare_copies();
        let expected = self.size + 1;
        // Where entries are missing, it is they who are not in their place.
        if let Some(size) = self.ahead.take().filter(|_| seq == expected) {
            self.find(Tampering::CheckpointMoved { size });
        }
        if seq < expected {
            self.tree = None;
            self.find(Tampering::Inserted { seq, expected });
            return;
        }
        if seq > expected {
            self.tree = None;
            let (first, last) = (expected, seq - 1);
            self.find(Tampering::Missing { first, last });
        }
        self.size = seq;
        let written: Option<AuditEntry> = serde_json::from_str(body).ok();
        match written {
            Some(entry) if AuditEntry::leaf(body) != leaf || entry.body() != body => {
                self.find(Tampering::Changed { seq });
            }
            Some(entry) if entry.seq != seq => {
                let claims = entry.seq;
                self.find(Tampering::Moved { seq, claims });
            }
            Some(_) => {}
            None => self.find(Tampering::Changed { seq }),
        }
        if seq == 1 {
            self.origin = Some(leaf);
        }
        if let Some(tree) = &mut self.tree {
            tree.push(leaf);
        }
    }

    /// Takes the next checkpoint.
    pub fn checkpoint(&mut self, checkpoint: &Checkpoint) {
        self.checkpoints += 1;
        let size = checkpoint.size;
        let before = self.previous.take();
        match (self.standing)(checkpoint) {
            Standing::Signed => {}
            Standing::Untrusted => {
                let key = checkpoint.key.clone();
                return self.find(Tampering::CheckpointUntrusted { size, key });
            }
            Standing::Broken => return self.find(Tampering::CheckpointChanged { size }),
        }
        self.previous = Some(size);
        let is_own = self.origin == Some(checkpoint.origin);
        if is_own && before.is_some_and(|before| before != checkpoint.previous) {
            let size = checkpoint.previous;
            self.find(Tampering::CheckpointMissing { size });
        }
        self.signed = self.signed.max(size);
        match size.cmp(&self.size) {
            Ordering::Equal => self.compare(checkpoint),
            Ordering::Less => self.find(Tampering::CheckpointMoved { size }),
            Ordering::Greater => self.ahead = Some(size),
        }
    }

    fn compare(&mut self, checkpoint: &Checkpoint) {
        let Some(tree) = &self.tree else {
            return;
        };
        let (first, last) = (self.good + 1, checkpoint.size);
        if tree.root() == checkpoint.root {
            self.good = last;
            return;
        }
        self.tree = None;
        if self.good > 0 && self.origin != Some(checkpoint.origin) {
            self.find(Tampering::CheckpointForeign { size: last });
        } else if !self.explained(first, last) {
            self.find(Tampering::Rewritten { first, last });
        }
    }

    /// Whether something was found among these entries already, which is why roots differ.
    fn explained(&self, first: u64, last: u64) -> bool {
        let mut places = self.found.iter().filter_map(Tampering::place);
        places.any(|(from, to)| from <= last && first <= to)
    }

    /// Compares the copies of the size that was reached, once the checkpoints of that size are known.
    fn compare_copies(&mut self) {
        while let Some((_, copy)) = self.copies.last()
            && copy.size <= self.size
        {
            let Some((place, copy)) = self.copies.pop() else {
                return;
            };
            let size = copy.size;
            let root = self.tree.as_ref().map(Frontier::root);
            if size == self.size && root.is_some_and(|root| root != copy.root) {
                // Where every checkpoint agrees with the entries, all of them were signed anew.
                let first = if self.good < size { self.good + 1 } else { 1 };
                let last = size;
                self.find(Tampering::CopyDiffers { first, last, place });
            }
        }
    }

    /// Says that what comes next cannot be read.
    pub fn unreadable(&mut self) {
        self.tree = None;
        self.is_cut = true;
        let seq = self.size + 1;
        self.find(Tampering::Unreadable { seq });
    }

    /// Adds something that was found beside entries and checkpoints.
    pub fn find(&mut self, tampering: Tampering) {
        if self.found.len() < FINDINGS_MAX {
            self.found.push(tampering);
        } else {
            self.more += 1;
        }
    }

    /// Ends the check. `head` is what the log keeps to go on, where it keeps that.
    pub fn finish(mut self, head: Option<&Frontier>) -> AuditReport {
        self.compare_copies();
        let entries = self.size;
        let known = self.copies.iter().map(|(_, copy)| copy.size);
        let known = known.fold(self.signed, u64::max);
        let end = self.tree.clone();
        if known > entries && !self.is_cut {
            let (first, last) = (entries + 1, known);
            self.find(Tampering::Truncated { first, last });
        }
        if self.signed < entries && !self.is_cut {
            let (first, last) = (self.signed + 1, entries);
            self.find(Tampering::Unsigned { first, last });
        }
        if let (Some(head), Some(end)) = (head, &end)
            && head != end
        {
            self.find(Tampering::HeadChanged);
        }
        AuditReport {
            entries,
            checkpoints: self.checkpoints,
            root: end.map(|tree| tree.root()),
            tamperings: self.found,
            more: self.more,
        }
    }
}

#[cfg(test)]
mod tests;
