//! The rules prove their examples; the whole is held against labelled documents.

#![expect(
    clippy::unwrap_used,
    clippy::panic,
    reason = "a test fails by panicking"
)]

mod documents;
mod rules;
mod vault;
