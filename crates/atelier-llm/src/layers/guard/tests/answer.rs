//! Values come back into answers of every dialect, wherever the answer and its pieces are cut.

use std::{fmt::Write as _, sync::Arc};

use atelier_guard::{Guard, Policy, Vault};
use proptest::prelude::*;
use serde_json::{Value, json};

use crate::{
    layers::guard::answer::{Answer, Manner},
    relay::Dialect,
};

const DIALECTS: [Dialect; 5] = [
    Dialect::Chat,
    Dialect::Completions,
    Dialect::Responses,
    Dialect::Messages,
    Dialect::Gemini,
];

/// Texts of which answers are made; some have something to hide.
const PIECES: &[&str] = &[
    "bob@smith.org",
    "-----BEGIN PRIVATE KEY-----\nMIIEvQIBADANBgkqhkiG9w0BAQEFAASCBKcw\n-----END PRIVATE KEY-----",
    "password: \"Xj\\U2JgJngKtFI3$O\"",
    "[[EMAIL_0123456789ab]]",
    "[[",
    "[",
    "]]",
    " ",
    "\n\n",
    "data: ",
    "é数",
    "word",
];

fn text() -> impl Strategy<Value = String> {
    prop::collection::vec(prop::sample::select(PIECES), 0..12).prop_map(|pieces| pieces.concat())
}

fn cut<'t>(text: &'t str, cuts: &[usize]) -> Vec<&'t str> {
    let mut at: Vec<usize> = cuts
        .iter()
        .map(|cut| text.floor_char_boundary(cut % (text.len() + 1)))
        .collect();
    at.extend([0, text.len()]);
    at.sort_unstable();
    at.windows(2).map(|two| &text[two[0]..two[1]]).collect()
}

/// The events by which a dialect tells a text and the arguments of a call, in these pieces.
fn events(dialect: Dialect, text: &[&str], arguments: &[&str]) -> Vec<Value> {
    let mut events = Vec::new();
    match dialect {
        Dialect::Chat => {
            let choice = |delta: Value, end: Value| json!({"id": "c", "choices": [{"index": 0, "delta": delta, "finish_reason": end}]});
            events.extend(
                text.iter()
                    .map(|piece| choice(json!({"content": piece}), Value::Null)),
            );
            events.extend(arguments.iter().map(|piece| {
                choice(
                    json!({"tool_calls": [{"index": 0, "function": {"arguments": piece}}]}),
                    Value::Null,
                )
            }));
            events.push(choice(json!({}), json!("stop")));
        }
        Dialect::Completions => {
            let choice = |piece: &str, end: Value| json!({"choices": [{"index": 0, "text": piece, "finish_reason": end}]});
            events.extend(text.iter().map(|piece| choice(piece, Value::Null)));
            events.push(choice("", json!("stop")));
        }
        Dialect::Responses => {
            let delta = |kind: &str, output: u32, piece: &str| json!({"type": format!("response.{kind}.delta"), "output_index": output, "content_index": 0, "delta": piece});
            events.extend(text.iter().map(|piece| delta("output_text", 0, piece)));
            events.push(json!({"type": "response.output_text.done", "output_index": 0, "content_index": 0, "text": text.concat()}));
            events.extend(
                arguments
                    .iter()
                    .map(|piece| delta("function_call_arguments", 1, piece)),
            );
            events.push(json!({"type": "response.function_call_arguments.done", "output_index": 1, "arguments": arguments.concat()}));
            events.push(
                json!({"type": "response.completed", "response": {"output": [
                {"content": [{"type": "output_text", "text": text.concat()}]},
                {"type": "function_call", "arguments": arguments.concat()}]}}),
            );
        }
        Dialect::Messages => {
            let delta = |index: u32, kind: &str, name: &str, piece: &str| json!({"type": "content_block_delta", "index": index, "delta": {"type": kind, name: piece}});
            let stop = |index: u32| json!({"type": "content_block_stop", "index": index});
            events.extend(
                text.iter()
                    .map(|piece| delta(0, "text_delta", "text", piece)),
            );
            events.extend([json!({"type": "ping"}), stop(0)]);
            events.extend(
                arguments
                    .iter()
                    .map(|piece| delta(1, "input_json_delta", "partial_json", piece)),
            );
            events.extend([stop(1), json!({"type": "message_stop"})]);
        }
        Dialect::Gemini => {
            let content =
                |part: Value| json!({"candidates": [{"index": 0, "content": {"parts": [part]}}]});
            events.extend(text.iter().map(|piece| content(json!({"text": piece}))));
            let args: Value = serde_json::from_str(&arguments.concat()).unwrap();
            events.push(content(
                json!({"functionCall": {"name": "f", "args": args}}),
            ));
            events.push(json!({"candidates": [{"index": 0, "finishReason": "STOP"}]}));
        }
    }
    events
}

