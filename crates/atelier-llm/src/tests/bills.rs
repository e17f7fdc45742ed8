//! What each way of counting costs in every dialect: asked for by a build, and relayed from the
//! provider's own dialect and from another, whole and streamed, against a formula of the test's own.

use std::collections::BTreeMap;

use atelier_model::{Limits, MicroUsd};
use atelier_store::{Budgets, Ledger, Store};
use bytes::Bytes;
use futures_util::StreamExt;
use serde_json::{Value, json};

use crate::{
    Demand, Dialect, GatewayConfig, Incoming, PassedBody, PriceTable, Relay, Route,
    tests::{
        server::{Act, Server},
        world::{World, ask_of, config, limits, route},
    },
};

/// Most tokens of every answer.
const TOKENS_MAX: u64 = 4_000;

/// What the input of a question can cost at most, in dollars: none here has as many bytes.
const INPUT_DOLLARS_MAX: f64 = 0.05;

/// What an answer must cost.
#[derive(Clone, Copy)]
enum Bill {
    /// These tokens at these dollars for a million.
    Exact(&'static [(u32, f64)]),
    /// Nobody knows, so the most that it can have cost, with the answer at so many dollars.
    Worst(f64),
}

/// One way of counting.
struct Counted {
    name: &'static str,
    usage: Value,
    /// Whether the answer breaks off.
    is_aborted: bool,
    bill: Bill,
}

fn counted(name: &'static str, usage: Value, parts: &'static [(u32, f64)]) -> Counted {
    Counted {
        name,
        usage,
        is_aborted: false,
        bill: Bill::Exact(parts),
    }
}

/// Answers without counts, with half of them, and with counts but no end.
fn uncounted(usage: Value, input: &str, dollars: f64) -> [Counted; 3] {
    let bill = Bill::Worst(dollars);
    let half = json!({input: usage[input]});
    [
        ("missing", json!({}), false),
        ("half", half, false),
        ("aborted", usage, true),
    ]
    .map(|(name, usage, is_aborted)| Counted {
        name,
        usage,
        is_aborted,
        bill,
    })
}

/// A provider of a dialect, a model of its list, and the ways in which it counts.
struct Provider {
    name: &'static str,
    dialect: Dialect,
    model: &'static str,
    ways: Vec<Counted>,
}

fn chat() -> Provider {
    let usage = |cached: u64, written: u64, reasoning: u64| {
        json!({
            "prompt_tokens": 100_000, "completion_tokens": 30_000, "total_tokens": 130_000,
            "prompt_tokens_details": {"cached_tokens": cached, "cache_write_tokens": written},
            "completion_tokens_details": {"reasoning_tokens": reasoning},
        })
    };
    let mut ways = vec![
        counted("plain", usage(0, 0, 0), &[(100_000, 2.0), (30_000, 10.0)]),
        counted(
            "cached",
            usage(60_000, 0, 0),
            &[(40_000, 2.0), (60_000, 0.2), (30_000, 10.0)],
        ),
        counted(
            "written",
            usage(0, 30_000, 0),
            &[(70_000, 2.0), (30_000, 2.5), (30_000, 10.0)],
        ),
        counted(
            "reasoning",
            usage(0, 0, 25_000),
            &[(100_000, 2.0), (30_000, 10.0)],
        ),
    ];
    ways.extend(uncounted(usage(0, 0, 0), "prompt_tokens", 10.0));
    Provider {
        name: "openai",
        dialect: Dialect::Chat,
        model: "gpt-6-sol",
        ways,
    }
}

/// The cached tokens stand beside the details here.
fn deepseek() -> Provider {
    let usage = json!({
        "prompt_tokens": 100_000, "completion_tokens": 30_000,
        "prompt_cache_hit_tokens": 60_000, "prompt_cache_miss_tokens": 40_000,
    });
    let parts = &[(40_000, 0.14), (60_000, 0.0028), (30_000, 0.28)];
    Provider {
        name: "deepseek",
        dialect: Dialect::Chat,
        model: "deepseek-v4-flash",
        ways: vec![counted("cached", usage, parts)],
    }
}

/// The written tokens have a name of their own here.
fn requesty() -> Provider {
    let usage = json!({
        "prompt_tokens": 100_000, "completion_tokens": 30_000,
        "prompt_tokens_details": {"cached_tokens": 60_000, "caching_tokens": 30_000},
    });
    let parts = &[(10_000, 2.0), (60_000, 0.2), (30_000, 2.5), (30_000, 10.0)];
    Provider {
        name: "requesty",
        dialect: Dialect::Chat,
        model: "gpt-6-sol",
        ways: vec![counted("written", usage, parts)],
    }
}

fn responses() -> Provider {
    let usage = |cached: u64, written: u64, reasoning: u64| {
        json!({
            "input_tokens": 100_000, "output_tokens": 30_000, "total_tokens": 130_000,
            "input_tokens_details": {"cached_tokens": cached, "cache_write_tokens": written},
            "output_tokens_details": {"reasoning_tokens": reasoning},
        })
    };
    let mut ways = vec![
        counted("plain", usage(0, 0, 0), &[(100_000, 2.0), (30_000, 10.0)]),
        counted(
            "cached",
            usage(60_000, 0, 0),
            &[(40_000, 2.0), (60_000, 0.2), (30_000, 10.0)],
        ),
        counted(
            "written",
            usage(0, 30_000, 0),
            &[(70_000, 2.0), (30_000, 2.5), (30_000, 10.0)],
        ),
        counted(
            "reasoning",
            usage(0, 0, 25_000),
            &[(100_000, 2.0), (30_000, 10.0)],
        ),
    ];
    ways.extend(uncounted(usage(0, 0, 0), "input_tokens", 10.0));
    Provider {
        name: "responses",
        dialect: Dialect::Responses,
        model: "gpt-6-sol",
        ways,
    }
}

fn messages() -> Provider {
    let usage = |cached: u64, minutes: u64, hour: u64| {
        json!({
            "input_tokens": 10_000, "output_tokens": 30_000,
            "cache_read_input_tokens": cached, "cache_creation_input_tokens": minutes + hour,
            "cache_creation": {
                "ephemeral_5m_input_tokens": minutes, "ephemeral_1h_input_tokens": hour,
            },
        })
    };
    let mut ways = vec![
        counted("plain", usage(0, 0, 0), &[(10_000, 3.0), (30_000, 15.0)]),
        counted(
            "cached",
            usage(60_000, 0, 0),
            &[(10_000, 3.0), (60_000, 0.3), (30_000, 15.0)],
        ),
        counted(
            "written for minutes",
            usage(60_000, 30_000, 0),
            &[(10_000, 3.0), (60_000, 0.3), (30_000, 3.75), (30_000, 15.0)],
        ),
        counted(
            "written for an hour",
            usage(0, 0, 30_000),
            &[(10_000, 3.0), (30_000, 6.0), (30_000, 15.0)],
        ),
        counted(
            "written for both",
            usage(60_000, 20_000, 30_000),
            &[
                (10_000, 3.0),
                (60_000, 0.3),
                (20_000, 3.75),
                (30_000, 6.0),
                (30_000, 15.0),
            ],
        ),
    ];
    ways.extend(uncounted(usage(0, 0, 0), "input_tokens", 15.0));
    Provider {
        name: "anthropic",
        dialect: Dialect::Messages,
        model: "claude-sonnet-4-5",
        ways,
    }
}

fn gemini() -> Provider {
    let usage = |cached: u64, thoughts: u64| {
        json!({
            "promptTokenCount": 100_000, "cachedContentTokenCount": cached,
            "candidatesTokenCount": 5_000, "thoughtsTokenCount": thoughts,
            "totalTokenCount": 105_000 + thoughts,
        })
    };
    let mut ways = vec![
        counted("plain", usage(0, 0), &[(100_000, 1.25), (5_000, 10.0)]),
        counted(
            "cached",
            usage(60_000, 0),
            &[(40_000, 1.25), (60_000, 0.125), (5_000, 10.0)],
        ),
        counted(
            "reasoning",
            usage(0, 25_000),
            &[(100_000, 1.25), (30_000, 10.0)],
        ),
    ];
    ways.extend(uncounted(usage(0, 0), "promptTokenCount", 10.0));
    Provider {
        name: "gemini",
        dialect: Dialect::Gemini,
        model: "gemini-2.5-pro",
        ways,
    }
}

/// A whole answer with these counts.
fn document(dialect: Dialect, usage: &Value) -> Value {
    match dialect {
        Dialect::Chat | Dialect::Completions => json!({
            "id": "a", "object": "chat.completion",
            "choices": [{"index": 0, "message": {"role": "assistant", "content": "x"},
                "finish_reason": "stop"}],
            "usage": usage,
        }),
        Dialect::Responses => json!({
            "id": "a", "object": "response", "status": "completed", "usage": usage,
            "output": [{"type": "message", "role": "assistant",
                "content": [{"type": "output_text", "text": "x"}]}],
        }),
        Dialect::Messages => json!({
            "id": "a", "type": "message", "role": "assistant",
            "content": [{"type": "text", "text": "x"}], "stop_reason": "end_turn", "usage": usage,
        }),
        Dialect::Gemini => json!({
            "candidates": [{"content": {"role": "model", "parts": [{"text": "x"}]},
                "finishReason": "STOP"}],
            "usageMetadata": usage,
        }),
    }
}

/// The events of the same answer.
fn events(dialect: Dialect, usage: &Value) -> Vec<Value> {
    match dialect {
        Dialect::Chat | Dialect::Completions => vec![
            json!({"id": "a", "choices": [{"index": 0, "delta": {"content": "x"}}]}),
            json!({"id": "a", "choices": [{"index": 0, "delta": {}, "finish_reason": "stop"}]}),
            json!({"id": "a", "choices": [], "usage": usage}),
            Value::String("[DONE]".to_owned()),
        ],
        Dialect::Responses => vec![
            json!({"type": "response.created", "response": {"id": "a", "status": "in_progress"}}),
            json!({"type": "response.output_text.delta", "output_index": 0, "delta": "x"}),
            json!({"type": "response.completed", "response": document(dialect, usage)}),
        ],
        Dialect::Messages => {
            // The counts of the input come first, and how long it is kept nowhere else.
            let mut begun = usage.clone();
            let mut ended = usage.clone();
            if let (Some(begun), Some(ended)) = (begun.as_object_mut(), ended.as_object_mut()) {
                begun.insert("output_tokens".to_owned(), json!(1));
                ended.remove("cache_creation");
            }
            let is_counted = usage.get("input_tokens").is_some();
            let begun = if is_counted { begun } else { json!({}) };
            vec![
                json!({"type": "message_start", "message": {"id": "a", "content": [],
                    "stop_reason": null, "usage": begun}}),
                json!({"type": "content_block_start", "index": 0,
                    "content_block": {"type": "text", "text": ""}}),
                json!({"type": "content_block_delta", "index": 0,
                    "delta": {"type": "text_delta", "text": "x"}}),
                json!({"type": "content_block_stop", "index": 0}),
                json!({"type": "message_delta", "delta": {"stop_reason": "end_turn"},
                    "usage": ended}),
                json!({"type": "message_stop"}),
            ]
        }
        Dialect::Gemini => vec![
            json!({"candidates": [{"content": {"role": "model", "parts": [{"text": "x"}]}}]}),
            json!({"candidates": [{"content": {"role": "model", "parts": []},
                "finishReason": "STOP"}], "usageMetadata": usage}),
        ],
    }
}

/// What the provider sends.
fn sent(dialect: Dialect, way: &Counted, stream: bool) -> Act {
    if !stream {
        let body = document(dialect, &way.usage).to_string();
        let end = body.len() - usize::from(way.is_aborted) * 2;
        return Act::json(&body.as_bytes()[..end]);
    }
    let mut events = events(dialect, &way.usage);
    if way.is_aborted {
        // What comes up to the text, which in some dialects holds the first counts.
        let is_said = |event: &Value| event.to_string().contains("\"x\"");
        let said = events.iter().position(is_said).unwrap();
        events.truncate(said + 1);
    }
    let lines = events.iter().map(|event| {
        let word = event.as_str().map(str::to_owned);
        format!("data: {}\n\n", word.unwrap_or_else(|| event.to_string()))
    });
    Act::json(lines.collect::<String>())
}

/// A question in a dialect.
fn question(dialect: Dialect, number: usize) -> Value {
    let text = format!("question {number} in {}", dialect.name());
    let said = json!([{"role": "user", "content": text}]);
    match dialect {
        Dialect::Chat | Dialect::Completions | Dialect::Messages => {
            json!({"model": "code", "max_tokens": TOKENS_MAX, "messages": said})
        }
        Dialect::Responses => {
            json!({"model": "code", "max_output_tokens": TOKENS_MAX, "input": said})
        }
        Dialect::Gemini => json!({
            "contents": [{"role": "user", "parts": [{"text": text}]}],
            "generationConfig": {"maxOutputTokens": TOKENS_MAX},
        }),
    }
}

/// A provider behind a gateway, its model at the list price.
struct Shop {
    world: World,
    relay: Relay,
    ledger: Ledger,
}

impl Shop {
    async fn new(provider: &Provider, stream: bool, server: &Server) -> Self {
        let once = Limits {
            ask_tries_max: 1,
            ..limits()
        };
        let route = Route {
            model: provider.model.to_owned(),
            stream,
            ..route(provider.name, &server.url)
        };
        assert_eq!(route.tokens_max, TOKENS_MAX);
        let listed = GatewayConfig {
            prices: PriceTable::new(BTreeMap::new()),
            ..config(&route, once.clone())
        };
        let mut world = World::new(route, once).await;
        world.configure(listed.clone());
        let store = Store::open_in_memory().await.unwrap();
        let now = world.clock().now();
        let ledger = Ledger::open(&store, Budgets::default(), now).await.unwrap();
        let relay = Relay::new(&listed, ledger.clone(), world.clock(), world.ids());
        Self {
            relay: relay.unwrap(),
            world,
            ledger,
        }
    }

