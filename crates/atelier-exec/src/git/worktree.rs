//! Worktrees under Atelier's folder: where code is written, built and committed.

mod form;

use std::{
    collections::BTreeMap,
    ffi::OsStr,
    fs, io,
    path::{Path, PathBuf},
};

use atelier_model::{FileEntry, FileTree, Limits, Timestamp, TreePath};

use super::{Git, GitError, LIMITS, OWN_FOLDER, accept, command, run, unexpected};
use crate::{
    host::HostOutput,
    tree::{WriteTreeError, files_read, folder_remove, tree_write},
};

/// Settings of every call about a worktree: what is checked out and what is committed is the
/// project's business, not this machine's.
const SETTINGS: [&str; 4] = [
    "core.autocrlf=false",
    "core.safecrlf=false",
    "core.sparseCheckout=false",
    "core.excludesFile=/dev/null",
];
/// Bytes of a worktree's name.
const NAME_BYTES_MAX: usize = 100;

/// A folder with a commit's files, apart from the user's checkout.
///
/// Its `.git` file can be written by what runs in it, so git is never asked through it: every
/// call names the repository's own record of the worktree.
#[derive(Debug, Clone)]
pub struct Worktree {
    git: Git,
    path: PathBuf,
    /// The repository's record of the worktree: its index and its head.
    record: PathBuf,
}

/// What a commit says, and where it stands.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Commit<'a> {
    /// The whole message, trailers included.
    pub message: String,
    /// The commit before it; `None` for the first of a history.
    pub parent: Option<&'a str>,
    /// Its date.
    pub at: Timestamp,
}

impl Git {
    /// Opens the worktree of that name at `commit`, or at an empty commit where the repository
    /// has none yet.
    ///
    /// One that is there already is put back to the commit; files that git ignores, such as
    /// downloaded packages and build results, stay.
    pub fn worktree_open(&self, name: &str, commit: Option<&str>) -> Result<Worktree, GitError> {
        let path = self.worktree_path(name)?;
        let commit = match commit {
            Some(commit) => commit.to_owned(),
            None => self.empty_commit()?,
        };
        if let Some(worktree) = self.worktree_at(&path)?
            && worktree.reset(&commit).is_ok()
        {
            return Ok(worktree);
        }
        self.worktree_create(&path, &commit)
    }

    /// A worktree with nothing in it but the commit's files; what was there is removed.
    pub fn checkout_fresh(&self, name: &str, commit: &str) -> Result<Worktree, GitError> {
        let path = self.worktree_path(name)?;
        self.worktree_create(&path, commit)
    }

    /// Removes a worktree and the repository's record of it.
    pub fn worktree_remove(&self, worktree: &Worktree) -> Result<(), GitError> {
        removed(&worktree.path)?;
        removed(&worktree.record)
    }

    /// The names of Atelier's worktrees, and of the folders in which commits are being put together,
    /// in order. Whoever wants to know which are in use asks for the names first: what is made
    /// later is none of them.
    pub fn worktree_names(&self) -> Result<Vec<String>, GitError> {
        let all = self.worktrees_folder();
        let entries = match fs::read_dir(&all) {
            Ok(entries) => entries,
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(Vec::new()),
            Err(source) => return Err(at(&all, source)),
        };
        let names = entries.flatten().map(|entry| entry.file_name());
        let mut names: Vec<String> = names
            .filter_map(|name| name.to_str().map(str::to_owned))
            .collect();
        names.sort();
        Ok(names)
    }

    /// Removes worktrees by their names: what runs that ended, or died, left behind.
    pub fn worktrees_remove(&self, names: &[String]) -> Result<(), GitError> {
        let all = self.worktrees_folder();
        let is_named = |path: &Path| names.iter().any(|name| *path == all.join(name));
        for (record, path) in self.records()? {
            if is_named(&path) {
                removed(&record)?;
            }
        }
        for name in names {
            removed(&all.join(name))?;
        }
        // Where others work it is not empty, and stays.
        let _ = fs::remove_dir(&all);
        Ok(())
    }

