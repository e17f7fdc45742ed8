//! Careless and cheating models in every language: mistakes are mended from the evidence, and no
//! test that was silenced ever makes a result green.

use std::fs;

use atelier_testkit::{Dialect, EditForm, Fixture, Mode, Script};

use crate::world::{Ended, World, count};

#[test]
fn python_work_is_judged_by_its_tests() {
    mends("python-intervals", Dialect::Anthropic);
    refuses("python-intervals", Dialect::Anthropic);
}

#[test]
fn node_work_is_judged_by_its_tests() {
    mends("node-shortener", Dialect::OpenAi);
    refuses("node-shortener", Dialect::OpenAi);
}

// These take much longer to build; what mends work is the same for all.

#[test]
fn rust_work_is_judged_by_its_tests() {
    refuses("rust-duplicates", Dialect::OpenAi);
}

#[test]
fn go_work_is_judged_by_its_tests() {
    refuses("go-logstat", Dialect::Anthropic);
}

#[test]
fn c_work_is_judged_by_its_tests() {
    refuses("c-ringlog", Dialect::Anthropic);
}

/// Bad first tries and silenced tests do no harm where the work is good in the end.
fn mends(name: &str, dialect: Dialect) {
    let fixture = Fixture::named(name).unwrap();
    let (world, ended) = build(&fixture, Mode::FailThenFix, dialect);
    let ended = ended.expect(0);
    assert!(ended.stderr.contains("mended"), "{}", ended.all());
    check_kept(&world, &fixture);

    let (world, ended) = build(&fixture, Mode::TamperTests { good: true }, dialect);
    let ended = ended.expect(0);
    check_told(&world, &ended);
    check_kept(&world, &fixture);
}

#[test]
fn a_file_that_no_longer_parses_is_told_to_the_model_and_mended() {
    let fixture = Fixture::named("python-intervals").unwrap();
    let (world, ended) = build(&fixture, Mode::UnclosedThenFix, Dialect::OpenAi);
    let ended = ended.expect(0);
    assert!(ended.stderr.contains("mended"), "{}", ended.all());
    check_kept(&world, &fixture);
    let steps = fixture.steps().count();
    assert_eq!(count(&world.events(), "syntax.broken"), steps);
    let seen = world.server().requests();
    let told = seen.iter().filter(|seen| {
        seen.reasks == 1
            && seen
                .body
                .to_string()
                .contains("no longer follows its grammar")
    });
    assert_eq!(told.count(), steps);
}

/// Bad work behind silenced tests, and work that is left to the reader, end as failures.
fn refuses(name: &str, dialect: Dialect) {
    let fixture = Fixture::named(name).unwrap();
    let (world, ended) = build(&fixture, Mode::TamperTests { good: false }, dialect);
    let ended = ended.expect_failure(13, "finish task");
    check_told(&world, &ended);
    check_kept(&world, &fixture);
    assert_eq!(count(&world.events(), "run.verified"), 0);

    let (world, ended) = build(&fixture, Mode::Lazy, dialect);
    ended.expect_failure(13, "finish task");
    check_kept(&world, &fixture);
    assert_eq!(count(&world.events(), "run.verified"), 0);
}

fn build(fixture: &Fixture, mode: Mode, dialect: Dialect) -> (World, Ended) {
    let script = Script::new(mode)
        .with_fixture(fixture.clone())
        .with_form(EditForm::Mixed);
    let world = World::with(script, dialect).with_commit();
    let ended = world.run_with(&["build", "-"], fixture.requirement.as_bytes());
    assert_eq!(world.server().violations(), Vec::<String>::new());
    (world, ended)
}

/// What was tried with the tests was undone, or refused before it was written; and said.
#[track_caller]
fn check_told(world: &World, ended: &Ended) {
    let (restored, refused) = ("restored", "ends the test process as if it had succeeded");
    let events = world.events();
    if count(&events, "tests.restored") > 0 {
        assert!(ended.stderr.contains(restored), "{}", ended.all());
    } else {
        assert!(count(&events, "edits.refused") > 0, "{}", ended.all());
        assert!(ended.stderr.contains(refused), "{}", ended.all());
    }
}

/// The branch holds the finished tasks as a good model writes them, tests included, and it builds.
#[track_caller]
fn check_kept(world: &World, fixture: &Fixture) {
    let events = world.events();
    let committed = events
        .iter()
        .rfind(|event| event["type"] == "task.committed");
    let Some(last) = committed.and_then(|event| event["task"].as_str()) else {
        return;
    };
    let checkout = world.clone_of(&world.branch());
    for (path, file) in fixture.tree_after(last.trim_start_matches('t')).iter() {
        let stands = fs::read(checkout.join(path.as_str())).unwrap();
        assert_eq!(stands, file.bytes, "{path}");
    }
    world.build_by_hand(&checkout, &fixture.design.technology_stack.language);
}
