//! What is ordered for whom, and when not.

use std::collections::BTreeMap;

use atelier_model::{BuildStep, StepKind};
use proptest::prelude::*;

use super::simulation::{Dice, Machine, Outcome, capacity, step};
use crate::{
    Capacity, Ending, Fact, Graph, OnFailure, Order, Outlook, ScheduleError, Scheduler, Verdict,
};

const GB: u64 = 1 << 30;

fn verdicts(outcome: &Outcome) -> Vec<&'static str> {
    let word = |verdict: &Option<Verdict>| verdict.map_or("open", Verdict::as_str);
    outcome.verdicts.iter().map(word).collect()
}

/// Steps in a row, each after the one before it.
fn chain(length: usize) -> Vec<BuildStep> {
    let before = |at: usize| at.checked_sub(1).into_iter().collect::<Vec<_>>();
    (0..length).map(|at| step(&at, &before(at))).collect()
}

#[test]
fn eight_steps_of_4_gb_never_exceed_24_gb() {
    let mut steps: Vec<_> = (0..8).map(|at| step(&at, &[])).collect();
    for step in &mut steps {
        step.memory_bytes = Some(4 * GB);
    }
    let mut machine = Machine::new(&steps, vec![100; 8], 8);
    machine.capacity.memory_bytes = Some(24 * GB);
    machine.capacity.reserve_bytes = GB;
    let outcome = machine.run();
    assert_eq!(outcome.memory_max, 20 * GB);
    assert_eq!(outcome.makespan, 200, "five, then three");
}

#[test]
fn what_was_measured_counts_instead_of_the_hint() {
    let mut steps: Vec<_> = (0..4).map(|at| step(&at, &[])).collect();
    for step in &mut steps {
        step.memory_bytes = Some(GB);
    }
    let mut machine = Machine::new(&steps, vec![100; 4], 4);
    machine.capacity.memory_bytes = Some(10 * GB);
    for outlook in &mut machine.outlooks {
        outlook.memory_bytes = Some(4 * GB);
    }
    assert_eq!(machine.run().memory_max, 8 * GB);
}

#[test]
fn a_step_that_needs_more_than_there_is_runs_alone() {
    let mut steps: Vec<_> = (0..4).map(|at| step(&at, &[])).collect();
    steps[1].memory_bytes = Some(64 * GB);
    let mut machine = Machine::new(&steps, vec![10; 4], 4);
    machine.capacity.memory_bytes = Some(8 * GB);
    assert_eq!(verdicts(&machine.run()), ["succeeded"; 4]);
}

#[test]
fn memory_pressure_keeps_further_steps_back_and_its_end_lets_them_go() {
    let mut steps: Vec<_> = (0..3).map(|at| step(&at, &[])).collect();
    for step in &mut steps {
        step.memory_bytes = Some(2 * GB);
    }
    let graph = Graph::new(&steps).unwrap();
    let wanted: Vec<_> = graph.steps().collect();
    let room = Capacity {
        memory_bytes: Some(3 * GB),
        ..capacity(3)
    };
    let outlooks = [Outlook::default(); 3];
    let mut run =
        Scheduler::new(&graph, &steps, &outlooks, &wanted, &room, OnFailure::Stop).unwrap();
    assert_eq!(run.begin().len(), 3);
    let due = |run: &mut Scheduler<'_>, at: usize| run.apply(Fact::Due { step: wanted[at] });
    let begun = |at: usize| Order::Execute {
        step: wanted[at],
        attempt: 1,
    };
    assert_eq!(due(&mut run, 0), Ok(vec![begun(0)]));
    assert_eq!(due(&mut run, 1), Ok(vec![]), "2 of 3 GB are taken");
    assert_eq!(due(&mut run, 2), Ok(vec![]));
    let memory = |available_bytes, stalled| Fact::Memory {
        available_bytes,
        used_bytes: GB,
        stalled,
    };
    assert_eq!(
        run.apply(memory(10 * GB, true)),
        Ok(vec![]),
        "processes wait"
    );
    assert_eq!(
        run.apply(memory(3 * GB, false)),
        Ok(vec![begun(1)]),
        "4 of 4 GB"
    );
    assert_eq!(run.apply(memory(5 * GB, false)), Ok(vec![begun(2)]));
}

