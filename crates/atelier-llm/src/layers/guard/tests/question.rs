//! What is replaced in requests, and what is left alone.

use atelier_guard::{Policy, Vault};
use serde_json::{Value, json};

use crate::{layers::guard::question::redact, relay::Dialect};

const MAIL: &str = "bob@smith.org";
const KEY: &str = "sk_live_fKtHF4vUCsMehGAkWvj7FAc9";
const DIALECTS: [Dialect; 5] = [
    Dialect::Chat,
    Dialect::Completions,
    Dialect::Responses,
    Dialect::Messages,
    Dialect::Gemini,
];

fn vault() -> Vault {
    Vault::new([7; 32])
}

#[track_caller]
fn check(dialect: Dialect, body: &Value, hidden: &[&str]) {
    let body = body.to_string();
    let mut vault = vault();
    let question = redact(&body, dialect, Policy::All, &mut vault).unwrap();
    let sent = question.body.unwrap_or_else(|| body.clone());
    for value in hidden {
        assert!(body.contains(value), "{value} in {body}");
        assert!(!sent.contains(value), "{value} in {sent}");
    }
    let sent: Value = serde_json::from_str(&sent).unwrap();
    let restored = sent.to_string();
    assert_eq!(
        vault.restore(&restored),
        serde_json::from_str::<Value>(&body).unwrap().to_string()
    );
    if hidden.is_empty() {
        assert!(vault.is_empty(), "{sent}");
    }
}

#[test]
fn every_text_of_a_request_is_looked_through() {
    let said = format!("write to {MAIL}");
    let arguments = json!({"to": MAIL, "password": "XjU2JgJngKtFI3$O"});
    let chat = json!({"model": "m", "messages": [
        {"role": "system", "content": said},
        {"role": "user", "content": [{"type": "text", "text": format!("key {KEY}")}]},
        {"role": "assistant", "tool_calls": [{"id": "call_1", "type": "function",
            "function": {"name": "send", "arguments": arguments.to_string()}}]},
        {"role": "tool", "tool_call_id": "call_1", "content": said},
    ]});
    check(Dialect::Chat, &chat, &[MAIL, KEY, "XjU2JgJngKtFI3$O"]);
    check(
        Dialect::Completions,
        &json!({"model": "m", "prompt": ["a", said]}),
        &[MAIL],
    );
    let responses = json!({"model": "m", "instructions": said, "input": [
        {"type": "message", "role": "user", "content": [{"type": "input_text", "text": said}]},
        {"type": "function_call", "call_id": "c", "name": "f", "arguments": arguments.to_string()},
        {"type": "function_call_output", "call_id": "c", "output": said},
    ]});
    check(Dialect::Responses, &responses, &[MAIL, "XjU2JgJngKtFI3$O"]);
    let messages = json!({"model": "m", "system": [{"type": "text", "text": said}], "messages": [
        {"role": "user", "content": said},
        {"role": "assistant", "content": [
            {"type": "tool_use", "id": "toolu_1", "name": "send", "input": arguments}]},
        {"role": "user", "content": [{"type": "tool_result", "tool_use_id": "toolu_1",
            "content": [{"type": "text", "text": said}]}]},
    ], "metadata": {"user_id": MAIL}});
    check(Dialect::Messages, &messages, &[MAIL, "XjU2JgJngKtFI3$O"]);
    let gemini = json!({"systemInstruction": {"parts": [{"text": said}]}, "contents": [
        {"role": "user", "parts": [{"text": said}]},
        {"role": "model", "parts": [{"functionCall": {"name": "send", "args": arguments}}]},
        {"role": "user", "parts": [{"functionResponse": {"name": "send", "response": {"password": "XjU2JgJngKtFI3$O"}}}]},
    ]});
    check(Dialect::Gemini, &gemini, &[MAIL, "XjU2JgJngKtFI3$O"]);
}

