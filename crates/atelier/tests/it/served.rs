//! What a gateway promises its clients, run through the real program: who is let in, what breaks
//! and comes back, what is kept and for how long, and where nothing is sent.

use std::{
    fs,
    io::{BufRead, BufReader},
    process::Stdio,
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
    },
    thread,
    time::Duration,
};

use serde_json::{Value, json};

use crate::{
    gateway::Gateway,
    upstream::{Said, Upstream, chat},
    world::{Ended, World},
};

const KEY: &str = "sk-of-a-client-0123456789";

/// A gateway before a provider.
fn gateway(world: &World, upstream: &Upstream, provider: &str, more: &[&str]) -> Gateway {
    let options = upstream.options(provider);
    let options: Vec<&str> = options
        .iter()
        .map(String::as_str)
        .chain(more.iter().copied())
        .collect();
    Gateway::start(world, &options)
}

/// A question of a client that speaks chat completions.
fn question(text: &str) -> Value {
    json!({"model": "m", "max_tokens": 50, "messages": [{"role": "user", "content": text}]})
}

fn ask(gateway: &Gateway, text: &str) -> String {
    gateway.post("/v1/chat/completions", "", &question(text))
}

#[track_caller]
fn is(answer: &str, status: u16) {
    assert!(
        answer.starts_with(&format!("HTTP/1.1 {status} ")),
        "not {status}: {answer}"
    );
}

#[test]
fn a_client_shows_its_key_wherever_its_dialect_puts_it() {
    let upstream = Upstream::start(|_, _| Said::json(&chat("A tree.")));
    let world = World::offline();
    let options = upstream.options("openai");
    let mut command = world.command(&["--json", "gateway", "--listen", "127.0.0.1:0"]);
    command
        .args(options)
        .args(["--keys-from", "CLIENT_KEYS"])
        .env("CLIENT_KEYS", KEY);
    let gateway = Gateway::of(command);
    let ways = [
        (
            "/v1/chat/completions",
            format!("authorization: Bearer {KEY}\r\n"),
        ),
        ("/v1/chat/completions", format!("x-api-key: {KEY}\r\n")),
        ("/v1/chat/completions", format!("x-goog-api-key: {KEY}\r\n")),
    ];
    for (path, header) in &ways {
        is(&gateway.post(path, header, &question("one")), 200);
        let wrong = header.replace(KEY, "sk-wrong");
        let refused = gateway.post(path, &wrong, &question("one"));
        is(&refused, 401);
        assert!(!refused.contains(KEY), "{refused}");
    }
    is(
        &gateway.post("/v1/chat/completions", "", &question("one")),
        401,
    );
    // Programs look whether somebody is there before they show anything.
    let head = gateway.ask("HEAD", "/", "");
    is(&head, 200);
    assert!(head.ends_with("\r\n\r\n"), "a body follows: {head}");
    is(&gateway.ask("GET", "/metrics", ""), 401);
    let metrics = gateway.ask("GET", "/metrics", &ways[0].1);
    is(&metrics, 200);
    for count in [
        "atelier_requests_total{",
        "outcome=\"ok\"",
        "source=\"cache\"",
        "atelier_tokens_total{",
        "atelier_duration_seconds_bucket{",
    ] {
        assert!(metrics.contains(count), "no {count} in {metrics}");
    }
    assert_eq!(upstream.count(), 1, "the same question is asked once");
    gateway.stop();
}

