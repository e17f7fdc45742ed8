//! Money that is kept to its budgets, and lines that no crash loses.
#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

mod forgetting;

use std::{fs, path::Path};

use atelier_model::{
    AskSource, Digest, IdSource, MicroUsd, RelayId, RelayRecord, Timestamp, Usage,
};

use super::{Budgets, FOLDER, Ledger, LedgerError, ReserveError, Scope, journal};
use crate::{Store, StoredAnswer};

const DAY_MS: i64 = 86_400_000;

struct Numbered(u128);

impl IdSource for Numbered {
    fn bits(&self) -> u128 {
        self.0
    }
}

fn at(millis: i64) -> Timestamp {
    Timestamp::from_millis(millis)
}

fn record(number: u128, client: Option<&str>, reserved: u64, when: i64) -> RelayRecord {
    RelayRecord {
        id: RelayId::new(at(0), &Numbered(number)),
        client: client.map(str::to_owned),
        dialect: "chat".to_owned(),
        demand: "answer".to_owned(),
        provider: "openai".to_owned(),
        model: "m".to_owned(),
        key: Digest::of("question"),
        source: Some(AskSource::Provider),
        usage: Usage {
            input: 3,
            output: 2,
            cached_input: 0,
            cache_write: 2,
            cache_write_hour: 1,
        },
        reserved: MicroUsd(reserved),
        cost: MicroUsd::ZERO,
        saved: MicroUsd::ZERO,
        first_byte_ms: Some(1),
        latency_ms: 2,
        sendings: 1,
        status: 200,
        error: None,
        partial: None,
        decisions: Vec::new(),
        at: at(when),
    }
}

fn settled(record: &RelayRecord, cost: u64) -> RelayRecord {
    RelayRecord {
        cost: MicroUsd(cost),
        reserved: MicroUsd::ZERO,
        ..record.clone()
    }
}

const fn total(amount: u64) -> Budgets {
    Budgets {
        total: Some(MicroUsd(amount)),
        day: None,
    }
}

const fn daily(amount: u64) -> Budgets {
    Budgets {
        total: None,
        day: Some(MicroUsd(amount)),
    }
}

const NONE: Budgets = Budgets {
    total: None,
    day: None,
};

async fn in_memory(budgets: Budgets) -> Ledger {
    let store = Store::open_in_memory().await.unwrap();
    Ledger::open(&store, budgets, at(0)).await.unwrap()
}

async fn on_disk(dir: &Path, budgets: Budgets, when: i64) -> Ledger {
    let store = Store::open(dir).await.unwrap();
    Ledger::open(&store, budgets, at(when)).await.unwrap()
}

/// Requests, cost and failures that the database has.
async fn kept(store: &Store) -> (u64, u64, u64) {
    let parts = store.relay_spend_list(at(0)).await.unwrap();
    let requests = parts.iter().map(|part| part.requests).sum();
    let failed = parts.iter().map(|part| part.failed).sum();
    let cost: MicroUsd = parts.iter().map(|part| part.cost).sum();
    (requests, cost.0, failed)
}

#[tokio::test]
async fn of_many_at_once_as_many_pass_as_the_budget_covers() {
    let ledger = in_memory(total(100)).await;
    let mut tasks = tokio::task::JoinSet::new();
    for number in 0..64 {
        let ledger = ledger.clone();
        tasks.spawn(async move { ledger.reserve(&record(number, None, 100, 0), NONE) });
    }
    let passed = tasks.join_all().await;
    assert_eq!(passed.iter().filter(|passed| passed.is_ok()).count(), 1);
    assert_eq!(ledger.taken(), MicroUsd(100));
}

#[tokio::test]
async fn what_is_not_spent_goes_back_and_what_is_dropped_is_spent() {
    let ledger = in_memory(total(100)).await;
    let first = record(1, None, 80, 0);
    let reservation = ledger.reserve(&first, NONE).unwrap();
    ledger
        .settle(&settled(&first, 30), Some(reservation))
        .unwrap();
    assert_eq!(ledger.taken(), MicroUsd(30));
    drop(ledger.reserve(&record(2, None, 60, 0), NONE).unwrap());
    assert_eq!(ledger.taken(), MicroUsd(90));
    let refused = ledger.reserve(&record(3, None, 11, 0), NONE).unwrap_err();
    let said = "keep to the budget of $0.000100: $0.000090 is spent or reserved and this may \
                cost $0.000011";
    assert_eq!(refused.to_string(), said);
}