#[test]
fn tokens_are_held_by_no_more_than_there_are() {
    let mut steps: Vec<_> = (0..6).map(|at| step(&at, &[])).collect();
    for (at, step) in steps.iter_mut().enumerate() {
        let name = if at < 3 { "database" } else { "licence" };
        step.tokens = BTreeMap::from([(name.to_owned(), 1)]);
    }
    let mut machine = Machine::new(&steps, vec![100; 6], 8);
    machine.capacity.tokens = BTreeMap::from([("licence".to_owned(), 2)]);
    let outcome = machine.run();
    assert_eq!(outcome.makespan, 300, "the one database, three times");
    let held = [("database".to_owned(), 1), ("licence".to_owned(), 2)];
    assert_eq!(outcome.tokens_max, BTreeMap::from(held));
}

#[test]
fn a_token_that_is_not_there_is_refused_before_anything_is_begun() {
    let mut steps = vec![step(&"deploy", &[])];
    steps[0].tokens = BTreeMap::from([("gpu".to_owned(), 2)]);
    let graph = Graph::new(&steps).unwrap();
    let wanted: Vec<_> = graph.steps().collect();
    let refusal = |cpu| {
        let outlooks = [Outlook::default()];
        let room = capacity(cpu);
        Scheduler::new(&graph, &steps, &outlooks, &wanted, &room, OnFailure::Stop).unwrap_err()
    };
    assert_eq!(
        refusal(1).to_string(),
        "schedule the steps: `deploy` needs 2 of `gpu`, of which there are 1"
    );
    assert_eq!(refusal(0), ScheduleError::NoProcessor);
}

#[test]
fn a_wide_step_is_not_kept_waiting_by_narrow_ones_for_ever() {
    let mut steps: Vec<_> = (0..200).map(|at| step(&at, &[])).collect();
    steps[199].cpu = 4;
    let durations: Vec<u64> = (0..200).map(|at| 50 + at % 7).collect();
    let mut machine = Machine::new(&steps, durations, 4).knowing();
    for outlook in &mut machine.outlooks[..199] {
        outlook.duration_ms = Some(1);
    }
    machine.outlooks[199].duration_ms = Some(1_000);
    let outcome = machine.run();
    let place = outcome.begun.iter().position(|step| *step == 199);
    assert!(place.unwrap() < 30, "{place:?}");
    assert_eq!(outcome.cpu_max, 4);
}

#[test]
fn work_stops_where_nothing_has_changed() {
    let steps = chain(1_000);
    let mut machine = Machine::new(&steps, vec![1; 1_000], 2);
    for outlook in &mut machine.outlooks[1..] {
        outlook.unchanged = true;
    }
    machine.ends = Box::new(|_, _| Ending::Succeeded { changed: false });
    let outcome = machine.run();
    assert_eq!((outcome.begun, outcome.examined), (vec![0], vec![0]));
    assert!(
        outcome.verdicts[1..]
            .iter()
            .all(|one| *one == Some(Verdict::CutOff))
    );
}

#[test]
fn what_made_something_else_has_the_next_examined_and_no_further() {
    let steps = chain(5);
    let mut machine = Machine::new(&steps, vec![1; 5], 2);
    for outlook in &mut machine.outlooks[1..] {
        outlook.unchanged = true;
    }
    machine.settled = Box::new(|at| (at == 1).then_some(false));
    let outcome = machine.run();
    assert_eq!(outcome.examined, [0, 1]);
    let expected = ["succeeded", "up_to_date", "cut_off", "cut_off", "cut_off"];
    assert_eq!(verdicts(&outcome), expected);
}

