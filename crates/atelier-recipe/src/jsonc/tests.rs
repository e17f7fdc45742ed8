//! Settings as they stand in projects.

use serde_json::json;

use super::value;

#[test]
fn comments_and_idle_commas_are_no_part_of_the_value() {
    let text = "// a\n{ /* b */ \"tasks\": { \"test\": \"deno test // \\\" ,}\", }, // c\n \"x\": [1, 2,\n], }\n";
    let expected = json!({ "tasks": { "test": "deno test // \" ,}" }, "x": [1, 2] });
    assert_eq!(value(text), Some(expected));
}

#[test]
fn what_is_no_json_has_no_value() {
    for text in ["", "{", "\"", "\"\\", "/*", "{\"a\": 1", "[,", "// x"] {
        assert_eq!(value(text), None, "{text}");
    }
}
