//! A state as a very large run leaves it behind: its tasks, all but a few of them done, and its events.
//!
//! `crowd FOLDER TASKS EVENTS LEFT COMMIT` writes the state to `FOLDER/.atelier` and prints the run's
//! id. `COMMIT` is the commit at which its trunk stands, in the repository that `FOLDER` is.

#![expect(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::print_stdout,
    clippy::print_stderr,
    clippy::disallowed_methods,
    reason = "a program for measurements ends where its input is wrong, and measures"
)]

use std::{
    path::{Path, PathBuf},
    time::{Duration, Instant},
};

use atelier_model::{
    Approval, AskId, AskRecord, AskSource, Attempt, AttemptOutcome, Budget, CheckOutcome,
    CheckResult, DevPlan, Digest, Event, EventKind, Evidence, MicroUsd, Reply, Run, RunFact, RunId,
    RunMode, RunStatus, Stage, StopReason, Task, TaskFact, TaskId, TaskSource, TaskState,
    TestCounts, Timestamp, Usage, WorkerId,
};
use atelier_store::{Choice, Claim, Lease, RunBudgets, Store, TrunkMove};
use rustix::time::{ClockId, clock_gettime};
use serde_json::json;
use sqlx::{
    Connection as _, QueryBuilder, Sqlite, SqliteConnection,
    sqlite::{SqliteConnectOptions, SqliteSynchronous},
};

/// When all of it happened.
const NOON: i64 = 1_700_000_000_000;
/// Its only run.
const RUN: &str = "01HF7YAT00CR0WDCR0WDCR0WDC";
/// Steps of a phase; each waits for its neighbour in the phase before.
const STEPS_PER_PHASE: usize = 100;
/// Events of one statement.
const EVENTS_AT_ONCE: u64 = 1_000;
/// Events that one task leaves behind by itself.
const EVENTS_PER_TASK: u64 = 11;

struct Wanted {
    folder: PathBuf,
    tasks: usize,
    events: u64,
    left: usize,
    commit: String,
}

/// A moment by the clock on the wall, and by the one of the processors this program had.
struct Moment {
    wall: Instant,
    cpu: Duration,
}

impl Moment {
    fn now() -> Self {
        Self {
            wall: Instant::now(),
            cpu: clock_gettime(ClockId::ProcessCPUTime).try_into().unwrap(),
        }
    }
}

/// Time that went by, on the wall and of processors.
#[derive(Default)]
struct Spent {
    wall: Duration,
    cpu: Duration,
}

impl Spent {
    fn add(&mut self, since: &Moment) {
        let now = Moment::now();
        self.wall += now.wall - since.wall;
        self.cpu += now.cpu.saturating_sub(since.cpu);
    }

    fn per(&self, count: u32) -> String {
        format!("{:?} (CPU {:?})", self.wall / count, self.cpu / count)
    }
}

fn main() {
    let args: Vec<String> = std::env::args().skip(1).collect();
    let [folder, tasks, events, left, commit] = &args[..] else {
        eprintln!("crowd FOLDER TASKS EVENTS LEFT COMMIT");
        return;
    };
    let wanted = Wanted {
        folder: Path::new(folder).join(".atelier"),
        tasks: tasks.parse().expect("a number of tasks"),
        events: events.parse().expect("a number of events"),
        left: left.parse().expect("a number of tasks that are left"),
        commit: commit.clone(),
    };
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .worker_threads(1)
        .enable_all()
        .build();
    runtime.unwrap().block_on(write(&wanted));
    println!("{RUN}");
}

fn at() -> Timestamp {
    Timestamp::from_millis(NOON)
}

fn run_id() -> RunId {
    RunId::from_text(RUN)
}

