//! Archives through what is public of them: names others give too, round trips, damage.
#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

use std::io::Cursor;

use atelier_model::{ArchiveEntry, ArchiveKind, Digest, MicroUsd, StopReason, Timestamp, Usage};
use atelier_seal::SealKey;
use proptest::prelude::*;

use crate::{
    Archive, ArchiveBuilder, Block, CAR_HEADER_BYTES, Car, Cid, Codec, Damage, Damaged,
    ReadArchiveError, ReadCarError, builder::PART_BYTES_MAX, car_header, car_section, cbor::Node,
};

fn key(byte: u8) -> SealKey {
    SealKey::from_bytes([byte; 32])
}

fn entry(number: u64) -> ArchiveEntry {
    let is_ask = number.is_multiple_of(2);
    ArchiveEntry {
        kind: [ArchiveKind::Relay, ArchiveKind::Ask][usize::from(is_ask)],
        key: Digest::of(number.to_be_bytes()),
        stop: is_ask.then_some(StopReason::End),
        provider: "openai".to_owned(),
        model: format!("model-{number}"),
        usage: is_ask.then_some(Usage {
            input: number,
            output: 1 << number.min(40),
            cached_input: 300,
            cache_write: 70_000,
            // Of some answers all was for minutes, which an archive says in its own way.
            cache_write_hour: if number.is_multiple_of(4) { 0 } else { number },
        }),
        cost: MicroUsd(number * 1000),
        latency_ms: number,
        at: Timestamp::from_millis(1_700_000_000_000),
    }
}

fn body(number: u64) -> Vec<u8> {
    format!("planted answer {}", number / 3).into_bytes()
}

/// An archive of so many answers as a file.
fn file(count: u64, seal: Option<SealKey>) -> Vec<u8> {
    file_of((0..count).map(|number| (entry(number), body(number))), seal)
}

fn file_of(
    answers: impl IntoIterator<Item = (ArchiveEntry, Vec<u8>)>,
    seal: Option<SealKey>,
) -> Vec<u8> {
    let mut builder = ArchiveBuilder::new(seal);
    let mut blocks = Vec::new();
    for (entry, body) in answers {
        blocks.extend(builder.add(&entry, &body));
    }
    let (root, last) = builder.finish();
    blocks.extend(last);
    let mut file = car_header(&root);
    file.extend(blocks.iter().flat_map(car_section));
    file
}

type Check = fn(&ReadArchiveError) -> bool;

type Answers = Vec<(ArchiveEntry, Vec<u8>)>;

/// What a file holds, and what of it is damaged.
fn read(file: &[u8], key: Option<&SealKey>) -> Result<(Answers, Vec<Damaged>), ReadArchiveError> {
    let mut input = Cursor::new(file);
    let mut archive = Archive::open(&mut input, key)?;
    let mut damages = archive.damages().to_vec();
    let mut answers = Vec::new();
    for cid in archive.chunks().to_vec() {
        match archive.chunk(&cid)? {
            Err(damage) => damages.push(damage),
            Ok(entries) => {
                for (entry, parts) in entries {
                    match archive.body(&entry.key, &parts)? {
                        Ok(body) => answers.push((entry, body)),
                        Err(damage) => damages.push(damage),
                    }
                }
            }
        }
    }
    Ok((answers, damages))
}

