//! Values brought into the form a schema asks for, where only one value can be meant.

use serde_json::{Map, Value};

/// Schemas that may refer to one another in a chain.
const REFERENCES_MAX: usize = 32;

/// A value in the form of its schema, as far as it can be told.
pub(super) fn value(value: Value, schema: &Value) -> Value {
    let coercion = Coercion { root: schema };
    let mut value = coercion.unwrapped(value);
    restore_escapes(&mut value);
    coercion.value(value, schema)
}

struct Coercion<'a> {
    root: &'a Value,
}

impl<'a> Coercion<'a> {
    /// The object inside a wrapper such as `{"design": {…}}` or `[{…}]`, or inside a string.
    fn unwrapped(&self, value: Value) -> Value {
        let properties = self.root.get("properties").and_then(Value::as_object);
        let Some(properties) = properties else {
            return value;
        };
        let foreign = |key: &String| !properties.keys().any(|known| same_name(known, key));
        match value {
            Value::Object(mut object) if object.len() == 1 && object.keys().all(foreign) => {
                let inner = object.values_mut().next().filter(|inner| inner.is_object());
                match inner {
                    Some(inner) => inner.take(),
                    None => Value::Object(object),
                }
            }
            Value::String(text) => match serde_json::from_str(&text) {
                Ok(inner @ Value::Object(_)) => inner,
                Ok(_) | Err(_) => Value::String(text),
            },
            Value::Array(mut items) if items.len() == 1 && items[0].is_object() => items.remove(0),
            Value::Null
            | Value::Bool(_)
            | Value::Number(_)
            | Value::Array(_)
            | Value::Object(_) => value,
        }
    }

    fn value(&self, value: Value, schema: &Value) -> Value {
        let schema = self.resolved(schema);
        if let Some(variants) = variants(schema) {
            return match self.variant(&value, variants) {
                Some(variant) => self.value(value, variant),
                None => value,
            };
        }
        match kind(schema, &value) {
            "object" => self.object(value, schema),
            "array" => self.array(value, schema),
            "string" => string(value, schema),
            "integer" | "number" => number(value),
            "boolean" => boolean(value),
            _ => value,
        }
    }

    fn resolved(&self, schema: &'a Value) -> &'a Value {
        let mut schema = schema;
        for _ in 0..REFERENCES_MAX {
            let target = schema.get("$ref").and_then(Value::as_str);
            let target = target.and_then(|name| self.root.pointer(name.trim_start_matches('#')));
            match target {
                Some(target) => schema = target,
                None => break,
            }
        }
        schema
    }

    /// The variant that a value means: the one whose tag it bears, or the only one besides `null`.
    fn variant(&self, value: &Value, variants: &'a [Value]) -> Option<&'a Value> {
        if value.is_null() {
            return None;
        }
        let real = || {
            let schemas = variants.iter().map(|variant| self.resolved(variant));
            schemas.filter(|schema| schema.get("type").and_then(Value::as_str) != Some("null"))
        };
        let tagged = real().find(|schema| {
            let tags = schema
                .get("properties")
                .and_then(Value::as_object)
                .into_iter()
                .flatten();
            let mut constants = tags.filter_map(|(key, one)| Some((key, one.get("const")?)));
            constants.any(|(key, constant)| {
                let given = value.get(key).and_then(Value::as_str);
                given
                    .zip(constant.as_str())
                    .is_some_and(|(a, b)| same_name(a, b))
            })
        });
        let mut all = real();
        let only = all.next().filter(|_| all.next().is_none());
        tagged.or(only)
    }

    fn object(&self, value: Value, schema: &'a Value) -> Value {
        let properties = schema.get("properties").and_then(Value::as_object);
        let (Value::Object(object), Some(properties)) = (value.clone(), properties) else {
            return value;
        };
        let required = |key: &str| {
            let names = schema.get("required").and_then(Value::as_array);
            names.is_some_and(|names| names.iter().any(|name| name == key))
        };
        let mut coerced = Map::new();
        for (key, item) in &object {
            let known = properties.keys().find(|known| *known == key).or_else(|| {
                let renamed = properties.keys().find(|known| same_name(known, key));
                renamed.filter(|known| !object.contains_key(*known))
            });
            let Some(known) = known else {
                coerced.insert(key.clone(), item.clone());
                continue;
            };
            let property = self.resolved(&properties[known]);
            if item.is_null() && !required(known) && !allows_null(property) {
                continue;
            }
            coerced.insert(known.clone(), self.value(item.clone(), property));
        }
        Value::Object(coerced)
    }

    fn array(&self, value: Value, schema: &'a Value) -> Value {
        let items = match value {
            Value::Array(items) => items,
            Value::Null => Vec::new(),
            single @ (Value::Bool(_) | Value::Number(_) | Value::String(_) | Value::Object(_)) => {
                vec![single]
            }
        };
        match schema.get("items") {
            Some(item) => items.into_iter().map(|one| self.value(one, item)).collect(),
            None => Value::Array(items),
        }
    }
}

/// The type that a value should have; of several, the one besides `null`.
fn kind<'a>(schema: &'a Value, value: &Value) -> &'a str {
    match schema.get("type") {
        Some(Value::String(kind)) => kind,
        Some(Value::Array(_)) if value.is_null() => "null",
        Some(Value::Array(kinds)) => kinds
            .iter()
            .filter_map(Value::as_str)
            .find(|kind| *kind != "null")
            .unwrap_or_default(),
        _ => "",
    }
}

