//! HTTP as the providers need it: one request, bounded waits, an answer through a decoder.

pub(crate) mod retry_after;

use std::{error::Error, sync::Arc, time::Duration};

use atelier_model::{Limits, Timestamp};
use bytes::Bytes;
use reqwest::{
    Client, Response,
    header::{CONTENT_TYPE, HeaderMap, HeaderValue},
    redirect,
};
use serde_json::Value;
use tokio::time::timeout;
use url::Url;

use crate::{
    CallError, Completion, GatewayError, Secret, Wait,
    config::is_loopback,
    wire::{self, Decoder, Dialect},
};

/// How this program names itself to servers.
const USER_AGENT: &str = concat!("atelier/", env!("CARGO_PKG_VERSION"));

/// Bytes of an error body that are read.
const ERROR_BYTES_MAX: usize = 64 * 1024;

/// Milliseconds to read what follows the terminal event, so that the connection can be used again.
const DRAIN_MS_MAX: u64 = 100;

/// Connections that are kept open to one host.
const IDLE_CONNECTIONS_MAX: usize = 8;

/// Where and how requests to one provider are sent.
#[derive(Debug, Clone)]
pub(crate) struct Endpoint {
    /// Address of the question.
    pub(crate) ask_url: Url,
    /// Address of the list of models: the cheapest question that needs a key.
    pub(crate) models_url: Url,
    headers: HeaderMap,
    key: Option<Arc<Secret>>,
    client: Client,
}

impl Endpoint {
    /// Puts an endpoint together; `headers` carry the key.
    pub(crate) fn new(
        (ask_url, models_url): (Url, Url),
        headers: HeaderMap,
        key: Option<&Secret>,
        limits: &Limits,
    ) -> Result<Self, GatewayError> {
        let client = client(&ask_url, limits)?;
        Ok(Self {
            ask_url,
            models_url,
            headers,
            key: key.cloned().map(Arc::new),
            client,
        })
    }

    /// Whether the requests carry a key.
    pub(crate) fn has_key(&self) -> bool {
        self.key.is_some()
    }

    /// Sends a question and reads the whole answer.
    pub(crate) async fn ask<D: Dialect>(
        &self,
        body: Vec<u8>,
        limits: &Limits,
        now: Timestamp,
    ) -> Result<Completion, CallError> {
        let exchange = self.exchange::<D>(body, limits, now);
        within(Wait::Total, limits.ask_total_ms_max, exchange).await
    }

    /// Asks for the list of models.
    pub(crate) async fn probe(&self, limits: &Limits) -> Result<(), CallError> {
        let request = self.client.get(self.models_url.clone());
        let probing = async {
            let response = send(request.headers(self.headers.clone()), limits).await?;
            // Nobody waits for a second try, so the time does not matter.
            let now = Timestamp::default();
            self.accept(response, limits, now).await.map(drop)
        };
        within(Wait::FirstByte, limits.first_byte_ms_max, probing).await
    }

    async fn exchange<D: Dialect>(
        &self,
        body: Vec<u8>,
        limits: &Limits,
        now: Timestamp,
    ) -> Result<Completion, CallError> {
        let request = self
            .client
            .post(self.ask_url.clone())
            .headers(self.headers.clone())
            .header(CONTENT_TYPE, HeaderValue::from_static("application/json"))
            .body(body);
        let opening = async {
            let response = send(request, limits).await?;
            let mut response = self.accept(response, limits, now).await?;
            let first = next_piece(&mut response).await?;
            Ok((response, first))
        };
        let opened = within(Wait::FirstByte, limits.first_byte_ms_max, opening).await?;
        let (mut response, mut piece) = opened;
        let mut decoder = Decoder::<D>::new(limits.reply_bytes_max);
        while let Some(bytes) = piece {
            decoder.push(&bytes).map_err(|error| self.wiped(error))?;
            if decoder.is_complete() {
                drain(&mut response).await;
                break;
            }
            let next = next_piece(&mut response);
            piece = within(Wait::Idle, limits.ask_idle_ms_max, next).await?;
        }
        decoder.finish().map_err(|error| self.wiped(error))
    }

