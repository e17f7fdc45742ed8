//! How long a provider wants to be left alone.

use atelier_model::Timestamp;
use jiff::fmt::rfc2822::DateTimeParser;
use reqwest::header::{HeaderMap, RETRY_AFTER};
use serde_json::Value;

/// The header that gives milliseconds where `Retry-After` is too coarse.
const RETRY_AFTER_MS: &str = "retry-after-ms";

/// Reads the wait from the headers of a refusal: milliseconds, seconds or a date.
pub(crate) fn millis(headers: &HeaderMap, now: Timestamp) -> Option<u64> {
    let exact = text(headers, RETRY_AFTER_MS).and_then(|text| scaled(text, 1.0));
    exact.or_else(|| coarse(headers, now))
}

/// Whether the header that every client knows says how long to wait.
pub(crate) fn is_readable(headers: &HeaderMap, now: Timestamp) -> bool {
    coarse(headers, now).is_some()
}

fn coarse(headers: &HeaderMap, now: Timestamp) -> Option<u64> {
    let text = text(headers, RETRY_AFTER.as_str())?;
    scaled(text, 1_000.0).or_else(|| until(text, now))
}

fn text<'h>(headers: &'h HeaderMap, name: &str) -> Option<&'h str> {
    headers.get(name)?.to_str().ok().map(str::trim)
}

/// Reads the wait from the body of a refusal, where one vendor puts it: seconds with their unit.
pub(crate) fn in_body(refusal: &Value) -> Option<u64> {
    let details = refusal.get("error")?.get("details")?.as_array()?;
    let delays = details.iter().filter_map(|detail| detail.get("retryDelay"));
    let mut waits = delays.filter_map(|delay| scaled(delay.as_str()?.strip_suffix('s')?, 1_000.0));
    waits.next()
}

/// A count that is not negative, rounded up to whole milliseconds.
#[expect(
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    reason = "the value is finite and not negative, and the cast saturates"
)]
fn scaled(text: &str, unit_ms: f64) -> Option<u64> {
    let count: f64 = text.parse().ok()?;
    let wait = (count * unit_ms).ceil();
    (wait.is_finite() && wait >= 0.0).then_some(wait as u64)
}

/// Milliseconds until a date; none for one that has passed.
fn until(text: &str, now: Timestamp) -> Option<u64> {
    let date = DateTimeParser::new()
        .relaxed_weekday(true)
        .parse_timestamp(text)
        .ok()?;
    Some(Timestamp::from_millis(date.as_millisecond()).millis_since(now))
}
