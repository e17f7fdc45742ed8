//! Git, through its command line: commits, branches, and trees without a checkout.

mod blame;
mod changes;
mod commits;
mod contents;
mod delivery;
mod folders;
mod history;
mod merge;
mod objects;
mod plumbing;
mod scratch;
mod sight;
mod worktree;

pub use blame::BlamedLine;
pub use delivery::Delivery;
pub use history::{ChangeSize, LogEntry};
pub use merge::{AttemptRef, MergeConflict, Merged};
pub use worktree::{Commit, Worktree};

use std::{
    io,
    path::{Path, PathBuf},
    process::Command,
    sync::{Arc, OnceLock},
    time::Duration,
};

use self::{plumbing::Plumbing, sight::Sight};
use crate::{
    host::{HostError, HostLimits, HostOutput, run},
    tree::ReadTreeError,
};

const LIMITS: HostLimits = HostLimits {
    wall: Duration::from_mins(2),
    output_bytes_max: 320 * 1024 * 1024,
};

/// Settings of every call. Nothing that lies in a tree or a repository may start a program or
/// move work to the background.
const SETTINGS: [&str; 10] = [
    "core.hooksPath=/dev/null",
    "core.fsmonitor=false",
    "core.quotePath=false",
    "gc.auto=0",
    "maintenance.auto=false",
    "submodule.recurse=false",
    "diff.ignoreSubmodules=all",
    "worktree.useRelativePaths=false",
    "i18n.commitEncoding=UTF-8",
    "log.showSignature=false",
];

/// Variables that would point git at another repository or at other settings.
const FOREIGN: [&str; 18] = [
    "GIT_DIR",
    "GIT_WORK_TREE",
    "GIT_INDEX_FILE",
    "GIT_COMMON_DIR",
    "GIT_OBJECT_DIRECTORY",
    "GIT_ALTERNATE_OBJECT_DIRECTORIES",
    "GIT_NAMESPACE",
    "GIT_PREFIX",
    "GIT_CONFIG",
    "GIT_CONFIG_COUNT",
    "GIT_CONFIG_PARAMETERS",
    "GIT_EXTERNAL_DIFF",
    "GIT_DIFF_OPTS",
    "GIT_TEMPLATE_DIR",
    "GIT_DEFAULT_HASH",
    "GIT_LITERAL_PATHSPECS",
    "GIT_TRACE",
    "LANGUAGE",
];

/// A repository with a checkout: the user's project.
#[derive(Debug, Clone)]
pub struct Git {
    root: PathBuf,
    repository: PathBuf,
    common_dir: PathBuf,
    /// What does not change while this process runs, asked for once.
    known: Arc<Known>,
    /// What runs for it from request to request.
    plumbing: Arc<Plumbing>,
}

impl PartialEq for Git {
    fn eq(&self, other: &Self) -> bool {
        self.root == other.root
            && self.repository == other.repository
            && self.common_dir == other.common_dir
    }
}

impl Eq for Git {}

/// Answers of git that are the same all the time.
#[derive(Debug, Default)]
struct Known {
    identity: OnceLock<(String, String)>,
    signature: OnceLock<String>,
    empty_tree: OnceLock<String>,
}

/// Where the user's checkout stands.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Head {
    /// The branch, also one without a commit yet; `None` for a detached head.
    pub branch: Option<String>,
    /// The commit; `None` where the branch has none yet.
    pub commit: Option<String>,
}

