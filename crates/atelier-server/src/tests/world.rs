//! A provider that says what a test wants said, and a gateway before it.

use std::{
    collections::BTreeMap,
    sync::{Arc, Mutex},
};

use atelier_llm::{Dialect, GatewayConfig, Price, PriceTable, Relay, Route, Secret};
use atelier_model::{Clock, IdSource, Limits, MicroUsd, Stage, Timestamp};
use atelier_store::{Budgets, Ledger, Store};
use serde_json::{Value, json};
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::{TcpListener, TcpStream},
    task::JoinSet,
};
use tokio_util::sync::CancellationToken;

use super::faults::{self, Fault};
use crate::{Bounds, Keys, Server};

/// What providers speak.
pub(super) const ALL: [Dialect; 4] = [
    Dialect::Chat,
    Dialect::Responses,
    Dialect::Messages,
    Dialect::Gemini,
];
/// What clients speak.
pub(super) const CLIENTS: [Dialect; 5] = [
    Dialect::Chat,
    Dialect::Completions,
    Dialect::Responses,
    Dialect::Messages,
    Dialect::Gemini,
];
pub(super) const KEY: &str = "sk-of-the-provider-0123456789";
pub(super) const BODY_BYTES_MAX: usize = 100_000;

/// What the provider says.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Said {
    /// Everything.
    All,
    /// So many events, and then the orderly end of the body; of a document the first half.
    CutAfter(usize),
    /// The first events, and then the connection breaks.
    Broken,
    /// A status with a wait of 7 seconds.
    Refused(u16),
    /// Something else that goes wrong.
    Fault(Fault),
}

struct Provider {
    dialect: Dialect,
    said: Mutex<Said>,
    /// What it says to the next request alone.
    once: Mutex<Option<Fault>>,
    bodies: Mutex<Vec<String>>,
}

struct Still;

impl Clock for Still {
    fn now(&self) -> Timestamp {
        Timestamp::from_millis(1_000_000)
    }
}

struct Zero;

impl IdSource for Zero {
    fn bits(&self) -> u128 {
        0
    }
}

pub(super) struct World {
    address: String,
    provider: Arc<Provider>,
    /// Makes questions differ after [`World::forget`].
    salt: Mutex<usize>,
    stop: CancellationToken,
    tasks: JoinSet<()>,
}

/// What came back.
#[derive(Debug)]
pub(super) struct Got {
    pub(super) status: u16,
    head: String,
    pub(super) body: String,
}

impl Got {
    pub(super) fn header(&self, name: &str) -> Option<&str> {
        let mut lines = self.head.lines();
        lines.find_map(|line| {
            let (found, value) = line.split_once(": ")?;
            found.eq_ignore_ascii_case(name).then_some(value)
        })
    }
}

pub(super) async fn relay(dialect: Dialect, base: &str, budget: Option<MicroUsd>) -> Relay {
    limited_relay(dialect, base, budget, Limits::default()).await
}

async fn limited_relay(
    dialect: Dialect,
    base: &str,
    budget: Option<MicroUsd>,
    limits: Limits,
) -> Relay {
    let provider = match dialect {
        Dialect::Chat | Dialect::Completions => "openai",
        Dialect::Responses => "responses",
        Dialect::Messages => "anthropic",
        Dialect::Gemini => "gemini",
    };
    let mut route = Route::new(provider, "m", 1_000);
    route.base_url = Some(base.parse().unwrap());
    route.key = Some(Secret::new(KEY));
    let price = Price {
        input: 1_000_000,
        output: 1_000_000,
        ..Price::FREE
    };
    let config = GatewayConfig {
        routes: Stage::ALL.map(|stage| (stage, route.clone())).into(),
        prices: PriceTable::new(BTreeMap::from([("m".to_owned(), price)])),
        limits,
        ..GatewayConfig::default()
    };
    let store = Store::open_in_memory().await.unwrap();
    let budgets = Budgets {
        total: budget,
        day: None,
    };
    let ledger = Ledger::open(&store, budgets, Still.now()).await.unwrap();
    Relay::new(&config, ledger, Arc::new(Still), Arc::new(Zero)).unwrap()
}

