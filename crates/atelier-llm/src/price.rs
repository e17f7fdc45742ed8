//! What tokens cost: a table of list prices, exact arithmetic, and the worst case before a call.

use std::collections::BTreeMap;

use atelier_model::{Ask, MicroUsd, Usage};
use serde::{Deserialize, Serialize};

use crate::Route;

/// The table that comes with the program.
const BUILT_IN: &str = include_str!("../prices.toml");

/// Tokens of a prompt in the worst case, beside one for each byte: role marks of a message.
const MESSAGE_TOKENS_MAX: u64 = 64;

/// Tokens that a price is quoted for.
const QUOTED_TOKENS: u128 = 1_000_000;

/// The fewest digits of a date at the end of a model's name.
const DATE_DIGITS_MIN: usize = 8;

/// What a model's tokens cost, in micro-dollars for a million.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Price {
    /// Tokens of the prompt.
    pub input: u64,
    /// Tokens of the answer.
    pub output: u64,
    /// Tokens read from the provider's prompt cache; as input where it is not given.
    #[serde(default)]
    pub cached_input: Option<u64>,
    /// Tokens written to the provider's prompt cache; as input where it is not given.
    #[serde(default)]
    pub cache_write: Option<u64>,
}

impl Price {
    /// Nothing.
    pub const FREE: Self = Self {
        input: 0,
        output: 0,
        cached_input: None,
        cache_write: None,
    };

    /// What these tokens cost, rounded up to a whole micro-dollar.
    pub fn cost(&self, usage: &Usage) -> MicroUsd {
        let cached = usage.cached_input.min(usage.input);
        let written = usage.cache_write.min(usage.input - cached);
        let plain = usage.input - cached - written;
        let part = |tokens: u64, price: u64| u128::from(tokens) * u128::from(price);
        let quoted = part(plain, self.input)
            + part(cached, self.cached_input.unwrap_or(self.input))
            + part(written, self.cache_write.unwrap_or(self.input))
            + part(usage.output, self.output);
        MicroUsd(u64::try_from(quoted.div_ceil(QUOTED_TOKENS)).unwrap_or(u64::MAX))
    }

    /// The most that so many tokens can cost, whatever the provider's cache does.
    pub(crate) fn most(&self, input: u64, output: u64) -> MicroUsd {
        let dearest = self
            .input
            .max(self.cached_input.unwrap_or(0))
            .max(self.cache_write.unwrap_or(0));
        let worst = Self {
            input: dearest,
            ..*self
        };
        worst.cost(&Usage {
            input,
            output,
            ..Usage::default()
        })
    }
}

/// The most tokens a prompt of so many bytes and messages can have: no tokenizer makes more than
/// one token of a byte.
pub(crate) fn input_tokens_max(bytes: usize, messages: usize) -> u64 {
    let count = |size: usize| u64::try_from(size).unwrap_or(u64::MAX);
    count(messages)
        .saturating_mul(MESSAGE_TOKENS_MAX)
        .saturating_add(count(bytes))
}

/// The most an ask can cost.
pub(crate) fn worst_case(price: &Price, ask: &Ask, route: &Route) -> MicroUsd {
    let texts = ask.messages.iter().map(|message| message.text.len());
    let schema = ask.schema.as_ref().filter(|_| route.structured);
    let schema = schema.map_or(0, |(name, schema)| name.len() + schema.to_string().len());
    let bytes = texts.fold(schema, usize::saturating_add);
    price.most(
        input_tokens_max(bytes, ask.messages.len()),
        route.tokens_max,
    )
}

/// Prices by model.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct PriceTable {
    overrides: BTreeMap<String, Price>,
    built_in: BTreeMap<String, Price>,
}

impl PriceTable {
    /// The public list prices that come with the program, under prices of the user's own.
    ///
    /// A name ending in `*` stands for every model whose name begins so. Any other stands for the
    /// model of that name and its dated versions, such as `gpt-5-2025-08-07` for `gpt-5`.
    pub fn new(overrides: BTreeMap<String, Price>) -> Self {
        Self {
            overrides,
            // A test reads the table; an unreadable one would make every price unknown, which
            // refuses every budget instead of passing it.
            built_in: toml::from_str(BUILT_IN).unwrap_or_default(),
        }
    }

    /// What a model costs, where it is known.
    pub fn price(&self, model: &str) -> Option<Price> {
        best(&self.overrides, model).or_else(|| best(&self.built_in, model))
    }
}

/// What a table of models says under the longest name that stands for the model.
pub(crate) fn best<T: Copy>(table: &BTreeMap<String, T>, model: &str) -> Option<T> {
    let fitting = table.iter().filter(|(name, _)| stands_for(name, model));
    fitting
        .max_by_key(|(name, _)| name.len())
        .map(|(_, value)| *value)
}

fn stands_for(name: &str, model: &str) -> bool {
    if let Some(start) = name.strip_suffix('*') {
        return model.starts_with(start);
    }
    let Some(rest) = model.strip_prefix(name) else {
        return false;
    };
    rest.is_empty() || rest == "-latest" || is_date(rest)
}

/// Whether the end of a model's name is `-20250807` or `-2025-08-07`.
fn is_date(end: &str) -> bool {
    let digits = end.bytes().filter(u8::is_ascii_digit).count();
    end.starts_with('-')
        && digits >= DATE_DIGITS_MIN
        && end.bytes().all(|c| c.is_ascii_digit() || c == b'-')
}
