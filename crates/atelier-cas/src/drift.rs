//! Whether outputs still stand as they were made.

use std::{
    collections::BTreeSet,
    os::{fd::OwnedFd, unix::ffi::OsStrExt as _},
};

use atelier_model::Digest;
use rustix::io::Errno;

use crate::{
    collect::{CollectError, Collector, Keeping, io, join},
    outputs::{Node, Output, Outputs, Tree},
    root,
    workspace::{Found, LookError, Workspace},
};

/// An output that is not what was made.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Drift {
    /// The path below the root.
    pub path: String,
    /// What is wrong with it.
    pub kind: DriftKind,
}

/// What is wrong with an output.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum DriftKind {
    /// It is not there.
    Missing,
    /// Something else is there.
    Changed,
    /// It is in a folder that was made, and was not made with it.
    Added,
}

impl Workspace {
    /// Where outputs of steps differ from what stands, for each of the steps; nothing for a step
    /// whose outputs all stand.
    ///
    /// Files are read only where they may have changed since they were read the last time.
    pub fn drift(&self, steps: &[&Outputs]) -> Result<Vec<Vec<Drift>>, LookError> {
        let mut paths = Vec::new();
        for (path, _) in steps.iter().flat_map(|outputs| outputs.iter()) {
            paths.push(path);
        }
        let mut found = self.look(&paths)?.into_iter();
        steps
            .iter()
            .map(|outputs| {
                let mut drift = Vec::new();
                for ((path, output), found) in outputs.iter().zip(&mut found) {
                    self.compare(path, output, &found, &mut drift)?;
                }
                Ok(drift)
            })
            .collect()
    }

    fn compare(
        &self,
        path: &str,
        output: &Output,
        found: &Found,
        drift: &mut Vec<Drift>,
    ) -> Result<(), LookError> {
        let mut differs = |kind| {
            drift.push(Drift {
                path: path.to_owned(),
                kind,
            });
        };
        match (output, found) {
            (_, Found::Absent) => differs(DriftKind::Missing),
            (Output::Folder { tree }, Found::Folder) => {
                drift.extend(self.folder_drift(path, tree)?);
            }
            (output, found) if stands(output, found) => {}
            _ => differs(DriftKind::Changed),
        }
        Ok(())
    }

    fn folder_drift(&self, path: &str, tree: &Digest) -> Result<Vec<Drift>, LookError> {
        let changed = |path: &str| {
            vec![Drift {
                path: path.to_owned(),
                kind: DriftKind::Changed,
            }]
        };
        let standing = match self.standing_tree(path) {
            Ok(standing) => standing,
            // What no step could have made.
            Err(
                CollectError::Special(at) | CollectError::NotText(at) | CollectError::Changing(at),
            ) => return Ok(changed(&at)),
            Err(error) => return Err(as_look_error(path, error)),
        };
        if Digest::of(standing.to_bytes()) == *tree {
            return Ok(Vec::new());
        }
        // Where the difference lies is told only as long as the store knows what was there.
        let made = self.cas.read(tree).ok();
        let Some(made) = made.and_then(|bytes| Tree::from_bytes(&bytes)) else {
            return Ok(changed(path));
        };
        let mut drift = Vec::new();
        if let (Some(before), Some(now)) = (made.root(), standing.root()) {
            differences(path, (&made, before), (&standing, now), &mut drift);
        }
        Ok(drift)
    }

    fn standing_tree(&self, path: &str) -> Result<Tree, CollectError> {
        let mut collector = Collector::new(self, Keeping::Nothing);
        let folder: OwnedFd = self.root.folder(path).map_err(|error| io(path, error))?;
        let mut tree = Tree::default();
        collector.node(&folder, path, 0, &mut tree)?;
        collector.finish();
        Ok(tree)
    }
}

/// Whether what was found is just what was made; a folder is looked into elsewhere.
pub(crate) fn stands(output: &Output, found: &Found) -> bool {
    match (output, found) {
        (
            Output::File(file),
            Found::File {
                digest,
                size: _,
                executable,
            },
        ) => file.digest == *digest && file.executable == *executable,
        (Output::Link { target }, Found::Link { target: found }) => {
            Digest::of(root::os(target).as_bytes()) == *found
        }
        _ => false,
    }
}

fn differences(
    path: &str,
    (made, before): (&Tree, &Node),
    (standing, now): (&Tree, &Node),
    drift: &mut Vec<Drift>,
) {
    let names: BTreeSet<&String> = before.keys().chain(now.keys()).collect();
    for name in names {
        let at = join(path, name);
        let kind = match (before.get(name), now.get(name)) {
            (Some(before), Some(now)) if before == now => continue,
            (Some(Output::Folder { tree: before }), Some(Output::Folder { tree: now })) => {
                if let (Some(before), Some(now)) = (made.node(before), standing.node(now)) {
                    differences(&at, (made, before), (standing, now), drift);
                }
                continue;
            }
            (Some(_), None) => DriftKind::Missing,
            (None, _) => DriftKind::Added,
            (Some(_), Some(_)) => DriftKind::Changed,
        };
        drift.push(Drift { path: at, kind });
    }
}

fn as_look_error(path: &str, error: CollectError) -> LookError {
    match error {
        CollectError::Io { path, source } => LookError::Io { path, source },
        // Nothing of what remains is reported by a look that keeps nothing.
        CollectError::Absent(_)
        | CollectError::NotBelow(_)
        | CollectError::Outside(_)
        | CollectError::NotAFolder(_)
        | CollectError::Special(_)
        | CollectError::NotText(_)
        | CollectError::Changing(_)
        | CollectError::TooDeep(_)
        | CollectError::TooMany { .. }
        | CollectError::Pattern(_)
        | CollectError::Put { .. } => LookError::Io {
            path: path.to_owned(),
            source: Errno::OVERFLOW.into(),
        },
    }
}
