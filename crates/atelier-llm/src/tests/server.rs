//! A model server that follows a script, connection by connection, and checks what it is sent.

use std::{
    sync::{Arc, Mutex},
    time::Duration,
};

use serde_json::Value;
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::{TcpListener, TcpStream},
    sync::Notify,
    task::JoinHandle,
    time::sleep,
};
use url::Url;

/// What the server does with one request.
#[derive(Debug, Clone)]
pub(super) enum Act {
    /// Answers with a status, headers and a body, then closes.
    Answer(u16, Vec<(&'static str, String)>, Vec<u8>),
    /// Answers in one chunk and takes the next request on the same connection.
    Chunked(Vec<u8>),
    /// Answers and keeps the connection open, so that only the terminal event ends the answer.
    AnswerOpen(Vec<u8>),
    /// Promises more bytes than it sends and closes.
    Cut(Vec<u8>),
    /// Answers when it is told to.
    When(Arc<Notify>, Vec<u8>),
    /// Reads the request and says nothing.
    Hang,
    /// Sends bytes, then stays silent with the connection open.
    Stall(Vec<u8>),
    /// Sends one byte after another for ever.
    Drip(u64),
    /// Closes without a word.
    Slam,
}

impl Act {
    pub(super) fn json(body: impl Into<Vec<u8>>) -> Self {
        Self::Answer(200, vec![], body.into())
    }

    pub(super) fn error(status: u16, body: &str) -> Self {
        Self::Answer(status, vec![], body.as_bytes().to_vec())
    }

    pub(super) fn wait(status: u16, header: &'static str, value: &str) -> Self {
        let body = br#"{"error":{"message":"slow down","type":"rate_limit_error"}}"#;
        Self::Answer(status, vec![(header, value.to_owned())], body.to_vec())
    }
}

/// One request as it arrived.
#[derive(Debug, Clone)]
pub(super) struct Seen {
    pub(super) method: String,
    pub(super) path: String,
    pub(super) headers: Vec<(String, String)>,
    pub(super) body: Value,
}

impl Seen {
    pub(super) fn header(&self, name: &str) -> Option<&str> {
        let found = self.headers.iter().find(|(key, _)| key == name);
        found.map(|(_, value)| value.as_str())
    }
}

#[derive(Default)]
struct Log {
    seen: Vec<Seen>,
    connections: usize,
}

/// A running server; it stops with the test.
pub(super) struct Server {
    pub(super) url: Url,
    log: Arc<Mutex<Log>>,
    task: JoinHandle<()>,
}

impl Server {
    /// Plays the script, the last act again and again.
    pub(super) async fn start(script: Vec<Act>) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let url = format!("http://{}", listener.local_addr().unwrap());
        let log = Arc::<Mutex<Log>>::default();
        let task = tokio::spawn(serve(listener, script, log.clone()));
        Self {
            url: url.parse().unwrap(),
            log,
            task,
        }
    }

    /// Every request so far.
    pub(super) fn requests(&self) -> Vec<Seen> {
        self.log.lock().unwrap().seen.clone()
    }

    /// Every question so far, each checked for what its dialect demands.
    pub(super) fn seen(&self) -> Vec<Seen> {
        let seen = self.requests();
        seen.iter()
            .filter(|seen| seen.method == "POST")
            .for_each(check_question);
        seen
    }
}

impl Server {
    /// How many connections were opened.
    pub(super) fn connections(&self) -> usize {
        self.log.lock().unwrap().connections
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        self.task.abort();
    }
}

async fn serve(listener: TcpListener, script: Vec<Act>, log: Arc<Mutex<Log>>) {
    let mut connections = tokio::task::JoinSet::new();
    loop {
        let (stream, _) = listener.accept().await.unwrap();
        log.lock().unwrap().connections += 1;
        connections.spawn(converse(stream, script.clone(), log.clone()));
    }
}

/// Plays one act for each request, as long as the acts leave the connection open.
async fn converse(mut stream: TcpStream, script: Vec<Act>, log: Arc<Mutex<Log>>) {
    while let Some(request) = read_request(&mut stream).await {
        let turn = {
            let mut log = log.lock().unwrap();
            log.seen.push(request);
            log.seen.len() - 1
        };
        let act = script[turn.min(script.len() - 1)].clone();
        if !play(&mut stream, act).await {
            return;
        }
    }
}

/// Returns whether the connection can take another request.
async fn play(stream: &mut TcpStream, act: Act) -> bool {
    let head = |status: u16, headers: &str| format!("HTTP/1.1 {status} Said\r\n{headers}\r\n");
    let opened = match act {
        Act::Chunked(body) => {
            send(stream, head(200, "transfer-encoding: chunked\r\n"), b"").await;
            let chunk = format!("{:x}\r\n", body.len());
            send(stream, chunk, &body).await;
            // The end comes on its own, as it does from a server that closes its stream late.
            tokio::task::yield_now().await;
            send(stream, "\r\n0\r\n\r\n".to_owned(), b"").await;
            return true;
        }
        Act::Answer(status, headers, body) => {
            let lines = headers
                .iter()
                .map(|(name, value)| format!("{name}: {value}\r\n"));
            let lines: String = lines.collect();
            let lines = format!(
                "{lines}connection: close\r\ncontent-length: {}\r\n",
                body.len()
            );
            send(stream, head(status, &lines), &body).await;
            false
        }
        Act::AnswerOpen(body) | Act::Stall(body) => {
            send(stream, head(200, "connection: close\r\n"), &body).await;
            true
        }
        Act::Cut(body) => {
            let lines = format!(
                "connection: close\r\ncontent-length: {}\r\n",
                body.len() + 1
            );
            send(stream, head(200, &lines), &body).await;
            false
        }
        Act::When(told, body) => {
            told.notified().await;
            let lines = format!("connection: close\r\ncontent-length: {}\r\n", body.len());
            send(stream, head(200, &lines), &body).await;
            false
        }
        Act::Hang => true,
        Act::Drip(pause_ms) => {
            send(stream, head(200, "connection: close\r\n"), b"").await;
            while stream.write_all(b":\n").await.is_ok() {
                sleep(Duration::from_millis(pause_ms)).await;
            }
            false
        }
        Act::Slam => false,
    };
    if opened {
        // Until the client gives up.
        let _ = stream.read(&mut [0; 1]).await;
    }
    false
}

async fn send(stream: &mut TcpStream, head: String, body: &[u8]) {
    let _ = stream.write_all(head.as_bytes()).await;
    let _ = stream.write_all(body).await;
    let _ = stream.flush().await;
}

async fn read_request(stream: &mut TcpStream) -> Option<Seen> {
    let mut bytes = Vec::new();
    let head_end = loop {
        if let Some(end) = bytes.windows(4).position(|window| window == b"\r\n\r\n") {
            break end;
        }
        // Whoever opens with anything but a method's name is not speaking HTTP.
        let read = stream.read_buf(&mut bytes).await.ok()?;
        if read == 0 || !bytes[0].is_ascii_uppercase() {
            return None;
        }
    };
    let head = String::from_utf8(bytes[..head_end].to_vec()).unwrap();
    let mut lines = head.lines();
    let mut first = lines.next()?.split(' ');
    let (method, path) = (first.next()?.to_owned(), first.next()?.to_owned());
    let headers: Vec<(String, String)> = lines
        .filter_map(|line| line.split_once(':'))
        .map(|(name, value)| (name.to_lowercase(), value.trim().to_owned()))
        .collect();
    let length = headers.iter().find(|(name, _)| name == "content-length");
    let length: usize = length.map_or(0, |(_, value)| value.parse().unwrap());
    let body_start = head_end + 4;
    while bytes.len() < body_start + length {
        if stream.read_buf(&mut bytes).await.ok()? == 0 {
            return None;
        }
    }
    Some(Seen {
        method,
        path,
        headers,
        body: serde_json::from_slice(&bytes[body_start..]).unwrap_or_default(),
    })
}

/// What must hold for every question, whatever the test is about.
fn check_question(seen: &Seen) {
    let body = &seen.body;
    assert_eq!(seen.header("content-type"), Some("application/json"));
    if seen.path.starts_with("/v1beta/models/") {
        return check_generate(seen);
    }
    assert!(!body["model"].as_str().unwrap().is_empty());
    assert!(body["stream"].is_boolean());
    let list = body.get("messages").unwrap_or(&body["input"]);
    let messages = list.as_array().unwrap();
    assert!(!messages.is_empty());
    let roles: Vec<_> = messages
        .iter()
        .map(|message| message["role"].as_str().unwrap())
        .collect();
    let are_texts = messages
        .iter()
        .all(|message| message["content"].is_string());
    match seen.path.as_str() {
        "/v1/responses" => {
            assert!(seen.header("authorization").unwrap().starts_with("Bearer "));
            assert!(are_texts);
            assert!(body["max_output_tokens"].as_u64().unwrap() > 0);
            assert_eq!(body["store"], false);
            assert_eq!(roles[0], "user");
            assert!(roles.windows(2).all(|pair| pair[0] != pair[1]));
        }
        "/v1/chat/completions" => {
            assert!(seen.header("authorization").unwrap().starts_with("Bearer "));
            assert!(are_texts);
            assert!(
                roles
                    .iter()
                    .all(|role| ["system", "user", "assistant"].contains(role))
            );
            assert!(body["max_tokens"].as_u64().unwrap() > 0);
            let usage = &body["stream_options"]["include_usage"];
            assert_eq!(
                usage.as_bool().unwrap_or(false),
                body["stream"].as_bool().unwrap()
            );
        }
        "/v1/messages" => {
            assert!(seen.header("x-api-key").is_some());
            assert_eq!(seen.header("anthropic-version"), Some("2023-06-01"));
            assert!(body["max_tokens"].as_u64().unwrap() > 0);
            assert_eq!(roles[0], "user");
            assert!(roles.windows(2).all(|pair| pair[0] != pair[1]));
            assert!(body.get("stream_options").is_none());
            let parts = messages.iter().map(|message| &message["content"][0]);
            assert!(parts.clone().all(|part| part["type"] == "text"));
            assert!(parts.clone().all(|part| part["text"].is_string()));
        }
        other => panic!("a question went to {other}"),
    }
}

fn check_generate(seen: &Seen) {
    let body = &seen.body;
    assert!(seen.header("x-goog-api-key").is_some());
    let contents = body["contents"].as_array().unwrap();
    let roles: Vec<_> = contents.iter().map(|turn| &turn["role"]).collect();
    assert_eq!(roles[0], "user");
    assert!(roles.iter().all(|role| *role == "user" || *role == "model"));
    assert!(roles.windows(2).all(|pair| pair[0] != pair[1]));
    assert!(
        contents
            .iter()
            .all(|turn| turn["parts"][0]["text"].is_string())
    );
    assert!(
        body["generationConfig"]["maxOutputTokens"]
            .as_u64()
            .unwrap()
            > 0
    );
    assert_eq!(body.get("model"), None);
    assert_eq!(body.get("stream"), None);
}
