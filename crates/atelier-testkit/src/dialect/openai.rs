//! Chat completions.

use serde_json::{Value, json};

use super::{Answered, Dialect, Refusal, Request, Turn, rules::Rules};

const FIELDS: [&str; 14] = [
    "model",
    "messages",
    "stream",
    "stream_options",
    "temperature",
    "top_p",
    "max_tokens",
    "max_completion_tokens",
    "response_format",
    "seed",
    "stop",
    "n",
    "user",
    "reasoning_effort",
];

/// The creation time every answer carries; a real one would make answers differ.
const CREATED: u64 = 1_767_225_600;

pub(super) fn check_key(rules: &mut Rules<'_>) {
    let key = rules.header("authorization").strip_prefix("Bearer ");
    if key.is_none_or(|key| key.trim().is_empty()) {
        rules.broken("the header `authorization: Bearer KEY` is missing");
    }
    for other in ["x-api-key", "x-goog-api-key"] {
        if !rules.header(other).is_empty() {
            rules.broken(format!("the header `{other}` belongs to another dialect"));
        }
    }
}

pub(super) fn read(rules: &mut Rules<'_>) -> Request {
    check_key(rules);
    rules.json_content();
    rules.fields(&FIELDS);
    rules.temperature(2.0);
    let stream = rules.stream();
    let turns: Vec<_> = rules
        .turns("messages", &["system", "developer", "user", "assistant"])
        .into_iter()
        .map(as_system)
        .collect();
    rules.take_turns(&turns);
    check_system(rules, &turns);
    check_options(rules, stream);
    Request {
        dialect: Dialect::OpenAi,
        model: rules.model(),
        stream,
        include_usage: include_usage(rules),
        tokens_max: tokens_max(rules),
        turns,
    }
}

fn as_system(turn: Turn) -> Turn {
    let role = match turn.role.as_str() {
        "developer" => "system".to_owned(),
        _ => turn.role,
    };
    Turn { role, ..turn }
}

fn check_system(rules: &mut Rules<'_>, turns: &[Turn]) {
    let spoken = turns.iter().position(|turn| turn.role != "system");
    let rest = &turns[spoken.unwrap_or(turns.len())..];
    if rest.iter().any(|turn| turn.role == "system") {
        rules.broken("a system message stands after the conversation began");
    }
}

fn check_options(rules: &mut Rules<'_>, stream: bool) {
    if let Some(options) = rules.get("stream_options") {
        if !stream {
            rules.broken("`stream_options` without `stream`");
        }
        let known = options.as_object().is_some_and(|all| {
            all.iter()
                .all(|(key, value)| key == "include_usage" && value.is_boolean())
        });
        if !known {
            rules.broken(format!("`stream_options` is {options}"));
        }
    }
    if let Some(format) = rules.get("response_format") {
        let schema = format["type"] == "json_schema"
            && format["json_schema"]["name"].is_string()
            && format["json_schema"]["schema"].is_object();
        let plain = format["type"] == "json_object" || format["type"] == "text";
        if !schema && !plain {
            rules.broken(format!("`response_format` is {format}"));
        }
    }
    if rules.get("n").is_some_and(|n| *n != json!(1)) {
        rules.broken("`n` is not 1");
    }
}

fn include_usage(rules: &Rules<'_>) -> bool {
    let options = rules.get("stream_options");
    options.is_some_and(|options| options["include_usage"] == json!(true))
}

fn tokens_max(rules: &mut Rules<'_>) -> u64 {
    let new = rules.tokens("max_completion_tokens");
    let old = rules.tokens("max_tokens");
    if new.is_some() && old.is_some() {
        rules.broken("both `max_tokens` and `max_completion_tokens` are set");
    }
    new.or(old).unwrap_or_else(|| {
        rules.broken("no token limit is set: the answer's cost has no bound");
        1
    })
}

fn finish_reason(answer: &Answered) -> &'static str {
    if answer.cut { "length" } else { "stop" }
}

fn usage(answer: &Answered) -> Value {
    let used = answer.usage;
    json!({
        "prompt_tokens": used.input,
        "completion_tokens": used.output,
        "total_tokens": used.input + used.output,
        "prompt_tokens_details": {"cached_tokens": used.cached_input, "audio_tokens": 0},
        "completion_tokens_details": {"reasoning_tokens": 0, "audio_tokens": 0},
    })
}

pub(super) fn whole(request: &Request, answer: &Answered) -> Value {
    json!({
        "id": "chatcmpl-standin",
        "object": "chat.completion",
        "created": CREATED,
        "model": request.model,
        "choices": [{
            "index": 0,
            "message": {
                "role": "assistant",
                "content": answer.text,
                "refusal": null,
                "annotations": [],
            },
            "logprobs": null,
            "finish_reason": finish_reason(answer),
        }],
        "usage": usage(answer),
        "service_tier": "default",
        "system_fingerprint": "fp_standin",
    })
}

pub(super) fn frames(request: &Request, answer: &Answered, pieces: &[&str]) -> Vec<String> {
    let choice = |delta: Value, reason: Value| json!([{"index": 0, "delta": delta, "logprobs": null, "finish_reason": reason}]);
    let first = json!({"role": "assistant", "content": "", "refusal": null});
    let mut frames = vec![frame(request, &choice(first, Value::Null), &Value::Null)];
    for piece in pieces {
        let delta = choice(json!({"content": piece}), Value::Null);
        frames.push(frame(request, &delta, &Value::Null));
    }
    let last = choice(json!({}), json!(finish_reason(answer)));
    frames.push(frame(request, &last, &Value::Null));
    if request.include_usage {
        frames.push(frame(request, &json!([]), &usage(answer)));
    }
    frames.push("data: [DONE]\n\n".to_owned());
    frames
}

fn frame(request: &Request, choices: &Value, usage: &Value) -> String {
    let mut chunk = json!({
        "id": "chatcmpl-standin",
        "object": "chat.completion.chunk",
        "created": CREATED,
        "model": request.model,
        "service_tier": "default",
        "system_fingerprint": "fp_standin",
        "choices": choices,
    });
    // The vendor sends `"usage": null` in all chunks but the last, and no such field at all where
    // it was not asked for.
    if request.include_usage {
        chunk["usage"] = usage.clone();
    }
    format!("data: {chunk}\n\n")
}

pub(super) fn refusal(refusal: Refusal, message: &str) -> Value {
    let (kind, code) = match refusal {
        Refusal::BadRequest => ("invalid_request_error", Value::Null),
        Refusal::Unauthorized => ("invalid_request_error", json!("invalid_api_key")),
        Refusal::RateLimited => ("requests", json!("rate_limit_exceeded")),
        Refusal::ServerError | Refusal::Overloaded => ("server_error", Value::Null),
    };
    json!({"error": {"message": message, "type": kind, "param": null, "code": code}})
}

pub(super) fn models(names: &[&str]) -> Value {
    let model = |name: &&str| json!({"id": name, "object": "model", "created": CREATED, "owned_by": "standin"});
    json!({"object": "list", "data": names.iter().map(model).collect::<Vec<_>>()})
}
