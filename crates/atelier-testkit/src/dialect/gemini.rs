//! Content generation.

use serde_json::{Value, json};

use super::{Answered, Dialect, Refusal, Request, Target, Turn, rules::Rules};

const FIELDS: [&str; 5] = [
    "systemInstruction",
    "contents",
    "generationConfig",
    "safetySettings",
    "cachedContent",
];

const CONFIG_FIELDS: [&str; 7] = [
    "temperature",
    "topP",
    "topK",
    "maxOutputTokens",
    "responseMimeType",
    "responseJsonSchema",
    "thinkingConfig",
];

pub(super) fn check_key(rules: &mut Rules<'_>) {
    if rules.header("x-goog-api-key").trim().is_empty() {
        rules.broken("the header `x-goog-api-key` is missing");
    }
    for other in ["authorization", "x-api-key"] {
        if !rules.header(other).is_empty() {
            rules.broken(format!("the header `{other}` belongs to another dialect"));
        }
    }
}

pub(super) fn read(rules: &mut Rules<'_>, target: Target<'_>) -> Request {
    check_key(rules);
    rules.json_content();
    rules.fields(&FIELDS);
    let (model, stream) = method(rules, target);
    let mut turns = system(rules);
    let spoken = contents(rules);
    rules.take_turns(&spoken);
    turns.extend(spoken);
    Request {
        dialect: Dialect::Gemini,
        model,
        stream,
        include_usage: true,
        tokens_max: config(rules),
        turns,
    }
}

/// Model and form of the answer, which stand in the address here.
fn method(rules: &mut Rules<'_>, target: Target<'_>) -> (String, bool) {
    let (model, method) = target.segment.split_once(':').unwrap_or_default();
    if model.is_empty() {
        rules.broken(format!("`{}` names no model", target.segment));
    }
    let stream = match method {
        "generateContent" => false,
        "streamGenerateContent" => true,
        _ => {
            rules.broken(format!("`{method}` is no method"));
            false
        }
    };
    let is_sse = target.query.split('&').any(|pair| pair == "alt=sse");
    if stream != is_sse {
        rules.broken(format!("`{method}` with the query `{}`", target.query));
    }
    (model.to_owned(), stream)
}

fn system(rules: &mut Rules<'_>) -> Vec<Turn> {
    let Some(content) = rules.get("systemInstruction") else {
        return Vec::new();
    };
    let text = text(rules, "`systemInstruction`", content);
    vec![Turn {
        role: "system".to_owned(),
        text,
    }]
}

fn contents(rules: &mut Rules<'_>) -> Vec<Turn> {
    let list = rules.get("contents").and_then(Value::as_array);
    let Some(list) = list.filter(|list| !list.is_empty()) else {
        rules.broken("`contents` is no list or empty");
        return Vec::new();
    };
    let mut turns = Vec::with_capacity(list.len());
    for (index, content) in list.iter().enumerate() {
        let role = match content["role"].as_str() {
            Some("user") => "user",
            Some("model") => "assistant",
            _ => {
                rules.broken(format!("content {index} has the role {}", content["role"]));
                "user"
            }
        };
        turns.push(Turn {
            role: role.to_owned(),
            text: text(rules, &format!("content {index}"), content),
        });
    }
    turns
}

fn text(rules: &mut Rules<'_>, what: &str, content: &Value) -> String {
    let parts = content["parts"].as_array().map(Vec::as_slice);
    let texts = parts.unwrap_or_default().iter().map(|part| &part["text"]);
    let text: String = texts.filter_map(Value::as_str).collect();
    if text.trim().is_empty() {
        rules.broken(format!("{what} is empty"));
    }
    text
}

/// Checks how the answer is to be made and returns its token limit.
fn config(rules: &mut Rules<'_>) -> u64 {
    let config = rules.get("generationConfig").unwrap_or(&Value::Null);
    let fields = config.as_object().into_iter().flatten();
    for (field, value) in fields {
        if !CONFIG_FIELDS.contains(&field.as_str()) {
            rules.broken(format!("the field `{field}` is unknown"));
        }
        let number = value.as_f64();
        if field == "temperature" && !number.is_some_and(|number| (0.0..=2.0).contains(&number)) {
            rules.broken(format!("`temperature` is {value}, not within 0 and 2"));
        }
    }
    let json = config
        .get("responseMimeType")
        .is_some_and(|kind| kind == "application/json");
    if config.get("responseJsonSchema").is_some() && !json {
        rules.broken("`responseJsonSchema` without `responseMimeType: application/json`");
    }
    if let Some(thinking) = config.get("thinkingConfig") {
        let both =
            thinking.get("thinkingLevel").is_some() == thinking.get("thinkingBudget").is_some();
        if both {
            rules.broken(format!("`thinkingConfig` is {thinking}"));
        }
    }
    let most = config.get("maxOutputTokens").and_then(Value::as_u64);
    most.filter(|most| *most > 0).unwrap_or_else(|| {
        rules.broken("no token limit is set: the answer's cost has no bound");
        1
    })
}

fn usage(answer: &Answered) -> Value {
    let used = answer.usage;
    json!({
        "promptTokenCount": used.input,
        "cachedContentTokenCount": used.cached_input,
        "candidatesTokenCount": used.output,
        "totalTokenCount": used.input + used.output,
    })
}

fn piece(request: &Request, text: &str, end: Option<&Answered>) -> Value {
    let mut candidate =
        json!({"content": {"parts": [{"text": text}], "role": "model"}, "index": 0});
    if let Some(answer) = end {
        let reason = if answer.cut { "MAX_TOKENS" } else { "STOP" };
        candidate["finishReason"] = json!(reason);
    }
    let mut piece = json!({
        "candidates": [candidate],
        "modelVersion": request.model,
        "responseId": "standin",
    });
    if let Some(answer) = end.filter(|_| request.include_usage) {
        piece["usageMetadata"] = usage(answer);
    }
    piece
}

pub(super) fn whole(request: &Request, answer: &Answered) -> Value {
    piece(request, &answer.text, Some(answer))
}

pub(super) fn frames(request: &Request, answer: &Answered, pieces: &[&str]) -> Vec<String> {
    let mut frames = vec![frame(&piece(request, "", None))];
    let texts = pieces.iter().map(|text| frame(&piece(request, text, None)));
    frames.extend(texts);
    frames.push(frame(&piece(request, "", Some(answer))));
    frames
}

fn frame(piece: &Value) -> String {
    // The vendor ends its lines so.
    format!("data: {piece}\r\n\r\n")
}

pub(super) fn refusal(status: u16, refusal: Refusal, message: &str) -> Value {
    let word = match refusal {
        Refusal::BadRequest => "INVALID_ARGUMENT",
        Refusal::Unauthorized => "UNAUTHENTICATED",
        Refusal::RateLimited => "RESOURCE_EXHAUSTED",
        Refusal::ServerError => "INTERNAL",
        Refusal::Overloaded => "UNAVAILABLE",
    };
    json!({"error": {"code": status, "message": message, "status": word}})
}

pub(super) fn models(names: &[&str]) -> Value {
    let model = |name: &&str| {
        json!({
            "name": format!("models/{name}"),
            "displayName": name,
            "supportedGenerationMethods": ["generateContent"],
        })
    };
    json!({"models": names.iter().map(model).collect::<Vec<_>>()})
}
