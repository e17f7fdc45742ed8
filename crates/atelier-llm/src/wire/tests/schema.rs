//! Schemas as the dialects take them.

use serde_json::{Value, json};

use crate::wire::schema::{closed, unmarked};

#[test]
fn every_object_is_closed_and_unknown_words_are_dropped() {
    let schema = json!({
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "title": "Plan",
        "type": "object",
        "properties": {
            "minimum": {"type": "integer", "format": "uint32", "minimum": 0},
            "phases": {
                "type": "array",
                "minItems": 1,
                "items": {"$ref": "#/$defs/Phase"},
            },
            "maybe": {"anyOf": [{"$ref": "#/$defs/Phase"}, {"type": "null"}]},
            "kind": {"oneOf": [{"const": "a"}, {"const": "b"}]},
        },
        "required": ["minimum", "phases"],
        "$defs": {
            "Phase": {
                "type": ["object", "null"],
                "properties": {"name": {"type": "string", "maxLength": 3, "enum": ["minimum"]}},
                "required": ["name"],
            },
        },
    });
    let expected = json!({
        "title": "Plan",
        "type": "object",
        "properties": {
            "minimum": {"type": "integer"},
            "phases": {"type": "array", "items": {"$ref": "#/$defs/Phase"}},
            "maybe": {"anyOf": [{"$ref": "#/$defs/Phase"}, {"type": "null"}]},
            "kind": {"anyOf": [{"const": "a"}, {"const": "b"}]},
        },
        "required": ["minimum", "phases"],
        "additionalProperties": false,
        "$defs": {
            "Phase": {
                "type": ["object", "null"],
                "properties": {"name": {"type": "string", "enum": ["minimum"]}},
                "required": ["name"],
                "additionalProperties": false,
            },
        },
    });
    assert_eq!(closed(&schema), Some(expected.clone()));
    assert_eq!(
        closed(&expected),
        Some(expected),
        "closing twice is closing once"
    );
}

#[test]
fn a_schema_with_free_names_cannot_be_closed() {
    for open in [json!(true), json!({"type": "string"})] {
        let map = json!({"type": "object", "additionalProperties": open});
        assert_eq!(closed(&map), None);
        let inside = json!({"type": "object", "properties": {"map": map}});
        assert_eq!(closed(&inside), None);
        assert_eq!(closed(&json!({"type": "array", "items": map})), None);
    }
}

#[test]
fn a_schema_without_bottom_is_given_up() {
    let mut schema = json!({"type": "string"});
    for _ in 0..100 {
        schema = json!({"type": "array", "items": schema});
    }
    assert_eq!(closed(&schema), None);
}

#[test]
fn only_the_mark_of_the_language_goes() {
    let schema =
        json!({"$schema": "x", "type": "object", "properties": {"$schema": {"format": "y"}}});
    let expected = json!({"type": "object", "properties": {"$schema": {"format": "y"}}});
    assert_eq!(unmarked(&schema), expected);
    assert_eq!(unmarked(&Value::Bool(true)), true);
}
