//! Tests of the dialects: recorded answers in every chunking, and everything that is not an answer.
#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]
#![expect(clippy::disallowed_methods, reason = "a test reads its fixtures")]

mod embeddings;
mod gemini;
mod responses;
mod schema;

use std::{fs, path::PathBuf};

use atelier_model::{Message, Role, StopReason, Usage};
use proptest::prelude::*;
use serde_json::{Value, json};

use crate::wire::{
    Completion, DecodeError, Decoder, Dialect,
    anthropic::Messages,
    gemini::Generated,
    openai::Chat,
    responses::Responses,
    said,
    sse::SseDecoder,
    tidy,
    turns::{Speaker, Turn, turns},
};

const TEXT_BYTES_MAX: usize = 1024;

fn fixture(path: &str) -> Vec<u8> {
    let root = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../../fixtures/providers");
    fs::read(root.join(path)).unwrap()
}

fn expected(provider: &str) -> Completion {
    let value: Value =
        serde_json::from_slice(&fixture(&format!("{provider}/completion.json"))).unwrap();
    Completion {
        text: value["text"].as_str().unwrap().to_owned(),
        stop: serde_json::from_value(value["stop"].clone()).unwrap(),
        usage: serde_json::from_value(value["usage"].clone()).unwrap(),
    }
}

/// Reads pieces as a connection would bring them: nothing after the terminal event.
fn decode<'p, D: Dialect>(
    pieces: impl IntoIterator<Item = &'p [u8]>,
) -> Result<Completion, DecodeError> {
    let mut decoder = Decoder::new(D::default(), TEXT_BYTES_MAX);
    for piece in pieces {
        decoder.push(piece)?;
        if decoder.is_complete() {
            break;
        }
    }
    decoder.finish()
}

fn check_every_chunking<D: Dialect>(bytes: &[u8], completion: &Completion) {
    assert_eq!(decode::<D>([bytes]).as_ref(), Ok(completion));
    assert_eq!(decode::<D>(bytes.chunks(1)).as_ref(), Ok(completion));
    for split in 0..=bytes.len() {
        let (start, end) = bytes.split_at(split);
        let decoded = decode::<D>([start, end]);
        assert_eq!(decoded.as_ref(), Ok(completion), "split at {split}");
    }
}

/// Cuts the bytes off at every length: nothing shorter than `whole_from` is an answer.
fn check_every_cut<D: Dialect>(bytes: &[u8], whole_from: usize) {
    for length in 0..whole_from {
        let decoded = decode::<D>([&bytes[..length]]);
        assert_eq!(decoded, Err(DecodeError::Truncated), "cut at {length}");
    }
}

/// The first length at which `end` and everything before it has arrived.
fn after(bytes: &[u8], end: &str) -> usize {
    let text = std::str::from_utf8(bytes).unwrap();
    text.find(end).unwrap() + end.len()
}

#[test]
fn recorded_answers_decode_the_same_in_every_chunking() {
    for form in ["reply.json", "stream.sse"] {
        let bytes = fixture(&format!("openai/{form}"));
        check_every_chunking::<Chat>(&bytes, &expected("openai"));
        let bytes = fixture(&format!("anthropic/{form}"));
        check_every_chunking::<Messages>(&bytes, &expected("anthropic"));
        let bytes = fixture(&format!("responses/{form}"));
        check_every_chunking::<Responses>(&bytes, &expected("responses"));
        let bytes = fixture(&format!("gemini/{form}"));
        check_every_chunking::<Generated>(&bytes, &expected("gemini"));
    }
}

#[test]
fn events_are_told_apart_as_the_standard_says() {
    let table: &[(&str, &[&str])] = &[
        ("data: a\n\n", &["a"]),
        ("data:a\n\n", &["a"]),
        ("data:  a\n\n", &[" a"]),
        ("data: a\r\ndata: b\r\n\r\n", &["a\nb"]),
        ("data: a\rdata: b\r\r", &["a\nb"]),
        ("data\n\n", &[""]),
        ("\u{feff}data: a\n\n", &["a"]),
        (
            ": comment\nevent: x\nid: 1\nretry: 5\ndata: a\n\n\n\n",
            &["a"],
        ),
        ("database: a\n\n", &[]),
        ("data: a\n\ndata: b\n\n", &["a", "b"]),
        ("data: unfinished\n", &[]),
    ];
    for (bytes, expected) in table {
        for width in 1..=bytes.len() {
            let mut decoder = SseDecoder::default();
            let pieces = bytes.as_bytes().chunks(width);
            let events: Vec<_> = pieces.flat_map(|piece| decoder.push(piece)).collect();
            assert_eq!(events, *expected, "{bytes:?} by {width}");
        }
    }
}

