//! Which routes make a gateway, and where their requests go.

use std::sync::Arc;

use atelier_model::{Clock, IdSource, Stage, Timestamp};
use atelier_store::Store;
use url::Url;

use crate::{
    AskError, Gateway, GatewayError, ProbeError, Route, Secret, is_private, probe_key,
    provider_entry,
    providers::endpoint,
    tests::{
        server::{Act, Server},
        world::{DIALECTS, KEY, config, fixture, key_header, limits, route},
    },
};

struct Fixed;

impl Clock for Fixed {
    fn now(&self) -> Timestamp {
        Timestamp::default()
    }
}

impl IdSource for Fixed {
    fn bits(&self) -> u128 {
        0
    }
}

async fn refusal(route: Route) -> GatewayError {
    let store = Store::open_in_memory().await.unwrap();
    let made = Gateway::new(
        config(&route, limits()),
        store,
        Arc::new(Fixed),
        Arc::new(Fixed),
    );
    made.err().unwrap()
}

/// The addresses of a route that speaks chat completions.
fn addresses(route: &Route) -> Result<(Url, Url), GatewayError> {
    let entry = provider_entry(&route.provider).unwrap();
    endpoint::addresses(route, entry, endpoint::VERSION, &["chat", "completions"])
}

fn based(base: &str) -> Route {
    Route {
        base_url: Some(base.parse().unwrap()),
        ..Route::new("openai", "m", 1)
    }
}

#[test]
fn a_base_url_works_with_and_without_its_version() {
    let table = [
        (
            "http://127.0.0.1:1",
            "http://127.0.0.1:1/v1/chat/completions",
        ),
        (
            "http://127.0.0.1:1/",
            "http://127.0.0.1:1/v1/chat/completions",
        ),
        (
            "http://127.0.0.1:1/v1",
            "http://127.0.0.1:1/v1/chat/completions",
        ),
        (
            "http://127.0.0.1:1/v1/",
            "http://127.0.0.1:1/v1/chat/completions",
        ),
        (
            "http://[::1]:1/v1/chat/completions",
            "http://[::1]:1/v1/chat/completions",
        ),
        (
            "https://openrouter.ai/api/v1",
            "https://openrouter.ai/api/v1/chat/completions",
        ),
        (
            "https://h/api/paas/v4",
            "https://h/api/paas/v4/chat/completions",
        ),
        (
            "https://h/v1beta/openai/",
            "https://h/v1beta/openai/chat/completions",
        ),
        ("https://h/proxy", "https://h/proxy/v1/chat/completions"),
        (
            "https://h/x?api-version=7",
            "https://h/x/v1/chat/completions?api-version=7",
        ),
    ];
    for (base, expected) in table {
        let (ask, models) = addresses(&based(base)).unwrap();
        assert_eq!(ask.as_str(), expected, "{base}");
        let models_path = ask.path().replace("chat/completions", "models");
        assert_eq!(models.path(), models_path, "{base}");
    }
}

#[tokio::test]
async fn unencrypted_http_leaves_the_machine_only_when_allowed() {
    for base in [
        "http://10.0.0.7:11434",
        "http://example.com/v1",
        "http://localhost.example.com",
    ] {
        assert!(
            matches!(refusal(based(base)).await, GatewayError::PlainHttp { .. }),
            "{base}"
        );
        let allowed = Route {
            plain_http: true,
            ..based(base)
        };
        assert!(addresses(&allowed).is_ok());
    }
    for base in [
        "http://localhost:1",
        "http://127.9.9.9",
        "http://[::1]",
        "http://a.localhost",
    ] {
        assert!(addresses(&based(base)).is_ok(), "{base}");
    }
}