#[test]
fn tokens_are_counted_and_vectors_made_for_every_client() {
    let upstream = Upstream::start(|_, asked| {
        let vector =
            |index| json!({"object": "embedding", "index": index, "embedding": [0.5, -2.0]});
        if asked.path().ends_with("/embeddings") {
            return Said::json(&json!({
                "object": "list", "model": "m", "data": [vector(0), vector(1)],
                "usage": {"prompt_tokens": 4, "total_tokens": 4},
            }));
        }
        Said::json(&chat("A tree."))
    });
    let world = World::offline();
    let gateway = gateway(&world, &upstream, "openai", &[]);
    let said = json!([{"role": "user", "content": "How many leaves?"}]);
    for (path, body, pointer) in [
        (
            "/v1/messages/count_tokens",
            json!({"model": "m", "messages": said}),
            "/input_tokens",
        ),
        (
            "/v1/responses/input_tokens",
            json!({"model": "m", "input": "How many leaves?"}),
            "/input_tokens",
        ),
        (
            "/v1beta/models/m:countTokens",
            json!({"contents": [{"role": "user", "parts": [{"text": "How many leaves?"}]}]}),
            "/totalTokens",
        ),
    ] {
        let got = gateway.post(path, "", &body);
        let (head, count) = document(&got);
        assert!(head.contains("x-atelier-estimate: true"), "{path}: {head}");
        let count = count.pointer(pointer).and_then(Value::as_u64).unwrap();
        assert!((2..40).contains(&count), "{path}: {count}");
    }
    assert_eq!(upstream.count(), 0, "an estimate asks nobody");
    let (_, vectors) = document(&gateway.post(
        "/v1/embeddings",
        "",
        &json!({"model": "m", "input": ["a", "b"]}),
    ));
    assert_eq!(vectors["data"][1]["embedding"], json!([0.5, -2.0]));
    let part = json!({"content": {"parts": [{"text": "a"}]}});
    let (_, vectors) = document(&gateway.post(
        "/v1beta/models/m:batchEmbedContents",
        "",
        &json!({"requests": [part, part]}),
    ));
    assert_eq!(vectors["embeddings"][1]["values"], json!([0.5, -2.0]));
    gateway.stop();
}

/// The head of an answer, and the document in its body.
#[track_caller]
fn document(answer: &str) -> (&str, Value) {
    is(answer, 200);
    let (head, body) = answer.split_once("\r\n\r\n").unwrap();
    (head, serde_json::from_str(body).unwrap())
}

