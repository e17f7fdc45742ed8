//! Repositories that lie beside another one: they see its objects and change nothing of it.

use std::{fs, path::Path};

use super::{Git, GitError, LIMITS, accept, branch_ref, command, run, unexpected};

/// Hexadecimal digits of an id where git digests with SHA-256.
const LONG_ID_CHARS: usize = 64;

impl Git {
    /// Makes `dir` a repository whose ids are digested as `id` was, and that sees the objects of
    /// `other` without ever writing there.
    pub fn init_beside(dir: &Path, id: &str, other: Option<&Self>) -> Result<Self, GitError> {
        let format = if id.len() == LONG_ID_CHARS {
            "sha256"
        } else {
            "sha1"
        };
        let failed = |path: &Path, source| GitError::Io {
            path: path.to_owned(),
            source,
        };
        fs::create_dir_all(dir).map_err(|source| failed(dir, source))?;
        let mut asked = command();
        asked
            .args(["init", "--quiet", "--initial-branch=main", "--template="])
            .arg(format!("--object-format={format}"))
            .arg("--")
            .arg(dir);
        accept("init", run(&mut asked, &[], LIMITS)?)?;
        let git = Self::discover(dir)?.ok_or_else(|| unexpected("init"))?;
        if let Some(other) = other {
            let info = git.common_dir.join("objects").join("info");
            fs::create_dir_all(&info).map_err(|source| failed(&info, source))?;
            let objects = other.common_dir.join("objects");
            let line = format!("{}\n", objects.display());
            let alternates = info.join("alternates");
            fs::write(&alternates, line).map_err(|source| failed(&alternates, source))?;
        }
        Ok(git)
    }

    /// Whether ids of this repository are digested as `id` was.
    pub fn digests_like(&self, id: &str) -> Result<bool, GitError> {
        Ok(self.empty_tree()?.len() == id.len())
    }

    /// Whether the repository has a tree.
    pub fn has_tree(&self, tree: &str) -> Result<bool, GitError> {
        let output = self.output(&["cat-file", "-t", tree], &[])?;
        Ok(output.status.success() && output.stdout.starts_with(b"tree"))
    }

    /// Puts the branch of the checkout to a commit, with its files.
    pub fn begin_at(&self, commit: &str) -> Result<(), GitError> {
        self.text(&["reset", "--hard", "--quiet", commit]).map(drop)
    }

    /// Brings a branch of another repository here under a name of its own. With `replace` a branch
    /// of that name is replaced; otherwise there must be none.
    pub fn branch_fetch(
        &self,
        from: &Self,
        branch: &str,
        name: &str,
        replace: bool,
    ) -> Result<(), GitError> {
        let found = self.branch_commit(name)?;
        if let Some(found) = found.filter(|_| !replace) {
            return Err(GitError::Moved {
                branch: name.to_owned(),
                expected: None,
                found: Some(found),
            });
        }
        let path = from.repository.to_string_lossy();
        let forced = format!("+{}:{}", branch_ref(branch), branch_ref(name));
        self.text(&[
            "fetch",
            "--quiet",
            "--no-tags",
            "--no-write-fetch-head",
            "--no-recurse-submodules",
            &path,
            &forced,
        ])
        .map(drop)
    }
}

#[cfg(test)]
mod tests;
