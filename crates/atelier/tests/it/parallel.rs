//! Many tasks at once: side by side, in each other's way, killed, and in several processes.

use std::{collections::BTreeSet, fs};

use atelier_testkit::{EditForm, Fixture, Mode, Script, crowded, leaning, renaming, wide};
use serde_json::Value;

use crate::world::{World, count, oracle};

/// Milliseconds the model takes: longer than it takes to begin another task.
const LATENCY_MS: u64 = 400;

fn world(fixture: &Fixture) -> World {
    World::building(oracle(fixture).with_latency_ms(LATENCY_MS))
}

/// The most tasks that were under way at once.
fn most_at_once(log: &[Value]) -> usize {
    let mut under_way = BTreeSet::new();
    let mut most = 0;
    for event in log.iter().filter(|event| event["type"] == "task.state") {
        let task = event["task"].as_str().unwrap().to_owned();
        if ["running", "verifying", "merging"].contains(&event["to"].as_str().unwrap()) {
            under_way.insert(task);
        } else {
            under_way.remove(&task);
        }
        most = most.max(under_way.len());
    }
    most
}

pub(crate) fn attempts_that_ended(log: &[Value], outcome: &str) -> usize {
    let ended = log
        .iter()
        .filter(|event| event["type"] == "attempt.finished");
    ended.filter(|event| event["outcome"] == outcome).count()
}

/// Every task of the fixture is one commit of the branch, and each of these passes all tests.
pub(crate) fn check_trunk(world: &World, fixture: &Fixture) {
    let branch = world.branch();
    let log = world.git(&[
        "log",
        "--format=%(trailers:key=Atelier-Task,valueonly)",
        &branch,
    ]);
    let tasks: Vec<&str> = log.lines().filter(|line| !line.is_empty()).collect();
    let unique: BTreeSet<&&str> = tasks.iter().collect();
    assert_eq!(tasks.len(), fixture.steps().count(), "{tasks:?}");
    assert_eq!(
        unique.len(),
        tasks.len(),
        "a task is merged twice: {tasks:?}"
    );
    assert_eq!(world.server().violations(), Vec::<String>::new());
}

/// Every commit of a task on the branch, checked out and tested by itself.
fn check_every_commit(world: &World) {
    let branch = world.branch();
    let commits = world.git(&[
        "log",
        "--format=%H %(trailers:key=Atelier-Task,valueonly)",
        &branch,
    ]);
    for line in commits.lines().filter(|line| line.contains(" t")) {
        let commit = line.split(' ').next().unwrap();
        let folder = world.home.path().join(format!("at-{commit}"));
        let shown = folder.to_string_lossy();
        world.git(&["worktree", "add", "-q", "--detach", &shown, commit]);
        let mut tests = world.home.command("python3");
        let output = tests
            .args(["-m", "unittest", "discover", "-s", "tests", "-t", "."])
            .current_dir(&folder)
            .output()
            .unwrap();
        let said = String::from_utf8_lossy(&output.stderr).into_owned();
        assert!(output.status.success(), "{line}: {said}");
    }
}

#[test]
fn independent_tasks_are_done_at_once() {
    let fixture = wide(7).unwrap();
    let world = world(&fixture);
    world
        .run(&["build", "--jobs", "3", &fixture.requirement])
        .expect(0);
    let log = world.events();
    assert_eq!(most_at_once(&log), 3);
    assert_eq!(attempts_that_ended(&log, "conflict"), 0);
    assert_eq!(attempts_that_ended(&log, "passed"), 8);
    check_trunk(&world, &fixture);
    // What came before was foreseen, also for those that began later: nothing is verified a second
    // time.
    let tested = |event: &&Value| {
        event["type"] == "check.started" && event["name"] == "test" && !event["task"].is_null()
    };
    assert_eq!(log.iter().filter(tested).count(), 8);
    assert_eq!(
        world.git(&["rev-parse", "main"]),
        world.git(&["rev-parse", &world.branch()])
    );
    // Nothing is left of the places in which they worked.
    assert!(!world.folder().join(".atelier/worktrees").exists());
    assert_eq!(world.git(&["worktree", "list"]).lines().count(), 1);
}

#[test]
fn one_job_does_one_task_at_a_time_and_asks_the_same() {
    let fixture = wide(3).unwrap();
    let world = world(&fixture);
    world
        .run(&["build", "-j", "1", &fixture.requirement])
        .expect(0);
    assert_eq!(most_at_once(&world.events()), 1);
    check_trunk(&world, &fixture);
}

