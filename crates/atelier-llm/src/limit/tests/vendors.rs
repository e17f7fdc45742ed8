//! Stand-ins that count as the vendors say they do, and refuse what is too much.

use atelier_model::{Timestamp, Usage};
use reqwest::header::{HeaderMap, HeaderName, HeaderValue};
use serde_json::{Value, json};

const MINUTE_MS: i64 = 60_000;

/// When the simulated time begins.
pub(super) const START_MS: i64 = 1_790_000_000_000;

/// A request with what only its sender or only the vendor knows.
#[derive(Debug, Clone, Copy)]
pub(super) struct Request {
    pub(super) bytes: u64,
    pub(super) tokens_max: u64,
    pub(super) usage: Usage,
    /// Milliseconds on the way to the vendor, until the answer begins, and until it ends.
    pub(super) there_ms: i64,
    pub(super) begin_ms: i64,
    pub(super) end_ms: i64,
}

/// What a vendor answers first.
pub(super) struct Begun {
    pub(super) is_refused: bool,
    pub(super) headers: HeaderMap,
    pub(super) body: Value,
}

/// A vendor that counts.
pub(super) trait Vendor {
    /// Milliseconds until the request would be let in.
    fn wait_ms(&mut self, request: &Request, now: i64) -> i64;

    /// Milliseconds until the request is within what the limits allow over time. Without more, it
    /// is as soon as it would be let in.
    fn fair_wait_ms(&mut self, request: &Request, now: i64) -> i64 {
        self.wait_ms(request, now)
    }

    /// A request arrives.
    fn arrive(&mut self, request: &Request, now: i64) -> Begun;

    /// Another program uses up so many requests and tokens.
    fn use_up(&mut self, requests: i64, tokens: i64, now: i64);
}

/// A bucket in shares of a minute.
#[derive(Debug, Clone)]
struct Bucket {
    limit: i64,
    shares: i64,
    at: i64,
}

impl Bucket {
    fn new(limit: i64) -> Self {
        Self {
            limit,
            shares: limit * MINUTE_MS,
            at: START_MS,
        }
    }

    fn renew(&mut self, now: i64) {
        let back = self.limit * (now - self.at);
        self.shares = (self.shares + back).min(self.limit * MINUTE_MS);
        self.at = now;
    }

    fn take(&mut self, amount: i64) {
        self.shares -= amount * MINUTE_MS;
    }

    fn wait_ms(&self, amount: i64) -> i64 {
        let missing = amount * MINUTE_MS - self.shares;
        if missing <= 0 {
            0
        } else {
            (missing + self.limit - 1) / self.limit
        }
    }

    fn left(&self) -> i64 {
        self.shares.max(0) / MINUTE_MS
    }

    fn reset_ms(&self) -> i64 {
        (self.limit * MINUTE_MS - self.shares) / self.limit
    }
}

fn put(headers: &mut HeaderMap, name: &'static str, value: &str) {
    let name = HeaderName::from_static(name);
    headers.insert(name, HeaderValue::from_str(value).unwrap());
}

fn signed(count: u64) -> i64 {
    i64::try_from(count).unwrap()
}

/// Requests, input and output apart; output is counted while it is written.
pub(super) struct Anthropic {
    requests: Bucket,
    input: Bucket,
    output: Bucket,
    /// Answers under way: from when to when, how many tokens, how many of them counted.
    writing: Vec<(i64, i64, i64, i64)>,
}

impl Anthropic {
    pub(super) fn new(requests: i64, input: i64, output: i64) -> Self {
        Self {
            requests: Bucket::new(requests),
            input: Bucket::new(input),
            output: Bucket::new(output),
            writing: Vec::new(),
        }
    }

    fn renew(&mut self, now: i64) {
        self.requests.renew(now);
        self.input.renew(now);
        self.output.renew(now);
        for (from, to, all, counted) in &mut self.writing {
            let written = *all * (now - *from).clamp(0, *to - *from) / (*to - *from).max(1);
            self.output.take(written - *counted);
            *counted = written;
        }
        self.writing.retain(|(_, to, _, _)| now < *to);
    }

