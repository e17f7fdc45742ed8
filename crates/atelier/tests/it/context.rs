//! Long texts and finished tasks behind a task: summarised once, shown within bounds, on record.

use std::fmt::Write as _;

use atelier_model::{RequirementItem, Summary};
use atelier_testkit::{Dialect, Fixture, Mode, SUMMARISED, Script, StageSeen, wide};
use serde_json::Value;

use crate::world::{World, count};

/// Tasks of the run that is measured.
const TASKS: u32 = 12;

/// A requirement of several thousand tokens for a package of so many modules.
fn long_requirement(modules: u32) -> String {
    let mut text = format!(
        "Write a Python package called chain with a first link and {modules} modules beside it, \
         each of which returns its own number.\n"
    );
    for link in 1..=120 {
        let _ = write!(
            text,
            "\nWhoever reads about link {link} wants to know where it is used. Link {link} is \
             imported by the people of workshop {link}, who count their parcels with it. Its value \
             must be the number {link}, and it must never be computed from the clock.\n"
        );
    }
    text
}

/// Independent tasks with a long requirement, which is taken apart into several statements.
fn fixture(modules: u32) -> Fixture {
    let mut fixture = wide(modules).unwrap();
    fixture.requirement = long_requirement(modules);
    let item = |number: u32| RequirementItem {
        id: format!("R{number}"),
        text: format!("Module number {number} returns {number}."),
    };
    fixture.design.requirements = (1..=modules + 1).map(item).collect();
    let steps = fixture.phases.iter_mut().flat_map(|phase| &mut phase.steps);
    for (number, step) in (1..).zip(steps) {
        step.requirements = vec![format!("R{number}")];
        for one in &mut step.acceptance {
            one.requirements.clone_from(&step.requirements);
        }
    }
    for (outline, phase) in fixture.plan.phases.iter_mut().zip(&fixture.phases) {
        let served = phase
            .steps
            .iter()
            .flat_map(|step| step.requirements.clone());
        outline.requirements = served.collect();
    }
    fixture
}

fn oracle(fixture: &Fixture) -> World {
    World::building(Script::new(Mode::Oracle).with_fixture(fixture.clone()))
}

/// The bodies of the requests for code, and how many there were for summaries.
fn asked(world: &World) -> (Vec<String>, usize) {
    let seen = world.server().requests();
    let code = seen.iter().filter(|one| one.stage.task().is_some());
    let code = code.map(|one| one.body.to_string()).collect();
    let summaries = seen.iter().filter(|one| one.stage == StageSeen::Summary);
    (code, summaries.count())
}

/// What the first prompt of a task was put together from.
fn prompt(world: &World, task: &str) -> Value {
    let shown = world.run(&["--json", "show", task]).expect(0).json();
    shown[0]["prompts"][0].clone()
}

fn part<'a>(prompt: &'a Value, name: &str) -> &'a Value {
    let parts = prompt["parts"].as_array().unwrap();
    let found = parts.iter().find(|part| part["name"] == name);
    found.unwrap_or_else(|| panic!("no {name} in {prompt}"))
}

#[test]
fn a_long_requirement_is_summarised_once_for_many_tasks() {
    let fixture = fixture(TASKS - 1);
    let world = oracle(&fixture);
    world
        .run(&["build", "--jobs", "4", &fixture.requirement])
        .expect(0);
    let (code, summaries) = asked(&world);
    assert_eq!(code.len(), TASKS as usize);
    assert_eq!(summaries, 1, "asked for once, by whichever task came first");
    for body in &code {
        assert!(body.contains(SUMMARISED), "{body}");
        // What is pinned: every statement, word for word.
        for one in &fixture.design.requirements {
            assert!(
                body.contains(&format!("- {}: {}", one.id, one.text)),
                "{body}"
            );
        }
        // What concerns no task is not there.
        assert!(!body.contains("people of workshop 99,"), "{body}");
    }
    let fifth = code
        .iter()
        .find(|body| body.contains("# EXECUTE TASK 1.5: "));
    let fifth = fifth.expect("task 1.5 is asked for");
    assert!(fifth.contains("people of workshop 5,"), "{fifth}");

    let (mut with, mut without) = (0, 0);
    for step in fixture.steps() {
        let prompt = prompt(&world, &step.number);
        let tokens = |value: &Value, name: &str| value[name].as_u64().unwrap();
        let requirement = part(&prompt, "the requirement");
        assert_eq!(requirement["form"], "summary and statements");
        let passages = prompt["parts"].as_array().unwrap().iter();
        let passages = passages.filter(|part| part["name"] == "passages of the requirement");
        let passages: u64 = passages.map(|part| tokens(part, "tokens")).sum();
        let shown = tokens(requirement, "tokens") + passages;
        let all = tokens(&prompt, "tokens");
        with += all;
        without += all - shown + tokens(requirement, "tokens_full");
    }
    // What the summary itself cost is less than what it saved.
    let text = u64::try_from(atelier_prompt::tokens::estimate(&fixture.requirement)).unwrap();
    assert!(with + 2 * text < without, "{with} of {without}");
    assert_eq!(world.repeated(), 0);
}

