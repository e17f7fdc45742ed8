//! Several routes behind one stage: who is asked, who next, and what stands on the record.

use std::sync::Arc;

use atelier_model::{
    Ask, ChoiceReason, Limits, MicroUsd, PassedOver, PassedOverReason, RouteChoice, Stage, Strategy,
};
use futures_util::future::join_all;

use crate::{
    AskError, AskErrorKind, Gateway, GatewayConfig, Route, Routing,
    layers::Layers,
    tests::{
        ask::recorded,
        server::{Act, Server},
        world::{World, ask_of, config, limits, route},
    },
};

/// One sending at each route.
fn once() -> Limits {
    Limits {
        ask_tries_max: 1,
        ..limits()
    }
}

fn answer() -> Act {
    Act::json(recorded("openai", true))
}

fn busy() -> Act {
    Act::error(500, "busy")
}

/// Every stage is answered by these, in this order where nothing else orders them.
fn among(strategy: Strategy, routes: &[Route], limits: Limits) -> GatewayConfig {
    let (first, others) = routes.split_first().unwrap();
    let routing = Routing {
        strategy,
        fallback: others.to_vec(),
    };
    GatewayConfig {
        routing: Stage::ALL.map(|stage| (stage, routing.clone())).into(),
        ..config(first, limits)
    }
}

/// A server with a name of its own.
fn named(name: &str, server: &Server) -> Route {
    Route {
        upstream: Some(name.to_owned()),
        ..route("openai", &server.url)
    }
}

/// A world with a server for each script, called a, b, c.
async fn world(scripts: Vec<Vec<Act>>, limits: Limits) -> (World, Vec<Server>) {
    world_of(Strategy::Static, scripts, limits).await
}

async fn world_of(
    strategy: Strategy,
    scripts: Vec<Vec<Act>>,
    limits: Limits,
) -> (World, Vec<Server>) {
    let mut servers = Vec::new();
    for script in scripts {
        servers.push(Server::start(script).await);
    }
    let routes: Vec<Route> = servers
        .iter()
        .zip(["a", "b", "c"])
        .map(|(server, name)| named(name, server))
        .collect();
    let mut world = World::new(routes[0].clone(), limits.clone()).await;
    world.configure(among(strategy, &routes, limits));
    (world, servers)
}

fn numbered(world: &World, attempt: u32) -> Ask {
    Ask {
        attempt,
        ..ask_of(&world.run)
    }
}

fn counts(servers: &[Server]) -> Vec<usize> {
    servers.iter().map(|server| server.seen().len()).collect()
}

/// Who was asked, in the order of the record, each with its error.
async fn told(world: &World) -> Vec<(String, bool, MicroUsd)> {
    let asks = world.asks().await;
    let told = asks.into_iter().map(|ask| {
        assert_eq!(ask.reserved, MicroUsd::ZERO);
        (ask.provider, ask.error.is_some(), ask.cost)
    });
    told.collect()
}

#[tokio::test]
async fn the_next_route_answers_where_the_first_does_not() {
    let refusals = [
        vec![busy()],
        vec![Act::error(429, "slow down")],
        vec![Act::wait(429, "retry-after", "900")],
        vec![Act::error(401, "unknown key")],
        vec![Act::error(404, "unknown model")],
        vec![Act::Slam],
        vec![Act::Cut(recorded("openai", true)[..40].to_vec())],
        vec![Act::json("no dialect")],
    ];
    for script in refusals {
        let case = format!("{script:?}");
        let (world, servers) = world(vec![script, vec![answer()]], once()).await;
        let reply = world.ask(&ask_of(&world.run), None).await.unwrap();
        assert_eq!(reply.provider, "b", "{case}");
        assert_eq!(counts(&servers), [1, 1], "{case}");
        let told = told(&world).await;
        let ends: Vec<_> = told
            .iter()
            .map(|(who, failed, _)| (&**who, *failed))
            .collect();
        assert_eq!(ends, [("a", true), ("b", false)], "{case}");
    }
}

