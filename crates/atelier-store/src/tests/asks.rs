//! Asks: the budget that cannot be exceeded, and replies that are never paid for twice.
#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

use std::collections::BTreeMap;

use atelier_model::{
    AskId, AskRecord, AskSource, Budget, Digest, EventKind, MicroUsd, Reply, Run, Stage,
    StopReason, TaskId, Usage,
};

use super::{all_events, ask, later, log, memory, noon, prompt, reply, run, run_id};
use crate::{AskBeginError, Broken, RunBudgets, RunCost, Scope, StageCost, Store, StoreError};

async fn store() -> Store {
    let store = memory().await;
    store.run_create(&run("r1")).await.unwrap();
    store
}

async fn begin(store: &Store, id: &str, reserved: u64, budget: u64) -> Result<(), AskBeginError> {
    let record = ask("r1", id, reserved);
    let budget = Some(MicroUsd(budget));
    store.ask_begin(&record, &prompt(id), budget.into()).await
}

async fn retry(
    store: &Store,
    id: &str,
    amounts: (u64, u64),
    budget: u64,
) -> Result<(), AskBeginError> {
    let (debit, reserve) = (MicroUsd(amounts.0), MicroUsd(amounts.1));
    let budget = Some(MicroUsd(budget));
    store
        .ask_retry(
            &AskId::from_text(id),
            debit,
            reserve,
            "status 503".into(),
            250,
            budget.into(),
            later(1),
        )
        .await
}

async fn finish(store: &Store, id: &str, cost: u64) {
    let record = ask("r1", id, 0);
    let reply = reply(&record, cost);
    store
        .ask_finish(&record.id, &reply, RunBudgets::default(), later(2))
        .await
        .unwrap();
}

async fn only(store: &Store) -> AskRecord {
    let list = store.ask_list(&run_id("r1")).await.unwrap();
    assert_eq!(list.len(), 1);
    list.into_iter().next().unwrap()
}

/// Needed, spent and budget of a refusal.
fn refusal(result: Result<(), AskBeginError>) -> (u64, u64, u64) {
    match result.unwrap_err() {
        AskBeginError::OverBudget {
            needed,
            spent,
            budget,
            ..
        } => (needed.0, spent.0, budget.0),
        error @ (AskBeginError::OverLimit { .. } | AskBeginError::Resting) => panic!("{error}"),
        AskBeginError::Store(error) => panic!("{error}"),
    }
}

#[tokio::test]
async fn an_ask_is_on_record_before_it_is_sent() {
    let store = store().await;
    begin(&store, "a1", 60, 100).await.unwrap();
    let record = ask("r1", "a1", 60);
    assert_eq!(only(&store).await, record);
    let kept = store.blob_fetch(&record.prompt).await.unwrap();
    assert_eq!(kept, Some(prompt("a1")));
    let started = EventKind::AskStarted {
        ask: record.id,
        stage: Stage::Code,
        key: record.key,
        provider: "stand-in".to_owned(),
        model: "small".to_owned(),
        reserved: MicroUsd(60),
        choice: None,
    };
    assert_eq!(all_events(&store).await[1].kind, started);
}

#[tokio::test]
async fn a_finished_ask_is_settled_and_its_reply_is_kept() {
    let store = store().await;
    begin(&store, "a1", 60, 100).await.unwrap();
    finish(&store, "a1", 41).await;
    let record = ask("r1", "a1", 0);
    let reply = reply(&record, 41);
    let settled = AskRecord {
        reply: Some(reply.digest),
        source: Some(AskSource::Provider),
        usage: reply.usage,
        cost: MicroUsd(41),
        latency_ms: 700,
        ..record.clone()
    };
    assert_eq!(only(&store).await, settled);
    let from_cache = Reply {
        cost: MicroUsd::ZERO,
        source: AskSource::Cache,
        ..reply
    };
    assert_eq!(
        store.reply_by_key(&record.key).await.unwrap(),
        Some(from_cache)
    );
    assert_eq!(store.reply_by_key(&Digest::of("?")).await.unwrap(), None);
    let last = all_events(&store).await.pop().unwrap();
    let finished = EventKind::AskFinished {
        ask: record.id,
        stage: Stage::Code,
        key: record.key,
        provider: "stand-in".to_owned(),
        model: "small".to_owned(),
        source: AskSource::Provider,
        usage: settled.usage,
        cost: MicroUsd(41),
        latency_ms: 700,
    };
    assert_eq!((last.kind, last.at), (finished, later(2)));
}

