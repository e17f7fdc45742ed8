//! What an answer tells of its provider's limits: in headers, or in the body of a refusal.

use atelier_model::Timestamp;
use jiff::fmt::rfc2822::DateTimeParser;
use reqwest::header::{DATE, HeaderMap};
use serde_json::Value;

use crate::limit::{measure::Measure, meter::Limit};

const SECOND_MS: u64 = 1_000;
pub(crate) const MINUTE_MS: u64 = 60 * SECOND_MS;
const HOUR_MS: u64 = 60 * MINUTE_MS;
pub(crate) const DAY_MS: u64 = 24 * HOUR_MS;

/// A window that seems longer than this is no minute.
const MINUTE_MS_MAX: u64 = 20 * MINUTE_MS;

/// A window that seems longer than this is no hour.
const HOUR_MS_MAX: u64 = 5 * HOUR_MS;

/// What must have been used, and how long it must take to come back, before they tell of the window.
const TELLING: (u64, u64) = (2, 2 * SECOND_MS);

/// Limits that one refusal may tell of.
const QUOTAS_MAX: usize = 8;

/// The headers of one limit.
struct Family {
    measure: Measure,
    limit: &'static str,
    remaining: &'static str,
    reset: &'static str,
    /// `None` where it follows from the numbers.
    window_ms: Option<u64>,
}

const fn family(
    measure: Measure,
    window_ms: Option<u64>,
    [limit, remaining, reset]: [&'static str; 3],
) -> Family {
    Family {
        measure,
        limit,
        remaining,
        reset,
        window_ms,
    }
}

/// The headers of all vendors that have any.
const FAMILIES: [Family; 8] = [
    family(
        Measure::Requests,
        Some(MINUTE_MS),
        [
            "anthropic-ratelimit-requests-limit",
            "anthropic-ratelimit-requests-remaining",
            "anthropic-ratelimit-requests-reset",
        ],
    ),
    family(
        Measure::Input,
        Some(MINUTE_MS),
        [
            "anthropic-ratelimit-input-tokens-limit",
            "anthropic-ratelimit-input-tokens-remaining",
            "anthropic-ratelimit-input-tokens-reset",
        ],
    ),
    family(
        Measure::Output,
        Some(MINUTE_MS),
        [
            "anthropic-ratelimit-output-tokens-limit",
            "anthropic-ratelimit-output-tokens-remaining",
            "anthropic-ratelimit-output-tokens-reset",
        ],
    ),
    family(
        Measure::Requests,
        None,
        [
            "x-ratelimit-limit-requests",
            "x-ratelimit-remaining-requests",
            "x-ratelimit-reset-requests",
        ],
    ),
    family(
        Measure::Tokens,
        None,
        [
            "x-ratelimit-limit-tokens",
            "x-ratelimit-remaining-tokens",
            "x-ratelimit-reset-tokens",
        ],
    ),
    family(
        Measure::Requests,
        Some(DAY_MS),
        [
            "x-ratelimit-limit-requests-day",
            "x-ratelimit-remaining-requests-day",
            "x-ratelimit-reset-requests-day",
        ],
    ),
    family(
        Measure::Requests,
        Some(MINUTE_MS),
        [
            "x-ratelimit-limit-req-minute",
            "x-ratelimit-remaining-req-minute",
            "x-ratelimit-reset-req-minute",
        ],
    ),
    family(
        Measure::Tokens,
        Some(MINUTE_MS),
        [
            "x-ratelimit-limit-tokens-minute",
            "x-ratelimit-remaining-tokens-minute",
            "x-ratelimit-reset-tokens-minute",
        ],
    ),
];

/// What is told of one limit.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Told {
    /// The limit.
    pub(crate) limit: Limit,
    /// What is left of it, where that is told.
    pub(crate) remaining: Option<u64>,
    /// Milliseconds until all of it is back, where that is told.
    pub(crate) reset_ms: Option<u64>,
}

/// What the headers of an answer tell.
pub(crate) fn of_headers(headers: &HeaderMap, now: Timestamp) -> Vec<Told> {
    let number = |name: &str| headers.get(name)?.to_str().ok()?.trim().parse::<u64>().ok();
    let read = |family: &Family| {
        let amount = number(family.limit).filter(|amount| *amount > 0)?;
        let remaining = number(family.remaining);
        let reset = headers
            .get(family.reset)
            .and_then(|value| value.to_str().ok());
        let reset_ms = reset.and_then(|text| reset_ms(text.trim(), headers, now));
        let window_ms = family
            .window_ms
            .unwrap_or_else(|| window_ms(amount, remaining, reset_ms));
        let limit = Limit {
            measure: family.measure,
            amount,
            window_ms,
        };
        Some(Told {
            limit,
            remaining,
            reset_ms,
        })
    };
    FAMILIES.iter().filter_map(read).collect()
}

