//! Every case of `fixtures/edits`, and properties of parsing and applying.
#![expect(
    clippy::unwrap_used,
    clippy::disallowed_methods,
    reason = "a test fails by panicking, and its cases are files"
)]

mod author;
mod cases;
mod damage;
mod dice;
mod fuzz;
mod truth;
mod world;

use atelier_model::{FileTree, Limits};

use crate::{apply, parse};

/// The tree after a reply's edits, or why they are refused.
pub(crate) fn outcome(reply: &str, before: &FileTree) -> Result<FileTree, String> {
    let limits = Limits::default();
    let changes = parse(reply, &limits).map_err(|error| error.to_string())?;
    let applied = apply(&changes, before, &limits).map_err(|error| error.to_string())?;
    Ok(applied.tree)
}
