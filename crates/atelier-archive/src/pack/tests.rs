//! Packs written and read, and every way of changing one byte of them.
#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

use std::{collections::BTreeMap, io::Cursor};

use atelier_model::{
    ArchiveEntry, ArchiveKind, CheckOutcome, CheckResult, Digest, Evidence, MicroUsd, StopReason,
    TaskId, Timestamp, Usage,
};
use atelier_seal::SealKey;

use super::{Pack, ReadPackError, archive_name};
use crate::{
    Archive, AttemptRecorded, CAR_HEADER_BYTES, Damage, Damaged, FileRecorded, ReadArchiveError,
    ReadCarError, Recording, car_header, car_section, lock::tests::lock,
};

fn answers() -> Vec<(ArchiveEntry, Vec<u8>)> {
    let answer = |number: u64| {
        let entry = ArchiveEntry {
            kind: ArchiveKind::Ask,
            key: Digest::of(number.to_be_bytes()),
            stop: Some(StopReason::End),
            provider: "openai".to_owned(),
            model: "large".to_owned(),
            usage: Some(Usage::default()),
            cost: MicroUsd(number),
            latency_ms: 0,
            at: Timestamp::from_millis(0),
        };
        (entry, format!("planted answer {number}").into_bytes())
    };
    (1..4).map(answer).collect()
}

fn pack() -> Pack {
    let (output, file) = ("3 passed", "fn main() {}\n");
    let check = CheckResult {
        name: "test".to_owned(),
        command: "cargo test".to_owned(),
        outcome: CheckOutcome::Passed,
        reason: String::new(),
        exit: Some(0),
        tests: None,
        output: Digest::of(output),
        duration_ms: 0,
    };
    let attempt = AttemptRecorded {
        restored: Vec::new(),
        task: TaskId::from_text("t1.1"),
        ordinal: 1,
        base: None,
        outcome: None,
        form: None,
        evidence: Evidence {
            checks: vec![check],
        },
        first: None,
        met: None,
        built: Vec::new(),
    };
    let base = FileRecorded {
        path: "src/main.rs".to_owned(),
        executable: false,
        content: Digest::of(file),
    };
    let contents = [output, file].map(|text| (Digest::of(text), text.as_bytes().to_vec()));
    let mut lock = lock();
    lock.archive = archive_name(&answers()).to_string();
    Pack {
        lock,
        requirement: "a todo list".to_owned(),
        recording: Recording {
            attempts: vec![attempt],
            base: vec![base],
            ..Recording::default()
        },
        contents: BTreeMap::from(contents),
        answers: answers(),
    }
}

fn file(pack: &Pack, seal: Option<SealKey>) -> Vec<u8> {
    let (root, blocks) = pack.blocks(seal);
    let mut file = car_header(&root);
    file.extend(blocks.iter().flat_map(car_section));
    file
}

fn read(file: &[u8], key: Option<&SealKey>) -> Result<Pack, ReadPackError> {
    Pack::read(&mut Cursor::new(file), key)
}

fn key() -> SealKey {
    SealKey::from_bytes([7; 32])
}

#[test]
fn a_pack_is_read_as_it_was_written_and_has_the_same_bytes_every_time() {
    let plain = file(&pack(), None);
    assert_eq!(plain, file(&pack(), None));
    assert_eq!(read(&plain, None).unwrap(), pack());
    assert!(pack().missing().is_empty());
    let sealed = file(&pack(), Some(key()));
    assert_eq!(sealed, file(&pack(), Some(key())));
    assert_eq!(read(&sealed, Some(&key())).unwrap(), pack());
    assert!(matches!(
        read(&sealed, None),
        Err(ReadPackError::Archive(ReadArchiveError::OtherKey { .. }))
    ));
}

#[test]
fn without_prompts_all_is_left_that_a_replay_needs() {
    let mut lean = pack();
    lean.contents.insert(Digest::of("asked"), b"asked".to_vec());
    lean.drop_prompts();
    assert_eq!(lean, pack());
}

#[test]
fn the_replies_of_a_pack_can_be_imported_as_those_of_any_archive() {
    let bytes = file(&pack(), None);
    let mut input = Cursor::new(&bytes);
    let archive = Archive::open(&mut input, None).unwrap();
    assert_eq!((archive.entries(), archive.damages().len()), (3, 0));
}

/// Whether an error says where the damage is: within the header, or in the block at a byte that is
/// not behind the change.
fn is_located(error: &ReadPackError, at: usize) -> bool {
    if let ReadPackError::Damaged {
        first: Damaged::File(damage),
        ..
    } = error
    {
        let (Damage::Changed { at: found, .. }
        | Damage::Unknown { at: found }
        | Damage::Cut { at: found }) = damage;
        return *found <= at as u64;
    }
    let ReadPackError::Archive(error) = error else {
        return false;
    };
    let is_named = matches!(
        error,
        ReadArchiveError::NoRoot {
            damage: Some(_),
            ..
        }
    );
    let is_header = matches!(
        error,
        ReadArchiveError::Car(ReadCarError::NoCar) | ReadArchiveError::NoRoot { .. }
    );
    is_named || is_header && at < CAR_HEADER_BYTES
}

#[test]
fn a_change_of_any_byte_is_noticed_and_located() {
    let mut seen = 0;
    for (whole, key) in [
        (file(&pack(), None), None),
        (file(&pack(), Some(key())), Some(key())),
    ] {
        for at in 0..whole.len() {
            let mut damaged = whole.clone();
            damaged[at] ^= 1 << (at % 8);
            let error = read(&damaged, key.as_ref());
            let error = error.map(drop).unwrap_err();
            assert!(is_located(&error, at), "byte {at}: {error:?}");
            seen += 1;
        }
    }
    assert!(seen > 5_000, "{seen}");
}

#[test]
fn a_lock_that_names_other_replies_is_refused() {
    let mut other = pack();
    other.answers.pop();
    assert!(matches!(
        read(&file(&other, None), None),
        Err(ReadPackError::OtherReplies { .. })
    ));
}
