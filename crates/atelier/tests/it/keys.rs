//! Keys of providers and of clients, kept, used, exchanged and revoked by the real program.

use std::{
    collections::BTreeMap,
    fs,
    io::{BufRead, BufReader, Read, Write},
    net::{TcpListener, TcpStream},
    os::unix::fs::PermissionsExt as _,
    path::{Path, PathBuf},
    process::{Child, Stdio},
    sync::{
        Arc, Mutex,
        atomic::{AtomicBool, Ordering},
    },
    thread,
};

use atelier_testkit::{Dialect, chain};
use serde_json::{Value, json};

use crate::world::{Ended, World};

const FIRST: &str = "sk-planted-first-0123456789";
const SECOND: &str = "sk-planted-second-9876543210";
const THIRD: &str = "sk-planted-third-5555555555";

/// What a provider makes of a key.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Mood {
    Accepts,
    Refuses,
    WantsTime,
}

/// A provider that knows keys.
struct Provider {
    address: String,
    moods: Arc<Mutex<BTreeMap<&'static str, Mood>>>,
    /// Every key that was shown, in order.
    shown: Arc<Mutex<Vec<String>>>,
}

impl Provider {
    fn start(moods: &[(&'static str, Mood)]) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let address = listener.local_addr().unwrap().to_string();
        let moods = Arc::new(Mutex::new(
            moods.iter().copied().collect::<BTreeMap<_, _>>(),
        ));
        let shown = Arc::new(Mutex::new(Vec::new()));
        let (known, seen) = (Arc::clone(&moods), Arc::clone(&shown));
        thread::spawn(move || {
            for stream in listener.incoming() {
                let (known, seen) = (Arc::clone(&known), Arc::clone(&seen));
                thread::spawn(move || serve(stream.unwrap(), &known, &seen));
            }
        });
        Self {
            address,
            moods,
            shown,
        }
    }

    fn now(&self, key: &'static str, mood: Mood) {
        self.moods.lock().unwrap().insert(key, mood);
    }

    /// The keys that were shown since this was last asked.
    fn shown(&self) -> Vec<String> {
        std::mem::take(&mut *self.shown.lock().unwrap())
    }
}

fn serve(
    stream: TcpStream,
    moods: &Mutex<BTreeMap<&'static str, Mood>>,
    shown: &Mutex<Vec<String>>,
) {
    let mut reader = BufReader::new(stream);
    let Some((key, body)) = request(&mut reader) else {
        return;
    };
    let mood = moods.lock().unwrap().get(key.as_str()).copied();
    shown.lock().unwrap().push(key.clone());
    let (status, more, answer) = match mood {
        Some(Mood::Accepts) => ("200 OK", "", answer(&body)),
        Some(Mood::WantsTime) => {
            let said = json!({"error": {"message": "slow down"}});
            ("429 Too Many Requests", "retry-after: 60\r\n", said)
        }
        Some(Mood::Refuses) | None => {
            // Providers like to quote a wrong key.
            let said = json!({"error": {"message": format!("Incorrect API key: {key}")}});
            ("401 Unauthorized", "", said)
        }
    };
    let answer = answer.to_string();
    let length = answer.len();
    let head = format!(
        "HTTP/1.1 {status}\r\n{more}content-type: application/json\r\nconnection: close\r\n\
         content-length: {length}\r\n\r\n"
    );
    let _ = reader.get_mut().write_all((head + &answer).as_bytes());
}

/// The key and the body of a request.
fn request(reader: &mut BufReader<TcpStream>) -> Option<(String, Vec<u8>)> {
    let (mut key, mut length) = (String::new(), 0);
    loop {
        let mut line = String::new();
        if reader.read_line(&mut line).ok()? == 0 {
            return None;
        }
        let line = line.trim_end();
        if line.is_empty() {
            break;
        }
        if let Some((name, value)) = line.split_once(": ") {
            match name.to_lowercase().as_str() {
                "authorization" => value.trim_start_matches("Bearer ").clone_into(&mut key),
                "content-length" => length = value.parse().unwrap(),
                _ => {}
            }
        }
    }
    let mut body = vec![0; length];
    reader.read_exact(&mut body).ok()?;
    Some((key, body))
}

fn answer(body: &[u8]) -> Value {
    let asked: Value = serde_json::from_slice(body).unwrap_or_default();
    json!({
        "id": "x", "object": "chat.completion", "created": 0, "model": asked["model"],
        "choices": [{
            "index": 0, "finish_reason": "stop",
            "message": {"role": "assistant", "content": "A tree."},
        }],
        "usage": {"prompt_tokens": 10, "completion_tokens": 3, "total_tokens": 13},
    })
}

/// A home whose user has an account at that provider.
fn world(provider: &Provider) -> World {
    let world = World::offline();
    let file = world.home.path().join(".config/atelier/config.toml");
    fs::create_dir_all(file.parent().unwrap()).unwrap();
    let text = format!(
        "provider = \"openai\"\nmodel = \"large\"\nbase_url = \"http://{}/v1\"\nstream = false\n\
         [prices.large]\ninput = \"1\"\noutput = \"1\"\n",
        provider.address
    );
    fs::write(file, text).unwrap();
    world
}

fn add(world: &World, name: &str, value: &str) -> String {
    let ended = world.run_with(
        &["--json", "keys", "add", "openai", "--name", name],
        value.as_bytes(),
    );
    let id = &ended.expect(0).json()[0]["id"];
    id.as_str().unwrap().to_owned()
}

/// `atelier gateway` under way.
struct Gateway {
    child: Child,
    address: String,
}

impl Gateway {
    fn start(world: &World, args: &[&str]) -> Self {
        let mut command = world.command(&["--json", "gateway", "--listen", "127.0.0.1:0"]);
        command
            .args(args)
            .stdout(Stdio::piped())
            .stderr(Stdio::piped());
        let mut child = command.spawn().unwrap();
        let mut line = String::new();
        let stdout = child.stdout.as_mut().unwrap();
        BufReader::new(stdout).read_line(&mut line).unwrap();
        let first: Value = serde_json::from_str(&line).unwrap();
        let address = first["address"].as_str().unwrap().to_owned();
        Self { child, address }
    }

    fn send(&self, request: &str) -> String {
        let mut stream = TcpStream::connect(&self.address).unwrap();
        stream.write_all(request.as_bytes()).unwrap();
        let mut answer = String::new();
        stream.read_to_string(&mut answer).unwrap();
        answer
    }

    fn post(&self, path: &str, key: &str, body: &Value) -> String {
        self.post_text(path, key, &body.to_string())
    }

    fn post_text(&self, path: &str, key: &str, body: &str) -> String {
        let length = body.len();
        let key = if key.is_empty() {
            String::new()
        } else {
            format!("authorization: Bearer {key}\r\n")
        };
        self.send(&format!(
            "POST {path} HTTP/1.1\r\nhost: x\r\nconnection: close\r\n{key}\
             content-length: {length}\r\n\r\n{body}"
        ))
    }

    /// Asks something, the same for the same number.
    fn ask(&self, key: &str, number: usize) -> String {
        let said = json!([{"role": "user", "content": format!("tree {number}")}]);
        let body = json!({"model": "code", "messages": said, "max_tokens": 100});
        self.post("/v1/chat/completions", key, &body)
    }

    fn get(&self, path: &str, key: &str) -> String {
        self.send(&format!(
            "GET {path} HTTP/1.1\r\nhost: x\r\nconnection: close\r\nauthorization: Bearer {key}\r\n\r\n"
        ))
    }

    fn stop(mut self) -> Ended {
        let id = rustix::process::Pid::from_child(&self.child);
        rustix::process::kill_process(id, rustix::process::Signal::TERM).unwrap();
        let output = {
            let mut stderr = String::new();
            self.child
                .stderr
                .take()
                .unwrap()
                .read_to_string(&mut stderr)
                .unwrap();
            stderr
        };
        Ended {
            code: self.child.wait().unwrap().code(),
            stdout: String::new(),
            stderr: output,
        }
    }
}

#[track_caller]
fn is(answer: &str, status: u16) {
    assert!(
        answer.starts_with(&format!("HTTP/1.1 {status} ")),
        "{status}: {answer}"
    );
    for secret in [FIRST, SECOND, THIRD] {
        assert!(!answer.contains(secret), "{answer}");
    }
}

/// Files below a folder that hold a text.
fn files_with(folder: &Path, text: &str) -> Vec<PathBuf> {
    let mut found = Vec::new();
    let mut folders = vec![folder.to_owned()];
    while let Some(folder) = folders.pop() {
        for entry in fs::read_dir(folder).unwrap() {
            let entry = entry.unwrap();
            let path = entry.path();
            if entry.file_type().unwrap().is_dir() {
                folders.push(path);
            } else if let Ok(bytes) = fs::read(&path)
                && bytes
                    .windows(text.len())
                    .any(|window| window == text.as_bytes())
            {
                found.push(path);
            }
        }
    }
    found
}

#[test]
fn a_kept_key_is_used_and_lies_nowhere_in_plain() {
    let provider = Provider::start(&[(FIRST, Mood::Accepts)]);
    let world = world(&provider);
    let id = add(&world, "default", FIRST);
    let listed = world.run(&["keys", "list"]).expect(0);
    assert!(
        listed.stdout.contains(&id) && listed.stdout.contains("active"),
        "{}",
        listed.all()
    );
    assert!(!listed.all().contains(FIRST), "{}", listed.all());
    let gateway = Gateway::start(&world, &[]);
    is(&gateway.ask("", 1), 200);
    let ended = gateway.stop().expect(0);
    assert!(!ended.all().contains(FIRST));
    assert_eq!(provider.shown(), [FIRST]);
    let tested = world.run(&["keys", "test"]).expect(0);
    assert!(tested.stdout.contains("accepted"), "{}", tested.all());
    assert_eq!(files_with(&world.home.path(), FIRST), Vec::<PathBuf>::new());
    for file in [".config/atelier/key", ".local/share/atelier/keys.json"] {
        let mode = fs::metadata(world.home.path().join(file))
            .unwrap()
            .permissions()
            .mode();
        assert_eq!(mode & 0o777, 0o600, "{file}");
    }
}

#[test]
fn a_key_in_the_environment_keeps_its_rank() {
    let provider = Provider::start(&[(FIRST, Mood::Accepts), (SECOND, Mood::Accepts)]);
    let world = world(&provider);
    add(&world, "default", FIRST);
    let mut command = world.command(&["--json", "gateway", "--listen", "127.0.0.1:0"]);
    command.env("OPENAI_API_KEY", SECOND);
    let mut child = command
        .stdout(Stdio::piped())
        .stderr(Stdio::null())
        .spawn()
        .unwrap();
    let mut line = String::new();
    BufReader::new(child.stdout.as_mut().unwrap())
        .read_line(&mut line)
        .unwrap();
    let first: Value = serde_json::from_str(&line).unwrap();
    let gateway = Gateway {
        child,
        address: first["address"].as_str().unwrap().to_owned(),
    };
    is(&gateway.ask("", 1), 200);
    assert_eq!(provider.shown(), [SECOND]);
    let mut child = gateway.child;
    child.kill().unwrap();
    child.wait().unwrap();
}

#[test]
fn a_refused_or_busy_key_is_passed_over_and_no_call_fails() {
    let provider = Provider::start(&[
        (FIRST, Mood::Refuses),
        (SECOND, Mood::WantsTime),
        (THIRD, Mood::Accepts),
    ]);
    let world = world(&provider);
    let ids = [("a", FIRST), ("b", SECOND), ("c", THIRD)].map(|(name, key)| add(&world, name, key));
    let gateway = Gateway::start(&world, &[]);
    is(&gateway.ask("", 1), 200);
    assert_eq!(provider.shown(), [FIRST, SECOND, THIRD]);
    is(&gateway.ask("", 2), 200);
    assert_eq!(
        provider.shown(),
        [THIRD],
        "what was learnt of the others is kept"
    );
    // A key of which all is known again is used where the last one is taken away.
    provider.now(FIRST, Mood::Accepts);
    world.run(&["keys", "revoke", &ids[2]]).expect(0);
    world.run(&["keys", "revoke", &ids[1]]).expect(0);
    is(&gateway.ask("", 3), 200);
    assert_eq!(provider.shown(), [FIRST]);
    provider.now(FIRST, Mood::Refuses);
    is(&gateway.ask("", 4), 401);
    gateway.stop().expect(0);
}

#[test]
fn keys_are_exchanged_under_load_without_a_failed_call() {
    const ROUNDS: usize = 3;
    let provider = Provider::start(&[(FIRST, Mood::Accepts)]);
    let world = world(&provider);
    add(&world, "default", FIRST);
    let gateway = Gateway::start(&world, &[]);
    let is_over = AtomicBool::new(false);
    let asked: usize = thread::scope(|scope| {
        let (gateway, is_over) = (&gateway, &is_over);
        let asking: Vec<_> = (0..4)
            .map(|asker| {
                scope.spawn(move || {
                    let mut asked = 0;
                    while !is_over.load(Ordering::SeqCst) {
                        is(&gateway.ask("", asker * 1_000_000 + asked), 200);
                        asked += 1;
                    }
                    asked
                })
            })
            .collect();
        let mut old = FIRST;
        for round in 0..ROUNDS {
            let new = [SECOND, THIRD, FIRST][round];
            provider.now(new, Mood::Accepts);
            let rotated = world.run_with(&["keys", "rotate", "openai"], new.as_bytes());
            rotated.expect(0);
            // Whatever was sent with the old key before is answered; nothing is after.
            let before = provider.shown.lock().unwrap().len();
            while provider.shown.lock().unwrap().len() < before + 8 {
                thread::yield_now();
            }
            provider.now(old, Mood::Refuses);
            let listed = world.run(&["--json", "keys", "list"]).expect(0).json();
            let retiring = listed
                .iter()
                .find(|key| key["state"] == "retiring")
                .unwrap();
            world
                .run(&["keys", "revoke", retiring["id"].as_str().unwrap()])
                .expect(0);
            old = new;
        }
        is_over.store(true, Ordering::SeqCst);
        asking.into_iter().map(|asker| asker.join().unwrap()).sum()
    });
    assert!(asked >= ROUNDS * 8, "{asked}");
    gateway.stop().expect(0);
}

#[test]
fn a_key_that_is_added_later_is_used_from_the_next_request_on() {
    let provider = Provider::start(&[(FIRST, Mood::Refuses), (SECOND, Mood::Accepts)]);
    let world = world(&provider);
    add(&world, "old", FIRST);
    let gateway = Gateway::start(&world, &[]);
    is(&gateway.ask("", 1), 401);
    add(&world, "new", SECOND);
    is(&gateway.ask("", 1), 200);
    gateway.stop().expect(0);
}

#[test]
fn a_passphrase_opens_the_store_and_a_wrong_one_loses_nothing() {
    let provider = Provider::start(&[(FIRST, Mood::Accepts)]);
    let world = world(&provider);
    add(&world, "default", FIRST);
    let with = |passphrase: &str, args: &[&str]| {
        let mut command = world.command(args);
        command.env("ATELIER_PASSPHRASE", passphrase);
        crate::world::end(command)
    };
    with("short", &["keys", "lock", "passphrase"]).expect_failure(3, "fewer than 8 characters");
    with("correct horse", &["keys", "lock", "passphrase"]).expect(0);
    let nobody = world.run(&["keys", "test"]);
    nobody.expect_failure(3, "it is locked with a passphrase");
    let wrong = with("correct house", &["keys", "test"]);
    wrong.expect_failure(3, "with this passphrase: it is another one");
    let right = with("correct horse", &["keys", "test"]).expect(0);
    assert!(right.stdout.contains("accepted"), "{}", right.all());
    // Which keys there are is no secret.
    world.run(&["keys", "list"]).expect(0);
    with("correct horse", &["keys", "lock", "file"]).expect(0);
    world.run(&["keys", "test"]).expect(0);
}

#[test]
fn the_keyring_opens_the_store_through_its_own_program() {
    let provider = Provider::start(&[(FIRST, Mood::Accepts)]);
    let world = world(&provider);
    add(&world, "default", FIRST);
    let tools = world.home.path().join("tools");
    fs::create_dir_all(&tools).unwrap();
    let keyring = tools.join("secret-tool");
    let script = "#!/bin/sh\ncd \"$(dirname \"$0\")\"\ncase \"$1\" in store) cat > kept ;; \
                  lookup) cat kept 2>/dev/null || exit 1 ;; esac\n";
    fs::write(&keyring, script).unwrap();
    fs::set_permissions(&keyring, fs::Permissions::from_mode(0o755)).unwrap();
    let with_keyring = |args: &[&str]| {
        let mut command = world.command(args);
        let path = command
            .get_envs()
            .find(|(name, _)| *name == "PATH")
            .unwrap()
            .1;
        let path = format!("{}:{}", tools.display(), path.unwrap().to_str().unwrap());
        command.env("PATH", path);
        crate::world::end(command)
    };
    with_keyring(&["keys", "lock", "keyring"]).expect(0);
    let tested = with_keyring(&["keys", "test"]).expect(0);
    assert!(tested.stdout.contains("accepted"), "{}", tested.all());
    fs::remove_file(tools.join("kept")).unwrap();
    let gone = with_keyring(&["keys", "test"]);
    gone.expect_failure(3, "in the system's keyring");
}

#[test]
fn files_that_others_read_and_rows_that_are_damaged_are_located() {
    let provider = Provider::start(&[(FIRST, Mood::Accepts)]);
    let world = world(&provider);
    let id = add(&world, "default", FIRST);
    add(&world, "spare", SECOND);
    let key_file = world.home.path().join(".config/atelier/key");
    fs::set_permissions(&key_file, fs::Permissions::from_mode(0o644)).unwrap();
    let open = world
        .run(&["keys", "test"])
        .expect_failure(3, "others can read it (mode 644)");
    let _ = open;
    fs::set_permissions(&key_file, fs::Permissions::from_mode(0o600)).unwrap();
    let store = world.home.path().join(".local/share/atelier/keys.json");
    let text = fs::read_to_string(&store).unwrap();
    let mut document: Value = serde_json::from_str(&text).unwrap();
    document["keys"][1]["version"] = "one".into();
    fs::write(&store, document.to_string()).unwrap();
    let listed = world.run(&["keys", "list"]).expect(3);
    assert!(listed.stdout.contains(&id), "{}", listed.all());
    assert!(listed.stderr.contains("row 2 of keys"), "{}", listed.all());
    let gateway = Gateway::start(&world, &[]);
    is(&gateway.ask("", 1), 200);
    gateway.stop().expect(0);
    fs::write(&store, &text[..text.len() / 2]).unwrap();
    world.run(&["keys", "list"]).expect_failure(3, "keys.json");
    assert_eq!(fs::read_to_string(&store).unwrap(), text[..text.len() / 2]);
    fs::write(&store, &text).unwrap();
    fs::remove_file(&key_file).unwrap();
    world
        .run(&["keys", "test"])
        .expect_failure(3, "the file whose key opens");
}

fn issue(world: &World, args: &[&str]) -> String {
    let args = [&["keys", "issue"][..], args].concat();
    let ended = world.run(&args).expect(0);
    ended.stdout.trim().to_owned()
}

#[test]
fn an_issued_key_opens_what_its_terms_say() {
    let provider = Provider::start(&[(FIRST, Mood::Accepts)]);
    let world = world(&provider);
    add(&world, "default", FIRST);
    let gateway = Gateway::start(&world, &[]);
    is(&gateway.ask("", 1), 200);
    let builder = issue(&world, &["laptop"]);
    is(&gateway.ask("", 1), 401);
    is(&gateway.ask("atl_0000", 1), 401);
    is(&gateway.ask(&builder, 1), 200);
    let viewer = issue(&world, &["screen", "--role", "viewer"]);
    is(&gateway.ask(&viewer, 1), 403);
    is(&gateway.get("/v1/models", &viewer), 200);
    let narrow = issue(
        &world,
        &["narrow", "--models", "openai/*", "--dialects", "messages"],
    );
    is(&gateway.ask(&narrow, 1), 403);
    let body = |model: &str| json!({"model": model, "max_tokens": 100, "messages": [{"role": "user", "content": "x"}]});
    let refused = gateway.post("/v1/messages", &narrow, &body("code"));
    is(&refused, 403);
    assert!(refused.contains("openai/*"), "{refused}");
    is(
        &gateway.post("/v1/messages", &narrow, &body("openai/large")),
        200,
    );
    // A provider might take the name that nobody looked at.
    let twice = body("openai/large").to_string();
    let twice = twice.replacen('{', r#"{"model":"openai/other","#, 1);
    let refused = gateway.post_text("/v1/messages", &narrow, &twice);
    is(&refused, 400);
    assert!(refused.contains("twice"), "{refused}");
    let listed = gateway.get("/v1/models", &narrow);
    assert!(
        listed.contains("openai/large") && !listed.contains("\"code\""),
        "{listed}"
    );
    let busy = issue(&world, &["busy", "--rpm", "2"]);
    is(&gateway.ask(&busy, 1), 200);
    is(&gateway.ask(&busy, 1), 200);
    let turned = gateway.ask(&busy, 1);
    is(&turned, 429);
    assert!(
        turned.to_lowercase().contains("\r\nretry-after: "),
        "{turned}"
    );
    gateway.stop().expect(0);
    for value in [&builder, &viewer, &narrow, &busy] {
        assert_eq!(files_with(&world.home.path(), value), Vec::<PathBuf>::new());
    }
}

#[test]
fn requests_are_found_by_client_by_key_and_by_what_was_decided() {
    let provider = Provider::start(&[(FIRST, Mood::Accepts)]);
    let world = world(&provider);
    let kept = add(&world, "default", FIRST);
    let builder = issue(&world, &["laptop"]);
    let gateway = Gateway::start(&world, &[]);
    is(&gateway.ask(&builder, 1), 200);
    gateway.stop().expect(0);
    let finished = |option: &str, wanted: &str| {
        let ended = world.run(&["audit", "show", option, wanted]).expect(0);
        ended.stdout.contains("request.finished")
    };
    assert!(finished("--key", "laptop"));
    assert!(finished("--key", &kept));
    assert!(finished("--kind", "key.used"));
    assert!(!finished("--key", "lap"));
    assert!(!finished("--kind", "guard.redacted"));
}

#[test]
fn a_revoked_key_gets_no_answer_that_was_given_before() {
    let provider = Provider::start(&[(FIRST, Mood::Accepts)]);
    let world = world(&provider);
    add(&world, "default", FIRST);
    let key = issue(&world, &["laptop"]);
    let gateway = Gateway::start(&world, &[]);
    is(&gateway.ask(&key, 1), 200);
    let again = gateway.ask(&key, 1);
    assert!(again.contains("x-atelier-cache: hit"), "{again}");
    world.run(&["keys", "revoke", "laptop"]).expect(0);
    let refused = gateway.ask(&key, 1);
    is(&refused, 401);
    assert!(refused.contains("was revoked"), "{refused}");
    assert!(!refused.contains("A tree."));
    gateway.stop().expect(0);
    let again = Gateway::start(&world, &[]);
    is(&again.ask("", 1), 401);
    again.stop().expect(0);
}

#[test]
fn a_budget_of_a_client_bounds_what_it_spends() {
    let provider = Provider::start(&[(FIRST, Mood::Accepts)]);
    let world = world(&provider);
    add(&world, "default", FIRST);
    // An answer of 100 tokens may cost at most some 200 micro-dollars, and costs 13.
    let key = issue(&world, &["guest", "--budget", "0.0003"]);
    let other = issue(&world, &["other"]);
    let gateway = Gateway::start(&world, &[]);
    let mut answered = 0;
    let refused = loop {
        let answer = gateway.ask(&key, answered);
        if !answer.starts_with("HTTP/1.1 200") {
            break answer;
        }
        answered += 1;
        assert!(answered < 100, "the budget bounds nothing");
    };
    assert!(answered > 0, "{refused}");
    is(&refused, 402);
    is(&gateway.ask(&other, 1_000), 200);
    gateway.stop().expect(0);
    let cost = world.run(&["cost", "--gateway"]).expect(0).stdout;
    assert!(cost.contains("guest (client_"), "{cost}");
}

/// The databases of a project that hold a text.
fn databases_with(world: &World, text: &str) -> Vec<PathBuf> {
    let mut found = files_with(&world.folder().join(".atelier"), text);
    found.retain(|path| {
        let name = path.file_name().unwrap().to_string_lossy().into_owned();
        name.starts_with("state.db")
    });
    found
}

#[test]
fn words_of_prompts_and_answers_lie_sealed_in_the_database() {
    const PLANTED: &str = "planted-words-of-the-user";
    // What every prompt is written in, and what a file of the project brings into some.
    const WORDS: [&str; 2] = ["\"role\":\"user\"", PLANTED];
    let fixture = chain(1).unwrap();
    let built = |key_file: Option<&str>| {
        let world = World::oracle(&fixture, Dialect::OpenAi).with_commit();
        world.write("NOTES.md", format!("# Notes\n{PLANTED}\n"));
        world.git(&["commit", "-qam", "docs: notes"]);
        let mut command = world.command(&["build", &fixture.requirement]);
        if let Some(key_file) = key_file {
            command.env("ATELIER_KEY_FILE", key_file);
        }
        let ended = crate::world::end(command).expect(0);
        (world, ended)
    };
    let (world, _) = built(None);
    for words in WORDS {
        assert_eq!(
            databases_with(&world, words),
            Vec::<PathBuf>::new(),
            "{words}"
        );
    }
    let told = world.run(&["doctor", "--offline"]).stdout;
    assert!(told.contains("all sealed"), "{told}");
    // What is sealed is read again: nothing is asked twice.
    let asked = world.server().request_count();
    world.run(&["build", &fixture.requirement]).expect(0);
    assert_eq!(world.server().request_count(), asked);

    // Where there is no place for a key, the same words lie there, and the user is told.
    let (world, ended) = built(Some("/dev/null/key"));
    assert!(
        ended.stderr.contains("are kept unsealed"),
        "{}",
        ended.all()
    );
    for words in WORDS {
        assert_ne!(
            databases_with(&world, words),
            Vec::<PathBuf>::new(),
            "{words}"
        );
    }
    // What was recorded before is read, and can be sealed.
    let asked = world.server().request_count();
    world.run(&["build", &fixture.requirement]).expect(0);
    assert_eq!(world.server().request_count(), asked);
    let told = world.run(&["doctor", "--offline"]).stdout;
    assert!(told.contains("contents are not sealed"), "{told}");
    world.run(&["keys", "seal"]).expect(0);
    for words in WORDS {
        assert_eq!(
            databases_with(&world, words),
            Vec::<PathBuf>::new(),
            "{words}"
        );
    }
    world.run(&["build", &fixture.requirement]).expect(0);
    assert_eq!(world.server().request_count(), asked);
}

#[test]
fn doctor_says_where_a_key_comes_from() {
    let provider = Provider::start(&[(FIRST, Mood::Accepts)]);
    let world = world(&provider);
    let id = add(&world, "default", FIRST);
    let doctor = |variable: bool| {
        let mut command = world.command(&["doctor", "--offline"]);
        if variable {
            command.env("OPENAI_API_KEY", SECOND);
        }
        let ended = crate::world::end(command);
        assert!(!ended.all().contains(FIRST) && !ended.all().contains(SECOND));
        ended.stdout
    };
    let told = doctor(false);
    assert!(
        told.contains("a key is stored for provider openai: default, ***"),
        "{told}"
    );
    let told = doctor(true);
    let ranks = format!("OPENAI_API_KEY ranks before the stored key {id} of openai");
    assert!(told.contains(&ranks), "{told}");
}

#[test]
fn an_administrator_issues_and_revokes_keys_over_http() {
    let provider = Provider::start(&[(FIRST, Mood::Accepts)]);
    let world = world(&provider);
    add(&world, "default", FIRST);
    let gateway = Gateway::start(&world, &[]);
    let order = json!({"name": "laptop", "requests_per_minute": 5});
    is(&gateway.post("/atelier/v1/keys", "", &order), 401);
    let (admin, builder) = (
        issue(&world, &["boss", "--role", "admin"]),
        issue(&world, &["hand"]),
    );
    is(&gateway.post("/atelier/v1/keys", "", &order), 401);
    is(&gateway.post("/atelier/v1/keys", &builder, &order), 403);
    let issued = gateway.post("/atelier/v1/keys", &admin, &order);
    is(&issued, 200);
    let issued: Value = serde_json::from_str(issued.split_once("\r\n\r\n").unwrap().1).unwrap();
    let key = issued["key"].as_str().unwrap();
    is(&gateway.ask(key, 1), 200);
    is(&gateway.post("/atelier/v1/keys", &admin, &order), 409);
    is(
        &gateway.post("/atelier/v1/keys", &admin, &json!({"name": "x", "rôle": 1})),
        400,
    );
    let listed = gateway.get("/atelier/v1/keys", &admin);
    assert!(
        listed.contains("laptop") && !listed.contains(key),
        "{listed}"
    );
    let revoke = |key: &str, named: &str| {
        gateway.send(&format!(
            "DELETE /atelier/v1/keys/{named} HTTP/1.1\r\nhost: x\r\nconnection: close\r\n\
             x-api-key: {key}\r\n\r\n"
        ))
    };
    is(&revoke(&builder, "laptop"), 403);
    is(&revoke(&admin, issued["id"].as_str().unwrap()), 200);
    is(&gateway.ask(key, 1), 401);
    is(&revoke(&admin, "laptop"), 404);
    gateway.stop().expect(0);
    let log = world.run(&["audit", "show", "--json"]).expect(0).stdout;
    let id = issued["id"].as_str().unwrap();
    let of_key = |line: &&str| line.contains("key.changed") && line.contains(id);
    assert_eq!(log.lines().filter(of_key).count(), 2, "{log}");
    assert!(!log.contains(key), "{log}");
}
