//! Work that does not fit together, again and again: the trunk is whole at every commit it ever stood
//! at, nothing that was tried is lost, and everything is resolved or waits with both sides named.

use std::{
    collections::BTreeMap,
    env,
    sync::atomic::{AtomicUsize, Ordering},
    thread,
};

use atelier_testkit::{Dialect, EditForm, Fixture, Mode, Script, crowded, renaming};
use serde_json::Value;

use crate::{
    parallel::{attempts_that_ended, check_trunk},
    parallel_kills::check_every_point,
    world::{World, count},
};

/// How many conflicts of each kind there are to be, where more than usual are wanted.
const CONFLICTS: &str = "ATELIER_TEST_CONFLICTS";
/// How many there are otherwise.
const CONFLICTS_USUALLY: usize = 4;
/// Modules that all write one line.
const CROWD: u32 = 5;
/// Milliseconds the model takes: longer than it takes to begin the other tasks.
const LATENCY_MS: u64 = 300;
/// Runs at the same time.
const AT_ONCE: usize = 2;
/// Runs that may be needed for one conflict: a loaded machine may do one task after the other.
const RUNS_PER_CONFLICT: usize = 3;
/// Every so manieth run has a single attempt a task.
const BLOCKED_EVERY: usize = 4;

fn wanted() -> usize {
    let wanted = env::var(CONFLICTS).ok().and_then(|text| text.parse().ok());
    wanted.unwrap_or(CONFLICTS_USUALLY)
}

#[test]
fn conflicts_in_the_text_never_break_the_trunk() {
    conflicts_of(&crowded(CROWD).unwrap(), "it changes the same places as");
}

#[test]
fn conflicts_in_the_meaning_never_break_the_trunk() {
    let said = "it passes alone and not together with";
    conflicts_of(&renaming().unwrap(), said);
}

/// Runs a fixture until there were enough conflicts, and looks at each run.
fn conflicts_of(fixture: &Fixture, said: &str) {
    let wanted = wanted();
    let (runs, found) = (AtomicUsize::new(0), AtomicUsize::new(0));
    let blocked = AtomicUsize::new(0);
    thread::scope(|scope| {
        for _ in 0..AT_ONCE {
            scope.spawn(|| {
                while found.load(Ordering::Relaxed) < wanted {
                    let run = runs.fetch_add(1, Ordering::Relaxed);
                    assert!(run < wanted * RUNS_PER_CONFLICT, "{found:?} conflicts");
                    let (conflicts, waits) = one_run(fixture, said, run);
                    found.fetch_add(conflicts, Ordering::Relaxed);
                    blocked.fetch_add(waits, Ordering::Relaxed);
                }
            });
        }
    });
    eprintln!("{found:?} conflicts in {runs:?} runs, {blocked:?} waited for a person");
}

/// One run; returns its conflicts, and how many of them a person was told of.
fn one_run(fixture: &Fixture, said: &str, run: usize) -> (usize, usize) {
    let script = Script::new(Mode::Oracle)
        .with_fixture(fixture.clone())
        .with_form(EditForm::Whole)
        .with_latency_ms(LATENCY_MS);
    let world = World::with(script, Dialect::OpenAi).with_commit();
    let single = run % BLOCKED_EVERY == BLOCKED_EVERY - 1;
    let attempts = if single { "1" } else { "5" };
    let limit = format!("limits.attempts_max={attempts}");
    let args = ["-c", &limit, "build", "-j", "8", &fixture.requirement];
    let ended = world.run(&args);
    let mut waits = 0;
    if single && ended.code != Some(0) {
        let ended = ended.expect_failure(15, "");
        waits = attempts_that_ended(&world.events(), "conflict");
        assert!(waits > 0, "{}", ended.all());
        world.run(&["resume", "-j", "8"]).expect(0);
    } else {
        ended.expect(0);
    }
    let log = world.events();
    check_trunk(&world, fixture);
    check_every_point(&world);
    check_reasons(&log, fixture, said);
    check_kept(&world, &log);
    (attempts_that_ended(&log, "conflict"), waits)
}

/// Each conflict says what it met by number and title, and belongs to the task that came second.
fn check_reasons(log: &[Value], fixture: &Fixture, said: &str) {
    let steps: BTreeMap<&str, &str> = fixture
        .steps()
        .map(|step| (step.number.as_str(), step.title.as_str()))
        .collect();
    for event in log.iter().filter(|event| event["outcome"] == "conflict") {
        let (reason, task) = (
            event["reason"].as_str().unwrap(),
            event["task"].as_str().unwrap(),
        );
        assert!(reason.contains(said), "{event}");
        let named = steps
            .iter()
            .filter(|(number, title)| reason.contains(&format!("{number} {title}")));
        let others = named.filter(|(number, _)| task != format!("t{number}"));
        assert!(others.count() > 0, "{event}");
    }
}

/// Every attempt that was judged is still there as a commit.
fn check_kept(world: &World, log: &[Value]) {
    let refs = [
        "for-each-ref",
        "--format=%(objecttype)",
        "refs/atelier/attempts",
    ];
    let refs = world.git(&refs);
    let judged: usize = ["passed", "conflict", "checks_failed"]
        .iter()
        .map(|outcome| attempts_that_ended(log, outcome))
        .sum();
    assert!(judged >= count(log, "task.committed"));
    assert_eq!(refs.lines().count(), judged, "{refs}");
    assert!(refs.lines().all(|kind| kind == "commit"), "{refs}");
}
