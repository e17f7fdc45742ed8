//! Ten thousand tamperings, every one found and located, and the plain cases one by one.

#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

use crate::{
    AuditReport, Checkpoint, Frontier, Tampering,
    audit::tests::{Chance, KEY, Log, OTHER_KEY, noon, row, signed},
};

/// Tamperings that are tried.
const TAMPERINGS: u64 = 10_000;
/// Kinds of tampering that are drawn from.
const KINDS: usize = 17;

/// Where someone tampered: the first and last entry that are concerned.
type Place = (u64, u64);

fn number(index: usize) -> u64 {
    u64::try_from(index).unwrap() + 1
}

/// Tampers with a log in one of many ways, and says where.
fn tamper(log: &mut Log, chance: &mut Chance) -> (&'static str, Place) {
    let entries = log.rows.len();
    let all = number(entries) - 1;
    let at = chance.below(entries);
    let seq = number(at);
    match chance.below(KINDS) {
        0 => ("a byte of a body", (flip_body(log, at, chance), seq)),
        1 => ("a byte of a leaf", (flip_leaf(log, at, chance), seq)),
        2 => {
            let other = (at + 1 + chance.below(entries - 1)) % entries;
            let (left, right) = (at.min(other), at.max(other));
            let (front, back) = log.rows.split_at_mut(right);
            std::mem::swap(&mut front[left].body, &mut back[0].body);
            std::mem::swap(&mut front[left].leaf, &mut back[0].leaf);
            ("two rows swapped", (number(left), number(right)))
        }
        3 => {
            log.rows.remove(at);
            ("a row removed", (seq, seq))
        }
        4 => {
            let count = 1 + chance.below(entries - at);
            log.rows.drain(at..at + count);
            ("rows removed", (seq, seq + number(count) - 2))
        }
        5 => {
            log.rows.truncate(at);
            ("rows cut off", (seq, all))
        }
        6 => {
            cut(log, at);
            ("rows and checkpoints cut off", (seq, all))
        }
        7 => {
            log.rows.remove(at);
            log.restamp();
            ("a row removed and the rest numbered anew", (seq, all))
        }
        8 => {
            let forged = row(number(chance.below(entries)), 7);
            log.rows.insert(at, forged);
            log.restamp();
            ("a row inserted and the rest numbered anew", (seq, all + 1))
        }
        9 => {
            let again = log.rows[at].clone();
            log.rows.insert(at + 1, again);
            ("a row twice", (seq, seq + 1))
        }
        10 => {
            log.rows[at] = row(seq, 7);
            ("a row rewritten with its hash", (seq, seq))
        }
        11 => {
            log.rows[at] = row(seq, 7);
            log.marks = signed(&log.rows, &log.sizes(), OTHER_KEY);
            ("all restamped with another key", (1, all))
        }
        12 => {
            log.rows[at] = row(seq, 7);
            let (sizes, good) = (log.sizes(), log.marks.clone());
            log.marks = signed(&log.rows, &sizes, KEY);
            for (forged, good) in log.marks.iter_mut().zip(good) {
                forged.signature = good.signature;
            }
            ("all restamped with the old signatures", (seq, all))
        }
        _ => tamper_with_mark(log, chance),
    }
}

fn tamper_with_mark(log: &mut Log, chance: &mut Chance) -> (&'static str, Place) {
    let at = chance.below(log.marks.len());
    let size = log.marks[at].size;
    let first = at
        .checked_sub(1)
        .map_or(1, |before| log.marks[before].size + 1);
    match chance.below(4) {
        0 => {
            log.marks.remove(at);
            ("a checkpoint removed", (first, size))
        }
        1 => {
            let other = log.marks[(at + 1) % log.marks.len()].clone();
            log.marks[at].signature = other.signature;
            ("a checkpoint with the signature of another", (size, size))
        }
        2 => {
            let mut foreign = Log::written(size, size);
            foreign.rows[0] = row(1, 9);
            let place = (first, size);
            log.marks[at] = signed(&foreign.rows, &[size], KEY).remove(0);
            ("a checkpoint of another log", place)
        }
        _ => {
            alter(&mut log.marks[at], chance);
            ("a field of a checkpoint", (first, size + 1))
        }
    }
}

