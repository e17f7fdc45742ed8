//! What had come of answers that broke off is kept, and never taken for an answer.

use atelier_model::{Digest, EventKind, Limits};
use atelier_store::Store;
use futures_util::StreamExt;

use crate::{
    PartialAnswer, PartialPart, PassedBody,
    tests::{
        ask::recorded,
        relay::{Lane, incoming},
        server::{Act, Server},
        world::{DIALECTS, World, ask_of, limits, route},
    },
};

/// What a recorded stream has said before it is broken off.
const SAID: &str = "Grüße: ";

/// A recorded stream up to the end of the event that says something first.
fn half(dialect: &str) -> Vec<u8> {
    let stream = recorded(dialect, true);
    let said = SAID.as_bytes();
    let at = stream.windows(said.len()).position(|bytes| bytes == said);
    let at = at.unwrap();
    let rest = stream[at..].windows(2).position(|bytes| bytes == b"\n\n");
    stream[..at + rest.unwrap() + 2].to_vec()
}

async fn kept(store: &Store, digest: &Digest) -> PartialAnswer {
    let found = store.partial_list(&digest.short()).await.unwrap();
    assert_eq!(found, [*digest]);
    let bytes = store.blob_fetch(digest).await.unwrap().unwrap();
    PartialAnswer::read(&bytes).unwrap()
}

/// The one record of a relayed request that names half an answer.
async fn named(lane: &Lane) -> Option<Digest> {
    lane.ledger.fold().await.unwrap();
    let rows = lane.ledger.store().audit_rows(0, 1_000).await.unwrap();
    let partial = |body: &str| {
        let entry: serde_json::Value = serde_json::from_str(body).unwrap();
        let digest = entry.pointer("/fact/partial")?;
        Some(digest.as_str().unwrap().parse().unwrap())
    };
    let mut all = rows.iter().filter_map(|row| partial(&row.body));
    let first = all.next();
    assert_eq!(all.next(), None);
    first
}

fn said() -> Vec<PartialPart> {
    vec![PartialPart::text(SAID)]
}

#[tokio::test]
async fn half_a_relayed_answer_is_kept_and_named_on_record_but_not_given_again() {
    let whole = Act::json(recorded("openai", true));
    let lane = Lane::new(vec![Act::Cut(half("openai")), whole]).await;
    let (status, body) = lane.pass(1, true).await;
    assert_eq!(status, 200);
    assert!(body.contains(SAID) && body.contains("error"), "{body}");
    let digest = named(&lane).await.unwrap();
    let partial = kept(lane.ledger.store(), &digest).await;
    assert_eq!(partial.parts, said());
    assert_eq!(
        (partial.provider.as_str(), partial.model.as_str()),
        ("openai", "priced")
    );
    assert!(!partial.is_cut);
    // The same question is asked again: what broke off is no answer.
    let (_, body) = lane.pass(1, true).await;
    assert!(body.contains("todo"), "{body}");
    assert_eq!(named(&lane).await, Some(digest));
}

#[tokio::test]
async fn half_an_answer_is_kept_of_a_client_that_goes_away() {
    let lane = Lane::new(vec![Act::Stall(half("openai"))]).await;
    let passed = lane.relay.pass(incoming(1, true)).await;
    let PassedBody::Stream(mut pieces) = passed.body else {
        panic!("a stream was asked for");
    };
    assert!(pieces.next().await.is_some());
    drop(pieces);
    let digest = named(&lane).await.unwrap();
    assert_eq!(kept(lane.ledger.store(), &digest).await.parts, said());
}

#[tokio::test]
async fn nothing_is_kept_of_an_answer_that_ended_or_said_nothing() {
    for act in [Act::json(recorded("openai", true)), Act::Slam] {
        let lane = Lane::new(vec![act]).await;
        lane.pass(1, true).await;
        assert_eq!(named(&lane).await, None);
    }
}

#[tokio::test]
async fn half_an_answer_to_an_ask_is_kept_at_each_sending() {
    for dialect in DIALECTS {
        let server = Server::start(vec![Act::Cut(half(dialect))]).await;
        let world = World::new(route(dialect, &server.url), limits()).await;
        world.ask(&ask_of(&world.run), None).await.unwrap_err();
        let mut digests = Vec::new();
        for event in world.events().await {
            if let EventKind::AskRetried { partial, .. } | EventKind::AskFailed { partial, .. } =
                event.kind
            {
                digests.push(partial.unwrap());
            }
        }
        assert_eq!(digests.len(), 3, "{dialect}");
        for digest in digests {
            let partial = kept(&world.store, &digest).await;
            assert_eq!(
                (partial.parts, partial.is_cut),
                (said(), false),
                "{dialect}"
            );
        }
    }
}

#[tokio::test]
async fn half_an_answer_is_kept_where_the_rest_does_not_come_in_time() {
    let idle = Limits {
        ask_idle_ms_max: 50,
        ..limits()
    };
    let total = Limits {
        ask_total_ms_max: 1_500,
        ..limits()
    };
    for limits in [idle, total] {
        let limits = Limits {
            ask_tries_max: 1,
            ..limits
        };
        let server = Server::start(vec![Act::Stall(half("openai"))]).await;
        let world = World::new(route("openai", &server.url), limits).await;
        world.ask(&ask_of(&world.run), None).await.unwrap_err();
        let failed = world.events().await.pop().unwrap().kind;
        let EventKind::AskFailed { partial, .. } = failed else {
            panic!("{failed:?}");
        };
        assert_eq!(kept(&world.store, &partial.unwrap()).await.parts, said());
    }
}
