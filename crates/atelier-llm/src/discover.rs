//! Finds model servers on this machine by what they answer, not by the port they answer on.

use std::time::Duration;

use atelier_model::Limits;
use futures_util::future::join_all;
use reqwest::Client;
use serde_json::Value;
use tokio::time::timeout;
use url::Url;

use crate::Transport;

/// Where the servers usually listen: Ollama, LM Studio, llama.cpp, vLLM.
const USUAL_BASES: [&str; 4] = [
    "http://127.0.0.1:11434",
    "http://127.0.0.1:1234",
    "http://127.0.0.1:8080",
    "http://127.0.0.1:8000",
];

/// Bytes of one answer that are read.
const ANSWER_BYTES_MAX: usize = 1024 * 1024;

/// Models of one server that are listed.
const MODELS_MAX: usize = 100;

/// Addresses that are asked beside the usual ones.
const EXTRA_MAX: usize = 16;

/// What a server is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum LocalServerKind {
    /// Ollama.
    Ollama,
    /// LM Studio.
    LmStudio,
    /// The server of llama.cpp.
    LlamaCpp,
    /// vLLM.
    Vllm,
    /// Another server with a list of models in `OpenAI`'s form.
    OpenAiCompatible,
}

impl LocalServerKind {
    /// Its name.
    pub fn name(self) -> &'static str {
        match self {
            Self::Ollama => "Ollama",
            Self::LmStudio => "LM Studio",
            Self::LlamaCpp => "llama.cpp",
            Self::Vllm => "vLLM",
            Self::OpenAiCompatible => "OpenAI-compatible server",
        }
    }
}

/// A model server that answered.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LocalServer {
    /// What it is.
    pub kind: LocalServerKind,
    /// What to write as `base_url`, with `provider = "openai"`.
    pub base_url: String,
    /// Models it offers, in its own order.
    pub models: Vec<String>,
    /// Version or state, in its own words.
    pub detail: String,
}

/// The address that people write without a scheme, as in `OLLAMA_HOST`: `0.0.0.0:11434`,
/// `localhost`, or a whole URL.
pub fn server_url(text: &str) -> Option<Url> {
    let text = text.trim();
    let url = if text.contains("://") {
        Url::parse(text).ok()?
    } else {
        Url::parse(&format!("http://{text}")).ok()?
    };
    url.host_str()?;
    matches!(url.scheme(), "http" | "https").then(|| root(&url))
}

/// Asks the usual addresses, and `extra` ones, all at once. Each server has `timeout_ms` for all
/// its answers; whoever says nothing recognisable is left out.
pub async fn local_servers(timeout_ms: u64, extra: &[Url]) -> Vec<LocalServer> {
    let usual = USUAL_BASES.iter().filter_map(|base| Url::parse(base).ok());
    let mut bases: Vec<Url> = usual.collect();
    for url in extra.iter().take(EXTRA_MAX) {
        let base = root(url);
        if !bases.contains(&base) {
            bases.push(base);
        }
    }
    servers_at(&bases, timeout_ms).await
}

/// Asks these addresses and no others.
pub(crate) async fn servers_at(bases: &[Url], timeout_ms: u64) -> Vec<LocalServer> {
    let limit = Duration::from_millis(timeout_ms);
    let asked = bases.iter().map(|base| async move {
        let server = timeout(limit, recognise(base, timeout_ms)).await;
        server.ok().flatten()
    });
    join_all(asked).await.into_iter().flatten().collect()
}

/// The scheme, host and port of a URL; `localhost` is one address for all its names.
fn root(url: &Url) -> Url {
    let mut root = url.clone();
    root.set_path("");
    root.set_query(None);
    root.set_fragment(None);
    if matches!(root.host_str(), Some("localhost" | "0.0.0.0")) {
        // Fails for no URL that has a host already, and this one has.
        let _ = root.set_host(Some("127.0.0.1"));
    }
    root
}

