//! What is sealed opens for its key and label, and for nothing else.
#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

use proptest::prelude::*;

use crate::{
    Envelope, Fresh, NONCE_BYTES, SEALED_BYTES_MORE, SealKey, Secret, UnsealError, seal,
    seal_content, unseal, unseal_content,
};

const PLAIN: &[u8] = b"sk-planted-0123456789";

fn key(byte: u8) -> SealKey {
    SealKey::from_bytes([byte; 32])
}

fn envelope(name: &str, version: u64) -> Envelope {
    let fresh = Fresh {
        key: key(7),
        nonce: [3; NONCE_BYTES],
    };
    Envelope::seal(&key(1), &fresh, name, version, PLAIN)
}

fn holds(bytes: &[u8], part: &[u8]) -> bool {
    bytes.windows(part.len()).any(|window| window == part)
}

#[test]
fn what_is_sealed_opens_with_its_key_and_label_alone() {
    let sealed = seal(&key(1), [9; NONCE_BYTES], b"label", PLAIN);
    assert!(!holds(&sealed, PLAIN));
    assert_eq!(
        unseal(&key(1), b"label", &sealed).unwrap().as_slice(),
        PLAIN
    );
    assert_eq!(
        unseal(&key(2), b"label", &sealed),
        Err(UnsealError::Refused)
    );
    assert_eq!(
        unseal(&key(1), b"lable", &sealed),
        Err(UnsealError::Refused)
    );
}

#[test]
fn a_content_is_sealed_to_the_same_bytes_every_time_and_opens_under_its_digest_alone() {
    let (one, other) = ([1; 32], [2; 32]);
    let sealed = seal_content(&key(1), &one, PLAIN);
    assert_eq!(sealed, seal_content(&key(1), &one, PLAIN));
    assert_ne!(sealed, seal_content(&key(2), &one, PLAIN));
    assert_eq!(sealed.len(), PLAIN.len() + SEALED_BYTES_MORE);
    assert!(!holds(&sealed, PLAIN));
    assert_eq!(
        unseal_content(&key(1), &one, &sealed).unwrap().as_slice(),
        PLAIN
    );
    assert_eq!(
        unseal_content(&key(1), &other, &sealed),
        Err(UnsealError::Refused)
    );
    assert_eq!(
        unseal_content(&key(2), &one, &sealed),
        Err(UnsealError::Refused)
    );
}

#[test]
fn an_envelope_opens_under_its_name_and_version_alone() {
    let sealed = envelope("openai/default", 1);
    let open = |name, version| sealed.open(&key(1), name, version);
    assert_eq!(open("openai/default", 1).unwrap().as_slice(), PLAIN);
    assert_eq!(open("anthropic/default", 1), Err(UnsealError::Refused));
    assert_eq!(open("openai/default", 2), Err(UnsealError::Refused));
    let wrong = sealed.open(&key(2), "openai/default", 1);
    assert_eq!(wrong, Err(UnsealError::Refused));
}

#[test]
fn parts_of_two_envelopes_do_not_make_one() {
    let (one, other) = (envelope("a", 1), envelope("b", 1));
    let mixed = Envelope {
        wrapped_key: one.wrapped_key.clone(),
        body: other.body.clone(),
    };
    assert_eq!(mixed.open(&key(1), "a", 1), Err(UnsealError::Refused));
    assert_eq!(mixed.open(&key(1), "b", 1), Err(UnsealError::Refused));
}

#[test]
fn another_master_key_takes_over_without_a_change_of_the_body() {
    let old = envelope("a", 4);
    let new = old
        .rewrap((&key(1), &key(2)), [8; NONCE_BYTES], "a", 4)
        .unwrap();
    assert_eq!(new.body, old.body);
    assert_eq!(new.open(&key(2), "a", 4).unwrap().as_slice(), PLAIN);
    assert_eq!(new.open(&key(1), "a", 4), Err(UnsealError::Refused));
    let wrong = old.rewrap((&key(3), &key(2)), [8; NONCE_BYTES], "a", 4);
    assert_eq!(wrong, Err(UnsealError::Refused));
}

#[test]
fn too_short_and_foreign_formats_are_told_apart_from_wrong_keys() {
    for length in 0..SEALED_BYTES_MORE + NONCE_BYTES {
        let short = vec![1; length];
        assert_eq!(
            unseal(&key(1), b"", &short),
            Err(UnsealError::Cut),
            "{length}"
        );
    }
    let foreign = unseal(&key(1), b"", &[9; 64]);
    assert_eq!(foreign, Err(UnsealError::Format { found: 9 }));
}

#[test]
fn no_key_and_no_secret_is_shown() {
    let secret = Secret::new(" sk-planted-0123456789\n");
    assert_eq!(format!("{secret:?}"), "***");
    assert_eq!(secret.masked(), "***6789");
    assert_eq!(Secret::new("short").masked(), "***");
    assert_eq!(
        secret.wiped_from("bad key sk-planted-0123456789!"),
        "bad key ***!"
    );
    let shown = format!("{:?}", key(0x5a));
    assert!(
        !shown.contains("5a5a") && !shown.contains("90, 90"),
        "{shown}"
    );
}

#[test]
fn prints_and_purposes_tell_keys_apart() {
    assert_ne!(key(1).print(), key(2).print());
    assert_eq!(key(1).print().to_string().len(), 16);
    assert_ne!(key(1).for_purpose("a"), key(1).for_purpose("b"));
    assert_ne!(key(1).for_purpose("a"), key(2).for_purpose("a"));
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(10_000))]

    #[test]
    fn every_change_of_sealed_bytes_is_refused(
        plain in prop::collection::vec(any::<u8>(), 0..64),
        at in any::<prop::sample::Index>(),
        change in 1_u8..,
        cut in any::<bool>(),
    ) {
        let digest = *blake3::hash(&plain).as_bytes();
        let whole = [
            seal(&key(1), [5; NONCE_BYTES], b"label", &plain),
            seal_content(&key(1), &digest, &plain),
        ];
        for (which, mut sealed) in whole.into_iter().enumerate() {
            let at = at.index(sealed.len());
            if cut {
                sealed.truncate(at);
            } else {
                sealed[at] ^= change;
            }
            let opened = match which {
                0 => unseal(&key(1), b"label", &sealed),
                _ => unseal_content(&key(1), &digest, &sealed),
            };
            prop_assert!(opened.is_err());
        }
    }
}