    fn headers(&self, now: i64) -> HeaderMap {
        let mut headers = HeaderMap::new();
        let rounded = |left: i64| (left + 500) / 1_000 * 1_000;
        let reset = |bucket: &Bucket| {
            let at = now + bucket.reset_ms() + 999;
            Timestamp::from_millis(at / 1_000 * 1_000).to_string()
        };
        let lines = [
            (
                "anthropic-ratelimit-requests-limit",
                self.requests.limit.to_string(),
            ),
            (
                "anthropic-ratelimit-requests-remaining",
                self.requests.left().to_string(),
            ),
            ("anthropic-ratelimit-requests-reset", reset(&self.requests)),
            (
                "anthropic-ratelimit-input-tokens-limit",
                self.input.limit.to_string(),
            ),
            (
                "anthropic-ratelimit-input-tokens-remaining",
                rounded(self.input.left()).to_string(),
            ),
            ("anthropic-ratelimit-input-tokens-reset", reset(&self.input)),
            (
                "anthropic-ratelimit-output-tokens-limit",
                self.output.limit.to_string(),
            ),
            (
                "anthropic-ratelimit-output-tokens-remaining",
                rounded(self.output.left()).to_string(),
            ),
            (
                "anthropic-ratelimit-output-tokens-reset",
                reset(&self.output),
            ),
        ];
        for (name, value) in lines {
            put(&mut headers, name, &value);
        }
        headers
    }
}

impl Vendor for Anthropic {
    fn wait_ms(&mut self, request: &Request, now: i64) -> i64 {
        self.renew(now);
        let fresh = signed(request.usage.input - request.usage.cached_input);
        let waits = [
            self.requests.wait_ms(1),
            self.input.wait_ms(fresh),
            self.output.wait_ms(1),
        ];
        waits.into_iter().max().unwrap()
    }

    /// Whoever is let in writes on when nothing is left, so that those who come together are let in
    /// together, whatever they will write. What is allowed over time is what will be written.
    fn fair_wait_ms(&mut self, request: &Request, now: i64) -> i64 {
        let wait_ms = self.wait_ms(request, now);
        let to_come = self
            .writing
            .iter()
            .map(|(_, _, all, counted)| all - counted);
        let to_come = to_come.sum::<i64>() + signed(request.usage.output);
        wait_ms.max(self.output.wait_ms(to_come))
    }

    fn arrive(&mut self, request: &Request, now: i64) -> Begun {
        let wait_ms = self.wait_ms(request, now);
        if wait_ms > 0 {
            let mut headers = self.headers(now);
            put(
                &mut headers,
                "retry-after",
                &((wait_ms + 999) / 1_000).to_string(),
            );
            let body = json!({"type": "error", "error": {"type": "rate_limit_error"}});
            return Begun {
                is_refused: true,
                headers,
                body,
            };
        }
        self.requests.take(1);
        self.input
            .take(signed(request.usage.input - request.usage.cached_input));
        let (from, to) = (now + request.begin_ms, now + request.end_ms);
        self.writing
            .push((from, to, signed(request.usage.output), 0));
        Begun {
            is_refused: false,
            headers: self.headers(now),
            body: Value::Null,
        }
    }

    fn use_up(&mut self, requests: i64, tokens: i64, now: i64) {
        self.renew(now);
        self.requests.take(requests);
        self.input.take(tokens);
    }
}

/// Requests and tokens; the limit of an answer is counted, and so is every refused request.
pub(super) struct OpenAi {
    requests: Bucket,
    tokens: Bucket,
}

impl OpenAi {
    pub(super) fn new(requests: i64, tokens: i64) -> Self {
        Self {
            requests: Bucket::new(requests),
            tokens: Bucket::new(tokens),
        }
    }

    fn counted(request: &Request) -> i64 {
        signed(request.bytes.div_ceil(4) + request.tokens_max)
    }

