//! What a change is about to do, kept on disk until it is done.

use std::{fs::File, io::Read, os::fd::OwnedFd};

use atelier_model::{Digest, FileEntry, FileTree, TreePath};
use rustix::{
    fs::{AtFlags, fsync, renameat, unlinkat},
    io::Errno,
};
use serde::{Deserialize, Serialize};

use super::{
    super::walk::file_open,
    ChangeFilesError,
    stage::{Stage, failed, staged_path},
    step,
};

/// The journal of a change that goes on.
const FORWARD: &str = "journal.json";
/// The journal of a change that is taken back.
const BACK: &str = "journal-back.json";
/// A journal that is being written.
const PART: &str = "journal.part";
const FORMAT: u32 = 1;
/// Bytes of a journal that are read.
const BYTES_MAX: u64 = 16 * 1024 * 1024;

/// Where a change is going.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Direction {
    Forward,
    Back,
}

/// A change of some files.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Journal {
    format: u32,
    /// Deletions first: a file may go to make room for a folder of its name.
    pub(super) entries: Vec<Entry>,
    /// Folders that were not there before, outer ones first.
    pub(super) folders_made: Vec<TreePath>,
}

/// What every journal says, whichever version wrote it.
#[derive(Deserialize)]
struct Version {
    format: u32,
}

/// One file of a change.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Entry {
    pub(super) path: TreePath,
    /// What was there.
    pub(super) before: Option<Seen>,
    /// What will be there.
    pub(super) after: Option<Seen>,
}

/// A file as far as it matters whether it is the same one.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Seen {
    digest: Digest,
    executable: bool,
}

impl Seen {
    pub(super) fn of(file: &FileEntry) -> Self {
        Self {
            digest: Digest::of(&file.bytes),
            executable: file.executable,
        }
    }
}

impl Entry {
    /// Whether this is what was there before the change.
    pub(super) fn is_before(&self, found: Option<&Seen>) -> bool {
        is(found, self.before.as_ref(), self.after.as_ref())
    }

    /// Whether this is what the change puts there.
    pub(super) fn is_after(&self, found: Option<&Seen>) -> bool {
        is(found, self.after.as_ref(), self.before.as_ref())
    }
}

/// Whether a file is the wanted one rather than the other. The right to execute tells only where
/// the content does not: not every file system keeps it.
fn is(found: Option<&Seen>, wanted: Option<&Seen>, other: Option<&Seen>) -> bool {
    match (found, wanted) {
        (None, None) => true,
        (Some(found), Some(wanted)) => {
            let told_by_content = other.is_none_or(|other| other.digest != wanted.digest);
            found.digest == wanted.digest
                && (told_by_content || found.executable == wanted.executable)
        }
        (None, Some(_)) | (Some(_), None) => false,
    }
}

impl Journal {
    /// What turns one tree into another.
    pub(super) fn plan(
        root: &OwnedFd,
        before: &FileTree,
        after: &FileTree,
    ) -> Result<Self, ChangeFilesError> {
        let mut entries: Vec<Entry> = before
            .changes_to(after)
            .into_iter()
            .map(|(path, file)| Entry {
                before: before.get(&path).map(Seen::of),
                after: file.as_ref().map(Seen::of),
                path,
            })
            .collect();
        entries.sort_by_key(|entry| entry.after.is_some());
        let mut folders_made = Vec::new();
        for entry in entries.iter().filter(|entry| entry.after.is_some()) {
            step::folders_missing(root, &entry.path, &mut folders_made)?;
        }
        Ok(Self {
            format: FORMAT,
            entries,
            folders_made,
        })
    }

    /// Puts the journal in place: from now on the change will be finished.
    pub(super) fn write(&self, stage: &Stage) -> Result<(), ChangeFilesError> {
        let unwritten = |error| failed(PART, error);
        let bytes = serde_json::to_vec(self).map_err(|source| ChangeFilesError::Journal {
            path: staged_path(PART),
            source,
        })?;
        stage.put(PART, &bytes)?;
        fsync(&stage.folder).map_err(unwritten)?;
        renameat(&stage.folder, PART, &stage.folder, FORWARD).map_err(unwritten)?;
        fsync(&stage.folder).map_err(unwritten)
    }

    /// The journal that an earlier process left, and where it was going.
    pub(super) fn read(stage: &Stage) -> Result<Option<(Self, Direction)>, ChangeFilesError> {
        for (name, direction) in [(BACK, Direction::Back), (FORWARD, Direction::Forward)] {
            let file = match file_open(&stage.folder, name) {
                Ok(file) => File::from(file),
                Err(Errno::NOENT) => continue,
                Err(error) => return Err(failed(name, error)),
            };
            let mut bytes = Vec::new();
            file.take(BYTES_MAX)
                .read_to_end(&mut bytes)
                .map_err(|error| failed(name, step::errno(&error)))?;
            let damaged = |source| ChangeFilesError::Journal {
                path: staged_path(name),
                source,
            };
            let version: Version = serde_json::from_slice(&bytes).map_err(damaged)?;
            if version.format != FORMAT {
                return Err(ChangeFilesError::OtherVersion {
                    path: staged_path(name),
                });
            }
            let journal = serde_json::from_slice(&bytes).map_err(damaged)?;
            return Ok(Some((journal, direction)));
        }
        Ok(None)
    }

    /// From now on the change will be taken back.
    pub(super) fn turn_back(stage: &Stage) -> Result<(), ChangeFilesError> {
        match renameat(&stage.folder, FORWARD, &stage.folder, BACK) {
            // It was turned back before.
            Err(Errno::NOENT) => Ok(()),
            turned => turned.map_err(|error| failed(BACK, error)),
        }
    }

    /// From now on there is nothing left to do but to remove the stage.
    pub(super) fn forget(stage: &Stage) -> Result<(), ChangeFilesError> {
        for name in [FORWARD, BACK] {
            match unlinkat(&stage.folder, name, AtFlags::empty()) {
                Ok(()) | Err(Errno::NOENT) => {}
                Err(error) => return Err(failed(name, error)),
            }
        }
        fsync(&stage.folder).map_err(|error| failed(FORWARD, error))
    }
}
