//! What a reply wants changed.

use atelier_model::TreePath;

/// All edits of a reply, applied together or not at all.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct ChangeSet {
    /// The edits in the order of the reply.
    pub edits: Vec<Edit>,
}

/// One change to one file.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Edit {
    /// The file.
    pub path: TreePath,
    /// Which edit of the reply it is, from 1.
    pub block: usize,
    /// The line of the reply it begins at, from 1.
    pub line: usize,
    /// The change.
    pub change: Change,
}

/// What happens to a file.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Change {
    /// It gets this content, whatever it held before.
    Write {
        /// The whole content.
        content: String,
    },
    /// Some of its lines are replaced.
    Replace {
        /// The lines to find; empty to create the file.
        search: String,
        /// The lines to put in their place.
        replace: String,
        /// Other ways to divide the block, where lines of its content look like the divider.
        otherwise: Vec<Split>,
    },
    /// It is removed.
    Delete,
}

/// One way to divide a block into what to find and what to put in its place.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Split {
    /// The lines to find.
    pub search: String,
    /// The lines to put in their place.
    pub replace: String,
}

impl ChangeSet {
    /// The paths that are changed, each once, in order.
    pub fn paths(&self) -> Vec<&TreePath> {
        let mut paths: Vec<_> = self.edits.iter().map(|edit| &edit.path).collect();
        paths.sort();
        paths.dedup();
        paths
    }

    /// Divides the edits into those of files that may be changed and the others.
    pub fn split(self, mut may_change: impl FnMut(&TreePath) -> bool) -> (Self, Vec<Edit>) {
        let (edits, refused) = self
            .edits
            .into_iter()
            .partition(|edit| may_change(&edit.path));
        (Self { edits }, refused)
    }
}