async fn write(wanted: &Wanted) {
    Store::open(&wanted.folder).await.unwrap().close().await;
    let by_tasks = EVENTS_PER_TASK * wanted.tasks as u64;
    fill(wanted, wanted.events.saturating_sub(by_tasks)).await;
    let store = Store::open(&wanted.folder).await.unwrap();
    let worker = WorkerId::from_text("01HF7YAT00W0RKERW0RKERW0RK");
    let worker = store.worker_begin(&worker, at()).await.unwrap();
    let tasks = begin(&store, wanted).await;
    let done = &tasks[..tasks.len().saturating_sub(wanted.left)];
    let (mut all, mut chosen) = (Spent::default(), Spent::default());
    let mut ended: Vec<Lease> = Vec::new();
    let began = Moment::now();
    for task in done {
        let claim = choose(&store, &task.id, &ended, &mut chosen).await;
        finish(&store, &claim, &wanted.commit).await;
        ended = vec![claim.lease];
    }
    let last = Moment::now();
    store.leases_give_back(&ended).await.unwrap();
    chosen.add(&last);
    all.add(&began);
    let count = u32::try_from(done.len().max(1)).unwrap();
    eprintln!(
        "{count} tasks, each {}, of which to look, to claim and to give back {}",
        all.per(count),
        chosen.per(count)
    );
    store
        .run_end(&run_id(), 11, "stopped by a person", at())
        .await
        .unwrap();
    store.worker_end(worker, at()).await.unwrap();
    store.close().await;
}

/// Writes events that tasks of long ago left behind, each chained to the one before.
async fn fill(wanted: &Wanted, count: u64) {
    let options = SqliteConnectOptions::new()
        .filename(wanted.folder.join("state.db"))
        .synchronous(SqliteSynchronous::Off);
    let mut connection = SqliteConnection::connect_with(&options).await.unwrap();
    let (mut seq, mut hash) = (0, Digest::from_bytes([0; 32]));
    while seq < count {
        let mut rows: Vec<(Event, String, Digest)> = Vec::new();
        while rows.len() as u64 != EVENTS_AT_ONCE.min(count - seq) {
            let event = event(seq + rows.len() as u64 + 1, wanted.tasks);
            let body = serde_json::to_string(&event).unwrap();
            hash = Digest::of([hash.as_bytes().as_slice(), body.as_bytes()].concat());
            rows.push((event, body, hash));
        }
        seq += rows.len() as u64;
        let mut insert: QueryBuilder<Sqlite> =
            QueryBuilder::new("INSERT INTO events (seq, at, run_id, task_id, kind, body, hash) ");
        insert.push_values(&rows, |mut row, (event, body, hash)| {
            row.push_bind(i64::try_from(event.seq).unwrap());
            row.push_bind(NOON);
            row.push_bind(RUN);
            row.push_bind(event.task.as_ref().map(TaskId::as_str));
            row.push_bind(event.kind.name());
            row.push_bind(body);
            row.push_bind(hash.as_bytes().to_vec());
        });
        insert.build().execute(&mut connection).await.unwrap();
    }
    sqlx::query("INSERT INTO chain_head (id, seq, hash) VALUES (1, $1, $2)")
        .bind(i64::try_from(seq).unwrap())
        .bind(hash.as_bytes().to_vec())
        .execute(&mut connection)
        .await
        .unwrap();
    connection.close().await.unwrap();
}

/// One of the facts of which most logs are made.
fn event(seq: u64, tasks: usize) -> Event {
    let kind = match seq % 4 {
        0 => EventKind::CheckFinished {
            name: "test".to_owned(),
            outcome: CheckOutcome::Passed,
            reason: String::new(),
            tests: None,
            duration_ms: seq % 1_000,
            level: None,
        },
        1 => EventKind::AttemptStarted { ordinal: 1 },
        2 => EventKind::EditsApplied {
            written: vec![format!("src/part_{seq}.py")],
            deleted: Vec::new(),
            notes: Vec::new(),
        },
        _ => EventKind::EditsRefused {
            problems: vec!["the text to replace is not in the file".to_owned()],
        },
    };
    let number = usize::try_from(seq).unwrap() % tasks.max(1);
    Event {
        seq,
        at: at(),
        run: Some(run_id()),
        task: Some(TaskId::from_text(format!("t{}", number_of(number)))),
        kind,
    }
}

