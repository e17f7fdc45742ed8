//! Requests to a service that runs here: how a check talks to a generated server.

use std::{
    io,
    net::{Ipv4Addr, TcpListener},
    os::fd::AsFd,
    time::Duration,
};

use bytes::Bytes;
use http_body_util::{BodyExt, Full};
use hyper::{
    Method, Request, Response,
    body::Incoming,
    client::conn::http1::handshake,
    header::{CONNECTION, CONTENT_TYPE, HOST},
};
use hyper_util::rt::TokioIo;
use rustix::net::connect_unspec;
use tokio::{
    net::{TcpSocket, TcpStream},
    task::JoinSet,
    time::{Instant, sleep, timeout_at},
};
use url::Url;

use super::Service;

/// Milliseconds between two tries to reach a service that does not listen yet.
const RETRY_MS: u64 = 50;
/// Bytes of an answer's body that are read.
const BODY_BYTES_MAX: usize = 1024 * 1024;

/// What a service answered.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ServiceAnswer {
    /// The HTTP status.
    pub status: u16,
    /// The body as text.
    pub body: String,
}

/// Why a service gave no answer.
#[derive(Debug, thiserror::Error)]
pub enum RequestError {
    /// The method is no HTTP method, or the path no path.
    #[error("send {method} {path}: that is no HTTP request")]
    Request {
        /// The method.
        method: String,
        /// The path.
        path: String,
    },
    /// It ended before it answered.
    #[error("reach the service: it ended")]
    Ended,
    /// It did not answer in time.
    #[error("reach the service on port {port} within {limit_ms} ms")]
    TimedOut {
        /// The port.
        port: u16,
        /// The limit.
        limit_ms: u64,
    },
    /// It answered with something that is not HTTP, or too much.
    #[error("read the service's answer")]
    Answer(#[source] hyper::Error),
}

/// A port of this machine that nobody listens on now.
pub fn free_port() -> io::Result<u16> {
    Ok(TcpListener::bind(("127.0.0.1", 0))?.local_addr()?.port())
}

impl Service {
    /// Sends one request to the service, as soon as it listens.
    pub async fn request(
        &self,
        port: u16,
        method: &str,
        path: &str,
        body: Option<&str>,
        limit_ms: u64,
    ) -> Result<ServiceAnswer, RequestError> {
        let wrong = || RequestError::Request {
            method: method.to_owned(),
            path: path.to_owned(),
        };
        let url = Url::parse(&format!("http://127.0.0.1:{port}{path}"));
        let url = url
            .ok()
            .filter(|url| url.port() == Some(port))
            .ok_or_else(wrong)?;
        let verb = Method::from_bytes(method.as_bytes()).map_err(|_| wrong())?;
        let request = message(verb, &url, port, body).map_err(|_| wrong())?;
        let until = Instant::now() + Duration::from_millis(limit_ms);
        let late = |_| RequestError::TimedOut { port, limit_ms };
        let stream = timeout_at(until, self.reached(port))
            .await
            .map_err(late)??;
        timeout_at(until, exchange(stream, request))
            .await
            .map_err(late)?
            .map_err(RequestError::Answer)
    }

    /// A connection to the service, as soon as it listens.
    async fn reached(&self, port: u16) -> Result<TcpStream, RequestError> {
        loop {
            match self.connect(port).await {
                Ok(stream) => return Ok(stream),
                Err(_) if self.exited().is_some() => return Err(RequestError::Ended),
                Err(_) => sleep(Duration::from_millis(RETRY_MS)).await,
            }
        }
    }

    /// A socket belongs to the network it was made in, whoever connects it.
    async fn connect(&self, port: u16) -> io::Result<TcpStream> {
        let address = (Ipv4Addr::LOCALHOST, port).into();
        let Some(visit) = &self.visit else {
            return TcpSocket::new_v4()?.connect(address).await;
        };
        let visit = visit.lock().await;
        // Of an earlier visit nothing is left; where there was none, there is nothing to leave.
        let _ = connect_unspec(visit.as_fd());
        let socket = std::net::TcpStream::from(visit.try_clone()?);
        TcpSocket::from_std_stream(socket).connect(address).await
    }
}

fn message(
    method: Method,
    url: &Url,
    port: u16,
    body: Option<&str>,
) -> Result<Request<Full<Bytes>>, hyper::http::Error> {
    let path = url.path();
    let target = url
        .query()
        .map_or_else(|| path.to_owned(), |query| format!("{path}?{query}"));
    let mut request = Request::builder()
        .method(method)
        .uri(target)
        .header(HOST, format!("127.0.0.1:{port}"))
        .header(CONNECTION, "close");
    if body.is_some_and(|body| body.trim_start().starts_with(['{', '['])) {
        request = request.header(CONTENT_TYPE, "application/json");
    }
    request.body(Full::from(body.unwrap_or_default().to_owned()))
}

async fn exchange(
    stream: TcpStream,
    request: Request<Full<Bytes>>,
) -> Result<ServiceAnswer, hyper::Error> {
    let (mut sender, connection) = handshake(TokioIo::new(stream)).await?;
    // It ends with this function.
    let mut driver = JoinSet::new();
    driver.spawn(connection);
    let answer = match sender.send_request(request).await {
        Ok(answer) => read(answer).await,
        Err(error) => Err(error),
    };
    // The socket is visited again: whoever held it must have let go of it.
    driver.shutdown().await;
    answer
}

async fn read(mut answer: Response<Incoming>) -> Result<ServiceAnswer, hyper::Error> {
    let status = answer.status().as_u16();
    let mut bytes = Vec::new();
    while bytes.len() < BODY_BYTES_MAX {
        let Some(frame) = answer.frame().await.transpose()? else {
            break;
        };
        if let Some(piece) = frame.data_ref() {
            bytes.extend_from_slice(piece);
        }
    }
    bytes.truncate(BODY_BYTES_MAX);
    Ok(ServiceAnswer {
        status,
        body: String::from_utf8_lossy(&bytes).into_owned(),
    })
}
