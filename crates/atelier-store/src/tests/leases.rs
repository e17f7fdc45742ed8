//! Workers and leases: what one of them holds is nobody else's, however it ends.
#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

use std::collections::{BTreeMap, BTreeSet};

use atelier_model::{AttemptOutcome, TaskFact, TaskId, TaskState, Timestamp, WorkerId};
use proptest::prelude::*;

use super::{attempt, later, memory, noon, run, run_id, task, task_id};
use crate::{Choice, Claim, LEASE_MS, Lease, Store, StoreError, Worker};

pub(super) async fn begin(store: &Store, name: &str) -> Worker {
    let id = WorkerId::from_text(name);
    store.worker_begin(&id, noon()).await.unwrap()
}

/// Two processes' stores on one folder, with a run of these tasks, all ready.
pub(super) async fn two(folder: &std::path::Path, tasks: &[&str]) -> (Store, Store) {
    let first = Store::open(folder).await.unwrap();
    first.run_create(&run("r1")).await.unwrap();
    let tasks: Vec<_> = tasks.iter().map(|id| task("r1", id, &[])).collect();
    first.task_add(&tasks, noon()).await.unwrap();
    first.tasks_open(&run_id("r1"), noon()).await.unwrap();
    (first, Store::open(folder).await.unwrap())
}

pub(super) async fn claim(store: &Store, ids: &[&str], at: Timestamp) -> Option<Claim> {
    let run = run_id("r1");
    let ids: Vec<TaskId> = ids.iter().map(|id| task_id(id)).collect();
    let seen = store.task_moves(&run, 0).await.unwrap().seen;
    store
        .task_claim(&run, choice(&ids, seen), at)
        .await
        .unwrap()
}

pub(super) fn choice(candidates: &[TaskId], seen: u64) -> Choice<'_> {
    Choice {
        candidates,
        seen,
        ended: &[],
    }
}

#[tokio::test]
async fn a_lease_has_one_holder_until_it_is_given_back() {
    let home = tempfile::tempdir().unwrap();
    let (first, second) = two(home.path(), &[]).await;
    let (one, two) = (begin(&first, "w1").await, begin(&second, "w2").await);
    let lease = first.lease_take("conduct:r1", noon()).await.unwrap();
    let lease = lease.unwrap();
    assert_eq!(second.lease_take("conduct:r1", noon()).await.unwrap(), None);
    assert_eq!(first.lease_take("conduct:r1", noon()).await.unwrap(), None);
    let holder = second.lease_holder("conduct:r1", noon()).await.unwrap();
    assert_eq!(holder.as_ref(), Some(one.id()));
    first.lease_give_back(&lease).await.unwrap();
    let next = second.lease_take("conduct:r1", noon()).await.unwrap();
    let next = next.unwrap();
    assert!(next.fence > lease.fence);
    assert_eq!(&next.worker, two.id());
    // Giving back what somebody else has by now changes nothing.
    first.lease_give_back(&lease).await.unwrap();
    assert_eq!(first.lease_take("conduct:r1", noon()).await.unwrap(), None);
}

#[tokio::test]
async fn what_a_dead_process_holds_is_free_at_once() {
    let home = tempfile::tempdir().unwrap();
    let (first, second) = two(home.path(), &["t1"]).await;
    let gone = begin(&first, "w1").await;
    begin(&second, "w2").await;
    let held = claim(&first, &["t1"], noon()).await.unwrap();
    first.lease_take("merge:r1", noon()).await.unwrap().unwrap();
    assert_eq!(
        second.tasks_recover(&run_id("r1"), noon()).await.unwrap(),
        0
    );
    // The operating system lets go of the file of a process that ends, however it ends.
    drop(gone);
    assert_eq!(
        second.tasks_recover(&run_id("r1"), noon()).await.unwrap(),
        1
    );
    assert!(
        second
            .lease_take("merge:r1", noon())
            .await
            .unwrap()
            .is_some()
    );
    let again = claim(&second, &["t1"], noon()).await.unwrap();
    assert!(again.lease.fence > held.lease.fence);
    let living = second.worker_list(None, noon()).await.unwrap();
    assert_eq!(living, [WorkerId::from_text("w2")]);
    let files = std::fs::read_dir(home.path().join("workers")).unwrap();
    assert_eq!(files.count(), 1);
}

