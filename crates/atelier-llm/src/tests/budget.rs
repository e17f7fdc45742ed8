//! Money: what is spent and reserved never exceeds the budget.

use std::collections::BTreeMap;

use atelier_model::{EventKind, MicroUsd, Timestamp};
use proptest::{prelude::*, test_runner::Config};
use serde_json::json;

use crate::{
    AskError, AskErrorKind, PriceTable, Route,
    price::worst_case,
    tests::{
        ask::recorded,
        server::{Act, Server},
        world::{World, ask_of, limits, price, route},
    },
};

/// What the recorded answers cost at the price of the test model.
const OPENAI_COST: MicroUsd = MicroUsd(176 * 2 + 1024 / 2 + 17 * 8);

fn reservation(world: &World, route: &Route) -> MicroUsd {
    worst_case(&price(), &ask_of(&world.run), route)
}

#[tokio::test]
async fn an_ask_settles_what_was_used_and_leaves_nothing_reserved() {
    let server = Server::start(vec![Act::json(recorded("openai", true))]).await;
    let route = route("openai", &server.url);
    let world = World::new(route.clone(), limits()).await;
    let budget = reservation(&world, &route);
    let reply = world.ask(&ask_of(&world.run), Some(budget)).await.unwrap();
    assert_eq!(reply.cost, OPENAI_COST);
    let cost = world.cost().await;
    assert_eq!((cost.spent, cost.reserved), (OPENAI_COST, MicroUsd::ZERO));
}

#[tokio::test]
async fn a_budget_one_micro_dollar_short_refuses_before_anything_is_sent() {
    let server = Server::start(vec![Act::json(recorded("openai", true))]).await;
    let route = route("openai", &server.url);
    let world = World::new(route.clone(), limits()).await;
    let worst = reservation(&world, &route);
    let short = worst.saturating_sub(MicroUsd(1));
    let error = world
        .ask(&ask_of(&world.run), Some(short))
        .await
        .unwrap_err();
    assert_eq!(error.kind(), AskErrorKind::Budget);
    assert!(
        matches!(error, AskError::Budget { needed, spent: MicroUsd::ZERO, budget, .. } if needed == worst && budget == short)
    );
    assert!(server.seen().is_empty());
    assert_eq!(world.event_names().await, ["budget.refused"]);
}

#[tokio::test]
async fn the_reservation_covers_the_largest_answer() {
    let server = Server::start(vec![Act::Hang]).await;
    let route = route("openai", &server.url);
    let world = World::new(route.clone(), limits()).await;
    let ask = ask_of(&world.run);
    let bytes: u64 = ask
        .messages
        .iter()
        .map(|message| message.text.len() as u64)
        .sum();
    let input = bytes + 2 * 64;
    let expected = (input * 2_500_000).div_ceil(1_000_000) + 4_000 * 8;
    assert_eq!(reservation(&world, &route), MicroUsd(expected));
}

#[tokio::test]
async fn a_clean_refusal_costs_nothing_and_a_broken_answer_all_it_might() {
    let half = recorded("openai", true)[..300].to_vec();
    let table = [
        (Act::error(503, "busy"), 0),
        (Act::error(429, "slow"), 0),
        (Act::json(half.clone()), 1),
        (Act::Cut(half), 1),
        (Act::Slam, 1),
    ];
    for (act, billed) in table {
        let server = Server::start(vec![act.clone(), Act::json(recorded("openai", true))]).await;
        let route = route("openai", &server.url);
        let world = World::new(route.clone(), limits()).await;
        world.ask(&ask_of(&world.run), None).await.unwrap();
        let expected = reservation(&world, &route).0 * billed + OPENAI_COST.0;
        assert_eq!(world.cost().await.spent, MicroUsd(expected), "{act:?}");
    }
}

#[tokio::test]
async fn a_retry_needs_a_reservation_of_its_own() {
    let half = recorded("openai", true)[..300].to_vec();
    let server = Server::start(vec![Act::json(half)]).await;
    let route = route("openai", &server.url);
    let world = World::new(route.clone(), limits()).await;
    let worst = reservation(&world, &route);
    let budget = MicroUsd(worst.0 * 2 - 1);
    let error = world
        .ask(&ask_of(&world.run), Some(budget))
        .await
        .unwrap_err();
    assert!(matches!(error, AskError::Budget { spent, .. } if spent == worst));
    assert_eq!(server.seen().len(), 1);
    let cost = world.cost().await;
    assert_eq!((cost.spent, cost.reserved), (worst, MicroUsd::ZERO));
    assert!(world.asks().await[0].error.is_some());
}

