//! Requests of other programs: passed on to the model that they name, whatever dialect either
//! speaks.
//!
//! A request in the dialect of its model's provider is forwarded byte for byte, but for the model's
//! name and the key; so is the answer. Any other is read, written again in the other dialect, and
//! its answer likewise, piece by piece. An answer that ends without the terminal event of its
//! dialect is passed on as an error, and never kept.

mod body;
mod calls;
mod chat;
mod completions;
mod dialect;
mod exchange;
mod flow;
mod gemini;
mod messages;
mod prepare;
mod refusal;
mod report;
mod responses;
mod source;
mod tally;
mod transit;
mod upstream;
mod upstreams;
mod vectors;

#[cfg(test)]
mod tests;

use std::{
    collections::BTreeMap,
    sync::{Arc, PoisonError, RwLock},
};

use atelier_guard::Policy;
use atelier_keys::Client;
use atelier_model::{
    AskSource, AuditFact, AuditNote, Clock, Digest, IdSource, Limits, MicroUsd, Timestamp,
};
use atelier_seal::SealKey;
use atelier_store::Ledger;
use bytes::Bytes;
use futures_util::stream::BoxStream;

pub use self::dialect::Dialect;
use self::{flow::Flow, prepare::Prepared};
pub(crate) use self::{
    refusal::Refusal,
    transit::{Answered, Ending, Filter, Hands, How, Kept, Opened, PAYMENT_REQUIRED, Transit},
    upstreams::Group,
};
use crate::{
    GatewayConfig, GatewayError, Price, PriceTable, RateTable, SemanticConfig, Transport,
    gateway::BYTES_PER_TOKEN,
    layers::{Layers, guard},
    meter::{self, Counts, Series},
    providers::relayed::Relayed,
};

/// What a request is about.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Demand {
    /// An answer of a model.
    Answer,
    /// The tokens that a request would have.
    Count,
    /// Vectors of texts.
    Embeddings,
}

/// A request of another program.
#[derive(Debug, Clone)]
pub struct Incoming {
    /// The dialect it is in.
    pub dialect: Dialect,
    /// What it is about.
    pub demand: Demand,
    /// The model, where the address names it.
    pub model: Option<String>,
    /// Whether an answer is wanted piece by piece, where the address says so.
    pub stream: Option<bool>,
    /// Its headers, in lower case; keys of clients are taken out before.
    pub headers: Vec<(String, String)>,
    /// Its body.
    pub body: Bytes,
    /// Whether an answer that was given before is as good.
    pub cache: bool,
    /// Whose key was shown, and its terms.
    pub client: Option<Arc<Client>>,
}

/// What the client is answered.
pub struct Passed {
    /// HTTP status.
    pub status: u16,
    /// Headers, in lower case.
    pub headers: Vec<(String, String)>,
    /// The body.
    pub body: PassedBody,
}

/// The body of an answer.
pub enum PassedBody {
    /// All of it.
    Whole(Bytes),
    /// Pieces as they come; it ends when the stream does.
    Stream(BoxStream<'static, Bytes>),
}

/// A model that can be asked for.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct Listed {
    /// Its name in requests.
    pub name: String,
    /// Who answers.
    pub provider: String,
}

/// Passes requests on. Cheap to clone.
#[derive(Clone)]
pub struct Relay {
    inner: Arc<Inner>,
}

struct Inner {
    routes: RwLock<Arc<Routes>>,
    layers: Arc<Layers>,
    hands: Arc<Hands>,
}

/// Who can answer: what a configuration says, prepared once.
pub(crate) struct Routes {
    /// Who answers, by every name under which a model can be asked for.
    pub(crate) models: BTreeMap<String, Arc<Relayed>>,
    /// Who else may answer, by the same names.
    pub(crate) groups: BTreeMap<String, Arc<Group>>,
    /// Who makes vectors of texts.
    pub(crate) embedder: Option<Arc<Relayed>>,
    /// What tokens cost.
    pub(crate) prices: PriceTable,
    /// From which placeholders follow.
    pub(crate) guard_key: Option<SealKey>,
    /// Where an answer may be one to the same question in other words.
    pub(crate) semantic: SemanticConfig,
    /// How often and how much may be asked.
    pub(crate) rates: RateTable,
    /// How far anything may go.
    pub(crate) limits: Limits,
}

