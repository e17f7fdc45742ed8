//! What answers and refusals tell of limits, in every vendor's words.

use atelier_model::Timestamp;
use reqwest::header::{HeaderMap, HeaderName, HeaderValue};
use serde_json::{Value, json};

use crate::limit::{meter::Limit, told};

/// `counts amount/window left reset` of everything that headers tell.
fn told(lines: &[(&'static str, &str)]) -> Vec<String> {
    let mut headers = HeaderMap::new();
    for (name, value) in lines {
        let name = HeaderName::from_static(name);
        headers.insert(name, HeaderValue::from_str(value).unwrap());
    }
    let now: Timestamp = "2026-11-20T12:00:00Z".parse().unwrap();
    let shown = |told: &told::Told| {
        let number = |number: Option<u64>| number.map_or("?".to_owned(), |n| n.to_string());
        let (left, reset) = (number(told.remaining), number(told.reset_ms));
        format!("{}, {left} left, back in {reset} ms", told.limit.words())
    };
    told::of_headers(&headers, now).iter().map(shown).collect()
}

fn quotas(refusal: &Value) -> Vec<String> {
    let limits = told::of_refusal(refusal);
    limits.iter().map(Limit::words).collect()
}

#[test]
fn anthropic_tells_three_limits_and_dates() {
    let lines = [
        ("anthropic-ratelimit-requests-limit", "50"),
        ("anthropic-ratelimit-requests-remaining", "49"),
        ("anthropic-ratelimit-requests-reset", "2026-11-20T12:00:02Z"),
        ("anthropic-ratelimit-input-tokens-limit", "30000"),
        ("anthropic-ratelimit-input-tokens-remaining", "0"),
        (
            "anthropic-ratelimit-input-tokens-reset",
            "2026-11-20T12:01:00Z",
        ),
        ("anthropic-ratelimit-output-tokens-limit", "8000"),
        ("anthropic-ratelimit-tokens-limit", "38000"),
        ("retry-after", "60"),
    ];
    let expected = [
        "50 requests a minute, 49 left, back in 2000 ms",
        "30000 input tokens a minute, 0 left, back in 60000 ms",
        "8000 output tokens a minute, ? left, back in ? ms",
    ];
    assert_eq!(told(&lines), expected);
}

#[test]
fn a_date_is_read_by_the_clock_of_whoever_wrote_it() {
    let lines = [
        ("date", "Fri, 20 Nov 2026 11:00:00 GMT"),
        ("anthropic-ratelimit-requests-limit", "50"),
        ("anthropic-ratelimit-requests-remaining", "0"),
        ("anthropic-ratelimit-requests-reset", "2026-11-20T11:00:09Z"),
    ];
    assert_eq!(
        told(&lines),
        ["50 requests a minute, 0 left, back in 9000 ms"]
    );
}

#[test]
fn openai_tells_two_limits_and_durations() {
    let lines = [
        ("x-ratelimit-limit-requests", "60"),
        ("x-ratelimit-remaining-requests", "59"),
        ("x-ratelimit-reset-requests", "1s"),
        ("x-ratelimit-limit-tokens", "150000"),
        ("x-ratelimit-remaining-tokens", "149984"),
        ("x-ratelimit-reset-tokens", "6ms"),
    ];
    let expected = [
        "60 requests a minute, 59 left, back in 1000 ms",
        "150000 tokens a minute, 149984 left, back in 6 ms",
    ];
    assert_eq!(told(&lines), expected);
}

#[test]
fn every_duration_is_read() {
    let check = |text: &str, expected: &str| {
        let lines = [
            ("x-ratelimit-limit-tokens", "100"),
            ("x-ratelimit-reset-tokens", text),
        ];
        let expected = format!("100 tokens a minute, ? left, back in {expected} ms");
        assert_eq!(told(&lines), [expected]);
    };
    for (text, expected) in [
        ("6m0s", "360000"),
        ("1h2m3.5s", "3723500"),
        ("120ms", "120"),
        ("8.64s", "8640"),
        ("1d", "86400000"),
        ("17", "17000"),
        ("", "?"),
        ("soon", "?"),
        ("-3s", "?"),
        ("3 s", "?"),
        ("1e999s", "?"),
    ] {
        check(text, expected);
    }
}

#[test]
fn a_window_that_is_no_minute_shows_in_the_numbers() {
    let check = |amount: &str, left: &str, reset: &str, expected: &str| {
        let lines = [
            ("x-ratelimit-limit-requests", amount),
            ("x-ratelimit-remaining-requests", left),
            ("x-ratelimit-reset-requests", reset),
        ];
        assert!(told(&lines)[0].starts_with(expected), "{:?}", told(&lines));
    };
    check("14400", "14370", "2m59.56s", "14400 requests a day");
    check("1000", "900", "6m0s", "1000 requests an hour");
    check("1000", "900", "6s", "1000 requests a minute");
    // Too little was used to tell, and whole seconds are coarse.
    check("4000", "3999", "1s", "4000 requests a minute");
    check("14400", "14399", "6s", "14400 requests a minute");
}

#[test]
fn headers_that_are_none_tell_nothing() {
    for amount in ["", "0", "-1", "many", "1.5"] {
        let lines = [
            ("x-ratelimit-limit-requests", amount),
            ("x-ratelimit-remaining-requests", "1"),
        ];
        assert!(told(&lines).is_empty(), "{amount}");
    }
    assert!(told(&[("x-ratelimit-remaining-tokens", "7")]).is_empty());
}

#[test]
fn gemini_names_the_limit_in_its_refusal() {
    let violation = |id: &str, value: Value| json!({"quotaId": id, "quotaValue": value});
    let refusal = json!({"error": {"code": 429, "details": [
        {"@type": "type.googleapis.com/google.rpc.Help"},
        {"@type": "type.googleapis.com/google.rpc.QuotaFailure", "violations": [
            violation("GenerateRequestsPerMinutePerProjectPerModel-FreeTier", json!("15")),
            violation("GenerateContentInputTokensPerModelPerMinute-FreeTier", json!(250_000)),
            violation("GenerateRequestsPerDayPerProjectPerModel-FreeTier", json!("200")),
            violation("SomethingElsePerFortnight", json!("3")),
            violation("GenerateRequestsPerMinute", json!("0")),
        ]},
    ]}});
    let expected = [
        "15 requests a minute",
        "250000 input tokens a minute",
        "200 requests a day",
    ];
    assert_eq!(quotas(&refusal), expected);
    // A refused stream comes as a list.
    assert_eq!(quotas(&json!([refusal])), expected);
    for other in [
        Value::Null,
        json!("no"),
        json!([]),
        json!({"error": {"details": 7}}),
    ] {
        assert!(quotas(&other).is_empty());
    }
}
