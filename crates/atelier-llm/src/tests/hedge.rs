//! A second asking beside a slow first one: who answers, what both cost, what stands on record.

use std::sync::Arc;

use atelier_model::{AskRecord, ChoiceReason, Limits, MicroUsd, Stage, Strategy, Timestamp};
use atelier_store::{Budgets, Ledger, Store};
use bytes::Bytes;
use serde_json::json;
use tokio::sync::Notify;

use crate::{
    Demand, Dialect, GatewayConfig, Incoming, PassedBody, Relay, Route, Routing,
    tests::{
        ask::recorded,
        server::{Act, Server},
        world::{World, ask_of, config, limits, route},
    },
};

/// Milliseconds that are waited for the first; no test depends on how long that is.
const AFTER_MS: u64 = 20;

/// Milliseconds that no test lasts.
const NEVER_MS: u64 = 3_600_000;

fn answer() -> Act {
    Act::json(recorded("openai", true))
}

/// One sending for each asking.
fn once() -> Limits {
    Limits {
        ask_tries_max: 1,
        ..limits()
    }
}

/// Routes to servers called a, b, each standing by for the one before.
fn config_of(servers: &[Server], after_ms: Option<u64>) -> GatewayConfig {
    let routes: Vec<Route> = servers
        .iter()
        .zip(["a", "b"])
        .map(|(server, name)| Route {
            upstream: Some(name.to_owned()),
            hedge_ms: after_ms,
            ..route("openai", &server.url)
        })
        .collect();
    let routing = Routing {
        strategy: Strategy::Static,
        fallback: routes[1..].to_vec(),
    };
    GatewayConfig {
        routing: Stage::ALL.map(|stage| (stage, routing.clone())).into(),
        ..config(&routes[0], once())
    }
}

async fn servers(scripts: Vec<Vec<Act>>) -> Vec<Server> {
    let mut servers = Vec::new();
    for script in scripts {
        servers.push(Server::start(script).await);
    }
    servers
}

async fn world(scripts: Vec<Vec<Act>>, after_ms: Option<u64>) -> (World, Vec<Server>) {
    let servers = servers(scripts).await;
    let mut world = World::new(route("openai", &servers[0].url), once()).await;
    world.configure(config_of(&servers, after_ms));
    (world, servers)
}

fn counts(servers: &[Server]) -> Vec<usize> {
    servers.iter().map(|server| server.seen().len()).collect()
}

#[tokio::test]
async fn a_slow_first_is_overtaken_and_counts_as_it_may_have_cost() {
    let (world, servers) = world(vec![vec![Act::Hang], vec![answer()]], Some(AFTER_MS)).await;
    let reply = world.ask(&ask_of(&world.run), None).await.unwrap();
    assert_eq!(reply.provider, "b");
    assert_eq!(counts(&servers), [1, 1]);
    let asks = world.asks().await;
    let [first, second]: [AskRecord; 2] = asks.try_into().unwrap();
    assert_eq!(
        (first.provider.as_str(), second.provider.as_str()),
        ("a", "b")
    );
    assert_eq!(
        (first.reserved, second.reserved),
        (MicroUsd::ZERO, MicroUsd::ZERO)
    );
    assert!(first.error.is_some() && second.error.is_none());
    // The tokens of the second are known; of the first, only the most it may have used.
    assert!(first.cost > second.cost && second.cost == reply.cost);
    let reason = second.choice.as_ref().unwrap().reason.clone();
    assert_eq!(reason, ChoiceReason::Hedge { after_ms: AFTER_MS });
}

#[tokio::test]
async fn alone_a_route_is_asked_a_second_time_itself() {
    let servers = servers(vec![vec![Act::Hang, answer()]]).await;
    let mut world = World::new(route("openai", &servers[0].url), once()).await;
    world.configure(config_of(&servers, Some(AFTER_MS)));
    let reply = world.ask(&ask_of(&world.run), None).await.unwrap();
    assert_eq!(reply.provider, "a");
    assert_eq!(counts(&servers), [2]);
    assert_eq!(world.asks().await.len(), 2);
}

#[tokio::test]
async fn nobody_is_asked_twice_who_answers_in_time_or_where_nothing_is_set() {
    for (after_ms, script) in [(Some(NEVER_MS), answer()), (None, answer())] {
        let (world, servers) = world(vec![vec![script], vec![answer()]], after_ms).await;
        world.ask(&ask_of(&world.run), None).await.unwrap();
        assert_eq!(counts(&servers), [1, 0]);
        assert_eq!(world.asks().await.len(), 1);
    }
}

