//! Messages.

use serde_json::{Value, json};

use super::{Answered, Dialect, Refusal, Request, Turn, rules::Rules};

const FIELDS: [&str; 12] = [
    "model",
    "messages",
    "system",
    "max_tokens",
    "stream",
    "temperature",
    "top_p",
    "top_k",
    "stop_sequences",
    "metadata",
    "thinking",
    "output_config",
];

pub(super) fn check_key(rules: &mut Rules<'_>) {
    if rules.header("x-api-key").trim().is_empty() {
        rules.broken("the header `x-api-key` is missing");
    }
    if rules.header("anthropic-version") != "2023-06-01" {
        rules.broken("the header `anthropic-version: 2023-06-01` is missing");
    }
    for other in ["authorization", "x-goog-api-key"] {
        if !rules.header(other).is_empty() {
            rules.broken(format!("the header `{other}` belongs to another dialect"));
        }
    }
}

pub(super) fn read(rules: &mut Rules<'_>) -> Request {
    check_key(rules);
    rules.json_content();
    rules.fields(&FIELDS);
    rules.temperature(1.0);
    let stream = rules.stream();
    let mut turns = system(rules);
    let spoken = rules.turns("messages", &["user", "assistant"]);
    rules.take_turns(&spoken);
    turns.extend(spoken);
    check_thinking(rules);
    check_marks(rules);
    Request {
        dialect: Dialect::Anthropic,
        model: rules.model(),
        stream,
        include_usage: true,
        tokens_max: tokens_max(rules),
        turns,
    }
}

fn system(rules: &mut Rules<'_>) -> Vec<Turn> {
    let Some(content) = rules.get("system") else {
        return Vec::new();
    };
    let text = rules.text("`system`", Some(content));
    vec![Turn {
        role: "system".to_owned(),
        text,
    }]
}

/// A model that thinks chooses its own temperature, and leaves room for its answer.
fn check_thinking(rules: &mut Rules<'_>) {
    let Some(thinking) = rules.get("thinking") else {
        return;
    };
    if rules.get("temperature").is_some() {
        rules.broken("`temperature` beside `thinking`");
    }
    let budget = thinking["budget_tokens"].as_u64();
    let most = rules.get("max_tokens").and_then(Value::as_u64).unwrap_or(0);
    let fits = match thinking["type"].as_str() {
        Some("adaptive") => budget.is_none(),
        Some("enabled") => budget.is_some_and(|budget| (1_024..most).contains(&budget)),
        _ => false,
    };
    if !fits {
        rules.broken(format!("`thinking` is {thinking}"));
    }
}

/// Marks of the prompt cache that one request may hold.
const MARKS_MAX: usize = 4;

fn check_marks(rules: &mut Rules<'_>) {
    let messages = rules.get("messages").and_then(Value::as_array);
    let contents = messages.into_iter().flatten().map(|one| &one["content"]);
    let contents = contents.chain(rules.get("system"));
    let parts = contents.filter_map(Value::as_array).flatten();
    let marks: Vec<&Value> = parts.filter_map(|part| part.get("cache_control")).collect();
    if marks.len() > MARKS_MAX {
        rules.broken(format!("{} marks for the prompt cache", marks.len()));
    }
    for mark in marks.iter().filter(|mark| mark["type"] != "ephemeral") {
        rules.broken(format!("`cache_control` is {mark}"));
    }
}

fn tokens_max(rules: &mut Rules<'_>) -> u64 {
    if rules.get("max_tokens").is_none() {
        rules.broken("`max_tokens` is missing");
    }
    rules.tokens("max_tokens").unwrap_or(1)
}

fn stop_reason(answer: &Answered) -> &'static str {
    if answer.cut { "max_tokens" } else { "end_turn" }
}

/// Input tokens here are those that were neither read from the prompt cache nor written to it.
fn usage(answer: &Answered, output: u64) -> Value {
    let used = answer.usage;
    json!({
        "input_tokens": used.input - used.cached_input - used.cache_write,
        "cache_creation_input_tokens": used.cache_write,
        "cache_read_input_tokens": used.cached_input,
        "output_tokens": output,
    })
}

pub(super) fn whole(request: &Request, answer: &Answered) -> Value {
    json!({
        "id": "msg_standin",
        "type": "message",
        "role": "assistant",
        "model": request.model,
        "content": [{"type": "text", "text": answer.text}],
        "stop_reason": stop_reason(answer),
        "stop_sequence": null,
        "usage": usage(answer, answer.usage.output),
    })
}

pub(super) fn frames(request: &Request, answer: &Answered, pieces: &[&str]) -> Vec<String> {
    let message = json!({
        "id": "msg_standin",
        "type": "message",
        "role": "assistant",
        "model": request.model,
        "content": [],
        "stop_reason": null,
        "stop_sequence": null,
        "usage": usage(answer, answer.usage.output.min(1)),
    });
    let block = json!({"type": "text", "text": ""});
    let mut frames = vec![
        frame(&json!({"type": "message_start", "message": message})),
        frame(&json!({"type": "content_block_start", "index": 0, "content_block": block})),
        frame(&json!({"type": "ping"})),
    ];
    for piece in pieces {
        let delta = json!({"type": "text_delta", "text": piece});
        frames.push(frame(
            &json!({"type": "content_block_delta", "index": 0, "delta": delta}),
        ));
    }
    frames.push(frame(&json!({"type": "content_block_stop", "index": 0})));
    frames.push(frame(&json!({
        "type": "message_delta",
        "delta": {"stop_reason": stop_reason(answer), "stop_sequence": null},
        "usage": {"output_tokens": answer.usage.output},
    })));
    frames.push(frame(&json!({"type": "message_stop"})));
    frames
}

fn frame(event: &Value) -> String {
    let name = event["type"].as_str().unwrap_or_default();
    format!("event: {name}\ndata: {event}\n\n")
}

pub(super) fn refusal(refusal: Refusal, message: &str) -> Value {
    let kind = match refusal {
        Refusal::BadRequest => "invalid_request_error",
        Refusal::Unauthorized => "authentication_error",
        Refusal::RateLimited => "rate_limit_error",
        Refusal::ServerError => "api_error",
        Refusal::Overloaded => "overloaded_error",
    };
    json!({
        "type": "error",
        "error": {"type": kind, "message": message},
        "request_id": "req_standin",
    })
}

pub(super) fn models(names: &[&str]) -> Value {
    let model = |name: &&str| {
        json!({
            "type": "model",
            "id": name,
            "display_name": name,
            "created_at": "2026-01-01T00:00:00Z",
        })
    };
    json!({
        "data": names.iter().map(model).collect::<Vec<_>>(),
        "has_more": false,
        "first_id": names.first(),
        "last_id": names.last(),
    })
}
