//! All files that edits concern, on their way to a new tree.

use std::collections::{BTreeMap, BTreeSet};

use atelier_model::{FileEntry, FileTree, Limits, Obstacle, TreePath};

use super::{
    Applied, Problem, Trouble, collide,
    file::{Notes, Staged, no_file},
};
use crate::change::{Change, ChangeSet, Edit};

/// Problems of one reply for which the files are searched for what may have been meant.
const EXPLAINED_MAX: usize = 20;

/// The files of a reply.
#[derive(Debug)]
pub(super) struct Stage<'a> {
    changes: &'a ChangeSet,
    tree: &'a FileTree,
    files: BTreeMap<&'a TreePath, Staged<'a>>,
    /// New paths of files that were moved so far, where nothing stood before, and their old ones.
    renamed: BTreeMap<&'a TreePath, &'a TreePath>,
    /// Old paths where nothing stands any more, and the new ones where something does.
    settled: BTreeMap<&'a TreePath, &'a TreePath>,
    troubled: BTreeSet<&'a TreePath>,
    /// Files that a single edit names: whatever is known about their lines serves it alone.
    lone: BTreeSet<&'a TreePath>,
    notes: Vec<String>,
}

/// The tree after the edits, as far as it differs from the one before.
pub(super) type After<'a> = BTreeMap<&'a TreePath, Option<FileEntry>>;

impl<'a> Stage<'a> {
    pub(super) fn new(changes: &'a ChangeSet, tree: &'a FileTree) -> Self {
        let settled = changes.edits.iter().filter_map(|edit| match &edit.change {
            Change::Move { to } if !tree.contains(&edit.path) && tree.contains(to) => {
                Some((&edit.path, to))
            }
            Change::Move { .. }
            | Change::Write { .. }
            | Change::Create { .. }
            | Change::Replace { .. }
            | Change::Delete { .. }
            | Change::Mode { .. } => None,
        });
        Self {
            changes,
            tree,
            files: BTreeMap::new(),
            renamed: BTreeMap::new(),
            settled: settled.collect(),
            troubled: BTreeSet::new(),
            lone: lone(changes),
            notes: Vec::new(),
        }
    }

    /// The same with other files taken for those that a single edit names.
    #[cfg(test)]
    pub(super) fn taking_for_lone(self, lone: BTreeSet<&'a TreePath>) -> Self {
        Self { lone, ..self }
    }

    /// How many files were changed without being taken apart.
    #[cfg(test)]
    pub(super) fn quick(&self) -> usize {
        self.files.values().filter(|file| file.is_quick()).count()
    }

    /// Applies the edit with this index, or says what is wrong with it.
    pub(super) fn edit(&mut self, at: usize) -> Option<Problem> {
        let edit = &self.changes.edits[at];
        let done =
            self.unobstructed(edit)
                .and_then(|()| match self.settled.get(&edit.path).copied() {
                    Some(to) => self.settled(to, at),
                    None => self.place(at),
                });
        match done {
            Ok(notes) => {
                let said = |note| format!("edit {}, `{}`: {note}", edit.block, edit.path);
                self.notes.extend(notes.into_iter().map(said));
                None
            }
            Err(mut trouble) => {
                self.troubled.insert(&edit.path);
                if self.troubled.len() > EXPLAINED_MAX {
                    trouble.closest = None;
                }
                Some(trouble.about(edit))
            }
        }
    }

    fn place(&mut self, at: usize) -> Result<Notes, Trouble> {
        let edit = &self.changes.edits[at];
        let named = self.renamed.get(&edit.path).copied();
        let path = named.unwrap_or(&edit.path);
        let tree = self.tree;
        let file = self
            .files
            .entry(path)
            .or_insert_with(|| Staged::of(tree, path, self.lone.contains(path)));
        let notes = file.edit(&self.changes.edits, at, tree)?;
        if let Change::Move { to } = &edit.change
            && !tree.contains(to)
            && to != path
        {
            self.renamed.entry(to).or_insert(path);
        }
        Ok(notes)
    }

    /// An edit of a file that was moved before: it has to be done there already.
    fn settled(&mut self, to: &'a TreePath, at: usize) -> Result<Notes, Trouble> {
        let edit = &self.changes.edits[at];
        if matches!(edit.change, Change::Move { .. }) {
            return Ok(vec![format!("it was moved to `{to}` before")]);
        }
        let mut file = Staged::of(self.tree, to, false);
        let notes = file.edit(&self.changes.edits, at, self.tree);
        match notes {
            Ok(notes) if file.exists() && file.is_as_before() => Ok(notes),
            _ => Err(no_file(Some(to.to_string()))),
        }
    }

    /// Refuses an edit where something stands in the way that is no file of the tree.
    fn unobstructed(&self, edit: &Edit) -> Result<(), Trouble> {
        let mut obstacles = edit.paths().filter_map(|path| {
            let (place, obstacle) = self.tree.obstacle(path)?;
            Some((path, place, obstacle))
        });
        let Some((path, place, obstacle)) = obstacles.next() else {
            return Ok(());
        };
        let said = if place == path {
            format!("`{place}` is {obstacle}")
        } else {
            format!("`{path}` would lie in `{place}`, which is {obstacle}")
        };
        let mend = match obstacle {
            Obstacle::TooLarge(_) | Obstacle::Unread => "leave this file alone",
            Obstacle::Folder => "choose another path",
            Obstacle::Link | Obstacle::Special | Obstacle::Repository => {
                "name an ordinary file of the project by its own path"
            }
        };
        Err(Trouble::new(said, mend))
    }

