//! What a gateway needs around it in a test: a run in a store, a clock and ids that count.

use std::{
    collections::BTreeMap,
    fs,
    path::PathBuf,
    sync::{
        Arc,
        atomic::{AtomicI64, AtomicU64, Ordering},
    },
};

use atelier_model::{
    Approval, Ask, AskRecord, Budget, Clock, Digest, Event, EventKind, IdSource, Limits, Message,
    MicroUsd, ProjectId, Reply, Role, Run, RunId, RunMode, RunStatus, Stage, Timestamp,
};
use atelier_store::{RunCost, Store};
use serde_json::{Value, json};
use tokio_util::sync::CancellationToken;
use url::Url;

use crate::{AskError, Gateway, GatewayConfig, Price, PriceTable, Route, Secret, layers::Layers};

/// The key of every test route; it must turn up in headers and nowhere else.
pub(crate) const KEY: &str = "sk-test-0123456789abcdef";

/// A provider of each dialect.
pub(crate) const DIALECTS: [&str; 4] = ["openai", "responses", "anthropic", "gemini"];

/// A clock that moves a millisecond at each look.
#[derive(Default)]
struct CountingClock(AtomicI64);

impl Clock for CountingClock {
    fn now(&self) -> Timestamp {
        Timestamp::from_millis(1_790_000_000_000 + self.0.fetch_add(1, Ordering::Relaxed))
    }
}

/// Counts from nothing, so that ids differ and the waits drawn from them are short.
#[derive(Default)]
struct CountingIds(AtomicU64);

impl IdSource for CountingIds {
    fn bits(&self) -> u128 {
        u128::from(self.0.fetch_add(1, Ordering::Relaxed))
    }
}

/// A gateway with everything around it.
pub(crate) struct World {
    pub(crate) gateway: Gateway,
    pub(crate) store: Store,
    pub(crate) run: RunId,
    pub(crate) cancel: CancellationToken,
    sources: Sources,
}

/// Time and chance, shared by all gateways of a world.
#[derive(Clone, Default)]
struct Sources {
    clock: Arc<CountingClock>,
    ids: Arc<CountingIds>,
}

impl World {
    /// A world in which every stage has this route.
    pub(crate) async fn new(route: Route, limits: Limits) -> Self {
        let store = Store::open_in_memory().await.unwrap();
        Self::over(store, route, limits).await
    }

    /// The same over a store.
    pub(crate) async fn over(store: Store, route: Route, limits: Limits) -> Self {
        let now = Timestamp::from_millis(1_790_000_000_000);
        let project = ProjectId::from_text("project");
        store
            .project_ensure(&project, "/project", "project", now)
            .await
            .unwrap();
        let run = run(now);
        store.run_create(&run).await.unwrap();
        let sources = Sources::default();
        Self {
            gateway: gateway(&route, limits, store.clone(), &sources),
            sources,
            store,
            run: run.id,
            cancel: CancellationToken::new(),
        }
    }

    /// Lets time pass.
    pub(crate) fn advance(&self, millis: i64) {
        self.sources.clock.0.fetch_add(millis, Ordering::Relaxed);
    }

    /// Sets the next draw from chance.
    pub(crate) fn draw_next(&self, bits: u64) {
        self.sources.ids.0.store(bits, Ordering::Relaxed);
    }

    /// The same store behind another route.
    pub(crate) fn reroute(&mut self, route: &Route) {
        self.gateway = gateway(route, limits(), self.store.clone(), &self.sources);
    }

    /// The same store with a model for vectors.
    pub(crate) fn embed_with(&mut self, route: &Route) {
        let mut config = config(route, limits());
        config.embeddings = Some(route.clone());
        self.configure(config);
    }

    /// The same store behind another configuration.
    pub(crate) fn configure(&mut self, config: GatewayConfig) {
        let made = Gateway::new(config, self.store.clone(), self.clock(), self.ids());
        self.gateway = made.unwrap();
    }

    /// The same store behind these layers and no others, every stage answered by `offline`.
    pub(crate) fn relayer(&mut self, layers: Layers) {
        let config = config(&Route::new("offline", "offline", 1_000), limits());
        let sources = (self.clock(), self.ids());
        let made = Gateway::with_layers(Arc::new(layers), config, self.store.clone(), sources);
        self.gateway = made.unwrap();
    }

    pub(crate) fn clock(&self) -> Arc<dyn Clock> {
        self.sources.clock.clone()
    }

    pub(crate) fn ids(&self) -> Arc<dyn IdSource> {
        self.sources.ids.clone()
    }

    pub(crate) async fn ask(&self, ask: &Ask, budget: Option<MicroUsd>) -> Result<Reply, AskError> {
        self.gateway.ask(ask, budget, &self.cancel).await
    }

    pub(crate) async fn cost(&self) -> RunCost {
        self.store.run_cost(&self.run).await.unwrap()
    }

    pub(crate) async fn asks(&self) -> Vec<AskRecord> {
        self.store.ask_list(&self.run).await.unwrap()
    }

