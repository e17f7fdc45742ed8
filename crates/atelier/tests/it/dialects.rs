//! Pictures, tools, forms and thoughts, from clients of every dialect to providers of every other.

use serde_json::{Value, json};

use crate::{
    gateway::Gateway,
    upstream::{Asked, Said, Upstream},
    world::World,
};

/// What clients and providers speak.
const ALL: [&str; 4] = ["openai", "responses", "anthropic", "gemini"];
const PIXEL: &str = "iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNk";

fn picture() -> String {
    format!("data:image/png;base64,{PIXEL}")
}

fn schema() -> Value {
    json!({
        "type": "object", "properties": {"tree": {"type": "string"}},
        "required": ["tree"], "additionalProperties": false,
    })
}

/// A conversation with a picture, a call that was answered, a tool, and thoughts asked for.
#[expect(
    clippy::too_many_lines,
    reason = "the same in four dialects, each in one piece"
)]
fn conversation(dialect: &str, stream: bool) -> (String, Value) {
    let call = json!({"tree": "elm"});
    let (path, body) = match dialect {
        "openai" => (
            "/v1/chat/completions",
            json!({
                "messages": [
                    {"role": "system", "content": "Be brief."},
                    {"role": "user", "content": [
                        {"type": "text", "text": "Which?"},
                        {"type": "image_url", "image_url": {"url": picture()}},
                    ]},
                    {"role": "assistant", "content": null, "tool_calls": [{
                        "id": "call_1", "type": "function",
                        "function": {"name": "plant", "arguments": call.to_string()},
                    }]},
                    {"role": "tool", "tool_call_id": "call_1", "content": "no room"},
                ],
                "tools": [{"type": "function", "function": {
                    "name": "plant", "description": "Plants.", "parameters": schema(),
                }}],
                "reasoning_effort": "high", "max_completion_tokens": 9_000,
            }),
        ),
        "responses" => (
            "/v1/responses",
            json!({
                "instructions": "Be brief.", "store": false,
                "input": [
                    {"role": "user", "content": [
                        {"type": "input_text", "text": "Which?"},
                        {"type": "input_image", "image_url": picture()},
                    ]},
                    {"type": "function_call", "call_id": "call_1", "name": "plant",
                     "arguments": call.to_string()},
                    {"type": "function_call_output", "call_id": "call_1", "output": "no room"},
                ],
                "tools": [{
                    "type": "function", "name": "plant", "description": "Plants.",
                    "parameters": schema(), "strict": true,
                }],
                "reasoning": {"effort": "high"}, "max_output_tokens": 9_000,
            }),
        ),
        "anthropic" => (
            "/v1/messages",
            json!({
                "system": "Be brief.",
                "messages": [
                    {"role": "user", "content": [
                        {"type": "text", "text": "Which?"},
                        {"type": "image", "source": {
                            "type": "base64", "media_type": "image/png", "data": PIXEL,
                        }},
                    ]},
                    {"role": "assistant", "content": [
                        {"type": "tool_use", "id": "call_1", "name": "plant", "input": call},
                    ]},
                    {"role": "user", "content": [
                        {"type": "tool_result", "tool_use_id": "call_1", "content": "no room"},
                    ]},
                ],
                "tools": [{
                    "name": "plant", "description": "Plants.", "input_schema": schema(),
                }],
                "output_config": {"effort": "high"}, "max_tokens": 9_000,
            }),
        ),
        _ => (
            "/v1beta/models/m:generateContent",
            json!({
                "systemInstruction": {"parts": [{"text": "Be brief."}]},
                "contents": [
                    {"role": "user", "parts": [
                        {"text": "Which?"},
                        {"inlineData": {"mimeType": "image/png", "data": PIXEL}},
                    ]},
                    {"role": "model", "parts": [{"functionCall": {"name": "plant", "args": call}}]},
                    {"role": "user", "parts": [{"functionResponse": {
                        "name": "plant", "response": {"output": "no room"},
                    }}]},
                ],
                "tools": [{"functionDeclarations": [{
                    "name": "plant", "description": "Plants.", "parametersJsonSchema": schema(),
                }]}],
                "generationConfig": {
                    "maxOutputTokens": 9_000, "thinkingConfig": {"thinkingLevel": "HIGH"},
                },
            }),
        ),
    };
    asked(dialect, stream, path, body)
}

