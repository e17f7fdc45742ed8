//! What must survive on the way: bytes within one dialect, words between two.

use atelier_llm::Dialect;
use serde_json::{Value, json};

use super::world::{World, text_of};

fn read(body: &str) -> Value {
    serde_json::from_str(body).unwrap()
}

#[tokio::test]
async fn what_only_one_dialect_knows_survives_within_it() {
    let codex = r#"{"model":"code", "input":[{"type":"reasoning","id":"rs_1","encrypted_content":"s\u00e9al=="}],
        "tools":[{"type":"namespace","name":"n","tools":[ ]},{"type":"web_search"}],
        "include":["reasoning.encrypted_content"],"prompt_cache_key":"k","store":false,"client_metadata":{"a":1.0}}"#;
    let claude = r#"{"model":"code","max_tokens":50,"messages":[{"role":"user","content":[
        {"type":"text","text":"Hi","cache_control":{"type":"ephemeral","ttl":"1h"}}]},
        {"role":"assistant","content":[{"type":"thinking","thinking":"h\/m","signature":"c2VhbA=="}]},
        {"role":"system","content":"Go on."}],
        "cache_control":{"type":"ephemeral"},"thinking":{"type":"adaptive"},
        "output_config":{"effort":"high"},"context_management":{"edits":[]}}"#;
    let chat = r#"{"model":"code","messages":[],"tools":[{"type":"custom","custom":{"name":"c"}}],"max_tokens":1e2,"logit_bias":{"50256":-100}}"#;
    for (dialect, path, body) in [
        (Dialect::Responses, "/v1/responses", codex),
        (Dialect::Messages, "/v1/messages?beta=true", claude),
        (Dialect::Chat, "/v1/chat/completions", chat),
    ] {
        let world = World::start(dialect).await;
        let got = world.post(path, body, &[("anthropic-beta", "a,b")]).await;
        assert_eq!(got.status, 200, "{got:?}");
        let sent = body.replace("\"model\":\"code\"", "\"model\":\"m\"");
        assert_eq!(world.last_body(), sent);
    }
    let world = World::start(Dialect::Gemini).await;
    let body =
        r#"{"contents":[ ],"safetySettings":[{"category":"C"}],"tools":[{"googleSearch":{}}]}"#;
    world
        .post("/v1beta/models/code:generateContent", body, &[])
        .await;
    assert_eq!(world.last_body(), body);
}

#[tokio::test]
async fn a_stream_is_counted_also_for_clients_that_do_not_ask() {
    let world = World::start(Dialect::Chat).await;
    let asked = r#"{"model":"m","messages":[],"stream":true}"#;
    let got = world.post("/v1/chat/completions", asked, &[]).await;
    assert_eq!(
        world.last_body(),
        r#"{"stream_options":{"include_usage":true},"model":"m","messages":[],"stream":true}"#
    );
    assert_eq!(text_of(Dialect::Chat, true, &got.body), "Hello");
    assert!(!got.body.contains("usage"), "{}", got.body);
    let asked =
        r#"{"model":"m","messages":[],"stream":true,"stream_options":{"include_usage":true}}"#;
    let got = world.post("/v1/chat/completions", asked, &[]).await;
    assert_eq!(world.last_body(), asked);
    assert!(got.body.contains("\"total_tokens\":5"), "{}", got.body);
}

#[tokio::test]
async fn tokens_are_counted_in_every_dialect_by_whoever_counts() {
    let said = json!([{"role": "user", "content": "Hi"}]);
    let contents = json!([{"role": "user", "parts": [{"text": "Hi"}]}]);
    let asks = [
        (
            "/v1/messages/count_tokens",
            json!({"model": "m", "messages": said}),
            "input_tokens",
        ),
        (
            "/v1/responses/input_tokens",
            json!({"model": "m", "input": "Hi"}),
            "input_tokens",
        ),
        (
            "/v1/models/m:countTokens",
            json!({"contents": contents}),
            "totalTokens",
        ),
    ];
    for upstream in [Dialect::Messages, Dialect::Responses, Dialect::Gemini] {
        let world = World::start(upstream).await;
        for (path, body, name) in &asks {
            let got = world.post(path, &body.to_string(), &[]).await;
            assert_eq!(got.status, 200, "{upstream:?} {path}: {got:?}");
            assert_eq!(read(&got.body)[name], 7, "{upstream:?} {path}: {got:?}");
            assert_eq!(got.header("x-atelier-estimate"), None);
        }
    }
    let world = World::start(Dialect::Chat).await;
    for (path, body, name) in &asks {
        let got = world.post(path, &body.to_string(), &[]).await;
        assert!(read(&got.body)[name].as_u64() > Some(0), "{path}: {got:?}");
        assert_eq!(got.header("x-atelier-estimate"), Some("true"));
    }
    assert_eq!(world.count(), 0);
}

#[tokio::test]
async fn vectors_are_made_in_both_dialects() {
    let numbers = json!({"model": "m", "input": ["a", "b"]});
    let bytes = json!({"model": "m", "input": ["a", "b"], "encoding_format": "base64"});
    let part = json!({"content": {"parts": [{"text": "a"}]}});
    for upstream in [Dialect::Chat, Dialect::Responses, Dialect::Gemini] {
        let world = World::start(upstream).await;
        let got = world
            .post("/v1/embeddings", &numbers.to_string(), &[])
            .await;
        assert_eq!(got.status, 200, "{upstream:?}: {got:?}");
        assert_eq!(read(&got.body)["data"][1]["embedding"], json!([1.0, -2.0]));
        if upstream == Dialect::Gemini {
            let got = world.post("/v1/embeddings", &bytes.to_string(), &[]).await;
            assert_eq!(read(&got.body)["data"][0]["embedding"], "AACAPwAAAMA=");
        }
        let batch = json!({"requests": [part, part]}).to_string();
        let got = world
            .post("/v1beta/models/m:batchEmbedContents", &batch, &[])
            .await;
        assert_eq!(
            read(&got.body)["embeddings"][1]["values"],
            json!([1.0, -2.0]),
            "{got:?}"
        );
        let one = part.to_string();
        let got = world.post("/v1/models/m:embedContent", &one, &[]).await;
        assert_eq!(
            read(&got.body)["embedding"]["values"],
            json!([1.0, -2.0]),
            "{got:?}"
        );
    }
    let world = World::start(Dialect::Messages).await;
    let got = world
        .post("/v1/embeddings", &numbers.to_string(), &[])
        .await;
    assert_eq!((got.status, world.count()), (400, 0), "{got:?}");
}

#[tokio::test]
async fn plain_text_that_others_cannot_complete_is_refused() {
    let world = World::start(Dialect::Messages).await;
    for asked in [
        json!({"model": "m", "prompt": "a", "echo": true}),
        json!({"model": "m", "prompt": "a", "suffix": "b"}),
        json!({"model": "m", "prompt": "a", "n": 2}),
        json!({"model": "m", "prompt": ["a", "b"]}),
        json!({"model": "m", "prompt": [1, 2]}),
        json!({"model": "m"}),
    ] {
        let got = world.post("/v1/completions", &asked.to_string(), &[]).await;
        assert_eq!(got.status, 400, "{asked}: {got:?}");
    }
    assert_eq!(world.count(), 0);
}
