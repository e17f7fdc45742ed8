//! Runs that people had a hand in, built again: plans changed by words and by hand, tasks added, edited,
//! left out and retried, plans sent back, work that did not fit together.

use std::fs;

use atelier_exchange::own;
use atelier_model::{Dropped, PlanChange};
use atelier_testkit::{Dialect, Fixture, Mode, Module, Script, crowded, modules, renaming, wide};

use crate::{
    change::wish,
    replay::check,
    world::{World, count, oracle},
};

/// Milliseconds a model takes where tasks are to be under way at the same time.
const LATENCY_MS: u64 = 300;

fn house() -> Vec<Module> {
    vec![
        Module::new("1.1", &[]),
        Module::new("1.2", &["1.1"]),
        Module::new("1.3", &["1.1"]),
        Module::new("1.4", &["1.2"]),
    ]
}

fn world(script: Script) -> World {
    World::with(script, Dialect::OpenAi)
        .in_folder("one")
        .with_commit()
}

fn built() -> World {
    let fixture = modules(&house(), &[]).unwrap();
    let world = world(oracle(&fixture));
    world.run(&["build", &fixture.requirement]).expect(0);
    world
}

/// Changes a world's plan by a wish.
fn change(world: &mut World, fixture: &Fixture, words: &str, change: PlanChange) {
    world.now_with(oracle(fixture).with_change(change));
    world.run(&["change", words]).expect(0);
}

#[test]
fn a_run_changed_twice_is_built_again() {
    let mut world = built();
    let mut parts = house();
    parts.push(Module::new("1.5", &["1.3"]));
    let added = PlanChange {
        summary: "A fifth part.".to_owned(),
        added: vec![wish(parts[4].step())],
        ..PlanChange::default()
    };
    let fixture = modules(&parts, &[]).unwrap();
    change(&mut world, &fixture, "a fifth part", added);
    parts[1].version = 2;
    let changed = PlanChange {
        summary: "The second part counts further.".to_owned(),
        changed: vec![wish(parts[1].step())],
        ..PlanChange::default()
    };
    let fixture = modules(&parts, &[]).unwrap();
    change(&mut world, &fixture, "count further", changed);
    world.run(&["verify"]).expect(0);
    check(world);
}

#[test]
fn a_run_of_which_work_was_taken_back_is_built_again() {
    let mut world = built();
    let mut parts = house();
    let old = parts.remove(3);
    let removed = PlanChange {
        summary: "No fourth part.".to_owned(),
        removed: vec![Dropped {
            id: "1.4".to_owned(),
            reason: "It is not wanted.".to_owned(),
        }],
        ..PlanChange::default()
    };
    let fixture = modules(&parts, &[old]).unwrap();
    change(&mut world, &fixture, "without the fourth", removed);
    check(world);
}

#[test]
fn a_run_whose_plan_was_edited_after_the_user_went_on_is_built_again() {
    let mut world = built();
    world.write("NOTES.md", "of my own\n");
    world.git(&["add", "NOTES.md"]);
    world.git(&["commit", "-q", "-m", "notes"]);
    let exported = world.run(&["plan", "export"]).expect(0).stdout;
    let mut plan = own::read(&exported).unwrap();
    let mut parts = house();
    parts[2].version = 2;
    plan.plan.phases[0].steps[2] = parts[2].step();
    let file = world.home.path().join("plan.toml");
    let text = own::write(plan.run.as_deref(), &plan.requirement, &plan.plan);
    fs::write(&file, text).unwrap();
    world.now_with(oracle(&modules(&parts, &[]).unwrap()));
    world
        .run(&["plan", "import", file.to_str().unwrap()])
        .expect(0);
    world.run(&["resume"]).expect(0);
    assert!(world.folder().join("NOTES.md").is_file());
    check(world);
}

#[test]
fn a_run_whose_requirement_was_edited_is_built_again() {
    let words = "# Parts\n\nWrite a Python package called parts.\nEach part is a module of its own \
                 with one function.\nEach has a test.\n";
    let mut parts = house();
    let mut fixture = modules(&parts, &[]).unwrap();
    words.clone_into(&mut fixture.requirement);
    let mut world = world(oracle(&fixture));
    let path = world.home.path().join("REQUIREMENT.md");
    fs::write(&path, words).unwrap();
    let file = path.display().to_string();
    world.run(&["build", "-f", &file]).expect(0);
    parts[3].version = 2;
    let changed = PlanChange {
        summary: "The fourth part counts to two.".to_owned(),
        changed: vec![wish(parts[3].step())],
        ..PlanChange::default()
    };
    world.now_with(oracle(&modules(&parts, &[]).unwrap()).with_change(changed));
    fs::write(&path, format!("{words}The fourth part counts to two.\n")).unwrap();
    world.run(&["build", "-f", &file]).expect(0);
    check(world);
}

