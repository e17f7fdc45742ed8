//! Servers on this machine are known by what they answer.

use std::collections::BTreeMap;

use serde_json::{Value, json};
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::TcpListener,
};
use url::Url;

use crate::{
    LocalServer, LocalServerKind,
    discover::{local_servers, server_url, servers_at},
};

/// Milliseconds no server on this machine needs.
const TIMEOUT_MS: u64 = 20_000;

/// A server with these answers and 404 for all else.
async fn serve(answers: &[(&str, Value)]) -> Url {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("http://{}", listener.local_addr().unwrap());
    let answers: BTreeMap<String, String> = answers
        .iter()
        .map(|(path, value)| ((*path).to_owned(), value.to_string()))
        .collect();
    tokio::spawn(async move {
        loop {
            let (mut stream, _) = listener.accept().await.unwrap();
            let mut head = Vec::new();
            while !head.ends_with(b"\r\n\r\n") && stream.read_buf(&mut head).await.unwrap() > 0 {}
            let head = String::from_utf8(head).unwrap();
            let path = head.split(' ').nth(1).unwrap_or_default();
            let (status, body) = match answers.get(path) {
                Some(body) => (200, body.as_str()),
                None => (404, ""),
            };
            let length = body.len();
            let head = format!(
                "HTTP/1.1 {status} X\r\nconnection: close\r\ncontent-length: {length}\r\n\r\n"
            );
            let _ = stream.write_all(format!("{head}{body}").as_bytes()).await;
        }
    });
    url.parse().unwrap()
}

async fn check(answers: &[(&str, Value)], kind: LocalServerKind, models: &[&str], detail: &str) {
    let url = serve(answers).await;
    let expected = LocalServer {
        kind,
        base_url: format!("{}v1", url.as_str()),
        models: models.iter().map(|&model| model.to_owned()).collect(),
        detail: detail.to_owned(),
    };
    assert_eq!(servers_at(&[url], TIMEOUT_MS).await, [expected]);
}

#[tokio::test]
async fn each_server_is_known_by_its_answers() {
    let list =
        json!({"object": "list", "data": [{"id": "tiny", "object": "model", "owned_by": "x"}]});
    let ollama = [
        ("/api/version", json!({"version": "0.12.3"})),
        (
            "/api/tags",
            json!({"models": [{"name": "qwen3:8b"}, {"name": "gpt-oss:20b"}]}),
        ),
        ("/v1/models", list.clone()),
    ];
    let models = ["qwen3:8b", "gpt-oss:20b"];
    check(&ollama, LocalServerKind::Ollama, &models, "version 0.12.3").await;
    let lm_studio = [
        (
            "/api/v0/models",
            json!({"data": [
                {"id": "a", "state": "loaded"}, {"id": "b", "state": "not-loaded"}
            ]}),
        ),
        ("/v1/models", list.clone()),
    ];
    check(
        &lm_studio,
        LocalServerKind::LmStudio,
        &["a", "b"],
        "1 of 2 models loaded",
    )
    .await;
    let llama_cpp = [
        (
            "/props",
            json!({"default_generation_settings": {}, "build_info": "b6700"}),
        ),
        ("/api/tags", json!({"models": []})),
        ("/v1/models", list.clone()),
    ];
    check(&llama_cpp, LocalServerKind::LlamaCpp, &["tiny"], "b6700").await;
    let vllm = [
        ("/version", json!({"version": "0.11.0"})),
        (
            "/v1/models",
            json!({"data": [{"id": "m", "owned_by": "vllm"}]}),
        ),
    ];
    check(&vllm, LocalServerKind::Vllm, &["m"], "version 0.11.0").await;
    let other = [("/v1/models", list)];
    check(&other, LocalServerKind::OpenAiCompatible, &["tiny"], "").await;
}

#[tokio::test]
async fn strangers_are_left_out() {
    let stranger = serve(&[("/", json!("hello"))]).await;
    let known = serve(&[("/v1/models", json!({"data": []}))]).await;
    let found = servers_at(&[stranger, known.clone()], TIMEOUT_MS).await;
    assert_eq!(found.len(), 1);
    assert!(found[0].base_url.starts_with(known.as_str()));
}

#[tokio::test]
async fn a_server_that_hangs_is_given_up() {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url: Url = format!("http://{}", listener.local_addr().unwrap())
        .parse()
        .unwrap();
    assert!(servers_at(&[url], 50).await.is_empty());
}

#[tokio::test]
async fn extra_addresses_are_asked_at_their_root_and_only_once() {
    let url = serve(&[("/v1/models", json!({"data": [{"id": "extra"}]}))]).await;
    let with_path: Url = format!("{url}v1?x=1").parse().unwrap();
    let found = local_servers(TIMEOUT_MS, &[with_path, url.clone()]).await;
    let extra: Vec<_> = found
        .iter()
        .filter(|server| server.models == ["extra"])
        .collect();
    assert_eq!(extra.len(), 1);
    assert_eq!(extra[0].base_url, format!("{url}v1"));
}

#[test]
fn addresses_are_read_as_people_write_them() {
    let table = [
        ("0.0.0.0:11434", Some("http://127.0.0.1:11434/")),
        (" localhost ", Some("http://127.0.0.1/")),
        ("gpu.lan:8000", Some("http://gpu.lan:8000/")),
        ("https://gpu.lan/v1", Some("https://gpu.lan/")),
        ("ftp://gpu.lan", None),
        ("", None),
        (":11434", None),
    ];
    for (text, expected) in table {
        let url = server_url(text);
        assert_eq!(url.as_ref().map(Url::as_str), expected, "{text}");
    }
}
