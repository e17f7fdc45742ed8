//! Every key there is, what it means, and which values fit.

use atelier_guard::Policy;
use atelier_llm::{Effort, SemanticConfig};
use atelier_model::{Limits, MicroUsd, Resource, Stage, Strategy};
use atelier_prompt::context::Compression;

use super::{sandbox, semantic, shared_cache};

/// How alike two keys must be for one to be suggested: 1 is equal.
const LIKENESS: f32 = 0.6;

/// For how long requests of other programs are kept one by one.
pub(super) const KEEP_DAYS: &str = "gateway.keep_days";

/// What a value must be.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Kind {
    Text,
    Secret,
    Whole,
    Count,
    Number,
    Flag,
    Money,
    Approval,
    Effort,
    Strategy,
    Guard,
    Compression,
    Texts,
    Models,
    Switch,
    Share,
    Model,
    Vectors,
    Address,
    Duration,
    Sandbox,
}

impl Kind {
    /// What a value must be, in words.
    pub(crate) fn wanted(self) -> &'static str {
        match self {
            Self::Text | Self::Secret => "a text",
            Self::Whole => "a whole number, not negative",
            Self::Count => "a whole number above 0",
            Self::Number => "a number",
            Self::Flag => "true or false",
            Self::Money => "dollars, such as 2 or 0.25",
            Self::Approval => "never, plan or task",
            Self::Effort => "low, medium or high",
            Self::Strategy => "static, cost or latency",
            Self::Guard => "off, secrets or all",
            Self::Compression => "off or safe",
            Self::Texts => "a list of texts",
            Self::Models => "a list of models, each as PROVIDER/MODEL",
            Self::Switch => "off or on",
            Self::Share => "a share from 0 to 1, such as 0.02",
            Self::Model => "a model as PROVIDER/MODEL",
            Self::Vectors => "words or model",
            Self::Duration => "a time such as 30m, 1h30m or 45s",
            Self::Address => "an address such as http://127.0.0.1:5001",
            Self::Sandbox => "strong, light or none",
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
            (Self::Count, V::Integer(number)) if number > 0 => Some(V::Integer(number)),
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
            (Self::Effort, V::String(text)) => {
                Effort::from_name(&text).map(|effort| V::String(effort.name().to_owned()))
            }
            (Self::Strategy, V::String(text)) => {
                Strategy::from_name(&text).map(|strategy| V::String(strategy.name().to_owned()))
            }
            (Self::Guard, V::String(text)) => {
                let policy = text.trim().parse::<Policy>().ok();
                policy.map(|policy| V::String(policy.name().to_owned()))
            }
            (Self::Compression, V::String(text)) => {
                let compression = text.trim().parse::<Compression>().ok();
                compression.map(|compression| V::String(compression.name().to_owned()))
            }
            (Self::Texts, V::Array(items)) => texts(&items, |text| !text.is_empty()),
            (Self::Models, V::Array(items)) => texts(&items, is_model),
            (Self::Switch, V::String(text)) if matches!(text.as_str(), "off" | "on") => {
                Some(V::String(text))
            }
            (Self::Model, V::String(text)) if is_model(text.trim()) => {
                Some(V::String(text.trim().to_owned()))
            }
            (Self::Sandbox, V::String(text)) => {
                let level = sandbox::from_name(text.trim());
                level.map(|level| V::String(level.as_str().to_owned()))
            }
            (Self::Vectors, V::String(text)) if matches!(text.as_str(), "words" | "model") => {
                Some(V::String(text))
            }
            (Self::Duration, V::String(text)) if Resource::Wall.amount(&text).is_some() => {
                Some(V::String(text.trim().to_owned()))
            }
            (Self::Address, V::String(text)) if is_address(text.trim()) => {
                Some(V::String(text.trim().to_owned()))
            }
            (Self::Share, V::Float(share)) if (0.0..=1.0).contains(&share) => Some(V::Float(share)),
            (Self::Share, V::Integer(share @ 0..=1)) => {
                Some(V::Float(if share == 0 { 0.0 } else { 1.0 }))
            }
            _ => None,
        }
    }
}

