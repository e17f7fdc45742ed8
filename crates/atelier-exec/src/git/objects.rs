//! The files of a commit, read from git's objects without a checkout.

use atelier_model::{FileEntry, FileTree, Limits, Obstacle, TreePath};

use super::{Git, GitError, accept_bytes, unexpected};
use crate::tree::{ReadTreeError, TREE_BYTES_MAX};

/// What stands where no file of the tree can.
type Obstacles = Vec<(TreePath, Obstacle)>;

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
    /// and no path that could not be written again; the rest are its obstacles.
    pub fn tree_of(&self, commit: &str, limits: &Limits) -> Result<FileTree, GitError> {
        let (files, obstacles) = self.listed(commit, limits)?;
        let mut asked = String::new();
        for file in &files {
            asked.push_str(&file.object);
            asked.push('\n');
        }
        let output = self.output(&["cat-file", "--batch"], asked.as_bytes())?;
        let bytes = accept_bytes("cat-file", output)?;
        let mut tree = contents(&files, &bytes).ok_or_else(|| unexpected("cat-file"))?;
        for (path, obstacle) in obstacles {
            tree.block(path, obstacle);
        }
        Ok(tree)
    }

    fn listed(&self, commit: &str, limits: &Limits) -> Result<(Vec<Listed>, Obstacles), GitError> {
        let text = self.text(&[
            "ls-tree",
            "-r",
            "-z",
            "--long",
            "--full-tree",
            "--end-of-options",
            commit,
        ])?;
        let (mut files, mut obstacles) = (Vec::new(), Vec::new());
        let mut bytes_total = 0;
        for entry in text.split('\0').filter(|entry| !entry.is_empty()) {
            let listed = listed_file(entry).ok_or_else(|| unexpected("ls-tree"))?;
            let (file, size) = match listed {
                Entry::File(file, size) if size > limits.file_bytes_max as u64 => {
                    obstacles.push((file.path, Obstacle::TooLarge(size)));
                    continue;
                }
                Entry::File(file, size) => (file, size),
                Entry::Obstacle(path, obstacle) => {
                    obstacles.push((path, obstacle));
                    continue;
                }
                Entry::Strange => continue,
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
        Ok((files, obstacles))
    }
}

/// What a commit holds at a path.
enum Entry {
    /// A file of this many bytes.
    File(Listed, u64),
    Obstacle(TreePath, Obstacle),
    /// No path of a tree is written so.
    Strange,
}

/// Reads `mode type object size<TAB>path`.
fn listed_file(entry: &str) -> Option<Entry> {
    let (facts, path) = entry.split_once('\t')?;
    let mut facts = facts.split_ascii_whitespace();
    let (mode, _, object, size) = (facts.next()?, facts.next()?, facts.next()?, facts.next()?);
    let parsed = TreePath::parse(path).ok();
    let Some(path) = parsed.filter(|parsed| parsed.as_str() == path) else {
        return Some(Entry::Strange);
    };
    Some(match mode {
        "120000" => Entry::Obstacle(path, Obstacle::Link),
        "160000" => Entry::Obstacle(path, Obstacle::Repository),
        _ => {
            let file = Listed {
                path,
                executable: mode == "100755",
                object: object.to_owned(),
            };
            Entry::File(file, size.parse().unwrap_or(0))
        }
    })
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
