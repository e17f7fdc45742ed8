//! Edits and a file tree become a new file tree, all or nothing.

mod before;
mod choose;
mod closest;
mod collide;
mod elide;
mod file;
mod inline;
mod protection;
mod quick;
mod rework;
mod splice;
mod stage;
#[cfg(test)]
mod tests;
mod whole;

use std::fmt;

use atelier_model::{FileTree, Limits, TreePath};

pub use self::protection::{PatternError, Protection};
use self::stage::Stage;
use crate::change::{ChangeSet, Edit};

/// A tree with all edits in it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Applied {
    /// The new tree.
    pub tree: FileTree,
    /// Files that are new or have another content.
    pub written: Vec<TreePath>,
    /// Files that are gone.
    pub deleted: Vec<TreePath>,
    /// Files that edits named and that are as they were.
    pub unchanged: Vec<TreePath>,
    /// Files that have another path: the old one, which is among the deleted unless another file
    /// took it, and the new one, which is among the written.
    pub moved: Vec<(TreePath, TreePath)>,
    /// What was overlooked or left out, for the record.
    pub notes: Vec<String>,
}

/// Why edits were not applied: every problem there is. The message is worded for the model that
/// must mend it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ApplyError {
    /// The problems in the order of the reply.
    pub problems: Vec<Problem>,
}

/// One edit that cannot be applied.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Problem {
    /// The file.
    pub path: TreePath,
    /// Which edit of the reply it is, from 1.
    pub block: usize,
    /// The line of the reply it begins at, from 1.
    pub line: usize,
    /// What is wrong.
    pub said: String,
    /// The first of the lines that were looked for.
    pub sought: Option<String>,
    /// The lines of the file, or the path, that may have been meant.
    pub closest: Option<String>,
    /// What to do about it.
    pub mend: String,
}

impl fmt::Display for ApplyError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "apply the edits of the reply; none of them was applied:")?;
        self.problems
            .iter()
            .try_for_each(|problem| write!(f, "\n\n{problem}"))
    }
}

impl std::error::Error for ApplyError {}

impl fmt::Display for Problem {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self {
            path, block, line, ..
        } = self;
        write!(
            f,
            "Edit {block} (line {line} of the reply), `{path}`: {}.",
            self.said
        )?;
        if let Some(sought) = &self.sought {
            write!(f, "\nLooked for:\n{sought}")?;
        }
        if let Some(closest) = &self.closest {
            let gap = if self.sought.is_some() { "" } else { " " };
            write!(f, "{gap}Did you mean {closest}")?;
        }
        let gap = if self.sought.is_some() && self.closest.is_none() {
            ""
        } else {
            "\n"
        };
        write!(f, "{gap}To mend it: {}.", self.mend)
    }
}

/// What is wrong with an edit, before it is known which edit it is.
#[derive(Debug)]
struct Trouble {
    said: String,
    sought: Option<String>,
    closest: Option<String>,
    mend: &'static str,
}

impl Trouble {
    fn new(said: impl Into<String>, mend: &'static str) -> Self {
        Self {
            said: said.into(),
            sought: None,
            closest: None,
            mend,
        }
    }

    /// With the lines that were looked for.
    fn seeking(self, search: &[&str]) -> Self {
        let sought = Some(closest::beginning(search));
        Self { sought, ..self }
    }

    /// With what may have been meant.
    fn meaning(self, closest: String) -> Self {
        let closest = Some(closest);
        Self { closest, ..self }
    }

    fn about(self, edit: &Edit) -> Problem {
        Problem {
            path: edit.path.clone(),
            block: edit.block,
            line: edit.line,
            said: self.said,
            sought: self.sought,
            closest: self.closest,
            mend: self.mend.to_owned(),
        }
    }
}

/// Applies every edit, or none.
///
/// Edits of one file are applied in their order; each is placed among the lines that were there
/// before this reply if it can be, and else among those that earlier edits put there.
pub fn apply(changes: &ChangeSet, tree: &FileTree, limits: &Limits) -> Result<Applied, ApplyError> {
    apply_protected(changes, tree, limits, &Protection::default())
}

/// Applies every edit, or none: none also where one concerns a protected file.
pub fn apply_protected(
    changes: &ChangeSet,
    tree: &FileTree,
    limits: &Limits,
    protection: &Protection,
) -> Result<Applied, ApplyError> {
    let stage = Stage::new(changes, tree);
    staged(stage, changes, limits, protection)
}

fn staged(
    mut stage: Stage<'_>,
    changes: &ChangeSet,
    limits: &Limits,
    protection: &Protection,
) -> Result<Applied, ApplyError> {
    let mut problems = changes.problems(protection);
    for at in 0..changes.edits.len() {
        problems.extend(stage.edit(at));
    }
    let after = stage.after();
    problems.extend(stage.problems(&after, limits));
    problems.sort_by_key(|problem| problem.block);
    if problems.is_empty() {
        Ok(stage.finish(after))
    } else {
        Err(ApplyError { problems })
    }
}
