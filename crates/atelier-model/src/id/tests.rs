//! Identifiers sort by the time they were made and are never the same twice.

#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

use std::sync::atomic::{AtomicU64, Ordering};

use super::{IdSource, RunId, TaskId};
use crate::Timestamp;

/// 1, 2, 3, …
#[derive(Default)]
struct Counter(AtomicU64);

impl IdSource for Counter {
    fn bits(&self) -> u128 {
        u128::from(self.0.fetch_add(1, Ordering::Relaxed))
    }
}

#[test]
fn an_identifier_is_a_ulid_of_time_and_bits() {
    let ids = Counter(AtomicU64::new(1));
    let made = |millis| RunId::new(Timestamp::from_millis(millis), &ids).to_string();
    assert_eq!(made(0), "00000000000000000000000001");
    assert_eq!(made(1), "00000000010000000000000002");
    // A clock before 1970 makes no panic.
    assert_eq!(made(-1), "00000000000000000000000003");
}

#[test]
fn later_identifiers_sort_later() {
    let ids = Counter::default();
    let made: Vec<_> = (0..200)
        .map(|count| RunId::new(Timestamp::from_millis(1_700_000_000_000 + count / 3), &ids))
        .collect();
    assert!(made.is_sorted());
    let mut unique = made.clone();
    unique.dedup();
    assert_eq!(unique.len(), made.len());
}

#[test]
fn an_identifier_is_its_text() {
    let id = TaskId::from_text("t2.3");
    assert_eq!((id.as_str(), id.to_string()), ("t2.3", "t2.3".to_owned()));
    assert_eq!(serde_json::to_string(&id).unwrap(), "\"t2.3\"");
    assert_eq!(serde_json::from_str::<TaskId>("\"t2.3\"").unwrap(), id);
}