#[tokio::test]
async fn the_first_reply_to_a_key_stays() {
    let store = store().await;
    begin(&store, "a1", 1, 100).await.unwrap();
    begin(&store, "a2", 1, 100).await.unwrap();
    finish(&store, "a1", 1).await;
    let first = ask("r1", "a1", 0);
    let second = Reply {
        text: "another answer".to_owned(),
        digest: Digest::of("another answer"),
        stop: StopReason::Length,
        ..reply(&first, 1)
    };
    let id = AskId::from_text("a2");
    store
        .ask_finish(&id, &second, RunBudgets::default(), noon())
        .await
        .unwrap();
    let kept = store.reply_by_key(&first.key).await.unwrap().unwrap();
    assert_eq!(
        (kept.text.as_str(), kept.stop),
        ("reply to a1", StopReason::End)
    );
}

#[tokio::test]
async fn a_hit_is_on_record_and_costs_nothing() {
    let store = store().await;
    begin(&store, "a1", 60, 100).await.unwrap();
    finish(&store, "a1", 41).await;
    let hit = AskRecord {
        key: ask("r1", "a1", 0).key,
        ..ask("r1", "a2", 500)
    };
    let cached = store.reply_by_key(&hit.key).await.unwrap().unwrap();
    store.ask_hit(&hit, &cached, later(3)).await.unwrap();
    let listed = store.ask_list(&run_id("r1")).await.unwrap();
    let expected = AskRecord {
        reply: Some(cached.digest),
        source: Some(AskSource::Cache),
        usage: cached.usage,
        reserved: MicroUsd::ZERO,
        latency_ms: 700,
        ..hit
    };
    assert_eq!(listed[1], expected);
    assert_eq!(store.asks_recover(&run_id("r1"), noon()).await.unwrap(), 0);
    let last = all_events(&store).await.pop().unwrap().kind;
    let EventKind::AskFinished { source, cost, .. } = last else {
        panic!("{last:?}");
    };
    assert_eq!((source, cost), (AskSource::Cache, MicroUsd::ZERO));
}

#[tokio::test]
async fn the_budget_holds_to_the_micro_dollar() {
    let store = store().await;
    begin(&store, "a1", 60, 100).await.unwrap();
    assert_eq!(refusal(begin(&store, "a2", 41, 100).await), (41, 60, 100));
    begin(&store, "a3", 40, 100).await.unwrap();
    assert_eq!(refusal(begin(&store, "a4", 1, 100).await), (1, 100, 100));
    begin(&store, "a5", 0, 100).await.unwrap();
    finish(&store, "a1", 10).await;
    assert_eq!(refusal(begin(&store, "a6", 51, 100).await), (51, 50, 100));
    begin(&store, "a7", 50, 100).await.unwrap();
    let record = ask("r1", "a8", 1_000_000);
    store
        .ask_begin(&record, b"", RunBudgets::default())
        .await
        .unwrap();
    let ids = store.ask_list(&run_id("r1")).await.unwrap();
    let ids: Vec<&str> = ids.iter().map(|ask| ask.id.as_str()).collect();
    assert_eq!(ids, ["a1", "a3", "a5", "a7", "a8"]);
    let refused = EventKind::BudgetRefused {
        stage: Stage::Code,
        scope: "run".to_owned(),
        needed: MicroUsd(41),
        spent: MicroUsd(60),
        budget: MicroUsd(100),
    };
    assert_eq!(all_events(&store).await[2].kind, refused);
}

#[tokio::test]
async fn the_budget_of_one_run_is_not_spent_by_another() {
    let store = store().await;
    store.run_create(&run("r2")).await.unwrap();
    begin(&store, "a1", 100, 100).await.unwrap();
    let other = ask("r2", "a2", 100);
    let begun = store
        .ask_begin(&other, b"", Some(MicroUsd(100)).into())
        .await;
    begun.unwrap();
}

#[tokio::test]
async fn absurd_amounts_neither_wrap_nor_break_the_sums() {
    let store = store().await;
    for id in ["a1", "a2", "a3"] {
        let record = ask("r1", id, u64::MAX);
        store
            .ask_begin(&record, b"", RunBudgets::default())
            .await
            .unwrap();
    }
    let refused = refusal(begin(&store, "a4", u64::MAX, 100).await);
    assert_eq!((refused.0, refused.2), (u64::MAX, 100));
    finish(&store, "a1", u64::MAX).await;
    assert_eq!(refusal(begin(&store, "a5", 1, 100).await).2, 100);
    store.run_end(&run_id("r1"), 12, "", noon()).await.unwrap();
}

