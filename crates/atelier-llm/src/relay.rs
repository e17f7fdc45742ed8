//! Requests of other programs: passed on to the model that they name, whatever dialect either
//! speaks.
//!
//! A request in the dialect of its model's provider is forwarded byte for byte, but for the model's
//! name and the key; so is the answer. Any other is read, written again in the other dialect, and
//! its answer likewise, piece by piece. An answer that ends without the terminal event of its
//! dialect is passed on as an error, and never kept.

mod body;
mod chat;
mod completions;
mod dialect;
mod exchange;
mod flow;
mod gemini;
mod kept;
mod messages;
mod prepare;
mod purse;
mod refusal;
mod responses;
mod tally;
mod upstream;
mod vectors;

#[cfg(test)]
mod tests;

use std::{collections::BTreeMap, sync::Arc};

use atelier_model::{Clock, Limits, MicroUsd};
use bytes::Bytes;
use futures_util::stream::BoxStream;

pub use self::dialect::Dialect;
use self::{
    flow::{Flow, Source},
    kept::Kept,
    prepare::Prepared,
    purse::{Purse, Reservation},
    refusal::Refusal,
    upstream::Opened,
};
use crate::{
    GatewayConfig, GatewayError, Price, PriceTable, Transport, providers::relayed::Relayed,
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
    /// Who answers, by every name under which a model can be asked for.
    models: BTreeMap<String, Arc<Relayed>>,
    embedder: Option<Arc<Relayed>>,
    prices: PriceTable,
    limits: Limits,
    purse: Arc<Purse>,
    kept: Arc<Kept>,
    clock: Arc<dyn Clock>,
}

impl Relay {
    /// A relay to the models of a configuration: each can be asked for by its own name, as
    /// `provider/model`, and by the name of a stage that it answers.
    pub fn new(
        config: &GatewayConfig,
        budget: Option<MicroUsd>,
        clock: Arc<dyn Clock>,
    ) -> Result<Self, GatewayError> {
        let transport = Transport::new(config.limits.clone());
        let mut models = BTreeMap::new();
        for (stage, route) in &config.routes {
            let Some(relayed) = Relayed::new(route, &transport)? else {
                continue;
            };
            let relayed = Arc::new(relayed);
            let precise = format!("{}/{}", route.provider, route.model);
            models.insert(precise, Arc::clone(&relayed));
            models
                .entry(route.model.clone())
                .or_insert_with(|| Arc::clone(&relayed));
            models.insert(stage.name().to_owned(), relayed);
        }
        if models.is_empty() {
            return Err(GatewayError::NothingToRelay);
        }
        let embedder = match &config.embeddings {
            Some(route) => Relayed::new(route, &transport)?.map(Arc::new),
            None => None,
        };
        Ok(Self {
            inner: Arc::new(Inner {
                models,
                embedder,
                prices: config.prices.clone(),
                limits: config.limits.clone(),
                purse: Arc::new(Purse::new(budget)),
                kept: Arc::default(),
                clock,
            }),
        })
    }

    /// Every name under which a model can be asked for.
    pub fn models(&self) -> Vec<Listed> {
        let listed = self.inner.models.iter().map(|(name, relayed)| Listed {
            name: name.clone(),
            provider: relayed.route.provider.clone(),
        });
        listed.collect()
    }

