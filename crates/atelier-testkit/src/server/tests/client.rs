//! A client that shows every byte of an answer.

use std::{
    io::{ErrorKind, Read, Write},
    net::TcpStream,
    time::Duration,
};

use serde_json::{Value, json};

use crate::{Dialect, Mode, Server};

/// How long a server that should answer may take on a busy machine.
const PATIENT: Duration = Duration::from_mins(1);

/// How long a server is listened to that should say nothing.
const IMPATIENT: Duration = Duration::from_millis(300);

pub(super) struct Answered {
    pub(super) status: u16,
    pub(super) head: String,
    pub(super) kind: String,
    /// The body, or as much of it as came.
    pub(super) text: String,
    /// The body as JSON; null if it is none.
    pub(super) json: Value,
    /// The data of server-sent events, as far as it is JSON.
    pub(super) events: Vec<Value>,
    /// Whether the body ended as HTTP says it must.
    pub(super) complete: bool,
}

pub(super) fn path(dialect: Dialect) -> &'static str {
    match dialect {
        Dialect::OpenAi => "/v1/chat/completions",
        Dialect::Responses => "/v1/responses",
        Dialect::Anthropic => "/v1/messages",
        Dialect::Gemini => "/v1beta/models/standin-large:generateContent",
    }
}

/// Where a request goes: one dialect says there whether the answer is streamed.
fn path_of(dialect: Dialect, body: &Value) -> String {
    if dialect == Dialect::Gemini && body["stream"] == true {
        return "/v1beta/models/standin-large:streamGenerateContent?alt=sse".to_owned();
    }
    path(dialect).to_owned()
}

/// A body as it is sent: the mark of the form is no field of that dialect.
pub(super) fn sent(dialect: Dialect, body: &Value) -> String {
    let mut body = body.clone();
    if dialect == Dialect::Gemini
        && let Some(object) = body.as_object_mut()
    {
        object.remove("stream");
    }
    body.to_string()
}

pub(super) fn headers(dialect: Dialect) -> String {
    match dialect {
        Dialect::OpenAi | Dialect::Responses => {
            "authorization: Bearer secret\r\ncontent-type: application/json\r\n"
        }
        Dialect::Gemini => "x-goog-api-key: secret\r\ncontent-type: application/json\r\n",
        Dialect::Anthropic => {
            "x-api-key: secret\r\nanthropic-version: 2023-06-01\r\ncontent-type: application/json\r\n"
        }
    }
    .to_owned()
}

