//! The runs of a project over HTTP: seen and steered as they stand in the store.

use std::sync::Arc;

use atelier_engine::ConfiguredBudgets;
use atelier_keys::{ClientTerms, Clients, KeyStore, Role};
use atelier_llm::Dialect;
use atelier_model::{
    Approval, Budget, Clock, ContextHints, Digest, MicroUsd, Run, RunFact, RunId, RunMode,
    RunStatus, Task, TaskId, TaskSource, TaskState, Timestamp,
};
use atelier_store::{QuestionKind, Store};
use serde_json::{Value, json};
use tempfile::TempDir;
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::TcpStream,
    task::JoinSet,
};
use tokio_util::sync::CancellationToken;

use super::world::relay;
use crate::{Bounds, Keys, Runs, Server};

const RUN: &str = "01JRUNAAAA";
const OTHER: &str = "01JRUNBBBB";

struct Fixed;

impl Clock for Fixed {
    fn now(&self) -> Timestamp {
        Timestamp::from_millis(1_800_000_000_000)
    }
}

fn run(id: &str) -> Run {
    let requirement = "a clock".to_owned();
    Run {
        id: RunId::from_text(id),
        requirement_digest: Digest::of(&requirement),
        requirement,
        mode: RunMode::Build,
        approval: Approval::Plan,
        budget: Budget {
            usd: Some(MicroUsd(2_000_000)),
            ..Budget::default()
        },
        base_branch: None,
        base_commit: None,
        branch: format!("atelier/{id}"),
        trunk: None,
        status: RunStatus::Planning,
        exit_code: None,
        reason: String::new(),
        created_at: Fixed.now(),
        ended_at: None,
    }
}

fn task(id: &str, depends_on: &[&str]) -> Task {
    Task {
        id: TaskId::from_text(id),
        run: RunId::from_text(RUN),
        step: Some(id.trim_start_matches('t').to_owned()),
        title: format!("do {id}"),
        description: String::new(),
        why: String::new(),
        requirements: Vec::new(),
        depends_on: depends_on.iter().map(|id| TaskId::from_text(*id)).collect(),
        inputs: Vec::new(),
        outputs: Vec::new(),
        owns: Vec::new(),
        protected: Vec::new(),
        acceptance: Vec::new(),
        context: ContextHints::default(),
        priority: 0,
        source: TaskSource::Plan,
        agent: None,
        attempts: 0,
        round_first: 1,
        state: TaskState::Pending,
        commit: None,
    }
}

/// A gateway in a project with two runs, the second of which has two tasks and is executed.
struct House {
    address: String,
    store: Store,
    builder: String,
    approver: String,
    _folder: TempDir,
    stop: CancellationToken,
    _task: JoinSet<()>,
}

impl House {
    async fn start() -> Self {
        let (folder, now) = (TempDir::new().unwrap(), Fixed.now());
        let store = Store::open_in_memory().await.unwrap();
        for id in [OTHER, RUN] {
            store.run_create(&run(id)).await.unwrap();
        }
        let id = RunId::from_text(RUN);
        for fact in [RunFact::PlanDrafted, RunFact::PlanApproved] {
            store.run_advance(&id, fact, now).await.unwrap();
        }
        let tasks = [task("t1.1", &[]), task("t1.2", &["t1.1"])];
        store.task_add(&tasks, now).await.unwrap();
        let keys = KeyStore::at(folder.path().join("keys.json"));
        let issue = |role: Role| {
            let issued = keys.client_issue(role.name(), ClientTerms::of(role), now);
            issued.unwrap().value.expose().to_owned()
        };
        let (builder, approver) = (issue(Role::Builder), issue(Role::Approver));
        let clients = Clients::open(keys.clone()).unwrap();
        let clients = Keys::default().with_clients(clients, Arc::new(Fixed));
        let relay = relay(Dialect::Chat, "http://127.0.0.1:1/v1", None).await;
        let any = "127.0.0.1:0".parse().unwrap();
        let server = Server::bind(any, relay, clients, true, Bounds::default()).await;
        let runs = Runs::new(store.clone(), ConfiguredBudgets::default(), Arc::new(Fixed));
        let server = server.unwrap().with_runs(runs);
        let (address, stop) = (server.address().to_string(), CancellationToken::new());
        let (stopped, mut task) = (stop.clone(), JoinSet::new());
        task.spawn(async move { server.run(stopped).await });
        Self {
            address,
            store,
            builder,
            approver,
            _folder: folder,
            stop,
            _task: task,
        }
    }

