//! Replies become edits; edits and a file tree become a new file tree.
//!
//! [`parse`] finds the edits of a reply, whatever mixture of forms it uses, as a [`ChangeSet`];
//! [`apply`] makes a new [`atelier_model::FileTree`] of them, all or nothing. Each form that is
//! understood is an entry of [`FORMATS`].
//!
//! ~~~
#![doc = include_str!("../examples/ten_lines.rs")]
//! ~~~
//!
//! [`Stream`] reads a reply while it arrives; [`apply_protected`] keeps edits from files that a
//! caller protects; [`policy`] says in which form a model is best asked for edits.
//!
//! Invariants: an edit is placed exactly where its author meant it or it is refused, never nearly;
//! nothing is applied unless everything can be; bytes that no edit names stay as they are; this
//! crate opens no file and starts no process.

mod apply;
mod change;
mod formats;
mod header;
mod parse;
mod place;
pub mod policy;
mod stream;
#[cfg(test)]
mod tests;
mod text;

pub use apply::{Applied, ApplyError, PatternError, Problem, Protection, apply, apply_protected};
pub use change::{Change, ChangeSet, Edit, Hints, Split};
pub use formats::{EditFormat, FORMATS};
pub use parse::{Fault, ParseEditsError, ReplyProblem, parse};
pub use place::fold_path;
pub use stream::{Glimpse, Stream};
