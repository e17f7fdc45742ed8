//! Tasks with what their tries and asks came to.

use std::{cmp::Reverse, collections::BTreeMap};

use atelier_model::{AttemptLine, AttemptOutcome, TaskId, TaskState};

use super::{criteria::Proofs, usage, word};
use crate::{AskFact, Facts, Retry, TaskLine, words::line};

/// Tasks among the slowest and the dearest.
const RANKED_MAX: usize = 10;

/// Whether a person decided to do without a task.
pub(super) fn is_left_out(state: TaskState) -> bool {
    match state {
        TaskState::Skipped | TaskState::Waived | TaskState::Cancelled => true,
        TaskState::Pending
        | TaskState::Ready
        | TaskState::Running
        | TaskState::Verifying
        | TaskState::Merging
        | TaskState::Done
        | TaskState::Blocked
        | TaskState::Failed => false,
    }
}

/// Every task in the order of the plan.
pub(super) fn lines(facts: &Facts, proofs: &Proofs<'_>) -> Vec<TaskLine> {
    let mut asks: BTreeMap<&TaskId, Vec<&AskFact>> = BTreeMap::new();
    for ask in &facts.asks {
        if let Some(task) = &ask.line.task {
            asks.entry(task).or_default().push(ask);
        }
    }
    let mut attempts: BTreeMap<&TaskId, Vec<&AttemptLine>> = BTreeMap::new();
    for attempt in &facts.attempts {
        attempts.entry(&attempt.task).or_default().push(attempt);
    }
    let line_of = |task: &atelier_model::Task| {
        let asks = asks.get(&task.id).map_or(&[][..], Vec::as_slice);
        let attempts = attempts.get(&task.id).map_or(&[][..], Vec::as_slice);
        let evidence = proofs.attempt(&task.id).map(|one| &one.evidence);
        let reason = facts.reasons.get(&task.id);
        TaskLine {
            id: task.id.to_string(),
            title: line(&task.title),
            state: word(task.state),
            reason: reason
                .filter(|_| needs_word(task.state))
                .map_or_else(String::new, |reason| line(reason)),
            source: word(task.source),
            agent: task.agent.as_deref().map(line),
            requirements: task.requirements.iter().map(|id| line(id)).collect(),
            depends_on: task.depends_on.iter().map(ToString::to_string).collect(),
            attempts: task.attempts,
            commit: task.commit.clone(),
            evidence: proofs.digest(task).map(|digest| digest.to_string()),
            checks: evidence.map_or(0, |evidence| evidence.checks.len() as u64),
            tests: evidence.map_or(0, most_tests),
            asks: asks.len() as u64,
            tokens: usage::all_tokens(asks.iter().copied()),
            cost_micro_usd: usage::cost(asks.iter().copied()),
            took_ms: attempts.iter().fold(0, |sum, one| sum + took(facts, one)),
            started_at: attempts.first().map(|one| one.started_at.to_string()),
            ended_at: attempts
                .last()
                .and_then(|one| one.ended_at)
                .map(|at| at.to_string()),
        }
    };
    facts.tasks.iter().map(line_of).collect()
}

/// Criteria may run the tests of a build step again: the most of one check is what there are.
fn most_tests(evidence: &atelier_model::Evidence) -> u64 {
    let counts = evidence.checks.iter().filter_map(|one| one.tests.as_ref());
    counts
        .map(atelier_model::TestCounts::executed)
        .max()
        .unwrap_or(0)
}

/// Whether the reason of a state says more than the state.
fn needs_word(state: TaskState) -> bool {
    is_left_out(state) || matches!(state, TaskState::Blocked | TaskState::Failed)
}

pub(super) fn took(facts: &Facts, attempt: &AttemptLine) -> u64 {
    let end = attempt.ended_at.unwrap_or(facts.at);
    end.millis_since(attempt.started_at)
}

/// The tasks with the most of something, those with the most first; none without any.
pub(super) fn most(tasks: &[TaskLine], of: fn(&TaskLine) -> u64) -> Vec<String> {
    let mut ranked: Vec<&TaskLine> = tasks.iter().filter(|task| of(task) > 0).collect();
    ranked.sort_by_key(|task| Reverse(of(task)));
    let ids = ranked.iter().take(RANKED_MAX).map(|task| task.id.clone());
    ids.collect()
}

/// Tries that did not pass, in the order in which they ended.
pub(super) fn retries(facts: &Facts) -> Vec<Retry> {
    let mut ended: Vec<(&AttemptLine, AttemptOutcome)> = facts
        .attempts
        .iter()
        .filter_map(|one| Some((one, one.outcome?)))
        .filter(|(_, outcome)| *outcome != AttemptOutcome::Passed)
        .collect();
    ended.sort_by_key(|(one, _)| one.ended_at);
    let retry = |(one, outcome): &(&AttemptLine, AttemptOutcome)| Retry {
        task: one.task.to_string(),
        attempt: one.ordinal,
        outcome: word(outcome),
        reason: why(one, *outcome),
        took_ms: took(facts, one),
    };
    ended.iter().map(retry).collect()
}

/// What a try failed on, in a line.
fn why(attempt: &AttemptLine, outcome: AttemptOutcome) -> String {
    let mut checks = attempt.evidence.checks.iter();
    if let Some(failed) = checks.find(|check| !check.outcome.passed()) {
        return line(&format!("{}: {}", failed.name, failed.reason));
    }
    let items = attempt.feedback.lines().map(str::trim);
    let item = items.clone().find_map(|text| text.strip_prefix("- "));
    let first = items.clone().find(|text| !text.is_empty());
    match (outcome, item.or(first)) {
        (AttemptOutcome::Interrupted, _) => "the run ended before it did".to_owned(),
        (_, Some(text)) => line(text),
        (_, None) => "nothing more is on record".to_owned(),
    }
}
