//! The files of a commit, read from git's objects without a checkout.

use atelier_model::{FileEntry, FileTree, Limits, Obstacle, TreePath};

use super::{
    Git, GitError,
    changes::opened,
    commits::no_object,
    folders::{Entry, FOLDER, LINK, PROGRAM, REPOSITORY},
    plumbing::{Object, Tool},
    unexpected,
};
use crate::tree::{ReadTreeError, TREE_BYTES_MAX};

/// Entries of a commit that are listed, also those that are no files or too large.
const LISTED_MAX: usize = 1_000_000;
/// Files that are read into memory at once.
const FILES_AT_ONCE: usize = 200;

/// One file of a commit.
struct Listed {
    path: TreePath,
    executable: bool,
    object: String,
}

/// What a commit holds, by path; a folder that is still to be read, by its id.
#[derive(Default)]
struct Listing {
    files: Vec<Listed>,
    obstacles: Vec<(TreePath, Obstacle)>,
    folders: Vec<(TreePath, String)>,
}

impl Git {
    /// The files of a commit, without a checkout.
    ///
    /// Like a tree read from disk it has regular files only, none larger than `file_bytes_max`,
    /// and no path that could not be written again; the rest are its obstacles.
    pub fn tree_of(&self, commit: &str, limits: &Limits) -> Result<FileTree, GitError> {
        let Listing {
            files, obstacles, ..
        } = self.listed(commit, limits)?;
        let mut tree = FileTree::default();
        let files = self.sized(files, &mut tree, limits)?;
        for some in files.chunks(FILES_AT_ONCE) {
            let ids: Vec<&str> = some.iter().map(|file| file.object.as_str()).collect();
            for (file, object) in some.iter().zip(self.objects(&ids)?) {
                let object = object.ok_or_else(|| no_object(&file.object, "blob"))?;
                let entry = FileEntry {
                    bytes: object.content,
                    executable: file.executable,
                };
                tree.put(file.path.clone(), entry);
            }
        }
        for (path, obstacle) in obstacles {
            tree.block(path, obstacle);
        }
        Ok(tree)
    }

    /// Everything that a commit holds, level by level.
    fn listed(&self, commit: &str, limits: &Limits) -> Result<Listing, GitError> {
        let files_max = limits.tree_files_max;
        let root = self.objects(&[&format!("{commit}^{{tree}}")])?;
        let root = root.into_iter().flatten().next();
        let root = root.ok_or_else(|| no_object(commit, "commit"))?;
        let mut listing = Listing::default();
        listing.take_in(None, &root)?;
        let mut folders_left = files_max;
        while !listing.folders.is_empty() {
            let level = std::mem::take(&mut listing.folders);
            // A few objects can be a folder of folders without end.
            folders_left = folders_left
                .checked_sub(level.len())
                .ok_or(ReadTreeError::TooManyFiles { files_max })?;
            let ids: Vec<&str> = level.iter().map(|(_, id)| id.as_str()).collect();
            for ((path, id), folder) in level.iter().zip(self.objects(&ids)?) {
                let folder = folder.ok_or_else(|| no_object(id, "tree"))?;
                listing.take_in(Some(path), &folder)?;
            }
            if listing.files.len() + listing.obstacles.len() > LISTED_MAX {
                return Err(ReadTreeError::TooManyFiles { files_max }.into());
            }
        }
        Ok(listing)
    }

    /// The files that are not too large; the others are blocked in the tree.
    fn sized(
        &self,
        files: Vec<Listed>,
        tree: &mut FileTree,
        limits: &Limits,
    ) -> Result<Vec<Listed>, GitError> {
        let files_max = limits.tree_files_max;
        let ids: Vec<&str> = files.iter().map(|file| file.object.as_str()).collect();
        let facts = self.facts(&ids)?;
        let (mut kept, mut bytes_total) = (Vec::new(), 0);
        for (file, fact) in files.into_iter().zip(facts) {
            let fact = fact.filter(|fact| fact.kind == "blob");
            let bytes = fact.ok_or_else(|| no_object(&file.object, "blob"))?.bytes as u64;
            if bytes > limits.file_bytes_max as u64 {
                tree.block(file.path, Obstacle::TooLarge(bytes));
                continue;
            }
            if kept.len() == files_max {
                return Err(ReadTreeError::TooManyFiles { files_max }.into());
            }
            bytes_total += bytes;
            if bytes_total > TREE_BYTES_MAX {
                let bytes_max = TREE_BYTES_MAX;
                return Err(ReadTreeError::TooManyBytes { bytes_max }.into());
            }
            kept.push(file);
        }
        Ok(kept)
    }
}

impl Listing {
    /// Lists the entries of a folder.
    fn take_in(&mut self, folder: Option<&TreePath>, object: &Object) -> Result<(), GitError> {
        for (name, entry) in opened(object)?.0 {
            let Entry::Stored { mode, id } = entry else {
                return Err(unexpected(Tool::Contents.name()));
            };
            let name = String::from_utf8_lossy(&name);
            let text = match folder {
                Some(folder) => format!("{folder}/{name}"),
                None => name.into_owned(),
            };
            let parsed = TreePath::parse(&text).ok();
            // What no path of a tree is written like is passed over, with all that is below it.
            let Some(path) = parsed.filter(|path| path.as_str() == text) else {
                continue;
            };
            match mode {
                FOLDER => self.folders.push((path, id)),
                LINK => self.obstacles.push((path, Obstacle::Link)),
                REPOSITORY => self.obstacles.push((path, Obstacle::Repository)),
                _ => self.files.push(Listed {
                    path,
                    executable: mode == PROGRAM,
                    object: id,
                }),
            }
        }
        Ok(())
    }
}
