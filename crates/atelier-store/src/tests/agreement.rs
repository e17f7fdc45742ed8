//! Whatever is asked of the store in whatever order: the tables and the log tell the same told.
#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

use std::collections::BTreeMap;

use atelier_model::{
    AskId, AskRecord, Attempt, AttemptOutcome, EventKind, MicroUsd, RunFact, RunStatus, TaskFact,
    TaskState,
};
use proptest::prelude::*;

use super::{all_events, ask, attempt, noon, prompt, reply, run, run_id, task, task_id};
use crate::{AskBeginError, RunBudgets, Store, StoreError, TrunkMove};

/// What every ask of these stories is checked against.
const BUDGET: u64 = 100;
const TASKS: [&str; 2] = ["t1", "t2"];

#[derive(Debug, Clone, Copy)]
enum Deed {
    Run(RunFact),
    End,
    Recover,
    OfTask(usize, TaskDeed),
    OfAsk(u8, AskDeed),
}

#[derive(Debug, Clone, Copy)]
enum TaskDeed {
    Advance(TaskFact),
    Merge,
    Start(u32),
    Finish(u32, TaskFact),
}

#[derive(Debug, Clone, Copy)]
enum AskDeed {
    Begin { reserve: u64 },
    Retry { debit: u64, reserve: u64 },
    Finish { cost: u64 },
    Fail { cost: u64 },
}

fn run_fact() -> impl Strategy<Value = RunFact> {
    prop_oneof![
        Just(RunFact::PlanDrafted),
        Just(RunFact::PlanApproved),
        Just(RunFact::TasksDone),
        Just(RunFact::Verified),
        Just(RunFact::Ended),
        Just(RunFact::ResumedPlanning),
        Just(RunFact::ResumedRunning),
    ]
}

fn task_fact() -> impl Strategy<Value = TaskFact> {
    prop_oneof![
        Just(TaskFact::DependenciesDone),
        Just(TaskFact::Claimed),
        Just(TaskFact::Edited),
        Just(TaskFact::Verified),
        Just(TaskFact::AttemptFailed),
        Just(TaskFact::AttemptsUsedUp),
        Just(TaskFact::MergeRefused),
        Just(TaskFact::PersonNeeded),
        Just(TaskFact::PersonAnswered),
        Just(TaskFact::RetryAsked),
    ]
}

fn of_task() -> impl Strategy<Value = TaskDeed> {
    prop_oneof![
        8 => task_fact().prop_map(TaskDeed::Advance),
        2 => Just(TaskDeed::Merge),
        3 => (1..4_u32).prop_map(TaskDeed::Start),
        3 => (1..4_u32, task_fact()).prop_map(|(ordinal, fact)| TaskDeed::Finish(ordinal, fact)),
    ]
}

fn of_ask() -> impl Strategy<Value = AskDeed> {
    prop_oneof![
        4 => (0..60_u64).prop_map(|reserve| AskDeed::Begin { reserve }),
        2 => (0..20_u64, 0..60_u64).prop_map(|(debit, reserve)| AskDeed::Retry { debit, reserve }),
        3 => (0..30_u64).prop_map(|cost| AskDeed::Finish { cost }),
        1 => (0..20_u64).prop_map(|cost| AskDeed::Fail { cost }),
    ]
}

fn deed() -> impl Strategy<Value = Deed> {
    prop_oneof![
        2 => run_fact().prop_map(Deed::Run),
        1 => Just(Deed::End),
        1 => Just(Deed::Recover),
        16 => (0..TASKS.len(), of_task()).prop_map(|(task, deed)| Deed::OfTask(task, deed)),
        10 => (0..6_u8, of_ask()).prop_map(|(ask, deed)| Deed::OfAsk(ask, deed)),
    ]
}

/// How a deed went.
#[derive(Debug, PartialEq)]
enum Went {
    Well,
    /// Refused by the budget, which is put on record.
    OverBudget,
    Refused,
}

impl<T> From<Result<T, StoreError>> for Went {
    fn from(result: Result<T, StoreError>) -> Self {
        if result.is_ok() {
            Self::Well
        } else {
            Self::Refused
        }
    }
}

impl From<Result<(), AskBeginError>> for Went {
    fn from(result: Result<(), AskBeginError>) -> Self {
        match result {
            Ok(()) => Self::Well,
            Err(AskBeginError::OverBudget { .. }) => Self::OverBudget,
            Err(error @ (AskBeginError::OverLimit { .. } | AskBeginError::Resting)) => {
                panic!("{error}")
            }
            Err(AskBeginError::Store(_)) => Self::Refused,
        }
    }
}

/// Does one deed. Most are refused in most states; a refusal must leave no trace.
async fn perform(store: &Store, deed: Deed) {
    let before = all_events(store).await.len();
    let went = match deed {
        Deed::OfAsk(number, deed) => ask_deed(store, number, deed).await,
        Deed::OfTask(number, deed) => task_deed(store, TASKS[number], deed).await,
        Deed::Run(fact) => store.run_advance(&run_id("r1"), fact, noon()).await.into(),
        Deed::End => store
            .run_end(&run_id("r1"), 13, "ended", noon())
            .await
            .into(),
        Deed::Recover => {
            store.asks_recover(&run_id("r1"), noon()).await.unwrap();
            store.tasks_recover(&run_id("r1"), noon()).await.into()
        }
    };
    let after = all_events(store).await.len();
    if went == Went::Refused {
        assert_eq!(before, after, "{deed:?} was refused and left events");
    }
}

