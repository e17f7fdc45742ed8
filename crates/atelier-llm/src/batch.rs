//! Batches: questions that a provider answers together, within a day and for less.

mod openai;
mod questions;

#[cfg(test)]
mod tests;

use std::{collections::BTreeMap, sync::Arc};

use atelier_guard::Policy;
use atelier_model::{Limits, MicroUsd, Timestamp, Usage};
use reqwest::{Method, header::CONTENT_TYPE};
use serde_json::Value;

pub use self::questions::BatchQuestions;
use crate::{
    CallError, GatewayError, PriceTable, Route, Secret, Transport, Wait,
    http::{accept, next_piece, send, within},
    providers::{openai as provider, relayed::Relayed},
};

/// Questions of one batch.
pub const BATCH_QUESTIONS_MAX: usize = 50_000;

/// Bytes of the questions of one batch.
pub const BATCH_BYTES_MAX: usize = 100 << 20;

/// Bytes of what a provider says of a batch.
const SAID_BYTES_MAX: usize = 16 << 20;

/// Bytes of the answers of one batch.
const ANSWERS_BYTES_MAX: usize = 512 << 20;

/// Why a batch was not sent, looked at or fetched.
#[derive(Debug, thiserror::Error)]
pub enum BatchError {
    /// The provider has none, or none that is known here.
    #[error("give {provider} a batch: only provider `openai` takes them")]
    NoBatches {
        /// The provider.
        provider: String,
    },
    /// Something is to be hidden from the provider, which batches do not do.
    #[error("send a batch to {provider}: what is to be hidden from it would be seen")]
    Guarded {
        /// The provider.
        provider: String,
    },
    /// The route cannot be used.
    #[error(transparent)]
    Route(#[from] GatewayError),
    /// A line of the file is no question.
    #[error("read line {line} of the questions: {why}")]
    Line {
        /// Its number, from 1.
        line: usize,
        /// What is wrong with it.
        why: &'static str,
    },
    /// There is nothing to ask.
    #[error("find a question in the file")]
    NoQuestion,
    /// There is too much to ask.
    #[error("send a batch of more than {BATCH_QUESTIONS_MAX} questions or {BATCH_BYTES_MAX} bytes")]
    TooLarge,
    /// The provider did not answer as it should.
    #[error(transparent)]
    Call(#[from] CallError),
    /// The provider may have the batch: nobody heard its answer.
    #[error("learn whether the provider took the batch")]
    Uncertain(#[source] CallError),
}

/// How far a provider is with a batch.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct BatchProgress {
    /// Whether it is still at it, done, or did not take it.
    pub stage: BatchStage,
    /// Its own word for that.
    pub word: String,
    /// Questions that are answered.
    pub succeeded: u64,
    /// Questions that failed.
    pub failed: u64,
    /// Why it did not take it.
    pub said: Option<String>,
    /// Where the answers are.
    places: Vec<String>,
}

/// What a provider does with a batch.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum BatchStage {
    /// It is at it.
    Going,
    /// It is done; some questions may have no answer.
    Ended,
    /// It did not take it.
    Refused,
}

/// What came of one question.
#[derive(Debug, Clone, PartialEq)]
pub enum BatchOutcome {
    /// An answer.
    Answered {
        /// Its text.
        text: String,
        /// All of it, as the provider wrote it.
        response: Value,
        /// Its tokens.
        usage: Usage,
    },
    /// An error in its place.
    Failed {
        /// HTTP status that means the same, where there is one.
        status: Option<u16>,
        /// The provider's words.
        said: String,
    },
    /// Nothing at all.
    Missing,
}

/// The door to the batches of one provider.
#[derive(Debug)]
pub struct Batches {
    relayed: Relayed,
    key: Option<Arc<Secret>>,
    prices: PriceTable,
    limits: Limits,
    now: Timestamp,
}

impl Batches {
    /// The batches of a route's provider.
    pub fn new(
        route: &Route,
        (prices, limits): (&PriceTable, &Limits),
        now: Timestamp,
    ) -> Result<Self, BatchError> {
        let transport = Transport::new(limits.clone());
        let relayed = Relayed::new(route, &transport)?;
        let relayed = relayed.filter(|_| route.provider == provider::ENTRY.name);
        let relayed = relayed.ok_or_else(|| BatchError::NoBatches {
            provider: route.name().to_owned(),
        })?;
        let picked = route.ring.as_ref().and_then(|ring| ring.pick(now, &[]));
        let configured = route.usable_key().cloned().map(Arc::new);
        let key = configured.or_else(|| picked.map(|pick| pick.key.secret));
        if key.is_none() && relayed.needs_key {
            return Err(CallError::KeyMissing.into());
        }
        Ok(Self {
            relayed,
            key,
            prices: prices.clone(),
            limits: limits.clone(),
            now,
        })
    }