    /// The status and the body of an answer, for whoever has a key.
    async fn ask(&self, key: &str, method: &str, path: &str, body: &str) -> (u16, Value) {
        let length = body.len();
        let request = format!(
            "{method} /atelier/v1/runs{path} HTTP/1.1\r\nhost: x\r\nconnection: close\r\n\
             authorization: Bearer {key}\r\ncontent-length: {length}\r\n\r\n{body}"
        );
        let mut stream = TcpStream::connect(&self.address).await.unwrap();
        stream.write_all(request.as_bytes()).await.unwrap();
        let mut answer = String::new();
        stream.read_to_string(&mut answer).await.unwrap();
        let status = answer.split(' ').nth(1).unwrap().parse().unwrap();
        let (_, body) = answer.split_once("\r\n\r\n").unwrap();
        (status, serde_json::from_str(body).unwrap_or_default())
    }

    async fn get(&self, path: &str) -> (u16, Value) {
        self.ask(&self.builder, "GET", path, "").await
    }

    async fn post(&self, path: &str, body: &Value) -> (u16, Value) {
        self.ask(&self.builder, "POST", path, &body.to_string())
            .await
    }

    /// A refusal with this status; its words.
    async fn refused(&self, path: &str, body: &Value, status: u16) -> String {
        let (found, answer) = self.post(path, body).await;
        assert_eq!(found, status, "{body} {answer}");
        answer["error"]["message"].as_str().unwrap().to_owned()
    }

    async fn state(&self, id: &str) -> TaskState {
        let (run, id) = (RunId::from_text(RUN), TaskId::from_text(id));
        self.store.task_fetch(&run, &id).await.unwrap().state
    }

    async fn events(&self) -> usize {
        self.store.event_list(0, 1_000).await.unwrap().len()
    }
}

impl Drop for House {
    fn drop(&mut self) {
        self.stop.cancel();
    }
}

#[tokio::test]
async fn runs_are_listed_and_each_is_told_with_its_budgets_tasks_and_questions() {
    let house = House::start().await;
    let id = RunId::from_text(RUN);
    let asked = ("plan", QuestionKind::Plan, "Build this?");
    house
        .store
        .question_ask(&id, asked, Fixed.now())
        .await
        .unwrap();
    let (status, listed) = house.get("").await;
    assert_eq!(status, 200);
    assert_eq!(listed["data"][0]["run"]["id"], RUN);
    assert_eq!(listed["data"][1]["run"]["id"], OTHER);
    for named in ["/newest", "/01jruna", "/01JRUNAAAA"] {
        let (status, told) = house.get(named).await;
        assert_eq!(status, 200, "{told}");
        assert_eq!(told["run"]["status"], "running");
        assert_eq!(told["cost_micro_usd"], 0);
        assert_eq!(told["budgets"][0]["budget"], 2_000_000);
        assert_eq!(told["budgets"].as_array().unwrap().len(), 1);
        assert_eq!(told["tasks"][1]["task"]["id"], "t1.2");
        assert_eq!(told["task_counts"], json!({"pending": 2}));
        assert_eq!(told["questions"][0]["question"]["subject"], "plan");
    }
    assert_eq!(house.get("/02").await.0, 404);
    assert_eq!(house.get("/01JRUN").await.0, 409, "two begin so");
}

#[tokio::test]
async fn events_come_in_pages_that_go_on_where_the_last_one_ended() {
    let house = House::start().await;
    let (status, all) = house.get("/newest/events").await;
    assert_eq!(status, 200);
    let all = all["data"].as_array().unwrap().clone();
    assert!(all.len() > 1, "{all:?}");
    assert!(all.iter().all(|event| event["run"] == RUN));
    let first = &all[0]["seq"];
    let (_, rest) = house.get(&format!("/newest/events?after={first}")).await;
    assert_eq!(rest["data"].as_array().unwrap(), &all[1..]);
    assert_eq!(rest["last"], all.last().unwrap()["seq"]);
    let last = &rest["last"];
    let (_, none) = house.get(&format!("/newest/events?after={last}")).await;
    assert_eq!(none, json!({"data": [], "last": last}));
    assert_eq!(house.get("/newest/events?after=x").await.0, 400);
    assert_eq!(house.get("/02/events").await.0, 404);
}