/// Changes one field of a checkpoint, but for its key's trust.
fn alter(mark: &mut Checkpoint, chance: &mut Chance) {
    let other = row(99, 3).leaf;
    match chance.below(7) {
        0 => mark.origin = other,
        1 => mark.size += 1,
        2 => mark.root = other,
        3 => mark.previous += 1,
        4 => mark.at = noon(77_777),
        5 => OTHER_KEY.clone_into(&mut mark.key),
        _ => mark.signature.push('0'),
    }
}

fn cut(log: &mut Log, at: usize) {
    log.rows.truncate(at);
    let left = number(at) - 1;
    log.marks.retain(|mark| mark.size <= left);
}

fn flip_body(log: &mut Log, at: usize, chance: &mut Chance) -> u64 {
    let row = &mut log.rows[at];
    let mut letters: Vec<char> = row.body.chars().collect();
    let index = chance.below(letters.len());
    letters[index] = if letters[index] == 'x' { 'y' } else { 'x' };
    row.body = letters.into_iter().collect();
    row.seq
}

fn flip_leaf(log: &mut Log, at: usize, chance: &mut Chance) -> u64 {
    let row = &mut log.rows[at];
    let mut bytes = *row.leaf.as_bytes();
    bytes[chance.below(bytes.len())] ^= 1 << chance.below(8);
    row.leaf = crate::TreeHash::from_bytes(bytes);
    row.seq
}

/// Whether something was found there.
fn located(report: &AuditReport, (first, last): Place) -> bool {
    let mut places = report.tamperings.iter().filter_map(Tampering::place);
    places.any(|(from, to)| from <= last && first <= to)
}

#[test]
fn ten_thousand_tamperings_are_found_and_located() {
    let mut tamperings = 0;
    for draw in 0.. {
        if tamperings == TAMPERINGS {
            break;
        }
        let mut chance = Chance::new(draw);
        let entries = 4 + number(chance.below(10));
        let log = Log::written(entries, number(chance.below(6)));
        let mut tampered = log.clone();
        let (what, place) = tamper(&mut tampered, &mut chance);
        if tampered == log {
            // Two drawn rows can be the same, and so can a checkpoint's neighbour.
            continue;
        }
        tamperings += 1;
        let report = tampered.check(Some(log.newest()));
        assert!(!report.is_intact(), "draw {draw}, {what} at {place:?}");
        assert!(
            located(&report, place),
            "draw {draw}, {what} at {place:?}: {:?}",
            report.tamperings
        );
        let first = report.tamperings.iter().filter_map(Tampering::place).min();
        assert!(
            first.is_some_and(|(from, _)| from + 6 >= place.0.min(entries)),
            "draw {draw}, {what} at {place:?}: {first:?} is far before"
        );
    }
}

/// A log of nine entries that is signed at 3, 6 and 9.
fn nine() -> Log {
    Log::written(9, 3)
}

#[track_caller]
fn check(log: &Log, expected: &[Tampering]) {
    assert_eq!(log.check(Some(nine().newest())).tamperings, expected);
}

#[test]
fn a_log_as_it_was_written_is_intact_at_every_size() {
    for entries in 1..40 {
        for few in 1..6 {
            let log = Log::written(entries, few);
            let report = log.check(Some(log.newest()));
            assert_eq!(report.tamperings, [], "{entries} {few}");
            assert_eq!(report.entries, entries);
            assert_eq!(report.checkpoints, number(log.marks.len()) - 1);
            assert_eq!(report.root, Some(log.newest().root));
            // An older copy is as good.
            assert!(log.check(Some(log.marks[0].clone())).is_intact());
        }
    }
    let nothing = Log {
        rows: Vec::new(),
        marks: Vec::new(),
    };
    assert!(nothing.check(None).is_intact());
}