async fn ask_deed(store: &Store, number: u8, deed: AskDeed) -> Went {
    let (id, budget) = (
        AskId::from_text(format!("a{number}")),
        Some(MicroUsd(BUDGET)),
    );
    match deed {
        AskDeed::Begin { reserve } => {
            let record = ask("r1", id.as_str(), reserve);
            store
                .ask_begin(&record, &prompt("a"), budget.into())
                .await
                .into()
        }
        AskDeed::Retry { debit, reserve } => {
            let (debit, reserve) = (MicroUsd(debit), MicroUsd(reserve));
            store
                .ask_retry(
                    &id,
                    debit,
                    reserve,
                    "again".into(),
                    1,
                    budget.into(),
                    noon(),
                )
                .await
                .into()
        }
        AskDeed::Finish { cost } => {
            let reply = reply(&ask("r1", id.as_str(), 0), cost);
            store
                .ask_finish(&id, &reply, RunBudgets::default(), noon())
                .await
                .into()
        }
        AskDeed::Fail { cost } => store
            .ask_fail(&id, "broken".into(), MicroUsd(cost), noon())
            .await
            .into(),
    }
}

async fn task_deed(store: &Store, id: &str, deed: TaskDeed) -> Went {
    let (run, task) = (run_id("r1"), task_id(id));
    match deed {
        TaskDeed::Advance(fact) => store
            .task_advance(&run, &task, fact, "", noon())
            .await
            .into(),
        TaskDeed::Merge => {
            let stands = store.run_fetch(&run).await.unwrap();
            let expected = stands.trunk.or(stands.base_commit);
            let passed = Attempt {
                outcome: Some(AttemptOutcome::Passed),
                ..attempt("r1", id, 1)
            };
            let to = TrunkMove {
                expected: expected.as_deref(),
                commit: "c1",
                subject: "feat: x",
                tests: 1,
            };
            store.task_merge(&passed, &to, noon()).await.into()
        }
        TaskDeed::Start(ordinal) => {
            let attempt = attempt("r1", id, ordinal);
            store.attempt_start(&attempt, noon()).await.into()
        }
        TaskDeed::Finish(ordinal, fact) => {
            let ended = Attempt {
                outcome: Some(AttemptOutcome::ChecksFailed),
                ..attempt("r1", id, ordinal)
            };
            store.attempt_finish(&ended, fact, "", noon()).await.into()
        }
    }
}

/// What the log alone says.
#[derive(Debug, PartialEq)]
struct Story {
    run: RunStatus,
    tasks: BTreeMap<String, TaskState>,
    attempts: BTreeMap<(String, u32), Option<AttemptOutcome>>,
    spent: MicroUsd,
    open_asks: usize,
}

#[expect(
    clippy::wildcard_enum_match_arm,
    reason = "the other events tell of nothing in a story"
)]
async fn told(store: &Store) -> Story {
    let mut told = Story {
        run: RunStatus::Planning,
        tasks: BTreeMap::new(),
        attempts: BTreeMap::new(),
        spent: MicroUsd::ZERO,
        open_asks: 0,
    };
    for event in all_events(store).await {
        let task = event.task.map(|task| task.to_string()).unwrap_or_default();
        match event.kind {
            EventKind::RunStatus { from, to } => {
                assert_eq!(from, told.run);
                told.run = to;
            }
            EventKind::TaskAdded { .. } => {
                told.tasks.insert(task, TaskState::Pending);
            }
            EventKind::TaskState { from, to, .. } => {
                assert_eq!(told.tasks.insert(task, to), Some(from));
            }
            EventKind::AttemptStarted { ordinal } => {
                told.attempts.insert((task, ordinal), None);
            }
            EventKind::AttemptFinished {
                ordinal, outcome, ..
            } => {
                told.attempts.insert((task, ordinal), Some(outcome));
            }
            EventKind::AskStarted { .. } => told.open_asks += 1,
            EventKind::AskFinished { cost, .. } | EventKind::AskFailed { cost, .. } => {
                told.open_asks -= 1;
                told.spent = told.spent + cost;
            }
            _ => {}
        }
    }
    told
}

async fn stored(store: &Store) -> Story {
    let run = run_id("r1");
    let tasks = store.task_list(&run).await.unwrap();
    let mut attempts = BTreeMap::new();
    for task in &tasks {
        for attempt in store.attempt_list(&run, &task.id).await.unwrap() {
            attempts.insert((task.id.to_string(), attempt.ordinal), attempt.outcome);
        }
    }
    let asks = store.ask_list(&run).await.unwrap();
    let open = |ask: &&AskRecord| ask.reply.is_none() && ask.error.is_none();
    let ended = asks.iter().filter(|ask| !open(ask));
    Story {
        run: store.run_fetch(&run).await.unwrap().status,
        tasks: tasks
            .iter()
            .map(|task| (task.id.to_string(), task.state))
            .collect(),
        attempts,
        spent: ended.map(|ask| ask.cost).sum(),
        open_asks: asks.iter().filter(open).count(),
    }
}

async fn live(deeds: Vec<Deed>) {
    let store = super::memory().await;
    store.run_create(&run("r1")).await.unwrap();
    let tasks = [task("r1", "t1", &[]), task("r1", "t2", &["t1"])];
    store.task_add(&tasks, noon()).await.unwrap();
    for deed in deeds {
        perform(&store, deed).await;
        let cost = store.run_cost(&run_id("r1")).await.unwrap();
        let open = cost.reserved > MicroUsd::ZERO;
        assert!(
            !open || cost.reserved <= MicroUsd(BUDGET),
            "{deed:?} reserved too much"
        );
    }
    assert_eq!(told(&store).await, stored(&store).await);
    store.events_verify().await.unwrap();
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 48, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn the_tables_and_the_log_tell_the_same_story(
        deeds in prop::collection::vec(deed(), 1..60),
    ) {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
        runtime.block_on(live(deeds));
    }
}
