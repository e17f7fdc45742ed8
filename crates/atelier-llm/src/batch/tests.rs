//! Questions of a batch and its answers, line by line.
#![expect(
    clippy::unwrap_used,
    clippy::panic,
    reason = "a test fails by panicking"
)]

use atelier_guard::Policy;
use atelier_model::{Limits, MicroUsd, Timestamp, Usage};
use serde_json::Value;

use super::{BatchError, BatchOutcome, Batches, openai};
use crate::{PriceTable, Route, Secret};

const MINE: &str =
    r#"{"custom_id":"a","messages":[{"role":"user","content":"hi"}],"max_tokens":5}"#;

fn batches(guard: Policy) -> Batches {
    let mut route = Route::new("openai", "gpt-4.1", 1_000);
    route.key = Some(Secret::new("sk-throwaway"));
    route.guard = guard;
    let prices = PriceTable::new([].into());
    Batches::new(&route, (&prices, &Limits::default()), Timestamp::default()).unwrap()
}

fn why(text: &str) -> (usize, &'static str) {
    match batches(Policy::Off).read(text) {
        Err(BatchError::Line { line, why }) => (line, why),
        other => panic!("{other:?}"),
    }
}

#[test]
fn both_forms_of_a_question_are_sent_in_the_form_of_the_provider() {
    let theirs = r#"{"custom_id":"b","method":"POST","url":"/v1/chat/completions",
        "body":{"model":"gpt-4.1","messages":[],"n":2}}"#;
    let text = format!("{MINE}\n\n{}\n", theirs.replace('\n', ""));
    let batches = batches(Policy::Off);
    let read = batches.read(&text).unwrap();
    assert_eq!((read.model.as_str(), read.custom_ids.len()), ("gpt-4.1", 2));
    let lines: Vec<Value> = read
        .lines
        .lines()
        .map(|line| serde_json::from_str(line).unwrap())
        .collect();
    assert_eq!(lines[0]["body"]["max_completion_tokens"], 5);
    assert_eq!(lines[0]["body"]["model"], "gpt-4.1");
    assert_eq!(lines[1]["body"]["max_completion_tokens"], 1_000);
    assert_eq!(lines[1]["url"], "/v1/chat/completions");
    // Half of 2 and 8 dollars for a million tokens.
    let bytes: usize = read.lines.lines().map(str::len).sum();
    let most = (bytes as u64 + 64) + 2_005 * 4;
    assert_eq!(batches.worst_case(&read), Some(MicroUsd(most)));
}

#[test]
fn a_line_that_is_no_question_is_named() {
    assert_eq!(why("\n[]"), (2, "it is no JSON object"));
    assert_eq!(why(&format!("{MINE}\n{MINE}")).0, 2);
    assert!(why(r#"{"custom_id":"a"}"#).1.contains("messages"));
    let other = MINE.replace("\"a\"", "\"b\",\"model\":\"o3\"");
    assert!(why(&format!("{MINE}\n{other}")).1.contains("one model"));
    let streamed = MINE.replace("\"a\"", "\"a\",\"stream\":true");
    assert!(why(&streamed).1.contains("stream"));
    let none = batches(Policy::Off).read("\n").unwrap_err();
    assert!(matches!(none, BatchError::NoQuestion));
}

#[test]
fn nothing_leaves_where_something_is_to_be_hidden() {
    for policy in [Policy::Secrets, Policy::All] {
        let refused = batches(policy).read(MINE).unwrap_err();
        assert!(matches!(refused, BatchError::Guarded { .. }));
    }
}

#[test]
fn answers_and_errors_are_told_apart() {
    let line = r#"{"custom_id":"a","response":{"status_code":200,"body":{"choices":[{"message":
        {"content":"ho"}}],"usage":{"prompt_tokens":9,"completion_tokens":3}}},"error":null}"#;
    let (name, outcome) = openai::answer(line).unwrap();
    let BatchOutcome::Answered { text, usage, .. } = outcome else {
        panic!("{outcome:?}");
    };
    assert_eq!((name.as_str(), text.as_str()), ("a", "ho"));
    assert_eq!(
        usage,
        Usage {
            input: 9,
            output: 3,
            ..Usage::default()
        }
    );
    let failed = |line: &str| openai::answer(line).unwrap().1;
    let (status, said) = (Some(400), "no such model".to_owned());
    assert_eq!(
        failed(
            r#"{"custom_id":"a","response":{"status_code":400,"body":{"error":{"message":"no such model"}}}}"#
        ),
        BatchOutcome::Failed { status, said },
    );
    let (status, said) = (None, "expired".to_owned());
    assert_eq!(
        failed(r#"{"custom_id":"a","response":null,"error":{"code":"x","message":"expired"}}"#),
        BatchOutcome::Failed { status, said },
    );
    assert!(openai::answer("{}").is_err());
}
