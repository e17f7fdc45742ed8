//! Tasks and attempts: every step of their life, and what a dead process leaves behind.
#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

use atelier_model::{
    Acceptance, Attempt, AttemptOutcome, Check, CheckOutcome, CheckResult, Digest, EventKind,
    Evidence, Expect, MicroUsd, Task, TaskFact, TaskState, next_task,
};

use super::{all_events, attempt, later, log, memory, noon, run, run_id, task, task_id};
use crate::{Store, StoreError, TrunkMove};

const STATES: [TaskState; 11] = [
    TaskState::Pending,
    TaskState::Ready,
    TaskState::Running,
    TaskState::Verifying,
    TaskState::Merging,
    TaskState::Done,
    TaskState::Blocked,
    TaskState::Failed,
    TaskState::Cancelled,
    TaskState::Skipped,
    TaskState::Waived,
];

const FACTS: [TaskFact; 15] = [
    TaskFact::DependenciesDone,
    TaskFact::Claimed,
    TaskFact::Edited,
    TaskFact::Verified,
    TaskFact::Merged,
    TaskFact::AttemptFailed,
    TaskFact::AttemptsUsedUp,
    TaskFact::MergeRefused,
    TaskFact::PersonNeeded,
    TaskFact::PersonAnswered,
    TaskFact::Interrupted,
    TaskFact::RetryAsked,
    TaskFact::CancelAsked,
    TaskFact::SkipAsked,
    TaskFact::WaiveAsked,
];

/// The facts that bring a new task to a state.
fn path_to(state: TaskState) -> Vec<TaskFact> {
    let and = |steps: usize, last: TaskFact| [&FACTS[..steps], &[last]].concat();
    match state {
        TaskState::Pending => Vec::new(),
        TaskState::Ready => FACTS[..1].to_vec(),
        TaskState::Running => FACTS[..2].to_vec(),
        TaskState::Verifying => FACTS[..3].to_vec(),
        TaskState::Merging => FACTS[..4].to_vec(),
        TaskState::Done => FACTS[..5].to_vec(),
        TaskState::Blocked => and(1, TaskFact::PersonNeeded),
        TaskState::Failed => and(2, TaskFact::AttemptsUsedUp),
        TaskState::Cancelled => and(0, TaskFact::CancelAsked),
        TaskState::Skipped => and(0, TaskFact::SkipAsked),
        TaskState::Waived => and(0, TaskFact::WaiveAsked),
    }
}

/// A run `r1` with one task that was brought to a state by facts alone.
pub(super) async fn store_with(id: &str, state: TaskState) -> Store {
    let store = memory().await;
    store.run_create(&run("r1")).await.unwrap();
    bring(&store, id, state).await;
    store
}

async fn bring(store: &Store, id: &str, state: TaskState) {
    store
        .task_add(&[task("r1", id, &[])], noon())
        .await
        .unwrap();
    for fact in path_to(state) {
        advance(store, id, fact).await.unwrap();
    }
}

async fn advance(store: &Store, id: &str, fact: TaskFact) -> Result<TaskState, StoreError> {
    let (run, task) = (run_id("r1"), task_id(id));
    store
        .task_advance(&run, &task, fact, "because", noon())
        .await
}

async fn fetch(store: &Store, id: &str) -> Task {
    store.task_fetch(&run_id("r1"), &task_id(id)).await.unwrap()
}

#[tokio::test]
async fn tasks_come_back_as_they_were_added_and_in_that_order() {
    let store = memory().await;
    store.run_create(&run("r1")).await.unwrap();
    let criterion = Acceptance {
        id: "A1".to_owned(),
        text: "it tells the time".to_owned(),
        requirements: vec!["R1".to_owned()],
        check: Check::Command {
            argv: vec!["clock".to_owned(), "--now".to_owned()],
            cwd: None,
        },
        expect: Expect {
            exit: Some(0),
            output: Some("^\\d+:\\d+$".to_owned()),
            tests_min: None,
            status: None,
        },
        timeout_seconds: Some(5),
        must_fail_before: true,
    };
    let rich = Task {
        acceptance: vec![criterion],
        ..task("r1", "t2.1", &["t1.2", "t1.1"])
    };
    let tasks = [rich, task("r1", "t1.2", &[]), task("r1", "t1.1", &["t1.2"])];
    store.task_add(&tasks, noon()).await.unwrap();
    assert_eq!(store.task_list(&run_id("r1")).await.unwrap(), tasks);
    assert_eq!(fetch(&store, "t2.1").await, tasks[0]);
    assert_eq!(fetch(&store, "t1.2").await, tasks[1]);
    assert!(store.task_list(&run_id("r2")).await.unwrap().is_empty());
    let added = EventKind::TaskAdded {
        title: "do t2.1".to_owned(),
        depends_on: vec![task_id("t1.2"), task_id("t1.1")],
    };
    assert_eq!(all_events(&store).await[1].kind, added);
}

