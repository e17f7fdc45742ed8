//! Files as git lays them out: attributes may give them other line ends than the commit has, or put
//! content in the place of a reference to it.

use std::{collections::BTreeMap, fs, path::Path};

use atelier_model::{FileEntry, Limits, TreePath};

use super::{Worktree, at};
use crate::{
    git::{Git, GitError, accept},
    tree::files_read,
};

impl Git {
    /// Those of the files that the commit of the worktree in `folder` has with the same content, as
    /// git lays them out there.
    ///
    /// What stands in the folder has no say in it: the attributes are those of the commit.
    pub fn files_laid_out(
        &self,
        folder: &Path,
        files: &BTreeMap<TreePath, FileEntry>,
        limits: &Limits,
    ) -> Result<BTreeMap<TreePath, FileEntry>, GitError> {
        match self.worktree_at(folder)? {
            Some(worktree) if !files.is_empty() => worktree.files_laid_out(files, limits),
            _ => Ok(BTreeMap::new()),
        }
    }
}

impl Worktree {
    fn files_laid_out(
        &self,
        files: &BTreeMap<TreePath, FileEntry>,
        limits: &Limits,
    ) -> Result<BTreeMap<TreePath, FileEntry>, GitError> {
        let known = self.committed(files)?;
        if known.is_empty() {
            return Ok(BTreeMap::new());
        }
        let all = self.git.own_folder()?;
        let folder = tempfile::Builder::new().prefix(".form-").tempdir_in(&all);
        let folder = folder.map_err(|source| at(&all, source))?;
        let prefix = format!("--prefix={}/", folder.path().display());
        let args = ["checkout-index", "--quiet", "-z", "--stdin", &prefix];
        let named = known.iter().flat_map(|path| [path.as_str(), "\0"]);
        let named: String = named.collect();
        // With no files before it, git has the attributes of the index alone.
        let said = self.output_of(&self.record, &args, named.as_bytes())?;
        accept(args[0], said)?;
        let paths: Vec<TreePath> = known.into_iter().cloned().collect();
        let laid_out = files_read(folder.path(), &paths, limits)?;
        let form = |(path, file): (&TreePath, &FileEntry)| {
            let executable = files.get(path)?.executable;
            let bytes = file.bytes.clone();
            Some((path.clone(), FileEntry { bytes, executable }))
        };
        Ok(laid_out.iter().filter_map(form).collect())
    }

    /// The paths at which the worktree's commit has the same content.
    fn committed<'f>(
        &self,
        files: &'f BTreeMap<TreePath, FileEntry>,
    ) -> Result<Vec<&'f TreePath>, GitError> {
        let head = self.record.join("HEAD");
        let commit = fs::read_to_string(&head).map_err(|source| at(&head, source))?;
        let places: Vec<_> = files.keys().map(|path| (commit.trim(), path)).collect();
        let found = self.git.files_at(&places)?;
        let same = files
            .iter()
            .zip(found)
            .filter(|((_, file), found)| found.as_deref() == Some(&file.bytes[..]));
        Ok(same.map(|((path, _), _)| path).collect())
    }
}

#[cfg(test)]
mod tests;
