//! Money as integer micro-dollars, so that sums are exact.

use std::{fmt, iter::Sum, ops::Add, str::FromStr};

use serde::{Deserialize, Serialize};

/// An amount of money in millionths of a US dollar.
#[derive(
    Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default, Serialize, Deserialize,
)]
#[serde(transparent)]
pub struct MicroUsd(pub u64);

/// Why a text is not an amount of money.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("read `{0}` as dollars, such as `2`, `0.25` or `$1.50`")]
pub struct ParseMoneyError(String);

impl MicroUsd {
    /// Nothing.
    pub const ZERO: Self = Self(0);

    /// The difference, or zero where `other` is larger.
    #[must_use]
    pub fn saturating_sub(self, other: Self) -> Self {
        Self(self.0.saturating_sub(other.0))
    }
}

impl MicroUsd {
    /// The amount to the micro-dollar, for records that are added up: `$0.012345`.
    pub fn exact(self) -> String {
        format!("${}.{:06}", self.0 / 1_000_000, self.0 % 1_000_000)
    }
}

impl Add for MicroUsd {
    type Output = Self;

    /// Saturates, so that an absurd price can never wrap round to a small sum.
    fn add(self, other: Self) -> Self {
        Self(self.0.saturating_add(other.0))
    }
}

impl Sum for MicroUsd {
    fn sum<I: Iterator<Item = Self>>(amounts: I) -> Self {
        amounts.fold(Self::ZERO, Add::add)
    }
}

impl fmt::Display for MicroUsd {
    /// Three decimals as on a bill, six where the amount would otherwise show as nothing.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (dollars, micros) = (self.0 / 1_000_000, self.0 % 1_000_000);
        if self.0 > 0 && self.0 < 1_000 {
            write!(f, "${dollars}.{micros:06}")
        } else {
            write!(f, "${dollars}.{:03}", micros / 1_000)
        }
    }
}

impl FromStr for MicroUsd {
    type Err = ParseMoneyError;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let wrong = || ParseMoneyError(text.chars().take(40).collect());
        let digits = text.trim().trim_start_matches('$');
        let (whole, fraction) = digits.split_once('.').unwrap_or((digits, ""));
        let plain = |part: &str| part.bytes().all(|c| c.is_ascii_digit());
        let empty = whole.is_empty() && fraction.is_empty();
        if empty || !plain(whole) || !plain(fraction) || fraction.len() > 6 {
            return Err(wrong());
        }
        let whole: u64 = format!("0{whole}").parse().map_err(|_| wrong())?;
        let micros: u64 = format!("{fraction:0<6}").parse().map_err(|_| wrong())?;
        let total = whole
            .checked_mul(1_000_000)
            .and_then(|all| all.checked_add(micros));
        total.map(Self).ok_or_else(wrong)
    }
}

#[cfg(test)]
mod tests;
