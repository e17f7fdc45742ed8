//! Requirement, criterion, task, evidence, commit: what stands for what.

use std::collections::BTreeMap;

use atelier_model::{
    Acceptance, AttemptLine, AttemptOutcome, CheckOutcome, CheckResult, Digest, Task, TaskId,
    TaskState, TestCounts,
};

use super::{events::Told, tasks::is_left_out, word};
use crate::{Criterion, Facts, Need, Requirement, words::line};

/// The evidence that stands for each task.
pub(super) struct Proofs<'a>(BTreeMap<&'a TaskId, &'a AttemptLine>);

impl<'a> Proofs<'a> {
    /// The newest try that passed; where none did, the newest that was checked at all.
    pub(super) fn of(facts: &'a Facts) -> Self {
        let mut newest: BTreeMap<&TaskId, &AttemptLine> = BTreeMap::new();
        let checked = facts
            .attempts
            .iter()
            .filter(|one| !one.evidence.checks.is_empty());
        for attempt in checked {
            let known = newest.get(&attempt.task);
            if passed(attempt) || !known.is_some_and(|known| passed(known)) {
                newest.insert(&attempt.task, attempt);
            }
        }
        Self(newest)
    }

    pub(super) fn attempt(&self, task: &TaskId) -> Option<&'a AttemptLine> {
        self.0.get(task).copied()
    }

    /// The digest that the trailer of a task's commit names.
    pub(super) fn digest(&self, task: &Task) -> Option<Digest> {
        task.commit.as_ref()?;
        let attempt = self.attempt(&task.id).filter(|attempt| passed(attempt))?;
        Some(attempt.evidence.digest())
    }
}

fn passed(attempt: &AttemptLine) -> bool {
    attempt.outcome == Some(AttemptOutcome::Passed)
}

/// Every criterion of every task, and what became of it when it was last checked.
pub(super) fn criteria(facts: &Facts, proofs: &Proofs<'_>, told: &Told) -> Vec<Criterion> {
    let of_task = |task| criteria_of(task, proofs, told);
    facts.tasks.iter().flat_map(of_task).collect()
}

fn criteria_of(task: &Task, proofs: &Proofs<'_>, told: &Told) -> Vec<Criterion> {
    let number = task.step.as_deref().unwrap_or(task.id.as_str());
    let evidence = proofs.digest(task).map(|digest| digest.to_string());
    let attempt = proofs.attempt(&task.id);
    let criterion = |one: &Acceptance| {
        let name = format!("{number}/{}", one.id);
        let own = attempt.and_then(|attempt| {
            let mut checks = attempt.evidence.checks.iter();
            checks.find(|check| check.name == name)
        });
        let judged = told
            .judged
            .get(&name)
            .cloned()
            .or_else(|| own.map(|check| Judged::of(check, "task")))
            .unwrap_or_else(|| Judged::never(task));
        Criterion {
            task: task.id.to_string(),
            requirements: served(one, task),
            text: line(&one.text),
            how: line(&one.how()),
            outcome: judged.outcome,
            reason: line(&judged.reason),
            checked_in: judged.checked_in.to_owned(),
            tests: judged.tests,
            commit: task.commit.clone(),
            evidence: evidence.clone(),
            name,
        }
    };
    task.acceptance.iter().map(criterion).collect()
}

/// What a criterion proves: what it names, or else what its task serves.
fn served(one: &Acceptance, task: &Task) -> Vec<String> {
    let named = if one.requirements.is_empty() {
        &task.requirements
    } else {
        &one.requirements
    };
    named.iter().map(|id| line(id)).collect()
}

/// What was concluded of a criterion.
#[derive(Clone)]
pub(super) struct Judged {
    pub(super) outcome: String,
    pub(super) reason: String,
    pub(super) checked_in: &'static str,
    pub(super) tests: Option<u64>,
}

impl Judged {
    fn of(check: &CheckResult, checked_in: &'static str) -> Self {
        Self::concluded(
            check.outcome,
            (&check.reason, checked_in),
            check.tests.as_ref(),
        )
    }

    pub(super) fn concluded(
        outcome: CheckOutcome,
        (reason, checked_in): (&str, &'static str),
        tests: Option<&TestCounts>,
    ) -> Self {
        Self {
            outcome: word(outcome),
            reason: reason.to_owned(),
            checked_in,
            tests: tests.map(TestCounts::executed),
        }
    }

    fn never(task: &Task) -> Self {
        let (outcome, reason) = if is_left_out(task.state) {
            ("left_out", "")
        } else if task.state == TaskState::Failed {
            ("failed", "its task failed before this was checked")
        } else {
            ("open", "")
        };
        Self {
            outcome: outcome.to_owned(),
            reason: reason.to_owned(),
            checked_in: "",
            tests: None,
        }
    }
}

/// The statements of the requirement with what stands for them, those not met first.
pub(super) fn requirements(facts: &Facts, criteria: &[Criterion]) -> Vec<Requirement> {
    let Some(plan) = &facts.plan else {
        return Vec::new();
    };
    let mut places: BTreeMap<&str, Vec<usize>> = BTreeMap::new();
    for (place, criterion) in criteria.iter().enumerate() {
        for id in &criterion.requirements {
            places.entry(id).or_default().push(place);
        }
    }
    let mut tasks: BTreeMap<&str, Vec<String>> = BTreeMap::new();
    for task in &facts.tasks {
        for id in &task.requirements {
            tasks.entry(id).or_default().push(task.id.to_string());
        }
    }
    let items = plan.design.requirements.iter();
    let mut all: Vec<Requirement> = items
        .map(|item| {
            let id = line(&item.id);
            let criteria_of = places.get(id.as_str()).cloned().unwrap_or_default();
            Requirement {
                text: line(&item.text),
                state: need(criteria_of.iter().filter_map(|place| criteria.get(*place))),
                criteria: criteria_of,
                tasks: tasks.remove(item.id.as_str()).unwrap_or_default(),
                id,
            }
        })
        .collect();
    all.sort_by_key(|one| one.state);
    all
}

fn need<'a>(criteria: impl Iterator<Item = &'a Criterion>) -> Need {
    let (mut all, mut passed, mut unseen) = (0, 0, 0);
    for one in criteria {
        all += 1;
        match one.outcome.as_str() {
            "passed" => passed += 1,
            "open" | "left_out" => unseen += 1,
            _ => return Need::NotMet,
        }
    }
    match (all, passed, unseen) {
        (0, _, _) => Need::Unproven,
        (all, passed, _) if passed == all => Need::Met,
        (all, _, unseen) if unseen == all => Need::Open,
        _ => Need::Partly,
    }
}
