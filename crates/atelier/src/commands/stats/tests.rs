//! Requests added up, and times by nearest rank.
#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

use std::collections::BTreeMap;

use atelier_llm::{Price, PriceTable};
use atelier_model::{AskSource, MicroUsd, TaskId, Timestamp, Usage};
use atelier_store::PastCall;

use super::{
    By, since,
    tally::{percentile, tallies},
};

fn call(asker: &str, source: Option<AskSource>, latency_ms: u64) -> PastCall {
    PastCall {
        asker: asker.to_owned(),
        task: (asker == "code").then(|| TaskId::from_text("t1.1".to_owned())),
        provider: "openai".to_owned(),
        model: "m".to_owned(),
        source,
        usage: Usage {
            input: 1_000,
            output: 100,
            ..Usage::default()
        },
        cost: MicroUsd(if source == Some(AskSource::Provider) {
            7
        } else {
            0
        }),
        saved: None,
        first_byte_ms: None,
        latency_ms,
        failed: source.is_none(),
        at: Timestamp::default(),
    }
}

#[test]
fn requests_are_added_up_by_what_they_have_in_common() {
    let price = Price {
        input: 1_000_000,
        output: 2_000_000,
        ..Price::FREE
    };
    let prices = PriceTable::new(BTreeMap::from([("m".to_owned(), price)]));
    let mut relayed = call("chat", Some(AskSource::Semantic), 1);
    relayed.saved = Some(MicroUsd(5));
    let calls = [
        call("code", Some(AskSource::Provider), 300),
        call("code", Some(AskSource::Cache), 2),
        call("design", Some(AskSource::Provider), 100),
        call("design", None, 9_000),
        relayed,
    ];
    let (total, lines) = tallies(&calls, By::Stage, &prices);
    assert_eq!((total.requests, total.failed), (5, 1));
    assert_eq!(
        (total.from_provider, total.from_cache, total.from_semantic),
        (2, 1, 1)
    );
    assert_eq!(total.cost, MicroUsd(14));
    // By its price where nobody wrote down what was saved.
    assert_eq!(total.saved, MicroUsd(1_200 + 5));
    assert_eq!(total.usage.input, 2_000, "kept answers use nothing");
    assert_eq!(total.total_ms(), [Some(100), Some(300), Some(300)]);
    assert_eq!(total.first_byte_ms(), [None; 3]);
    assert_eq!(lines.keys().collect::<Vec<_>>(), ["chat", "code", "design"]);
    let (_, tasks) = tallies(&calls, By::Task, &prices);
    assert_eq!(tasks["t1.1"].requests, 2);
    let (_, models) = tallies(&calls, By::Asker, &prices);
    assert_eq!(models["design openai/m"].failed, 1);
}

#[test]
fn a_percentile_is_one_of_the_numbers() {
    assert_eq!(percentile(&[], 50), None);
    assert_eq!(percentile(&[5], 99), Some(5));
    let hundred: Vec<u64> = (1..=100).collect();
    assert_eq!(percentile(&hundred, 50), Some(50));
    assert_eq!(percentile(&hundred, 95), Some(95));
    assert_eq!(percentile(&hundred, 99), Some(99));
    assert_eq!(percentile(&[1, 2, 3, 4], 50), Some(2));
}

#[test]
fn days_are_counted_back_from_now() {
    let now: Timestamp = "2026-11-20T12:00:00Z".parse().unwrap();
    assert_eq!(since(None, now), Timestamp::default());
    assert_eq!(since(Some(2), now).to_string(), "2026-11-18T12:00:00.000Z");
}
