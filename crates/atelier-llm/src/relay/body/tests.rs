//! Members set in bodies, compared with what a reader of JSON makes of them.

#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

use proptest::prelude::*;
use serde_json::{Map, Value, json};

use super::{with_member, with_model};

fn set(body: &str, path: &[&str], value: &Value) -> Option<String> {
    let changed = with_member(body.as_bytes(), path, value)?;
    Some(String::from_utf8(changed).unwrap())
}

#[test]
fn every_other_byte_stays() {
    let limit = ["config", "limit"];
    for (body, path, expected) in [
        ("{}", &["a"][..], r#"{"a":1}"#),
        ("{ }", &["a"], r#"{"a":1 }"#),
        (r#" { "b" : 1.0e2 } "#, &["a"], r#" {"a":1, "b" : 1.0e2 } "#),
        (
            r#"{"b":0, "a" : [2] , "c":3}"#,
            &["a"],
            r#"{"b":0, "a" : 1 , "c":3}"#,
        ),
        (r#"{"a":0,"a":2}"#, &["a"], r#"{"a":0,"a":1}"#),
        (r#"{"x":"\"a\":0"}"#, &["a"], r#"{"a":1,"x":"\"a\":0"}"#),
        (r#"{"\u0061":0}"#, &["a"], r#"{"\u0061":1}"#),
        (r#"{"b":{"a":0}}"#, &["a"], r#"{"a":1,"b":{"a":0}}"#),
        ("{}", &limit, r#"{"config":{"limit":1}}"#),
        (r#"{"config":null}"#, &limit, r#"{"config":{"limit":1}}"#),
        (r#"{"config": {}}"#, &limit, r#"{"config": {"limit":1}}"#),
        (
            r#"{"config":{"a":[{}]}}"#,
            &limit,
            r#"{"config":{"limit":1,"a":[{}]}}"#,
        ),
    ] {
        assert_eq!(
            set(body, path, &json!(1)).as_deref(),
            Some(expected),
            "{body}"
        );
    }
}

#[test]
fn what_is_no_object_is_left_alone() {
    for body in ["[]", "1", "", r#"{"config":[]}"#, r#"{"config":"limit"}"#] {
        let path = ["config", "limit"];
        assert_eq!(set(body, &path, &json!(1)), None, "{body}");
    }
    assert_eq!(with_model(br#"{"model":7}"#, "m"), None);
    assert_eq!(with_model(br#"{"x":{"model":"a"}}"#, "m"), None);
}

fn values() -> impl Strategy<Value = Value> {
    let leaf = prop_oneof![
        Just(Value::Null),
        any::<bool>().prop_map(Value::from),
        any::<i32>().prop_map(Value::from),
        "[ab\"\\\\{}:,é ]{0,6}".prop_map(Value::from),
    ];
    leaf.prop_recursive(3, 24, 4, |inner| {
        prop_oneof![
            prop::collection::vec(inner.clone(), 0..4).prop_map(Value::from),
            objects(inner).prop_map(Value::Object),
        ]
    })
}

fn objects(values: impl Strategy<Value = Value>) -> impl Strategy<Value = Map<String, Value>> {
    let members = prop::collection::vec(("[ab\"\\\\]{1,2}", values), 0..4);
    members.prop_map(|members| members.into_iter().collect())
}

proptest! {
    #[test]
    fn a_reader_finds_what_was_set_and_all_else_as_it_was(
        mut object in objects(values()),
        name in "[ab]{1,2}",
        pretty in any::<bool>(),
    ) {
        let body = Value::Object(object.clone());
        let body = if pretty { format!("{body:#}") } else { body.to_string() };
        let changed = set(&body, &[&name], &json!({"new": [1]})).unwrap();
        object.insert(name, json!({"new": [1]}));
        let read: Value = serde_json::from_str(&changed).unwrap();
        prop_assert_eq!(read, Value::Object(object));
    }
}
