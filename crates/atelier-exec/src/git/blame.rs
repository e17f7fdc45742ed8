//! Who wrote each line of a file.

use std::collections::BTreeMap;

use super::{Git, GitError, unexpected};

/// One line of a file, and the commit that wrote it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct BlamedLine {
    /// The commit; `None` where the line is not committed.
    pub commit: Option<String>,
    /// The path that the file had in that commit.
    pub path: String,
    /// Its number, from 1.
    pub number: u32,
    /// What stands there.
    pub text: String,
}

impl Git {
    /// Who wrote the lines of a file of the user's checkout, or of a revision; from the first one to
    /// the last one named, or all of them. Renames of the file are followed.
    pub fn blame(
        &self,
        revision: Option<&str>,
        path: &str,
        lines: Option<(u32, u32)>,
    ) -> Result<Vec<BlamedLine>, GitError> {
        let range = lines.map(|(first, last)| format!("-L{first},{last}"));
        let commit = revision.map(|revision| self.commit_id(revision));
        let commit = commit.transpose()?;
        let mut args = vec!["blame", "--porcelain", "--no-progress"];
        args.extend(range.as_deref());
        args.extend(commit.as_deref());
        args.extend(["--", path]);
        let text = self
            .text(&args)
            .map_err(|error| named(error, path, lines))?;
        read(&text).ok_or_else(|| unexpected("blame"))
    }
}

/// What a person named and is not there, told apart from what git cannot do.
fn named(error: GitError, path: &str, lines: Option<(u32, u32)>) -> GitError {
    let path = path.to_owned();
    match (error, lines) {
        (GitError::Refused { message, .. }, _) if message.contains("no such path") => {
            GitError::NoFile { path }
        }
        (GitError::Refused { message, .. }, Some((line, _))) if message.contains("has only") => {
            GitError::NoLine { path, line }
        }
        (error, _) => error,
    }
}

/// Reads groups of `commit old-number number [count]`, headers, and the line behind a tab. The
/// headers of a commit stand before its first line alone.
fn read(text: &str) -> Option<Vec<BlamedLine>> {
    let mut paths: BTreeMap<&str, &str> = BTreeMap::new();
    let mut lines = Vec::new();
    let mut input = text.split('\n');
    while let Some(head) = input.next().filter(|head| !head.is_empty()) {
        let mut columns = head.split(' ');
        let (commit, _, number) = (columns.next()?, columns.next()?, columns.next()?);
        let said = loop {
            let line = input.next()?;
            if let Some(said) = line.strip_prefix('\t') {
                break said;
            }
            if let Some(path) = line.strip_prefix("filename ") {
                paths.insert(commit, path);
            }
        };
        let is_committed = commit.bytes().any(|byte| byte != b'0');
        lines.push(BlamedLine {
            commit: is_committed.then(|| commit.to_owned()),
            path: (*paths.get(commit)?).to_owned(),
            number: number.parse().ok()?,
            text: said.to_owned(),
        });
    }
    Some(lines)
}

#[cfg(test)]
mod tests;
