//! Questions in other words: who is asked, what a hit is marked with, what comparing teaches.

use std::collections::BTreeSet;

use atelier_model::{Ask, AskSource, MicroUsd, Reply, Stage};
use atelier_semantic::Bounds;
use atelier_store::{Budgets, Ledger, SemanticTotals, Store};
use bytes::Bytes;
use futures_util::StreamExt;
use serde_json::{Value, json};

use crate::{
    Demand, Dialect, GatewayConfig, Incoming, PassedBody, Relay, SemanticConfig, Vectors,
    tests::{
        server::{Act, Server},
        world::{World, ask_of, config, limits, route},
    },
};

/// A whole answer of the server.
fn answer(text: &str) -> Act {
    let body = json!({
        "id": "1", "object": "chat.completion", "created": 1, "model": "priced",
        "choices": [{"index": 0, "finish_reason": "stop",
            "message": {"role": "assistant", "content": text}}],
        "usage": {"prompt_tokens": 100, "completion_tokens": 50, "total_tokens": 150},
    });
    Act::json(body.to_string())
}

/// Semantic where it may be, with this share of hits asked anyway.
fn on(checked_min: f64) -> SemanticConfig {
    SemanticConfig {
        stages: Stage::ALL.into(),
        relayed: true,
        bounds: Bounds {
            error_max: 0.005,
            checked_min,
        },
        ..SemanticConfig::default()
    }
}

async fn world(semantic: SemanticConfig, script: Vec<Act>) -> (World, Server) {
    let server = Server::start(script).await;
    let mut whole = route("openai", &server.url);
    whole.stream = false;
    let mut world = World::new(whole.clone(), limits()).await;
    world.configure(GatewayConfig {
        semantic,
        ..config(&whole, limits())
    });
    (world, server)
}

fn asking(world: &World, question: &str) -> Ask {
    let mut ask = ask_of(&world.run);
    question.clone_into(&mut ask.messages[1].text);
    ask.schema = None;
    ask
}

async fn reply(world: &World, question: &str) -> Reply {
    world.ask(&asking(world, question), None).await.unwrap()
}

const ASKED: &str = "How do I sort a list in Python?";
const AGAIN: &str = "in Python, could you please tell me how to sort lists?";
const OTHER: &str = "How do I sort a list in Ruby?";

#[tokio::test]
async fn the_same_in_other_words_is_not_asked_again_and_says_what_it_is() {
    let (world, server) = world(on(0.0), vec![answer("Use sorted."), answer("Use sort.")]).await;
    let first = reply(&world, ASKED).await;
    let second = reply(&world, AGAIN).await;
    assert_eq!(second.text, "Use sorted.");
    assert_eq!(
        (second.source, second.cost),
        (AskSource::Semantic, MicroUsd::ZERO)
    );
    assert_eq!(reply(&world, OTHER).await.text, "Use sort.");
    assert_eq!(server.seen().len(), 2);
    let sources: Vec<_> = world.asks().await.iter().map(|ask| ask.source).collect();
    let provider = Some(AskSource::Provider);
    assert_eq!(sources, [provider, Some(AskSource::Semantic), provider]);
    let totals = world.store.semantic_totals().await.unwrap();
    let expected = SemanticTotals {
        questions: 2,
        hits: 1,
        saved: first.cost,
        ..SemanticTotals::default()
    };
    assert_eq!(totals, expected);
}

#[tokio::test]
async fn a_hit_is_no_exact_answer_to_its_question() {
    let (world, server) = world(on(0.0), vec![answer("Use sorted.")]).await;
    reply(&world, ASKED).await;
    let key = world.gateway.key(&asking(&world, AGAIN));
    for _ in 0..2 {
        assert_eq!(reply(&world, AGAIN).await.source, AskSource::Semantic);
    }
    assert_eq!(world.store.reply_by_key(&key).await.unwrap(), None);
    assert_eq!(reply(&world, ASKED).await.source, AskSource::Cache);
    assert_eq!(server.seen().len(), 1);
}

#[tokio::test]
async fn nothing_is_answered_so_unless_it_is_switched_on_and_never_code() {
    let two = || vec![answer("a"), answer("b")];
    let (world, server) = self::world(SemanticConfig::default(), two()).await;
    reply(&world, ASKED).await;
    assert_eq!(reply(&world, AGAIN).await.text, "b");
    assert_eq!(server.seen().len(), 2);
    let (world, server) = self::world(on(0.0), two()).await;
    for question in [ASKED, AGAIN] {
        let mut ask = asking(&world, question);
        ask.stage = Stage::Code;
        world.ask(&ask, None).await.unwrap();
    }
    assert_eq!(server.seen().len(), 2);
}