#[test]
fn names_are_those_that_others_give() {
    for (codec, bytes, name) in [
        (
            Codec::Raw,
            &b"hello world"[..],
            "bafkreifzjut3te2nhyekklss27nh3k72ysco7y32koao5eei66wof36n5e",
        ),
        (
            Codec::Raw,
            b"",
            "bafkreihdwdcefgh4dqkjv67uzcmw7ojee6xedzdetojuzjevtenxquvyku",
        ),
        (
            Codec::DagCbor,
            &[0xa0],
            "bafyreigbtj4x7ip5legnfznufuopl4sg4knzc2cof6duas4b3q2fy6swua",
        ),
    ] {
        let cid = Cid::of(codec, bytes);
        assert_eq!(cid.to_string(), name);
        assert_eq!(name.parse(), Ok(cid));
        assert_eq!(Cid::of_bytes(&cid.bytes()), Some(cid));
    }
    for wrong in [
        "",
        "b",
        "QmYwAPJzv5CZsnA625s3Xf2nemtYgPpHdWEz79ojWnPbdG",
        "bafkreifzjut3te2nhyekklss27nh3k72ysco7y32koao5eei66wof36n5f",
        "bafkreifzjut3te2nhyekklss27nh3k72ysco7y32koao5eei66wof36n5ea",
        "bafkrgifzjut3te7nhyekklss27nh3k72ysco7y32koao5eei66wof36n5e",
    ] {
        assert!(wrong.parse::<Cid>().is_err(), "{wrong}");
    }
}

#[test]
fn an_archive_gives_back_what_was_put_into_it() {
    for count in [0, 1, 2500] {
        for seal in [None, Some(key(1))] {
            let file = file(count, seal.clone());
            let (answers, damages) = read(&file, seal.as_ref()).unwrap();
            assert_eq!(damages, []);
            let expected: Vec<_> = (0..count).map(|one| (entry(one), body(one))).collect();
            assert!(answers == expected, "{count} answers, {seal:?}");
        }
    }
}

#[test]
fn large_bodies_are_split_and_no_block_is_too_large_for_a_node() {
    let large: Vec<u8> = (0..3 * PART_BYTES_MAX + 5)
        .map(|at| at.to_le_bytes()[0])
        .collect();
    for body in [large, vec![7; PART_BYTES_MAX], Vec::new()] {
        for seal in [None, Some(key(1))] {
            let mut builder = ArchiveBuilder::new(seal.clone());
            let blocks = builder.add(&entry(0), &body);
            assert!(blocks.iter().all(|block| block.bytes.len() <= 1 << 20));
            let file = file_of([(entry(0), body.clone())], seal.clone());
            let (answers, _) = read(&file, seal.as_ref()).unwrap();
            assert!(answers == [(entry(0), body.clone())]);
        }
    }
}

#[test]
fn the_same_content_is_one_block_and_the_same_answers_one_archive() {
    for seal in [None, Some(key(1))] {
        let mut builder = ArchiveBuilder::new(seal.clone());
        assert_eq!(builder.add(&entry(0), b"same").len(), 1);
        assert_eq!(builder.add(&entry(1), b"same").len(), 0);
        assert_eq!(file(7, seal.clone()), file(7, seal));
    }
}

#[test]
fn the_header_has_its_length_whatever_the_root() {
    for root in [Cid::of(Codec::Raw, b"1"), Cid::of(Codec::DagCbor, b"2")] {
        assert_eq!(car_header(&root).len(), CAR_HEADER_BYTES);
    }
}

#[test]
fn a_sealed_archive_shows_nothing_and_opens_with_its_key_alone() {
    let sealed = file(20, Some(key(1)));
    for shown in [&b"planted"[..], b"openai", b"model-", b"entries"] {
        assert!(!sealed.windows(shown.len()).any(|window| window == shown));
    }
    for other in [None, Some(key(2))] {
        let error = read(&sealed, other.as_ref()).unwrap_err();
        assert!(
            matches!(error, ReadArchiveError::OtherKey { print } if print == key(1).print().to_string())
        );
    }
    let mut cursor = Cursor::new(&sealed[..]);
    let archive = Archive::open(&mut cursor, Some(&key(1))).unwrap();
    assert!(archive.is_sealed());
    assert_eq!(archive.entries(), 20);
}

