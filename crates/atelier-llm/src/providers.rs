//! Every provider: one vendor or server each.

pub(crate) mod anthropic;
pub(crate) mod azure;
pub(crate) mod compatible;
mod deepseek;
mod embedder;
pub(crate) mod endpoint;
pub(crate) mod gemini;
mod groq;
pub(crate) mod hosted;
mod llamacpp;
mod lmstudio;
mod mistral;
pub(crate) mod offline;
mod ollama;
pub(crate) mod openai;
mod openrouter;
pub(crate) mod relayed;
mod requesty;
pub(crate) mod responses;
mod vllm;

use std::sync::Arc;

use atelier_model::{BoxFuture, Limits};
use url::Url;

use crate::{Call, CallError, Completion, GatewayError, Route, Transport, config::is_loopback};

/// One model vendor. Policy (cache, budget, retries) is not its business.
pub trait Provider: Send + Sync {
    /// Sends one request and returns the whole answer.
    fn send<'a>(&'a self, call: &'a Call<'a>) -> BoxFuture<'a, Result<Completion, CallError>>;

    /// Sends the cheapest request that fails when the key is wrong or nobody is there.
    fn probe<'a>(&'a self, limits: &'a Limits) -> BoxFuture<'a, Result<(), CallError>>;
}

/// What decides an answer.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum AnswersFrom {
    /// The conversation.
    Messages,
    /// The facts beside it, which therefore take its place in the key.
    Facts,
}

/// How far a provider holds an answer to a JSON schema.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum SchemaSupport {
    /// Not at all.
    Never,
    /// The answer is some JSON.
    Syntax,
    /// The answer follows the schema.
    Full,
}

/// What a provider understands beside texts.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Abilities {
    /// How far it holds an answer to a JSON schema.
    pub schema: SchemaSupport,
    /// Whether it can be told how hard to think.
    pub effort: bool,
}

impl Abilities {
    /// Texts alone.
    pub const NONE: Self = Self {
        schema: SchemaSupport::Never,
        effort: false,
    };

    /// Everything there is.
    pub const ALL: Self = Self {
        schema: SchemaSupport::Full,
        effort: true,
    };
}

/// Prepares a provider for a route.
pub type Build =
    fn(&'static ProviderEntry, &Route, &Transport) -> Result<Arc<dyn Provider>, GatewayError>;

/// One line of the registry.
#[derive(Debug, Clone, Copy)]
pub struct ProviderEntry {
    /// Name in the configuration.
    pub name: &'static str,
    /// One line on it.
    pub about: &'static str,
    /// Its usual address, where it has one.
    pub default_base_url: Option<&'static str>,
    /// Environment variables that usually hold its key.
    pub key_variables: &'static [&'static str],
    /// Environment variables that usually hold its address.
    pub address_variables: &'static [&'static str],
    /// Whether its usual address answers nobody without a key.
    pub needs_key: bool,
    /// What decides its answers.
    pub answers_from: AnswersFrom,
    /// What it understands beside texts.
    pub abilities: Abilities,
    /// Prepares it for a route.
    pub build: Build,
    /// Prepares it to make vectors of texts, where it can.
    pub build_embedder: Option<Build>,
}

impl ProviderEntry {
    /// Whether its usual address is this machine.
    pub fn is_local(&self) -> bool {
        let usual = self.default_base_url.map(Url::parse);
        usual.is_some_and(|url| url.is_ok_and(|url| is_loopback(&url)))
    }
}

/// Every provider, in the order users see them.
pub const PROVIDERS: &[ProviderEntry] = &[
    openai::ENTRY,
    responses::ENTRY,
    anthropic::ENTRY,
    gemini::ENTRY,
    azure::ENTRY,
    openrouter::ENTRY,
    requesty::ENTRY,
    groq::ENTRY,
    deepseek::ENTRY,
    mistral::ENTRY,
    ollama::ENTRY,
    lmstudio::ENTRY,
    llamacpp::ENTRY,
    vllm::ENTRY,
    offline::ENTRY,
];

/// The provider of a name.
pub fn provider_entry(name: &str) -> Option<&'static ProviderEntry> {
    PROVIDERS.iter().find(|entry| entry.name == name)
}

/// The names of all providers, for messages.
pub(crate) fn names() -> String {
    let names: Vec<_> = PROVIDERS.iter().map(|entry| entry.name).collect();
    names.join(", ")
}
