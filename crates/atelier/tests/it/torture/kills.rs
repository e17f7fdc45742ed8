//! `kill -9` at any instant: the next check makes what a plain shell makes.

use std::{
    collections::BTreeMap,
    thread,
    time::{Duration, Instant},
};

use super::{
    chances::{Chance, edit, project, rounds},
    mill::LEVELS,
};

/// Kills of each project where time is short.
const KILLS: usize = 5;
/// Steps that are executed at once.
const JOBS: usize = 4;

#[test]
fn a_check_that_is_killed_at_any_instant_goes_on() {
    thread::scope(|scope| {
        for (seed, level) in (1..).zip(LEVELS) {
            scope.spawn(move || kill_again_and_again(level, seed));
        }
    });
}

fn kill_again_and_again(level: &'static str, seed: u64) {
    let mill = project(level, seed);
    let mut chance = Chance::new(seed);
    let jobs = JOBS.to_string();
    let args = ["--jobs", jobs.as_str()];
    let begun = Instant::now();
    let first = mill.check_with(&args);
    assert_eq!(first.ended.code, Some(0), "{}", first.ended.all());
    mill.is_right();
    let whole_us = usize::try_from(begun.elapsed().as_micros()).unwrap();
    let (mut twice, mut executed) = (0, 0);
    for round in 0..rounds(KILLS * LEVELS.len()).div_ceil(LEVELS.len()) {
        edit(&mill, &mut chance);
        if chance.below(3) == 0 {
            std::fs::remove_dir_all(mill.path("out")).unwrap();
        }
        let before = mill.executions().len();
        let mut running = mill.start(&args);
        thread::sleep(Duration::from_micros(chance.below(whole_us) as u64));
        running.kill().unwrap();
        running.wait().unwrap();
        let ended = mill.check_with(&args).ended;
        assert_eq!(ended.code, Some(0), "round {round}: {}", ended.all());
        // Whoever outlived the killed program must not write any more.
        mill.wait_until_gone();
        assert_eq!(mill.standing(), mill.by_shell(), "{level}, round {round}");
        let mut times: BTreeMap<String, usize> = BTreeMap::new();
        for step in mill.executions().split_off(before) {
            *times.entry(step).or_default() += 1;
        }
        let again = times.values().filter(|times| **times > 1).count();
        assert!(
            again <= 2 * JOBS,
            "round {round}: {again} steps were executed twice: {times:?}"
        );
        twice += again;
        executed += times.len();
    }
    // In a machine of its own, nothing counts itself.
    if level != "strong" {
        eprintln!("{level}: {executed} steps were executed, {twice} of them twice");
    }
}
