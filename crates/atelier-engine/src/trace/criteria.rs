//! What tasks were judged by: the same in the plan, in what was fixed before their code was asked for,
//! and in what their commits were graded by.

use std::collections::BTreeMap;

use atelier_model::{
    Acceptance, Act, DevPlan, Digest, EventKind, Evidence, Run, Task, TaskId, TaskSource, TaskState,
};
use atelier_store::{Store, StoreError};

use super::{Link, TraceError, links::intact};
use crate::{
    hidden,
    replay::Traced,
    sealed::{digest_of, listed},
};

/// Criteria that a line names.
const NAMED_MAX: usize = 3;

/// Holds the criteria of every task that is done against its plan, its seal and its evidence.
pub(super) async fn criteria(
    store: &Store,
    run: &Run,
    commits: &[Traced],
) -> Result<Link, TraceError> {
    let mut link = Link::new("criteria");
    let plan = store.plan_fetch(&run.id).await?;
    let edited = edited(store, run).await?;
    for task in store.task_list(&run.id).await? {
        if task.state != TaskState::Done {
            continue;
        }
        let planned = plan.as_ref().and_then(|plan| planned(plan, run, &task));
        let planned = planned.filter(|_| !edited.contains(&task.id));
        let evidence = graded(store, run, &task, commits).await?;
        let judged = Judged {
            number: task.step.as_deref().unwrap_or(task.id.as_str()),
            task: &task,
            planned: planned.as_deref(),
            evidence: evidence.as_ref(),
        };
        judged.check(store, run, &mut link).await?;
    }
    Ok(link)
}

/// The tasks that a person edited: their criteria need not be those of the plan.
async fn edited(store: &Store, run: &Run) -> Result<Vec<TaskId>, StoreError> {
    let acts = store.act_list(&run.id).await?.into_iter();
    let edited = acts.filter_map(|one| match one.act {
        Act::TaskEdited { task, .. } => Some(task),
        Act::PlanGiven { .. }
        | Act::PlanRemarked { .. }
        | Act::PlanChanged { .. }
        | Act::Reopened { .. }
        | Act::TaskAdded { .. }
        | Act::TaskRemarked { .. }
        | Act::TasksAgain { .. }
        | Act::TaskLeft { .. } => None,
    });
    Ok(edited.collect())
}

/// The criteria that the plan has for a task.
fn planned(plan: &DevPlan, run: &Run, task: &Task) -> Option<Vec<Acceptance>> {
    let number = task.step.as_deref()?;
    let step = plan.steps().find(|step| step.number == number)?;
    Some(atelier_plan::step_task(&run.id, step, TaskSource::Plan).acceptance)
}

/// The evidence that the newest commit of a task names.
async fn graded(
    store: &Store,
    run: &Run,
    task: &Task,
    commits: &[Traced],
) -> Result<Option<Evidence>, StoreError> {
    let own = |commit: &&Traced| commit.task.as_deref() == Some(task.id.as_str());
    let Some(commit) = commits.iter().rev().find(own) else {
        return Ok(None);
    };
    let attempts = store.attempt_list(&run.id, &task.id).await?;
    let mut evidence = attempts.into_iter().rev().map(|one| one.evidence);
    Ok(evidence.find(|one| one.digest().to_string() == commit.evidence))
}

/// One task, and all that says what it was judged by.
struct Judged<'a> {
    number: &'a str,
    task: &'a Task,
    planned: Option<&'a [Acceptance]>,
    evidence: Option<&'a Evidence>,
}

impl Judged<'_> {
    async fn check(&self, store: &Store, run: &Run, link: &mut Link) -> Result<(), TraceError> {
        let number = self.number;
        let standing = &self.task.acceptance;
        if let Some(planned) = self.planned {
            link.check(planned == standing, || {
                let named = differing(number, planned, standing);
                format!("the plan has other criteria than its task: {named}")
            });
        }
        if let Some(evidence) = self.evidence {
            for one in standing {
                let name = format!("{number}/{}", one.id);
                let mut checks = evidence.checks.iter();
                let is_it = checks.any(|check| check.name == name && check.command == one.how());
                link.check(is_it, || {
                    format!("criterion {name} is not what the work was graded by")
                });
            }
        }
        let fixed = store.acceptance_fixed(&run.id, Some(&self.task.id)).await?;
        let Some(EventKind::AcceptanceFixed {
            acceptance, hidden, ..
        }) = fixed.map(|event| event.kind)
        else {
            return Ok(());
        };
        link.check(acceptance == digest_of(standing), || {
            let known = self.planned.unwrap_or_default();
            let named = differing(number, known, standing);
            format!("the criteria of {number} are not those that were fixed before: {named}")
        });
        match hidden {
            Some(list) => self.hidden(store, &list, link).await,
            None => Ok(()),
        }
    }

    /// Hidden tests are those that were fixed, and the work was graded by them.
    async fn hidden(
        &self,
        store: &Store,
        list: &Digest,
        link: &mut Link,
    ) -> Result<(), TraceError> {
        let number = self.number;
        let named = || format!("the list of the hidden tests of {number}");
        let Some(bytes) = intact(store, list, link, named).await? else {
            return Ok(());
        };
        for (path, text) in listed(&bytes) {
            let named = || format!("the hidden test `{path}` of {number}");
            intact(store, &text, link, named).await?;
        }
        if let Some(evidence) = self.evidence {
            let mut checks = evidence.checks.iter();
            let is_graded = checks.any(|one| one.name == hidden::NAME && one.outcome.passed());
            link.check(is_graded, || {
                format!("the work on {number} was not graded by its hidden tests")
            });
        }
        Ok(())
    }
}

/// The names of the criteria in which two lists differ.
fn differing(number: &str, one: &[Acceptance], other: &[Acceptance]) -> String {
    let by_id = |all: &[Acceptance]| -> BTreeMap<String, Acceptance> {
        let all = all.iter().cloned();
        all.map(|one| (one.id.clone(), one)).collect()
    };
    let (one, other) = (by_id(one), by_id(other));
    let ids = one.keys().chain(other.keys());
    let mut names: Vec<String> = ids
        .filter(|&id| one.get(id) != other.get(id))
        .map(|id| format!("{number}/{id}"))
        .collect();
    names.sort();
    names.dedup();
    if names.is_empty() {
        return "nothing tells which".to_owned();
    }
    let more = names.len().saturating_sub(NAMED_MAX);
    names.truncate(NAMED_MAX);
    let list = names.join(", ");
    match more {
        0 => list,
        more => format!("{list} and {more} more"),
    }
}
