//! Who may do what at the door: every role before every address.

use std::sync::Arc;

use atelier_keys::{Action, ClientTerms, Clients, KeyStore, Role};
use atelier_llm::{Dialect, Secret};
use atelier_model::{Clock, Timestamp};
use tempfile::TempDir;
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::TcpStream,
    task::JoinSet,
};
use tokio_util::sync::CancellationToken;

use super::world::relay;
use crate::{Bounds, Keys, Server};

/// What is at the door, and what somebody must be trusted with who wants it.
const ADDRESSES: [(&str, &str, Action); 24] = [
    ("GET", "/metrics", Action::ReadMetrics),
    ("GET", "/v1/models", Action::SeeModels),
    ("GET", "/v1beta/models", Action::SeeModels),
    ("GET", "/v1/models/m", Action::SeeModels),
    ("GET", "/nothing", Action::SeeModels),
    ("DELETE", "/v1/models", Action::SeeModels),
    ("POST", "/v1/batches", Action::SeeModels),
    ("POST", "/v1/chat/completions", Action::Ask),
    ("POST", "/v1/completions", Action::Ask),
    ("POST", "/v1/responses", Action::Ask),
    ("POST", "/v1/messages", Action::Ask),
    ("POST", "/v1beta/models/m:generateContent", Action::Ask),
    (
        "POST",
        "/v1beta/models/m:streamGenerateContent",
        Action::Ask,
    ),
    ("POST", "/v1/messages/count_tokens", Action::CountTokens),
    ("POST", "/v1beta/models/m:countTokens", Action::CountTokens),
    ("POST", "/v1/embeddings", Action::Embed),
    ("GET", "/atelier/v1/runs", Action::SeeRuns),
    ("GET", "/atelier/v1/runs/newest", Action::SeeRuns),
    ("GET", "/atelier/v1/runs/newest/events", Action::SeeRuns),
    ("POST", "/atelier/v1/runs/newest", Action::SteerRuns),
    (
        "POST",
        "/atelier/v1/runs/newest/tasks/t1.1",
        Action::SteerRuns,
    ),
    ("GET", "/atelier/v1/keys", Action::SeeKeys),
    ("POST", "/atelier/v1/keys", Action::IssueKeys),
    ("DELETE", "/atelier/v1/keys/nobody", Action::RevokeKeys),
];

struct Fixed;

impl Clock for Fixed {
    fn now(&self) -> Timestamp {
        at(1)
    }
}

fn at(seconds: i64) -> Timestamp {
    Timestamp::from_millis(1_800_000_000_000 + seconds * 1_000)
}

/// A gateway whose provider is not there, and is not needed: nobody gets so far.
struct Gate {
    address: String,
    store: KeyStore,
    _folder: TempDir,
    stop: CancellationToken,
    _task: JoinSet<()>,
}

impl Gate {
    async fn start(plain: &[&str]) -> Self {
        let folder = TempDir::new().unwrap();
        let store = KeyStore::at(folder.path().join("keys.json"));
        let relay = relay(Dialect::Chat, "http://127.0.0.1:1/v1", None).await;
        let clients = Clients::open(store.clone()).unwrap();
        let keys = Keys::new(plain.iter().map(|key| Secret::new(key)));
        let keys = keys.with_clients(clients, Arc::new(Fixed));
        let any = "127.0.0.1:0".parse().unwrap();
        let server = Server::bind(any, relay, keys, true, Bounds::default()).await;
        let server = server.unwrap();
        let (address, stop) = (server.address().to_string(), CancellationToken::new());
        let stopped = stop.clone();
        let mut task = JoinSet::new();
        task.spawn(async move { server.run(stopped).await });
        Self {
            address,
            store,
            _folder: folder,
            stop,
            _task: task,
        }
    }

    fn issue(&self, name: &str, terms: ClientTerms) -> String {
        let issued = self.store.client_issue(name, terms, at(0)).unwrap();
        issued.value.expose().to_owned()
    }

