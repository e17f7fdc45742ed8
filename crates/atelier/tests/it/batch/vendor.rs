//! `OpenAI` and Anthropic as far as batches need them.

use std::{
    collections::BTreeMap,
    io::{BufRead as _, BufReader, Read as _, Write as _},
    net::{TcpListener, TcpStream},
    sync::{Arc, Mutex, MutexGuard, mpsc},
    thread,
};

use atelier_model::Timestamp;
use serde_json::{Value, json};

use crate::world::KEY;

/// Where the vendor falls silent, so that whoever asks can be killed there.
#[derive(Debug, Clone, Copy)]
pub(super) struct Halt {
    /// How the first line of the request begins.
    pub(super) at: &'static str,
    /// Whether it did first what it was asked.
    pub(super) is_done: bool,
}

/// What the provider has, and how it behaves.
#[derive(Default)]
pub(super) struct Held {
    files: BTreeMap<String, String>,
    pub(super) batches: Vec<Value>,
    /// Questions of each batch.
    asked: Vec<Vec<Value>>,
    /// Answers of each batch, where it has ended.
    answers: BTreeMap<String, Vec<Value>>,
    /// Everything that was sent here.
    pub(super) seen: String,
    /// Whether it hangs up instead of telling that it made a batch.
    pub(super) is_cut: bool,
    /// Whether it refuses what it is asked to make.
    pub(super) is_full: bool,
    pub(super) halt: Option<Halt>,
    /// Told when it fell silent.
    silent: Option<mpsc::Sender<()>>,
    kept: Vec<TcpStream>,
}

/// A provider of batches.
pub(super) struct Vendor {
    pub(super) name: &'static str,
    pub(super) url: String,
    held: Arc<Mutex<Held>>,
}

impl Vendor {
    pub(super) fn start(name: &'static str) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let url = format!("http://{}", listener.local_addr().unwrap());
        let held = Arc::<Mutex<Held>>::default();
        let mine = Arc::clone(&held);
        thread::spawn(move || {
            for stream in listener.incoming() {
                serve(stream.unwrap(), &mut mine.lock().unwrap());
            }
        });
        Self { name, url, held }
    }

    pub(super) fn held(&self) -> MutexGuard<'_, Held> {
        self.held.lock().unwrap()
    }

    pub(super) fn made(&self) -> usize {
        self.held().batches.len()
    }

    /// Falls silent at a request; the channel tells when.
    pub(super) fn halt(&self, halt: Halt) -> mpsc::Receiver<()> {
        let (silent, told) = mpsc::channel();
        let mut held = self.held();
        held.halt = Some(halt);
        held.silent = Some(silent);
        told
    }

    pub(super) fn goes_on(&self) {
        let mut held = self.held();
        held.halt = None;
        held.kept.clear();
    }

    /// Answers every question but those at these places, and ends every batch.
    pub(super) fn finish(&self, fails: &[usize]) {
        let mut held = self.held();
        for at in 0..held.batches.len() {
            if self.name == "openai" {
                held.finish_openai(at, fails);
            } else {
                held.finish_anthropic(at, fails);
            }
        }
    }
}

impl Held {
    fn finish_openai(&mut self, at: usize, fails: &[usize]) {
        let (mut out, mut errors) = (Vec::new(), Vec::new());
        for (place, question) in self.asked[at].iter().enumerate() {
            let name = &question["custom_id"];
            if fails.contains(&place) {
                let body = json!({"error": {"message": "too much"}});
                let response = json!({"status_code": 429, "body": body});
                errors.push(json!({"custom_id": name, "response": response}));
                continue;
            }
            let text = echo(&question["body"]);
            let body = json!({"choices": [{"message": {"content": text}}],
                "usage": {"prompt_tokens": 1_000, "completion_tokens": 100}});
            // The order of answers is not that of the questions.
            let response = json!({"status_code": 200, "body": body});
            out.insert(0, json!({"custom_id": name, "response": response}));
        }
        let counts = json!({"completed": out.len(), "failed": errors.len()});
        for (place, lines) in [("output_file_id", out), ("error_file_id", errors)] {
            if !lines.is_empty() {
                let id = format!("file-{}", self.files.len());
                self.files.insert(id.clone(), joined(&lines));
                self.batches[at][place] = id.into();
            }
        }
        self.batches[at]["request_counts"] = counts;
        self.batches[at]["status"] = "completed".into();
    }

    fn finish_anthropic(&mut self, at: usize, fails: &[usize]) {
        let mut lines = Vec::new();
        for (place, question) in self.asked[at].iter().enumerate() {
            let error = json!({"type": "error", "error":
                {"type": "overloaded_error", "message": "too much"}});
            let text = echo(&question["params"]);
            let result = if fails.contains(&place) {
                json!({"type": "errored", "error": error})
            } else {
                json!({"type": "succeeded", "message": {
                    "content": [{"type": "text", "text": text}], "stop_reason": "end_turn",
                    "usage": {"input_tokens": 1_000, "output_tokens": 100}}})
            };
            lines.insert(
                0,
                json!({"custom_id": question["custom_id"], "result": result}),
            );
        }
        let good = lines.len() - fails.len();
        let batch = &mut self.batches[at];
        batch["request_counts"] = json!({"processing": 0, "succeeded": good,
            "errored": fails.len(), "canceled": 0, "expired": 0});
        batch["processing_status"] = "ended".into();
        let id = batch["id"].as_str().unwrap().to_owned();
        self.answers.insert(id, lines);
    }