/// Such as `3.7`.
fn number_of(index: usize) -> String {
    let (phase, step) = (index / STEPS_PER_PHASE, index % STEPS_PER_PHASE);
    format!("{}.{}", phase + 1, step + 1)
}

/// The run with its plan and its tasks, none of them begun.
async fn begin(store: &Store, wanted: &Wanted) -> Vec<Task> {
    let run = run_id();
    let requirement = "Write a very large program.".to_owned();
    let begun = Run {
        id: run.clone(),
        requirement_digest: Digest::of(&requirement),
        requirement,
        mode: RunMode::Build,
        approval: Approval::Never,
        budget: Budget::default(),
        base_branch: Some("main".to_owned()),
        base_commit: Some(wanted.commit.clone()),
        branch: format!("atelier/{run}"),
        trunk: None,
        status: RunStatus::Planning,
        exit_code: None,
        reason: String::new(),
        created_at: at(),
        ended_at: None,
    };
    store.run_create(&begun).await.unwrap();
    let plan = plan(wanted.tasks);
    store.plan_put(&run, &plan, at()).await.unwrap();
    for fact in [RunFact::PlanDrafted, RunFact::PlanApproved] {
        store.run_advance(&run, fact, at()).await.unwrap();
    }
    let commit = &wanted.commit;
    store.run_trunk_set(&run, commit, at()).await.unwrap();
    let tasks: Vec<Task> = plan.steps().map(task).collect();
    store.task_add(&tasks, at()).await.unwrap();
    store.tasks_open(&run, at()).await.unwrap();
    tasks
}

fn plan(tasks: usize) -> DevPlan {
    let step = |index: usize| {
        let before = index.checked_sub(STEPS_PER_PHASE).map(number_of);
        let path = format!("src/part_{index}.py");
        json!({
            "number": number_of(index), "title": format!("Write part {index}"),
            "description": "Write what the part is to do, and its test.",
            "why": "The program needs it.", "requirements": ["R1"],
            "depends_on": Vec::from_iter(before), "outputs": [path], "owns": [path],
            "acceptance": [{
                "id": "A1", "text": "It is there.", "requirements": ["R1"],
                "check": {"type": "file", "path": path},
            }],
        })
    };
    let all: Vec<usize> = (0..tasks).collect();
    let phases: Vec<_> = all
        .chunks(STEPS_PER_PHASE)
        .enumerate()
        .map(|(index, steps)| {
            json!({
                "outline": {
                    "number": index + 1, "title": format!("Phase {}", index + 1),
                    "description": "More of it.", "requirements": ["R1"], "depends_on": [],
                },
                "steps": steps.iter().map(|index| step(*index)).collect::<Vec<_>>(),
            })
        })
        .collect();
    let plan = json!({
        "design": {
            "name": "large", "summary": "A very large program.", "objectives": ["It is large."],
            "requirements": [{"id": "R1", "text": "It is large."}],
            "technology_stack": {"language": "Python", "kind": "library"},
            "architecture_overview": "Parts beside each other.",
        },
        "summary": "One part after the other.", "phases": phases,
    });
    serde_json::from_value(plan).unwrap()
}

fn task(step: &atelier_model::Step) -> Task {
    Task {
        id: TaskId::from_text(format!("t{}", step.number)),
        run: run_id(),
        step: Some(step.number.clone()),
        title: step.title.clone(),
        description: step.description.clone(),
        why: step.why.clone(),
        requirements: step.requirements.clone(),
        depends_on: step
            .depends_on
            .iter()
            .map(|number| TaskId::from_text(format!("t{number}")))
            .collect(),
        inputs: Vec::new(),
        outputs: step.outputs.clone(),
        owns: step.owns.clone(),
        protected: Vec::new(),
        acceptance: step.acceptance.clone(),
        context: step.context.clone(),
        priority: 0,
        source: TaskSource::Plan,
        agent: None,
        attempts: 0,
        round_first: 1,
        state: TaskState::Pending,
        commit: None,
    }
}