#[test]
fn each_way_to_tamper_has_its_own_words_and_place() {
    let mut log = nine();
    log.rows[4].body = log.rows[4].body.replace("ask-5", "ask-6");
    check(&log, &[Tampering::Changed { seq: 5 }]);

    let mut log = nine();
    log.rows[4] = row(5, 7);
    check(&log, &[Tampering::Rewritten { first: 4, last: 6 }]);

    let mut log = nine();
    log.rows.drain(3..5);
    check(&log, &[Tampering::Missing { first: 4, last: 5 }]);

    let mut log = nine();
    let (fourth, seventh) = (log.rows[3].clone(), log.rows[6].clone());
    (log.rows[3].body, log.rows[3].leaf) = (seventh.body, seventh.leaf);
    (log.rows[6].body, log.rows[6].leaf) = (fourth.body, fourth.leaf);
    check(
        &log,
        &[
            Tampering::Moved { seq: 4, claims: 7 },
            Tampering::Moved { seq: 7, claims: 4 },
        ],
    );

    let mut log = nine();
    cut(&mut log, 6);
    check(&log, &[Tampering::Truncated { first: 7, last: 9 }]);

    let mut log = nine();
    log.rows.push(row(10, 0));
    check(
        &log,
        &[Tampering::Unsigned {
            first: 10,
            last: 10,
        }],
    );

    let mut log = nine();
    log.marks.remove(1);
    check(&log, &[Tampering::CheckpointMissing { size: 6 }]);

    let mut log = nine();
    log.marks[1].at = noon(5);
    check(&log, &[Tampering::CheckpointChanged { size: 6 }]);
}

#[test]
fn without_the_copy_a_cut_cannot_be_seen_and_with_it_a_restamp_is() {
    let mut log = nine();
    cut(&mut log, 6);
    assert!(log.check(None).is_intact());
    // Somebody who stole the key and signs a past that never was.
    let mut log = nine();
    log.rows[2] = row(3, 7);
    log.marks = signed(&log.rows, &log.sizes(), KEY);
    assert!(log.check(None).is_intact());
    check(
        &log,
        &[Tampering::CopyDiffers {
            first: 1,
            last: 9,
            place: "the copy".to_owned(),
        }],
    );
    // A copy that is itself no longer what was signed.
    let mut copy = nine().newest();
    copy.size = 8;
    assert_eq!(
        nine().check(Some(copy)).tamperings,
        [Tampering::CopyChanged {
            place: "the copy".to_owned()
        }]
    );
}

#[test]
fn what_the_log_keeps_to_go_on_is_compared_with_its_entries() {
    let log = nine();
    let tree: Frontier = log.rows.iter().map(|row| row.leaf).collect();
    let shorter: Frontier = log.rows[1..].iter().map(|row| row.leaf).collect();
    for (head, expected) in [(&tree, &[][..]), (&shorter, &[Tampering::HeadChanged])] {
        let mut check = super::AuditCheck::new(&crate::audit::tests::standing, Vec::new());
        for row in &log.rows {
            check.entry(row.seq, &row.body, row.leaf);
        }
        check.checkpoint(&log.newest());
        let report = check.finish(Some(head));
        let found: Vec<_> = report
            .tamperings
            .into_iter()
            // The earlier checkpoints were not shown.
            .filter(|found| *found != Tampering::CheckpointMissing { size: 6 })
            .collect();
        assert_eq!(found, expected);
    }
}

#[test]
fn what_cannot_be_read_is_told_where_it_begins() {
    let log = nine();
    let mut check = super::AuditCheck::new(&crate::audit::tests::standing, Vec::new());
    for row in &log.rows[..4] {
        check.entry(row.seq, &row.body, row.leaf);
    }
    check.unreadable();
    let report = check.finish(None);
    assert_eq!(report.tamperings, [Tampering::Unreadable { seq: 5 }]);
    assert_eq!(report.root, None);
}

#[test]
fn more_findings_than_anyone_reads_are_counted() {
    let mut log = Log::written(150, 10);
    for row in &mut log.rows {
        row.body.push(' ');
    }
    let report = log.check(None);
    assert_eq!(report.tamperings.len(), 100);
    assert_eq!(report.more, 50);
}