#[tokio::test]
async fn what_costs_more_than_was_reserved_is_spent_too() {
    let ledger = in_memory(total(100)).await;
    let first = record(1, Some("laptop"), 10, 0);
    let reservation = ledger.reserve(&first, total(80)).unwrap();
    ledger
        .settle(&settled(&first, 75), Some(reservation))
        .unwrap();
    assert_eq!(ledger.taken(), MicroUsd(75));
    let of = |error: ReserveError| match error {
        ReserveError::OverBudget(refused) => (refused.scope, refused.taken),
        ReserveError::Journal(error) => panic!("{error}"),
    };
    let own = ledger.reserve(&record(2, Some("laptop"), 6, 0), total(80));
    assert_eq!(of(own.unwrap_err()), (Scope::Client, MicroUsd(75)));
    let all = ledger.reserve(&record(3, None, 26, 0), NONE);
    assert_eq!(of(all.unwrap_err()), (Scope::Everyone, MicroUsd(75)));
}

#[tokio::test]
async fn budgets_are_of_clients_and_of_days() {
    let cases = [
        (total(10), NONE, 10, 0, Some(Scope::Everyone)),
        (daily(10), NONE, 10, 0, Some(Scope::EveryoneDay)),
        (daily(10), NONE, 10, DAY_MS, None),
        (NONE, total(10), 10, DAY_MS, Some(Scope::Client)),
        (NONE, daily(10), 10, DAY_MS - 1, Some(Scope::ClientDay)),
        (NONE, daily(10), 10, DAY_MS, None),
        (NONE, daily(20), 10, 0, None),
    ];
    for (everyone, client, cost, when, expected) in cases {
        let ledger = in_memory(everyone).await;
        let first = record(1, Some("a"), cost, 0);
        let taken = ledger.reserve(&first, client).unwrap();
        ledger.settle(&settled(&first, cost), Some(taken)).unwrap();
        let second = ledger.reserve(&record(2, Some("a"), cost, when), client);
        let scope = match second {
            Ok(_) => None,
            Err(ReserveError::OverBudget(over)) => Some(over.scope),
            Err(ReserveError::Journal(_)) => unreachable!("nothing is on disk"),
        };
        assert_eq!(scope, expected, "{everyone:?} {client:?} {when}");
        let is_own = matches!(expected, Some(Scope::Client | Scope::ClientDay));
        let other = ledger.reserve(&record(3, Some("b"), 1, when), client);
        assert!(
            !is_own || other.is_ok(),
            "what one client spends is its own"
        );
    }
}

#[tokio::test]
async fn a_client_that_has_nothing_left_is_not_admitted() {
    let ledger = in_memory(NONE).await;
    let first = record(1, Some("a"), 10, 0);
    assert!(ledger.admit(&first, total(10)).is_ok());
    drop(ledger.reserve(&first, total(10)).unwrap());
    assert!(ledger.admit(&first, total(10)).is_err());
    assert!(ledger.admit(&record(2, Some("b"), 0, 0), total(10)).is_ok());
}

#[tokio::test]
async fn what_a_dead_process_left_is_kept_once_and_its_reservations_are_spent() {
    let dir = tempfile::tempdir().unwrap();
    let ledger = on_disk(dir.path(), NONE, 0).await;
    let (done, cut) = (
        record(1, Some("a"), 50, 0),
        record(2, Some("a"), 70, DAY_MS),
    );
    let taken = ledger.reserve(&done, NONE).unwrap();
    ledger.settle(&settled(&done, 20), Some(taken)).unwrap();
    ledger.fold().await.unwrap();
    drop(ledger.reserve(&cut, NONE).unwrap());
    let free = record(3, None, 0, DAY_MS);
    ledger.settle(&settled(&free, 0), None).unwrap();
    // The journal of a process that is killed looks the same: nothing is written at its end.
    drop(ledger);
    let again = on_disk(dir.path(), daily(100), DAY_MS).await;
    assert_eq!(kept(again.store()).await, (3, 90, 1));
    let late = record(4, Some("a"), 31, DAY_MS);
    assert!(again.reserve(&late, NONE).is_err(), "70 are spent today");
    let more = record(5, Some("a"), 11, DAY_MS);
    assert!(again.reserve(&more, total(100)).is_err(), "90 are spent");
    drop(again.reserve(&more, total(101)).unwrap());
}

