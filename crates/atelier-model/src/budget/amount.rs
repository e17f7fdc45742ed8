//! Amounts as people write them: money, tokens, calls and time, absolute or as so much more.

use super::{Bound, Resource};
use crate::MicroUsd;

impl Resource {
    /// How an amount of it is written, after "write it as".
    pub fn example(self) -> &'static str {
        match self {
            Self::Usd => "2, 0.25 or +1.00",
            Self::Tokens => "200000, 200k or +50k",
            Self::Calls => "40 or +10",
            Self::Wall => "30m, 1h30m or +10m",
        }
    }

    /// Reads an amount of it that a person wrote.
    pub fn amount(self, text: &str) -> Option<u64> {
        match self {
            Self::Usd => text.parse::<MicroUsd>().ok().map(|usd| usd.0),
            Self::Tokens => tokens(text),
            Self::Calls => text.parse().ok(),
            Self::Wall => duration(text),
        }
    }
}

impl Bound {
    /// Reads a limit, or with `+` so much more.
    pub fn from_text(resource: Resource, text: &str) -> Option<Self> {
        let text = text.trim();
        match text.strip_prefix('+') {
            Some(more) => resource.amount(more).map(Self::More),
            None => resource.amount(text).map(Self::At),
        }
    }
}

/// A number of tokens, such as `200000`, `200k` or `2M`.
fn tokens(text: &str) -> Option<u64> {
    let (digits, factor) = match text.strip_suffix(['k', 'K']) {
        Some(digits) => (digits, 1_000),
        None => match text.strip_suffix('M') {
            Some(digits) => (digits, 1_000_000),
            None => (text, 1),
        },
    };
    digits.parse::<u64>().ok()?.checked_mul(factor)
}

/// Milliseconds of a time such as `30m`, `1h30m`, `45s` or `500ms`.
fn duration(text: &str) -> Option<u64> {
    let mut rest = text.trim();
    if rest.is_empty() {
        return None;
    }
    let mut total: u64 = 0;
    while !rest.is_empty() {
        let end = rest.find(|c: char| !c.is_ascii_digit())?;
        let (digits, tail) = rest.split_at(end);
        let end = tail.find(|c: char| c.is_ascii_digit());
        let (unit, tail) = tail.split_at(end.unwrap_or(tail.len()));
        let factor = match unit {
            "ms" => 1,
            "s" => 1_000,
            "m" => 60_000,
            "h" => 3_600_000,
            "d" => 86_400_000,
            _ => return None,
        };
        let part = digits.parse::<u64>().ok()?.checked_mul(factor)?;
        total = total.checked_add(part)?;
        rest = tail;
    }
    Some(total)
}

#[cfg(test)]
mod tests;
