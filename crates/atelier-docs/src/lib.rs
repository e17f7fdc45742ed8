//! Renders, merges and checks the living documents of a project.
//!
//! [`render`] turns a [`ProjectState`] into every document of [`DOCUMENTS`], merged with what
//! the project's files already hold; [`managed::merge`] is the rule by which people's text and
//! ours share a file; [`citations::resolve`] refuses references to what is not there;
//! [`claims::check`] finds what any document says of its project and no longer holds.
//!
//! Invariants: a document depends on nothing but its state, so the same state gives the same
//! bytes: no clock, no cost, no run, no commit. Text outside the markers is never changed. A step
//! is shown as done only when its task is done. This crate opens no file and asks no model.

pub mod citations;
pub mod claims;
pub mod codex;
mod diagram;
mod documents;
pub mod managed;
mod markdown;
mod render;
mod state;
mod summary;

pub use documents::{DOCUMENTS, Document, Draft, Section};
pub use render::{DocumentError, DocumentProblem, RenderDocumentsError, Rendered, render};
pub use state::{ProjectState, Proof};
pub use summary::summary;

#[cfg(test)]
mod tests;
