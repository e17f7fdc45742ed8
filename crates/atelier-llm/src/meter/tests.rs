//! What is counted, and the page that Prometheus reads.
#![expect(
    clippy::unwrap_used,
    clippy::panic,
    reason = "a test fails by panicking"
)]

use std::collections::{BTreeMap, BTreeSet};

use proptest::prelude::*;

use super::*;
use crate::{LimitLeft, LimitState};

fn finished() -> Finished<'static> {
    Finished {
        asker: "chat",
        provider: "openai",
        model: "gpt \"5\"",
        outcome: "ok",
        source: Some(AskSource::Provider),
        usage: Usage {
            input: 100,
            output: 20,
            cached_input: 60,
            ..Usage::default()
        },
        cost: MicroUsd(1_250),
        saved: MicroUsd::ZERO,
        first_byte_ms: Some(40),
        latency_ms: 1_200,
        sendings: 3,
    }
}

/// Every sample of a page: its name with its labels, and its value.
fn samples(page: &str) -> BTreeMap<String, f64> {
    let mut typed: BTreeSet<&str> = BTreeSet::new();
    let mut found = BTreeMap::new();
    for line in page.lines() {
        if let Some(rest) = line.strip_prefix("# TYPE ") {
            let (name, kind) = rest.split_once(' ').unwrap();
            assert!(["counter", "gauge", "histogram"].contains(&kind), "{line}");
            assert!(typed.insert(name), "{name} is there twice");
            continue;
        }
        if line.starts_with("# HELP ") {
            continue;
        }
        let (sample, value) = line.rsplit_once(' ').unwrap();
        let (name, labels) = sample.split_once('{').unwrap();
        assert!(labels.ends_with('}'), "{line}");
        let family = ["_bucket", "_sum", "_count"]
            .iter()
            .find_map(|end| name.strip_suffix(end).filter(|name| typed.contains(name)))
            .unwrap_or(name);
        assert!(typed.contains(family), "{line} has no type");
        let before = found.insert(sample.to_owned(), value.parse().unwrap());
        assert!(before.is_none(), "{line} is there twice");
    }
    found
}

#[test]
fn each_request_is_counted_once_and_read_back() {
    let meter = Meter::default();
    meter.count(&finished());
    meter.count(&Finished {
        source: Some(AskSource::Cache),
        cost: MicroUsd::ZERO,
        saved: MicroUsd(1_250),
        sendings: 0,
        ..finished()
    });
    meter.count(&Finished {
        outcome: "429",
        source: None,
        usage: Usage::default(),
        cost: MicroUsd::ZERO,
        first_byte_ms: None,
        ..finished()
    });
    let limits = [LimitState {
        provider: "openai".to_owned(),
        model: "gpt".to_owned(),
        under_way: 2,
        waiting: 1,
        shut_ms: 1_500,
        limits: vec![LimitLeft {
            counts: "requests",
            window_ms: 60_000,
            amount: 500,
            left: 17,
        }],
    }];
    let page = text(&meter.rows_now(), &limits);
    let samples = samples(&page);
    let of = "asker=\"chat\",provider=\"openai\",model=\"gpt \\\"5\\\"\"";
    let value = |name: &str, more: &str| {
        let sample = format!("atelier_{name}{{{of}{more}}}");
        *samples
            .get(&sample)
            .unwrap_or_else(|| panic!("{sample} is missing in\n{page}"))
    };
    for (name, more, wanted) in [
        ("requests_total", ",outcome=\"ok\"", 2.0),
        ("requests_total", ",outcome=\"429\"", 1.0),
        ("answers_total", ",source=\"provider\"", 1.0),
        ("answers_total", ",source=\"cache\"", 1.0),
        ("answers_total", ",source=\"semantic\"", 0.0),
        ("repeats_total", "", 4.0),
        ("tokens_total", ",kind=\"input\"", 100.0),
        ("tokens_total", ",kind=\"cached_input\"", 60.0),
        ("cost_dollars_total", "", 0.001_25),
        ("saved_dollars_total", "", 0.001_25),
        ("first_byte_seconds_bucket", ",le=\"0.025\"", 0.0),
        ("first_byte_seconds_bucket", ",le=\"0.05\"", 1.0),
        ("duration_seconds_bucket", ",le=\"1\"", 0.0),
        ("duration_seconds_bucket", ",le=\"2.5\"", 1.0),
        ("duration_seconds_bucket", ",le=\"+Inf\"", 1.0),
        ("duration_seconds_sum", "", 1.2),
        ("duration_seconds_count", "", 1.0),
    ] {
        let found = value(name, more);
        assert!((found - wanted).abs() < 1e-9, "{name}{more} is {found}");
    }
    let shut = samples["atelier_shut_seconds{provider=\"openai\",model=\"gpt\"}"];
    assert!((shut - 1.5).abs() < 1e-9);
    let left = "atelier_limit_left{provider=\"openai\",model=\"gpt\",counts=\"requests\",\
                window_ms=\"60000\"}";
    assert!((samples[left] - 17.0).abs() < 1e-9);
}

#[test]
fn ever_new_names_do_not_fill_the_memory() {
    let meter = Meter::default();
    for number in 0..2 * ROWS_MAX {
        let model = format!("model-{number}");
        meter.count(&Finished {
            model: &model,
            ..finished()
        });
    }
    let rows = meter.rows_now();
    assert_eq!(rows.len(), ROWS_MAX + 1);
    let counted: u64 = rows.iter().map(|(_, counts)| counts.sources[0]).sum();
    assert_eq!(counted, 2 * ROWS_MAX as u64);
}

proptest! {
    #[test]
    fn a_histogram_loses_nothing(durations in prop::collection::vec(0u64..1_000_000, 0..200)) {
        let mut histogram = Histogram::default();
        for ms in &durations {
            histogram.add(*ms);
        }
        prop_assert_eq!(histogram.count(), durations.len() as u64);
        prop_assert_eq!(histogram.sum_ms(), durations.iter().sum::<u64>());
        for (bound, count) in histogram.below() {
            let wanted = durations.iter().filter(|ms| **ms <= bound).count();
            prop_assert_eq!(count, wanted as u64);
        }
    }

    #[test]
    fn any_name_makes_a_page_that_can_be_read(name in ".{0,12}") {
        let meter = Meter::default();
        meter.count(&Finished { model: &name, provider: &name, ..finished() });
        let page = text(&meter.rows_now(), &[]);
        let lines = page.lines().filter(|line| !line.starts_with('#'));
        for line in lines {
            prop_assert!(line.starts_with("atelier_"), "{line:?}");
        }
    }
}
