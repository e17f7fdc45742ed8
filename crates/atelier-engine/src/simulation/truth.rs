//! What really happens, beside what the store says: where both differ, an invariant is broken.

use std::collections::BTreeMap;

use atelier_model::{TaskId, TaskState};
use atelier_store::{Lease, TaskOutline, TrunkPoint};

/// The commit on which every plan begins.
pub(super) const BASE: &str = "c0";

/// A commit as git would have it.
#[derive(Debug, Default, Clone)]
struct Snapshot {
    parent: String,
    /// The commit that changed each file last.
    files: BTreeMap<u64, String>,
}

/// Commits, and who works on what.
#[derive(Debug, Default)]
pub(super) struct Truth {
    commits: BTreeMap<String, Snapshot>,
    /// Commits whose very files passed their checks.
    verified: BTreeMap<String, String>,
    holders: BTreeMap<TaskId, Lease>,
    pub(super) claims: u64,
    pub(super) conflicts: u64,
    pub(super) stale: u64,
}

impl Truth {
    /// Whether a file was changed between two commits of the trunk.
    pub(super) fn is_changed(&self, file: u64, from: &str, to: &str) -> bool {
        let at = |commit: &str| {
            self.commits
                .get(commit)
                .and_then(|one| one.files.get(&file))
        };
        at(from) != at(to)
    }

    /// Commits verified work onto the trunk on which it was verified.
    pub(super) fn commit(&mut self, task: &TaskId, trunk: &str, writes: &[u64]) -> String {
        let commit = format!("{task}-{}", self.commits.len());
        let mut files = self.commits.get(trunk).cloned().unwrap_or_default().files;
        files.extend(writes.iter().map(|file| (*file, commit.clone())));
        let parent = trunk.to_owned();
        self.commits
            .insert(commit.clone(), Snapshot { parent, files });
        self.verified.insert(commit.clone(), trunk.to_owned());
        commit
    }

    /// A task was claimed, with what the store says of all tasks right after.
    pub(super) fn claimed(&mut self, id: &TaskId, lease: &Lease, all: &[TaskOutline]) {
        self.claims += 1;
        if let Some(before) = self.holders.insert(id.clone(), lease.clone()) {
            assert!(
                lease.fence > before.fence,
                "{id}: {lease:?} after {before:?}"
            );
        }
        let state = |id: &TaskId| all.iter().find(|one| one.id == *id).map(|one| one.state);
        let Some(own) = all.iter().find(|one| one.id == *id) else {
            panic!("{id} is claimed and not there");
        };
        for need in &own.depends_on {
            assert_eq!(state(need), Some(TaskState::Done), "{id} before {need}");
        }
        for other in all
            .iter()
            .filter(|one| one.id != *id && one.state.is_under_way())
        {
            for path in written(own) {
                let taken = written(other).iter().any(|held| overlap(path, held));
                assert!(!taken, "{id} and {} both write {path}", other.id);
            }
        }
    }

    /// Whoever changes something of a task is who claimed it last.
    pub(super) fn changed(&self, id: &TaskId, lease: &Lease) {
        assert_eq!(
            self.holders.get(id),
            Some(lease),
            "{id} is changed by somebody else"
        );
    }

    /// The trunk is one line from the base, of commits that were verified on the one before, and
    /// each task that is done is in it once.
    pub(super) fn judge(&self, trunk: &[TrunkPoint], tasks: &[TaskOutline]) {
        let mut stands = BASE;
        for point in trunk {
            let parent = self
                .commits
                .get(&point.commit)
                .map(|one| one.parent.as_str());
            assert_eq!(parent, Some(stands), "{}: an update is lost", point.commit);
            let verified = self.verified.get(&point.commit).map(String::as_str);
            assert_eq!(verified, Some(stands), "{} is not verified", point.commit);
            stands = &point.commit;
        }
        for task in tasks {
            let times = trunk
                .iter()
                .filter(|point| point.task.as_ref() == Some(&task.id));
            let done = usize::from(task.state == TaskState::Done);
            assert_eq!(times.count(), done, "{} is {:?}", task.id, task.state);
        }
    }
}

fn written(task: &TaskOutline) -> &[String] {
    if task.owns.is_empty() {
        &task.outputs
    } else {
        &task.owns
    }
}

fn overlap(one: &str, other: &str) -> bool {
    let inside = |inner: &str, outer: &str| inner.starts_with(&format!("{outer}/"));
    one == other || inside(one, other) || inside(other, one)
}
