//! The commits of a run, as git tells them.

use atelier_exec::{Git, GitError};
use atelier_model::{EventKind, RunId};
use atelier_store::{Store, StoreError};

/// Commits of one run that are looked at.
const COMMITS_MAX: usize = 50_000;

/// A commit of a run.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Traced {
    /// Its id.
    pub commit: String,
    /// The id of the commit before it.
    pub parent: Option<String>,
    /// The id of its tree.
    pub tree: String,
    /// The task that it brings.
    pub task: Option<String>,
    /// Digest of its evidence.
    pub evidence: String,
    /// Its whole message.
    pub message: String,
}

/// The commits of a run from the one it began from to `trunk`, oldest first.
pub(crate) fn history(
    git: &Git,
    run: &RunId,
    base: Option<&str>,
    trunk: &str,
) -> Result<Vec<Traced>, GitError> {
    let range = base.map_or_else(|| trunk.to_owned(), |base| format!("{base}..{trunk}"));
    let mut commits = git.log(&range, COMMITS_MAX)?;
    commits.reverse();
    let own = commits.into_iter().filter(|commit| {
        let named = trailer(&commit.message, "Atelier-Run");
        named.as_deref() == Some(run.as_str())
    });
    Ok(own
        .map(|commit| Traced {
            parent: commit.parents.into_iter().next(),
            task: trailer(&commit.message, "Atelier-Task"),
            evidence: trailer(&commit.message, "Atelier-Evidence").unwrap_or_default(),
            commit: commit.commit,
            tree: commit.tree,
            message: commit.message,
        })
        .collect())
}

/// The commit that a run began from, before it was ever opened again.
pub(crate) async fn begun_from(store: &Store, run: &RunId) -> Result<Option<String>, StoreError> {
    let events = store.event_list_kind(run, "run.created").await?;
    let created = events.into_iter().next();
    Ok(created.and_then(|event| {
        let EventKind::RunCreated { base, .. } = event.kind else {
            return None;
        };
        base
    }))
}

/// What a trailer of a commit's message says; the last one of its name counts, as it does for git.
pub fn trailer(message: &str, name: &str) -> Option<String> {
    let last = message.trim_end().rsplit("\n\n").next()?;
    let mut lines = last.lines().rev();
    let said = lines.find_map(|line| line.strip_prefix(name)?.strip_prefix(": "));
    said.map(|said| said.trim().to_owned())
}
