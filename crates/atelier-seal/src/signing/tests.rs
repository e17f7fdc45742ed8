//! Keys as OpenSSL writes them, and what is signed with them.
#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

use base64::{Engine as _, engine::general_purpose::STANDARD};
use ring::signature::{ED25519, UnparsedPublicKey};

use super::{SigningKey, SigningKeyError};

/// The first key of RFC 8032, section 7.1, as PKCS#8.
fn pem() -> String {
    let head = [
        0x30, 0x2e, 0x02, 0x01, 0x00, 0x30, 0x05, 0x06, 0x03, 0x2b, 0x65, 0x70, 0x04, 0x22, 0x04,
        0x20,
    ];
    let seed = [
        0x9d, 0x61, 0xb1, 0x9d, 0xef, 0xfd, 0x5a, 0x60, 0xba, 0x84, 0x4a, 0xf4, 0x92, 0xec, 0x2c,
        0xc4, 0x44, 0x49, 0xc5, 0x69, 0x7b, 0x32, 0x69, 0x19, 0x70, 0x3b, 0xac, 0x03, 0x1c, 0xae,
        0x7f, 0x60,
    ];
    let body = STANDARD.encode([&head[..], &seed[..]].concat());
    format!("-----BEGIN PRIVATE KEY-----\n{body}\n-----END PRIVATE KEY-----\n")
}

#[test]
fn the_public_half_is_the_one_that_the_standard_gives() {
    let key = SigningKey::from_pem(&pem()).unwrap();
    let public = key.public();
    assert_eq!(public[12..16], [0xd7, 0x5a, 0x98, 0x01]);
    assert_eq!(key.name().len(), 64);
}

#[test]
fn type_and_bytes_are_signed_with_their_lengths() {
    let key = SigningKey::from_pem(&pem()).unwrap();
    let signed = key.sign("text/x", b"hello");
    assert_eq!(signed.payload, "aGVsbG8=");
    let signature = STANDARD.decode(&signed.signature).unwrap();
    let public = UnparsedPublicKey::new(&ED25519, key.public()[12..].to_vec());
    public
        .verify(b"DSSEv1 6 text/x 5 hello", &signature)
        .unwrap();
    assert!(
        public
            .verify(b"DSSEv1 6 text/x 5 hellp", &signature)
            .is_err()
    );
}

#[test]
fn what_is_no_key_is_refused_and_no_secret_is_shown() {
    let wrong = |text: &str| SigningKey::from_pem(text).map(drop).unwrap_err();
    assert_eq!(wrong("hello"), SigningKeyError::NoPem);
    let other = pem().replace("MC4CAQAw", "MC4CAQEw");
    assert_eq!(wrong(&other), SigningKeyError::NoEd25519);
    let shown = format!("{:?}", SigningKey::from_pem(&pem()).unwrap());
    assert!(shown.starts_with("SigningKey(\""), "{shown}");
}