#[tokio::test]
async fn a_broken_sending_is_debited_before_the_next() {
    let store = store().await;
    begin(&store, "a1", 60, 100).await.unwrap();
    retry(&store, "a1", (15, 60), 100).await.unwrap();
    let record = only(&store).await;
    assert_eq!((record.cost, record.reserved), (MicroUsd(15), MicroUsd(60)));
    finish(&store, "a1", 20).await;
    let record = only(&store).await;
    assert_eq!(
        (record.cost, record.reserved),
        (MicroUsd(35), MicroUsd::ZERO)
    );
    assert_eq!(
        log(&store).await[1..],
        ["ask.started t1.1", "ask.retried t1.1", "ask.finished t1.1"]
    );
    let retried = EventKind::AskRetried {
        ask: AskId::from_text("a1"),
        reason: "status 503".to_owned(),
        wait_ms: 250,
        partial: None,
    };
    assert_eq!(all_events(&store).await[2].kind, retried);
}

#[tokio::test]
async fn a_retry_that_the_budget_does_not_cover_ends_the_ask() {
    let store = store().await;
    begin(&store, "a1", 60, 100).await.unwrap();
    assert_eq!(
        refusal(retry(&store, "a1", (41, 60), 100).await),
        (60, 41, 100)
    );
    let record = only(&store).await;
    assert_eq!(
        (record.cost, record.reserved),
        (MicroUsd(41), MicroUsd::ZERO)
    );
    assert_eq!(record.error.as_deref(), Some("status 503"));
    assert_eq!(
        log(&store).await[1..],
        ["ask.started t1.1", "budget.refused t1.1", "ask.failed t1.1"]
    );
    let closed = retry(&store, "a1", (0, 0), 100).await;
    assert!(matches!(
        closed,
        Err(AskBeginError::Store(StoreError::Missing { .. }))
    ));
}

#[tokio::test]
async fn a_failed_ask_costs_what_it_must_be_taken_to_have_cost() {
    let store = store().await;
    begin(&store, "a1", 60, 100).await.unwrap();
    retry(&store, "a1", (5, 60), 100).await.unwrap();
    let id = AskId::from_text("a1");
    let broken = Broken {
        reason: "the stream broke off",
        partial: Some(b"half"),
    };
    store
        .ask_fail(&id, broken, MicroUsd(7), noon())
        .await
        .unwrap();
    let record = only(&store).await;
    assert_eq!(
        (record.cost, record.reserved),
        (MicroUsd(12), MicroUsd::ZERO)
    );
    assert_eq!(record.error.as_deref(), Some("the stream broke off"));
    let failed = EventKind::AskFailed {
        ask: id.clone(),
        stage: Stage::Code,
        error: "the stream broke off".to_owned(),
        cost: MicroUsd(12),
        partial: Some(Digest::of("half")),
    };
    assert_eq!(all_events(&store).await.pop().unwrap().kind, failed);
    let half = store
        .partial_list(&Digest::of("half").short())
        .await
        .unwrap();
    assert_eq!(half, [Digest::of("half")]);
    // Whoever knows the digest of any other content is told nothing.
    let prompt = store.partial_list(&record.prompt.short()).await.unwrap();
    assert_eq!(prompt, []);
    let late = reply(&ask("r1", "a1", 0), 1);
    let error = store
        .ask_finish(&id, &late, RunBudgets::default(), noon())
        .await
        .unwrap_err();
    assert_eq!(
        error.to_string(),
        "find the open ask a1 in the state database"
    );
    let again = store.ask_fail(&id, "".into(), MicroUsd::ZERO, noon()).await;
    assert!(matches!(again, Err(StoreError::Missing { .. })));
}

#[tokio::test]
async fn asks_of_a_dead_process_are_taken_as_spent() {
    let store = store().await;
    store.run_create(&run("r2")).await.unwrap();
    begin(&store, "a1", 60, 1000).await.unwrap();
    finish(&store, "a1", 10).await;
    begin(&store, "a2", 70, 1000).await.unwrap();
    retry(&store, "a2", (5, 80), 1000).await.unwrap();
    let elsewhere = ask("r2", "a3", 9);
    store
        .ask_begin(&elsewhere, b"", RunBudgets::default())
        .await
        .unwrap();
    let id = run_id("r1");
    assert_eq!(store.asks_recover(&id, later(4)).await.unwrap(), 1);
    let cost = store.run_cost(&id).await.unwrap();
    assert_eq!((cost.spent, cost.reserved), (MicroUsd(95), MicroUsd::ZERO));
    let listed = store.ask_list(&id).await.unwrap();
    assert_eq!(listed[1].error.as_deref(), Some("interrupted"));
    assert_eq!(log(&store).await.last().unwrap(), "ask.failed t1.1");
    assert_eq!(store.asks_recover(&id, noon()).await.unwrap(), 0);
    let other = store.run_cost(&run_id("r2")).await.unwrap();
    assert_eq!(other.reserved, MicroUsd(9));
}

