//! The one door to language models: providers and the policy layers around them.
//!
//! Start with [`Gateway::ask`]: an [`Ask`](atelier_model::Ask) goes through the layers (memory, single
//! flight, store, budget, retries, limits, breaker) to the [`Provider`] of its stage's [`Route`] and comes
//! back as a complete [`Reply`](atelier_model::Reply) or as a typed [`AskError`]. [`PROVIDERS`] lists
//! who can answer.
//! [`Gateway::embed`] makes vectors of texts through the same layers.
//!
//! Invariants: an answer that ended without the terminal event of its dialect is never a reply; the
//! worst case is reserved before anything is sent; a key reaches no log, no error and no store. This
//! crate reads no clock, environment or random source, opens no file, and holds no SQL.

mod batch;
mod call;
mod config;
mod discover;
mod embed;
mod error;
mod gateway;
mod gateway_error;
mod http;
mod kubo;
mod layers;
mod limit;
mod meter;
mod partial;
mod price;
mod probe;
mod providers;
mod recorded;
mod relay;
mod routing;
mod semantic;
mod wire;

#[cfg(test)]
mod tests;

pub use atelier_seal::Secret;
pub use batch::{
    BATCH_BYTES_MAX, BATCH_QUESTIONS_MAX, BatchError, BatchFound, BatchHidden, BatchOutcome,
    BatchProgress, BatchQuestions, BatchStage, BatchTerms, BatchTrace, Batches, PreparedBatch,
};
pub use call::{Call, CallError, Retry, Wait};
pub use config::{Effort, GatewayConfig, Route, Routing, is_private};
pub use discover::{LocalServer, LocalServerKind, local_servers, server_url};
pub use embed::{Embed, Embedded};
pub use error::{AskError, AskErrorKind, RouteFailure};
pub use gateway::{Estimate, Gateway};
pub use gateway_error::GatewayError;
pub use http::Transport;
pub use kubo::{Kubo, KuboError};
pub use limit::{
    gate::{LimitLeft, LimitState},
    rate::{Rate, RateTable},
};
pub use meter::{BOUNDS_MS, Counts, Histogram, Series};
pub use partial::{PartialAnswer, PartialPart};
pub use price::{
    ImportedPrices, LeftOut, LongPrice, Price, PriceSource, PriceTable, ReadPricesError,
    ReadTariffsError, Taken, Tariff, Tariffs, day, read_prices,
};
pub use probe::{ProbeError, probe_key};
pub use providers::{
    Abilities, AnswersFrom, Build, PROVIDERS, Provider, ProviderEntry, SchemaSupport,
    provider_entry,
};
pub use recorded::{AskDivergence, RecordedAsk};
pub use relay::{Demand, Dialect, Incoming, Listed, Passed, PassedBody, Relay};
pub use semantic::{SemanticConfig, Vectors, is_exact};
pub use wire::Completion;

pub(crate) use gateway::prompt_bytes;