    fn headers(&self) -> HeaderMap {
        let mut headers = HeaderMap::new();
        let reset = |bucket: &Bucket| {
            let (minutes, rest) = (bucket.reset_ms() / 60_000, bucket.reset_ms() % 60_000);
            match (minutes, rest) {
                (0, ..1_000) => format!("{rest}ms"),
                (0, _) => format!("{}.{:03}s", rest / 1_000, rest % 1_000),
                _ => format!("{minutes}m{}s", rest / 1_000),
            }
        };
        let lines = [
            (
                "x-ratelimit-limit-requests",
                self.requests.limit.to_string(),
            ),
            (
                "x-ratelimit-remaining-requests",
                self.requests.left().to_string(),
            ),
            ("x-ratelimit-reset-requests", reset(&self.requests)),
            ("x-ratelimit-limit-tokens", self.tokens.limit.to_string()),
            (
                "x-ratelimit-remaining-tokens",
                self.tokens.left().to_string(),
            ),
            ("x-ratelimit-reset-tokens", reset(&self.tokens)),
        ];
        for (name, value) in lines {
            put(&mut headers, name, &value);
        }
        headers
    }
}

impl Vendor for OpenAi {
    fn wait_ms(&mut self, request: &Request, now: i64) -> i64 {
        self.requests.renew(now);
        self.tokens.renew(now);
        self.requests
            .wait_ms(1)
            .max(self.tokens.wait_ms(Self::counted(request)))
    }

    fn arrive(&mut self, request: &Request, now: i64) -> Begun {
        let wait_ms = self.wait_ms(request, now);
        self.requests.take(1);
        if wait_ms > 0 {
            let mut headers = self.headers();
            put(
                &mut headers,
                "retry-after",
                &((wait_ms + 999) / 1_000).to_string(),
            );
            let body = json!({"error": {"code": "rate_limit_exceeded"}});
            return Begun {
                is_refused: true,
                headers,
                body,
            };
        }
        self.tokens.take(Self::counted(request));
        Begun {
            is_refused: false,
            headers: self.headers(),
            body: Value::Null,
        }
    }

    fn use_up(&mut self, requests: i64, tokens: i64, now: i64) {
        self.requests.renew(now);
        self.tokens.renew(now);
        self.requests.take(requests);
        self.tokens.take(tokens);
    }
}

/// Requests and input tokens in whole minutes, and not a word of it before it is too much.
pub(super) struct Gemini {
    requests: i64,
    tokens: i64,
    /// Milliseconds by which its minutes begin later than those of the clock.
    offset_ms: i64,
    minute: i64,
    used: (i64, i64),
}

impl Gemini {
    pub(super) fn new(requests: i64, tokens: i64, offset_ms: i64) -> Self {
        Self {
            requests,
            tokens,
            offset_ms,
            minute: 0,
            used: (0, 0),
        }
    }

    fn renew(&mut self, now: i64) {
        let minute = (now - self.offset_ms) / MINUTE_MS;
        if minute != self.minute {
            self.minute = minute;
            self.used = (0, 0);
        }
    }
}

impl Vendor for Gemini {
    fn wait_ms(&mut self, request: &Request, now: i64) -> i64 {
        self.renew(now);
        let (requests, tokens) = self.used;
        let fits = requests < self.requests && tokens + signed(request.usage.input) <= self.tokens;
        if fits {
            0
        } else {
            (self.minute + 1) * MINUTE_MS + self.offset_ms - now
        }
    }

    fn arrive(&mut self, request: &Request, now: i64) -> Begun {
        let wait_ms = self.wait_ms(request, now);
        let headers = HeaderMap::new();
        if wait_ms == 0 {
            self.used.0 += 1;
            self.used.1 += signed(request.usage.input);
            return Begun {
                is_refused: false,
                headers,
                body: Value::Null,
            };
        }
        let id = "GenerateRequestsPerMinutePerProjectPerModel-FreeTier";
        let violation = json!({"quotaId": id, "quotaValue": self.requests.to_string()});
        let quota = json!({
            "@type": "type.googleapis.com/google.rpc.QuotaFailure", "violations": [violation],
        });
        let retry = json!({
            "@type": "type.googleapis.com/google.rpc.RetryInfo",
            "retryDelay": format!("{}.{:03}s", wait_ms / 1_000, wait_ms % 1_000),
        });
        let body = json!({"error": {
            "code": 429, "status": "RESOURCE_EXHAUSTED", "details": [quota, retry],
        }});
        Begun {
            is_refused: true,
            headers,
            body,
        }
    }

    fn use_up(&mut self, requests: i64, tokens: i64, now: i64) {
        self.renew(now);
        self.used.0 += requests;
        self.used.1 += tokens;
    }
}
