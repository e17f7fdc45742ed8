//! Relayed requests through the layers: what is sent, what is kept, and what it costs.

use std::sync::{Arc, Mutex};

use atelier_model::{BoxFuture, Limits, MicroUsd, Reply, Timestamp};
use atelier_store::{Budgets, Ledger, RelaySpend, Store};
use bytes::Bytes;
use futures_util::{StreamExt, future::join_all};
use serde_json::json;
use tokio_util::sync::CancellationToken;

use crate::{
    AskError, Demand, Dialect, Gateway, Incoming, PassedBody, Relay, Route,
    layers::{Failure, Layer, Layers, Next, Passage},
    relay::{Hands, How, Opened, Refusal, Transit},
    tests::{
        ask::recorded,
        server::{Act, Server},
        world::{World, ask_of, config, limits, price, route},
    },
};

/// A relay to one server.
pub(super) struct Lane {
    pub(super) relay: Relay,
    layers: Arc<Layers>,
    pub(super) ledger: Ledger,
    server: Server,
    world: World,
}

impl Lane {
    pub(super) async fn new(script: Vec<Act>) -> Self {
        Self::with(Layers::new(), script, Budgets::default()).await
    }

    async fn with(layers: Layers, script: Vec<Act>, budgets: Budgets) -> Self {
        Self::limited(layers, script, (budgets, limits())).await
    }

    async fn limited(
        layers: Layers,
        script: Vec<Act>,
        (budgets, limits): (Budgets, Limits),
    ) -> Self {
        let server = Server::start(script).await;
        let route = route("openai", &server.url);
        let world = World::new(route.clone(), limits.clone()).await;
        let store = Store::open_in_memory().await.unwrap();
        let now = world.clock().now();
        let ledger = Ledger::open(&store, budgets, now).await.unwrap();
        let hands = Hands {
            ledger: ledger.clone(),
            clock: world.clock(),
            ids: world.ids(),
        };
        let layers = Arc::new(layers);
        let relay = Relay::with_layers(Arc::clone(&layers), &config(&route, limits), hands);
        Self {
            relay: relay.unwrap(),
            layers,
            ledger,
            server,
            world,
        }
    }

    pub(super) async fn pass(&self, number: usize, stream: bool) -> (u16, String) {
        let passed = self.relay.pass(incoming(number, stream)).await;
        let body = match passed.body {
            PassedBody::Whole(bytes) => bytes.to_vec(),
            PassedBody::Stream(pieces) => pieces.collect::<Vec<_>>().await.concat(),
        };
        (passed.status, String::from_utf8(body).unwrap())
    }

    fn sent(&self) -> usize {
        self.server.requests().len()
    }

    /// What the ledger says; all is one provider's.
    async fn spent(&self) -> RelaySpend {
        self.ledger.fold().await.unwrap();
        let since = Timestamp::from_millis(0);
        let mut spent = self.ledger.store().relay_spend_list(since).await.unwrap();
        assert_eq!(spent.len(), 1, "{spent:?}");
        spent.remove(0)
    }
}

pub(super) fn incoming(number: usize, stream: bool) -> Incoming {
    let body = json!({
        "model": "code", "stream": stream, "max_tokens": 100,
        "messages": [{"role": "user", "content": format!("question {number}")}],
    });
    Incoming {
        dialect: Dialect::Chat,
        demand: Demand::Answer,
        model: None,
        stream: None,
        headers: Vec::new(),
        body: Bytes::from(body.to_string()),
        cache: true,
        client: None,
    }
}

fn answer(stream: bool) -> Act {
    Act::json(recorded("openai", stream))
}

