//! Every case of `fixtures/answers`, and properties of reading.
#![expect(
    clippy::unwrap_used,
    clippy::disallowed_methods,
    reason = "a test fails by panicking, and its cases are files"
)]

use std::{
    fs,
    path::{Path, PathBuf},
};

use atelier_model::{BasicPlan, Design, DetailedPhase, Handoff};
use proptest::{prelude::*, test_runner::RngSeed};
use schemars::JsonSchema;
use serde::{Serialize, de::DeserializeOwned};
use serde_json::Value;

use super::{ReadAnswerError, Repair, read};

fn fixtures() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../../fixtures/answers")
}

fn value<T: Serialize + DeserializeOwned + JsonSchema>(
    reply: &str,
) -> Result<Value, ReadAnswerError> {
    read::<T>(reply).map(|answer| serde_json::to_value(answer.value).unwrap())
}

/// Reads a reply as the type that the case's name begins with.
fn outcome(name: &str, reply: &str) -> Result<Value, ReadAnswerError> {
    match name.split('-').next().unwrap() {
        "design" => value::<Design>(reply),
        "plan" => value::<BasicPlan>(reply),
        "detail" => value::<DetailedPhase>(reply),
        "handoff" => value::<Handoff>(reply),
        other => unreachable!("no type for {other}"),
    }
}

/// What is wrong with a case; nothing if all is well.
fn check(case: &Path) -> Option<String> {
    let name = case.file_name().unwrap().to_string_lossy().into_owned();
    let reply = fs::read_to_string(case.join("reply.md")).unwrap();
    let refused = case.join("refused.txt");
    match (outcome(&name, &reply), refused.exists()) {
        (Ok(value), false) => {
            let text = fs::read_to_string(case.join("expected.json")).unwrap();
            let expected: Value = serde_json::from_str(&text).unwrap();
            (value != expected).then(|| format!("{name}: other than expected: {value:#}"))
        }
        (Err(error), true) => {
            let said = format!("{error}\n");
            if std::env::var_os("UPDATE").is_some() {
                fs::write(&refused, &said).unwrap();
            }
            let expected = fs::read_to_string(&refused).unwrap();
            (expected != said).then(|| format!("{name}: refused otherwise: {said}"))
        }
        (Ok(value), true) => Some(format!(
            "{name}: read, though it must be refused: {value:#}"
        )),
        (Err(error), false) => Some(format!("{name}: refused: {error}")),
    }
}

#[test]
fn every_case_is_read_exactly_or_refused_as_written_down() {
    let mut cases: Vec<_> = fs::read_dir(fixtures())
        .unwrap()
        .map(|entry| entry.unwrap().path())
        .filter(|path| path.is_dir())
        .collect();
    cases.sort();
    assert!(cases.len() >= 60, "cases went missing: {}", cases.len());
    let wrong: Vec<_> = cases.iter().filter_map(|case| check(case)).collect();
    assert!(wrong.is_empty(), "{}", wrong.join("\n\n"));
}

#[derive(Debug, PartialEq, Serialize, serde::Deserialize, JsonSchema)]
struct Note {
    text: String,
    #[serde(default)]
    level: Level,
    #[serde(default)]
    count: Option<u32>,
    #[serde(default)]
    ready: bool,
}

#[derive(Debug, PartialEq, Default, Serialize, serde::Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
enum Level {
    #[default]
    Low,
    VeryHigh,
}

#[test]
fn what_was_repaired_is_told() {
    let cases: [(&str, &[Repair]); 6] = [
        (r#"{"text": "a"}"#, &[]),
        (r#"Here: {"text": "a"}"#, &[Repair::Extracted]),
        (r#"{"text": "a",}"#, &[Repair::Syntax]),
        (r#"{"text": 1}"#, &[Repair::Coerced]),
        (
            r#"Here: {"text": 1}"#,
            &[Repair::Extracted, Repair::Coerced],
        ),
        (
            r#"Here: {"text": 1,}."#,
            &[Repair::Extracted, Repair::Syntax, Repair::Coerced],
        ),
    ];
    for (reply, repairs) in cases {
        assert_eq!(read::<Note>(reply).unwrap().repairs, repairs, "{reply}");
    }
}

#[test]
fn values_take_the_form_of_their_schema() {
    let note = |level, count, ready| Note {
        text: "a".to_owned(),
        level,
        count,
        ready,
    };
    let cases = [
        (
            r#"{"text": "a", "level": "VERY-HIGH"}"#,
            note(Level::VeryHigh, None, false),
        ),
        (
            r#"{"text": "a", "level": "Very high"}"#,
            note(Level::VeryHigh, None, false),
        ),
        (
            r#"{"text": "a", "level": null}"#,
            note(Level::Low, None, false),
        ),
        (
            r#"{"text": "a", "count": " 3 "}"#,
            note(Level::Low, Some(3), false),
        ),
        (
            r#"{"text": "a", "count": null}"#,
            note(Level::Low, None, false),
        ),
        (
            r#"{"text": "a", "ready": "Yes"}"#,
            note(Level::Low, None, true),
        ),
        (
            r#"{"TEXT": "a", "Ready": true}"#,
            note(Level::Low, None, true),
        ),
    ];
    for (reply, expected) in cases {
        assert_eq!(read::<Note>(reply).unwrap().value, expected, "{reply}");
    }
    for reply in [
        r#"{"text": "a", "level": "extreme"}"#,
        r#"{"text": "a", "count": "many"}"#,
    ] {
        let error = read::<Note>(reply).unwrap_err();
        assert!(matches!(error, ReadAnswerError::Schema { .. }), "{error}");
    }
}

#[test]
fn a_reply_beyond_the_limit_is_not_read() {
    let reply = " ".repeat(super::ANSWER_BYTES_MAX + 1);
    let error = read::<Note>(&reply).unwrap_err();
    assert_eq!(
        error,
        ReadAnswerError::TooLong {
            bytes_max: super::ANSWER_BYTES_MAX
        }
    );
}

const FRAGMENTS: &[&str] = &[
    "{",
    "}",
    "[",
    "]",
    "\"",
    "'",
    ":",
    ",",
    "\\",
    "\\u",
    "\\u12",
    "\n",
    "```json\n",
    "```\n",
    "//",
    "/*",
    "*/",
    "<think>",
    "</think>",
    "text",
    "\"text\": ",
    "\"a\"",
    "null",
    "None",
    "True",
    "1",
    "-1.5e3",
    " ",
    "é",
    "\u{feff}",
    "\u{1f600}",
    "...",
    "# x\n",
    "undefined",
    "NaN",
];

proptest! {
    #![proptest_config(ProptestConfig {
        cases: 400,
        failure_persistence: None,
        rng_seed: RngSeed::Fixed(3),
        ..ProptestConfig::default()
    })]

    #[test]
    fn no_reply_makes_reading_panic(pieces in prop::collection::vec(prop::sample::select(FRAGMENTS), 0..40)) {
        let reply = pieces.concat();
        let _ = read::<Note>(&reply);
        let _ = read::<DetailedPhase>(&reply);
    }

    #[test]
    fn prose_around_an_answer_changes_nothing(before in "[a-zA-Z .,'\n]{0,60}", after in "[a-zA-Z .,'\n]{0,60}", text in "[ -~é]{0,30}") {
        let note = Note { text, level: Level::VeryHigh, count: Some(2), ready: true };
        let reply = format!("{before}\n{}\n{after}", serde_json::to_string(&note).unwrap());
        prop_assert_eq!(read::<Note>(&reply).unwrap().value, note);
    }
}
