//! Runs: their life, their end, and how they are found.
#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

use atelier_model::{
    Approval, Budget, Digest, EventKind, MicroUsd, ProjectId, Refused, Run, RunFact, RunStatus,
    next_run,
};

use super::{all_events, ask, later, log, memory, noon, prompt, reply, run, run_id};
use crate::{RunBudgets, Store, StoreError};

const STATUSES: [RunStatus; 7] = [
    RunStatus::Planning,
    RunStatus::Planned,
    RunStatus::Running,
    RunStatus::Verifying,
    RunStatus::Done,
    RunStatus::Stopped,
    RunStatus::Cancelled,
];

const FACTS: [RunFact; 8] = [
    RunFact::PlanDrafted,
    RunFact::PlanApproved,
    RunFact::TasksDone,
    RunFact::Verified,
    RunFact::Ended,
    RunFact::ResumedPlanning,
    RunFact::ResumedRunning,
    RunFact::CancelAsked,
];

/// Brings a new run to a status by facts alone.
async fn run_at(store: &Store, id: &str, status: RunStatus) {
    let path: &[RunFact] = match status {
        RunStatus::Planning => &[],
        RunStatus::Planned => &FACTS[..1],
        RunStatus::Running => &FACTS[..2],
        RunStatus::Verifying => &FACTS[..3],
        RunStatus::Done => &FACTS[..4],
        RunStatus::Stopped => &[RunFact::Ended],
        RunStatus::Cancelled => &[RunFact::CancelAsked],
    };
    store.run_create(&run(id)).await.unwrap();
    for fact in path {
        store.run_advance(&run_id(id), *fact, noon()).await.unwrap();
    }
}

#[tokio::test]
async fn a_run_comes_back_as_it_was_stored() {
    let store = memory().await;
    let stored = Run {
        exit_code: Some(-1),
        trunk: Some("c9".to_owned()),
        reason: "an older end".to_owned(),
        ended_at: Some(later(3)),
        ..run("r1")
    };
    let bare = Run {
        base_branch: None,
        base_commit: None,
        budget: Budget::default(),
        ..run("r2")
    };
    store.run_create(&stored).await.unwrap();
    store.run_create(&bare).await.unwrap();
    assert_eq!(store.run_fetch(&run_id("r1")).await.unwrap(), stored);
    assert_eq!(store.run_fetch(&run_id("r2")).await.unwrap(), bare);
    let created = EventKind::RunCreated {
        requirement: stored.requirement_digest,
        base: stored.base_commit,
        branch: stored.branch,
        budget: stored.budget.usd,
        approval: stored.approval,
    };
    assert_eq!(all_events(&store).await[0].kind, created);
}

#[tokio::test]
async fn every_pair_of_status_and_fact_moves_as_the_state_machine_says() {
    let store = memory().await;
    for (row, status) in STATUSES.into_iter().enumerate() {
        for (column, fact) in FACTS.into_iter().enumerate() {
            let id = format!("r{row}-{column}");
            run_at(&store, &id, status).await;
            let before = all_events(&store).await.len();
            let moved = store.run_advance(&run_id(&id), fact, noon()).await;
            let after = all_events(&store).await;
            match next_run(status, fact) {
                Ok(to) => {
                    assert_eq!(moved.unwrap(), to);
                    assert_eq!(store.run_fetch(&run_id(&id)).await.unwrap().status, to);
                    let told = EventKind::RunStatus { from: status, to };
                    assert_eq!(after.last().unwrap().kind, told);
                }
                Err(refused) => {
                    let StoreError::Refused(found) = moved.unwrap_err() else {
                        panic!("{status:?} by {fact:?} failed for another reason");
                    };
                    assert_eq!(found, refused);
                    assert_eq!(after.len(), before);
                    assert_eq!(store.run_fetch(&run_id(&id)).await.unwrap().status, status);
                }
            }
        }
    }
}

#[tokio::test]
async fn the_end_stops_a_run_only_while_it_is_under_way() {
    let store = memory().await;
    for status in STATUSES {
        let id = format!("{status:?}");
        run_at(&store, &id, status).await;
        store
            .run_end(&run_id(&id), 12, "the budget is used up", later(9))
            .await
            .unwrap();
        let ended = store.run_fetch(&run_id(&id)).await.unwrap();
        let under_way = [
            RunStatus::Planning,
            RunStatus::Running,
            RunStatus::Verifying,
        ];
        let stops = under_way.contains(&status);
        let expected = if stops { RunStatus::Stopped } else { status };
        assert_eq!(ended.status, expected);
        assert_eq!(ended.exit_code, Some(12));
        assert_eq!(ended.reason, "the budget is used up");
        assert_eq!(ended.ended_at, Some(later(9)));
    }
}

