//! Every provider: one vendor or dialect each.

pub(crate) mod anthropic;
pub(crate) mod endpoint;
pub(crate) mod offline;
pub(crate) mod openai;

use std::sync::Arc;

use atelier_model::{BoxFuture, Limits};

use crate::{Call, CallError, Completion, GatewayError, Route, Transport};

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

/// Prepares a provider for a route.
pub type Build = fn(&Route, &Transport) -> Result<Arc<dyn Provider>, GatewayError>;

/// One line of the registry.
#[derive(Debug, Clone, Copy)]
pub struct ProviderEntry {
    /// Name in the configuration.
    pub name: &'static str,
    /// One line on it.
    pub about: &'static str,
    /// Its public address, where it has one.
    pub default_base_url: Option<&'static str>,
    /// Environment variables that usually hold its key.
    pub key_variables: &'static [&'static str],
    /// What decides its answers.
    pub answers_from: AnswersFrom,
    /// Prepares it for a route.
    pub build: Build,
}

/// Every provider, in the order users see them.
pub const PROVIDERS: &[ProviderEntry] = &[openai::ENTRY, anthropic::ENTRY, offline::ENTRY];

/// The provider of a name.
pub fn provider_entry(name: &str) -> Option<&'static ProviderEntry> {
    PROVIDERS.iter().find(|entry| entry.name == name)
}

/// The names of all providers, for messages.
pub(crate) fn names() -> String {
    let names: Vec<_> = PROVIDERS.iter().map(|entry| entry.name).collect();
    names.join(", ")
}
