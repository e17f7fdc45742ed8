//! Tests of the store through its public methods, and what they share.
#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

mod agreement;
mod archive;
mod asks;
mod audit;
mod batches;
mod budgets;
mod claims;
mod course;
mod crash;
mod events;
mod files;
mod forms;
mod kept;
mod leases;
mod prompts;
mod runs;
mod schema;
mod sealed;
mod semantic;
mod tasks;

use atelier_model::{
    Approval, AskId, AskRecord, AskSource, Attempt, Budget, ContextHints, Digest, Event, Evidence,
    MicroUsd, Reply, Run, RunId, RunMode, RunStatus, Stage, StopReason, Task, TaskId, TaskSource,
    TaskState, Timestamp, Usage,
};

use crate::Store;

/// The instant at which everything in these tests happens.
const NOON: i64 = 1_700_000_000_000;

fn noon() -> Timestamp {
    Timestamp::from_millis(NOON)
}

fn later(millis: i64) -> Timestamp {
    Timestamp::from_millis(NOON + millis)
}

async fn memory() -> Store {
    Store::open_in_memory().await.unwrap()
}

fn run_id(id: &str) -> RunId {
    RunId::from_text(id)
}

fn task_id(id: &str) -> TaskId {
    TaskId::from_text(id)
}

fn run(id: &str) -> Run {
    let requirement = "a clock that tells the time".to_owned();
    Run {
        id: run_id(id),
        requirement_digest: Digest::of(&requirement),
        requirement,
        mode: RunMode::Build,
        approval: Approval::Plan,
        budget: Budget::default(),
        base_branch: Some("main".to_owned()),
        base_commit: Some("c0".to_owned()),
        branch: format!("atelier/{id}"),
        trunk: None,
        status: RunStatus::Planning,
        exit_code: None,
        reason: String::new(),
        created_at: noon(),
        ended_at: None,
    }
}

fn task(run: &str, id: &str, depends_on: &[&str]) -> Task {
    Task {
        id: task_id(id),
        run: run_id(run),
        step: Some(id.trim_start_matches('t').to_owned()),
        title: format!("do {id}"),
        description: "what to do".to_owned(),
        why: "so that it is done".to_owned(),
        requirements: vec!["R1".to_owned(), "R2".to_owned()],
        depends_on: depends_on.iter().map(|id| task_id(id)).collect(),
        inputs: vec!["src/a.rs".to_owned()],
        outputs: vec!["src/b.rs".to_owned()],
        owns: vec!["src".to_owned()],
        protected: vec!["tests/a.rs".to_owned()],
        acceptance: Vec::new(),
        context: ContextHints {
            files: vec!["src/a.rs".to_owned()],
            symbols: vec!["main".to_owned()],
            documents: vec!["docs/DESIGN.md".to_owned()],
        },
        priority: -3,
        source: TaskSource::User,
        agent: None,
        attempts: 0,
        round_first: 1,
        state: TaskState::Pending,
        commit: None,
    }
}

fn attempt(run: &str, task: &str, ordinal: u32) -> Attempt {
    Attempt {
        run: run_id(run),
        task: task_id(task),
        ordinal,
        base: "c0".to_owned(),
        edits: None,
        reply: None,
        outcome: None,
        feedback: String::new(),
        evidence: Evidence::default(),
        cost: MicroUsd::ZERO,
        started_at: noon(),
        ended_at: None,
    }
}

/// An ask of the code stage that reserves some money.
fn ask(run: &str, id: &str, reserved: u64) -> AskRecord {
    AskRecord {
        id: AskId::from_text(id),
        run: run_id(run),
        task: Some(task_id("t1.1")),
        stage: Stage::Code,
        attempt: 1,
        key: Digest::of(format!("key of {id}")),
        provider: "stand-in".to_owned(),
        model: "small".to_owned(),
        choice: None,
        template: "code".to_owned(),
        template_version: Digest::of("template"),
        prompt: Digest::of(prompt(id)),
        reply: None,
        source: None,
        usage: Usage::default(),
        reserved: MicroUsd(reserved),
        reserved_tokens: 0,
        cost: MicroUsd::ZERO,
        latency_ms: 0,
        error: None,
        at: noon(),
    }
}

fn prompt(id: &str) -> Vec<u8> {
    format!("prompt of {id}").into_bytes()
}

/// What the provider answers to [`ask`].
fn reply(record: &AskRecord, cost: u64) -> Reply {
    let text = format!("reply to {}", record.id);
    Reply {
        key: record.key,
        digest: Digest::of(&text),
        text,
        stop: StopReason::End,
        provider: record.provider.clone(),
        model: record.model.clone(),
        usage: Usage {
            input: 100,
            output: 20,
            cached_input: 30,
            cache_write: 4,
            cache_write_hour: 3,
        },
        cost: MicroUsd(cost),
        latency_ms: 700,
        source: AskSource::Provider,
    }
}

/// All events as `kind task`, oldest first.
async fn log(store: &Store) -> Vec<String> {
    let line = |event: &Event| match &event.task {
        Some(task) => format!("{} {task}", event.kind.name()),
        None => event.kind.name(),
    };
    all_events(store).await.iter().map(line).collect()
}

async fn all_events(store: &Store) -> Vec<Event> {
    let mut all = Vec::new();
    loop {
        let page = store.event_list(all.len() as u64, 1_000).await.unwrap();
        if page.is_empty() {
            return all;
        }
        all.extend(page);
    }
}
