//! Questions are sent together, looked at and fetched, and never sent or paid for twice.

mod vendor;

use std::{fs, process::Stdio};

use serde_json::{Value, json};

use self::vendor::{Halt, Vendor};
use crate::world::{Ended, KEY, World, end};

const VENDORS: [&str; 2] = ["openai", "anthropic"];

/// A project with two questions, and a provider.
fn world(vendor: &'static str) -> (World, Vendor) {
    let world = World::offline().with_commit();
    let question = |name: &str| {
        let messages = json!([{"role": "user", "content": format!("say {name}")}]);
        json!({"custom_id": name, "messages": messages, "max_tokens": 50}).to_string()
    };
    let text = format!("{}\n{}\n", question("one"), question("two"));
    fs::write(world.folder().join("ask.jsonl"), text).unwrap();
    (world, Vendor::start(vendor))
}

fn command(world: &World, vendor: &Vendor, args: &[&str]) -> std::process::Command {
    let mut command = world.command(&["-c", "prices.standin.input=2"]);
    command
        .args(["-c", "prices.standin.output=8"])
        .args(args)
        .env("ATELIER_PROVIDER", vendor.name)
        .env("ATELIER_MODEL", "standin")
        .env("ATELIER_BASE_URL", &vendor.url)
        .env("ATELIER_KEY", KEY);
    command
}

fn run(world: &World, vendor: &Vendor, args: &[&str]) -> Ended {
    end(command(world, vendor, args))
}

const SUBMIT: [&str; 3] = ["batch", "submit", "ask.jsonl"];

fn submitted(world: &World, vendor: &Vendor) -> String {
    let ended = run(world, vendor, &SUBMIT).expect(0);
    ended.stdout.trim_end().to_owned()
}

/// The name of the newest batch.
fn newest(world: &World, vendor: &Vendor) -> String {
    let listed = run(world, vendor, &["--json", "batch", "status"]).expect(0);
    listed.json()[0]["batch"].as_str().unwrap().to_owned()
}

/// Runs until the vendor falls silent, and is killed there.
fn killed(world: &World, vendor: &Vendor, halt: Halt, args: &[&str]) {
    let silent = vendor.halt(halt);
    let mut child = command(world, vendor, args)
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .spawn()
        .unwrap();
    silent.recv().unwrap();
    child.kill().unwrap();
    child.wait().unwrap();
    vendor.goes_on();
}

/// Collects the answers, which are both there and paid for once.
fn collected(world: &World, vendor: &Vendor, id: &str) {
    let lines = run(world, vendor, &["--json", "batch", "collect", id]).expect(0);
    let lines = lines.json();
    let texts: Vec<&Value> = lines.iter().map(|line| &line["text"]).collect();
    assert_eq!(texts[..2], ["answer to: say one", "answer to: say two"]);
    let names: Vec<&Value> = lines.iter().map(|line| &line["custom_id"]).collect();
    assert_eq!(names[..2], ["one", "two"]);
    // 1,000 tokens at 2 dollars a million and 100 at 8, twice.
    assert_eq!(lines[2]["cost_micro_usd"], 2 * (2_000 + 800));
    assert_eq!(lines[2]["reserved_micro_usd"], 0);
    let cost = run(world, vendor, &["--json", "cost", "--gateway"]).expect(0);
    let spent = cost
        .json()
        .into_iter()
        .filter(|line| line["type"] == "batch");
    let spent: u64 = spent
        .map(|line| line["cost_micro_usd"].as_u64().unwrap())
        .sum();
    assert_eq!(spent, 5_600);
}

#[test]
fn questions_are_sent_once_and_their_answers_come_in_their_order() {
    for name in VENDORS {
        let (world, vendor) = world(name);
        let id = submitted(&world, &vendor);
        run(&world, &vendor, &SUBMIT).expect_failure(10, "the same questions were sent");
        assert_eq!(vendor.made(), 1);
        run(&world, &vendor, &["batch", "collect", &id]).expect(10);
        let open = run(&world, &vendor, &["--json", "batch", "status", &id]).expect(10);
        let reserved = open.json()[0]["reserved_micro_usd"].as_u64().unwrap();
        assert!(reserved > 2 * 50 * 8, "{reserved}");
        vendor.finish(&[]);
        run(&world, &vendor, &["batch", "status", &id]).expect(0);
        collected(&world, &vendor, &id);
        // It can be fetched again, and is not paid for again.
        collected(&world, &vendor, &id);
        let audit = run(&world, &vendor, &["--json", "audit", "show"]).expect(0);
        let changes = audit.json().into_iter();
        let changes = changes.filter(|entry| entry["fact"]["type"] == "batch.changed");
        let changes: Vec<Value> = changes
            .map(|entry| entry["fact"]["change"].clone())
            .collect();
        assert_eq!(changes, ["sent", "collected"]);
    }
}

