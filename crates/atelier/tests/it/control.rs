//! What a person asks of a run from elsewhere: it is obeyed at once, and survives every restart.

use atelier_testkit::{Fixture, Mode, Script, wide};
use serde_json::Value;

use crate::world::{World, code_of, count, oracle};

/// A world with a plan, whose model then hangs.
fn hanging(fixture: &Fixture) -> World {
    let mut world = World::building(oracle(fixture));
    world.run(&["plan", &fixture.requirement]).expect(0);
    world.now_with(Script::new(Mode::Hang).with_fixture(fixture.clone()));
    world
}

/// Asks that were begun for tasks.
fn asked(log: &[Value]) -> usize {
    count(log, "ask.started")
}

#[test]
fn a_run_that_is_paused_rests_and_goes_on_without_asking_twice() {
    let fixture = wide(4).unwrap();
    let script = oracle(&fixture).with_latency_ms(300);
    let world = World::building(script);
    let mut run = world.start(&["build", "-j", "2", &fixture.requirement]);
    world.wait_for(&mut run, "attempt.started", 2);
    world.run(&["pause", "--reason", "lunch"]).expect(0);
    assert_eq!(code_of(&mut run), 10);
    let log = world.events();
    assert_eq!(count(&log, "control.asked"), 1);
    let open = count(&log, "ask.started") - count(&log, "ask.finished");
    assert_eq!(open, 0, "a paid answer was not awaited");
    let status = world.run(&["status"]).expect(0);
    assert!(status.all().contains("paused"), "{}", status.all());
    assert!(status.all().contains("atelier resume"), "{}", status.all());
    world.run(&["resume"]).expect(0);
    assert_eq!(world.repeated(), 0);
}

#[test]
fn nobody_has_to_stop_where_nobody_works() {
    let fixture = wide(1).unwrap();
    let world = World::building(oracle(&fixture));
    world.run(&["plan", &fixture.requirement]).expect(0);
    let said = world.run(&["pause"]).expect(0);
    assert!(said.all().contains("rests already"), "{}", said.all());
    world
        .run(&["task", "skip", "1.1"])
        .expect_failure(2, "before the run has begun");
    assert_eq!(count(&world.events(), "control.asked"), 0);
}

#[test]
fn a_pause_at_once_awaits_no_answer() {
    let fixture = wide(1).unwrap();
    let mut world = hanging(&fixture);
    let before = asked(&world.events());
    let mut run = world.start(&["run"]);
    world.wait_for(&mut run, "ask.started", before + 1);
    world.run(&["pause", "--now"]).expect(0);
    assert_eq!(code_of(&mut run), 10);
    world.now_with(oracle(&fixture));
    world.run(&["resume"]).expect(0);
}

#[test]
fn a_cancelled_run_stops_elsewhere_and_is_taken_up_again_by_name_alone() {
    let fixture = wide(1).unwrap();
    let mut world = hanging(&fixture);
    let before = asked(&world.events());
    let mut run = world.start(&["run"]);
    world.wait_for(&mut run, "ask.started", before + 1);
    world.run(&["cancel", "--reason", "not needed"]).expect(0);
    assert_eq!(code_of(&mut run), 11);
    let json = world.run(&["--json", "status"]).expect(0).json();
    assert_eq!(json[0]["run"]["status"], "cancelled");
    assert_eq!(json[0]["run"]["exit_code"], 11);
    let id = json[0]["run"]["id"].as_str().unwrap().to_owned();
    let refused = world.run(&["resume"]).expect(2);
    let hint = refused.line("hint: ");
    assert!(hint.contains(&format!("atelier resume {id}")), "{hint}");
    world
        .run(&["task", "retry", "1.1"])
        .expect_failure(2, "retry a task of run");
    world.run(&["cancel"]).expect_failure(2, "cancelled");
    world.now_with(oracle(&fixture));
    world.run(&["resume", &id]).expect(0);
}

#[test]
fn a_task_that_is_skipped_while_it_is_worked_on_is_dropped() {
    let fixture = wide(2).unwrap();
    let world = hanging(&fixture);
    let before = asked(&world.events());
    let mut run = world.start(&["run"]);
    world.wait_for(&mut run, "ask.started", before + 1);
    let said = world.run(&["task", "skip", "1.1"]).expect(0);
    assert!(
        said.all().contains("what depends on it waits: t1.2, t1.3"),
        "{}",
        said.all()
    );
    assert_eq!(code_of(&mut run), 10);
    let status = world.run(&["status"]).expect(0);
    assert!(status.all().contains("skipped"), "{}", status.all());
}

/// A run that stopped before its first task, which waits for an approval.
fn before_its_tasks(fixture: &Fixture) -> World {
    let world = World::building(oracle(fixture));
    world
        .run(&[
            "build",
            "--approval",
            "task",
            &fixture.requirement,
            "-j",
            "1",
        ])
        .expect(10);
    world.run(&["approve", "plan"]).expect(0);
    world.run(&["resume", "-j", "1"]).expect(10);
    world
}

