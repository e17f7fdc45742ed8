//! HTTP as the providers need it: one request, bounded waits, an answer through a decoder.

pub(crate) mod retry_after;

use std::{cell::RefCell, collections::BTreeMap, error::Error, sync::Arc, time::Duration};

use atelier_model::{Limits, Timestamp};
use bytes::Bytes;
use reqwest::{
    Client, Response,
    header::{CONTENT_TYPE, HeaderValue},
    redirect,
};
use tokio::time::timeout;
use url::Url;

use crate::{
    Call, CallError, Completion, GatewayError, Secret, Wait,
    call::Heard,
    config::is_loopback,
    layers::Permit,
    providers::hosted::Headers,
    wire::{self, Decoder, Dialect},
};

/// How this program names itself to servers.
const USER_AGENT: &str = concat!("atelier/", env!("CARGO_PKG_VERSION"));

/// Bytes of an error body that are read.
const ERROR_BYTES_MAX: usize = 64 * 1024;

/// Milliseconds to read what follows the terminal event, so that the connection can be used again.
const DRAIN_MS_MAX: u64 = 100;

/// Connections that are kept open to one host: as many as the gateway has clients, or each of them
/// would open its own again and again.
const IDLE_CONNECTIONS_MAX: usize = 256;

/// Milliseconds an unused connection is kept. Common servers close theirs after 5 s, and a request
/// sent at that moment must be counted as perhaps billed.
const IDLE_CONNECTION_MS_MAX: u64 = 4_000;

/// Where and how requests to one provider are sent.
#[derive(Debug, Clone)]
pub(crate) struct Endpoint {
    /// Address of the question.
    pub(crate) ask_url: Url,
    /// Address of the cheapest question that needs a key: mostly the list of models.
    pub(crate) probe_url: Url,
    headers: Headers,
    key: Option<Arc<Secret>>,
    client: Client,
}

impl Endpoint {
    /// Puts an endpoint together; `headers` carry the key.
    pub(crate) fn new(
        (ask_url, probe_url): (Url, Url),
        headers: Headers,
        key: Option<&Secret>,
        transport: &Transport,
    ) -> Result<Self, GatewayError> {
        let client = transport.client(&ask_url)?;
        Ok(Self {
            ask_url,
            probe_url,
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
        dialect: D,
        call: &Call<'_>,
    ) -> Result<Completion, CallError> {
        let exchange = self.exchange(body, dialect, call);
        let done = within(Wait::Total, call.limits.ask_total_ms_max, exchange).await;
        done.map_err(|error| self.told(error, call.key))
    }

    /// Asks the cheapest question.
    pub(crate) async fn probe(&self, limits: &Limits) -> Result<(), CallError> {
        let request = self.client.get(self.probe_url.clone());
        let probing = async {
            let response = send(request.headers(self.headers.with(None)?), limits).await?;
            // Nobody waits for a second try, so the time does not matter.
            let now = Timestamp::default();
            accept(response, (limits, now), None).await.map(drop)
        };
        let probed = within(Wait::FirstByte, limits.first_byte_ms_max, probing).await;
        probed.map_err(|error| self.told(error, None))
    }

    async fn exchange<D: Dialect>(
        &self,
        body: Vec<u8>,
        dialect: D,
        call: &Call<'_>,
    ) -> Result<Completion, CallError> {
        let (limits, now) = (call.limits, call.now);
        let request = self
            .client
            .post(self.ask_url.clone())
            .headers(self.headers.with(call.key)?)
            .header(CONTENT_TYPE, HeaderValue::from_static("application/json"))
            .body(body);
        let opening = async {
            let response = send(request, limits).await?;
            let mut response = accept(response, (limits, now), call.permit).await?;
            let first = next_piece(&mut response).await?;
            Ok((response, first))
        };
        let opened = within(Wait::FirstByte, limits.first_byte_ms_max, opening).await?;
        let (mut response, mut piece) = opened;
        let mut decoder = Decoder::new(dialect, limits.reply_bytes_max);
        let listening = Listening {
            decoder: &mut decoder,
            heard: call.heard,
        };
        while let Some(bytes) = piece {
            listening.decoder.push(&bytes)?;
            if listening.decoder.is_complete() {
                drain(&mut response).await;
                break;
            }
            let next = next_piece(&mut response);
            piece = within(Wait::Idle, limits.ask_idle_ms_max, next).await?;
        }
        drop(listening);
        Ok(decoder.finish()?)
    }

    /// An error as it may leave: with the address where nobody was reached, and without the key,
    /// which providers like to quote.
    fn told(&self, error: CallError, own: Option<&Secret>) -> CallError {
        use CallError as E;
        let wiped = |said: String| match own.or(self.key.as_deref()) {
            Some(key) => key.wiped_from(&said),
            None => said,
        };
        let named = |said: String| format!("{}: {said}", self.ask_url.authority());
        match error {
            E::Status {
                status,
                said,
                retry_after_ms,
                no_access,
            } => E::Status {
                status,
                said: wiped(said),
                retry_after_ms,
                no_access,
            },
            E::Reported { status, said } => E::Reported {
                status,
                said: wiped(said),
            },
            E::Malformed { said } => E::Malformed { said: wiped(said) },
            E::Connect { said } => E::Connect { said: named(said) },
            E::Broken { said } => E::Broken { said: named(said) },
            other @ (E::KeyMissing
            | E::TimedOut { .. }
            | E::Truncated
            | E::TooLarge { .. }
            | E::Scaffold(_)) => other,
        }
    }
}

/// An answer that is being read. Whatever ends that, a stop from outside too, what has come is left
/// for whoever keeps it.
struct Listening<'a, D: Dialect> {
    decoder: &'a mut Decoder<D>,
    heard: &'a Heard,
}

impl<D: Dialect> Drop for Listening<'_, D> {
    fn drop(&mut self) {
        if !self.decoder.is_complete() {
            self.heard.leave(&self.decoder.said());
        }
    }
}