/// Why git could not do its work.
#[derive(Debug, thiserror::Error)]
pub enum GitError {
    /// There is no git.
    #[error("run git: it is not installed")]
    Missing,
    /// Git could not be run to its end.
    #[error("run git")]
    Host(#[source] HostError),
    /// A repository that keeps no checkout has no files to work on.
    #[error("work in {}: it is a repository without a checkout", .0.display())]
    NoCheckout(PathBuf),
    /// What was named is no commit.
    #[error("find the commit `{0}`")]
    NoCommit(String),
    /// A file that was named is none that git keeps.
    #[error("find the file `{path}` in the repository")]
    NoFile {
        /// Its path below the root.
        path: String,
    },
    /// A line that was named is beyond the end.
    #[error("find line {line} of `{path}`: it ends before")]
    NoLine {
        /// The file.
        path: String,
        /// The line.
        line: u32,
    },
    /// Git refused.
    #[error("run `git {operation}`: {message}")]
    Refused {
        /// The subcommand.
        operation: String,
        /// What git said.
        message: String,
    },
    /// Git answered in a way nobody expects of it.
    #[error("understand what `git {operation}` printed")]
    Unexpected {
        /// The subcommand.
        operation: String,
    },
    /// Somebody else moved the branch.
    #[error("move the branch `{branch}`: it is at {found}, not at {expected}", found = place(found.as_ref()), expected = place(expected.as_ref()))]
    Moved {
        /// The branch.
        branch: String,
        /// Where it should have been; `None` for nowhere.
        expected: Option<String>,
        /// Where it is; `None` for nowhere.
        found: Option<String>,
    },
    /// A name cannot name a worktree.
    #[error("use `{name}` as the name of a worktree")]
    WorktreeName {
        /// The name.
        name: String,
    },
    /// The files of a commit or worktree could not be read.
    #[error("read the files")]
    Read(#[from] ReadTreeError),
    /// A file of git's or Atelier's own could not be read or written.
    #[error("use `{}`", path.display())]
    Io {
        /// The file or folder.
        path: PathBuf,
        /// Why.
        #[source]
        source: std::io::Error,
    },
}

impl From<HostError> for GitError {
    fn from(error: HostError) -> Self {
        match error {
            HostError::Start { source, .. } if source.kind() == io::ErrorKind::NotFound => {
                Self::Missing
            }
            HostError::Start { .. }
            | HostError::Exchange { .. }
            | HostError::TimedOut { .. }
            | HostError::TooMuchOutput { .. }
            | HostError::Ended { .. } => Self::Host(error),
        }
    }
}

fn place(commit: Option<&String>) -> &str {
    commit.map_or("no commit", String::as_str)
}

/// Git's wish to have it in full, so that no setting or file of the same name can change it.
fn branch_ref(branch: &str) -> String {
    format!("refs/heads/{branch}")
}

impl Git {
    /// Finds the repository that `dir` lies in; `None` where there is none.
    pub fn discover(dir: &Path) -> Result<Option<Self>, GitError> {
        match sight::look(dir) {
            Sight::Nothing => return Ok(None),
            Sight::Plain(root) => {
                let repository = root.join(".git");
                return Ok(Some(Self {
                    root,
                    common_dir: repository.clone(),
                    repository,
                    known: Arc::default(),
                    plumbing: Arc::default(),
                }));
            }
            Sight::Doubtful => {}
        }
        let mut command = command();
        command.arg("-C").arg(dir).args([
            "rev-parse",
            "--show-toplevel",
            "--absolute-git-dir",
            "--path-format=absolute",
            "--git-common-dir",
        ]);
        let output = run(&mut command, &[], LIMITS)?;
        if output.stderr.contains("not a git repository") {
            return Ok(None);
        }
        if output.stderr.contains("must be run in a work tree") {
            return Err(GitError::NoCheckout(dir.to_owned()));
        }
        let text = accept("rev-parse", output)?;
        let lines: Vec<_> = text.lines().collect();
        let [root, repository, common_dir] = lines[..] else {
            return Err(unexpected("rev-parse"));
        };
        Ok(Some(Self {
            root: root.into(),
            repository: repository.into(),
            common_dir: common_dir.into(),
            known: Arc::default(),
            plumbing: Arc::default(),
        }))
    }

    /// Makes `dir`, which may not exist yet, a repository; on the branch `main` unless the user
    /// configured another name.
    pub fn init(dir: &Path) -> Result<Self, GitError> {
        std::fs::create_dir_all(dir).map_err(|source| GitError::Io {
            path: dir.to_owned(),
            source,
        })?;
        let mut asked = command();
        asked.args(["config", "--get", "init.defaultBranch"]);
        let configured = run(&mut asked, &[], LIMITS)?.status.success();
        let mut command = command();
        command.arg("init").arg("--quiet");
        if !configured {
            command.arg("--initial-branch=main");
        }
        accept("init", run(command.arg("--").arg(dir), &[], LIMITS)?)?;
        Self::discover(dir)?.ok_or_else(|| unexpected("init"))
    }

    /// The root of the user's checkout.
    pub fn root(&self) -> &Path {
        &self.root
    }

    /// The file that says what git keeps.
    pub fn index(&self) -> PathBuf {
        self.repository.join("index")
    }

    /// Where the user's checkout stands.
    pub fn head(&self) -> Result<Head, GitError> {
        let branch = self.try_text(&["symbolic-ref", "--quiet", "--short", "HEAD"])?;
        let commit = self.try_text(&["rev-parse", "--verify", "--quiet", "HEAD^{commit}"])?;
        Ok(Head { branch, commit })
    }

    /// Paths of the user's checkout that differ from its commit, or that git does not know and
    /// is not told to ignore. Atelier's own folder never counts.
    pub fn dirty(&self) -> Result<Vec<String>, GitError> {
        self.status("--untracked-files=all")
    }

    /// Paths of the user's checkout that differ from a commit, and those that git does not know and is
    /// not told to ignore.
    pub fn changed_since(&self, revision: &str) -> Result<Vec<String>, GitError> {
        let named = format!("{revision}^{{commit}}");
        let found = self.try_text(&[
            "rev-parse",
            "--verify",
            "--quiet",
            "--end-of-options",
            &named,
        ])?;
        let Some(commit) = found else {
            return Err(GitError::NoCommit(revision.to_owned()));
        };
        let text = self.text(&[
            "diff",
            "--name-only",
            "-z",
            "--no-renames",
            "--ignore-submodules=all",
            &commit,
            "--",
            ".",
            OWN_FOLDER,
        ])?;
        let mut paths = self.dirty()?;
        let differ = text.split('\0').filter(|path| !path.is_empty());
        paths.extend(differ.map(str::to_owned));
        paths.sort();
        paths.dedup();
        Ok(paths)
    }

    /// Paths of the user's checkout that git knows, or does not know and is not told to ignore, as far
    /// as they are text. Some may be gone.
    pub fn files(&self) -> Result<Vec<String>, GitError> {
        let text = self.text(&[
            "ls-files",
            "-z",
            "--cached",
            "--others",
            "--exclude-standard",
            "--deduplicate",
            "--",
            ".",
            OWN_FOLDER,
        ])?;
        let paths = text.split('\0').filter(|path| !path.is_empty());
        Ok(paths.map(str::to_owned).collect())
    }

    /// Paths of the user's checkout that git keeps, as far as they are text. Some may be gone.
    pub fn tracked(&self) -> Result<Vec<String>, GitError> {
        let text = self.text(&["ls-files", "-z", "--cached", "--deduplicate"])?;
        let paths = text.split('\0').filter(|path| !path.is_empty());
        Ok(paths.map(str::to_owned).collect())
    }

    /// Like [`Git::dirty`], without the files git does not know.
    fn dirty_tracked(&self) -> Result<Vec<String>, GitError> {
        self.status("--untracked-files=no")
    }

    fn status(&self, untracked: &str) -> Result<Vec<String>, GitError> {
        let text = self.text(&[
            "status",
            "--porcelain=v1",
            "-z",
            "--no-renames",
            "--ignore-submodules=all",
            untracked,
            "--",
            ".",
            OWN_FOLDER,
        ])?;
        let paths = text.split('\0').filter_map(|entry| entry.get(3..));
        Ok(paths.map(str::to_owned).collect())
    }

    /// Moves a branch from `expected_old` (`None`: it must not exist) to `new`, or not at all.
    pub fn branch_set(
        &self,
        branch: &str,
        new: &str,
        expected_old: Option<&str>,
    ) -> Result<(), GitError> {
        let name = branch_ref(branch);
        let nothing = "0".repeat(new.len());
        let old = expected_old.unwrap_or(&nothing);
        let moved = self.text(&["update-ref", "--no-deref", &name, new, old]);
        let Err(GitError::Refused { operation, message }) = moved else {
            return moved.map(drop);
        };
        let found = self.try_text(&["rev-parse", "--verify", "--quiet", &name])?;
        if found.as_deref() == expected_old {
            return Err(GitError::Refused { operation, message });
        }
        Err(GitError::Moved {
            branch: branch.to_owned(),
            expected: expected_old.map(str::to_owned),
            found,
        })
    }

    /// The commit a branch is at; `None` where it does not exist.
    pub fn branch_commit(&self, branch: &str) -> Result<Option<String>, GitError> {
        self.try_text(&["rev-parse", "--verify", "--quiet", &branch_ref(branch)])
    }

    /// What git prints on the user's checkout, as text.
    fn text(&self, args: &[&str]) -> Result<String, GitError> {
        let output = self.output(args, &[])?;
        accept(args.first().unwrap_or(&""), output)
    }

    /// Like [`Git::text`] for a question whose answer may be "no" (exit code 1): then `None`.
    fn try_text(&self, args: &[&str]) -> Result<Option<String>, GitError> {
        let output = self.output(args, &[])?;
        if output.status.code() == Some(1) {
            return Ok(None);
        }
        accept(args.first().unwrap_or(&""), output).map(|text| Some(text.trim_end().to_owned()))
    }

    fn output(&self, args: &[&str], input: &[u8]) -> Result<HostOutput, GitError> {
        let mut command = command();
        command
            .arg("--git-dir")
            .arg(&self.repository)
            .arg("--work-tree")
            .arg(&self.root)
            .args(args)
            .current_dir(&self.root);
        Ok(run(&mut command, input, LIMITS)?)
    }
}

/// Everything but Atelier's own folder.
const OWN_FOLDER: &str = ":(exclude,top).atelier";

/// Git with the settings of every call, not yet told where and what.
fn command() -> Command {
    let mut command = Command::new("git");
    for setting in SETTINGS {
        command.args(["-c", setting]);
    }
    for name in FOREIGN {
        command.env_remove(name);
    }
    command
        .env("LC_ALL", "C")
        .env("GIT_TERMINAL_PROMPT", "0")
        .env("GIT_OPTIONAL_LOCKS", "0")
        .env("GIT_NO_REPLACE_OBJECTS", "1");
    command
}

/// The output of a call that succeeded.
fn accept(operation: &str, output: HostOutput) -> Result<String, GitError> {
    accept_bytes(operation, output).map(|bytes| String::from_utf8_lossy(&bytes).into_owned())
}

fn accept_bytes(operation: &str, output: HostOutput) -> Result<Vec<u8>, GitError> {
    if output.status.success() {
        return Ok(output.stdout);
    }
    let message = match output.stderr.lines().next() {
        Some(_) => output.stderr,
        None => output.status.to_string(),
    };
    Err(GitError::Refused {
        operation: operation.to_owned(),
        message,
    })
}

fn unexpected(operation: &str) -> GitError {
    GitError::Unexpected {
        operation: operation.to_owned(),
    }
}

#[cfg(test)]
mod tests;