/// Does what a schedule does between two tasks: looks what moved, gives back what the work before held,
/// and claims what comes next.
async fn choose(store: &Store, id: &TaskId, ended: &[Lease], spent: &mut Spent) -> Claim {
    let run = run_id();
    let began = Moment::now();
    let seen = *store.event_watch().borrow();
    let before = seen.saturating_sub(EVENTS_PER_TASK);
    let moves = store.task_moves(&run, before).await.unwrap();
    let choice = Choice {
        candidates: std::slice::from_ref(id),
        seen: moves.seen,
        ended,
    };
    let claim = store.task_claim(&run, choice, at()).await.unwrap();
    spent.add(&began);
    claim.expect("the task is ready")
}

/// Takes a claimed task through all that happens to one.
async fn finish(store: &Store, claim: &Claim, commit: &str) {
    let Claim { task, lease, .. } = claim;
    let (run, id) = (run_id(), &task.id);
    let held = store.under(lease.clone());
    let fixed = EventKind::AcceptanceFixed {
        acceptance: Digest::of(id.as_str()),
        hidden: None,
        files: 0,
        before: None,
        reason: String::new(),
    };
    let told = held.event_append(Some(&run), Some(id), fixed, at());
    told.await.unwrap();
    let begun = attempt(id, commit);
    held.attempt_start(&begun, at()).await.unwrap();
    ask(&held, id).await;
    for fact in [TaskFact::Edited, TaskFact::Verified] {
        held.task_advance(&run, id, fact, "", at()).await.unwrap();
    }
    let to = TrunkMove {
        expected: Some(commit),
        commit,
        subject: "feat: a part",
        tests: 1,
    };
    let passed = Attempt {
        outcome: Some(AttemptOutcome::Passed),
        ended_at: Some(at()),
        evidence: Evidence {
            checks: vec![check(id)],
        },
        ..begun
    };
    held.task_merge(&passed, &to, at()).await.unwrap();
}

fn attempt(id: &TaskId, commit: &str) -> Attempt {
    Attempt {
        run: run_id(),
        task: id.clone(),
        ordinal: 1,
        base: commit.to_owned(),
        reply: None,
        edits: None,
        outcome: None,
        feedback: String::new(),
        evidence: Evidence::default(),
        cost: MicroUsd(1_000),
        started_at: at(),
        ended_at: None,
    }
}

fn check(id: &TaskId) -> CheckResult {
    CheckResult {
        name: format!("{id}/A1"),
        command: "python3 -m unittest".to_owned(),
        outcome: CheckOutcome::Passed,
        reason: String::new(),
        exit: Some(0),
        tests: Some(TestCounts {
            passed: 1,
            ..TestCounts::default()
        }),
        output: Digest::of("OK"),
        duration_ms: 100,
    }
}

/// An ask for a task and its answer.
async fn ask(store: &Store, task: &TaskId) {
    let key = Digest::of(format!("key of {task}"));
    let text = format!("the work on {task}");
    let record = AskRecord {
        id: AskId::from_text(format!("ask-{task}")),
        run: run_id(),
        task: Some(task.clone()),
        stage: Stage::Code,
        attempt: 1,
        key,
        provider: "openai".to_owned(),
        model: "standin-large".to_owned(),
        choice: None,
        template: "code".to_owned(),
        template_version: Digest::of("template"),
        prompt: Digest::of("a prompt"),
        reply: None,
        source: None,
        usage: Usage::default(),
        reserved: MicroUsd(1_000),
        reserved_tokens: 100,
        cost: MicroUsd::ZERO,
        latency_ms: 0,
        error: None,
        at: at(),
    };
    let budgets = RunBudgets::default();
    let begun = store.ask_begin(&record, b"a prompt", budgets).await;
    begun.unwrap();
    let reply = Reply {
        key,
        digest: Digest::of(&text),
        text,
        stop: StopReason::End,
        provider: record.provider.clone(),
        model: record.model.clone(),
        usage: Usage {
            input: 100,
            output: 20,
            ..Usage::default()
        },
        cost: MicroUsd(1_000),
        latency_ms: 700,
        source: AskSource::Provider,
    };
    let settled = store.ask_finish(&record.id, &reply, budgets, at());
    settled.await.unwrap();
}