#[test]
fn nothing_is_examined_where_nothing_has_changed() {
    let steps = chain(10_000);
    let mut machine = Machine::new(&steps, vec![1; 10_000], 2);
    machine.outlooks.fill(Outlook {
        unchanged: true,
        ..Outlook::default()
    });
    let outcome = machine.run();
    assert_eq!((outcome.examined.len(), outcome.begun.len()), (0, 0));
    assert!(
        outcome
            .verdicts
            .iter()
            .all(|one| *one == Some(Verdict::CutOff))
    );
}

/// `0` fails; `1` comes after it, `2` after that, `3` and `4` are on their own.
fn failing(on_failure: OnFailure, cpu: u32) -> Outcome {
    let steps = [
        step(&0, &[]),
        step(&1, &[0]),
        step(&2, &[1]),
        step(&3, &[]),
        step(&4, &[3]),
    ];
    let mut machine = Machine::new(&steps, vec![10, 10, 10, 50, 10], cpu);
    machine.on_failure = on_failure;
    machine.ends = Box::new(|at, _| match at {
        0 => Ending::Failed,
        _ => Ending::Succeeded { changed: true },
    });
    machine.run()
}

#[test]
fn a_failure_ends_the_run_or_drains_it_or_leaves_the_others() {
    let stopped = failing(OnFailure::Stop, 2);
    let expected = [
        "failed",
        "not_reached",
        "not_reached",
        "cancelled",
        "cancelled",
    ];
    assert_eq!(verdicts(&stopped), expected);
    assert_eq!(stopped.stopped, [3]);
    let drained = failing(OnFailure::Drain, 2);
    let expected = [
        "failed",
        "not_reached",
        "not_reached",
        "succeeded",
        "cancelled",
    ];
    assert_eq!(verdicts(&drained), expected);
    let others = failing(OnFailure::KeepGoing, 2);
    let expected = [
        "failed",
        "not_reached",
        "not_reached",
        "succeeded",
        "succeeded",
    ];
    assert_eq!(verdicts(&others), expected);
    assert_eq!(
        others.verdicts[2], others.verdicts[1],
        "both name the first"
    );
}

#[test]
fn a_flaky_step_is_tried_again_and_called_flaky() {
    let mut steps = [step(&0, &[]), step(&1, &[])];
    steps[0].retries = 2;
    steps[1].retries = 2;
    let mut machine = Machine::new(&steps, vec![1; 2], 2);
    machine.ends = Box::new(|at, attempt| match (at, attempt) {
        (0, 3) => Ending::Succeeded { changed: true },
        _ => Ending::Failed,
    });
    let outcome = machine.run();
    assert_eq!(verdicts(&outcome), ["flaky", "failed"]);
    assert_eq!(outcome.begun.len(), 6);
}

#[test]
fn tests_that_failed_last_come_first_with_what_they_need() {
    let mut steps = vec![step(&0, &[]), step(&1, &[]), step(&2, &[1])];
    steps[2].kind = StepKind::Test;
    let mut machine = Machine::new(&steps, vec![100, 1, 1], 1).knowing();
    assert_eq!(machine.run().begun, [0, 1, 2]);
    machine.outlooks[2].failed_last = true;
    assert_eq!(machine.run().begun, [1, 2, 0]);
}

#[test]
fn a_person_ends_everything() {
    let steps = chain(3);
    let graph = Graph::new(&steps).unwrap();
    let wanted: Vec<_> = graph.steps().collect();
    let outlooks = [Outlook::default(); 3];
    let room = capacity(2);
    let mut run =
        Scheduler::new(&graph, &steps, &outlooks, &wanted, &room, OnFailure::Stop).unwrap();
    run.begin();
    run.apply(Fact::Due { step: wanted[0] }).unwrap();
    let orders = run.apply(Fact::Cancel).unwrap();
    assert!(orders.contains(&Order::Stop(wanted[0])));
    assert_eq!(run.apply(Fact::Cancel), Ok(vec![]), "once is enough");
    let ending = Ending::Stopped;
    run.apply(Fact::Ended {
        step: wanted[0],
        ending,
    })
    .unwrap();
    assert!(run.is_over());
    let all = wanted.iter().map(|step| run.verdict(*step));
    assert!(all.into_iter().all(|one| one == Some(Verdict::Cancelled)));
}