/// A question whose answer must have a form.
fn formed(dialect: &str, stream: bool) -> (String, Value) {
    let said = json!([{"role": "user", "content": "Which?"}]);
    let (path, body) = match dialect {
        "openai" => (
            "/v1/chat/completions",
            json!({"messages": said, "max_completion_tokens": 9_000, "response_format": {
                "type": "json_schema",
                "json_schema": {"name": "answer", "schema": schema(), "strict": true},
            }}),
        ),
        "responses" => (
            "/v1/responses",
            json!({"input": said, "store": false, "max_output_tokens": 9_000, "text": {"format": {
                "type": "json_schema", "name": "answer", "schema": schema(), "strict": true,
            }}}),
        ),
        "anthropic" => (
            "/v1/messages",
            json!({"messages": said, "max_tokens": 9_000, "output_config": {
                "format": {"type": "json_schema", "schema": schema()},
            }}),
        ),
        _ => (
            "/v1beta/models/m:generateContent",
            json!({
                "contents": [{"role": "user", "parts": [{"text": "Which?"}]}],
                "generationConfig": {
                    "maxOutputTokens": 9_000, "responseMimeType": "application/json",
                    "responseJsonSchema": schema(),
                },
            }),
        ),
    };
    asked(dialect, stream, path, body)
}

/// The model and the wish for a stream, as the dialect says them.
fn asked(dialect: &str, stream: bool, path: &str, mut body: Value) -> (String, Value) {
    if dialect == "gemini" {
        let path = if stream {
            path.replace(":generateContent", ":streamGenerateContent?alt=sse")
        } else {
            path.to_owned()
        };
        return (path, body);
    }
    body["model"] = json!("m");
    body["stream"] = json!(stream);
    if dialect == "openai" && stream {
        body["stream_options"] = json!({"include_usage": true});
    }
    (path.to_owned(), body)
}

/// What a provider must be told of that conversation, wherever it stands in the request.
fn wanted(dialect: &str) -> Vec<Value> {
    match dialect {
        "openai" => vec![
            json!({"image_url": {"url": picture()}}),
            json!({"type": "function", "function": {"name": "plant", "parameters": schema()}}),
            json!({"role": "tool", "content": "no room"}),
            json!({"reasoning_effort": "high"}),
        ],
        "responses" => vec![
            json!({"type": "input_image", "image_url": picture()}),
            json!({"type": "function", "name": "plant", "parameters": schema()}),
            json!({"type": "function_call_output", "output": "no room"}),
            json!({"reasoning": {"effort": "high"}}),
        ],
        "anthropic" => vec![
            json!({"source": {"type": "base64", "media_type": "image/png", "data": PIXEL}}),
            json!({"name": "plant", "input_schema": schema()}),
            json!({"type": "tool_result"}),
            json!({"output_config": {"effort": "high"}}),
        ],
        _ => vec![
            json!({"inlineData": {"mimeType": "image/png", "data": PIXEL}}),
            json!({"name": "plant", "parametersJsonSchema": schema()}),
            json!({"functionResponse": {"name": "plant"}}),
            json!({"thinkingConfig": {"thinkingLevel": "HIGH"}}),
        ],
    }
}

/// What a provider must be told of a form.
fn wanted_form(dialect: &str) -> Value {
    match dialect {
        "openai" => json!({"response_format": {"json_schema": {"schema": schema()}}}),
        "responses" => json!({"text": {"format": {"type": "json_schema", "schema": schema()}}}),
        "anthropic" => json!({"output_config": {"format": {"schema": schema()}}}),
        _ => json!({"responseMimeType": "application/json", "responseJsonSchema": schema()}),
    }
}

