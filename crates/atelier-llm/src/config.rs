//! The settings of the gateway: final values, without defaults of their own.

use std::{collections::BTreeMap, net::Ipv4Addr};

use atelier_guard::Policy;
use atelier_keys::KeyRing;
use atelier_model::{Budget, Limits, Stage, Strategy};
use atelier_seal::SealKey;
use url::{Host, Url};

use crate::{
    GatewayError, PriceTable, ProviderEntry, RateTable, Secret, SemanticConfig, provider_entry,
};

/// What a gateway needs to know.
#[derive(Debug, Clone, Default)]
pub struct GatewayConfig {
    /// Who answers each stage; every stage must be there.
    pub routes: BTreeMap<Stage, Route>,
    /// Who else may answer a stage; one that is not here has its route alone.
    pub routing: BTreeMap<Stage, Routing>,
    /// Further models that other programs may ask for.
    pub upstreams: Vec<Route>,
    /// What the asks of each stage may use up in one run.
    pub stage_budgets: BTreeMap<Stage, Budget>,
    /// What the asks of each task may use up that has no budget of its own.
    pub task_budget: Budget,
    /// Who makes vectors of texts, where anybody does.
    pub embeddings: Option<Route>,
    /// What tokens cost.
    pub prices: PriceTable,
    /// From which placeholders follow; needed where anything is to be hidden from a provider.
    pub guard_key: Option<SealKey>,
    /// Where an answer may be one to the same question in other words.
    pub semantic: SemanticConfig,
    /// How often and how much may be asked.
    pub rates: RateTable,
    /// How far anything may go.
    pub limits: Limits,
}

impl GatewayConfig {
    /// What is hidden from the strictest of all; there is a key where that is anything.
    pub(crate) fn guard(&self) -> Result<Policy, GatewayError> {
        let standbys = self.routing.values().flat_map(|routing| &routing.fallback);
        let all = self.routes.values().chain(standbys);
        let all = all.chain(&self.upstreams).chain(&self.embeddings);
        let strictest = all.map(|route| route.guard).max().unwrap_or(Policy::Off);
        if strictest != Policy::Off && self.guard_key.is_none() {
            return Err(GatewayError::GuardKeyMissing);
        }
        Ok(strictest)
    }
}

/// Who else may answer than a stage's own route, and how one of them all is chosen.
#[derive(Debug, Clone, Default)]
pub struct Routing {
    /// How.
    pub strategy: Strategy,
    /// The others, in the order in which they are asked where nothing else orders them.
    pub fallback: Vec<Route>,
}

/// How hard a model is to think before it answers.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Effort {
    /// A little.
    Low,
    /// Somewhat.
    Medium,
    /// As hard as is usual for hard problems.
    High,
}

impl Effort {
    /// Every effort, the least first.
    pub const ALL: [Self; 3] = [Self::Low, Self::Medium, Self::High];

    /// Its word in the configuration and in most dialects.
    pub fn name(self) -> &'static str {
        match self {
            Self::Low => "low",
            Self::Medium => "medium",
            Self::High => "high",
        }
    }

    /// The effort of a word.
    pub fn from_name(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|effort| effort.name() == name)
    }
}

/// Who answers, and how it is asked.
#[derive(Debug, Clone, PartialEq)]
pub struct Route {
    /// Name of an entry of [`crate::PROVIDERS`].
    pub provider: String,
    /// What it is called where the user gave it a name of its own; `None` for the provider's.
    pub upstream: Option<String>,
    /// Model name, passed on as it is.
    pub model: String,
    /// Where the provider is; `None` for its public address.
    pub base_url: Option<Url>,
    /// The key.
    pub key: Option<Secret>,
    /// The stored keys of its provider, where no key is named.
    pub ring: Option<KeyRing>,
    /// Sampling temperature; `None` leaves it to the provider.
    pub temperature: Option<f64>,
    /// How hard to think; `None` leaves it to the provider.
    pub effort: Option<Effort>,
    /// Most tokens of an answer.
    pub tokens_max: u64,
    /// Whether the answer is asked for piece by piece. A whole answer sends its first byte only
    /// when it is complete, so `first_byte_ms_max` bounds all of it.
    pub stream: bool,
    /// Whether the schema of an answer is sent for constrained decoding as well; prompts carry it
    /// in words either way.
    pub structured: bool,
    /// Whether unencrypted HTTP to another machine is allowed.
    pub plain_http: bool,
    /// What is hidden from the provider.
    pub guard: Policy,
    /// Milliseconds after which a text is asked for a second time, beside the first; `None` asks
    /// once.
    pub hedge_ms: Option<u64>,
}