#[tokio::test]
async fn another_system_message_model_or_attempt_is_another_question() {
    let (world, server) = world(on(0.0), vec![answer("a"), answer("b"), answer("c")]).await;
    reply(&world, ASKED).await;
    let mut other = asking(&world, AGAIN);
    other.messages[0].text.push_str(" Be brief.");
    assert_eq!(world.ask(&other, None).await.unwrap().text, "b");
    let mut again = asking(&world, AGAIN);
    again.attempt = 2;
    assert_eq!(world.ask(&again, None).await.unwrap().text, "c");
    assert_eq!(server.seen().len(), 3);
}

#[tokio::test]
async fn a_share_is_asked_anyway_and_what_comes_back_is_learnt() {
    let script = vec![answer("It is 4."), answer("It is 5."), answer("It is 6.")];
    let (mut world, server) = world(on(1.0), script).await;
    reply(&world, ASKED).await;
    assert_eq!(reply(&world, AGAIN).await.text, "It is 5.");
    let totals = world.store.semantic_totals().await.unwrap();
    assert_eq!((totals.hits, totals.checks, totals.disagreed), (0, 1, 1));
    // Another process learns it from the store: what was wrong once is looked at nearly always.
    let mut whole = route("openai", &server.url);
    whole.stream = false;
    world.configure(GatewayConfig {
        semantic: on(0.0),
        ..config(&whole, limits())
    });
    let third = reply(&world, "Show me how to sort lists in Python.").await;
    assert_eq!(
        (third.text.as_str(), third.source),
        ("It is 6.", AskSource::Provider)
    );
}

#[tokio::test]
async fn questions_outlive_the_process() {
    let (mut world, server) = world(on(0.0), vec![answer("Use sorted.")]).await;
    reply(&world, ASKED).await;
    let mut whole = route("openai", &server.url);
    whole.stream = false;
    world.configure(GatewayConfig {
        semantic: on(0.0),
        ..config(&whole, limits())
    });
    assert_eq!(reply(&world, AGAIN).await.source, AskSource::Semantic);
    assert_eq!(server.seen().len(), 1);
}

#[tokio::test]
async fn an_answer_that_was_cut_off_answers_nothing_else() {
    let cut = json!({
        "choices": [{"finish_reason": "length", "message": {"content": "Use so"}}],
        "usage": {"prompt_tokens": 1, "completion_tokens": 1},
    });
    let cut = Act::json(cut.to_string());
    let (world, server) = world(on(0.0), vec![cut, answer("Use sorted.")]).await;
    reply(&world, ASKED).await;
    assert_eq!(reply(&world, AGAIN).await.text, "Use sorted.");
    assert_eq!(server.seen().len(), 2);
}

/// What a client of a relay got: the text and the cache's header.
async fn passed(relay: &Relay, question: &str, stream: bool) -> (String, String) {
    let body = json!({
        "model": "design", "stream": stream, "max_tokens": 100,
        "messages": [{"role": "user", "content": question}],
    });
    let incoming = Incoming {
        dialect: Dialect::Chat,
        demand: Demand::Answer,
        model: None,
        stream: None,
        headers: Vec::new(),
        body: Bytes::from(body.to_string()),
        cache: true,
        client: None,
    };
    let passed = relay.pass(incoming).await;
    let header = passed
        .headers
        .iter()
        .find(|(name, _)| name == "x-atelier-cache");
    let tier = header.map_or(String::new(), |(_, value)| value.clone());
    let bytes = match passed.body {
        PassedBody::Whole(bytes) => bytes.to_vec(),
        PassedBody::Stream(pieces) => pieces.collect::<Vec<_>>().await.concat(),
    };
    let text = serde_json::from_slice::<Value>(&bytes)
        .ok()
        .and_then(|body| {
            Some(
                body["choices"][0]["message"]["content"]
                    .as_str()?
                    .to_owned(),
            )
        });
    (
        text.unwrap_or_else(|| String::from_utf8_lossy(&bytes).into_owned()),
        tier,
    )
}

async fn relay(semantic: SemanticConfig, script: Vec<Act>) -> (Relay, Ledger, Server) {
    let server = Server::start(script).await;
    let world = World::new(route("openai", &server.url), limits()).await;
    let config = GatewayConfig {
        semantic,
        ..config(&route("openai", &server.url), limits())
    };
    let store = Store::open_in_memory().await.unwrap();
    let now = world.clock().now();
    let ledger = Ledger::open(&store, Budgets::default(), now).await.unwrap();
    let relay = Relay::new(&config, ledger.clone(), world.clock(), world.ids()).unwrap();
    (relay, ledger, server)
}