#[tokio::test]
async fn tasks_are_added_together_or_not_at_all() {
    let store = memory().await;
    store.run_create(&run("r1")).await.unwrap();
    let begun = Task {
        state: TaskState::Ready,
        ..task("r1", "t1.2", &[])
    };
    let refused = [task("r1", "t1.1", &[]), begun];
    let refused = store.task_add(&refused, noon());
    assert!(matches!(refused.await, Err(StoreError::Refused(_))));
    let dangling = [task("r1", "t1.1", &[]), task("r1", "t1.2", &["t9.9"])];
    let error = store.task_add(&dangling, noon()).await;
    assert!(matches!(error, Err(StoreError::Missing { .. })));
    let homeless = store.task_add(&[task("r9", "t1.1", &[])], noon()).await;
    assert!(matches!(homeless, Err(StoreError::Missing { .. })));
    assert!(store.task_list(&run_id("r1")).await.unwrap().is_empty());
    assert_eq!(log(&store).await, ["run.created"]);
}

#[tokio::test]
async fn every_pair_of_state_and_fact_moves_as_the_state_machine_says() {
    let store = memory().await;
    store.run_create(&run("r1")).await.unwrap();
    for (row, from) in STATES.into_iter().enumerate() {
        for (column, fact) in FACTS.into_iter().enumerate() {
            let id = format!("t{row}.{column}");
            bring(&store, &id, from).await;
            let before = all_events(&store).await.len();
            let moved = advance(&store, &id, fact).await;
            let events = all_events(&store).await;
            match next_task(from, fact) {
                Ok(to) => {
                    assert_eq!(moved.unwrap(), to);
                    assert_eq!(fetch(&store, &id).await.state, to);
                    let reason = "because".to_owned();
                    let told = EventKind::TaskState { from, to, reason };
                    assert_eq!(events.last().unwrap().kind, told);
                }
                Err(refused) => {
                    let StoreError::Refused(found) = moved.unwrap_err() else {
                        panic!("{from:?} by {fact:?} failed for another reason");
                    };
                    assert_eq!(found, refused);
                    assert_eq!(events.len(), before);
                    assert_eq!(fetch(&store, &id).await.state, from);
                }
            }
        }
    }
}

#[tokio::test]
async fn an_unknown_task_is_named() {
    let store = store_with("t1.1", TaskState::Ready).await;
    let (run, task) = (run_id("r1"), task_id("t9.9"));
    let errors = [
        store.task_fetch(&run, &task).await.map(drop),
        advance(&store, "t9.9", TaskFact::Claimed).await.map(drop),
        merge(&store, "t9.9", Some("c0"), "c1").await,
    ];
    for error in errors {
        let text = error.unwrap_err().to_string();
        let named = [
            "task t9.9 of run r1",
            "the open attempt 1 at task t9.9 of run r1",
        ];
        assert!(
            named
                .iter()
                .any(|name| text == format!("find {name} in the state database"))
        );
    }
    let start = store.attempt_start(&attempt("r1", "t9.9", 1), noon()).await;
    assert!(matches!(start, Err(StoreError::Missing { .. })));
}

