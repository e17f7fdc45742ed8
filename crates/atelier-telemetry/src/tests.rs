//! Logs that do not grow without end, and what a collector receives.
#![expect(
    clippy::unwrap_used,
    clippy::panic,
    reason = "a test fails by panicking"
)]

use std::{
    collections::BTreeMap,
    fs,
    io::{Read, Write},
    net::{TcpListener, TcpStream},
    time::Duration,
};

use atelier_model::Timestamp;
use serde_json::{Value, json};
use tracing_subscriber::layer::SubscriberExt as _;

use crate::{
    CALL, Wanted,
    file::LogFile,
    otlp::{Exporter, Span, document},
};

/// More than any exchange on this machine takes.
const PATIENCE: Duration = Duration::from_secs(30);

#[test]
fn a_full_log_is_set_aside_and_no_line_is_cut() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("logs/atelier.jsonl");
    let log = LogFile::with_bound(&path, 1_000).unwrap();
    let line = |number: usize| format!("{{\"number\":{number},\"rest\":\"{}\"}}\n", "x".repeat(60));
    for number in 0..100 {
        (&log).write_all(line(number).as_bytes()).unwrap();
    }
    let aside = folder.path().join("logs/atelier.jsonl.1");
    let (now, before) = (fs::read_to_string(&path), fs::read_to_string(aside));
    let (now, before) = (now.unwrap(), before.unwrap());
    assert!(now.len() <= 1_000 && before.len() <= 1_000);
    let all = before + &now;
    let numbers: Vec<u64> = all
        .lines()
        .map(|line| {
            serde_json::from_str::<Value>(line).unwrap()["number"]
                .as_u64()
                .unwrap()
        })
        .collect();
    assert_eq!(numbers.last(), Some(&99));
    assert!(
        numbers.windows(2).all(|pair| pair[1] == pair[0] + 1),
        "{numbers:?}"
    );
    // The next program writes on.
    drop(log);
    let log = LogFile::with_bound(&path, 1_000).unwrap();
    (&log).write_all(line(100).as_bytes()).unwrap();
    assert!(fs::read_to_string(&path).unwrap().ends_with(&line(100)));
}