pub(crate) async fn send(
    request: reqwest::RequestBuilder,
    limits: &Limits,
) -> Result<Response, CallError> {
    request.send().await.map_err(|error| {
        if !error.is_connect() && !error.is_builder() {
            return broken(&error);
        }
        if error.is_timeout() {
            return CallError::TimedOut {
                which: Wait::Connect,
                limit_ms: limits.connect_ms_max,
            };
        }
        CallError::Connect {
            said: root_cause(&error),
        }
    })
}

/// Passes on a response of success and turns any other into an error with its words.
pub(crate) async fn accept(
    mut response: Response,
    (limits, now): (&Limits, Timestamp),
    permit: Option<&Permit>,
) -> Result<Response, CallError> {
    if let Some(permit) = permit {
        permit.heard(response.headers());
    }
    if response.status().is_success() {
        return Ok(response);
    }
    let status = response.status();
    let in_headers = retry_after::millis(response.headers(), now);
    let body = error_body(&mut response, limits).await;
    let value = wire::error_document(&body);
    let retry_after_ms = in_headers.or_else(|| retry_after::in_body(&value));
    if let Some(permit) = permit {
        permit.refused(&value, retry_after_ms);
    }
    let words = if value.is_null() {
        wire::tidy(&String::from_utf8_lossy(&body))
    } else {
        wire::said(&value).unwrap_or_default()
    };
    let said = if words.is_empty() {
        status.canonical_reason().unwrap_or("no reason").to_owned()
    } else {
        words
    };
    Err(CallError::Status {
        status: status.as_u16(),
        said,
        retry_after_ms,
        no_access: wire::denies_access(&value),
    })
}

pub(crate) async fn next_piece(response: &mut Response) -> Result<Option<Bytes>, CallError> {
    response.chunk().await.map_err(|error| broken(&error))
}

fn broken(error: &reqwest::Error) -> CallError {
    CallError::Broken {
        said: root_cause(error),
    }
}

