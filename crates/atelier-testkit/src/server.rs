//! The stand-in model server: one thread, one port, one script.

#[cfg(test)]
mod tests;

use std::{
    convert::Infallible,
    io,
    net::{Ipv4Addr, SocketAddr},
    sync::{Arc, Mutex, MutexGuard, PoisonError, mpsc},
    thread::{self, JoinHandle},
    time::Duration,
};

use atelier_model::{Digest, Usage};
use axum::{
    Json, Router,
    body::{Body, Bytes},
    extract::{DefaultBodyLimit, State},
    http::{HeaderMap, Method, StatusCode, Uri, header},
    response::{IntoResponse, Response},
    routing::{get, post},
    serve::ListenerExt,
};
use futures_util::{StreamExt, stream};
use serde_json::Value;
use tokio::{net::TcpListener, sync::oneshot, time::sleep};

use crate::{
    dialect::{self, Answered, Dialect, Refusal, Request, Target},
    ledger::{Prices, Spent},
    script::{Delivery, Script, Service, UsageShown},
    stage::StageSeen,
};

/// Names of the models that are listed; a request may name any other.
const MODELS: [&str; 2] = ["standin-large", "standin-small"];

/// Bytes of one request that are read.
const REQUEST_BYTES_MAX: usize = 16 * 1024 * 1024;

/// Why a server could not be started.
#[derive(Debug, thiserror::Error)]
pub enum StartServerError {
    /// The runtime could not be built, or the port not be had.
    #[error("open a port for the stand-in server")]
    Open(#[source] io::Error),
    /// The thread ended before the port was open.
    #[error("wait for the thread of the stand-in server")]
    Thread,
}

/// One request that kept its protocol's rules.
#[derive(Debug, Clone, PartialEq)]
pub struct Seen {
    /// How it was asked.
    pub dialect: Dialect,
    /// What it was about.
    pub stage: StageSeen,
    /// Answers of the model that the conversation already held.
    pub reasks: usize,
    /// The body.
    pub body: Value,
    /// Digest of the body: equal for the same question asked again.
    pub digest: Digest,
    /// Whether a whole answer was prepared for it: no refusal, no broken delivery.
    pub answered: bool,
    /// Tokens it is counted with.
    pub usage: Usage,
}

#[derive(Default)]
struct Record {
    seen: Vec<Seen>,
    violations: Vec<String>,
    model_lists: u64,
}

struct Shared {
    script: Script,
    record: Mutex<Record>,
}

impl Shared {
    /// A panic elsewhere leaves the record whole: nothing here writes it in two steps.
    fn record(&self) -> MutexGuard<'_, Record> {
        self.record.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// A running stand-in. Dropping it closes the port and every connection.
pub struct Server {
    address: SocketAddr,
    shared: Arc<Shared>,
    stop: Option<oneshot::Sender<()>>,
    thread: Option<JoinHandle<()>>,
}

impl Server {
    /// Starts a server on a free port of the loopback interface.
    pub fn start(script: Script) -> Result<Self, StartServerError> {
        Self::start_on(script, 0)
    }

    /// Starts a server on this port; 0 takes a free one.
    pub fn start_on(script: Script, port: u16) -> Result<Self, StartServerError> {
        let shared = Arc::new(Shared {
            script,
            record: Mutex::default(),
        });
        let (stop, stopped) = oneshot::channel();
        let (opened, open) = mpsc::channel();
        let app = router(Arc::clone(&shared));
        let thread = thread::Builder::new()
            .name("stand-in".to_owned())
            .spawn(move || run(port, app, &opened, stopped))
            .map_err(StartServerError::Open)?;
        let address = open
            .recv()
            .map_err(|_| StartServerError::Thread)?
            .map_err(StartServerError::Open)?;
        Ok(Self {
            address,
            shared,
            stop: Some(stop),
            thread: Some(thread),
        })
    }

    /// Where it listens, such as `http://127.0.0.1:4711`; the dialects live below `/v1`, and
    /// Gemini's also below `/v1beta`.
    pub fn base_url(&self) -> String {
        format!("http://{}", self.address)
    }

    /// The requests that kept the rules, in the order they came.
    pub fn requests(&self) -> Vec<Seen> {
        self.shared.record().seen.clone()
    }

    /// How many requests kept the rules.
    pub fn request_count(&self) -> usize {
        self.shared.record().seen.len()
    }

    /// How often the list of models was asked for.
    pub fn model_lists(&self) -> u64 {
        self.shared.record().model_lists
    }

    /// Every rule that some request broke. A good client leaves this empty.
    pub fn violations(&self) -> Vec<String> {
        self.shared.record().violations.clone()
    }

