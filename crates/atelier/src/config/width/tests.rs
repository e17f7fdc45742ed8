//! Widths of machines of many sizes.

use super::*;

const GIB: u64 = 1024 * 1024 * 1024;

#[test]
fn the_width_follows_processors_and_memory() {
    for (processors, memory, offline, expected) in [
        (1, None, false, 2),
        (2, Some(16 * GIB), false, 4),
        (2, Some(16 * GIB), true, 2),
        (64, Some(512 * GIB), false, TASKS_MAX),
        (8, Some(3 * GIB), false, 3),
        (8, Some(1), false, 1),
    ] {
        assert_eq!(tasks(processors, memory, offline), expected, "{processors}");
    }
    assert_eq!(checks(8, Some(3 * GIB)), 3);
    assert_eq!(checks(2, None), 2);
    assert_eq!(checks(4, Some(0)), 1);
}