/// Whether everything that is wanted stands in the value or anywhere within it.
fn holds(value: &Value, wanted: &Value) -> bool {
    let within = match value {
        Value::Array(items) => items.iter().any(|item| holds(item, wanted)),
        Value::Object(members) => members.values().any(|member| holds(member, wanted)),
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) => false,
    };
    within || covers(value, wanted)
}

fn covers(value: &Value, wanted: &Value) -> bool {
    let Some(members) = wanted.as_object() else {
        return value == wanted;
    };
    let has = |(name, wanted)| value.get(name).is_some_and(|value| covers(value, wanted));
    members.iter().all(has)
}

/// The answer of a provider: a thought, words, and a call.
fn answer(dialect: &str, asked: &Asked) -> Said {
    if asked.wants_stream() {
        return Said::events(&match dialect {
            "openai" => chat_events(),
            "responses" => responses_events(),
            "anthropic" => messages_events(),
            _ => vec![
                gemini(&json!([{"text": "Hm.", "thought": true}]), None),
                gemini(&json!([{"text": "Look: "}]), None),
                whole("gemini"),
            ]
            .into_iter()
            .map(|mut event| {
                if event.get("usageMetadata").is_some() {
                    event["candidates"][0]["content"]["parts"] = json!([gemini_call()]);
                }
                event
            })
            .collect(),
        });
    }
    Said::json(&whole(dialect))
}

fn usage(dialect: &str) -> Value {
    match dialect {
        "openai" => json!({
            "prompt_tokens": 90, "completion_tokens": 20, "total_tokens": 110,
            "prompt_tokens_details": {"cached_tokens": 60},
            "completion_tokens_details": {"reasoning_tokens": 5},
        }),
        "responses" => json!({
            "input_tokens": 90, "output_tokens": 20, "total_tokens": 110,
            "input_tokens_details": {"cached_tokens": 60},
            "output_tokens_details": {"reasoning_tokens": 5},
        }),
        "anthropic" => json!({
            "input_tokens": 30, "cache_read_input_tokens": 60, "cache_creation_input_tokens": 0,
            "output_tokens": 20,
        }),
        _ => json!({
            "promptTokenCount": 90, "cachedContentTokenCount": 60, "candidatesTokenCount": 15,
            "thoughtsTokenCount": 5, "totalTokenCount": 110,
        }),
    }
}

fn call_text() -> String {
    json!({"tree": "oak"}).to_string()
}

fn gemini_call() -> Value {
    json!({"functionCall": {"name": "plant", "args": {"tree": "oak"}}})
}

fn gemini(parts: &Value, reason: Option<&str>) -> Value {
    let mut said = json!({
        "candidates": [{"index": 0, "content": {"role": "model", "parts": parts}}],
        "modelVersion": "m", "responseId": "g",
    });
    if let Some(reason) = reason {
        said["candidates"][0]["finishReason"] = json!(reason);
        said["usageMetadata"] = usage("gemini");
    }
    said
}

