//! The timeline without pauses, and the way that decided.

#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

use atelier_model::{AttemptOutcome::Passed, TaskState::Done};

use super::timeline;
use crate::sample::{attempt, facts, task};

#[test]
fn pauses_are_taken_out_and_counted() {
    let line = timeline(&facts());
    // 70 to 200 seconds is a pause; what follows moves forward.
    assert_eq!((line.pauses.count, line.pauses.ms), (1, 130_000));
    assert_eq!(line.wall_ms, 120_000);
    let last = line.spans.last().unwrap();
    assert_eq!((last.start_ms, last.end_ms), (60_000, 120_000));
    assert_eq!(line.busy_ms, 140_000);
}

#[test]
fn what_follows_at_once_is_not_beside() {
    let line = timeline(&facts());
    assert_eq!(line.width, 2);
    let mut facts = facts();
    facts.attempts = vec![
        attempt("t1.1", 1, Passed, (0, 10)),
        attempt("t1.2", 1, Passed, (10, 20)),
    ];
    assert_eq!(timeline(&facts).width, 1);
}

#[test]
fn the_way_goes_back_along_what_each_task_waited_for_longest() {
    let mut facts = facts();
    facts.tasks = vec![
        task("1", Done, &[]),
        task("2", Done, &[]),
        task("3", Done, &["t1", "t2"]),
        task("4", Done, &[]),
    ];
    facts.attempts = vec![
        attempt("t1", 1, Passed, (0, 10)),
        attempt("t2", 1, Passed, (0, 20)),
        attempt("t4", 1, Passed, (0, 30)),
        attempt("t3", 1, Passed, (25, 40)),
    ];
    let path = timeline(&facts).critical_path;
    let told: Vec<_> = path
        .iter()
        .map(|link| (link.task.as_str(), link.took_ms, link.waited_ms))
        .collect();
    assert_eq!(told, [("t2", 20_000, 0), ("t3", 15_000, 5_000)]);
}

#[test]
fn the_load_adds_up_to_the_work() {
    let line = timeline(&facts());
    let step = line.load[1].start_ms;
    let sum: u64 = line
        .load
        .iter()
        .map(|part| part.hundredths * step / 100)
        .sum();
    assert!(sum.abs_diff(line.busy_ms) < line.load.len() as u64 * step / 50);
    assert_eq!(
        line.load.iter().map(|part| part.hundredths).max(),
        Some(200)
    );
}

#[test]
fn tasks_that_wait_for_each_other_end_the_way() {
    let mut facts = facts();
    facts.tasks = vec![task("1", Done, &["t2"]), task("2", Done, &["t1"])];
    facts.attempts = vec![
        attempt("t1", 1, Passed, (0, 10)),
        attempt("t2", 1, Passed, (10, 20)),
    ];
    assert_eq!(timeline(&facts).critical_path.len(), 2);
}