#[test]
fn a_value_that_its_name_tells_is_hidden_whole() {
    for value in ["p\"4ss-w0rd!x", "Tr0ub4dor&3'x", "a\\b9_C!x7"] {
        let body = json!({"messages": [{"role": "assistant", "content": [
            {"type": "tool_use", "id": "t", "name": "login", "input": {"password": value}}]}]});
        let mut vault = vault();
        let sent = redact(
            &body.to_string(),
            Dialect::Messages,
            Policy::Secrets,
            &mut vault,
        );
        let sent: Value = serde_json::from_str(&sent.unwrap().body.unwrap()).unwrap();
        let sent = sent["messages"][0]["content"][0]["input"]["password"]
            .as_str()
            .unwrap();
        assert!(
            sent.starts_with("[[PASSWORD_") && sent.ends_with("]]"),
            "{sent}"
        );
        assert_eq!(vault.restore(sent), value);
    }
}

#[test]
fn nothing_is_changed_where_nothing_is_found() {
    let body = "{ \"model\" : \"m\",\n \"messages\":[{\"role\":\"user\",\"content\":\"caf\\u00e9 \\/ 1.0\"}], \"n\":1.50}";
    for dialect in DIALECTS {
        let mut vault = vault();
        assert_eq!(
            redact(body, dialect, Policy::All, &mut vault).unwrap().body,
            None
        );
    }
}

#[test]
fn only_the_strings_that_hold_something_change() {
    let body = format!(
        "{{ \"model\" : \"m\",  \"messages\":[{{\"content\":\"to {MAIL}\"}} ,{{\"content\":\"caf\\u00e9\"}}] }}"
    );
    let mut vault = vault();
    let sent = redact(&body, Dialect::Chat, Policy::All, &mut vault).unwrap();
    let sent = sent.body.unwrap();
    assert_eq!(vault.restore(&sent), body);
}

#[test]
fn names_words_images_and_seals_are_left_alone() {
    let image = "iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNkYPhfDwAChwGA60e6kgAAAABJRU5ErkJggg==";
    check(
        Dialect::Messages,
        &json!({"model": "m", "messages": [{"role": "user", "content": [
            {"type": "image", "source": {"type": "base64", "media_type": "image/png", "data": image}},
            {"type": "thinking", "thinking": format!("mail {MAIL}"), "signature": "EqQBCgIYAhIM"},
            {"type": "tool_use", "id": KEY, "name": "f", "input": {MAIL: 1}},
        ]}]}),
        &[],
    );
    check(
        Dialect::Chat,
        &json!({"model": "m", "messages": [{"role": "user", "content": [
            {"type": "image_url", "image_url": {"url": format!("data:image/png;base64,{image}")}},
        ]}]}),
        &[],
    );
    check(
        Dialect::Gemini,
        &json!({"contents": [{"parts": [
            {"inlineData": {"mimeType": "image/png", "data": image}},
            {"text": "x", "thoughtSignature": KEY},
        ]}]}),
        &[],
    );
}

#[test]
fn thoughts_without_a_seal_and_texts_in_place_of_files_are_looked_through() {
    check(
        Dialect::Messages,
        &json!({"messages": [{"content": [
            {"type": "thinking", "thinking": format!("mail {MAIL}"), "signature": ""},
            {"type": "document", "source": {"type": "text", "media_type": "text/plain", "data": format!("key {KEY}")}},
        ]}]}),
        &[MAIL, KEY],
    );
}

#[test]
fn a_wish_for_json_is_understood_in_every_dialect() {
    let wishes = [
        (
            Dialect::Chat,
            json!({"response_format": {"type": "json_schema", "json_schema": {}}}),
        ),
        (
            Dialect::Responses,
            json!({"text": {"format": {"type": "json_object"}}}),
        ),
        (
            Dialect::Messages,
            json!({"output_config": {"format": {"type": "json_schema"}}}),
        ),
        (
            Dialect::Gemini,
            json!({"generationConfig": {"responseMimeType": "application/json"}}),
        ),
    ];
    for (dialect, body) in wishes {
        let question = redact(&body.to_string(), dialect, Policy::All, &mut vault()).unwrap();
        assert!(question.wants_json, "{body}");
        let plain = body.to_string().replace("json", "text");
        let question = redact(&plain, dialect, Policy::All, &mut vault()).unwrap();
        assert!(!question.wants_json, "{plain}");
    }
}

#[test]
fn what_is_no_json_does_not_pass() {
    assert!(redact("{\"content\": \"", Dialect::Chat, Policy::All, &mut vault()).is_err());
}