    /// What is wrong with the files together, or with their sizes.
    pub(super) fn problems(&self, after: &After<'a>, limits: &Limits) -> Vec<Problem> {
        let mut problems = self.crowded();
        if !problems.is_empty() {
            return problems;
        }
        for (path, entry) in after {
            let size = entry.as_ref().map_or(0, |entry| entry.bytes.len());
            let grown = self
                .tree
                .get(path)
                .is_none_or(|file| file.bytes.len() < size);
            if size > limits.file_bytes_max && grown {
                let trouble = Trouble::new(
                    format!(
                        "the file would have more than {} bytes",
                        limits.file_bytes_max
                    ),
                    "divide it into smaller files",
                );
                problems.extend(self.last_edit(path).map(|edit| trouble.about(edit)));
            }
        }
        problems.extend(collide::problems(self.changes, after, self.tree));
        problems
    }

    /// Files that are moved to a path that is taken.
    fn crowded(&self) -> Vec<Problem> {
        let mut taken: BTreeMap<&TreePath, &TreePath> = BTreeMap::new();
        let mut problems = Vec::new();
        for (path, file) in &self.files {
            let Some(to) = file
                .destination()
                .filter(|to| to != path && !self.troubled.contains(path))
            else {
                continue;
            };
            let other = taken
                .insert(to, path)
                .map(|other| format!("`{other}` is moved to `{to}` as well"));
            let said = other.or_else(|| {
                let there = self.stays(to)?;
                let same = file.entry().is_some_and(|entry| entry == there);
                (!same).then(|| format!("there is another file at `{to}`"))
            });
            let said = said.or_else(|| {
                self.in_circle(path)
                    .then(|| "the reply moves files in a circle".to_owned())
            });
            if let Some((said, edit)) = said.zip(self.mover(path, to)) {
                let mend = "choose another path, or remove that file as well";
                problems.push(Trouble::new(said, mend).about(edit));
            }
        }
        problems
    }

    /// Whether a file is moved to the place of another and so on, until one comes to its own.
    fn in_circle(&self, path: &TreePath) -> bool {
        let next = |path: &TreePath| self.files.get(path)?.destination();
        let mut at = next(path);
        for _ in 0..self.files.len() {
            if at == Some(path) {
                return true;
            }
            at = at.and_then(next);
        }
        false
    }

    /// The file that is at a path after the edits, apart from those that are moved there.
    fn stays(&self, path: &TreePath) -> Option<FileEntry> {
        match self.files.get(path) {
            Some(file) if file.destination().is_some_and(|to| to != path) => None,
            Some(file) => file.entry(),
            None => self.tree.get(path).cloned(),
        }
    }

    fn mover(&self, path: &TreePath, to: &TreePath) -> Option<&'a Edit> {
        let moves = |edit: &&Edit| {
            let there = matches!(&edit.change, Change::Move { to: other } if other == to);
            there && (&edit.path == path || self.renamed.get(&edit.path) == Some(&path))
        };
        self.changes.edits.iter().find(moves)
    }

    fn last_edit(&self, path: &TreePath) -> Option<&'a Edit> {
        let mut edits = self.changes.edits.iter().rev();
        edits.find(|edit| edit.paths().any(|named| named == path))
    }

    /// What the edits make of the tree.
    pub(super) fn after(&self) -> After<'a> {
        let mut after = After::new();
        let files = || {
            self.files
                .iter()
                .filter(|(path, _)| !self.troubled.contains(*path))
        };
        for (path, file) in files() {
            let leaves = file.destination().is_some_and(|to| to != *path);
            if leaves || !file.exists() {
                after.insert(path, None);
            }
        }
        for (path, file) in files() {
            let to = file.destination().unwrap_or(path);
            let entry = file.entry();
            if entry.is_some() && self.tree.get(to) == entry.as_ref() {
                after.remove(to);
            } else if entry.is_some() {
                after.insert(to, entry);
            }
        }
        after
    }

    /// The new tree.
    pub(super) fn finish(self, mut after: After<'a>) -> Applied {
        let moved = self.files.iter().filter_map(|(path, file)| {
            let to = file.destination().filter(|to| to != path)?;
            Some(((*path).clone(), to.clone()))
        });
        let mut applied = Applied {
            tree: self.tree.clone(),
            written: Vec::new(),
            deleted: Vec::new(),
            unchanged: Vec::new(),
            moved: moved.collect(),
            notes: self.notes,
        };
        for path in self.changes.paths() {
            match (after.remove(path), self.tree.get(path)) {
                (None, _) | (Some(None), None) => applied.unchanged.push(path.clone()),
                (Some(None), Some(_)) => {
                    applied.tree.remove(path);
                    applied.deleted.push(path.clone());
                }
                (Some(Some(entry)), before) if before == Some(&entry) => {
                    applied.unchanged.push(path.clone());
                }
                (Some(Some(entry)), _) => {
                    applied.tree.put(path.clone(), entry);
                    applied.written.push(path.clone());
                }
            }
        }
        applied
    }
}

/// The files that a single edit names.
fn lone(changes: &ChangeSet) -> BTreeSet<&TreePath> {
    let mut edits: BTreeMap<&TreePath, usize> = BTreeMap::new();
    for edit in &changes.edits {
        *edits.entry(&edit.path).or_default() += 1;
    }
    let lone = edits.into_iter().filter(|(_, edits)| *edits == 1);
    lone.map(|(path, _)| path).collect()
}
