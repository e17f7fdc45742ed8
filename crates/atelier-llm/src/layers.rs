//! The policies every ask passes on its way to a provider, outermost first.

mod breaker;
mod budget;
mod cache;
mod flight;
pub(crate) mod guard;
mod hedge;
mod keys;
mod limit;
mod memory;
mod observe;
mod recorded;
pub(crate) mod retry;
mod route;
mod semantic;

use std::{borrow::Cow, sync::Arc};

use atelier_keys::PickedKey;
use atelier_model::{
    Ask, AskDescriptor, AskRecord, AskSource, BoxFuture, Clock, Digest, IdSource, Limits, MicroUsd,
    Reply, StopReason, Timestamp,
};
use atelier_seal::SealKey;
use atelier_store::{RunBudgets, Store, StoreError};
use tokio_util::sync::CancellationToken;

use crate::{
    AskError, AskErrorKind, Call, CallError, Completion, PartialAnswer, PartialPart, Price,
    Provider, RateTable, RecordedAsk, Retry, Route, SemanticConfig,
    call::Heard,
    gateway::{Channels, key_of_channels},
    limit::gate::LimitState,
    meter::{Counts, Series},
    relay::{Opened, Refusal, Transit},
    semantic::Embedder,
};

pub(crate) use limit::Permit;

/// Makes a layer that remembers nothing yet.
type Make = fn() -> Box<dyn Layer>;

/// Every layer, outermost first.
const LAYERS: &[Make] = &[
    || Box::new(observe::Observer::default()),
    || Box::new(guard::Hiding),
    || Box::new(budget::Admission),
    || Box::new(memory::Memory::default()),
    || Box::new(flight::SingleFlight::default()),
    || Box::new(cache::Cache),
    || Box::new(semantic::Semantic::default()),
    || Box::new(route::Routes::default()),
    || Box::new(hedge::Hedges),
    || Box::new(budget::Budget),
    || Box::new(keys::Keys),
    || Box::new(retry::Retries),
    || Box::new(limit::Limiter::default()),
    || Box::new(breaker::Breaker::default()),
];

/// The layers of one gateway, with what they remember from ask to ask.
pub(crate) struct Layers(Vec<Box<dyn Layer>>);

impl Layers {
    /// Every layer.
    pub(crate) fn new() -> Self {
        Self(LAYERS.iter().map(|make| make()).collect())
    }

    /// Answers from a recording, and nobody else.
    pub(crate) fn recorded(asks: Vec<RecordedAsk>, guard_key: Option<SealKey>) -> Self {
        Self(vec![Box::new(recorded::Recorded::new(asks, guard_key))])
    }

    /// These and no others.
    #[cfg(test)]
    pub(crate) fn only(layers: Vec<Box<dyn Layer>>) -> Self {
        Self(layers)
    }

    /// Opens the answer to a relayed request through all of them.
    pub(crate) async fn open(&self, transit: &mut Transit) -> Result<Opened, Refusal> {
        let next = Next { layers: &self.0 };
        next.open(transit).await
    }

    /// What is known of the limits of providers.
    pub(crate) fn limits(&self, now: Timestamp) -> Vec<LimitState> {
        let layers = self.0.iter();
        layers.flat_map(|layer| layer.limits(now)).collect()
    }

    /// Everything that was counted so far.
    pub(crate) fn counts(&self) -> Vec<(Series, Counts)> {
        self.0.iter().flat_map(|layer| layer.counts()).collect()
    }

    /// Sends an ask through all of them to its provider.
    pub(crate) async fn run(&self, passage: &mut Passage<'_>) -> Result<Reply, Failure> {
        let next = Next { layers: &self.0 };
        next.run(passage).await
    }
}

/// One policy between the gateway's door and a provider.
pub(crate) trait Layer: Send + Sync {
    /// Answers an ask itself, or lets the next layer answer it, as often as it sees fit.
    fn ask<'a>(
        &'a self,
        passage: &'a mut Passage<'_>,
        next: Next<'a>,
    ) -> BoxFuture<'a, Result<Reply, Failure>>;

    /// Opens the answer to a relayed request itself, or lets the next layer open it, as often as it
    /// sees fit. What is to be done at the end of the answer is left in the transit.
    fn open<'a>(
        &'a self,
        transit: &'a mut Transit,
        next: Next<'a>,
    ) -> BoxFuture<'a, Result<Opened, Refusal>> {
        next.open(transit)
    }

    /// What it has counted.
    fn counts(&self) -> Vec<(Series, Counts)> {
        Vec::new()
    }

    /// What it knows of the limits of providers.
    fn limits(&self, _: Timestamp) -> Vec<LimitState> {
        Vec::new()
    }
}

