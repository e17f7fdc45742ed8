//! What was planted in questions reaches neither providers nor the disk, and comes back in answers.

use std::{collections::BTreeMap, path::Path};

use atelier_guard::{Guard, Policy, Vault};
use atelier_model::AskSource;
use atelier_seal::SealKey;
use atelier_store::Store;
use atelier_testkit::{Mode, Planted, Script, planted};
use serde_json::json;

use crate::{
    Gateway, GatewayConfig, GatewayError, Route,
    tests::{
        server::{Act, Server},
        world::{DIALECTS, World, ask_of, config, limits, route},
    },
};

/// Values that are planted.
const PLANTED: usize = 1_000;

/// Texts of one question.
const TEXTS: usize = 10;

fn key() -> SealKey {
    SealKey::from_bytes([7; 32])
}

fn guarded(route: Route, policy: Policy) -> GatewayConfig {
    let route = Route {
        guard: policy,
        ..route
    };
    GatewayConfig {
        guard_key: Some(key()),
        ..config(&route, limits())
    }
}

/// The traces that a text holds.
fn leaks<'p>(text: &str, all: &'p [Planted]) -> Vec<&'p str> {
    let traces = all.iter().map(|one| &*one.trace);
    traces.filter(|trace| text.contains(trace)).collect()
}

/// All files of a folder, as text.
fn files(folder: &Path) -> String {
    let mut all = String::new();
    for entry in std::fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            all += &files(&path);
        } else {
            all += &String::from_utf8_lossy(&std::fs::read(path).unwrap());
        }
    }
    all
}

#[tokio::test]
async fn a_thousand_planted_values_reach_no_provider_and_no_disk() {
    let folder = tempfile::tempdir().unwrap();
    let store = Store::open(folder.path()).await.unwrap();
    let server = atelier_testkit::Server::start(Script::new(Mode::Echo)).unwrap();
    let url = server.base_url().parse().unwrap();
    let mut world = World::over(store, route("openai", &url), limits()).await;
    let all = planted(PLANTED, 11);
    let ways: Vec<(&str, bool)> = DIALECTS
        .iter()
        .flat_map(|dialect| [(*dialect, true), (*dialect, false)])
        .collect();
    for (at, texts) in all.chunks(TEXTS).enumerate() {
        let (dialect, stream) = ways[at % ways.len()];
        let route = Route {
            stream,
            ..route(dialect, &url)
        };
        world.configure(guarded(route, Policy::All));
        let mut ask = ask_of(&world.run);
        let said: Vec<&str> = texts.iter().map(|one| &*one.text).collect();
        ask.messages[1].text = format!("# DESIGN\n{}", said.join("\n\n"));
        ask.schema = None;
        let reply = world.ask(&ask, None).await.unwrap();
        assert_eq!(reply.text, ask.messages[1].text, "{dialect} {stream}");
        let again = world.ask(&ask, None).await.unwrap();
        assert_eq!(again.source, AskSource::Cache);
        assert_eq!(again.text, reply.text);
    }
    assert_eq!(server.violations(), Vec::<String>::new());
    assert_eq!(server.request_count(), PLANTED / TEXTS);
    for seen in server.requests() {
        assert_eq!(leaks(&seen.body.to_string(), &all), Vec::<&str>::new());
    }
    world.store.audit_flush().await.unwrap();
    let kept = files(folder.path());
    assert!(kept.contains("guard.redacted") && kept.contains("[[EMAIL_"));
    assert_eq!(leaks(&kept, &all), Vec::<&str>::new());
}

#[tokio::test]
async fn the_key_of_an_ask_is_that_of_what_is_sent() {
    let server = Server::start(vec![Act::Hang]).await;
    let route = route("openai", &server.url);
    let mut world = World::new(route.clone(), limits()).await;
    let mut ask = ask_of(&world.run);
    let plain = world.gateway.key(&ask);
    world.configure(guarded(route.clone(), Policy::Secrets));
    assert_eq!(world.gateway.key(&ask), plain, "nothing is hidden in it");
    ask.messages[1].text += " The key is sk_live_fKtHF4vUCsMehGAkWvj7FAc9.";
    let hidden = world.gateway.key(&ask);
    assert_eq!(world.gateway.key(&ask), hidden);
    world.configure(config(&route, limits()));
    assert_ne!(world.gateway.key(&ask), hidden);
}

#[tokio::test]
async fn values_in_an_answer_of_json_are_written_as_json() {
    let key = "-----BEGIN PRIVATE KEY-----\nMIIEvQIBADANBgkqhkiG9w0BAQEFAASCBKcw\n-----END PRIVATE KEY-----";
    let hidden = Vault::new([7; 32]).redact(Guard::builtin(), key, Policy::Secrets);
    let content = json!({ "key": hidden.text }).to_string();
    let answer = json!({
        "id": "a", "object": "chat.completion", "model": "priced",
        "choices": [{"index": 0, "finish_reason": "stop",
            "message": {"role": "assistant", "content": content}}],
        "usage": {"prompt_tokens": 9, "completion_tokens": 9, "total_tokens": 18},
    });
    let server = Server::start(vec![Act::json(answer.to_string())]).await;
    let route = Route {
        stream: false,
        ..route("openai", &server.url)
    };
    let mut world = World::new(route.clone(), limits()).await;
    world.configure(guarded(route, Policy::Secrets));
    let mut ask = ask_of(&world.run);
    ask.messages[1].text = format!("Repeat {key}");
    let reply = world.ask(&ask, None).await.unwrap();
    let said: BTreeMap<String, String> = serde_json::from_str(&reply.text).unwrap();
    assert_eq!(said["key"], key);
}

#[tokio::test]
async fn nothing_is_hidden_without_a_key_for_it() {
    let server = Server::start(vec![Act::Hang]).await;
    let world = World::new(route("openai", &server.url), limits()).await;
    let config = GatewayConfig {
        guard_key: None,
        ..guarded(route("openai", &server.url), Policy::Secrets)
    };
    let made = Gateway::new(config, world.store.clone(), world.clock(), world.ids());
    assert!(matches!(made, Err(GatewayError::GuardKeyMissing)));
}