/// What a good request says, by role.
pub(super) fn conversation(text: &str) -> [(&'static str, String); 2] {
    [
        ("system", "You are a technical lead.".to_owned()),
        ("user", text.to_owned()),
    ]
}

pub(super) fn body(dialect: Dialect, text: &str, stream: bool) -> Value {
    let [(_, system), (_, user)] = conversation(text);
    let user = json!({"role": "user", "content": user});
    let mut request = json!({
        "model": "standin-large", "stream": stream, "temperature": 0.2, "max_tokens": 4096,
    });
    match dialect {
        Dialect::OpenAi => {
            request["messages"] = json!([{"role": "system", "content": system}, user]);
            if stream {
                request["stream_options"] = json!({"include_usage": true});
            }
        }
        Dialect::Anthropic => {
            request["system"] = json!(system);
            request["messages"] = json!([user]);
        }
        Dialect::Responses => {
            return json!({
                "model": "standin-large", "stream": stream, "temperature": 0.2, "store": false,
                "max_output_tokens": 4096, "instructions": system, "input": [user],
            });
        }
        Dialect::Gemini => {
            return json!({
                "stream": stream,
                "systemInstruction": {"parts": [{"text": system}]},
                "contents": [{"role": "user", "parts": [{"text": text}]}],
                "generationConfig": {"temperature": 0.2, "maxOutputTokens": 4096},
            });
        }
    }
    request
}

pub(super) fn ask(server: &Server, dialect: Dialect, text: &str, stream: bool) -> Answered {
    post(server, dialect, &body(dialect, text, stream))
}

pub(super) fn post(server: &Server, dialect: Dialect, body: &Value) -> Answered {
    send(
        server,
        "POST",
        &path_of(dialect, body),
        &headers(dialect),
        &sent(dialect, body),
    )
}

pub(super) fn get(server: &Server, path: &str, headers: &str) -> Answered {
    send(server, "GET", path, headers, "")
}

/// Asks a server that falls silent, at once or half-way.
pub(super) fn listen(server: &Server, dialect: Dialect, body: &Value, mode: &Mode) -> Answered {
    let first = if *mode == Mode::Hang {
        IMPATIENT
    } else {
        PATIENT
    };
    let request = request(
        "POST",
        &path_of(dialect, body),
        &headers(dialect),
        &sent(dialect, body),
    );
    exchange(server, &request, first, IMPATIENT)
}

pub(super) fn send(
    server: &Server,
    method: &str,
    path: &str,
    headers: &str,
    body: &str,
) -> Answered {
    exchange(
        server,
        &request(method, path, headers, body),
        PATIENT,
        PATIENT,
    )
}

fn request(method: &str, path: &str, headers: &str, body: &str) -> String {
    format!(
        "{method} {path} HTTP/1.1\r\nhost: standin\r\nconnection: close\r\n{headers}\
         content-length: {}\r\n\r\n{body}",
        body.len()
    )
}

/// Sends a request and reads until the server closes or is silent for too long.
fn exchange(server: &Server, request: &str, first: Duration, next: Duration) -> Answered {
    let address = server.base_url();
    let mut stream = TcpStream::connect(address.strip_prefix("http://").unwrap()).unwrap();
    stream.set_read_timeout(Some(first)).unwrap();
    stream.write_all(request.as_bytes()).unwrap();
    let mut bytes = Vec::new();
    let mut chunk = [0; 4096];
    loop {
        match stream.read(&mut chunk) {
            Ok(0) => break,
            Ok(read) => {
                bytes.extend_from_slice(&chunk[..read]);
                stream.set_read_timeout(Some(next)).unwrap();
            }
            Err(error) if error.kind() == ErrorKind::Interrupted => {}
            Err(_) => break,
        }
    }
    answered(&bytes)
}

fn answered(bytes: &[u8]) -> Answered {
    let split = bytes.windows(4).position(|window| window == b"\r\n\r\n");
    let (head, rest) = bytes.split_at(split.map_or(bytes.len(), |at| at + 4));
    let head = String::from_utf8(head.to_vec())
        .unwrap()
        .to_ascii_lowercase();
    let field = |name: &str| {
        let line = head.lines().find_map(|line| line.strip_prefix(name));
        line.unwrap_or_default().trim().to_owned()
    };
    let (text, complete) = if field("transfer-encoding:") == "chunked" {
        unchunked(rest)
    } else {
        let length = field("content-length:");
        (rest.to_vec(), length.parse() == Ok(rest.len()))
    };
    let text = String::from_utf8(text).unwrap();
    let data = text.lines().filter_map(|line| line.strip_prefix("data: "));
    Answered {
        status: head
            .split(' ')
            .nth(1)
            .map_or(0, |status| status.parse().unwrap()),
        kind: field("content-type:"),
        json: serde_json::from_str(&text).unwrap_or_default(),
        events: data
            .filter_map(|data| serde_json::from_str(data).ok())
            .collect(),
        complete,
        head,
        text,
    }
}

/// Takes the chunks apart; the second value is whether the last one was there.
fn unchunked(mut rest: &[u8]) -> (Vec<u8>, bool) {
    let mut bytes = Vec::new();
    while let Some(end) = rest.windows(2).position(|window| window == b"\r\n") {
        let size = usize::from_str_radix(std::str::from_utf8(&rest[..end]).unwrap(), 16).unwrap();
        if size == 0 {
            return (bytes, true);
        }
        let start = end + 2;
        let Some(chunk) = rest.get(start..start + size) else {
            break;
        };
        bytes.extend_from_slice(chunk);
        rest = rest.get(start + size + 2..).unwrap_or_default();
    }
    (bytes, false)
}
