//! Requests added up by what they have in common; pure.

use std::collections::BTreeMap;

use atelier_llm::PriceTable;
use atelier_model::{AskSource, MicroUsd, Usage};
use atelier_store::PastCall;

use super::By;

/// Shares of requests for which a time is told, in percent.
const SHARES: [usize; 3] = [50, 95, 99];

/// What some requests came to.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub(super) struct Tally {
    pub(super) requests: u64,
    pub(super) failed: u64,
    pub(super) from_provider: u64,
    pub(super) from_cache: u64,
    pub(super) from_semantic: u64,
    /// Tokens of answers that the provider gave.
    pub(super) usage: Usage,
    pub(super) cost: MicroUsd,
    pub(super) saved: MicroUsd,
    /// Times of answers that the provider gave, sorted once all are there.
    total_ms: Vec<u64>,
    first_byte_ms: Vec<u64>,
}

/// What all requests came to, and each kind of them by its name.
pub(super) fn tallies(
    calls: &[PastCall],
    by: By,
    prices: &PriceTable,
) -> (Tally, BTreeMap<String, Tally>) {
    let (mut total, mut lines) = (Tally::default(), BTreeMap::<String, Tally>::new());
    for call in calls {
        total.add(call, prices);
        lines.entry(name(call, by)).or_default().add(call, prices);
    }
    for tally in lines.values_mut().chain([&mut total]) {
        tally.total_ms.sort_unstable();
        tally.first_byte_ms.sort_unstable();
    }
    (total, lines)
}

fn name(call: &PastCall, by: By) -> String {
    match by {
        By::Asker => format!("{} {}/{}", call.asker, call.provider, call.model),
        By::Model => format!("{}/{}", call.provider, call.model),
        By::Provider => call.provider.clone(),
        By::Stage => call.asker.clone(),
        By::Task => match &call.task {
            Some(task) => task.to_string(),
            None => call.asker.clone(),
        },
    }
}

impl Tally {
    fn add(&mut self, call: &PastCall, prices: &PriceTable) {
        self.requests += 1;
        self.failed += u64::from(call.failed);
        self.cost = self.cost + call.cost;
        match call.source {
            None => {}
            Some(AskSource::Provider) => {
                self.from_provider += 1;
                self.usage = Usage {
                    input: self.usage.input + call.usage.input,
                    output: self.usage.output + call.usage.output,
                    cached_input: self.usage.cached_input + call.usage.cached_input,
                    cache_write: self.usage.cache_write + call.usage.cache_write,
                    cache_write_hour: self.usage.cache_write_hour + call.usage.cache_write_hour,
                };
                self.total_ms.push(call.latency_ms);
                self.first_byte_ms.extend(call.first_byte_ms);
            }
            Some(AskSource::Cache) => self.from_cache += 1,
            Some(AskSource::Semantic) => self.from_semantic += 1,
        }
        if call.source.is_some_and(AskSource::is_kept) {
            self.saved = self.saved + saved(call, prices);
        }
    }

    /// Within how many milliseconds a half, 95 % and 99 % of the answers were there.
    pub(super) fn total_ms(&self) -> [Option<u64>; 3] {
        SHARES.map(|share| percentile(&self.total_ms, share))
    }

    /// The same for the first byte.
    pub(super) fn first_byte_ms(&self) -> [Option<u64>; 3] {
        SHARES.map(|share| percentile(&self.first_byte_ms, share))
    }
}

/// What a kept answer would have cost on its day.
fn saved(call: &PastCall, prices: &PriceTable) -> MicroUsd {
    let by_price = || {
        let price = prices.price(&call.provider, &call.model, call.at)?;
        Some(price.cost(&call.usage))
    };
    call.saved.or_else(by_price).unwrap_or(MicroUsd::ZERO)
}

/// The smallest of some sorted numbers that this share of them does not exceed (nearest rank).
pub(super) fn percentile(sorted: &[u64], share: usize) -> Option<u64> {
    let rank = (sorted.len() * share).div_ceil(100);
    sorted.get(rank.checked_sub(1)?).copied()
}
