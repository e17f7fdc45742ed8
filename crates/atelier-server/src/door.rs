//! One request: who it is from, what it wants, and the answer.

use std::{convert::Infallible, time::Duration};

use atelier_keys::{Action, Client, Turned};
use atelier_llm::{Demand, Dialect, Incoming, Listed, Passed, PassedBody, Relay};
use atelier_model::AuditFact;
use bytes::Bytes;
use futures_util::StreamExt;
use http_body_util::{BodyExt, Full, Limited, StreamBody, combinators::UnsyncBoxBody};
use hyper::{
    Method, Request, Response, StatusCode,
    body::{Frame, Incoming as Arriving},
    header::{HeaderMap, HeaderName, HeaderValue},
};
use serde_json::{Value, json};
use tokio::time::timeout;

use crate::{
    Bounds, Keys, Runs, admin,
    keys::{Caller, is_key_header, may},
    request::{KeysWanted, RunsWanted, Wanted, wanted},
};

/// What is behind the door.
pub(crate) struct Door {
    /// Who passes requests on.
    pub(crate) relay: Relay,
    /// Who may come in.
    pub(crate) keys: Keys,
    /// How far anything may go.
    pub(crate) bounds: Bounds,
    /// Whether answers that were given before are given again.
    pub(crate) cache: bool,
    /// The runs of the project, where there is one.
    pub(crate) runs: Option<Runs>,
}

/// The body of an answer.
pub(crate) type Body = UnsyncBoxBody<Bytes, Infallible>;

impl Door {
    /// Answers a request.
    pub(crate) async fn answer(&self, request: Request<Arriving>) -> Response<Body> {
        let is_head = request.method() == Method::HEAD;
        let mut response = response(self.passed(request).await);
        if is_head {
            *response.body_mut() = Full::default().boxed_unsync();
        }
        response
    }

    async fn passed(&self, request: Request<Arriving>) -> Passed {
        let headers = request.headers();
        let speaks_messages = headers.contains_key("anthropic-version");
        let (uri, method) = (request.uri(), request.method());
        let wanted = wanted(method, uri.path(), speaks_messages);
        let dialect = dialect(&wanted, speaks_messages);
        if wanted == Wanted::Presence {
            return Passed::json(&json!({"name": "atelier gateway"}), Vec::new());
        }
        let (action, spoken) = needed(&wanted);
        let shown = (headers, uri.query().unwrap_or_default());
        match self.keys.admit(shown, action, spoken) {
            Ok(client) => self.admitted(client, wanted, dialect, request).await,
            Err(turned) => {
                let (client, fact) = refused(&turned);
                self.relay.note(client, fact);
                turned_away(dialect, &turned)
            }
        }
    }

    /// Answers somebody who may have what they want.
    async fn admitted(
        &self,
        client: Caller,
        wanted: Wanted,
        dialect: Dialect,
        request: Request<Arriving>,
    ) -> Passed {
        let refuse = |status, said: &str| Passed::refusal(dialect, status, said);
        match wanted {
            Wanted::Presence => Passed::json(&json!({}), Vec::new()),
            Wanted::Models(dialect) => Passed::json(
                &models(dialect, &self.listed(client.as_deref())),
                Vec::new(),
            ),
            Wanted::Described(dialect, name) => {
                let listed = self.listed(client.as_deref());
                let found = listed.iter().find(|listed| listed.name == name);
                let said = format!("there is no model `{name}` here");
                found.map_or_else(
                    || refuse(404, &said),
                    |found| Passed::json(&model(dialect, found), Vec::new()),
                )
            }
            Wanted::Metrics => metrics(&self.relay),
            Wanted::Keys(about) => match self.body(request).await {
                Ok(body) => self.of_keys(client, about, dialect, &body).await,
                Err((status, said)) => refuse(status, said),
            },
            Wanted::Runs(about) => self.of_runs(&client, &about, dialect, request).await,
            Wanted::NotOffered(what) => refuse(501, &format!("this gateway offers no {what}")),
            Wanted::WrongMethod(allowed) => wrong_method(dialect, allowed),
            Wanted::Unknown => nothing_here(dialect, request.method(), request.uri().path()),
            Wanted::Model {
                dialect,
                demand,
                model,
                stream,
            } => {
                let headers = owned(request.headers());
                let cache = self.cache && !refuses_cache(&headers);
                let body = match self.body(request).await {
                    Ok(body) => body,
                    Err((status, said)) => return refuse(status, said),
                };
                let incoming = Incoming {
                    dialect,
                    demand,
                    model,
                    stream,
                    headers,
                    body,
                    cache,
                    client,
                };
                self.relay.pass(incoming).await
            }
        }
    }

