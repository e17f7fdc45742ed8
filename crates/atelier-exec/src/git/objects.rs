//! The files of a commit, read from git's objects without a checkout.

use atelier_model::{FileEntry, FileTree, Limits, TreePath};

use super::{Git, GitError, accept_bytes, unexpected};
use crate::tree::{ReadTreeError, TREE_BYTES_MAX};

/// One file of a commit.
struct Listed {
    path: TreePath,
    executable: bool,
    object: String,
}

impl Git {
    /// The files of a commit, without a checkout.
    ///
    /// Like a tree read from disk it has regular files only, none larger than `file_bytes_max`,
    /// and no path that could not be written again.
    pub fn tree_of(&self, commit: &str, limits: &Limits) -> Result<FileTree, GitError> {
        let files = self.listed(commit, limits)?;
        let mut asked = String::new();
        for file in &files {
            asked.push_str(&file.object);
            asked.push('\n');
        }
        let output = self.output(&["cat-file", "--batch"], asked.as_bytes())?;
        let bytes = accept_bytes("cat-file", output)?;
        contents(&files, &bytes).ok_or_else(|| unexpected("cat-file"))
    }

    fn listed(&self, commit: &str, limits: &Limits) -> Result<Vec<Listed>, GitError> {
        let text = self.text(&[
            "ls-tree",
            "-r",
            "-z",
            "--long",
            "--full-tree",
            "--end-of-options",
            commit,
        ])?;
        let mut files = Vec::new();
        let mut bytes_total = 0;
        for entry in text.split('\0').filter(|entry| !entry.is_empty()) {
            let (file, size) = listed_file(entry).ok_or_else(|| unexpected("ls-tree"))?;
            let Some(file) = file.filter(|_| size <= limits.file_bytes_max as u64) else {
                continue;
            };
            if files.len() == limits.tree_files_max {
                let files_max = limits.tree_files_max;
                return Err(ReadTreeError::TooManyFiles { files_max }.into());
            }
            bytes_total += size;
            if bytes_total > TREE_BYTES_MAX {
                let bytes_max = TREE_BYTES_MAX;
                return Err(ReadTreeError::TooManyBytes { bytes_max }.into());
            }
            files.push(file);
        }
        Ok(files)
    }
}

/// Reads `mode type object size<TAB>path`; no file for a link, a submodule or a strange path.
fn listed_file(entry: &str) -> Option<(Option<Listed>, u64)> {
    let (facts, path) = entry.split_once('\t')?;
    let mut facts = facts.split_ascii_whitespace();
    let (mode, _, object, size) = (facts.next()?, facts.next()?, facts.next()?, facts.next()?);
    let regular = matches!(mode, "100644" | "100755");
    let portable = TreePath::parse(path)
        .ok()
        .filter(|parsed| parsed.as_str() == path);
    let file = portable.filter(|_| regular).map(|path| Listed {
        path,
        executable: mode == "100755",
        object: object.to_owned(),
    });
    Some((file, size.parse().unwrap_or(0)))
}

/// Reads `object type size<LF>content<LF>` for every file, in order.
fn contents(files: &[Listed], mut bytes: &[u8]) -> Option<FileTree> {
    let mut tree = FileTree::default();
    for file in files {
        let end = bytes.iter().position(|byte| *byte == b'\n')?;
        let header = std::str::from_utf8(&bytes[..end]).ok()?;
        let size: usize = header.rsplit(' ').next()?.parse().ok()?;
        let content = bytes.get(end + 1..end + 1 + size)?;
        bytes = bytes.get(end + size + 2..)?;
        let entry = FileEntry {
            bytes: content.to_vec(),
            executable: file.executable,
        };
        tree.put(file.path.clone(), entry);
    }
    bytes.is_empty().then_some(tree)
}