#[tokio::test]
async fn a_first_that_fails_in_time_is_followed_by_whoever_stands_by() {
    let scripts = vec![vec![Act::error(500, "busy")], vec![answer()]];
    let (world, servers) = world(scripts, Some(NEVER_MS)).await;
    assert_eq!(
        world.ask(&ask_of(&world.run), None).await.unwrap().provider,
        "b"
    );
    assert_eq!(counts(&servers), [1, 1]);
    let asks = world.asks().await;
    let reason = asks[1].choice.as_ref().unwrap().reason.clone();
    assert_eq!(reason, ChoiceReason::Fallback);
}

#[tokio::test]
async fn a_budget_for_one_asking_lets_no_second_one_out() {
    // The first answers only after the second was refused: nothing else lets it go on.
    let (world, servers) = world(vec![vec![Act::Hang], vec![answer()]], Some(AFTER_MS)).await;
    let ask = ask_of(&world.run);
    let probe = world.gateway.estimate(ask.stage, 0).most.unwrap();
    let cancel = world.cancel.clone();
    let asking = world.ask(&ask, Some(MicroUsd(probe.0 + probe.0 / 2)));
    let watching = async {
        // The refusal is on record before anything is cancelled.
        while !world
            .event_names()
            .await
            .contains(&"budget.refused".to_owned())
        {
            tokio::task::yield_now().await;
        }
        cancel.cancel();
    };
    let (asked, ()) = tokio::join!(asking, watching);
    asked.unwrap_err();
    assert_eq!(counts(&servers), [1, 0]);
}

struct Relayed {
    relay: Relay,
    ledger: Ledger,
    servers: Vec<Server>,
}

async fn relayed(scripts: Vec<Vec<Act>>, budgets: Budgets) -> Relayed {
    let servers = servers(scripts).await;
    let config = config_of(&servers, Some(AFTER_MS));
    let world = World::new(route("openai", &servers[0].url), once()).await;
    let store = Store::open_in_memory().await.unwrap();
    let now = world.clock().now();
    let ledger = Ledger::open(&store, budgets, now).await.unwrap();
    let relay = Relay::new(&config, ledger.clone(), world.clock(), world.ids());
    Relayed {
        relay: relay.unwrap(),
        ledger,
        servers,
    }
}

impl Relayed {
    async fn pass(&self) -> u16 {
        let body = json!({"model": "code", "stream": false, "max_tokens": 100,
            "messages": [{"role": "user", "content": "say"}]});
        let incoming = Incoming {
            dialect: Dialect::Chat,
            demand: Demand::Answer,
            model: None,
            stream: None,
            headers: Vec::new(),
            body: Bytes::from(body.to_string()),
            cache: false,
            client: None,
        };
        let passed = self.relay.pass(incoming).await;
        assert!(matches!(passed.body, PassedBody::Whole(_)));
        passed.status
    }

    /// Provider, status and cost of every request on record, by provider.
    async fn told(&self) -> Vec<(String, u64, MicroUsd)> {
        self.ledger.fold().await.unwrap();
        let spent = self
            .ledger
            .store()
            .relay_spend_list(Timestamp::default())
            .await;
        let spent = spent.unwrap().into_iter();
        spent
            .map(|one| (one.provider, one.failed, one.cost))
            .collect()
    }
}

#[tokio::test]
async fn a_relayed_request_is_answered_by_whoever_is_first_and_both_are_paid() {
    let whole = Act::json(recorded("openai", false));
    let relayed = relayed(vec![vec![Act::Hang], vec![whole]], Budgets::default()).await;
    assert_eq!(relayed.pass().await, 200);
    assert_eq!(counts(&relayed.servers), [1, 1]);
    let told = relayed.told().await;
    let failed: Vec<(&str, u64)> = told.iter().map(|one| (one.0.as_str(), one.1)).collect();
    assert_eq!(failed, [("a", 1), ("b", 0)]);
    let costs: Vec<MicroUsd> = told.iter().map(|one| one.2).collect();
    // The tokens of the second are known; of the first, only the most it may have used.
    assert!(costs[0] > costs[1] && costs[1] > MicroUsd::ZERO);
    // Nothing stays reserved beyond what was spent.
    assert_eq!(relayed.ledger.taken(), costs[0] + costs[1]);
}

#[tokio::test]
async fn a_second_that_fails_leaves_the_first_to_answer() {
    let told = Arc::new(Notify::new());
    let late = Act::When(Arc::clone(&told), recorded("openai", false));
    let scripts = vec![vec![late], vec![Act::error(500, "busy")]];
    let relayed = relayed(scripts, Budgets::default()).await;
    let watching = async {
        while relayed.servers[1].requests().is_empty() {
            tokio::task::yield_now().await;
        }
        told.notify_one();
    };
    let (status, ()) = tokio::join!(relayed.pass(), watching);
    assert_eq!(status, 200);
    let told = relayed.told().await;
    let failed: Vec<(&str, u64)> = told.iter().map(|one| (one.0.as_str(), one.1)).collect();
    assert_eq!(failed, [("a", 0), ("b", 1)]);
}
