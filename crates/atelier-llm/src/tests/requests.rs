//! What each dialect makes of the settings of a route.

use atelier_model::{Ask, Limits, Message, Role, Stage, Timestamp};
use serde_json::{Value, json};

use crate::{
    Call, Effort, Route, SchemaSupport,
    call::Heard,
    providers::{anthropic, compatible, gemini, openai, responses},
    tests::world::ask_of,
};

/// The body that a dialect makes of an ask.
fn body(route: &Route, ask: &Ask) -> Value {
    let limits = Limits::default();
    let call = Call {
        ask,
        route,
        limits: &limits,
        now: Timestamp::default(),
        permit: None,
        heard: &Heard::default(),
        key: None,
    };
    let bytes = match route.provider.as_str() {
        "responses" => responses::body(&call),
        "anthropic" => anthropic::body(&call),
        "gemini" => gemini::body(&call),
        _ => compatible::body(&call, SchemaSupport::Full, openai::PUBLIC),
    };
    serde_json::from_slice(&bytes).unwrap()
}

fn ask() -> Ask {
    ask_of(&atelier_model::RunId::from_text("run"))
}

fn route(provider: &str, model: &str, effort: Option<Effort>) -> Route {
    Route {
        effort,
        temperature: Some(0.5),
        ..Route::new(provider, model, 16_000)
    }
}

/// What a dialect says of each effort, in whatever fields it says it.
fn said(provider: &str, model: &str) -> [Value; 3] {
    Effort::ALL.map(|effort| {
        let body = body(&route(provider, model, Some(effort)), &ask());
        let all = [
            &body["reasoning_effort"],
            &body["reasoning"],
            &body["thinking"],
            &body["output_config"],
            &body["generationConfig"]["thinkingConfig"],
        ];
        let said = all.into_iter().filter(|one| !one.is_null());
        said.cloned().collect()
    })
}

#[test]
fn an_effort_is_said_in_each_dialects_way() {
    let adaptive = |effort: &str| json!([{"type": "adaptive"}, {"effort": effort}]);
    let enabled = |tokens: u64| json!([{"type": "enabled", "budget_tokens": tokens}]);
    let table = [
        (
            "openai",
            "gpt-5",
            [json!(["low"]), json!(["medium"]), json!(["high"])],
        ),
        (
            "responses",
            "gpt-5",
            ["low", "medium", "high"].map(|effort| json!([{"effort": effort}])),
        ),
        (
            "anthropic",
            "claude-opus-5-5",
            ["low", "medium", "high"].map(adaptive),
        ),
        (
            "anthropic",
            "claude-opus-4-6",
            ["low", "medium", "high"].map(adaptive),
        ),
        (
            "anthropic",
            "claude-sonnet-4-5-20250929",
            [2_000, 4_000, 8_000].map(enabled),
        ),
        (
            "anthropic",
            "claude-3-7-sonnet-latest",
            [2_000, 4_000, 8_000].map(enabled),
        ),
        (
            "anthropic",
            "claude-opus-4",
            [2_000, 4_000, 8_000].map(enabled),
        ),
        (
            "gemini",
            "gemini-3-pro-preview",
            ["LOW", "MEDIUM", "HIGH"].map(|level| json!([{"thinkingLevel": level}])),
        ),
        (
            "gemini",
            "models/gemini-2.5-flash",
            [1_024, 8_192, 24_576].map(|tokens| json!([{"thinkingBudget": tokens}])),
        ),
    ];
    for (provider, model, expected) in table {
        assert_eq!(said(provider, model), expected, "{model}");
    }
}

#[test]
fn without_an_effort_nothing_is_said_of_it() {
    for provider in ["openai", "responses", "anthropic", "gemini"] {
        let body = body(&route(provider, "m", None), &ask()).to_string();
        for word in ["reasoning", "thinking", "output_config"] {
            assert!(!body.contains(word), "{body}");
        }
    }
}

