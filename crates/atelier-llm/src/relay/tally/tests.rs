//! Counts asked for in one dialect and made in another.

#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

use serde_json::{Value, json};

use super::{Dialect, body, count, document, question, segments};

fn asked() -> [(Dialect, Value); 3] {
    let said = json!([{"role": "user", "content": "Hi"}]);
    let contents = json!([{"role": "user", "parts": [{"text": "Hi"}]}]);
    [
        (
            Dialect::Messages,
            json!({"model": "m", "messages": said, "system": "Be brief."}),
        ),
        (
            Dialect::Responses,
            json!({"model": "m", "input": said, "instructions": "Be brief."}),
        ),
        (
            Dialect::Gemini,
            json!({"generateContentRequest": {
                "contents": contents, "systemInstruction": {"parts": [{"text": "Be brief."}]},
            }}),
        ),
    ]
}

#[test]
fn a_question_is_counted_in_every_dialect_that_has_words_for_it() {
    for (client, value) in asked() {
        let written = |upstream| {
            let mut read = question(client, &value).unwrap();
            read.temperature = Some(0.5);
            read.stops = Vec::new();
            body(upstream, &mut read, "m").unwrap()
        };
        assert_eq!(
            written(Dialect::Messages),
            json!({"model": "m", "system": "Be brief.", "messages": [
                {"role": "user", "content": [{"type": "text", "text": "Hi"}]},
            ]}),
        );
        assert_eq!(
            written(Dialect::Responses),
            json!({"model": "m", "instructions": "Be brief.", "input": [
                {"type": "message", "role": "user", "content": "Hi"},
            ]}),
        );
        let gemini = written(Dialect::Gemini);
        assert_eq!(gemini["generateContentRequest"]["model"], "models/m");
        assert_eq!(
            gemini["generateContentRequest"]["contents"][0]["parts"][0]["text"],
            "Hi"
        );
    }
}

#[test]
fn a_gemini_conversation_may_stand_alone() {
    let alone = json!({"contents": [{"parts": [{"text": "Hi"}]}]});
    assert_eq!(question(Dialect::Gemini, &alone).unwrap().turns.len(), 1);
}

#[test]
fn counts_are_read_and_said_in_every_dialect() {
    for (dialect, said) in [
        (Dialect::Messages, json!({"input_tokens": 7})),
        (
            Dialect::Responses,
            json!({"object": "response.input_tokens", "input_tokens": 7}),
        ),
        (Dialect::Gemini, json!({"totalTokens": 7})),
    ] {
        assert_eq!(document(dialect, 7), said);
        assert_eq!(count(&said).unwrap(), 7);
        assert!(segments(dialect, "m").is_some());
    }
    assert!(count(&json!({"tokens": 7})).is_err());
    assert_eq!(segments(Dialect::Chat, "m"), None);
}
