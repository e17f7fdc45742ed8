//! Instants: their text, their JSON and the time between them.

#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

use proptest::prelude::*;

use super::Timestamp;

#[test]
fn an_instant_is_written_as_rfc_3339_with_milliseconds() {
    let shown = |millis| Timestamp::from_millis(millis).to_string();
    assert_eq!(shown(0), "1970-01-01T00:00:00.000Z");
    assert_eq!(shown(1_767_225_599_999), "2025-12-31T23:59:59.999Z");
    assert_eq!(shown(-1), "1969-12-31T23:59:59.999Z");
    assert_eq!(shown(i64::MAX), format!("{} ms", i64::MAX));
}

#[test]
fn an_instant_is_read_with_any_offset() {
    let read = |text: &str| text.parse::<Timestamp>().map(Timestamp::millis).ok();
    assert_eq!(read("1970-01-01T00:00:01Z"), Some(1000));
    assert_eq!(read("1970-01-01T01:00:00.5+01:00"), Some(500));
    assert_eq!(read("1970-01-01T00:00:00.000999999Z"), Some(0));
    for text in [
        "",
        "now",
        "1970-01-01",
        "1970-13-01T00:00:00Z",
        "1970-01-01T00:00:00",
    ] {
        assert_eq!(read(text), None, "{text:?}");
    }
}

#[test]
fn the_time_between_is_never_negative() {
    let at = Timestamp::from_millis;
    assert_eq!(at(5).millis_since(at(2)), 3);
    assert_eq!(at(2).millis_since(at(5)), 0);
    assert_eq!(at(i64::MIN).millis_since(at(i64::MAX)), 0);
    assert_eq!(
        at(i64::MAX).millis_since(at(i64::MIN)),
        i64::MAX.unsigned_abs()
    );
}

proptest! {
    /// Every instant of the years 0 to 9999.
    #[test]
    fn what_is_written_is_read_back(millis in -62_167_219_200_000i64..253_402_207_200_000) {
        let at = Timestamp::from_millis(millis);
        prop_assert_eq!(at.to_string().parse::<Timestamp>().unwrap(), at);
        let json = serde_json::to_string(&at).unwrap();
        prop_assert_eq!(serde_json::from_str::<Timestamp>(&json).unwrap(), at);
    }

    #[test]
    fn text_sorts_as_time_does(one in 0i64..253_402_207_200_000, two in 0i64..253_402_207_200_000) {
        let text = |millis| Timestamp::from_millis(millis).to_string();
        prop_assert_eq!(text(one).cmp(&text(two)), one.cmp(&two));
    }
}