impl Route {
    /// A streamed route to a provider's public address, with nothing optional set.
    pub fn new(provider: impl Into<String>, model: impl Into<String>, tokens_max: u64) -> Self {
        Self {
            provider: provider.into(),
            upstream: None,
            model: model.into(),
            base_url: None,
            key: None,
            ring: None,
            temperature: None,
            effort: None,
            tokens_max,
            stream: true,
            structured: false,
            plain_http: false,
            guard: Policy::Off,
            hedge_ms: None,
        }
    }

    /// What it is called in records and messages.
    pub fn name(&self) -> &str {
        self.upstream.as_deref().unwrap_or(&self.provider)
    }

    /// The route in one word: `provider/model`.
    pub fn label(&self) -> String {
        format!("{}/{}", self.name(), self.model)
    }

    /// The key, where there is something in it.
    pub(crate) fn usable_key(&self) -> Option<&Secret> {
        self.key.as_ref().filter(|key| !key.is_empty())
    }

    /// Whether its answers come from this machine: through a loopback address, or from no server.
    pub fn is_local(&self) -> bool {
        if let Some(url) = &self.base_url {
            return is_loopback(url);
        }
        let entry = provider_entry(&self.provider);
        let is_usual = entry.is_some_and(ProviderEntry::is_local);
        is_usual || self.provider == crate::providers::offline::NAME
    }
}

/// Whether a URL names a machine of a private network by its number.
pub fn is_private(url: &Url) -> bool {
    match url.host() {
        Some(Host::Ipv4(address)) => is_private_v4(address),
        Some(Host::Ipv6(address)) => match address.to_ipv4_mapped() {
            Some(address) => is_private_v4(address),
            None => address.is_unique_local(),
        },
        Some(Host::Domain(_)) | None => false,
    }
}

fn is_private_v4(address: Ipv4Addr) -> bool {
    let [first, second, ..] = address.octets();
    // The second are those that carriers share among their customers.
    address.is_private() || first == 100 && (64..128).contains(&second)
}

/// Whether a URL names by its number what no server of a model is: the services of a cloud to its
/// own machines, everybody at once, or nobody.
pub(crate) fn is_nobody(url: &Url) -> bool {
    let is_nobody_v4 = |address: Ipv4Addr| {
        address.is_link_local()
            || address.is_unspecified()
            || address.is_multicast()
            || address.is_broadcast()
    };
    match url.host() {
        Some(Host::Ipv4(address)) => is_nobody_v4(address),
        Some(Host::Ipv6(address)) => match address.to_ipv4_mapped() {
            Some(address) => is_nobody_v4(address),
            None => {
                address.is_unicast_link_local()
                    || address.is_unspecified()
                    || address.is_multicast()
            }
        },
        Some(Host::Domain(_)) | None => false,
    }
}

/// Whether a URL points to this machine.
pub(crate) fn is_loopback(url: &Url) -> bool {
    match url.host() {
        Some(Host::Domain(name)) => name == "localhost" || name.ends_with(".localhost"),
        Some(Host::Ipv4(address)) => address.is_loopback(),
        Some(Host::Ipv6(address)) => address.is_loopback(),
        None => false,
    }
}
