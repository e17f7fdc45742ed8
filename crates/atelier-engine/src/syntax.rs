//! Files that the edits of a task broke: they followed their grammar before, and do not now.

use std::fmt;

use atelier_model::{FileTree, TreePath};
use atelier_outline::Fault;

/// Faults told of one reply.
const FAULTS_MAX: usize = 20;

/// A place where a file no longer follows its grammar.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Broken {
    path: TreePath,
    fault: Fault,
}

impl Broken {
    /// The place, worded for the model that must mend it.
    pub(crate) fn to_model(&self) -> String {
        let Self { path, fault } = self;
        let text = if fault.text.is_empty() {
            String::new()
        } else {
            format!(", in `{}`", fault.text)
        };
        format!("`{path}` no longer follows its grammar: {fault}{text}. Look there first.")
    }
}

impl fmt::Display for Broken {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { path, fault } = self;
        let Fault {
            line, column, said, ..
        } = fault;
        write!(f, "{path}:{line}:{column}: {said}")
    }
}

/// The places of all files that are new or changed and were not broken before.
pub(crate) fn broken(before: &FileTree, after: &FileTree) -> Vec<Broken> {
    let changes = before.changes_to(after);
    let faults = changes.into_keys().flat_map(|path| {
        let now = after.text(&path).unwrap_or_default();
        let faults = atelier_outline::broken(&path, before.text(&path), now);
        let place = move |fault| Broken {
            path: path.clone(),
            fault,
        };
        faults.into_iter().map(place)
    });
    faults.take(FAULTS_MAX).collect()
}

#[cfg(test)]
mod tests;