#[tokio::test]
async fn a_journal_cut_anywhere_loses_no_line_before_the_cut() {
    let dir = tempfile::tempdir().unwrap();
    let ledger = on_disk(dir.path(), NONE, 0).await;
    for number in 0..3 {
        let one = record(number, None, 10, 0);
        let taken = ledger.reserve(&one, NONE).unwrap();
        ledger.settle(&settled(&one, 4), Some(taken)).unwrap();
    }
    drop(ledger);
    let path = dir.path().join(FOLDER).join("00000001.journal");
    let all = fs::read(&path).unwrap();
    let ends: Vec<usize> = (0..all.len()).filter(|at| all[*at] == b'\n').collect();
    for cut in 0..=all.len() {
        fs::write(&path, &all[..cut]).unwrap();
        // The last line needs no line end to be whole.
        let lines = ends.iter().filter(|end| **end <= cut).count() as u64;
        let left = journal::left_behind(path.parent().unwrap()).unwrap();
        let cost: MicroUsd = left.iter().map(|one| one.cost).sum();
        assert_eq!(left.len() as u64, lines.div_ceil(2), "{cut}");
        assert_eq!(cost.0, lines / 2 * 4 + lines % 2 * 10, "{cut}");
    }
}

#[tokio::test]
async fn segments_go_when_they_are_folded_and_what_is_open_is_carried_on() {
    let dir = tempfile::tempdir().unwrap();
    let ledger = on_disk(dir.path(), NONE, 0).await;
    let open = record(0, None, 9, 0);
    let kept_open = ledger.reserve(&open, NONE).unwrap();
    let mut count = 1;
    let segments = || {
        let entries = fs::read_dir(dir.path().join(FOLDER)).unwrap();
        entries.count() - 1
    };
    while segments() < 3 {
        ledger
            .settle(&settled(&record(count, None, 0, 0), 1), None)
            .unwrap();
        count += 1;
    }
    ledger.fold().await.unwrap();
    assert_eq!(segments(), 1);
    drop((kept_open, ledger));
    let again = on_disk(dir.path(), NONE, 0).await;
    let (requests, cost, failed) = kept(again.store()).await;
    assert_eq!(u128::from(requests), count);
    assert_eq!(u128::from(cost), count - 1 + 9);
    assert_eq!(failed, 1);
}

#[tokio::test]
async fn a_ledger_is_kept_by_one_process_and_its_journal_goes_with_it() {
    let dir = tempfile::tempdir().unwrap();
    let ledger = on_disk(dir.path(), NONE, 0).await;
    let second = Ledger::open(ledger.store(), NONE, at(0)).await;
    assert!(matches!(second, Err(LedgerError::Lock(_))));
    Ledger::recover(ledger.store()).await.unwrap();
    let one = record(1, None, 0, 0);
    ledger.settle(&settled(&one, 0), None).unwrap();
    ledger.keep(async {}, |_| {}).await.unwrap();
    assert_eq!(kept(ledger.store()).await, (1, 0, 0));
    assert!(!dir.path().join(FOLDER).join("00000001.journal").exists());
}

fn answer(bytes: usize, when: i64) -> StoredAnswer {
    StoredAnswer {
        bytes: vec![b'x'; bytes],
        provider: "openai".to_owned(),
        model: "m".to_owned(),
        usage: Some(Usage {
            input: 3,
            output: 2,
            cached_input: 0,
            cache_write: 2,
            cache_write_hour: 1,
        }),
        at: at(when),
    }
}

#[tokio::test]
async fn an_answer_is_found_by_the_next_process_for_a_week() {
    let dir = tempfile::tempdir().unwrap();
    let ledger = on_disk(dir.path(), NONE, 0).await;
    let (key, other) = (Digest::of("key"), Digest::of("other"));
    ledger.answer_keep(key, answer(10, 0));
    ledger.fold().await.unwrap();
    // The same request again, with another answer.
    ledger.answer_keep(key, answer(11, 5));
    ledger.answer_keep(other, answer(11, 5));
    ledger.fold().await.unwrap();
    drop(ledger);
    let again = on_disk(dir.path(), NONE, 0).await;
    let found = again.answer(&key, at(7 * DAY_MS)).await.unwrap();
    assert_eq!(found, Some(answer(11, 5)));
    let late = again.answer(&key, at(7 * DAY_MS + 6)).await.unwrap();
    assert_eq!(late, None);
    again.store().answers_remove(&[key]).await.unwrap();
    // Two requests had one content, which stays for the other.
    let kept = again.answer(&other, at(6)).await.unwrap();
    assert_eq!(kept, Some(answer(11, 5)));
    again.store().answers_remove(&[other]).await.unwrap();
    assert_eq!(again.store().answer_fetch(&other).await.unwrap(), None);
}

