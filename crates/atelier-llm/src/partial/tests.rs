//! Halves of answers are kept within their bounds.
#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

use super::*;

fn of(parts: Vec<PartialPart>) -> Option<PartialAnswer> {
    PartialAnswer::new("r1", ("openai", "m"), parts)
}

#[test]
fn what_had_come_is_read_as_it_was_kept() {
    let parts = vec![
        PartialPart::Thought {
            text: "hm".to_owned(),
        },
        PartialPart::text("ha"),
        PartialPart::Call {
            name: "look".to_owned(),
            arguments: "{\"a\":".to_owned(),
        },
    ];
    let partial = of(parts.clone()).unwrap();
    assert_eq!((&partial.parts, partial.is_cut), (&parts, false));
    assert_eq!(PartialAnswer::read(&partial.to_bytes()), Some(partial));
    assert_eq!(PartialAnswer::read(b"{\"text\":\"ha\"}"), None);
    assert_eq!(PartialAnswer::read(b"ha"), None);
}

#[test]
fn nothing_is_kept_of_nothing() {
    assert_eq!(of(Vec::new()), None);
    assert_eq!(of(vec![PartialPart::text("")]), None);
}

#[test]
fn no_more_is_kept_than_there_is_room_for() {
    // Two bytes each, so that the bound falls within one of them.
    let long = format!("a{}", "ä".repeat(PARTIAL_BYTES_MAX / 2));
    let partial = of(vec![PartialPart::text(&long), PartialPart::text("more")]).unwrap();
    assert!(partial.is_cut);
    let PartialPart::Text { text } = &partial.parts[0] else {
        panic!("{:?}", partial.parts[0]);
    };
    assert_eq!(text.len(), PARTIAL_BYTES_MAX - 1);
    assert!(long.starts_with(text.as_str()));
    let many = of(vec![PartialPart::text("a"); PARTS_MAX + 1]).unwrap();
    assert_eq!((many.parts.len(), many.is_cut), (PARTS_MAX, true));
    let exact = of(vec![PartialPart::text(&"a".repeat(PARTIAL_BYTES_MAX))]).unwrap();
    assert!(!exact.is_cut);
}
