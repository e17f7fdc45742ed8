//! `kill -9` while a plan is changed and while what it touches is done again: at some events, at every
//! one where `ATELIER_TEST_KILLS` is set.

use std::{
    collections::BTreeSet,
    env,
    sync::atomic::{AtomicUsize, Ordering},
    thread,
};

use atelier_model::{Digest, PlanChange};
use atelier_testkit::{Dialect, Fixture, Module, modules};

use super::{asked, attempts, oracle, wish};
use crate::{
    killed::{files_of, kill_after, wait_until_gone},
    world::{World, count},
};

/// The wish.
const WISH: [&str; 2] = ["change", "count further"];
/// Events from one kill to the next in an ordinary run.
const STEP: usize = 25;
/// Changes that are killed at the same time.
const AT_ONCE: usize = 2;
/// Kill points this test is worth something from.
const POINTS_MIN: usize = 3;

fn parts(version: u32) -> Vec<Module> {
    let mut parts = vec![
        Module::new("1.1", &[]),
        Module::new("1.2", &["1.1"]),
        Module::new("1.3", &["1.2"]),
    ];
    parts[1].version = version;
    parts
}

fn fixture(version: u32) -> Fixture {
    modules(&parts(version), &[]).unwrap()
}

/// A project that is built, whose model knows of the change from now on.
fn built() -> World {
    let fixture = fixture(1);
    let mut world = World::with(oracle(&fixture), Dialect::OpenAi).with_commit();
    world.run(&["build", &fixture.requirement]).expect(0);
    let change = PlanChange {
        summary: "The second part counts further.".to_owned(),
        changed: vec![wish(parts(2)[1].step())],
        ..PlanChange::default()
    };
    world.now_with(oracle(&self::fixture(2)).with_change(change));
    world
}

/// The questions of a world's model, each once.
fn questions(world: &World) -> BTreeSet<Digest> {
    let seen = world.server().requests();
    seen.into_iter().map(|seen| seen.digest).collect()
}

/// The change as it is without a kill.
struct Baseline {
    asked: BTreeSet<String>,
    questions: BTreeSet<Digest>,
    files: String,
    of_first: usize,
}

#[test]
fn a_change_killed_at_any_event_is_made_once_and_whole() {
    let world = built();
    let begun = world.events().len();
    world.run(&WISH).expect(0);
    let events = world.events();
    let baseline = Baseline {
        asked: asked(&world),
        questions: questions(&world),
        files: files_of(&world, "main"),
        of_first: attempts(&events, "t1.1"),
    };
    let step = env::var_os("ATELIER_TEST_KILLS").map_or(STEP, |_| 1);
    let points: Vec<usize> = (begun + 1..events.len()).step_by(step).collect();
    assert!(points.len() >= POINTS_MIN, "{} points", points.len());
    let next = AtomicUsize::new(0);
    thread::scope(|scope| {
        for _ in 0..AT_ONCE {
            scope.spawn(|| {
                while let Some(&point) = points.get(next.fetch_add(1, Ordering::Relaxed)) {
                    check(&baseline, point);
                }
            });
        }
    });
}

/// Kills a change after this event, goes on, and compares.
#[track_caller]
fn check(baseline: &Baseline, point: usize) {
    let world = built();
    let at = u64::try_from(point).unwrap();
    kill_after(&world, &WISH, at);
    wait_until_gone(&world, at);
    let log = world.events();
    let open = count(&log, "ask.started") - count(&log, "ask.finished");
    // A change is made as a whole or not at all; what is not made is wished for again.
    match count(&log, "plan.changed") {
        0 => world.run(&WISH).expect(0),
        _ => world.run(&["resume"]).expect(0),
    };
    let events = world.events();
    assert_eq!(count(&events, "plan.changed"), 1, "point {point}");
    assert_eq!(asked(&world), baseline.asked, "point {point}");
    assert_eq!(questions(&world), baseline.questions, "point {point}");
    let (requests, known) = (world.server().request_count(), baseline.questions.len());
    assert!(
        requests <= known + open,
        "point {point}: {requests} requests for {known} questions, {open} in flight"
    );
    assert_eq!(
        attempts(&events, "t1.1"),
        baseline.of_first,
        "point {point}"
    );
    assert_eq!(files_of(&world, "main"), baseline.files, "point {point}");
    let verified = world.run(&["verify"]);
    assert_eq!(verified.code, Some(0), "point {point}: {}", verified.all());
}
