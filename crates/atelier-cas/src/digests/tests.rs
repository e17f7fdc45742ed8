//! Digests that are kept by signature.
#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

use std::{fs, path::Path};

use atelier_model::Digest;

use super::{Digests, ENTRY_BYTES, Known, PathKey, PathKeys};
use crate::signature::Signature;

fn keys(count: u32) -> Vec<(PathKey, Known)> {
    let keys = PathKeys::of(Path::new("/tree"));
    (0..count)
        .map(|at| {
            let signature = Signature {
                modified_ns: -5,
                changed_ns: i64::MAX,
                size: u64::from(at),
                inode: u64::MAX,
                device: 1,
                mode: 0o100_755,
            };
            let known = Known {
                signature,
                digest: Digest::of(at.to_string()),
                settled: at % 2 == 0,
            };
            (keys.key(&format!("src/{at}")), known)
        })
        .collect()
}

fn known(digests: &Digests, entries: &[(PathKey, Known)]) -> usize {
    let same = |(key, known): &&(PathKey, Known)| digests.look(|look| look(*key)) == Some(*known);
    entries.iter().filter(same).count()
}

#[test]
fn what_was_learnt_is_known_the_next_time() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("digests");
    let entries = keys(3000);
    let digests = Digests::open(&path, 10_000).unwrap();
    digests.learn(&entries);
    digests.learn(&entries[..10]);
    digests.save().unwrap();
    digests.save().unwrap();
    let bytes = fs::metadata(&path).unwrap().len();
    assert!(bytes < 3010 * ENTRY_BYTES as u64, "{bytes} bytes");
    assert_eq!(
        known(&Digests::open(&path, 10_000).unwrap(), &entries),
        3000
    );
}

#[test]
fn paths_of_different_roots_are_different() {
    let one = PathKeys::of(Path::new("/a")).key("b/c");
    assert_ne!(one, PathKeys::of(Path::new("/a/b")).key("c"));
    assert_ne!(one, PathKeys::of(Path::new("/a")).key("b/d"));
    assert_eq!(one, PathKeys::of(Path::new("/a")).key("b/c"));
}

#[test]
fn a_damaged_part_costs_that_part() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("digests");
    let entries = keys(3000);
    let digests = Digests::open(&path, 10_000).unwrap();
    digests.learn(&entries);
    digests.save().unwrap();
    let mut bytes = fs::read(&path).unwrap();
    bytes[1500 * ENTRY_BYTES] ^= 1;
    fs::write(&path, bytes).unwrap();
    assert_eq!(
        known(&Digests::open(&path, 10_000).unwrap(), &entries),
        3000 - 1024
    );
}

#[test]
fn the_log_does_not_grow_for_ever_and_memory_neither() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("digests");
    let digests = Digests::open(&path, 2000).unwrap();
    let entries = keys(1500);
    for _ in 0..30 {
        digests.learn(&entries);
        digests.save().unwrap();
    }
    let bytes = fs::metadata(&path).unwrap().len();
    assert!(bytes <= super::LOG_BYTES_KEPT + 3000 * ENTRY_BYTES as u64 + 1500 * 94);
    assert_eq!(known(&Digests::open(&path, 2000).unwrap(), &entries), 1500);
    // More than fit: the older ones are forgotten.
    let more = keys(2500).split_off(1500);
    digests.learn(&more);
    assert_eq!(
        (known(&digests, &more), known(&digests, &entries)),
        (1000, 0)
    );
}
