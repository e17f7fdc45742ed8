//! Stored keys: which one is sent, and what is done where it is not accepted.

use atelier_keys::{KeyStore, Lock, Vault};
use atelier_model::Timestamp;
use atelier_seal::SealKey;
use tempfile::TempDir;

use crate::{
    AskError, Route, Secret,
    tests::{
        ask::recorded,
        server::{Act, Seen, Server},
        world::{DIALECTS, World, ask_of, key_header, limits, route},
    },
};

/// The values of the stored keys, in the order in which they were added.
const VALUES: [&str; 3] = [
    "sk-stored-one-0000",
    "sk-stored-two-1111",
    "sk-stored-six-2222",
];

/// A key store with some of those keys.
struct Kept {
    _folder: TempDir,
    store: KeyStore,
    vault: Vault,
}

impl Kept {
    fn new(provider: &str, count: usize) -> Self {
        let folder = TempDir::new().unwrap();
        let store = KeyStore::at(folder.path().join("keys.json"));
        let master = store
            .begin(Lock::File, &SealKey::from_bytes([1; 32]))
            .unwrap();
        for (number, value) in VALUES.iter().take(count).enumerate() {
            let name = number.to_string();
            let added = store.key_add(&master, (provider, &name), &Secret::new(value), at());
            added.unwrap();
        }
        let vault = Vault::open(store.clone(), master).unwrap();
        Self {
            _folder: folder,
            store,
            vault,
        }
    }

    /// A route to a server whose keys are these.
    fn route(&self, provider: &str, server: &Server) -> Route {
        Route {
            key: None,
            ring: Some(self.vault.ring(provider)),
            ..route(provider, &server.url)
        }
    }
}

fn at() -> Timestamp {
    Timestamp::from_millis(1_790_000_000_000)
}

fn shown(seen: &Seen, dialect: &str) -> String {
    let mut headers = seen.headers.iter();
    let found = headers.find(|(name, _)| name == key_header(dialect));
    let value = found.map(|(_, value)| value.as_str()).unwrap_or_default();
    value.trim_start_matches("Bearer ").to_owned()
}

fn all_shown(server: &Server, dialect: &str) -> Vec<String> {
    server
        .seen()
        .iter()
        .map(|seen| shown(seen, dialect))
        .collect()
}

fn good(dialect: &str) -> Act {
    Act::json(recorded(dialect, true))
}

#[tokio::test]
async fn a_refused_key_is_followed_by_the_next_in_every_dialect() {
    for dialect in DIALECTS {
        let kept = Kept::new(dialect, 2);
        let script = vec![Act::error(401, "no such key"), good(dialect), good(dialect)];
        let server = Server::start(script).await;
        let world = World::new(kept.route(dialect, &server), limits()).await;
        assert!(world.ask(&ask_of(&world.run), None).await.is_ok());
        assert_eq!(all_shown(&server, dialect), VALUES[..2]);
        assert_eq!(world.waits().await, [0], "nobody waits for another key");
        let mut other = ask_of(&world.run);
        other.attempt = 2;
        assert!(world.ask(&other, None).await.is_ok());
        let last = all_shown(&server, dialect).pop().unwrap();
        assert_eq!(last, VALUES[1], "what was learnt is kept");
    }
}

#[tokio::test]
async fn a_key_that_was_used_too_often_cools_while_the_next_serves() {
    let kept = Kept::new("openai", 2);
    let script = vec![
        Act::wait(429, "retry-after", "30"),
        good("openai"),
        good("openai"),
    ];
    let server = Server::start(script).await;
    let world = World::new(kept.route("openai", &server), limits()).await;
    assert!(world.ask(&ask_of(&world.run), None).await.is_ok());
    assert_eq!(world.waits().await, [0]);
    world.advance(31_000);
    let mut other = ask_of(&world.run);
    other.attempt = 2;
    assert!(world.ask(&other, None).await.is_ok());
    let expected = [VALUES[0], VALUES[1], VALUES[0]];
    assert_eq!(all_shown(&server, "openai"), expected);
}

