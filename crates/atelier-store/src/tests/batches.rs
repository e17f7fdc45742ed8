//! Batches: one claim, one reservation, and money that keeps to its day.
#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

use atelier_model::{Digest, MicroUsd, RelayId, RelayRecord, Usage};
use futures_util::future::join_all;

use super::{later, memory, noon};
use crate::{Batch, BatchBegun, BatchState, Budgets, Ledger, ReserveError, Scope};

/// A batch of two questions that may cost 100.
fn batch(id: &str, questions: &str) -> Batch {
    Batch {
        id: id.to_owned(),
        provider: "anthropic".to_owned(),
        model: "m".to_owned(),
        questions: Digest::of(questions),
        custom_ids: vec!["a".to_owned(), "b".to_owned()],
        vendor_id: None,
        state: BatchState::Sending,
        succeeded: 0,
        failed: 0,
        usage: Usage::default(),
        reserved: MicroUsd(100),
        cost: MicroUsd::ZERO,
        ordered_at: None,
        key_name: Some("key".to_owned()),
        hidden: None,
        created_at: noon(),
        updated_at: noon(),
    }
}

const fn day(amount: u64) -> Budgets {
    Budgets {
        total: None,
        day: Some(MicroUsd(amount)),
    }
}

#[tokio::test]
async fn of_many_batches_as_many_pass_as_the_day_covers() {
    let store = memory().await;
    let ask = |number: u32| {
        let store = store.clone();
        async move {
            let name = format!("{number:02}");
            let mut batch = batch(&name, &name);
            store.batch_begin(&mut batch, None, day(250), false).await
        }
    };
    let begun = join_all((0..64).map(ask)).await;
    let begun: Vec<BatchBegun> = begun.into_iter().map(Result::unwrap).collect();
    let passed = begun.iter().filter(|begun| **begun == BatchBegun::New);
    assert_eq!(passed.count(), 2);
    let refused = begun.iter().find_map(|begun| match begun {
        BatchBegun::OverBudget(over) => Some(*over),
        BatchBegun::New | BatchBegun::Same(_) => None,
    });
    let refused = refused.unwrap();
    assert_eq!(
        (refused.scope, refused.taken),
        (Scope::EveryoneDay, MicroUsd(200))
    );
    // What is settled for less leaves room.
    let mut listed = store.batch_list("", 64).await.unwrap();
    for batch in &mut listed {
        (batch.reserved, batch.cost) = (MicroUsd::ZERO, MicroUsd(60));
        batch.state = BatchState::Collected;
        store.batch_update(batch).await.unwrap();
    }
    assert_eq!(ask(64).await.unwrap(), BatchBegun::New);
    let whole = Budgets {
        total: Some(MicroUsd(99)),
        day: None,
    };
    let mut dear = batch("dear", "dear");
    let begun = store.batch_begin(&mut dear, None, whole, false).await;
    assert!(
        matches!(begun.unwrap(), BatchBegun::OverBudget(over) if over.scope == Scope::Everyone)
    );
}

#[tokio::test]
async fn a_gateway_finds_what_batches_have_taken_of_the_day() {
    let store = memory().await;
    let mut one = batch("one", "one");
    store
        .batch_begin(&mut one, None, Budgets::default(), false)
        .await
        .unwrap();
    let ledger = Ledger::open(&store, day(150), later(1)).await.unwrap();
    let record = RelayRecord {
        id: RelayId::from_text("r"),
        client: None,
        dialect: "chat".to_owned(),
        demand: "answer".to_owned(),
        provider: "openai".to_owned(),
        model: "m".to_owned(),
        key: Digest::of("question"),
        source: None,
        usage: Usage::default(),
        reserved: MicroUsd(51),
        cost: MicroUsd::ZERO,
        saved: MicroUsd::ZERO,
        first_byte_ms: None,
        latency_ms: 0,
        sendings: 0,
        status: 200,
        error: None,
        partial: None,
        decisions: Vec::new(),
        at: later(2),
    };
    let refused = ledger.reserve(&record, Budgets::default()).unwrap_err();
    let ReserveError::OverBudget(over) = refused else {
        unreachable!("only the budget refuses here");
    };
    assert_eq!(
        (over.scope, over.taken),
        (Scope::EveryoneDay, MicroUsd(100))
    );
}

#[tokio::test]
async fn of_many_who_would_order_one_batch_one_does() {
    let store = memory().await;
    let mut one = batch("one", "same");
    let begun = store.batch_begin(&mut one, Some(b"hidden"), Budgets::default(), false);
    assert_eq!(begun.await.unwrap(), BatchBegun::New);
    let claims = join_all((0..64).map(|_| store.batch_order("one", later(1)))).await;
    let claimed = claims.into_iter().filter(|claim| *claim.as_ref().unwrap());
    assert_eq!(claimed.count(), 1);
    // Whoever has the claim may have sent it, so nobody takes it away.
    assert!(!store.batch_drop("one", later(2)).await.unwrap());
    let mut again = batch("two", "same");
    let begun = store.batch_begin(&mut again, None, Budgets::default(), false);
    let BatchBegun::Same(same) = begun.await.unwrap() else {
        unreachable!("the same questions are there");
    };
    assert_eq!(same.ordered_at, Some(later(1)));
    assert_eq!(
        (same.id.as_str(), same.key_name.as_deref()),
        ("one", Some("key"))
    );
    let hidden = store.blob_fetch(&same.hidden.unwrap()).await.unwrap();
    assert_eq!(hidden.as_deref(), Some(&b"hidden"[..]));
}

#[tokio::test]
async fn a_batch_that_never_went_out_is_dropped_once_and_can_be_ordered_no_more() {
    let store = memory().await;
    let mut one = batch("one", "same");
    store
        .batch_begin(&mut one, None, day(100), false)
        .await
        .unwrap();
    assert!(store.batch_drop("one", later(1)).await.unwrap());
    assert!(!store.batch_drop("one", later(1)).await.unwrap());
    assert!(!store.batch_order("one", later(2)).await.unwrap());
    // Its money is free, and its questions may be sent.
    let mut two = batch("two", "same");
    let begun = store.batch_begin(&mut two, None, day(100), false).await;
    assert_eq!(begun.unwrap(), BatchBegun::New);
}

#[tokio::test]
async fn the_tokens_of_a_batch_come_back_as_they_were_counted() {
    let store = memory().await;
    let mut one = batch("one", "same");
    store
        .batch_begin(&mut one, None, Budgets::default(), false)
        .await
        .unwrap();
    one.usage = Usage {
        input: 100,
        output: 20,
        cached_input: 30,
        cache_write: 4,
        cache_write_hour: 3,
    };
    one.state = BatchState::Collected;
    one.reserved = MicroUsd::ZERO;
    store.batch_update(&one).await.unwrap();
    assert_eq!(store.batch_list("one", 1).await.unwrap(), [one]);
}
