//! Every string value is shown once with its place, and nothing else of a document changes.

use proptest::prelude::*;
use serde_json::{Map, Value, json};

use crate::layers::guard::strings::{each, rewrite};

fn seen(json: &str) -> Vec<(String, String)> {
    let mut seen = Vec::new();
    each(json, |found| {
        seen.push((found.pointer(), found.text().into_owned()));
    })
    .unwrap();
    seen
}

fn value() -> impl Strategy<Value = Value> {
    let leaf = prop_oneof![
        Just(Value::Null),
        any::<bool>().prop_map(Value::from),
        any::<i64>().prop_map(Value::from),
        "\\PC{0,12}".prop_map(Value::from),
        Just(json!("\u{0}\n\"\\/\u{1f600}")),
    ];
    leaf.prop_recursive(5, 40, 6, |inner| {
        prop_oneof![
            prop::collection::vec(inner.clone(), 0..6).prop_map(Value::from),
            prop::collection::vec(("[a-z\"\\\\é]{0,5}", inner), 0..6)
                .prop_map(|members| Value::Object(members.into_iter().collect::<Map<_, _>>())),
        ]
    })
}

/// Changes the strings of a value that has been read.
fn shouted(value: &Value) -> Value {
    match value {
        Value::String(text) => Value::from(format!("{text}!")),
        Value::Array(members) => members.iter().map(shouted).collect(),
        Value::Object(members) => members
            .iter()
            .map(|(name, member)| (name.clone(), shouted(member)))
            .collect::<Map<_, _>>()
            .into(),
        Value::Null | Value::Bool(_) | Value::Number(_) => value.clone(),
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 1_000, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn every_string_is_changed_and_nothing_else(value in value(), is_pretty in any::<bool>()) {
        let written = if is_pretty {
            serde_json::to_string_pretty(&value).unwrap()
        } else {
            value.to_string()
        };
        let changed = rewrite(&written, |found| Some(format!("{}!", found.text()))).unwrap();
        let changed: Value = serde_json::from_str(&changed.unwrap_or_else(|| written.clone())).unwrap();
        prop_assert_eq!(changed, shouted(&value));
        prop_assert_eq!(rewrite(&written, |_| None).unwrap(), None);
    }

    #[test]
    fn what_is_read_here_is_read_everywhere_or_refused(text in "[\\[\\]{}:,\"a1 \\\\]{0,12}") {
        if serde_json::from_str::<Value>(&text).is_ok() {
            prop_assert!(rewrite(&text, |_| None).is_ok(), "{}", text);
        }
    }
}

#[test]
fn strings_are_shown_with_their_places() {
    let json = r#"{"a":["x",{"b":"y"},[ "z" ]],"c":{"a":1,"d":"\u0041\n"},"e":"w"}"#;
    let expected = [
        ("/a/0", "x"),
        ("/a/1/b", "y"),
        ("/a/2/0", "z"),
        ("/c/d", "A\n"),
        ("/e", "w"),
    ];
    let expected = expected.map(|(place, text)| (place.to_owned(), text.to_owned()));
    assert_eq!(seen(json), expected);
    assert_eq!(seen("\"top\""), [(String::new(), "top".to_owned())]);
}

#[test]
fn what_is_no_json_is_refused() {
    for text in [
        "",
        "{",
        "[1,",
        "{\"a\"}",
        "{\"a\":}",
        "\"open",
        "[1] 2",
        "{\"a\":1,}",
        "}",
        "\"\\",
    ] {
        assert!(rewrite(text, |_| None).is_err(), "{text}");
    }
    let deep = "[".repeat(200) + &"]".repeat(200);
    assert!(rewrite(&deep, |_| None).is_err());
}