fn call(id: &str, fields: &[(&'static str, Value)]) -> Span {
    let mut all: BTreeMap<&'static str, Value> = fields.iter().cloned().collect();
    all.insert("id", id.into());
    Span {
        fields: all,
        at: Timestamp::from_millis(1_790_000_001_200),
    }
}

fn answered() -> Span {
    call(
        "ask-1",
        &[
            ("run", json!("run-1")),
            ("task", json!("t1.1")),
            ("asker", json!("code")),
            ("provider", json!("openai")),
            ("model", json!("gpt-5")),
            ("outcome", json!("ok")),
            ("source", json!("provider")),
            ("input_tokens", json!(1_000)),
            ("output_tokens", json!(50)),
            ("latency_ms", json!(1_200)),
        ],
    )
}

#[test]
fn a_call_is_a_span_of_its_run() {
    let failed = call(
        "ask-2",
        &[("run", json!("run-1")), ("outcome", json!("provider"))],
    );
    let document = document::traces(&[answered(), failed], "nightly");
    let resource = &document["resourceSpans"][0]["resource"]["attributes"][0];
    assert_eq!(resource["value"]["stringValue"], "nightly");
    let spans = &document["resourceSpans"][0]["scopeSpans"][0]["spans"];
    let (first, second) = (&spans[0], &spans[1]);
    assert_eq!(first["traceId"], second["traceId"]);
    assert_eq!(first["traceId"].as_str().unwrap().len(), 32);
    assert_eq!(first["spanId"].as_str().unwrap().len(), 16);
    assert_ne!(first["spanId"], second["spanId"]);
    // The one belongs to a task, the other to the run.
    assert_ne!(first["parentSpanId"], second["parentSpanId"]);
    assert_eq!(first["name"], "chat gpt-5");
    assert_eq!(first["startTimeUnixNano"], "1790000000000000000");
    assert_eq!(first["endTimeUnixNano"], "1790000001200000000");
    assert_eq!(first.get("status"), None);
    assert_eq!(second["status"]["code"], 2);
    let attributes: BTreeMap<&str, &Value> = first["attributes"]
        .as_array()
        .unwrap()
        .iter()
        .map(|one| (one["key"].as_str().unwrap(), &one["value"]))
        .collect();
    assert_eq!(attributes["gen_ai.request.model"]["stringValue"], "gpt-5");
    assert_eq!(attributes["gen_ai.usage.input_tokens"]["intValue"], "1000");
    assert_eq!(attributes["atelier.task"]["stringValue"], "t1.1");
}

#[test]
fn times_and_tokens_are_measured_where_the_provider_answered() {
    let kept = call(
        "ask-3",
        &[("source", json!("cache")), ("latency_ms", json!(1))],
    );
    let document = document::metrics(&[answered(), answered(), kept], "atelier");
    let metrics = document["resourceMetrics"][0]["scopeMetrics"][0]["metrics"]
        .as_array()
        .unwrap();
    let of = |name: &str| {
        let found = metrics.iter().find(|metric| metric["name"] == name);
        found.unwrap_or_else(|| panic!("{name} is missing"))
    };
    let duration = &of("gen_ai.client.operation.duration")["histogram"]["dataPoints"];
    assert_eq!(duration.as_array().unwrap().len(), 1);
    assert_eq!(duration[0]["count"], "2");
    assert!((duration[0]["sum"].as_f64().unwrap() - 2.4).abs() < 1e-9);
    let bounds = duration[0]["explicitBounds"].as_array().unwrap();
    let counts = duration[0]["bucketCounts"].as_array().unwrap();
    assert_eq!(counts.len(), bounds.len() + 1);
    let bucket = counts.iter().position(|count| count == "2").unwrap();
    assert!(bounds[bucket].as_f64().unwrap() >= 1.2);
    assert!(bounds[bucket - 1].as_f64().unwrap() < 1.2);
    let tokens = &of("gen_ai.client.token.usage")["histogram"]["dataPoints"];
    assert_eq!(
        tokens.as_array().unwrap().len(),
        2,
        "input and output apart"
    );
}

/// A collector that takes so many messages and returns their bodies by path.
fn collect(listener: &TcpListener, messages: usize) -> Vec<(String, String, Value)> {
    let mut received = Vec::new();
    while received.len() < messages {
        let (mut stream, _) = listener.accept().unwrap();
        stream.set_read_timeout(Some(PATIENCE)).unwrap();
        while received.len() < messages
            && let Some(message) = message(&mut stream)
        {
            received.push(message);
        }
    }
    received
}

/// The next message on a connection: its first line, its head and its body.
fn message(stream: &mut TcpStream) -> Option<(String, String, Value)> {
    let mut bytes = Vec::new();
    let mut piece = [0; 4_096];
    loop {
        let text = String::from_utf8_lossy(&bytes).into_owned();
        if let Some((head, body)) = text.split_once("\r\n\r\n") {
            let length = head.lines().find_map(|line| {
                line.to_ascii_lowercase()
                    .strip_prefix("content-length: ")
                    .map(str::to_owned)
            });
            let length: usize = length.unwrap().parse().unwrap();
            if body.len() >= length {
                stream
                    .write_all(b"HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\n{}")
                    .unwrap();
                let first = head.lines().next().unwrap().to_owned();
                return Some((first, head.to_owned(), serde_json::from_str(body).unwrap()));
            }
        }
        match stream.read(&mut piece).unwrap() {
            0 => return None,
            length => bytes.extend_from_slice(&piece[..length]),
        }
    }
}

fn exporter(listener: &TcpListener) -> Exporter {
    let url = format!("http://{}/base/", listener.local_addr().unwrap());
    let wanted = Wanted {
        headers: vec![("authorization".to_owned(), "Bearer abc".to_owned())],
        ..Wanted::default()
    };
    Exporter::start(&url.parse().unwrap(), &wanted).unwrap()
}

#[test]
fn what_was_said_of_calls_reaches_the_collector_and_nothing_else_does() {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let exporter = exporter(&listener);
    let all = tracing_subscriber::registry().with(exporter.layer());
    tracing::subscriber::with_default(all, || {
        for number in 0..3_u64 {
            tracing::info!(target: CALL, id = number, model = "m", outcome = "ok", source = "provider", "ended");
        }
        tracing::info!(target: "atelier::event", kind = "run.created");
    });
    let taking = std::thread::Builder::new().spawn(move || collect(&listener, 2));
    assert_eq!(exporter.finish(PATIENCE), 0);
    let received = taking.unwrap().join().unwrap();
    assert_eq!(received[0].0, "POST /base/v1/traces HTTP/1.1");
    assert_eq!(received[1].0, "POST /base/v1/metrics HTTP/1.1");
    assert!(received[0].1.contains("authorization: Bearer abc"));
    let spans = &received[0].2["resourceSpans"][0]["scopeSpans"][0]["spans"];
    assert_eq!(spans.as_array().unwrap().len(), 3);
}

#[test]
fn a_collector_that_is_gone_loses_calls_and_says_how_many() {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let exporter = exporter(&listener);
    drop(listener);
    let all = tracing_subscriber::registry().with(exporter.layer());
    tracing::subscriber::with_default(all, || {
        for number in 0..5_u64 {
            tracing::info!(target: CALL, id = number, outcome = "ok");
        }
    });
    assert_eq!(exporter.finish(PATIENCE), 5);
}
