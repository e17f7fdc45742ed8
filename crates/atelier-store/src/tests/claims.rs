//! How a process comes to its next task: in one transaction, and without a look it does not need.
#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

use std::sync::{
    Arc,
    atomic::{AtomicUsize, Ordering},
};

use atelier_model::{TaskFact, TaskId, TaskState};

use super::{
    leases::{begin, choice, claim, two},
    memory, noon, run, run_id, task, task_id,
};
use crate::{Choice, Lease, Store, TaskMoves};

async fn held(store: &Store, of: &Lease) -> Vec<Lease> {
    store.leases_held(&of.worker).await.unwrap()
}

/// Takes a claimed task to its end.
async fn finish(store: &Store, lease: &Lease, id: &TaskId) {
    let held = store.under(lease.clone());
    for fact in [TaskFact::Edited, TaskFact::Verified, TaskFact::Merged] {
        let moved = held.task_advance(&run_id("r1"), id, fact, "", noon()).await;
        moved.unwrap();
    }
}

/// Counts the transactions that change something from now on.
async fn commits(store: &Store) -> Arc<AtomicUsize> {
    let count = Arc::new(AtomicUsize::new(0));
    let counted = Arc::clone(&count);
    let mut connection = store.writer().acquire().await.unwrap();
    let mut handle = connection.lock_handle().await.unwrap();
    handle.set_commit_hook(move || {
        counted.fetch_add(1, Ordering::Relaxed);
        true
    });
    count
}

#[tokio::test]
async fn from_one_task_to_the_next_is_one_transaction() {
    let home = tempfile::tempdir().unwrap();
    let (store, _other) = two(home.path(), &["t1", "t2"]).await;
    let _worker = begin(&store, "w1").await;
    let first = claim(&store, &["t1"], noon()).await.unwrap();
    finish(&store, &first.lease, &first.task.id).await;
    let commits = commits(&store).await;
    let run = run_id("r1");
    let moves = store.task_moves(&run, first.seq).await.unwrap();
    let next = Choice {
        candidates: &[task_id("t2")],
        seen: moves.seen,
        ended: std::slice::from_ref(&first.lease),
    };
    let second = store.task_claim(&run, next, noon()).await.unwrap();
    assert_eq!(commits.load(Ordering::Relaxed), 1);
    let second = second.unwrap();
    assert_eq!(
        held(&store, &second.lease).await,
        std::slice::from_ref(&second.lease)
    );
    // Whoever has nothing to give back changes nothing.
    store.leases_give_back(&[]).await.unwrap();
    assert_eq!(commits.load(Ordering::Relaxed), 1);
}

#[tokio::test]
async fn what_ended_is_given_back_also_where_nothing_is_claimed() {
    let home = tempfile::tempdir().unwrap();
    let (first, second) = two(home.path(), &["t1", "t2", "t3"]).await;
    let _workers = (begin(&first, "w1").await, begin(&second, "w2").await);
    let ended = claim(&first, &["t1"], noon()).await.unwrap();
    let run = run_id("r1");
    let seen = first.task_moves(&run, 0).await.unwrap().seen;
    claim(&second, &["t2"], noon()).await.unwrap();
    let wanted = [task_id("t3")];
    let stale = Choice {
        ended: std::slice::from_ref(&ended.lease),
        ..choice(&wanted, seen)
    };
    let claimed = first.task_claim(&run, stale, noon()).await.unwrap();
    assert!(claimed.is_none());
    assert_eq!(held(&first, &ended.lease).await, []);
}

#[tokio::test]
async fn what_somebody_else_has_by_now_is_not_given_back_with_a_claim() {
    let home = tempfile::tempdir().unwrap();
    let (first, second) = two(home.path(), &["t1", "t2"]).await;
    let _workers = (begin(&first, "w1").await, begin(&second, "w2").await);
    let old = claim(&first, &["t1"], noon()).await.unwrap();
    let (run, id) = (run_id("r1"), task_id("t1"));
    let fenced = first.under(old.lease.clone());
    let again = fenced.task_advance(&run, &id, TaskFact::Interrupted, "", noon());
    again.await.unwrap();
    first.lease_give_back(&old.lease).await.unwrap();
    let new = claim(&second, &["t1"], noon()).await.unwrap();
    let seen = first.task_moves(&run, 0).await.unwrap().seen;
    let wanted = [task_id("t2")];
    let next = Choice {
        ended: std::slice::from_ref(&old.lease),
        ..choice(&wanted, seen)
    };
    first.task_claim(&run, next, noon()).await.unwrap().unwrap();
    assert_eq!(held(&second, &new.lease).await, [new.lease]);
}

#[tokio::test]
async fn a_claim_says_what_a_look_would() {
    let home = tempfile::tempdir().unwrap();
    let (store, _other) = two(home.path(), &["t1", "t2"]).await;
    let _worker = begin(&store, "w1").await;
    let seen = store.task_moves(&run_id("r1"), 0).await.unwrap().seen;
    let claimed = claim(&store, &["t2"], noon()).await.unwrap();
    let looked = store.task_moves(&run_id("r1"), seen).await.unwrap();
    assert_eq!(claimed.moves(), looked);
    let fetched = store.task_fetch(&run_id("r1"), &task_id("t2")).await;
    assert_eq!(claimed.task, fetched.unwrap());
}

#[tokio::test]
async fn a_look_after_the_newest_event_tells_that_event_and_nothing_else() {
    let store = memory().await;
    assert_eq!(
        store.task_moves(&run_id("r1"), 0).await.unwrap(),
        TaskMoves::default()
    );
    store.run_create(&run("r1")).await.unwrap();
    let tasks = [task("r1", "t1", &[])];
    store.task_add(&tasks, noon()).await.unwrap();
    store.tasks_open(&run_id("r1"), noon()).await.unwrap();
    let all = store.task_moves(&run_id("r1"), 0).await.unwrap();
    assert!(all.others);
    assert_eq!(all.moved, [(task_id("t1"), TaskState::Ready)]);
    let none = TaskMoves {
        seen: all.seen,
        ..TaskMoves::default()
    };
    let looked = store.task_moves(&run_id("r1"), all.seen).await.unwrap();
    assert_eq!(looked, none);
    let of_none = store.task_moves(&run_id("r2"), 0).await.unwrap();
    assert_eq!(of_none, none);
}

/// A change that only reads the newest event wrote none, whoever wrote it.
#[tokio::test]
async fn watchers_hear_of_the_events_of_their_own_store_alone() {
    let home = tempfile::tempdir().unwrap();
    let (first, second) = two(home.path(), &["t1"]).await;
    let _workers = (begin(&first, "w1").await, begin(&second, "w2").await);
    let lease = first.lease_take("conduct:r1", noon()).await.unwrap();
    claim(&second, &["t1"], noon()).await.unwrap();
    let watch = first.event_watch();
    let before = *watch.borrow();
    let ended = Choice {
        ended: &[lease.unwrap()],
        ..choice(&[], u64::MAX)
    };
    let claimed = first.task_claim(&run_id("r1"), ended, noon()).await;
    assert!(claimed.unwrap().is_none());
    assert_eq!(*watch.borrow(), before);
}