    /// The events about asks.
    pub(crate) async fn events(&self) -> Vec<Event> {
        let events = self.store.event_list(0, 1_000).await.unwrap();
        let about_asks = |event: &Event| {
            let name = event.kind.name();
            name.starts_with("ask.") || name.starts_with("budget.")
        };
        events.into_iter().filter(about_asks).collect()
    }

    pub(crate) async fn event_names(&self) -> Vec<String> {
        self.events()
            .await
            .iter()
            .map(|event| event.kind.name())
            .collect()
    }

    /// Why asks were sent again.
    pub(crate) async fn retry_reasons(&self) -> Vec<String> {
        let reason = |event: Event| {
            let EventKind::AskRetried { reason, .. } = event.kind else {
                return None;
            };
            Some(reason)
        };
        self.events().await.into_iter().filter_map(reason).collect()
    }

    /// Milliseconds of the waits between sendings.
    pub(crate) async fn waits(&self) -> Vec<u64> {
        let wait = |event: &Event| {
            let EventKind::AskRetried { wait_ms, .. } = event.kind else {
                return None;
            };
            Some(wait_ms)
        };
        self.events().await.iter().filter_map(wait).collect()
    }
}

fn gateway(route: &Route, limits: Limits, store: Store, sources: &Sources) -> Gateway {
    let Sources { clock, ids } = sources.clone();
    Gateway::new(config(route, limits), store, clock, ids).unwrap()
}

/// What the test model costs.
pub(crate) fn price() -> Price {
    Price {
        input: 2_000_000,
        output: 8_000_000,
        cached_input: Some(500_000),
        cache_write: Some(2_500_000),
        ..Price::FREE
    }
}

pub(crate) fn config(route: &Route, limits: Limits) -> GatewayConfig {
    GatewayConfig {
        routes: Stage::ALL
            .iter()
            .map(|&stage| (stage, route.clone()))
            .collect(),
        prices: PriceTable::new(BTreeMap::from([("priced".to_owned(), price())])),
        limits,
        ..GatewayConfig::default()
    }
}

/// Limits under which no test waits long.
pub(crate) fn limits() -> Limits {
    Limits {
        ask_tries_max: 3,
        // Tests of other things fail as often as they like.
        ask_failures_max: u32::MAX,
        connect_ms_max: 5_000,
        first_byte_ms_max: 20_000,
        ask_idle_ms_max: 20_000,
        ask_total_ms_max: 40_000,
        ..Limits::default()
    }
}

/// A streamed route to a server, with a model whose price is known.
pub(crate) fn route(dialect: &str, url: &Url) -> Route {
    Route {
        base_url: Some(url.clone()),
        key: Some(Secret::new(KEY)),
        temperature: Some(0.5),
        ..Route::new(dialect, "priced", 4_000)
    }
}

/// Where a question of such a route goes.
pub(crate) fn ask_path(route: &Route) -> String {
    let method = if route.stream {
        "streamGenerateContent?alt=sse"
    } else {
        "generateContent"
    };
    match route.provider.as_str() {
        "anthropic" => "/v1/messages".to_owned(),
        "gemini" => format!("/v1beta/models/{}:{method}", route.model),
        "responses" => "/v1/responses".to_owned(),
        _ => "/v1/chat/completions".to_owned(),
    }
}

/// The header in which a dialect takes its key.
pub(crate) fn key_header(dialect: &str) -> &'static str {
    match dialect {
        "anthropic" => "x-api-key",
        "gemini" => "x-goog-api-key",
        _ => "authorization",
    }
}

pub(crate) fn ask_of(run: &RunId) -> Ask {
    let message = |role, text: &str| Message {
        role,
        text: text.to_owned(),
    };
    Ask {
        stage: Stage::Design,
        run: run.clone(),
        task: None,
        messages: vec![
            message(Role::System, "You are a technical lead."),
            message(Role::User, "# DESIGN\nA todo list for the terminal."),
        ],
        schema: Some(("Design".to_owned(), json!({"type": "object"}))),
        template: "design".to_owned(),
        template_version: Digest::of("design"),
        attempt: 1,
        facts: Value::Null,
    }
}

fn run(now: Timestamp) -> Run {
    Run {
        id: RunId::from_text("run"),
        requirement: "A todo list.".to_owned(),
        requirement_digest: Digest::of("A todo list."),
        mode: RunMode::Build,
        approval: Approval::Never,
        budget: Budget::default(),
        base_branch: None,
        base_commit: None,
        branch: "atelier/run".to_owned(),
        trunk: None,
        status: RunStatus::Planning,
        exit_code: None,
        reason: String::new(),
        created_at: now,
        ended_at: None,
    }
}

pub(crate) fn fixture(path: &str) -> Vec<u8> {
    let root = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../../fixtures/providers");
    fs::read(root.join(path)).unwrap_or_else(|error| panic!("{path}: {error}"))
}

pub(crate) fn fixture_json(path: &str) -> Value {
    serde_json::from_slice(&fixture(path)).unwrap()
}