#[tokio::test]
async fn a_merge_finishes_the_task_and_moves_the_trunk_in_one_step() {
    let store = store_with("t1.1", TaskState::Merging).await;
    let run = run_id("r1");
    let begun = attempt("r1", "t1.1", 1);
    store.attempt_start(&begun, noon()).await.unwrap();
    let later = [task("r1", "t1.2", &["t1.1"]), task("r1", "t1.3", &["t1.2"])];
    store.task_add(&later, noon()).await.unwrap();
    let before = log(&store).await.len();
    let expected = run_fetch_trunk(&store).await;
    let elsewhere = merge(&store, "t1.1", Some("c4"), "c5").await;
    assert!(matches!(elsewhere, Err(StoreError::TrunkMoved { .. })));
    assert_eq!(log(&store).await.len(), before);
    merge(&store, "t1.1", expected.as_deref(), "c5")
        .await
        .unwrap();
    let task = fetch(&store, "t1.1").await;
    assert_eq!(
        (task.state, task.commit),
        (TaskState::Done, Some("c5".to_owned()))
    );
    assert_eq!(
        store.run_fetch(&run).await.unwrap().trunk,
        Some("c5".to_owned())
    );
    assert_eq!(
        log(&store).await[before..],
        [
            "attempt.finished t1.1",
            "task.committed t1.1",
            "task.state t1.1",
            "task.state t1.2"
        ]
    );
    assert_eq!(fetch(&store, "t1.2").await.state, TaskState::Ready);
    let trunk = store.trunk_list(&run).await.unwrap();
    let seen: Vec<_> = trunk
        .iter()
        .map(|at| (at.commit.as_str(), at.task.clone(), at.tests))
        .collect();
    assert_eq!(seen, [("c5", Some(task_id("t1.1")), 7)]);
    let point = store.trunk_at(&run, "c5").await.unwrap().unwrap();
    let held = store.trunk_tasks(&run, point.ordinal).await.unwrap();
    assert_eq!(held.into_iter().collect::<Vec<_>>(), [task_id("t1.1")]);

    let again = merge(&store, "t1.1", Some("c5"), "c6").await;
    assert!(matches!(again, Err(StoreError::Missing { .. })));
    assert_eq!(
        store.run_fetch(&run).await.unwrap().trunk,
        Some("c5".to_owned())
    );
    assert_eq!(log(&store).await.len(), before + 4);
}

/// The first attempt at a task passed, and its commit is to be the trunk.
async fn merge(
    store: &Store,
    id: &str,
    expected: Option<&str>,
    commit: &str,
) -> Result<(), StoreError> {
    let passed = Attempt {
        outcome: Some(AttemptOutcome::Passed),
        ended_at: Some(noon()),
        ..attempt("r1", id, 1)
    };
    let to = TrunkMove {
        expected,
        commit,
        subject: "feat: tell the time",
        tests: 7,
    };
    store.task_merge(&passed, &to, noon()).await
}

async fn run_fetch_trunk(store: &Store) -> Option<String> {
    let run = store.run_fetch(&run_id("r1")).await.unwrap();
    run.trunk.or(run.base_commit)
}

fn evidence() -> Evidence {
    Evidence {
        checks: vec![CheckResult {
            name: "test".to_owned(),
            command: "cargo test".to_owned(),
            outcome: CheckOutcome::Failed,
            reason: "1 of 2 tests failed".to_owned(),
            exit: Some(101),
            tests: None,
            output: Digest::of("output"),
            duration_ms: 1234,
        }],
    }
}

#[tokio::test]
async fn an_attempt_is_kept_with_its_evidence_and_moves_its_task() {
    let store = store_with("t1.1", TaskState::Verifying).await;
    let (run, id) = (run_id("r1"), task_id("t1.1"));
    let open = attempt("r1", "t1.1", 1);
    store.attempt_start(&open, noon()).await.unwrap();
    let listed = store.attempt_list(&run, &id).await.unwrap();
    assert_eq!(listed, std::slice::from_ref(&open));
    assert_eq!(fetch(&store, "t1.1").await.attempts, 1);
    let ended = Attempt {
        reply: Some(Digest::of("reply")),
        outcome: Some(AttemptOutcome::ChecksFailed),
        feedback: "mend this".to_owned(),
        evidence: evidence(),
        cost: MicroUsd(77),
        ended_at: Some(later(8)),
        ..open
    };
    let before = log(&store).await.len();
    let state = store
        .attempt_finish(&ended, TaskFact::AttemptFailed, "1 test failed", later(8))
        .await
        .unwrap();
    assert_eq!(state, TaskState::Running);
    let listed = store.attempt_list(&run, &id).await.unwrap();
    assert_eq!(listed, std::slice::from_ref(&ended));
    assert_eq!(
        log(&store).await[before..],
        ["attempt.finished t1.1", "task.state t1.1"]
    );

    let twice = store
        .attempt_finish(&ended, TaskFact::AttemptFailed, "", noon())
        .await;
    let text = twice.unwrap_err().to_string();
    assert_eq!(
        text,
        "find the open attempt 1 at task t1.1 of run r1 in the state database"
    );
    let endless = Attempt {
        outcome: None,
        ..ended
    };
    let open_end = store
        .attempt_finish(&endless, TaskFact::AttemptFailed, "", noon())
        .await;
    assert!(matches!(open_end, Err(StoreError::Missing { .. })));
    assert_eq!(log(&store).await.len(), before + 2);
}

