//! The stand-in speaks all dialects as their vendors do, and lets no wrong request pass.

#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

mod client;

use atelier_model::{MicroUsd, Usage};
use serde_json::{Value, json};

use crate::{Answer, Dialect, Fixture, Mode, Prices, Script, Server, StageSeen, Times, UsageShown};
use client::{Answered, ask, body, conversation, get, post};

const DOLLAR_A_MILLION: Prices = Prices {
    input: 1_000_000,
    output: 2_000_000,
};

/// The dialects whose conversation is a list of messages.
const OF_MESSAGES: [Dialect; 2] = [Dialect::OpenAi, Dialect::Anthropic];

fn fixture() -> Fixture {
    Fixture::named("python-intervals").unwrap()
}

fn start(mode: Mode) -> Server {
    Server::start(Script::new(mode).with_fixture(fixture())).unwrap()
}

fn scripted(text: &str) -> Server {
    start(Mode::Scripted(vec![Answer::Text(text.to_owned()); 8]))
}

fn whole_text(dialect: Dialect, answered: &Answered) -> String {
    let text = match dialect {
        Dialect::OpenAi => &answered.json["choices"][0]["message"]["content"],
        Dialect::Responses => &answered.json["output"][1]["content"][0]["text"],
        Dialect::Anthropic => &answered.json["content"][0]["text"],
        Dialect::Gemini => &answered.json["candidates"][0]["content"]["parts"][0]["text"],
    };
    text.as_str().unwrap().to_owned()
}

fn streamed_text(dialect: Dialect, answered: &Answered) -> String {
    let piece = |event: &Value| match dialect {
        Dialect::OpenAi => event["choices"][0]["delta"]["content"]
            .as_str()
            .map(str::to_owned),
        Dialect::Responses => event["delta"].as_str().map(str::to_owned),
        Dialect::Anthropic => event["delta"]["text"].as_str().map(str::to_owned),
        Dialect::Gemini => event["candidates"][0]["content"]["parts"][0]["text"]
            .as_str()
            .map(str::to_owned),
    };
    answered.events.iter().filter_map(piece).collect()
}

#[test]
fn whole_and_streamed_answers_say_the_same_in_both_dialects() {
    let long = "Wörter und 数字. ".repeat(60);
    let server = scripted(&long);
    for dialect in Dialect::ALL {
        let whole = ask(&server, dialect, "# DESIGN", false);
        assert_eq!(whole_text(dialect, &whole), long);
        let streamed = ask(&server, dialect, "# DESIGN", true);
        assert_eq!(streamed_text(dialect, &streamed), long);
        assert_eq!(streamed.kind, "text/event-stream; charset=utf-8");
    }
    assert_eq!(server.violations(), [""; 0]);
    assert_eq!(server.request_count(), 8);
}

#[test]
fn a_response_stream_has_the_events_of_its_vendor_in_order() {
    let server = scripted("hello");
    let answered = ask(&server, Dialect::Responses, "# DESIGN", true);
    let kinds = answered
        .events
        .iter()
        .map(|event| event["type"].as_str().unwrap());
    let kinds: Vec<_> = kinds
        .map(|kind| kind.trim_start_matches("response."))
        .collect();
    assert_eq!(
        kinds,
        [
            "created",
            "in_progress",
            "output_item.added",
            "content_part.added",
            "output_text.delta",
            "output_text.done",
            "content_part.done",
            "output_item.done",
            "completed",
        ]
    );
    let numbers: Vec<_> = answered
        .events
        .iter()
        .map(|event| event["sequence_number"].clone())
        .collect();
    assert_eq!(json!(numbers), json!([0, 1, 2, 3, 4, 5, 6, 7, 8]));
    assert_eq!(answered.events[8]["response"]["usage"]["output_tokens"], 2);
}

#[test]
fn a_gemini_stream_ends_with_reason_and_counts() {
    let server = scripted("hello");
    let answered = ask(&server, Dialect::Gemini, "# DESIGN", true);
    let reasons: Vec<_> = answered
        .events
        .iter()
        .map(|event| event["candidates"][0]["finishReason"].as_str())
        .collect();
    assert_eq!(reasons, [None, None, Some("STOP")]);
    assert_eq!(
        answered.events[2]["usageMetadata"]["candidatesTokenCount"],
        2
    );
}

