//! The server over real connections, before a stand-in that says what a test wants said.

#![expect(
    clippy::unwrap_used,
    clippy::panic,
    reason = "a test fails by panicking"
)]

mod faults;
mod keys;
mod metrics;
mod runs;
mod words;
mod world;

use atelier_llm::{Dialect, Secret};
use serde_json::{Value, json};

use self::world::{ALL, CLIENTS, Said, World, ask, ends, refusal, text_of};
use crate::{Bounds, Keys, Server};

#[tokio::test]
async fn every_dialect_reaches_every_other_whole_and_streamed() {
    for upstream in ALL {
        let world = World::start(upstream).await;
        for client in CLIENTS {
            for stream in [false, true] {
                let got = world.ask(client, stream).await;
                assert_eq!(got.status, 200, "{client:?} {upstream:?} {stream}: {got:?}");
                assert_eq!(
                    text_of(client, stream, &got.body),
                    "Hello",
                    "{client:?} {upstream:?}"
                );
                assert!(
                    !stream || ends(client, &got.body),
                    "{client:?}: {}",
                    got.body
                );
            }
        }
    }
}

#[tokio::test]
async fn a_stream_that_is_cut_off_ends_with_an_error_and_is_not_kept() {
    for upstream in ALL {
        let world = World::start(upstream).await;
        for client in CLIENTS {
            for said in [Said::CutAfter(2), Said::Broken] {
                world.says(said);
                let got = world.ask(client, true).await;
                assert!(
                    !ends(client, &got.body),
                    "{client:?} {upstream:?}: {}",
                    got.body
                );
                assert!(
                    got.body.contains("\"error\""),
                    "{client:?} {upstream:?}: {}",
                    got.body
                );
                world.says(Said::All);
                let again = world.ask(client, true).await;
                assert_eq!(again.header("x-atelier-cache"), Some("miss"));
                assert!(ends(client, &again.body));
                world.forget(client);
            }
        }
    }
}

#[tokio::test]
async fn a_rate_limit_keeps_its_status_and_its_wait() {
    for upstream in ALL {
        let world = World::start(upstream).await;
        world.says(Said::Refused(429));
        for client in CLIENTS {
            for stream in [false, true] {
                let got = world.ask(client, stream).await;
                assert_eq!(got.status, 429);
                // Who comes while the model is left alone is scattered a little.
                assert!(matches!(got.header("retry-after"), Some("7" | "8")));
                let body: Value = serde_json::from_str(&got.body).unwrap();
                assert!(refusal(client, &body), "{client:?} {upstream:?}: {body}");
                assert!(got.body.contains("slow down"), "{body}");
                assert!(!got.body.contains(world::KEY), "{body}");
            }
        }
    }
}

#[tokio::test]
async fn bodies_of_one_dialect_are_forwarded_byte_for_byte() {
    let world = World::start(Dialect::Chat).await;
    let body = r#"{ "messages":[ ], "model":"code","odd":{"é":1.0} }"#;
    let got = world.post("/v1/chat/completions", body, &[]).await;
    assert_eq!(got.status, 200);
    let sent = r#"{ "messages":[ ], "model":"m","odd":{"é":1.0} }"#;
    assert_eq!(world.last_body(), sent);
    assert_eq!(got.body, world::document(Dialect::Chat));
}

#[tokio::test]
async fn what_was_answered_is_answered_again_unless_the_client_refuses() {
    let world = World::start(Dialect::Messages).await;
    for (client, stream) in [(Dialect::Chat, true), (Dialect::Messages, false)] {
        let first = world.ask(client, stream).await;
        let count = world.count();
        let second = world.ask(client, stream).await;
        assert_eq!(second.header("x-atelier-cache"), Some("hit"));
        assert_eq!((second.body, world.count()), (first.body, count));
        let (path, body) = ask(client, stream, "m");
        let third = world
            .post(&path, &body, &[("cache-control", "no-cache")])
            .await;
        assert_eq!(third.header("x-atelier-cache"), Some("miss"));
        assert_eq!(world.count(), count + 1);
    }
}

#[tokio::test]
async fn a_budget_is_never_passed() {
    let world = World::with_budget(Dialect::Chat, 1).await;
    let (path, body) = ask(Dialect::Chat, false, "m");
    let asks = (0..16).map(|_| world.post(&path, &body, &[("cache-control", "no-cache")]));
    let got = futures_util::future::join_all(asks).await;
    assert_eq!(got.iter().filter(|got| got.status == 402).count(), 16);
    assert_eq!(world.count(), 0);
}

#[tokio::test]
async fn what_decides_a_bill_is_said_once() {
    let world = World::with_budget(Dialect::Chat, 1_000_000_000).await;
    let (path, body) = ask(Dialect::Chat, false, "m");
    for more in [
        r#"{"model":"other","#,
        r#"{"max_tokens":1,"max_tokens":90000,"#,
        r#"{"n":1,"n":50,"#,
    ] {
        let twice = body.replacen('{', more, 1);
        let got = world.post(&path, &twice, &[]).await;
        assert_eq!(got.status, 400, "{more}");
        assert!(got.body.contains("twice"), "{}", got.body);
    }
    assert_eq!(world.count(), 0);
    assert_eq!(world.post(&path, &body, &[]).await.status, 200);
}