impl World {
    pub(super) async fn start(dialect: Dialect) -> Self {
        Self::limited(dialect, Limits::default()).await
    }

    pub(super) async fn with_budget(dialect: Dialect, budget: u64) -> Self {
        let budget = Some(MicroUsd(budget));
        Self::with(dialect, budget, Keys::default(), Limits::default()).await
    }

    pub(super) async fn with_keys(dialect: Dialect, keys: &[&str]) -> Self {
        let keys = Keys::new(keys.iter().copied().map(Secret::new));
        Self::with(dialect, None, keys, Limits::default()).await
    }

    pub(super) async fn limited(dialect: Dialect, limits: Limits) -> Self {
        Self::with(dialect, None, Keys::default(), limits).await
    }

    async fn with(dialect: Dialect, budget: Option<MicroUsd>, keys: Keys, limits: Limits) -> Self {
        let provider = Arc::new(Provider {
            dialect,
            said: Mutex::new(Said::All),
            once: Mutex::default(),
            bodies: Mutex::default(),
        });
        let mut tasks = JoinSet::new();
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let base = format!("http://{}", listener.local_addr().unwrap());
        tasks.spawn(provide(listener, Arc::clone(&provider)));
        let bounds = Bounds {
            body_bytes_max: BODY_BYTES_MAX,
            ..Bounds::default()
        };
        let address = "127.0.0.1:0".parse().unwrap();
        let relay = limited_relay(dialect, &base, budget, limits).await;
        let server = Server::bind(address, relay, keys, true, bounds)
            .await
            .unwrap();
        let address = server.address().to_string();
        let stop = CancellationToken::new();
        tasks.spawn(server.run(stop.clone()));
        Self {
            address,
            provider,
            salt: Mutex::new(0),
            stop,
            tasks,
        }
    }

    pub(super) fn says(&self, said: Said) {
        *self.provider.said.lock().unwrap() = said;
    }

    /// What goes wrong with the next request alone.
    pub(super) fn says_once(&self, fault: Fault) {
        *self.provider.once.lock().unwrap() = Some(fault);
    }

    pub(super) fn count(&self) -> usize {
        self.provider.bodies.lock().unwrap().len()
    }

    pub(super) fn last_body(&self) -> String {
        self.provider.bodies.lock().unwrap().last().unwrap().clone()
    }

    /// From now on questions are others.
    pub(super) fn forget(&self, _: Dialect) {
        *self.salt.lock().unwrap() += 1;
    }

    pub(super) async fn ask(&self, client: Dialect, stream: bool) -> Got {
        let (path, body) = ask(client, stream, "m");
        let salt = self.salt.lock().unwrap().to_string();
        self.post(&path, &body.replace("Hi", &format!("Hi {salt}")), &[])
            .await
    }

    pub(super) async fn post(&self, path: &str, body: &str, headers: &[(&str, &str)]) -> Got {
        let length = body.len();
        let headers = headers
            .iter()
            .map(|(name, value)| format!("{name}: {value}\r\n"));
        let headers: String = headers.collect();
        let head = format!(
            "POST {path} HTTP/1.1\r\nhost: x\r\nconnection: close\r\ncontent-length: {length}\r\n{headers}\r\n"
        );
        exchange(&self.address, &(head + body)).await
    }

    pub(super) async fn get(&self, path: &str) -> Got {
        let head = format!("GET {path} HTTP/1.1\r\nhost: x\r\nconnection: close\r\n\r\n");
        exchange(&self.address, &head).await
    }

    /// Tells the server to stop, and waits until it has: the provider goes on.
    pub(super) async fn stop(mut self) {
        self.stop.cancel();
        self.tasks.join_next().await.unwrap().unwrap();
    }
}

