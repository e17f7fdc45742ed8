//! A recorded run while it is replayed: what the engine asks of it, and where the two part.

use std::{
    collections::BTreeMap,
    sync::{Mutex, PoisonError},
};

use atelier_archive::{ActRecorded, AttemptRecorded, FileRecorded, Pack, VerdictRecorded};
use atelier_model::{
    Act, AttemptOutcome, CheckOutcome, CheckResult, Component, DevPlan, Digest, EditForm, Evidence,
    FileEntry, RunId, Task, TaskId, TreePath,
};

use super::Moment;

/// A run that is replayed.
#[derive(Debug)]
pub struct Recorded {
    pack: Pack,
    runs_checks: bool,
    /// Commits that the replay has made.
    commits: Mutex<usize>,
    /// What people did that the replay has done.
    acted: Mutex<usize>,
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
    /// A change of the plan that was made then changes nothing now.
    #[error("the recorded change of the plan changes nothing here")]
    NoChange,
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
            acted: Mutex::new(0),
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

    /// The lock that comes with the next commit.
    pub(crate) fn lock_text(&self) -> String {
        let earlier = self.pack.recording.locks.get(&(self.commits() + 1));
        earlier.map_or_else(|| self.pack.lock.to_text(), Clone::clone)
    }

    /// What a person did next, where the replay has come to it.
    fn due(&self, acted: usize) -> Option<&ActRecorded> {
        let next = self.pack.recording.acts[acted.min(self.pack.recording.acts.len())..].iter();
        let at_work = |one: &&ActRecorded| match one.act {
            Act::PlanGiven { .. } | Act::PlanRemarked { .. } => false,
            Act::PlanChanged { .. }
            | Act::Reopened { .. }
            | Act::TaskAdded { .. }
            | Act::TaskEdited { .. }
            | Act::TaskRemarked { .. }
            | Act::TasksAgain { .. }
            | Act::TaskLeft { .. } => true,
        };
        next.into_iter()
            .find(at_work)
            .filter(|one| one.after <= self.commits())
    }

    /// Whether a person did something at this place that the replay has not done yet.
    pub(crate) fn is_act_due(&self) -> bool {
        let acted = *self.acted.lock().unwrap_or_else(PoisonError::into_inner);
        self.due(acted).is_some()
    }

    /// Takes what a person did at this place: it is to be done now.
    pub(crate) fn act_take(&self) -> Option<&ActRecorded> {
        let mut acted = self.acted.lock().unwrap_or_else(PoisonError::into_inner);
        let due = self.due(*acted)?;
        let place = self
            .pack
            .recording
            .acts
            .iter()
            .position(|one| std::ptr::eq(one, due));
        *acted = place.map_or(*acted, |place| place + 1);
        Some(due)
    }

    /// What was said against the plans that were drafted.
    pub(crate) fn remarks(&self) -> Vec<String> {
        let acts = self.pack.recording.acts.iter();
        let remark = |one: &ActRecorded| {
            let Act::PlanRemarked { remark } = &one.act else {
                return None;
            };
            Some(remark.clone())
        };
        acts.filter_map(remark).collect()
    }

    /// The plan that was given, with the tasks that were given with it.
    pub(crate) fn given(&self) -> Option<(&DevPlan, &[Task])> {
        let acts = &self.pack.recording.acts;
        acts.iter().find_map(|one| {
            let Act::PlanGiven { plan, tasks } = &one.act else {
                return None;
            };
            Some((&**plan, tasks.as_slice()))
        })
    }

    /// The tasks of a plan as they went into the run: with what a person had added and retried.
    pub(crate) fn tasks(&self, mut tasks: Vec<Task>) -> Vec<Task> {
        if let Some((_, given)) = self.given().filter(|(_, given)| !given.is_empty()) {
            return given.to_vec();
        }
        tasks.extend(self.pack.recording.tasks.iter().cloned());
        for task in &mut tasks {
            if let Some(first) = self.pack.recording.rounds.get(&task.id) {
                task.round_first = *first;
            }
        }
        tasks
    }

    /// The form in which a task was asked for its edits on a tree.
    pub(crate) fn form(
        &self,
        (task, first): (&TaskId, u32),
        base: Option<&str>,
    ) -> Option<EditForm> {
        let own = self.attempts(task);
        let mut own = own.filter(|one| one.ordinal >= first && one.base.as_deref() == base);
        own.find_map(|one| one.form)
    }

    /// Why an extract stood in for the summary of this key; `None` where a model's was used.
    pub(crate) fn extract(&self, key: &Digest) -> Option<&str> {
        self.pack.recording.extracts.get(key).map(String::as_str)
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
        if found.outcome == Some(AttemptOutcome::Conflict) {
            evidence.checks = at_moment(evidence.checks, moment);
        }
        Ok(evidence)
    }

    /// What was put back in an attempt.
    pub(crate) fn restored(&self, task: &TaskId, moment: Moment) -> Vec<String> {
        let (Moment::Alone { ordinal } | Moment::Joined { ordinal }) = moment;
        let mut own = self.attempts(task).filter(|one| one.ordinal == ordinal);
        own.next().map_or_else(Vec::new, |one| one.restored.clone())
    }

