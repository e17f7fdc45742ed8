//! Several routes behind a relayed request: who answers, what the ledger says, what a client is told.

use std::collections::BTreeMap;

use atelier_model::{Limits, MicroUsd, Stage, Strategy, Timestamp};
use atelier_store::{Budgets, Ledger, Store};
use bytes::Bytes;
use futures_util::StreamExt;
use serde_json::{Value, json};

use crate::{
    Demand, Dialect, GatewayConfig, Incoming, PassedBody, Relay, Route, Routing,
    tests::{
        ask::recorded,
        server::{Act, Server},
        world::{World, config, limits, route},
    },
};

/// What a client got.
struct Got {
    status: u16,
    headers: BTreeMap<String, String>,
    body: String,
}

impl Got {
    fn header(&self, name: &str) -> &str {
        self.headers.get(name).map_or("", String::as_str)
    }

    fn error(&self) -> String {
        let body: Value = serde_json::from_str(&self.body).unwrap();
        body["error"]["message"].as_str().unwrap().to_owned()
    }
}

/// A relay to servers called a, b, c, each standing by for the one before.
struct Relayed {
    relay: Relay,
    ledger: Ledger,
    servers: Vec<Server>,
    dialect: Dialect,
}

impl Relayed {
    async fn new(providers: &[&str], scripts: Vec<Vec<Act>>) -> Self {
        let once = Limits {
            ask_tries_max: 1,
            ..limits()
        };
        let mut servers = Vec::new();
        for script in scripts {
            servers.push(Server::start(script).await);
        }
        let routes: Vec<Route> = servers
            .iter()
            .zip(providers.iter().zip(["a", "b", "c"]))
            .map(|(server, (provider, name))| Route {
                upstream: Some(name.to_owned()),
                ..route(provider, &server.url)
            })
            .collect();
        let routing = Routing {
            strategy: Strategy::Static,
            fallback: routes[1..].to_vec(),
        };
        let config = GatewayConfig {
            routing: Stage::ALL.map(|stage| (stage, routing.clone())).into(),
            ..config(&routes[0], once)
        };
        let world = World::new(routes[0].clone(), limits()).await;
        let store = Store::open_in_memory().await.unwrap();
        let now = world.clock().now();
        let ledger = Ledger::open(&store, Budgets::default(), now).await.unwrap();
        let relay = Relay::new(&config, ledger.clone(), world.clock(), world.ids());
        Self {
            relay: relay.unwrap(),
            ledger,
            servers,
            dialect: Dialect::Chat,
        }
    }

    async fn pass(&self, number: u32, stream: bool) -> Got {
        let body = json!({
            "model": "code", "stream": stream, "max_tokens": 100,
            "messages": [{"role": "user", "content": format!("question {number}")}],
        });
        self.pass_body(&body).await
    }

    async fn pass_body(&self, body: &Value) -> Got {
        let incoming = Incoming {
            dialect: self.dialect,
            demand: Demand::Answer,
            model: None,
            stream: None,
            headers: Vec::new(),
            body: Bytes::from(body.to_string()),
            cache: true,
            client: None,
        };
        let passed = self.relay.pass(incoming).await;
        let body = match passed.body {
            PassedBody::Whole(bytes) => bytes.to_vec(),
            PassedBody::Stream(pieces) => pieces.collect::<Vec<_>>().await.concat(),
        };
        Got {
            status: passed.status,
            headers: passed.headers.into_iter().collect(),
            body: String::from_utf8(body).unwrap(),
        }
    }

    fn counts(&self) -> Vec<usize> {
        let servers = self.servers.iter();
        servers.map(|server| server.requests().len()).collect()
    }

    /// What the ledger says of each provider: requests, failed ones, money.
    async fn ledger(&self) -> Vec<(String, u64, u64, MicroUsd)> {
        self.ledger.fold().await.unwrap();
        let since = Timestamp::from_millis(0);
        let spent = self.ledger.store().relay_spend_list(since).await.unwrap();
        let mut told: Vec<_> = spent
            .into_iter()
            .map(|spend| (spend.provider, spend.requests, spend.failed, spend.cost))
            .collect();
        told.sort();
        told
    }
}