#[tokio::test]
async fn an_attempt_whose_fact_is_refused_stays_open() {
    let store = store_with("t1.1", TaskState::Running).await;
    store
        .attempt_start(&attempt("r1", "t1.1", 1), noon())
        .await
        .unwrap();
    let events = all_events(&store).await;
    let passed = Attempt {
        outcome: Some(AttemptOutcome::Passed),
        ..attempt("r1", "t1.1", 1)
    };
    let refused = store
        .attempt_finish(&passed, TaskFact::Verified, "", noon())
        .await;
    assert!(matches!(refused, Err(StoreError::Refused(_))));
    let listed = store.attempt_list(&run_id("r1"), &task_id("t1.1")).await;
    assert_eq!(listed.unwrap()[0].outcome, None);
    assert_eq!(all_events(&store).await, events);
}

#[tokio::test]
async fn a_new_round_begins_after_the_newest_attempt() {
    let store = store_with("t1.1", TaskState::Running).await;
    for ordinal in 1..=3 {
        let attempt = attempt("r1", "t1.1", ordinal);
        store.attempt_start(&attempt, noon()).await.unwrap();
    }
    assert_eq!(fetch(&store, "t1.1").await.attempts, 3);
    store
        .attempt_start(&attempt("r1", "t1.1", 2), noon())
        .await
        .unwrap();
    assert_eq!(fetch(&store, "t1.1").await.attempts, 3);
    advance(&store, "t1.1", TaskFact::AttemptsUsedUp)
        .await
        .unwrap();
    advance(&store, "t1.1", TaskFact::RetryAsked).await.unwrap();
    let task = fetch(&store, "t1.1").await;
    assert_eq!((task.attempts, task.round_first), (3, 4));
}

#[tokio::test]
async fn what_a_dead_process_was_working_on_is_ready_again() {
    let store = memory().await;
    store.run_create(&run("r1")).await.unwrap();
    for (index, state) in STATES.into_iter().enumerate() {
        bring(&store, &format!("t{index}"), state).await;
    }
    store
        .attempt_start(&attempt("r1", "t2", 1), noon())
        .await
        .unwrap();
    let before = log(&store).await.len();
    let run = run_id("r1");
    assert_eq!(store.tasks_recover(&run, later(5)).await.unwrap(), 3);
    let expected = STATES.map(|state| match state {
        TaskState::Running | TaskState::Verifying | TaskState::Merging => TaskState::Ready,
        TaskState::Pending
        | TaskState::Ready
        | TaskState::Done
        | TaskState::Blocked
        | TaskState::Failed
        | TaskState::Cancelled
        | TaskState::Skipped
        | TaskState::Waived => state,
    });
    let states: Vec<TaskState> = store
        .task_list(&run)
        .await
        .unwrap()
        .iter()
        .map(|task| task.state)
        .collect();
    assert_eq!(states, expected);
    let closed = &store.attempt_list(&run, &task_id("t2")).await.unwrap()[0];
    assert_eq!(closed.outcome, Some(AttemptOutcome::Interrupted));
    assert_eq!(closed.ended_at, Some(later(5)));
    assert_eq!(
        log(&store).await[before..],
        [
            "attempt.finished t2",
            "task.state t2",
            "task.state t3",
            "task.state t4"
        ]
    );
    assert_eq!(store.tasks_recover(&run, noon()).await.unwrap(), 0);
    assert_eq!(log(&store).await.len(), before + 4);
}

#[tokio::test]
async fn an_interrupted_attempt_begins_again_under_its_ordinal() {
    let store = store_with("t1.1", TaskState::Running).await;
    let (run, id) = (run_id("r1"), task_id("t1.1"));
    store
        .attempt_start(&attempt("r1", "t1.1", 1), noon())
        .await
        .unwrap();
    store.tasks_recover(&run, noon()).await.unwrap();
    let again = Attempt {
        base: "c4".to_owned(),
        started_at: later(60),
        ..attempt("r1", "t1.1", 1)
    };
    store.attempt_start(&again, later(60)).await.unwrap();
    assert_eq!(store.attempt_list(&run, &id).await.unwrap(), [again]);
    assert_eq!(fetch(&store, "t1.1").await.attempts, 1);
}