#[tokio::test]
async fn an_answer_without_usage_costs_its_whole_reservation() {
    let body = json!({"choices": [{"message": {"content": "x"}, "finish_reason": "stop"}]});
    let server = Server::start(vec![Act::json(body.to_string())]).await;
    let route = route("openai", &server.url);
    let world = World::new(route.clone(), limits()).await;
    let reply = world.ask(&ask_of(&world.run), None).await.unwrap();
    assert_eq!(reply.cost, reservation(&world, &route));
}

#[tokio::test]
async fn a_budget_needs_a_price() {
    let route = Route {
        model: "nobody-knows".to_owned(),
        base_url: Some("https://models.example".parse().unwrap()),
        ..Route::new("openai", "", 100)
    };
    let world = World::new(route, limits()).await;
    let error = world
        .ask(&ask_of(&world.run), Some(MicroUsd(1)))
        .await
        .unwrap_err();
    assert!(matches!(error, AskError::PriceUnknown { .. }));
    assert_eq!(error.kind(), AskErrorKind::Credentials);
    assert!(error.hint().contains("[prices.\"nobody-knows\"]"));
    assert!(world.asks().await.is_empty());
}

#[tokio::test]
async fn a_model_on_this_machine_is_free_unless_it_has_a_price() {
    let server = Server::start(vec![Act::json(recorded("openai", true))]).await;
    let local = Route {
        model: "qwen3:8b".to_owned(),
        ..route("openai", &server.url)
    };
    let world = World::new(local, limits()).await;
    let reply = world
        .ask(&ask_of(&world.run), Some(MicroUsd::ZERO))
        .await
        .unwrap();
    assert_eq!(reply.cost, MicroUsd::ZERO);
    let priced = PriceTable::new(BTreeMap::new()).price("openai", "gpt-5", Timestamp::default());
    assert!(priced.is_some_and(|price| price.input > 0));
}

/// One answer of a random run: what the provider does, and the tokens it counts.
#[derive(Debug, Clone)]
enum Turn {
    Whole { input: u64, output: u64 },
    Broken,
    Busy,
}

fn turn() -> impl Strategy<Value = Turn> {
    prop_oneof![
        // No honest count exceeds the bytes sent or the tokens allowed.
        3 => (0u64..60, 0u64..=4_000).prop_map(|(input, output)| Turn::Whole { input, output }),
        1 => Just(Turn::Broken),
        1 => Just(Turn::Busy),
    ]
}

fn act(turn: &Turn) -> Act {
    match turn {
        Turn::Whole { input, output } => {
            let usage = json!({"prompt_tokens": input, "completion_tokens": output});
            let choice = json!({"message": {"content": "x"}, "finish_reason": "stop"});
            Act::json(json!({"choices": [choice], "usage": usage}).to_string())
        }
        Turn::Broken => Act::json("{\"choices\": ["),
        Turn::Busy => Act::error(503, "busy"),
    }
}

async fn spend(turns: Vec<Turn>, budget: MicroUsd) -> (MicroUsd, MicroUsd, usize) {
    let server = Server::start(turns.iter().map(act).collect()).await;
    let world = World::new(route("openai", &server.url), limits()).await;
    let asks = (1..=6).map(|attempt| {
        let mut ask = ask_of(&world.run);
        ask.attempt = attempt;
        ask
    });
    let asks: Vec<_> = asks.collect();
    let asked = asks.iter().map(|ask| world.ask(ask, Some(budget)));
    let answers = futures_util::future::join_all(asked).await;
    assert_eq!(answers.len(), asks.len());
    let events = world.events().await;
    let reserved = |event: &atelier_model::Event| {
        let EventKind::AskStarted { reserved, .. } = event.kind else {
            return MicroUsd::ZERO;
        };
        reserved
    };
    let most = events.iter().map(reserved).max().unwrap_or_default();
    assert!(most <= budget);
    let cost = world.cost().await;
    (cost.spent, cost.reserved, server.seen().len())
}

proptest! {
    #![proptest_config(Config::with_cases(48))]
    #[test]
    fn no_mixture_of_answers_spends_more_than_the_budget(
        turns in prop::collection::vec(turn(), 1..12),
        budget in 0u64..200_000,
    ) {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
        let (spent, reserved, sent) = runtime.block_on(spend(turns, MicroUsd(budget)));
        prop_assert!(spent <= MicroUsd(budget), "{spent} of {budget} after {sent} sendings");
        prop_assert_eq!(reserved, MicroUsd::ZERO);
    }
}
