//! What was found of a chain.

use atelier_archive::Lock;
use atelier_exec::GitError;
use atelier_store::StoreError;

use crate::PackError;

/// Breaks that are told one by one.
const BROKEN_MAX: usize = 100;

/// Why a chain could not be looked at.
#[derive(Debug, thiserror::Error)]
pub enum TraceError {
    /// Nothing there was made by a run.
    #[error("find a commit of a run in {0}: none of its commits names one")]
    NoRun(String),
    /// The files of a run stand there, and its commits do not.
    #[error(
        "find the commits of run {run} in {revision}: its lock is there, and the history was rewritten"
    )]
    Rewritten {
        /// The revision.
        revision: String,
        /// The run that the lock names.
        run: String,
    },
    /// The last commit of the run has no lock.
    #[error("find the lock of run {run} in commit {commit}")]
    NoLock {
        /// The run.
        run: String,
        /// Its newest commit.
        commit: String,
    },
    /// The lock cannot be read.
    #[error("read the lock of the run")]
    Lock(#[source] Box<PackError>),
    /// The repository cannot be read.
    #[error("read the repository")]
    Git(#[from] GitError),
    /// The state cannot be read.
    #[error("read the project's state")]
    Store(#[from] StoreError),
}

/// A chain that was recomputed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Chain {
    /// The run.
    pub run: String,
    /// Its newest commit.
    pub commit: String,
    /// Its lock.
    pub lock: Lock,
    /// Its links, from the requirement to the commits.
    pub links: Vec<Link>,
}

/// One kind of link.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Link {
    /// What it joins.
    pub name: &'static str,
    /// How many were recomputed.
    pub checked: u64,
    /// Those that do not hold.
    pub broken: Vec<String>,
    /// Why they could not be recomputed.
    pub unchecked: Option<String>,
}

impl Link {
    /// A link of which nothing is known yet.
    pub fn new(name: &'static str) -> Self {
        Self {
            name,
            checked: 0,
            broken: Vec::new(),
            unchecked: None,
        }
    }

    /// A link that cannot be recomputed.
    pub fn unchecked(name: &'static str, why: &str) -> Self {
        Self {
            unchecked: Some(why.to_owned()),
            ..Self::new(name)
        }
    }

    /// Takes note of one.
    pub fn check(&mut self, holds: bool, broken: impl FnOnce() -> String) {
        self.checked += 1;
        if !holds && self.broken.len() < BROKEN_MAX {
            self.broken.push(broken());
        }
    }
}

impl Chain {
    /// Whether everything that could be recomputed holds.
    pub fn holds(&self) -> bool {
        self.links.iter().all(|link| link.broken.is_empty())
    }

    /// Whether everything was recomputed.
    pub fn is_complete(&self) -> bool {
        self.links.iter().all(|link| link.unchecked.is_none())
    }

    /// The first link that does not hold.
    pub fn first_broken(&self) -> Option<(&'static str, &str)> {
        self.links
            .iter()
            .find_map(|link| Some((link.name, link.broken.first()?.as_str())))
    }
}
