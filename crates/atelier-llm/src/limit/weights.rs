//! How many tokens a request will have, learnt from those that were counted.

use atelier_model::Usage;

/// Bytes of a prompt below which its tokens say little of the next one's: marks of roles and tools
/// outweigh the text.
const BYTES_TELLING_MIN: u64 = 512;

/// Tokens for a thousand bytes where nothing was counted yet: a little more than prose has.
const PER_KILOBYTE_FIRST: u64 = 300;

/// Tokens of a prompt beside those of its text.
const PROMPT_TOKENS: u64 = 16;

/// A new count has one part in so many of what is known, once so many are known.
const MEMORY: i64 = 16;

/// Means are kept in parts of a unit, so that they come to rest where the counts are.
const PARTS: i64 = 256;

/// What one request is going to use up, as far as it is known before.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Load {
    /// Bytes of the question.
    pub(crate) bytes: u64,
    /// Most tokens of the answer, where the request says so.
    pub(crate) tokens_max: Option<u64>,
}

/// Tokens for bytes, and tokens of answers, of one model.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(crate) struct Weights {
    per_kilobyte: Option<Usual>,
    output: Option<Usual>,
}

/// The mean of what was seen and how far it strays, both fading. What was taken to be usual before
/// anything was seen counts as the first.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Usual {
    mean: i64,
    stray: i64,
    count: i64,
}

impl Usual {
    fn prior(value: u64) -> Self {
        Self {
            mean: parts(value),
            stray: 0,
            count: 1,
        }
    }

    fn next(self, value: u64) -> Self {
        let off = parts(value) - self.mean;
        let count = (self.count + 1).min(MEMORY);
        Self {
            mean: self.mean + off / count,
            stray: self.stray + (off.abs() - self.stray) / count,
            count,
        }
    }

    /// More than most will be.
    fn ample(self) -> u64 {
        let ample = self.mean.saturating_add(self.stray) + PARTS - 1;
        u64::try_from(ample / PARTS).unwrap_or(0)
    }
}

impl Weights {
    /// Tokens of a question of so many bytes, rather too many than too few.
    pub(crate) fn input(&self, bytes: u64) -> u64 {
        let per_kilobyte = self.per_kilobyte.map_or(PER_KILOBYTE_FIRST, Usual::ample);
        let tokens = bytes.saturating_mul(per_kilobyte).div_ceil(1_000);
        tokens.saturating_add(PROMPT_TOKENS)
    }

    /// Tokens of an answer: as many as it may have where none was counted yet.
    pub(crate) fn output(&self, load: &Load) -> u64 {
        let usual = self.output.map(Usual::ample);
        match (usual, load.tokens_max) {
            (Some(usual), Some(most)) => usual.min(most),
            (Some(tokens), None) | (None, Some(tokens)) => tokens,
            (None, None) => 0,
        }
    }

    /// A request was counted.
    pub(crate) fn learn(&mut self, load: &Load, usage: &Usage) {
        if load.bytes >= BYTES_TELLING_MIN && usage.input > 0 {
            let tokens = usage.input.saturating_sub(PROMPT_TOKENS);
            let rate = tokens.saturating_mul(1_000) / load.bytes;
            let known = self.per_kilobyte;
            let known = known.unwrap_or_else(|| Usual::prior(PER_KILOBYTE_FIRST));
            self.per_kilobyte = Some(known.next(rate));
        }
        if usage.output > 0 {
            let prior = load.tokens_max.unwrap_or(usage.output);
            let known = self.output.unwrap_or_else(|| Usual::prior(prior));
            self.output = Some(known.next(usage.output));
        }
    }
}

/// Counts of tokens are far below the point where this matters.
fn parts(count: u64) -> i64 {
    let most = i64::MAX / PARTS / 4;
    i64::try_from(count).unwrap_or(most).min(most) * PARTS
}
