//! Questions are sent together, looked at and fetched, and never sent twice.

use std::{
    collections::BTreeMap,
    fs,
    io::{BufRead as _, BufReader, Read as _, Write as _},
    net::{TcpListener, TcpStream},
    sync::{Arc, Mutex},
    thread,
};

use serde_json::{Value, json};

use crate::world::{Ended, KEY, World, end};

/// What the provider has, and how it behaves.
#[derive(Default)]
struct Held {
    files: BTreeMap<String, String>,
    batches: Vec<Value>,
    /// Whether it hangs up instead of telling that it made a batch.
    is_cut: bool,
    /// Whether it refuses files.
    is_full: bool,
}

/// `OpenAI` as far as batches need it.
struct Vendor {
    url: String,
    held: Arc<Mutex<Held>>,
}

impl Vendor {
    fn start() -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let url = format!("http://{}", listener.local_addr().unwrap());
        let held = Arc::<Mutex<Held>>::default();
        let mine = Arc::clone(&held);
        thread::spawn(move || {
            for stream in listener.incoming() {
                serve(&stream.unwrap(), &mut mine.lock().unwrap());
            }
        });
        Self { url, held }
    }

    fn made(&self) -> usize {
        self.held.lock().unwrap().batches.len()
    }

    /// Answers every question but those that are to fail, and ends every batch.
    fn finish(&self, fails: &[&str]) {
        let mut held = self.held.lock().unwrap();
        let mut batches = std::mem::take(&mut held.batches);
        for batch in &mut batches {
            let asked = held.files[batch["input_file_id"].as_str().unwrap()].clone();
            let (mut out, mut errors) = (Vec::new(), Vec::new());
            for line in asked.lines() {
                let line: Value = serde_json::from_str(line).unwrap();
                assert_eq!(line["url"], "/v1/chat/completions");
                let name = line["custom_id"].as_str().unwrap();
                if fails.contains(&name) {
                    let body = json!({"error": {"message": "too much"}});
                    errors.push(json!({"custom_id": name, "response":
                        {"status_code": 429, "body": body}}));
                } else {
                    let text = format!("answer to {name}");
                    let body = json!({"choices": [{"message": {"content": text}}],
                        "usage": {"prompt_tokens": 1_000, "completion_tokens": 100}});
                    // The order of answers is not that of the questions.
                    out.insert(
                        0,
                        json!({"custom_id": name, "response":
                        {"status_code": 200, "body": body}}),
                    );
                }
            }
            let counts = json!({"completed": out.len(), "failed": errors.len()});
            for (place, lines) in [("output_file_id", out), ("error_file_id", errors)] {
                if !lines.is_empty() {
                    let id = format!("file-{}", held.files.len());
                    let lines = lines.iter().map(|line| format!("{line}\n"));
                    held.files.insert(id.clone(), lines.collect());
                    batch[place] = id.into();
                }
            }
            batch["request_counts"] = counts;
            batch["status"] = "completed".into();
        }
        held.batches = batches;
    }
}

/// Answers one request. The connection is closed after it.
fn serve(mut stream: &TcpStream, held: &mut Held) {
    let mut reader = BufReader::new(stream);
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
            "authorization" => is_known = value == format!("Bearer {KEY}"),
            _ => {}
        }
    }
    assert!(is_known, "every request carries the key: {first}");
    let mut body = vec![0; length];
    reader.read_exact(&mut body).unwrap();
    let body = String::from_utf8(body).unwrap();
    let mut words = first.split(' ');
    let (method, path) = (words.next().unwrap(), words.next().unwrap());
    let Some((status, said)) = answer(method, path, &body, held) else {
        return;
    };
    let length = said.len();
    let begin = format!("HTTP/1.1 {status}\r\ncontent-length: {length}\r\nconnection: close\r\n");
    stream
        .write_all(format!("{begin}\r\n{said}").as_bytes())
        .unwrap();
}

fn answer(method: &str, path: &str, body: &str, held: &mut Held) -> Option<(u16, String)> {
    let parts: Vec<&str> = path.trim_start_matches("/v1/").split('/').collect();
    Some(match (method, &parts[..]) {
        ("POST", ["files"]) if held.is_full => {
            (400, json!({"error": {"message": "no room"}}).to_string())
        }
        ("POST", ["files"]) => {
            assert!(body.contains("name=\"purpose\"\r\n\r\nbatch\r\n"), "{body}");
            let file = body.split("application/jsonl\r\n\r\n").nth(1).unwrap();
            let file = file.split("\r\n--atelier-").next().unwrap();
            let id = format!("file-{}", held.files.len());
            held.files.insert(id.clone(), file.to_owned());
            (200, json!({ "id": id }).to_string())
        }
        ("POST", ["batches"]) => {
            let mut batch: Value = serde_json::from_str(body).unwrap();
            assert_eq!(batch["completion_window"], "24h");
            batch["id"] = format!("batch_{}", held.batches.len()).into();
            batch["status"] = "in_progress".into();
            held.batches.push(batch.clone());
            if held.is_cut {
                return None;
            }
            (200, batch.to_string())
        }
        ("GET", ["batches?limit=100"]) => (200, json!({"data": held.batches}).to_string()),
        ("GET", ["batches", id]) => {
            let batch = held.batches.iter().find(|batch| batch["id"] == *id);
            (200, batch.unwrap().to_string())
        }
        ("GET", ["files", id, "content"]) => (200, held.files[*id].clone()),
        other => panic!("no provider knows {other:?}"),
    })
}

