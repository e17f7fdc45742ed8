//! What programs send through `atelier gateway` with something to hide in it: neither the provider
//! nor the disk gets to see it, and the program gets it back.

use std::{
    fs,
    io::{BufRead, BufReader, Read, Write},
    net::TcpStream,
    path::Path,
    process::{Child, Stdio},
};

use atelier_testkit::{Dialect, Mode, Planted, Script, planted};
use serde_json::{Value, json};

use crate::world::World;

/// Values that are planted, over all upstream dialects.
const PLANTED: usize = 1_000;

/// Texts of one request.
const TEXTS: usize = 8;

/// A gateway under way.
struct Gateway {
    child: Child,
    address: String,
}

impl Gateway {
    /// Its words go to a file of the throwaway home, where they are looked through with the rest.
    fn start(world: &World, args: &[&str]) -> Self {
        let said = fs::File::create(world.home.path().join("said.log")).unwrap();
        let mut command = world.command(&["--json", "-c", "guard_local=all", "gateway"]);
        let mut child = command
            .args(["--listen", "127.0.0.1:0"])
            .args(args)
            .stdout(Stdio::piped())
            .stderr(said)
            .spawn()
            .unwrap();
        let mut line = String::new();
        let stdout = child.stdout.as_mut().unwrap();
        BufReader::new(stdout).read_line(&mut line).unwrap();
        let first: Value = serde_json::from_str(&line).unwrap();
        Self {
            child,
            address: first["address"].as_str().unwrap().to_owned(),
        }
    }

    /// The body of a successful answer.
    fn post(&self, path: &str, body: &Value) -> String {
        let body = body.to_string();
        let length = body.len();
        let mut stream = TcpStream::connect(&self.address).unwrap();
        let request = format!(
            "POST {path} HTTP/1.1\r\nhost: x\r\nconnection: close\r\ncontent-length: {length}\r\n\r\n{body}"
        );
        stream.write_all(request.as_bytes()).unwrap();
        let mut answer = Vec::new();
        stream.read_to_end(&mut answer).unwrap();
        let end = answer
            .windows(4)
            .position(|four| four == b"\r\n\r\n")
            .unwrap();
        let head = String::from_utf8(answer[..end].to_vec()).unwrap();
        assert!(head.starts_with("HTTP/1.1 200"), "{path}: {head}");
        let body = &answer[end + 4..];
        let is_chunked = head.to_lowercase().contains("transfer-encoding: chunked");
        let body = if is_chunked {
            joined(body)
        } else {
            body.to_vec()
        };
        String::from_utf8(body).unwrap()
    }

    fn stop(mut self) {
        let id = i32::try_from(self.child.id()).unwrap();
        let id = rustix::process::Pid::from_raw(id).unwrap();
        rustix::process::kill_process(id, rustix::process::Signal::TERM).unwrap();
        assert_eq!(self.child.wait().unwrap().code(), Some(0));
    }
}

/// The body that came in chunks.
fn joined(mut chunks: &[u8]) -> Vec<u8> {
    let mut whole = Vec::new();
    while let Some(end) = chunks.windows(2).position(|two| two == b"\r\n") {
        let size = std::str::from_utf8(&chunks[..end]).unwrap();
        let size = usize::from_str_radix(size, 16).unwrap();
        if size == 0 {
            break;
        }
        whole.extend_from_slice(&chunks[end + 2..end + 2 + size]);
        chunks = &chunks[end + 4 + size..];
    }
    whole
}

/// A request of a dialect: where it goes, and its body.
fn request(dialect: Dialect, stream: bool, system: &str, said: &str) -> (String, Value) {
    match dialect {
        Dialect::OpenAi => (
            "/v1/chat/completions".to_owned(),
            json!({"model": "code", "stream": stream, "max_completion_tokens": 9_000, "messages": [
                {"role": "system", "content": system}, {"role": "user", "content": said}]}),
        ),
        Dialect::Responses => (
            "/v1/responses".to_owned(),
            json!({"model": "code", "stream": stream, "max_output_tokens": 9_000, "store": false,
                "instructions": system, "input": [{"role": "user", "content": said}]}),
        ),
        Dialect::Anthropic => (
            "/v1/messages".to_owned(),
            json!({"model": "code", "stream": stream, "max_tokens": 9_000, "system": system,
                "messages": [{"role": "user", "content": [{"type": "text", "text": said}]}]}),
        ),
        Dialect::Gemini => {
            let method = if stream {
                "streamGenerateContent?alt=sse"
            } else {
                "generateContent"
            };
            (
                format!("/v1beta/models/code:{method}"),
                json!({"systemInstruction": {"parts": [{"text": system}]},
                    "contents": [{"role": "user", "parts": [{"text": said}]}],
                    "generationConfig": {"maxOutputTokens": 9_000}}),
            )
        }
    }
}