#[test]
fn tasks_in_each_others_way_are_done_again_on_what_is_there() {
    let fixture = crowded(3).unwrap();
    let world = world(&fixture);
    world
        .run(&["build", "--jobs", "3", &fixture.requirement])
        .expect(0);
    let log = world.events();
    let conflicts = attempts_that_ended(&log, "conflict");
    assert!(conflicts >= 2, "{conflicts} conflicts");
    check_trunk(&world, &fixture);
    check_every_commit(&world);
    let names = world.git(&["show", &format!("{}:names.txt", world.branch())]);
    assert_eq!(names, "link 2\nlink 3\nlink 4");
    // What was tried in vain is kept.
    let refs = world.git(&[
        "for-each-ref",
        "--format=%(refname)",
        "refs/atelier/attempts",
    ]);
    assert_eq!(refs.lines().count(), 4 + conflicts, "{refs}");
}

#[test]
fn what_only_fails_together_never_comes_into_the_trunk() {
    let fixture = renaming().unwrap();
    let world = world(&fixture);
    world
        .run(&["build", "--jobs", "2", &fixture.requirement])
        .expect(0);
    let log = world.events();
    assert_eq!(attempts_that_ended(&log, "conflict"), 1);
    check_trunk(&world, &fixture);
    check_every_commit(&world);
    let again: Vec<_> = world
        .server()
        .requests()
        .into_iter()
        .filter(|seen| seen.stage.task().is_some())
        .collect();
    assert_eq!(again.len(), 4);
}

#[test]
fn a_conflict_without_an_attempt_left_names_both_sides() {
    let fixture = crowded(2).unwrap();
    let world = world(&fixture);
    let args = [
        "-c",
        "limits.attempts_max=1",
        "build",
        "-j",
        "2",
        &fixture.requirement,
    ];
    let ended = world.run(&args).expect_failure(15, "names.txt");
    let error = ended.line("error: ");
    assert!(
        error.contains("Add link 2") && error.contains("Add link 3"),
        "{error}"
    );
    // The one that came first stays, and the other goes on from there.
    assert_eq!(count(&world.events(), "task.committed"), 2);
    world.run(&["resume"]).expect(0);
    check_trunk(&world, &fixture);
}

#[test]
fn a_failed_task_does_not_keep_others_from_being_done() {
    let fixture = wide(3).unwrap();
    let script = oracle(&fixture.clone().without("1.3")).with_latency_ms(50);
    let world = World::building(script);
    let args = [
        "-c",
        "limits.attempts_max=1",
        "build",
        "-j",
        "2",
        &fixture.requirement,
    ];
    let ended = world.run(&args).expect_failure(13, "t1.3");
    assert!(
        ended.line("error: ").contains("Add link 3"),
        "{}",
        ended.all()
    );
    assert_eq!(count(&world.events(), "task.committed"), 3);
}

#[test]
fn criteria_of_others_that_the_tests_hold_need_no_process() {
    let fixture = wide(6).unwrap();
    let world = world(&fixture);
    world
        .run(&["build", "--jobs", "6", &fixture.requirement])
        .expect(0);
    let log = world.events();
    let criteria = log.iter().filter(|event| {
        let name = event["name"].as_str().unwrap_or_default();
        event["type"] == "check.finished" && name.contains("/A") && !name.ends_with(" before")
    });
    // Before the first there were no tests at all; of the others it is plain that theirs are missing.
    let before = log.iter().filter(|event| {
        let name = event["name"].as_str().unwrap_or_default();
        event["type"] == "check.finished" && name.ends_with(" before")
    });
    assert_eq!(before.count(), 1);
    let (mut of_others, mut executed) = (0, 0);
    for event in criteria {
        let number = event["name"].as_str().unwrap().split('/').next().unwrap();
        let is_other = event["task"]
            .as_str()
            .is_some_and(|task| task != format!("t{number}"));
        assert_eq!(event["outcome"], "passed", "{event}");
        assert_eq!(event["level"].is_null(), is_other, "{event}");
        of_others += usize::from(is_other);
        executed += usize::from(!is_other);
    }
    assert!(of_others > 0, "none came to another");
    // Each at its task, now and then once more where something came between, and at the verdict.
    assert!(executed >= 12, "{executed} of 6 tasks");
    check_trunk(&world, &fixture);
}

#[test]
fn who_comes_behind_a_failure_is_verified_without_it() {
    let fixture = wide(5).unwrap();
    let script = Script::new(Mode::UnclosedThenFix).with_fixture(fixture.clone());
    let world = World::building(script.with_form(EditForm::Whole).with_latency_ms(200));
    world
        .run(&["build", "--jobs", "5", &fixture.requirement])
        .expect(0);
    let log = world.events();
    assert_eq!(attempts_that_ended(&log, "checks_failed"), 6);
    assert_eq!(attempts_that_ended(&log, "passed"), 6);
    assert_eq!(attempts_that_ended(&log, "conflict"), 0);
    check_trunk(&world, &fixture);
    check_every_commit(&world);
}

