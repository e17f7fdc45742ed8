//! HTTP/1.1 messages: a request is read, a response is written.
//!
//! One request is served on each connection, which is then closed, so that no message can be
//! taken for a part of another. Bodies come with `Content-Length`; chunked ones are refused.

use std::fmt;
use std::io::{self, BufRead, Read, Write};

/// Bytes of the request line and all headers together.
pub const HEAD_BYTES_MAX: u64 = 16 * 1024;

/// Headers of one request.
pub const HEADERS_MAX: usize = 100;

/// Bytes of a request's body.
pub const BODY_BYTES_MAX: u64 = 1024 * 1024;

/// One request.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Request {
    /// Method, such as `GET`.
    pub method: String,
    /// Path and query, as sent.
    pub target: String,
    /// Names in lower case, and values.
    pub headers: Vec<(String, String)>,
    /// The body; empty where there is none.
    pub body: Vec<u8>,
}

impl Request {
    /// The target without its query.
    #[must_use]
    pub fn path(&self) -> &str {
        self.target.split('?').next().unwrap_or(&self.target)
    }

    /// The first value of a header, whose name is given in lower case.
    #[must_use]
    pub fn header(&self, name: &str) -> Option<&str> {
        let found = self.headers.iter().find(|(header, _)| header == name);
        found.map(|(_, value)| value.as_str())
    }
}

/// Why a request could not be read.
#[derive(Debug)]
pub enum ReadError {
    /// The connection broke, ended early or was silent for too long.
    Connection(io::Error),
    /// It is no HTTP/1.1 request.
    Malformed(&'static str),
    /// The request line and the headers are too large.
    HeadTooLarge,
    /// The body is too large.
    BodyTooLarge,
    /// The body is sent in a way that is not supported.
    Unsupported,
}

impl ReadError {
    /// The status that tells the client; none where there is no one to tell.
    #[must_use]
    pub fn status(&self) -> Option<Status> {
        match self {
            Self::Connection(_) => None,
            Self::Malformed(_) => Some(Status::BadRequest),
            Self::HeadTooLarge => Some(Status::HeadersTooLarge),
            Self::BodyTooLarge => Some(Status::ContentTooLarge),
            Self::Unsupported => Some(Status::NotImplemented),
        }
    }
}

impl fmt::Display for ReadError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Connection(error) => write!(f, "the connection failed: {error}"),
            Self::Malformed(what) => write!(f, "the request is malformed: {what}"),
            Self::HeadTooLarge => f.write_str("the headers are too large"),
            Self::BodyTooLarge => f.write_str("the body is too large"),
            Self::Unsupported => f.write_str("bodies need a Content-Length"),
        }
    }
}

impl std::error::Error for ReadError {}

impl From<io::Error> for ReadError {
    fn from(error: io::Error) -> Self {
        Self::Connection(error)
    }
}

/// Reads one request.
///
/// # Errors
///
/// Whatever breaks the protocol or a limit, and failures of the connection.
pub fn read_request(from: &mut impl BufRead) -> Result<Request, ReadError> {
    let mut head = from.by_ref().take(HEAD_BYTES_MAX);
    let line = read_line(&mut head)?;
    let (method, target) = request_line(&line)?;
    let mut headers = Vec::new();
    loop {
        let line = read_line(&mut head)?;
        if line.is_empty() {
            break;
        }
        if headers.len() == HEADERS_MAX {
            return Err(ReadError::HeadTooLarge);
        }
        headers.push(header(&line)?);
    }
    let body = read_body(from, &headers)?;
    Ok(Request {
        method,
        target,
        headers,
        body,
    })
}

/// One line of the head, without its end.
fn read_line(head: &mut io::Take<&mut impl BufRead>) -> Result<String, ReadError> {
    let mut bytes = Vec::new();
    head.read_until(b'\n', &mut bytes)?;
    if bytes.pop() != Some(b'\n') {
        return Err(match head.limit() {
            0 => ReadError::HeadTooLarge,
            _ => ReadError::Connection(io::ErrorKind::UnexpectedEof.into()),
        });
    }
    if bytes.last() == Some(&b'\r') {
        bytes.pop();
    }
    if bytes.iter().any(|byte| matches!(byte, b'\r' | 0)) {
        return Err(ReadError::Malformed("a control character in the head"));
    }
    String::from_utf8(bytes).map_err(|_| ReadError::Malformed("the head is not UTF-8"))
}

