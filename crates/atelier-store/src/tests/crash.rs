//! A process that is killed while it writes: whatever it was told is stored, is stored.
#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

use std::{
    env,
    io::{self, BufRead as _, BufReader, Write as _},
    path::Path,
    process::{Command, Stdio},
};

use atelier_model::{Event, EventKind, MicroUsd, RunFact, RunStatus, TaskFact, TaskState};

use super::{all_events, ask, attempt, noon, prompt, reply, run, run_id, task, task_id};
use crate::{RunBudgets, Store, StoreError};

/// Names the folder in which this test, started as a process of its own, is to write.
const FOLDER: &str = "ATELIER_STORE_CRASH_FOLDER";
/// Names the number the writer counts its asks from.
const FROM: &str = "ATELIER_STORE_CRASH_FROM";
/// How often the writer is killed.
const ROUNDS: u64 = 30;
/// Most lines that are read of a writer; it is killed long before.
const LINES_MAX: usize = 1_000;

/// Plays both parts: the one that writes until it is killed, and the one that kills and looks.
#[tokio::test]
#[expect(
    clippy::disallowed_methods,
    reason = "only another process can be killed"
)]
async fn what_was_acknowledged_survives_kill_9() {
    if let (Ok(folder), Ok(from)) = (env::var(FOLDER), env::var(FROM)) {
        return write_until_killed(Path::new(&folder), from.parse().unwrap()).await;
    }
    let home = tempfile::tempdir().unwrap();
    let store = Store::open(home.path()).await.unwrap();
    store.run_create(&run("r1")).await.unwrap();
    store
        .task_add(&[task("r1", "t1.1", &[])], noon())
        .await
        .unwrap();
    store
        .task_advance(
            &run_id("r1"),
            &task_id("t1.1"),
            TaskFact::DependenciesDone,
            "",
            noon(),
        )
        .await
        .unwrap();
    store.close().await;
    let mut acknowledged = Vec::new();
    for round in 0..ROUNDS {
        let from = round * 1_000;
        let last = killed_writer(home.path(), from, 3 + usize::try_from(round).unwrap());
        acknowledged.extend(from..=last);
        look(home.path(), &acknowledged).await;
    }
}

/// Starts a writer, reads `lines` acknowledgements, kills it, and returns the last ask it
/// acknowledged before it died.
#[expect(
    clippy::disallowed_methods,
    reason = "only another process can be killed"
)]
fn killed_writer(folder: &Path, from: u64, lines: usize) -> u64 {
    let mut writer = Command::new(env::current_exe().unwrap())
        .args([
            "--exact",
            "tests::crash::what_was_acknowledged_survives_kill_9",
            "--nocapture",
        ])
        .env(FOLDER, folder)
        .env(FROM, from.to_string())
        .stdout(Stdio::piped())
        .stderr(Stdio::null())
        .spawn()
        .unwrap();
    let mut output = BufReader::new(writer.stdout.take().unwrap()).lines();
    let number = |line: String| {
        line.strip_prefix("stored ")
            .and_then(|text| text.parse().ok())
    };
    let mut seen = Vec::new();
    while seen.len() < lines {
        let line = output.next().unwrap().unwrap();
        seen.extend(number(line));
    }
    writer.kill().unwrap();
    writer.wait().unwrap();
    // What it had written to the pipe before it died was acknowledged too. The last line may be
    // torn; a torn number would be a smaller one.
    let rest = output
        .take(LINES_MAX)
        .map_while(Result::ok)
        .filter_map(number);
    seen.extend(rest.filter(|number: &u64| *number >= from));
    seen.into_iter().max().unwrap()
}

async fn write_until_killed(folder: &Path, from: u64) {
    let store = Store::open(folder).await.unwrap();
    let (run, id) = (run_id("r1"), task_id("t1.1"));
    let mut output = io::stdout();
    for number in from.. {
        let record = ask("r1", &format!("a{number}"), 10);
        store
            .ask_begin(&record, &prompt(record.id.as_str()), RunBudgets::default())
            .await
            .unwrap();
        store
            .task_advance(&run, &id, TaskFact::Claimed, "", noon())
            .await
            .unwrap();
        let attempt = attempt("r1", "t1.1", 1);
        store.attempt_start(&attempt, noon()).await.unwrap();
        store
            .ask_finish(
                &record.id,
                &reply(&record, 7),
                RunBudgets::default(),
                noon(),
            )
            .await
            .unwrap();
        // One write, so that a line is there whole or not at all.
        output
            .write_all(format!("stored {number}\n").as_bytes())
            .unwrap();
        output.flush().unwrap();
        store.tasks_recover(&run, noon()).await.unwrap();
    }
}

/// Opens the store as the next process would, and checks everything it was told is stored.
async fn look(folder: &Path, acknowledged: &[u64]) {
    let store = Store::open(folder).await.unwrap();
    let sound: String = sqlx::query_scalar("PRAGMA integrity_check")
        .fetch_one(store.writer())
        .await
        .unwrap();
    assert_eq!(sound, "ok");
    let events = store.events_verify().await.unwrap();
    assert_eq!(events, *store.event_watch().borrow());
    for number in acknowledged {
        let record = ask("r1", &format!("a{number}"), 10);
        let kept = store.reply_by_key(&record.key).await.unwrap().unwrap();
        assert_eq!(kept.text, reply(&record, 7).text);
    }
    recover(&store).await;
    store.close().await;
}

/// After recovery nothing is open, and the log and the tables tell of the same money.
async fn recover(store: &Store) {
    let run = run_id("r1");
    store.asks_recover(&run, noon()).await.unwrap();
    store.tasks_recover(&run, noon()).await.unwrap();
    let state = store
        .task_fetch(&run, &task_id("t1.1"))
        .await
        .unwrap()
        .state;
    assert_eq!(state, TaskState::Ready);
    let cost = store.run_cost(&run).await.unwrap();
    assert_eq!(cost.reserved, MicroUsd::ZERO);
    #[expect(
        clippy::wildcard_enum_match_arm,
        reason = "no other event tells of money spent"
    )]
    let told = |event: &Event| match &event.kind {
        EventKind::AskFinished { cost, .. } | EventKind::AskFailed { cost, .. } => Some(*cost),
        _ => None,
    };
    let told: MicroUsd = all_events(store).await.iter().filter_map(told).sum();
    assert_eq!(told, cost.spent);
    let refused = store.run_advance(&run, RunFact::Verified, noon()).await;
    assert!(matches!(refused, Err(StoreError::Refused(_))));
    assert_eq!(
        store.run_fetch(&run).await.unwrap().status,
        RunStatus::Planning
    );
}
