//! A run whose plan is changed: exactly what the change touches is done again, and nothing else.

mod by_hand;
mod kills;

use std::{collections::BTreeSet, fs};

use atelier_model::{Dropped, PlanChange, Step, StepChange};
use atelier_testkit::{Dialect, Module, StageSeen, modules};
use serde_json::Value;

use crate::world::{World, count, oracle};

/// A house of eight modules: 1.1 first; 1.2 and 1.3 after it; 1.4 after 1.2; 1.5 after both; 1.6
/// after 1.1 and reading 1.3; 1.7 after 1.4; 1.8 for itself.
fn house() -> Vec<Module> {
    vec![
        Module::new("1.1", &[]),
        Module::new("1.2", &["1.1"]),
        Module::new("1.3", &["1.1"]),
        Module::new("1.4", &["1.2"]),
        Module::new("1.5", &["1.2", "1.3"]),
        Module::new("1.6", &["1.3"]).reading(&["1.3"]),
        Module::new("1.7", &["1.4"]),
        Module::new("1.8", &["1.1"]),
    ]
}

/// The house, built.
fn built() -> World {
    let fixture = modules(&house(), &[]).unwrap();
    let world = World::with(oracle(&fixture), Dialect::OpenAi).with_commit();
    world.run(&["build", &fixture.requirement]).expect(0);
    world
}

pub(crate) fn wish(step: Step) -> StepChange {
    StepChange {
        reason: "It is wished for.".to_owned(),
        step,
    }
}

fn gone(number: &str) -> Dropped {
    Dropped {
        id: number.to_owned(),
        reason: "It is not wanted.".to_owned(),
    }
}

/// The tasks that models were asked for.
fn asked(world: &World) -> BTreeSet<String> {
    let seen = world.server().requests();
    let task = |stage: &StageSeen| stage.task().map(str::to_owned);
    seen.iter().filter_map(|seen| task(&seen.stage)).collect()
}

fn commit_of(events: &[Value], task: &str) -> Option<String> {
    let mut found = events
        .iter()
        .rev()
        .filter(|event| event["type"] == "task.committed" && event["task"] == task);
    Some(found.next()?["commit"].as_str()?.to_owned())
}

/// How many rounds of attempts at a task there were.
fn attempts(events: &[Value], task: &str) -> usize {
    let of_task = |event: &&Value| event["type"] == "attempt.started" && event["task"] == task;
    events.iter().filter(of_task).count()
}

#[test]
fn a_new_step_is_done_and_nothing_else() {
    let mut world = built();
    let before = world.events();
    let mut parts = house();
    parts.push(Module::new("1.9", &["1.5"]));
    let change = PlanChange {
        summary: "A ninth part.".to_owned(),
        added: vec![wish(parts[8].step())],
        ..PlanChange::default()
    };
    world.now_with(oracle(&modules(&parts, &[]).unwrap()).with_change(change));

    let ended = world.run(&["change", "also a ninth part"]).expect(0);

    assert!(ended.stdout.contains("A ninth part."), "{}", ended.all());
    assert_eq!(asked(&world), BTreeSet::from(["1.9".to_owned()]));
    let after = world.events();
    for number in 1..=8 {
        let task = format!("t1.{number}");
        assert_eq!(
            commit_of(&after, &task),
            commit_of(&before, &task),
            "{task}"
        );
    }
    assert_eq!(count(&after, "plan.changed"), 1);
    assert!(world.folder().join("parts/m1_9.py").is_file());
    assert_eq!(world.git(&["status", "--porcelain"]), "");
}

#[test]
fn a_changed_step_is_done_anew_with_what_depends_on_it() {
    let mut world = built();
    let before = world.events();
    let mut parts = house();
    parts[2].version = 2;
    let change = PlanChange {
        summary: "The third part counts further.".to_owned(),
        changed: vec![wish(parts[2].step())],
        ..PlanChange::default()
    };
    world.now_with(oracle(&modules(&parts, &[]).unwrap()).with_change(change));

    let shown = world.run(&["--json", "change", "--dry-run", "count further"]);
    let shown = &shown.expect(0).json()[0];
    assert_eq!(shown["changed"], serde_json::json!(["t1.3"]));
    assert_eq!(shown["again"], serde_json::json!(["t1.5", "t1.6"]));
    assert_eq!(shown["kept"], 5);
    assert_eq!(count(&world.events(), "plan.changed"), 0);

    world.run(&["change", "count further"]).expect(0);

    let wanted = ["1.3", "1.5", "1.6"].map(str::to_owned);
    assert_eq!(asked(&world), BTreeSet::from(wanted));
    let changes = world.server().requests();
    let changes = changes
        .iter()
        .filter(|seen| seen.stage == StageSeen::Change);
    assert_eq!(changes.count(), 1, "the answer of the dry run is used");
    let after = world.events();
    for number in [1, 2, 4, 7, 8] {
        let task = format!("t1.{number}");
        assert_eq!(attempts(&after, &task), attempts(&before, &task), "{task}");
    }
    let text = fs::read_to_string(world.folder().join("parts/m1_3.py")).unwrap();
    assert!(text.contains("return 2"), "{text}");

    // The same wish again, and the words of the beginning: nothing more is done.
    let requests = world.server().request_count();
    let again = world.run(&["change", "count further"]).expect(0);
    assert!(again.stderr.contains("stands already"), "{}", again.all());
    let words = modules(&house(), &[]).unwrap().requirement;
    let first = world.run(&["build", &words]).expect(0);
    assert!(first.stdout.starts_with("unchanged"), "{}", first.all());
    assert_eq!(world.server().request_count(), requests);
}

