//! Budgets of money, tokens and calls: never exceeded, told once at each mark, changed while it runs.
#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

use atelier_model::{
    Amount, AskRecord, Bound, Budget, BudgetChange, EventKind, MicroUsd, Reply, Resource, RunId,
    Stage, TaskId, Usage, Used,
};

use super::{ask, later, memory, noon, reply, run, task};
use crate::{AskBeginError, Rest, RunBudgets, Scope, Store, TaskEdit};

/// Numbers that look random and are the same each time.
struct Chance(u64);

impl Chance {
    fn below(&mut self, end: u64) -> u64 {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        self.0 % end
    }
}

async fn store_of(budget: Budget) -> Store {
    let store = memory().await;
    begin(&store, "r1", budget).await;
    store
}

async fn begin(store: &Store, id: &str, budget: Budget) {
    let run = atelier_model::Run { budget, ..run(id) };
    store.run_create(&run).await.unwrap();
    let tasks = [task(id, "t1", &[]), task(id, "t2", &[])];
    store.task_add(&tasks, noon()).await.unwrap();
}

fn run_id() -> RunId {
    super::run_id("r1")
}

/// An ask that may take up to so much money and so many tokens.
fn asking(id: &str, usd: u64, tokens: u64, of: Option<&str>) -> AskRecord {
    AskRecord {
        reserved_tokens: tokens,
        task: of.map(TaskId::from_text),
        stage: Stage::Code,
        ..ask("r1", id, usd)
    }
}

fn answer(record: &AskRecord, usd: u64, tokens: u64) -> Reply {
    Reply {
        usage: Usage {
            input: tokens,
            ..Usage::default()
        },
        ..reply(record, usd)
    }
}

fn covers(budget: Budget, used: Used) -> bool {
    [Resource::Usd, Resource::Tokens, Resource::Calls]
        .into_iter()
        .all(|resource| {
            budget
                .limit(resource)
                .is_none_or(|limit| used.of(resource) <= limit)
        })
}

fn limited(chance: &mut Chance, end: u64) -> Option<u64> {
    (chance.below(3) > 0).then(|| chance.below(end))
}

fn some_budget(chance: &mut Chance) -> Budget {
    Budget {
        usd: limited(chance, 400).map(MicroUsd),
        tokens: limited(chance, 4_000),
        calls: limited(chance, 12),
        wall_ms: None,
    }
}

