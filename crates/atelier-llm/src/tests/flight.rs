//! Identical asks at once: one sending, one reservation, and every asker served.

use atelier_model::{Ask, AskSource, MicroUsd};
use futures_util::future::join_all;
use tokio_util::sync::CancellationToken;

use crate::{
    AskError,
    tests::{
        ask::recorded,
        server::{Act, Server},
        world::{World, ask_of, limits, price, route},
    },
};

/// A world whose server follows a script.
async fn world(script: Vec<Act>) -> (World, Server) {
    let server = Server::start(script).await;
    let world = World::new(route("openai", &server.url), limits()).await;
    (world, server)
}

/// Passes once the server has been asked so often.
async fn asked(server: &Server, times: usize) {
    while server.requests().len() < times {
        tokio::task::yield_now().await;
    }
}

fn most(ask: &Ask, server: &Server) -> MicroUsd {
    crate::price::worst_case(&price(), ask, &route("openai", &server.url))
}

#[tokio::test]
async fn a_hundred_identical_asks_are_one_sending() {
    let (world, server) = world(vec![Act::json(recorded("openai", true))]).await;
    let ask = ask_of(&world.run);
    // Enough for one reservation, so a second one would be refused.
    let budget = Some(most(&ask, &server));
    let replies = join_all((0..100).map(|_| world.ask(&ask, budget))).await;
    let replies: Vec<_> = replies.into_iter().map(Result::unwrap).collect();
    assert_eq!(server.seen().len(), 1);
    assert!(replies.windows(2).all(|pair| pair[0].text == pair[1].text));
    let paid = replies.iter().filter(|reply| reply.cost > MicroUsd::ZERO);
    assert_eq!(paid.count(), 1);
    let cost = world.cost().await;
    assert_eq!((cost.asks, cost.cached), (100, 99));
    assert_eq!(cost.reserved, MicroUsd::ZERO);
    let names = world.event_names().await;
    let started = names.iter().filter(|name| *name == "ask.started");
    assert_eq!(started.count(), 1);
}

#[tokio::test]
async fn different_asks_do_not_wait_for_each_other() {
    let (world, server) = world(vec![Act::Hang, Act::json(recorded("openai", true))]).await;
    let first = ask_of(&world.run);
    let mut second = first.clone();
    second.attempt = 2;
    tokio::select! {
        _ = world.ask(&first, None) => panic!("nobody answers this"),
        reply = async {
            asked(&server, 1).await;
            world.ask(&second, None).await
        } => assert_eq!(reply.unwrap().source, AskSource::Provider),
    }
}

#[tokio::test]
async fn a_refusal_meets_all_who_ask_the_same() {
    let (world, server) = world(vec![Act::error(401, "no")]).await;
    let ask = ask_of(&world.run);
    let answers = join_all((0..10).map(|_| world.ask(&ask, None))).await;
    let is_refused = |answer: &Result<_, AskError>| {
        matches!(
            answer,
            Err(AskError::Credentials {
                status: Some(401),
                ..
            })
        )
    };
    assert!(answers.iter().all(is_refused), "{answers:?}");
    assert_eq!(server.seen().len(), 1);
}

#[tokio::test]
async fn a_cancelled_leader_hands_over() {
    let (world, server) = world(vec![Act::Hang, Act::json(recorded("openai", true))]).await;
    let ask = ask_of(&world.run);
    let cancel = CancellationToken::new();
    let leader = world.gateway.ask(&ask, None, &cancel);
    let followers = join_all((0..5).map(|_| world.ask(&ask, None)));
    let cancelling = async {
        asked(&server, 1).await;
        cancel.cancel();
    };
    let (led, followed, ()) = tokio::join!(leader, followers, cancelling);
    assert!(matches!(led, Err(AskError::Cancelled)));
    assert!(followed.iter().all(Result::is_ok), "{followed:?}");
    assert_eq!(server.seen().len(), 2);
}

#[tokio::test]
async fn a_leader_that_is_dropped_hands_over() {
    let (world, server) = world(vec![Act::Hang, Act::json(recorded("openai", true))]).await;
    let ask = ask_of(&world.run);
    let leader = async {
        tokio::select! {
            biased;
            _ = world.ask(&ask, None) => panic!("nobody answers this"),
            () = asked(&server, 1) => {}
        }
    };
    let ((), followed) = tokio::join!(leader, world.ask(&ask, None));
    assert!(followed.is_ok(), "{followed:?}");
    assert_eq!(server.seen().len(), 2);
}

#[tokio::test]
async fn one_askers_budget_does_not_stop_another() {
    let (world, server) = world(vec![Act::json(recorded("openai", true))]).await;
    let ask = ask_of(&world.run);
    let poor = world.ask(&ask, Some(MicroUsd(1)));
    let (poor, rich) = tokio::join!(poor, world.ask(&ask, None));
    assert!(matches!(poor, Err(AskError::Budget { .. })));
    assert!(rich.is_ok());
    assert_eq!(server.seen().len(), 1);
}

#[tokio::test]
async fn one_who_waits_can_be_cancelled_alone() {
    let (world, server) = world(vec![Act::Hang]).await;
    let ask = ask_of(&world.run);
    let cancel = CancellationToken::new();
    let follower = async {
        asked(&server, 1).await;
        let waiting = world.gateway.ask(&ask, None, &cancel);
        let cancelling = async { cancel.cancel() };
        tokio::join!(waiting, cancelling).0
    };
    tokio::select! {
        _ = world.ask(&ask, None) => panic!("nobody answers this"),
        waited = follower => assert!(matches!(waited, Err(AskError::Cancelled))),
    }
    assert_eq!(server.seen().len(), 1);
}
