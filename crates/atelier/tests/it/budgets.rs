//! Budgets of calls, tokens and time beside money: held to, told of, and raised without repeating a
//! call.
//!
//! Money has its own tests.

use atelier_testkit::{Mode, Script, wide};
use serde_json::Value;

use crate::world::{World, count, oracle};

fn marks(log: &[Value], resource: &str) -> Vec<u64> {
    let marked = log.iter().filter(|event| event["type"] == "budget.marked");
    let of = marked.filter(|event| event["resource"] == resource);
    of.map(|event| event["percent"].as_u64().unwrap()).collect()
}

#[test]
fn a_run_out_of_calls_pauses_and_goes_on_with_more_without_repeating_one() {
    let fixture = wide(2).unwrap();
    let world = World::building(oracle(&fixture));
    let ended = world.run(&["build", "--budget-calls", "5", &fixture.requirement]);
    let ended = ended.expect_failure(12, "5 calls");
    assert!(
        ended.line("hint: ").contains("--budget-calls"),
        "{}",
        ended.all()
    );
    assert_eq!(world.server().requests().len(), 5);
    let log = world.events();
    assert_eq!(marks(&log, "calls"), [50, 80, 100]);
    assert!(count(&log, "budget.exhausted") >= 1);
    let status = world.run(&["status"]).expect(0);
    assert!(
        status.all().contains("5 calls of 5 calls"),
        "{}",
        status.all()
    );
    assert!(status.all().contains("100 %"), "{}", status.all());
    assert!(
        status.all().contains("atelier resume --budget"),
        "{}",
        status.all()
    );
    world.run(&["resume"]).expect(12);
    world.run(&["resume", "--budget-calls", "+50"]).expect(0);
    assert_eq!(world.repeated(), 0);
    let json = world.run(&["--json", "status"]).expect(0).json();
    let budget = json.iter().find(|line| line["type"] == "budget").unwrap();
    assert_eq!(budget["resource"], "calls");
    assert_eq!(budget["budget"], 55);
    assert_eq!(budget["used"], world.server().requests().len());
}

#[test]
fn tokens_are_reserved_before_anything_is_asked() {
    let fixture = wide(1).unwrap();
    let world = World::building(oracle(&fixture));
    let ended = world.run(&["build", "--budget-tokens", "100", &fixture.requirement]);
    let ended = ended.expect_failure(12, "100 tokens");
    assert!(
        ended.line("hint: ").contains("--budget-tokens"),
        "{}",
        ended.all()
    );
    assert_eq!(world.server().requests().len(), 0);
    world.run(&["resume", "--budget-tokens", "10M"]).expect(0);
}

#[test]
fn time_that_is_used_up_stops_what_hangs() {
    let fixture = wide(1).unwrap();
    let mut world = World::building(oracle(&fixture));
    world.now_with(Script::new(Mode::Hang).with_fixture(fixture.clone()));
    let ended = world.run(&["build", "--budget-wall", "1s", &fixture.requirement]);
    let ended = ended.expect_failure(12, "of work are used");
    assert!(
        ended.line("hint: ").contains("--budget-wall"),
        "{}",
        ended.all()
    );
    assert_eq!(count(&world.events(), "budget.exhausted"), 1);
    world.now_with(oracle(&fixture));
    world.run(&["resume", "--budget-wall", "+30m"]).expect(0);
}

#[test]
fn stages_and_tasks_have_budgets_by_configuration() {
    let fixture = wide(1).unwrap();
    for (setting, said) in [
        ("stages.plan.budget_calls=1", "budget of the stage"),
        ("task_budget_tokens=10", "budget of the task"),
        ("budget_calls=2", "2 calls"),
    ] {
        let world = World::building(oracle(&fixture));
        let ended = world.run(&["-c", setting, "build", &fixture.requirement]);
        if setting.starts_with("stages.plan") {
            // One call is all that the stage needs.
            ended.expect(0);
        } else {
            ended.expect_failure(12, said);
        }
    }
}

#[test]
fn a_task_is_given_more_by_an_edit() {
    let fixture = wide(1).unwrap();
    let world = World::building(oracle(&fixture));
    let args = ["-c", "task_budget_tokens=10", "build", &fixture.requirement];
    let ended = world.run(&args).expect_failure(12, "budget of the task");
    assert!(
        ended.line("hint: ").contains("atelier task edit"),
        "{}",
        ended.all()
    );
    for task in ["1.1", "1.2"] {
        world
            .run(&["task", "edit", task, "--budget-tokens", "1M"])
            .expect(0);
    }
    world
        .run(&["-c", "task_budget_tokens=10", "resume"])
        .expect(0);
    assert_eq!(world.repeated(), 0);
}

#[test]
fn a_run_under_way_is_foretold() {
    let fixture = wide(3).unwrap();
    let world = World::building(oracle(&fixture));
    let args = [
        "build",
        "-j",
        "1",
        "--budget-calls",
        "6",
        &fixture.requirement,
    ];
    world.run(&args).expect(12);
    let json = world.run(&["--json", "status"]).expect(0).json();
    let expected = json.iter().find(|line| line["type"] == "forecast").unwrap();
    let calls = expected["calls"].as_u64().unwrap();
    assert!((6..=12).contains(&calls), "{expected}");
    let status = world.run(&["status"]).expect(0);
    assert!(
        status.all().contains("beyond the budget: calls"),
        "{}",
        status.all()
    );
}

#[test]
fn amounts_that_mean_nothing_are_refused() {
    let world = World::offline();
    for (flag, text) in [
        ("--budget", "+x"),
        ("--budget-tokens", "many"),
        ("--budget-calls", "+1.5"),
        ("--budget-wall", "10"),
    ] {
        let ended = world.run(&["build", flag, text, "a tool"]);
        let code = ended.code.unwrap();
        assert!([2, 3].contains(&code), "{flag} {text}: {}", ended.all());
        assert!(ended.all().contains(text), "{}", ended.all());
    }
}
