//! Ends, withheld answers and counts of Gemini's dialect.

use atelier_model::{StopReason, Usage};
use serde_json::{Value, json};

use super::{decode, expected, fixture};
use crate::wire::{Completion, DecodeError, gemini::Generated};

fn decoded(value: &Value) -> Result<Completion, DecodeError> {
    decode::<Generated>([value.to_string().as_bytes()])
}

fn streamed(pieces: &[Value]) -> Result<Completion, DecodeError> {
    let frame = |piece: &Value| format!("data: {piece}\r\n\r\n");
    let frames: Vec<String> = pieces.iter().map(frame).collect();
    decode::<Generated>(frames.iter().map(String::as_bytes))
}

fn piece(text: &str, reason: Option<&str>, usage: &Value) -> Value {
    let content = json!({"parts": [{"text": text}], "role": "model"});
    let mut candidate = json!({"content": content});
    if let Some(reason) = reason {
        candidate["finishReason"] = json!(reason);
    }
    let mut piece = json!({"candidates": [candidate]});
    if !usage.is_null() {
        piece["usageMetadata"] = usage.clone();
    }
    piece
}

#[test]
fn only_one_reason_says_that_an_answer_is_whole() {
    let table = [
        ("STOP", StopReason::End),
        ("MAX_TOKENS", StopReason::Length),
        ("SAFETY", StopReason::Filtered),
        ("RECITATION", StopReason::Filtered),
        ("BLOCKLIST", StopReason::Filtered),
        ("PROHIBITED_CONTENT", StopReason::Filtered),
        ("SPII", StopReason::Filtered),
        ("MALFORMED_FUNCTION_CALL", StopReason::Filtered),
        ("OTHER", StopReason::Filtered),
        ("SOMETHING_NEWER", StopReason::Filtered),
    ];
    for (reason, stop) in table {
        let whole = piece("x", Some(reason), &Value::Null);
        assert_eq!(decoded(&whole).unwrap().stop, stop, "{reason}");
        assert_eq!(streamed(&[whole]).unwrap().stop, stop, "{reason}");
    }
}

#[test]
fn a_blocked_prompt_is_a_withheld_answer_with_its_cost() {
    let blocked = json!({
        "promptFeedback": {"blockReason": "PROHIBITED_CONTENT", "safetyRatings": []},
        "usageMetadata": {"promptTokenCount": 12, "totalTokenCount": 12},
    });
    let completion = Completion {
        text: String::new(),
        stop: StopReason::Filtered,
        usage: Some(Usage {
            input: 12,
            ..Usage::default()
        }),
    };
    assert_eq!(decoded(&blocked), Ok(completion.clone()));
    assert_eq!(streamed(&[blocked]), Ok(completion));
}

#[test]
fn an_answer_that_safety_cut_without_a_word_is_withheld() {
    let whole = json!({"candidates": [{"finishReason": "SAFETY", "index": 0}]});
    assert_eq!(decoded(&whole).unwrap().stop, StopReason::Filtered);
}

#[test]
fn counts_have_this_dialects_meaning() {
    let table = [
        // Thoughts stand beside the answer.
        (
            json!({"promptTokenCount": 10, "candidatesTokenCount": 3, "thoughtsTokenCount": 40}),
            Some((10, 43, 0)),
        ),
        // All tokens went into thoughts.
        (
            json!({"promptTokenCount": 10, "thoughtsTokenCount": 40, "totalTokenCount": 50}),
            Some((10, 40, 0)),
        ),
        // What a tool read belongs to the prompt.
        (
            json!({"promptTokenCount": 10, "toolUsePromptTokenCount": 5, "candidatesTokenCount": 3}),
            Some((15, 3, 0)),
        ),
        (
            json!({"promptTokenCount": 10, "cachedContentTokenCount": 8, "candidatesTokenCount": 3}),
            Some((10, 3, 8)),
        ),
        (
            json!({"promptTokenCount": 10, "totalTokenCount": 17}),
            Some((10, 7, 0)),
        ),
        // Half a bill is no bill.
        (json!({"candidatesTokenCount": 3}), None),
        (json!({"promptTokenCount": 10}), None),
    ];
    for (usage, counts) in table {
        let expected = counts.map(|(input, output, cached_input)| Usage {
            input,
            output,
            cached_input,
            ..Usage::default()
        });
        let completion = decoded(&piece("x", Some("STOP"), &usage)).unwrap();
        assert_eq!(completion.usage, expected, "{usage}");
    }
}

#[test]
fn only_the_counts_at_the_end_count() {
    let early = json!({"promptTokenCount": 10, "candidatesTokenCount": 1});
    let late = json!({"promptTokenCount": 10, "candidatesTokenCount": 9});
    let usage = |pieces: &[Value]| streamed(pieces).unwrap().usage.map(|usage| usage.output);
    let first = piece("a", None, &early);
    let end = |usage: &Value| piece("b", Some("STOP"), usage);
    assert_eq!(usage(&[first.clone(), end(&late)]), Some(9));
    assert_eq!(usage(&[first.clone(), end(&Value::Null)]), None);
    // They may come one piece after the reason.
    let after = json!({"usageMetadata": late});
    assert_eq!(usage(&[first, end(&Value::Null), after]), Some(9));
}

#[test]
fn a_stream_without_a_reason_is_truncated_however_it_is_counted() {
    let usage = json!({"promptTokenCount": 10, "candidatesTokenCount": 1});
    let unset = piece("half", Some("FINISH_REASON_UNSPECIFIED"), &usage);
    assert_eq!(streamed(&[unset]), Err(DecodeError::Truncated));
    let half = piece("half", None, &usage);
    let stream = std::slice::from_ref(&half);
    assert_eq!(streamed(stream), Err(DecodeError::Truncated));
    assert!(matches!(decoded(&half), Err(DecodeError::Malformed { .. })));
}

#[test]
fn an_error_in_the_stream_keeps_its_words_and_meaning() {
    let error = json!({"error": {"code": 503, "message": "Overloaded", "status": "UNAVAILABLE"}});
    let half = piece("half", None, &Value::Null);
    let reported = DecodeError::Reported {
        status: 503,
        said: "Overloaded".to_owned(),
    };
    assert_eq!(streamed(&[half, error.clone()]), Err(reported.clone()));
    assert_eq!(decoded(&error), Err(reported));
}

#[test]
fn thoughts_other_answers_and_later_additions_are_no_text() {
    let whole = json!({
        "candidates": [
            {"index": 0, "finishReason": "STOP", "content": {"parts": [
                {"text": "thinking", "thought": true},
                {"text": "a"},
                {"functionCall": {"name": "f"}},
                {"inlineData": {"mimeType": "image/png", "data": ""}},
                {"text": "b", "news": 1},
            ]}},
            {"index": 1, "finishReason": "MAX_TOKENS", "content": {"parts": [{"text": "other"}]}},
        ],
        "news": {},
    });
    let completion = decoded(&whole).unwrap();
    assert_eq!(
        (completion.text.as_str(), completion.stop),
        ("ab", StopReason::End)
    );
    let stream = String::from_utf8(fixture("gemini/stream.sse")).unwrap();
    let stream = format!("data: {{\"news\":1}}\n\n{stream}");
    let decoded = decode::<Generated>([stream.as_bytes()]);
    assert_eq!(decoded, Ok(expected("gemini")));
}
