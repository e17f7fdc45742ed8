//! What an answer costs, by the list prices and by what each dialect means with its counts.

use std::collections::BTreeMap;

use atelier_model::MicroUsd;
use serde_json::{Value, json};

use crate::{
    GatewayConfig, PriceTable, Route,
    tests::{
        server::{Act, Server},
        world::{World, ask_of, config, limits, route},
    },
};

/// What an ask costs whose answer counts so, with a model at its list price.
async fn cost(provider: &str, model: &str, body: &Value) -> MicroUsd {
    let server = Server::start(vec![Act::json(body.to_string())]).await;
    let route = Route {
        model: model.to_owned(),
        stream: false,
        ..route(provider, &server.url)
    };
    let listed = GatewayConfig {
        prices: PriceTable::new(BTreeMap::new()),
        ..config(&route, limits())
    };
    let mut world = World::new(route, limits()).await;
    world.configure(listed);
    let reply = world.ask(&ask_of(&world.run), None).await.unwrap();
    assert_eq!(world.cost().await.spent, reply.cost);
    reply.cost
}

/// Micro-dollars of tokens at prices in hundredths of a cent for a million, rounded up once.
fn paid(parts: &[(u64, u64)]) -> MicroUsd {
    let exact: u64 = parts.iter().map(|&(tokens, price)| tokens * price).sum();
    MicroUsd(exact.div_ceil(10_000))
}

fn chat(usage: &Value) -> Value {
    json!({"choices": [{"message": {"content": "x"}, "finish_reason": "stop"}], "usage": usage})
}

fn response(usage: &Value) -> Value {
    let content = json!([{"type": "output_text", "text": "x"}]);
    json!({
        "status": "completed", "output": [{"type": "message", "content": content}], "usage": usage,
    })
}

fn message(usage: &Value) -> Value {
    let content = json!([{"type": "text", "text": "x"}]);
    json!({"content": content, "stop_reason": "end_turn", "usage": usage})
}

fn generated(usage: &Value) -> Value {
    let content = json!({"parts": [{"text": "x"}]});
    json!({"candidates": [{"content": content, "finishReason": "STOP"}], "usageMetadata": usage})
}

#[tokio::test]
async fn chat_completions_count_cached_and_reasoning_inside() {
    let usage = json!({
        "prompt_tokens": 100_000, "completion_tokens": 30_000, "total_tokens": 130_000,
        "prompt_tokens_details": {"cached_tokens": 60_000},
        "completion_tokens_details": {"reasoning_tokens": 25_000},
    });
    let paid = paid(&[(40_000, 12_500), (60_000, 1_250), (30_000, 100_000)]);
    assert_eq!(cost("openai", "gpt-5", &chat(&usage)).await, paid);
}

#[tokio::test]
async fn chat_completions_count_what_is_written_to_the_cache_inside() {
    let usage = json!({
        "prompt_tokens": 100_001, "completion_tokens": 7,
        "prompt_tokens_details": {"cached_tokens": 60_000, "cache_write_tokens": 30_000},
    });
    let paid = paid(&[
        (10_001, 20_000),
        (60_000, 2_000),
        (30_000, 25_000),
        (7, 100_000),
    ]);
    assert_eq!(cost("openai", "gpt-6-sol", &chat(&usage)).await, paid);
}

#[tokio::test]
async fn responses_count_as_chat_completions_do() {
    let usage = json!({
        "input_tokens": 100_000, "output_tokens": 30_000, "total_tokens": 130_000,
        "input_tokens_details": {"cached_tokens": 60_000, "cache_write_tokens": 30_000},
        "output_tokens_details": {"reasoning_tokens": 25_000},
    });
    let paid = paid(&[
        (10_000, 20_000),
        (60_000, 2_000),
        (30_000, 25_000),
        (30_000, 100_000),
    ]);
    assert_eq!(
        cost("responses", "gpt-6-sol", &response(&usage)).await,
        paid
    );
}

#[tokio::test]
async fn messages_count_cached_and_written_beside_the_rest() {
    let usage = json!({
        "input_tokens": 10_000, "cache_read_input_tokens": 60_000,
        "cache_creation_input_tokens": 30_000, "output_tokens": 30_000,
    });
    let paid = paid(&[
        (10_000, 50_000),
        (60_000, 5_000),
        (30_000, 62_500),
        (30_000, 250_000),
    ]);
    assert_eq!(
        cost("anthropic", "claude-opus-4-6", &message(&usage)).await,
        paid
    );
}

#[tokio::test]
async fn gemini_counts_cached_inside_and_thoughts_beside() {
    let usage = json!({
        "promptTokenCount": 100_000, "cachedContentTokenCount": 60_000,
        "candidatesTokenCount": 5_000, "thoughtsTokenCount": 25_000, "totalTokenCount": 130_000,
    });
    let paid = paid(&[(40_000, 12_500), (60_000, 1_250), (30_000, 100_000)]);
    assert_eq!(
        cost("gemini", "gemini-2.5-pro", &generated(&usage)).await,
        paid
    );
}

#[tokio::test]
async fn deepseek_counts_cache_hits_beside_the_details() {
    let usage = json!({
        "prompt_tokens": 100_000, "completion_tokens": 30_000,
        "prompt_cache_hit_tokens": 60_000, "prompt_cache_miss_tokens": 40_000,
    });
    let paid = paid(&[(40_000, 1_400), (60_000, 28), (30_000, 2_800)]);
    assert_eq!(
        cost("deepseek", "deepseek-v4-flash", &chat(&usage)).await,
        paid
    );
}

#[tokio::test]
async fn an_answer_that_nobody_counted_costs_its_reservation() {
    let bodies = [
        ("openai", "gpt-5", chat(&Value::Null)),
        ("responses", "gpt-5", response(&Value::Null)),
        ("gemini", "gemini-2.5-pro", generated(&json!({}))),
    ];
    for (provider, model, body) in bodies {
        // Both models cost the same, and each answer may have 4,000 tokens.
        let cost = cost(provider, model, &body).await;
        assert!(cost > paid(&[(4_000, 100_000)]), "{provider}: {cost}");
        assert!(
            cost < paid(&[(4_000, 100_000), (1_000, 12_500)]),
            "{provider}: {cost}"
        );
    }
}