/// A project with two questions, and a provider.
fn world() -> (World, Vendor) {
    let world = World::offline().with_commit();
    let question = |name: &str| {
        let messages = json!([{"role": "user", "content": "say something"}]);
        json!({"custom_id": name, "messages": messages, "max_tokens": 50}).to_string()
    };
    let text = format!("{}\n{}\n", question("one"), question("two"));
    fs::write(world.folder().join("ask.jsonl"), text).unwrap();
    (world, Vendor::start())
}

fn run(world: &World, vendor: &Vendor, args: &[&str]) -> Ended {
    let mut command = world.command(&["-c", "prices.standin.input=2"]);
    command
        .args(["-c", "prices.standin.output=8"])
        .args(args)
        .env("ATELIER_PROVIDER", "openai")
        .env("ATELIER_MODEL", "standin")
        .env("ATELIER_BASE_URL", &vendor.url)
        .env("ATELIER_KEY", KEY);
    end(command)
}

fn submitted(world: &World, vendor: &Vendor) -> String {
    let ended = run(world, vendor, &["batch", "submit", "ask.jsonl"]).expect(0);
    ended.stdout.trim_end().to_owned()
}

#[test]
fn questions_are_sent_once_and_their_answers_come_in_their_order() {
    let (world, vendor) = world();
    let id = submitted(&world, &vendor);
    run(&world, &vendor, &["batch", "submit", "ask.jsonl"])
        .expect_failure(10, "the same questions were sent");
    assert_eq!(vendor.made(), 1);
    run(&world, &vendor, &["batch", "collect", &id]).expect(10);
    let open = run(&world, &vendor, &["--json", "batch", "status", &id]).expect(10);
    let reserved = open.json()[0]["reserved_micro_usd"].as_u64().unwrap();
    assert!(reserved > 2 * 50 * 8, "{reserved}");

    vendor.finish(&[]);
    run(&world, &vendor, &["batch", "status", &id]).expect(0);
    let lines = run(&world, &vendor, &["--json", "batch", "collect", &id]).expect(0);
    let lines = lines.json();
    let texts: Vec<&Value> = lines.iter().map(|line| &line["text"]).collect();
    assert_eq!(texts[..2], ["answer to one", "answer to two"]);
    // 1,000 tokens at 2 dollars a million and 100 at 8, twice.
    assert_eq!(lines[2]["cost_micro_usd"], 2 * (2_000 + 800));
    assert_eq!(lines[2]["reserved_micro_usd"], 0);
    let cost = run(&world, &vendor, &["--json", "cost", "--gateway"]).expect(0);
    let cost = cost.json();
    assert_eq!(cost.last().unwrap()["cost_micro_usd"], 5_600);
}

#[test]
fn what_failed_is_told_and_costs_nothing() {
    let (world, vendor) = world();
    let id = submitted(&world, &vendor);
    vendor.finish(&["one"]);
    let to = world.folder().join("answers.jsonl");
    let args = ["batch", "collect", &id, "--to", to.to_str().unwrap()];
    run(&world, &vendor, &args).expect(13);
    let text = fs::read_to_string(&to).unwrap();
    let lines = text.lines().map(|line| serde_json::from_str(line).unwrap());
    let lines: Vec<Value> = lines.collect();
    assert_eq!(lines[0]["outcome"], "failed");
    assert_eq!(
        (&lines[0]["status"], &lines[0]["error"]),
        (&json!(429), &json!("too much"))
    );
    assert_eq!(lines[1]["text"], "answer to two");
    let again = run(&world, &vendor, &["--json", "batch", "status", &id]).expect(13);
    assert_eq!(again.json()[0]["cost_micro_usd"], 2_800);
    assert_eq!(again.json()[0]["failed"], 1);
}

#[test]
fn a_sending_whose_answer_was_lost_is_found_at_the_provider_and_not_repeated() {
    let (world, vendor) = world();
    vendor.held.lock().unwrap().is_cut = true;
    let cut = run(&world, &vendor, &["batch", "submit", "ask.jsonl"]);
    cut.expect_failure(14, "send batch");
    run(&world, &vendor, &["batch", "submit", "ask.jsonl"]).expect(10);
    assert_eq!(vendor.made(), 1);
    vendor.finish(&[]);
    let listed = run(&world, &vendor, &["--json", "batch", "status"]).expect(0);
    let id = listed.json()[0]["batch"].as_str().unwrap().to_owned();
    run(&world, &vendor, &["batch", "collect", &id]).expect(0);
    assert_eq!(vendor.made(), 1);
}

#[test]
fn what_the_provider_refused_may_be_sent_again() {
    let (world, vendor) = world();
    vendor.held.lock().unwrap().is_full = true;
    run(&world, &vendor, &["batch", "submit", "ask.jsonl"]).expect_failure(14, "no room");
    vendor.held.lock().unwrap().is_full = false;
    submitted(&world, &vendor);
    assert_eq!(vendor.made(), 1);
}

#[test]
fn what_is_to_be_hidden_does_not_leave_in_a_batch() {
    let (world, vendor) = world();
    let args = ["-c", "guard_local=all", "batch", "submit", "ask.jsonl"];
    run(&world, &vendor, &args).expect_failure(3, "to be hidden");
    assert!(vendor.held.lock().unwrap().files.is_empty());
}
