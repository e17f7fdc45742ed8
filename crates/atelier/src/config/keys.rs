//! Every key there is, what it means, and which values fit.

use atelier_model::{Limits, MicroUsd, Stage};

/// How alike two keys must be for one to be suggested: 1 is equal.
const LIKENESS: f32 = 0.6;

/// What a value must be.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Kind {
    Text,
    Secret,
    Whole,
    Number,
    Flag,
    Money,
    Approval,
}

impl Kind {
    /// What a value must be, in words.
    pub(crate) fn wanted(self) -> &'static str {
        match self {
            Self::Text | Self::Secret => "a text",
            Self::Whole => "a whole number, not negative",
            Self::Number => "a number",
            Self::Flag => "true or false",
            Self::Money => "dollars, such as 2 or 0.25",
            Self::Approval => "never, plan or task",
        }
    }

    /// The value in the form of its kind; `None` where it does not fit.
    pub(crate) fn fit(self, value: toml::Value) -> Option<toml::Value> {
        use toml::Value as V;
        match (self, value) {
            (Self::Text | Self::Secret, V::String(text)) if !text.trim().is_empty() => {
                Some(V::String(text.trim().to_owned()))
            }
            (Self::Whole, V::Integer(number)) if number >= 0 => Some(V::Integer(number)),
            (Self::Number, V::Float(number)) if number.is_finite() => Some(V::Float(number)),
            #[expect(
                clippy::cast_precision_loss,
                reason = "temperatures and prices are small"
            )]
            (Self::Number, V::Integer(number)) => Some(V::Float(number as f64)),
            (Self::Flag, V::Boolean(flag)) => Some(V::Boolean(flag)),
            (Self::Money, V::Integer(number)) => money(&number.to_string()),
            (Self::Money, V::Float(number)) => money(&number.to_string()),
            (Self::Money, V::String(text)) => money(&text),
            (Self::Approval, V::String(text)) if approval(&text) => Some(V::String(text)),
            _ => None,
        }
    }
}

fn money(text: &str) -> Option<toml::Value> {
    text.parse::<MicroUsd>()
        .ok()
        .map(|_| toml::Value::String(text.trim().to_owned()))
}

fn approval(text: &str) -> bool {
    matches!(text, "never" | "plan" | "task")
}

/// A key with its meaning.
#[derive(Debug, Clone)]
pub(crate) struct Key {
    pub(crate) name: String,
    pub(crate) kind: Kind,
    pub(crate) about: &'static str,
}

/// Settings of a model: the key is both global and, below `stages.NAME`, of one stage.
const MODEL_KEYS: [(&str, Kind, &str); 9] = [
    (
        "provider",
        Kind::Text,
        "who answers: openai (and everything compatible), anthropic, offline",
    ),
    ("model", Kind::Text, "model name, as the provider calls it"),
    (
        "base_url",
        Kind::Text,
        "address of the provider, for servers of your own",
    ),
    (
        "key",
        Kind::Secret,
        "key of the provider; better kept in its environment variable",
    ),
    (
        "temperature",
        Kind::Number,
        "sampling temperature; the provider's own if left out",
    ),
    ("tokens_max", Kind::Whole, "most tokens of one answer"),
    ("stream", Kind::Flag, "receive answers as they are written"),
    (
        "structured",
        Kind::Flag,
        "let the provider enforce the answer's JSON schema",
    ),
    (
        "plain_http",
        Kind::Flag,
        "allow an address without TLS that is not this machine",
    ),
];

const PRICE_KEYS: [(&str, &str); 4] = [
    ("input", "dollars for a million prompt tokens"),
    ("output", "dollars for a million answer tokens"),
    (
        "cached_input",
        "dollars for a million prompt tokens from the provider's cache",
    ),
    (
        "cache_write",
        "dollars for a million prompt tokens written to the provider's cache",
    ),
];

/// Every key, with `NAME` where a price names its model.
pub(crate) fn known_keys() -> Vec<Key> {
    let key = |name: String, kind, about| Key { name, kind, about };
    let mut all: Vec<Key> = MODEL_KEYS
        .iter()
        .map(|(name, kind, about)| key((*name).to_owned(), *kind, about))
        .collect();
    all.push(key(
        "approval".to_owned(),
        Kind::Approval,
        "when to ask before going on",
    ));
    all.push(key(
        "budget".to_owned(),
        Kind::Money,
        "most a run may cost, in dollars",
    ));
    for stage in Stage::ALL {
        let of_stage = MODEL_KEYS
            .iter()
            .map(|(name, kind, about)| key(format!("stages.{stage}.{name}"), *kind, about));
        all.extend(of_stage);
    }
    let limits = limit_names().into_iter();
    all.extend(limits.map(|name| key(format!("limits.{name}"), Kind::Whole, "a named maximum")));
    let prices = PRICE_KEYS.iter();
    all.extend(prices.map(|(name, about)| key(format!("prices.NAME.{name}"), Kind::Money, about)));
    all
}

/// The kind of a key; `None` where there is no such key.
pub(crate) fn kind(name: &str) -> Option<Kind> {
    if let Some(rest) = name.strip_prefix("prices.") {
        let (model, part) = rest.rsplit_once('.')?;
        let known = PRICE_KEYS.iter().any(|(key, _)| *key == part);
        return (known && !model.is_empty()).then_some(Kind::Money);
    }
    known_keys()
        .into_iter()
        .find(|key| key.name == name)
        .map(|key| key.kind)
}

/// The known key most like a name that is none.
pub(crate) fn nearest(name: &str) -> Option<String> {
    let keys: Vec<String> = known_keys().into_iter().map(|key| key.name).collect();
    let keys: Vec<&str> = keys.iter().map(String::as_str).collect();
    let close = similar::get_close_matches(name, &keys, 1, LIKENESS);
    close.first().map(|key| (*key).to_owned())
}

/// Names of the limits, in the order of their struct.
pub(crate) fn limit_names() -> Vec<String> {
    match serde_json::to_value(Limits::default()) {
        Ok(serde_json::Value::Object(fields)) => fields.keys().cloned().collect(),
        _ => Vec::new(),
    }
}