/// The same question in every dialect, whole or streamed.
fn in_every_dialect(stream: bool) -> [(&'static str, String, Value); 4] {
    let said = json!([{"role": "user", "content": "Which tree?"}]);
    let method = if stream {
        "streamGenerateContent?alt=sse"
    } else {
        "generateContent"
    };
    [
        (
            "chat",
            "/v1/chat/completions".to_owned(),
            json!({"model": "m", "messages": said, "max_tokens": 50, "stream": stream}),
        ),
        (
            "responses",
            "/v1/responses".to_owned(),
            json!({"model": "m", "input": said, "max_output_tokens": 50, "stream": stream}),
        ),
        (
            "messages",
            "/v1/messages".to_owned(),
            json!({"model": "m", "messages": said, "max_tokens": 50, "stream": stream}),
        ),
        (
            "gemini",
            format!("/v1beta/models/m:{method}"),
            json!({
                "contents": [{"role": "user", "parts": [{"text": "Which tree?"}]}],
                "generationConfig": {"maxOutputTokens": 50},
            }),
        ),
    ]
}

#[test]
fn an_answer_that_breaks_off_is_an_error_in_every_dialect_and_is_not_kept() {
    let upstream = Upstream::start(|_, asked| {
        if !asked.wants_stream() {
            return Said::json(&chat("An oak")).cut();
        }
        let delta = |delta: Value| {
            json!({"id": "c", "object": "chat.completion.chunk", "created": 1, "model": "m",
                   "choices": [{"index": 0, "delta": delta, "finish_reason": null}]})
        };
        Said::events(&[
            delta(json!({"role": "assistant"})),
            delta(json!({"content": "An oak"})),
        ])
        .cut()
    });
    let world = World::offline();
    let gateway = gateway(
        &world,
        &upstream,
        "openai",
        &["-c", "limits.ask_failures_max=1000"],
    );
    for (dialect, path, body) in in_every_dialect(true) {
        for _ in 0..2 {
            let before = upstream.count();
            let got = gateway.post(&path, "", &body);
            is(&got, 200);
            assert!(
                got.contains("An oak"),
                "{dialect}: the partial is gone: {got}"
            );
            let (error, end) = match dialect {
                "chat" => ("\"error\":{", "[DONE]"),
                "responses" => ("\"response.failed\"", "\"response.completed\""),
                "messages" => ("event: error", "message_stop"),
                _ => ("\"error\":{", "\"finishReason\":\"STOP\""),
            };
            assert!(got.contains(error), "{dialect}: no error event: {got}");
            assert!(
                !got.contains(end),
                "{dialect}: it ends as if it were whole: {got}"
            );
            assert_eq!(
                got.matches("An oak").count(),
                1,
                "{dialect}: said twice: {got}"
            );
            assert_eq!(
                upstream.count(),
                before + 1,
                "{dialect}: sent again, or kept"
            );
        }
    }
    for (dialect, path, body) in in_every_dialect(false) {
        let got = gateway.post(&path, "", &body);
        is(&got, 502);
        assert!(got.contains("remedy: "), "{dialect}: {got}");
        assert!(!got.contains("An oak"), "{dialect}: half an answer: {got}");
    }
    // Also while it runs, the ledger knows every answer that was given.
    let rows = world.run(&["--json", "cost", "--gateway"]).expect(0).json();
    let sum = |name: &str| {
        rows.iter()
            .map(|row| row[name].as_u64().unwrap())
            .sum::<u64>()
    };
    assert_eq!((sum("requests"), sum("failed"), sum("cached")), (12, 12, 0));
    gateway.stop();
}

#[test]
fn a_hundred_who_ask_the_same_at_once_are_one_sending() {
    const AT_ONCE: usize = 100;
    let upstream = Upstream::start(|_, _| {
        // Long enough for most to come while it is under way; those later get the kept answer.
        thread::sleep(Duration::from_millis(300));
        Said::json(&chat("A tree."))
    });
    let world = World::offline();
    let gateway = gateway(&world, &upstream, "openai", &[]);
    let answers: Vec<String> = thread::scope(|scope| {
        let asking: Vec<_> = (0..AT_ONCE)
            .map(|_| scope.spawn(|| ask(&gateway, "Which tree?")))
            .collect();
        asking.into_iter().map(|one| one.join().unwrap()).collect()
    });
    for answer in &answers {
        is(answer, 200);
        assert!(answer.contains("A tree."), "{answer}");
    }
    assert_eq!(upstream.count(), 1);
    gateway.stop();
}

#[test]
fn a_model_that_comes_back_is_tried_out_by_one_and_then_answers_all() {
    const AT_ONCE: usize = 8;
    let arrived = Arc::new(AtomicUsize::new(0));
    let beside = Arc::new(AtomicUsize::new(0));
    let (counted, found) = (Arc::clone(&arrived), Arc::clone(&beside));
    let upstream = Upstream::start(move |turn, _| {
        counted.fetch_add(1, Ordering::SeqCst);
        match turn {
            // The first request is sent three times.
            0..3 => Said::status(500, "", &json!({"error": {"message": "broken"}})),
            3 => {
                // Whoever does not wait for the end of this one comes meanwhile.
                thread::sleep(Duration::from_millis(150));
                found.store(counted.load(Ordering::SeqCst), Ordering::SeqCst);
                Said::json(&chat("Here again."))
            }
            _ => Said::json(&chat("Here again.")),
        }
    });
    let world = World::offline();
    let gateway = gateway(
        &world,
        &upstream,
        "openai",
        &["-c", "limits.ask_failures_max=3"],
    );
    is(&ask(&gateway, "one"), 500);
    assert_eq!(upstream.count(), 3);
    thread::scope(|scope| {
        for number in 0..AT_ONCE {
            let gateway = &gateway;
            scope.spawn(move || is(&ask(gateway, &format!("again {number}")), 200));
        }
    });
    assert_eq!(beside.load(Ordering::SeqCst), 4, "one sending tries it out");
    assert_eq!(upstream.count(), 3 + AT_ONCE);
    gateway.stop();
    let opened = ["audit", "show", "--kind", "breaker.opened"];
    let shown = world.run(&opened).expect(0);
    assert!(!shown.stdout.is_empty(), "{}", shown.all());
}

/// Makes every kept answer older than answers may get.
const AGE: &str = "import sqlite3, sys\n\
                   state = sqlite3.connect(sys.argv[1])\n\
                   week = 7 * 24 * 3600 * 1000 + 1\n\
                   changed = state.execute('UPDATE relay_answers SET at = at - ?', (week,))\n\
                   state.commit()\n\
                   print(changed.rowcount)";

#[test]
fn kept_answers_serve_the_next_gateway_until_they_are_too_old() {
    let upstream = Upstream::start(|_, _| Said::json(&chat("A tree.")));
    let world = World::offline();
    let mut asked = Vec::new();
    for round in 0..3 {
        let gateway = gateway(&world, &upstream, "openai", &[]);
        is(&ask(&gateway, "Which tree?"), 200);
        gateway.stop();
        asked.push(upstream.count());
        if round == 1 {
            let state = world.home.path().join(".local/share/atelier/state.db");
            let mut python = world.home.command("python3");
            python.args(["-c", AGE]).arg(state);
            let aged = crate::world::end(python).expect(0);
            assert_eq!(aged.stdout.trim(), "1", "{}", aged.all());
        }
    }
    assert_eq!(
        asked,
        [1, 1, 2],
        "the second is a hit, the third is too late for it"
    );
}

#[test]
fn nothing_follows_a_redirect_to_another_place() {
    let elsewhere = Upstream::start(|_, _| Said::json(&chat("Caught.")));
    let to = elsewhere.address.clone();
    let upstream = Upstream::start(move |_, _| {
        let location = format!("location: http://{to}/v1/chat/completions\r\n");
        Said::status(307, &location, &json!({}))
    });
    let world = World::offline();
    let gateway = gateway(
        &world,
        &upstream,
        "openai",
        &["-c", "key=sk-never-seen-elsewhere-1"],
    );
    for (dialect, path, body) in in_every_dialect(false) {
        let got = gateway.post(&path, "", &body);
        is(&got, 502);
        assert!(!got.contains("\r\nlocation: "), "{dialect}: {got}");
        assert!(got.contains("redirect"), "{dialect}: {got}");
    }
    assert_eq!(elsewhere.count(), 0);
    gateway.stop();
}

/// Says what the configuration of a gateway is refused with, from the user's own file.
fn refused(file: &str) -> (Ended, String) {
    let world = World::offline();
    let path = world.home.path().join(".config/atelier/config.toml");
    fs::create_dir_all(path.parent().unwrap()).unwrap();
    fs::write(&path, file).unwrap();
    let ended = world.run(&["gateway", "--listen", "127.0.0.1:0"]);
    (ended, path.display().to_string())
}

#[test]
fn prompts_go_to_no_address_that_nobody_meant() {
    let mine = |url: &str| format!("provider = \"openai\"\nmodel = \"m\"\nbase_url = \"{url}\"\n");
    for (url, cause) in [
        (
            "http://example.com/v1",
            "use https, or allow it with `plain_http = true`",
        ),
        (
            "http://10.0.0.1/v1",
            "use https, or allow it with `plain_http = true`",
        ),
        (
            "http://169.254.169.254/v1",
            "no server of a model has such an address",
        ),
        (
            "ftp://example.com",
            "it must begin with http:// or https://",
        ),
    ] {
        let (ended, _) = refused(&mine(url));
        let ended = ended.expect_failure(3, cause);
        let host = url.split('/').nth(2).unwrap();
        assert!(ended.line("error: ").contains(host), "{}", ended.all());
        assert!(ended.line("hint: ").contains("base_url"), "{}", ended.all());
    }
    // What a cloned project names is not what the user named.
    for (url, cause) in [
        ("https://10.0.0.1/v1", "in a private network: only"),
        ("https://192.168.7.7/v1", "in a private network: only"),
        ("https://[fd00::1]/v1", "in a private network: only"),
        ("https://example.com/v1", "send a key to"),
    ] {
        let world = World::offline();
        world.write("atelier.toml", mine(url));
        let mut command = world.command(&["gateway", "--listen", "127.0.0.1:0"]);
        command.env("OPENAI_API_KEY", "sk-of-the-user-0123456789");
        let ended = crate::world::end(command).expect_failure(3, cause);
        assert!(
            ended.line("hint: ").contains("config set --user base_url"),
            "{}",
            ended.all()
        );
    }
}

#[test]
fn what_is_wrong_with_a_configuration_is_told_with_file_key_value_and_form() {
    for (file, key, value, form) in [
        ("model = 5", "model", "5", "a text"),
        (
            "budget = \"much\"",
            "budget",
            "much",
            "dollars, such as 2 or 0.25",
        ),
        ("budget_day = -1", "budget_day", "-1", "dollars"),
        (
            "routing = \"best\"",
            "routing",
            "best",
            "static, cost or latency",
        ),
        ("guard = \"some\"", "guard", "some", "off, secrets or all"),
        ("stream = \"maybe\"", "stream", "maybe", "true or false"),
        ("effort = \"max\"", "effort", "max", "low, medium or high"),
        (
            "[limits]\nask_tries_max = -2",
            "limits.ask_tries_max",
            "-2",
            "a whole number",
        ),
        (
            "[rates.openai]\nrequests_per_minute = \"x\"",
            "rates.openai.requests_per_minute",
            "x",
            "a whole number",
        ),
        (
            "[prices.m]\ninput = \"cheap\"",
            "prices.m.input",
            "cheap",
            "dollars",
        ),
        (
            "[providers.mine]\nmodels = \"m\"",
            "providers.mine.models",
            "m",
            "a list of texts",
        ),
        (
            "[stages.code]\ntokens_max = true",
            "stages.code.tokens_max",
            "true",
            "a whole number",
        ),
        (
            "model = \"m\"\nbase_url = \"nowhere\"",
            "base_url",
            "nowhere",
            "an address such as",
        ),
    ] {
        let (ended, path) = refused(file);
        let ended = ended.expect_failure(3, form);
        let error = ended.line("error: ");
        for part in [&format!("`{key}`"), &path, value] {
            assert!(error.contains(part), "no {part} in {error}");
        }
    }
    let secret = "sk-secret-in-a-wrong-place-123";
    let (ended, _) = refused(&format!("key = [\"{secret}\"]"));
    let ended = ended.expect_failure(3, "`key`");
    assert!(!ended.all().contains(secret), "{}", ended.all());
}

#[test]
fn a_key_store_that_breaks_while_a_gateway_runs_is_told() {
    let upstream = Upstream::start(|_, _| Said::json(&chat("A tree.")));
    let world = World::offline();
    let add = ["keys", "add", "openai"];
    world.run_with(&add, b"sk-kept-0123456789").expect(0);
    let mut gateway = gateway(&world, &upstream, "openai", &[]);
    is(&ask(&gateway, "one"), 200);
    let path = world.home.path().join(".local/share/atelier/keys.json");
    fs::write(&path, "{\"format\": 1, \"keys\": [").unwrap();
    let told = gateway.hear("error: ");
    assert!(told.contains("keys.json"), "{told}");
    // What was read before goes on.
    is(&ask(&gateway, "two"), 200);
    let shown = upstream.asked().pop().unwrap().head;
    assert!(shown.contains("Bearer sk-kept-0123456789"), "{shown}");
    gateway.stop();
}

#[test]
fn a_provider_whose_models_nobody_lists_is_told_at_the_start() {
    let upstream = Upstream::start(|_, _| Said::json(&chat("A tree.")));
    let world = World::offline();
    world.write(
        "atelier.toml",
        format!(
            "[providers.spare]\nprovider = \"openai\"\nbase_url = \"http://{}\"\n",
            upstream.address
        ),
    );
    let mut command = world.command(&["gateway", "--listen", "127.0.0.1:0"]);
    command.args(upstream.options("openai"));
    command.stdout(Stdio::null()).stderr(Stdio::piped());
    let mut child = command.spawn().unwrap();
    let told = BufReader::new(child.stderr.take().unwrap())
        .lines()
        .map_while(Result::ok)
        .take_while(|line| !line.starts_with("listening"))
        .collect::<Vec<_>>();
    child.kill().unwrap();
    child.wait().unwrap();
    let told = told.join("\n");
    assert!(
        told.contains("`providers.spare.models` lists none"),
        "{told}"
    );
}

#[test]
fn requests_of_other_programs_reach_a_collector() {
    const WAITS_MAX: usize = 500;
    let collector = Upstream::start(|_, _| Said::json(&json!({})));
    let upstream = Upstream::start(|_, _| Said::json(&chat("A tree.")));
    let world = World::offline();
    let mut command = world.command(&["--json", "gateway", "--listen", "127.0.0.1:0"]);
    command.args(upstream.options("openai")).env(
        "OTEL_EXPORTER_OTLP_ENDPOINT",
        format!("http://{}", collector.address),
    );
    let gateway = Gateway::of(command);
    is(&ask(&gateway, "A question that no collector may read"), 200);
    gateway.stop();
    let mut paths = Vec::new();
    for _ in 0..WAITS_MAX {
        paths = collector
            .asked()
            .iter()
            .map(|asked| asked.path().to_owned())
            .collect();
        if paths.len() >= 2 {
            break;
        }
        thread::sleep(Duration::from_millis(10));
    }
    assert!(paths.iter().any(|path| path == "/v1/traces"), "{paths:?}");
    assert!(paths.iter().any(|path| path == "/v1/metrics"), "{paths:?}");
    let all: String = collector
        .asked()
        .iter()
        .map(|asked| asked.body.to_string())
        .collect();
    for name in [
        "gen_ai.request.model",
        "gen_ai.client.operation.duration",
        "gen_ai.client.token.usage",
    ] {
        assert!(all.contains(name), "no {name} in {all}");
    }
    assert!(!all.contains("no collector may read"), "{all}");
}

#[test]
fn who_only_looks_makes_nothing() {
    let world = World::offline();
    for args in [
        &["audit", "verify"][..],
        &["audit", "show"],
        &["audit", "export"],
        &["cost", "--gateway"],
        &["stats"],
    ] {
        world.run(args).expect(0);
    }
    let left: Vec<_> = fs::read_dir(world.home.path()).unwrap().collect();
    assert!(left.is_empty(), "{left:?}");
}

#[test]
fn what_the_audit_log_does_not_have_is_named_with_what_it_has() {
    let upstream = Upstream::start(|_, _| Said::json(&chat("A tree.")));
    let world = World::offline();
    let gateway = gateway(&world, &upstream, "openai", &[]);
    is(&ask(&gateway, "one"), 200);
    gateway.stop();
    for (args, cause) in [
        (["audit", "show", "--proof", "99999999"], "there are 1 to "),
        (["audit", "show", "--growth", "99999999"], "there are 1 to "),
        (["audit", "show", "--proof", "0"], "there are 1 to "),
        (
            ["audit", "show", "--kind", "nope"],
            "there are ask.started, ",
        ),
        (
            ["audit", "show", "--kind", "ask.star"],
            "there are ask.started, ",
        ),
        (
            ["audit", "export", "--to", "/nonexistent/x"],
            "write /nonexistent/x",
        ),
        (
            ["keys", "add", "nobody", "--json"],
            "there are openai, responses, ",
        ),
    ] {
        world.run(&args).expect_failure(2, cause);
    }
    let shown = world.run(&["audit", "show", "--kind", "request"]).expect(0);
    assert!(shown.stdout.contains("request.finished"), "{}", shown.all());
}