#[tokio::test]
async fn a_worker_that_slept_too_long_can_change_nothing_any_more() {
    let home = tempfile::tempdir().unwrap();
    let (first, second) = two(home.path(), &["t1"]).await;
    let slow = begin(&first, "w1").await;
    begin(&second, "w2").await;
    let held = claim(&first, &["t1"], noon()).await.unwrap();
    first.worker_beat(slow.id(), later(10)).await.unwrap();
    let early = later(LEASE_MS);
    assert_eq!(second.tasks_recover(&run_id("r1"), early).await.unwrap(), 0);
    let late = later(LEASE_MS + 10);
    assert_eq!(second.tasks_recover(&run_id("r1"), late).await.unwrap(), 1);
    let fenced = first.under(held.lease);
    let (run, id) = (run_id("r1"), task_id("t1"));
    let refused = fenced
        .task_advance(&run, &id, TaskFact::Claimed, "", late)
        .await;
    assert!(
        matches!(refused, Err(StoreError::Stale { .. })),
        "{refused:?}"
    );
    let begun = fenced.attempt_start(&attempt("r1", "t1", 1), late).await;
    assert!(matches!(begun, Err(StoreError::Stale { .. })), "{begun:?}");
    let again = claim(&second, &["t1"], late).await.unwrap();
    let held = second.under(again.lease);
    held.attempt_start(&attempt("r1", "t1", 1), late)
        .await
        .unwrap();
    assert_eq!(again.task.state, TaskState::Running);
}

#[tokio::test]
async fn a_choice_that_is_out_of_date_takes_nothing() {
    let home = tempfile::tempdir().unwrap();
    let (first, second) = two(home.path(), &["t1", "t2"]).await;
    begin(&first, "w1").await;
    begin(&second, "w2").await;
    let run = run_id("r1");
    let seen = first.task_moves(&run, 0).await.unwrap().seen;
    claim(&second, &["t1"], noon()).await.unwrap();
    let wanted = [task_id("t2")];
    let stale = first.task_claim(&run, choice(&wanted, seen), noon()).await;
    assert!(stale.unwrap().is_none());
    let moves = first.task_moves(&run, seen).await.unwrap();
    assert_eq!(moves.moved, [(task_id("t1"), TaskState::Running)]);
    let fresh = first
        .task_claim(&run, choice(&wanted, moves.seen), noon())
        .await;
    assert_eq!(fresh.unwrap().unwrap().task.id, task_id("t2"));
}

#[tokio::test]
async fn asks_of_living_workers_stay_open() {
    let home = tempfile::tempdir().unwrap();
    let (first, second) = two(home.path(), &["t1"]).await;
    let one = begin(&first, "w1").await;
    begin(&second, "w2").await;
    let record = super::ask("r1", "a1", 10);
    first
        .ask_begin(&record, b"prompt", crate::RunBudgets::default())
        .await
        .unwrap();
    assert_eq!(second.asks_recover(&run_id("r1"), noon()).await.unwrap(), 0);
    first.worker_end(one, noon()).await.unwrap();
    assert_eq!(second.asks_recover(&run_id("r1"), noon()).await.unwrap(), 1);
}

#[tokio::test]
async fn without_a_worker_nothing_is_taken() {
    let store = memory().await;
    let refused = store.lease_take("conduct:r1", noon()).await;
    assert!(matches!(refused, Err(StoreError::Missing { .. })));
}

/// What one of two workers does next.
#[derive(Debug, Clone, Copy)]
enum Deed {
    Claim,
    /// Ends the oldest of its tasks.
    End,
    Beat,
    /// Its process dies and another one begins.
    Die,
    Recover,
}

const TASKS: [&str; 4] = ["t1", "t2", "t3", "t4"];

