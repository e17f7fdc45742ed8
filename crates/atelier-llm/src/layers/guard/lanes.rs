//! Where the events of a dialect carry pieces of a text, which pieces belong together, and where a
//! text ends.

use atelier_guard::Form;
use serde_json::Value;

use crate::relay::Dialect;

/// A piece of a text in an event.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Place {
    /// Where it stands.
    pub(crate) pointer: String,
    /// The text it belongs to.
    pub(crate) lane: String,
    /// How values are written there.
    pub(crate) form: Form,
}

/// How values are written in the string of a name.
pub(crate) fn form(name: &str, is_json: bool) -> Form {
    let is_text = matches!(name, "text" | "content" | "delta");
    if matches!(name, "arguments" | "partial_json") || (is_json && is_text) {
        Form::JsonString
    } else {
        Form::Plain
    }
}

/// The pieces of texts that an event carries.
pub(crate) fn places(dialect: Dialect, event: &Value, is_json: bool) -> Vec<Place> {
    match dialect {
        Dialect::Chat | Dialect::Completions => chat(event, is_json),
        Dialect::Responses => responses(event, is_json),
        Dialect::Messages => messages(event, is_json),
        Dialect::Gemini => gemini(event, is_json),
    }
}

/// The beginnings of the lanes that end with an event.
pub(crate) fn ends(dialect: Dialect, event: &Value) -> Vec<String> {
    match dialect {
        Dialect::Chat | Dialect::Completions => members(event, "choices")
            .filter(|(_, choice)| choice.get("finish_reason").is_some_and(Value::is_string))
            .map(|(_, choice)| format!("{}.", number(choice, "index")))
            .collect(),
        Dialect::Responses => match said(event, "type") {
            Some(kind) if !is_ending(kind) => Vec::new(),
            Some(kind) if kind.starts_with("response.output_item") => {
                vec![format!("{}.", number(event, "output_index"))]
            }
            Some(kind) => vec![responses_lane(event, kind.trim_end_matches(".done"))],
            None => Vec::new(),
        },
        Dialect::Messages => match said(event, "type") {
            Some("content_block_stop") => vec![format!("{}.", number(event, "index"))],
            Some("message_delta" | "message_stop" | "error") => vec![String::new()],
            Some(_) | None => Vec::new(),
        },
        Dialect::Gemini => members(event, "candidates")
            .filter(|(at, candidate)| {
                let has_call = gemini_parts(*at, candidate)
                    .any(|(_, part)| part.get("functionCall").is_some());
                has_call || candidate.get("finishReason").is_some_and(Value::is_string)
            })
            .map(|(_, candidate)| format!("{}.", number(candidate, "index")))
            .collect(),
    }
}

fn chat(event: &Value, is_json: bool) -> Vec<Place> {
    let mut places = Vec::new();
    for (at, choice) in members(event, "choices") {
        let lane = number(choice, "index");
        let mut add = |pointer: String, lane: String, form| {
            places.push(Place {
                pointer,
                lane,
                form,
            });
        };
        if choice.get("text").is_some_and(Value::is_string) {
            add(
                format!("/choices/{at}/text"),
                format!("{lane}.text"),
                form("", false),
            );
        }
        let delta = choice.get("delta").unwrap_or(&Value::Null);
        for name in ["content", "reasoning_content", "reasoning", "refusal"] {
            if delta.get(name).is_some_and(Value::is_string) {
                add(
                    format!("/choices/{at}/delta/{name}"),
                    format!("{lane}.{name}"),
                    form(name, is_json),
                );
            }
        }
        for (call_at, call) in members(delta, "tool_calls") {
            add(
                format!("/choices/{at}/delta/tool_calls/{call_at}/function/arguments"),
                format!("{lane}.call.{}.", number(call, "index")),
                Form::JsonString,
            );
        }
    }
    places
}

fn responses(event: &Value, is_json: bool) -> Vec<Place> {
    let kind = said(event, "type").and_then(|kind| kind.strip_suffix(".delta"));
    let piece = event.get("delta").and_then(Value::as_str);
    let (Some(kind), Some(_)) = (kind, piece) else {
        return Vec::new();
    };
    let form = if kind.ends_with("_arguments") {
        Form::JsonString
    } else if kind.ends_with("output_text") {
        form("text", is_json)
    } else {
        Form::Plain
    };
    vec![Place {
        pointer: "/delta".to_owned(),
        lane: responses_lane(event, kind),
        form,
    }]
}

/// The text of an output that events of one kind tell.
fn responses_lane(event: &Value, kind: &str) -> String {
    let part = ["content_index", "summary_index"]
        .iter()
        .find_map(|name| event.get(*name)?.as_u64())
        .unwrap_or(0);
    format!("{}.{kind}.{part}.", number(event, "output_index"))
}

fn is_ending(kind: &str) -> bool {
    kind.rsplit('.').next() == Some("done")
}

fn messages(event: &Value, is_json: bool) -> Vec<Place> {
    let delta = event.get("delta").unwrap_or(&Value::Null);
    if said(event, "type") != Some("content_block_delta") {
        return Vec::new();
    }
    let lane = number(event, "index");
    ["text", "partial_json"]
        .into_iter()
        .filter(|name| delta.get(*name).is_some_and(Value::is_string))
        .map(|name| Place {
            pointer: format!("/delta/{name}"),
            lane: format!("{lane}.{name}"),
            form: form(name, is_json),
        })
        .collect()
}

fn gemini(event: &Value, is_json: bool) -> Vec<Place> {
    let mut places = Vec::new();
    for (at, candidate) in members(event, "candidates") {
        let lane = number(candidate, "index");
        for (pointer, part) in gemini_parts(at, candidate) {
            let is_thought = part.get("thought") == Some(&Value::Bool(true));
            if part.get("text").is_some_and(Value::is_string) {
                places.push(Place {
                    pointer: format!("{pointer}/text"),
                    lane: format!("{lane}.{is_thought}"),
                    form: form("text", is_json),
                });
            }
        }
    }
    places
}

/// The parts of a candidate, each with its pointer.
fn gemini_parts(at: usize, candidate: &Value) -> impl Iterator<Item = (String, &Value)> {
    let content = candidate.get("content").unwrap_or(&Value::Null);
    members(content, "parts")
        .map(move |(part_at, part)| (format!("/candidates/{at}/content/parts/{part_at}"), part))
}

/// The members of a list with their places.
fn members<'v>(value: &'v Value, name: &str) -> impl Iterator<Item = (usize, &'v Value)> {
    let list = value.get(name).and_then(Value::as_array);
    list.into_iter().flatten().enumerate()
}

fn said<'v>(event: &'v Value, name: &str) -> Option<&'v str> {
    event.get(name).and_then(Value::as_str)
}

fn number(value: &Value, name: &str) -> u64 {
    value.get(name).and_then(Value::as_u64).unwrap_or(0)
}