    /// What an ask of a build costs.
    async fn ask(&self, number: usize) -> MicroUsd {
        let before = self.world.cost().await.spent;
        let mut ask = ask_of(&self.world.run);
        ask.attempt = u32::try_from(number).unwrap() + 1;
        let _ = self.world.ask(&ask, None).await;
        self.world.cost().await.spent.saturating_sub(before)
    }

    /// What a request in a dialect costs.
    async fn pass(&self, dialect: Dialect, number: usize, stream: bool) -> MicroUsd {
        let before = self.ledger.taken();
        let mut body = question(dialect, number);
        let in_address = dialect == Dialect::Gemini;
        if !in_address {
            body["stream"] = json!(stream);
        }
        let passed = self
            .relay
            .pass(Incoming {
                dialect,
                demand: Demand::Answer,
                model: in_address.then(|| "code".to_owned()),
                stream: in_address.then_some(stream),
                headers: Vec::new(),
                body: Bytes::from(body.to_string()),
                cache: true,
                client: None,
            })
            .await;
        if let PassedBody::Stream(pieces) = passed.body {
            pieces.for_each(|_| async {}).await;
        }
        self.ledger.taken().saturating_sub(before)
    }
}

fn check(bill: Bill, cost: MicroUsd, what: &str) {
    let dollars = |tokens: f64, price: f64| tokens * price / 1e6;
    let paid = f64::from(u32::try_from(cost.0).unwrap()) / 1e6;
    match bill {
        Bill::Exact(parts) => {
            let exact: f64 = parts
                .iter()
                .map(|&(tokens, price)| dollars(f64::from(tokens), price))
                .sum();
            let off = (paid - exact).abs() / exact;
            assert!(off <= 0.001, "{what}: {paid} dollars, not {exact}");
        }
        Bill::Worst(price) => {
            let tokens = f64::from(u32::try_from(TOKENS_MAX).unwrap());
            let least = dollars(tokens, price);
            let most = least + INPUT_DOLLARS_MAX;
            assert!(
                least < paid && paid < most,
                "{what}: {paid} dollars, not between {least} and {most}"
            );
        }
    }
}

/// Has a provider count in every way, whole or streamed, before everyone who may ask.
async fn audit(provider: Provider, stream: bool) {
    let other = if provider.dialect == Dialect::Chat {
        Dialect::Messages
    } else {
        Dialect::Chat
    };
    let acts = |way| vec![sent(provider.dialect, way, stream); 3];
    let server = Server::start(provider.ways.iter().flat_map(acts).collect()).await;
    let shop = Shop::new(&provider, stream, &server).await;
    for (number, way) in provider.ways.iter().enumerate() {
        let what = |who: &str| {
            let Provider { name, .. } = provider;
            format!("{name}, {}, stream {stream}, {who}", way.name)
        };
        check(way.bill, shop.ask(number).await, &what("a build"));
        for dialect in [provider.dialect, other] {
            let cost = shop.pass(dialect, number, stream).await;
            check(way.bill, cost, &what(dialect.name()));
        }
    }
    assert_eq!(server.requests().len(), provider.ways.len() * 3);
}

#[tokio::test]
async fn chat_completions_cost_what_was_counted() {
    audit(chat(), false).await;
    audit(chat(), true).await;
    audit(deepseek(), false).await;
    audit(deepseek(), true).await;
    audit(requesty(), false).await;
    audit(requesty(), true).await;
}

#[tokio::test]
async fn responses_cost_what_was_counted() {
    audit(responses(), false).await;
    audit(responses(), true).await;
}

#[tokio::test]
async fn messages_cost_what_was_counted_and_how_long_they_are_kept() {
    audit(messages(), false).await;
    audit(messages(), true).await;
}

#[tokio::test]
async fn gemini_costs_what_was_counted() {
    audit(gemini(), false).await;
    audit(gemini(), true).await;
}

/// A prompt that may be kept for an hour is reserved, and where nobody counts charged, at the price
/// of that.
#[tokio::test]
async fn what_may_be_kept_for_an_hour_is_reserved_at_its_price() {
    let way = Counted {
        is_aborted: true,
        ..messages().ways.remove(0)
    };
    let provider = messages();
    let server = Server::start(vec![sent(provider.dialect, &way, false)]).await;
    let shop = Shop::new(&provider, false, &server).await;
    let pass = async |kept: Value| {
        let before = shop.ledger.taken();
        let mut body = question(Dialect::Messages, 0);
        body["system"] = json!([{"type": "text", "text": "x", "cache_control": kept}]);
        let body = body.to_string();
        let bytes = body.len();
        let incoming = Incoming {
            dialect: Dialect::Messages,
            demand: Demand::Answer,
            model: None,
            stream: None,
            headers: Vec::new(),
            body: Bytes::from(body),
            cache: false,
            client: None,
        };
        assert_eq!(shop.relay.pass(incoming).await.status, 502);
        (bytes, shop.ledger.taken().saturating_sub(before))
    };
    // Hundredths of a dollar for a million tokens of the prompt, of which each byte may be one. The
    // model's own name stands in the place of the one that was asked for.
    let price = |(bytes, cost): (usize, MicroUsd)| {
        let bytes = bytes - "code".len() + provider.model.len();
        let tokens = u64::try_from(bytes).unwrap() + 64;
        (cost.0 - TOKENS_MAX * 15) * 100 / tokens
    };
    let minutes = pass(json!({"type": "ephemeral"})).await;
    let hour = pass(json!({"type": "ephemeral", "ttl": "1h"})).await;
    assert_eq!((price(minutes), price(hour)), (375, 600));
}
