//! Batches: questions that a provider answers together, within a day and for less.

mod anthropic;
mod error;
mod exchange;
mod hidden;
mod openai;
mod outcome;
mod questions;

#[cfg(test)]
mod tests;

use std::{collections::BTreeMap, sync::Arc};

use atelier_keys::{KeyRing, PickedKey};
use atelier_model::{Limits, MicroUsd, Timestamp, Usage};
use atelier_seal::SealKey;

pub use self::{
    error::BatchError,
    hidden::BatchHidden,
    outcome::{BatchFound, BatchOutcome, BatchProgress, BatchStage, BatchTrace},
    questions::BatchQuestions,
};
use crate::{
    CallError, Price, PriceTable, Route, Secret, Transport,
    batch::hidden::Restoring,
    providers::{anthropic as messages, openai as chat, relayed::Relayed},
};

/// Questions of one batch.
pub const BATCH_QUESTIONS_MAX: usize = 50_000;

/// Bytes of the questions of one batch.
pub const BATCH_BYTES_MAX: usize = 100 << 20;

/// Stored keys of one provider that are looked through.
const KEYS_MAX: usize = 64;

/// What the batches of a provider are made with.
#[derive(Debug, Clone, Copy)]
pub struct BatchTerms<'a> {
    /// What tokens cost.
    pub prices: &'a PriceTable,
    /// How far anything may go.
    pub limits: &'a Limits,
    /// From which placeholders follow.
    pub guard_key: &'a SealKey,
    /// The stored key that is to be used, where it matters: batches belong to one account.
    pub key_name: Option<&'a str>,
    /// Now.
    pub now: Timestamp,
}

/// How a provider takes batches.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Form {
    OpenAi,
    Anthropic,
}

/// What is ready to be ordered, and has cost nothing so far.
#[derive(Debug)]
pub struct PreparedBatch<'a> {
    questions: &'a BatchQuestions,
    token: &'a str,
    /// The file of its questions, where the provider wants one.
    file: Option<String>,
}

/// The door to the batches of one provider.
#[derive(Debug)]
pub struct Batches {
    form: Form,
    relayed: Relayed,
    key: Option<Arc<Secret>>,
    key_name: Option<Arc<str>>,
    guard_key: SealKey,
    prices: PriceTable,
    limits: Limits,
    now: Timestamp,
}

impl Batches {
    /// The batches of a route's provider.
    pub fn new(route: &Route, terms: BatchTerms<'_>) -> Result<Self, BatchError> {
        let none = || BatchError::NoBatches {
            provider: route.name().to_owned(),
        };
        let forms = [
            (chat::ENTRY.name, Form::OpenAi),
            (messages::ENTRY.name, Form::Anthropic),
        ];
        let form = forms.into_iter().find(|(name, _)| route.provider == *name);
        let (_, form) = form.ok_or_else(none)?;
        let transport = Transport::new(terms.limits.clone());
        let relayed = Relayed::new(route, &transport)?.ok_or_else(none)?;
        let configured = route.usable_key().cloned().map(Arc::new);
        let ring = route.ring.as_ref().filter(|_| configured.is_none());
        let picked = ring.and_then(|ring| picked(ring, terms.now, terms.key_name));
        let key_name = picked.as_ref().map(|key| Arc::clone(&key.id));
        let key = configured.or_else(|| picked.map(|key| key.secret));
        if key.is_none() && relayed.needs_key {
            return Err(CallError::KeyMissing.into());
        }
        Ok(Self {
            form,
            relayed,
            key,
            key_name,
            guard_key: terms.guard_key.clone(),
            prices: terms.prices.clone(),
            limits: terms.limits.clone(),
            now: terms.now,
        })
    }

    /// What the provider is called.
    pub fn provider(&self) -> &str {
        self.relayed.route.name()
    }

    /// Name of the stored key that is used.
    pub fn key_name(&self) -> Option<&str> {
        self.key_name.as_deref()
    }

    /// Reads the questions of a file, and hides in them what the provider must not see.
    pub fn read(&self, text: &str) -> Result<BatchQuestions, BatchError> {
        questions::read(text, self)
    }

    /// The most that a batch can cost; `None` where nobody knows its price.
    pub fn worst_case(&self, questions: &BatchQuestions) -> Option<MicroUsd> {
        Some(questions.worst_case(&self.price(&questions.model)?))
    }

    /// What the tokens of an answer cost.
    pub fn cost(&self, model: &str, usage: &Usage) -> MicroUsd {
        let price = self.price(model);
        price.map_or(MicroUsd::ZERO, |price| price.cost(usage))
    }

    /// What tokens cost in a batch of this provider.
    fn price(&self, model: &str) -> Option<Price> {
        let route = &self.relayed.route;
        let price = self.prices.of_route(route, model, self.now)?;
        Some(match self.form {
            Form::OpenAi => price.in_batch(),
            Form::Anthropic => stacked(&price),
        })
    }