/// One ask on its way through the layers.
pub(crate) struct Passage<'a> {
    /// The question, without what was hidden.
    pub(crate) ask: Cow<'a, Ask>,
    /// The key under which the reply to a question is kept.
    pub(crate) key_of: &'a (dyn Fn(&Ask) -> Digest + Send + Sync),
    /// From which placeholders follow.
    pub(crate) guard_key: Option<&'a SealKey>,
    /// What will be kept of it.
    pub(crate) record: AskRecord,
    /// What the run, the stage and the task may spend.
    pub(crate) budgets: RunBudgets,
    /// Whether the caller has lost interest.
    pub(crate) cancel: &'a CancellationToken,
    /// Who is asked.
    pub(crate) route: &'a Route,
    /// The provider of the route.
    pub(crate) provider: &'a dyn Provider,
    /// The key that is sent, where it is a stored one.
    pub(crate) key: Option<PickedKey>,
    /// Whether another key may serve where this one does not.
    pub(crate) has_spare_key: bool,
    /// What the route's model costs, where that is known.
    pub(crate) price: Option<Price>,
    /// Who else may be asked.
    pub(crate) channels: &'a Channels,
    /// Whether somebody else is asked where this route does not answer.
    pub(crate) has_standby: bool,
    /// The place of whoever that is.
    pub(crate) standby: Option<usize>,
    /// Where an answer may be one to the same question in other words.
    pub(crate) semantic: &'a SemanticConfig,
    /// Who makes the vectors by which such questions are found, where not their words do.
    pub(crate) embedder: Option<&'a dyn Embedder>,
    /// How often and how much may be asked.
    pub(crate) rates: &'a RateTable,
    /// The right to send, while there is one.
    pub(crate) permit: Option<Arc<Permit>>,
    /// Its place among all that wanted to send.
    pub(crate) number: Option<u64>,
    /// The state.
    pub(crate) store: &'a Store,
    /// Now.
    pub(crate) clock: &'a dyn Clock,
    /// The same, for what outlives the ask.
    pub(crate) clock_shared: &'a Arc<dyn Clock>,
    /// Chance.
    pub(crate) ids: &'a dyn IdSource,
    /// How far anything may go.
    pub(crate) limits: &'a Limits,
    /// How often it was sent.
    pub(crate) sendings: u32,
    /// How often it came when its model was to be left alone.
    pub(crate) turned_away: u32,
    /// What had come of the answer to its last sending, which broke off.
    pub(crate) partial: Option<Vec<u8>>,
    /// Who was asked before, and given up.
    pub(crate) given_up: Vec<GivenUp>,
}

/// A route that was asked and did not answer.
pub(crate) struct GivenUp {
    /// What was kept of it.
    pub(crate) record: AskRecord,
    /// What kind of trouble it was.
    pub(crate) kind: AskErrorKind,
    /// How often it was sent there.
    pub(crate) sendings: u32,
}

/// A failed ask, with what the outer layers need to know of its last sending.
pub(crate) struct Failure {
    /// Why.
    pub(crate) error: AskError,
    /// When it may be sent again.
    pub(crate) retry: Retry,
    /// Whether the last sending may be charged for.
    pub(crate) may_be_billed: bool,
    /// Whether the store holds its end already.
    pub(crate) is_closed: bool,
}

impl Failure {
    /// A failure that nothing was spent on and that would happen again.
    pub(crate) fn free(error: AskError) -> Self {
        Self {
            error,
            retry: Retry::Never,
            may_be_billed: false,
            is_closed: false,
        }
    }

    /// A cancelled ask.
    fn cancelled(may_be_billed: bool) -> Self {
        Self {
            may_be_billed,
            ..Self::free(AskError::Cancelled)
        }
    }
}

impl From<StoreError> for Failure {
    fn from(error: StoreError) -> Self {
        Self::free(error.into())
    }
}

/// The layers that are still ahead, and the provider behind them.
#[derive(Clone, Copy)]
pub(crate) struct Next<'l> {
    layers: &'l [Box<dyn Layer>],
}

