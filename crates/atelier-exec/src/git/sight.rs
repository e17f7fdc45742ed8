//! Whether a folder lies in a repository, as far as that can be seen without asking git: an answer is
//! given only where git could give no other.

use std::{
    fs::{self, Metadata},
    io,
    os::unix::fs::MetadataExt as _,
    path::{Path, PathBuf},
};

use rustix::process::geteuid;

/// Bytes of a repository's settings that are read.
const CONFIG_BYTES_MAX: u64 = 64 * 1024;
/// What in the settings of a repository may lead elsewhere, or change how it is to be read.
const LEADS_ELSEWHERE: [&str; 3] = ["worktree", "include", "extensions"];

/// What was seen.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Sight {
    /// There is no repository here.
    Nothing,
    /// This is the root of an ordinary repository, its own in every respect.
    Plain(PathBuf),
    /// Git knows.
    Doubtful,
}

/// Looks from a folder upwards.
pub(super) fn look(dir: &Path) -> Sight {
    let Ok(dir) = dir.canonicalize() else {
        return Sight::Doubtful;
    };
    for folder in dir.ancestors() {
        match fs::symlink_metadata(folder.join(".git")) {
            Ok(git) => return seen(&dir, folder, &git),
            Err(error) if is_absent(&error) => {}
            Err(_) => return Sight::Doubtful,
        }
        // The folder may be a repository itself, without a checkout.
        match fs::symlink_metadata(folder.join("HEAD")) {
            Err(error) if is_absent(&error) => {}
            Ok(_) | Err(_) => return Sight::Doubtful,
        }
    }
    Sight::Nothing
}

fn is_absent(error: &io::Error) -> bool {
    matches!(
        error.kind(),
        io::ErrorKind::NotFound | io::ErrorKind::NotADirectory
    )
}

fn seen(dir: &Path, root: &Path, git: &Metadata) -> Sight {
    let is_plain = || {
        let (dir, root) = (fs::metadata(dir)?, fs::metadata(root)?);
        let own = geteuid().as_raw();
        // Git looks no further than one file system, and at nothing of another user's.
        let own = [&dir, &root, git]
            .iter()
            .all(|found| found.dev() == dir.dev() && found.uid() == own);
        io::Result::Ok(own)
    };
    if git.is_dir() && is_plain().unwrap_or(false) && is_whole(&root.join(".git")) {
        Sight::Plain(root.to_owned())
    } else {
        Sight::Doubtful
    }
}

/// Whether a folder is a repository that nothing leads away from.
fn is_whole(git: &Path) -> bool {
    let folders = ["objects", "refs"].map(|name| git.join(name).is_dir());
    let elsewhere = ["commondir", "config.worktree"].map(|name| git.join(name).exists());
    let head = text(&git.join("HEAD")).unwrap_or_default();
    folders == [true; 2]
        && elsewhere == [false; 2]
        && head.starts_with("ref: refs/heads/")
        && text(&git.join("config")).is_some_and(|config| is_plain(&config))
}

fn text(path: &Path) -> Option<String> {
    let found = fs::metadata(path).ok()?;
    (found.is_file() && found.len() <= CONFIG_BYTES_MAX)
        .then(|| fs::read_to_string(path).ok())
        .flatten()
}

/// Whether settings are those of an ordinary repository with a checkout beside it.
fn is_plain(config: &str) -> bool {
    let config = config.to_ascii_lowercase();
    let is_plain = |line: &str| {
        let (name, value) = line.split_once('=').unwrap_or((line, ""));
        match name.trim() {
            "bare" => value.trim() == "false",
            "repositoryformatversion" => value.trim() == "0",
            _ => !LEADS_ELSEWHERE.iter().any(|word| line.contains(word)),
        }
    };
    // A line that is continued, or several things in one, are for git to read.
    config.contains("repositoryformatversion")
        && !config.contains('\\')
        && config.lines().all(|line| {
            is_plain(line) && !(line.trim_start().starts_with('[') && line.contains('='))
        })
}

#[cfg(test)]
mod tests;