#[test]
fn a_chat_stream_ends_with_reason_usage_and_done() {
    let server = scripted("hello");
    let events = ask(&server, Dialect::OpenAi, "# DESIGN", true);
    let shape: Vec<String> = events
        .events
        .iter()
        .map(|event| {
            format!(
                "{} {}",
                event["choices"], event["usage"]["completion_tokens"]
            )
        })
        .map(|text| text.replace(",\"logprobs\":null", ""))
        .collect();
    assert_eq!(
        shape,
        [
            r#"[{"delta":{"content":"","refusal":null,"role":"assistant"},"finish_reason":null,"index":0}] null"#
                .to_owned(),
            r#"[{"delta":{"content":"hello"},"finish_reason":null,"index":0}] null"#.to_owned(),
            r#"[{"delta":{},"finish_reason":"stop","index":0}] null"#.to_owned(),
            "[] 2".to_owned(),
        ]
    );
    assert!(
        events.text.ends_with("\n\ndata: [DONE]\n\n"),
        "{}",
        events.text
    );
}

#[test]
fn a_chat_stream_without_include_usage_has_no_usage() {
    let server = scripted("hello");
    let mut request = body(Dialect::OpenAi, "# DESIGN", true);
    request.as_object_mut().unwrap().remove("stream_options");
    let answered = post(&server, Dialect::OpenAi, &request);
    assert!(!answered.text.contains("usage"), "{}", answered.text);
    assert_eq!(answered.events.len(), 3);
}

#[test]
fn a_message_stream_has_the_events_of_its_vendor_in_order() {
    let server = scripted("hello");
    let answered = ask(&server, Dialect::Anthropic, "# DESIGN", true);
    let kinds: Vec<_> = answered
        .events
        .iter()
        .map(|event| event["type"].as_str().unwrap())
        .collect();
    assert_eq!(
        kinds,
        [
            "message_start",
            "content_block_start",
            "ping",
            "content_block_delta",
            "content_block_stop",
            "message_delta",
            "message_stop",
        ]
    );
    for kind in kinds {
        assert!(
            answered.text.contains(&format!("event: {kind}\ndata: {{")),
            "{kind}"
        );
    }
    assert_eq!(answered.events[5]["delta"]["stop_reason"], "end_turn");
    assert_eq!(answered.events[5]["usage"]["output_tokens"], 2);
}

#[test]
fn an_answer_over_the_token_limit_is_cut_and_says_so() {
    let server = scripted("0123456789");
    for (dialect, reason) in [
        (Dialect::OpenAi, "length"),
        (Dialect::Responses, "max_output_tokens"),
        (Dialect::Anthropic, "max_tokens"),
        (Dialect::Gemini, "MAX_TOKENS"),
    ] {
        let mut request = body(dialect, "# DESIGN", false);
        match dialect {
            Dialect::OpenAi | Dialect::Anthropic => request["max_tokens"] = json!(2),
            Dialect::Responses => request["max_output_tokens"] = json!(2),
            Dialect::Gemini => request["generationConfig"]["maxOutputTokens"] = json!(2),
        }
        let answered = post(&server, dialect, &request);
        assert_eq!(whole_text(dialect, &answered), "01234567");
        assert!(
            answered.text.contains(&format!("\"{reason}\"")),
            "{}",
            answered.text
        );
    }
}

#[test]
fn the_stage_is_read_from_the_first_line() {
    let cases = [
        ("# DESIGN\nmore", StageSeen::Design),
        ("# BASIC PLAN", StageSeen::Plan),
        ("# DETAILED PLAN: PHASE 2", StageSeen::Detail { phase: 2 }),
        ("# HANDOFF", StageSeen::Handoff),
        ("# PROJECT DOCUMENTS\r\n", StageSeen::Docs),
        (
            "# EXECUTE TASK 1.2: Add sets: all of them\n\n## Context",
            StageSeen::Code {
                number: "1.2".to_owned(),
                title: "Add sets: all of them".to_owned(),
            },
        ),
    ];
    let server = start(Mode::Oracle);
    for (text, stage) in &cases {
        assert_eq!(
            ask(&server, Dialect::OpenAi, text, false).status,
            200,
            "{text}"
        );
        assert_eq!(server.requests().last().unwrap().stage, *stage);
    }
    let digests: std::collections::BTreeSet<_> =
        server.requests().iter().map(|seen| seen.digest).collect();
    assert_eq!(digests.len(), cases.len());
}