impl Routes {
    /// Each model can be asked for by its own name, as `provider/model`, and by the name of a stage
    /// that it answers.
    fn new(config: &GatewayConfig) -> Result<Self, GatewayError> {
        guard::prepare(config.guard()?);
        let transport = Transport::new(config.limits.clone());
        let upstreams::Upstreams { models, groups } =
            upstreams::Upstreams::new(config, &transport)?;
        let embedder = match &config.embeddings {
            Some(route) => Relayed::new(route, &transport)?.map(Arc::new),
            None => None,
        };
        Ok(Self {
            models,
            groups,
            embedder,
            prices: config.prices.clone(),
            guard_key: config.guard_key.clone(),
            semantic: config.semantic.clone(),
            rates: config.rates.clone(),
            limits: config.limits.clone(),
        })
    }

    /// What the model of a request costs, where that is known.
    pub(crate) fn price(&self, prepared: &Prepared, at: Timestamp) -> Option<Price> {
        self.prices
            .of_route(&prepared.relayed.route, &prepared.model, at)
    }

    /// What is hidden from everyone who may answer a request: as much as from the strictest.
    pub(crate) fn guard(&self, prepared: &Prepared) -> Policy {
        let asked = prepared.about.model.trim_start_matches("models/");
        let group = self.groups.get(asked);
        let others = group.into_iter().flat_map(|group| &group.members);
        let own = prepared.relayed.route.guard;
        others.fold(own, |strictest, relayed| strictest.max(relayed.route.guard))
    }

    /// The dialect that a provider speaks.
    pub(crate) fn dialect_of(&self, provider: &str) -> Option<Dialect> {
        let mut all = self.models.values().chain(&self.embedder);
        let relayed = all.find(|relayed| relayed.route.name() == provider)?;
        Some(relayed.dialect)
    }
}

impl Relay {
    /// A relay to the models of a configuration, with layers of its own.
    pub fn new(
        config: &GatewayConfig,
        ledger: Ledger,
        clock: Arc<dyn Clock>,
        ids: Arc<dyn IdSource>,
    ) -> Result<Self, GatewayError> {
        let layers = Arc::new(Layers::new());
        Self::with_layers(layers, config, Hands { ledger, clock, ids })
    }

    /// A relay whose requests pass these layers.
    pub(crate) fn with_layers(
        layers: Arc<Layers>,
        config: &GatewayConfig,
        hands: Hands,
    ) -> Result<Self, GatewayError> {
        Ok(Self {
            inner: Arc::new(Inner {
                routes: RwLock::new(Arc::new(Routes::new(config)?)),
                layers,
                hands: Arc::new(hands),
            }),
        })
    }

    /// Goes by another configuration from the next request on. What is under way ends as it began,
    /// and what the layers have learnt stays. A configuration that cannot be used changes nothing.
    pub fn reload(&self, config: &GatewayConfig) -> Result<(), GatewayError> {
        let fresh = Arc::new(Routes::new(config)?);
        let names: Vec<&String> = fresh.models.keys().collect();
        let models = Digest::of_json(&names);
        self.note(None, AuditFact::ConfigurationReloaded { models });
        // What is locked is one pointer, which no panic leaves half written.
        let routes = self.inner.routes.write();
        *routes.unwrap_or_else(PoisonError::into_inner) = fresh;
        Ok(())
    }

    /// Puts a fact on record that concerns no single request, and the client that it is about.
    pub fn note(&self, client: Option<String>, fact: AuditFact) {
        let hands = &self.inner.hands;
        hands.ledger.store().audit_note(AuditNote {
            client,
            ..AuditNote::new(fact, hands.clock.now())
        });
    }

    /// Every name under which a model can be asked for.
    pub fn models(&self) -> Vec<Listed> {
        let routes = self.inner.routes();
        let listed = routes.models.iter().map(|(name, relayed)| Listed {
            name: name.clone(),
            provider: relayed.route.name().to_owned(),
        });
        listed.collect()
    }

    /// What is known of the limits of providers.
    pub fn limits(&self) -> Vec<crate::LimitState> {
        self.inner.layers.limits(self.inner.hands.clock.now())
    }

