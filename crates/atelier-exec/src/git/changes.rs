//! Commits made from memory: what a step left on disk has no say in them.

use std::collections::BTreeMap;
use std::fmt::Write as _;

use atelier_model::{FileEntry, TreePath};

use super::{Commit, Git, GitError, LIMITS, accept, command, run};

impl Git {
    /// Commits these changes on top of `commit.parent` and returns the commit's id. Moves no
    /// branch; everything of the parent that is not named stays as it is.
    pub fn commit_changes(
        &self,
        changes: &BTreeMap<TreePath, Option<FileEntry>>,
        commit: &Commit<'_>,
    ) -> Result<String, GitError> {
        let folder = tempfile::tempdir_in(&self.common_dir).map_err(|source| GitError::Io {
            path: self.common_dir.clone(),
            source,
        })?;
        let index = Index { git: self, path: folder.path().join("index") };
        if let Some(parent) = commit.parent {
            index.text(&["read-tree", "--end-of-options", parent], &[])?;
        }
        let mut entries = String::new();
        for (path, file) in changes {
            let (mode, object) = match file {
                Some(file) => (mode(file), self.object_write(&file.bytes)?),
                None => ("0", "0".repeat(40)),
            };
            let _ = write!(entries, "{mode} {object}\t{path}\0");
        }
        index.text(&["update-index", "-z", "--index-info"], entries.as_bytes())?;
        let tree = index.text(&["write-tree"], &[])?;
        self.commit_tree(tree.trim_end(), commit)
    }

    fn object_write(&self, bytes: &[u8]) -> Result<String, GitError> {
        let args = ["hash-object", "-w", "--stdin", "--no-filters"];
        let text = accept(args[0], self.output(&args, bytes)?)?;
        Ok(text.trim_end().to_owned())
    }
}

fn mode(file: &FileEntry) -> &'static str {
    if file.executable { "100755" } else { "100644" }
}

/// An index of its own, apart from the user's and from every worktree's.
struct Index<'a> {
    git: &'a Git,
    path: std::path::PathBuf,
}

impl Index<'_> {
    fn text(&self, args: &[&str], input: &[u8]) -> Result<String, GitError> {
        let mut asked = command();
        asked
            .arg("--git-dir")
            .arg(&self.git.git_dir)
            .args(args)
            .env("GIT_INDEX_FILE", &self.path);
        accept(args.first().unwrap_or(&""), run(&mut asked, input, LIMITS)?)
    }
}