#[test]
fn what_is_no_server_of_a_model_is_not_asked() {
    for base in [
        "https://169.254.169.254/latest",
        "http://169.254.169.254",
        "https://[::ffff:169.254.169.254]",
        "https://2852039166/",
        "https://0.0.0.0:1",
        "https://[fe80::1]",
        "https://[::]",
        "https://224.0.0.1",
        "https://255.255.255.255",
    ] {
        let route = Route {
            plain_http: true,
            ..based(base)
        };
        let entry = crate::gateway::known_entry(&route).unwrap();
        let made = endpoint::addresses(&route, entry, endpoint::VERSION, &["x"]);
        assert!(matches!(made, Err(GatewayError::Url { .. })), "{base}");
    }
    for (base, expected) in [
        ("https://10.1.2.3", true),
        ("https://172.31.0.1", true),
        ("https://192.168.0.1", true),
        ("https://100.64.0.1", true),
        ("https://[fd00::1]", true),
        ("https://[::ffff:10.0.0.1]", true),
        ("https://172.32.0.1", false),
        ("https://100.128.0.1", false),
        ("https://8.8.8.8", false),
        ("https://[2001:4860::1]", false),
        ("https://example.com", false),
    ] {
        assert_eq!(is_private(&base.parse().unwrap()), expected, "{base}");
    }
}

#[tokio::test]
async fn what_cannot_work_is_refused_with_its_reason() {
    let unknown = refusal(Route::new("openia", "m", 1)).await;
    assert!(
        unknown
            .to_string()
            .contains("there are openai, responses, anthropic, gemini, azure, ")
    );
    assert!(matches!(
        refusal(based("ftp://h/v1")).await,
        GatewayError::Url { .. }
    ));
    let secret = refusal(based("https://me:hunter2@h/v1")).await;
    assert!(!secret.to_string().contains("hunter2"), "{secret}");
    for dialect in DIALECTS {
        let url: Url = "https://h".parse().unwrap();
        let route = Route {
            key: Some(Secret::new("two\nlines")),
            ..route(dialect, &url)
        };
        assert_eq!(refusal(route).await, GatewayError::Key);
    }
    let mut config = config(&Route::new("offline", "m", 1), limits());
    config.routes.remove(&Stage::Docs);
    let store = Store::open_in_memory().await.unwrap();
    let made = Gateway::new(config, store, Arc::new(Fixed), Arc::new(Fixed));
    assert_eq!(
        made.err(),
        Some(GatewayError::RouteMissing { stage: Stage::Docs })
    );
}

#[test]
fn a_secret_shows_at_most_its_last_characters() {
    let secret = Secret::new(" sk-test-0123456789abcdef\n");
    assert_eq!(secret.expose(), KEY);
    assert_eq!(format!("{secret:?}"), "***");
    assert_eq!(secret.masked(), "***cdef");
    assert_eq!(Secret::new("short").masked(), "***");
    let shown = format!("{:?}", based("https://h"));
    assert!(!shown.contains("sk-"));
}

#[tokio::test]
async fn a_key_is_probed_with_the_list_of_models() {
    for dialect in DIALECTS {
        let body = String::from_utf8(fixture(&format!("{dialect}/error.json"))).unwrap();
        let script = vec![Act::json(r#"{"data":[]}"#), Act::error(401, &body)];
        let server = Server::start(script).await;
        let route = route(dialect, &server.url);
        probe_key(&route, &limits()).await.unwrap();
        let error = probe_key(&route, &limits()).await.unwrap_err();
        assert!(matches!(
            error,
            ProbeError::Ask(AskError::Credentials { .. })
        ));
        assert!(!error.to_string().contains(KEY));
        let seen = server.seen();
        let version = if dialect == "gemini" { "v1beta" } else { "v1" };
        let models_path = format!("/{version}/models");
        assert!(
            seen.iter()
                .all(|seen| seen.method == "GET" && seen.path == models_path)
        );
        let header = key_header(dialect);
        assert!(seen[0].header(header).unwrap().ends_with(KEY));
    }
    let offline = Route::new("offline", "scaffold", 1);
    probe_key(&offline, &limits()).await.unwrap();
}