/// A list of texts that all fit.
fn texts(items: &[toml::Value], fits: impl Fn(&str) -> bool) -> Option<toml::Value> {
    let text = |item: &toml::Value| {
        let text = item.as_str()?.trim();
        fits(text).then(|| toml::Value::String(text.to_owned()))
    };
    let texts: Option<Vec<_>> = items.iter().map(text).collect();
    texts.map(toml::Value::Array)
}

fn is_model(text: &str) -> bool {
    text.split_once('/')
        .is_some_and(|(provider, model)| !provider.is_empty() && !model.is_empty())
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
    /// The value where none is set, if there is one.
    pub(crate) default: Option<String>,
    pub(crate) about: &'static str,
}

fn is_address(text: &str) -> bool {
    url::Url::parse(text).is_ok_and(|url| matches!(url.scheme(), "http" | "https"))
}

/// Settings of a model: the key is both global and, below `stages.NAME`, of one stage.
const MODEL_KEYS: [(&str, Kind, Option<&str>, &str); 14] = [
    (
        "provider",
        Kind::Text,
        None,
        "who answers: openai (and everything compatible), responses, anthropic, gemini, azure, openrouter, requesty, groq, deepseek, mistral, ollama, lmstudio, llamacpp, vllm, offline; follows from the model's name if left out",
    ),
    (
        "model",
        Kind::Text,
        None,
        "model name, as the provider calls it; offline if left out",
    ),
    (
        "base_url",
        Kind::Text,
        None,
        "address of the provider, for servers of your own",
    ),
    (
        "key",
        Kind::Secret,
        None,
        "key of the provider; better kept in its environment variable",
    ),
    (
        "temperature",
        Kind::Number,
        None,
        "sampling temperature; the provider's own if left out",
    ),
    (
        "effort",
        Kind::Effort,
        None,
        "how hard to think before answering; the provider's own if left out",
    ),
    (
        "tokens_max",
        Kind::Whole,
        Some("16384"),
        "most tokens of one answer",
    ),
    (
        "stream",
        Kind::Flag,
        Some("true"),
        "receive answers as they are written",
    ),
    (
        "structured",
        Kind::Flag,
        Some("false"),
        "let the provider enforce the answer's JSON schema",
    ),
    (
        "hedge_ms",
        Kind::Whole,
        None,
        "milliseconds after which a text that is still awaited is asked for a second time; never if left out",
    ),
    (
        "plain_http",
        Kind::Flag,
        Some("false"),
        "allow an address without TLS that is not this machine",
    ),
    (
        "guard",
        Kind::Guard,
        Some("secrets"),
        "what is hidden from providers on other machines: nothing, secrets, or personal data as well",
    ),
    (
        "fallback",
        Kind::Models,
        None,
        "who else may answer, each as PROVIDER/MODEL, asked in this order where the one before does not",
    ),
    (
        "routing",
        Kind::Strategy,
        Some("static"),
        "who of them is asked first: static keeps the order, cost takes the cheapest, latency the fastest",
    ),
];

/// Settings of one provider, below `providers.NAME`, whichever stage asks it.
const PROVIDER_KEYS: [(&str, Kind, &str); 6] = [
    (
        "provider",
        Kind::Text,
        "which provider it is; NAME itself if left out, or openai where NAME is no provider",
    ),
    ("base_url", Kind::Text, "its address"),
    (
        "key",
        Kind::Secret,
        "its key; better kept in its environment variable",
    ),
    (
        "plain_http",
        Kind::Flag,
        "allow an address without TLS that is not this machine",
    ),
    (
        "guard",
        Kind::Guard,
        "what is hidden from it, wherever it is: nothing, secrets, or personal data as well",
    ),
    (
        "models",
        Kind::Texts,
        "models of it that other programs may ask `atelier gateway` for",
    ),
];

