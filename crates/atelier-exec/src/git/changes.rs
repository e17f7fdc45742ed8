//! Commits made from memory: what a step left on disk has no say in them.

use std::collections::BTreeMap;

use atelier_model::{FileEntry, TreePath};

use super::{
    Commit, Git, GitError,
    commits::no_object,
    folders::{FILE, Folder, PROGRAM},
    plumbing::{Desk, Object, Tool},
    unexpected,
};

/// Where a commit stands: its parent's id, and the parent's files.
type Base = (Option<String>, Folder);

impl Git {
    /// Commits these changes on top of `commit.parent` and returns the commit's id. Moves no
    /// branch; everything of the parent that is not named stays as it is.
    pub fn commit_changes(
        &self,
        changes: &BTreeMap<TreePath, Option<FileEntry>>,
        commit: &Commit<'_>,
    ) -> Result<String, GitError> {
        let (parent, mut root) = self.base(commit.parent)?;
        let desk = Desk::new(self)?;
        let files = changes.values().flatten();
        let mut blobs = desk
            .write(Tool::Blobs, files.map(|file| file.bytes.as_slice()))?
            .into_iter();
        let read = |id: &str| self.folder(id);
        for (path, file) in changes {
            let Some(file) = file else {
                root.change(path.as_str(), None, &read)?;
                continue;
            };
            let blob = blobs.next().ok_or_else(|| unexpected(Tool::Blobs.name()))?;
            root.change(path.as_str(), Some((mode(file), &blob)), &read)?;
        }
        let tree = match root.write(&|entries| self.tree_put(entries))? {
            Some(tree) => tree,
            None => self.tree_put(&[])?,
        };
        let made = Commit {
            parent: parent.as_deref(),
            ..commit.clone()
        };
        self.commit_write(&desk, &tree, &made)
    }

    fn base(&self, parent: Option<&str>) -> Result<Base, GitError> {
        let Some(parent) = parent else {
            return Ok((None, Folder::default()));
        };
        let names = [format!("{parent}^{{commit}}"), format!("{parent}^{{tree}}")];
        let found = self.objects(&[&names[0], &names[1]])?;
        let mut found = found.into_iter().flatten();
        let (Some(commit), Some(tree)) = (found.next(), found.next()) else {
            return Err(no_object(parent, "commit"));
        };
        Ok((Some(commit.fact.id), opened(&tree)?))
    }

    fn folder(&self, id: &str) -> Result<Folder, GitError> {
        let found = self.objects(&[id])?.into_iter().flatten().next();
        opened(&found.ok_or_else(|| no_object(id, "tree"))?)
    }

    /// Lets the user's index say what the user's commit says; the files are not touched.
    pub fn index_follow(&self) -> Result<(), GitError> {
        self.text(&["read-tree", "HEAD"]).map(drop)
    }
}

/// The folder that an object is.
pub(super) fn opened(object: &Object) -> Result<Folder, GitError> {
    let is_folder = object.fact.kind == "tree";
    let folder = Folder::parse(&object.content, object.fact.id.len());
    folder
        .filter(|_| is_folder)
        .ok_or_else(|| unexpected(Tool::Contents.name()))
}

fn mode(file: &FileEntry) -> u32 {
    if file.executable { PROGRAM } else { FILE }
}

#[cfg(test)]
mod tests;