#[test]
fn carriage_returns_change_nothing() {
    for (from, to) in [("\n", "\r\n"), ("\n", "\r")] {
        let stream = |provider: &str| {
            let bytes = fixture(&format!("{provider}/stream.sse"));
            String::from_utf8(bytes).unwrap().replace(from, to)
        };
        check_every_chunking::<Chat>(stream("openai").as_bytes(), &expected("openai"));
        check_every_chunking::<Messages>(stream("anthropic").as_bytes(), &expected("anthropic"));
        check_every_chunking::<Responses>(stream("responses").as_bytes(), &expected("responses"));
        check_every_chunking::<Generated>(stream("gemini").as_bytes(), &expected("gemini"));
    }
}

#[test]
fn a_cut_answer_is_never_an_answer() {
    let stream = fixture("openai/stream.sse");
    // A server may leave out `[DONE]`, but not why it ended.
    let finished = after(&stream, r#""finish_reason":"stop"}],"usage":null}"#);
    check_every_cut::<Chat>(&stream, finished);
    let stream = fixture("anthropic/stream.sse");
    check_every_cut::<Messages>(&stream, after(&stream, r#"{"type":"message_stop"}"#));
    let stream = fixture("responses/stream.sse");
    let text = std::str::from_utf8(&stream).unwrap();
    check_every_cut::<Responses>(&stream, text.trim_end().len());
    let stream = fixture("gemini/stream.sse");
    let text = std::str::from_utf8(&stream).unwrap();
    check_every_cut::<Generated>(&stream, text.trim_end().len());
    for provider in ["openai", "anthropic", "responses", "gemini"] {
        let document = fixture(&format!("{provider}/reply.json"));
        let whole = document.iter().rposition(|&byte| byte == b'}').unwrap() + 1;
        match provider {
            "openai" => check_every_cut::<Chat>(&document, whole),
            "anthropic" => check_every_cut::<Messages>(&document, whole),
            "responses" => check_every_cut::<Responses>(&document, whole),
            _ => check_every_cut::<Generated>(&document, whole),
        }
    }
}

#[test]
fn an_answer_cut_between_its_end_and_its_usage_has_no_usage() {
    let stream = fixture("openai/stream.sse");
    let finished = after(&stream, r#""finish_reason":"stop"}],"usage":null}"#);
    let completion = decode::<Chat>([&stream[..finished]]).unwrap();
    assert_eq!(completion.text, expected("openai").text);
    assert_eq!(completion.usage, None);
}

#[test]
fn done_without_a_finish_reason_is_a_truncation() {
    let stream = "data: {\"choices\":[{\"delta\":{\"content\":\"half\"}}]}\n\ndata: [DONE]\n\n";
    let decoded = decode::<Chat>([stream.as_bytes()]);
    assert_eq!(decoded, Err(DecodeError::Truncated));
}

#[test]
fn stop_reasons_of_both_dialects_have_one_meaning() {
    let table = [
        ("stop", "end_turn", StopReason::End),
        ("tool_calls", "stop_sequence", StopReason::End),
        ("length", "max_tokens", StopReason::Length),
        ("content_filter", "refusal", StopReason::Filtered),
    ];
    for (chat, messages, stop) in table {
        let document = json!({"choices": [{"message": {"content": "x"}, "finish_reason": chat}]});
        let decoded = decode::<Chat>([document.to_string().as_bytes()]).unwrap();
        assert_eq!(decoded.stop, stop, "{chat}");
        let document = json!({"content": [{"type": "text", "text": "x"}], "stop_reason": messages});
        let decoded = decode::<Messages>([document.to_string().as_bytes()]).unwrap();
        assert_eq!(decoded.stop, stop, "{messages}");
    }
}

#[test]
fn a_refusal_is_a_withheld_answer() {
    let document = json!({"choices": [{
        "message": {"content": null, "refusal": "I will not."}, "finish_reason": "stop"
    }]});
    let decoded = decode::<Chat>([document.to_string().as_bytes()]).unwrap();
    assert_eq!(decoded.stop, StopReason::Filtered);
}

#[test]
fn habits_of_imitators_are_understood() {
    let parts = json!({"choices": [{
        "index": 0,
        "message": {"content": [{"type": "text", "text": "a"}, {"type": "text", "text": "b"}]},
        "finish_reason": "stop"
    }, {
        "index": 1, "message": {"content": "another answer"}, "finish_reason": "length"
    }], "usage": {"prompt_tokens": 3}});
    let decoded = decode::<Chat>([parts.to_string().as_bytes()]);
    let completion = Completion {
        text: "ab".to_owned(),
        stop: StopReason::End,
        usage: None,
    };
    assert_eq!(decoded, Ok(completion));
}

#[test]
fn what_a_later_dialect_adds_does_not_hurt() {
    let added =
        "event: news\ndata: {\"type\":\"news\",\"delta\":7,\"usage\":[],\"message\":\"x\"}\n\n";
    for at in ["event: ping", "event: message_delta", "event: message_stop"] {
        let stream = String::from_utf8(fixture("anthropic/stream.sse")).unwrap();
        let stream = stream.replacen(at, &format!("{added}{at}"), 1);
        let decoded = decode::<Messages>([stream.as_bytes()]);
        assert_eq!(decoded, Ok(expected("anthropic")));
    }
    let stream = String::from_utf8(fixture("openai/stream.sse")).unwrap();
    let added = "data: {\"object\":\"news\",\"delta\":7}\n\n";
    let stream = format!("{added}{stream}");
    let decoded = decode::<Chat>([stream.as_bytes()]);
    assert_eq!(decoded, Ok(expected("openai")));
}

#[test]
fn errors_in_the_place_of_an_answer_keep_their_words_and_meaning() {
    let table = [
        (
            json!({"error": {"message": "Overloaded", "type": "overloaded_error"}}),
            529,
        ),
        (
            json!({"error": {"message": "Overloaded", "type": "server_error"}}),
            500,
        ),
        (
            json!({"error": {"message": "Overloaded", "code": 502}}),
            502,
        ),
        (
            json!({"error": {"message": "Overloaded", "type": "rate_limit_error"}}),
            429,
        ),
        (
            json!({"type": "error", "error": {"type": "invalid_request_error", "message": "Overloaded"}}),
            400,
        ),
        (json!({"error": "Overloaded"}), 500),
    ];
    for (value, status) in table {
        let reported = Err(DecodeError::Reported {
            status,
            said: "Overloaded".to_owned(),
        });
        let document = value.to_string();
        assert_eq!(
            decode::<Chat>([document.as_bytes()]),
            reported,
            "{document}"
        );
        assert_eq!(
            decode::<Messages>([document.as_bytes()]),
            reported,
            "{document}"
        );
        let stream = format!("event: error\ndata: {document}\n\ndata: [DONE]\n\n");
        assert_eq!(decode::<Chat>([stream.as_bytes()]), reported, "{document}");
        assert_eq!(
            decode::<Messages>([stream.as_bytes()]),
            reported,
            "{document}"
        );
    }
}

#[test]
fn a_page_instead_of_an_answer_is_malformed() {
    let page = b"<!doctype html><title>Sign in</title>";
    let malformed = |decoded: Result<Completion, DecodeError>| {
        matches!(decoded, Err(DecodeError::Malformed { .. }))
    };
    assert!(malformed(decode::<Chat>([&page[..]])));
    assert!(malformed(decode::<Messages>([&page[..]])));
    for document in ["{}", "{\"choices\": []}", "{\"choices\": 7}", "[]"] {
        assert!(
            malformed(decode::<Chat>([document.as_bytes()])),
            "{document}"
        );
        assert!(
            malformed(decode::<Messages>([document.as_bytes()])),
            "{document}"
        );
    }
}

#[test]
fn text_beyond_the_limit_is_refused_in_either_form() {
    let text = "x".repeat(TEXT_BYTES_MAX + 1);
    let too_large = Err(DecodeError::TooLarge {
        limit: TEXT_BYTES_MAX,
    });
    let document = json!({"choices": [{"message": {"content": text}, "finish_reason": "stop"}]});
    assert_eq!(decode::<Chat>([document.to_string().as_bytes()]), too_large);
    let event = json!({"choices": [{"delta": {"content": text}}]});
    let stream = format!("data: {event}\n\n");
    assert_eq!(decode::<Chat>([stream.as_bytes()]), too_large);
}

#[test]
fn bytes_without_end_are_refused_before_they_fill_the_memory() {
    for start in ["{\"a\":\"", "data: "] {
        let mut decoder = Decoder::new(Chat::default(), TEXT_BYTES_MAX);
        decoder.push(start.as_bytes()).unwrap();
        let pieces = (0..1000).map(|_| decoder.push(&[b'x'; 1024]));
        let refused = pieces.take_while(Result::is_ok).count();
        assert!(refused < 200, "{start} stopped after {refused} KiB");
    }
}

#[test]
fn comments_alone_end_at_the_limit_of_the_wire() {
    let mut decoder = Decoder::new(Chat::default(), TEXT_BYTES_MAX);
    let comment = format!(": {}\n\n", "x".repeat(1000));
    let pieces = (0..100_000).map(|_| decoder.push(comment.as_bytes()));
    assert!(pieces.take_while(Result::is_ok).count() < 100_000);
}

#[test]
fn turns_alternate_and_system_texts_stand_apart() {
    let message = |role, text: &str| Message {
        role,
        text: text.to_owned(),
    };
    let (system, list) = turns(&[
        message(Role::System, "one"),
        message(Role::System, "two"),
        message(Role::User, "a"),
        message(Role::Assistant, "b"),
        message(Role::User, "c"),
        message(Role::User, "d"),
    ]);
    assert_eq!(system, "one\n\ntwo");
    let turn = |speaker, text: &str| Turn {
        speaker,
        text: text.to_owned(),
    };
    let alternating = [
        turn(Speaker::User, "a"),
        turn(Speaker::Model, "b"),
        turn(Speaker::User, "c\n\nd"),
    ];
    assert_eq!(list, alternating);
}

#[test]
fn a_strangers_words_stay_on_one_bounded_line() {
    assert_eq!(tidy("a\n\n\u{1b}[31mb\tc "), "a [31mb c");
    assert_eq!(tidy(&"é".repeat(600)).chars().count(), 501);
    assert_eq!(said(&json!({"detail": "no"})), Some("no".to_owned()));
    assert_eq!(
        said(&json!({"error": {"code": 7}})),
        Some("{\"code\":7}".to_owned())
    );
}

fn cuts(length: usize) -> impl Strategy<Value = Vec<usize>> {
    prop::collection::vec(0..length, 0..40).prop_map(|mut cuts| {
        cuts.sort_unstable();
        cuts
    })
}

fn pieces<'b>(bytes: &'b [u8], cuts: &[usize]) -> Vec<&'b [u8]> {
    let starts = std::iter::once(0).chain(cuts.iter().copied());
    let ends = cuts.iter().copied().chain([bytes.len()]);
    starts
        .zip(ends)
        .map(|(start, end)| &bytes[start..end])
        .collect()
}

proptest! {
    #[test]
    fn any_chunking_gives_the_same_answer(cuts in cuts(1400)) {
        let bytes = fixture("openai/stream.sse");
        let fitting: Vec<_> = cuts.iter().map(|&cut| cut.min(bytes.len())).collect();
        prop_assert_eq!(decode::<Chat>(pieces(&bytes, &fitting)), Ok(expected("openai")));
        let bytes = fixture("anthropic/stream.sse");
        prop_assert_eq!(decode::<Messages>(pieces(&bytes, &cuts)), Ok(expected("anthropic")));
        let bytes = fixture("responses/stream.sse");
        prop_assert_eq!(decode::<Responses>(pieces(&bytes, &cuts)), Ok(expected("responses")));
        let bytes = fixture("gemini/stream.sse");
        let fitting: Vec<_> = cuts.iter().map(|&cut| cut.min(bytes.len())).collect();
        prop_assert_eq!(decode::<Generated>(pieces(&bytes, &fitting)), Ok(expected("gemini")));
    }

    #[test]
    fn any_text_survives_both_streams(text in "\\PC{0,200}", width in 1usize..9) {
        let chars: Vec<char> = text.chars().collect();
        let parts = || chars.chunks(width).map(|part| part.iter().collect::<String>());
        let data = |value: Value| format!("data: {value}\n\n");
        let mut stream: String = parts()
            .map(|part| data(json!({"choices": [{"delta": {"content": part}}]})))
            .collect();
        stream.push_str(&data(json!({"choices": [{"delta": {}, "finish_reason": "stop"}]})));
        let decoded = decode::<Chat>(stream.as_bytes().chunks(width)).unwrap();
        prop_assert_eq!(&decoded.text, &text);
        let mut stream: String = parts()
            .map(|part| data(json!({"type": "content_block_delta", "delta": {"text": part}})))
            .collect();
        let usage = json!({"input_tokens": 1, "output_tokens": 2});
        let end = json!({"type": "message_delta", "delta": {"stop_reason": "end_turn"}, "usage": usage});
        stream.push_str(&data(end));
        stream.push_str(&data(json!({"type": "message_stop"})));
        let decoded = decode::<Messages>(stream.as_bytes().chunks(width)).unwrap();
        prop_assert_eq!(decoded.text, text);
        let usage = Usage { input: 1, output: 2, ..Usage::default() };
        prop_assert_eq!(decoded.usage, Some(usage));
    }

    #[test]
    fn no_bytes_panic(bytes in prop::collection::vec(any::<u8>(), 0..300)) {
        let _ = decode::<Chat>(bytes.chunks(7));
        let _ = decode::<Messages>(bytes.chunks(7));
        let _ = decode::<Responses>(bytes.chunks(7));
        let _ = decode::<Generated>(bytes.chunks(7));
    }
}