#[tokio::test]
async fn a_page_of_events_and_a_list_of_runs_have_an_end() {
    let house = House::start().await;
    let id = RunId::from_text(RUN);
    for _ in 0..501 {
        let warning = atelier_model::EventKind::Warning {
            message: String::new(),
        };
        let added = house
            .store
            .event_append(Some(&id), None, warning, Fixed.now());
        added.await.unwrap();
    }
    let (_, page) = house.get("/newest/events").await;
    assert_eq!(page["data"].as_array().unwrap().len(), 500);
    let (_, rest) = house
        .get(&format!("/newest/events?after={}", page["last"]))
        .await;
    assert!(!rest["data"].as_array().unwrap().is_empty());
    for number in 0..60 {
        let more = run(&format!("02RUN{number}"));
        house.store.run_create(&more).await.unwrap();
    }
    let (_, listed) = house.get("").await;
    assert_eq!(listed["data"].as_array().unwrap().len(), 50);
}

#[tokio::test]
async fn what_is_asked_of_a_run_stands_in_the_store() {
    let house = House::start().await;
    let id = RunId::from_text(RUN);
    let pause = json!({"command": "pause", "now": true, "reason": "lunch"});
    let (status, told) = house.post("/newest", &pause).await;
    assert_eq!(status, 200, "{told}");
    assert_eq!(told["type"], "control");
    assert_eq!(told["run"], RUN);
    assert_eq!(told["command"], "pause");
    assert!(house.store.run_pulse(&id).await.unwrap().rest.is_some());
    let budget = json!({"command": "budget", "usd": "+1.00", "tokens": "200k", "wall": "30m"});
    assert_eq!(house.post("/newest", &budget).await.0, 200);
    let budget = house.store.run_fetch(&id).await.unwrap().budget;
    assert_eq!(budget.usd, Some(MicroUsd(3_000_000)));
    assert_eq!(budget.tokens, Some(200_000));
    assert_eq!(budget.wall_ms, Some(1_800_000));
    let cancel = json!({"command": "cancel"});
    assert_eq!(house.post("/newest", &cancel).await.0, 200);
    let run = house.store.run_fetch(&id).await.unwrap();
    assert_eq!(run.status, RunStatus::Cancelled);
    let said = house.refused("/newest", &cancel, 409).await;
    assert!(said.contains("it is cancelled"), "{said}");
    assert!(said.contains("atelier status --all"), "{said}");
    let said = house
        .refused("/newest", &json!({"command": "resume"}), 409)
        .await;
    assert!(said.contains(&format!("atelier resume {RUN}")), "{said}");
    let retry = json!({"command": "retry"});
    house.refused("/newest/tasks/1.1", &retry, 409).await;
}

#[tokio::test]
async fn what_is_asked_of_a_task_stands_in_the_store() {
    let house = House::start().await;
    let skip = json!({"command": "skip", "reason": "later"});
    let (status, told) = house.post("/newest/tasks/1.1", &skip).await;
    assert_eq!(status, 200, "{told}");
    assert_eq!(told["state"], "skipped");
    assert_eq!(told["waiting"], json!(["t1.2"]));
    let (status, told) = house
        .post("/newest/tasks/t1.1", &json!({"command": "retry"}))
        .await;
    assert_eq!((status, &told["again"]), (200, &json!(["t1.1"])));
    let edit =
        json!({"command": "edit", "title": "Say it", "priority": 7, "budget": {"calls": "4"}});
    let (status, told) = house.post("/newest/tasks/t1.2", &edit).await;
    assert_eq!(status, 200, "{told}");
    let (run, id) = (RunId::from_text(RUN), TaskId::from_text("t1.2"));
    let task = house.store.task_fetch(&run, &id).await.unwrap();
    assert_eq!((task.title.as_str(), task.priority), ("Say it", 7));
    let terms = house.store.task_terms(&run, &id).await.unwrap();
    assert_eq!(terms.budget.calls, Some(4));
    let cancel = json!({"command": "cancel"});
    assert_eq!(house.post("/newest/tasks/1.2", &cancel).await.0, 200);
    assert_eq!(house.state("t1.2").await, TaskState::Cancelled);
    house.refused("/newest/tasks/9.9", &skip, 404).await;
    house.refused("/02/tasks/1.1", &skip, 404).await;
    let nothing = json!({"command": "edit"});
    house.refused("/newest/tasks/1.1", &nothing, 409).await;
}

