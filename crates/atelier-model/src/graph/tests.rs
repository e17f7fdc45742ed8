//! The task graph: its order, what is ready, and circles that are found.

#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

use std::collections::BTreeMap;

use proptest::prelude::*;

use super::{GraphError, TaskGraph};
use crate::{TaskId, TaskState, TaskState as S};

fn id(text: &str) -> TaskId {
    TaskId::from_text(text)
}

fn graph(edges: &[(&str, &[&str])]) -> Result<TaskGraph, GraphError> {
    let ids = |names: &[&str]| names.iter().map(|name| id(name)).collect();
    TaskGraph::from_edges(edges.iter().map(|(task, needs)| (id(task), ids(needs))))
}

fn order(edges: &[(&str, &[&str])]) -> Vec<String> {
    let graph = graph(edges).unwrap();
    graph.order().iter().map(ToString::to_string).collect()
}

#[test]
fn tasks_stay_as_given_where_nothing_speaks_against_it() {
    assert_eq!(order(&[]), [""; 0]);
    assert_eq!(
        order(&[("b", &[]), ("a", &[]), ("c", &[])]),
        ["b", "a", "c"]
    );
    assert_eq!(
        order(&[("b", &["a"]), ("a", &[]), ("c", &[])]),
        ["a", "b", "c"]
    );
    assert_eq!(
        order(&[("c", &["b"]), ("b", &["a"]), ("a", &[])]),
        ["a", "b", "c"]
    );
    assert_eq!(order(&[("a", &[]), ("b", &["a", "a"])]), ["a", "b"]);
}

#[test]
fn a_dependency_that_is_not_there_is_named() {
    let error = graph(&[("a", &["x"])]).unwrap_err();
    assert_eq!(
        error,
        GraphError::Unknown {
            task: id("a"),
            needs: id("x")
        }
    );
    assert_eq!(error.to_string(), "find task x, on which a depends");
}

#[test]
fn circles_are_found() {
    let error = graph(&[("a", &["a"])]).unwrap_err();
    assert_eq!(error, GraphError::Cycle(vec![id("a")]));
    let error = graph(&[("z", &[]), ("a", &["b", "z"]), ("b", &["a"])]).unwrap_err();
    assert_eq!(
        error.to_string(),
        "order the tasks: a → b depend on each other"
    );
}

#[test]
fn a_task_is_ready_when_everything_it_needs_is_done() {
    let graph = graph(&[("a", &[]), ("b", &["a"]), ("c", &["a", "b"]), ("d", &[])]).unwrap();
    let ready = |states: &[(&str, TaskState)]| -> Vec<String> {
        let states: BTreeMap<_, _> = states.iter().map(|(name, s)| (id(name), *s)).collect();
        graph
            .now_ready(&states)
            .iter()
            .map(ToString::to_string)
            .collect()
    };
    let all = |a, b, c, d| [("a", a), ("b", b), ("c", c), ("d", d)];
    assert_eq!(
        ready(&all(S::Pending, S::Pending, S::Pending, S::Pending)),
        ["a", "d"]
    );
    assert_eq!(ready(&all(S::Done, S::Pending, S::Pending, S::Done)), ["b"]);
    assert_eq!(ready(&all(S::Done, S::Done, S::Pending, S::Ready)), ["c"]);
    for state in [
        S::Ready,
        S::Running,
        S::Verifying,
        S::Merging,
        S::Blocked,
        S::Failed,
        S::Cancelled,
    ] {
        assert_eq!(
            ready(&all(state, S::Pending, S::Pending, S::Done)),
            [""; 0],
            "{state:?}"
        );
    }
    assert_eq!(ready(&[]), [""; 0]);
}

#[test]
fn dependence_reaches_through_others() {
    let graph = graph(&[("a", &[]), ("b", &["a"]), ("c", &["b"]), ("d", &[])]).unwrap();
    assert!(graph.depends(&id("c"), &id("a")));
    assert!(graph.depends(&id("b"), &id("a")));
    assert!(!graph.depends(&id("a"), &id("c")));
    assert!(!graph.depends(&id("a"), &id("a")));
    assert!(!graph.depends(&id("d"), &id("a")));
    assert!(!graph.depends(&id("unknown"), &id("a")));
    assert_eq!(graph.needs(&id("b")).collect::<Vec<_>>(), [&id("a")]);
    assert_eq!(graph.needs(&id("unknown")).count(), 0);
}

/// Any graph: tasks by number, each with the numbers it needs, circles allowed.
fn edges() -> impl Strategy<Value = Vec<Vec<usize>>> {
    (0usize..9).prop_flat_map(|count| {
        let needs = prop::collection::vec(0..count.max(1), 0..3);
        prop::collection::vec(needs, count)
    })
}

/// Whether a task reaches itself, by the simplest means.
fn circular(edges: &[Vec<usize>]) -> bool {
    let count = edges.len();
    let mut reaches: Vec<Vec<bool>> = (0..count)
        .map(|one| (0..count).map(|two| edges[one].contains(&two)).collect())
        .collect();
    for middle in 0..count {
        for one in 0..count {
            for two in 0..count {
                reaches[one][two] |= reaches[one][middle] && reaches[middle][two];
            }
        }
    }
    (0..count).any(|one| reaches[one][one])
}

proptest! {
    #[test]
    fn the_order_respects_every_edge_and_circles_are_found(edges in edges()) {
        let name = |number: usize| id(&number.to_string());
        let list: Vec<_> = edges
            .iter()
            .enumerate()
            .map(|(task, needs)| (name(task), needs.iter().map(|need| name(*need)).collect()))
            .collect();
        let Ok(graph) = TaskGraph::from_edges(list) else {
            prop_assert!(circular(&edges));
            return Ok(());
        };
        prop_assert!(!circular(&edges));
        prop_assert_eq!(graph.order().len(), edges.len());
        let place = |number: usize| graph.order().iter().position(|one| *one == name(number));
        for (task, needs) in edges.iter().enumerate() {
            for need in needs {
                prop_assert!(place(*need).unwrap() < place(task).unwrap());
                prop_assert!(graph.depends(&name(task), &name(*need)));
                prop_assert!(!graph.depends(&name(*need), &name(task)));
            }
        }
    }

    #[test]
    fn doing_what_is_ready_does_everything(edges in edges()) {
        let name = |number: usize| id(&number.to_string());
        // Only needs that stand before: no circle.
        let before = |task: usize, needs: &[usize]| -> Vec<TaskId> {
            needs.iter().filter(|need| **need < task).map(|need| name(*need)).collect()
        };
        let list = edges.iter().enumerate().map(|(task, needs)| (name(task), before(task, needs)));
        let graph = TaskGraph::from_edges(list).unwrap();
        let mut states: BTreeMap<_, _> =
            graph.order().iter().map(|one| (one.clone(), TaskState::Pending)).collect();
        for _ in 0..edges.len() {
            for ready in graph.now_ready(&states) {
                states.insert(ready, TaskState::Done);
            }
        }
        prop_assert!(states.values().all(|state| *state == TaskState::Done));
    }
}
