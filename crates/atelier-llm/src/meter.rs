//! Counts of everything that was asked: how it ended, how long it took, what it used and cost.
//!
//! A request is counted once, when it has ended, in memory; whoever wants to keep the counts reads
//! them from here.

mod histogram;
mod prometheus;

#[cfg(test)]
mod tests;

use std::{
    collections::BTreeMap,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};

use atelier_model::{AskSource, MicroUsd, Usage};

pub use self::histogram::{BOUNDS_MS, Histogram};
pub(crate) use self::prometheus::text;

/// Rows of counts that are kept apart. Models are configured, so only something that names ever
/// new ones gets there; what comes after is counted under [`OTHERS`].
const ROWS_MAX: usize = 1_000;

/// Name of everything that has no row of its own.
const OTHERS: &str = "other";

/// A request that has ended.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Finished<'a> {
    /// Who asked: the name of a stage, or the dialect of another program.
    pub(crate) asker: &'a str,
    /// The provider that answered, or was to.
    pub(crate) provider: &'a str,
    /// Its model.
    pub(crate) model: &'a str,
    /// How it ended: `ok`, `cut`, `abandoned`, an HTTP status, or the kind of an error.
    pub(crate) outcome: &'a str,
    /// Where the answer came from; `None` where there was none.
    pub(crate) source: Option<AskSource>,
    /// Tokens.
    pub(crate) usage: Usage,
    /// Money spent.
    pub(crate) cost: MicroUsd,
    /// Money that an answer given before would have cost again.
    pub(crate) saved: MicroUsd,
    /// Milliseconds until the first byte, where that is known.
    pub(crate) first_byte_ms: Option<u64>,
    /// Milliseconds until the end.
    pub(crate) latency_ms: u64,
    /// How often it was sent.
    pub(crate) sendings: u32,
}

/// What a row of counts is about.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct Series {
    /// Who asked: the name of a stage, or the dialect of another program.
    pub asker: String,
    /// The provider.
    pub provider: String,
    /// Its model.
    pub model: String,
}

/// The counts of one row.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Counts {
    /// Requests by how they ended.
    pub outcomes: BTreeMap<String, u64>,
    /// Answers that the provider gave, that were kept, and that were kept for a question in other
    /// words.
    pub sources: [u64; 3],
    /// Tokens of answers that the provider gave.
    pub usage: Usage,
    /// Money spent.
    pub cost: MicroUsd,
    /// Money saved.
    pub saved: MicroUsd,
    /// Sendings beyond the first of each request.
    pub repeats: u64,
    /// Time to the first byte of answers that the provider gave.
    pub first_byte: Histogram,
    /// Time to the end of answers that the provider gave.
    pub total: Histogram,
}

/// Counts requests. Cheap to clone; all clones count together.
#[derive(Debug, Clone, Default)]
pub(crate) struct Meter {
    rows: Arc<Mutex<BTreeMap<String, (Series, Counts)>>>,
}

impl Meter {
    /// Counts a request that has ended.
    pub(crate) fn count(&self, finished: &Finished<'_>) {
        let Finished {
            asker,
            provider,
            model,
            ..
        } = finished;
        let name = [asker, "\n", provider, "\n", model].concat();
        let mut rows = self.rows();
        if let Some((_, counts)) = rows.get_mut(&name) {
            counts.add(finished);
            return;
        }
        let (name, series) = if rows.len() < ROWS_MAX {
            (name, Series::of(asker, provider, model))
        } else {
            (OTHERS.to_owned(), Series::of(OTHERS, OTHERS, OTHERS))
        };
        let (_, counts) = rows
            .entry(name)
            .or_insert_with(|| (series, Counts::default()));
        counts.add(finished);
    }

    /// Everything counted so far, by asker, provider and model.
    pub(crate) fn rows_now(&self) -> Vec<(Series, Counts)> {
        self.rows().values().cloned().collect()
    }

    fn rows(&self) -> MutexGuard<'_, BTreeMap<String, (Series, Counts)>> {
        // Whoever panicked had at worst added half of one request.
        self.rows.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Series {
    fn of(asker: &str, provider: &str, model: &str) -> Self {
        Self {
            asker: asker.to_owned(),
            provider: provider.to_owned(),
            model: model.to_owned(),
        }
    }
}

impl Counts {
    fn add(&mut self, finished: &Finished<'_>) {
        match self.outcomes.get_mut(finished.outcome) {
            Some(count) => *count += 1,
            None => {
                self.outcomes.insert(finished.outcome.to_owned(), 1);
            }
        }
        self.cost = self.cost + finished.cost;
        self.saved = self.saved + finished.saved;
        self.repeats += u64::from(finished.sendings.saturating_sub(1));
        let Some(source) = finished.source else {
            return;
        };
        match source {
            AskSource::Provider => {
                self.sources[0] += 1;
                self.usage = sum(self.usage, finished.usage);
                self.total.add(finished.latency_ms);
                if let Some(first_byte_ms) = finished.first_byte_ms {
                    self.first_byte.add(first_byte_ms);
                }
            }
            AskSource::Cache => self.sources[1] += 1,
            AskSource::Semantic => self.sources[2] += 1,
        }
    }
}

fn sum(one: Usage, other: Usage) -> Usage {
    Usage {
        input: one.input.saturating_add(other.input),
        output: one.output.saturating_add(other.output),
        cached_input: one.cached_input.saturating_add(other.cached_input),
        cache_write: one.cache_write.saturating_add(other.cache_write),
        cache_write_hour: one.cache_write_hour.saturating_add(other.cache_write_hour),
    }
}