fn busy() -> Act {
    Act::error(500, r#"{"error":{"message":"busy"}}"#)
}

fn answer(stream: bool) -> Act {
    Act::json(recorded("openai", stream))
}

#[tokio::test]
async fn a_standby_answers_where_the_first_does_not() {
    let cut = recorded("openai", false)[..40].to_vec();
    let refusals = [
        busy(),
        Act::error(401, r#"{"error":{"message":"unknown key"}}"#),
        Act::error(404, r#"{"error":{"message":"unknown model"}}"#),
        Act::wait(429, "retry-after", "900"),
        Act::json("data: {\"id\":\"chatc"),
        Act::json(": still at work\n\ndata: {\"id\":\n\n"),
        Act::Slam,
        Act::Cut(cut),
    ];
    for refusal in refusals {
        for stream in [false, true] {
            let case = format!("{refusal:?} {stream}");
            let scripts = vec![vec![refusal.clone()], vec![answer(stream)]];
            let world = Relayed::new(&["openai"; 2], scripts).await;
            let got = world.pass(1, stream).await;
            assert_eq!(got.status, 200, "{case}: {}", got.body);
            assert_eq!(got.header("x-atelier-provider"), "b", "{case}");
            assert_eq!(world.counts(), [1, 1], "{case}");
            let ledger = world.ledger().await;
            let told: Vec<_> = ledger
                .iter()
                .map(|(who, requests, failed, _)| (&**who, *requests, *failed))
                .collect();
            assert_eq!(told, [("a", 1, 1), ("b", 1, 0)], "{case}");
            assert!(ledger[1].3 > MicroUsd::ZERO, "{case}");
        }
    }
}

#[tokio::test]
async fn who_stands_by_may_speak_another_dialect() {
    for stream in [false, true] {
        for (provider, reply) in [("anthropic", "anthropic"), ("gemini", "gemini")] {
            let answer = Act::json(recorded(reply, stream));
            let scripts = vec![vec![busy()], vec![answer]];
            let world = Relayed::new(&["openai", provider], scripts).await;
            let got = world.pass(1, stream).await;
            assert_eq!(got.status, 200, "{provider}: {}", got.body);
            assert!(got.body.contains("chat.completion"), "{}", got.body);
            assert_eq!(world.counts(), [1, 1]);
        }
    }
}

#[tokio::test]
async fn whoever_failed_is_left_alone_while_others_answer() {
    let scripts = vec![vec![busy()], vec![answer(false)]];
    let world = Relayed::new(&["openai"; 2], scripts).await;
    for number in 1..=5 {
        assert_eq!(world.pass(number, false).await.status, 200);
    }
    assert_eq!(world.counts(), [1, 5]);
}

#[tokio::test]
async fn what_is_wrong_with_a_request_is_said_by_its_own_provider() {
    let words = r#"{"error":{"message":"no such parameter","type":"invalid_request_error"}}"#;
    let scripts = vec![vec![Act::error(400, words)], vec![answer(false)]];
    let world = Relayed::new(&["openai"; 2], scripts).await;
    let got = world.pass(1, false).await;
    assert_eq!((got.status, got.body.as_str()), (400, words));
    assert_eq!(world.counts(), [1, 0]);
}

#[tokio::test]
async fn an_answer_that_has_begun_is_never_begun_again() {
    let whole = recorded("openai", true);
    // Some of the text has come when the connection breaks.
    let place = String::from_utf8_lossy(&whole).rfind("data: {").unwrap();
    let scripts = vec![vec![Act::Cut(whole[..place].to_vec())], vec![answer(true)]];
    let world = Relayed::new(&["openai"; 2], scripts).await;
    let got = world.pass(1, true).await;
    for part in [
        "error",
        "a/priced since 2026-",
        "sent once",
        "remedy: try again",
    ] {
        assert!(got.body.contains(part), "no `{part}` in {}", got.body);
    }
    assert_eq!(world.counts(), [1, 0]);
    // The next one is not sent where the last one broke.
    let got = world.pass(2, true).await;
    assert_eq!(got.header("x-atelier-provider"), "b");
    assert_eq!(world.counts(), [1, 1]);
}

#[tokio::test]
async fn where_nobody_answers_a_client_is_told_the_whole_story() {
    let scripts = vec![vec![busy()], vec![Act::wait(429, "retry-after", "30")]];
    let world = Relayed::new(&["openai"; 2], scripts).await;
    let got = world.pass(1, false).await;
    assert_eq!(got.status, 429);
    assert_eq!(got.header("retry-after"), "30");
    let said = got.error();
    for part in [
        "any of 2 models",
        "a/priced at 2026-",
        "busy (500, tried once)",
        "b/priced",
        "slow down (429, tried once)",
        "sent 2 times",
        "remedy: wait",
    ] {
        assert!(said.contains(part), "no `{part}` in: {said}");
    }
    assert_eq!(got.header("x-atelier-tries"), "2");
    let counted = world.relay.counts();
    let counted: Vec<_> = counted
        .iter()
        .map(|(series, counts)| (&*series.provider, counts.repeats, &counts.outcomes))
        .collect();
    let once = |outcome: &str| std::collections::BTreeMap::from([(outcome.to_owned(), 1)]);
    assert_eq!(counted, [("a", 0, &once("500")), ("b", 0, &once("429"))]);
    let ledger = world.ledger().await;
    assert!(
        ledger
            .iter()
            .all(|(_, _, failed, cost)| (*failed, cost.0) == (1, 0))
    );
}

#[tokio::test]
async fn every_model_is_listed_and_asked_for_by_its_name() {
    let scripts = vec![vec![answer(false)], vec![answer(false)]];
    let world = Relayed::new(&["openai"; 2], scripts).await;
    let names: Vec<String> = world
        .relay
        .models()
        .into_iter()
        .map(|one| one.name)
        .collect();
    for name in ["a/priced", "b/priced", "priced", "code"] {
        assert!(names.iter().any(|listed| listed == name), "{names:?}");
    }
    let body = json!({"model": "b/priced", "messages": [{"role": "user", "content": "hi"}]});
    let got = world.pass_body(&body).await;
    assert_eq!(got.header("x-atelier-provider"), "b");
}

#[tokio::test]
async fn images_go_to_whoever_sees_them() {
    let scripts = vec![vec![answer(false)], vec![answer(false)]];
    let mut world = Relayed::new(&["openai"; 2], scripts).await;
    let blind = Route {
        model: "o3-mini".to_owned(),
        ..named("a", &world.servers[0])
    };
    let routing = Routing {
        strategy: Strategy::Static,
        fallback: vec![named("b", &world.servers[1])],
    };
    let config = GatewayConfig {
        routing: Stage::ALL.map(|stage| (stage, routing.clone())).into(),
        ..config(&blind, limits())
    };
    world.relay.reload(&config).unwrap();
    world.dialect = Dialect::Chat;
    let image = json!({"type": "image_url", "image_url": {"url": "data:image/png;base64,AA=="}});
    let body = |content: Value| json!({"model": "code", "messages": [{"role": "user", "content": content}]});
    let got = world.pass_body(&body(json!([image]))).await;
    assert_eq!(got.header("x-atelier-provider"), "b", "{}", got.body);
    let got = world.pass_body(&body(json!("no image"))).await;
    assert_eq!(got.header("x-atelier-provider"), "a", "{}", got.body);
}

#[tokio::test]
async fn an_answer_is_found_again_as_long_as_the_question_is_the_same() {
    let scripts = vec![vec![answer(false)], vec![answer(false)]];
    let world = Relayed::new(&["openai"; 2], scripts).await;
    let routes = [named("a", &world.servers[0]), named("b", &world.servers[1])];
    let reload = |strategy, fallback: &[Route]| {
        let routing = Routing {
            strategy,
            fallback: fallback.to_vec(),
        };
        let config = GatewayConfig {
            routing: Stage::ALL.map(|stage| (stage, routing.clone())).into(),
            ..config(&routes[0], limits())
        };
        world.relay.reload(&config).unwrap();
    };
    let mut hits = Vec::new();
    for (strategy, fallback) in [
        (Strategy::Static, &routes[1..]),
        (Strategy::Static, &[]),
        (Strategy::Cost, &routes[1..]),
        (Strategy::Cost, &routes[1..]),
    ] {
        reload(strategy, fallback);
        hits.push(world.pass(1, false).await.header("x-atelier-cache") == "hit");
    }
    assert_eq!(hits, [false, true, false, true]);
}

fn named(name: &str, server: &Server) -> Route {
    Route {
        upstream: Some(name.to_owned()),
        ..route("openai", &server.url)
    }
}