#[tokio::test]
async fn a_route_is_left_only_after_its_retries() {
    let scripts = vec![vec![busy(), busy(), answer()], vec![answer()]];
    let (world, servers) = world(scripts, limits()).await;
    let reply = world.ask(&ask_of(&world.run), None).await.unwrap();
    assert_eq!(reply.provider, "a");
    assert_eq!(counts(&servers), [3, 0]);
}

#[tokio::test]
async fn nobody_waits_long_where_another_stands_by() {
    let scripts = vec![vec![Act::wait(429, "retry-after", "30")], vec![answer()]];
    let (world, servers) = world(scripts, limits()).await;
    let reply = world.ask(&ask_of(&world.run), None).await.unwrap();
    assert_eq!(reply.provider, "b");
    assert_eq!(counts(&servers), [1, 1]);
    assert_eq!(world.waits().await, [0_u64; 0]);
    // As long as the provider wants, it is not asked again.
    let other = numbered(&world, 2);
    assert_eq!(world.ask(&other, None).await.unwrap().provider, "b");
    assert_eq!(counts(&servers), [1, 2]);
    let asks = world.asks().await;
    let choice = asks[2].choice.clone().unwrap();
    assert_eq!(choice.reason, ChoiceReason::First);
    assert!(matches!(
        choice.passed_over.as_slice(),
        [PassedOver { route, why: PassedOverReason::Resting { wait_ms } }]
            if route == "a/priced" && (29_000..=30_000).contains(wait_ms)
    ));
    world.advance(31_000);
    let third = numbered(&world, 3);
    assert_eq!(world.ask(&third, None).await.unwrap().provider, "b");
    assert_eq!(counts(&servers), [2, 3]);
}

#[tokio::test]
async fn the_record_says_who_answered_and_why_the_others_did_not() {
    let (world, _servers) = world(vec![vec![busy()], vec![answer()]], once()).await;
    world.ask(&ask_of(&world.run), None).await.unwrap();
    let asks = world.asks().await;
    let choices: Vec<_> = asks.iter().map(|ask| ask.choice.clone().unwrap()).collect();
    let first = RouteChoice {
        strategy: Strategy::Static,
        reason: ChoiceReason::First,
        passed_over: vec![],
    };
    let error = "get an answer from a: busy (500, tried once)".to_owned();
    let second = RouteChoice {
        strategy: Strategy::Static,
        reason: ChoiceReason::Fallback,
        passed_over: vec![PassedOver {
            route: "a/priced".to_owned(),
            why: PassedOverReason::Failed { error },
        }],
    };
    assert_eq!(choices, [first, second]);
    assert_ne!(asks[0].id, asks[1].id);
    assert_eq!(asks[0].key, asks[1].key);
    let names = world.event_names().await;
    assert_eq!(
        names,
        ["ask.started", "ask.failed", "ask.started", "ask.finished"]
    );
}

#[tokio::test]
async fn every_route_that_was_asked_is_counted() {
    let cut = Act::Cut(recorded("openai", true)[..40].to_vec());
    let twice = Limits {
        ask_tries_max: 2,
        ..limits()
    };
    let scripts = vec![vec![cut], vec![busy()], vec![answer()]];
    let (mut world, servers) = world(scripts, twice.clone()).await;
    let routes = [("a", 0), ("b", 1), ("c", 2)].map(|(name, place)| named(name, &servers[place]));
    let layers = Arc::new(Layers::new());
    let among = among(Strategy::Static, &routes, twice);
    let sources = (world.clock(), world.ids());
    let store = world.store.clone();
    world.gateway = Gateway::with_layers(Arc::clone(&layers), among, store, sources).unwrap();
    world.ask(&ask_of(&world.run), None).await.unwrap();
    let counted = layers.counts();
    let ends: Vec<_> = counted
        .iter()
        .map(|(series, counts)| {
            let outcomes: Vec<_> = counts.outcomes.iter().collect();
            (&*series.provider, counts.repeats, format!("{outcomes:?}"))
        })
        .collect();
    let once = |outcome: &str| format!("[({outcome:?}, 1)]");
    assert_eq!(
        ends,
        [
            ("a", 1, once("provider")),
            ("b", 1, once("provider")),
            ("c", 0, once("ok"))
        ]
    );
    // Both broken sendings count, as they do on the record.
    let costs: Vec<MicroUsd> = counted.iter().map(|(_, counts)| counts.cost).collect();
    let told: Vec<MicroUsd> = told(&world).await.iter().map(|told| told.2).collect();
    assert_eq!(costs, told);
    assert!(
        costs[0] > costs[2] && costs[1] == MicroUsd::ZERO,
        "{costs:?}"
    );
}