#[test]
fn a_removed_step_is_taken_back() {
    let mut world = built();
    let mut parts = house();
    let old = parts.remove(3);
    parts[5].needs = vec!["1.2".to_owned()];
    let change = PlanChange {
        summary: "No fourth part.".to_owned(),
        removed: vec![gone("1.4")],
        ..PlanChange::default()
    };
    let fixture = modules(&parts, &[old]).unwrap();
    world.now_with(oracle(&fixture).with_change(change));

    world.run(&["change", "without the fourth part"]).expect(0);

    let wanted = ["1.7", "t1.4"].map(str::to_owned);
    assert_eq!(asked(&world), BTreeSet::from(wanted));
    assert!(!world.folder().join("parts/m1_4.py").exists());
    assert!(!world.folder().join("tests/test_m1_4.py").exists());
    let listed = world.run(&["task", "list"]).expect(0);
    assert!(
        listed.stdout.contains("Take back: Write m1_4"),
        "{}",
        listed.all()
    );
}

#[test]
fn a_change_that_is_only_planned_is_gone_on_with() {
    let mut world = built();
    let mut parts = house();
    parts.push(Module::new("1.9", &["1.8"]));
    let change = PlanChange {
        summary: "A ninth part.".to_owned(),
        added: vec![wish(parts[8].step())],
        ..PlanChange::default()
    };
    world.now_with(oracle(&modules(&parts, &[]).unwrap()).with_change(change));
    let ended = world
        .run(&["change", "--plan-only", "a ninth part"])
        .expect(0);
    assert!(ended.stderr.contains("atelier resume"), "{}", ended.all());
    assert_eq!(asked(&world), BTreeSet::new());
    world.run(&["resume"]).expect(0);
    assert_eq!(asked(&world), BTreeSet::from(["1.9".to_owned()]));
}

#[test]
fn an_edited_requirement_changes_its_run() {
    let words = "# Parts\n\nWrite a Python package called parts.\nEach part is a module of its own \
                 with one function.\nEach has a test.\n";
    let mut parts = house();
    let mut fixture = modules(&parts, &[]).unwrap();
    fixture.requirement = words.to_owned();
    let mut world = World::with(oracle(&fixture), Dialect::Anthropic).with_commit();
    let file = world.home.path().join("REQUIREMENT.md");
    fs::write(&file, words).unwrap();
    let file = file.display().to_string();
    world.run(&["build", "-f", &file]).expect(0);

    parts[7].version = 2;
    let change = PlanChange {
        summary: "The eighth part counts to two.".to_owned(),
        changed: vec![wish(parts[7].step())],
        ..PlanChange::default()
    };
    world.now_with(oracle(&modules(&parts, &[]).unwrap()).with_change(change));
    fs::write(&file, format!("{words}The eighth part counts to two.\n")).unwrap();
    let ended = world.run(&["build", "-f", &file]).expect(0);

    assert!(
        ended.stderr.contains("its plan is changed"),
        "{}",
        ended.all()
    );
    assert_eq!(asked(&world), BTreeSet::from(["1.8".to_owned()]));
    let shown = world.run(&["show", "requirement"]).expect(0);
    assert!(shown.stdout.contains("counts to two"), "{}", shown.all());
    let again = world.run(&["build", "-f", &file]).expect(0);
    assert!(again.stdout.starts_with("unchanged"), "{}", again.all());
}

#[test]
fn what_cannot_be_changed_says_why() {
    let world = World::offline();
    world.run(&["change", "x"]).expect_failure(2, "find");
    let mut world = built();
    world.run(&["change"]).expect_failure(2, "empty");
    world
        .run(&["change", "--run", "NORUN", "x"])
        .expect_failure(2, "NORUN");
    // A model that names what is not there, twice, changes nothing.
    let change = PlanChange {
        removed: vec![gone("9.9")],
        ..PlanChange::default()
    };
    world.now_with(oracle(&modules(&house(), &[]).unwrap()).with_change(change));
    world.run(&["change", "x"]).expect_failure(13, "9.9");
    assert_eq!(count(&world.events(), "plan.changed"), 0);
    // The result is not part of what the user has now.
    world.git(&["checkout", "-q", "-b", "elsewhere", "HEAD~3"]);
    let added = PlanChange {
        added: vec![wish(Module::new("1.9", &["1.8"]).step())],
        ..PlanChange::default()
    };
    world.now_with(oracle(&modules(&house(), &[]).unwrap()).with_change(added));
    world
        .run(&["change", "y"])
        .expect_failure(2, "does not hold it");
}

#[test]
fn without_a_model_a_wish_is_recorded_in_the_users_words() {
    let world = World::offline().with_commit();
    world
        .run(&[
            "build",
            "a Rust command-line tool called tally that adds numbers",
        ])
        .expect(0);
    let before = world.git(&["rev-parse", "HEAD"]);
    world
        .run(&["change", "Also export the totals as CSV."])
        .expect(0);
    let changed = world.git(&[
        "diff",
        "--name-only",
        &before,
        "HEAD",
        "--",
        "src",
        "PROPOSED-TASKS*",
    ]);
    assert_eq!(changed, "PROPOSED-TASKS-2.md");
    let text = fs::read_to_string(world.folder().join("PROPOSED-TASKS-2.md")).unwrap();
    assert!(text.contains("Also export the totals as CSV."), "{text}");
}
