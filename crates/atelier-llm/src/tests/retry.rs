//! When an ask is sent again, and how long it waits before.

use atelier_model::Limits;
use proptest::prelude::*;
use reqwest::header::{HeaderMap, HeaderName, HeaderValue};
use serde_json::json;

use crate::{
    AskError,
    http::retry_after,
    layers::retry::backoff_ms_max,
    tests::{
        ask::recorded,
        server::{Act, Server},
        world::{DIALECTS, World, ask_of, limits, route},
    },
};

#[tokio::test]
async fn an_ask_survives_failures_that_pass() {
    for dialect in DIALECTS {
        let answer = recorded(dialect, true);
        let script = vec![
            Act::error(503, "busy"),
            Act::json(answer[..answer.len() / 2].to_vec()),
            Act::json(answer),
        ];
        let server = Server::start(script).await;
        let world = World::new(route(dialect, &server.url), limits()).await;
        assert!(world.ask(&ask_of(&world.run), None).await.is_ok());
        assert_eq!(server.seen().len(), 3);
        let names = world.event_names().await;
        assert_eq!(
            names,
            ["ask.started", "ask.retried", "ask.retried", "ask.finished"]
        );
        let bodies: Vec<_> = server.seen().into_iter().map(|seen| seen.body).collect();
        assert!(bodies.windows(2).all(|pair| pair[0] == pair[1]));
    }
}

#[tokio::test]
async fn the_wait_a_provider_asks_for_is_kept() {
    for (header, value, wait_ms) in [("retry-after-ms", "7", 7), ("retry-after", "0.002", 2)] {
        for status in [429, 503] {
            let script = vec![
                Act::wait(status, header, value),
                Act::json(recorded("openai", true)),
            ];
            let server = Server::start(script).await;
            let world = World::new(route("openai", &server.url), limits()).await;
            assert!(world.ask(&ask_of(&world.run), None).await.is_ok());
            assert_eq!(world.waits().await, [wait_ms]);
        }
    }
}

#[tokio::test]
async fn the_wait_that_a_body_asks_for_is_kept() {
    for list in [false, true] {
        let info =
            json!({"@type": "type.googleapis.com/google.rpc.RetryInfo", "retryDelay": "0.007s"});
        let error = json!({"error": {
            "code": 429, "message": "Quota exceeded", "status": "RESOURCE_EXHAUSTED",
            "details": [{"@type": "type.googleapis.com/google.rpc.Help"}, info],
        }});
        // A refused stream comes as a list.
        let body = if list { json!([error]) } else { error };
        let script = vec![
            Act::error(429, &body.to_string()),
            Act::json(recorded("gemini", true)),
        ];
        let server = Server::start(script).await;
        let world = World::new(route("gemini", &server.url), limits()).await;
        assert!(world.ask(&ask_of(&world.run), None).await.is_ok());
        assert_eq!(world.waits().await, [7]);
        let reason = world.retry_reasons().await;
        assert!(reason[0].contains("Quota exceeded"), "{reason:?}");
    }
}

#[test]
fn a_body_that_asks_for_no_wait_has_none() {
    for details in [
        json!(null),
        json!([]),
        json!([{"retryDelay": 7}]),
        json!([{"retryDelay": "-1s"}]),
        json!([{"retryDelay": "soon"}]),
    ] {
        let refusal = json!({"error": {"details": details}});
        assert_eq!(retry_after::in_body(&refusal), None, "{refusal}");
    }
}

#[tokio::test]
async fn a_wait_beyond_the_limit_is_named_instead_of_kept() {
    for status in [429, 503] {
        let server = Server::start(vec![Act::wait(status, "retry-after", "61")]).await;
        let world = World::new(route("anthropic", &server.url), limits()).await;
        let error = world.ask(&ask_of(&world.run), None).await.unwrap_err();
        assert!(error.to_string().contains("in 61 s"), "{error}");
        let AskError::RateLimited {
            tries: 1,
            retry_after_ms: Some(61_000),
            ..
        } = error
        else {
            panic!("{error:?}");
        };
        assert_eq!(server.seen().len(), 1);
    }
}

