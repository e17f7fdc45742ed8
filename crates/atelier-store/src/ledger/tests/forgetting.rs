//! Rows of long ago go, and no sum changes.

use proptest::prelude::*;

use super::*;
use crate::{Batch, BatchBegun, BatchState, RelaySpend};

/// A request that has ended, drawn by chance.
#[derive(Debug, Clone)]
struct Drawn {
    client: Option<&'static str>,
    model: &'static str,
    source: Option<AskSource>,
    failed: bool,
    amounts: (u64, u64, u64),
    day: i64,
}

fn drawn() -> impl Strategy<Value = Drawn> {
    let client = prop::sample::select(vec![None, Some("laptop"), Some("server")]);
    let model = prop::sample::select(vec!["large", "small"]);
    let source = prop::sample::select(vec![
        None,
        Some(AskSource::Provider),
        Some(AskSource::Cache),
        Some(AskSource::Semantic),
    ]);
    let amounts = (0..1_000_u64, 0..1_000_u64, 0..1_000_u64);
    (client, model, source, any::<bool>(), amounts, 0..6_i64).prop_map(
        |(client, model, source, failed, amounts, day)| Drawn {
            client,
            model,
            source,
            failed,
            amounts,
            day,
        },
    )
}

impl Drawn {
    fn record(&self, number: u128) -> RelayRecord {
        let (cost, saved, tokens) = self.amounts;
        RelayRecord {
            model: self.model.to_owned(),
            source: self.source,
            error: self.failed.then(|| "it broke off".to_owned()),
            cost: MicroUsd(cost),
            saved: MicroUsd(saved),
            usage: Usage {
                input: tokens,
                output: tokens / 2,
                cached_input: tokens / 3,
                cache_write: tokens / 4,
                cache_write_hour: tokens / 5,
            },
            reserved: MicroUsd::ZERO,
            ..record(number, self.client, 0, self.day * DAY_MS + 7)
        }
    }
}

/// What the store says of everything and of a late day, and what clients have left to spend.
async fn said(ledger: &Ledger) -> (Vec<RelaySpend>, Vec<RelaySpend>, Vec<(u64, u64)>) {
    let store = ledger.store();
    let all = store.relay_spend_list(at(0)).await.unwrap();
    let late = store.relay_spend_list(at(4 * DAY_MS)).await.unwrap();
    let spent = store.relay_client_spend(at(4 * DAY_MS)).await.unwrap();
    let spent = spent.iter().map(|one| (one.total.0, one.today.0));
    (all, late, spent.collect())
}

fn runtime() -> tokio::runtime::Runtime {
    let mut builder = tokio::runtime::Builder::new_current_thread();
    builder.enable_all().build().unwrap()
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 32, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn forgetting_changes_no_sum(
        requests in prop::collection::vec(drawn(), 1..60),
        days in prop::collection::vec(0..6_i64, 1..4),
    ) {
        runtime().block_on(async {
            let ledger = in_memory(NONE).await;
            for (number, drawn) in (0..).zip(&requests) {
                ledger.settle(&drawn.record(number), None).unwrap();
            }
            ledger.fold().await.unwrap();
            let before = said(&ledger).await;
            let (mut gone, mut last) = (0, 0);
            for day in days {
                // Anywhere in the day: what is left begins with its midnight.
                gone += ledger.forget(at(day * DAY_MS + 5)).await.unwrap();
                last = last.max(day);
                prop_assert_eq!(&said(&ledger).await, &before);
            }
            let old = requests.iter().filter(|drawn| drawn.day < last).count();
            prop_assert_eq!(gone, u64::try_from(old).unwrap());
            Ok(())
        })?;
    }
}

#[tokio::test]
async fn more_rows_than_one_transaction_takes_all_go() {
    let ledger = in_memory(NONE).await;
    for number in 0..2_500 {
        let one = record(number, Some("laptop"), 0, 0);
        ledger.settle(&settled(&one, 2), None).unwrap();
    }
    ledger
        .settle(&settled(&record(9_999, None, 0, DAY_MS), 1), None)
        .unwrap();
    assert_eq!(ledger.forget(at(DAY_MS)).await.unwrap(), 2_500);
    assert_eq!(kept(ledger.store()).await, (2_501, 5_001, 0));
    assert_eq!(ledger.forget(at(DAY_MS)).await.unwrap(), 0);
}