#[tokio::test]
async fn every_route_that_may_have_worked_is_billed() {
    let cut = Act::Cut(recorded("openai", true)[..40].to_vec());
    let (world, _servers) = world(vec![vec![cut], vec![answer()]], once()).await;
    let budget = Some(MicroUsd(10_000_000));
    let reply = world.ask(&ask_of(&world.run), budget).await.unwrap();
    let told = told(&world).await;
    assert!(
        told[0].2 > MicroUsd::ZERO,
        "half an answer may be charged for"
    );
    assert_eq!(told[1].2, reply.cost);
    assert_eq!(world.cost().await.spent, told[0].2 + reply.cost);
}

#[tokio::test]
async fn where_nobody_answers_the_whole_story_is_told() {
    let scripts = vec![vec![busy()], vec![Act::error(401, "unknown key")]];
    let (world, servers) = world(scripts, once()).await;
    let error = world.ask(&ask_of(&world.run), None).await.unwrap_err();
    assert_eq!(counts(&servers), [1, 1]);
    assert_eq!(error.kind(), AskErrorKind::Provider);
    let said = error.to_string();
    for part in [
        "any of 2 models",
        "a/priced at 2026-",
        "busy",
        "b/priced",
        "unknown key",
    ] {
        assert!(said.contains(part), "no `{part}` in: {said}");
    }
    let hint = error.hint();
    for part in [
        "a/priced: `atelier resume`",
        "b/priced: set `providers.b.key`",
    ] {
        assert!(hint.contains(part), "no `{part}` in: {hint}");
    }
}

#[tokio::test]
async fn keys_that_are_all_refused_are_a_matter_of_credentials() {
    let refused = || vec![Act::error(401, "unknown key")];
    let (world, _servers) = world(vec![refused(), refused()], once()).await;
    let error = world.ask(&ask_of(&world.run), None).await.unwrap_err();
    assert_eq!(error.kind(), AskErrorKind::Credentials);
}

#[tokio::test]
async fn a_budget_is_never_kept_by_asking_somebody_cheaper() {
    let (world, servers) = world(vec![vec![answer()], vec![answer()]], once()).await;
    let asked = world.ask(&ask_of(&world.run), Some(MicroUsd(1))).await;
    let error = asked.unwrap_err();
    assert!(matches!(error, AskError::Budget { .. }), "{error:?}");
    assert_eq!(counts(&servers), [0, 0]);
}

#[tokio::test]
async fn a_standby_that_the_budget_does_not_cover_ends_in_the_budget() {
    let cut = Act::Cut(recorded("openai", true)[..40].to_vec());
    let (world, servers) = world(vec![vec![cut], vec![answer()]], once()).await;
    // Enough for one worst case of about 0.033 dollars, and not for two.
    let asked = world.ask(&ask_of(&world.run), Some(MicroUsd(50_000))).await;
    let error = asked.unwrap_err();
    assert_eq!(error.kind(), AskErrorKind::Budget);
    assert!(error.to_string().contains("a/priced"), "{error}");
    assert_eq!(counts(&servers), [1, 0]);
    assert!(world.cost().await.spent <= MicroUsd(50_000));
}

#[tokio::test]
async fn whoever_answered_an_ask_it_is_not_asked_again() {
    let (mut world, servers) = world(vec![vec![busy()], vec![answer()]], once()).await;
    let ask = ask_of(&world.run);
    let first = world.ask(&ask, None).await.unwrap();
    // Another process, with the first route mended and the standby gone.
    world.configure(config(&named("a", &servers[0]), limits()));
    let again = world.ask(&ask, None).await.unwrap();
    assert_eq!((again.text, again.provider), (first.text, "b".to_owned()));
    assert_eq!(again.cost, MicroUsd::ZERO);
    assert_eq!(counts(&servers), [1, 1]);
}

