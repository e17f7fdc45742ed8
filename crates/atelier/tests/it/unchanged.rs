//! The same words again: nothing is asked, nothing is done, and it takes no time.

use std::{
    fs,
    process::{Command, Stdio},
};

use atelier_testkit::{Dialect, chain};
use rustix::process::{Pid, WaitId, WaitIdOptions, waitid};

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

    let ended = world.run(&["build", &fixture.requirement]).expect(0);
    let ticks = ticks_of(world.command(&["build", &fixture.requirement]));

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

/// Processor time a program and everything it started took, in clock ticks.
fn ticks_of(mut command: Command) -> u64 {
    let quiet = command.stdin(Stdio::null()).stdout(Stdio::null());
    let mut child = quiet.stderr(Stdio::null()).spawn().unwrap();
    let id = Pid::from_child(&child);
    // It has ended, and its account is still there to be read until it is waited for.
    let ended = WaitIdOptions::EXITED | WaitIdOptions::NOWAIT;
    waitid(WaitId::Pid(id), ended).unwrap();
    let stat = fs::read_to_string(format!("/proc/{}/stat", child.id())).unwrap();
    let status = child.wait().unwrap();
    assert!(status.success(), "{status}");
    let after_name = stat.rsplit_once(')').unwrap().1;
    // User and system time of the program and of its children are the fields 14 to 17 of the line.
    let fields = after_name.split_whitespace().skip(11).take(4);
    fields.map(|field| field.parse::<u64>().unwrap()).sum()
}
