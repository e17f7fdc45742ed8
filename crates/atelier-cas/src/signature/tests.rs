//! When a digest may be trusted.

use super::{COARSE_TICK_NS, Now, SECOND_NS, Signature, TICK_NS};

const CHANGED: i64 = 1_000 * SECOND_NS + 5;

fn signature(changed_ns: i64) -> Signature {
    Signature {
        modified_ns: 3,
        changed_ns,
        size: 1,
        inode: 2,
        device: 7,
        mode: 0o100_644,
    }
}

fn settled(changed_ns: i64, time_ns: i64, device: u64) -> bool {
    signature(changed_ns).is_settled(&Now { time_ns, device })
}

#[test]
fn a_file_is_trusted_when_the_clock_has_moved_on_since_it_changed() {
    assert!(!settled(CHANGED, CHANGED, 7));
    assert!(!settled(CHANGED, CHANGED + TICK_NS, 7));
    assert!(settled(CHANGED, CHANGED + TICK_NS + 1, 7));
}

#[test]
fn a_clock_that_went_back_settles_nothing() {
    assert!(!settled(CHANGED, CHANGED - 3600 * SECOND_NS, 7));
    assert!(!settled(i64::MAX, CHANGED, 7));
}

#[test]
fn stamps_in_whole_seconds_and_other_clocks_take_longer() {
    let whole = 1_000 * SECOND_NS;
    assert!(!settled(whole, whole + TICK_NS + 1, 7));
    assert!(settled(whole, whole + COARSE_TICK_NS + 1, 7));
    assert!(!settled(CHANGED, CHANGED + TICK_NS + 1, 8));
    assert!(settled(CHANGED, CHANGED + COARSE_TICK_NS + 1, 8));
}
