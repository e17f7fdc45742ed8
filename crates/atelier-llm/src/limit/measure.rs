//! What limits count, and an amount of each.

use std::ops::{Add, Sub};

/// Something that a provider counts.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Measure {
    /// Requests.
    Requests,
    /// Tokens of the question and of the answer in one count, as the vendor counts them.
    Tokens,
    /// Tokens of the question.
    Input,
    /// Tokens of the answer.
    Output,
}

impl Measure {
    /// The word for many of them.
    pub(crate) fn words(self) -> &'static str {
        match self {
            Self::Requests => "requests",
            Self::Tokens => "tokens",
            Self::Input => "input tokens",
            Self::Output => "output tokens",
        }
    }
}

/// So much of each measure.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(crate) struct Amounts([u64; 4]);

impl Amounts {
    /// One request with so many tokens.
    pub(crate) fn request(tokens: u64, input: u64, output: u64) -> Self {
        Self([1, tokens, input, output])
    }

    /// The amount of one measure.
    pub(crate) fn of(&self, measure: Measure) -> u64 {
        let [requests, tokens, input, output] = self.0;
        match measure {
            Measure::Requests => requests,
            Measure::Tokens => tokens,
            Measure::Input => input,
            Measure::Output => output,
        }
    }

    fn zip(mut self, other: Self, with: fn(u64, u64) -> u64) -> Self {
        for (amount, other) in self.0.iter_mut().zip(other.0) {
            *amount = with(*amount, other);
        }
        self
    }
}

impl Add for Amounts {
    type Output = Self;

    fn add(self, other: Self) -> Self {
        self.zip(other, u64::saturating_add)
    }
}

impl Sub for Amounts {
    type Output = Self;

    fn sub(self, other: Self) -> Self {
        self.zip(other, u64::saturating_sub)
    }
}
