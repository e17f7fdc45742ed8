//! What a request asks for, by its method and address.

use atelier_llm::{Demand, Dialect};
use hyper::Method;
use percent_encoding::percent_decode_str;

/// The methods of an address that is looked at.
const READ: &str = "GET, HEAD";

/// Those of one that takes questions.
const WRITE: &str = "POST";

/// Those of a model by Gemini's dialect, which asks it where others look at it, and of a run.
const READ_OR_WRITE: &str = "GET, HEAD, POST";

/// Those of the list of keys.
const SEE_OR_ISSUE: &str = "GET, POST";

/// That of one key.
const REVOKE: &str = "DELETE";

/// What a request asks for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Wanted {
    /// Whether anybody is there.
    Presence,
    /// The list of models, as its dialect writes it.
    Models(Dialect),
    /// What is known of one model.
    Described(Dialect, String),
    /// Something of a model.
    Model {
        /// The dialect of the request.
        dialect: Dialect,
        /// What it is about.
        demand: Demand,
        /// The model, where the address names it.
        model: Option<String>,
        /// Whether an answer is wanted piece by piece, where the address says so.
        stream: Option<bool>,
    },
    /// What was counted, for Prometheus.
    Metrics,
    /// Something about the keys of clients.
    Keys(KeysWanted),
    /// Something about the runs of the project.
    Runs(RunsWanted),
    /// Something that is known but not offered.
    NotOffered(&'static str),
    /// The address is right and the method is not: these are the ones it has.
    WrongMethod(&'static str),
    /// There is no such address.
    Unknown,
}

/// What is wanted of the keys of clients.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum KeysWanted {
    /// To see which there are.
    See,
    /// A new one.
    Issue,
    /// That the one with this id or name opens nothing any more.
    Revoke(String),
}

/// What is wanted of the runs of the project.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum RunsWanted {
    /// To see which there are.
    List,
    /// To see where one stands.
    See(String),
    /// To read what happened in one.
    Events(String),
    /// Something of one, or of a task of it.
    Steer(String, Option<String>),
}

/// Finds out what is wanted. `messages` says whether the client speaks Anthropic's dialect, whose
/// list of models stands at the same address as everyone's.
pub(crate) fn wanted(method: &Method, path: &str, messages: bool) -> Wanted {
    let segments: Vec<&str> = path
        .split('/')
        .filter(|segment| !segment.is_empty())
        .collect();
    let is_get = matches!(*method, Method::GET | Method::HEAD);
    let is_post = *method == Method::POST;
    let about = |dialect, demand| {
        if !is_post {
            return Wanted::WrongMethod(WRITE);
        }
        Wanted::Model {
            dialect,
            demand,
            model: None,
            stream: None,
        }
    };
    let (version, rest) = match segments.split_first() {
        None if is_get => return Wanted::Presence,
        Some((&"metrics", [])) if is_get => return Wanted::Metrics,
        None | Some((&"metrics", [])) => return Wanted::WrongMethod(READ),
        Some((&"atelier", ["v1", rest @ ..])) => return of_atelier(method, rest),
        Some((&version @ ("v1" | "v1beta"), rest)) => (version, rest),
        // Some clients leave the version out.
        Some(_) => ("v1", segments.as_slice()),
    };
    match rest {
        ["chat", "completions"] => about(Dialect::Chat, Demand::Answer),
        ["responses"] => about(Dialect::Responses, Demand::Answer),
        ["messages"] => about(Dialect::Messages, Demand::Answer),
        ["messages", "count_tokens"] => about(Dialect::Messages, Demand::Count),
        ["embeddings"] => about(Dialect::Chat, Demand::Embeddings),
        ["completions"] => about(Dialect::Completions, Demand::Answer),
        ["messages", "batches", ..] | ["batches", ..] => Wanted::NotOffered("batches"),
        ["responses", "input_tokens"] => about(Dialect::Responses, Demand::Count),
        ["responses", _, ..] => Wanted::NotOffered("stored responses"),
        ["models"] if is_get => Wanted::Models(of_models(version, messages)),
        ["models", named @ ..] if is_get => {
            Wanted::Described(of_models(version, messages), decoded(&named.join("/")))
        }
        ["models", _, ..] if is_post => generation(&decoded(&rest[1..].join("/"))),
        ["models", .., named] if decoded(named).contains(':') => Wanted::WrongMethod(READ_OR_WRITE),
        ["models", ..] => Wanted::WrongMethod(READ),
        _ => Wanted::Unknown,
    }
}

/// A name out of an address, where a slash may stand as `%2F`.
fn decoded(name: &str) -> String {
    percent_decode_str(name).decode_utf8_lossy().into_owned()
}

/// The dialect of whoever looks at the models.
fn of_models(version: &str, messages: bool) -> Dialect {
    match version {
        "v1beta" => Dialect::Gemini,
        _ if messages => Dialect::Messages,
        _ => Dialect::Chat,
    }
}

/// What Atelier offers of its own.
fn of_atelier(method: &Method, rest: &[&str]) -> Wanted {
    match (method, rest) {
        (&Method::GET, ["keys"]) => Wanted::Keys(KeysWanted::See),
        (&Method::POST, ["keys"]) => Wanted::Keys(KeysWanted::Issue),
        (&Method::DELETE, ["keys", named]) => Wanted::Keys(KeysWanted::Revoke(decoded(named))),
        (_, ["keys"]) => Wanted::WrongMethod(SEE_OR_ISSUE),
        (_, ["keys", _]) => Wanted::WrongMethod(REVOKE),
        (_, ["runs", rest @ ..]) => of_runs(method, rest),
        _ => Wanted::Unknown,
    }
}

/// What it offers of the runs of a project.
fn of_runs(method: &Method, rest: &[&str]) -> Wanted {
    let is_get = matches!(*method, Method::GET | Method::HEAD);
    let is_post = *method == Method::POST;
    match rest {
        [] if is_get => Wanted::Runs(RunsWanted::List),
        [run] if is_get => Wanted::Runs(RunsWanted::See(decoded(run))),
        [run] if is_post => Wanted::Runs(RunsWanted::Steer(decoded(run), None)),
        [run, "events"] if is_get => Wanted::Runs(RunsWanted::Events(decoded(run))),
        [run, "tasks", task] if is_post => {
            Wanted::Runs(RunsWanted::Steer(decoded(run), Some(decoded(task))))
        }
        [] | [_, "events"] => Wanted::WrongMethod(READ),
        [_] => Wanted::WrongMethod(READ_OR_WRITE),
        [_, "tasks", _] => Wanted::WrongMethod(WRITE),
        _ => Wanted::Unknown,
    }
}

/// Reads `MODEL:METHOD`, as Gemini's dialect has it in its addresses.
fn generation(named: &str) -> Wanted {
    let Some((model, method)) = named.rsplit_once(':') else {
        // A model alone can be looked at, and nothing else.
        return Wanted::WrongMethod(READ);
    };
    let (demand, stream) = match method {
        "generateContent" => (Demand::Answer, false),
        "streamGenerateContent" => (Demand::Answer, true),
        "countTokens" => (Demand::Count, false),
        "embedContent" | "batchEmbedContents" => (Demand::Embeddings, false),
        _ => return Wanted::Unknown,
    };
    Wanted::Model {
        dialect: Dialect::Gemini,
        demand,
        model: Some(model.to_owned()),
        stream: Some(stream),
    }
}