/// What each limit bounds.
const LIMIT_KEYS: [(&str, &str); 26] = [
    ("requirement_bytes_max", "bytes of a requirement"),
    ("attempts_max", "tries at one task, the first included"),
    ("phases_max", "phases of a plan"),
    ("steps_max", "steps of a plan, over all phases"),
    ("detail_asks_at_once_max", "detail asks under way at once"),
    (
        "tasks_at_once_max",
        "tasks under way at once in one process",
    ),
    (
        "checks_at_once_max",
        "verifications of tasks under way at once in one process",
    ),
    (
        "ask_tries_max",
        "sendings of one ask after broken connections and refusals that may pass",
    ),
    (
        "ask_failures_max",
        "failed sendings in a row to one model, after which it is left alone for a while",
    ),
    ("connect_ms_max", "milliseconds to connect to a provider"),
    (
        "first_byte_ms_max",
        "milliseconds from the request to the first byte of the answer",
    ),
    (
        "ask_idle_ms_max",
        "milliseconds between two pieces of an answer",
    ),
    (
        "ask_total_ms_max",
        "milliseconds of one sending, from request to last byte",
    ),
    (
        "retry_wait_ms_max",
        "milliseconds a `Retry-After` may ask for before the ask fails instead of waiting",
    ),
    (
        "rate_wait_ms_max",
        "milliseconds an ask waits for its turn under a provider's rate limits before it fails",
    ),
    ("reply_bytes_max", "bytes of one reply"),
    ("edits_max", "edits of one reply"),
    ("tree_files_max", "files of a project tree that are read"),
    (
        "file_bytes_max",
        "bytes of one file that is read or written; larger files are left alone",
    ),
    (
        "context_tokens_max",
        "tokens of context packed into one prompt",
    ),
    (
        "output_bytes_max",
        "bytes of one check's output that are kept as evidence",
    ),
    (
        "evidence_bytes_max",
        "bytes of failed evidence that are shown to the model",
    ),
    (
        "step_wall_ms_max",
        "milliseconds of one build step or check",
    ),
    (
        "step_idle_ms_max",
        "milliseconds a build step may stay silent",
    ),
    (
        "kill_grace_ms_max",
        "milliseconds between the request to stop a process and its end by force",
    ),
    (
        "step_processes_max",
        "processes a build step may have at once",
    ),
];

const PRICE_KEYS: [(&str, &str); 5] = [
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
    (
        "cache_write_hour",
        "dollars for a million prompt tokens that the provider's cache keeps for an hour",
    ),
];

/// What each limit of a provider or a model counts.
const RATE_KEYS: [(&str, &str); 7] = [
    ("requests_per_minute", "requests a minute, with each key"),
    ("requests_per_day", "requests a day, with each key"),
    (
        "tokens_per_minute",
        "tokens a minute, with each key: input and output, at Gemini input alone",
    ),
    (
        "tokens_per_day",
        "tokens a day, with each key: input and output, at Gemini input alone",
    ),
    (
        "input_tokens_per_minute",
        "tokens of prompts a minute, with each key",
    ),
    (
        "output_tokens_per_minute",
        "tokens of answers a minute, with each key",
    ),
    (
        "requests_at_once",
        "requests under way at once, with each key",
    ),
];

fn sandbox_keys() -> [Key; 2] {
    let level = "how strongly commands are confined: strong, light, or none; the project's own \
                 file can only ask for strong";
    let registries = "hosts, beside the known package registries, that commands which install \
                      packages may reach; not read from the project's own file";
    [
        key(sandbox::SANDBOX, Kind::Sandbox, Some("strong"), level),
        key(sandbox::REGISTRIES, Kind::Texts, None, registries),
    ]
}

fn shared_cache_keys() -> [Key; 2] {
    let address = "a cache of build steps' results that machines share, such as \
                   grpc://cache.example:9092/INSTANCE (grpcs:// is encrypted), of the Remote Execution \
                   API; not read from the project's own file";
    let write = "whether results of this machine are put into that cache; for machines that are \
                 trusted, such as those of continuous integration";
    [
        key(shared_cache::ADDRESS, Kind::Text, None, address),
        key(shared_cache::WRITE, Kind::Flag, Some("false"), write),
    ]
}