#[tokio::test]
async fn the_cost_of_a_run_is_told_by_stage() {
    let store = store().await;
    let design = AskRecord {
        stage: Stage::Design,
        task: None,
        ..ask("r1", "a1", 50)
    };
    store
        .ask_begin(&design, b"", RunBudgets::default())
        .await
        .unwrap();
    finish(&store, "a1", 40).await;
    begin(&store, "a2", 30, 1000).await.unwrap();
    finish(&store, "a2", 20).await;
    begin(&store, "a3", 6, 1000).await.unwrap();
    let hit = AskRecord {
        key: design.key,
        ..ask("r1", "a4", 0)
    };
    let cached = store.reply_by_key(&hit.key).await.unwrap().unwrap();
    store.ask_hit(&hit, &cached, noon()).await.unwrap();
    let answered = reply(&design, 0);
    let code = StageCost {
        asks: 3,
        cached: 1,
        usage: answered.usage,
        cost: MicroUsd(20),
        latency_ms: 700,
    };
    let design = StageCost {
        asks: 1,
        cached: 0,
        cost: MicroUsd(40),
        ..code
    };
    let expected = RunCost {
        spent: MicroUsd(60),
        reserved: MicroUsd(6),
        asks: 4,
        cached: 1,
        stages: BTreeMap::from([(Stage::Design, design), (Stage::Code, code)]),
    };
    assert_eq!(store.run_cost(&run_id("r1")).await.unwrap(), expected);
    let nothing = store.run_cost(&run_id("r9")).await.unwrap();
    assert_eq!(nothing, RunCost::default());
    assert_eq!(
        code.usage,
        Usage {
            input: 100,
            output: 20,
            cached_input: 30,
            cache_write: 4,
            cache_write_hour: 3,
        }
    );
}

#[tokio::test]
async fn an_ask_belongs_to_a_run() {
    let store = memory().await;
    let begun = begin(&store, "a1", 1, 100).await;
    assert!(matches!(
        begun,
        Err(AskBeginError::Store(StoreError::Missing { .. }))
    ));
    assert!(all_events(&store).await.is_empty());
}

#[tokio::test]
async fn two_runs_may_ask_the_same() {
    let store = store().await;
    let other = Run { ..run("r2") };
    store.run_create(&other).await.unwrap();
    begin(&store, "a1", 1, 100).await.unwrap();
    finish(&store, "a1", 1).await;
    let same = AskRecord {
        key: ask("r1", "a1", 0).key,
        ..ask("r2", "a2", 0)
    };
    let cached = store.reply_by_key(&same.key).await.unwrap().unwrap();
    store.ask_hit(&same, &cached, noon()).await.unwrap();
    let cost = store.run_cost(&run_id("r2")).await.unwrap();
    assert_eq!((cost.asks, cost.cached, cost.spent), (1, 1, MicroUsd::ZERO));
}

#[tokio::test]
async fn a_stage_and_a_task_have_budgets_of_their_own() {
    let store = store().await;
    let of = |id: &str, stage, task: Option<&str>| AskRecord {
        stage,
        task: task.map(TaskId::from_text),
        ..ask("r1", id, 60)
    };
    let stage = RunBudgets {
        stage: Budget::of_usd(Some(MicroUsd(100))),
        ..RunBudgets::default()
    };
    let task = RunBudgets {
        task: Budget::of_usd(Some(MicroUsd(100))),
        ..RunBudgets::default()
    };
    let first = of("a1", Stage::Code, Some("t1"));
    store.ask_begin(&first, b"", stage).await.unwrap();
    for (id, record, budgets, expected) in [
        (
            "same stage",
            of("a2", Stage::Code, Some("t2")),
            stage,
            Some(Scope::Stage),
        ),
        (
            "another stage",
            of("a3", Stage::Docs, Some("t3")),
            stage,
            None,
        ),
        (
            "same task",
            of("a4", Stage::Docs, Some("t1")),
            task,
            Some(Scope::Task),
        ),
        (
            "another task",
            of("a5", Stage::Code, Some("t4")),
            task,
            None,
        ),
        ("no task", of("a6", Stage::Code, None), task, None),
    ] {
        let scope = match store.ask_begin(&record, b"", budgets).await {
            Ok(()) => None,
            Err(AskBeginError::OverBudget { scope, .. }) => Some(scope),
            Err(error) => panic!("{error}"),
        };
        assert_eq!(scope, expected, "{id}");
    }
}
