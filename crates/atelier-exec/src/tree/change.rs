//! Changing some files of a folder together: all of them or none, also where the process is killed.
//!
//! New contents are first laid down whole in a staging folder at the root. A journal there, put in
//! place by one rename, is the point of no return: a process that dies before it has changed
//! nothing, and what one that dies after it leaves behind is finished by whoever takes the folder
//! next, or undone where it cannot be finished.

mod error;
mod journal;
mod stage;
mod step;

use std::{
    collections::BTreeMap,
    os::fd::OwnedFd,
    path::Path,
    thread,
    time::{Duration, Instant},
};

use atelier_model::{FileTree, TreePath};
use rustix::{
    fs::{FlockOperation, flock},
    io::Errno,
};

pub use self::error::ChangeFilesError;
use self::{
    journal::{Direction, Journal},
    stage::Stage,
};
use super::walk::root_open;

/// Longest wait for another process that changes the folder.
const LOCK_WAIT: Duration = Duration::from_secs(10);
/// Time between two looks at the lock.
const LOCK_LOOK: Duration = Duration::from_millis(20);

/// A folder that no other process changes in this way while it is held.
#[derive(Debug)]
pub struct HeldFolder {
    /// Its lock goes with it.
    root: OwnedFd,
}

/// What became of a change that an earlier process left half done.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Settled {
    /// All of it is there now.
    Finished(Vec<TreePath>),
    /// None of it is there any more.
    Undone(Vec<TreePath>),
}

impl HeldFolder {
    /// Takes a folder to change it, and settles what an earlier process left half done.
    pub fn take(root: &Path) -> Result<(Self, Option<Settled>), ChangeFilesError> {
        let held = Self::lock(root, FlockOperation::NonBlockingLockExclusive)?;
        let settled = held.settle()?;
        Ok((held, settled))
    }

    /// Takes a folder only to read it; a change that was left half done is an error.
    pub fn look(root: &Path) -> Result<Self, ChangeFilesError> {
        let held = Self::lock(root, FlockOperation::NonBlockingLockShared)?;
        match Stage::open(&held.root)? {
            Some(stage) if Journal::read(&stage)?.is_some() => Err(ChangeFilesError::HalfDone),
            Some(_) | None => Ok(held),
        }
    }

    fn lock(root: &Path, how: FlockOperation) -> Result<Self, ChangeFilesError> {
        let root = root_open(root).map_err(|error| ChangeFilesError::io("", error))?;
        let begun = Instant::now();
        loop {
            match flock(&root, how) {
                Ok(()) => return Ok(Self { root }),
                Err(Errno::INTR) => {}
                Err(Errno::WOULDBLOCK) if begun.elapsed() < LOCK_WAIT => thread::sleep(LOCK_LOOK),
                Err(Errno::WOULDBLOCK) => return Err(ChangeFilesError::Busy),
                Err(error) => return Err(ChangeFilesError::io("", error)),
            }
        }
    }

    /// Makes one tree of another on disk, or leaves every file as it is.
    ///
    /// Only files that differ between the two are touched, and each must still be as `before` says
    /// at the moment it is changed. `moved` names, for new files, the old ones whose permissions
    /// and owner they take over. Links are never followed and never replaced.
    pub fn change(
        &self,
        before: &FileTree,
        after: &FileTree,
        moved: &BTreeMap<TreePath, TreePath>,
    ) -> Result<(), ChangeFilesError> {
        let journal = Journal::plan(&self.root, before, after)?;
        if journal.entries.is_empty() {
            return Ok(());
        }
        step::check(&self.root, &journal)?;
        let stage = Stage::create(&self.root)?;
        let staged = stage
            .fill(&self.root, &journal, after, moved)
            .and_then(|()| journal.write(&stage));
        if let Err(error) = staged {
            // Nothing was changed yet; what is left of the stage is removed by the next process.
            let _ = stage.remove(&self.root);
            return Err(error);
        }
        self.forward(&stage, &journal)
    }

    /// Goes on to the end, or back to the beginning.
    fn forward(&self, stage: &Stage, journal: &Journal) -> Result<(), ChangeFilesError> {
        let done = journal
            .entries
            .iter()
            .enumerate()
            .try_for_each(|(index, entry)| step::forward(&self.root, stage, index, entry))
            .and_then(|()| step::sync(&self.root, journal));
        if let Err(error) = done {
            return match self.back(stage, journal) {
                Ok(()) => Err(error),
                Err(undoing) => Err(ChangeFilesError::NotUndone {
                    first: Box::new(error),
                    source: Box::new(undoing),
                }),
            };
        }
        // From here on everything is in place; what is left is to clean up.
        Journal::forget(stage)?;
        step::folders_tidy(&self.root, journal);
        stage.remove(&self.root)
    }

    fn back(&self, stage: &Stage, journal: &Journal) -> Result<(), ChangeFilesError> {
        Journal::turn_back(stage)?;
        let entries = || journal.entries.iter().enumerate().rev();
        // A folder may stand where a file was: it must go before the file can come back.
        for (index, entry) in entries().filter(|(_, entry)| entry.after.is_some()) {
            step::back(&self.root, stage, index, entry)?;
        }
        step::folders_unmake(&self.root, journal);
        for (index, entry) in entries().filter(|(_, entry)| entry.after.is_none()) {
            step::back(&self.root, stage, index, entry)?;
        }
        step::sync(&self.root, journal)?;
        Journal::forget(stage)?;
        stage.remove(&self.root)
    }

    fn settle(&self) -> Result<Option<Settled>, ChangeFilesError> {
        let Some(stage) = Stage::open(&self.root)? else {
            return Ok(None);
        };
        let Some((journal, direction)) = Journal::read(&stage)? else {
            stage.remove(&self.root)?;
            return Ok(None);
        };
        let paths = journal.entries.iter().map(|entry| entry.path.clone());
        let paths = paths.collect();
        match direction {
            Direction::Forward => match self.forward(&stage, &journal) {
                Ok(()) => Ok(Some(Settled::Finished(paths))),
                Err(error @ ChangeFilesError::NotUndone { .. }) => Err(error),
                Err(_) => Ok(Some(Settled::Undone(paths))),
            },
            Direction::Back => {
                self.back(&stage, &journal)?;
                Ok(Some(Settled::Undone(paths)))
            }
        }
    }
}

#[cfg(test)]
mod tests;
