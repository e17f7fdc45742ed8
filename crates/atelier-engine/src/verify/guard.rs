//! The files that decide about tests, as they must stand while checks run.

use std::collections::{BTreeMap, BTreeSet};

use atelier_exec::WriteTreeError;
use atelier_model::{EventKind, FileEntry, FileTree, TreePath};

use super::Verification;
use crate::BuildError;

impl Verification<'_> {
    /// Puts guarded files back, and tells it.
    pub(super) async fn guard(&self) -> Result<(), BuildError> {
        let files = self.put_back()?;
        if files.is_empty() {
            return Ok(());
        }
        self.tell(EventKind::TestsRestored { files }).await
    }

    /// Puts guarded files back where a build step or an earlier check changed them on disk, and
    /// takes away what came there to decide which tests run. Says what it was.
    pub(super) fn put_back(&self) -> Result<Vec<String>, WriteTreeError> {
        let strays = self.strays().into_iter().map(|path| (path, None));
        let changed: BTreeMap<TreePath, Option<FileEntry>> = self
            .changed()
            .into_iter()
            .map(|(path, file)| (path, Some(file)))
            .chain(strays)
            .collect();
        if changed.is_empty() {
            return Ok(Vec::new());
        }
        atelier_exec::tree_write(self.folder, &changed)?;
        let said = changed.iter().map(|(path, file)| match file {
            Some(_) => format!("{path}: changed by a build step"),
            None => format!("{path}: made by a build step, and it decides which tests run"),
        });
        Ok(said.collect())
    }

    /// Guarded files that do not stand on disk as they must, each as it must.
    fn changed(&self) -> BTreeMap<TreePath, FileEntry> {
        let limits = &self.ctx.limits;
        let on_disk =
            |path: &TreePath| atelier_exec::file_read(self.folder, path, limits.file_bytes_max);
        let guarded = self.guarded.iter();
        let files =
            guarded.filter_map(|path| Some(((*path).clone(), self.tree.get(path)?.clone())));
        let mut changed: BTreeMap<TreePath, FileEntry> = files
            .filter(|(path, file)| on_disk(path).as_ref() != Some(file))
            .collect();
        // A checkout may have other line ends than the commit, or the content that a reference
        // stands for; where git cannot say which, files stand as they are committed.
        let git = &self.ctx.git;
        let laid_out = git.files_laid_out(self.folder, &changed, limits);
        for (path, file) in laid_out.unwrap_or_default() {
            if on_disk(&path).as_ref() == Some(&file) {
                changed.remove(&path);
            } else {
                changed.insert(path, file);
            }
        }
        changed
    }

    /// Files on disk that decide which tests run although the tree does not have them.
    fn strays(&self) -> Vec<TreePath> {
        let folders = folders(self.tree);
        let beside = atelier_exec::files_beside(self.folder, folders.iter().map(Option::as_ref));
        let stray =
            |path: &TreePath| atelier_recipe::decides_tests(path) && !self.tree.contains(path);
        beside.into_iter().filter(stray).collect()
    }
}

/// Every folder of a tree, `None` for its root, and the hidden ones beside its files in which tools
/// look for settings.
pub(super) fn folders(tree: &FileTree) -> BTreeSet<Option<TreePath>> {
    let mut folders = BTreeSet::from([None]);
    for path in tree.paths() {
        let mut at = path.parent();
        while let Some(folder) = at {
            at = folder.parent();
            folders.insert(Some(folder));
        }
    }
    let hidden = [".cargo", ".config", ".mvn"].map(|name| TreePath::parse(name).ok());
    let beside = |folder: &Option<TreePath>| {
        let folder = folder.clone();
        hidden.clone().into_iter().flatten().map(move |name| {
            Some(
                folder
                    .as_ref()
                    .map_or_else(|| name.clone(), |at| name.below(at)),
            )
        })
    };
    let more: Vec<_> = folders.iter().flat_map(beside).collect();
    folders.extend(more);
    folders
}