/// The innermost cause: what surrounds it names layers that nobody outside knows.
pub(crate) fn root_cause(error: &reqwest::Error) -> String {
    let mut inner: &dyn Error = error;
    while let Some(cause) = inner.source() {
        inner = cause;
    }
    wire::tidy(&inner.to_string())
}

/// Reads what follows the terminal event, which is nothing but the end of the body. Whatever
/// happens here, the answer is already complete.
pub(crate) async fn drain(response: &mut Response) {
    let rest = async { while let Ok(Some(_)) = response.chunk().await {} };
    let _ = timeout(Duration::from_millis(DRAIN_MS_MAX), rest).await;
}

/// The beginning of an error body, as far as it arrives in time: the status says enough without.
pub(crate) async fn error_body(response: &mut Response, limits: &Limits) -> Vec<u8> {
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
pub(crate) async fn within<T>(
    which: Wait,
    limit_ms: u64,
    work: impl Future<Output = Result<T, CallError>>,
) -> Result<T, CallError> {
    match timeout(Duration::from_millis(limit_ms), work).await {
        Ok(done) => done,
        Err(_) => Err(CallError::TimedOut { which, limit_ms }),
    }
}

/// The HTTP clients of a gateway. Routes share them, and with them open connections and the
/// machine's certificates, which take longer to read than all else at the start.
#[derive(Debug)]
pub struct Transport {
    limits: Limits,
    clients: RefCell<BTreeMap<Reach, Client>>,
}

/// What a client must be able to do.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Reach {
    /// Unencrypted, on this machine: never through a proxy.
    Here,
    /// Unencrypted, on another machine.
    Plain,
    /// Encrypted, on this machine: never through a proxy.
    EncryptedHere,
    /// Encrypted, on another machine, perhaps through the proxy that the environment names.
    Encrypted,
}

impl Transport {
    /// A transport without clients; each is made when a route first needs it.
    pub fn new(limits: Limits) -> Self {
        Self {
            limits,
            clients: RefCell::default(),
        }
    }

    /// The client for an address.
    pub(crate) fn client(&self, url: &Url) -> Result<Client, GatewayError> {
        let reach = Reach::of(url);
        if let Some(client) = self.clients.borrow().get(&reach) {
            return Ok(client.clone());
        }
        let client = client(reach, &self.limits)?;
        self.clients.borrow_mut().insert(reach, client.clone());
        Ok(client)
    }
}

impl Reach {
    fn of(url: &Url) -> Self {
        match (url.scheme() == "https", is_loopback(url)) {
            (false, true) => Self::Here,
            (false, false) => Self::Plain,
            (true, true) => Self::EncryptedHere,
            (true, false) => Self::Encrypted,
        }
    }
}

fn client(reach: Reach, limits: &Limits) -> Result<Client, GatewayError> {
    // Another part of the process may have chosen a provider already, which is as good.
    let _ = rustls::crypto::ring::default_provider().install_default();
    let mut builder = Client::builder()
        .user_agent(USER_AGENT)
        .connect_timeout(Duration::from_millis(limits.connect_ms_max))
        .tcp_nodelay(true)
        .pool_max_idle_per_host(IDLE_CONNECTIONS_MAX)
        .pool_idle_timeout(Duration::from_millis(IDLE_CONNECTION_MS_MAX))
        // Every sending is counted and paid for, so that none is repeated where nobody sees it.
        .retry(reqwest::retry::never().max_retries_per_request(0))
        // A redirect would carry the key and the prompt to a place nobody configured.
        .redirect(redirect::Policy::none());
    if matches!(reach, Reach::Here | Reach::Plain) {
        builder = builder.tls_certs_only([]);
    }
    if matches!(reach, Reach::Here | Reach::EncryptedHere) {
        builder = builder.no_proxy();
    }
    builder.build().map_err(|error| GatewayError::Client {
        said: root_cause(&error),
    })
}