    /// Which of the tasks that may begin is the next one: whose work did not fit with what the trunk
    /// is now, else the one that the next commit brings. `attempts` counts those that each has
    /// behind it, and `trunk` is the tree of the trunk.
    pub(crate) fn next(
        &self,
        offered: &[(TaskId, u32)],
        trunk: Option<&str>,
    ) -> Option<(TaskId, Option<u32>)> {
        for (task, attempts) in offered {
            let round = self.round(task, *attempts);
            if round.is_conflict_with(trunk) {
                return Some((task.clone(), round.first));
            }
        }
        let next = self.pack.lock.commits.get(self.commits());
        let task = next.and_then(|commit| commit.task.as_ref())?;
        let (task, attempts) = offered.iter().find(|(one, _)| one == task)?;
        Some((task.clone(), self.round(task, *attempts).first))
    }

    /// The tree from which the next attempts at a task began, after so many.
    pub(crate) fn base(&self, task: &TaskId, attempts: u32) -> Option<&str> {
        let mut own = self.attempts(task).filter(|one| one.ordinal > attempts);
        own.find_map(|one| one.base.as_deref())
    }

    /// What follows so many attempts at a task: of a round that led nowhere, nothing is replayed.
    fn round(&self, task: &TaskId, attempts: u32) -> Round<'_> {
        let later = || self.attempts(task).filter(|one| one.ordinal > attempts);
        let passed = later().find(|one| one.outcome == Some(AttemptOutcome::Passed));
        let first = passed.and_then(|one| one.first);
        let mut own = later().filter(|one| one.ordinal >= first.unwrap_or(0));
        let ends = |one: &&AttemptRecorded| {
            matches!(
                one.outcome,
                Some(AttemptOutcome::Conflict | AttemptOutcome::Passed)
            )
        };
        Round {
            first,
            last: own.find(ends),
            anew: own.next(),
        }
    }

    /// Files that the build of an attempt wrote and that belong to the work.
    pub(crate) fn built(
        &self,
        task: &TaskId,
        ordinal: u32,
    ) -> Result<BTreeMap<TreePath, FileEntry>, Divergence> {
        let mut own = self.attempts(task).filter(|one| one.ordinal == ordinal);
        let of_attempt = own.next().map(|one| one.built.iter());
        let of_task = self.pack.recording.built.get(task).into_iter().flatten();
        self.files(of_attempt.into_iter().flatten().chain(of_task))
    }

    /// Files with their contents.
    pub(crate) fn files<'f>(
        &self,
        files: impl Iterator<Item = &'f FileRecorded>,
    ) -> Result<BTreeMap<TreePath, FileEntry>, Divergence> {
        let file = |file: &FileRecorded| {
            let missing = || Divergence::Content(file.path.clone());
            let bytes = self.pack.content(&file.content).ok_or_else(missing)?;
            let path = TreePath::parse(&file.path).map_err(|_| missing())?;
            let entry = FileEntry {
                bytes: bytes.to_vec(),
                executable: file.executable,
            };
            Ok((path, entry))
        };
        files.map(file).collect()
    }

    /// Whether the work of an attempt came into the trunk, with nothing that its build wrote.
    pub(crate) fn arrived(&self, task: &TaskId, ordinal: u32) -> bool {
        let mut own = self.attempts(task).filter(|one| one.ordinal == ordinal);
        let passed = own
            .next()
            .is_some_and(|one| one.outcome == Some(AttemptOutcome::Passed) && one.built.is_empty());
        passed && !self.pack.recording.built.contains_key(task)
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

/// What is replayed next of a task.
struct Round<'a> {
    /// Its first attempt, where that is known.
    first: Option<u32>,
    /// The attempt that ends it, or the part of it up to a conflict.
    last: Option<&'a AttemptRecorded>,
    /// The attempt behind that.
    anew: Option<&'a AttemptRecorded>,
}

impl Round<'_> {
    /// Whether it ends in a conflict with this trunk.
    fn is_conflict_with(&self, trunk: Option<&str>) -> bool {
        let Some(last) = self.last else { return false };
        let met = match &last.met {
            Some(met) => Some(met.as_str()),
            None => self.anew.and_then(|one| one.base.as_deref()),
        };
        last.outcome == Some(AttemptOutcome::Conflict) && met == trunk
    }
}

/// What was concluded at a moment of an attempt that ended in a conflict: its work passed alone, and
/// what failed together with that of others stands behind that.
fn at_moment(checks: Vec<CheckResult>, moment: Moment) -> Vec<CheckResult> {
    let (passed, failed): (Vec<_>, Vec<_>) =
        checks.into_iter().partition(|one| one.outcome.passed());
    match moment {
        Moment::Alone { .. } => passed,
        Moment::Joined { .. } => {
            let holds = |one: &CheckResult| failed.iter().all(|other| other.name != one.name);
            let mut together: Vec<_> = passed.into_iter().filter(holds).collect();
            together.extend(failed);
            together
        }
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