async fn exchange(address: &str, request: &str) -> Got {
    let mut stream = TcpStream::connect(address).await.unwrap();
    // A server that has heard enough may close before everything was sent.
    let _ = stream.write_all(request.as_bytes()).await;
    let mut bytes = Vec::new();
    let _ = stream.read_to_end(&mut bytes).await;
    let text = String::from_utf8(bytes).unwrap();
    let (head, body) = text
        .split_once("\r\n\r\n")
        .unwrap_or_else(|| panic!("{text}"));
    let status = head.split(' ').nth(1).unwrap().parse().unwrap();
    let is_chunked = head
        .to_ascii_lowercase()
        .contains("transfer-encoding: chunked");
    Got {
        status,
        head: head.to_owned(),
        body: if is_chunked {
            joined(body)
        } else {
            body.to_owned()
        },
    }
}

/// A chunked body in one piece.
fn joined(mut chunked: &str) -> String {
    let mut body = String::new();
    while let Some((size, rest)) = chunked.split_once("\r\n") {
        let size = usize::from_str_radix(size, 16).unwrap();
        body.push_str(&rest[..size]);
        chunked = &rest[size + 2..];
        if size == 0 {
            break;
        }
    }
    body
}

async fn provide(listener: TcpListener, provider: Arc<Provider>) {
    let mut connections = JoinSet::new();
    loop {
        let (stream, _) = listener.accept().await.unwrap();
        connections.spawn(answer(stream, Arc::clone(&provider)));
    }
}

async fn answer(mut stream: TcpStream, provider: Arc<Provider>) {
    let mut request = Vec::new();
    let (head, body) = loop {
        let mut piece = [0; 4096];
        let count = stream.read(&mut piece).await.unwrap();
        request.extend_from_slice(&piece[..count]);
        let text = String::from_utf8_lossy(&request).into_owned();
        let Some((head, body)) = text.split_once("\r\n\r\n") else {
            continue;
        };
        let length = head.to_ascii_lowercase();
        let length = length.split_once("content-length: ").unwrap().1;
        let length: usize = length.lines().next().unwrap().parse().unwrap();
        if body.len() >= length {
            break (head.to_owned(), body.to_owned());
        }
    };
    assert!(head.contains(KEY), "no key in {head}");
    provider.bodies.lock().unwrap().push(body.clone());
    if let Some(beside) = beside(&head, &body) {
        let response = format!("HTTP/1.1 200 OK\r\nconnection: close\r\n\r\n{beside}");
        stream.write_all(response.as_bytes()).await.unwrap();
        return;
    }
    let is_streamed = head.contains("streamGenerateContent") || body.contains("\"stream\":true");
    let once = provider.once.lock().unwrap().take();
    let said = once.map_or(*provider.said.lock().unwrap(), Said::Fault);
    if let Said::Fault(fault) = said {
        faults::play(stream, provider.dialect, is_streamed, fault).await;
        return;
    }
    let response = response(provider.dialect, is_streamed, said);
    stream.write_all(response.as_bytes()).await.unwrap();
}

/// What the provider says to anything else than a question: counts, and vectors.
fn beside(head: &str, body: &str) -> Option<Value> {
    let path = head.split(' ').nth(1)?;
    let method = path.rsplit(['/', ':']).next()?;
    let vector = json!([1.0, -2.0]);
    let body: Value = serde_json::from_str(body).unwrap();
    let length = |name: &str| body[name].as_array().map_or(1, Vec::len);
    Some(match method {
        "count_tokens" | "input_tokens" => json!({"input_tokens": 7}),
        "countTokens" => json!({"totalTokens": 7}),
        "embedContent" => json!({"embedding": {"values": vector}}),
        "batchEmbedContents" => {
            json!({"embeddings": vec![json!({"values": vector}); length("requests")]})
        }
        "embeddings" => {
            let data = (0..length("input")).map(|at| json!({"index": at, "embedding": vector}));
            json!({"data": data.collect::<Vec<_>>(), "usage": {"prompt_tokens": 4}})
        }
        _ => return None,
    })
}