fn variants(schema: &Value) -> Option<&[Value]> {
    let list = schema.get("oneOf").or_else(|| schema.get("anyOf"))?;
    list.as_array().map(Vec::as_slice)
}

fn allows_null(schema: &Value) -> bool {
    let null = |kind: &Value| kind == "null";
    let typed = schema.get("type").is_some_and(|kind| {
        null(kind) || kind.as_array().is_some_and(|kinds| kinds.iter().any(null))
    });
    typed || variants(schema).is_some_and(|variants| variants.iter().any(allows_null))
}

/// Whether two names differ in case and separators only.
fn same_name(a: &str, b: &str) -> bool {
    let plain = |text: &str| -> String {
        let letters = text.chars().filter(|c| !matches!(c, '_' | '-' | ' '));
        letters.flat_map(char::to_lowercase).collect()
    };
    plain(a) == plain(b)
}

fn string(value: Value, schema: &Value) -> Value {
    let text = match value {
        Value::String(text) => text,
        Value::Number(number) => number.to_string(),
        Value::Bool(yes) => yes.to_string(),
        Value::Array(lines) if !lines.is_empty() && lines.iter().all(Value::is_string) => {
            let lines: Vec<_> = lines.iter().filter_map(Value::as_str).collect();
            lines.join("\n")
        }
        Value::Null | Value::Array(_) | Value::Object(_) => return value,
    };
    let options = schema
        .get("enum")
        .and_then(Value::as_array)
        .into_iter()
        .flatten();
    let mut known = options.chain(schema.get("const")).filter_map(Value::as_str);
    match known.find(|known| same_name(known, &text)) {
        Some(known) => Value::String(known.to_owned()),
        None => Value::String(text),
    }
}

fn number(value: Value) -> Value {
    let text = match &value {
        Value::String(text) => text.trim().to_owned(),
        Value::Number(number) => number.to_string(),
        Value::Null | Value::Bool(_) | Value::Array(_) | Value::Object(_) => return value,
    };
    let whole = text.strip_suffix(".0").unwrap_or(&text);
    match serde_json::from_str(whole) {
        Ok(number @ Value::Number(_)) => number,
        Ok(_) | Err(_) => value,
    }
}

fn boolean(value: Value) -> Value {
    match value
        .as_str()
        .map(|text| text.trim().to_ascii_lowercase())
        .as_deref()
    {
        Some("true" | "yes") => Value::Bool(true),
        Some("false" | "no") => Value::Bool(false),
        _ => value,
    }
}

/// Puts `\b` and `\f` for backspaces and form feeds in strings: nobody means these characters, but
/// a regular expression whose backslashes were not doubled has them.
fn restore_escapes(value: &mut Value) {
    match value {
        Value::String(text) => *text = text.replace('\u{8}', "\\b").replace('\u{c}', "\\f"),
        Value::Array(items) => items.iter_mut().for_each(restore_escapes),
        Value::Object(object) => object.values_mut().for_each(restore_escapes),
        Value::Null | Value::Bool(_) | Value::Number(_) => {}
    }
}