/// What may be used up beside money.
fn limit_keys(prefix: &str) -> [Key; 3] {
    let tokens = "most tokens of prompts and answers it may take; unlimited if left out";
    let calls = "most sendings to a provider it may take; unlimited if left out";
    let wall = "most time of work it may take, such as 30m; unlimited if left out";
    [
        key(&format!("{prefix}budget_tokens"), Kind::Count, None, tokens),
        key(&format!("{prefix}budget_calls"), Kind::Count, None, calls),
        key(&format!("{prefix}budget_wall"), Kind::Duration, None, wall),
    ]
}

fn keep_key() -> Key {
    let days = "days for which the gateway keeps each request; of older ones it keeps sums by day, \
                and nothing of answers that broke off";
    key(KEEP_DAYS, Kind::Count, Some("400"), days)
}

fn archive_key() -> Key {
    let node = "the IPFS node (Kubo) that holds all answers, sealed, from the end of each run on";
    key("archive", Kind::Address, None, node)
}

/// Every key, with `NAME` where a price names its model, or a table its provider.
pub(crate) fn known_keys() -> Vec<Key> {
    let mut all = model_keys("");
    let approval = "when to ask before going on: never, after planning, before every task";
    all.push(key("approval", Kind::Approval, Some("never"), approval));
    let jobs = "tasks done at once by one process; by processors and memory if left out";
    all.push(key("jobs", Kind::Count, None, jobs));
    let most = "most a run may cost, in dollars; unlimited if left out";
    all.push(key("budget", Kind::Money, None, most));
    all.push(key(
        "task_budget",
        Kind::Money,
        None,
        "most that the asks of one task of a run may cost, in dollars; unlimited if left out",
    ));
    all.extend(limit_keys(""));
    all.extend(limit_keys("task_"));
    all.push(key(
        "budget_day",
        Kind::Money,
        None,
        "most that the gateway may cost on one day (UTC), in dollars; unlimited if left out",
    ));
    all.push(key(
        "compression",
        Kind::Compression,
        Some("off"),
        "safe shows files that are not to be changed without comments, or without the bodies of their functions",
    ));
    all.push(key(
        "guard_local",
        Kind::Guard,
        Some("off"),
        "what is hidden from providers on this machine, unless the stage or the provider says otherwise",
    ));
    all.push(archive_key());
    all.extend(shared_cache_keys());
    let signing =
        "file with the private Ed25519 key (PEM) that `atelier verify --provenance` signs with";
    all.push(key("provenance_key", Kind::Text, None, signing));
    all.push(keep_key());
    all.extend(sandbox_keys());
    all.extend(semantic_keys());
    all.extend(Stage::ALL.into_iter().flat_map(stage_keys));
    for (name, kind, about) in PROVIDER_KEYS {
        all.push(key(&format!("providers.NAME.{name}"), kind, None, about));
    }
    let defaults = serde_json::to_value(Limits::default()).unwrap_or_default();
    for (name, about) in LIMIT_KEYS {
        let default = defaults.get(name).map(ToString::to_string);
        all.push(key(
            &format!("limits.{name}"),
            Kind::Whole,
            default.as_deref(),
            about,
        ));
    }
    for (name, about) in PRICE_KEYS {
        all.push(key(
            &format!("prices.NAME.{name}"),
            Kind::Money,
            None,
            about,
        ));
    }
    for (name, about) in RATE_KEYS {
        all.push(key(&format!("rates.NAME.{name}"), Kind::Count, None, about));
    }
    all
}

