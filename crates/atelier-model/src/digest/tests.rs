//! Digests: one text form, one JSON form, and a key that every field decides.

#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

use proptest::prelude::*;
use serde::Serialize;
use serde_json::json;

use super::Digest;
use crate::{AskKey, Message, Role, Strategy};

/// BLAKE3 of nothing, from its specification.
const OF_NOTHING: &str = "af1349b9f5f9a1a6a0404dea36dcc9499bcb25c9adc112b7cc9a93cae41f3262";

#[test]
fn a_digest_is_blake3_in_lowercase_hex() {
    assert_eq!(Digest::of("").to_string(), OF_NOTHING);
    assert_eq!(Digest::of("").short(), "af1349b9f5f9");
    assert_eq!(
        format!("{:?}", Digest::of("")),
        format!("Digest({OF_NOTHING})")
    );
}

#[test]
fn only_64_lowercase_hexadecimal_digits_are_a_digest() {
    assert_eq!(OF_NOTHING.parse(), Ok(Digest::of("")));
    for text in [
        String::new(),
        OF_NOTHING[1..].to_owned(),
        format!("{OF_NOTHING}0"),
        OF_NOTHING.to_uppercase(),
        OF_NOTHING.replace('a', "g"),
        format!("+{}", &OF_NOTHING[1..]),
        format!(" {}", &OF_NOTHING[1..]),
        "é".repeat(32),
    ] {
        assert!(text.parse::<Digest>().is_err(), "{text:?}");
        assert!(serde_json::from_value::<Digest>(json!(text)).is_err());
    }
}

#[test]
fn a_digest_is_a_string_in_json() {
    let digest = Digest::of("x");
    let json = serde_json::to_value(digest).unwrap();
    assert_eq!(json, json!(digest.to_string()));
    assert_eq!(serde_json::from_value::<Digest>(json).unwrap(), digest);
}

#[test]
fn the_order_of_fields_does_not_matter() {
    #[derive(Serialize)]
    struct One {
        a: u32,
        b: Inner,
    }
    #[derive(Serialize)]
    struct Inner {
        x: bool,
        y: Vec<u32>,
    }
    #[derive(Serialize)]
    struct Two {
        b: Turned,
        a: u32,
    }
    #[derive(Serialize)]
    struct Turned {
        y: Vec<u32>,
        x: bool,
    }
    let (x, y) = (true, vec![1, 2]);
    let one = One {
        a: 1,
        b: Inner { x, y: y.clone() },
    };
    let two = Two {
        b: Turned { y, x },
        a: 1,
    };
    let canonical = Digest::of(r#"{"a":1,"b":{"x":true,"y":[1,2]}}"#);
    assert_eq!(Digest::of_json(&one), canonical);
    assert_eq!(Digest::of_json(&two), canonical);
}

#[test]
fn the_order_of_a_list_matters() {
    assert_ne!(Digest::of_json(&[1, 2]), Digest::of_json(&[2, 1]));
}

fn key<'a>(messages: &'a [Message], schema: Option<&'a serde_json::Value>) -> AskKey<'a> {
    AskKey {
        version: AskKey::VERSION,
        model: "model",
        messages,
        temperature: Some(0.5),
        effort: None,
        tokens_max: 1000,
        schema,
        template_version: Digest::of("template"),
        attempt: 1,
        among: None,
    }
}

fn message(role: Role, text: &str) -> Message {
    let text = text.to_owned();
    Message { role, text }
}

fn all_differ(keys: &[AskKey<'_>]) {
    let mut digests: Vec<_> = keys.iter().map(AskKey::digest).collect();
    digests.sort();
    digests.dedup();
    assert_eq!(digests.len(), keys.len());
}

/// Every key here differs from the first one in one field.
#[test]
fn every_setting_of_an_ask_decides_its_key() {
    let (schema, other) = (json!({"a": 1}), json!({"a": 2}));
    let messages = [message(Role::User, "one")];
    let base = || key(&messages, Some(&schema));
    let version = AskKey::VERSION + 1;
    let template_version = Digest::of("template2");
    let two = ["p/one".to_owned(), "p/two".to_owned()];
    let one = [two[0].clone()];
    all_differ(&[
        base(),
        AskKey { version, ..base() },
        AskKey {
            model: "model2",
            ..base()
        },
        AskKey {
            temperature: Some(0.500_001),
            ..base()
        },
        AskKey {
            temperature: Some(0.0),
            ..base()
        },
        AskKey {
            temperature: None,
            ..base()
        },
        AskKey {
            effort: Some("low"),
            ..base()
        },
        AskKey {
            effort: Some("high"),
            ..base()
        },
        AskKey {
            tokens_max: 1001,
            ..base()
        },
        AskKey {
            schema: Some(&other),
            ..base()
        },
        AskKey {
            schema: None,
            ..base()
        },
        AskKey {
            template_version,
            ..base()
        },
        AskKey {
            attempt: 2,
            ..base()
        },
        AskKey {
            among: Some((Strategy::Cost, &one)),
            ..base()
        },
        AskKey {
            among: Some((Strategy::Latency, &one)),
            ..base()
        },
        AskKey {
            among: Some((Strategy::Cost, &two)),
            ..base()
        },
    ]);
}

#[test]
fn every_word_and_role_of_an_ask_decides_its_key() {
    let messages = [message(Role::System, "one"), message(Role::User, "two")];
    let roles = [message(Role::User, "one"), message(Role::User, "two")];
    let texts = [message(Role::System, "one"), message(Role::User, "two ")];
    let turned = [message(Role::User, "two"), message(Role::System, "one")];
    let joined = [message(Role::System, "onetwo")];
    all_differ(&[
        key(&messages, None),
        key(&roles, None),
        key(&texts, None),
        key(&turned, None),
        key(&joined, None),
        key(&messages[..1], None),
        key(&[], None),
    ]);
}

#[test]
fn the_order_of_a_schemas_keys_does_not_change_the_key() {
    let one: serde_json::Value = serde_json::from_str(r#"{"a": 1, "b": 2}"#).unwrap();
    let two: serde_json::Value = serde_json::from_str(r#"{"b": 2, "a": 1}"#).unwrap();
    assert_eq!(key(&[], Some(&one)).digest(), key(&[], Some(&two)).digest());
}

proptest! {
    #[test]
    fn every_digest_is_read_back(bytes: [u8; 32]) {
        let digest = Digest::from_bytes(bytes);
        prop_assert_eq!(digest.as_bytes(), &bytes);
        prop_assert_eq!(digest.to_string().parse::<Digest>().unwrap(), digest);
        prop_assert_eq!(digest.short(), &digest.to_string()[..12]);
    }

    #[test]
    fn other_words_make_another_key(text in ".{0,40}", more in ".{1,8}", attempt in 1u32..100) {
        let one = [message(Role::User, &text)];
        let two = [message(Role::User, &format!("{text}{more}"))];
        let base = AskKey { attempt, ..key(&one, None) };
        prop_assert_ne!(base.digest(), AskKey { messages: &two, ..base.clone() }.digest());
        prop_assert_ne!(base.digest(), AskKey { attempt: attempt + 1, ..base.clone() }.digest());
        prop_assert_eq!(base.digest(), base.clone().digest());
    }
}
