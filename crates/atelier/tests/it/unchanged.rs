//! The same words again: nothing is asked, nothing is done, and it takes no time.

use atelier_testkit::{Dialect, chain};

use crate::world::{World, count};

/// Clock ticks a second in `/proc`, the same on every Linux.
const TICKS: u64 = 100;

#[test]
fn an_unchanged_build_asks_nothing_and_takes_no_time() {
    let fixture = chain(3).unwrap();
    let world = World::oracle(&fixture, Dialect::OpenAi);
    world.run(&["build", &fixture.requirement]).expect(0);
    let (asked, events) = (world.server().request_count(), world.events());
    let commit = world.git(&["rev-parse", "HEAD"]);

    let before = children_ticks();
    let ended = world.run(&["build", &fixture.requirement]).expect(0);
    let ticks = children_ticks() - before;

    assert!(
        ended.stdout.starts_with("unchanged: commit"),
        "{}",
        ended.all()
    );
    assert!(
        ticks < TICKS,
        "{ticks} hundredths of a second of processor time"
    );
    assert_eq!(world.server().request_count(), asked);
    let after = world.events();
    assert_eq!(count(&after, "ask.started"), count(&events, "ask.started"));
    assert_eq!(world.git(&["rev-parse", "HEAD"]), commit);
    assert_eq!(world.git(&["status", "--porcelain"]), "");
}

#[test]
fn a_resumed_finished_run_asks_nothing() {
    let fixture = chain(1).unwrap();
    let world = World::oracle(&fixture, Dialect::Anthropic);
    world.run(&["build", &fixture.requirement]).expect(0);
    let asked = world.server().request_count();

    world.run(&["resume"]).expect(0);

    assert_eq!(world.server().request_count(), asked);
}

/// Processor time of all children this process has waited for.
///
/// Other tests of the same process would be counted too where they share it; the bar is generous
/// and the runner of this repository gives every test a process of its own.
fn children_ticks() -> u64 {
    let stat = std::fs::read_to_string("/proc/self/stat").unwrap();
    let after_name = stat.rsplit_once(')').unwrap().1;
    // User and system time of children are the fields 16 and 17 of the whole line.
    let fields = after_name.split_whitespace().skip(13).take(2);
    fields.map(|field| field.parse::<u64>().unwrap()).sum()
}