#[test]
fn only_what_is_wanted_is_done() {
    let steps = chain(3);
    let graph = Graph::new(&steps).unwrap();
    let last = [graph.find("2").unwrap()];
    let outlooks = [Outlook::default(); 3];
    let room = capacity(1);
    let mut run = Scheduler::new(&graph, &steps, &outlooks, &last, &room, OnFailure::Stop).unwrap();
    assert_eq!(run.begin(), [Order::Examine(last[0])]);
}

#[test]
fn what_cannot_have_happened_is_refused() {
    let steps = chain(2);
    let graph = Graph::new(&steps).unwrap();
    let wanted: Vec<_> = graph.steps().collect();
    let outlooks = [Outlook::default(); 2];
    let room = capacity(1);
    let mut run =
        Scheduler::new(&graph, &steps, &outlooks, &wanted, &room, OnFailure::Stop).unwrap();
    run.begin();
    let ending = Ending::Failed;
    let error = run
        .apply(Fact::Ended {
            step: wanted[1],
            ending,
        })
        .unwrap_err();
    let expected = "take in that step `1` ended: it is waiting for others";
    assert_eq!(error.to_string(), expected);
    let known = Scheduler::new(&graph, &steps, &[], &wanted, &room, OnFailure::Stop).unwrap_err();
    let expected = "schedule the steps: 0 are given, 2 are in their graph";
    assert_eq!(known.to_string(), expected);
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(300))]

    /// Whatever the steps need and however they end, every run ends, and the machine checks at each
    /// moment that nothing is exceeded and nothing comes before what it needs.
    #[test]
    fn every_run_ends_and_exceeds_nothing(seed in 1_u64.., cpu in 1_u32..9, course in 0..3_u32) {
        let mut dice = Dice::new(seed);
        let count = 1 + usize::try_from(dice.roll(60)).unwrap();
        let mut steps = Vec::new();
        for at in 0..count {
            let mut after = Vec::new();
            for _ in 0..dice.roll(4) {
                if at > 0 {
                    after.push(usize::try_from(dice.roll(at as u64)).unwrap());
                }
            }
            let mut one = step(&at, &after);
            one.cpu = 1 + u32::try_from(dice.roll(12)).unwrap();
            one.memory_bytes = (dice.roll(2) == 0).then(|| dice.roll(9) * GB);
            one.retries = u32::try_from(dice.roll(3)).unwrap();
            if dice.roll(3) == 0 {
                let name = ["a", "b"][usize::try_from(dice.roll(2)).unwrap()];
                one.tokens = BTreeMap::from([(name.to_owned(), 1)]);
            }
            steps.push(one);
        }
        let durations = (0..count).map(|_| dice.roll(50)).collect();
        let fate: Vec<u64> = (0..count).map(|_| dice.roll(20)).collect();
        let mut machine = Machine::new(&steps, durations, cpu);
        machine.capacity.memory_bytes = Some(8 * GB);
        machine.capacity.reserve_bytes = GB / 2;
        machine.on_failure = [OnFailure::Stop, OnFailure::Drain, OnFailure::KeepGoing][course as usize];
        for outlook in &mut machine.outlooks {
            outlook.unchanged = dice.roll(3) == 0;
        }
        machine.settled = Box::new(|at| match fate[at] {
            0..3 => Some(true),
            3..6 => Some(false),
            _ => None,
        });
        machine.ends = Box::new(|at, attempt| match fate[at] {
            19 => Ending::Failed,
            18 if attempt < 2 => Ending::Failed,
            other => Ending::Succeeded { changed: other % 2 == 0 },
        });
        let outcome = machine.run();
        prop_assert!(outcome.verdicts.iter().all(Option::is_some));
    }
}
