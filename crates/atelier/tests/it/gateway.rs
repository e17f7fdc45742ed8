//! `atelier gateway`: other programs before it, the stand-in behind it.

use std::{
    io::{BufRead, BufReader, Read, Write},
    net::{TcpListener, TcpStream},
    process::{Child, Command, Stdio},
    sync::{
        Arc, Mutex,
        atomic::{AtomicUsize, Ordering},
        mpsc,
    },
    thread,
    time::Duration,
};

use atelier_model::MicroUsd;
use atelier_testkit::{Answer, Dialect, Mode, Prices, Script, Server};
use serde_json::{Value, json};

use crate::world::{KEY, World};

/// A gateway under way, with what it said first.
pub(crate) struct Gateway {
    child: Child,
    first: Value,
}

impl Gateway {
    pub(crate) fn start(world: &World, args: &[&str]) -> Self {
        let mut command = world.command(&["--json", "gateway", "--listen", "127.0.0.1:0"]);
        command.args(args);
        Self::of(command)
    }

    pub(crate) fn of(mut command: Command) -> Self {
        let mut child = command
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
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

    fn address(&self) -> &str {
        self.first["address"].as_str().unwrap()
    }

    fn exchange(&self, request: &str) -> String {
        exchange(self.address(), request).unwrap()
    }

    pub(crate) fn post(&self, path: &str, headers: &str, body: &Value) -> String {
        let body = body.to_string();
        let length = body.len();
        self.exchange(&format!(
            "POST {path} HTTP/1.1\r\nhost: x\r\nconnection: close\r\n{headers}content-length: {length}\r\n\r\n{body}"
        ))
    }

    /// Asks for something that needs no body.
    pub(crate) fn ask(&self, method: &str, path: &str, headers: &str) -> String {
        self.exchange(&format!(
            "{method} {path} HTTP/1.1\r\nhost: x\r\nconnection: close\r\n{headers}\r\n"
        ))
    }

    /// The first line from now on that it says to a person and that has these words. One that
    /// says nothing is ended.
    pub(crate) fn hear(&mut self, words: &str) -> String {
        let id = rustix::process::Pid::from_child(&self.child);
        let (heard, hearing) = mpsc::channel::<()>();
        thread::spawn(move || {
            if hearing.recv_timeout(HEARING_MAX) == Err(mpsc::RecvTimeoutError::Timeout) {
                // One that is gone already says nothing either.
                let _ = rustix::process::kill_process(id, rustix::process::Signal::KILL);
            }
        });
        let mut errors = BufReader::new(self.child.stderr.as_mut().unwrap());
        let mut line = String::new();
        while !line.contains(words) {
            line.clear();
            let length = errors.read_line(&mut line).unwrap();
            assert!(length > 0, "nobody says `{words}`");
        }
        drop(heard);
        line
    }

    /// Ends it without a word.
    pub(crate) fn kill(mut self) {
        self.child.kill().unwrap();
        self.child.wait().unwrap();
    }

    /// Tells it something.
    fn signal(&self, signal: rustix::process::Signal) {
        let id = i32::try_from(self.child.id()).unwrap();
        let id = rustix::process::Pid::from_raw(id).unwrap();
        rustix::process::kill_process(id, signal).unwrap();
    }

    /// Tells it politely to stop; it must end well.
    pub(crate) fn stop(mut self) {
        self.signal(rustix::process::Signal::TERM);
        assert_eq!(self.child.wait().unwrap().code(), Some(0));
    }
}

impl Drop for Gateway {
    fn drop(&mut self) {
        // One that was stopped is gone; one whose test failed must not stay.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// Time for a gateway to say what a test waits for.
const HEARING_MAX: Duration = Duration::from_secs(20);

/// Says something to a server and returns its answer; `None` where it is gone.
fn exchange(address: &str, request: &str) -> Option<String> {
    let mut stream = TcpStream::connect(address).ok()?;
    stream.write_all(request.as_bytes()).ok()?;
    let mut answer = String::new();
    stream.read_to_string(&mut answer).ok()?;
    Some(answer)
}

/// A question that nobody has asked before.
fn question(number: usize) -> String {
    let said = json!([{"role": "user", "content": format!("# DESIGN\n{number}")}]);
    let body = json!({"model": "code", "messages": said, "max_completion_tokens": 100});
    let body = body.to_string();
    let length = body.len();
    format!(
        "POST /v1/chat/completions HTTP/1.1\r\nhost: x\r\nconnection: close\r\n\
         content-length: {length}\r\n\r\n{body}"
    )
}

/// Settings under which an answer costs something.
const PRICED: [&str; 4] = [
    "-c",
    "prices.standin-large.input=1",
    "-c",
    "prices.standin-large.output=1",
];

/// What the gateway has spent, as the program tells it.
#[derive(Debug, PartialEq, Eq)]
struct Spent {
    requests: u64,
    cached: u64,
    failed: u64,
    cost: u64,
}

fn spent(world: &World) -> Spent {
    let parts = world.run(&["--json", "cost", "--gateway"]).expect(0).json();
    let sum = |name: &str| parts.iter().map(|part| part[name].as_u64().unwrap()).sum();
    Spent {
        requests: sum("requests"),
        cached: sum("cached"),
        failed: sum("failed"),
        cost: sum("cost_micro_usd"),
    }
}

fn script() -> Script {
    let answers = (0..5).map(|_| Answer::Text("A tree.".to_owned()));
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
                "/v1/completions",
                json!({"model": "code", "prompt": "# DESIGN\nA tree.", "max_tokens": 101}),
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
    let ended = world.run(&["serve", "--listen", "127.0.0.1:0"]);
    ended.expect_failure(3, "no provider with a server is configured");
    let open = World::with(script(), Dialect::OpenAi);
    let ended = open.run(&["gateway", "--listen", "0.0.0.0:0"]);
    ended.expect_failure(2, "without a key");
}

#[test]
fn what_a_gateway_spends_is_told_by_client_and_model() {
    let world = World::with(Script::new(Mode::Echo), Dialect::OpenAi);
    let none = world.run(&["cost", "--gateway"]).expect(0).stdout;
    assert_eq!(none, "no program was answered by the gateway yet\n");
    let gateway = Gateway::start(&world, &PRICED);
    for number in [1, 2, 2] {
        let answer = gateway.exchange(&question(number));
        assert!(answer.starts_with("HTTP/1.1 200"), "{answer}");
    }
    gateway.stop();
    let told = spent(&world);
    assert_eq!((told.requests, told.cached, told.failed), (3, 1, 0));
    assert!(told.cost > 0, "{told:?}");
    let said = world.run(&["cost", "--gateway"]).expect(0).stdout;
    for words in [
        "anyone",
        "standin-large",
        "3 requests, 1 answered before",
        "saved",
    ] {
        assert!(said.contains(words), "no `{words}` in {said}");
    }
    // What was answered is answered again by the next gateway, without its provider.
    let asked = world.server().request_count();
    let again = Gateway::start(&world, &PRICED);
    let answer = again.exchange(&question(1));
    assert!(answer.contains("x-atelier-cache: hit"), "{answer}");
    assert_eq!(world.server().request_count(), asked);
    let second = world.run(&["gateway", "--listen", "127.0.0.1:0"]);
    second.expect_failure(10, "keep the ledger of relayed requests");
    again.stop();
}

#[test]
fn of_many_at_once_as_many_are_answered_as_the_budget_covers() {
    const AT_ONCE: usize = 64;
    // The first answer gives back what it did not cost: all have come before it is there.
    let script = Script::new(Mode::Echo).with_latency_ms(3_000);
    let world = World::with(script, Dialect::OpenAi);
    // One request costs at most some 240 tokens, at a dollar for a million.
    let budget = [&PRICED[..], &["--budget", "0.000400"]].concat();
    let gateway = Gateway::start(&world, &budget);
    let address = gateway.address();
    let answers: Vec<String> = thread::scope(|scope| {
        let asking = (0..AT_ONCE)
            .map(|number| scope.spawn(move || exchange(address, &question(number)).unwrap()))
            .collect::<Vec<_>>();
        let ended = asking.into_iter().map(|one| one.join().unwrap());
        ended.collect()
    });
    let with = |status: &str| {
        let begins = format!("HTTP/1.1 {status}");
        answers
            .iter()
            .filter(|answer| answer.starts_with(&begins))
            .count()
    };
    assert_eq!((with("200"), with("402")), (1, AT_ONCE - 1), "{answers:?}");
    assert_eq!(world.server().request_count(), 1);
    gateway.stop();
}

#[test]
fn no_settled_request_is_lost_however_often_the_gateway_is_killed() {
    const KILLS: usize = 24;
    const AT_ONCE: usize = 4;
    let world = World::with(Script::new(Mode::Echo), Dialect::OpenAi);
    let next = AtomicUsize::new(0);
    let answered = AtomicUsize::new(0);
    for kill in 0..KILLS {
        let gateway = Gateway::start(&world, &PRICED);
        let address = gateway.address().to_owned();
        let until = answered.load(Ordering::SeqCst) + kill;
        thread::scope(|scope| {
            for _ in 0..AT_ONCE {
                scope.spawn(|| {
                    // Each asks until nobody is there any more.
                    loop {
                        let number = next.fetch_add(1, Ordering::SeqCst);
                        match exchange(&address, &question(number)) {
                            Some(answer) if answer.starts_with("HTTP/1.1 200") => {
                                let is_whole = answer.ends_with('}');
                                answered.fetch_add(usize::from(is_whole), Ordering::SeqCst);
                            }
                            Some(answer) => assert_eq!(answer, "", "nothing else is said"),
                            None => return,
                        }
                    }
                });
            }
            while answered.load(Ordering::SeqCst) <= until {
                thread::yield_now();
            }
            gateway.kill();
        });
    }
    let told = spent(&world);
    let asked = u64::try_from(next.load(Ordering::SeqCst)).unwrap();
    let answered = u64::try_from(answered.load(Ordering::SeqCst)).unwrap();
    let served = u64::try_from(world.server().request_count()).unwrap();
    assert!(answered >= u64::try_from(KILLS).unwrap());
    assert!(
        told.requests - told.failed >= answered,
        "{told:?}, {answered} answered"
    );
    assert!(told.requests <= asked, "{told:?}, {asked} asked");
    // What was under way is taken to have been served: nothing that was served is missing.
    assert!(told.requests >= served, "{told:?}, {served} served");
    assert!(told.failed <= u64::try_from(KILLS * AT_ONCE).unwrap());
    let prices = Prices {
        input: 1_000_000,
        output: 1_000_000,
    };
    let paid = world.server().spent(prices).cost;
    assert!(MicroUsd(told.cost) >= paid, "{told:?}, {paid:?} to be paid");
    assert_eq!(told, spent(&world), "what is told once is told again");
}

/// A provider that says "one": whole answers at once, of a streamed one the first half, and the
/// rest when it is told to.
struct Slow {
    url: String,
    go_on: mpsc::Sender<()>,
}

impl Slow {
    fn start() -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let url = format!("http://{}/v1", listener.local_addr().unwrap());
        let (go_on, told) = mpsc::channel();
        let told = Arc::new(Mutex::new(told));
        thread::spawn(move || {
            for stream in listener.incoming() {
                let told = Arc::clone(&told);
                thread::spawn(move || answer(stream.unwrap(), &told));
            }
        });
        Self { url, go_on }
    }
}

fn answer(mut stream: TcpStream, told: &Mutex<mpsc::Receiver<()>>) {
    let mut request = [0; 4_096];
    let length = stream.read(&mut request).unwrap();
    let is_streamed = String::from_utf8_lossy(&request[..length]).contains("\"stream\":true");
    let choice = |what: &str, text: &str, end: &str| {
        format!(
            "{{\"id\":\"c\",\"model\":\"m\",\"choices\":[{{\"index\":0,\"{what}\":{{\"role\":\
             \"assistant\",\"content\":\"{text}\"}},\"finish_reason\":{end}}}]}}"
        )
    };
    let head = "HTTP/1.1 200 OK\r\nconnection: close\r\n\r\n";
    if !is_streamed {
        let document = choice("message", "one", "\"stop\"");
        stream
            .write_all(format!("{head}{document}").as_bytes())
            .unwrap();
        return;
    }
    let first = choice("delta", "first half", "null");
    stream
        .write_all(format!("{head}data: {first}\n\n").as_bytes())
        .unwrap();
    told.lock().unwrap().recv().unwrap();
    let second = choice("delta", "second half", "\"stop\"");
    stream
        .write_all(format!("data: {second}\n\ndata: [DONE]\n\n").as_bytes())
        .unwrap();
}

/// Asks until an answer says something.
fn ask_until(gateway: &Gateway, words: &str) {
    const TIMES: usize = 300;
    for number in 0..TIMES {
        if gateway.exchange(&question(1_000 + number)).contains(words) {
            return;
        }
        thread::sleep(Duration::from_millis(20));
    }
    panic!("no answer says {words}");
}

#[test]
fn a_changed_configuration_holds_from_the_next_request_on() {
    let world = World::offline();
    let slow = Slow::start();
    let other = Server::start(Script::new(Mode::Scripted(
        (0..8).map(|_| Answer::Text("two".to_owned())).collect(),
    )))
    .unwrap();
    let file = |url: &str, model: &str| {
        format!("provider = \"openai\"\nmodel = {model}\nkey = \"{KEY}\"\nbase_url = \"{url}\"\n")
    };
    world.write("user.toml", file(&slow.url, "\"m\""));
    let mut command = world.command(&["--json", "gateway", "--listen", "127.0.0.1:0"]);
    command.env("ATELIER_CONFIG", world.folder().join("user.toml"));
    let mut gateway = Gateway::of(command);
    let mut errors = BufReader::new(gateway.child.stderr.take().unwrap());

    let streamed = question(1).replacen("{\"m", "{\"stream\":true,\"m", 1);
    let length = streamed.split("\r\n\r\n").nth(1).unwrap().len();
    let streamed = streamed.replace(
        &format!("content-length: {}", length - "\"stream\":true,".len()),
        &format!("content-length: {length}"),
    );
    let mut stream = TcpStream::connect(gateway.address()).unwrap();
    stream.write_all(streamed.as_bytes()).unwrap();
    let mut begun = Vec::new();
    let mut piece = [0; 4_096];
    while !String::from_utf8_lossy(&begun).contains("first half") {
        let length = stream.read(&mut piece).unwrap();
        assert!(length > 0, "{}", String::from_utf8_lossy(&begun));
        begun.extend_from_slice(&piece[..length]);
    }

    // What cannot be used is told, and changes nothing.
    world.write("user.toml", file(&slow.url, "5"));
    gateway.signal(rustix::process::Signal::HUP);
    let mut error = String::new();
    while !error.contains("use `model` from") {
        error.clear();
        assert!(
            errors.read_line(&mut error).unwrap() > 0,
            "no error is told"
        );
    }
    assert!(
        error.contains("user.toml") && error.contains("a text"),
        "{error}"
    );
    ask_until(&gateway, "one");

    world.write("user.toml", file(&other.base_url(), "\"n\""));
    gateway.signal(rustix::process::Signal::HUP);
    ask_until(&gateway, "two");
    slow.go_on.send(()).unwrap();
    let mut rest = String::new();
    stream.read_to_string(&mut rest).unwrap();
    assert!(
        rest.contains("second half") && rest.contains("[DONE]"),
        "{rest}"
    );
    gateway.stop();
}
