//! A recorded run while it is replayed: what the engine asks of it, and where the two part.

use std::{
    collections::BTreeMap,
    sync::{Mutex, PoisonError},
};

use atelier_archive::{AttemptRecorded, Pack, VerdictRecorded};
use atelier_model::{
    AttemptOutcome, CheckOutcome, CheckResult, Component, EditForm, Evidence, FileEntry, RunId,
    Task, TaskId, TreePath,
};

use super::Moment;

/// A run that is replayed.
#[derive(Debug)]
pub struct Recorded {
    pack: Pack,
    runs_checks: bool,
    /// Commits that the replay has made.
    commits: Mutex<usize>,
}

/// Where a replay and its record part, other than in an ask.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Divergence {
    /// A commit has other files.
    #[error("commit {number} ({of}) has tree {found}, and {expected} is recorded")]
    Tree {
        /// Its number, from 1.
        number: usize,
        /// What it brings.
        of: String,
        /// The recorded tree.
        expected: String,
        /// The tree of the replay.
        found: String,
    },
    /// A check concludes otherwise.
    #[error("{check} of attempt {ordinal} at task {task}: {was} is recorded, and now {is}{}", because(.reason))]
    Check {
        /// The task.
        task: TaskId,
        /// The attempt.
        ordinal: u32,
        /// The check.
        check: String,
        /// What it concluded.
        was: &'static str,
        /// What it concludes now.
        is: &'static str,
        /// Why.
        reason: String,
    },
    /// There was no such attempt.
    #[error("attempt {ordinal} at task {task} is not recorded")]
    Attempt {
        /// The task.
        task: TaskId,
        /// The attempt.
        ordinal: u32,
    },
    /// The task that is next in the record may not begin.
    #[error("no task that may begin brings the recorded commit {number}")]
    Order {
        /// The number of the commit, from 1.
        number: usize,
    },
    /// A file that a build wrote is not in the record.
    #[error("the content of `{0}` is not recorded")]
    Content(String),
}

fn because(reason: &str) -> String {
    if reason.is_empty() {
        String::new()
    } else {
        format!(" ({reason})")
    }
}

impl Recorded {
    /// A recorded run. Checks are carried out again and must conclude as they did, or with
    /// `runs_checks` unset what is recorded of them is taken.
    pub fn new(pack: Pack, runs_checks: bool) -> Self {
        Self {
            pack,
            runs_checks,
            commits: Mutex::new(0),
        }
    }

    /// All that is recorded.
    pub fn pack(&self) -> &Pack {
        &self.pack
    }