    /// Does what is wanted of the keys of clients, and puts it on record.
    async fn of_keys(
        &self,
        client: Caller,
        about: KeysWanted,
        dialect: Dialect,
        body: &[u8],
    ) -> Passed {
        let done = match admin::answer(about, &self.keys, body).await {
            Ok(done) => done,
            Err((status, said)) => return Passed::refusal(dialect, status, &said),
        };
        if let Some(fact) = done.fact {
            self.relay.note(client.map(|client| client.title()), fact);
        }
        Passed::json(&done.answer, Vec::new())
    }

    /// Tells of the runs of the project, or does what is asked of one and puts it on record.
    async fn of_runs(
        &self,
        client: &Caller,
        about: &RunsWanted,
        dialect: Dialect,
        request: Request<Arriving>,
    ) -> Passed {
        let refuse = |(status, said): (u16, String)| Passed::refusal(dialect, status, &said);
        let Some(runs) = &self.runs else {
            let said = "this gateway was started in no project, and knows no runs";
            return refuse((501, said.to_owned()));
        };
        let RunsWanted::Steer(run, task) = about else {
            let seen = runs.see(about, request.uri().query().unwrap_or_default());
            return seen
                .await
                .map_or_else(refuse, |answer| Passed::json(&answer, Vec::new()));
        };
        let body = match self.body(request).await {
            Ok(body) => body,
            Err((status, said)) => return refuse((status, said.to_owned())),
        };
        let allowed = |action| {
            may(client, action).map_err(|turned| {
                let (client, fact) = refused(&turned);
                self.relay.note(client, fact);
                (turned.status(), turned.to_string())
            })
        };
        match runs.steer((run, task.as_deref()), &body, &allowed).await {
            Ok(steered) => {
                let client = client.as_ref().map(|client| client.title());
                self.relay.note(client, steered.fact);
                Passed::json(&steered.answer, Vec::new())
            }
            Err(why) => refuse(why),
        }
    }

    /// The models that a client may ask for.
    fn listed(&self, client: Option<&Client>) -> Vec<Listed> {
        let mut listed = self.relay.models();
        if let Some(client) = client {
            listed.retain(|listed| client.terms.allow_model(&listed.name));
        }
        listed
    }

    async fn body(&self, request: Request<Arriving>) -> Result<Bytes, (u16, &'static str)> {
        let reading = Limited::new(request.into_body(), self.bounds.body_bytes_max).collect();
        let limit = Duration::from_millis(self.bounds.body_ms_max);
        match timeout(limit, reading).await {
            Ok(Ok(body)) => Ok(body.to_bytes()),
            Ok(Err(error)) if error.is::<http_body_util::LengthLimitError>() => {
                Err((413, "the request is larger than this gateway takes"))
            }
            Ok(Err(_)) => Err((400, "the request ended too early")),
            Err(_) => Err((408, "the request took too long to arrive")),
        }
    }
}

/// What somebody must be trusted with who wants something, and the dialect that must be open to
/// them.
fn needed(wanted: &Wanted) -> (Action, Option<&'static str>) {
    match wanted {
        Wanted::Model {
            dialect, demand, ..
        } => {
            let action = match demand {
                Demand::Answer => Action::Ask,
                Demand::Count => Action::CountTokens,
                Demand::Embeddings => Action::Embed,
            };
            (action, Some(dialect.name()))
        }
        Wanted::Metrics => (Action::ReadMetrics, None),
        Wanted::Keys(KeysWanted::See) => (Action::SeeKeys, None),
        Wanted::Keys(KeysWanted::Issue) => (Action::IssueKeys, None),
        Wanted::Keys(KeysWanted::Revoke(_)) => (Action::RevokeKeys, None),
        Wanted::Runs(RunsWanted::List | RunsWanted::See(_) | RunsWanted::Events(_)) => {
            (Action::SeeRuns, None)
        }
        Wanted::Runs(RunsWanted::Steer(..)) => (Action::SteerRuns, None),
        Wanted::Presence
        | Wanted::Models(_)
        | Wanted::Described(..)
        | Wanted::NotOffered(_)
        | Wanted::WrongMethod(_)
        | Wanted::Unknown => (Action::SeeModels, None),
    }
}

/// What was counted, as Prometheus reads it.
fn metrics(relay: &Relay) -> Passed {
    let kind = "text/plain; version=0.0.4; charset=utf-8";
    Passed {
        status: 200,
        headers: vec![("content-type".to_owned(), kind.to_owned())],
        body: PassedBody::Whole(relay.metrics().into()),
    }
}

/// The answer to somebody who is not let in.
fn turned_away(dialect: Dialect, turned: &Turned) -> Passed {
    let mut passed = Passed::refusal(dialect, turned.status(), &turned.to_string());
    if let Turned::TooOften { wait_ms, .. } = turned {
        let seconds = wait_ms.div_ceil(1_000).to_string();
        passed.headers.push(("retry-after".to_owned(), seconds));
    }
    passed
}