#[test]
fn what_failed_is_told_and_costs_nothing() {
    for name in VENDORS {
        let (world, vendor) = world(name);
        let id = submitted(&world, &vendor);
        vendor.finish(&[0]);
        let to = world.folder().join("answers.jsonl");
        let args = ["batch", "collect", &id, "--to", to.to_str().unwrap()];
        run(&world, &vendor, &args).expect(13);
        let text = fs::read_to_string(&to).unwrap();
        let lines = text.lines().map(|line| serde_json::from_str(line).unwrap());
        let lines: Vec<Value> = lines.collect();
        assert_eq!(
            (&lines[0]["custom_id"], &lines[0]["outcome"]),
            (&json!("one"), &json!("failed"))
        );
        assert!(lines[0]["error"].as_str().unwrap().contains("too much"));
        assert_eq!(lines[1]["text"], "answer to: say two");
        let again = run(&world, &vendor, &["--json", "batch", "status", &id]).expect(13);
        assert_eq!(again.json()[0]["cost_micro_usd"], 2_800);
        assert_eq!(again.json()[0]["failed"], 1);
    }
}

#[test]
fn a_sending_whose_answer_was_lost_is_found_at_the_provider_and_not_repeated() {
    for name in VENDORS {
        let (world, vendor) = world(name);
        vendor.held().is_cut = true;
        run(&world, &vendor, &SUBMIT).expect_failure(14, "send batch");
        vendor.held().is_cut = false;
        let again = run(&world, &vendor, &SUBMIT);
        if name == "openai" {
            again.expect(0);
        } else {
            again.expect_failure(10, "1 that are under way there may be it");
        }
        assert_eq!(vendor.made(), 1);
        vendor.finish(&[]);
        let id = newest(&world, &vendor);
        collected(&world, &vendor, &id);
        assert_eq!(vendor.made(), 1);
    }
}

#[test]
fn killed_at_any_step_a_batch_goes_on_and_is_paid_for_once() {
    let order = ["POST /v1/batches", "POST /v1/messages/batches"];
    let fetch = [
        "GET /v1/files/",
        "GET /v1/messages/batches/msgbatch_0/results",
    ];
    for (at, name) in VENDORS.into_iter().enumerate() {
        let (world, vendor) = world(name);
        let halt = |at, is_done| Halt { at, is_done };
        if name == "openai" {
            // Nothing that costs money went out: the next one sends it.
            for is_done in [false, true] {
                killed(&world, &vendor, halt("POST /v1/files", is_done), &SUBMIT);
                assert_eq!(vendor.made(), 0);
            }
            let killed = newest(&world, &vendor);
            run(&world, &vendor, &["batch", "status", &killed]).expect(10);
        }
        killed(&world, &vendor, halt(order[at], false), &SUBMIT);
        // It may have arrived, so nothing is sent until its owner says that it did not.
        run(&world, &vendor, &SUBMIT).expect_failure(10, "nothing of it is there");
        let lost = newest(&world, &vendor);
        run(&world, &vendor, &["batch", "cancel", &lost]).expect(0);
        assert_eq!(vendor.made(), 0);
        killed(&world, &vendor, halt(order[at], true), &SUBMIT);
        assert_eq!(vendor.made(), 1);
        vendor.finish(&[]);
        // It did arrive, and is known by what went with it.
        run(&world, &vendor, &SUBMIT).expect(0);
        assert_eq!(vendor.made(), 1);
        let id = newest(&world, &vendor);
        for is_done in [false, true] {
            let args = ["batch", "collect", id.as_str()];
            killed(&world, &vendor, halt(fetch[at], is_done), &args);
        }
        collected(&world, &vendor, &id);
        assert_eq!(vendor.made(), 1);
    }
}

#[test]
fn what_the_provider_refused_may_be_sent_again() {
    for name in VENDORS {
        let (world, vendor) = world(name);
        vendor.held().is_full = true;
        run(&world, &vendor, &SUBMIT).expect_failure(14, "no room");
        vendor.held().is_full = false;
        submitted(&world, &vendor);
        assert_eq!(vendor.made(), 1);
    }
}

