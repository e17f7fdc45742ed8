//! Models that fail are left alone, tried out, and asked again, whoever asks.

use atelier_model::{Ask, Limits, Stage};
use futures_util::future::join_all;
use tokio_util::sync::CancellationToken;

use crate::{
    AskError, AskErrorKind, Route,
    tests::{
        ask::recorded,
        server::{Act, Server},
        world::{World, ask_of, config, limits, route},
    },
};

/// One sending an ask, and three failures until a model is left alone.
fn strict() -> Limits {
    Limits {
        ask_tries_max: 1,
        ask_failures_max: 3,
        ..limits()
    }
}

async fn world(script: Vec<Act>, limits: Limits) -> (World, Server) {
    let server = Server::start(script).await;
    let world = World::new(route("openai", &server.url), limits).await;
    (world, server)
}

fn busy() -> Act {
    Act::error(503, "busy")
}

fn answer() -> Act {
    Act::json(recorded("openai", true))
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

/// Fails three times, one after another.
async fn open(world: &World) {
    for ask in asks(world, 1..4) {
        let error = world.ask(&ask, None).await.unwrap_err();
        assert!(matches!(error, AskError::Provider { .. }), "{error:?}");
    }
}

fn is_left_alone(error: &AskError) -> bool {
    matches!(error, AskError::LeftAlone { .. })
}

#[tokio::test]
async fn a_model_that_fails_again_and_again_is_left_alone() {
    let (world, server) = world(vec![busy()], strict()).await;
    open(&world).await;
    let late = &asks(&world, 4..5)[0];
    let error = world.ask(late, None).await.unwrap_err();
    assert_eq!(server.seen().len(), 3);
    assert_eq!(error.kind(), AskErrorKind::Provider);
    assert!(error.to_string().contains("priced"), "{error}");
    let AskError::LeftAlone {
        last: Some(last), ..
    } = error
    else {
        panic!("{error:?}");
    };
    assert!(last.to_string().contains("busy"), "{last}");
    // It is on record, and nothing was paid or stays reserved.
    let cost = world.cost().await;
    assert_eq!((cost.asks, cost.spent.0, cost.reserved.0), (4, 0, 0));
}

#[tokio::test]
async fn one_sending_tries_out_a_model_while_all_others_wait() {
    let script = vec![busy(), busy(), busy(), answer()];
    let (world, server) = world(script, strict()).await;
    open(&world).await;
    world.advance(1_000);
    let asks = asks(&world, 4..14);
    let answers = join_all(asks.iter().map(|ask| world.ask(ask, None))).await;
    assert!(answers.iter().all(Result::is_ok), "{answers:?}");
    assert_eq!(server.seen().len(), 13);
}

#[tokio::test]
async fn a_model_that_fails_when_tried_out_costs_one_sending() {
    let (world, server) = world(vec![busy()], strict()).await;
    open(&world).await;
    world.advance(1_000);
    let asks = asks(&world, 4..14);
    let answers = join_all(asks.iter().map(|ask| world.ask(ask, None))).await;
    let errors: Vec<_> = answers.into_iter().map(Result::unwrap_err).collect();
    assert_eq!(server.seen().len(), 4);
    let turned_away = errors.iter().filter(|error| is_left_alone(error));
    assert_eq!(turned_away.count(), 9);
}

#[tokio::test]
async fn whoever_is_cancelled_while_trying_out_hands_over() {
    let script = vec![busy(), busy(), busy(), Act::Hang, answer()];
    let (world, server) = world(script, strict()).await;
    open(&world).await;
    world.advance(1_000);
    let asks = asks(&world, 4..6);
    let cancel = CancellationToken::new();
    let cancelling = async {
        while server.requests().len() < 4 {
            tokio::task::yield_now().await;
        }
        cancel.cancel();
    };
    let first = world.gateway.ask(&asks[0], None, &cancel);
    let (first, second, ()) = tokio::join!(first, world.ask(&asks[1], None), cancelling);
    assert!(matches!(first, Err(AskError::Cancelled)));
    assert!(second.is_ok(), "{second:?}");
}

#[tokio::test]
async fn the_wait_a_provider_asks_for_holds_for_every_ask() {
    let script = vec![Act::wait(429, "retry-after", "61"), answer()];
    let (world, server) = world(script, limits()).await;
    let asks = asks(&world, 1..4);
    let error = world.ask(&asks[0], None).await.unwrap_err();
    assert!(matches!(error, AskError::RateLimited { .. }), "{error:?}");
    let error = world.ask(&asks[1], None).await.unwrap_err();
    assert!(is_left_alone(&error), "{error:?}");
    assert_eq!(server.seen().len(), 1);
    world.advance(61_000);
    assert!(world.ask(&asks[2], None).await.is_ok());
}

#[tokio::test]
async fn a_refused_request_says_nothing_of_the_model() {
    let (world, server) = world(vec![Act::error(400, "no")], strict()).await;
    for ask in asks(&world, 1..8) {
        let error = world.ask(&ask, None).await.unwrap_err();
        assert!(matches!(error, AskError::Refused { .. }), "{error:?}");
    }
    assert_eq!(server.seen().len(), 7);
}

#[tokio::test]
async fn failures_with_an_answer_between_them_are_no_row() {
    let script = vec![busy(), busy(), answer(), busy(), busy(), answer()];
    let (world, server) = world(script, strict()).await;
    for ask in asks(&world, 1..7) {
        let answered = world.ask(&ask, None).await;
        assert!(!answered.is_err_and(|error| is_left_alone(&error)));
    }
    assert_eq!(server.seen().len(), 6);
}

#[tokio::test]
async fn another_model_of_the_same_provider_is_asked() {
    let (mut world, server) = world(vec![busy(), busy(), busy(), answer()], strict()).await;
    let usual = route("openai", &server.url);
    let other = Route {
        model: "other".to_owned(),
        ..usual.clone()
    };
    let mut config = config(&usual, strict());
    config.routes.insert(Stage::Plan, other);
    world.configure(config);
    open(&world).await;
    let mut asks = asks(&world, 4..6);
    asks[0].stage = Stage::Plan;
    assert!(world.ask(&asks[0], None).await.is_ok());
    assert!(is_left_alone(&world.ask(&asks[1], None).await.unwrap_err()));
}
