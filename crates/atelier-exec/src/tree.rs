//! File trees on disk: read whole, changed file by file, never through a symbolic link.

mod change;
mod find;
mod near;
mod read;
mod remove;
mod walk;
mod write;

pub use change::{ChangeFilesError, HeldFolder, Settled};
pub use find::{file_read, files_beside, files_matching};
pub use near::{tree_glimpse, tree_near};
pub use read::{ReadTreeError, Skip, SkippedFile, tree_read, tree_survey};
pub use write::{WriteTreeError, tree_write};

pub(crate) use read::{TREE_BYTES_MAX, files_read};
pub(crate) use remove::folder_remove;

#[cfg(test)]
mod tests;