#[tokio::test]
async fn the_last_key_waits_as_if_it_were_the_only_one() {
    let kept = Kept::new("openai", 1);
    let script = vec![Act::wait(429, "retry-after-ms", "7"), good("openai")];
    let server = Server::start(script).await;
    let world = World::new(kept.route("openai", &server), limits()).await;
    assert!(world.ask(&ask_of(&world.run), None).await.is_ok());
    assert_eq!(world.waits().await, [7]);
    assert_eq!(all_shown(&server, "openai"), [VALUES[0]; 2]);
}

#[tokio::test]
async fn where_no_key_is_accepted_the_ask_fails_and_shows_none() {
    let kept = Kept::new("openai", 3);
    let script = VALUES.map(|value| {
        let quoted = format!(r#"{{"error":{{"message":"Incorrect API key {value}"}}}}"#);
        Act::error(401, &quoted)
    });
    let server = Server::start(script.to_vec()).await;
    let world = World::new(kept.route("openai", &server), limits()).await;
    let error = world.ask(&ask_of(&world.run), None).await.unwrap_err();
    assert!(
        matches!(
            error,
            AskError::Credentials {
                status: Some(401),
                ..
            }
        ),
        "{error}"
    );
    assert_eq!(all_shown(&server, "openai"), VALUES);
    let events = world.events().await;
    let told = format!("{error} {error:?} {events:?} {:?}", world.asks().await);
    for value in VALUES {
        assert!(!told.contains(value), "{told}");
    }
}

#[tokio::test]
async fn a_failure_that_says_nothing_of_the_key_changes_no_key() {
    let kept = Kept::new("openai", 2);
    let script = vec![Act::error(503, "busy"), Act::Slam, good("openai")];
    let server = Server::start(script).await;
    let world = World::new(kept.route("openai", &server), limits()).await;
    assert!(world.ask(&ask_of(&world.run), None).await.is_ok());
    assert_eq!(all_shown(&server, "openai"), [VALUES[0]; 3]);
}

#[tokio::test]
async fn a_key_without_money_is_followed_by_the_next() {
    let kept = Kept::new("openai", 2);
    let poor =
        r#"{"error":{"message":"You exceeded your current quota","code":"insufficient_quota"}}"#;
    let script = vec![Act::error(429, poor), good("openai")];
    let server = Server::start(script).await;
    let world = World::new(kept.route("openai", &server), limits()).await;
    assert!(world.ask(&ask_of(&world.run), None).await.is_ok());
    assert_eq!(all_shown(&server, "openai"), VALUES[..2]);
}

#[tokio::test]
async fn a_key_that_is_added_or_revoked_counts_from_the_next_ask_on() {
    let kept = Kept::new("openai", 1);
    let script = vec![good("openai"), good("openai")];
    let server = Server::start(script).await;
    let world = World::new(kept.route("openai", &server), limits()).await;
    assert!(world.ask(&ask_of(&world.run), None).await.is_ok());
    kept.store.key_revoke("0", at()).unwrap();
    let master = kept.vault.master();
    let secret = Secret::new(VALUES[1]);
    kept.store
        .key_add(master, ("openai", "1"), &secret, at())
        .unwrap();
    let mut other = ask_of(&world.run);
    other.attempt = 2;
    assert!(world.ask(&other, None).await.is_ok());
    assert_eq!(all_shown(&server, "openai"), VALUES[..2]);
}

#[tokio::test]
async fn a_public_provider_without_any_key_is_not_asked() {
    let kept = Kept::new("openai", 0);
    let public = Route {
        ring: Some(kept.vault.ring("openai")),
        ..Route::new("openai", "priced", 100)
    };
    let world = World::new(public, limits()).await;
    let error = world.ask(&ask_of(&world.run), None).await.unwrap_err();
    assert!(
        matches!(error, AskError::Credentials { status: None, .. }),
        "{error}"
    );
}
