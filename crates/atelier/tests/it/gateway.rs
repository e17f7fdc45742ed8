//! `atelier gateway`: other programs before it, the stand-in behind it.

use std::{
    io::{BufRead, BufReader, Read, Write},
    net::TcpStream,
    process::{Child, Stdio},
};

use atelier_testkit::{Answer, Dialect, Mode, Script};
use serde_json::{Value, json};

use crate::world::{KEY, World};

/// A gateway under way, with what it said first.
struct Gateway {
    child: Child,
    first: Value,
}

impl Gateway {
    fn start(world: &World, args: &[&str]) -> Self {
        let mut command = world.command(&["--json", "gateway", "--listen", "127.0.0.1:0"]);
        let mut child = command
            .args(args)
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .spawn()
            .unwrap();
        let mut line = String::new();
        let stdout = child.stdout.as_mut().unwrap();
        BufReader::new(stdout).read_line(&mut line).unwrap();
        Self {
            child,
            first: serde_json::from_str(&line).unwrap(),
        }
    }

    fn exchange(&self, request: &str) -> String {
        let mut stream = TcpStream::connect(self.first["address"].as_str().unwrap()).unwrap();
        stream.write_all(request.as_bytes()).unwrap();
        let mut answer = String::new();
        stream.read_to_string(&mut answer).unwrap();
        answer
    }

    fn post(&self, path: &str, headers: &str, body: &Value) -> String {
        let body = body.to_string();
        let length = body.len();
        self.exchange(&format!(
            "POST {path} HTTP/1.1\r\nhost: x\r\nconnection: close\r\n{headers}content-length: {length}\r\n\r\n{body}"
        ))
    }

    /// Tells it politely to stop; it must end well.
    fn stop(mut self) {
        let id = i32::try_from(self.child.id()).unwrap();
        let id = rustix::process::Pid::from_raw(id).unwrap();
        rustix::process::kill_process(id, rustix::process::Signal::TERM).unwrap();
        assert_eq!(self.child.wait().unwrap().code(), Some(0));
    }
}

fn script() -> Script {
    let answers = (0..4).map(|_| Answer::Text("A tree.".to_owned()));
    Script::new(Mode::Scripted(answers.collect()))
}

fn said() -> Value {
    json!([{"role": "user", "content": "# DESIGN\nA tree."}])
}

#[test]
fn programs_of_every_dialect_are_answered_by_the_configured_model() {
    for upstream in [
        Dialect::OpenAi,
        Dialect::Responses,
        Dialect::Anthropic,
        Dialect::Gemini,
    ] {
        let world = World::with(script(), upstream);
        let gateway = Gateway::start(&world, &[]);
        for (path, body) in [
            (
                "/v1/chat/completions",
                json!({"model": "code", "messages": said(), "max_completion_tokens": 100}),
            ),
            (
                "/v1/responses",
                json!({"model": "code", "input": said(), "max_output_tokens": 100, "store": false}),
            ),
            (
                "/v1/messages",
                json!({"model": "code", "messages": said(), "max_tokens": 100}),
            ),
            (
                "/v1beta/models/code:generateContent",
                json!({
                    "contents": [{"role": "user", "parts": [{"text": "# DESIGN\nA tree."}]}],
                    "generationConfig": {"maxOutputTokens": 100},
                }),
            ),
        ] {
            let answer = gateway.post(path, "", &body);
            assert!(
                answer.starts_with("HTTP/1.1 200"),
                "{upstream:?} {path}: {answer}"
            );
            assert!(answer.contains("A tree."), "{upstream:?} {path}: {answer}");
            assert!(!answer.contains(KEY));
        }
        assert_eq!(world.server().violations(), Vec::<String>::new());
        gateway.stop();
    }
}

#[test]
fn keys_of_clients_come_from_the_environment() {
    let world = World::with(script(), Dialect::OpenAi);
    let missing = world.run(&["gateway", "--keys-from", "NO_SUCH_KEYS"]);
    missing.expect_failure(2, "take the keys of clients from NO_SUCH_KEYS");
    // The provider's key is the one variable that every world has.
    let gateway = Gateway::start(&world, &["--keys-from", "ATELIER_KEY"]);
    let body = json!({"model": "code", "messages": said(), "max_completion_tokens": 100});
    let refused = gateway.post("/v1/chat/completions", "", &body);
    assert!(refused.starts_with("HTTP/1.1 401"), "{refused}");
    let key = format!("authorization: Bearer {KEY}\r\n");
    let answer = gateway.post("/v1/chat/completions", &key, &body);
    assert!(answer.starts_with("HTTP/1.1 200"), "{answer}");
    gateway.stop();
}

#[test]
fn without_a_model_there_is_nothing_to_pass_on() {
    let world = World::offline();
    let ended = world.run(&["gateway", "--listen", "127.0.0.1:0"]);
    ended.expect_failure(3, "no provider with a server is configured");
    let open = World::with(script(), Dialect::OpenAi);
    let ended = open.run(&["gateway", "--listen", "0.0.0.0:0"]);
    ended.expect_failure(2, "without a key");
}