#[tokio::test]
async fn a_process_that_is_killed_after_forgetting_counts_nothing_twice() {
    let dir = tempfile::tempdir().unwrap();
    let ledger = on_disk(dir.path(), NONE, 0).await;
    let open = record(0, Some("laptop"), 9, 0);
    let kept_open = ledger.reserve(&open, NONE).unwrap();
    for number in 1..=10 {
        let one = record(number, Some("laptop"), 0, 0);
        ledger.settle(&settled(&one, 2), None).unwrap();
    }
    assert_eq!(ledger.forget(at(3 * DAY_MS)).await.unwrap(), 10);
    drop((kept_open, ledger));
    let again = on_disk(dir.path(), NONE, 3 * DAY_MS).await;
    // Ten that have ended, and the open one, which must be taken to have cost all of it.
    assert_eq!(kept(again.store()).await, (11, 29, 1));
    let refused = again.reserve(&record(11, Some("laptop"), 2, 3 * DAY_MS), total(30));
    let Err(ReserveError::OverBudget(refused)) = refused else {
        panic!("{refused:?}");
    };
    assert_eq!(refused.taken, MicroUsd(29));
}

#[tokio::test]
async fn halves_of_answers_go_with_their_day() {
    let ledger = in_memory(NONE).await;
    let old = ledger.partial_keep(b"old half".to_vec(), at(5)).unwrap();
    let new = ledger
        .partial_keep(b"new half".to_vec(), at(DAY_MS))
        .unwrap();
    ledger.forget(at(DAY_MS)).await.unwrap();
    let store = ledger.store();
    assert_eq!(store.blob_fetch(&old).await.unwrap(), None);
    assert_eq!(store.partial_list(&old.to_string()).await.unwrap(), []);
    let kept = store.blob_fetch(&new).await.unwrap();
    assert_eq!(kept.as_deref(), Some(&b"new half"[..]));
}

#[tokio::test]
async fn halves_of_answers_are_bounded_while_they_wait() {
    let ledger = in_memory(NONE).await;
    let half = |number: usize| ledger.partial_keep(number.to_string().into_bytes(), at(0));
    assert!((0..256).all(|number| half(number).is_some()));
    assert_eq!(half(256), None);
    ledger.fold().await.unwrap();
    let after = half(256).unwrap();
    assert_eq!(after, Digest::of("256"));
}

#[tokio::test]
async fn a_gateway_that_runs_learns_what_batches_take_of_the_day() {
    let ledger = in_memory(daily(100)).await;
    let mut batch = Batch {
        id: "one".to_owned(),
        provider: "anthropic".to_owned(),
        model: "m".to_owned(),
        questions: Digest::of("questions"),
        custom_ids: Vec::new(),
        vendor_id: None,
        state: BatchState::Sending,
        succeeded: 0,
        failed: 0,
        usage: Usage::default(),
        reserved: MicroUsd(70),
        cost: MicroUsd::ZERO,
        ordered_at: None,
        key_name: None,
        hidden: None,
        created_at: at(DAY_MS + 1),
        updated_at: at(DAY_MS + 1),
    };
    let begun = ledger.store().batch_begin(&mut batch, None, NONE, false);
    assert_eq!(begun.await.unwrap(), BatchBegun::New);
    let refused = |number, when| ledger.reserve(&record(number, None, 40, when), NONE).err();
    ledger.look().await.unwrap();
    let Some(ReserveError::OverBudget(over)) = refused(1, DAY_MS + 2) else {
        panic!("the batch takes 70 of 100");
    };
    assert_eq!((over.scope, over.taken), (Scope::EveryoneDay, MicroUsd(70)));
    // Another day is another budget, and what the batch gives back is free again.
    assert!(refused(2, 2 * DAY_MS).is_none());
    batch.reserved = MicroUsd::ZERO;
    batch.cost = MicroUsd(20);
    ledger.store().batch_update(&batch).await.unwrap();
    ledger.look().await.unwrap();
    let over = refused(3, DAY_MS + 3);
    assert!(over.is_none(), "{over:?}");
}
