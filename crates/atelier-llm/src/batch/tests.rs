//! Questions of a batch and its answers, line by line.
#![expect(
    clippy::unwrap_used,
    clippy::panic,
    reason = "a test fails by panicking"
)]

use std::collections::BTreeSet;

use atelier_guard::Policy;
use atelier_model::{Limits, MicroUsd, Timestamp, Usage};
use atelier_seal::SealKey;
use serde_json::{Value, json};

use super::{
    BatchError, BatchOutcome, BatchTerms, BatchTrace, Batches, anthropic, hidden::Restoring,
    openai, questions,
};
use crate::{PriceTable, Route, Secret, relay::Dialect};

const MINE: &str =
    r#"{"custom_id":"a","messages":[{"role":"user","content":"hi"}],"max_tokens":5}"#;

fn batches_of((provider, model): (&str, &str), guard: Policy) -> Batches {
    let mut route = Route::new(provider, model, 1_000);
    route.key = Some(Secret::new("sk-throwaway"));
    route.guard = guard;
    let terms = BatchTerms {
        prices: &PriceTable::new([].into()),
        limits: &Limits::default(),
        guard_key: &SealKey::from_bytes([7; 32]),
        key_name: None,
        now: Timestamp::default(),
    };
    Batches::new(&route, terms).unwrap()
}

fn batches(guard: Policy) -> Batches {
    batches_of(("openai", "gpt-4.1"), guard)
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
    assert_eq!(read.model, "gpt-4.1");
    assert_eq!(read.custom_ids, ["a", "b"]);
    let (names, bodies): (Vec<String>, Vec<Value>) = read
        .sent("token")
        .map(|(name, body)| (name, serde_json::from_str(body).unwrap()))
        .unzip();
    assert_eq!(names, ["token-0", "token-1"]);
    let messages = json!([{"role": "user", "content": "hi"}]);
    let first = json!({"model": "gpt-4.1", "messages": messages, "max_completion_tokens": 5});
    let second = json!({"model": "gpt-4.1", "messages": [], "n": 2, "max_completion_tokens": 1000});
    assert_eq!(bodies, [first, second]);
    // Half of 2 and 8 dollars for a million tokens.
    let bytes: usize = read.bodies.iter().map(String::len).sum();
    let most = (bytes as u64 + 64) + 2_005 * 4;
    assert_eq!(batches.worst_case(&read), Some(MicroUsd(most)));
}

