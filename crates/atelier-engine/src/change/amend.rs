//! What a changed plan does to the tasks of its run; pure.

use std::{
    collections::{BTreeMap, BTreeSet},
    fmt::Write as _,
};

use atelier_model::{
    Acceptance, Check, ContextHints, DevPlan, Expect, RunId, Step, Task, TaskChange,
    TaskChangeKind, TaskId, TaskSource, TaskState,
};
use atelier_plan::Difference;

use super::{Asked, Ground};

/// Share of common words, in percent, from which a text is an edition of another.
const EDITION_PERCENT: usize = 60;

/// The tasks that a change touches, each as it is from then on, in the order of the plan; tasks that
/// take work back come last. Nothing where the tasks are not made yet.
pub(super) fn tasks(
    run: &RunId,
    ground: &Ground,
    asked: &Asked,
    difference: &Difference,
) -> Vec<(Task, TaskChange)> {
    if ground.tasks.is_empty() {
        return Vec::new();
    }
    let amend = Amend {
        run,
        ground,
        asked,
        difference,
        known: ground.tasks.iter().map(|task| (&task.id, task)).collect(),
    };
    let mut all: Vec<(Task, TaskChange)> = Vec::new();
    for step in asked.after.steps() {
        all.extend(amend.step(step));
    }
    all.extend(amend.others());
    all.extend(amend.settled_removals());
    let removed: Vec<_> = difference
        .removed
        .iter()
        .filter_map(|number| amend.removed(number))
        .collect();
    all.extend(removed);
    all
}

struct Amend<'a> {
    run: &'a RunId,
    ground: &'a Ground,
    asked: &'a Asked,
    difference: &'a Difference,
    known: BTreeMap<&'a TaskId, &'a Task>,
}

