//! The schedule over every small graph: nothing is forgotten, nothing is started too early.

#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

use std::collections::BTreeMap;

use atelier_model::{Task, TaskGraph, TaskId, TaskState};
use proptest::prelude::*;

use super::next;
use crate::sample;

fn task(id: &str, depends_on: Vec<TaskId>) -> Task {
    let owns = vec![format!("src/{id}")];
    let id = TaskId::from_text(id);
    Task {
        id,
        depends_on,
        owns,
        ..sample::task()
    }
}

fn ready(tasks: Vec<Task>) -> (TaskGraph, BTreeMap<TaskId, Task>) {
    let graph = TaskGraph::new(&tasks).unwrap();
    let tasks = tasks.into_iter().map(|mut task| {
        task.state = TaskState::Ready;
        (task.id.clone(), task)
    });
    (graph, tasks.collect())
}

fn names(ids: &[TaskId]) -> Vec<&str> {
    ids.iter().map(TaskId::as_str).collect()
}

#[test]
fn the_width_is_only_a_number() {
    let (graph, tasks) = ready(vec![
        task("a", vec![]),
        task("b", vec![]),
        task("c", vec![]),
    ]);
    assert_eq!(names(&next(&graph, &tasks, &[], 1)), ["a"]);
    assert_eq!(names(&next(&graph, &tasks, &[], 2)), ["a", "b"]);
    let running = [TaskId::from_text("a")];
    assert_eq!(names(&next(&graph, &tasks, &running, 3)), ["b", "c"]);
    assert!(next(&graph, &tasks, &running, 1).is_empty());
}

#[test]
fn a_higher_priority_goes_first() {
    let mut urgent = task("c", vec![]);
    urgent.priority = 10;
    let (graph, tasks) = ready(vec![task("a", vec![]), task("b", vec![]), urgent]);
    assert_eq!(names(&next(&graph, &tasks, &[], 2)), ["c", "a"]);
}

#[test]
fn tasks_that_own_the_same_folder_do_not_run_at_once() {
    let mut inner = task("b", vec![]);
    inner.owns = vec!["src/a/part.rs".to_owned()];
    let (graph, tasks) = ready(vec![task("a", vec![]), inner, task("c", vec![])]);
    assert_eq!(names(&next(&graph, &tasks, &[], 3)), ["a", "c"]);
    assert_eq!(
        names(&next(&graph, &tasks, &[TaskId::from_text("a")], 3)),
        ["c"]
    );
}

proptest! {
    /// Any acyclic graph is finished, in an order that respects it, within any width.
    #[test]
    fn any_graph_is_finished(
        edges in proptest::collection::vec(proptest::collection::vec(0..12_usize, 0..4), 1..12),
        width in 1..4_usize,
    ) {
        let id = |index: usize| format!("t{index:02}");
        let list: Vec<Task> = edges.iter().enumerate().map(|(index, needs)| {
            let earlier = needs.iter().filter(|need| **need < index);
            task(&id(index), earlier.map(|need| TaskId::from_text(id(*need))).collect())
        }).collect();
        let graph = TaskGraph::new(&list).unwrap();
        let mut tasks: BTreeMap<TaskId, Task> =
            list.into_iter().map(|task| (task.id.clone(), task)).collect();
        let mut done = Vec::new();
        for _ in 0..=tasks.len() {
            let states = tasks.iter().map(|(id, task)| (id.clone(), task.state)).collect();
            for id in graph.now_ready(&states) {
                tasks.get_mut(&id).unwrap().state = TaskState::Ready;
            }
            let started = next(&graph, &tasks, &[], width);
            prop_assert!(started.len() <= width);
            for id in started {
                prop_assert!(graph.needs(&id).all(|need| done.contains(need)));
                tasks.get_mut(&id).unwrap().state = TaskState::Done;
                done.push(id);
            }
        }
        prop_assert_eq!(done.len(), tasks.len());
    }
}
