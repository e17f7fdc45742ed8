//! Tests of the documents: cases out of files, tables, and properties.

#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

mod case;
mod citations;
mod claims;
mod fixtures;
mod managed;
mod markdown;
mod summary;

use atelier_model::{FileEntry, FileTree, TreePath};

/// A tree of text files.
fn tree(files: &[(&str, &str)]) -> FileTree {
    files
        .iter()
        .map(|(path, text)| (TreePath::parse(path).unwrap(), FileEntry::text(*text)))
        .collect()
}
