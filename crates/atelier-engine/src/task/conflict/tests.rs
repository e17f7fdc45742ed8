//! Both sides of a conflict in one line.

use atelier_model::{CheckOutcome, Digest};

use super::*;

fn other() -> Other {
    Other {
        number: "1.2".to_owned(),
        title: "Tell the time".to_owned(),
        commit: "0123456789abcdef".to_owned(),
    }
}

#[test]
fn the_reason_names_both_sides() {
    let files = ["a", "b", "c", "d", "e"].map(str::to_owned);
    assert_eq!(
        reason(&[other()], &files[..2], &[]),
        "it changes the same places as 1.2 Tell the time (0123456789): a, b"
    );
    assert_eq!(
        reason(&[other()], &files, &[]),
        "it changes the same places as 1.2 Tell the time (0123456789): a, b, c and 2 more files"
    );
    let failed = CheckResult {
        name: "test".to_owned(),
        command: String::new(),
        outcome: CheckOutcome::Failed,
        reason: "1 of 2 tests failed".to_owned(),
        exit: Some(1),
        tests: None,
        output: Digest::of(""),
        duration_ms: 1,
    };
    assert_eq!(
        reason(&[other()], &[], &[failed]),
        "it passes alone and not together with 1.2 Tell the time (0123456789): test: 1 of 2 tests \
         failed"
    );
}