fn request_line(line: &str) -> Result<(String, String), ReadError> {
    let parts: Vec<&str> = line.split(' ').collect();
    let [method, target, version] = parts[..] else {
        return Err(ReadError::Malformed("the request line has three parts"));
    };
    if !is_token(method) {
        return Err(ReadError::Malformed("the method is no token"));
    }
    if !(target.starts_with('/') || target == "*") || target.contains(char::is_control) {
        return Err(ReadError::Malformed("the target is no path"));
    }
    if !matches!(version, "HTTP/1.1" | "HTTP/1.0") {
        return Err(ReadError::Malformed("the version is not HTTP/1.1"));
    }
    Ok((method.to_owned(), target.to_owned()))
}

fn header(line: &str) -> Result<(String, String), ReadError> {
    let (name, value) = line
        .split_once(':')
        .filter(|(name, _)| is_token(name))
        .ok_or(ReadError::Malformed("a header has a name and a colon"))?;
    let value = value.trim_matches([' ', '\t']);
    Ok((name.to_ascii_lowercase(), value.to_owned()))
}

fn is_token(text: &str) -> bool {
    let fits = |byte: u8| byte.is_ascii_alphanumeric() || b"!#$%&'*+-.^_`|~".contains(&byte);
    !text.is_empty() && text.bytes().all(fits)
}

fn read_body(from: &mut impl BufRead, headers: &[(String, String)]) -> Result<Vec<u8>, ReadError> {
    let all = |wanted: &str| {
        let values = headers.iter().filter(|(name, _)| name == wanted);
        values.map(|(_, value)| value.as_str()).collect::<Vec<_>>()
    };
    if !all("transfer-encoding").is_empty() {
        return Err(ReadError::Unsupported);
    }
    let length = match all("content-length")[..] {
        [] => 0,
        [text] => content_length(text)?,
        _ => return Err(ReadError::Malformed("more than one Content-Length")),
    };
    let mut body = Vec::new();
    let read = from.by_ref().take(length).read_to_end(&mut body)?;
    if u64::try_from(read) == Ok(length) {
        Ok(body)
    } else {
        Err(ReadError::Connection(io::ErrorKind::UnexpectedEof.into()))
    }
}

fn content_length(text: &str) -> Result<u64, ReadError> {
    if text.is_empty() || !text.bytes().all(|byte| byte.is_ascii_digit()) {
        return Err(ReadError::Malformed("Content-Length is no number"));
    }
    match text.parse() {
        Ok(length) if length <= BODY_BYTES_MAX => Ok(length),
        _ => Err(ReadError::BodyTooLarge),
    }
}

/// The statuses this service answers with.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Status {
    /// 200
    Ok,
    /// 400
    BadRequest,
    /// 404
    NotFound,
    /// 405
    MethodNotAllowed,
    /// 413
    ContentTooLarge,
    /// 431
    HeadersTooLarge,
    /// 501
    NotImplemented,
    /// 503
    Unavailable,
}

impl Status {
    /// Code and reason, as in the status line.
    #[must_use]
    pub fn line(self) -> &'static str {
        match self {
            Self::Ok => "200 OK",
            Self::BadRequest => "400 Bad Request",
            Self::NotFound => "404 Not Found",
            Self::MethodNotAllowed => "405 Method Not Allowed",
            Self::ContentTooLarge => "413 Content Too Large",
            Self::HeadersTooLarge => "431 Request Header Fields Too Large",
            Self::NotImplemented => "501 Not Implemented",
            Self::Unavailable => "503 Service Unavailable",
        }
    }
}

/// One response with a JSON body.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Response {
    /// Its status.
    pub status: Status,
    /// Methods for the `Allow` header; empty where there is none.
    pub allow: &'static str,
    /// The body.
    pub body: String,
}

/// Writes a response; `with_body` is false for the answer to a HEAD request.
///
/// # Errors
///
/// Failures of the connection.
pub fn write_response(to: &mut impl Write, response: &Response, with_body: bool) -> io::Result<()> {
    let mut text = format!(
        "HTTP/1.1 {}\r\nContent-Type: application/json\r\nContent-Length: {}\r\n",
        response.status.line(),
        response.body.len()
    );
    if !response.allow.is_empty() {
        text.push_str("Allow: ");
        text.push_str(response.allow);
        text.push_str("\r\n");
    }
    text.push_str("Connection: close\r\n\r\n");
    if with_body {
        text.push_str(&response.body);
    }
    to.write_all(text.as_bytes())?;
    to.flush()
}
