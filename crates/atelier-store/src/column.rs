//! Translation between values of the model and the columns that hold them.

use atelier_model::{Budget, Digest, MicroUsd, Timestamp, Usage};
use serde::{Serialize, de::DeserializeOwned};

use crate::StoreError;

/// The most one amount may be in the database: a billion dollars. Larger ones are kept as this, so
/// that a sum over all asks of a run can never overflow.
const AMOUNT_MAX: u64 = 1_000_000_000_000_000;

/// The most one count may be in the database, for the same reason.
const COUNT_MAX: u64 = 1 << 50;

fn corrupt(what: &str) -> StoreError {
    StoreError::Corrupt {
        what: what.to_owned(),
    }
}

/// A value as canonical JSON: object keys sorted, no white space.
pub(crate) fn json(value: &impl Serialize) -> String {
    serde_json::to_value(value).unwrap_or_default().to_string()
}

pub(crate) fn from_json<T: DeserializeOwned>(text: &str, what: &str) -> Result<T, StoreError> {
    serde_json::from_str(text).map_err(|_| corrupt(what))
}

/// The name of an enum's variant, as it is also written in events.
pub(crate) fn word(value: &impl Serialize) -> String {
    let value = serde_json::to_value(value).unwrap_or_default();
    value.as_str().unwrap_or_default().to_owned()
}

pub(crate) fn from_word<T: DeserializeOwned>(word: &str, what: &str) -> Result<T, StoreError> {
    serde_json::from_value(serde_json::Value::from(word)).map_err(|_| corrupt(what))
}

pub(crate) fn from_word_opt<T: DeserializeOwned>(
    word: Option<&str>,
    what: &str,
) -> Result<Option<T>, StoreError> {
    word.map(|word| from_word(word, what)).transpose()
}

pub(crate) fn bytes(digest: &Digest) -> &[u8] {
    digest.as_bytes()
}

pub(crate) fn digest(bytes: &[u8], what: &str) -> Result<Digest, StoreError> {
    let bytes = bytes.try_into().map_err(|_| corrupt(what))?;
    Ok(Digest::from_bytes(bytes))
}

pub(crate) fn digest_opt(bytes: Option<&[u8]>, what: &str) -> Result<Option<Digest>, StoreError> {
    bytes.map(|bytes| digest(bytes, what)).transpose()
}

pub(crate) fn money(amount: MicroUsd) -> i64 {
    amount.0.min(AMOUNT_MAX).cast_signed()
}

pub(crate) fn from_money(amount: i64) -> MicroUsd {
    MicroUsd(from_count(amount))
}

/// Money, tokens, calls and milliseconds of a budget.
pub(crate) fn budget(budget: Budget) -> [Option<i64>; 4] {
    [
        budget.usd.map(money),
        budget.tokens.map(count),
        budget.calls.map(count),
        budget.wall_ms.map(count),
    ]
}

pub(crate) fn from_budget([usd, tokens, calls, wall]: [Option<i64>; 4]) -> Budget {
    Budget {
        usd: usd.map(from_money),
        tokens: tokens.map(from_count),
        calls: calls.map(from_count),
        wall_ms: wall.map(from_count),
    }
}

pub(crate) fn count(count: u64) -> i64 {
    count.min(COUNT_MAX).cast_signed()
}

pub(crate) fn from_count(count: i64) -> u64 {
    u64::try_from(count).unwrap_or(0)
}

pub(crate) fn small<T: TryFrom<i64>>(number: i64, what: &str) -> Result<T, StoreError> {
    T::try_from(number).map_err(|_| corrupt(what))
}

pub(crate) fn at(millis: i64) -> Timestamp {
    Timestamp::from_millis(millis)
}

/// The token counts, in the order of their columns.
pub(crate) fn tokens(usage: Usage) -> [i64; 5] {
    [
        usage.input,
        usage.output,
        usage.cached_input,
        usage.cache_write,
        usage.cache_write_hour,
    ]
    .map(count)
}

pub(crate) fn from_tokens(tokens: [i64; 5]) -> Usage {
    let [input, output, cached_input, cache_write, cache_write_hour] = tokens.map(from_count);
    Usage {
        input,
        output,
        cached_input,
        cache_write,
        cache_write_hour,
    }
}