/// The answer to a request for an address that is none.
fn nothing_here(dialect: Dialect, method: &Method, path: &str) -> Passed {
    let said = format!("there is nothing at {method} {path}; check the base URL");
    let mut passed = Passed::refusal(dialect, 404, &said);
    if dialect == Dialect::Chat {
        // Programs tell a wrong address from a model that is not there by this word.
        let error = json!({"error": {
            "message": said, "type": "invalid_request_error", "param": null, "code": "unknown_url",
        }});
        passed.body = PassedBody::Whole(error.to_string().into());
    }
    passed
}

/// What goes on record of somebody who is not let in, and the name of the key where it has one.
fn refused(turned: &Turned) -> (Option<String>, AuditFact) {
    let (client, reason) = match turned {
        Turned::Unknown => (None, "unknown"),
        Turned::Keyless { .. } => (None, "keyless"),
        Turned::Revoked { name } => (Some(name), "revoked"),
        Turned::Expired { name, .. } => (Some(name), "expired"),
        Turned::Role { name, .. } => (Some(name), "role"),
        Turned::Dialect { name, .. } => (Some(name), "dialect"),
        Turned::TooOften { name, .. } => (Some(name), "too_often"),
    };
    let reason = reason.to_owned();
    let fact = AuditFact::ClientRefused { reason, count: 1 };
    (client.cloned(), fact)
}

/// A refusal of a method, with those that the address has.
fn wrong_method(dialect: Dialect, allowed: &str) -> Passed {
    let said = format!("the address is right, the method is not: it takes {allowed}");
    let mut refused = Passed::refusal(dialect, 405, &said);
    let allow = (hyper::header::ALLOW.to_string(), allowed.to_owned());
    refused.headers.push(allow);
    refused
}

/// The dialect in which a refusal is said.
fn dialect(wanted: &Wanted, speaks_messages: bool) -> Dialect {
    match wanted {
        Wanted::Models(dialect) | Wanted::Described(dialect, _) | Wanted::Model { dialect, .. } => {
            *dialect
        }
        Wanted::Metrics
        | Wanted::Keys(_)
        | Wanted::Runs(_)
        | Wanted::Presence
        | Wanted::NotOffered(_)
        | Wanted::WrongMethod(_)
        | Wanted::Unknown => {
            if speaks_messages {
                Dialect::Messages
            } else {
                Dialect::Chat
            }
        }
    }
}

fn owned(headers: &HeaderMap) -> Vec<(String, String)> {
    let texts = headers.iter().filter_map(|(name, value)| {
        let value = value.to_str().ok()?;
        let (name, value) = (name.as_str(), value);
        (!is_key_header(name, value)).then(|| (name.to_owned(), value.to_owned()))
    });
    texts.collect()
}

fn refuses_cache(headers: &[(String, String)]) -> bool {
    headers.iter().any(|(name, value)| {
        let words = ["no-cache", "no-store"];
        name == "cache-control" && words.iter().any(|word| value.contains(word))
    })
}

/// A model as a dialect describes it.
fn model(dialect: Dialect, Listed { name, provider }: &Listed) -> Value {
    match dialect {
        Dialect::Chat | Dialect::Completions | Dialect::Responses => {
            json!({"id": name, "object": "model", "created": 0, "owned_by": provider})
        }
        Dialect::Messages => json!({
            "id": name, "type": "model", "display_name": name,
            "created_at": "1970-01-01T00:00:00Z",
        }),
        Dialect::Gemini => json!({
            "name": format!("models/{name}"), "displayName": name,
            "supportedGenerationMethods": [
                "generateContent", "countTokens", "embedContent", "batchEmbedContents",
            ],
        }),
    }
}

/// The list of models as a dialect writes it.
fn models(dialect: Dialect, listed: &[Listed]) -> Value {
    let models: Vec<Value> = listed.iter().map(|one| model(dialect, one)).collect();
    match dialect {
        Dialect::Chat | Dialect::Completions | Dialect::Responses => {
            json!({"object": "list", "data": models})
        }
        Dialect::Messages => {
            let first = listed.first().map(|listed| &listed.name);
            let last = listed.last().map(|listed| &listed.name);
            json!({"data": models, "has_more": false, "first_id": first, "last_id": last})
        }
        Dialect::Gemini => json!({"models": models}),
    }
}

fn response(passed: Passed) -> Response<Body> {
    let body = match passed.body {
        PassedBody::Whole(bytes) => Full::new(bytes).boxed_unsync(),
        PassedBody::Stream(pieces) => {
            StreamBody::new(pieces.map(|piece| Ok(Frame::data(piece)))).boxed_unsync()
        }
    };
    let mut response = Response::new(body);
    *response.status_mut() = StatusCode::from_u16(passed.status).unwrap_or(StatusCode::BAD_GATEWAY);
    for (name, value) in passed.headers {
        let name = HeaderName::try_from(name);
        if let (Ok(name), Ok(value)) = (name, HeaderValue::try_from(value)) {
            response.headers_mut().append(name, value);
        }
    }
    response
}
