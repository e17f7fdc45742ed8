//! What the stand-in served, counted by itself and not by the product.

use atelier_model::{MicroUsd, Usage};

/// Prices in micro-dollars a million tokens.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Prices {
    /// Of a million tokens of the prompt.
    pub input: u64,
    /// Of a million tokens of the answer.
    pub output: u64,
}

impl Prices {
    /// What this many tokens cost, rounded up to a whole micro-dollar.
    pub fn cost(self, usage: Usage) -> MicroUsd {
        let micros = u128::from(usage.input) * u128::from(self.input)
            + u128::from(usage.output) * u128::from(self.output);
        let rounded = micros.div_ceil(1_000_000);
        MicroUsd(u64::try_from(rounded).unwrap_or(u64::MAX))
    }
}

/// The sum of all that was served.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Spent {
    /// Requests that were served, broken ones included.
    pub requests: u64,
    /// Tokens of the prompts.
    pub input: u64,
    /// Tokens of the answers.
    pub output: u64,
    /// Money.
    pub cost: MicroUsd,
}

impl Spent {
    /// Adds one served request.
    pub(crate) fn add(&mut self, usage: Usage, prices: Prices) {
        self.requests += 1;
        self.input += usage.input;
        self.output += usage.output;
        self.cost = self.cost + prices.cost(usage);
    }
}

/// Tokens a text counts for: a quarter of its bytes, rounded up.
pub(crate) fn tokens(bytes: u64) -> u64 {
    bytes.div_ceil(4)
}
