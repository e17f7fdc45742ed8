//! What each route answers.

use {{module}}::http::{Request, Response, Status};
use {{module}}::{NAME, VERSION, json, router};

fn respond(method: &str, target: &str) -> Response {
    router::respond(&Request {
        method: method.to_owned(),
        target: target.to_owned(),
        headers: Vec::new(),
        body: Vec::new(),
    })
}

#[test]
fn health_says_ok() {
    let response = respond("GET", "/health");
    assert_eq!(response.status, Status::Ok);
    assert_eq!(response.body, "{\"status\": \"ok\"}\n");
}

#[test]
fn the_root_says_what_the_service_is() {
    let body = respond("GET", "/").body;
    let start = format!("{{\"name\": \"{NAME}\", \"version\": \"{VERSION}\", ");
    assert!(body.starts_with(&start), "{body}");
}

#[test]
fn the_query_does_not_choose_the_route() {
    assert_eq!(respond("GET", "/health?verbose=1").status, Status::Ok);
}

#[test]
fn an_unknown_path_is_not_found() {
    for target in ["/nothing", "/health/", "*", "//health"] {
        assert_eq!(respond("GET", target).status, Status::NotFound, "{target}");
    }
}

#[test]
fn a_wrong_method_is_told_which_are_right() {
    let response = respond("DELETE", "/health");
    assert_eq!(response.status, Status::MethodNotAllowed);
    assert_eq!(response.allow, "GET, HEAD");
}

#[test]
fn head_goes_where_get_goes() {
    assert_eq!(respond("HEAD", "/health"), respond("GET", "/health"));
}

#[test]
fn json_texts_are_escaped() {
    let object = json::object(&[("a\"b", "c\\d\ne")]);
    assert_eq!(object, "{\"a\\\"b\": \"c\\\\d\\u000ae\"}\n");
}
