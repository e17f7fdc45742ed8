//! Responses.

use serde_json::{Value, json};

use super::{Answered, Dialect, Request, Turn, openai, rules::Rules};

const FIELDS: [&str; 16] = [
    "model",
    "instructions",
    "input",
    "stream",
    "store",
    "temperature",
    "top_p",
    "max_output_tokens",
    "reasoning",
    "text",
    "include",
    "metadata",
    "prompt_cache_key",
    "safety_identifier",
    "service_tier",
    "truncation",
];

/// The creation time every answer carries; a real one would make answers differ.
const CREATED: u64 = 1_767_225_600;

/// The names of the answer and of its only message.
const RESPONSE: &str = "resp_standin";
const MESSAGE: &str = "msg_standin";

pub(super) fn read(rules: &mut Rules<'_>) -> Request {
    openai::check_key(rules);
    rules.json_content();
    rules.fields(&FIELDS);
    rules.temperature(2.0);
    let stream = rules.stream();
    let mut turns = instructions(rules);
    let spoken = rules.turns("input", &["user", "assistant"]);
    rules.take_turns(&spoken);
    turns.extend(spoken);
    check_options(rules);
    Request {
        dialect: Dialect::Responses,
        model: rules.model(),
        stream,
        include_usage: true,
        tokens_max: rules.tokens("max_output_tokens").unwrap_or_else(|| {
            rules.broken("no token limit is set: the answer's cost has no bound");
            1
        }),
        turns,
    }
}

fn instructions(rules: &mut Rules<'_>) -> Vec<Turn> {
    let Some(content) = rules.get("instructions") else {
        return Vec::new();
    };
    let text = rules.text("`instructions`", Some(content));
    vec![Turn {
        role: "system".to_owned(),
        text,
    }]
}

fn check_options(rules: &mut Rules<'_>) {
    if rules.get("store") != Some(&json!(false)) {
        rules.broken("`store` is not false: the vendor would keep the conversation");
    }
    if let Some(reasoning) = rules.get("reasoning")
        && !["low", "medium", "high"]
            .iter()
            .any(|effort| reasoning["effort"] == *effort)
    {
        rules.broken(format!("`reasoning` is {reasoning}"));
    }
    if let Some(text) = rules.get("text") {
        let format = &text["format"];
        let schema = format["type"] == "json_schema"
            && format["name"].is_string()
            && format["schema"].is_object();
        if !schema {
            rules.broken(format!("`text` is {text}"));
        }
    }
}

fn usage(answer: &Answered) -> Value {
    let used = answer.usage;
    json!({
        "input_tokens": used.input,
        "input_tokens_details": {"cached_tokens": used.cached_input},
        "output_tokens": used.output,
        "output_tokens_details": {"reasoning_tokens": 0},
        "total_tokens": used.input + used.output,
    })
}

fn status(answer: &Answered) -> &'static str {
    if answer.cut {
        "incomplete"
    } else {
        "completed"
    }
}

fn message(text: &str, status: &str) -> Value {
    json!({
        "id": MESSAGE,
        "type": "message",
        "status": status,
        "role": "assistant",
        "content": [{"type": "output_text", "annotations": [], "logprobs": [], "text": text}],
    })
}

/// The answer before anything of it is made.
fn begun(request: &Request) -> Value {
    json!({
        "id": RESPONSE,
        "object": "response",
        "created_at": CREATED,
        "status": "in_progress",
        "error": null,
        "incomplete_details": null,
        "max_output_tokens": request.tokens_max,
        "model": request.model,
        "output": [],
        "parallel_tool_calls": true,
        "store": false,
        "tool_choice": "auto",
        "tools": [],
        "usage": null,
    })
}

pub(super) fn whole(request: &Request, answer: &Answered) -> Value {
    let mut response = begun(request);
    response["status"] = json!(status(answer));
    response["output"] = json!([
        {"id": "rs_standin", "type": "reasoning", "summary": []},
        message(&answer.text, status(answer)),
    ]);
    if answer.cut {
        response["incomplete_details"] = json!({"reason": "max_output_tokens"});
    }
    if request.include_usage {
        response["usage"] = usage(answer);
    }
    response
}

pub(super) fn frames(request: &Request, answer: &Answered, pieces: &[&str]) -> Vec<String> {
    let mut events = vec![
        json!({"type": "response.created", "response": begun(request)}),
        json!({"type": "response.in_progress", "response": begun(request)}),
    ];
    let mut item = message("", "in_progress");
    item["content"] = json!([]);
    let at = |mut event: Value| {
        event["item_id"] = json!(MESSAGE);
        event["output_index"] = json!(0);
        event["content_index"] = json!(0);
        event
    };
    events.push(json!({"type": "response.output_item.added", "output_index": 0, "item": item}));
    let part = |text: &str| json!({"type": "output_text", "annotations": [], "text": text});
    events.push(at(
        json!({"type": "response.content_part.added", "part": part("")}),
    ));
    for piece in pieces {
        events.push(at(
            json!({"type": "response.output_text.delta", "delta": piece}),
        ));
    }
    events.push(at(
        json!({"type": "response.output_text.done", "text": answer.text}),
    ));
    events.push(at(
        json!({"type": "response.content_part.done", "part": part(&answer.text)}),
    ));
    let item = message(&answer.text, status(answer));
    events.push(json!({"type": "response.output_item.done", "output_index": 0, "item": item}));
    let end = format!("response.{}", status(answer));
    events.push(json!({"type": end, "response": whole(request, answer)}));
    let numbered = events.into_iter().enumerate();
    numbered
        .map(|(number, event)| frame(number, event))
        .collect()
}

fn frame(number: usize, mut event: Value) -> String {
    event["sequence_number"] = json!(number);
    let name = event["type"].as_str().unwrap_or_default();
    format!("event: {name}\ndata: {event}\n\n")
}
