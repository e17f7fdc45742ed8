//! The registries: each entry has what it must come with.

use std::collections::BTreeSet;

use serde_json::json;
use url::Url;

use crate::{
    AnswersFrom, GatewayError, PROVIDERS, ProviderEntry, Route, SchemaSupport, Secret, Transport,
    probe_key, provider_entry,
    providers::azure,
    tests::{
        server::{Act, Server},
        world::{DIALECTS, KEY, World, ask_of, fixture, fixture_json, limits},
    },
};

/// The servers that speak chat completions with habits of their own.
fn compatible() -> impl Iterator<Item = &'static ProviderEntry> {
    PROVIDERS.iter().filter(|entry| {
        entry.answers_from == AnswersFrom::Messages && !DIALECTS.contains(&entry.name)
    })
}

/// A route to a stand-in for a server, with the model of its recorded traffic.
fn route(entry: &ProviderEntry, url: &Url) -> Route {
    let request = fixture_json(&format!("{}/request.json", entry.name));
    Route {
        base_url: Some(url.clone()),
        key: Some(Secret::new(KEY)),
        temperature: Some(0.5),
        ..Route::new(entry.name, request["model"].as_str().unwrap(), 4_000)
    }
}

#[test]
fn every_provider_has_a_name_of_its_own_a_line_and_a_fixture() {
    let names: BTreeSet<_> = PROVIDERS.iter().map(|entry| entry.name).collect();
    assert_eq!(names.len(), PROVIDERS.len());
    for entry in PROVIDERS {
        assert!(!entry.about.is_empty() && !entry.about.ends_with('.'));
        assert!(fixture_json(&format!("{}/completion.json", entry.name))["usage"].is_object());
        assert_eq!(
            provider_entry(entry.name).map(|found| found.name),
            Some(entry.name)
        );
        assert_eq!(
            entry.needs_key,
            entry.name != "offline" && !entry.is_local(),
            "{}",
            entry.name
        );
        assert!(!entry.needs_key || !entry.key_variables.is_empty());
    }
    assert_eq!(compatible().count(), 10);
}

#[tokio::test]
async fn every_server_is_asked_and_read_by_its_habits() {
    for entry in compatible() {
        for form in ["stream.sse", "reply.json"] {
            let recorded = fixture(&format!("{}/{form}", entry.name));
            let server = Server::start(vec![Act::json(recorded)]).await;
            let route = route(entry, &server.url);
            let model = route.model.clone();
            let world = World::new(route, limits()).await;
            let reply = world.ask(&ask_of(&world.run), None).await.unwrap();
            let expected = fixture_json(&format!("{}/completion.json", entry.name));
            assert_eq!(reply.text, expected["text"].as_str().unwrap());
            let usage = serde_json::to_value(reply.usage).unwrap();
            assert_eq!(usage, expected["usage"], "{}", entry.name);
            let seen = &server.requests()[0];
            let request = fixture_json(&format!("{}/request.json", entry.name));
            assert_eq!(seen.body, request, "{}", entry.name);
            let (path, header) = match entry.name {
                "azure" => {
                    let path = format!(
                        "/openai/deployments/{model}/chat/completions?api-version=2024-10-21"
                    );
                    (path, "api-key")
                }
                _ => ("/v1/chat/completions".to_owned(), "authorization"),
            };
            assert_eq!(seen.path, path);
            assert!(seen.header(header).unwrap().ends_with(KEY));
        }
    }
}

#[tokio::test]
async fn every_servers_key_is_probed_where_a_wrong_one_is_refused() {
    for entry in compatible() {
        let server = Server::start(vec![Act::json("{}"), Act::error(401, "")]).await;
        let route = route(entry, &server.url);
        probe_key(&route, &limits()).await.unwrap();
        assert!(
            probe_key(&route, &limits()).await.is_err(),
            "{}",
            entry.name
        );
        let path = match entry.name {
            "azure" => "/openai/models?api-version=2024-10-21",
            "openrouter" => "/v1/key",
            _ => "/v1/models",
        };
        let asked = &server.requests()[0];
        assert_eq!((asked.method.as_str(), asked.path.as_str()), ("GET", path));
    }
}