/// What one stage has of its own.
fn stage_keys(stage: Stage) -> Vec<Key> {
    let mut all = model_keys(&format!("stages.{stage}."));
    let most = "most that its asks may cost in one run, in dollars; unlimited if left out";
    let name = format!("stages.{stage}.budget");
    all.push(key(&name, Kind::Money, None, most));
    all.extend(limit_keys(&format!("stages.{stage}.")));
    let own = "whether its answers may be answers to the same question in other words";
    let name = format!("stages.{stage}.{}", semantic::SWITCH);
    all.push(key(&name, Kind::Switch, None, own));
    all
}

/// Where an answer may be one to the same question in other words, and how sure that must be.
fn semantic_keys() -> [Key; 6] {
    let default = SemanticConfig::default().bounds;
    let (error_max, checked_min) = (
        default.error_max.to_string(),
        default.checked_min.to_string(),
    );
    [
        key(
            semantic::SWITCH,
            Kind::Switch,
            Some("off"),
            "whether an answer may be one to the same question in other words; never where code is written",
        ),
        key(
            &format!("gateway.{}", semantic::SWITCH),
            Kind::Switch,
            Some("off"),
            "whether the gateway may answer other programs so",
        ),
        key(
            semantic::ERROR_MAX,
            Kind::Share,
            Some(&error_max),
            "share of such answers that may be wrong; what is less sure is asked",
        ),
        key(
            semantic::CHECKED_MIN,
            Kind::Share,
            Some(&checked_min),
            "least share of such answers that is asked and paid for anyway, to compare",
        ),
        key(
            semantic::VECTORS,
            Kind::Vectors,
            Some("words"),
            "what finds the questions to compare: their words, or the model that `embeddings` names",
        ),
        key(
            semantic::EMBEDDINGS,
            Kind::Model,
            None,
            "model that makes vectors of texts, as PROVIDER/MODEL; other programs may ask the gateway for it",
        ),
    ]
}

/// The settings of a model, for all stages or for one; what a stage leaves out is as for all.
fn model_keys(prefix: &str) -> Vec<Key> {
    let of_all = prefix.is_empty();
    let one = |(name, kind, default, about): &(&str, Kind, Option<&str>, &'static str)| {
        key(
            &format!("{prefix}{name}"),
            *kind,
            default.filter(|_| of_all),
            about,
        )
    };
    MODEL_KEYS.iter().map(one).collect()
}

fn key(name: &str, kind: Kind, default: Option<&str>, about: &'static str) -> Key {
    Key {
        name: name.to_owned(),
        kind,
        default: default.map(str::to_owned),
        about,
    }
}

/// The kind of a key; `None` where there is no such key.
pub(crate) fn kind(name: &str) -> Option<Kind> {
    if let Some(rest) = name.strip_prefix("prices.") {
        let (model, part) = rest.rsplit_once('.')?;
        let known = PRICE_KEYS.iter().any(|(key, _)| *key == part);
        return (known && !model.is_empty()).then_some(Kind::Money);
    }
    if let Some(rest) = name.strip_prefix("rates.") {
        let (asked, part) = rest.rsplit_once('.')?;
        let known = RATE_KEYS.iter().any(|(key, _)| *key == part);
        return (known && !asked.is_empty()).then_some(Kind::Count);
    }
    if let Some((_, part)) = of_provider(name) {
        let known = PROVIDER_KEYS.iter().find(|(key, ..)| *key == part);
        return known.map(|(_, kind, _)| *kind);
    }
    known_keys()
        .into_iter()
        .find(|key| key.name == name)
        .map(|key| key.kind)
}

/// The name of a provider and the part of its settings that a key stands for.
pub(crate) fn of_provider(key: &str) -> Option<(&str, &str)> {
    let (name, part) = key.strip_prefix("providers.")?.split_once('.')?;
    let plain = |c: char| c.is_ascii_alphanumeric() || c == '-' || c == '_';
    (!name.is_empty() && name.chars().all(plain)).then_some((name, part))
}

/// The settings that a provider may have.
pub(crate) fn provider_parts() -> impl Iterator<Item = &'static str> {
    PROVIDER_KEYS.iter().map(|(name, ..)| *name)
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
