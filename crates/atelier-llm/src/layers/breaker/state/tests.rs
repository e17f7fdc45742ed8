//! Every state with every fact, and rests that double.

use atelier_model::Timestamp;

use super::{Door, Fact, Pass, State};

const FAILURES_MAX: u32 = 3;

fn at(millis: i64) -> Timestamp {
    Timestamp::from_millis(millis)
}

fn closed(failures: u32) -> State {
    State::Closed { failures }
}

fn resting(until: i64) -> State {
    State::Resting { until: at(until) }
}

fn open(until: i64, openings: u32) -> State {
    State::Open {
        until: at(until),
        openings,
    }
}

fn half_open(openings: u32) -> State {
    State::HalfOpen { openings }
}

#[test]
fn every_fact_leads_every_state_to_the_next() {
    let facts = [
        Fact::Answered,
        Fact::Failed,
        Fact::AskedToWait(7_000),
        Fact::Abandoned,
    ];
    // The time is 5,000.
    let table = [
        (
            closed(1),
            Pass::Usual,
            [closed(0), closed(2), resting(12_000), closed(1)],
        ),
        (
            closed(2),
            Pass::Usual,
            [closed(0), open(6_000, 1), resting(12_000), closed(2)],
        ),
        (
            closed(2),
            Pass::Probe,
            [closed(0), open(6_000, 1), resting(12_000), closed(2)],
        ),
        (
            resting(9_000),
            Pass::Usual,
            [
                resting(9_000),
                resting(9_000),
                resting(12_000),
                resting(9_000),
            ],
        ),
        (resting(20_000), Pass::Probe, [resting(20_000); 4]),
        (
            open(9_000, 2),
            Pass::Usual,
            [
                open(9_000, 2),
                open(9_000, 2),
                open(12_000, 2),
                open(9_000, 2),
            ],
        ),
        (open(20_000, 2), Pass::Probe, [open(20_000, 2); 4]),
        (half_open(2), Pass::Usual, [half_open(2); 4]),
        (
            half_open(2),
            Pass::Probe,
            [closed(0), open(9_000, 3), resting(12_000), open(5_000, 2)],
        ),
    ];
    for (state, pass, expected) in table {
        for (fact, next) in facts.into_iter().zip(expected) {
            let reached = state.next(pass, fact, at(5_000), FAILURES_MAX);
            assert_eq!(reached, next, "{state:?} {pass:?} {fact:?}");
        }
    }
}

#[test]
fn every_state_opens_its_door_in_time() {
    let table = [
        (closed(2), 5_000, closed(2), Door::Pass(Pass::Usual)),
        (resting(5_000), 4_999, resting(5_000), Door::Shut(1)),
        (resting(5_000), 5_000, closed(0), Door::Pass(Pass::Usual)),
        (open(5_000, 2), 3_000, open(5_000, 2), Door::Shut(2_000)),
        (open(5_000, 2), 5_000, half_open(2), Door::Pass(Pass::Probe)),
        (half_open(2), 9_000, half_open(2), Door::Wait),
    ];
    for (state, now, next, door) in table {
        assert_eq!(state.want(at(now)), (next, door), "{state:?} at {now}");
    }
}

#[test]
fn rests_double_until_their_bound_and_begin_anew_after_an_answer() {
    let mut state = closed(FAILURES_MAX - 1);
    let mut now = at(0);
    let mut rests = Vec::new();
    let mut pass = Pass::Usual;
    for _ in 0..7 {
        state = state.next(pass, Fact::Failed, now, FAILURES_MAX);
        let State::Open { until, .. } = state else {
            panic!("{state:?}");
        };
        rests.push(until.millis_since(now));
        now = until;
        (state, _) = state.want(now);
        pass = Pass::Probe;
    }
    assert_eq!(rests, [1_000, 2_000, 4_000, 8_000, 16_000, 30_000, 30_000]);
    state = state.next(Pass::Probe, Fact::Answered, now, FAILURES_MAX);
    assert_eq!(state, State::NEW);
}

#[test]
fn no_provider_asks_for_more_than_an_hour_at_a_time() {
    let asked = Fact::AskedToWait(u64::MAX);
    let next = closed(0).next(Pass::Usual, asked, at(0), FAILURES_MAX);
    assert_eq!(next, resting(3_600_000));
}
