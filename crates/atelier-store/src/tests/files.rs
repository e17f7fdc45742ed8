//! The store on disk: its folder, its settings, its lock, other processes, a full disk.
#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

use std::{fs, path::Path};

use atelier_model::{EventKind, MicroUsd, RunFact, RunStatus, Stage};
use futures_util::future;

use super::{ask, log, noon, prompt, reply, run, run_id};
use crate::{OpenError, RunBudgets, Store, StoreError};

async fn open(dir: &Path) -> Store {
    Store::open(dir).await.unwrap()
}

#[tokio::test]
async fn opening_makes_a_folder_that_git_ignores() {
    let home = tempfile::tempdir().unwrap();
    let dir = home.path().join("project/.atelier");
    let store = open(&dir).await;
    assert_eq!(fs::read_to_string(dir.join(".gitignore")).unwrap(), "*\n");
    assert!(dir.join("state.db").is_file());
    store.close().await;
    fs::write(dir.join(".gitignore"), "mine\n").unwrap();
    open(&dir).await;
    assert_eq!(
        fs::read_to_string(dir.join(".gitignore")).unwrap(),
        "mine\n"
    );
}

#[tokio::test]
async fn a_folder_that_cannot_be_made_is_named() {
    let home = tempfile::tempdir().unwrap();
    let file = home.path().join("file");
    fs::write(&file, "").unwrap();
    let error = Store::open(&file.join(".atelier")).await.unwrap_err();
    let OpenError::Create { path, .. } = error else {
        panic!("{error}");
    };
    assert_eq!(path, file.join(".atelier"));
}

#[tokio::test]
async fn the_settings_are_those_that_lose_nothing() {
    let home = tempfile::tempdir().unwrap();
    let store = open(home.path()).await;
    let text = async |pragma: &'static str| -> String {
        let value = sqlx::query_scalar(pragma).fetch_one(store.writer()).await;
        value.unwrap()
    };
    let number = async |pragma: &'static str| -> i64 {
        let value = sqlx::query_scalar(pragma).fetch_one(store.writer()).await;
        value.unwrap()
    };
    assert_eq!(text("PRAGMA journal_mode").await, "wal");
    assert_eq!(number("PRAGMA synchronous").await, 2);
    assert_eq!(number("PRAGMA foreign_keys").await, 1);
    assert_eq!(number("PRAGMA busy_timeout").await, 10_000);
    let read_only = sqlx::query("DELETE FROM runs")
        .execute(store.readers())
        .await;
    assert!(read_only.is_err());
}

#[tokio::test]
async fn what_was_stored_is_there_after_reopening() {
    let home = tempfile::tempdir().unwrap();
    let store = open(home.path()).await;
    store.run_create(&run("r1")).await.unwrap();
    store.close().await;
    let store = open(home.path()).await;
    assert_eq!(store.run_fetch(&run_id("r1")).await.unwrap(), run("r1"));
    assert_eq!(*store.event_watch().borrow(), 1);
    store
        .run_advance(&run_id("r1"), RunFact::Ended, noon())
        .await
        .unwrap();
    assert_eq!(store.events_verify().await.unwrap(), 2);
}

/// Opens the same new folder from many tasks at once, each with connections of its own.
#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn stores_that_open_a_new_folder_at_once_all_succeed() {
    let home = tempfile::tempdir().unwrap();
    let stores = future::join_all((0..8).map(|_| Store::open(home.path()))).await;
    let stores: Vec<Store> = stores.into_iter().map(Result::unwrap).collect();
    let writes = stores
        .iter()
        .enumerate()
        .map(|(number, store)| async move { store.run_create(&run(&format!("r{number}"))).await });
    for written in future::join_all(writes).await {
        written.unwrap();
    }
    assert_eq!(stores[0].run_list(99).await.unwrap().len(), 8);
    assert!(!home.path().join("backups").exists());
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn two_stores_on_one_file_write_one_gapless_log() {
    let home = tempfile::tempdir().unwrap();
    let (first, second) = (open(home.path()).await, open(home.path()).await);
    let writes = (0..60).map(|number| {
        let store = [&first, &second][number % 2];
        let kind = EventKind::Warning {
            message: number.to_string(),
        };
        store.event_append(None, None, kind, noon())
    });
    let mut seqs: Vec<u64> = future::join_all(writes)
        .await
        .into_iter()
        .map(Result::unwrap)
        .collect();
    seqs.sort_unstable();
    assert_eq!(seqs, (1..=60).collect::<Vec<u64>>());
    assert_eq!(first.events_verify().await.unwrap(), 60);
    assert_eq!(log(&second).await.len(), 60);
}