    /// Passes on a response of success and turns any other into an error with its words.
    async fn accept(
        &self,
        mut response: Response,
        limits: &Limits,
        now: Timestamp,
    ) -> Result<Response, CallError> {
        if response.status().is_success() {
            return Ok(response);
        }
        let status = response.status().as_u16();
        let retry_after_ms = retry_after::millis(response.headers(), now);
        let body = error_body(&mut response, limits).await;
        let value: Value = serde_json::from_slice(&body).unwrap_or_default();
        let said = if value.is_null() {
            wire::tidy(&String::from_utf8_lossy(&body))
        } else {
            wire::said(&value).unwrap_or_default()
        };
        Err(CallError::Status {
            status,
            said: self.wiped_text(said),
            retry_after_ms,
            no_credit: wire::error_code(&value) == Some("insufficient_quota"),
        })
    }

    fn wiped(&self, error: wire::DecodeError) -> CallError {
        use wire::DecodeError as E;
        CallError::from(match error {
            E::Reported { status, said } => E::Reported {
                status,
                said: self.wiped_text(said),
            },
            E::Malformed { said } => E::Malformed {
                said: self.wiped_text(said),
            },
            other @ (E::Truncated | E::TooLarge { .. }) => other,
        })
    }

    fn wiped_text(&self, text: String) -> String {
        match &self.key {
            Some(key) => key.wiped_from(&text),
            None => text,
        }
    }
}

async fn send(request: reqwest::RequestBuilder, limits: &Limits) -> Result<Response, CallError> {
    request.send().await.map_err(|error| {
        if !error.is_connect() && !error.is_builder() {
            return broken(error);
        }
        if error.is_timeout() {
            return CallError::TimedOut {
                which: Wait::Connect,
                limit_ms: limits.connect_ms_max,
            };
        }
        CallError::Connect {
            said: causes(error),
        }
    })
}

async fn next_piece(response: &mut Response) -> Result<Option<Bytes>, CallError> {
    response.chunk().await.map_err(broken)
}

fn broken(error: reqwest::Error) -> CallError {
    CallError::Broken {
        said: causes(error),
    }
}

/// An error with its causes on one line, without the address, which may hold a secret.
fn causes(error: reqwest::Error) -> String {
    let error = error.without_url();
    let mut line = error.to_string();
    let mut cause = error.source();
    while let Some(inner) = cause {
        line.push_str(": ");
        line.push_str(&inner.to_string());
        cause = inner.source();
    }
    wire::tidy(&line)
}

/// Reads what follows the terminal event, which is nothing but the end of the body. Whatever
/// happens here, the answer is already complete.
async fn drain(response: &mut Response) {
    let rest = async { while let Ok(Some(_)) = response.chunk().await {} };
    let _ = timeout(Duration::from_millis(DRAIN_MS_MAX), rest).await;
}

/// The beginning of an error body, as far as it arrives in time: the status says enough without.
async fn error_body(response: &mut Response, limits: &Limits) -> Vec<u8> {
    let mut body = Vec::new();
    let reading = async {
        while let Ok(Some(piece)) = response.chunk().await {
            let room = ERROR_BYTES_MAX - body.len();
            body.extend_from_slice(&piece[..piece.len().min(room)]);
            if body.len() == ERROR_BYTES_MAX {
                break;
            }
        }
    };
    let _ = timeout(Duration::from_millis(limits.ask_idle_ms_max), reading).await;
    body
}

/// Bounds one of the waits.
async fn within<T>(
    which: Wait,
    limit_ms: u64,
    work: impl Future<Output = Result<T, CallError>>,
) -> Result<T, CallError> {
    match timeout(Duration::from_millis(limit_ms), work).await {
        Ok(done) => done,
        Err(_) => Err(CallError::TimedOut { which, limit_ms }),
    }
}

/// A client for an address. Requests that leave the machine may go through the proxy that the
/// environment names; requests to this machine never do.
pub(crate) fn client(url: &Url, limits: &Limits) -> Result<Client, GatewayError> {
    // Another part of the process may have chosen a provider already, which is as good.
    let _ = rustls::crypto::ring::default_provider().install_default();
    let mut builder = Client::builder()
        .connect_timeout(Duration::from_millis(limits.connect_ms_max))
        .user_agent(USER_AGENT)
        .tcp_nodelay(true)
        .pool_max_idle_per_host(IDLE_CONNECTIONS_MAX)
        // A redirect would carry the key and the prompt to a place nobody configured.
        .redirect(redirect::Policy::none());
    if url.scheme() == "http" {
        // Reading the machine's certificates costs more than the rest of the start.
        builder = builder.tls_certs_only([]);
    }
    if is_loopback(url) {
        builder = builder.no_proxy();
    }
    builder.build().map_err(|error| GatewayError::Client {
        said: causes(error),
    })
}
