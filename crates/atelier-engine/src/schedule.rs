//! Which tasks to start next: pure, so that the width is only a number.

use std::collections::BTreeMap;

use atelier_model::{Task, TaskGraph, TaskId, TaskState};

/// The ready tasks to start now, best first: higher priority, then the order of the plan.
///
/// `running` tasks count against `width`. A task whose owned paths touch those of a running one
/// waits.
pub(crate) fn next(
    graph: &TaskGraph,
    tasks: &BTreeMap<TaskId, Task>,
    running: &[TaskId],
    width: usize,
) -> Vec<TaskId> {
    let free = width.saturating_sub(running.len());
    let mut ready: Vec<&Task> = graph
        .order()
        .iter()
        .filter_map(|id| tasks.get(id))
        .filter(|task| task.state == TaskState::Ready && !running.contains(&task.id))
        .collect();
    // A stable sort keeps the order of the plan among equals.
    ready.sort_by_key(|task| std::cmp::Reverse(task.priority));
    let mut busy: Vec<&Task> = running.iter().filter_map(|id| tasks.get(id)).collect();
    let mut chosen = Vec::new();
    for task in ready {
        if chosen.len() == free {
            break;
        }
        if busy.iter().all(|other| disjoint(task, other)) {
            busy.push(task);
            chosen.push(task.id.clone());
        }
    }
    chosen
}

fn disjoint(one: &Task, two: &Task) -> bool {
    let within = |a: &str, b: &str| {
        let b = b.trim_end_matches('/');
        a == b || a.strip_prefix(b).is_some_and(|rest| rest.starts_with('/'))
    };
    !one.owns
        .iter()
        .any(|a| two.owns.iter().any(|b| within(a, b) || within(b, a)))
}

#[cfg(test)]
mod tests;