    /// What was spent, with what is reserved for requests under way.
    pub fn spent(&self) -> MicroUsd {
        self.inner.purse.taken()
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
    async fn passed(&self, incoming: Incoming) -> Result<Passed, Refusal> {
        let prepared = match incoming.demand {
            Demand::Answer => self.prepared(&incoming)?,
            Demand::Count => return self.counted(&incoming).await,
            Demand::Embeddings => return self.embedded(&incoming).await,
        };
        let price = self.price(&prepared);
        let reservation = self.reserved(&prepared, price)?;
        let found = incoming
            .cache
            .then(|| self.kept.find(&prepared.key))
            .flatten();
        let is_hit = found.is_some();
        let opened = match found {
            Some(bytes) => Opened {
                headers: Vec::new(),
                source: Source::kept(bytes),
            },
            None => match upstream::open(&prepared, &self.limits).await {
                Ok(opened) => opened,
                Err(refusal) => {
                    if !refusal.may_be_billed {
                        reservation.settle(MicroUsd::ZERO);
                    }
                    return Err(refusal);
                }
            },
        };
        let mut headers = opened.headers;
        headers.extend(told(&prepared, is_hit));
        let bill = Bill {
            reservation,
            price: if is_hit { Some(Price::FREE) } else { price },
        };
        let keeps = incoming.cache && !is_hit;
        let kept = keeps.then(|| (Arc::clone(&self.kept), prepared.key));
        let is_streamed = prepared.stream;
        let flow = Flow::new(prepared, opened.source, (bill, kept), self.limits.clone());
        let body = if is_streamed {
            headers.push(("content-type".to_owned(), "text/event-stream".to_owned()));
            headers.push(("cache-control".to_owned(), "no-cache".to_owned()));
            PassedBody::Stream(flow.stream())
        } else {
            headers.push(("content-type".to_owned(), "application/json".to_owned()));
            PassedBody::Whole(flow.whole().await?)
        };
        Ok(Passed {
            status: 200,
            headers,
            body,
        })
    }

    /// The tokens of a request: by the provider where it counts in this dialect, else at most
    /// about as many as its bytes allow.
    async fn counted(&self, incoming: &Incoming) -> Result<Passed, Refusal> {
        let counted = self.counting(incoming)?;
        let Some(beside) = counted else {
            let tokens = incoming.body.len().div_ceil(prepare::BYTES_PER_TOKEN);
            let count = serde_json::json!({"input_tokens": tokens});
            let estimate = ("x-atelier-estimate".to_owned(), "true".to_owned());
            return Ok(Passed::json(&count, vec![estimate]));
        };
        self.beside(beside).await
    }

    async fn embedded(&self, incoming: &Incoming) -> Result<Passed, Refusal> {
        let prepared = self.embedding(incoming)?;
        let price = self.price(&prepared);
        let reservation = self.reserved(&prepared, price)?;
        let passed = self.beside(prepared).await;
        // Texts that become vectors cost what they cost before: there is no answer to pay for.
        if passed.as_ref().is_err_and(|refusal| !refusal.may_be_billed) {
            reservation.settle(MicroUsd::ZERO);
        }
        passed
    }

    /// Passes a request on whose answer nobody needs to understand.
    async fn beside(&self, prepared: Prepared) -> Result<Passed, Refusal> {
        let opened = upstream::open(&prepared, &self.limits).await?;
        let bytes = opened.source.whole(&self.limits).await?;
        let mut headers = opened.headers;
        headers.push(("content-type".to_owned(), "application/json".to_owned()));
        Ok(Passed {
            status: 200,
            headers,
            body: PassedBody::Whole(bytes),
        })
    }

    fn price(&self, prepared: &Prepared) -> Option<Price> {
        let free = prepared.relayed.route.is_local().then_some(Price::FREE);
        self.prices.price(&prepared.model).or(free)
    }

    fn reserved(&self, prepared: &Prepared, price: Option<Price>) -> Result<Reservation, Refusal> {
        let needed = match price {
            Some(price) => prepared.worst_case(&price),
            None if self.purse.is_bounded() => {
                let said = format!(
                    "the price of {} is not known, so no budget can be kept",
                    prepared.model
                );
                return Err(Refusal::new(402, said));
            }
            None => MicroUsd::ZERO,
        };
        let reserved = self.purse.reserve(needed);
        reserved.map_err(|error| Refusal::new(402, format!("failed to {error}")))
    }
}

/// What a request may cost, and what its tokens cost.
struct Bill {
    reservation: Reservation,
    price: Option<Price>,
}

/// What the relay says of its own.
fn told(prepared: &Prepared, is_hit: bool) -> Vec<(String, String)> {
    let cache = if is_hit { "hit" } else { "miss" };
    let provider = prepared.relayed.route.provider.clone();
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
