//! Calls as spans and measurements of OpenTelemetry, sent in the background.

pub(crate) mod document;

use std::{
    collections::BTreeMap,
    fmt, io,
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
    },
    thread::JoinHandle,
    time::Duration,
};

use atelier_model::{Digest, Timestamp};
use reqwest::{
    Client,
    header::{HeaderMap, HeaderName, HeaderValue},
};
use serde_json::Value;
use tokio::{
    runtime::Builder,
    sync::{mpsc, oneshot},
    time::timeout,
};
use tracing::{
    Event, Subscriber,
    field::{Field, Visit},
};
use tracing_subscriber::{Layer, layer::Context};
use url::Url;

use crate::{CALL, Wanted, file::now};

/// Calls that wait to be sent; more are dropped and counted.
const WAITING_MAX: usize = 4_096;

/// Calls of one message.
const BATCH_MAX: usize = 256;

/// Time in which calls are collected for one message.
const BATCH: Duration = Duration::from_secs(2);

/// Time for one message.
const SEND_MAX: Duration = Duration::from_secs(10);

/// Bytes of an id.
const TRACE_BYTES: usize = 16;
const SPAN_BYTES: usize = 8;

/// A call that has ended.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Span {
    /// What was said of it, by name.
    pub(crate) fields: BTreeMap<&'static str, Value>,
    /// When that was.
    pub(crate) at: Timestamp,
}

impl Span {
    fn text(&self, name: &str) -> &str {
        self.fields
            .get(name)
            .and_then(Value::as_str)
            .unwrap_or_default()
    }

    fn number(&self, name: &str) -> u64 {
        self.fields
            .get(name)
            .and_then(Value::as_u64)
            .unwrap_or_default()
    }

    /// All calls of a run are one trace; a relayed request is one of its own.
    pub(crate) fn trace_id(&self) -> String {
        let of = [self.text("run"), self.text("id")];
        let name = of.iter().find(|name| !name.is_empty());
        id(name.unwrap_or(&""), TRACE_BYTES)
    }

    pub(crate) fn span_id(&self) -> String {
        id(self.text("id"), SPAN_BYTES)
    }

    /// The task's span, else the run's, where there is one.
    pub(crate) fn parent_id(&self) -> Option<String> {
        let (run, task) = (self.text("run"), self.text("task"));
        match (run, task) {
            ("", _) => None,
            (run, "") => Some(id(run, SPAN_BYTES)),
            (run, task) => Some(id(&format!("{run}/{task}"), SPAN_BYTES)),
        }
    }
}

/// The beginning of a digest in hexadecimal digits: the same name has the same id everywhere.
fn id(name: &str, bytes: usize) -> String {
    let digest = Digest::of(name);
    digest.to_string().chars().take(2 * bytes).collect()
}

/// Sends calls to a collector, on a thread of its own.
#[derive(Debug)]
pub(crate) struct Exporter {
    calls: mpsc::Sender<Span>,
    dropped: Arc<AtomicU64>,
    stop: oneshot::Sender<()>,
    thread: JoinHandle<()>,
    stopped: std::sync::mpsc::Receiver<()>,
}

impl Exporter {
    /// Starts the thread. Whether the collector is there is only seen when something is sent.
    pub(crate) fn start(url: &Url, wanted: &Wanted) -> io::Result<Self> {
        let runtime = Builder::new_current_thread().enable_all().build()?;
        let (calls, waiting) = mpsc::channel(WAITING_MAX);
        let (stop, told) = oneshot::channel();
        let (ended, stopped) = std::sync::mpsc::channel();
        let dropped = Arc::new(AtomicU64::new(0));
        let sender = Sender {
            client: client(&wanted.headers)?,
            url: url.as_str().trim_end_matches('/').to_owned(),
            service: wanted
                .service
                .clone()
                .unwrap_or_else(|| "atelier".to_owned()),
            dropped: Arc::clone(&dropped),
        };
        let thread = std::thread::Builder::new().name("telemetry".to_owned());
        let thread = thread.spawn(move || {
            runtime.block_on(sender.run(waiting, told));
            // Whoever waited may have gone.
            let _ = ended.send(());
        })?;
        Ok(Self {
            calls,
            dropped,
            stop,
            thread,
            stopped,
        })
    }