/// What a client makes of a stream: the text, the arguments, and every text that is told whole.
fn heard(dialect: Dialect, stream: &str) -> (String, String, Vec<String>) {
    let (mut text, mut arguments, mut whole) = (String::new(), String::new(), Vec::new());
    for event in stream.split("\n\n") {
        let data = event.lines().find_map(|line| line.strip_prefix("data: "));
        let Some(event) = data.and_then(|data| serde_json::from_str::<Value>(data).ok()) else {
            continue;
        };
        let at = |pointer: &str| {
            event
                .pointer(pointer)
                .and_then(Value::as_str)
                .unwrap_or_default()
        };
        match dialect {
            Dialect::Chat => {
                text += at("/choices/0/delta/content");
                arguments += at("/choices/0/delta/tool_calls/0/function/arguments");
            }
            Dialect::Completions => text += at("/choices/0/text"),
            Dialect::Responses => {
                match at("/type") {
                    "response.output_text.delta" => text += at("/delta"),
                    "response.function_call_arguments.delta" => arguments += at("/delta"),
                    _ => {}
                }
                for pointer in ["/text", "/response/output/0/content/0/text"] {
                    whole.extend(event.pointer(pointer).map(|_| at(pointer).to_owned()));
                }
            }
            Dialect::Messages => {
                text += at("/delta/text");
                arguments += at("/delta/partial_json");
            }
            Dialect::Gemini => {
                text += at("/candidates/0/content/parts/0/text");
                if let Some(args) = event.pointer("/candidates/0/content/parts/0/functionCall/args")
                {
                    arguments += &args.to_string();
                }
            }
        }
    }
    (text, arguments, whole)
}

fn written(events: &[Value]) -> String {
    let mut stream = String::new();
    for event in events {
        write!(stream, "event: x\ndata: {event}\n\n").unwrap();
    }
    stream + "data: [DONE]\n\n"
}

fn passed(answer: &mut Answer, bytes: &[u8], cuts: &[usize]) -> String {
    let mut at: Vec<usize> = cuts.iter().map(|cut| cut % (bytes.len() + 1)).collect();
    at.extend([0, bytes.len()]);
    at.sort_unstable();
    let mut said = Vec::new();
    for two in at.windows(2) {
        said.extend(answer.push(&bytes[two[0]..two[1]]));
    }
    said.extend(answer.finish());
    String::from_utf8(said).unwrap()
}

