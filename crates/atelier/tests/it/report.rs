//! `atelier report`: what a run came to, in each form, as the state has it.

use std::{collections::BTreeSet, fs};

use atelier_testkit::{Dialect, Fixture, Mode, Script, chain};
use serde_json::{Value, json};

use crate::world::{Ended, World};

/// Dollars for a million tokens, so that money can be told.
const PRICED: [&str; 4] = [
    "-c",
    "prices.standin-large.input=5",
    "-c",
    "prices.standin-large.output=25",
];

fn priced(world: &World, args: &[&str]) -> Ended {
    world.run(&[&PRICED[..], args].concat())
}

/// The report for programs.
#[track_caller]
fn report(world: &World, more: &[&str]) -> Value {
    let mut lines = priced(world, &[&["--json", "report"], more].concat())
        .expect(0)
        .json();
    assert_eq!(lines.len(), 1, "one object");
    lines.remove(0)
}

fn list<'a>(report: &'a Value, name: &str) -> &'a Vec<Value> {
    report[name].as_array().unwrap()
}

#[test]
fn a_finished_run_shows_what_stands_behind_each_statement() {
    let fixture = chain(3).unwrap();
    let world = World::oracle(&fixture, Dialect::OpenAi).with_commit();
    let told = priced(&world, &["build", &fixture.requirement]).expect(0);
    assert!(
        told.stderr.contains("report  atelier report"),
        "{}",
        told.all()
    );

    let report = report(&world, &[]);
    assert_eq!(
        (&report["v"], &report["type"]),
        (&json!(1), &json!("run.report"))
    );
    assert_eq!(report["outcome"]["verified"], json!(true));
    let trunk = world.git(&["rev-parse", "main"]);
    assert_eq!(report["outcome"]["commit"], json!(trunk));
    assert_eq!(report["verdict"]["commit"], json!(trunk));
    assert_eq!(report["requirement"], json!(fixture.requirement.trim()));

    // Statement, criterion, task, commit and evidence are one chain, and git has its end.
    let criteria = list(&report, "criteria");
    let statements = list(&report, "requirements");
    assert!(!statements.is_empty() && !criteria.is_empty());
    for one in statements {
        assert_eq!(one["state"], json!("met"), "{one}");
        for place in one["criteria"].as_array().unwrap() {
            let place = usize::try_from(place.as_u64().unwrap()).unwrap();
            let criterion = &criteria[place];
            assert_eq!(criterion["outcome"], json!("passed"), "{criterion}");
            assert_eq!(criterion["checked_in"], json!("verdict"), "{criterion}");
            assert!(
                one["tasks"]
                    .as_array()
                    .unwrap()
                    .contains(&criterion["task"])
            );
            let commit = criterion["commit"].as_str().unwrap();
            let message = world.git(&["show", "-s", "--format=%B", commit]);
            let evidence = criterion["evidence"].as_str().unwrap();
            assert!(message.contains(evidence), "{evidence} in {message}");
        }
    }
    let totals = &report["totals"];
    assert_eq!(totals["requirements_met"], totals["requirements"]);
    assert_eq!(totals["criteria_passed"], json!(criteria.len()));
    assert_eq!(
        (&totals["tasks"], &totals["tasks_done"]),
        (&json!(3), &json!(3))
    );
}

#[test]
fn money_and_the_estimates_told_before_are_those_on_record() {
    let fixture = chain(2).unwrap();
    let world = World::oracle(&fixture, Dialect::OpenAi).with_commit();
    priced(&world, &["build", &fixture.requirement]).expect(0);
    let report = report(&world, &[]);
    let spent: u64 = priced(&world, &["--json", "cost"])
        .expect(0)
        .json()
        .iter()
        .filter_map(|part| part["cost_micro_usd"].as_u64())
        .sum();
    assert!(spent > 0);
    assert_eq!(report["totals"]["cost_micro_usd"], json!(spent));
    assert_eq!(
        report["totals"]["asks"],
        json!(world.server().request_count())
    );
    let by_model = list(&report, "models").iter();
    let by_model: u64 = by_model
        .map(|one| one["cost_micro_usd"].as_u64().unwrap())
        .sum();
    assert_eq!(by_model, spent);

    let estimates = list(&report, "estimates");
    let planned: Vec<_> = estimates.iter().map(|one| &one["planned"]).collect();
    assert_eq!(planned, [&json!(false), &json!(true)]);
    let events = world.events();
    let told = |event: &&Value| event["type"] == "run.estimated";
    let told: Vec<&Value> = events.iter().filter(told).collect();
    for (one, event) in estimates.iter().zip(told) {
        assert_eq!(one["cost_micro_usd"], event["cost"], "{event}");
        assert_eq!(one["asks"], event["asks"], "{event}");
    }
    // The guess comes before the first ask, and the other before the first task.
    let place = |kind: &str| events.iter().position(|event| event["type"] == kind);
    assert!(place("run.estimated") < place("ask.started"));
    let second = events
        .iter()
        .rposition(|event| event["type"] == "run.estimated");
    assert!(second < place("attempt.started"));
}