#[tokio::test]
async fn a_server_on_this_machine_needs_no_key_and_costs_nothing() {
    for entry in compatible().filter(|entry| entry.is_local()) {
        assert!(Route::new(entry.name, "m", 1).is_local(), "{}", entry.name);
        let server = Server::start(vec![Act::json(fixture(&format!(
            "{}/reply.json",
            entry.name
        )))])
        .await;
        let keyless = Route {
            key: None,
            ..route(entry, &server.url)
        };
        let world = World::new(keyless, limits()).await;
        let reply = world.ask(&ask_of(&world.run), None).await.unwrap();
        assert_eq!(reply.cost.0, 0);
        assert_eq!(server.requests()[0].header("authorization"), None);
    }
}

#[tokio::test]
async fn a_schema_is_sent_as_far_as_a_server_understands_it() {
    for entry in compatible() {
        let recorded = fixture(&format!("{}/reply.json", entry.name));
        let server = Server::start(vec![Act::json(recorded)]).await;
        let structured = Route {
            structured: true,
            ..route(entry, &server.url)
        };
        let world = World::new(structured, limits()).await;
        world.ask(&ask_of(&world.run), None).await.unwrap();
        let body = &server.requests()[0].body;
        let kind = match entry.abilities.schema {
            SchemaSupport::Never => panic!("{} does not", entry.name),
            SchemaSupport::Syntax => "json_object",
            SchemaSupport::Full => "json_schema",
        };
        assert_eq!(body["response_format"]["type"], kind, "{}", entry.name);
        // One of them streams no answer that is held to a schema.
        assert_eq!(body["stream"], json!(entry.name != "groq"));
        assert_eq!(
            body.get("stream_options").is_some(),
            !["groq", "mistral"].contains(&entry.name)
        );
    }
}

#[test]
fn an_effort_is_refused_where_it_would_be_ignored() {
    let transport = Transport::new(limits());
    for entry in PROVIDERS.iter().filter(|entry| entry.name != "offline") {
        let route = Route {
            base_url: Some("https://h.example".parse().unwrap()),
            effort: Some(crate::Effort::High),
            ..Route::new(entry.name, "m", 4_000)
        };
        let built = (entry.build)(entry, &route, &transport);
        let refused = Err(GatewayError::Effort {
            provider: entry.name,
        });
        if entry.abilities.effort {
            assert!(built.is_ok(), "{}", entry.name);
        } else {
            assert_eq!(built.map(drop), refused);
        }
    }
}

#[test]
fn azure_is_found_at_each_form_of_its_address() {
    let entry = provider_entry("azure").unwrap();
    let table = [
        (
            "https://x.openai.azure.com",
            "https://x.openai.azure.com/openai/deployments/d/chat/completions?api-version=2024-10-21",
            "https://x.openai.azure.com/openai/models?api-version=2024-10-21",
        ),
        (
            "https://x.openai.azure.com/?api-version=2025-04-01-preview",
            "https://x.openai.azure.com/openai/deployments/d/chat/completions?api-version=2025-04-01-preview",
            "https://x.openai.azure.com/openai/models?api-version=2025-04-01-preview",
        ),
        (
            "https://x.openai.azure.com/openai/v1/",
            "https://x.openai.azure.com/openai/v1/chat/completions",
            "https://x.openai.azure.com/openai/v1/models",
        ),
    ];
    for (base, ask, models) in table {
        let route = Route {
            base_url: Some(base.parse().unwrap()),
            ..Route::new("azure", "d", 1)
        };
        let (ask_url, models_url) = azure::addresses(&route, entry).unwrap();
        assert_eq!((ask_url.as_str(), models_url.as_str()), (ask, models));
    }
    let nowhere = azure::addresses(&Route::new("azure", "d", 1), entry);
    assert_eq!(nowhere, Err(GatewayError::NoAddress { provider: "azure" }));
}
