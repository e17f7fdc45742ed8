//! The event log: numbering, paging, watching, and the chain that shows every change to it.
#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

use atelier_model::{Event, EventKind};

use super::{later, memory, noon, run, run_id, task_id};
use crate::{ChainError, Store};

async fn warn(store: &Store, message: &str) -> u64 {
    let kind = EventKind::Warning {
        message: message.to_owned(),
    };
    store.event_append(None, None, kind, noon()).await.unwrap()
}

async fn three_events() -> Store {
    let store = memory().await;
    for message in ["one", "two", "three"] {
        warn(&store, message).await;
    }
    store
}

/// Changes the database past all guards, as somebody with a tool of their own could.
async fn tamper(store: &Store, sql: &'static str) {
    for guard in [
        "DROP TRIGGER events_no_update",
        "DROP TRIGGER events_no_delete",
        "DROP TRIGGER chain_head_forward",
        "DROP TRIGGER chain_head_no_delete",
        sql,
    ] {
        sqlx::query(guard).execute(store.writer()).await.unwrap();
    }
}

#[tokio::test]
async fn events_are_numbered_without_a_gap_and_come_back_whole() {
    let store = memory().await;
    store.run_create(&run("r1")).await.unwrap();
    let kind = EventKind::CheckStarted {
        name: "test".to_owned(),
        command: "cargo test".to_owned(),
    };
    let (run, task) = (run_id("r1"), task_id("t1.1"));
    let seq = store
        .event_append(Some(&run), Some(&task), kind.clone(), later(7))
        .await
        .unwrap();
    assert_eq!(seq, 2);
    let expected = Event {
        seq: 2,
        at: later(7),
        run: Some(run),
        task: Some(task),
        kind,
    };
    assert_eq!(store.event_list(1, 9).await.unwrap(), [expected]);
    assert_eq!(store.events_verify().await.unwrap(), 2);
}

#[tokio::test]
async fn lists_go_on_where_the_last_one_ended() {
    let store = memory().await;
    store.run_create(&run("r1")).await.unwrap();
    store.run_create(&run("r2")).await.unwrap();
    for number in 0..5 {
        let run = run_id(["r1", "r2"][number % 2]);
        let message = number.to_string();
        let kind = EventKind::Warning { message };
        store
            .event_append(Some(&run), None, kind, noon())
            .await
            .unwrap();
    }
    let seqs = |events: Vec<Event>| -> Vec<u64> { events.iter().map(|event| event.seq).collect() };
    assert_eq!(seqs(store.event_list(0, 3).await.unwrap()), [1, 2, 3]);
    assert_eq!(seqs(store.event_list(3, 100).await.unwrap()), [4, 5, 6, 7]);
    assert!(store.event_list(7, 100).await.unwrap().is_empty());
    assert!(
        store
            .event_list(u64::MAX, u32::MAX)
            .await
            .unwrap()
            .is_empty()
    );
    let (first, second) = (run_id("r1"), run_id("r2"));
    assert_eq!(
        seqs(store.event_list_run(&first, 0, 9).await.unwrap()),
        [1, 3, 5, 7]
    );
    assert_eq!(
        seqs(store.event_list_run(&second, 2, 1).await.unwrap()),
        [4]
    );
}

#[tokio::test]
async fn watchers_learn_the_newest_number_after_each_commit() {
    let store = memory().await;
    let mut watch = store.event_watch();
    assert_eq!(*watch.borrow_and_update(), 0);
    warn(&store, "one").await;
    assert!(watch.has_changed().unwrap());
    assert_eq!(*watch.borrow_and_update(), 1);
    store.clone().blob_put(b"no event").await.unwrap();
    assert!(!watch.has_changed().unwrap());
    store.clone().run_create(&run("r1")).await.unwrap();
    assert_eq!(*watch.borrow_and_update(), 2);
}

#[tokio::test]
async fn events_can_be_neither_changed_nor_deleted() {
    let store = three_events().await;
    for sql in [
        "UPDATE events SET body = '{}' WHERE seq = 2",
        "DELETE FROM events WHERE seq = 3",
        "UPDATE chain_head SET seq = 1",
        "DELETE FROM chain_head",
    ] {
        let refused = sqlx::query(sql).execute(store.writer()).await;
        assert!(refused.is_err(), "{sql}");
    }
    assert_eq!(store.events_verify().await.unwrap(), 3);
}

#[tokio::test]
async fn the_chain_names_the_first_event_that_was_changed() {
    for (sql, first_bad) in [
        (
            "UPDATE events SET body = replace(body, 'two', 'TWO') WHERE seq = 2",
            2,
        ),
        ("UPDATE events SET at = at + 1 WHERE seq = 1", 1),
        ("UPDATE events SET kind = 'run.verified' WHERE seq = 3", 3),
        ("UPDATE events SET run_id = 'r1' WHERE seq = 2", 2),
        ("UPDATE events SET task_id = 't1' WHERE seq = 2", 2),
        ("UPDATE events SET hash = x'00' WHERE seq = 2", 2),
        ("UPDATE events SET body = 'no JSON' WHERE seq = 3", 3),
        ("UPDATE chain_head SET hash = zeroblob(32)", 3),
    ] {
        let store = three_events().await;
        tamper(&store, sql).await;
        let found = store.events_verify().await;
        let Err(ChainError::Changed { seq }) = found else {
            panic!("{sql}: {found:?}");
        };
        assert_eq!(seq, first_bad, "{sql}");
    }
}

#[tokio::test]
async fn the_chain_names_the_first_event_that_is_gone() {
    for (sql, gone) in [
        ("DELETE FROM events WHERE seq = 1", 1),
        ("DELETE FROM events WHERE seq = 2", 2),
        ("DELETE FROM events WHERE seq = 3", 3),
        ("DELETE FROM events", 1),
    ] {
        let store = three_events().await;
        tamper(&store, sql).await;
        let found = store.events_verify().await;
        let Err(ChainError::Gone { seq }) = found else {
            panic!("{sql}: {found:?}");
        };
        assert_eq!(seq, gone, "{sql}");
    }
}

#[tokio::test]
async fn a_long_chain_is_checked_to_its_end() {
    let store = memory().await;
    for _ in 0..2_001 {
        warn(&store, "again").await;
    }
    assert_eq!(store.events_verify().await.unwrap(), 2_001);
}