/// Applies a change to a good request and expects it to be refused for this reason alone.
fn refused(dialect: Dialect, change: &dyn Fn(&mut Value), reason: &str) {
    let server = scripted("hello");
    let mut request = body(dialect, "# DESIGN", true);
    change(&mut request);
    let answered = post(&server, dialect, &request);
    assert_eq!(
        answered.status, 400,
        "{dialect:?}: {reason}: {}",
        answered.text
    );
    let violations = server.violations();
    assert!(
        violations.iter().any(|rule| rule.contains(reason)),
        "{reason}: {violations:?}"
    );
    assert_eq!(server.request_count(), 0);
    assert_eq!(server.spent(DOLLAR_A_MILLION).requests, 0);
}

#[test]
fn every_broken_rule_of_both_dialects_of_messages_is_refused() {
    type Change = (&'static str, fn(&mut Value));
    let changes: [Change; 12] = [
        ("`model` is no text", |r| r["model"] = json!("")),
        ("`messages` is no list or empty", |r| {
            r["messages"] = json!([]);
        }),
        ("`stream` is \"yes\"", |r| r["stream"] = json!("yes")),
        ("`temperature` is 3", |r| r["temperature"] = json!(3.0)),
        ("`temperature` is -1", |r| r["temperature"] = json!(-1)),
        ("`max_tokens` is 0", |r| r["max_tokens"] = json!(0)),
        ("the field `wrong` is unknown", |r| r["wrong"] = json!(1)),
        ("has the role `robot`", |r| {
            *last(r) = json!({"role": "robot", "content": "x"});
        }),
        ("is empty", |r| {
            *last(r) = json!({"role": "user", "content": " \n"});
        }),
        ("fields besides role and content", |r| {
            last(r)["name"] = json!("me");
        }),
        ("the last message is not the user's", |r| {
            push(r, "assistant", "yes");
        }),
        ("the assistant was due", |r| push(r, "user", "again")),
    ];
    for dialect in OF_MESSAGES {
        for (reason, change) in &changes {
            refused(dialect, change, reason);
        }
        let unknown = |r: &mut Value| *last(r) = json!({"role": "user", "content": "# SING"});
        refused(dialect, &unknown, "begins with `# SING`");
        let later = |r: &mut Value| {
            push(r, "assistant", "{}");
            push(r, "user", "please try again");
        };
        refused(
            dialect,
            &later,
            "a later user message begins with `please try again`",
        );
    }
}

#[test]
fn broken_rules_of_the_other_dialects_are_refused() {
    type Change = (&'static str, fn(&mut Value));
    let responses: [Change; 8] = [
        ("`model` is no text", |r| r["model"] = json!("")),
        ("`input` is no list or empty", |r| r["input"] = json!([])),
        ("has the role `system`", |r| {
            r["input"][0]["role"] = json!("system");
        }),
        ("no token limit", |r| {
            drop(r.as_object_mut().unwrap().remove("max_output_tokens"));
        }),
        ("`store` is not false", |r| r["store"] = json!(true)),
        ("`reasoning` is", |r| {
            r["reasoning"] = json!({"effort": "much"});
        }),
        ("`text` is", |r| {
            r["text"] = json!({"format": {"type": "json_schema"}});
        }),
        ("the field `messages` is unknown", |r| {
            r["messages"] = json!([]);
        }),
    ];
    for (reason, change) in &responses {
        refused(Dialect::Responses, change, reason);
    }
    let gemini: [Change; 7] = [
        ("`contents` is no list or empty", |r| {
            r["contents"] = json!([]);
        }),
        ("has the role \"assistant\"", |r| {
            r["contents"][0]["role"] = json!("assistant");
        }),
        ("content 0 is empty", |r| {
            r["contents"][0]["parts"] = json!([{"text": " "}]);
        }),
        ("no token limit", |r| r["generationConfig"] = json!({})),
        ("without `responseMimeType", |r| {
            r["generationConfig"]["responseJsonSchema"] = json!({});
        }),
        ("`thinkingConfig` is", |r| {
            r["generationConfig"]["thinkingConfig"] =
                json!({"thinkingLevel": "low", "thinkingBudget": 1});
        }),
        ("the field `model` is unknown", |r| r["model"] = json!("m")),
    ];
    for (reason, change) in &gemini {
        refused(Dialect::Gemini, change, reason);
    }
}

#[test]
fn a_gemini_stream_is_asked_for_as_events() {
    let server = scripted("hello");
    let request = client::sent(Dialect::Gemini, &body(Dialect::Gemini, "# DESIGN", false));
    for target in [
        "/v1beta/models/m:streamGenerateContent",
        "/v1beta/models/m:generateContent?alt=sse",
        "/v1beta/models/m:sing",
        "/v1beta/models/generateContent",
    ] {
        let headers = client::headers(Dialect::Gemini);
        let answered = client::send(&server, "POST", target, &headers, &request);
        assert_eq!(answered.status, 400, "{target}");
    }
    assert_eq!(server.request_count(), 0);
}

#[test]
fn thinking_and_marks_keep_their_rules() {
    let thinking = |r: &mut Value| r["thinking"] = json!({"type": "adaptive"});
    refused(
        Dialect::Anthropic,
        &thinking,
        "`temperature` beside `thinking`",
    );
    let much = |r: &mut Value| {
        r["thinking"] = json!({"type": "enabled", "budget_tokens": 4096});
        r.as_object_mut().unwrap().remove("temperature");
    };
    refused(Dialect::Anthropic, &much, "`thinking` is");
    let marked = |count: usize, kind: &'static str| {
        move |r: &mut Value| {
            let part = json!({"type": "text", "text": "x", "cache_control": {"type": kind}});
            r["system"] = json!(vec![part; count]);
        }
    };
    refused(Dialect::Anthropic, &marked(5, "ephemeral"), "5 marks");
    refused(
        Dialect::Anthropic,
        &marked(1, "eternal"),
        "`cache_control` is",
    );
    let server = scripted("hello");
    let mut good = body(Dialect::Anthropic, "# DESIGN", false);
    marked(4, "ephemeral")(&mut good);
    assert_eq!(post(&server, Dialect::Anthropic, &good).status, 200);
}

#[test]
fn rules_of_one_dialect_are_kept_apart() {
    let system_late = |r: &mut Value| {
        push(r, "assistant", "{}");
        push(r, "system", "be kind");
        push(r, "user", "# ANSWER NOT USABLE");
    };
    refused(
        Dialect::OpenAi,
        &system_late,
        "after the conversation began",
    );
    refused(Dialect::Anthropic, &system_late, "has the role `system`");
    refused(
        Dialect::OpenAi,
        &|r| r["stream"] = json!(false),
        "`stream_options` without `stream`",
    );
    refused(
        Dialect::OpenAi,
        &|r| r["system"] = json!("x"),
        "the field `system` is unknown",
    );
    let both = |r: &mut Value| r["max_completion_tokens"] = json!(5);
    refused(Dialect::OpenAi, &both, "both `max_tokens` and");
    let none = |r: &mut Value| drop(r.as_object_mut().unwrap().remove("max_tokens"));
    refused(Dialect::OpenAi, &none, "no token limit");
    refused(Dialect::Anthropic, &none, "`max_tokens` is missing");
    refused(
        Dialect::Anthropic,
        &|r| r["temperature"] = json!(1.5),
        "`temperature` is 1.5",
    );
    refused(
        Dialect::Anthropic,
        &|r| r["system"] = json!(""),
        "`system` is empty",
    );
    let format = |r: &mut Value| r["response_format"] = json!({"type": "json_schema"});
    refused(Dialect::OpenAi, &format, "`response_format` is");
}

#[test]
fn keys_and_content_types_are_asked_for() {
    let server = scripted("hello");
    for dialect in Dialect::ALL {
        let request = client::sent(dialect, &body(dialect, "# DESIGN", false));
        let other = match dialect {
            Dialect::OpenAi | Dialect::Responses => Dialect::Anthropic,
            Dialect::Anthropic => Dialect::Gemini,
            Dialect::Gemini => Dialect::OpenAi,
        };
        for headers in [
            client::headers(dialect).replace("secret", " "),
            client::headers(other),
            client::headers(dialect).replace("application/json", "text/plain"),
        ] {
            let answered = client::send(&server, "POST", client::path(dialect), &headers, &request);
            assert_eq!(answered.status, 400, "{headers}");
        }
    }
    assert_eq!(server.request_count(), 0);
    let answered = client::send(&server, "POST", "/v1/elsewhere", "", "{}");
    assert_eq!(answered.status, 404);
    assert!(
        server
            .violations()
            .iter()
            .any(|rule| rule.contains("/v1/elsewhere"))
    );
}

#[test]
fn the_list_of_models_needs_a_key() {
    let server = start(Mode::Oracle);
    for dialect in Dialect::ALL {
        let answered = get(&server, "/v1/models", &client::headers(dialect));
        let first = match dialect {
            Dialect::Gemini => &answered.json["models"][0]["displayName"],
            Dialect::OpenAi | Dialect::Responses | Dialect::Anthropic => {
                &answered.json["data"][0]["id"]
            }
        };
        assert_eq!(first, "standin-large");
    }
    assert_eq!(get(&server, "/v1/models", "").status, 401);
    assert_eq!((server.model_lists(), server.request_count()), (5, 0));
    assert_eq!(server.violations(), [""; 0]);
    let refusing = start(Mode::Unauthorized);
    let answered = get(&refusing, "/v1/models", &client::headers(Dialect::OpenAi));
    assert_eq!(answered.status, 401);
}

#[test]
fn refusals_have_the_words_of_their_vendor() {
    let cases = [
        (
            Mode::Unauthorized,
            401,
            "invalid_api_key",
            "authentication_error",
            "UNAUTHENTICATED",
        ),
        (
            Mode::RateLimited {
                retry_after: 7,
                times: Times::Always,
            },
            429,
            "rate_limit_exceeded",
            "rate_limit_error",
            "RESOURCE_EXHAUSTED",
        ),
        (
            Mode::ServerError {
                status: 500,
                times: Times::Always,
            },
            500,
            "server_error",
            "api_error",
            "INTERNAL",
        ),
        (
            Mode::ServerError {
                status: 529,
                times: Times::Always,
            },
            529,
            "server_error",
            "overloaded_error",
            "UNAVAILABLE",
        ),
    ];
    for (mode, status, openai, anthropic, gemini) in cases {
        let server = start(mode);
        for (dialect, word) in [
            (Dialect::OpenAi, openai),
            (Dialect::Responses, openai),
            (Dialect::Anthropic, anthropic),
            (Dialect::Gemini, gemini),
        ] {
            let answered = ask(&server, dialect, "# DESIGN", true);
            assert_eq!(answered.status, status);
            assert!(answered.text.contains(word), "{word}: {}", answered.text);
            assert_eq!(answered.head.contains("retry-after: 7"), status == 429);
        }
        assert!(server.requests().iter().all(|seen| !seen.answered));
        assert_eq!(server.spent(DOLLAR_A_MILLION).cost, MicroUsd::ZERO);
    }
}

#[test]
fn what_fails_some_times_works_afterwards() {
    for mode in [
        Mode::RateLimited {
            retry_after: 0,
            times: Times::First(2),
        },
        Mode::ServerError {
            status: 503,
            times: Times::First(2),
        },
    ] {
        let server = start(mode);
        let statuses = [0; 4].map(|_| ask(&server, Dialect::OpenAi, "# DESIGN", false).status);
        assert_eq!(statuses[2..], [200, 200]);
        assert!(statuses[0] > 400 && statuses[1] > 400);
        let answered: Vec<_> = server.requests().iter().map(|seen| seen.answered).collect();
        assert_eq!(answered, [false, false, true, true]);
    }
}

#[test]
fn a_truncated_answer_lacks_its_end_and_is_charged() {
    let server = start(Mode::Truncated(Times::First(8)));
    for dialect in Dialect::ALL {
        let end = match dialect {
            Dialect::OpenAi => "[DONE]",
            Dialect::Responses => "response.completed",
            Dialect::Anthropic => "message_stop",
            Dialect::Gemini => "finishReason",
        };
        let streamed = ask(&server, dialect, "# DESIGN", true);
        assert!(
            streamed.complete && !streamed.text.contains(end),
            "{}",
            streamed.text
        );
        assert!(!streamed.text.contains("finish_reason\":\"stop"));
        let whole = ask(&server, dialect, "# DESIGN", false);
        assert!(!whole.complete && whole.json.is_null(), "{}", whole.text);
    }
    let spent = server.spent(DOLLAR_A_MILLION);
    assert_eq!(spent.requests, 8);
    assert!(spent.output > 0);
    assert!(
        ask(&server, Dialect::OpenAi, "# DESIGN", true)
            .text
            .contains("[DONE]")
    );
    assert_eq!(
        server
            .requests()
            .iter()
            .filter(|seen| seen.answered)
            .count(),
        1
    );
}

#[test]
fn silence_is_silence() {
    for mode in [Mode::Hang, Mode::Stall] {
        let server = start(mode.clone());
        for streamed in [false, true] {
            let request = body(Dialect::Anthropic, "# DESIGN", streamed);
            let answered = client::listen(&server, Dialect::Anthropic, &request, &mode);
            assert!(!answered.complete);
            assert_eq!(
                answered.text.is_empty(),
                mode == Mode::Hang,
                "{}",
                answered.text
            );
        }
        // Ends at once although two requests hang.
        drop(server);
    }
}

#[test]
fn slow_answers_come_whole() {
    let server = start(Mode::SlowDrip { ms: 1 });
    for streamed in [false, true] {
        let answered = ask(&server, Dialect::OpenAi, "# DESIGN", streamed);
        assert!(answered.complete && answered.text.contains("intervals"));
    }
}

#[test]
fn the_ledger_counts_what_was_reported() {
    let prompt_bytes = conversation("# DESIGN")
        .iter()
        .map(|(_, text)| text.len() as u64)
        .sum();
    let cases = [
        (UsageShown::Usual, u64::div_ceil(prompt_bytes, 4), 3),
        (UsageShown::Expensive, prompt_bytes, 4095),
        (UsageShown::Missing, u64::div_ceil(prompt_bytes, 4), 3),
    ];
    for (shown, input, output) in cases {
        let answers = Mode::Scripted(vec![Answer::Text("0123456789".to_owned()); 4]);
        let server = Server::start(Script::new(answers).with_usage(shown)).unwrap();
        for dialect in Dialect::ALL {
            let answered = ask(&server, dialect, "# DESIGN", false);
            let usage = match dialect {
                Dialect::Gemini => &answered.json["usageMetadata"],
                Dialect::OpenAi | Dialect::Responses | Dialect::Anthropic => {
                    &answered.json["usage"]
                }
            };
            let names = ["completion_tokens", "output_tokens", "candidatesTokenCount"];
            let reported = names.iter().find_map(|name| usage[name].as_u64());
            assert_eq!(reported, (shown != UsageShown::Missing).then_some(output));
        }
        let spent = server.spent(DOLLAR_A_MILLION);
        assert_eq!(
            (spent.requests, spent.input, spent.output),
            (4, 4 * input, 4 * output)
        );
        assert_eq!(spent.cost, MicroUsd(4 * (input + 2 * output)));
    }
}

#[test]
fn costs_are_rounded_up_for_each_request() {
    let prices = Prices {
        input: 1,
        output: 1,
    };
    let usage = Usage {
        input: 1,
        output: 1,
        ..Usage::default()
    };
    assert_eq!(prices.cost(usage), MicroUsd(1));
    assert_eq!(prices.cost(Usage::default()), MicroUsd(0));
}

#[test]
fn a_script_that_is_used_up_says_so() {
    let server = start(Mode::Scripted(vec![
        Answer::Status(401),
        Answer::Status(429),
        Answer::Status(413),
        Answer::Status(502),
        Answer::Broken("half".to_owned()),
    ]));
    let statuses = [0; 6].map(|_| ask(&server, Dialect::OpenAi, "# DESIGN", true).status);
    assert_eq!(statuses, [401, 429, 413, 502, 200, 500]);
}

fn last(request: &mut Value) -> &mut Value {
    let messages = request["messages"].as_array_mut().unwrap();
    messages.last_mut().unwrap()
}

fn push(request: &mut Value, role: &str, text: &str) {
    let messages = request["messages"].as_array_mut().unwrap();
    messages.push(json!({"role": role, "content": text}));
}