fn whole(dialect: &str) -> Value {
    match dialect {
        "openai" => json!({
            "id": "c", "object": "chat.completion", "created": 1, "model": "m",
            "choices": [{"index": 0, "finish_reason": "tool_calls", "message": {
                "role": "assistant", "content": "Look: ", "reasoning_content": "Hm.",
                "tool_calls": [{"id": "call_2", "type": "function", "function": {
                    "name": "plant", "arguments": call_text(),
                }}],
            }}],
            "usage": usage("openai"),
        }),
        "responses" => json!({
            "id": "r", "object": "response", "created_at": 1, "model": "m",
            "status": "completed", "error": null, "incomplete_details": null,
            "output": [
                {"type": "reasoning", "id": "rs", "summary": [
                    {"type": "summary_text", "text": "Hm."},
                ]},
                {"type": "message", "id": "ms", "role": "assistant", "status": "completed",
                 "content": [{"type": "output_text", "text": "Look: ", "annotations": []}]},
                {"type": "function_call", "id": "fc", "call_id": "call_2", "name": "plant",
                 "arguments": call_text(), "status": "completed"},
            ],
            "usage": usage("responses"),
        }),
        "anthropic" => json!({
            "id": "m", "type": "message", "role": "assistant", "model": "m",
            "content": [
                {"type": "thinking", "thinking": "Hm.", "signature": "c2VhbA=="},
                {"type": "text", "text": "Look: "},
                {"type": "tool_use", "id": "call_2", "name": "plant", "input": {"tree": "oak"}},
            ],
            "stop_reason": "tool_use", "stop_sequence": null, "usage": usage("anthropic"),
        }),
        _ => gemini(
            &json!([{"text": "Hm.", "thought": true}, {"text": "Look: "}, gemini_call()]),
            Some("STOP"),
        ),
    }
}

fn chat_events() -> Vec<Value> {
    let chunk = |delta: Value, reason: Value| {
        json!({
            "id": "c", "object": "chat.completion.chunk", "created": 1, "model": "m",
            "choices": [{"index": 0, "delta": delta, "finish_reason": reason}],
        })
    };
    let call = |call: Value| chunk(json!({"tool_calls": [call]}), Value::Null);
    let (first, rest) = (&call_text()[..4], &call_text()[4..]);
    vec![
        chunk(
            json!({"role": "assistant", "reasoning_content": "Hm."}),
            Value::Null,
        ),
        chunk(json!({"content": "Look"}), Value::Null),
        chunk(json!({"content": ": "}), Value::Null),
        call(json!({
            "index": 0, "id": "call_2", "type": "function",
            "function": {"name": "plant", "arguments": ""},
        })),
        call(json!({"index": 0, "function": {"arguments": first}})),
        call(json!({"index": 0, "function": {"arguments": rest}})),
        chunk(json!({}), json!("tool_calls")),
        json!({
            "id": "c", "object": "chat.completion.chunk", "created": 1, "model": "m",
            "choices": [], "usage": usage("openai"),
        }),
        json!("[DONE]"),
    ]
}

fn responses_events() -> Vec<Value> {
    let done = whole("responses");
    let mut begun = done.clone();
    (begun["status"], begun["output"], begun["usage"]) =
        (json!("in_progress"), json!([]), Value::Null);
    let mut opened = done["output"][2].clone();
    opened["arguments"] = json!("");
    let empty_thought = json!({"type": "reasoning", "id": "rs", "summary": []});
    let empty_message = json!({
        "type": "message", "id": "ms", "role": "assistant", "status": "in_progress", "content": [],
    });
    let events = vec![
        json!({"type": "response.created", "response": begun}),
        json!({"type": "response.output_item.added", "output_index": 0, "item": empty_thought}),
        json!({"type": "response.reasoning_summary_text.delta", "item_id": "rs",
               "output_index": 0, "summary_index": 0, "delta": "Hm."}),
        json!({"type": "response.output_item.done", "output_index": 0, "item": done["output"][0]}),
        json!({"type": "response.output_item.added", "output_index": 1, "item": empty_message}),
        json!({"type": "response.output_text.delta", "item_id": "ms", "output_index": 1,
               "content_index": 0, "delta": "Look: "}),
        json!({"type": "response.output_item.done", "output_index": 1, "item": done["output"][1]}),
        json!({"type": "response.output_item.added", "output_index": 2, "item": opened}),
        json!({"type": "response.function_call_arguments.delta", "item_id": "fc",
               "output_index": 2, "delta": call_text()}),
        json!({"type": "response.output_item.done", "output_index": 2, "item": done["output"][2]}),
        json!({"type": "response.completed", "response": done}),
    ];
    let numbered = events.into_iter().enumerate().map(|(number, mut event)| {
        event["sequence_number"] = json!(number);
        event
    });
    numbered.collect()
}

