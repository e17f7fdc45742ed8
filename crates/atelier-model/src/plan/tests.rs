//! Checks in words, and what a plan in JSON may leave out.

#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

use serde_json::{Value, json};

use super::{Acceptance, Check, Expect, Step};

fn how(check: &Value, expect: &Value) -> String {
    let acceptance = json!({"id": "A1", "text": "it works", "check": check, "expect": expect});
    serde_json::from_value::<Acceptance>(acceptance)
        .unwrap()
        .how()
}

#[test]
fn a_check_is_told_in_one_line() {
    let argv = json!(["cargo", "test"]);
    let none = || json!({});
    let cases = [
        (
            json!({"type": "command", "argv": argv}),
            none(),
            "run `cargo test`",
        ),
        (
            json!({"type": "command", "argv": argv, "cwd": "web"}),
            none(),
            "run `cargo test` in `web`",
        ),
        (
            json!({"type": "command", "argv": ["x"]}),
            json!({"exit": 2, "tests_min": 3, "output": "^ok$"}),
            "run `x`; it exits with 2; at least 3 tests run; the output matches `^ok$`",
        ),
        (
            json!({"type": "command", "argv": ["x"]}),
            json!({"exit": 0}),
            "run `x`",
        ),
        (json!({"type": "command", "argv": []}), none(), "run ``"),
        (json!({"type": "file", "path": "a"}), none(), "`a` exists"),
        (
            json!({"type": "file", "path": "a", "contains": "b"}),
            none(),
            "`a` contains `b`",
        ),
        (
            json!({"type": "regex", "path": "a", "pattern": "b+"}),
            none(),
            "`a` matches `b+`",
        ),
        (
            json!({"type": "http", "start": ["node", "server.js"], "path": "/x"}),
            json!({"status": 404}),
            "start `node server.js` and send GET /x; the status is 404",
        ),
        (
            json!({"type": "http", "start": ["s"], "method": "POST", "path": "/", "body": "{}"}),
            none(),
            "start `s` and send POST /",
        ),
        (
            json!({"type": "human", "question": "is it fine?"}),
            none(),
            "a person answers: is it fine?",
        ),
    ];
    for (check, expect, expected) in cases {
        assert_eq!(how(&check, &expect), expected);
    }
}

#[test]
fn every_kind_of_check_is_read_back_from_json() {
    let checks = [
        Check::Command {
            argv: vec!["a".to_owned()],
            cwd: Some("b".to_owned()),
        },
        Check::File {
            path: "a".to_owned(),
            contains: None,
        },
        Check::Regex {
            path: "a".to_owned(),
            pattern: "b".to_owned(),
        },
        Check::Http {
            start: vec!["a".to_owned()],
            method: "PUT".to_owned(),
            path: "/".to_owned(),
            body: Some("b".to_owned()),
        },
        Check::Human {
            question: "a".to_owned(),
        },
    ];
    for check in checks {
        let json = serde_json::to_value(&check).unwrap();
        assert_eq!(serde_json::from_value::<Check>(json).unwrap(), check);
    }
    assert!(serde_json::from_value::<Check>(json!({"type": "trust"})).is_err());
    assert!(serde_json::from_value::<Check>(json!({"argv": ["a"]})).is_err());
}

#[test]
fn a_step_may_leave_out_what_has_a_meaning_when_absent() {
    let step: Step = serde_json::from_value(json!({
        "number": "1.1", "title": "t", "description": "d", "outputs": ["a"], "acceptance": [
            {"id": "A1", "text": "x", "check": {"type": "file", "path": "a"}},
        ],
    }))
    .unwrap();
    assert_eq!(step.owns, [""; 0]);
    assert_eq!(step.acceptance[0].expect, Expect::default());
    assert!(!step.acceptance[0].must_fail_before);
    for missing in ["number", "title", "description", "outputs", "acceptance"] {
        let mut json = serde_json::to_value(&step).unwrap();
        json.as_object_mut().unwrap().remove(missing);
        assert!(serde_json::from_value::<Step>(json).is_err(), "{missing}");
    }
}