impl<'l> Next<'l> {
    /// Passes the ask on.
    pub(crate) fn run<'a>(
        self,
        passage: &'a mut Passage<'_>,
    ) -> BoxFuture<'a, Result<Reply, Failure>>
    where
        'l: 'a,
    {
        match self.layers.split_first() {
            Some((layer, layers)) => layer.ask(passage, Next { layers }),
            None => Box::pin(passage.send()),
        }
    }

    /// Passes a relayed request on.
    pub(crate) fn open<'a>(self, transit: &'a mut Transit) -> BoxFuture<'a, Result<Opened, Refusal>>
    where
        'l: 'a,
    {
        match self.layers.split_first() {
            Some((layer, layers)) => layer.open(transit, Next { layers }),
            None => Box::pin(transit.send()),
        }
    }
}

impl Passage<'_> {
    /// Records an ask that was answered with a reply that is paid for already.
    async fn hit(&self, reply: Reply) -> Result<Reply, Failure> {
        let reply = Reply {
            source: AskSource::Cache,
            cost: MicroUsd::ZERO,
            ..reply
        };
        let at = self.clock.now();
        self.store.ask_hit(&self.record, &reply, at).await?;
        Ok(reply)
    }

    /// What its key is made of; `None` for what is no question to a stage's model.
    fn descriptor(&self) -> Option<AskDescriptor> {
        let (key, descriptor) = key_of_channels(&self.ask, self.channels, |key| {
            (key.digest(), key.descriptor())
        });
        (key == self.record.key).then_some(descriptor)
    }

    /// Sends the ask once.
    async fn send(&mut self) -> Result<Reply, Failure> {
        let start = self.clock.now();
        self.sendings += 1;
        let heard = Heard::default();
        let call = Call {
            ask: &self.ask,
            route: self.route,
            key: self.key.as_ref().map(|key| &*key.secret),
            limits: self.limits,
            now: start,
            permit: self.permit.as_deref(),
            heard: &heard,
        };
        let sent = tokio::select! {
            // An answer that is there is paid for, so it is kept.
            biased;
            sent = self.provider.send(&call) => Some(sent),
            () = self.cancel.cancelled() => None,
        };
        self.partial = match sent {
            Some(Ok(_)) => None,
            Some(Err(_)) | None => self.partial(&heard.take()),
        };
        let latency_ms = self.clock.now().millis_since(start);
        match sent {
            Some(Ok(completion)) => Ok(self.reply(completion, latency_ms)),
            Some(Err(error)) => Err(self.failure(error)),
            None => Err(Failure::cancelled(true)),
        }
    }

    /// What is kept of an answer that broke off.
    fn partial(&self, said: &str) -> Option<Vec<u8>> {
        let model = (self.route.name(), self.route.model.as_str());
        let partial =
            PartialAnswer::new(self.record.id.as_str(), model, [PartialPart::text(said)])?;
        Some(partial.to_bytes())
    }

    fn reply(&self, completion: Completion, latency_ms: u64) -> Reply {
        let cost = match (&completion.usage, &self.price) {
            (Some(usage), Some(price)) => price.cost(usage),
            // Nobody knows what was used, so what could have been used counts.
            (None, _) | (Some(_), None) => self.record.reserved,
        };
        Reply {
            key: self.record.key,
            digest: Digest::of(&completion.text),
            stop: self.stop(&completion),
            text: completion.text,
            provider: self.route.name().to_owned(),
            model: self.route.model.clone(),
            usage: completion.usage.unwrap_or_default(),
            cost,
            latency_ms,
            source: AskSource::Provider,
        }
    }

    /// Why an answer ended. One that used all the tokens it might have was cut, also where the
    /// server calls it complete.
    fn stop(&self, completion: &Completion) -> StopReason {
        let used = completion.usage.map_or(0, |usage| usage.output);
        let is_cut = used > 0 && used >= self.route.tokens_max;
        match completion.stop {
            StopReason::End if is_cut => StopReason::Length,
            stop @ (StopReason::End | StopReason::Length | StopReason::Filtered) => stop,
        }
    }

    fn failure(&self, error: CallError) -> Failure {
        Failure {
            retry: error.retry(),
            may_be_billed: error.may_be_billed(),
            is_closed: false,
            error: AskError::from_call(error, self.route, self.sendings),
        }
    }
}
