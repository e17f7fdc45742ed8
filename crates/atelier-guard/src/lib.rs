//! Personal data and secrets are found in text and replaced by placeholders that can be undone.
//!
//! [`Guard::scan`] finds [`Span`]s; a [`Vault`] replaces them and remembers what stood there; a
//! [`Restorer`] puts the values back into an answer that arrives in pieces.
//!
//! Invariants: nothing here opens a file or a connection, so no key is ever tried out; patterns
//! are matched without backtracking and only within a bounded reach, so time grows with the length
//! of the text whatever the text is; spans never overlap.

mod check;
mod kind;
mod policy;
mod rule;
mod rules;
mod scan;

pub use kind::Kind;
pub use policy::{Policy, UnknownPolicy};
pub use rule::RuleError;
pub use scan::{Guard, Span};

#[cfg(test)]
mod tests;
