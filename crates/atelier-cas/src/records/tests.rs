//! Records that are found, replaced, marked and written anew.
#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

use std::path::{Path, PathBuf};

use atelier_model::{Digest, Timestamp};
use tempfile::TempDir;

use super::{Descriptor, History, MARK_EVERY, Records};
use crate::{FileOutput, Outcome, Output, Outputs, Record};

fn place() -> (TempDir, PathBuf) {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("records");
    (folder, path)
}

fn record(step: &str, key: &str, outcome: Outcome) -> Record {
    let mut outputs = Outputs::default();
    let file = FileOutput {
        digest: Digest::of(key),
        size: u64::MAX,
        executable: true,
    };
    let link = Output::Link {
        target: "../somewhere".to_owned(),
    };
    outputs.put("out/file", Output::File(file)).unwrap();
    outputs.put("out/link", link).unwrap();
    Record {
        key: Digest::of(key),
        step: step.to_owned(),
        outcome,
        exit: (outcome == Outcome::Failed).then_some(-9),
        when: Timestamp::from_millis(-4),
        duration_us: key.len() as u64,
        rss_bytes_max: 100,
        log: (outcome == Outcome::Flaky).then(|| Digest::of("log")),
        outputs,
    }
}

fn inline(text: &str) -> Descriptor {
    Descriptor::Inline(text.as_bytes().to_owned())
}

fn append(records: &mut Records, record: &Record) {
    records.append(record, &inline(&record.step)).unwrap();
}

/// The log is opened so often without anything being added to it.
fn runs(path: &Path, count: u32, used: &str) {
    for _ in 0..count {
        let mut records = Records::open(path).unwrap();
        records.find(&Digest::of(used)).unwrap().unwrap();
        records.save().unwrap();
    }
}

#[test]
fn only_what_succeeded_is_found_and_everything_is_remembered() {
    let (_folder, path) = place();
    let mut records = Records::open(&path).unwrap();
    let all = [Outcome::Passed, Outcome::Flaky, Outcome::Failed];
    for (step, outcome) in ["a", "b", "c"].into_iter().zip(all) {
        append(&mut records, &record(step, step, outcome));
    }
    for mut records in [records, Records::open(&path).unwrap()] {
        for (step, outcome) in ["a", "b", "c"].into_iter().zip(all) {
            let made = record(step, step, outcome);
            let found = records.find(&made.key).unwrap();
            assert_eq!(found.is_some(), outcome == Outcome::Passed, "{step}");
            let last = records.last(step).unwrap();
            assert_eq!(last, Some((made, Some(inline(step)))));
        }
        assert_eq!(records.last("d").unwrap(), None);
    }
}

#[test]
fn the_newest_execution_of_a_key_counts() {
    let (_folder, path) = place();
    let mut records = Records::open(&path).unwrap();
    append(&mut records, &record("a", "1", Outcome::Passed));
    append(&mut records, &record("a", "22", Outcome::Passed));
    append(&mut records, &record("a", "1", Outcome::Failed));
    assert_eq!(records.find(&Digest::of("1")).unwrap(), None);
    assert!(records.find(&Digest::of("22")).unwrap().is_some());
    let expected = History {
        durations_us: vec![1, 2],
        rss_bytes_max: 100,
        last: Some(Outcome::Failed),
    };
    assert_eq!(records.history("a"), Some(expected));
    assert_eq!(records.history("b"), None);
}

#[test]
fn two_that_have_a_log_open_see_what_the_other_adds() {
    let (_folder, path) = place();
    let mut one = Records::open(&path).unwrap();
    let mut two = Records::open(&path).unwrap();
    append(&mut one, &record("a", "1", Outcome::Passed));
    append(&mut two, &record("b", "2", Outcome::Passed));
    assert!(one.find(&Digest::of("2")).unwrap().is_some());
    assert!(two.find(&Digest::of("1")).unwrap().is_some());
    let last = two.last("a").unwrap().unwrap();
    assert_eq!(last.1, Some(inline("a")));
}

#[test]
fn use_is_marked_now_and_then_and_orders_what_is_kept() {
    let (_folder, path) = place();
    let mut records = Records::open(&path).unwrap();
    append(&mut records, &record("a", "1", Outcome::Passed));
    append(&mut records, &record("b", "2", Outcome::Passed));
    drop(records);
    let len = || path.metadata().unwrap().len();
    let before = len();
    // A run without a mark or a record has no number of its own.
    runs(&path, 3, "1");
    assert_eq!(len(), before, "used too short a time ago");
    for key in ["3", "4", "5", "6", "7", "8", "9", "x", "y"] {
        append(
            &mut Records::open(&path).unwrap(),
            &record("c", key, Outcome::Passed),
        );
    }
    let before = len();
    runs(&path, 1, "1");
    assert!(len() > before, "not marked after {MARK_EVERY} runs");
    let mut records = Records::open(&path).unwrap();
    records.find(&Digest::of("2")).unwrap().unwrap();
    let order = records.newest_first();
    assert_eq!(order[0].index, 1, "what this run used is the newest");
    assert!(order[0].in_use && order[0].last);
    assert_eq!(
        order[1].index, 0,
        "what was marked comes before later records"
    );
    assert!(!order[1].in_use);
    assert_eq!(order.last().unwrap().index, 2);
}

#[test]
fn a_log_that_is_written_anew_holds_what_was_kept() {
    let (_folder, path) = place();
    let mut records = Records::open(&path).unwrap();
    for key in ["1", "2", "3"] {
        append(&mut records, &record("a", key, Outcome::Passed));
    }
    let big = Descriptor::Blob(Digest::of("big"));
    records
        .append(&record("b", "4", Outcome::Passed), &big)
        .unwrap();
    let before = path.metadata().unwrap().len();
    records.rewrite(&path, &[1, 3]).unwrap();
    assert!(path.metadata().unwrap().len() < before);
    for mut records in [records, Records::open(&path).unwrap()] {
        assert_eq!(records.len(), 2);
        assert_eq!(records.find(&Digest::of("1")).unwrap(), None);
        let last = records.last("a").unwrap().unwrap();
        assert_eq!(last, (record("a", "2", Outcome::Passed), Some(inline("a"))));
        let last = records.last("b").unwrap().unwrap();
        assert_eq!(last, (record("b", "4", Outcome::Passed), Some(big.clone())));
    }
}