    /// Does all that costs nothing. By its token the batch is found again.
    pub async fn prepare<'a>(
        &self,
        questions: &'a BatchQuestions,
        token: &'a str,
    ) -> Result<PreparedBatch<'a>, BatchError> {
        let file = match self.form {
            Form::OpenAi => Some(openai::upload(self, questions, token).await?),
            Form::Anthropic => None,
        };
        Ok(PreparedBatch {
            questions,
            token,
            file,
        })
    }

    /// Orders a batch, once, and returns its name there. This costs money.
    pub async fn order(&self, prepared: PreparedBatch<'_>) -> Result<String, BatchError> {
        let PreparedBatch {
            questions,
            token,
            file,
        } = prepared;
        let made = match file {
            Some(file) => openai::order(self, &file, token).await,
            None => anthropic::order(self, questions, token).await,
        };
        made.map_err(BatchError::of_order)
    }

    /// Looks for a batch whose order went out without an answer.
    pub async fn find(&self, trace: BatchTrace<'_>) -> Result<BatchFound, BatchError> {
        match self.form {
            Form::OpenAi => {
                let found = openai::find(self, trace.token).await?;
                Ok(found.map_or(BatchFound::Nowhere, BatchFound::Here))
            }
            Form::Anthropic => anthropic::find(self, trace).await,
        }
    }

    /// How far the provider is.
    pub async fn look(&self, vendor_id: &str) -> Result<BatchProgress, BatchError> {
        match self.form {
            Form::OpenAi => openai::look(self, vendor_id).await,
            Form::Anthropic => anthropic::look(self, vendor_id).await,
        }
    }

    /// Asks the provider to answer no more of the questions. What it answered is paid for.
    pub async fn cancel(&self, vendor_id: &str) -> Result<(), BatchError> {
        match self.form {
            Form::OpenAi => openai::cancel(self, vendor_id).await,
            Form::Anthropic => anthropic::cancel(self, vendor_id).await,
        }
    }

    /// Fetches what came of every question, by its place, with what was hidden put back.
    pub async fn collect(
        &self,
        progress: &BatchProgress,
        (token, custom_ids): (&str, &[String]),
        hidden: Option<&[u8]>,
    ) -> Result<BTreeMap<usize, BatchOutcome>, BatchError> {
        let dialect = self.relayed.dialect;
        let read = |kept| Restoring::read(kept, &self.guard_key, dialect);
        let restoring = hidden.map(read).transpose()?;
        let mut outcomes = BTreeMap::new();
        for place in &progress.places {
            let answers = match self.form {
                Form::OpenAi => openai::answers(self, place).await?,
                Form::Anthropic => anthropic::answers(self, place).await?,
            };
            for (name, outcome) in answers {
                let Some(at) = questions::place(&name, token, custom_ids) else {
                    continue;
                };
                let outcome = match &restoring {
                    Some(restoring) => self.restored(at, outcome, restoring),
                    None => outcome,
                };
                outcomes.entry(at).or_insert(outcome);
            }
        }
        Ok(outcomes)
    }

    fn restored(&self, at: usize, outcome: BatchOutcome, restoring: &Restoring) -> BatchOutcome {
        match outcome {
            BatchOutcome::Answered {
                response, usage, ..
            } => {
                let response = restoring.response(at, response);
                let text = match self.form {
                    Form::OpenAi => openai::text(&response),
                    Form::Anthropic => anthropic::text(&response),
                };
                BatchOutcome::Answered {
                    text,
                    response,
                    usage,
                }
            }
            BatchOutcome::Failed { status, said } => BatchOutcome::Failed {
                status,
                said: restoring.words(&said),
            },
            BatchOutcome::Missing => BatchOutcome::Missing,
        }
    }
}

/// The key of a name, else the best there is.
fn picked(ring: &KeyRing, now: Timestamp, name: Option<&str>) -> Option<PickedKey> {
    let mut tried = Vec::new();
    while let Some(name) = name
        && tried.len() < KEYS_MAX
    {
        let Some(pick) = ring.pick(now, &tried) else {
            break;
        };
        if *pick.key.id == *name {
            return Some(pick.key);
        }
        tried.push(pick.key.id);
    }
    ring.pick(now, &[]).map(|pick| pick.key)
}

/// The price in a batch where what the cache does is as much cheaper as the rest.
fn stacked(price: &Price) -> Price {
    let batch = price.in_batch();
    let share = |full: Option<u64>| {
        let scaled = |full: u64| match price.input {
            0 => full,
            input => full.saturating_mul(batch.input).div_ceil(input),
        };
        full.map(scaled)
    };
    Price {
        cached_input: share(price.cached_input),
        cache_write: share(price.cache_write),
        cache_write_hour: share(batch.cache_write_hour),
        ..batch
    }
}