#[tokio::test]
async fn the_end_tells_the_commit_and_the_whole_cost() {
    let store = memory().await;
    store.run_create(&run("r1")).await.unwrap();
    let id = run_id("r1");
    store.run_trunk_set(&id, "c7", noon()).await.unwrap();
    let record = ask("r1", "a1", 50);
    store
        .ask_begin(&record, &prompt("a1"), RunBudgets::default())
        .await
        .unwrap();
    let reply = reply(&record, 41);
    store
        .ask_finish(&record.id, &reply, RunBudgets::default(), noon())
        .await
        .unwrap();
    store
        .run_end(&id, 13, "a test failed", later(1))
        .await
        .unwrap();
    let finished = EventKind::RunFinished {
        status: RunStatus::Stopped,
        exit_code: 13,
        reason: "a test failed".to_owned(),
        commit: Some("c7".to_owned()),
        cost: MicroUsd(41),
    };
    assert_eq!(all_events(&store).await.last().unwrap().kind, finished);
    assert_eq!(
        log(&store).await,
        [
            "run.created",
            "ask.started t1.1",
            "ask.finished t1.1",
            "run.status",
            "run.finished"
        ]
    );
}

#[tokio::test]
async fn runs_are_listed_newest_first_and_found_by_requirement_and_prefix() {
    let store = memory().await;
    let other = Run {
        requirement: "a sundial".to_owned(),
        requirement_digest: Digest::of("a sundial"),
        ..run("01B-2")
    };
    store.run_create(&run("01A-1")).await.unwrap();
    store.run_create(&other).await.unwrap();
    store.run_create(&run("01A-3")).await.unwrap();
    let ids = |runs: Vec<Run>| -> Vec<String> {
        runs.into_iter().map(|run| run.id.to_string()).collect()
    };
    assert_eq!(
        ids(store.run_list(9).await.unwrap()),
        ["01A-3", "01B-2", "01A-1"]
    );
    assert_eq!(ids(store.run_list(1).await.unwrap()), ["01A-3"]);
    assert_eq!(
        ids(store.run_find("01a").await.unwrap()),
        ["01A-3", "01A-1"]
    );
    assert_eq!(ids(store.run_find("01B-2").await.unwrap()), ["01B-2"]);
    assert!(store.run_find("%").await.unwrap().is_empty());
    let newest = async |requirement: &str| {
        let digest = Digest::of(requirement);
        store.run_by_requirement(&digest).await.unwrap()
    };
    let clock = newest("a clock that tells the time").await;
    assert_eq!(clock.unwrap().id, run_id("01A-3"));
    assert_eq!(newest("a sundial").await, Some(other));
    assert_eq!(newest("a gnomon").await, None);
}

#[tokio::test]
async fn budget_and_approval_can_be_changed() {
    let store = memory().await;
    store.run_create(&run("r1")).await.unwrap();
    let id = run_id("r1");
    let budget = Budget {
        usd: Some(MicroUsd(5)),
        tokens: Some(6),
        calls: Some(7),
        wall_ms: Some(8),
    };
    store.run_budget_set(&id, budget, noon()).await.unwrap();
    store.run_approval_set(&id, Approval::Task).await.unwrap();
    let changed = store.run_fetch(&id).await.unwrap();
    assert_eq!((changed.budget, changed.approval), (budget, Approval::Task));
    store
        .run_budget_set(&id, Budget::default(), noon())
        .await
        .unwrap();
    assert_eq!(
        store.run_fetch(&id).await.unwrap().budget,
        Budget::default()
    );
}

#[tokio::test]
async fn what_is_not_there_is_named() {
    let store = memory().await;
    let id = run_id("r9");
    let fetched = store.run_fetch(&id).await.unwrap_err();
    assert_eq!(fetched.to_string(), "find run r9 in the state database");
    let errors = [
        store
            .run_advance(&id, RunFact::Ended, noon())
            .await
            .map(drop),
        store.run_end(&id, 0, "", noon()).await,
        store.run_budget_set(&id, Budget::default(), noon()).await,
        store.run_approval_set(&id, Approval::Never).await,
        store.run_trunk_set(&id, "c1", noon()).await,
    ];
    for error in errors {
        assert!(matches!(error, Err(StoreError::Missing { what }) if what == "run r9"));
    }
    assert!(all_events(&store).await.is_empty());
}

#[tokio::test]
async fn a_run_begins_with_planning() {
    let store = memory().await;
    let begun = Run {
        status: RunStatus::Done,
        ..run("r1")
    };
    let error = store.run_create(&begun).await.unwrap_err();
    let refused = Refused {
        state: "Done".to_owned(),
        fact: "Created".to_owned(),
    };
    assert!(matches!(error, StoreError::Refused(found) if found == refused));
    assert!(store.run_list(1).await.unwrap().is_empty());
}

#[tokio::test]
async fn a_project_keeps_the_id_it_was_given_first() {
    let store = memory().await;
    let ensure = async |id: &str, root: &str| {
        let fresh = ProjectId::from_text(id);
        store.project_ensure(&fresh, root, "clock", noon()).await
    };
    let first = ProjectId::from_text("p1");
    assert_eq!(ensure("p1", "/a").await.unwrap(), first);
    assert_eq!(ensure("p2", "/b").await.unwrap(), first);
    let roots: Vec<String> = sqlx::query_scalar("SELECT root FROM projects")
        .fetch_all(store.readers())
        .await
        .unwrap();
    assert_eq!(roots, ["/b"]);
}
