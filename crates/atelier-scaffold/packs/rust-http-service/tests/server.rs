//! The service with a socket, and as a process of its own.

use std::io::{BufRead, BufReader, Read, Write};
use std::net::{SocketAddr, TcpStream};
use std::process::{Child, Command, Stdio};
use std::thread::{self, JoinHandle};

use {{module}}::server::{Server, Stop};

fn start() -> (SocketAddr, Stop, JoinHandle<()>) {
    let server = Server::bind("127.0.0.1", 0).expect("a free port");
    let (address, stop) = (server.address(), server.stop());
    (address, stop, thread::spawn(|| server.serve()))
}

fn exchange(address: SocketAddr, request: &str) -> String {
    let mut stream = TcpStream::connect(address).expect("the server listens");
    stream.write_all(request.as_bytes()).expect("it reads");
    let mut answer = String::new();
    stream.read_to_string(&mut answer).expect("it answers");
    answer
}

fn get(address: SocketAddr, path: &str) -> String {
    exchange(address, &format!("GET {path} HTTP/1.1\r\nHost: x\r\n\r\n"))
}

#[test]
fn it_answers_until_it_is_stopped() {
    let (address, stop, serving) = start();
    let answer = get(address, "/health");
    assert!(answer.starts_with("HTTP/1.1 200 OK\r\n"), "{answer}");
    assert!(
        answer.ends_with("\r\n\r\n{\"status\": \"ok\"}\n"),
        "{answer}"
    );
    stop.stop();
    // Whether the port is free is not asked: another test may have it already.
    serving.join().expect("it ends");
}

#[test]
fn head_has_the_length_and_no_body() {
    let (address, stop, serving) = start();
    let answer = exchange(address, "HEAD /health HTTP/1.1\r\n\r\n");
    assert!(answer.contains("\r\nContent-Length: 17\r\n"), "{answer}");
    assert!(answer.ends_with("\r\n\r\n"), "{answer}");
    stop.stop();
    serving.join().expect("it ends");
}

#[test]
fn what_is_no_request_is_told_so() {
    let (address, stop, serving) = start();
    let answer = exchange(address, "hello\r\n\r\n");
    assert!(
        answer.starts_with("HTTP/1.1 400 Bad Request\r\n"),
        "{answer}"
    );
    stop.stop();
    serving.join().expect("it ends");
}

#[test]
fn a_slow_client_does_not_hold_up_the_others() {
    let (address, stop, serving) = start();
    let slow = TcpStream::connect(address).expect("the server listens");
    let others: Vec<_> = (0..8)
        .map(|_| thread::spawn(move || get(address, "/health")))
        .collect();
    for other in others {
        let answer = other.join().expect("it is answered");
        assert!(answer.starts_with("HTTP/1.1 200 OK\r\n"), "{answer}");
    }
    drop(slow);
    stop.stop();
    serving.join().expect("it ends");
}

/// A process that is killed when the test ends, however it ends.
struct Service(Child);

impl Drop for Service {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

fn process(port: &str) -> Service {
    let child = Command::new(env!("CARGO_BIN_EXE_{{name}}"))
        .envs([("HOST", "127.0.0.1"), ("PORT", port)])
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .expect("the service starts");
    Service(child)
}

#[cfg(unix)]
#[test]
fn a_signal_stops_the_process_gracefully() {
    let mut service = process("0");
    let mut line = String::new();
    let output = service.0.stdout.take().expect("standard output");
    BufReader::new(output).read_line(&mut line).expect("a line");
    let address = line.trim().rsplit("//").next().expect("an address");
    let answer = get(address.parse().expect("an address"), "/");
    assert!(answer.starts_with("HTTP/1.1 200 OK\r\n"), "{answer}");
    let id = service.0.id().to_string();
    let killed = Command::new("kill").args(["-TERM", &id]).status();
    assert!(killed.expect("kill is there").success());
    assert_eq!(service.0.wait().expect("it ends").code(), Some(0));
}

#[test]
fn a_port_that_is_none_is_a_usage_error() {
    let mut service = process("http");
    assert_eq!(service.0.wait().expect("it ends").code(), Some(2));
    let mut message = String::new();
    let mut errors = service.0.stderr.take().expect("standard error");
    errors.read_to_string(&mut message).expect("text");
    assert!(
        message.contains("PORT must be a number from 0 to 65535"),
        "{message}"
    );
}
