//! How requests are read and responses written.

use {{module}}::http::{
    BODY_BYTES_MAX, HEAD_BYTES_MAX, ReadError, Request, Response, Status, read_request,
    write_response,
};

fn read(text: &str) -> Result<Request, ReadError> {
    read_request(&mut text.as_bytes())
}

/// The status a broken request is answered with; `None` where the connection just ends.
fn refusal(text: &str) -> Option<Status> {
    read(text).expect_err(text).status()
}

#[test]
fn a_request_has_a_method_a_target_and_headers() {
    let request = read("GET /a?b=c HTTP/1.1\r\nHost: here\r\nX-Two:  2 \r\n\r\n").unwrap();
    assert_eq!(request.method, "GET");
    assert_eq!(request.target, "/a?b=c");
    assert_eq!(request.path(), "/a");
    assert_eq!(request.header("host"), Some("here"));
    assert_eq!(request.header("x-two"), Some("2"));
    assert_eq!(request.header("missing"), None);
    assert_eq!(request.body, b"");
}

#[test]
fn a_body_is_as_long_as_announced() {
    let request = read("POST / HTTP/1.1\r\nContent-Length: 3\r\n\r\nabcdef").unwrap();
    assert_eq!(request.body, b"abc");
}

#[test]
fn lines_may_end_without_a_carriage_return() {
    assert_eq!(read("GET / HTTP/1.0\n\n").unwrap().method, "GET");
}

#[test]
fn what_is_no_request_is_refused() {
    for text in [
        "GET /\r\n\r\n",
        "GET  / HTTP/1.1\r\n\r\n",
        "G(T / HTTP/1.1\r\n\r\n",
        "GET http://elsewhere/ HTTP/1.1\r\n\r\n",
        "GET / HTTP/2.0\r\n\r\n",
        "GET / HTTP/1.1\r\nno colon\r\n\r\n",
        "GET / HTTP/1.1\r\nname : value\r\n\r\n",
        "GET / HTTP/1.1\r\n folded: value\r\n\r\n",
        "GET / HTTP/1.1\r\na: b\rc\r\n\r\n",
    ] {
        assert_eq!(refusal(text), Some(Status::BadRequest), "{text:?}");
    }
}

#[test]
fn lengths_that_could_hide_a_second_request_are_refused() {
    for header in [
        "Content-Length: +3",
        "Content-Length: 3, 3",
        "Content-Length:",
        "Content-Length: 3\r\nContent-Length: 4",
    ] {
        let text = format!("POST / HTTP/1.1\r\n{header}\r\n\r\nabc");
        assert_eq!(refusal(&text), Some(Status::BadRequest), "{header:?}");
    }
    let chunked = "POST / HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n";
    assert_eq!(refusal(chunked), Some(Status::NotImplemented));
}

#[test]
fn what_is_too_large_is_refused_before_it_is_read() {
    let long = "x".repeat(usize::try_from(HEAD_BYTES_MAX).unwrap());
    let many = "a: b\r\n".repeat(101);
    for text in [
        format!("GET /{long} HTTP/1.1\r\n\r\n"),
        format!("GET / HTTP/1.1\r\nlong: {long}\r\n\r\n"),
        format!("GET / HTTP/1.1\r\n{many}\r\n"),
    ] {
        assert_eq!(refusal(&text), Some(Status::HeadersTooLarge));
    }
    for length in [
        (BODY_BYTES_MAX + 1).to_string(),
        "99999999999999999999999".to_owned(),
    ] {
        let text = format!("POST / HTTP/1.1\r\nContent-Length: {length}\r\n\r\n");
        assert_eq!(refusal(&text), Some(Status::ContentTooLarge));
    }
}

#[test]
fn a_connection_that_ends_early_has_no_one_to_tell() {
    for text in [
        "",
        "GET / HT",
        "GET / HTTP/1.1\r\nHost: here\r\n",
        "POST / HTTP/1.1\r\nContent-Length: 3\r\n\r\nab",
    ] {
        assert_eq!(refusal(text), None, "{text:?}");
    }
}

#[test]
fn a_response_is_written_with_its_length() {
    let response = Response {
        status: Status::MethodNotAllowed,
        allow: "GET",
        body: "{}\n".to_owned(),
    };
    let mut bytes = Vec::new();
    write_response(&mut bytes, &response, true).unwrap();
    let head = "HTTP/1.1 405 Method Not Allowed\r\nContent-Type: application/json\r\n\
                Content-Length: 3\r\nAllow: GET\r\nConnection: close\r\n\r\n";
    assert_eq!(String::from_utf8(bytes).unwrap(), format!("{head}{{}}\n"));
    let mut bytes = Vec::new();
    write_response(&mut bytes, &response, false).unwrap();
    assert_eq!(String::from_utf8(bytes).unwrap(), head);
}