    fn answer(&mut self, method: &str, path: &str, body: &str) -> (u16, Value) {
        let parts: Vec<&str> = path.trim_start_matches("/v1/").split('/').collect();
        match (method, &parts[..]) {
            ("POST", ["files"] | ["messages", "batches"]) if self.is_full => {
                (400, json!({"error": {"message": "no room"}}))
            }
            ("POST", ["files"]) => {
                assert!(body.contains("name=\"purpose\"\r\n\r\nbatch\r\n"), "{body}");
                let file = body.split("application/jsonl\r\n\r\n").nth(1).unwrap();
                let file = file.split("\r\n--atelier-").next().unwrap();
                let id = format!("file-{}", self.files.len());
                self.files.insert(id.clone(), file.to_owned());
                (200, json!({ "id": id }))
            }
            ("POST", ["batches"]) => {
                let mut batch: Value = serde_json::from_str(body).unwrap();
                assert_eq!(batch["completion_window"], "24h");
                let asked = self.files[batch["input_file_id"].as_str().unwrap()].lines();
                let asked = asked.map(|line| serde_json::from_str(line).unwrap());
                let asked: Vec<Value> = asked.collect();
                assert!(
                    asked
                        .iter()
                        .all(|line| line["url"] == "/v1/chat/completions")
                );
                batch["status"] = "in_progress".into();
                (200, self.make("batch", batch, asked))
            }
            ("POST", ["messages", "batches"]) => {
                let order: Value = serde_json::from_str(body).unwrap();
                let asked = order["requests"].as_array().unwrap().clone();
                let now = Timestamp::from_millis(millis()).to_string();
                let batch = json!({"processing_status": "in_progress", "created_at": now,
                    "request_counts": {"processing": asked.len()}});
                (200, self.make("msgbatch", batch, asked))
            }
            ("POST", [.., id, "cancel"]) => (200, self.cancel(id)),
            ("GET", ["batches?limit=100"] | ["messages", "batches?limit=100"]) => {
                (200, json!({"data": self.batches}))
            }
            ("GET", ["batches", id] | ["messages", "batches", id]) => {
                let batch = self.batches.iter().find(|batch| batch["id"] == *id);
                (200, batch.unwrap().clone())
            }
            ("GET", ["files", id, "content"]) => (200, self.files[*id].clone().into()),
            ("GET", ["messages", "batches", id, "results"]) => {
                (200, joined(&self.answers[*id]).into())
            }
            other => panic!("no provider knows {other:?}"),
        }
    }

    fn make(&mut self, kind: &str, mut batch: Value, asked: Vec<Value>) -> Value {
        batch["id"] = format!("{kind}_{}", self.batches.len()).into();
        self.asked.push(asked);
        self.batches.push(batch.clone());
        batch
    }

    /// Gives every question up.
    fn cancel(&mut self, id: &str) -> Value {
        let at = self.batches.iter().position(|batch| batch["id"] == id);
        let at = at.unwrap();
        let batch = &mut self.batches[at];
        if batch["status"].is_string() {
            batch["status"] = "cancelled".into();
            return batch.clone();
        }
        let given_up = json!({"type": "canceled"});
        let lines = self.asked[at]
            .iter()
            .map(|asked| json!({"custom_id": asked["custom_id"], "result": given_up}));
        let lines: Vec<Value> = lines.collect();
        batch["processing_status"] = "ended".into();
        batch["request_counts"] = json!({"canceled": lines.len()});
        self.answers.insert(id.to_owned(), lines);
        batch.clone()
    }
}

fn millis() -> i64 {
    let now = std::time::SystemTime::now();
    let now = now.duration_since(std::time::UNIX_EPOCH).unwrap();
    now.as_millis().try_into().unwrap()
}

/// What a model says that repeats the question.
fn echo(question: &Value) -> String {
    format!(
        "answer to: {}",
        question["messages"][0]["content"].as_str().unwrap()
    )
}

fn joined(lines: &[Value]) -> String {
    let lines: Vec<String> = lines.iter().map(Value::to_string).collect();
    lines.join("\n")
}

/// Answers one request. The connection is closed after it.
fn serve(mut stream: TcpStream, held: &mut Held) {
    let mut reader = BufReader::new(&stream);
    let (mut first, mut length, mut is_known) = (String::new(), 0, false);
    reader.read_line(&mut first).unwrap();
    loop {
        let mut line = String::new();
        reader.read_line(&mut line).unwrap();
        let Some((name, value)) = line.trim_end().split_once(": ") else {
            break;
        };
        match name.to_ascii_lowercase().as_str() {
            "content-length" => length = value.parse().unwrap(),
            "authorization" => is_known |= value == format!("Bearer {KEY}"),
            "x-api-key" => is_known |= value == KEY,
            _ => {}
        }
    }
    assert!(is_known, "every request carries the key: {first}");
    let mut body = vec![0; length];
    reader.read_exact(&mut body).unwrap();
    let body = String::from_utf8(body).unwrap();
    held.seen.push_str(&body);
    let halt = held.halt.filter(|halt| first.starts_with(halt.at));
    let mut words = first.split(' ');
    let (method, path) = (words.next().unwrap(), words.next().unwrap());
    let is_order = method == "POST" && path.ends_with("/batches");
    let said = match halt {
        Some(Halt { is_done: false, .. }) => None,
        Some(Halt { is_done: true, .. }) | None => Some(held.answer(method, path, &body)),
    };
    if halt.is_some() {
        held.kept.push(stream);
        held.silent.take().map(|silent| silent.send(()));
        return;
    }
    let Some((status, said)) = said.filter(|_| !(is_order && held.is_cut)) else {
        return;
    };
    let said = said.as_str().map_or(said.to_string(), str::to_owned);
    let length = said.len();
    let begin = format!("HTTP/1.1 {status}\r\ncontent-length: {length}\r\nconnection: close\r\n");
    stream
        .write_all(format!("{begin}\r\n{said}").as_bytes())
        .unwrap();
}
