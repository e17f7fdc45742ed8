//! Whether a task repeats itself: more paid calls would bring nothing new.

use atelier_model::{Attempt, AttemptOutcome, CheckResult, Digest};

/// Attempts in a row at which the same check may print the same, the newest included.
const SAME_FAILURES_MAX: usize = 3;

/// What an attempt of a round came to.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Trial {
    /// Which attempt it was.
    pub(crate) ordinal: u32,
    /// The model's answer.
    pub(crate) reply: Option<Digest>,
    /// The files that its edits made; nothing where they could not be used.
    pub(crate) tree: Option<Digest>,
    /// Checks that failed, with what they printed.
    pub(crate) failed: Vec<(String, Digest)>,
}

impl Trial {
    /// An attempt that failed by its own fault; one that was interrupted says nothing.
    pub(crate) fn of(attempt: &Attempt, tree: Option<Digest>) -> Option<Self> {
        match attempt.outcome? {
            AttemptOutcome::EditsRefused | AttemptOutcome::ChecksFailed => {}
            AttemptOutcome::Passed | AttemptOutcome::Interrupted | AttemptOutcome::Conflict => {
                return None;
            }
        }
        let failed = |check: &&CheckResult| !check.outcome.passed();
        let checks = attempt.evidence.checks.iter().filter(failed);
        Some(Self {
            ordinal: attempt.ordinal,
            reply: attempt.reply,
            tree,
            failed: checks
                .map(|check| (check.name.clone(), check.output))
                .collect(),
        })
    }
}

/// What the newest of the trials repeats, in words that go on after "it repeats itself: ".
///
/// Trials that stand on different bases are no repetition of each other; the caller gives those of
/// one base.
pub(crate) fn repetition(trials: &[Trial]) -> Option<String> {
    let (newest, earlier) = trials.split_last()?;
    let now = newest.ordinal;
    let same_reply = |one: &&Trial| one.reply.is_some() && one.reply == newest.reply;
    if let Some(one) = earlier.iter().rev().find(same_reply) {
        let then = one.ordinal;
        return Some(format!(
            "attempt {now} gave the same answer as attempt {then}"
        ));
    }
    let same_tree = |one: &&Trial| one.tree.is_some() && one.tree == newest.tree;
    if let Some(one) = earlier.iter().rev().find(same_tree) {
        let then = one.ordinal;
        return Some(format!(
            "attempt {now} made the same files as attempt {then}"
        ));
    }
    let last = trials.len().checked_sub(SAME_FAILURES_MAX)?;
    let row = &trials[last..];
    let same = |failure: &&(String, Digest)| row.iter().all(|one| one.failed.contains(failure));
    let (check, _) = newest.failed.iter().find(same)?;
    Some(format!(
        "`{check}` failed with the same words in {SAME_FAILURES_MAX} attempts one after another"
    ))
}

#[cfg(test)]
mod tests;