    /// Bytes of the files of worktrees; what cannot be read counts as nothing.
    pub fn worktrees_bytes(&self, names: &[String]) -> u64 {
        let all = self.worktrees_folder();
        let mut folders: Vec<PathBuf> = names.iter().map(|name| all.join(name)).collect();
        let mut bytes: u64 = 0;
        while let Some(folder) = folders.pop() {
            let entries = fs::read_dir(&folder).into_iter().flatten().flatten();
            for entry in entries {
                // A link is counted as what it is, never followed.
                let Ok(found) = entry.metadata() else {
                    continue;
                };
                if found.is_dir() {
                    folders.push(entry.path());
                } else {
                    bytes = bytes.saturating_add(found.len());
                }
            }
        }
        bytes
    }

    fn worktrees_folder(&self) -> PathBuf {
        self.root.join(".atelier").join("worktrees")
    }

    fn worktree_path(&self, name: &str) -> Result<PathBuf, GitError> {
        let plain = |c: char| c.is_ascii_alphanumeric() || matches!(c, '-' | '_' | '.');
        if name.is_empty()
            || name.len() > NAME_BYTES_MAX
            || name.starts_with(['.', '-'])
            || !name.chars().all(plain)
        {
            return Err(GitError::WorktreeName {
                name: name.to_owned(),
            });
        }
        Ok(self.worktrees_folder().join(name))
    }

    fn worktree_create(&self, path: &Path, commit: &str) -> Result<Worktree, GitError> {
        for (record, at) in self.records()? {
            if at == path {
                removed(&record)?;
            }
        }
        removed(path)?;
        self.own_folder()?;
        let shown = path.to_string_lossy();
        self.text(&[
            "worktree",
            "add",
            "--quiet",
            "--no-checkout",
            "--force",
            "--detach",
            &shown,
            commit,
        ])?;
        let worktree = self.worktree_at(path)?;
        let worktree = worktree.ok_or_else(|| unexpected("worktree"))?;
        worktree.text(&["reset", "--hard", "--quiet", commit])?;
        Ok(worktree)
    }

    /// The folder of worktrees, in Atelier's folder, which git shall not see.
    pub(super) fn own_folder(&self) -> Result<PathBuf, GitError> {
        let all = self.worktrees_folder();
        fs::create_dir_all(&all).map_err(|source| at(&all, source))?;
        let ignore = self.root.join(".atelier").join(".gitignore");
        match fs::File::create_new(&ignore) {
            Ok(mut file) => io::Write::write_all(&mut file, b"*\n"),
            Err(error) if error.kind() == io::ErrorKind::AlreadyExists => Ok(()),
            Err(error) => Err(error),
        }
        .map_err(|source| at(&ignore, source))?;
        Ok(all)
    }

    /// The worktree at a path, where both the folder and the repository's record are there.
    fn worktree_at(&self, path: &Path) -> Result<Option<Worktree>, GitError> {
        let is_folder = fs::symlink_metadata(path).is_ok_and(|found| found.is_dir());
        let mut records = self.records()?.into_iter();
        let record = records.find(|(_, at)| at == path);
        Ok(record.filter(|_| is_folder).map(|(record, path)| Worktree {
            git: self.clone(),
            path,
            record,
        }))
    }

    /// The repository's records of worktrees, each with the folder it is about.
    fn records(&self) -> Result<Vec<(PathBuf, PathBuf)>, GitError> {
        let folder = self.common_dir.join("worktrees");
        let entries = match fs::read_dir(&folder) {
            Ok(entries) => entries,
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(Vec::new()),
            Err(source) => return Err(at(&folder, source)),
        };
        let mut records = Vec::new();
        for entry in entries {
            let record = entry.map_err(|source| at(&folder, source))?.path();
            // A record without this file is a broken one that git itself prunes.
            let Ok(text) = fs::read_to_string(record.join("gitdir")) else {
                continue;
            };
            let file = PathBuf::from(text.trim_end());
            if file.file_name() == Some(OsStr::new(".git"))
                && let Some(path) = file.parent()
            {
                records.push((record, path.to_owned()));
            }
        }
        Ok(records)
    }

    /// A commit without files and without a parent, on no branch.
    fn empty_commit(&self) -> Result<String, GitError> {
        let tree = self.empty_tree()?;
        let commit = Commit {
            message: "Nothing yet\n".to_owned(),
            parent: None,
            at: Timestamp::from_millis(0),
        };
        self.commit_tree(&tree, &commit)
    }
}