    /// What the provider is called.
    pub fn provider(&self) -> &str {
        self.relayed.route.name()
    }

    /// Reads the questions of a file; refuses them where something in them would have to be hidden.
    pub fn read(&self, text: &str) -> Result<BatchQuestions, BatchError> {
        let route = &self.relayed.route;
        if route.guard != Policy::Off {
            return Err(BatchError::Guarded {
                provider: route.name().to_owned(),
            });
        }
        questions::read(text, &self.relayed)
    }

    /// The most that a batch can cost; `None` where nobody knows its price.
    pub fn worst_case(&self, questions: &BatchQuestions) -> Option<MicroUsd> {
        let route = &self.relayed.route;
        let price = self.prices.of_route(route, &questions.model, self.now)?;
        Some(questions.worst_case(&price.in_batch()))
    }

    /// What the tokens of an answer cost.
    pub fn cost(&self, model: &str, usage: &Usage) -> MicroUsd {
        let price = self.prices.of_route(&self.relayed.route, model, self.now);
        price.map_or(MicroUsd::ZERO, |price| price.in_batch().cost(usage))
    }

    /// Sends a batch, once, and returns its name there. By `token` it can be found again.
    pub async fn submit(
        &self,
        questions: &BatchQuestions,
        token: &str,
    ) -> Result<String, BatchError> {
        openai::submit(self, questions, token).await
    }

    /// The name of the batch that was sent with a token, where the provider has it.
    pub async fn find(&self, token: &str) -> Result<Option<String>, BatchError> {
        openai::find(self, token).await
    }

    /// How far the provider is.
    pub async fn look(&self, vendor_id: &str) -> Result<BatchProgress, BatchError> {
        openai::look(self, vendor_id).await
    }

    /// Fetches what came of every question, by its name.
    pub async fn collect(
        &self,
        progress: &BatchProgress,
    ) -> Result<BTreeMap<String, BatchOutcome>, BatchError> {
        let mut outcomes = BTreeMap::new();
        for place in &progress.places {
            for (name, outcome) in openai::answers(self, place).await? {
                outcomes.entry(name).or_insert(outcome);
            }
        }
        Ok(outcomes)
    }

    /// One exchange; the answer's bytes.
    async fn exchange(
        &self,
        method: Method,
        (segments, query): (&[&str], &[(&str, &str)]),
        body: Option<(&str, Vec<u8>)>,
    ) -> Result<Vec<u8>, BatchError> {
        let segments: Vec<String> = segments.iter().map(|&part| part.to_owned()).collect();
        let most = if segments.last().is_some_and(|last| last == "content") {
            ANSWERS_BYTES_MAX
        } else {
            SAID_BYTES_MAX
        };
        let mut url = self.relayed.beside(&segments)?;
        if !query.is_empty() {
            url.query_pairs_mut().extend_pairs(query);
        }
        let headers = self.relayed.headers.with(self.key.as_deref())?;
        let mut request = self.relayed.client.request(method, url).headers(headers);
        if let Some((kind, body)) = body {
            request = request.header(CONTENT_TYPE, kind).body(body);
        }
        let limits = &self.limits;
        let exchange = async {
            let response = send(request, limits).await?;
            let mut response = accept(response, (limits, self.now), None).await?;
            let mut all = Vec::new();
            while let Some(piece) = next_piece(&mut response).await? {
                if all.len() + piece.len() > most {
                    return Err(CallError::TooLarge { limit: most });
                }
                all.extend_from_slice(&piece);
            }
            Ok(all)
        };
        let done = within(Wait::Total, limits.ask_total_ms_max, exchange).await;
        Ok(done.map_err(|error| self.told(error))?)
    }

    /// The same, of JSON.
    async fn said(
        &self,
        method: Method,
        address: (&[&str], &[(&str, &str)]),
        body: Option<(&str, Vec<u8>)>,
    ) -> Result<Value, BatchError> {
        let bytes = self.exchange(method, address, body).await?;
        serde_json::from_slice(&bytes).map_err(|_| malformed("it is no JSON"))
    }

    /// An error without the key, which providers like to quote.
    fn told(&self, error: CallError) -> CallError {
        match (error, &self.key) {
            (
                CallError::Status {
                    status,
                    said,
                    retry_after_ms,
                    no_access,
                },
                Some(key),
            ) => CallError::Status {
                status,
                said: key.wiped_from(&said),
                retry_after_ms,
                no_access,
            },
            (other, _) => other,
        }
    }
}

fn malformed(said: &str) -> BatchError {
    BatchError::Call(CallError::Malformed {
        said: said.to_owned(),
    })
}

/// A text of an answer that must be there.
fn named(value: &Value, key: &str) -> Result<String, BatchError> {
    let text = value.get(key).and_then(Value::as_str);
    text.map(str::to_owned)
        .ok_or_else(|| malformed(&format!("it has no `{key}`")))
}