/// The response of the provider; without a length, its end is the end of the connection, and with
/// too great a length its end is a break.
fn response(dialect: Dialect, is_streamed: bool, said: Said) -> String {
    let length = match said {
        Said::Broken => "content-length: 100000\r\n",
        Said::All | Said::CutAfter(_) | Said::Refused(_) | Said::Fault(_) => "",
    };
    let ok = format!("HTTP/1.1 200 OK\r\nconnection: close\r\n{length}\r\n");
    if let Said::Refused(status) = said {
        let body = json!({"error": {"message": format!("slow down {KEY}"), "code": status}});
        return format!(
            "HTTP/1.1 {status} Refused\r\nretry-after: 7\r\nconnection: close\r\n\r\n{body}"
        );
    }
    if !is_streamed {
        let document = document(dialect);
        let count = match said {
            Said::All => document.len(),
            Said::CutAfter(_) | Said::Broken | Said::Refused(_) | Said::Fault(_) => {
                document.len() / 2
            }
        };
        return ok + &document[..count];
    }
    let events = events(dialect);
    let count = match said {
        Said::All => events.len(),
        Said::CutAfter(count) => count,
        Said::Broken | Said::Refused(_) | Said::Fault(_) => 2,
    };
    ok + &events[..count].concat()
}

/// What the provider says to a question that is not streamed.
pub(super) fn document(dialect: Dialect) -> String {
    let document = match dialect {
        Dialect::Chat | Dialect::Completions => json!({
            "id": "c", "object": "chat.completion", "model": "m", "choices": [{
                "index": 0, "message": {"role": "assistant", "content": "Hello"},
                "finish_reason": "stop",
            }], "usage": {"prompt_tokens": 3, "completion_tokens": 2, "total_tokens": 5},
        }),
        Dialect::Responses => json!({
            "id": "r", "object": "response", "status": "completed", "model": "m", "output": [{
                "type": "message", "id": "msg", "role": "assistant",
                "content": [{"type": "output_text", "text": "Hello", "annotations": []}],
            }], "usage": {"input_tokens": 3, "output_tokens": 2, "total_tokens": 5},
        }),
        Dialect::Messages => json!({
            "id": "m", "type": "message", "role": "assistant", "model": "m",
            "content": [{"type": "text", "text": "Hello"}], "stop_reason": "end_turn",
            "usage": {"input_tokens": 3, "output_tokens": 2},
        }),
        Dialect::Gemini => json!({
            "responseId": "g", "modelVersion": "m", "candidates": [{
                "content": {"role": "model", "parts": [{"text": "Hello"}]}, "finishReason": "STOP",
            }], "usageMetadata": {"promptTokenCount": 3, "candidatesTokenCount": 2},
        }),
    };
    document.to_string()
}

fn event(value: &Value) -> String {
    match value["type"].as_str() {
        Some(name) => format!("event: {name}\ndata: {value}\n\n"),
        None => format!("data: {value}\n\n"),
    }
}

