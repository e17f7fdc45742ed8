//! What an answer says, out of the bytes in which its provider said it.

use serde_json::Value;

/// Bytes of an answer that are looked at.
const ANSWER_BYTES_MAX: usize = 1 << 20;

/// Names under which the dialects write what a model says.
const SAYING: [&str; 6] = [
    "content",
    "text",
    "delta",
    "arguments",
    "partial_json",
    "input",
];

/// The text of an answer, whole or in events, in the order in which it was said.
pub(crate) fn said(bytes: &[u8]) -> String {
    let bytes = bytes.get(..ANSWER_BYTES_MAX).unwrap_or(bytes);
    let mut text = String::new();
    if let Ok(value) = serde_json::from_slice(bytes) {
        add(&value, &mut text);
        return text;
    }
    let lines = bytes.split(|byte| *byte == b'\n');
    for data in lines.filter_map(|line| line.strip_prefix(b"data:")) {
        // The event that ends a stream of responses says all of it once more.
        if let Ok(value) = serde_json::from_slice::<Value>(data)
            && value.get("response").is_none()
        {
            add(&value, &mut text);
        }
    }
    text
}

fn add(value: &Value, text: &mut String) {
    match value {
        Value::Object(members) => {
            for (name, member) in members {
                match member {
                    Value::String(said) if SAYING.contains(&name.as_str()) => text.push_str(said),
                    Value::String(_) | Value::Null | Value::Bool(_) | Value::Number(_) => {}
                    Value::Array(_) | Value::Object(_) => add(member, text),
                }
            }
        }
        Value::Array(values) => values.iter().for_each(|value| add(value, text)),
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) => {}
    }
}

#[cfg(test)]
mod tests;