#[tokio::test]
async fn what_is_not_understood_changes_nothing() {
    let house = House::start().await;
    let before = house.events().await;
    for body in [
        "",
        "{",
        "[]",
        r#"{"command":"stop"}"#,
        r#"{"command":"skip"}"#,
        r#"{"command":"pause","nwo":true}"#,
        r#"{"command":"pause","now":"yes"}"#,
        r#"{"command":"resume","now":true}"#,
        r#"{"command":"budget"}"#,
        r#"{"command":"budget","usd":"much"}"#,
        r#"{"command":"budget","usd":1}"#,
        r#"{"command":"budget","minutes":"1"}"#,
        r#"{"command":"approve"}"#,
        r#"{"now":true}"#,
    ] {
        let (status, answer) = house.ask(&house.builder, "POST", "/newest", body).await;
        assert_eq!(status, 400, "{body}: {answer}");
    }
    for body in [
        r#"{"command":"pause"}"#,
        r#"{"command":"waive"}"#,
        r#"{"command":"edit","accept":["\"open"]}"#,
        r#"{"command":"edit","budget":{"usd":"x"}}"#,
        r#"{"command":"edit","owns":["src"]}"#,
    ] {
        let (status, answer) = house
            .ask(&house.builder, "POST", "/newest/tasks/1.1", body)
            .await;
        assert_eq!(status, 400, "{body}: {answer}");
    }
    let long = json!({"command": "pause", "reason": "x".repeat(64 << 10)});
    house.refused("/newest", &long, 413).await;
    assert_eq!(house.ask(&house.builder, "PUT", "/newest", "").await.0, 405);
    assert_eq!(house.get("/newest/tasks/1.1").await.0, 405);
    assert_eq!(house.get("/newest/nothing").await.0, 404);
    assert_eq!(house.events().await, before);
}

#[tokio::test]
async fn only_who_may_approve_answers_questions_and_takes_conditions_away() {
    let house = House::start().await;
    let id = RunId::from_text(RUN);
    let asked = ("t1.1", QuestionKind::Task, "Do this?");
    house
        .store
        .question_ask(&id, asked, Fixed.now())
        .await
        .unwrap();
    let reject = json!({"command": "reject", "subject": "1.1", "reason": "not so"});
    let waive = json!({"command": "waive", "reason": "gone"});
    let accept = json!({"command": "edit", "accept": ["cargo test"]});
    let steps = [
        ("/newest", &reject),
        ("/newest/tasks/1.2", &accept),
        ("/newest/tasks/1.2", &waive),
    ];
    let before = house.events().await;
    for (path, body) in steps {
        let said = house.refused(path, body, 403).await;
        assert!(said.contains("may not approve"), "{said}");
    }
    assert_eq!(house.events().await, before);
    for (path, body) in steps {
        let (status, told) = house
            .ask(&house.approver, "POST", path, &body.to_string())
            .await;
        assert_eq!(status, 200, "{told}");
    }
    assert_eq!(house.state("t1.2").await, TaskState::Waived);
    assert!(house.store.question_list(&id).await.unwrap().is_empty());
    let reject = reject.to_string();
    let again = house.ask(&house.approver, "POST", "/newest", &reject);
    assert_eq!(again.await.0, 409, "nothing waits any more");
    let drop = json!({"command": "edit", "drop": ["A9"]}).to_string();
    let dropped = house.ask(&house.approver, "POST", "/newest/tasks/1.1", &drop);
    assert_eq!(dropped.await.0, 404);
}