#[tokio::test]
async fn only_who_shows_a_key_is_answered() {
    let world = World::with_keys(Dialect::Chat, &["one-key", "two-key"]).await;
    let (path, body) = ask(Dialect::Chat, false, "m");
    for shown in [
        ("authorization", "Bearer two-key"),
        ("x-api-key", "one-key"),
        ("x-goog-api-key", "two-key"),
    ] {
        assert_eq!(
            world.post(&path, &body, &[shown]).await.status,
            200,
            "{shown:?}"
        );
    }
    for shown in [
        ("x-api-key", "one-ke"),
        ("x-api-key", ""),
        ("authorization", "one-key"),
    ] {
        assert_eq!(
            world.post(&path, &body, &[shown]).await.status,
            401,
            "{shown:?}"
        );
    }
    assert_eq!(world.get("/v1/models").await.status, 401);
    assert_eq!(world.get("/").await.status, 200);
}

#[tokio::test]
async fn other_machines_need_a_key() {
    let everywhere = "0.0.0.0:0".parse().unwrap();
    let relay = world::relay(Dialect::Chat, "http://127.0.0.1:9", None).await;
    let bounds = Bounds::default();
    let open = Server::bind(everywhere, relay.clone(), Keys::default(), true, bounds).await;
    assert!(open.is_err());
    let keys = Keys::new([Secret::new("k")]);
    assert!(
        Server::bind(everywhere, relay, keys, true, bounds)
            .await
            .is_ok()
    );
}

#[tokio::test]
async fn what_is_not_there_is_said() {
    let world = World::start(Dialect::Chat).await;
    let (path, body) = ask(Dialect::Messages, false, "nobody");
    let unknown = world.post(&path, &body, &[]).await;
    assert_eq!(unknown.status, 404);
    let said: Value = serde_json::from_str(&unknown.body).unwrap();
    assert_eq!(said["error"]["type"], "not_found_error");
    assert!(unknown.body.contains("code"), "{}", unknown.body);
    assert_eq!(world.post("/v1/batches", "{}", &[]).await.status, 501);
    let nowhere = world.post("/v1/nothing", "{}", &[]).await;
    assert_eq!(nowhere.status, 404);
    let said: Value = serde_json::from_str(&nowhere.body).unwrap();
    assert_eq!(said["error"]["code"], "unknown_url");
    assert!(
        nowhere.body.contains("POST /v1/nothing"),
        "{}",
        nowhere.body
    );
    let absent = world.get("/v1/models/nobody").await;
    assert_eq!(absent.status, 404);
    assert!(absent.body.contains("model_not_found"), "{}", absent.body);
    for (path, allowed) in [
        ("/v1/models", "GET, HEAD"),
        ("/v1/models/code", "GET, HEAD"),
        ("/metrics", "GET, HEAD"),
        ("/atelier/v1/keys/laptop", "DELETE"),
    ] {
        let refused = world.post(path, "{}", &[]).await;
        assert_eq!(refused.status, 405, "{path}");
        assert_eq!(refused.header("allow"), Some(allowed), "{path}");
    }
    assert_eq!(
        world.post("/v1/models/code:no", "{}", &[]).await.status,
        404
    );
    let looked_at = world.get("/v1/messages").await;
    assert_eq!(looked_at.status, 405);
    assert_eq!(looked_at.header("allow"), Some("POST"));
    assert!(looked_at.body.contains("POST"), "{}", looked_at.body);
    assert_eq!(world.post("/v1/messages", "[", &[]).await.status, 400);
    let large = "x".repeat(world::BODY_BYTES_MAX + 1);
    assert_eq!(world.post("/v1/messages", &large, &[]).await.status, 413);
    assert_eq!(world.count(), 0);
}

#[tokio::test]
async fn models_are_listed_in_every_dialect() {
    let world = World::start(Dialect::Chat).await;
    let chat: Value = serde_json::from_str(&world.get("/v1/models").await.body).unwrap();
    let names = chat["data"]
        .as_array()
        .unwrap()
        .iter()
        .map(|model| model["id"].clone());
    assert!(
        names.into_iter().any(|name| name == json!("code")),
        "{chat}"
    );
    let gemini: Value = serde_json::from_str(&world.get("/v1beta/models").await.body).unwrap();
    assert!(gemini["models"].to_string().contains("models/code"));
    let one: Value = serde_json::from_str(&world.get("/v1/models/openai/m").await.body).unwrap();
    assert_eq!(one["id"], "openai/m");
    let one: Value = serde_json::from_str(&world.get("/v1beta/models/m").await.body).unwrap();
    assert_eq!(one["name"], "models/m");
}

#[tokio::test]
async fn tokens_are_counted_or_estimated() {
    let world = World::start(Dialect::Chat).await;
    let (_, body) = ask(Dialect::Messages, false, "m");
    let got = world.post("/v1/messages/count_tokens", &body, &[]).await;
    let count: Value = serde_json::from_str(&got.body).unwrap();
    assert!(count["input_tokens"].as_u64().unwrap() > 0);
    assert_eq!(got.header("x-atelier-estimate"), Some("true"));
}

#[tokio::test]
async fn a_server_that_is_told_to_stop_ends() {
    let world = World::start(Dialect::Chat).await;
    assert_eq!(world.get("/").await.status, 200);
    world.stop().await;
}
