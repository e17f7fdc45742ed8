//! The documents that a collector takes: OTLP as JSON, with the names of the conventions for
//! generative AI; pure.

use std::collections::BTreeMap;

use atelier_model::Timestamp;
use serde_json::{Value, json};

use super::Span;

/// Every name of the conventions in one place, because they are not stable yet: what is said of a
/// call, and what it is called there.
const NAMES: [(&str, &str); 15] = [
    ("asker", "atelier.asker"),
    ("provider", "gen_ai.provider.name"),
    ("model", "gen_ai.request.model"),
    ("outcome", "atelier.outcome"),
    ("source", "atelier.answer.source"),
    ("input_tokens", "gen_ai.usage.input_tokens"),
    ("output_tokens", "gen_ai.usage.output_tokens"),
    (
        "cached_input_tokens",
        "gen_ai.usage.cache_read.input_tokens",
    ),
    (
        "cache_write_tokens",
        "gen_ai.usage.cache_creation.input_tokens",
    ),
    ("cost_micro_usd", "atelier.cost.micro_usd"),
    ("saved_micro_usd", "atelier.saved.micro_usd"),
    ("sendings", "atelier.sendings"),
    ("run", "atelier.run"),
    ("task", "atelier.task"),
    ("client", "atelier.client"),
];
const DURATION: &str = "gen_ai.client.operation.duration";
const FIRST_CHUNK: &str = "gen_ai.client.operation.time_to_first_chunk";
const TOKENS: &str = "gen_ai.client.token.usage";
const TOKEN_KIND: &str = "gen_ai.token.type";
const OPERATION: (&str, &str) = ("gen_ai.operation.name", "chat");

/// Upper bounds in seconds and in tokens, as the conventions advise.
const SECONDS: [f64; 14] = [
    0.01, 0.02, 0.04, 0.08, 0.16, 0.32, 0.64, 1.28, 2.56, 5.12, 10.24, 20.48, 40.96, 81.92,
];
const COUNTS: [f64; 14] = [
    1.0,
    4.0,
    16.0,
    64.0,
    256.0,
    1_024.0,
    4_096.0,
    16_384.0,
    65_536.0,
    262_144.0,
    1_048_576.0,
    4_194_304.0,
    16_777_216.0,
    67_108_864.0,
];

/// A span that this program made for somebody else.
const KIND_CLIENT: u8 = 3;
const STATUS_ERROR: u8 = 2;
/// Counts since the last message.
const DELTA: u8 = 1;

/// Spans as a collector takes them.
pub(crate) fn traces(batch: &[Span], service: &str) -> Value {
    let spans: Vec<Value> = batch.iter().map(span).collect();
    json!({"resourceSpans": [{
        "resource": resource(service),
        "scopeSpans": [{"scope": scope(), "spans": spans}],
    }]})
}

fn span(one: &Span) -> Value {
    let end = nanos(one.at);
    let start = end.saturating_sub(u128::from(one.number("latency_ms")) * 1_000_000);
    let mut span = json!({
        "traceId": one.trace_id(), "spanId": one.span_id(),
        "name": format!("{} {}", OPERATION.1, one.text("model")),
        "kind": KIND_CLIENT,
        "startTimeUnixNano": start.to_string(), "endTimeUnixNano": end.to_string(),
        "attributes": attributes(one, &|_| true),
    });
    if let Some(parent) = one.parent_id() {
        span["parentSpanId"] = parent.into();
    }
    if one.text("outcome") != "ok" {
        span["status"] = json!({"code": STATUS_ERROR, "message": one.text("outcome")});
    }
    span
}

/// Measurements as a collector takes them: times and tokens of the calls of one message.
pub(crate) fn metrics(batch: &[Span], service: &str) -> Value {
    let mut all = Points::default();
    for one in batch.iter().filter(|one| one.text("source") == "provider") {
        all.add(
            (DURATION, "s", &SECONDS),
            one,
            None,
            seconds(one.number("latency_ms")),
        );
        let first = one.number("first_byte_ms");
        if first > 0 {
            all.add((FIRST_CHUNK, "s", &SECONDS), one, None, seconds(first));
        }
        for (kind, name) in [("input", "input_tokens"), ("output", "output_tokens")] {
            let tokens = one.number(name);
            #[expect(clippy::cast_precision_loss, reason = "no call has 2^52 tokens")]
            all.add((TOKENS, "{token}", &COUNTS), one, Some(kind), tokens as f64);
        }
    }
    json!({"resourceMetrics": [{
        "resource": resource(service),
        "scopeMetrics": [{"scope": scope(), "metrics": all.documents(batch)}],
    }]})
}