#[tokio::test]
async fn a_relayed_question_in_other_words_gets_the_kept_answer_and_is_told_so() {
    let (relay, ledger, server) = relay(on(0.0), vec![answer("Use sorted."), answer("b")]).await;
    assert_eq!(
        passed(&relay, ASKED, false).await,
        ("Use sorted.".to_owned(), "miss".to_owned())
    );
    let spent = ledger.taken();
    for _ in 0..2 {
        let (text, tier) = passed(&relay, AGAIN, false).await;
        assert_eq!((text.as_str(), tier.as_str()), ("Use sorted.", "semantic"));
    }
    assert_eq!(ledger.taken(), spent);
    assert_eq!(passed(&relay, ASKED, false).await.1, "hit");
    assert_eq!(passed(&relay, OTHER, false).await.1, "miss");
    assert_eq!(server.seen().len(), 2);
}

#[tokio::test]
async fn a_relayed_question_is_written_down_with_the_next_and_compared() {
    let script = vec![answer("It is 4."), answer("It is 5."), answer("c")];
    let (relay, ledger, server) = relay(on(1.0), script).await;
    passed(&relay, ASKED, false).await;
    assert_eq!(passed(&relay, AGAIN, false).await.1, "miss");
    passed(&relay, OTHER, false).await;
    assert_eq!(server.seen().len(), 3);
    let totals = ledger.store().semantic_totals().await.unwrap();
    assert_eq!(
        (totals.questions, totals.checks, totals.disagreed),
        (2, 1, 1)
    );
}

#[tokio::test]
async fn relayed_requests_are_answered_so_only_where_that_is_switched_on() {
    let mut own = on(0.0);
    own.relayed = false;
    let (relay, _, server) = relay(own, vec![answer("a"), answer("b")]).await;
    passed(&relay, ASKED, false).await;
    assert_eq!(passed(&relay, AGAIN, false).await.1, "miss");
    assert_eq!(server.seen().len(), 2);
}

#[test]
fn the_default_is_off() {
    let default = SemanticConfig::default();
    assert_eq!((default.stages, default.relayed), (BTreeSet::new(), false));
}

/// Vectors of a model, one request each.
fn vectors(numbers: &[f32]) -> Act {
    let body = json!({
        "data": [{"index": 0, "embedding": numbers}],
        "usage": {"prompt_tokens": 8, "total_tokens": 8},
    });
    Act::json(body.to_string())
}

#[tokio::test]
async fn a_model_may_make_the_vectors_and_each_is_paid_once() {
    let script = vec![
        vectors(&[1.0, 0.0]),
        answer("Use sorted."),
        vectors(&[0.9, 0.1]),
        vectors(&[0.0, 1.0]),
        answer("b"),
    ];
    let server = Server::start(script).await;
    let mut whole = route("openai", &server.url);
    whole.stream = false;
    let mut world = World::new(whole.clone(), limits()).await;
    let config = || GatewayConfig {
        semantic: SemanticConfig {
            vectors: Vectors::Model,
            ..on(0.0)
        },
        embeddings: Some(whole.clone()),
        ..config(&whole, limits())
    };
    world.configure(config());
    reply(&world, ASKED).await;
    assert_eq!(reply(&world, AGAIN).await.source, AskSource::Semantic);
    assert_eq!(server.requests().len(), 3);
    // What the vectors do not bring together is not compared.
    let far = "how can I sort lists in Python";
    assert_eq!(reply(&world, far).await.text, "b");
    assert_eq!(server.requests().len(), 5);
    // Another process finds the vectors in the store.
    world.configure(config());
    assert_eq!(reply(&world, AGAIN).await.source, AskSource::Semantic);
    assert_eq!(server.requests().len(), 5);
}

#[tokio::test]
async fn a_question_without_a_vector_is_asked() {
    let script = vec![Act::error(400, "no"), answer("a")];
    let server = Server::start(script).await;
    let mut whole = route("openai", &server.url);
    whole.stream = false;
    let mut world = World::new(whole.clone(), limits()).await;
    world.configure(GatewayConfig {
        semantic: SemanticConfig {
            vectors: Vectors::Model,
            ..on(0.0)
        },
        embeddings: Some(whole.clone()),
        ..config(&whole, limits())
    });
    assert_eq!(reply(&world, ASKED).await.text, "a");
}
