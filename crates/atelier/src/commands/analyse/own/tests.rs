//! What counts as slow.

use super::is_slow;

#[test]
fn a_step_is_slow_if_it_takes_long_and_much_of_all() {
    let cases = [
        (29_999, 30_000, false),
        (30_000, 30_000, true),
        (30_000, 119_999, true),
        (30_000, 120_000, false),
        (u64::MAX, u64::MAX, true),
    ];
    for (ms, all, expected) in cases {
        assert_eq!(is_slow(ms, all), expected, "{ms} of {all}");
    }
}
