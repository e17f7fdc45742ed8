//! A store that is kept within its bounds.

use std::fs;

use atelier_model::Digest;

use super::{Place, patterns, record};
use crate::{CasLimits, Evicted, FileOutput, Output, Outputs};

const BYTES: u64 = 1000;

fn limits(bytes_max: u64, records_max: usize) -> CasLimits {
    CasLimits {
        bytes_max,
        records_max,
        ..CasLimits::default()
    }
}

/// Keeps a record with one content of [`BYTES`] bytes.
fn keep(place: &Place, name: &str) {
    let text = name.repeat(1000)[..1000].to_owned();
    place.write("out", &text);
    let outputs = place.workspace.collect(&patterns(&["out"])).unwrap();
    let record = record(name, Digest::of(name), outputs);
    place.cas.append(&record, b"").unwrap();
    place.cas.save().unwrap();
}

/// Which of some records are there, with all they need.
fn whole(place: &Place, names: &str) -> String {
    let kept = names.chars().filter(|name| {
        let found = place.cas.find(&Digest::of(name.to_string())).unwrap();
        found.is_some_and(|record| {
            fs::remove_file(place.at("out")).unwrap_or_default();
            place.workspace.restore(&record.outputs).is_ok()
        })
    });
    kept.collect()
}

#[test]
fn what_was_used_longest_ago_goes_first() {
    let folder = tempfile::tempdir().unwrap();
    let open = || Place::with(folder.path(), "tree", limits(10 * BYTES, 100));
    for name in ["a", "b", "c", "d", "e", "f", "g", "h", "i", "j"] {
        keep(&open(), name);
    }
    let place = open();
    let there = place.cas.evict().unwrap();
    assert_eq!(there.records, 0, "{there:?}");
    assert_eq!(there.bytes_left, 10 * BYTES);
    drop(place);
    // One old record is of use again, and a new one comes: eight are left.
    let place = open();
    assert!(place.cas.find(&Digest::of("a")).unwrap().is_some());
    keep(&place, "k");
    let evicted = place.cas.evict().unwrap();
    let expected = Evicted {
        records: 3,
        contents: 3,
        bytes: 3 * BYTES,
        bytes_left: 8 * BYTES,
        postponed: false,
    };
    assert_eq!(evicted, expected);
    assert_eq!(whole(&place, "abcdefghijk"), "aefghijk");
    drop(place);
    assert_eq!(whole(&open(), "abcdefghijk"), "aefghijk");
}

#[test]
fn what_this_run_needs_stays_whatever_the_bounds() {
    let folder = tempfile::tempdir().unwrap();
    let place = Place::with(folder.path(), "tree", limits(2 * BYTES, 2));
    for name in ["a", "b", "c", "d"] {
        keep(&place, name);
    }
    let unrecorded = place.cas.put_bytes(b"under way").unwrap();
    let evicted = place.cas.evict().unwrap();
    assert_eq!((evicted.records, evicted.contents), (0, 0));
    assert_eq!(whole(&place, "abcd"), "abcd");
    drop(place);
    // The next run has no need of them.
    let place = Place::with(folder.path(), "tree", limits(2 * BYTES, 2));
    let evicted = place.cas.evict().unwrap();
    assert_eq!(evicted.records, 3);
    assert_eq!(evicted.bytes_left, BYTES);
    assert_eq!(whole(&place, "abcd"), "d");
    assert_eq!(place.cas.size(&unrecorded), None);
}

#[test]
fn a_content_that_is_asked_for_again_is_needed_by_work_under_way() {
    let folder = tempfile::tempdir().unwrap();
    let open = || Place::with(folder.path(), "tree", limits(0, 100));
    let digest = open().cas.put_bytes(b"old").unwrap();
    let place = open();
    place.cas.put_bytes(b"old").unwrap();
    place.cas.evict().unwrap();
    assert_eq!(place.cas.size(&digest), Some(3));
    drop(place);
    open().cas.evict().unwrap();
    assert_eq!(open().cas.size(&digest), None);
}

#[test]
fn nothing_goes_while_another_has_the_store_open() {
    let folder = tempfile::tempdir().unwrap();
    let open = |tree| Place::with(folder.path(), tree, limits(BYTES, 100));
    for name in ["a", "b", "c"] {
        keep(&open("tree"), name);
    }
    let (one, two) = (open("tree"), open("other"));
    let evicted = one.cas.evict().unwrap();
    assert!(evicted.postponed, "{evicted:?}");
    assert_eq!(whole(&two, "abc"), "abc");
    drop(two);
    drop(one);
    let evicted = open("tree").cas.evict().unwrap();
    assert!(!evicted.postponed && evicted.records == 3, "{evicted:?}");
}

#[test]
fn records_that_lack_a_content_go_too() {
    let folder = tempfile::tempdir().unwrap();
    let open = || Place::with(folder.path(), "tree", limits(10 * BYTES, 100));
    let place = open();
    let mut outputs = Outputs::default();
    let file = FileOutput {
        digest: Digest::of("never kept"),
        size: 3,
        executable: false,
    };
    outputs.put("out", Output::File(file)).unwrap();
    place
        .cas
        .append(&record("a", Digest::of("1"), outputs), b"")
        .unwrap();
    keep(&place, "a");
    drop(place);
    fs::remove_file(folder.path().join("cas/v1/size")).unwrap();
    let place = open();
    assert_eq!(place.cas.evict().unwrap().records, 1);
    assert_eq!(place.cas.find(&Digest::of("1")).unwrap(), None);
    assert_eq!(whole(&place, "a"), "a");
}

#[test]
fn a_long_descriptor_is_kept_and_one_beyond_the_limit_is_not() {
    let folder = tempfile::tempdir().unwrap();
    let mut limits = limits(0, 100);
    limits.descriptor_bytes_max = 10_000;
    let open = || Place::with(folder.path(), "tree", limits.clone());
    let place = open();
    let long = vec![b'x'; 10_000];
    let made = record("a", Digest::of(&long), Outputs::default());
    place.cas.append(&made, &long).unwrap();
    let more = vec![b'x'; 10_001];
    assert!(place.cas.append(&made, &more).is_err());
    let last = place.cas.last("a").unwrap().unwrap();
    assert_eq!(last.descriptor, Some(long.clone()));
    // A record without its descriptor is still a record.
    place.blob_remove(&Digest::of(&long));
    let last = place.cas.last("a").unwrap().unwrap();
    assert_eq!((last.record, last.descriptor), (made, None));
}
