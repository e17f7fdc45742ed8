//! Requests become responses: pure functions, tested without a socket.

use crate::http::{Request, Response, Status};
use crate::{NAME, SUMMARY, VERSION, json};

/// Answers a request; HEAD goes wherever GET goes.
#[must_use]
pub fn respond(request: &Request) -> Response {
    let route = match request.path() {
        "/" => about,
        "/health" => health,
        path => {
            let error = format!("there is nothing at {path}");
            return problem(Status::NotFound, &error);
        }
    };
    match request.method.as_str() {
        "GET" | "HEAD" => route(),
        method => {
            let error = format!("{} does not answer {method}", request.path());
            Response {
                allow: "GET, HEAD",
                ..problem(Status::MethodNotAllowed, &error)
            }
        }
    }
}

/// A response that says what is wrong.
#[must_use]
pub fn problem(status: Status, error: &str) -> Response {
    Response {
        status,
        allow: "",
        body: json::object(&[("error", error)]),
    }
}

fn ok(members: &[(&str, &str)]) -> Response {
    Response {
        status: Status::Ok,
        allow: "",
        body: json::object(members),
    }
}

/// Says that the service is well.
fn health() -> Response {
    ok(&[("status", "ok")])
}

/// Says what the service is.
fn about() -> Response {
    ok(&[("name", NAME), ("version", VERSION), ("summary", SUMMARY)])
}
