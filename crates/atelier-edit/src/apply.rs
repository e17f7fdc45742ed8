//! Edits and a file tree become a new file tree, all or nothing.

mod closest;
mod collide;
mod file;
mod splice;

use std::{collections::BTreeMap, fmt};

use atelier_model::{FileEntry, FileTree, Limits, TreePath};

use self::file::Staged;
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
        if let Some(closest) = &self.closest {
            write!(f, " Did you mean {closest}")?;
        }
        write!(f, "\nTo mend it: {}.", self.mend)
    }
}

/// What is wrong with an edit, before it is known which edit it is.
#[derive(Debug)]
struct Trouble {
    said: String,
    closest: Option<String>,
    mend: &'static str,
}

impl Trouble {
    fn new(said: impl Into<String>, mend: &'static str) -> Self {
        Self {
            said: said.into(),
            closest: None,
            mend,
        }
    }

    fn about(self, edit: &Edit) -> Problem {
        Problem {
            path: edit.path.clone(),
            block: edit.block,
            line: edit.line,
            said: self.said,
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
    let mut staged: BTreeMap<&TreePath, Staged> = BTreeMap::new();
    let mut problems = Vec::new();
    let mut notes = Vec::new();
    for edit in &changes.edits {
        let file = staged
            .entry(&edit.path)
            .or_insert_with(|| Staged::of(tree, &edit.path));
        match file.edit(edit, tree, limits) {
            Ok(None) => {}
            Ok(Some(note)) => notes.push(format!("edit {}, `{}`: {note}", edit.block, edit.path)),
            Err(trouble) => problems.push(trouble.about(edit)),
        }
    }
    if problems.is_empty() {
        problems = collide::problems(changes, &staged, tree);
    }
    if problems.is_empty() {
        Ok(finish(tree, staged, notes))
    } else {
        Err(ApplyError { problems })
    }
}

fn finish(tree: &FileTree, staged: BTreeMap<&TreePath, Staged>, notes: Vec<String>) -> Applied {
    let mut applied = Applied {
        tree: tree.clone(),
        written: Vec::new(),
        deleted: Vec::new(),
        unchanged: Vec::new(),
        notes,
    };
    for (path, file) in staged {
        let before = tree.get(path);
        match (file.bytes(), before) {
            (None, None) => applied.unchanged.push(path.clone()),
            (None, Some(_)) => {
                applied.tree.remove(path);
                applied.deleted.push(path.clone());
            }
            (Some(bytes), Some(before)) if before.bytes == bytes => {
                applied.unchanged.push(path.clone());
            }
            (Some(bytes), before) => {
                // A new file that names its interpreter is meant to be started.
                let script = bytes.starts_with(b"#!");
                let executable = before.map_or(script, |before| before.executable);
                applied
                    .tree
                    .put(path.clone(), FileEntry { bytes, executable });
                applied.written.push(path.clone());
            }
        }
    }
    applied
}