/// The window of a limit: from what was used, and how long it takes to come back.
fn window_ms(amount: u64, remaining: Option<u64>, reset_ms: Option<u64>) -> u64 {
    let used = amount.saturating_sub(remaining.unwrap_or(amount));
    let reset_ms = reset_ms.unwrap_or(0);
    if used < TELLING.0 || reset_ms < TELLING.1 {
        return MINUTE_MS;
    }
    let seen_ms = amount.saturating_mul(reset_ms) / used;
    if seen_ms <= MINUTE_MS_MAX {
        MINUTE_MS
    } else if seen_ms <= HOUR_MS_MAX {
        HOUR_MS
    } else {
        DAY_MS
    }
}

/// Milliseconds until a reset: a date, a duration, or seconds.
fn reset_ms(text: &str, headers: &HeaderMap, now: Timestamp) -> Option<u64> {
    if let Ok(date) = text.parse::<Timestamp>() {
        // By the provider's own clock, where it shows it: then it does not matter how wrong ours is.
        let here = headers.get(DATE).and_then(|value| value.to_str().ok());
        let here = here.and_then(date_of).unwrap_or(now);
        return Some(date.millis_since(here));
    }
    duration_ms(text)
}

fn date_of(text: &str) -> Option<Timestamp> {
    let date = DateTimeParser::new().relaxed_weekday(true);
    let date = date.parse_timestamp(text).ok()?;
    Some(Timestamp::from_millis(date.as_millisecond()))
}

/// A duration such as `6m0s`, `1h2m3.5s`, `120ms`, `8.64s`, or plain seconds.
fn duration_ms(text: &str) -> Option<u64> {
    let mut rest = text;
    let mut total = 0.0;
    // Every turn takes a number and its unit, so the text ends.
    while !rest.is_empty() {
        let digits = rest.find(|c: char| !c.is_ascii_digit() && c != '.');
        let (number, unit_and_rest) = rest.split_at(digits.unwrap_or(rest.len()));
        let number: f64 = number.parse().ok()?;
        let end = unit_and_rest.find(|c: char| !c.is_ascii_alphabetic());
        let (unit, after) = unit_and_rest.split_at(end.unwrap_or(unit_and_rest.len()));
        total += number * unit_ms(unit)?;
        rest = after;
    }
    whole(total).filter(|_| !text.is_empty())
}

fn unit_ms(unit: &str) -> Option<f64> {
    match unit {
        "us" => Some(0.001),
        "ms" => Some(1.0),
        "" | "s" => Some(1_000.0),
        "m" => Some(60_000.0),
        "h" => Some(3_600_000.0),
        "d" => Some(86_400_000.0),
        _ => None,
    }
}

#[expect(
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    reason = "the value is finite and not negative, and the cast saturates"
)]
fn whole(millis: f64) -> Option<u64> {
    (millis.is_finite() && millis >= 0.0).then_some(millis.ceil() as u64)
}

/// The limits that a refusal says were exceeded, as one vendor puts them into its body.
pub(crate) fn of_refusal(refusal: &Value) -> Vec<Limit> {
    // A refused stream comes as a list.
    let refusal = refusal.get(0).unwrap_or(refusal);
    let details = refusal
        .pointer("/error/details")
        .and_then(Value::as_array)
        .into_iter()
        .flatten();
    let violations = details
        .filter_map(|detail| detail.get("violations")?.as_array())
        .flatten();
    violations.take(QUOTAS_MAX).filter_map(quota).collect()
}

/// One exceeded limit. Its id says what is counted: `GenerateRequestsPerMinutePerProjectPerModel`.
fn quota(violation: &Value) -> Option<Limit> {
    let id = violation.get("quotaId")?.as_str()?;
    let value = violation.get("quotaValue")?;
    let amount = value
        .as_u64()
        .or_else(|| value.as_str()?.trim().parse().ok());
    let measure = if id.contains("InputToken") {
        Measure::Input
    } else if id.contains("Token") {
        Measure::Tokens
    } else if id.contains("Request") {
        Measure::Requests
    } else {
        return None;
    };
    let window_ms = if id.contains("PerMinute") {
        MINUTE_MS
    } else if id.contains("PerDay") {
        DAY_MS
    } else {
        return None;
    };
    Some(Limit {
        measure,
        amount: amount.filter(|amount| *amount > 0)?,
        window_ms,
    })
}