#[test]
fn what_is_not_met_stands_first_with_the_reason_and_what_helps() {
    let fixture = Fixture::named("python-intervals").unwrap();
    let script = Script::new(Mode::Lazy).with_fixture(fixture.clone());
    let world = World::building(script);
    let told = priced(&world, &["build", &fixture.requirement]).expect(13);
    assert!(
        told.stderr.contains("report  atelier report"),
        "{}",
        told.all()
    );

    let report = report(&world, &[]);
    assert_eq!(report["outcome"]["verified"], json!(false));
    assert_eq!(report["outcome"]["exit_code"], json!(13));
    let statements = list(&report, "requirements");
    assert_eq!(
        statements[0]["state"],
        json!("not_met"),
        "{}",
        statements[0]
    );
    assert_eq!(report["totals"]["requirements_met"], json!(0));
    let retries = list(&report, "retries");
    assert_eq!(retries[0]["task"], json!("t1.1"));
    assert_eq!(retries[0]["outcome"], json!("checks_failed"));
    assert!(retries[0]["reason"].as_str().unwrap().starts_with("test: "));
    let commands: Vec<_> = list(&report, "hints")
        .iter()
        .map(|hint| hint["command"].as_str().unwrap())
        .collect();
    assert_eq!(commands[0], "atelier task retry t1.1");

    let text = world.run(&["report"]).expect(0).stdout;
    let place = |what: &str| {
        text.find(what)
            .unwrap_or_else(|| panic!("no `{what}` in {text}"))
    };
    assert!(place("not finished") < place("not met"), "{text}");
    assert!(place("not met") < place("Cost and time"), "{text}");
    assert!(place("  open") > place("not met"), "{text}");
}

#[test]
fn each_form_is_one_file_that_needs_no_other() {
    let fixture = chain(2).unwrap();
    let world = World::oracle(&fixture, Dialect::OpenAi).with_commit();
    priced(&world, &["build", &fixture.requirement]).expect(0);
    let whole = report(&world, &[]);
    let read = |name: &str| fs::read_to_string(world.folder().join(name)).unwrap();
    for name in ["out.html", "out.md", "out.json", "out.txt"] {
        let told = world.run(&["report", "-o", name]).expect(0).stdout;
        assert_eq!(told, format!("written {name}\n"));
        assert!(
            read(name).contains(whole["name"].as_str().unwrap()),
            "{name}"
        );
    }
    let page = read("out.html");
    assert!(page.starts_with("<!doctype html>"));
    for word in [
        "<script", "<link", "<img", "src=", "href=", "url(", "http:", "https:",
    ] {
        assert!(!page.contains(word), "{word}");
    }
    assert!(read("out.md").starts_with("# chain: built and verified\n"));
    let again: Value = serde_json::from_str(&read("out.json")).unwrap();
    assert_eq!(again["criteria"], whole["criteria"]);
    assert_eq!(again["timeline"], whole["timeline"]);
    // What is asked for in words goes before what the name means, and no file is left beside.
    world
        .run(&["report", "--format", "markdown", "-o", "out.txt"])
        .expect(0);
    assert!(read("out.txt").starts_with("# chain"));
    let names: BTreeSet<String> = fs::read_dir(world.folder())
        .unwrap()
        .map(|entry| entry.unwrap().file_name().to_string_lossy().into_owned())
        .filter(|name| name.contains("out."))
        .collect();
    assert_eq!(names.len(), 4, "{names:?}");

    let told = world.run(&["--json", "report", "-o", "out.html"]).expect(0);
    assert_eq!(told.json()[0]["form"], json!("html"));
    assert_eq!(told.json()[0]["bytes"], json!(read("out.html").len()));
    world
        .run(&["report", "-o", "nowhere/out.html"])
        .expect_failure(2, "nowhere/out.html");
}

