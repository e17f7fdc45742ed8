//! Personal data and secrets are found in text and replaced by placeholders that can be undone.
//!
//! ```
//! use atelier_guard::{Guard, Policy, Vault};
//!
//! let mut vault = Vault::new([7; 32]);
//! let text = "Write to ana.lopez@correo.es about the invoice.";
//! let redacted = vault.redact(Guard::builtin(), text, Policy::All);
//! assert!(redacted.text.starts_with("Write to [[EMAIL_"));
//! assert_eq!(vault.restore(&redacted.text), text);
//! ```
//!
//! [`Guard::scan`] finds [`Span`]s; a [`Vault`] replaces them and remembers what stood there; a
//! [`Restorer`] puts the values back into an answer that arrives in pieces.
//!
//! Invariants: nothing here opens a file or a connection, so no key is ever tried out; patterns
//! are matched without backtracking and only within a bounded reach, so time grows with the length
//! of the text whatever the text is; spans never overlap.

mod check;
pub mod command;
mod gate;
mod kind;
mod mask;
mod names;
mod placeholder;
mod policy;
mod restore;
mod rule;
mod rules;
mod scan;
mod vault;
mod words;

pub use kind::Kind;
pub use mask::preview;
pub use policy::{Policy, UnknownPolicy};
pub use restore::{Form, Restorer};
pub use rule::RuleError;
pub use scan::{Guard, Span};
pub use vault::{KEY_BYTES, Redacted, Vault};

#[cfg(test)]
mod tests;