#[test]
fn a_model_that_thinks_chooses_its_own_temperature() {
    let thinking = body(
        &route("anthropic", "claude-opus-5-5", Some(Effort::Low)),
        &ask(),
    );
    assert_eq!(thinking.get("temperature"), None);
    let plain = body(&route("anthropic", "claude-opus-5-5", None), &ask());
    assert_eq!(plain["temperature"], 0.5);
}

#[test]
fn thoughts_leave_room_for_the_answer() {
    for (tokens_max, budget) in [(16_000, Some(2_000)), (1_025, Some(1_024)), (1_024, None)] {
        let route = Route {
            tokens_max,
            ..route("anthropic", "claude-sonnet-4-5", Some(Effort::Low))
        };
        let said = body(&route, &ask())["thinking"]["budget_tokens"].as_u64();
        assert_eq!(said, budget, "{tokens_max}");
    }
}

#[test]
fn a_schema_travels_in_each_dialects_way() {
    let structured = |provider: &str| {
        let route = Route {
            structured: true,
            ..route(provider, "m", None)
        };
        body(&route, &ask())
    };
    let schema = json!({"type": "object"});
    assert_eq!(
        structured("openai")["response_format"],
        json!({"type": "json_schema", "json_schema": {"name": "Design", "schema": schema}})
    );
    assert_eq!(
        structured("responses")["text"],
        json!({"format": {
            "type": "json_schema", "name": "Design", "schema": schema, "strict": false
        }})
    );
    let closed = json!({"type": "object", "additionalProperties": false});
    assert_eq!(
        structured("anthropic")["output_config"],
        json!({"format": {"type": "json_schema", "schema": closed}})
    );
    let config = &structured("gemini")["generationConfig"];
    assert_eq!(config["responseMimeType"], "application/json");
    assert_eq!(config["responseJsonSchema"], schema);
}

#[test]
fn a_schema_that_a_dialect_cannot_take_is_left_to_the_prompt() {
    let mut ask = ask();
    ask.schema = Some((
        "Map".to_owned(),
        json!({"type": "object", "additionalProperties": {"type": "string"}}),
    ));
    let route = Route {
        structured: true,
        ..route("anthropic", "m", None)
    };
    assert_eq!(body(&route, &ask).get("output_config"), None);
}

/// The texts that are marked for the provider's prompt cache, in the order in which they are read.
fn marked(body: &Value) -> Vec<String> {
    let messages = body["messages"].as_array().unwrap().iter();
    let contents = messages.map(|message| &message["content"]);
    let parts = std::iter::once(&body["system"]).chain(contents);
    let parts = parts.flat_map(|list| list.as_array().unwrap());
    parts
        .filter(|part| part["cache_control"] == json!({"type": "ephemeral"}))
        .map(|part| part["text"].as_str().unwrap().to_owned())
        .collect()
}

#[test]
fn the_prompt_cache_keeps_what_is_read_again() {
    let route = route("anthropic", "claude-opus-5-5", None);
    let mut ask = ask();
    assert_eq!(marked(&body(&route, &ask)), ["You are a technical lead."]);
    ask.stage = Stage::Code;
    let question = ask.messages[1].text.clone();
    assert_eq!(
        marked(&body(&route, &ask)),
        ["You are a technical lead.", question.as_str()]
    );
    for (role, text) in [(Role::Assistant, "wrong"), (Role::User, "again")] {
        ask.messages.push(Message {
            role,
            text: text.to_owned(),
        });
    }
    let later = body(&route, &ask);
    assert_eq!(marked(&later), ["You are a technical lead.", "again"]);
    // What was kept before is the beginning of what is sent now, byte for byte.
    assert_eq!(later["messages"][0]["content"][0]["text"], question);
}

#[test]
fn a_conversation_without_standing_text_has_none() {
    let mut ask = ask();
    ask.messages.remove(0);
    for (provider, field) in [
        ("responses", "instructions"),
        ("anthropic", "system"),
        ("gemini", "systemInstruction"),
    ] {
        let body = body(&route(provider, "m", None), &ask);
        assert_eq!(body.get(field), None, "{provider}");
    }
}
