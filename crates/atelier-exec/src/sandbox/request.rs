//! Requests to a service that runs here: how a check talks to a generated server.

use std::{io, net::TcpListener, time::Duration};

use tokio::time::{Instant, sleep};

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
    Answer(#[source] reqwest::Error),
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
        let url = reqwest::Url::parse(&format!("http://127.0.0.1:{port}{path}"));
        let url = url
            .ok()
            .filter(|url| url.port() == Some(port))
            .ok_or_else(wrong)?;
        let verb = reqwest::Method::from_bytes(method.as_bytes()).map_err(|_| wrong())?;
        let until = Instant::now() + Duration::from_millis(limit_ms);
        let client = client().map_err(RequestError::Answer)?;
        loop {
            let left = until.saturating_duration_since(Instant::now());
            let mut request = client.request(verb.clone(), url.clone()).timeout(left);
            if let Some(body) = body {
                request = request.body(body.to_owned());
                if body.trim_start().starts_with(['{', '[']) {
                    request = request.header("content-type", "application/json");
                }
            }
            match request.send().await {
                Ok(answer) => return read(answer).await,
                Err(_) if Instant::now() >= until => {
                    return Err(RequestError::TimedOut { port, limit_ms });
                }
                Err(error) if !error.is_connect() => return Err(RequestError::Answer(error)),
                Err(_) if self.exited().is_some() => return Err(RequestError::Ended),
                Err(_) => sleep(Duration::from_millis(RETRY_MS)).await,
            }
        }
    }
}

/// No proxy: the service is here. No redirect: a check names the answer it wants.
fn client() -> Result<reqwest::Client, reqwest::Error> {
    // The client wants a provider even where nothing is encrypted; the first one installed stays.
    let _ = rustls::crypto::ring::default_provider().install_default();
    reqwest::Client::builder()
        .no_proxy()
        .redirect(reqwest::redirect::Policy::none())
        .build()
}

async fn read(mut answer: reqwest::Response) -> Result<ServiceAnswer, RequestError> {
    let status = answer.status().as_u16();
    let mut bytes = Vec::new();
    while bytes.len() < BODY_BYTES_MAX {
        let Some(piece) = answer.chunk().await.map_err(RequestError::Answer)? else {
            break;
        };
        bytes.extend_from_slice(&piece);
    }
    bytes.truncate(BODY_BYTES_MAX);
    Ok(ServiceAnswer {
        status,
        body: String::from_utf8_lossy(&bytes).into_owned(),
    })
}