impl Amend<'_> {
    fn step(&self, step: &Step) -> Option<(Task, TaskChange)> {
        let task = atelier_plan::step_task(self.run, step, TaskSource::Plan);
        let number = &step.number;
        let found = self.difference;
        if !self.known.contains_key(&task.id) {
            let reason = self.reason(number).unwrap_or_default();
            return Some(with(task, TaskChangeKind::Added, reason));
        }
        if found.changed.contains(number) {
            let reason = self
                .reason(number)
                .unwrap_or_else(|| "it reads differently now".to_owned());
            return Some(with(
                self.widened(task, number),
                TaskChangeKind::Changed,
                reason,
            ));
        }
        let cause = found.again.get(number)?;
        let reason = self.because(cause);
        Some(with(
            self.widened(task, number),
            TaskChangeKind::Again,
            reason,
        ))
    }

    /// Tasks that no step of the plan has: a person added them.
    fn others(&self) -> Vec<(Task, TaskChange)> {
        let own = self.ground.tasks.iter().filter(|task| task.step.is_none());
        own.filter_map(|task| {
            let name = atelier_plan::task_step(task).number;
            let cause = self.difference.again.get(&name)?;
            let mut again = task.clone();
            again.depends_on = self.standing(&task.depends_on);
            Some(with(again, TaskChangeKind::Again, self.because(cause)))
        })
        .collect()
    }

    /// What was taken back before and is wanted again must not be asked to be gone.
    fn settled_removals(&self) -> Vec<(Task, TaskChange)> {
        let outputs = outputs(&self.asked.after);
        let all = self.ground.tasks.iter();
        all.filter(|task| taken_back(task).any(|path| outputs.contains(path)))
            .map(|task| {
                let mut narrower = task.clone();
                narrower
                    .acceptance
                    .retain(|one| !gone(&one.check).is_some_and(|path| outputs.contains(path)));
                narrower
                    .outputs
                    .retain(|path| !outputs.contains(path.as_str()));
                narrower.owns.clone_from(&narrower.outputs);
                let reason = "what it took away is wanted again".to_owned();
                with(narrower, TaskChangeKind::Dropped, reason)
            })
            .collect()
    }

    fn removed(&self, number: &str) -> Option<(Task, TaskChange)> {
        let id = TaskId::from_text(format!("t{number}"));
        let task = *self.known.get(&id)?;
        let reason = self
            .reason(number)
            .unwrap_or_else(|| "it is no longer wanted".to_owned());
        let kept = outputs(&self.asked.after);
        let alone: Vec<String> = task
            .outputs
            .iter()
            .filter(|path| !kept.contains(path.as_str()) && self.exists(path))
            .cloned()
            .collect();
        let shared: Vec<String> = task
            .outputs
            .iter()
            .filter(|path| kept.contains(path.as_str()) && self.exists(path))
            .cloned()
            .collect();
        if task.state != TaskState::Done || alone.is_empty() && shared.is_empty() {
            // What was to be proved is no longer asked for.
            let mut dropped = task.clone();
            dropped.acceptance.clear();
            return Some(with(dropped, TaskChangeKind::Dropped, reason));
        }
        let removal = self.removal(task, &alone, &shared, &reason);
        Some(with(removal, TaskChangeKind::TakenBack, reason))
    }

    fn exists(&self, path: &str) -> bool {
        self.ground.files.paths().any(|file| file.is_within(path))
    }

    /// The task that takes the work of a step back, after everything that is done anew because of it.
    fn removal(&self, task: &Task, alone: &[String], shared: &[String], reason: &str) -> Task {
        let mut description = format!(
            "The step \"{}\" is no longer wanted: {reason}. Take its work back, and nothing else.",
            task.title
        );
        if !alone.is_empty() {
            let _ = write!(description, "\n\nDelete these files: {}.", alone.join(", "));
        }
        if !shared.is_empty() {
            let _ = write!(
                description,
                "\n\nIn these files, remove what served only that step and keep what serves others: \
                 {}.",
                shared.join(", ")
            );
        }
        let _ = write!(
            description,
            "\n\nWhat the step asked for:\n\n{}",
            task.description
        );
        let absent = |(number, path): (usize, &String)| Acceptance {
            id: format!("A{number}"),
            text: format!("`{path}` is gone"),
            requirements: Vec::new(),
            check: Check::Command {
                argv: ["test", "!", "-e", path].map(str::to_owned).to_vec(),
                cwd: None,
            },
            expect: Expect::default(),
            timeout_seconds: None,
            must_fail_before: true,
        };
        let outputs: Vec<String> = alone.iter().chain(shared).cloned().collect();
        Task {
            step: None,
            title: format!("Take back: {}", task.title),
            description,
            why: reason.to_owned(),
            requirements: Vec::new(),
            depends_on: self.before_removal(&task.id),
            inputs: Vec::new(),
            owns: outputs.clone(),
            outputs,
            protected: Vec::new(),
            acceptance: (1..).zip(alone).map(absent).collect(),
            context: ContextHints::default(),
            ..task.clone()
        }
    }

    /// Everything that is done anew is done before work is taken back: nothing uses it then.
    fn before_removal(&self, own: &TaskId) -> Vec<TaskId> {
        let found = self.difference;
        let numbers = found.again.keys().chain(&found.changed).chain(&found.added);
        let ids = numbers.map(|name| {
            let plain = TaskId::from_text(name.as_str());
            if self.known.contains_key(&plain) {
                plain
            } else {
                TaskId::from_text(format!("t{name}"))
            }
        });
        ids.filter(|id| id != own)
            .collect::<BTreeSet<_>>()
            .into_iter()
            .collect()
    }

    /// Dependencies on tasks that are still there and take nothing back.
    fn standing(&self, needs: &[TaskId]) -> Vec<TaskId> {
        let gone = |id: &TaskId| {
            let number = id.as_str().trim_start_matches('t');
            self.difference.removed.contains(number)
        };
        needs.iter().filter(|id| !gone(id)).cloned().collect()
    }

    /// A task that is done anew may mend what is done anew after it: the project builds and all tests
    /// pass after each, and tests of later steps may speak of what it changes.
    fn widened(&self, mut task: Task, number: &str) -> Task {
        let later = self.later(number);
        for path in later {
            if !task.owns.contains(&path) && !task.protected.contains(&path) {
                task.owns.push(path);
            }
        }
        task
    }

    /// What the steps own that wait for this one and are done anew.
    fn later(&self, number: &str) -> Vec<String> {
        let after = &self.asked.after;
        let mut waiting: BTreeSet<&str> = BTreeSet::from([number]);
        loop {
            let more: Vec<&str> = after
                .steps()
                .filter(|step| {
                    step.depends_on
                        .iter()
                        .any(|need| waiting.contains(need.as_str()))
                })
                .map(|step| step.number.as_str())
                .filter(|name| !waiting.contains(name))
                .collect();
            if more.is_empty() {
                break;
            }
            waiting.extend(more);
        }
        let mut paths = Vec::new();
        for step in after.steps().filter(|step| step.number != number) {
            if waiting.contains(step.number.as_str()) && self.difference.touches(&step.number) {
                paths.extend(step.outputs.iter().chain(&step.owns).cloned());
            }
        }
        paths
    }

    /// Why the change names a step.
    fn reason(&self, number: &str) -> Option<String> {
        let change = &self.asked.change;
        let steps = change.changed.iter().chain(&change.added);
        let of_step = steps
            .filter(|one| one.step.number == number)
            .map(|one| &one.reason);
        let of_removed = change
            .removed
            .iter()
            .filter(|one| one.id == number)
            .map(|one| &one.reason);
        let mut reasons = of_step
            .chain(of_removed)
            .filter(|reason| !reason.trim().is_empty());
        reasons
            .next()
            .map(|reason| reason.trim().trim_end_matches('.').to_owned())
    }

    fn because(&self, cause: &str) -> String {
        if self.difference.removed.contains(cause) {
            format!("{cause} is taken back")
        } else {
            format!("{cause} is done anew")
        }
    }
}

