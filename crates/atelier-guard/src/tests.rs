//! The rules prove their examples; the whole is held against labelled documents.

#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

mod documents;
mod rules;
mod scan;
mod vault;