#[test]
fn a_damaged_body_is_named_and_the_other_answers_are_read() {
    for seal in [None, Some(key(1))] {
        let mut file = file(9, seal.clone());
        // The first block is the body of the first three answers.
        let begin = CAR_HEADER_BYTES + 1 + 36;
        file[begin + 3] ^= 1;
        let (answers, damages) = read(&file, seal.as_ref()).unwrap();
        assert_eq!(answers.len(), 6);
        let first = Damage::Changed {
            cid: Cid::of_bytes(&file[begin - 36..begin]).unwrap(),
            at: CAR_HEADER_BYTES as u64,
        };
        assert_eq!(damages[0], Damaged::File(first));
        let lost = damages
            .iter()
            .filter(|one| matches!(one, Damaged::Body { .. }));
        assert_eq!(lost.count(), 3);
    }
}

#[test]
fn what_is_no_archive_is_refused() {
    let raw = Cid::of(Codec::Raw, b"hello");
    let hello = Block {
        cid: raw,
        bytes: b"hello".to_vec(),
    };
    let newer = Block::node(&Node::map([
        ("format", Node::text("atelier archive")),
        ("version", Node::Int(2)),
    ]));
    let of = |block: &Block| [car_header(&block.cid), car_section(block)].concat();
    let cases: [(Vec<u8>, Check); 5] = [
        (Vec::new(), |error| {
            matches!(error, ReadArchiveError::Car(ReadCarError::NoCar))
        }),
        (b"PK\x03\x04 something else".to_vec(), |error| {
            matches!(error, ReadArchiveError::Car(ReadCarError::NoCar))
        }),
        (car_header(&raw), |error| {
            matches!(error, ReadArchiveError::NoRoot { damage: None, .. })
        }),
        (of(&hello), |error| {
            matches!(error, ReadArchiveError::NoArchive { .. })
        }),
        (of(&newer), |error| {
            matches!(error, ReadArchiveError::Newer { found: 2 })
        }),
    ];
    for (file, check) in cases {
        let error = read(&file, None).unwrap_err();
        assert!(check(&error), "{error:?}");
    }
}

#[test]
fn blocks_in_any_order_and_blocks_of_others_are_read() {
    let mut builder = ArchiveBuilder::new(None);
    let mut blocks = builder.add(&entry(0), b"one");
    blocks.extend(builder.add(&entry(1), b"two"));
    let (root, last) = builder.finish();
    blocks.extend(last);
    blocks.reverse();
    let mut file = car_header(&root);
    file.extend(blocks.iter().flat_map(car_section));
    // A name of version 0: SHA-256 alone.
    let at = file.len() as u64;
    file.push(34 + 5);
    file.extend([0x12, 0x20]);
    file.extend([9; 32]);
    file.extend(b"other");
    let (answers, damages) = read(&file, None).unwrap();
    assert_eq!(answers.len(), 2);
    assert_eq!(damages, [Damaged::File(Damage::Unknown { at })]);
}

proptest! {
    #[test]
    fn every_flipped_bit_and_every_cut_is_noticed(
        place in 0_usize..10_000, bit in 0_u8..8, is_cut: bool, is_sealed: bool,
    ) {
        let seal = is_sealed.then(|| key(1));
        let whole = file(6, seal.clone());
        let expected = read(&whole, seal.as_ref()).unwrap().0;
        let mut file = whole.clone();
        let place = place % file.len();
        if is_cut {
            file.truncate(place);
        } else {
            file[place] ^= 1 << bit;
        }
        if let Ok((answers, damages)) = read(&file, seal.as_ref()) {
            prop_assert!(!damages.is_empty());
            prop_assert!(answers.iter().all(|answer| expected.contains(answer)));
        }
    }

    #[test]
    fn any_bytes_at_all_are_read_without_a_panic(bytes in prop::collection::vec(any::<u8>(), 0..300)) {
        let _ = read(&bytes, Some(&key(1)));
        let _ = Node::decode(&bytes);
        let mut input = Cursor::new([car_header(&Cid::of(Codec::Raw, b"")), bytes].concat());
        prop_assert!(Car::open(&mut input).is_ok());
    }

    #[test]
    fn a_node_has_one_form(bytes in prop::collection::vec(any::<u8>(), 0..60)) {
        if let Some(node) = Node::decode(&bytes) {
            prop_assert_eq!(node.encode(), bytes);
        }
    }
}