struct Actor {
    store: Store,
    worker: Option<Worker>,
    held: Vec<Lease>,
}

fn deed() -> impl Strategy<Value = (usize, Deed, i64)> {
    let deeds = prop_oneof![
        4 => Just(Deed::Claim),
        3 => Just(Deed::End),
        2 => Just(Deed::Beat),
        1 => Just(Deed::Die),
        2 => Just(Deed::Recover),
    ];
    (0..2_usize, deeds, 0..LEASE_MS / 2)
}

async fn act(actor: &mut Actor, deed: Deed, now: Timestamp, begun: &mut u32) {
    let run = run_id("r1");
    match deed {
        Deed::Claim => {
            if let Some(claim) = claim(&actor.store, &TASKS, now).await {
                actor.held.push(claim.lease);
            }
        }
        Deed::End if actor.held.is_empty() => {}
        Deed::End => {
            let lease = actor.held.remove(0);
            let id = task_id(lease.name.rsplit(':').next().unwrap());
            let fenced = actor.store.under(lease.clone());
            let ended = fenced
                .task_advance(&run, &id, TaskFact::Interrupted, "", now)
                .await;
            match ended {
                Ok(_) => actor.store.lease_give_back(&lease).await.unwrap(),
                Err(StoreError::Stale { .. }) => {}
                Err(error) => panic!("{error}"),
            }
        }
        Deed::Beat => {
            let id = actor.worker.as_ref().unwrap().id().clone();
            actor.store.worker_beat(&id, now).await.unwrap();
        }
        Deed::Die => {
            actor.worker = None;
            actor.held.clear();
            *begun += 1;
            let id = WorkerId::from_text(format!("w{begun}"));
            actor.worker = Some(actor.store.worker_begin(&id, now).await.unwrap());
        }
        // A worker recovers when it has nothing under way.
        Deed::Recover if actor.held.is_empty() => {
            actor.store.tasks_recover(&run, now).await.unwrap();
        }
        Deed::Recover => {}
    }
}

/// Whatever two processes do, a task has one holder whose changes count.
async fn live(deeds: Vec<(usize, Deed, i64)>) {
    let home = tempfile::tempdir().unwrap();
    let (first, second) = two(home.path(), &TASKS).await;
    let mut actors = Vec::new();
    let mut begun = 0;
    for store in [first, second] {
        let mut actor = Actor {
            store,
            worker: None,
            held: Vec::new(),
        };
        act(&mut actor, Deed::Die, noon(), &mut begun).await;
        actors.push(actor);
    }
    let mut now = noon();
    let mut fences: BTreeMap<String, BTreeSet<u64>> = BTreeMap::new();
    for (who, deed, wait) in deeds {
        now = Timestamp::from_millis(now.millis() + wait);
        let before = actors[who].held.len();
        act(&mut actors[who], deed, now, &mut begun).await;
        if actors[who].held.len() > before {
            let lease = actors[who].held.last().unwrap();
            let seen = fences.entry(lease.name.clone()).or_default();
            assert!(seen.iter().all(|old| *old < lease.fence), "{lease:?}");
            seen.insert(lease.fence);
        }
        let mut held = BTreeMap::new();
        for actor in &actors {
            for lease in &actor.held {
                let of_holder = actor.store.under(lease.clone());
                if of_holder.write().await.is_ok() {
                    let other = held.insert(lease.name.clone(), lease.fence);
                    assert_eq!(other, None, "{} has two holders", lease.name);
                }
            }
        }
    }
    actors[0].store.events_verify().await.unwrap();
    let (run, task) = (run_id("r1"), task_id("t1"));
    let attempts = actors[0].store.attempt_list(&run, &task);
    let open = |outcome: &Option<AttemptOutcome>| outcome.is_none();
    assert!(!attempts.await.unwrap().iter().any(|one| open(&one.outcome)));
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 24, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn a_task_never_has_two_holders(deeds in prop::collection::vec(deed(), 1..40)) {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
        runtime.block_on(live(deeds));
    }
}