impl Worktree {
    /// The folder.
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// Its files, without those git ignores.
    pub fn tree_read(&self, limits: &Limits) -> Result<FileTree, GitError> {
        let text = self.text(&[
            "ls-files",
            "-z",
            "--cached",
            "--others",
            "--exclude-standard",
            "--",
            ".",
            OWN_FOLDER,
        ])?;
        let mut paths: Vec<_> = text
            .split('\0')
            .filter_map(|path| {
                TreePath::parse(path)
                    .ok()
                    .filter(|tree| tree.as_str() == path)
            })
            .collect();
        paths.sort();
        paths.dedup();
        Ok(files_read(&self.path, &paths, limits)?)
    }

    /// Puts and deletes files of the worktree.
    pub fn tree_write(
        &self,
        changes: &BTreeMap<TreePath, Option<FileEntry>>,
    ) -> Result<(), WriteTreeError> {
        tree_write(&self.path, changes)
    }

    /// Commits every change that git does not ignore and returns the commit's id. Moves no branch.
    pub fn commit(&self, commit: &Commit<'_>) -> Result<String, GitError> {
        self.text(&["add", "--all", "--", ".", OWN_FOLDER])?;
        self.unstage_repositories()?;
        let tree = self.text(&["write-tree"])?;
        let id = self.git.commit_tree(tree.trim_end(), commit)?;
        // The worktree's own head keeps the commit from being collected as garbage.
        self.text(&["update-ref", "--no-deref", "HEAD", &id])?;
        Ok(id)
    }

    /// A repository that a step left in the tree would be committed as a link to a commit that
    /// nobody else has.
    fn unstage_repositories(&self) -> Result<(), GitError> {
        let staged = self.text(&["ls-files", "-z", "--stage"])?;
        let links: String = staged
            .split_inclusive('\0')
            .filter(|entry| entry.starts_with("160000 "))
            .filter_map(|entry| entry.split_once('\t').map(|(_, path)| path))
            .collect();
        if links.is_empty() {
            return Ok(());
        }
        let known = self.text(&["ls-tree", "-r", "-z", "HEAD"])?;
        let known: Vec<_> = known
            .split('\0')
            .filter_map(|entry| entry.split_once('\t').map(|(_, path)| path))
            .collect();
        let strange: String = links
            .split_inclusive('\0')
            .filter(|path| !known.contains(&path.trim_end_matches('\0')))
            .collect();
        let args = ["update-index", "--force-remove", "-z", "--stdin"];
        accept(args[0], self.output(&args, strange.as_bytes())?).map(drop)
    }

    /// Puts the files back to a commit; ignored files stay.
    fn reset(&self, commit: &str) -> Result<(), GitError> {
        // A lock file here was left by a process that died: a worktree has one owner.
        for lock in ["index.lock", "HEAD.lock"] {
            removed(&self.record.join(lock))?;
        }
        self.link_restore()?;
        self.text(&["reset", "--hard", "--quiet", commit])?;
        self.text(&["clean", "-ffd", "--quiet"]).map(drop)
    }

    /// Writes the `.git` file anew, whatever a step made of it. Programs in the worktree take
    /// it for the border of their repository.
    fn link_restore(&self) -> Result<(), GitError> {
        let link = self.path.join(".git");
        removed(&link)?;
        let text = format!("gitdir: {}\n", self.record.display());
        fs::write(&link, text).map_err(|source| at(&link, source))
    }

    fn text(&self, args: &[&str]) -> Result<String, GitError> {
        accept(args.first().unwrap_or(&""), self.output(args, &[])?)
    }

    fn output(&self, args: &[&str], input: &[u8]) -> Result<HostOutput, GitError> {
        self.output_of(&self.path, args, input)
    }

    /// What git says with its files in a folder.
    fn output_of(
        &self,
        folder: &Path,
        args: &[&str],
        input: &[u8],
    ) -> Result<HostOutput, GitError> {
        let mut asked = command();
        for setting in SETTINGS {
            asked.args(["-c", setting]);
        }
        asked
            .arg("--git-dir")
            .arg(&self.record)
            .arg("--work-tree")
            .arg(folder)
            .args(args)
            .current_dir(folder);
        Ok(run(&mut asked, input, LIMITS)?)
    }
}

/// Removes a file or folder that may not be there.
fn removed(path: &Path) -> Result<(), GitError> {
    folder_remove(path).map_err(|source| at(path, source))
}

pub(super) fn at(path: &Path, source: io::Error) -> GitError {
    GitError::Io {
        path: path.to_owned(),
        source,
    }
}
