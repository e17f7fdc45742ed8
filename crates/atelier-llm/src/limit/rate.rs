//! Limits that a person sets: how often and how much a provider or a model may be asked.

use std::collections::BTreeMap;

use crate::limit::{
    measure::Measure,
    meter::Limit,
    told::{DAY_MS, MINUTE_MS},
};

/// How often and how much may be asked. Every key of a provider has its own.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Rate {
    /// Requests a minute.
    pub requests_per_minute: Option<u64>,
    /// Requests a day.
    pub requests_per_day: Option<u64>,
    /// Tokens a minute, as the vendor counts them: input and output, or input alone at Gemini.
    pub tokens_per_minute: Option<u64>,
    /// Tokens a day, counted the same.
    pub tokens_per_day: Option<u64>,
    /// Tokens of questions a minute.
    pub input_tokens_per_minute: Option<u64>,
    /// Tokens of answers a minute.
    pub output_tokens_per_minute: Option<u64>,
    /// Requests under way at once.
    pub requests_at_once: Option<u64>,
}

impl Rate {
    /// The limits over time.
    pub(crate) fn limits(&self) -> impl Iterator<Item = Limit> {
        let all = [
            (Measure::Requests, self.requests_per_minute, MINUTE_MS),
            (Measure::Requests, self.requests_per_day, DAY_MS),
            (Measure::Tokens, self.tokens_per_minute, MINUTE_MS),
            (Measure::Tokens, self.tokens_per_day, DAY_MS),
            (Measure::Input, self.input_tokens_per_minute, MINUTE_MS),
            (Measure::Output, self.output_tokens_per_minute, MINUTE_MS),
        ];
        all.into_iter().filter_map(|(measure, amount, window_ms)| {
            Some(Limit {
                measure,
                amount: amount?,
                window_ms,
            })
        })
    }
}

/// Limits by the names of those who are asked.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct RateTable(BTreeMap<String, Rate>);

impl RateTable {
    /// Limits by name: `PROVIDER` stands for all its models together, `PROVIDER/MODEL` for one
    /// model, and `PROVIDER/START*` for all models together whose name begins so.
    pub fn new(rates: BTreeMap<String, Rate>) -> Self {
        Self(rates)
    }

    /// Every line that stands for a model of a provider.
    pub(crate) fn of(&self, provider: &str, model: &str) -> Vec<(&str, &Rate)> {
        let lines = self.0.iter().map(|(name, rate)| (name.as_str(), rate));
        lines
            .filter(|(name, _)| stands_for(name, provider, model))
            .collect()
    }
}

fn stands_for(name: &str, provider: &str, model: &str) -> bool {
    let Some(rest) = name.strip_prefix(provider) else {
        return false;
    };
    let Some(named) = rest.strip_prefix('/') else {
        return rest.is_empty();
    };
    match named.strip_suffix('*') {
        Some(start) => model.starts_with(start),
        None => named == model,
    }
}