fn busy() -> Act {
    Act::error(500, r#"{"error":{"message":"busy"}}"#)
}

/// What the recorded answer costs.
async fn cost(stream: bool) -> MicroUsd {
    let lane = Lane::new(vec![answer(stream)]).await;
    assert_eq!(lane.pass(1, stream).await.0, 200);
    let cost = lane.spent().await.cost;
    assert!(cost > MicroUsd::ZERO);
    cost
}

/// The most that a question can cost, whose body is sent with the model's own name, and in a
/// stream with the demand for its tokens.
fn worst(number: usize, stream: bool) -> MicroUsd {
    let counted = r#","stream_options":{"include_usage":true}"#.len();
    let named = "priced".len() - "code".len();
    let added = named + usize::from(stream) * counted;
    let bytes = incoming(number, stream).body.len() + added;
    price().most(crate::price::input_tokens_max(bytes, 1), 100)
}

#[tokio::test]
async fn a_crowd_that_asks_the_same_is_one_sending() {
    let lane = Lane::new(vec![answer(false)]).await;
    let crowd = join_all((0..100).map(|_| lane.pass(1, false))).await;
    assert!(crowd.iter().all(|got| got == &crowd[0]), "{:?}", crowd[0]);
    assert_eq!((crowd[0].0, lane.sent()), (200, 1));
    let spent = lane.spent().await;
    assert_eq!((spent.requests, spent.cached, spent.failed), (100, 99, 0));
    assert_eq!(spent.cost, cost(false).await);
    assert_eq!(spent.saved, MicroUsd(spent.cost.0 * 99));
}

#[tokio::test]
async fn a_crowd_shares_a_failure_and_the_next_one_asks_anew() {
    let refusal = Act::error(400, r#"{"error":{"message":"no"}}"#);
    let lane = Lane::new(vec![refusal, answer(false)]).await;
    let crowd = join_all((0..10).map(|_| lane.pass(1, false))).await;
    assert!(crowd.iter().all(|(status, _)| *status == 400));
    assert_eq!(lane.sent(), 1);
    assert_eq!(lane.pass(1, false).await.0, 200);
}

#[tokio::test]
async fn an_answer_outlives_the_gateway_in_the_form_it_was_asked_for() {
    for stream in [false, true] {
        let mut lane = Lane::new(vec![answer(stream)]).await;
        let first = lane.pass(1, stream).await;
        lane.ledger.fold().await.unwrap();
        let now = lane.world.clock().now();
        let ledger = Ledger::open(lane.ledger.store(), Budgets::default(), now).await;
        let hands = Hands {
            ledger: ledger.unwrap(),
            clock: lane.world.clock(),
            ids: lane.world.ids(),
        };
        let config = config(&route("openai", &lane.server.url), limits());
        let layers = Arc::new(Layers::new());
        lane.relay = Relay::with_layers(layers, &config, hands).unwrap();
        assert_eq!(lane.pass(1, stream).await, first);
        assert_eq!(lane.sent(), 1);
        // The other form is another question.
        lane.pass(1, !stream).await;
        assert_eq!(lane.sent(), 2);
    }
}

#[tokio::test]
async fn what_may_pass_is_sent_again_and_broken_sendings_are_paid() {
    let half = recorded("openai", false);
    let half = half[..half.len() / 2].to_vec();
    for stream in [false, true] {
        let paid = cost(stream).await;
        let broken = paid + worst(1, stream);
        for (first, expected) in [
            (busy(), paid),
            (Act::wait(429, "retry-after-ms", "1"), paid),
            (Act::Slam, broken),
            (Act::json(half.clone()), broken),
            (
                Act::json(r#"{"error":{"message":"busy","code":529}}"#),
                broken,
            ),
        ] {
            let place = format!("{first:?} {stream}");
            let lane = Lane::new(vec![first, answer(stream)]).await;
            let (status, body) = lane.pass(1, stream).await;
            assert_eq!((status, lane.sent()), (200, 2), "{place}: {body}");
            let spent = lane.spent().await;
            assert_eq!((spent.requests, spent.failed), (1, 0), "{place}");
            assert_eq!(spent.cost, expected, "{place}");
        }
    }
}

#[tokio::test]
async fn a_stream_that_says_nothing_before_it_is_cut_off_is_sent_again() {
    let paid = cost(true).await + worst(1, true);
    for cut in [
        "data: {\"id\":\"chatc",
        "data: {\"id\":\"chatcmpl-1\",\"choices\":[]}\n\n"[..20].trim_end(),
        ": still at work\n\ndata: {\"id\":\"chatc",
        ": still at work\r\n\r\n: still at work\r\n\r\n",
        "\n",
    ] {
        let lane = Lane::new(vec![Act::json(cut), answer(true)]).await;
        let (status, body) = lane.pass(1, true).await;
        assert_eq!((status, lane.sent()), (200, 2), "{cut:?}: {body}");
        assert!(body.ends_with("data: [DONE]\n\n"), "{cut:?}: {body}");
        assert_eq!(lane.spent().await.cost, paid, "{cut:?}");
    }
}

#[tokio::test]
async fn a_wait_that_cannot_be_read_is_told_as_far_as_it_is_known() {
    let strict = Limits {
        ask_tries_max: 1,
        ..limits()
    };
    let of_body = r#"{"error":{"message":"slow down","details":[{"retryDelay":"7.2s"}]}}"#;
    let plain = r#"{"error":{"message":"slow down"}}"#;
    for (headers, body, told) in [
        (vec![("retry-after", "")], of_body, "8"),
        (vec![("retry-after", "soon")], of_body, "8"),
        (
            vec![("retry-after", "soon"), ("retry-after-ms", "4100")],
            plain,
            "5",
        ),
        (vec![("retry-after", "3")], of_body, "3"),
        // Nobody says how long, so it is as long as nobody is sent.
        (vec![("retry-after", "")], plain, "1"),
        (vec![], plain, "1"),
    ] {
        let case = format!("{headers:?} {body}");
        let headers = headers
            .into_iter()
            .map(|(name, value)| (name, value.to_owned()));
        let act = Act::Answer(429, headers.collect(), body.into());
        let all = (Budgets::default(), strict.clone());
        let lane = Lane::limited(Layers::new(), vec![act], all).await;
        let passed = lane.relay.pass(incoming(1, false)).await;
        let waits = passed.headers.iter();
        let waits = waits.filter(|(name, _)| name == "retry-after");
        let waits: Vec<&str> = waits.map(|(_, value)| &**value).collect();
        assert_eq!((passed.status, waits), (429, vec![told]), "{case}");
    }
}

#[tokio::test]
async fn a_long_wait_is_the_clients_and_nobody_is_sent_before_it_is_over() {
    let lane = Lane::new(vec![Act::wait(429, "retry-after", "7"), answer(false)]).await;
    assert_eq!(lane.pass(1, false).await.0, 429);
    let passed = lane.relay.pass(incoming(2, false)).await;
    let wait = passed
        .headers
        .iter()
        .find(|(name, _)| name == "retry-after");
    assert_eq!((passed.status, lane.sent()), (429, 1));
    assert!(matches!(wait.unwrap().1.as_str(), "6" | "7"), "{wait:?}");
    lane.world.advance(7_100);
    assert_eq!(lane.pass(2, false).await.0, 200);
}

#[tokio::test]
async fn a_model_that_fails_again_and_again_is_left_alone_by_asks_too() {
    let strict = Limits {
        ask_tries_max: 1,
        ask_failures_max: 3,
        ..limits()
    };
    let all = (Budgets::default(), strict.clone());
    let lane = Lane::limited(Layers::new(), vec![busy()], all).await;
    for number in 0..3 {
        assert_eq!(lane.pass(number, false).await.0, 500);
    }
    let (status, body) = lane.pass(3, false).await;
    assert!(
        body.contains("left alone") && body.contains("busy"),
        "{body}"
    );
    assert_eq!((status, lane.sent()), (500, 3));
    let store = lane.world.store.clone();
    let config = config(&route("openai", &lane.server.url), strict);
    let sources = (lane.world.clock(), lane.world.ids());
    let gateway = Gateway::with_layers(Arc::clone(&lane.layers), config, store, sources).unwrap();
    let ask = ask_of(&lane.world.run);
    let asked = gateway.ask(&ask, None, &CancellationToken::new()).await;
    assert!(
        matches!(asked, Err(AskError::LeftAlone { .. })),
        "{asked:?}"
    );
    assert_eq!(lane.sent(), 3);
}

#[tokio::test]
async fn a_client_that_goes_away_has_spent_what_was_reserved() {
    let stream = recorded("openai", true);
    let half = stream[..stream.len() / 2].to_vec();
    let lane = Lane::new(vec![Act::Stall(half)]).await;
    let passed = lane.relay.pass(incoming(1, true)).await;
    let PassedBody::Stream(mut pieces) = passed.body else {
        panic!("a stream was asked for");
    };
    assert!(pieces.next().await.is_some());
    drop(pieces);
    let spent = lane.spent().await;
    assert_eq!((spent.requests, spent.failed), (1, 1));
    assert_eq!(spent.cost, worst(1, true));
    assert_eq!(lane.ledger.taken(), spent.cost);
}

#[tokio::test]
async fn of_many_at_once_only_as_many_are_sent_as_the_budget_covers() {
    for stream in [false, true] {
        let budgets = Budgets {
            total: Some(MicroUsd(worst(10, stream).0 * 3 / 2)),
            day: None,
        };
        let lane = Lane::with(Layers::new(), vec![Act::Hang], budgets).await;
        let mut crowd = tokio::task::JoinSet::new();
        for number in 10..74 {
            let relay = lane.relay.clone();
            crowd.spawn(async move { relay.pass(incoming(number, stream)).await.status });
        }
        // The one that passed waits for its provider; all others are refused.
        for _ in 0..63 {
            assert_eq!(crowd.join_next().await.unwrap().unwrap(), 402);
        }
        while lane.sent() == 0 {
            tokio::task::yield_now().await;
        }
        assert_eq!((lane.sent(), crowd.len()), (1, 1));
    }
}

#[tokio::test]
async fn what_a_server_may_read_as_more_than_is_reserved_does_not_pass_a_budget() {
    let cases = [
        (json!({"max_tokens": "9000"}), 400),
        (json!({"max_tokens": 9e3}), 400),
        (json!({"max_tokens": -1}), 400),
        (json!({"max_completion_tokens": 5, "max_tokens": 9000}), 402),
        (json!({"max_tokens": 100, "n": 50}), 402),
        (json!({"max_tokens": 100, "n": "50"}), 400),
        (json!({"max_tokens": 9000, "n": 0}), 402),
        (
            json!({"max_tokens": null, "n": 1, "max_completion_tokens": 100}),
            200,
        ),
    ];
    let budgets = Budgets {
        total: Some(MicroUsd(worst(1, false).0 * 2)),
        day: None,
    };
    for (members, expected) in cases {
        let lane = Lane::with(Layers::new(), vec![answer(false)], budgets).await;
        let mut asked = incoming(1, false);
        let mut body: serde_json::Value = serde_json::from_slice(&asked.body).unwrap();
        for (name, value) in members.as_object().unwrap() {
            body[name] = value.clone();
        }
        asked.body = Bytes::from(body.to_string());
        let status = lane.relay.pass(asked).await.status;
        let sent = usize::from(expected == 200);
        assert_eq!((status, lane.sent()), (expected, sent), "{members}");
    }
}

#[tokio::test]
async fn another_configuration_holds_from_the_next_request_on() {
    let lane = Lane::new(vec![answer(false)]).await;
    let other = Server::start(vec![answer(false)]).await;
    assert_eq!(lane.pass(1, false).await.0, 200);
    let unusable = Route {
        base_url: Some("ftp://nowhere".parse().unwrap()),
        ..route("openai", &other.url)
    };
    assert!(lane.relay.reload(&config(&unusable, limits())).is_err());
    assert_eq!(lane.pass(2, false).await.0, 200);
    let fresh = config(&route("openai", &other.url), limits());
    lane.relay.reload(&fresh).unwrap();
    assert_eq!(lane.pass(3, false).await.0, 200);
    assert_eq!((lane.sent(), other.requests().len()), (2, 1));
}

/// Notes how every request ended.
struct Witness(&'static str, Arc<Mutex<Vec<String>>>);

impl Layer for Witness {
    fn ask<'a>(
        &'a self,
        passage: &'a mut Passage<'_>,
        next: Next<'a>,
    ) -> BoxFuture<'a, Result<Reply, Failure>> {
        next.run(passage)
    }

    fn open<'a>(
        &'a self,
        transit: &'a mut Transit,
        next: Next<'a>,
    ) -> BoxFuture<'a, Result<Opened, Refusal>> {
        let (name, told) = (self.0, Arc::clone(&self.1));
        transit.at_end(move |ending| {
            let how = match &ending.how {
                How::Complete => "complete",
                How::Cut(_) => "cut",
                How::Refused(_) => "refused",
                How::Abandoned => "abandoned",
            };
            told.lock().unwrap().push(format!("{name} {how}"));
        });
        next.open(transit)
    }
}