    /// How many commits the replay has made.
    pub fn commits(&self) -> usize {
        *self.commits.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub(crate) fn runs_checks(&self) -> bool {
        self.runs_checks
    }

    pub(crate) fn run(&self) -> &RunId {
        &self.pack.lock.run
    }

    /// The tasks of a plan as they went into the run: with what a person had added and retried.
    pub(crate) fn tasks(&self, mut tasks: Vec<Task>) -> Vec<Task> {
        tasks.extend(self.pack.recording.tasks.iter().cloned());
        for task in &mut tasks {
            if let Some(first) = self.pack.recording.rounds.get(&task.id) {
                task.round_first = *first;
            }
        }
        tasks
    }

    /// The form in which a task was asked for its edits on a tree.
    pub(crate) fn form(&self, task: &TaskId, base: Option<&str>) -> Option<EditForm> {
        let mut own = self
            .attempts(task)
            .filter(|one| one.base.as_deref() == base);
        own.find_map(|one| one.form)
    }

    /// What the checks of an attempt concluded.
    pub(crate) fn evidence(&self, task: &TaskId, moment: Moment) -> Result<Evidence, Divergence> {
        let (Moment::Alone { ordinal } | Moment::Joined { ordinal }) = moment;
        let found = self.attempts(task).find(|one| one.ordinal == ordinal);
        let found = found.ok_or_else(|| Divergence::Attempt {
            task: task.clone(),
            ordinal,
        })?;
        let mut evidence = found.evidence.clone();
        // What does not fit together had passed alone.
        let is_conflict = found.outcome == Some(AttemptOutcome::Conflict);
        if is_conflict && matches!(moment, Moment::Alone { .. }) {
            evidence.checks.retain(|check| check.outcome.passed());
        }
        Ok(evidence)
    }

    /// Which of the tasks that may begin is the next one: whose work did not fit with what the trunk
    /// is now, else the one that the next commit brings. `attempts` counts those that each has
    /// behind it, and `trunk` is the tree of the trunk.
    pub(crate) fn next(&self, offered: &[(TaskId, u32)], trunk: Option<&str>) -> Option<TaskId> {
        for (task, attempts) in offered {
            let (last, anew) = self.round(task, *attempts);
            let is_now = anew.is_some_and(|one| one.base.as_deref() == trunk);
            if is_now && last.is_some_and(|one| one.outcome == Some(AttemptOutcome::Conflict)) {
                return Some(task.clone());
            }
        }
        let next = self.pack.lock.commits.get(self.commits());
        let task = next.and_then(|commit| commit.task.as_ref());
        let offered = offered.iter().map(|(task, _)| task);
        task.filter(|task| offered.clone().any(|one| one == *task))
            .cloned()
    }

    /// The tree from which the next attempts at a task began, after so many.
    pub(crate) fn base(&self, task: &TaskId, attempts: u32) -> Option<&str> {
        let mut own = self.attempts(task).filter(|one| one.ordinal > attempts);
        own.find_map(|one| one.base.as_deref())
    }

    /// The end of the round that follows so many attempts, and the attempt behind it.
    fn round(
        &self,
        task: &TaskId,
        attempts: u32,
    ) -> (Option<&AttemptRecorded>, Option<&AttemptRecorded>) {
        let mut own = self.attempts(task).filter(|one| one.ordinal > attempts);
        let ends = |one: &&AttemptRecorded| {
            matches!(
                one.outcome,
                Some(AttemptOutcome::Conflict | AttemptOutcome::Passed)
            )
        };
        (own.find(ends), own.next())
    }

    /// Files that the build of a task wrote and that belong to the work.
    pub(crate) fn built(&self, task: &TaskId) -> Result<BTreeMap<TreePath, FileEntry>, Divergence> {
        let files = self.pack.recording.built.get(task).into_iter().flatten();
        files
            .map(|file| {
                let missing = || Divergence::Content(file.path.clone());
                let bytes = self.pack.content(&file.content).ok_or_else(missing)?;
                let path = TreePath::parse(&file.path).map_err(|_| missing())?;
                let entry = FileEntry {
                    bytes: bytes.to_vec(),
                    executable: file.executable,
                };
                Ok((path, entry))
            })
            .collect()
    }

    /// Components of runs that came before.
    pub(crate) fn components(&self) -> &[Component] {
        &self.pack.recording.components
    }

    /// What the final check came to.
    pub(crate) fn verdict(&self) -> VerdictRecorded {
        self.pack.recording.verdict
    }

    /// Compares the tree of the next commit with the recorded one.
    pub(crate) fn committed(&self, found: &str) -> Result<(), Divergence> {
        let mut commits = self.commits.lock().unwrap_or_else(PoisonError::into_inner);
        let next = self.pack.lock.commits.get(*commits);
        *commits += 1;
        let expected = next.map_or(&self.pack.recording.tree, |commit| &commit.tree);
        if found == expected {
            return Ok(());
        }
        let task = next.and_then(|commit| commit.task.as_ref());
        Err(Divergence::Tree {
            number: *commits,
            of: task.map_or_else(|| "documents".to_owned(), |task| format!("task {task}")),
            expected: expected.clone(),
            found: found.to_owned(),
        })
    }

    fn attempts(&self, task: &TaskId) -> impl Iterator<Item = &AttemptRecorded> {
        let all = self.pack.recording.attempts.iter();
        all.filter(move |one| one.task == *task)
    }
}

/// Whether checks that were carried out again conclude as they did.
pub(crate) fn confirm(
    (task, moment): (&TaskId, Moment),
    recorded: &Evidence,
    again: &Evidence,
) -> Result<(), Divergence> {
    let (Moment::Alone { ordinal } | Moment::Joined { ordinal }) = moment;
    for is in &again.checks {
        let was = recorded.checks.iter().find(|check| check.name == is.name);
        let asks = |one: &CheckResult| one.outcome == CheckOutcome::NeedsPerson;
        let Some(was) = was.filter(|was| !asks(was)) else {
            continue;
        };
        if is.outcome.passed() != was.outcome.passed() {
            return Err(Divergence::Check {
                task: task.clone(),
                ordinal,
                check: is.name.clone(),
                was: verb(was.outcome),
                is: verb(is.outcome),
                reason: is.reason.clone(),
            });
        }
    }
    Ok(())
}

fn verb(outcome: CheckOutcome) -> &'static str {
    match outcome {
        CheckOutcome::Passed => "it passes",
        CheckOutcome::Failed => "it fails",
        CheckOutcome::TimedOut => "it does not end in time",
        CheckOutcome::NotStarted => "it cannot be started",
        CheckOutcome::NoTests => "no test runs",
        CheckOutcome::NeedsPerson => "a person must look",
    }
}