#[tokio::test]
async fn the_key_names_the_routes_only_where_any_of_them_may_answer() {
    let (mut world, servers) = world(vec![vec![answer()], vec![answer()]], once()).await;
    let routes = [named("a", &servers[0]), named("b", &servers[1])];
    let ask = ask_of(&world.run);
    let mut key = |strategy, routes: &[Route]| {
        world.configure(among(strategy, routes, limits()));
        world.gateway.key(&ask)
    };
    let alone = key(Strategy::Static, &routes[..1]);
    assert_eq!(key(Strategy::Static, &routes), alone);
    assert_eq!(key(Strategy::Cost, &routes[..1]), alone);
    let cheapest = key(Strategy::Cost, &routes);
    assert_ne!(cheapest, alone);
    assert_ne!(key(Strategy::Latency, &routes), cheapest);
}

#[tokio::test]
async fn the_cheapest_that_is_able_is_asked_first() {
    let (mut world, servers) = world(vec![vec![answer()], vec![answer()]], once()).await;
    let model = |name: &str, model: &str, server: &Server| Route {
        model: model.to_owned(),
        ..named(name, server)
    };
    let routes = [
        model("a", "gpt-4o", &servers[0]),
        model("b", "gpt-4o-mini", &servers[1]),
    ];
    world.configure(among(Strategy::Cost, &routes, once()));
    let reply = world.ask(&ask_of(&world.run), None).await.unwrap();
    assert_eq!(reply.model, "gpt-4o-mini");
    let choice = world.asks().await[0].choice.clone().unwrap();
    assert!(matches!(choice.reason, ChoiceReason::Cheapest { .. }));
    // The smaller context of the cheaper one rules it out for a large question.
    let small = [
        model("a", "gpt-4.1", &servers[0]),
        model("b", "gpt-4o-mini", &servers[1]),
    ];
    world.configure(among(Strategy::Cost, &small, once()));
    let mut large = ask_of(&world.run);
    large.messages[1].text = "long ".repeat(110_000);
    let reply = world.ask(&large, None).await.unwrap();
    assert_eq!(reply.model, "gpt-4.1");
    let choice = world.asks().await[1].choice.clone().unwrap();
    let over = &choice.passed_over[0];
    assert_eq!(over.route, "b/gpt-4o-mini");
    assert!(matches!(
        over.why,
        PassedOverReason::Context { limit: 128_000, .. }
    ));
}

#[tokio::test]
async fn many_who_choose_by_latency_spread_over_the_routes() {
    let scripts = vec![vec![answer()], vec![answer()], vec![answer()]];
    let (world, servers) = world_of(Strategy::Latency, scripts, once()).await;
    let asks: Vec<Ask> = (1..=30).map(|number| numbered(&world, number)).collect();
    let answers = join_all(asks.iter().map(|ask| world.ask(ask, None))).await;
    assert!(answers.iter().all(Result::is_ok), "{answers:?}");
    let counts = counts(&servers);
    assert_eq!(counts.iter().sum::<usize>(), 30);
    assert!(counts.iter().all(|count| *count > 0), "{counts:?}");
}

#[tokio::test]
async fn all_who_come_while_a_model_is_tried_out_are_answered_by_the_standby() {
    let strict = Limits {
        ask_tries_max: 1,
        ask_failures_max: 1,
        ..limits()
    };
    let scripts = vec![vec![busy(), Act::Hang], vec![answer()]];
    let (world, servers) = world(scripts, strict).await;
    world.ask(&numbered(&world, 1), None).await.unwrap();
    world.advance(60_000);
    let trial = numbered(&world, 2);
    let trial = world.ask(&trial, None);
    let others = async {
        while servers[0].requests().len() < 2 {
            tokio::task::yield_now().await;
        }
        for number in 3..8 {
            let reply = world.ask(&numbered(&world, number), None).await.unwrap();
            assert_eq!(reply.provider, "b");
        }
        world.cancel.cancel();
    };
    let (trial, ()) = tokio::join!(trial, others);
    assert_eq!(trial.unwrap_err().kind(), AskErrorKind::Cancelled);
    assert_eq!(counts(&servers), [2, 6]);
}