    /// Everything that was counted since the start, by asker, provider and model.
    pub fn counts(&self) -> Vec<(Series, Counts)> {
        self.inner.layers.counts()
    }

    /// The same with the state of limits, in the text format of Prometheus.
    pub fn metrics(&self) -> String {
        meter::text(&self.counts(), &self.limits())
    }

    /// What was spent, with what is reserved for requests under way.
    pub fn spent(&self) -> MicroUsd {
        self.inner.hands.ledger.taken()
    }

    /// Passes a request on and the answer back. Failures are answers too, in the client's dialect.
    pub async fn pass(&self, incoming: Incoming) -> Passed {
        let dialect = incoming.dialect;
        match self.inner.passed(incoming).await {
            Ok(passed) => passed,
            Err(refusal) => refusal.passed(dialect),
        }
    }
}

impl Inner {
    fn routes(&self) -> Arc<Routes> {
        let routes = self.routes.read().unwrap_or_else(PoisonError::into_inner);
        Arc::clone(&routes)
    }

    async fn passed(&self, incoming: Incoming) -> Result<Passed, Refusal> {
        let mut transit = Transit::new(incoming, self.routes(), Arc::clone(&self.hands))?;
        if transit.prepared.is_estimated {
            return Ok(estimated(&transit));
        }
        let opened = match self.layers.open(&mut transit).await {
            Ok(opened) => opened,
            Err(refusal) => {
                transit.end(How::Refused(refusal.clone()), Answered::default());
                if transit.prepared.demand == Demand::Count && counts_nothing(refusal.status) {
                    return Ok(estimated(&transit));
                }
                return Err(report::reported(refusal, &transit));
            }
        };
        let mut headers = opened.headers.clone();
        headers.extend(told(&transit));
        let is_streamed = transit.prepared.stream;
        let flow = Flow::new(transit, opened);
        let body = if is_streamed {
            headers.push(("content-type".to_owned(), "text/event-stream".to_owned()));
            headers.push(("cache-control".to_owned(), "no-cache".to_owned()));
            PassedBody::Stream(flow.stream())
        } else {
            headers.push(("content-type".to_owned(), "application/json".to_owned()));
            PassedBody::Whole(flow.whole()?)
        };
        Ok(Passed {
            status: 200,
            headers,
            body,
        })
    }
}

/// The tokens of a request that nobody counts: about as many as its bytes allow.
fn estimated(transit: &Transit) -> Passed {
    let bytes = u64::try_from(transit.incoming.body.len()).unwrap_or(u64::MAX);
    let count = tally::document(transit.incoming.dialect, bytes.div_ceil(BYTES_PER_TOKEN));
    let estimate = ("x-atelier-estimate".to_owned(), "true".to_owned());
    Passed::json(&count, vec![estimate])
}

/// Whether a status means that the provider has no such address: imitators of a dialect leave the
/// counting out.
fn counts_nothing(status: u16) -> bool {
    matches!(status, 404 | 405 | 501)
}

/// What the relay says of its own.
fn told(transit: &Transit) -> Vec<(String, String)> {
    let cache = match transit.record.source {
        Some(AskSource::Cache) => "hit",
        Some(AskSource::Semantic) => "semantic",
        Some(AskSource::Provider) | None => "miss",
    };
    let provider = transit.record.provider.clone();
    let prepared = &transit.prepared;
    let mut headers = vec![
        ("x-atelier-cache".to_owned(), cache.to_owned()),
        ("x-atelier-provider".to_owned(), provider),
    ];
    if !prepared.dropped.is_empty() {
        let dropped = prepared.dropped.join(", ");
        headers.push(("x-atelier-dropped".to_owned(), dropped));
    }
    headers
}

impl Passed {
    /// A whole answer of the relay's own.
    pub fn json(value: &serde_json::Value, mut headers: Vec<(String, String)>) -> Self {
        headers.push(("content-type".to_owned(), "application/json".to_owned()));
        Self {
            status: 200,
            headers,
            body: PassedBody::Whole(Bytes::from(value.to_string())),
        }
    }

    /// A refusal in a dialect.
    pub fn refusal(dialect: Dialect, status: u16, said: &str) -> Self {
        Refusal::new(status, said.to_owned()).passed(dialect)
    }
}