#[tokio::test]
async fn every_end_is_told_once_to_every_layer_from_the_inside_out() {
    let stream = recorded("openai", true);
    let half = stream[..stream.len() / 2].to_vec();
    for (act, stream, expected) in [
        (answer(false), false, "complete"),
        (answer(true), true, "complete"),
        (busy(), false, "refused"),
        (busy(), true, "refused"),
        (Act::json(half.clone()), true, "cut"),
        (Act::Stall(half.clone()), true, "abandoned"),
        (Act::Hang, false, "abandoned"),
    ] {
        let told = Arc::<Mutex<Vec<String>>>::default();
        let witness = |name| -> Box<dyn Layer> { Box::new(Witness(name, Arc::clone(&told))) };
        let layers = Layers::only(vec![witness("outer"), witness("inner")]);
        let lane = Lane::with(layers, vec![act], Budgets::default()).await;
        if expected == "abandoned" {
            let wait = std::time::Duration::from_millis(100);
            let _ = tokio::time::timeout(wait, lane.pass(1, stream)).await;
        } else {
            lane.pass(1, stream).await;
        }
        let told = told.lock().unwrap().clone();
        let both = ["inner", "outer"].map(|name| format!("{name} {expected}"));
        assert_eq!(told, both, "{stream}");
    }
}