fn manner(dialect: Dialect, stream: bool) -> Manner {
    Manner {
        dialect,
        stream,
        is_json: false,
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 600, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn a_stream_says_what_it_would_without_the_guard(
        text in text(),
        value in text(),
        dialect in prop::sample::select(&DIALECTS[..]),
        cuts in prop::collection::vec(0_usize..4_000, 0..12),
        wire in prop::collection::vec(0_usize..40_000, 0..40),
    ) {
        let mut vault = Vault::new([7; 32]);
        let hidden = vault.redact(Guard::builtin(), &text, Policy::All).text;
        let hidden_value = vault.redact(Guard::builtin(), &value, Policy::All).text;
        let arguments = json!({"value": hidden_value}).to_string();
        let told = events(dialect, &cut(&hidden, &cuts), &cut(&arguments, &cuts));
        let mut answer = Answer::new(Arc::new(vault), manner(dialect, true));
        let stream = passed(&mut answer, written(&told).as_bytes(), &wire);
        prop_assert!(stream.ends_with("data: [DONE]\n\n"));
        let (said, called, whole) = heard(dialect, &stream);
        prop_assert_eq!(&said, &text);
        prop_assert!(whole.iter().all(|whole| *whole == text));
        if dialect != Dialect::Completions {
            let called: Value = serde_json::from_str(&called).unwrap();
            prop_assert_eq!(called, json!({"value": value}));
        }
    }

    #[test]
    fn a_whole_answer_says_what_it_would_without_the_guard(text in text(), value in text(), wire in prop::collection::vec(0_usize..4_000, 0..9)) {
        let mut vault = Vault::new([7; 32]);
        let hidden = vault.redact(Guard::builtin(), &text, Policy::All).text;
        let arguments = vault.redact(Guard::builtin(), &value, Policy::All).text;
        let document = |text: &str, value: &str| json!({"choices": [{"message": {"content": text, "tool_calls": [
            {"id": "c", "function": {"name": "f", "arguments": json!({"value": value}).to_string()}}]}}]});
        let mut answer = Answer::new(Arc::new(vault), manner(Dialect::Chat, false));
        let said = passed(&mut answer, document(&hidden, &arguments).to_string().as_bytes(), &wire);
        prop_assert_eq!(serde_json::from_str::<Value>(&said).unwrap(), document(&text, &value));
    }
}

#[test]
fn nothing_waits_that_is_certain() {
    let vault = Vault::new([7; 32]);
    let mut answer = Answer::new(Arc::new(vault), manner(Dialect::Chat, true));
    let event = b"data: {\"choices\":[{\"index\":0,\"delta\":{\"content\":\"list[0] is\"}}]}\n\n";
    assert_eq!(answer.push(event), event);
    let comment = b": still there\n\n";
    assert_eq!(answer.push(comment), comment);
}

#[test]
fn an_answer_in_json_stays_json() {
    let mut vault = Vault::new([7; 32]);
    let key = "-----BEGIN PRIVATE KEY-----\nMIIEvQIBADANBgkqhkiG9w0BAQEFAASCBKcw\n-----END PRIVATE KEY-----";
    let hidden = vault.redact(Guard::builtin(), key, Policy::All).text;
    let manner = Manner {
        is_json: true,
        ..manner(Dialect::Chat, false)
    };
    let mut answer = Answer::new(Arc::new(vault), manner);
    let content = json!({"key": hidden}).to_string();
    let body = json!({"choices": [{"message": {"content": content}}]}).to_string();
    let said: Value = serde_json::from_str(&passed(&mut answer, body.as_bytes(), &[])).unwrap();
    let content = said["choices"][0]["message"]["content"].as_str().unwrap();
    assert_eq!(
        serde_json::from_str::<Value>(content).unwrap(),
        json!({"key": key})
    );
}

#[test]
fn sealed_thoughts_keep_their_letters() {
    let mut vault = Vault::new([7; 32]);
    let hidden = vault
        .redact(Guard::builtin(), "bob@smith.org", Policy::All)
        .text;
    let body = json!({"content": [{"type": "thinking", "thinking": hidden, "signature": "Eq"},
        {"type": "text", "text": hidden}]})
    .to_string();
    let mut answer = Answer::new(Arc::new(vault), manner(Dialect::Messages, false));
    let said: Value = serde_json::from_str(&passed(&mut answer, body.as_bytes(), &[3])).unwrap();
    assert_eq!(said["content"][0]["thinking"], hidden);
    assert_eq!(said["content"][1]["text"], "bob@smith.org");
}

#[test]
fn a_stream_that_breaks_off_keeps_what_was_said() {
    let mut vault = Vault::new([7; 32]);
    let hidden = vault
        .redact(Guard::builtin(), "bob@smith.org", Policy::All)
        .text;
    let event = |piece: &str| {
        let event = json!({"type": "content_block_delta", "index": 0, "delta": {"type": "text_delta", "text": piece}});
        format!("data: {event}\n\n")
    };
    let stream = event(&hidden) + &event(&hidden[..9]);
    let mut answer = Answer::new(Arc::new(vault), manner(Dialect::Messages, true));
    let said = passed(&mut answer, stream.as_bytes(), &[]);
    let (text, _, _) = heard(Dialect::Messages, &said);
    assert_eq!(text, format!("bob@smith.org{}", &hidden[..9]));
}