fn with(task: Task, kind: TaskChangeKind, reason: String) -> (Task, TaskChange) {
    let change = TaskChange {
        task: task.id.clone(),
        kind,
        reason,
    };
    (task, change)
}

fn outputs(plan: &DevPlan) -> BTreeSet<&str> {
    plan.steps()
        .flat_map(|step| &step.outputs)
        .map(String::as_str)
        .collect()
}

/// The path that a check wants to be gone.
fn gone(check: &Check) -> Option<&str> {
    match check {
        Check::Command { argv, cwd: None } => match argv.as_slice() {
            [test, not, exists, path] if test == "test" && not == "!" && exists == "-e" => {
                Some(path)
            }
            _ => None,
        },
        Check::Command { .. }
        | Check::File { .. }
        | Check::Regex { .. }
        | Check::Http { .. }
        | Check::Human { .. } => None,
    }
}

/// The paths that a task takes away; none where it takes nothing back.
pub(crate) fn taken_back(task: &Task) -> impl Iterator<Item = &str> {
    let is_removal = task.step.is_none() && task.source == TaskSource::Plan;
    let checks = task.acceptance.iter().filter(move |_| is_removal);
    checks.filter_map(|one| gone(&one.check))
}

/// Whether most words of two texts are the same.
pub(super) fn is_edition(before: &str, after: &str) -> bool {
    let words = |text: &str| -> BTreeMap<String, usize> {
        let mut count = BTreeMap::new();
        for word in text.split_whitespace() {
            *count.entry(word.to_lowercase()).or_insert(0) += 1;
        }
        count
    };
    let (one, two) = (words(before), words(after));
    let common: usize = one
        .iter()
        .map(|(word, count)| two.get(word).map_or(0, |other| *count.min(other)))
        .sum();
    let larger = one.values().sum::<usize>().max(two.values().sum());
    larger > 0 && common * 100 >= larger * EDITION_PERCENT
}