#[tokio::test]
async fn answers_that_no_room_is_left_for_are_not_kept() {
    let ledger = in_memory(NONE).await;
    let half = (16 << 20) / 2 + 1;
    for number in 0..3_u8 {
        ledger.answer_keep(Digest::of([number]), answer(half, 0));
    }
    ledger.fold().await.unwrap();
    let sizes = ledger.store().answer_sizes().await.unwrap();
    assert_eq!(sizes, [(Digest::of([0]), half as u64)]);
}

#[tokio::test]
async fn a_reservation_whose_end_comes_later_stays_open_until_then() {
    let dir = tempfile::tempdir().unwrap();
    let ledger = on_disk(dir.path(), NONE, 0).await;
    let (late, never) = (record(1, None, 50, 0), record(2, None, 70, 0));
    let reservation = ledger.reserve(&late, NONE).unwrap();
    drop(ledger.reserve(&never, NONE).unwrap());
    ledger.fold().await.unwrap();
    let state = ledger.inner.folded.lock().await.open_count();
    assert_eq!(state, 2);
    ledger
        .settle(&settled(&late, 20), Some(reservation))
        .unwrap();
    ledger.fold().await.unwrap();
    let state = ledger.inner.folded.lock().await.open_count();
    assert_eq!((state, kept(ledger.store()).await), (1, (1, 20, 0)));
}

#[tokio::test]
async fn however_many_requests_end_between_two_foldings_each_is_kept_and_audited_once() {
    let ledger = in_memory(NONE).await;
    let mut ended = 0;
    // Rows go in groups of 64, of 8 and alone; none of them may be left out or come twice.
    for count in [1, 7, 64, 137] {
        for _ in 0..count {
            ended += 1;
            let record = record(ended, None, 0, 0);
            ledger.settle(&record, None).unwrap();
        }
        ledger.fold().await.unwrap();
        let (requests, ..) = kept(ledger.store()).await;
        assert_eq!(u128::from(requests), ended);
        let rows = ledger.store().audit_rows(0, 10_000).await.unwrap();
        let numbers: Vec<u64> = rows.iter().map(|row| row.seq).collect();
        assert_eq!(numbers, (1..=requests).collect::<Vec<_>>());
    }
}

#[tokio::test]
async fn a_folding_that_is_dropped_anywhere_is_made_good_by_the_next() {
    let dir = tempfile::tempdir().unwrap();
    let ledger = on_disk(dir.path(), NONE, 0).await;
    let rounds = 120;
    for round in 0..rounds {
        let one = record(round, None, 0, 0);
        ledger.settle(&settled(&one, 5), None).unwrap();
        let turns = async {
            for _ in 0..round {
                tokio::task::yield_now().await;
            }
        };
        tokio::select! {
            biased;
            folded = ledger.fold() => folded.unwrap(),
            () = turns => {}
        }
        if round % 3 == 0 {
            ledger.fold().await.unwrap();
        }
    }
    ledger.fold().await.unwrap();
    let (requests, cost, _) = kept(ledger.store()).await;
    assert_eq!(u128::from(requests), rounds);
    assert_eq!(u128::from(cost), rounds * 5);
}

#[tokio::test]
async fn what_cannot_be_brought_into_the_database_is_told_once() {
    let folder = tempfile::tempdir().unwrap();
    let store = Store::open(folder.path()).await.unwrap();
    let ledger = Ledger::open(&store, Budgets::default(), at(0))
        .await
        .unwrap();
    ledger.settle(&record(1, None, 0, 1), None).unwrap();
    store.close().await;
    let times = std::cell::Cell::new(0);
    let is_told = tokio::sync::Notify::new();
    let kept = ledger.keep(is_told.notified(), |_| {
        times.set(times.get() + 1);
        is_told.notify_one();
    });
    assert!(kept.await.is_err());
    assert_eq!(times.get(), 1);
}