    /// What listens for calls.
    pub(crate) fn layer(&self) -> CallLayer {
        CallLayer {
            calls: self.calls.clone(),
            dropped: Arc::clone(&self.dropped),
        }
    }

    /// Sends what is left and ends; calls that could not be sent are counted.
    pub(crate) fn finish(self, longest: Duration) -> u64 {
        let _ = self.stop.send(());
        if self.stopped.recv_timeout(longest).is_ok() {
            let _ = self.thread.join();
        }
        self.dropped.load(Ordering::Relaxed)
    }
}

fn client(headers: &[(String, String)]) -> io::Result<Client> {
    // Another part of the program may have installed it before; it is the same.
    let _ = rustls::crypto::ring::default_provider().install_default();
    let mut all = HeaderMap::new();
    for (name, value) in headers {
        let name = HeaderName::try_from(name).map_err(io::Error::other)?;
        let mut value = HeaderValue::try_from(value).map_err(io::Error::other)?;
        value.set_sensitive(true);
        all.insert(name, value);
    }
    let client = Client::builder()
        .default_headers(all)
        .redirect(reqwest::redirect::Policy::none())
        .timeout(SEND_MAX);
    client.build().map_err(io::Error::other)
}

/// The other end of the queue.
struct Sender {
    client: Client,
    url: String,
    service: String,
    dropped: Arc<AtomicU64>,
}

impl Sender {
    async fn run(self, mut waiting: mpsc::Receiver<Span>, mut told: oneshot::Receiver<()>) {
        let mut is_over = false;
        while !is_over {
            let mut batch = Vec::with_capacity(BATCH_MAX);
            let collect = async {
                while batch.len() < BATCH_MAX {
                    match waiting.recv().await {
                        Some(span) => batch.push(span),
                        None => return,
                    }
                }
            };
            tokio::select! {
                _ = timeout(BATCH, collect) => {}
                _ = &mut told => is_over = true,
            }
            if is_over {
                while let Ok(span) = waiting.try_recv() {
                    batch.push(span);
                }
            }
            for batch in batch.chunks(BATCH_MAX) {
                self.send(batch).await;
            }
        }
    }

    async fn send(&self, batch: &[Span]) {
        let (traces, metrics) = (
            document::traces(batch, &self.service),
            document::metrics(batch, &self.service),
        );
        let sent = self.post("v1/traces", &traces).await;
        let measured = self.post("v1/metrics", &metrics).await;
        if !sent || !measured {
            let lost = u64::try_from(batch.len()).unwrap_or(u64::MAX);
            self.dropped.fetch_add(lost, Ordering::Relaxed);
        }
    }

    async fn post(&self, path: &str, document: &Value) -> bool {
        let url = format!("{}/{path}", self.url);
        let sent = self.client.post(url).json(document).send().await;
        sent.is_ok_and(|answer| answer.status().is_success())
    }
}

/// Picks calls out of everything that is said.
pub(crate) struct CallLayer {
    calls: mpsc::Sender<Span>,
    dropped: Arc<AtomicU64>,
}

impl<S: Subscriber> Layer<S> for CallLayer {
    fn on_event(&self, event: &Event<'_>, _: Context<'_, S>) {
        if event.metadata().target() != CALL {
            return;
        }
        let mut fields = Fields::default();
        event.record(&mut fields);
        let span = Span {
            fields: fields.0,
            at: now(),
        };
        if self.calls.try_send(span).is_err() {
            self.dropped.fetch_add(1, Ordering::Relaxed);
        }
    }
}

/// The fields of something that was said.
#[derive(Default)]
struct Fields(BTreeMap<&'static str, Value>);

impl Visit for Fields {
    fn record_u64(&mut self, field: &Field, value: u64) {
        self.0.insert(field.name(), value.into());
    }

    fn record_i64(&mut self, field: &Field, value: i64) {
        self.0.insert(field.name(), value.into());
    }

    fn record_str(&mut self, field: &Field, value: &str) {
        self.0.insert(field.name(), value.into());
    }

    fn record_debug(&mut self, field: &Field, value: &dyn fmt::Debug) {
        self.0.insert(field.name(), format!("{value:?}").into());
    }
}