#[test]
fn anthropic_gets_params_and_its_cache_is_cheaper_as_well() {
    let model = "claude-sonnet-4-5";
    let batches = batches_of(("anthropic", model), Policy::Off);
    let theirs = r#"{"custom_id":"b","params":{"messages":[],"max_tokens":7}}"#;
    let read = batches.read(&format!("{MINE}\n{theirs}")).unwrap();
    let bodies: Vec<Value> = read
        .bodies
        .iter()
        .map(|body| serde_json::from_str(body).unwrap())
        .collect();
    let messages = json!([{"role": "user", "content": "hi"}]);
    let first = json!({"model": model, "messages": messages, "max_tokens": 5});
    let second = json!({"model": model, "messages": [], "max_tokens": 7});
    assert_eq!(bodies, [first, second]);
    let foreign = r#"{"custom_id":"c","url":"/v1/chat/completions","body":{"messages":[]}}"#;
    let refused = batches.read(foreign).unwrap_err().to_string();
    assert!(refused.contains("another provider"), "{refused}");
    // 3 and 15 dollars for a million, halved; a tenth of it for what the cache gave.
    let usage = Usage {
        input: 2_000_000,
        output: 1_000_000,
        cached_input: 1_000_000,
        ..Usage::default()
    };
    let cost = batches.cost(model, &usage);
    assert_eq!(cost, MicroUsd(1_500_000 + 150_000 + 7_500_000));
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
fn what_a_provider_must_not_see_is_hidden_and_comes_back() {
    let asked = json!({"custom_id": "anna@example.org", "messages":
        [{"role": "user", "content": "Write to anna@example.org about \"it\"."}]});
    for (of, dialect) in [
        (("openai", "gpt-4.1"), Dialect::Chat),
        (("anthropic", "claude-sonnet-4-5"), Dialect::Messages),
    ] {
        let batches = batches_of(of, Policy::All);
        let read = batches.read(&asked.to_string()).unwrap();
        let sent: Vec<(String, &str)> = read.sent("token").collect();
        assert_eq!(sent[0].0, "token-0");
        assert!(!sent[0].1.contains("anna"), "{}", sent[0].1);
        let hidden = read.hidden.as_ref().unwrap();
        assert_eq!(hidden.fact.name(), "guard.redacted");
        let body: Value = serde_json::from_str(sent[0].1).unwrap();
        let said = body["messages"][0]["content"].as_str().unwrap();
        let response = if dialect == Dialect::Messages {
            json!({"content": [{"type": "text", "text": said}]})
        } else {
            json!({"choices": [{"message": {"content": said}}]})
        };
        let key = SealKey::from_bytes([7; 32]);
        let restoring = Restoring::read(&hidden.kept, &key, dialect).unwrap();
        let restored = restoring.response(0, response);
        let text = if dialect == Dialect::Messages {
            anthropic::text(&restored)
        } else {
            openai::text(&restored)
        };
        assert_eq!(text, asked["messages"][0]["content"]);
        assert!(restoring.words(said).contains("anna@example.org"));
        assert!(Restoring::read(b"{}", &key, dialect).is_err());
    }
    assert!(batches(Policy::Off).read(MINE).unwrap().hidden.is_none());
}

#[test]
fn equal_questions_are_equal_whatever_is_hidden() {
    let digest = |guard| batches(guard).read(MINE).unwrap().digest;
    assert_eq!(digest(Policy::Off), digest(Policy::All));
    let other = MINE.replace("hi", "ho");
    let other = batches(Policy::Off).read(&other).unwrap().digest;
    assert_ne!(digest(Policy::Off), other);
}

#[test]
fn answers_find_their_questions() {
    let names = ["a".to_owned(), "b".to_owned()];
    let place = |name| questions::place(name, "token", &names);
    assert_eq!(place("token-1"), Some(1));
    assert_eq!(place("token-2"), None);
    assert_eq!(place("other-1"), None);
    // A batch of an earlier version went out with the names of people.
    assert_eq!(place("b"), Some(1));
}

#[test]
fn openai_tells_answers_and_errors_apart() {
    let (name, outcome) = openai::answer(json!({"custom_id": "a", "error": null, "response":
        {"status_code": 200, "body": {"choices": [{"message": {"content": "ho"}}],
        "usage": {"prompt_tokens": 9, "completion_tokens": 3,
            "prompt_tokens_details": {"cached_tokens": 4, "cache_write_tokens": 2}}}}}))
    .unwrap();
    let BatchOutcome::Answered { text, usage, .. } = outcome else {
        panic!("{outcome:?}");
    };
    assert_eq!((name.as_str(), text.as_str()), ("a", "ho"));
    let told = Usage {
        input: 9,
        output: 3,
        cached_input: 4,
        cache_write: 2,
        ..Usage::default()
    };
    assert_eq!(usage, Some(told));
    let failed = |line: Value| openai::answer(line).unwrap().1;
    let body = json!({"error": {"message": "no such model"}});
    let line = json!({"custom_id": "a", "response": {"status_code": 400, "body": body}});
    let (status, said) = (Some(400), "no such model".to_owned());
    assert_eq!(failed(line), BatchOutcome::Failed { status, said });
    let error = json!({"code": "batch_expired", "message": "expired"});
    let line = json!({"custom_id": "a", "response": null, "error": error});
    let (status, said) = (None, "expired".to_owned());
    assert_eq!(failed(line), BatchOutcome::Failed { status, said });
    assert!(openai::answer(json!({})).is_err());
}

#[test]
fn anthropic_tells_answers_errors_and_what_was_given_up_apart() {
    let outcome = |result: Value| {
        let line = json!({"custom_id": "a", "result": result});
        anthropic::answer(line).unwrap().1
    };
    let message = json!({"content": [{"type": "thinking", "thinking": "hm"},
        {"type": "text", "text": "h"}, {"type": "text", "text": "o"}], "stop_reason": "end_turn",
        "usage": {"input_tokens": 9, "cache_read_input_tokens": 4, "output_tokens": 3}});
    let answered = outcome(json!({"type": "succeeded", "message": message}));
    let BatchOutcome::Answered { text, usage, .. } = answered else {
        panic!("{answered:?}");
    };
    assert_eq!(text, "ho");
    let told = Usage {
        input: 13,
        output: 3,
        cached_input: 4,
        ..Usage::default()
    };
    assert_eq!(usage, Some(told));
    let said = |result: Value| {
        let BatchOutcome::Failed { status: None, said } = outcome(result) else {
            panic!("it failed");
        };
        said
    };
    let error = json!({"type": "error", "error":
        {"type": "invalid_request_error", "message": "too long"}});
    assert!(said(json!({"type": "errored", "error": error})).contains("too long"));
    assert!(said(json!({"type": "canceled"})).contains("given up"));
    assert!(said(json!({"type": "expired"})).contains("time"));
}

#[test]
fn a_lost_batch_is_looked_for_by_size_and_time_among_those_nobody_knows() {
    let others = BTreeSet::from(["msgbatch_known".to_owned()]);
    let trace = BatchTrace {
        token: "token",
        questions: 2,
        ordered_at: "2026-03-04T12:00:00Z".parse().unwrap(),
        others: &others,
    };
    let is_alike = |id: &str, made: &str, count: u64| {
        let counts = json!({"processing": count, "succeeded": 0});
        let batch = json!({"id": id, "created_at": made, "request_counts": counts});
        anthropic::is_alike(&batch, trace, 600_000)
    };
    assert!(is_alike("msgbatch_1", "2026-03-04T12:00:07.5Z", 2));
    assert!(is_alike("msgbatch_1", "2026-03-04T11:51:00Z", 2));
    assert!(!is_alike("msgbatch_1", "2026-03-04T11:49:00Z", 2));
    assert!(!is_alike("msgbatch_1", "2026-03-04T12:21:00Z", 2));
    assert!(!is_alike("msgbatch_1", "2026-03-04T12:00:07Z", 3));
    assert!(!is_alike("msgbatch_known", "2026-03-04T12:00:07Z", 2));
    assert!(!is_alike("msgbatch_1", "soon", 2));
}