#[test]
fn a_short_requirement_is_shown_word_for_word() {
    let fixture = wide(3).unwrap();
    let world = oracle(&fixture);
    world.run(&["build", &fixture.requirement]).expect(0);
    assert_eq!(asked(&world).1, 0);
    let prompt = prompt(&world, "1.2");
    let requirement = part(&prompt, "the requirement");
    assert_eq!(requirement["form"], "whole");
    assert_eq!(requirement["why"], "");
    let shown = world.run(&["show", "1.2"]).expect(0).stdout;
    assert!(shown.contains("\nprompt of attempt 1: about "), "{shown}");
    assert!(shown.contains("  the requirement: whole, "), "{shown}");
    assert!(shown.contains("  files: whole, "), "{shown}");
    let none = world.run(&["show", "summaries"]).expect(0);
    assert_eq!(none.stdout, "");
}

#[test]
fn a_killed_run_pays_for_no_summary_twice_and_is_replayed() {
    let fixture = fixture(2);
    let world = oracle(&fixture);
    let mut child = world.start(&["build", &fixture.requirement]);
    world.wait_for(&mut child, "attempt.started", 2);
    child.kill().unwrap();
    child.wait().unwrap();
    world.run(&["resume"]).expect(0);
    assert_eq!(asked(&world).1, 1);
    assert_eq!(world.repeated(), 0);
    let shown = world.run(&["show", "summaries"]).expect(0).stdout;
    assert!(shown.contains("the requirement, by a model"), "{shown}");
    assert!(shown.contains(SUMMARISED), "{shown}");
    crate::replay::check(world);
}

#[test]
fn a_summary_that_cannot_be_used_fails_no_task() {
    let fixture = fixture(2);
    let made_up = Summary {
        goal: "A package that weighs 4711 tons.".to_owned(),
        ..Summary::default()
    };
    let script = Script::new(Mode::Oracle)
        .with_fixture(fixture.clone())
        .with_summary(made_up);
    let world = World::building(script);
    let ended = world.run(&["build", &fixture.requirement]).expect(0);
    let (code, summaries) = asked(&world);
    assert_eq!(
        summaries, 2,
        "asked once more with what was wrong, then no more"
    );
    let told = "no summary of the requirement could be used (find `4711`";
    assert!(ended.all().contains(told), "{}", ended.all());
    for body in &code {
        assert!(!body.contains("4711"), "{body}");
        assert!(
            body.contains("must never be computed from the clock"),
            "{body}"
        );
    }
    let shown = world.run(&["--json", "show", "summaries"]).expect(0).json();
    assert_eq!(shown[0]["summaries"][0]["maker"], "extract");
    crate::replay::check(world);
}

#[test]
fn a_long_document_that_many_tasks_need_is_summarised_once() {
    let mut fixture = wide(2).unwrap();
    for phase in &mut fixture.phases {
        for step in &mut phase.steps {
            step.context.documents = vec!["docs/PRD.md".to_owned()];
        }
    }
    let world = oracle(&fixture);
    world.write("docs/PRD.md", long_requirement(2));
    world.git(&["add", "docs/PRD.md"]);
    world.git(&["commit", "-q", "-m", "docs: what is wanted"]);
    world.run(&["build", &fixture.requirement]).expect(0);
    let (code, summaries) = asked(&world);
    assert_eq!(summaries, 1);
    for body in &code {
        assert!(body.contains(SUMMARISED), "{body}");
    }
    let prompt = prompt(&world, "1.2");
    let document = part(&prompt, "docs/PRD.md");
    assert_eq!(document["form"], "summary and passages", "{document}");
    assert_eq!(document["why"], "it is background");
    assert!(document["tokens"].as_u64() < document["tokens_full"].as_u64());
    assert_eq!(count(&world.events(), "warning"), 0);
}

#[test]
fn dialects_answer_summaries_as_they_answer_plans() {
    let fixture = fixture(2);
    let script = Script::new(Mode::Oracle).with_fixture(fixture.clone());
    let world = World::with(script, Dialect::Anthropic).with_commit();
    world.run(&["build", &fixture.requirement]).expect(0);
    assert_eq!(asked(&world).1, 1);
    assert!(world.server().violations().is_empty());
}
