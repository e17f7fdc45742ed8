//! Rate limits before a server that tells them: who is sent, who waits, who is told what.

use std::{collections::BTreeMap, sync::Arc};

use atelier_model::{Ask, Limits, Stage, Strategy};
use atelier_store::{Budgets, Ledger};
use bytes::Bytes;
use futures_util::future::join_all;
use serde_json::json;
use tokio_util::sync::CancellationToken;

use crate::{
    AskError, AskErrorKind, Demand, Dialect, Gateway, GatewayConfig, Incoming, PassedBody, Rate,
    RateTable, Relay, Route, Routing,
    layers::Layers,
    relay::Hands,
    tests::{
        ask::recorded,
        server::{Act, Server},
        world::{World, ask_of, config, limits, route},
    },
};

/// Nobody waits for long.
fn hasty() -> Limits {
    Limits {
        rate_wait_ms_max: 400,
        ..limits()
    }
}

/// An answer with these headers.
fn telling(dialect: &str, headers: &[(&'static str, &str)]) -> Act {
    let headers = headers
        .iter()
        .map(|(name, value)| (*name, (*value).to_owned()));
    Act::Answer(200, headers.collect(), recorded(dialect, true))
}

fn answer() -> Act {
    telling("openai", &[])
}

async fn world(dialect: &str, script: Vec<Act>, limits: Limits) -> (World, Server) {
    let server = Server::start(script).await;
    let world = World::new(route(dialect, &server.url), limits).await;
    (world, server)
}

/// The configuration of a world with one server, under these lines of `[rates]`.
fn rated(server: &Server, limits: Limits, rates: &[(&str, Rate)]) -> GatewayConfig {
    let rates: BTreeMap<_, _> = rates
        .iter()
        .map(|(name, rate)| ((*name).to_owned(), *rate))
        .collect();
    GatewayConfig {
        rates: RateTable::new(rates),
        ..config(&route("openai", &server.url), limits)
    }
}

fn at_once(limit: u64) -> Rate {
    Rate {
        requests_at_once: Some(limit),
        ..Rate::default()
    }
}

fn a_minute(limit: u64) -> Rate {
    Rate {
        requests_per_minute: Some(limit),
        ..Rate::default()
    }
}

/// Asks that differ, so that none is answered by another.
fn asks(world: &World, numbers: std::ops::Range<u32>) -> Vec<Ask> {
    let asks = numbers.map(|attempt| {
        let mut ask = ask_of(&world.run);
        ask.attempt = attempt;
        ask
    });
    asks.collect()
}

/// Until so many requests have reached the server.
async fn reached(server: &Server, count: usize) {
    while server.requests().len() < count {
        tokio::task::yield_now().await;
    }
}

#[tokio::test]
async fn what_an_answer_says_is_left_holds_for_the_next_ask() {
    let openai = [
        ("x-ratelimit-limit-requests", "60"),
        ("x-ratelimit-remaining-requests", "0"),
        ("x-ratelimit-reset-requests", "1m0s"),
    ];
    let anthropic = [
        ("anthropic-ratelimit-input-tokens-limit", "6000"),
        ("anthropic-ratelimit-input-tokens-remaining", "0"),
        (
            "anthropic-ratelimit-input-tokens-reset",
            "2026-11-20T12:00:00Z",
        ),
    ];
    let cases = [
        ("openai", &openai, "60 requests a minute"),
        ("anthropic", &anthropic, "6000 input tokens a minute"),
    ];
    for (dialect, headers, limit) in cases {
        let script = vec![telling(dialect, headers), telling(dialect, &[])];
        let (world, server) = world(dialect, script, hasty()).await;
        let asks = asks(&world, 1..4);
        assert!(world.ask(&asks[0], None).await.is_ok());
        let error = world.ask(&asks[1], None).await.unwrap_err();
        assert!(error.to_string().contains(limit), "{error}");
        assert!(
            error.hint().contains("rate_wait_ms_max"),
            "{}",
            error.hint()
        );
        assert_eq!(error.kind(), AskErrorKind::Provider);
        // Nothing was sent, and nothing stays reserved.
        assert_eq!(server.seen().len(), 1);
        assert_eq!(world.cost().await.reserved.0, 0);
        world.advance(30_000);
        assert!(world.ask(&asks[2], None).await.is_ok());
    }
}

#[tokio::test]
async fn a_wait_that_is_worth_it_is_waited() {
    let headers = [
        ("x-ratelimit-limit-requests", "6000"),
        ("x-ratelimit-remaining-requests", "0"),
    ];
    let script = vec![telling("openai", &headers), answer()];
    let (world, server) = world("openai", script, hasty()).await;
    let asks = asks(&world, 1..4);
    for ask in &asks {
        assert!(world.ask(ask, None).await.is_ok());
    }
    assert_eq!(server.seen().len(), 3);
    let told = world.gateway.limits();
    assert_eq!(told.len(), 1);
    assert_eq!((told[0].under_way, told[0].waiting), (0, 0));
    assert_eq!(
        (told[0].provider.as_str(), told[0].model.as_str()),
        ("openai", "priced")
    );
    assert_eq!(told[0].limits[0].amount, 6_000);
}

#[tokio::test]
async fn so_many_are_sent_at_once_and_whoever_gives_up_makes_room() {
    let script = vec![Act::Hang, Act::Hang, answer()];
    let (mut world, server) = world("openai", script, limits()).await;
    world.configure(rated(&server, limits(), &[("openai", at_once(2))]));
    let asks = asks(&world, 1..6);
    let cancels = [(); 5].map(|()| CancellationToken::new());
    let all = asks.iter().zip(&cancels);
    let all = join_all(all.map(|(ask, cancel)| world.gateway.ask(ask, None, cancel)));
    let steering = async {
        reached(&server, 2).await;
        // The third waits; it leaves the queue, and those behind it move up.
        cancels[2].cancel();
        for _ in 0..100 {
            tokio::task::yield_now().await;
        }
        assert_eq!(server.requests().len(), 2);
        cancels[0].cancel();
        reached(&server, 4).await;
        cancels[1].cancel();
    };
    let (answers, ()) = tokio::join!(all, steering);
    let is_cancelled = |at: usize| matches!(answers[at], Err(AskError::Cancelled));
    assert!((0..3).all(is_cancelled), "{answers:?}");
    assert!(answers[3..].iter().all(Result::is_ok), "{answers:?}");
    assert_eq!(server.requests().len(), 4);
}

#[tokio::test]
async fn a_refusal_holds_back_everyone_until_its_wait_is_over() {
    let script = vec![Act::wait(429, "retry-after-ms", "60"), answer()];
    let (mut world, server) = world("openai", script, limits()).await;
    world.configure(rated(&server, limits(), &[("openai", at_once(1))]));
    let asks = asks(&world, 1..6);
    let begun = world.clock().now();
    let answers = join_all(asks.iter().map(|ask| world.ask(ask, None))).await;
    assert!(answers.iter().all(Result::is_ok), "{answers:?}");
    // One was refused, once, and nobody else met the same.
    assert_eq!(server.seen().len(), 6);
    assert_eq!(world.waits().await, [60]);
    assert!(world.clock().now() > begun);
}

#[tokio::test]
async fn every_sending_counts_and_so_does_a_failed_one() {
    let script = vec![Act::error(503, "busy"), answer()];
    let (mut world, server) = world("openai", script, hasty()).await;
    world.configure(rated(&server, hasty(), &[("openai/priced", a_minute(2))]));
    let asks = asks(&world, 1..3);
    assert!(world.ask(&asks[0], None).await.is_ok());
    let error = world.ask(&asks[1], None).await.unwrap_err();
    let AskError::OverRate { limit, wait_ms, .. } = &error else {
        panic!("{error:?}");
    };
    assert_eq!(limit, "2 requests a minute");
    assert!((25_000..61_000).contains(wait_ms), "{wait_ms}");
    assert_eq!(server.seen().len(), 2);
}

#[tokio::test]
async fn a_standby_answers_at_once_where_a_turn_would_come_late() {
    let servers = [
        Server::start(vec![answer()]).await,
        Server::start(vec![answer()]).await,
    ];
    let named = |name: &str, server: &Server| Route {
        upstream: Some(name.to_owned()),
        ..route("openai", &server.url)
    };
    let routes = [named("a", &servers[0]), named("b", &servers[1])];
    let mut world = World::new(routes[0].clone(), limits()).await;
    let routing = Routing {
        strategy: Strategy::Static,
        fallback: vec![routes[1].clone()],
    };
    let mut config = rated(&servers[0], limits(), &[("a", a_minute(1))]);
    config.routes = Stage::ALL.map(|stage| (stage, routes[0].clone())).into();
    config.routing = Stage::ALL.map(|stage| (stage, routing.clone())).into();
    world.configure(config);
    for ask in asks(&world, 1..4) {
        assert!(world.ask(&ask, None).await.is_ok());
    }
    let counts = servers.each_ref().map(|server| server.seen().len());
    assert_eq!(counts, [1, 2]);
}

/// A request of another program.
fn incoming(number: u32) -> Incoming {
    let body = json!({
        "model": "code", "stream": false, "max_tokens": 100,
        "messages": [{"role": "user", "content": format!("question {number}")}],
    });
    Incoming {
        dialect: Dialect::Chat,
        demand: Demand::Answer,
        model: None,
        stream: None,
        headers: Vec::new(),
        body: Bytes::from(body.to_string()),
        cache: false,
        client: None,
    }
}

/// A gateway and a relay with one stack of layers.
async fn both(world: &World, config: GatewayConfig) -> (Gateway, Relay) {
    let layers = Arc::new(Layers::new());
    let now = world.clock().now();
    let ledger = Ledger::open(&world.store, Budgets::default(), now).await;
    let hands = Hands {
        ledger: ledger.unwrap(),
        clock: world.clock(),
        ids: world.ids(),
    };
    let relay = Relay::with_layers(layers.clone(), &config, hands).unwrap();
    let sources = (world.clock(), world.ids());
    let gateway = Gateway::with_layers(layers, config, world.store.clone(), sources).unwrap();
    (gateway, relay)
}

#[tokio::test]
async fn asks_and_relayed_requests_share_one_limit() {
    let (world, server) = world("openai", vec![answer()], hasty()).await;
    let config = rated(&server, hasty(), &[("openai", a_minute(3))]);
    let (gateway, relay) = both(&world, config).await;
    let asks = asks(&world, 1..3);
    let cancel = CancellationToken::new();
    assert!(gateway.ask(&asks[0], None, &cancel).await.is_ok());
    for number in 1..3 {
        assert_eq!(relay.pass(incoming(number)).await.status, 200);
    }
    let refused = relay.pass(incoming(3)).await;
    assert_eq!(refused.status, 429);
    let header = |name: &str| refused.headers.iter().find(|(key, _)| key == name);
    let wait_s: u64 = header("retry-after").unwrap().1.parse().unwrap();
    assert!((1..=61).contains(&wait_s), "{wait_s}");
    let PassedBody::Whole(body) = &refused.body else {
        panic!("a refusal is whole");
    };
    let body = String::from_utf8_lossy(body);
    assert!(body.contains("3 requests a minute"), "{body}");
    let error = gateway.ask(&asks[1], None, &cancel).await.unwrap_err();
    assert!(matches!(error, AskError::OverRate { .. }), "{error:?}");
    assert_eq!(server.requests().len(), 3);
}

#[tokio::test]
async fn what_a_relayed_answer_tells_holds_for_all() {
    let headers = [
        ("x-ratelimit-limit-tokens", "60000"),
        ("x-ratelimit-remaining-tokens", "0"),
    ];
    let (world, server) = world("openai", vec![telling("openai", &headers)], hasty()).await;
    let (gateway, relay) = both(&world, rated(&server, hasty(), &[])).await;
    assert_eq!(relay.pass(incoming(1)).await.status, 200);
    let ask = &asks(&world, 1..2)[0];
    let error = gateway.ask(ask, None, &CancellationToken::new()).await;
    let error = error.unwrap_err();
    assert!(
        error.to_string().contains("60000 tokens a minute"),
        "{error}"
    );
    assert_eq!(relay.limits()[0].under_way, 0);
}

#[tokio::test]
async fn the_wait_of_a_refused_relay_is_told_to_those_who_come_after() {
    let script = vec![Act::wait(429, "retry-after", "30"), answer()];
    let (world, server) = world("openai", script, limits()).await;
    let (_, relay) = both(&world, rated(&server, limits(), &[])).await;
    let waits = |passed: &crate::Passed| {
        let wait = passed
            .headers
            .iter()
            .find(|(name, _)| name == "retry-after");
        wait.map(|(_, value)| value.parse::<u64>().unwrap())
    };
    let first = relay.pass(incoming(1)).await;
    assert_eq!((first.status, waits(&first)), (429, Some(30)));
    world.advance(10_000);
    let second = relay.pass(incoming(2)).await;
    assert_eq!((second.status, waits(&second)), (429, Some(20)));
    assert_eq!(server.requests().len(), 1);
    world.advance(20_000);
    assert_eq!(relay.pass(incoming(3)).await.status, 200);
}
