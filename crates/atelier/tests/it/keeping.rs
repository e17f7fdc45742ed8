//! How long a gateway keeps what it was asked, and what it says to those who ask wrongly.

use std::{thread::sleep, time::Duration};

use atelier_model::{
    AskSource, Digest, IdSource, MicroUsd, RelayId, RelayRecord, Timestamp, Usage,
};
use atelier_store::{Budgets, Ledger, Store};
use serde_json::json;
use tokio::runtime::{Builder, Runtime};

use crate::{
    gateway::Gateway,
    upstream::{Said, Upstream, chat},
    world::World,
};

/// Looks at the rows of a gateway until they are as they are to be.
const LOOKS_MAX: u32 = 1_000;
const LOOK: Duration = Duration::from_millis(20);

struct Zero;

impl IdSource for Zero {
    fn bits(&self) -> u128 {
        0
    }
}

/// A request that came on a day of long ago.
fn old() -> RelayRecord {
    let at = Timestamp::from_millis(1_700_000_000_000);
    RelayRecord {
        id: RelayId::new(at, &Zero),
        client: Some("laptop".to_owned()),
        dialect: "chat".to_owned(),
        demand: "answer".to_owned(),
        provider: "openai".to_owned(),
        model: "m".to_owned(),
        key: Digest::of("question"),
        source: Some(AskSource::Provider),
        usage: Usage {
            input: 30,
            output: 2,
            ..Usage::default()
        },
        reserved: MicroUsd::ZERO,
        cost: MicroUsd(77),
        saved: MicroUsd::ZERO,
        first_byte_ms: None,
        latency_ms: 1,
        sendings: 1,
        status: 200,
        error: None,
        partial: None,
        decisions: Vec::new(),
        at,
    }
}

fn runtime() -> Runtime {
    Builder::new_current_thread().enable_all().build().unwrap()
}

#[test]
fn a_request_of_long_ago_leaves_its_sum() {
    let upstream = Upstream::start(|_, _| Said::json(&chat("A tree.")));
    let world = World::offline();
    let runtime = runtime();
    let store = runtime
        .block_on(Store::open(&world.folder().join(".atelier")))
        .unwrap();
    runtime.block_on(async {
        let opening = Ledger::open(&store, Budgets::default(), old().at);
        let ledger = opening.await.unwrap();
        ledger.settle(&old(), None).unwrap();
        ledger.keep(async {}, |_| {}).await.unwrap();
    });
    let rows = || {
        let listing = store.call_list(None, Timestamp::default(), 10);
        runtime.block_on(listing).unwrap().len()
    };
    assert_eq!(rows(), 1);
    let before = world.run(&["--json", "cost", "--gateway"]).expect(0).json();
    assert_eq!(before[0]["cost_micro_usd"], 77);

    let mut options = upstream.options("openai");
    options.extend(["-c".to_owned(), "gateway.keep_days=30".to_owned()]);
    let options: Vec<&str> = options.iter().map(String::as_str).collect();
    let gateway = Gateway::start(&world, &options);
    for _ in 0..LOOKS_MAX {
        if rows() == 0 {
            break;
        }
        sleep(LOOK);
    }
    assert_eq!(rows(), 0);
    // A request of today stays one.
    let question = json!({"model": "m", "messages": [{"role": "user", "content": "what is it"}]});
    gateway.post("/v1/chat/completions", "", &question);
    gateway.stop();
    assert_eq!(rows(), 1);
    let after = world.run(&["--json", "cost", "--gateway"]).expect(0).json();
    let of_laptop = after.iter().find(|line| line["client"] == "laptop");
    assert_eq!(of_laptop, before.first());
    runtime.block_on(store.close());
}

#[test]
fn a_limit_or_a_time_of_nothing_is_refused_with_what_is_taken() {
    let world = World::offline();
    for setting in ["rates.m.requests_per_minute=0", "gateway.keep_days=0"] {
        let refused = world.run(&["-c", setting, "gateway", "--listen", "127.0.0.1:0"]);
        let refused = refused.expect_failure(2, "a whole number above 0");
        let key = setting.trim_end_matches("=0");
        assert!(refused.stderr.contains(key), "{}", refused.stderr);
    }
}

#[test]
fn whoever_asks_wrongly_is_told_what_would_be_right() {
    let upstream = Upstream::start(|_, _| Said::json(&chat("A tree.")));
    let world = World::offline();
    let options = upstream.options("openai");
    let options: Vec<&str> = options.iter().map(String::as_str).collect();
    let gateway = Gateway::start(&world, &options);
    let question = json!({"model": "elsewhere/large", "messages": []});
    let refused = gateway.post("/v1/chat/completions", "", &question);
    assert!(refused.starts_with("HTTP/1.1 404 "), "{refused}");
    assert!(refused.contains("providers.elsewhere.models"), "{refused}");
    let refused = gateway.ask("DELETE", "/v1/models", "");
    assert!(refused.starts_with("HTTP/1.1 405 "), "{refused}");
    assert!(
        refused.to_lowercase().contains("\r\nallow: get, head\r\n"),
        "{refused}"
    );
    assert_eq!(upstream.count(), 0);
    gateway.stop();
}
