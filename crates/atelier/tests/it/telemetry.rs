//! Logs and exports of the real program.

use std::{
    fs,
    io::{Read, Write},
    net::TcpListener,
    thread,
};

use atelier_testkit::{Dialect, Mode, Script, chain};
use serde_json::Value;

use crate::world::{World, end};

#[test]
fn a_build_leaves_json_lines_without_any_text_of_questions() {
    let fixture = chain(1).unwrap();
    let script = Script::new(Mode::Oracle).with_fixture(fixture.clone());
    let world = World::with(script, Dialect::OpenAi).with_commit();
    let log = world.home.path().join("logs/build.jsonl");
    world
        .run(&[
            "--log",
            log.to_str().unwrap(),
            "build",
            &fixture.requirement,
        ])
        .expect(0);
    let text = fs::read_to_string(&log).unwrap();
    let lines: Vec<Value> = text
        .lines()
        .map(|line| serde_json::from_str(line).unwrap())
        .collect();
    let of = |target: &str| {
        let lines = lines.iter().filter(move |line| line["target"] == target);
        lines.collect::<Vec<_>>()
    };
    let calls = of("atelier::call");
    assert_eq!(calls.len(), world.server().requests().len());
    for call in &calls {
        assert_eq!(call["outcome"], "ok", "{call}");
        assert_eq!(call["level"], "INFO");
        assert!(call["input_tokens"].as_u64().unwrap() > 0);
        assert!(call["timestamp"].as_str().unwrap().ends_with('Z'));
    }
    let kinds = of("atelier::event");
    assert!(kinds.iter().any(|line| line["kind"] == "run.verified"));
    let program = of("atelier::program");
    assert_eq!(program.last().unwrap()["code"], 0);
    let sentence = fixture.requirement.lines().next().unwrap();
    assert!(!text.contains(sentence), "the requirement is in the log");
}

#[test]
fn a_failure_is_an_error_in_the_log() {
    let world = World::offline();
    let log = world.home.path().join("failed.jsonl");
    let path = log.to_str().unwrap();
    world
        .run(&["--log", path, "stats", "--run", "01XYZ"])
        .expect_failure(2, "01XYZ");
    let text = fs::read_to_string(&log).unwrap();
    let last: Value = serde_json::from_str(text.lines().last().unwrap()).unwrap();
    assert_eq!(last["level"], "ERROR");
    assert_eq!(last["code"], 2);

    let folder = world.home.path().to_str().unwrap().to_owned();
    world
        .run(&["--log", &folder, "stats"])
        .expect_failure(2, "open the log");
    let mut command = world.command(&["stats"]);
    command.env("ATELIER_LOG", &folder);
    end(command).expect_failure(3, "open the log");
}

#[test]
fn calls_reach_a_collector() {
    let fixture = chain(1).unwrap();
    let script = Script::new(Mode::Oracle).with_fixture(fixture.clone());
    let world = World::with(script, Dialect::OpenAi).with_commit();
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = listener.local_addr().unwrap();
    let taking = thread::spawn(move || {
        let mut bytes = Vec::new();
        for stream in listener.incoming() {
            let mut stream = stream.unwrap();
            let mut piece = [0; 4_096];
            while let Ok(length) = stream.read(&mut piece)
                && length > 0
            {
                bytes.extend_from_slice(&piece[..length]);
                if bytes.ends_with(b"END") {
                    return String::from_utf8(bytes).unwrap();
                }
                // Whatever was sent is taken: pieces of one message get one answer too many, which
                // closes the connection.
                if bytes.ends_with(b"}") {
                    stream
                        .write_all(b"HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\n{}")
                        .unwrap();
                }
            }
        }
        String::new()
    });
    let mut command = world.command(&["build", &fixture.requirement]);
    command.env("OTEL_EXPORTER_OTLP_ENDPOINT", format!("http://{address}"));
    let done = command.output().unwrap();
    assert!(
        done.status.success(),
        "{}",
        String::from_utf8_lossy(&done.stderr)
    );
    std::net::TcpStream::connect(address)
        .unwrap()
        .write_all(b"END")
        .unwrap();
    let received = taking.join().unwrap();
    assert!(received.contains("POST /v1/traces"));
    assert!(received.contains("\"gen_ai.request.model\""));
    assert!(received.contains("gen_ai.client.token.usage"));
}

#[test]
fn a_collector_that_is_gone_does_no_harm_and_is_told() {
    let fixture = chain(1).unwrap();
    let script = Script::new(Mode::Oracle).with_fixture(fixture.clone());
    let world = World::with(script, Dialect::OpenAi).with_commit();
    let address = TcpListener::bind("127.0.0.1:0")
        .unwrap()
        .local_addr()
        .unwrap();
    let mut command = world.command(&["build", &fixture.requirement]);
    command.env("OTEL_EXPORTER_OTLP_ENDPOINT", format!("http://{address}"));
    let done = command.output().unwrap();
    assert!(done.status.success());
    let said = String::from_utf8_lossy(&done.stderr).into_owned();
    assert!(said.contains("were not exported"), "{said}");
}