#[test]
fn a_batch_that_is_given_up_ends_and_costs_what_was_answered() {
    for name in VENDORS {
        let (world, vendor) = world(name);
        let id = submitted(&world, &vendor);
        run(&world, &vendor, &["batch", "cancel", &id]).expect(0);
        let lines = run(&world, &vendor, &["--json", "batch", "collect", &id]).expect(13);
        let lines = lines.json();
        assert_eq!(lines[2]["cost_micro_usd"], 0);
        assert_eq!(lines[2]["failed"], 2);
        // What is over stays as it is.
        run(&world, &vendor, &["batch", "cancel", &id]).expect(0);
        let state = run(&world, &vendor, &["--json", "batch", "status", &id]).expect(13);
        assert_eq!(state.json()[0]["state"], "collected");
    }
}

#[test]
fn what_is_to_be_hidden_stays_here_and_is_in_the_answer() {
    let question = json!({"custom_id": "of Anna", "messages":
        [{"role": "user", "content": "write to anna.hughes@example.org"}]});
    for name in VENDORS {
        let (world, vendor) = world(name);
        fs::write(world.folder().join("ask.jsonl"), question.to_string()).unwrap();
        let hiding = ["-c", "guard_local=all"];
        run(&world, &vendor, &[&hiding[..], &SUBMIT].concat()).expect(0);
        let seen = vendor.held().seen.clone();
        assert!(!seen.contains("anna") && !seen.contains("Anna"), "{seen}");
        vendor.finish(&[]);
        let id = newest(&world, &vendor);
        let collect = ["--json", "batch", "collect", id.as_str()];
        let lines = run(&world, &vendor, &collect).expect(0).json();
        assert_eq!(
            lines[0]["text"],
            "answer to: write to anna.hughes@example.org"
        );
        assert_eq!(lines[0]["custom_id"], "of Anna");
        let audit = run(
            &world,
            &vendor,
            &["audit", "show", "--kind", "guard.redacted"],
        );
        assert!(audit.expect(0).stdout.contains("guard.redacted"));
    }
}

#[test]
fn a_budget_that_does_not_cover_a_batch_stops_it_before_it_is_sent() {
    let (world, vendor) = world("anthropic");
    let with = |setting: &str| run(&world, &vendor, &[&["-c", setting][..], &SUBMIT].concat());
    with("budget=0.0005").expect_failure(12, "budget of $0.000500");
    with("budget_day=0.0005").expect_failure(12, "daily budget of $0.000500");
    assert_eq!(vendor.made(), 0);
    assert!(vendor.held().seen.is_empty());
    with("budget_day=0.002").expect(0);
    // What it may cost is taken from the day, and given back when it is known.
    let twice = [
        "-c",
        "budget_day=0.002",
        "batch",
        "submit",
        "--again",
        "ask.jsonl",
    ];
    run(&world, &vendor, &twice).expect_failure(12, "daily budget");
    let audit = run(
        &world,
        &vendor,
        &["audit", "show", "--kind", "budget.refused"],
    );
    assert_eq!(audit.expect(0).stdout.lines().count(), 3);
}

#[test]
fn a_batch_stays_with_the_key_that_it_was_sent_with() {
    let (world, vendor) = world("openai");
    let without_key = |args: &[&str]| {
        let mut command = command(&world, &vendor, args);
        command.env_remove("ATELIER_KEY");
        end(command)
    };
    let add = ["--json", "keys", "add", "openai", "--name", "first"];
    let added = world.run_with(&add, KEY.as_bytes()).expect(0);
    let first = added.json()[0]["id"].as_str().unwrap().to_owned();
    let id = without_key(&SUBMIT).expect(0);
    let id = id.stdout.trim_end();
    // From here on another key goes before it, which this provider does not know.
    let rotate = ["keys", "rotate", first.as_str()];
    let other = b"sk-of-another-account-0123456789";
    world.run_with(&rotate, other).expect(0);
    vendor.finish(&[]);
    let shown = without_key(&["--json", "batch", "status", id]).expect(0);
    assert_eq!(shown.json()[0]["key"], first.as_str());
    without_key(&["batch", "collect", id]).expect(0);
    let used = world.run(&["--json", "audit", "show", "--kind", "key.used"]);
    assert!(used.expect(0).stdout.contains(&first));
}

#[test]
fn a_provider_without_batches_is_told() {
    let (world, mut vendor) = world("openai");
    vendor.name = "gemini";
    run(&world, &vendor, &SUBMIT).expect_failure(3, "openai` and `anthropic");
}
