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
    /// The name of the form it is written in.
    pub format: &'static str,
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
    /// It is new; where another content stands at its path already, the edit is refused.
    Create {
        /// The whole content.
        content: String,
    },
    /// Some of its lines are replaced.
    ///
    /// Each line of both parts ends with a line break; a last line without one says that the file
    /// ends there, without one.
    Replace {
        /// The lines to find; empty to create the file.
        search: String,
        /// The lines to put in their place.
        replace: String,
        /// Other ways to read the block, where its form leaves several.
        otherwise: Vec<Split>,
        /// What is said about the place, to choose among several that fit.
        hints: Hints,
    },
    /// It is removed.
    Delete {
        /// The content its author saw; where the file holds something else, the edit is refused.
        holding: Option<String>,
    },
    /// It gets another path; edits before and after this one name it by its old path.
    Move {
        /// The new path.
        to: TreePath,
    },
    /// It may be executed from now on, or no longer.
    Mode {
        /// Whether it may.
        executable: bool,
    },
}

/// One way to divide a block into what to find and what to put in its place.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Split {
    /// The lines to find.
    pub search: String,
    /// The lines to put in their place.
    pub replace: String,
}

/// What an author says about the place of an edit beside the lines to find. Hints only choose among
/// places where these lines stand; they never make a place.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Hints {
    /// Lines that stand somewhere before the place, outermost first: the head of its function.
    pub scopes: Vec<String>,
    /// The line of the file at which the lines to find were said to begin, from 1.
    pub line: Option<usize>,
    /// The lines to find are the last of the file.
    pub at_end: bool,
    /// The text to find may begin or end within a line: where it stands nowhere as lines, the only
    /// place of the text is taken. Neither part then says how the file ends.
    pub inline: bool,
    /// Edits with the same number stand in the file in the order of the reply.
    pub sequence: Option<usize>,
}

impl Edit {
    /// The paths it changes: its own and, where the file moves, the new one.
    pub fn paths(&self) -> impl Iterator<Item = &TreePath> {
        let to = match &self.change {
            Change::Move { to } => Some(to),
            Change::Write { .. }
            | Change::Create { .. }
            | Change::Replace { .. }
            | Change::Delete { .. }
            | Change::Mode { .. } => None,
        };
        std::iter::once(&self.path).chain(to)
    }
}

impl ChangeSet {
    /// The paths that are changed, each once, in order.
    pub fn paths(&self) -> Vec<&TreePath> {
        let mut paths: Vec<_> = self.edits.iter().flat_map(Edit::paths).collect();
        paths.sort();
        paths.dedup();
        paths
    }

    /// Divides the edits into those of files that may be changed and the others.
    pub fn split(self, mut may_change: impl FnMut(&TreePath) -> bool) -> (Self, Vec<Edit>) {
        let (edits, refused) = self
            .edits
            .into_iter()
            .partition(|edit| edit.paths().all(&mut may_change));
        (Self { edits }, refused)
    }
}