fn messages_events() -> Vec<Value> {
    let mut begun = whole("anthropic");
    (begun["content"], begun["stop_reason"]) = (json!([]), Value::Null);
    let start = |index: u8, block: Value| json!({"type": "content_block_start", "index": index, "content_block": block});
    let delta = |index: u8, delta: Value| json!({"type": "content_block_delta", "index": index, "delta": delta});
    let stop = |index: u8| json!({"type": "content_block_stop", "index": index});
    vec![
        json!({"type": "message_start", "message": begun}),
        start(
            0,
            json!({"type": "thinking", "thinking": "", "signature": ""}),
        ),
        delta(0, json!({"type": "thinking_delta", "thinking": "Hm."})),
        delta(
            0,
            json!({"type": "signature_delta", "signature": "c2VhbA=="}),
        ),
        stop(0),
        start(1, json!({"type": "text", "text": ""})),
        delta(1, json!({"type": "text_delta", "text": "Look: "})),
        stop(1),
        start(
            2,
            json!({"type": "tool_use", "id": "call_2", "name": "plant", "input": {}}),
        ),
        delta(
            2,
            json!({"type": "input_json_delta", "partial_json": call_text()}),
        ),
        stop(2),
        json!({"type": "message_delta", "usage": usage("anthropic"),
               "delta": {"stop_reason": "tool_use", "stop_sequence": null}}),
        json!({"type": "message_stop"}),
    ]
}

/// What a client understood.
#[derive(Debug, Default, PartialEq, Eq)]
struct Understood {
    text: String,
    tool: String,
    given: String,
    input: u64,
    cached: u64,
    output: u64,
}

fn understood(dialect: &str, stream: bool, body: &str) -> Understood {
    let documents: Vec<Value> = if stream {
        body.lines()
            .filter_map(|line| line.strip_prefix("data: "))
            .filter(|data| *data != "[DONE]")
            .map(|data| serde_json::from_str(data).unwrap())
            .collect()
    } else {
        vec![serde_json::from_str(body).unwrap()]
    };
    let mut all = Understood::default();
    for document in &documents {
        match dialect {
            "openai" => all.chat(document),
            "responses" => all.responses(document, stream),
            "anthropic" => all.messages(document),
            _ => all.gemini(document),
        }
    }
    // How arguments are spaced is nobody's business.
    let given: Value = serde_json::from_str(&all.given).unwrap_or_default();
    all.given = given.to_string();
    all
}

impl Understood {
    fn add(&mut self, text: &Value, tool: &Value, given: &Value) {
        self.text += text.as_str().unwrap_or_default();
        self.tool += tool.as_str().unwrap_or_default();
        self.given += given.as_str().unwrap_or_default();
    }

    /// Later counts are counts of the whole.
    fn count(&mut self, usage: &Value, names: [&str; 3]) {
        let [input, cached, output] = names.map(|path| usage.pointer(path).and_then(Value::as_u64));
        self.input = input.unwrap_or(self.input);
        self.cached = cached.unwrap_or(self.cached);
        self.output = output.unwrap_or(self.output);
    }

    fn chat(&mut self, document: &Value) {
        let choice = &document["choices"][0];
        for said in [&choice["message"], &choice["delta"]] {
            let function = &said["tool_calls"][0]["function"];
            self.add(&said["content"], &function["name"], &function["arguments"]);
        }
        let cached = "/prompt_tokens_details/cached_tokens";
        self.count(
            &document["usage"],
            ["/prompt_tokens", cached, "/completion_tokens"],
        );
    }

    fn responses(&mut self, document: &Value, stream: bool) {
        let whole = if stream {
            &document["response"]
        } else {
            document
        };
        for item in whole["output"].as_array().into_iter().flatten() {
            self.add(
                &item["content"][0]["text"],
                &item["name"],
                &item["arguments"],
            );
        }
        let cached = "/input_tokens_details/cached_tokens";
        self.count(&whole["usage"], ["/input_tokens", cached, "/output_tokens"]);
    }