/// Name, unit and bounds of a measurement.
type Measure = (&'static str, &'static str, &'static [f64; 14]);

/// Measurements by name and by what they are of.
#[derive(Default)]
struct Points(BTreeMap<&'static str, (Measure, BTreeMap<String, Point>)>);

struct Point {
    attributes: Vec<Value>,
    buckets: [u64; 15],
    sum: f64,
}

impl Points {
    fn add(&mut self, measure: Measure, one: &Span, kind: Option<&str>, value: f64) {
        let mut attributes = attributes(one, &|name| matches!(name, "provider" | "model"));
        if let Some(kind) = kind {
            attributes.push(text(TOKEN_KIND, kind));
        }
        let key = Value::from(attributes.clone()).to_string();
        let (_, points) = self
            .0
            .entry(measure.0)
            .or_insert_with(|| (measure, BTreeMap::new()));
        let point = points.entry(key).or_insert_with(|| Point {
            attributes,
            buckets: [0; 15],
            sum: 0.0,
        });
        let bucket = measure.2.partition_point(|bound| *bound < value);
        if let Some(count) = point.buckets.get_mut(bucket) {
            *count += 1;
        }
        point.sum += value;
    }

    fn documents(&self, batch: &[Span]) -> Vec<Value> {
        let times = batch.iter().map(|one| nanos(one.at));
        let (start, end) = (times.clone().min(), times.max());
        let (start, end) = (start.unwrap_or(0).to_string(), end.unwrap_or(0).to_string());
        let all = self.0.values().map(|((name, unit, bounds), points)| {
            let points = points.values().map(|point| {
                let counts: Vec<String> = point.buckets.iter().map(u64::to_string).collect();
                let count: u64 = point.buckets.iter().sum();
                json!({
                    "attributes": point.attributes, "startTimeUnixNano": start,
                    "timeUnixNano": end, "count": count.to_string(), "sum": point.sum,
                    "bucketCounts": counts, "explicitBounds": bounds,
                })
            });
            let points: Vec<Value> = points.collect();
            json!({
                "name": name, "unit": unit,
                "histogram": {"aggregationTemporality": DELTA, "dataPoints": points},
            })
        });
        all.collect()
    }
}

fn resource(service: &str) -> Value {
    let version = text("service.version", env!("CARGO_PKG_VERSION"));
    json!({"attributes": [text("service.name", service), version]})
}

fn scope() -> Value {
    json!({"name": "atelier", "version": env!("CARGO_PKG_VERSION")})
}

fn attributes(one: &Span, wanted: &dyn Fn(&str) -> bool) -> Vec<Value> {
    let mut all = vec![text(OPERATION.0, OPERATION.1)];
    let known = NAMES.iter().filter(|(said, _)| wanted(said));
    all.extend(
        known.filter_map(|(said, name)| match one.fields.get(said)? {
            Value::String(value) if value.is_empty() => None,
            Value::String(value) => Some(text(name, value)),
            // Whole numbers are written as texts there.
            Value::Number(number) => {
                Some(json!({"key": name, "value": {"intValue": number.to_string()}}))
            }
            Value::Null | Value::Bool(_) | Value::Array(_) | Value::Object(_) => None,
        }),
    );
    all
}

fn text(name: &str, value: &str) -> Value {
    json!({"key": name, "value": {"stringValue": value}})
}

fn nanos(at: Timestamp) -> u128 {
    u128::try_from(at.millis()).unwrap_or(0) * 1_000_000
}

#[expect(
    clippy::cast_precision_loss,
    reason = "no call takes 2^52 milliseconds"
)]
fn seconds(ms: u64) -> f64 {
    ms as f64 / 1_000.0
}