/// One call of a run: begun, then answered, failed, or sent a second time. Never takes more than was
/// reserved for it.
async fn one_call(store: Store, run: RunId, seed: u64, budgets: RunBudgets) {
    let mut chance = Chance(seed);
    let (usd, tokens) = (chance.below(60), chance.below(600));
    let of = ["t1", "t2"]
        .get(usize::try_from(chance.below(3)).unwrap())
        .copied();
    let record = AskRecord {
        run,
        ..asking(&format!("a{seed}"), usd, tokens, of)
    };
    if store.ask_begin(&record, b"", budgets).await.is_err() {
        return;
    }
    let amount = |chance: &mut Chance| Amount {
        usd: MicroUsd(chance.below(usd + 1)),
        tokens: chance.below(tokens + 1),
    };
    let most = Amount {
        usd: MicroUsd(usd),
        tokens,
    };
    if chance.below(4) == 0 {
        let debit = amount(&mut chance);
        let again = store
            .ask_retry(&record.id, debit, most, "again".into(), 1, budgets, noon())
            .await;
        if again.is_err() {
            return;
        }
    }
    let cost = amount(&mut chance);
    if chance.below(4) == 0 {
        let failed = store.ask_fail(&record.id, "broken".into(), cost, noon());
        failed.await.unwrap();
    } else {
        let reply = answer(&record, cost.usd.0, cost.tokens);
        let finished = store.ask_finish(&record.id, &reply, budgets, noon());
        finished.await.unwrap();
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_thousand_random_runs_overshoot_nothing() {
    let store = memory().await;
    let mut seeds = Chance(0x0005_eed0_fa7e_11e7);
    for round in 0..1_000_u64 {
        let seed = seeds.below(u64::MAX - 1) + 1;
        let mut chance = Chance(seed);
        let (of_run, of_task) = (some_budget(&mut chance), some_budget(&mut chance));
        let budgets = RunBudgets {
            stage: some_budget(&mut chance),
            task: of_task,
            run: Budget::default(),
        };
        let run = super::run_id(&format!("r{round}"));
        begin(&store, run.as_str(), of_run).await;
        let mut call = |_| {
            let seed = chance.below(u64::MAX) + 1;
            one_call(store.clone(), run.clone(), seed, budgets)
        };
        let calls = (0..8).map(&mut call);
        let calls: tokio::task::JoinSet<()> = calls.collect();
        calls.join_all().await;
        let said = format!("round {round}, seed {seed}");
        let used = store.run_used(&run).await.unwrap();
        assert!(covers(of_run, used), "{said}: {used:?} of {of_run:?}");
        let stage = store.stage_used(&run, Stage::Code, noon()).await.unwrap();
        assert!(covers(budgets.stage, stage), "{said}: {stage:?}");
        for task in ["t1", "t2"] {
            let task = TaskId::from_text(task);
            let used = store.task_used(&run, &task, noon()).await.unwrap();
            assert!(covers(of_task, used), "{said}: {used:?} of {of_task:?}");
        }
    }
}

fn only(resource: Resource, limit: u64) -> Budget {
    Budget::default().with(resource, Some(limit))
}

#[tokio::test]
async fn tokens_and_calls_are_reserved_before_a_sending() {
    for (resource, limit, needed) in [(Resource::Tokens, 150, 100), (Resource::Calls, 1, 1)] {
        let store = store_of(only(resource, limit)).await;
        let first = asking("a1", 0, 100, None);
        let none = RunBudgets::default();
        store.ask_begin(&first, b"", none).await.unwrap();
        let second = store
            .ask_begin(&asking("a2", 0, 100, None), b"", none)
            .await;
        let Err(AskBeginError::OverLimit {
            scope: Scope::Run,
            resource: refused,
            needed: asked,
            ..
        }) = second
        else {
            panic!("{second:?}");
        };
        assert_eq!((refused, asked), (resource, needed));
        let told = store
            .event_list_kind(&run_id(), "budget.exhausted")
            .await
            .unwrap();
        assert_eq!(told.len(), 1);
    }
}

#[tokio::test]
async fn a_second_sending_is_a_call_of_its_own() {
    let store = store_of(only(Resource::Calls, 1)).await;
    let (record, none) = (asking("a1", 0, 10, None), RunBudgets::default());
    store.ask_begin(&record, b"", none).await.unwrap();
    let again = store
        .ask_retry(
            &record.id,
            MicroUsd::ZERO,
            MicroUsd::ZERO,
            "".into(),
            1,
            none,
            noon(),
        )
        .await;
    assert!(
        matches!(again, Err(AskBeginError::OverLimit { .. })),
        "{again:?}"
    );
    assert_eq!(store.run_used(&run_id()).await.unwrap().calls, 1);
}

#[tokio::test]
async fn an_answer_out_of_the_cache_is_no_call() {
    let store = store_of(only(Resource::Calls, 0)).await;
    let record = asking("a1", 0, 10, None);
    store
        .ask_hit(&record, &answer(&record, 0, 10), noon())
        .await
        .unwrap();
    let used = store.run_used(&run_id()).await.unwrap();
    assert_eq!((used.calls, used.tokens), (0, 0));
}

async fn marks(store: &Store) -> Vec<(String, u64)> {
    let events = store
        .event_list_kind(&run_id(), "budget.marked")
        .await
        .unwrap();
    let of = |kind: EventKind| {
        let EventKind::BudgetMarked { scope, percent, .. } = kind else {
            panic!("{kind:?}");
        };
        (scope, percent)
    };
    events.into_iter().map(|event| of(event.kind)).collect()
}

async fn spend(store: &Store, id: &str, usd: u64, budgets: RunBudgets) {
    let record = asking(id, usd, 0, Some("t1"));
    store.ask_begin(&record, b"", budgets).await.unwrap();
    let reply = answer(&record, usd, 0);
    store
        .ask_finish(&record.id, &reply, budgets, noon())
        .await
        .unwrap();
}

#[tokio::test]
async fn each_mark_is_told_once_and_anew_for_another_budget() {
    let store = store_of(only(Resource::Usd, 100)).await;
    let budgets = RunBudgets {
        task: only(Resource::Usd, 200),
        ..RunBudgets::default()
    };
    spend(&store, "a1", 40, budgets).await;
    assert_eq!(marks(&store).await, []);
    spend(&store, "a2", 45, budgets).await;
    let of_run = |percent: u64| ("run".to_owned(), percent);
    assert_eq!(marks(&store).await, [of_run(50), of_run(80)]);
    spend(&store, "a3", 15, budgets).await;
    let mut expected = vec![of_run(50), of_run(80), of_run(100), ("task".to_owned(), 50)];
    assert_eq!(marks(&store).await, expected);
    let change = BudgetChange {
        usd: Some(Bound::More(100)),
        ..BudgetChange::default()
    };
    let after = store
        .run_budget_change(&run_id(), change, noon())
        .await
        .unwrap();
    assert_eq!(after, only(Resource::Usd, 200));
    spend(&store, "a4", 1, budgets).await;
    expected.push(of_run(50));
    assert_eq!(marks(&store).await, expected);
}

#[tokio::test]
async fn a_task_has_a_budget_of_its_own() {
    let store = store_of(Budget::default()).await;
    let edit = TaskEdit {
        budget: BudgetChange::from(only(Resource::Calls, 1)),
        ..TaskEdit::default()
    };
    let t1 = TaskId::from_text("t1");
    store
        .task_edit(&run_id(), &t1, (&edit, ""), noon())
        .await
        .unwrap();
    let none = RunBudgets::default();
    let first = asking("a1", 0, 0, Some("t1"));
    store.ask_begin(&first, b"", none).await.unwrap();
    let other = asking("a2", 0, 0, Some("t2"));
    store.ask_begin(&other, b"", none).await.unwrap();
    let second = store
        .ask_begin(&asking("a3", 0, 0, Some("t1")), b"", none)
        .await;
    assert!(
        matches!(
            second,
            Err(AskBeginError::OverLimit {
                scope: Scope::Task,
                ..
            })
        ),
        "{second:?}"
    );
}

#[tokio::test]
async fn a_run_that_rests_begins_no_ask_until_it_is_woken() {
    let store = store_of(Budget::default()).await;
    store
        .run_rest(&run_id(), Rest::Pause, "lunch", noon())
        .await
        .unwrap();
    let (record, none) = (asking("a1", 0, 0, None), RunBudgets::default());
    let begun = store.ask_begin(&record, b"", none).await;
    assert!(matches!(begun, Err(AskBeginError::Resting)), "{begun:?}");
    store.run_wake(&run_id()).await.unwrap();
    store.ask_begin(&record, b"", none).await.unwrap();
    assert_eq!(store.run_pulse(&run_id()).await.unwrap().open_asks, 1);
}

#[tokio::test]
async fn the_time_somebody_works_is_counted_and_the_time_between_is_not() {
    let store = store_of(only(Resource::Wall, 10_000)).await;
    let tick = async |seconds: i64| {
        store
            .run_tick(&run_id(), later(seconds * 1_000))
            .await
            .unwrap()
    };
    assert_eq!(tick(0).await, 0);
    assert_eq!(tick(4).await, 4_000);
    // Two who work side by side count the time once.
    assert_eq!(tick(4).await, 4_000);
    assert_eq!(tick(2).await, 4_000);
    assert_eq!(tick(5).await, 5_000);
    assert_eq!(tick(3_600).await, 5_000);
    assert_eq!(tick(3_603).await, 8_000);
    assert_eq!(
        marks(&store).await,
        [("run".to_owned(), 50), ("run".to_owned(), 80)]
    );
}
