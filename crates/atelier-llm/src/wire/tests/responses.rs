//! Ends, refusals and errors of the responses dialect.

use atelier_model::StopReason;
use serde_json::{Value, json};

use super::{decode, expected, fixture};
use crate::wire::{Completion, DecodeError, responses::Responses};

fn decoded(value: &Value) -> Result<Completion, DecodeError> {
    decode::<Responses>([value.to_string().as_bytes()])
}

/// A stream of events, each with its type.
fn streamed(events: &[Value]) -> Result<Completion, DecodeError> {
    let frame = |event: &Value| format!("event: {}\ndata: {event}\n\n", event["type"]);
    let frames: Vec<String> = events.iter().map(frame).collect();
    decode::<Responses>(frames.iter().map(String::as_bytes))
}

fn answer(status: &str, reason: Option<&str>, content: &Value) -> Value {
    json!({
        "object": "response",
        "status": status,
        "error": null,
        "incomplete_details": reason.map(|reason| json!({"reason": reason})),
        "output": [{"type": "message", "content": [content]}],
    })
}

fn text(text: &str) -> Value {
    json!({"type": "output_text", "text": text})
}

#[test]
fn each_end_has_its_meaning_whole_and_streamed() {
    let table = [
        ("completed", None, StopReason::End),
        ("incomplete", Some("max_output_tokens"), StopReason::Length),
        ("incomplete", Some("content_filter"), StopReason::Filtered),
        ("incomplete", Some("something newer"), StopReason::Length),
        ("incomplete", None, StopReason::Length),
    ];
    for (status, reason, stop) in table {
        let whole = answer(status, reason, &text("x"));
        let completion = Completion {
            text: "x".to_owned(),
            stop,
            usage: None,
        };
        assert_eq!(decoded(&whole).as_ref(), Ok(&completion), "{status}");
        let kind = format!("response.{status}");
        let end = json!({"type": kind, "response": whole});
        assert_eq!(streamed(&[end]), Ok(completion), "{status}");
    }
}

#[test]
fn a_refusal_is_a_withheld_answer() {
    let refusal = json!({"type": "refusal", "refusal": "I will not."});
    let whole = answer("completed", None, &refusal);
    assert_eq!(decoded(&whole).unwrap().stop, StopReason::Filtered);
    let delta = json!({"type": "response.refusal.delta", "delta": "I will"});
    let end = answer("completed", None, &text(""));
    let end = json!({"type": "response.completed", "response": end});
    assert_eq!(streamed(&[delta, end]).unwrap().stop, StopReason::Filtered);
}

#[test]
fn what_is_still_being_made_or_was_given_up_is_no_answer() {
    for status in ["queued", "in_progress", "cancelled"] {
        let error = decoded(&answer(status, None, &text("half"))).unwrap_err();
        assert!(
            matches!(&error, DecodeError::Malformed { said } if said.contains(status)),
            "{error:?}"
        );
    }
    let nothing = json!({"object": "response", "output": []});
    assert!(matches!(
        decoded(&nothing),
        Err(DecodeError::Malformed { .. })
    ));
}

#[test]
fn a_stream_without_its_last_event_is_truncated() {
    let delta = json!({"type": "response.output_text.delta", "delta": "half"});
    let done = json!({"type": "response.output_text.done", "text": "half"});
    assert_eq!(streamed(&[delta, done]), Err(DecodeError::Truncated));
}

#[test]
fn every_form_of_an_error_keeps_its_words_and_meaning() {
    let failed = json!({"code": "rate_limit_exceeded", "message": "Slow down"});
    let table = [
        json!({"type": "response.failed", "response": {"status": "failed", "error": failed}}),
        json!({"type": "error", "code": "rate_limit_exceeded", "message": "Slow down", "param": null}),
        json!({"type": "error", "error": {"type": "rate_limit_error", "message": "Slow down"}}),
    ];
    let reported = DecodeError::Reported {
        status: 429,
        said: "Slow down".to_owned(),
    };
    for event in table {
        let delta = json!({"type": "response.output_text.delta", "delta": "half"});
        let result = streamed(&[delta, event.clone()]);
        assert_eq!(result.as_ref(), Err(&reported), "{event}");
    }
    let whole = json!({"object": "response", "status": "failed", "error": failed, "output": []});
    assert_eq!(decoded(&whole), Err(reported));
    let wordless = json!({"type": "response.failed", "response": {"status": "failed"}});
    assert!(matches!(
        streamed(&[wordless]),
        Err(DecodeError::Reported { status: 500, .. })
    ));
}

#[test]
fn the_text_at_the_end_goes_before_its_pieces() {
    let piece = json!({"type": "response.output_text.delta", "delta": "ab"});
    let repeated = answer("completed", None, &text("abc"));
    let end = json!({"type": "response.completed", "response": repeated});
    assert_eq!(streamed(&[piece.clone(), end]).unwrap().text, "abc");
    // Some servers send an empty answer at the end.
    let bare = json!({"status": "completed", "output": []});
    let end = json!({"type": "response.completed", "response": bare});
    assert_eq!(streamed(&[piece, end]).unwrap().text, "ab");
}

#[test]
fn what_a_later_version_adds_does_not_hurt() {
    let news =
        "event: response.news\ndata: {\"type\":\"response.news\",\"delta\":7,\"response\":3}\n\n";
    let stream = String::from_utf8(fixture("responses/stream.sse")).unwrap();
    for at in ["event: response.in_progress", "event: response.completed"] {
        let stream = stream.replacen(at, &format!("{news}{at}"), 1);
        let completion = decode::<Responses>([stream.as_bytes()]);
        assert_eq!(completion, Ok(expected("responses")));
    }
    let mut whole: Value = serde_json::from_slice(&fixture("responses/reply.json")).unwrap();
    let output = whole["output"].as_array_mut().unwrap();
    output.insert(
        0,
        json!({"type": "web_search_call", "content": null, "news": 1}),
    );
    assert_eq!(decoded(&whole), Ok(expected("responses")));
}