/// The text that a client hears.
fn heard(dialect: Dialect, stream: bool, body: &str) -> String {
    let events: Vec<Value> = if stream {
        body.lines()
            .filter_map(|line| serde_json::from_str(line.strip_prefix("data:")?.trim()).ok())
            .collect()
    } else {
        vec![serde_json::from_str(body).unwrap()]
    };
    let text = |event: &Value| {
        let pointers: &[&str] = match (dialect, stream) {
            (Dialect::OpenAi, true) => &["/choices/0/delta/content"],
            (Dialect::OpenAi, false) => &["/choices/0/message/content"],
            (Dialect::Responses, true) if event["type"] == "response.output_text.delta" => {
                &["/delta"]
            }
            (Dialect::Responses, true) => &[],
            (Dialect::Responses, false) => {
                &["/output/0/content/0/text", "/output/1/content/0/text"]
            }
            (Dialect::Anthropic, true) => &["/delta/text"],
            (Dialect::Anthropic, false) => &["/content/0/text"],
            (Dialect::Gemini, _) => &["/candidates/0/content/parts/0/text"],
        };
        let mut found = pointers
            .iter()
            .filter_map(|pointer| event.pointer(pointer)?.as_str());
        found.next().unwrap_or_default().to_owned()
    };
    events.iter().map(text).collect()
}

fn leaks<'p>(text: &str, all: &'p [Planted]) -> Vec<&'p str> {
    let traces = all.iter().map(|one| &*one.trace);
    traces.filter(|trace| text.contains(trace)).collect()
}

/// Every file below a folder that holds a planted value, with the value.
fn leaking_files<'p>(
    folder: &Path,
    all: &'p [Planted],
    found: &mut Vec<(String, &'p str)>,
) -> usize {
    let mut files = 0;
    for entry in fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            files += leaking_files(&path, all, found);
        } else if path.is_file() {
            let text = fs::read(&path).unwrap();
            let leaks = leaks(&String::from_utf8_lossy(&text), all);
            found.extend(leaks.iter().map(|leak| (path.display().to_string(), *leak)));
            files += 1;
        }
    }
    files
}

/// Plants values in requests of every client dialect, whole and streamed, to one upstream.
fn check(upstream: Dialect, all: &[Planted]) {
    let world = World::with(Script::new(Mode::Echo), upstream);
    let gateway = Gateway::start(&world, &[]);
    let ways: Vec<(Dialect, bool)> = Dialect::ALL
        .iter()
        .flat_map(|dialect| [(*dialect, true), (*dialect, false)])
        .collect();
    for (at, texts) in all.chunks(TEXTS).enumerate() {
        let (dialect, stream) = ways[at % ways.len()];
        let (system, said) = texts.split_at(1);
        let said: Vec<&str> = said.iter().map(|one| &*one.text).collect();
        let said = format!("# DESIGN\n{}", said.join("\n\n"));
        let (path, body) = request(dialect, stream, &system[0].text, &said);
        let answer = gateway.post(&path, &body);
        assert_eq!(
            heard(dialect, stream, &answer),
            said,
            "{upstream:?} {dialect:?} {stream}"
        );
    }
    assert_eq!(world.server().violations(), Vec::<String>::new());
    assert_eq!(world.server().request_count(), all.len().div_ceil(TEXTS));
    for seen in world.server().requests() {
        assert_eq!(
            leaks(&seen.body.to_string(), all),
            Vec::<&str>::new(),
            "{upstream:?}"
        );
    }
    gateway.stop();
    let mut found = Vec::new();
    let files = leaking_files(&world.home.path(), all, &mut found);
    assert!(files >= 3, "state, key and words of the gateway are files");
    assert_eq!(found, []);
}

#[test]
fn a_thousand_planted_values_pass_the_gateway_unseen() {
    let all = planted(PLANTED, 23);
    for (upstream, part) in Dialect::ALL
        .iter()
        .zip(all.chunks(PLANTED / Dialect::ALL.len()))
    {
        check(*upstream, part);
    }
}

#[test]
fn on_this_machine_nothing_is_hidden_unless_it_is_asked_for() {
    let world = World::with(Script::new(Mode::Echo), Dialect::OpenAi);
    let secret = "sk_live_fKtHF4vUCsMehGAkWvj7FAc9";
    let said = format!("# DESIGN\nkey {secret}, write to bob@smith.org");
    let (path, body) = request(Dialect::OpenAi, false, "Be short.", &said);
    for (policy, sees_key, sees_mail) in [
        ("guard_local=off", true, true),
        ("guard_local=secrets", false, true),
        ("guard=all", true, true),
        ("providers.openai.guard=all", false, false),
        ("stages.code.guard=secrets", false, true),
    ] {
        let before = world.server().request_count();
        // A later flag wins over the one that every gateway here begins with.
        let gateway = Gateway::start(
            &world,
            &["--no-cache", "-c", "guard_local=off", "-c", policy],
        );
        let answer = gateway.post(&path, &body);
        assert_eq!(heard(Dialect::OpenAi, false, &answer), said, "{policy}");
        gateway.stop();
        let requests = world.server().requests();
        assert_eq!(requests.len(), before + 1);
        let sent = requests.last().unwrap().body.to_string();
        assert_eq!(sent.contains(secret), sees_key, "{policy}: {sent}");
        assert_eq!(
            sent.contains("bob@smith.org"),
            sees_mail,
            "{policy}: {sent}"
        );
    }
}

#[test]
fn a_policy_that_is_none_is_told_with_its_key_and_the_words_there_are() {
    let world = World::offline();
    let ended = world.run(&["-c", "guard=most", "config", "show"]);
    ended.expect_failure(
        2,
        "use `guard` from -c guard: it must be off, secrets or all",
    );
}