    /// The status of an answer.
    async fn status(&self, method: &str, path: &str, header: &str) -> u16 {
        // Whoever is let in is told that this is no JSON.
        let body = "{";
        let length = body.len();
        let request = format!(
            "{method} {path} HTTP/1.1\r\nhost: x\r\nconnection: close\r\n{header}\
             content-length: {length}\r\n\r\n{body}"
        );
        let mut stream = TcpStream::connect(&self.address).await.unwrap();
        stream.write_all(request.as_bytes()).await.unwrap();
        let mut answer = String::new();
        stream.read_to_string(&mut answer).await.unwrap();
        answer.split(' ').nth(1).unwrap().parse().unwrap()
    }
}

impl Drop for Gate {
    fn drop(&mut self) {
        self.stop.cancel();
    }
}

fn bearer(key: &str) -> String {
    format!("authorization: Bearer {key}\r\n")
}

fn is_let_in(status: u16) -> bool {
    !matches!(status, 401 | 403)
}

#[tokio::test]
async fn every_role_gets_what_it_may_at_every_address_and_nothing_else() {
    let gate = Gate::start(&[]).await;
    let keys = Role::ALL.map(|role| (role, gate.issue(role.name(), ClientTerms::of(role))));
    for (method, path, action) in ADDRESSES {
        assert_eq!(gate.status(method, path, "").await, 401, "{path}");
        let wrong = bearer(&format!("atl_{}", "0".repeat(64)));
        assert_eq!(gate.status(method, path, &wrong).await, 401, "{path}");
        for (role, key) in &keys {
            let status = gate.status(method, path, &bearer(key)).await;
            assert_eq!(
                is_let_in(status),
                role.may(action),
                "{role:?} {method} {path}: {status}"
            );
        }
    }
    for (role, _) in &keys {
        gate.store.client_revoke(role.name(), at(1)).unwrap();
    }
    for (method, path, _) in ADDRESSES {
        for (role, key) in &keys {
            let status = gate.status(method, path, &bearer(key)).await;
            assert_eq!(status, 401, "{role:?} {method} {path}");
        }
    }
}

#[tokio::test]
async fn an_open_door_and_plain_keys_lead_to_no_keys_of_others_and_an_open_one_steers_no_run() {
    let (open, plain) = (Gate::start(&[]).await, Gate::start(&["plain"]).await);
    for (method, path, action) in ADDRESSES {
        let expected = Role::Builder.may(action);
        let status = open.status(method, path, "").await;
        let to_all = expected && action != Action::SteerRuns;
        assert_eq!(is_let_in(status), to_all, "{method} {path}: {status}");
        let status = plain.status(method, path, &bearer("plain")).await;
        assert_eq!(is_let_in(status), expected, "{method} {path}: {status}");
        assert_eq!(plain.status(method, path, &bearer("plaim")).await, 401);
    }
    assert_eq!(open.status("HEAD", "/", "").await, 200);
    assert_eq!(
        plain.status("HEAD", "/", "").await,
        200,
        "that somebody is here is no secret"
    );
}

#[tokio::test]
async fn a_key_is_found_wherever_a_dialect_puts_it() {
    let gate = Gate::start(&["plain"]).await;
    let key = gate.issue("laptop", ClientTerms::of(Role::Builder));
    let headers = [
        bearer(&key),
        format!("x-api-key: {key}\r\n"),
        format!("x-goog-api-key: {key}\r\n"),
        format!("api-key: {key}\r\n"),
        // Some programs show a placeholder beside it.
        format!("authorization: Bearer unused\r\nx-api-key: {key}\r\n"),
    ];
    for header in headers {
        assert_eq!(
            gate.status("GET", "/v1/models", &header).await,
            200,
            "{header}"
        );
    }
    let in_query = format!("/v1beta/models?key={key}");
    assert_eq!(gate.status("GET", &in_query, "").await, 200);
    assert_eq!(
        gate.status("GET", "/v1/models", &bearer("plain")).await,
        200
    );
}
