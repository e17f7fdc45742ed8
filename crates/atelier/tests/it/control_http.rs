//! Runs are seen and steered over HTTP, through the real gateway, while the program works on them.

use atelier_testkit::{Fixture, wide};
use serde_json::{Value, json};

use crate::{
    gateway::Gateway,
    world::{World, code_of, count, oracle},
};

/// Where runs are.
const RUNS: &str = "/atelier/v1/runs";
/// Pages of events that are read.
const PAGES_MAX: usize = 100;

/// The header of a new key with a role.
fn key(world: &World, role: &str) -> String {
    let issued = world.run(&["keys", "issue", role, "--role", role]);
    format!(
        "authorization: Bearer {}\r\n",
        issued.expect(0).stdout.trim()
    )
}

/// What an answer says, which has this status.
#[track_caller]
fn said(answer: &str, status: u16) -> Value {
    let begin = format!("HTTP/1.1 {status} ");
    assert!(answer.starts_with(&begin), "not {status}: {answer}");
    let (_, body) = answer.split_once("\r\n\r\n").unwrap();
    serde_json::from_str(body).unwrap()
}

#[track_caller]
fn post(gateway: &Gateway, key: &str, path: &str, command: &Value, status: u16) -> Value {
    said(
        &gateway.post(&format!("{RUNS}{path}"), key, command),
        status,
    )
}

#[track_caller]
fn get(gateway: &Gateway, key: &str, path: &str, status: u16) -> Value {
    said(&gateway.ask("GET", &format!("{RUNS}{path}"), key), status)
}

/// Every event of the newest run, page by page.
fn events(gateway: &Gateway, key: &str) -> Vec<Value> {
    let (mut all, mut last) = (Vec::new(), json!(0));
    for _ in 0..PAGES_MAX {
        let page = get(gateway, key, &format!("/newest/events?after={last}"), 200);
        let data = page["data"].as_array().unwrap();
        if data.is_empty() {
            return all;
        }
        all.extend(data.iter().cloned());
        last = page["last"].clone();
    }
    panic!("the pages have no end");
}

#[test]
fn a_run_under_way_is_paused_over_http_and_goes_on_without_asking_twice() {
    let fixture = wide(4).unwrap();
    let world = World::building(oracle(&fixture).with_latency_ms(300));
    let builder = key(&world, "builder");
    let mut run = world.start(&["build", "-j", "2", &fixture.requirement]);
    world.wait_for(&mut run, "attempt.started", 2);
    let gateway = Gateway::start(&world, &[]);
    let pause = json!({"command": "pause", "reason": "lunch"});
    let told = post(&gateway, &builder, "/newest", &pause, 200);
    assert_eq!(told["type"], "control");
    assert_eq!(code_of(&mut run), 10);
    let log = world.events();
    assert_eq!(count(&log, "control.asked"), 1);
    assert_eq!(events(&gateway, &builder), log);
    let open = count(&log, "ask.started") - count(&log, "ask.finished");
    assert_eq!(open, 0, "a paid answer was not awaited");
    let resume = json!({"command": "resume"});
    let refused = post(&gateway, &builder, "/newest", &resume, 409);
    let hint = refused["error"]["message"].as_str().unwrap();
    assert!(hint.contains("atelier resume"), "{hint}");
    world.run(&["resume"]).expect(0);
    assert_eq!(world.repeated(), 0);
    is_as_on_the_terminal(&world, &get(&gateway, &builder, "/newest", 200));
    gateway.stop();
    let noted = world.run(&["--json", "audit", "show", "--kind", "run.steered"]);
    let noted = noted.expect(0).stdout;
    assert_eq!(noted.lines().count(), 1, "{noted}");
    assert!(
        noted.contains("pause") && noted.contains("builder"),
        "{noted}"
    );
}

/// What is told over HTTP is what the terminal tells, line by line.
#[track_caller]
fn is_as_on_the_terminal(world: &World, told: &Value) {
    let lines = world.run(&["--json", "status"]).expect(0).json();
    let of = |kind: &str| -> Vec<Value> {
        let lines = lines.iter().filter(|line| line["type"] == kind);
        lines.cloned().collect()
    };
    assert_eq!(of("run")[0]["run"], told["run"]);
    assert_eq!(of("run")[0]["cost_micro_usd"], told["cost_micro_usd"]);
    assert_eq!(Value::from(of("task")), told["tasks"]);
    assert_eq!(Value::from(of("budget")), told["budgets"]);
    assert_eq!(Value::from(of("question")), told["questions"]);
}