    fn messages(&mut self, document: &Value) {
        for block in document["content"].as_array().into_iter().flatten() {
            let given = block.get("input").map(Value::to_string);
            self.add(&block["text"], &block["name"], &json!(given));
        }
        let (block, delta) = (&document["content_block"], &document["delta"]);
        self.add(&delta["text"], &block["name"], &delta["partial_json"]);
        for usage in [&document["usage"], &document["message"]["usage"]] {
            let names = [
                "/input_tokens",
                "/cache_read_input_tokens",
                "/output_tokens",
            ];
            self.count(usage, names);
        }
    }

    fn gemini(&mut self, document: &Value) {
        let parts = &document["candidates"][0]["content"]["parts"];
        for part in parts.as_array().into_iter().flatten() {
            if part["thought"] == true {
                continue;
            }
            let call = &part["functionCall"];
            let given = call.get("args").map(Value::to_string);
            self.add(&part["text"], &call["name"], &json!(given));
        }
        let usage = &document["usageMetadata"];
        let names = [
            "/promptTokenCount",
            "/cachedContentTokenCount",
            "/candidatesTokenCount",
        ];
        self.count(usage, names);
        self.output += usage["thoughtsTokenCount"].as_u64().unwrap_or_default();
    }
}

#[test]
fn pictures_tools_and_thoughts_reach_every_provider_and_calls_every_client() {
    for upstream in ALL {
        let provider = Upstream::start(move |_, asked| answer(upstream, asked));
        let world = World::offline();
        let options = provider.options(upstream);
        let gateway = Gateway::start(
            &world,
            &options.iter().map(String::as_str).collect::<Vec<_>>(),
        );
        for client in ALL {
            for stream in [false, true] {
                let case = format!("{client} to {upstream}, streamed: {stream}");
                let (path, body) = conversation(client, stream);
                let got = gateway.post(&path, "", &body);
                assert!(got.starts_with("HTTP/1.1 200"), "{case}: {got}");
                let sent = provider.asked().pop().unwrap();
                assert!(
                    sent.body.to_string().contains("no room"),
                    "{case}: {}",
                    sent.body
                );
                for wanted in wanted(upstream) {
                    assert!(
                        holds(&sent.body, &wanted),
                        "{case}: no {wanted} in {}",
                        sent.body
                    );
                }
                let (_, said) = got.split_once("\r\n\r\n").unwrap();
                let mut told = understood(client, stream, said);
                if client == "anthropic" {
                    // This dialect counts what was read from the cache beside the rest.
                    told.input += told.cached;
                }
                let expected = Understood {
                    text: "Look: ".to_owned(),
                    tool: "plant".to_owned(),
                    given: call_text(),
                    input: 90,
                    cached: 60,
                    output: 20,
                };
                assert_eq!(told, expected, "{case}: {said}");
                assert!(said.contains("Hm."), "{case}: the thought is gone: {said}");
            }
        }
        gateway.stop();
    }
}

#[test]
fn the_form_of_an_answer_reaches_every_provider() {
    for upstream in ALL {
        let provider = Upstream::start(move |_, asked| answer(upstream, asked));
        let world = World::offline();
        let options = provider.options(upstream);
        let gateway = Gateway::start(
            &world,
            &options.iter().map(String::as_str).collect::<Vec<_>>(),
        );
        for client in ALL {
            let (path, body) = formed(client, false);
            let got = gateway.post(&path, "", &body);
            assert!(
                got.starts_with("HTTP/1.1 200"),
                "{client} to {upstream}: {got}"
            );
            let sent = provider.asked().pop().unwrap();
            let wanted = wanted_form(upstream);
            assert!(
                holds(&sent.body, &wanted),
                "{client} to {upstream}: {}",
                sent.body
            );
        }
        gateway.stop();
    }
}
