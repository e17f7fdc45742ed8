//! Numbers and times in words.

use super::{count, duration, instant, line, lines, many, times};

#[test]
fn numbers_are_told_as_people_read_them() {
    assert_eq!(count(0), "0");
    assert_eq!(count(999), "999");
    assert_eq!(count(1_234_567), "1,234,567");
    assert_eq!(many(1, "try"), "1 try");
    assert_eq!(many(2, "try"), "2 tries");
    assert_eq!(many(0, "task"), "0 tasks");
    assert_eq!(times(24, 10).as_deref(), Some("2.4"));
    assert_eq!(times(24, 0), None);
}

#[test]
fn times_are_told_in_words() {
    let told = [430, 12_345, 245_000, 7_800_000, 90_000_000, 273_600_000].map(duration);
    assert_eq!(
        told,
        [
            "430 ms",
            "12.3 s",
            "4 min 5 s",
            "2 h 10 min",
            "1 day 1 h",
            "3 days 4 h"
        ]
    );
    assert_eq!(
        instant("2026-01-31T12:30:05.123Z"),
        "2026-01-31 12:30:05 UTC"
    );
    assert_eq!(instant("soon"), "soon");
}

#[test]
fn texts_keep_their_letters_and_lose_what_steers() {
    assert_eq!(line(" a\t b\nc\u{0} é "), "a b c é");
    assert_eq!(lines("a  \n\tb\r\n\u{9b}c\n\n"), "a\n b\nc");
}
