//! How tightly the commands of a run are confined: as tightly as the machine can, and never less
//! without a word.

use atelier_testkit::wide;
use serde_json::Value;

use crate::world::{Ended, World, around, code_of, count, end, oracle};

/// A requirement whose checks start a server and ask it.
const SERVED: &str = "a todo API in Python";
/// Runs a program where no further name space of users can be had, and so no strong level.
const WITHOUT_STRONG: &str = "echo 0 > /proc/sys/user/max_user_namespaces; exec \"$@\"";

/// The program where the strong level cannot be had.
fn without_strong(world: &World, args: &[&str]) -> Ended {
    let plain = world.command(args);
    let mut command = world.command(&[]);
    command = around(&command, "unshare");
    command
        .args(["--map-root-user", "sh", "-c", WITHOUT_STRONG, "-"])
        .arg(plain.get_program())
        .args(plain.get_args());
    end(command)
}

/// The levels of the checks that ran a command.
fn levels(events: &[Value]) -> Vec<&str> {
    let ended = events
        .iter()
        .filter(|event| event["type"] == "check.finished");
    ended.filter_map(|event| event["level"].as_str()).collect()
}

#[track_caller]
fn served_at(events: &[Value]) {
    let answered = events.iter().any(|event| {
        let asked = event["command"].as_str().unwrap_or_default();
        event["type"] == "check.started" && asked.contains("and send GET /health")
    });
    assert!(answered, "a server is asked");
}

#[test]
fn commands_of_a_run_have_machines_of_their_own() {
    let world = World::offline();
    let ended = world.run(&["build", SERVED]).expect(0);
    assert!(!ended.stderr.contains("sandbox  "), "{}", ended.all());
    let events = world.events();
    let chosen = events
        .iter()
        .find(|event| event["type"] == "sandbox.chosen");
    let chosen = chosen.expect("the level is told");
    assert_eq!(chosen["level"], "strong");
    assert_eq!(chosen["lacks"].as_array().map(Vec::len), Some(0));
    let levels = levels(&events);
    assert!(levels.len() >= 5 && levels.iter().all(|level| *level == "strong"));
    served_at(&events);
}

#[test]
fn a_level_that_is_wanted_and_cannot_be_had_ends_a_run_before_anything_is_asked() {
    let world = World::offline();
    let ended = without_strong(&world, &["-c", "sandbox=strong", "build", SERVED]);
    let ended = ended.expect_failure(3, "at the level strong");
    let hint = ended.line("hint: ");
    assert!(hint.contains("max_user_namespaces"), "{}", ended.all());
    let events = world.events();
    assert_eq!(count(&events, "ask.started"), 0);
    assert_eq!(count(&events, "sandbox.chosen"), 0);
}

#[test]
fn where_no_level_is_wanted_the_tightest_that_works_is_taken_and_told() {
    let world = World::offline();
    let ended = without_strong(&world, &["build", SERVED]).expect(0);
    let told = ended.line("   sandbox");
    assert!(told.contains("light"), "{}", ended.all());
    assert!(
        ended.stderr.contains("strong cannot be had"),
        "{}",
        ended.all()
    );
    let events = world.events();
    let levels = levels(&events);
    assert!(levels.len() >= 5 && levels.iter().all(|level| *level == "light"));
    served_at(&events);
}

#[test]
fn a_run_does_not_go_on_less_confined_than_it_began_unless_somebody_says_so() {
    let world = World::offline();
    world.run(&["plan", SERVED]).expect(0);
    world.run(&["run"]).expect(0);
    world.run(&["task", "add", "Add one more file"]).expect(0);
    let ended = without_strong(&world, &["resume"]);
    let ended = ended.expect_failure(3, "the run began at the level strong");
    assert!(
        ended.line("hint: ").contains("-c sandbox=light"),
        "{}",
        ended.all()
    );
}

#[test]
fn who_would_confine_less_does_not_help() {
    let fixture = wide(4).unwrap();
    let world = World::building(oracle(&fixture).with_latency_ms(400));
    let mut first = world.start(&["build", "-j", "1", &fixture.requirement]);
    world.wait_for(&mut first, "attempt.started", 1);
    let helper = without_strong(&world, &["resume", "-j", "1"]);
    helper.expect_failure(3, "the run began at the level strong");
    assert_eq!(code_of(&mut first), 0);
    let events = world.events();
    let levels = levels(&events);
    assert!(!levels.is_empty() && levels.iter().all(|level| *level == "strong"));
    assert_eq!(count(&events, "run.finished"), 1);
}
