//! Amounts as people write them, as tables.

use super::duration;
use crate::{Bound, Resource};

#[test]
fn times_are_read() {
    for (text, expected) in [
        ("500ms", Some(500)),
        ("45s", Some(45_000)),
        ("30m", Some(1_800_000)),
        ("1h30m", Some(5_400_000)),
        ("2d", Some(172_800_000)),
        (" 1h ", Some(3_600_000)),
        ("", None),
        ("30", None),
        ("m", None),
        ("1y", None),
        ("-1m", None),
        ("99999999999999999999s", None),
        ("18446744073709551615h", None),
    ] {
        assert_eq!(duration(text), expected, "{text}");
    }
}

#[test]
fn amounts_are_absolute_or_so_much_more() {
    for (resource, text, expected) in [
        (Resource::Usd, "2", Some(Bound::At(2_000_000))),
        (Resource::Usd, "+1.00", Some(Bound::More(1_000_000))),
        (Resource::Usd, "+", None),
        (Resource::Usd, "-1", None),
        (Resource::Tokens, "200k", Some(Bound::At(200_000))),
        (Resource::Tokens, "+2M", Some(Bound::More(2_000_000))),
        (Resource::Tokens, "k", None),
        (Resource::Calls, "40", Some(Bound::At(40))),
        (Resource::Calls, "+1", Some(Bound::More(1))),
        (Resource::Calls, "1.5", None),
        (Resource::Wall, "+10m", Some(Bound::More(600_000))),
        (Resource::Wall, "10", None),
    ] {
        assert_eq!(Bound::from_text(resource, text), expected, "{text}");
    }
}