    /// What was served, at these prices: by the usage that was reported, or would have been where
    /// the answer broke off.
    pub fn spent(&self, prices: Prices) -> Spent {
        let mut spent = Spent::default();
        let record = self.shared.record();
        let served = record
            .seen
            .iter()
            .filter(|seen| seen.usage != Usage::default());
        served.for_each(|seen| spent.add(seen.usage, prices));
        spent
    }

    /// Waits until the process is ended from outside.
    pub fn serve_for_ever(mut self) {
        if let Some(thread) = self.thread.take() {
            // The thread ends only when it is told to, and nobody is left to tell it.
            let stop = self.stop.take();
            drop(thread.join());
            drop(stop);
        }
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        if let Some(stop) = self.stop.take() {
            // The thread is gone already if this fails, which is what is wanted.
            let _ = stop.send(());
        }
        if let Some(thread) = self.thread.take() {
            drop(thread.join());
        }
    }
}

fn run(
    port: u16,
    app: Router,
    opened: &mpsc::Sender<io::Result<SocketAddr>>,
    stopped: oneshot::Receiver<()>,
) {
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .worker_threads(1)
        .enable_all()
        .build();
    let runtime = match runtime {
        Ok(runtime) => runtime,
        Err(error) => {
            drop(opened.send(Err(error)));
            return;
        }
    };
    runtime.block_on(async {
        let bound = TcpListener::bind((Ipv4Addr::LOCALHOST, port)).await;
        let listener = match bound.and_then(|listener| Ok((listener.local_addr()?, listener))) {
            Ok((address, listener)) => {
                drop(opened.send(Ok(address)));
                // Without this, small frames wait for the other side's delayed acknowledgement.
                listener.tap_io(|stream| drop(stream.set_nodelay(true)))
            }
            Err(error) => {
                drop(opened.send(Err(error)));
                return;
            }
        };
        tokio::select! {
            _ = axum::serve(listener, app) => {}
            _ = stopped => {}
        }
    });
    // Hanging requests are dropped with the runtime, not waited for.
    runtime.shutdown_background();
}

fn router(shared: Arc<Shared>) -> Router {
    Router::new()
        .route("/v1/chat/completions", post(chat))
        .route("/v1/responses", post(responses))
        .route("/v1/messages", post(messages))
        .route("/v1/models", get(models))
        .route("/v1/models/{call}", post(generate))
        .route("/v1beta/models", get(models))
        .route("/v1beta/models/{call}", post(generate))
        .fallback(elsewhere)
        .layer(DefaultBodyLimit::max(REQUEST_BYTES_MAX))
        .with_state(shared)
}

async fn chat(state: State<Arc<Shared>>, uri: Uri, headers: HeaderMap, body: Bytes) -> Response {
    serve(state, Dialect::OpenAi, &uri, (&headers, &body)).await
}

async fn responses(
    state: State<Arc<Shared>>,
    uri: Uri,
    headers: HeaderMap,
    body: Bytes,
) -> Response {
    serve(state, Dialect::Responses, &uri, (&headers, &body)).await
}

async fn messages(
    state: State<Arc<Shared>>,
    uri: Uri,
    headers: HeaderMap,
    body: Bytes,
) -> Response {
    serve(state, Dialect::Anthropic, &uri, (&headers, &body)).await
}

async fn generate(
    state: State<Arc<Shared>>,
    uri: Uri,
    headers: HeaderMap,
    body: Bytes,
) -> Response {
    serve(state, Dialect::Gemini, &uri, (&headers, &body)).await
}

/// Looking around is allowed: the product looks for local servers by what they answer.
async fn elsewhere(State(shared): State<Arc<Shared>>, method: Method, uri: Uri) -> StatusCode {
    if method == Method::POST {
        let rule = format!("POST {} is no address of a model", uri.path());
        shared.record().violations.push(rule);
    }
    StatusCode::NOT_FOUND
}

async fn models(State(shared): State<Arc<Shared>>, uri: Uri, headers: HeaderMap) -> Response {
    let dialect = if headers.contains_key("anthropic-version") {
        Dialect::Anthropic
    } else if uri.path().starts_with("/v1beta/") || headers.contains_key("x-goog-api-key") {
        Dialect::Gemini
    } else {
        Dialect::OpenAi
    };
    shared.record().model_lists += 1;
    let broken = dialect::read_headers(dialect, &headers);
    let refused = matches!(shared.script.mode, crate::Mode::Unauthorized);
    if refused || !broken.is_empty() {
        let message = "Incorrect API key provided.";
        return refusal(dialect, 401, Refusal::Unauthorized, message, None);
    }
    Json(dialect::models(dialect, &MODELS)).into_response()
}

async fn serve(
    State(shared): State<Arc<Shared>>,
    dialect: Dialect,
    uri: &Uri,
    (headers, bytes): (&HeaderMap, &Bytes),
) -> Response {
    let shared = &*shared;
    let body: Value = serde_json::from_slice(bytes).unwrap_or_default();
    let target = Target {
        segment: uri.path().rsplit('/').next().unwrap_or_default(),
        query: uri.query().unwrap_or_default(),
    };
    let request = match dialect::read(dialect, target, headers, &body) {
        Ok(request) => request,
        Err(broken) => {
            let message = broken.join("; ");
            shared.record().violations.extend(broken);
            return refusal(dialect, 400, Refusal::BadRequest, &message, None);
        }
    };
    let (service, answer) = record(shared, &request, body);
    sleep(Duration::from_millis(shared.script.latency_ms)).await;
    match service {
        Service::Hang => std::future::pending().await,
        Service::Refuse {
            status,
            refusal: kind,
            message,
            retry_after,
        } => refusal(dialect, status, kind, &message, retry_after),
        Service::Say(_, delivery) => say(shared, &request, &answer, delivery),
    }
}

/// Decides what happens to a request and writes it down, both under one lock: the decision
/// depends on how many came before.
fn record(shared: &Shared, request: &Request, body: Value) -> (Service, Answered) {
    let mut record = shared.record();
    let index = u32::try_from(record.seen.len()).unwrap_or(u32::MAX);
    let service = shared.script.service(request, index);
    let (text, answered) = match &service {
        Service::Say(text, delivery) => (
            text.clone(),
            matches!(delivery, Delivery::Whole | Delivery::Drip { .. }),
        ),
        Service::Refuse { .. } | Service::Hang => (String::new(), false),
    };
    let answer = shared.script.answered(request, text);
    let usage = match &service {
        Service::Refuse { .. } => Usage::default(),
        Service::Say(..) | Service::Hang => answer.usage,
    };
    record.seen.push(Seen {
        dialect: request.dialect,
        stage: request.stage(),
        reasks: request.reasks(),
        digest: Digest::of_json(&body),
        body,
        answered,
        usage,
    });
    (service, answer)
}

fn refusal(
    dialect: Dialect,
    status: u16,
    kind: Refusal,
    message: &str,
    retry_after: Option<u32>,
) -> Response {
    let body = Json(dialect::refusal(dialect, status, kind, message));
    let status = StatusCode::from_u16(status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
    let mut response = (status, body).into_response();
    if let Some(seconds) = retry_after {
        let headers = response.headers_mut();
        headers.insert(header::RETRY_AFTER, seconds.into());
    }
    response
}

fn say(shared: &Shared, request: &Request, answer: &Answered, delivery: Delivery) -> Response {
    let without_usage = shared.script.usage == UsageShown::Missing;
    if request.stream {
        let mut request = request.clone();
        request.include_usage &= !without_usage;
        let frames = dialect::frames(&request, answer);
        return deliver(
            "text/event-stream; charset=utf-8",
            frames,
            delivery,
            Cut::Clean,
        );
    }
    let mut body = dialect::whole(request, answer);
    if without_usage && let Some(object) = body.as_object_mut() {
        object.remove("usage");
        object.remove("usageMetadata");
    }
    if delivery == Delivery::Whole {
        return Json(body).into_response();
    }
    let text = body.to_string();
    let (first, second) = text.split_at(text.floor_char_boundary(text.len() / 2));
    let halves = vec![first.to_owned(), second.to_owned()];
    deliver("application/json", halves, delivery, Cut::Torn)
}

/// How a broken delivery looks to the client.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Cut {
    /// The body ends as if it were complete: only the protocol's end is missing.
    Clean,
    /// The connection breaks.
    Torn,
}

fn deliver(kind: &'static str, frames: Vec<String>, delivery: Delivery, cut: Cut) -> Response {
    let half = frames.len().div_ceil(2);
    let body = match delivery {
        Delivery::Whole => Body::from_stream(stream::iter(frames).map(Ok::<_, Infallible>)),
        Delivery::Break if cut == Cut::Clean => Body::from(frames[..half].concat()),
        Delivery::Break => {
            let first = Ok(frames[..half].concat());
            let torn = Err(io::Error::other("the connection is torn on purpose"));
            // The client must have the first half before the connection breaks, or it would be
            // told of the break alone.
            let wait = Duration::from_millis(20);
            Body::from_stream(stream::iter([first, torn]).then(move |item| async move {
                if item.is_err() {
                    sleep(wait).await;
                }
                item
            }))
        }
        Delivery::Stall => {
            let first = stream::iter([Ok::<_, Infallible>(frames[..half].concat())]);
            Body::from_stream(first.chain(stream::pending()))
        }
        Delivery::Drip { ms } => {
            Body::from_stream(stream::iter(frames).then(move |frame| async move {
                sleep(Duration::from_millis(ms)).await;
                Ok::<_, Infallible>(frame)
            }))
        }
    };
    ([(header::CONTENT_TYPE, kind)], body).into_response()
}