#[test]
fn a_skipped_task_is_never_verified_unless_a_person_does_without_it_for_a_reason() {
    let fixture = wide(3).unwrap();
    let world = before_its_tasks(&fixture);
    world.run(&["task", "skip", "1.3"]).expect(0);
    let ended = world.run(&["resume", "--approval", "never"]).expect(10);
    assert!(ended.all().contains("t1.3"), "{}", ended.all());
    assert_eq!(count(&world.events(), "task.committed"), 3);
    world.run(&["task", "skip", "1.3", "--waive"]).expect(2);
    world
        .run(&["task", "skip", "1.3", "--waive", "--reason", "later"])
        .expect(0);
    let ended = world.run(&["resume"]).expect(0);
    assert!(ended.all().contains("later"), "{}", ended.all());
    let status = world.run(&["status"]).expect(0);
    assert!(status.all().contains("waived"), "{}", status.all());
}

#[test]
fn a_plan_that_is_rejected_is_drafted_again_with_the_reason() {
    let fixture = wide(1).unwrap();
    let world = World::building(oracle(&fixture));
    let ended = world.run(&["build", "--approval", "plan", &fixture.requirement]);
    let ended = ended.expect_failure(10, "approval");
    assert!(
        ended.line("hint: ").contains("atelier approve plan"),
        "{}",
        ended.all()
    );
    let status = world.run(&["status"]).expect(0);
    assert!(
        status.all().contains("waits for you: plan"),
        "{}",
        status.all()
    );
    let before = world.server().requests().len();
    world
        .run(&["reject", "--reason", "say what the links are for"])
        .expect(0);
    world.run(&["resume"]).expect(10);
    let asked = world.server().requests();
    let told = asked[before..]
        .iter()
        .filter(|seen| seen.body.to_string().contains("say what the links are for"));
    assert!(told.count() > 0, "nobody was told");
    world.run(&["approve", "--reason", "better"]).expect(0);
    world.run(&["approve"]).expect(2);
    world.run(&["resume"]).expect(0);
}

#[test]
fn a_plan_that_is_rejected_without_a_reason_stays_and_waits() {
    let fixture = wide(1).unwrap();
    let world = World::building(oracle(&fixture));
    world
        .run(&["build", "--approval", "plan", &fixture.requirement])
        .expect(10);
    let before = world.server().requests().len();
    world.run(&["reject", "plan"]).expect(0);
    world.run(&["resume"]).expect_failure(10, "plan");
    assert_eq!(world.server().requests().len(), before);
    world.run(&["resume", "--yes"]).expect(0);
}

#[test]
fn a_task_is_edited_by_flags_and_as_a_form() {
    let fixture = wide(1).unwrap();
    let world = before_its_tasks(&fixture);
    world
        .run(&["task", "edit", "1.1", "--drop", "A1"])
        .expect(2);
    let words = [
        "task",
        "edit",
        "1.1",
        "--title",
        "Add the very first link",
        "--priority",
        "7",
        "--accept",
        "true",
        "--budget-calls",
        "9",
    ];
    let said = world.run(&words).expect(0);
    assert!(
        said.all().contains("title, acceptance, priority, budget"),
        "{}",
        said.all()
    );
    let form = world.run(&["task", "edit", "1.1", "--form"]).expect(0);
    assert!(
        form.stdout.contains("Add the very first link"),
        "{}",
        form.stdout
    );
    assert!(form.stdout.contains("calls = 9"), "{}", form.stdout);
    let same = world.run_with(
        &["task", "edit", "1.1", "--from", "-"],
        form.stdout.as_bytes(),
    );
    same.expect_failure(2, "nothing is to be changed");
    let other = form.stdout.replace("very first", "first");
    let said = world.run_with(&["task", "edit", "1.1", "--from", "-"], other.as_bytes());
    assert!(said.expect(0).all().contains("changed title"));
    let wrong = form.stdout.replace("priority", "prioritie");
    let ended = world.run_with(&["task", "edit", "1.1", "--from", "-"], wrong.as_bytes());
    let ended = ended.expect_failure(2, "read the form");
    assert!(ended.all().contains("prioritie"), "{}", ended.all());
    assert_eq!(count(&world.events(), "task.edited"), 2);
    world.run(&["resume", "--approval", "never"]).expect(0);
    world
        .run(&["task", "edit", "1.1", "--title", "Late"])
        .expect_failure(2, "it is done");
}

#[test]
fn a_task_given_up_can_be_taken_up_again_with_what_depends_on_it() {
    let fixture = wide(2).unwrap();
    let world = before_its_tasks(&fixture);
    world
        .run(&["task", "cancel", "1.1", "--reason", "no"])
        .expect(0);
    world.run(&["resume", "--approval", "never"]).expect(10);
    world.run(&["task", "retry", "1.1"]).expect(0);
    assert_eq!(count(&world.events(), "task.committed"), 3);
}

#[test]
fn a_task_that_repeats_itself_is_stopped_before_another_paid_call() {
    let fixture = wide(1).unwrap();
    let script = Script::new(Mode::ProseOnly { planning: false }).with_fixture(fixture.clone());
    let world = World::building(script);
    let args = ["-c", "limits.attempts_max=6", "build", &fixture.requirement];
    let ended = world.run(&args).expect_failure(13, "repeats itself");
    assert!(
        ended
            .line("error: ")
            .contains("attempt 2 gave the same answer as attempt 1"),
        "{}",
        ended.all()
    );
    assert_eq!(count(&world.events(), "attempt.started"), 2);
    let status = world.run(&["status"]).expect(0);
    assert!(
        status.all().contains("atelier task retry t1.1"),
        "{}",
        status.all()
    );
}