/// Two processes that share a budget cannot spend it twice.
#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn two_stores_share_one_budget() {
    let home = tempfile::tempdir().unwrap();
    let (first, second) = (open(home.path()).await, open(home.path()).await);
    first.run_create(&run("r1")).await.unwrap();
    let asks = (0..40).map(|number| {
        let store = [&first, &second][number % 2];
        async move {
            let record = ask("r1", &format!("a{number}"), 7);
            store
                .ask_begin(&record, b"", Some(MicroUsd(100)).into())
                .await
        }
    });
    let begun = future::join_all(asks).await;
    assert_eq!(begun.iter().filter(|ask| ask.is_ok()).count(), 14);
    let cost = first.run_cost(&run_id("r1")).await.unwrap();
    assert_eq!(cost.reserved, MicroUsd(98));
}

/// Lets the database grow by four more pages, as if the disk had room for no more.
async fn fill_disk(store: &Store) {
    let pages: i64 = sqlx::query_scalar("PRAGMA page_count")
        .fetch_one(store.writer())
        .await
        .unwrap();
    let limit = sqlx::AssertSqlSafe(format!("PRAGMA max_page_count = {}", pages + 4));
    sqlx::query(limit).execute(store.writer()).await.unwrap();
}

#[tokio::test]
async fn a_full_disk_is_named_and_changes_nothing() {
    let home = tempfile::tempdir().unwrap();
    let store = open(home.path()).await;
    store.run_create(&run("r1")).await.unwrap();
    let events = log(&store).await;
    let large = vec![7; 1024 * 1024];

    fill_disk(&store).await;
    let error = store.blob_put(&large).await.unwrap_err();
    assert!(matches!(error, StoreError::Full(_)), "{error:?}");
    assert_eq!(
        error.to_string(),
        "write the state database: the disk is full"
    );

    // The next change has a connection of its own, which knows nothing of the full disk.
    drop(store.write().await.unwrap());
    fill_disk(&store).await;
    // Here the event is appended before the row that does not fit.
    let refused = store
        .artifact_put(
            &run_id("r1"),
            Stage::Design,
            &"n".repeat(1 << 20),
            b"",
            "",
            None,
            noon(),
        )
        .await;
    assert!(matches!(refused, Err(StoreError::Full(_))), "{refused:?}");
    assert_eq!(log(&store).await, events);

    let record = ask("r1", "a1", 5);
    store
        .ask_begin(&record, &prompt("a1"), RunBudgets::default())
        .await
        .unwrap();
    store
        .ask_finish(
            &record.id,
            &reply(&record, 4),
            RunBudgets::default(),
            noon(),
        )
        .await
        .unwrap();
    assert_eq!(store.events_verify().await.unwrap(), 3);
}

#[tokio::test]
async fn a_database_that_another_process_holds_is_busy() {
    let home = tempfile::tempdir().unwrap();
    let (first, second) = (open(home.path()).await, open(home.path()).await);
    sqlx::query("PRAGMA busy_timeout = 1")
        .execute(second.writer())
        .await
        .unwrap();
    let held = first.write().await.unwrap();
    let error = second.run_create(&run("r1")).await.unwrap_err();
    assert!(matches!(error, StoreError::Busy(_)), "{error:?}");
    assert!(second.run_list(1).await.unwrap().is_empty());
    drop(held);
    second.run_create(&run("r1")).await.unwrap();
}

#[tokio::test]
async fn a_file_that_is_no_database_is_reported_as_damaged() {
    let home = tempfile::tempdir().unwrap();
    fs::write(home.path().join("state.db"), "not a database ".repeat(500)).unwrap();
    let error = Store::open(home.path()).await.unwrap_err();
    let damaged = matches!(error, OpenError::Store(StoreError::Corrupt { .. }));
    assert!(damaged, "{error:?}");
}

#[tokio::test]
async fn a_status_no_version_knows_is_reported_as_damaged() {
    let store = super::memory().await;
    store.run_create(&run("r1")).await.unwrap();
    for sql in [
        "PRAGMA ignore_check_constraints = ON",
        "UPDATE runs SET status = 'asleep'",
    ] {
        sqlx::query(sql).execute(store.writer()).await.unwrap();
    }
    let error = store.run_fetch(&run_id("r1")).await.unwrap_err();
    assert_eq!(
        error.to_string(),
        "read the state database: the status of a run is damaged"
    );
}

#[tokio::test]
async fn a_change_that_is_dropped_half_way_leaves_nothing() {
    let home = tempfile::tempdir().unwrap();
    let store = open(home.path()).await;
    let mut write = store.write().await.unwrap();
    let kind = EventKind::Warning {
        message: "never".to_owned(),
    };
    write.event(None, None, kind, noon()).await.unwrap();
    drop(write);
    store.run_create(&run("r1")).await.unwrap();
    assert_eq!(log(&store).await, ["run.created"]);
    assert_eq!(
        store.run_fetch(&run_id("r1")).await.unwrap().status,
        RunStatus::Planning
    );
}
