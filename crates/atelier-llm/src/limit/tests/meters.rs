//! What is left of one limit, and when more will be.

use atelier_model::Timestamp;
use proptest::prelude::*;

use crate::limit::{
    contract::Renewal,
    measure::Measure,
    meter::{Limit, Meter, TRANSIT_MS},
};

const MINUTE_MS: u64 = 60_000;

fn at(ms: u64) -> Timestamp {
    Timestamp::from_millis(1_790_000_000_000 + i64::try_from(ms).unwrap())
}

fn limit(amount: u64) -> Limit {
    Limit {
        measure: Measure::Requests,
        amount,
        window_ms: MINUTE_MS,
    }
}

fn meter(amount: u64, renewal: Renewal) -> Meter {
    Meter::new(limit(amount), renewal, at(0))
}

#[test]
fn a_bucket_comes_back_little_by_little() {
    let mut meter = meter(600, Renewal::Steady);
    assert_eq!(meter.left(at(0)), 600);
    meter.take(600, at(0));
    // Nothing comes back while the request may still be on its way.
    assert_eq!(meter.wait_ms(1, at(0)), TRANSIT_MS + 100);
    assert_eq!(meter.wait_ms(1, at(TRANSIT_MS)), 100);
    assert_eq!(meter.wait_ms(10, at(TRANSIT_MS)), 1_000);
    assert_eq!(meter.wait_ms(10, at(TRANSIT_MS + 999)), 1);
    assert_eq!(meter.wait_ms(10, at(TRANSIT_MS + 1_000)), 0);
}

#[test]
fn a_window_comes_back_at_once_when_it_is_over() {
    let mut meter = meter(600, Renewal::Windowed);
    meter.take(300, at(0));
    meter.take(300, at(10_000));
    let over = MINUTE_MS + TRANSIT_MS + 100;
    assert_eq!(meter.wait_ms(1, at(20_000)), over - 20_000);
    assert_eq!(meter.wait_ms(300, at(20_000)), over - 20_000);
    assert_eq!(meter.wait_ms(301, at(20_000)), over - 10_000);
    assert_eq!(meter.wait_ms(300, at(over)), 0);
    assert_eq!(meter.left(at(over)), 300);
}

#[test]
fn more_than_the_whole_limit_passes_an_untouched_one_and_is_owed() {
    for renewal in [Renewal::Steady, Renewal::Windowed] {
        let mut meter = meter(60, renewal);
        assert_eq!(meter.wait_ms(90, at(0)), 0);
        meter.take(90, at(0));
        assert!(meter.wait_ms(1, at(0)) >= 30_000);
        assert_eq!(meter.left(at(0)), 0);
    }
}

#[test]
fn what_turns_out_to_be_less_is_given_back() {
    for renewal in [Renewal::Steady, Renewal::Windowed] {
        let mut meter = meter(6_000, renewal);
        meter.take(5_000, at(0));
        let before = meter.left(at(0));
        meter.correct(5_000, 2_000, at(0), at(0));
        assert_eq!(meter.left(at(0)), before + 3_000);
        meter.correct(2_000, 4_000, at(0), at(0));
        assert_eq!(meter.left(at(0)), before + 1_000);
    }
}

#[test]
fn what_was_used_stays_used_when_a_limit_changes() {
    for renewal in [Renewal::Steady, Renewal::Windowed] {
        let mut meter = meter(600, renewal);
        meter.take(100, at(0));
        let used = 600 - meter.left(at(0));
        meter.resize(1_200, at(0));
        assert_eq!(meter.left(at(0)), 1_200 - used);
    }
}

#[test]
fn what_is_exhausted_comes_back_when_the_wait_is_over() {
    let mut bucket = meter(600, Renewal::Steady);
    bucket.exhaust(5_000, at(0));
    assert_eq!(bucket.wait_ms(1, at(0)), 5_100);
    let mut window = meter(600, Renewal::Windowed);
    window.exhaust(5_000, at(0));
    assert_eq!(window.left(at(4_800)), 0);
    assert_eq!(window.wait_ms(600, at(5_000)), 0);
}

#[test]
fn limits_say_their_window() {
    let day = Limit {
        measure: Measure::Input,
        amount: 5,
        window_ms: 86_400_000,
    };
    assert_eq!(limit(50).words(), "50 requests a minute");
    assert_eq!(day.words(), "5 input tokens a day");
}

proptest! {
    /// However somebody takes what a meter allows, at the very moment it does, no minute sees more
    /// than the limit, nor does a bucket of the vendor's that is as large as the limit.
    #[test]
    fn no_minute_sees_more_than_the_limit(
        is_window in any::<bool>(),
        takes in proptest::collection::vec((1_u64..40, 0_u64..9_000), 1..120),
    ) {
        let renewal = if is_window { Renewal::Windowed } else { Renewal::Steady };
        let mut meter = meter(100, renewal);
        let mut taken: Vec<(u64, u64)> = Vec::new();
        let mut now = 0;
        let (mut vendor, mut vendor_at) = (100 * MINUTE_MS, 0);
        for (amount, pause_ms) in takes {
            now += pause_ms;
            now += meter.wait_ms(amount, at(now));
            prop_assert_eq!(meter.wait_ms(amount, at(now)), 0);
            meter.take(amount, at(now));
            taken.push((now, amount));
            if is_window {
                let minute = taken.iter().filter(|(then, _)| then + MINUTE_MS > now);
                prop_assert!(minute.map(|(_, amount)| amount).sum::<u64>() <= 100);
            } else {
                vendor = (vendor + 100 * (now - vendor_at)).min(100 * MINUTE_MS);
                vendor_at = now;
                prop_assert!(vendor >= amount * MINUTE_MS);
                vendor -= amount * MINUTE_MS;
            }
        }
    }
}
