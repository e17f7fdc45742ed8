//! A provider that answers whatever a test wants said, and remembers what it was asked.

use std::{
    io::{BufRead, BufReader, Read, Write},
    net::{TcpListener, TcpStream},
    sync::{Arc, Mutex},
    thread,
};

use serde_json::{Value, json};

/// One request as it arrived.
#[derive(Debug, Clone, Default)]
pub(crate) struct Asked {
    /// The first line and the headers.
    pub(crate) head: String,
    pub(crate) body: Value,
}

impl Asked {
    /// The path and what stands behind it.
    pub(crate) fn path(&self) -> &str {
        self.head.split(' ').nth(1).unwrap_or_default()
    }

    pub(crate) fn wants_stream(&self) -> bool {
        self.body["stream"] == true || self.path().contains(":stream")
    }
}

/// What is said to one request.
#[derive(Debug, Clone)]
pub(crate) struct Said {
    status: u16,
    headers: String,
    body: String,
    is_cut: bool,
}

impl Said {
    pub(crate) fn json(body: &Value) -> Self {
        Self::status(200, "", body)
    }

    /// A status, headers that each end with a line end, and a document.
    pub(crate) fn status(status: u16, headers: &str, body: &Value) -> Self {
        Self {
            status,
            headers: format!("{headers}content-type: application/json\r\n"),
            body: body.to_string(),
            is_cut: false,
        }
    }

    /// Events, each with its name where it has one.
    pub(crate) fn events(events: &[Value]) -> Self {
        let written = events.iter().map(|event| {
            let data = event
                .as_str()
                .map_or_else(|| event.to_string(), str::to_owned);
            let name = event["type"].as_str();
            let name = name.map_or_else(String::new, |name| format!("event: {name}\n"));
            format!("{name}data: {data}\n\n")
        });
        Self {
            status: 200,
            headers: "content-type: text/event-stream\r\n".to_owned(),
            body: written.collect(),
            is_cut: false,
        }
    }

    /// The same, but the connection breaks before the promised end.
    pub(crate) fn cut(self) -> Self {
        Self {
            is_cut: true,
            ..self
        }
    }
}

/// A running provider; it lasts as long as the test.
pub(crate) struct Upstream {
    pub(crate) address: String,
    asked: Arc<Mutex<Vec<Asked>>>,
}

impl Upstream {
    /// Starts one whose answer may depend on how many requests came before, and on the request.
    pub(crate) fn start(answer: impl Fn(usize, &Asked) -> Said + Send + Sync + 'static) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let address = listener.local_addr().unwrap().to_string();
        let asked = Arc::<Mutex<Vec<Asked>>>::default();
        let (answer, seen) = (Arc::new(answer), Arc::clone(&asked));
        thread::spawn(move || {
            for stream in listener.incoming() {
                let (answer, seen) = (Arc::clone(&answer), Arc::clone(&seen));
                thread::spawn(move || serve(stream.unwrap(), &*answer, &seen));
            }
        });
        Self { address, asked }
    }

    /// The requests so far.
    pub(crate) fn asked(&self) -> Vec<Asked> {
        self.asked.lock().unwrap().clone()
    }

    pub(crate) fn count(&self) -> usize {
        self.asked.lock().unwrap().len()
    }

    /// The options that name it as the provider of a model `m`.
    pub(crate) fn options(&self, provider: &str) -> Vec<String> {
        [
            "-c",
            &format!("provider={provider}"),
            "-c",
            "model=m",
            "-c",
            &format!("base_url=http://{}", self.address),
        ]
        .map(str::to_owned)
        .to_vec()
    }
}

fn serve(stream: TcpStream, answer: &dyn Fn(usize, &Asked) -> Said, seen: &Mutex<Vec<Asked>>) {
    let mut reader = BufReader::new(stream);
    while let Some(asked) = read(&mut reader) {
        let turn = {
            let mut seen = seen.lock().unwrap();
            seen.push(asked.clone());
            seen.len() - 1
        };
        let said = answer(turn, &asked);
        let length = said.body.len() + usize::from(said.is_cut);
        let head = format!(
            "HTTP/1.1 {} Said\r\n{}content-length: {length}\r\n\r\n",
            said.status, said.headers
        );
        let written = reader.get_mut().write_all((head + &said.body).as_bytes());
        if written.is_err() || said.is_cut {
            return;
        }
    }
}

fn read(reader: &mut BufReader<TcpStream>) -> Option<Asked> {
    let (mut head, mut length) = (String::new(), 0);
    loop {
        let mut line = String::new();
        if reader.read_line(&mut line).ok()? == 0 {
            return None;
        }
        if line.trim_end().is_empty() {
            break;
        }
        if let Some((name, value)) = line.split_once(": ")
            && name.eq_ignore_ascii_case("content-length")
        {
            length = value.trim_end().parse().unwrap();
        }
        head.push_str(&line);
    }
    let mut body = vec![0; length];
    reader.read_exact(&mut body).ok()?;
    let body = serde_json::from_slice(&body).unwrap_or_default();
    Some(Asked { head, body })
}

/// A whole answer in chat completions that says this.
pub(crate) fn chat(text: &str) -> Value {
    json!({
        "id": "c", "object": "chat.completion", "created": 1, "model": "m",
        "choices": [{
            "index": 0, "finish_reason": "stop",
            "message": {"role": "assistant", "content": text},
        }],
        "usage": {"prompt_tokens": 10, "completion_tokens": 3, "total_tokens": 13},
    })
}
