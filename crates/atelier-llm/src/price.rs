//! What tokens cost: exact arithmetic, and the worst case before a call.

mod import;
mod table;

use std::collections::BTreeMap;

use atelier_model::{Ask, MicroUsd, Usage};
use serde::{Deserialize, Serialize};

pub use self::{
    import::{ImportedPrices, LeftOut, PriceSource, ReadPricesError, read_prices},
    table::{PriceTable, ReadTariffsError, Taken, Tariff, Tariffs, day},
};
use crate::Route;

/// Tokens of a prompt in the worst case, beside one for each byte: role marks of a message.
const MESSAGE_TOKENS_MAX: u64 = 64;

/// Tokens that a price is quoted for.
const QUOTED_TOKENS: u128 = 1_000_000;

/// What a token that the provider's cache keeps for an hour costs, in tokens of the prompt, where
/// no price says so: those who offer it ask twice as much.
const HOUR_FACTOR: u64 = 2;

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
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub cached_input: Option<u64>,
    /// Tokens written to the provider's prompt cache; as input where it is not given.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub cache_write: Option<u64>,
    /// Of those written, the ones kept for an hour; twice as input where it is not given.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub cache_write_hour: Option<u64>,
    /// Tokens of the prompt in a batch; as input where it is not given.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub batch_input: Option<u64>,
    /// Tokens of the answer in a batch; as output where it is not given.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub batch_output: Option<u64>,
    /// What holds for long prompts instead, where that is something else.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub long: Option<LongPrice>,
}

/// What the tokens of a call cost whose prompt is long, in micro-dollars for a million.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct LongPrice {
    /// The most tokens of a prompt that is not long yet.
    pub above: u64,
    /// Tokens of the prompt.
    pub input: u64,
    /// Tokens of the answer.
    pub output: u64,
    /// Tokens read from the provider's prompt cache; as input where it is not given.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub cached_input: Option<u64>,
    /// Tokens written to the provider's prompt cache; as input where it is not given.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub cache_write: Option<u64>,
}

impl LongPrice {
    /// The price of a call that is so long.
    fn whole(self) -> Price {
        Price {
            input: self.input,
            output: self.output,
            cached_input: self.cached_input,
            cache_write: self.cache_write,
            ..Price::FREE
        }
    }
}

impl Price {
    /// Nothing.
    pub const FREE: Self = Self {
        input: 0,
        output: 0,
        cached_input: None,
        cache_write: None,
        cache_write_hour: None,
        batch_input: None,
        batch_output: None,
        long: None,
    };

    /// What these tokens cost, rounded up to a whole micro-dollar.
    pub fn cost(&self, usage: &Usage) -> MicroUsd {
        match self.long.filter(|long| usage.input > long.above) {
            Some(long) => long.whole().plain_cost(usage),
            None => self.plain_cost(usage),
        }
    }

    /// The price of the same tokens in a batch.
    #[must_use]
    pub fn in_batch(&self) -> Self {
        Self {
            input: self.batch_input.unwrap_or(self.input),
            output: self.batch_output.unwrap_or(self.output),
            // What the cache does there is not published; at list price nothing is undercounted.
            cache_write_hour: Some(self.hour()),
            ..*self
        }
    }

    /// What these tokens cost, however long the prompt is.
    fn plain_cost(&self, usage: &Usage) -> MicroUsd {
        let cached = usage.cached_input.min(usage.input);
        let written = usage.cache_write.min(usage.input - cached);
        let of_an_hour = usage.cache_write_hour.min(written);
        let plain = usage.input - cached - written;
        let part = |tokens: u64, price: u64| u128::from(tokens) * u128::from(price);
        let quoted = part(plain, self.input)
            + part(cached, self.cached_input.unwrap_or(self.input))
            + part(written - of_an_hour, self.cache_write.unwrap_or(self.input))
            + part(of_an_hour, self.hour())
            + part(usage.output, self.output);
        MicroUsd(u64::try_from(quoted.div_ceil(QUOTED_TOKENS)).unwrap_or(u64::MAX))
    }

    /// What a token costs that the provider's cache keeps for an hour.
    fn hour(&self) -> u64 {
        let usual = self.input.saturating_mul(HOUR_FACTOR);
        self.cache_write_hour.unwrap_or(usual)
    }

    /// The price of a call that may have its prompt kept for an hour: whatever is written to the
    /// cache costs as much as the dearer of both ways.
    #[must_use]
    pub(crate) fn for_an_hour(&self) -> Self {
        let dearer = |price: &Self| Some(price.hour().max(price.cache_write.unwrap_or(0)));
        Self {
            cache_write: dearer(self),
            long: self.long.map(|long| LongPrice {
                cache_write: dearer(&long.whole()),
                ..long
            }),
            ..*self
        }
    }

    /// The most that so many tokens can cost, whatever the provider's cache does with a prompt that
    /// it is not told to keep for an hour.
    pub(crate) fn most(&self, input: u64, output: u64) -> MicroUsd {
        let dearest = self
            .input
            .max(self.cached_input.unwrap_or(0))
            .max(self.cache_write.unwrap_or(0));
        let worst = Self {
            input: dearest,
            ..*self
        };
        let usage = Usage {
            input,
            output,
            ..Usage::default()
        };
        let plain = worst.plain_cost(&usage);
        match self.long.filter(|long| input > long.above) {
            Some(long) => plain.max(long.whole().most(input, output)),
            None => plain,
        }
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
    price.most(prompt_tokens_most(ask, route), route.tokens_max)
}

/// The most tokens an ask can take, of prompt and answer together.
pub(crate) fn tokens_most(ask: &Ask, route: &Route) -> u64 {
    prompt_tokens_most(ask, route).saturating_add(route.tokens_max)
}

fn prompt_tokens_most(ask: &Ask, route: &Route) -> u64 {
    let texts = ask.messages.iter().map(|message| message.text.len());
    let schema = ask.schema.as_ref().filter(|_| route.structured);
    let schema = schema.map_or(0, |(name, schema)| name.len() + schema.to_string().len());
    let bytes = texts.fold(schema, usize::saturating_add);
    input_tokens_max(bytes, ask.messages.len())
}

/// What a table of models says under the longest name that stands for the model.
pub(crate) fn best<'a, T>(table: &'a BTreeMap<String, T>, model: &str) -> Option<&'a T> {
    // Imported tables have thousands of names; a model has few beginnings.
    let mut ends = (0..=model.len())
        .rev()
        .filter(|end| model.is_char_boundary(*end));
    ends.find_map(|end| {
        let (name, rest) = model.split_at(end);
        let itself = rest.is_empty() || rest == "-latest" || is_date(rest);
        let exact = || table.get(name).filter(|_| itself);
        exact().or_else(|| table.get(&format!("{name}*")))
    })
}

/// Whether the end of a model's name is `-20250807` or `-2025-08-07`.
fn is_date(end: &str) -> bool {
    let digits = end.bytes().filter(u8::is_ascii_digit).count();
    end.starts_with('-')
        && digits >= DATE_DIGITS_MIN
        && end.bytes().all(|c| c.is_ascii_digit() || c == b'-')
}
