//! Files as git lays them out: attributes may give them other line ends than the commit has, or put
//! content in the place of a reference to it.

use std::{collections::BTreeMap, fs, path::Path};

use atelier_model::{FileEntry, Limits, TreePath};

use super::{SETTINGS, Worktree, at};
use crate::{
    git::{Git, GitError, LIMITS, accept, command},
    host::{HostOutput, run},
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
        accept(args[0], self.apart(&args, named.as_bytes())?)?;
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

    /// What git says of the index, with no files before it but those of the index.
    fn apart(&self, args: &[&str], input: &[u8]) -> Result<HostOutput, GitError> {
        let mut asked = command();
        for setting in SETTINGS {
            asked.args(["-c", setting]);
        }
        asked
            .arg("--git-dir")
            .arg(&self.record)
            .arg("--work-tree")
            .arg(&self.record)
            .args(args)
            .current_dir(&self.record);
        Ok(run(&mut asked, input, LIMITS)?)
    }
}

#[cfg(test)]
mod tests;
