//! The course of a run: every try and ask, and only the checks of its newest verdict.
#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

use atelier_model::{
    AskSource, Attempt, AttemptOutcome, CheckOutcome, EventKind, MicroUsd, Reply, RunStatus, Stage,
    TaskId, Usage,
};

use super::{ask, attempt, later, memory, noon, prompt, reply, run, run_id, task, task_id};
use crate::{RunBudgets, Store};

async fn tell(store: &Store, task: Option<&TaskId>, kind: EventKind) {
    let run = run_id("r1");
    store
        .event_append(Some(&run), task, kind, noon())
        .await
        .unwrap();
}

fn check(name: &str) -> EventKind {
    EventKind::CheckFinished {
        name: name.to_owned(),
        outcome: CheckOutcome::Passed,
        reason: String::new(),
        tests: None,
        duration_ms: 1,
        level: None,
    }
}

fn verdict(checks: u64) -> EventKind {
    EventKind::RunVerified {
        commit: "c1".to_owned(),
        passed: true,
        checks,
        tests: 1,
    }
}

async fn names(store: &Store) -> Vec<String> {
    let events = store.verdict_events(&run_id("r1")).await.unwrap();
    let name = |kind: &EventKind| {
        if let EventKind::CheckFinished { name, .. } = kind {
            name.clone()
        } else {
            kind.name()
        }
    };
    events.iter().map(|event| name(&event.kind)).collect()
}

#[tokio::test]
async fn only_the_checks_of_the_newest_verdict_count() {
    let store = memory().await;
    store.run_create(&run("r1")).await.unwrap();
    assert!(names(&store).await.is_empty());
    for name in ["build", "test"] {
        tell(&store, None, check(name)).await;
    }
    tell(&store, None, verdict(2)).await;
    assert_eq!(names(&store).await, ["build", "test", "run.verified"]);

    // A verdict that was begun and never taken: its process died, and another took the run up.
    tell(&store, None, check("of the dead")).await;
    let moved = EventKind::RunStatus {
        from: RunStatus::Running,
        to: RunStatus::Verifying,
    };
    tell(&store, None, moved).await;
    tell(&store, Some(&task_id("t1.1")), check("of a task")).await;
    tell(&store, None, check("test")).await;
    tell(&store, None, check("hidden")).await;
    tell(&store, None, verdict(1)).await;
    tell(&store, None, check("after")).await;
    assert_eq!(names(&store).await, ["test", "hidden", "run.verified"]);
}

#[tokio::test]
async fn tries_and_asks_come_without_what_was_said_in_them() {
    let store = memory().await;
    store.run_create(&run("r1")).await.unwrap();
    let tasks = [task("r1", "t1.1", &[])];
    store.task_add(&tasks, noon()).await.unwrap();
    let ended = Attempt {
        outcome: Some(AttemptOutcome::Interrupted),
        feedback: "ä".repeat(5_000),
        ended_at: Some(later(9)),
        ..attempt("r1", "t1.1", 1)
    };
    store.attempt_start(&ended, noon()).await.unwrap();
    let lines = store.attempt_lines(&run_id("r1")).await.unwrap();
    let [line] = lines.as_slice() else {
        panic!("one try: {lines:?}");
    };
    assert_eq!((line.ordinal, line.outcome), (1, None));
    assert_eq!((line.started_at, line.ended_at), (noon(), None));
    assert_eq!(line.feedback, "ä".repeat(2_000));

    let record = ask("r1", "a1", 9);
    let none = RunBudgets::default();
    store.ask_begin(&record, &prompt("a1"), none).await.unwrap();
    let answer = reply(&record, 7);
    store
        .ask_finish(&record.id, &answer, none, later(1))
        .await
        .unwrap();
    let hit = ask("r1", "a2", 0);
    let kept = Reply {
        source: AskSource::Cache,
        ..reply(&hit, 0)
    };
    store.ask_hit(&hit, &kept, later(2)).await.unwrap();
    let broken = ask("r1", "a3", 5);
    store.ask_begin(&broken, &prompt("a3"), none).await.unwrap();
    store
        .ask_fail(&broken.id, "status 500".into(), MicroUsd(5), later(3))
        .await
        .unwrap();
    let lines = store.ask_lines(&run_id("r1")).await.unwrap();
    let told: Vec<_> = lines
        .iter()
        .map(|line| (line.source, line.failed, line.cost.0, line.stage))
        .collect();
    assert_eq!(
        told,
        [
            (Some(AskSource::Provider), false, 7, Stage::Code),
            (Some(AskSource::Cache), false, 0, Stage::Code),
            (None, true, 5, Stage::Code),
        ]
    );
    assert_eq!(lines[0].usage, answer.usage);
    assert_eq!(lines[2].usage, Usage::default());
}