#[test]
fn work_that_leaned_on_what_did_not_come_is_judged_alone() {
    let fixture = leaning().unwrap();
    let script = Script::new(Mode::FailThenFix).with_fixture(fixture.clone());
    let world = World::building(script.with_form(EditForm::Whole));
    let graders = world.home.path().join("graders");
    let tests = graders.join("1.2/tests");
    fs::create_dir_all(&tests).unwrap();
    let minds = "import time\nimport unittest\n\n\nclass Sealed(unittest.TestCase):\n    def \
                 test_it(self):\n        time.sleep(6)\n        with open('chain/link_002.py') as \
                 file:\n            self.assertIn('settled', file.read())\n";
    fs::write(tests.join("test_sealed.py"), minds).unwrap();
    let graders = graders.to_string_lossy();
    let options = ["-c", "limits.checks_at_once_max=2", "build", "-j", "2"];
    let hidden = ["--hidden-tests", &graders, &fixture.requirement];
    world
        .run(&[&options[..], &hidden[..]].concat())
        .expect_failure(13, "t1.3");
    let log = world.events();
    // It had passed with the other's first work, and was on its way into the trunk.
    let went_back = |event: &&Value| {
        event["type"] == "task.state" && event["task"] == "t1.3" && event["from"] == "merging"
    };
    let states: Vec<_> = log.iter().filter(went_back).map(|one| &one["to"]).collect();
    assert_eq!(states, ["running"]);
    assert_eq!(count(&log, "task.committed"), 2);
    // What it leans on is there now.
    world.run(&["task", "retry", "t1.3"]).expect(0);
    world.run(&["resume"]).expect(0);
    check_trunk(&world, &fixture);
}

#[test]
fn two_processes_work_on_one_run_and_end_alike() {
    let fixture = wide(8).unwrap();
    let world = world(&fixture);
    let mut first = world.start(&["build", "-j", "2", &fixture.requirement]);
    world.wait_for(&mut first, "attempt.started", 1);
    let second = world.run(&["resume", "-j", "2"]).expect(0);
    assert!(first.wait().unwrap().success());
    let log = world.events();
    assert_eq!(most_at_once(&log), 4, "{}", second.all());
    assert_eq!(count(&log, "run.finished"), 1);
    assert_eq!(count(&log, "attempt.started"), 9);
    check_trunk(&world, &fixture);
}

#[test]
fn who_helps_takes_over_from_a_conductor_that_dies() {
    let fixture = wide(6).unwrap();
    let world = world(&fixture);
    let mut first = world.start(&["build", "-j", "2", &fixture.requirement]);
    world.wait_for(&mut first, "attempt.started", 1);
    let second = world.start(&["resume", "-j", "2"]);
    world.wait_for(&mut first, "attempt.started", 4);
    first.kill().unwrap();
    first.wait().unwrap();
    let output = second.wait_with_output().unwrap();
    assert_eq!(output.status.code(), Some(0));
    check_trunk(&world, &fixture);
    check_every_commit(&world);
}

#[test]
fn a_parallel_run_killed_in_its_middle_goes_on_and_pays_nothing_twice() {
    let fixture = wide(4).unwrap();
    let world = world(&fixture);
    let mut first = world.start(&["build", "-j", "4", &fixture.requirement]);
    world.wait_for(&mut first, "task.committed", 2);
    first.kill().unwrap();
    first.wait().unwrap();
    let log = world.events();
    let in_flight = count(&log, "ask.started") - count(&log, "ask.finished");
    world.run(&["resume", "-j", "4"]).expect(0);
    check_trunk(&world, &fixture);
    let asked: Vec<_> = world.server().requests();
    let unique: BTreeSet<_> = asked.iter().map(|seen| &seen.digest).collect();
    assert!(
        asked.len() - unique.len() <= in_flight,
        "{} asks, {} different",
        asked.len(),
        unique.len()
    );
}

#[test]
fn what_was_tried_goes_when_nobody_needs_it_any_more() {
    let fixture = wide(2).unwrap();
    let world = world(&fixture);
    world
        .run(&["build", "-j", "2", &fixture.requirement])
        .expect(0);
    let kept = || {
        let refs = [
            "for-each-ref",
            "--format=%(refname)",
            "refs/atelier/attempts",
        ];
        world.git(&refs).lines().count()
    };
    // Somebody's worktree whose process is gone.
    world.write(".atelier/worktrees/0123456789-slot-1/a.txt", "left");
    let young = world.run(&["gc"]).expect(0);
    assert!(
        young.stdout.contains("0 attempts and 1 worktrees"),
        "{}",
        young.all()
    );
    assert!(!world.folder().join(".atelier/worktrees").exists());
    let dry = world.run(&["--json", "gc", "--keep-days", "0", "--dry-run"]);
    let listed = dry.expect(0).json();
    assert_eq!(listed[0]["attempts"].as_array().unwrap().len(), 3);
    assert_eq!(kept(), 3);
    world.run(&["gc", "--keep-days", "0"]).expect(0);
    assert_eq!(kept(), 0);
    check_trunk(&world, &fixture);
}