pub(super) fn events(dialect: Dialect) -> Vec<String> {
    let chat = |delta: Value, reason: Value| {
        event(&json!({"id": "c", "model": "m", "choices": [
            {"index": 0, "delta": delta, "finish_reason": reason},
        ]}))
    };
    let gemini = |text: &str| json!({"responseId": "g", "candidates": [{"content": {"parts": [{"text": text}]}}]});
    match dialect {
        Dialect::Chat | Dialect::Completions => vec![
            chat(json!({"role": "assistant", "content": "Hel"}), Value::Null),
            chat(json!({"content": "lo"}), Value::Null),
            chat(json!({}), json!("stop")),
            event(&json!({"id": "c", "choices": [], "usage": {
                "prompt_tokens": 3, "completion_tokens": 2, "total_tokens": 5,
            }})),
            "data: [DONE]\n\n".to_owned(),
        ],
        Dialect::Responses => vec![
            event(&json!({"type": "response.created", "response": {"id": "r", "model": "m"}})),
            event(&json!({"type": "response.output_text.delta", "delta": "Hel"})),
            event(&json!({"type": "response.output_text.delta", "delta": "lo"})),
            event(&json!({"type": "response.completed", "response": {"status": "completed"}})),
        ],
        Dialect::Messages => vec![
            event(&json!({"type": "message_start", "message": {
                "id": "m", "model": "m", "content": [], "usage": {"input_tokens": 3},
            }})),
            event(&json!({"type": "content_block_start", "index": 0,
                "content_block": {"type": "text", "text": ""}})),
            event(&json!({"type": "content_block_delta", "index": 0,
                "delta": {"type": "text_delta", "text": "Hel"}})),
            event(&json!({"type": "content_block_delta", "index": 0,
                "delta": {"type": "text_delta", "text": "lo"}})),
            event(&json!({"type": "content_block_stop", "index": 0})),
            event(
                &json!({"type": "message_delta", "delta": {"stop_reason": "end_turn"},
                "usage": {"output_tokens": 2}}),
            ),
            event(&json!({"type": "message_stop"})),
        ],
        Dialect::Gemini => {
            let mut last = gemini("lo");
            last["candidates"][0]["finishReason"] = json!("STOP");
            vec![event(&gemini("H")), event(&gemini("el")), event(&last)]
        }
    }
}

/// A question to a model: its address and its body.
pub(super) fn ask(client: Dialect, stream: bool, model: &str) -> (String, String) {
    let said = json!([{"role": "user", "content": "Hi"}]);
    let (path, body) = match client {
        Dialect::Chat => (
            "/v1/chat/completions".to_owned(),
            json!({"model": model, "messages": said, "stream": stream}),
        ),
        Dialect::Completions => (
            "/v1/completions".to_owned(),
            json!({"model": model, "prompt": "Hi", "stream": stream}),
        ),
        Dialect::Responses => (
            "/v1/responses".to_owned(),
            json!({"model": model, "input": said, "stream": stream}),
        ),
        Dialect::Messages => (
            "/v1/messages".to_owned(),
            json!({"model": model, "messages": said, "max_tokens": 50, "stream": stream}),
        ),
        Dialect::Gemini => {
            let method = if stream {
                "streamGenerateContent?alt=sse"
            } else {
                "generateContent"
            };
            let path = format!("/v1/models/{model}:{method}");
            (
                path,
                json!({"contents": [{"role": "user", "parts": [{"text": "Hi"}]}]}),
            )
        }
    };
    (path, body.to_string())
}

/// Whether a stream says that it is complete.
pub(super) fn ends(client: Dialect, stream: &str) -> bool {
    let end = match client {
        Dialect::Chat | Dialect::Completions => "data: [DONE]",
        Dialect::Responses => "event: response.completed",
        Dialect::Messages => "event: message_stop",
        Dialect::Gemini => "\"finishReason\":\"STOP\"",
    };
    stream.contains(end)
}

/// Whether a body is a refusal in the client's dialect.
pub(super) fn refusal(client: Dialect, body: &Value) -> bool {
    let _ = client;
    body["error"]["message"].is_string()
}

/// The text of an answer.
pub(super) fn text_of(client: Dialect, stream: bool, body: &str) -> String {
    let place = match (client, stream) {
        (Dialect::Chat, false) => "/choices/0/message/content",
        (Dialect::Chat, true) => "/choices/0/delta/content",
        (Dialect::Completions, _) => "/choices/0/text",
        (Dialect::Responses, false) => "/output/0/content/0/text",
        (Dialect::Responses, true) => "/delta",
        (Dialect::Messages, false) => "/content/0/text",
        (Dialect::Messages, true) => "/delta/text",
        (Dialect::Gemini, _) => "/candidates/0/content/parts/0/text",
    };
    let values = if stream {
        let data = body.lines().filter_map(|line| line.strip_prefix("data: "));
        data.filter_map(|data| serde_json::from_str::<Value>(data).ok())
            .collect()
    } else {
        vec![serde_json::from_str(body).unwrap()]
    };
    let texts = values
        .iter()
        .filter_map(|value| value.pointer(place)?.as_str());
    texts.collect()
}