/// What a server is. The most telling questions come first: several servers imitate Ollama's and
/// `OpenAI`'s lists, none imitates the properties of llama.cpp.
async fn recognise(base: &Url, timeout_ms: u64) -> Option<LocalServer> {
    let limits = Limits {
        connect_ms_max: timeout_ms,
        ..Limits::default()
    };
    let client = Transport::new(limits).client(base).ok()?;
    let visit = Visit { client, base };
    if let Some(server) = visit.llama_cpp().await {
        return Some(server);
    }
    if let Some(server) = visit.lm_studio().await {
        return Some(server);
    }
    if let Some(server) = visit.ollama().await {
        return Some(server);
    }
    visit.vllm_or_other().await
}

struct Visit<'a> {
    client: Client,
    base: &'a Url,
}

impl Visit<'_> {
    async fn llama_cpp(&self) -> Option<LocalServer> {
        let properties = self.get("/props").await?;
        properties.get("default_generation_settings")?;
        let models = names(self.get("/v1/models").await.as_ref(), "data", "id");
        let build = text(&properties, "build_info");
        Some(self.server(LocalServerKind::LlamaCpp, models, build))
    }

    async fn lm_studio(&self) -> Option<LocalServer> {
        let list = self.get("/api/v0/models").await?;
        let entries = list.get("data")?.as_array()?;
        if !entries.iter().all(|entry| entry.get("state").is_some()) {
            return None;
        }
        let is_loaded = |entry: &&Value| entry["state"] == "loaded";
        let loaded = entries.iter().filter(is_loaded).count();
        let detail = format!("{loaded} of {} models loaded", entries.len());
        let models = names(Some(&list), "data", "id");
        Some(self.server(LocalServerKind::LmStudio, models, detail))
    }

    async fn ollama(&self) -> Option<LocalServer> {
        let version = self.get("/api/version").await?;
        let version = version.get("version")?.as_str()?.to_owned();
        let tags = self.get("/api/tags").await?;
        tags.get("models")?.as_array()?;
        let models = names(Some(&tags), "models", "name");
        Some(self.server(
            LocalServerKind::Ollama,
            models,
            format!("version {version}"),
        ))
    }

    async fn vllm_or_other(&self) -> Option<LocalServer> {
        let list = self.get("/v1/models").await?;
        let entries = list.get("data")?.as_array()?;
        let models = names(Some(&list), "data", "id");
        if entries.iter().any(|entry| entry["owned_by"] == "vllm") {
            let version = self.get("/version").await.unwrap_or_default();
            let detail = format!("version {}", text(&version, "version"));
            return Some(self.server(LocalServerKind::Vllm, models, detail));
        }
        Some(self.server(LocalServerKind::OpenAiCompatible, models, String::new()))
    }

    fn server(&self, kind: LocalServerKind, models: Vec<String>, detail: String) -> LocalServer {
        let base = self.base.as_str().trim_end_matches('/');
        LocalServer {
            kind,
            base_url: format!("{base}/v1"),
            models,
            detail,
        }
    }

    /// The JSON at a path, where there is some.
    async fn get(&self, path: &str) -> Option<Value> {
        let mut url = self.base.clone();
        url.set_path(path);
        let mut response = self.client.get(url).send().await.ok()?;
        if !response.status().is_success() {
            return None;
        }
        let mut body = Vec::new();
        while let Some(piece) = response.chunk().await.ok()? {
            if body.len() + piece.len() > ANSWER_BYTES_MAX {
                return None;
            }
            body.extend_from_slice(&piece);
        }
        serde_json::from_slice(&body).ok()
    }
}

/// The names in a list of models.
fn names(list: Option<&Value>, list_field: &str, name_field: &str) -> Vec<String> {
    let entries = list.and_then(|list| list.get(list_field)?.as_array());
    let names = entries.into_iter().flatten().filter_map(|entry| {
        let name = entry.get(name_field)?.as_str()?;
        Some(crate::wire::tidy(name))
    });
    names.take(MODELS_MAX).collect()
}

/// A text field on one line, or nothing.
fn text(value: &Value, field: &str) -> String {
    let text = value.get(field).and_then(Value::as_str);
    crate::wire::tidy(text.unwrap_or_default())
}
