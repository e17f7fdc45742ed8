//! Vectors of texts through the whole gateway.

use atelier_model::{MicroUsd, Stage};
use atelier_store::Store;
use serde_json::{Value, json};
use url::Url;

use crate::{
    AskError, AskErrorKind, Embed, Embedded, Gateway, GatewayError, PROVIDERS, Route,
    embed::PORTION_TEXTS_MAX,
    tests::{
        server::{Act, Server},
        world::{KEY, World, config, fixture, limits, route},
    },
};

fn embed(world: &World, texts: &[&str]) -> Embed {
    Embed {
        stage: Stage::Code,
        run: world.run.clone(),
        task: None,
        texts: texts.iter().map(|&text| text.to_owned()).collect(),
    }
}

async fn world(provider: &str, url: &Url) -> World {
    let mut world = World::new(route(provider, url), limits()).await;
    world.embed_with(&route(provider, url));
    world
}

async fn asked(world: &World, embed: &Embed) -> Result<Embedded, AskError> {
    world.gateway.embed(embed, None, &world.cancel).await
}

#[tokio::test]
async fn texts_become_vectors_in_each_dialects_way() {
    let table = [
        (
            "openai",
            "/v1/embeddings",
            json!({"model": "priced", "input": ["one", "two"], "encoding_format": "float"}),
        ),
        (
            "gemini",
            "/v1beta/models/priced:batchEmbedContents",
            json!({"requests": [
                {"model": "models/priced", "content": {"parts": [{"text": "one"}]}},
                {"model": "models/priced", "content": {"parts": [{"text": "two"}]}},
            ]}),
        ),
    ];
    for (provider, path, body) in table {
        let recorded = fixture(&format!("{provider}/embeddings.json"));
        let server = Server::start(vec![Act::json(recorded)]).await;
        let world = world(provider, &server.url).await;
        let embedded = asked(&world, &embed(&world, &["one", "two"]))
            .await
            .unwrap();
        assert_eq!(
            embedded.vectors,
            [[0.5, -0.25, 1.0], [0.125, 2.0, -3.0]].map(|vector| vector.to_vec())
        );
        let seen = &server.requests()[0];
        assert_eq!((seen.path.as_str(), &seen.body), (path, &body));
        let shown = format!("{:?}", seen.headers);
        assert!(shown.contains(KEY));
    }
}

#[tokio::test]
async fn the_same_texts_again_cost_nothing() {
    let recorded = fixture("openai/embeddings.json");
    let server = Server::start(vec![Act::json(recorded)]).await;
    let world = world("openai", &server.url).await;
    let texts = embed(&world, &["one", "two"]);
    let first = asked(&world, &texts).await.unwrap();
    // Nine tokens at two dollars a million.
    assert_eq!((first.cost, first.cached), (MicroUsd(18), 0));
    let again = world
        .gateway
        .embed(&texts, Some(MicroUsd::ZERO), &world.cancel);
    let again = again.await.unwrap();
    assert_eq!((again.cost, again.cached), (MicroUsd::ZERO, 1));
    assert_eq!(again.vectors, first.vectors);
    assert_eq!(server.requests().len(), 1);
    assert_eq!(world.cost().await.spent, MicroUsd(18));
    // Other texts, or the same in another order, are another question.
    for other in [["two", "one"], ["one", "three"]] {
        asked(&world, &embed(&world, &other)).await.unwrap();
    }
    assert_eq!(server.requests().len(), 3);
}

#[tokio::test]
async fn a_budget_that_is_too_small_refuses_before_anything_is_sent() {
    let server = Server::start(vec![Act::Hang]).await;
    let world = world("openai", &server.url).await;
    let texts = embed(&world, &["one", "two"]);
    // A token for each byte and the marks of two messages, at the dearest price of a prompt.
    let worst = MicroUsd(
        (6_u64 + 2 * 64)
            .saturating_mul(2_500_000)
            .div_ceil(1_000_000),
    );
    let short = worst.saturating_sub(MicroUsd(1));
    let error = world
        .gateway
        .embed(&texts, Some(short), &world.cancel)
        .await;
    let error = error.unwrap_err();
    assert!(
        matches!(error, AskError::Budget { needed, .. } if needed == worst),
        "{error:?}"
    );
    assert!(server.requests().is_empty());
}

#[tokio::test]
async fn many_texts_go_in_portions() {
    let vectors = |count: usize| {
        let data: Vec<Value> = (0..count)
            .map(|index| json!({"index": index, "embedding": [count, index]}))
            .collect();
        Act::json(json!({"data": data, "usage": {"prompt_tokens": 1}}).to_string())
    };
    let server = Server::start(vec![vectors(PORTION_TEXTS_MAX), vectors(3)]).await;
    let world = world("openai", &server.url).await;
    let texts = vec!["text"; PORTION_TEXTS_MAX + 3];
    let embedded = asked(&world, &embed(&world, &texts)).await.unwrap();
    assert_eq!(embedded.vectors.len(), texts.len());
    assert_eq!(embedded.vectors[PORTION_TEXTS_MAX], [3.0, 0.0]);
    assert_eq!(embedded.usage.input, 2);
    assert_eq!(server.requests().len(), 2);
    let nothing = asked(&world, &embed(&world, &[])).await.unwrap();
    assert_eq!(nothing, Embedded::default());
}

#[tokio::test]
async fn too_few_vectors_are_never_kept() {
    let short = json!({"data": [{"index": 0, "embedding": [1.0]}]}).to_string();
    let recorded = fixture("openai/embeddings.json");
    let server = Server::start(vec![Act::json(short), Act::json(recorded)]).await;
    let world = world("openai", &server.url).await;
    let texts = embed(&world, &["one", "two"]);
    let error = asked(&world, &texts).await.unwrap_err();
    assert!(matches!(error, AskError::Malformed { .. }), "{error:?}");
    assert_eq!(asked(&world, &texts).await.unwrap().cached, 0);
}

#[tokio::test]
async fn without_a_model_for_them_there_are_no_vectors() {
    let server = Server::start(vec![Act::Hang]).await;
    let world = World::new(route("openai", &server.url), limits()).await;
    let error = asked(&world, &embed(&world, &["one"])).await.unwrap_err();
    assert_eq!(error.kind(), AskErrorKind::Credentials);
    for entry in PROVIDERS
        .iter()
        .filter(|entry| entry.build_embedder.is_none())
    {
        let mut config = config(&route("openai", &server.url), limits());
        config.embeddings = Some(Route::new(entry.name, "m", 1));
        let store = Store::open_in_memory().await.unwrap();
        let made = Gateway::new(config, store, world.clock(), world.ids());
        let provider = entry.name.to_owned();
        assert_eq!(made.err(), Some(GatewayError::Embeddings { provider }));
    }
}
