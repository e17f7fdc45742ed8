//! The audit log: what is noted of model calls, keys and decisions, and how its truth is proved.
//!
//! Every [`AuditEntry`] is a leaf of a Merkle tree; a [`Checkpoint`] signs the tree's root. The
//! hash is SHA-256 and the tree that of RFC 9162, so that anyone can check a log with nothing but
//! a standard library. Whoever changes, moves, adds or removes an entry needs the signing key to
//! hide it; whoever cuts off the end needs the copy of the newest checkpoint too, which is kept
//! elsewhere. [`AuditCheck`] finds the place.

mod check;
mod checkpoint;
mod entry;
mod export;
mod fact;
mod sorted;
mod tree;

pub use check::{AuditCheck, AuditReport, Standing, Tampering};
pub use checkpoint::Checkpoint;
pub use entry::{AuditEntry, AuditLink, AuditNote};
pub use export::{AuditExportLine, ExportLineError, check_export};
pub use fact::{AuditFact, AuditRequest};
pub use tree::{Frontier, TreeHash, TreeProof, TreeProofError};

#[cfg(test)]
mod tests;
