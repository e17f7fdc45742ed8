//! Commits made from memory: what a step left on disk has no say in them.

use std::{
    collections::BTreeMap,
    fmt::Write as _,
    fs, io,
    path::{Path, PathBuf},
};

use atelier_model::{FileEntry, TreePath};

use super::{Commit, Git, GitError, LIMITS, accept, command, run, unexpected};

impl Git {
    /// Commits these changes on top of `commit.parent` and returns the commit's id. Moves no
    /// branch; everything of the parent that is not named stays as it is.
    pub fn commit_changes(
        &self,
        changes: &BTreeMap<TreePath, Option<FileEntry>>,
        commit: &Commit<'_>,
    ) -> Result<String, GitError> {
        let all = self.own_folder()?;
        let folder = tempfile::Builder::new()
            .prefix(".commit-")
            .tempdir_in(&all)
            .map_err(|source| failed(&all, source))?;
        let desk = Desk {
            git: self,
            folder: folder.path(),
        };
        if let Some(parent) = commit.parent {
            desk.text(&["read-tree", parent], &[])?;
        }
        let objects = desk.objects_write(changes.values().flatten())?;
        // Any object's id is as long as "no object" must be.
        let nothing = "0".repeat(self.empty_tree()?.len());
        let mut objects = objects.iter();
        let mut entries = String::new();
        for (path, file) in changes {
            let (mode, object) = match file {
                None => ("0", nothing.as_str()),
                Some(file) => {
                    let object = objects.next().ok_or_else(|| unexpected("hash-object"))?;
                    (mode(file), object.as_str())
                }
            };
            // Writing to a string cannot fail.
            let _ = write!(entries, "{mode} {object}\t{path}\0");
        }
        desk.text(&["update-index", "-z", "--index-info"], entries.as_bytes())?;
        let tree = desk.text(&["write-tree"], &[])?;
        self.commit_tree(tree.trim_end(), commit)
    }

    /// Lets the user's index say what the user's commit says; the files are not touched.
    pub fn index_follow(&self) -> Result<(), GitError> {
        self.text(&["read-tree", "HEAD"]).map(drop)
    }
}

fn mode(file: &FileEntry) -> &'static str {
    if file.executable { "100755" } else { "100644" }
}

/// A throwaway folder with an index of its own, apart from the user's and from every worktree's.
struct Desk<'a> {
    git: &'a Git,
    folder: &'a Path,
}

impl Desk<'_> {
    /// Stores contents and returns their ids, in order.
    fn objects_write<'f>(
        &self,
        files: impl Iterator<Item = &'f FileEntry>,
    ) -> Result<Vec<String>, GitError> {
        let mut names = String::new();
        for (number, file) in files.enumerate() {
            let name = number.to_string();
            let path = self.folder.join(&name);
            fs::write(&path, &file.bytes).map_err(|source| failed(&path, source))?;
            names.push_str(&name);
            names.push('\n');
        }
        let args = ["hash-object", "-w", "--no-filters", "--stdin-paths"];
        let ids = self.text(&args, names.as_bytes())?;
        Ok(ids.lines().map(str::to_owned).collect())
    }

    fn text(&self, args: &[&str], input: &[u8]) -> Result<String, GitError> {
        let mut asked = command();
        asked
            .arg("--git-dir")
            .arg(&self.git.repository)
            .args(args)
            .env("GIT_INDEX_FILE", self.folder.join("index"))
            .current_dir(self.folder);
        accept(args.first().unwrap_or(&""), run(&mut asked, input, LIMITS)?)
    }
}

fn failed(path: &Path, source: io::Error) -> GitError {
    GitError::Io {
        path: PathBuf::from(path),
        source,
    }
}