#[test]
fn a_plan_is_approved_and_a_task_skipped_and_done_without_over_http() {
    let fixture = wide(3).unwrap();
    let world = World::building(oracle(&fixture));
    let (builder, approver) = (key(&world, "builder"), key(&world, "approver"));
    let begin = ["build", "--approval", "task", &fixture.requirement];
    world.run(&begin).expect(10);
    let gateway = Gateway::start(&world, &[]);
    let told = get(&gateway, &builder, "/newest", 200);
    assert_eq!(told["questions"][0]["question"]["subject"], "plan");
    is_as_on_the_terminal(&world, &told);
    let approve = json!({"command": "approve", "subject": "plan", "reason": "good"});
    post(&gateway, &builder, "/newest", &approve, 403);
    post(&gateway, &approver, "/newest", &approve, 200);
    world.run(&["resume", "-j", "1"]).expect(10);
    let skip = json!({"command": "skip"});
    let told = post(&gateway, &builder, "/newest/tasks/1.3", &skip, 200);
    assert_eq!(told["state"], "skipped");
    let ended = world.run(&["resume", "--approval", "never"]).expect(10);
    assert!(ended.all().contains("t1.3"), "{}", ended.all());
    let waive = json!({"command": "waive", "reason": "later"});
    post(&gateway, &builder, "/newest/tasks/1.3", &waive, 403);
    post(&gateway, &approver, "/newest/tasks/1.3", &waive, 200);
    let ended = world.run(&["resume"]).expect(0);
    assert!(ended.all().contains("later"), "{}", ended.all());
    let told = get(&gateway, &builder, "/newest", 200);
    assert_eq!(told["task_counts"]["waived"], 1);
    assert_eq!(told["run"]["status"], "done");
    let pause = json!({"command": "pause"});
    let refused = post(&gateway, &builder, "/newest", &pause, 409);
    let words = refused["error"]["message"].as_str().unwrap();
    assert!(words.contains("it is done"), "{words}");
}

/// A project with a plan.
fn planned(fixture: &Fixture) -> World {
    let world = World::building(oracle(fixture));
    world.run(&["plan", &fixture.requirement]).expect(0);
    world
}

#[test]
fn what_is_unknown_or_not_allowed_is_refused_with_the_status_that_says_so() {
    let world = planned(&wide(1).unwrap());
    let gateway = Gateway::start(&world, &[]);
    let cancel = json!({"command": "cancel"});
    let told = get(&gateway, "", "", 200);
    assert_eq!(told["data"].as_array().unwrap().len(), 1);
    post(&gateway, "", "/newest", &cancel, 401);
    let (viewer, admin) = (key(&world, "viewer"), key(&world, "admin"));
    get(&gateway, "", "", 401);
    get(&gateway, &viewer, "/newest", 200);
    post(&gateway, &viewer, "/newest", &cancel, 403);
    get(&gateway, &admin, "/nothing", 404);
    post(&gateway, &admin, "/nothing", &cancel, 404);
    let skip = json!({"command": "skip"});
    post(&gateway, &admin, "/newest/tasks/1.1", &skip, 404);
    post(&gateway, &admin, "/newest", &skip, 400);
    let wrong = json!({"command": "cancel", "because": "x"});
    post(&gateway, &admin, "/newest", &wrong, 400);
    let status = world.run(&["--json", "status"]).expect(0).json();
    assert_eq!(status[0]["run"]["status"], "planned");
    post(&gateway, &admin, "/newest", &cancel, 200);
    let status = world.run(&["--json", "status"]).expect(0).json();
    assert_eq!(status[0]["run"]["status"], "cancelled");
}

#[test]
fn a_gateway_outside_of_a_project_knows_no_runs() {
    let fixture = wide(1).unwrap();
    let world = World::building(oracle(&fixture));
    let gateway = Gateway::start(&world, &[]);
    let refused = get(&gateway, "", "", 501);
    let words = refused["error"]["message"].as_str().unwrap();
    assert!(words.contains("no project"), "{words}");
}
