//! The same text as through a tree of values, or none.

use serde_json::Value;

use super::sorted;

fn through_tree(json: &str) -> Option<String> {
    let mut value: Value = serde_json::from_str(json).ok()?;
    value.sort_all_objects();
    Some(value.to_string())
}

#[test]
fn members_are_in_order_at_every_depth() {
    for json in [
        "{}",
        "[]",
        "7",
        "null",
        r#""a""#,
        r#"{"a":1}"#,
        r#"{"b":1,"a":2}"#,
        r#"{"b":{"d":[],"c":{}},"a":[{"z":-1.5,"y":true},"x",{"q":null,"p":""}]}"#,
        r#"{"c":"{\"b\":1,\"a\":2}","b":"\\","ab":"ä,}]","a":"\u0007"}"#,
        r#"{"a":[[],[{}],[1,2,[3]]],"A":false,"_":"","10":0,"9":1}"#,
    ] {
        assert_eq!(sorted(json), through_tree(json), "{json}");
    }
}

#[test]
fn what_cannot_be_sorted_as_it_stands_is_left_to_the_tree() {
    for json in [
        "",
        "{",
        "[1",
        r#"{"a"}"#,
        r#"{"a":}"#,
        r#"{"a":1"b":2}"#,
        r#"{"a":1}}"#,
        r#""a"#,
        r#""a\"#,
        "{a:1}",
        r#"{"b\n":1,"a":2}"#,
    ] {
        assert_eq!(sorted(json), None, "{json}");
    }
}