/// A run that stopped before its first task, which waits for an approval.
fn before_its_tasks(world: &World, fixture: &Fixture) {
    let words = ["build", "--approval", "task", &fixture.requirement];
    world.run(&[&words[..], &["-j", "1"]].concat()).expect(10);
    world.run(&["approve", "plan"]).expect(0);
    world.run(&["resume", "-j", "1"]).expect(10);
}

#[test]
fn a_run_with_tasks_edited_remarked_and_done_without_is_built_again() {
    let fixture = wide(3).unwrap();
    let world = world(oracle(&fixture));
    before_its_tasks(&world, &fixture);
    world
        .run(&["reject", "t1.1", "--reason", "keep it short"])
        .expect(0);
    let edit = ["task", "edit", "1.2", "--title", "Add another link"];
    world
        .run(&[&edit[..], &["--accept", "true"]].concat())
        .expect(0);
    world.run(&["task", "skip", "1.3"]).expect(0);
    world.run(&["resume", "--approval", "never"]).expect(10);
    let waive = ["task", "skip", "1.3", "--waive", "--reason", "later"];
    world.run(&waive).expect(0);
    world.run(&["resume"]).expect(0);
    check(world);
}

#[test]
fn a_task_that_was_done_and_has_more_to_prove_begins_anew_with_what_depends_on_it() {
    let fixture = modules(&house(), &[]).unwrap();
    let mut world = world(oracle(&fixture.clone().without("1.4")));
    let ended = world.run(&["build", &fixture.requirement]);
    assert_ne!(ended.code, Some(0), "{}", ended.all());
    let done = count(&world.events(), "task.committed");
    assert_eq!(done, 3);
    let said = world
        .run(&["task", "edit", "1.2", "--accept", "test -d parts"])
        .expect(0);
    assert!(said.all().contains("begins anew: t1.2"), "{}", said.all());
    world.now_with(oracle(&fixture));
    world.run(&["task", "retry", "1.4"]).expect(0);
    assert_eq!(count(&world.events(), "task.committed"), done + 2);
    check(world);
}

#[test]
fn a_run_retried_with_another_model_is_built_again() {
    let fixture = wide(1).unwrap();
    let prose = Script::new(Mode::ProseOnly { planning: false });
    let mut world = world(prose.with_fixture(fixture.clone()));
    world.run(&["build", &fixture.requirement]).expect(13);
    world.now_with(oracle(&fixture));
    let failed = world.events();
    let failed = failed.iter().find(|event| event["to"] == "failed").unwrap();
    let task = failed["task"].as_str().unwrap().to_owned();
    let retry = ["--model", "another-model", "task", "retry", &task];
    world.run(&retry).expect(0);
    check(world);
}

#[test]
fn a_run_whose_plan_was_sent_back_is_built_again() {
    let fixture = wide(1).unwrap();
    let world = world(oracle(&fixture));
    world
        .run(&["build", "--approval", "plan", &fixture.requirement])
        .expect(10);
    let reject = ["reject", "--reason", "say what the links are for"];
    world.run(&reject).expect(0);
    world.run(&["resume"]).expect(10);
    world.run(&["approve"]).expect(0);
    world.run(&["resume"]).expect(0);
    check(world);
}

#[test]
fn a_run_of_a_plan_that_was_brought_is_built_again() {
    let donor = built();
    let exported = donor.run(&["plan", "export"]).expect(0).stdout;
    let read = own::read(&exported).unwrap();
    let fixture = modules(&house(), &[]).unwrap();
    let world = world(oracle(&fixture));
    let file = world.home.path().join("plan.toml");
    fs::write(&file, own::write(None, &read.requirement, &read.plan)).unwrap();
    world
        .run(&["plan", "import", file.to_str().unwrap()])
        .expect(0);
    world.run(&["run"]).expect(0);
    check(world);
}

#[test]
fn a_run_with_a_task_of_a_persons_own_is_built_again() {
    let world = built();
    let add = [
        "task",
        "add",
        "Write a fourth part",
        "--output",
        "parts/m1_4.py",
    ];
    world.run(&add).expect(0);
    let ended = world.run(&["resume"]);
    if ended.code == Some(0) {
        check(world);
    } else {
        // The stand-in has nothing to say of it: done without, the run is whole.
        let waive = ["task", "skip", "u1", "--waive", "--reason", "not needed"];
        world.run(&waive).expect(0);
        world.run(&["resume"]).expect(0);
        check(world);
    }
}

#[test]
fn work_that_changed_the_same_lines_is_built_again() {
    let fixture = crowded(4).unwrap();
    let world = world(oracle(&fixture).with_latency_ms(LATENCY_MS));
    let limit = ["-c", "limits.attempts_max=6", "build", "-j", "4"];
    world
        .run(&[&limit[..], &[&fixture.requirement]].concat())
        .expect(0);
    check(world);
}

#[test]
fn work_that_passed_alone_and_not_together_is_built_again() {
    let fixture = renaming().unwrap();
    let world = world(oracle(&fixture).with_latency_ms(LATENCY_MS));
    world
        .run(&["build", "-j", "4", &fixture.requirement])
        .expect(0);
    check(world);
}
