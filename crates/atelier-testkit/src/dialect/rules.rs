//! Collects the rules a request breaks while it is read.

use axum::http::HeaderMap;
use serde_json::{Map, Value};

use super::{Request, Turn};

/// A request being read, and what is wrong with it so far.
pub(super) struct Rules<'a> {
    headers: &'a HeaderMap,
    body: &'a Value,
    broken: Vec<String>,
}

impl<'a> Rules<'a> {
    pub(super) fn new(headers: &'a HeaderMap, body: &'a Value) -> Self {
        Self {
            headers,
            body,
            broken: Vec::new(),
        }
    }

    pub(super) fn broken(&mut self, rule: impl Into<String>) {
        self.broken.push(rule.into());
    }

    pub(super) fn into_list(self) -> Vec<String> {
        self.broken
    }

    pub(super) fn finish(self, request: Request) -> Result<Request, Vec<String>> {
        if self.broken.is_empty() {
            Ok(request)
        } else {
            Err(self.broken)
        }
    }

    /// A header's text; empty where it is missing.
    pub(super) fn header(&self, name: &str) -> &'a str {
        let value = self.headers.get(name);
        value.and_then(|value| value.to_str().ok()).unwrap_or("")
    }

    pub(super) fn json_content(&mut self) {
        let kind = self.header("content-type");
        if kind.split(';').next().map(str::trim) != Some("application/json") {
            self.broken(format!("content-type is `{kind}`, not application/json"));
        }
    }

    /// Checks that the body is an object of known fields.
    pub(super) fn fields(&mut self, known: &[&str]) {
        let Some(object) = self.body.as_object() else {
            self.broken("the body is no JSON object");
            return;
        };
        let strange: Vec<_> = object
            .keys()
            .filter(|key| !known.contains(&key.as_str()))
            .cloned()
            .collect();
        for field in strange {
            self.broken(format!("the field `{field}` is unknown"));
        }
    }

    pub(super) fn get(&self, field: &str) -> Option<&'a Value> {
        self.body.get(field)
    }

    pub(super) fn model(&mut self) -> String {
        let model = self.get("model").and_then(Value::as_str).unwrap_or("");
        if model.trim().is_empty() {
            self.broken("`model` is no text or empty");
        }
        model.to_owned()
    }

    pub(super) fn stream(&mut self) -> bool {
        match self.get("stream") {
            None => false,
            Some(Value::Bool(stream)) => *stream,
            Some(other) => {
                self.broken(format!("`stream` is {other}, not true or false"));
                false
            }
        }
    }

    pub(super) fn temperature(&mut self, most: f64) {
        let Some(value) = self.get("temperature") else {
            return;
        };
        let fits = |number: f64| (0.0..=most).contains(&number);
        if !value.as_f64().is_some_and(fits) {
            self.broken(format!("`temperature` is {value}, not within 0 and {most}"));
        }
    }

    /// A limit of tokens: a whole number above zero.
    pub(super) fn tokens(&mut self, field: &str) -> Option<u64> {
        let value = self.get(field)?;
        let tokens = value.as_u64().filter(|tokens| *tokens > 0);
        if tokens.is_none() {
            self.broken(format!("`{field}` is {value}, not a whole number above 0"));
        }
        tokens
    }

    /// The messages, each with a known role and some text.
    pub(super) fn turns(&mut self, field: &str, roles: &[&str]) -> Vec<Turn> {
        let list = self.get(field).and_then(Value::as_array);
        let Some(list) = list.filter(|list| !list.is_empty()) else {
            self.broken(format!("`{field}` is no list or empty"));
            return Vec::new();
        };
        let mut turns = Vec::with_capacity(list.len());
        for (index, message) in list.iter().enumerate() {
            let nothing = Map::new();
            let object = message.as_object().unwrap_or(&nothing);
            if object.iter().any(|(key, value)| !is_of_message(key, value)) {
                self.broken(format!(
                    "message {index} has fields besides role and content"
                ));
            }
            let role = object.get("role").and_then(Value::as_str).unwrap_or("");
            if !roles.contains(&role) {
                self.broken(format!("message {index} has the role `{role}`"));
            }
            let text = self.text(&format!("message {index}"), object.get("content"));
            turns.push(Turn {
                role: role.to_owned(),
                text,
            });
        }
        turns
    }

    /// A text, or a list of text parts.
    pub(super) fn text(&mut self, what: &str, content: Option<&Value>) -> String {
        let text = match content {
            Some(Value::String(text)) => text.clone(),
            Some(Value::Array(parts)) => parts
                .iter()
                .filter_map(|part| self.part(what, part))
                .collect(),
            _ => String::new(),
        };
        if text.trim().is_empty() {
            self.broken(format!("{what} is empty"));
        }
        text
    }

    fn part(&mut self, what: &str, part: &Value) -> Option<String> {
        if part["type"] != "text" {
            self.broken(format!("{what} has a part of type {}", part["type"]));
        }
        part["text"].as_str().map(str::to_owned)
    }

    /// Checks that user and assistant take turns and that the user has the last word.
    pub(super) fn take_turns(&mut self, turns: &[Turn]) {
        let spoken: Vec<_> = turns.iter().filter(|turn| turn.role != "system").collect();
        for (index, turn) in spoken.iter().enumerate() {
            let due = if index % 2 == 0 { "user" } else { "assistant" };
            if turn.role != due {
                self.broken(format!(
                    "turn {index} is the {}'s, but the {due} was due",
                    turn.role
                ));
                return;
            }
        }
        if spoken.last().is_none_or(|turn| turn.role != "user") {
            self.broken("the last message is not the user's");
        }
    }
}

/// Whether a field belongs to a message; one dialect also says that it is one.
fn is_of_message(field: &str, value: &Value) -> bool {
    matches!(field, "role" | "content") || (field == "type" && value == "message")
}
