//! The chain from a requirement to each commit: recomputed link by link, offline.
//!
//! A clone without the state has the commits, their trailers and the lock; with the state there are
//! prompts, replies, evidence and events too. What cannot be checked is said, never assumed.

mod author;
mod chain;
mod criteria;
mod links;
mod why;

pub use author::{Author, authors};
pub use chain::{Chain, Link, TraceError};
pub use links::{run_of, verify};
pub use why::{AttemptWhy, TaskWhy, why_task};