#[test]
fn answers_that_were_there_already_are_told_with_what_they_saved() {
    let fixture = chain(2).unwrap();
    let world = World::oracle(&fixture, Dialect::OpenAi);
    let plan = |requirement: &str| {
        let like = ["-c", "semantic_cache=on", "-c", "semantic_checked_min=0"];
        priced(&world, &[&like[..], &["plan", requirement]].concat()).expect(0);
        report(&world, &[])
    };
    let first = plan(&fixture.requirement);
    let asked = &first["cache"]["provider"];
    assert_eq!(asked, &json!(world.server().request_count()));
    let rest = fixture.requirement.strip_prefix("Write").unwrap();
    let second = plan(&format!("Could you please write{rest}"));
    assert_ne!(first["run"], second["run"]);
    let cache = &second["cache"];
    assert_eq!(
        (&cache["provider"], &cache["exact"]),
        (&json!(0), &json!(0))
    );
    assert_eq!(&cache["semantic"], asked);
    assert_eq!(second["totals"]["cost_micro_usd"], json!(0));
    assert_eq!(
        cache["semantic_saved_micro_usd"],
        first["totals"]["cost_micro_usd"]
    );
    let text = world.run(&["report"]).expect(0).stdout;
    assert!(text.contains("of the same meaning saved"), "{text}");
    // Nothing was executed yet: every statement is open, and the first hint says how to go on.
    for one in list(&second, "requirements") {
        assert_eq!(one["state"], json!("open"), "{one}");
    }
    assert_eq!(second["verdict"], Value::Null);
    assert_eq!(second["hints"][0]["command"], json!("atelier run"));
    // The other one is still told, by its id.
    let id = first["run"].as_str().unwrap();
    assert_eq!(report(&world, &[id])["cache"], first["cache"]);
}

#[test]
fn tools_look_where_that_is_asked_for_and_the_workflow_is_named() {
    let fixture = chain(2).unwrap();
    let world = World::oracle(&fixture, Dialect::OpenAi).with_commit();
    priced(&world, &["build", &fixture.requirement]).expect(0);
    let plain = report(&world, &[]);
    assert!(list(&plain, "tools").is_empty() && list(&plain, "remarks").is_empty());
    let flow = |report: &Value| report["workflows"][0]["state"].clone();
    assert_eq!(flow(&plain), json!("missing"));
    let commands = plain["hints"].to_string();
    assert!(commands.contains("atelier ci generate"), "{commands}");
    assert!(commands.contains("atelier report --analyse"), "{commands}");

    world.run(&["ci", "generate"]).expect(0);
    // Built here so that no scanner of this repository takes it for one.
    let token = format!("ghp_{}", "A1b2C3d4E5f6G7h8I9j0K1l2M3n4O5p6Q7r8");
    world.write("conf/app.toml", format!("token = \"{token}\"\n"));
    let looked = report(&world, &["--analyse"]);
    assert_eq!(flow(&looked), json!("current"));
    assert!(list(&looked, "tools").contains(&json!("secrets")));
    let remark = &looked["remarks"][0];
    assert_eq!(remark["severity"], json!("high"), "{remark}");
    assert_eq!(remark["place"], json!("conf/app.toml:1"), "{remark}");
    assert!(!looked.to_string().contains(&token));
    let page = world
        .run(&["report", "--analyse", "--format", "html"])
        .expect(0)
        .stdout;
    assert!(page.contains("conf/app.toml:1") && !page.contains(&token));
}

#[test]
fn a_folder_or_run_that_is_none_is_told() {
    let world = World::offline();
    world
        .run(&["report"])
        .expect_failure(2, "there is no `.atelier` folder");
    world.run(&["build", "a todo list in Python"]).expect(0);
    world
        .run(&["report", "01NOTHING"])
        .expect_failure(2, "01NOTHING");
    let offline = report(&world, &[]);
    assert_eq!(offline["outcome"]["offline"], json!(true));
    // Where no model is asked there is nothing to foretell.
    assert!(list(&offline, "estimates").is_empty());
    assert_eq!(offline["totals"]["cost_micro_usd"], json!(0));
}