#[tokio::test]
async fn cancelling_ends_a_wait() {
    let server = Server::start(vec![Act::wait(429, "retry-after", "50")]).await;
    let world = World::new(route("openai", &server.url), limits()).await;
    let ask = ask_of(&world.run);
    let cancelling = async {
        while world.waits().await.is_empty() {
            tokio::task::yield_now().await;
        }
        world.cancel.cancel();
    };
    let (answered, ()) = tokio::join!(world.ask(&ask, None), cancelling);
    assert!(matches!(answered, Err(AskError::Cancelled)));
    assert_eq!(server.seen().len(), 1);
}

#[test]
fn waits_double_up_to_their_bound() {
    let bounds: Vec<u64> = (1..=8).map(backoff_ms_max).collect();
    assert_eq!(
        bounds,
        [500, 1_000, 2_000, 4_000, 8_000, 16_000, 20_000, 20_000]
    );
    assert_eq!(backoff_ms_max(u32::MAX), 20_000);
}

#[tokio::test]
async fn waits_are_drawn_from_chance_within_their_bound() {
    let server = Server::start(vec![Act::error(500, "no")]).await;
    let world = World::new(route("openai", &server.url), limits()).await;
    // The ask's id takes the first draw, each wait one more.
    world.draw_next(3 * 501 * 1_001 + 5);
    world.ask(&ask_of(&world.run), None).await.unwrap_err();
    assert_eq!(world.waits().await, [6, 7]);
}

#[tokio::test]
async fn one_try_is_one_sending() {
    let once = Limits {
        ask_tries_max: 1,
        ..limits()
    };
    let server = Server::start(vec![Act::error(500, "no")]).await;
    let world = World::new(route("openai", &server.url), once).await;
    let error = world.ask(&ask_of(&world.run), None).await.unwrap_err();
    assert!(error.to_string().contains("tried once"));
    assert_eq!(server.seen().len(), 1);
}

/// Names and values.
type Headers<'a> = &'a [(&'a str, &'a str)];

fn wait(headers: Headers<'_>) -> Option<u64> {
    let header = |(name, value): &(&str, &str)| {
        let name: HeaderName = name.parse().unwrap();
        (name, HeaderValue::from_str(value).unwrap())
    };
    let headers: HeaderMap = headers.iter().map(header).collect();
    retry_after::millis(&headers, "2026-11-20T12:00:00Z".parse().unwrap())
}

#[test]
fn every_form_of_a_wait_is_read() {
    let table: &[(Headers<'_>, Option<u64>)] = &[
        (&[], None),
        (&[("retry-after", "2")], Some(2_000)),
        (&[("retry-after", " 0 ")], Some(0)),
        (&[("retry-after", "1.5")], Some(1_500)),
        (
            &[("retry-after-ms", "250"), ("retry-after", "1")],
            Some(250),
        ),
        (
            &[("retry-after-ms", "x"), ("retry-after", "1")],
            Some(1_000),
        ),
        (
            &[("retry-after", "Fri, 20 Nov 2026 12:00:30 GMT")],
            Some(30_000),
        ),
        (&[("retry-after", "Fri, 20 Nov 2026 11:00:00 GMT")], Some(0)),
        (&[("retry-after", "-5")], None),
        (&[("retry-after", "NaN")], None),
        (&[("retry-after", "1e400")], None),
        (&[("retry-after", "1e300")], Some(u64::MAX)),
        (&[("retry-after", "soon")], None),
    ];
    for (headers, expected) in table {
        assert_eq!(wait(headers), *expected, "{headers:?}");
    }
}

proptest! {
    #[test]
    fn no_header_panics(text in "[ -~]{0,40}") {
        let _ = wait(&[("retry-after", &text), ("retry-after-ms", &text)]);
    }
}
