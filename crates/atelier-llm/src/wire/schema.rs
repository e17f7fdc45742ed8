//! JSON schemas as the dialects take them: each understands a part of the language only.

use serde_json::{Map, Value};

/// Words that a dialect with closed objects does not understand, and that no answer depends on:
/// whoever reads the answer checks it against the whole schema.
const DROPPED: [&str; 13] = [
    "$schema",
    "format",
    "minimum",
    "maximum",
    "exclusiveMinimum",
    "exclusiveMaximum",
    "multipleOf",
    "minLength",
    "maxLength",
    "minItems",
    "maxItems",
    "uniqueItems",
    "default",
];

/// Words whose value is an object of schemas by name.
const NAMED: [&str; 3] = ["properties", "$defs", "definitions"];

/// Words whose value is a schema or a list of schemas.
const NESTED: [&str; 4] = ["items", "anyOf", "allOf", "oneOf"];

/// Levels of schemas within schemas that are followed.
const DEPTH_MAX: usize = 64;

/// The schema with every object closed, as constrained decoding wants it; `None` where an object
/// takes names that nobody can list beforehand.
pub(crate) fn closed(schema: &Value) -> Option<Value> {
    closed_at(schema, DEPTH_MAX)
}

fn closed_at(schema: &Value, depth: usize) -> Option<Value> {
    let Some(object) = schema.as_object() else {
        return Some(schema.clone());
    };
    let depth = depth.checked_sub(1)?;
    let mut result = Map::new();
    for (word, value) in object {
        let word = word.as_str();
        if DROPPED.contains(&word) {
            continue;
        }
        let value = if NAMED.contains(&word) {
            closed_values(value, depth)?
        } else if NESTED.contains(&word) {
            closed_nested(value, depth)?
        } else {
            value.clone()
        };
        // Of several forms at most one fits anyway: they are told apart by a tag.
        let word = if word == "oneOf" { "anyOf" } else { word };
        result.insert(word.to_owned(), value);
    }
    if is_object(object) {
        let open = object.get("additionalProperties");
        if open.is_some_and(|open| *open != Value::Bool(false)) {
            return None;
        }
        let closing = "additionalProperties".to_owned();
        result.insert(closing, Value::Bool(false));
    }
    Some(Value::Object(result))
}

fn is_object(schema: &Map<String, Value>) -> bool {
    schema.contains_key("properties")
        || match schema.get("type") {
            Some(Value::String(kind)) => kind == "object",
            Some(Value::Array(kinds)) => kinds.iter().any(|kind| kind == "object"),
            _ => false,
        }
}

fn closed_values(named: &Value, depth: usize) -> Option<Value> {
    let Some(object) = named.as_object() else {
        return Some(named.clone());
    };
    let closed = object
        .iter()
        .map(|(name, schema)| Some((name.clone(), closed_at(schema, depth)?)));
    Some(Value::Object(closed.collect::<Option<_>>()?))
}

fn closed_nested(nested: &Value, depth: usize) -> Option<Value> {
    match nested.as_array() {
        None => closed_at(nested, depth),
        Some(list) => {
            let closed = list.iter().map(|schema| closed_at(schema, depth));
            Some(Value::Array(closed.collect::<Option<_>>()?))
        }
    }
}

/// The schema without the mark of its language, which some dialects take for an unknown word.
pub(crate) fn unmarked(schema: &Value) -> Value {
    let mut schema = schema.clone();
    if let Some(object) = schema.as_object_mut() {
        object.remove("$schema");
    }
    schema
}
