//! Prints what a request costs at the gates of its limits when nobody is in its way:
//! `cargo run --release -p atelier-llm --example admission`.
#![expect(
    dead_code,
    unreachable_pub,
    clippy::print_stdout,
    clippy::disallowed_methods,
    reason = "it measures a part of the crate that nobody outside sees, and prints the figures"
)]

/// The pure part of the limits, as the crate has it.
#[path = "../src/limit"]
mod limit {
    pub(crate) mod contract;
    pub(crate) mod gate;
    pub(crate) mod measure;
    pub(crate) mod meter;
    pub(crate) mod rate;
    pub(crate) mod told;
    pub(crate) mod turnstile;
    pub(crate) mod weights;
}

use std::time::{Duration, Instant};

use atelier_model::{Digest, Timestamp, Usage};
use reqwest::header::{HeaderMap, HeaderName, HeaderValue};

use crate::limit::{
    contract::Contract,
    gate::Ending,
    rate::Rate,
    told,
    turnstile::{Approach, Entry, Turnstile},
    weights::Load,
};

const REQUESTS: u32 = 200_000;

/// Far more than is asked for, so that nobody waits.
const PLENTY: u64 = 1_000_000_000;

fn main() {
    let rate = Rate {
        requests_per_minute: Some(PLENTY),
        tokens_per_minute: Some(PLENTY * 1_000),
        ..Rate::default()
    };
    measure("told by headers", Contract::OpenAi, None);
    measure(
        "told by headers, and one line of [rates]",
        Contract::OpenAi,
        Some(&rate),
    );
    measure("one line of [rates]", Contract::Gemini, Some(&rate));
}

fn measure(what: &str, contract: Contract, rate: Option<&Rate>) {
    let mut turnstile = Turnstile::default();
    let headers = headers(contract);
    let load = Load {
        bytes: 4_000,
        tokens_max: Some(1_000),
    };
    let usage = Usage {
        input: 1_000,
        output: 300,
        ..Usage::default()
    };
    let mut spent = [Duration::ZERO; 3];
    for number in 0..REQUESTS {
        let now = Timestamp::from_millis(1_790_000_000_000 + i64::from(number / 12));
        let begun = Instant::now();
        let key = Digest::of("sk-0123456789abcdef0123456789abcdef");
        let target = [b"openai/gpt-5-mini\0".as_slice(), key.as_bytes()].concat();
        let approach = Approach {
            target: Digest::of(target),
            contract,
            trial: false,
            label: ("openai", "gpt-5-mini"),
            rates: rate.map(|rate| (key, "openai", rate)).into_iter().collect(),
        };
        let Entry::Go(ticket) = turnstile.enter(&approach, load, None, 0, now) else {
            println!("{what}: somebody waits");
            return;
        };
        spent[0] += begun.elapsed();
        let begun = Instant::now();
        turnstile.hear(&ticket, &told::of_headers(&headers, now), now);
        spent[1] += begun.elapsed();
        let begun = Instant::now();
        turnstile.end(&ticket, &Ending::Answered(usage), now);
        spent[2] += begun.elapsed();
    }
    let [enter, hear, end] = spent.map(|spent| (spent / REQUESTS).as_nanos());
    println!("{what}: admission {enter} ns, headers {hear} ns, end {end} ns");
}

fn headers(contract: Contract) -> HeaderMap {
    let lines = [
        ("x-ratelimit-limit-requests", "1000000000"),
        ("x-ratelimit-remaining-requests", "999999999"),
        ("x-ratelimit-reset-requests", "6ms"),
        ("x-ratelimit-limit-tokens", "1000000000000"),
        ("x-ratelimit-remaining-tokens", "999999999000"),
        ("x-ratelimit-reset-tokens", "6ms"),
    ];
    let told = lines.into_iter().filter(|_| contract.tells());
    told.map(|(name, value)| {
        let value = HeaderValue::from_static(value);
        (HeaderName::from_static(name), value)
    })
    .collect()
}
