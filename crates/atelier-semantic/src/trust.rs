//! How far a hit can be trusted: learnt from answers that were asked for although one was there.
//!
//! Follows vCache (arXiv 2502.03771): every kept question has a threshold of its own, and a hit is
//! checked as often as it takes to keep the share of wrong answers below a bound. Where vCache fits
//! a curve, this counts: a question that is more alike is not more often wrong, so right answers
//! at a lower similarity and wrong ones at a higher similarity both count.

use crate::Likeness;

/// Steps in which similarities are counted.
const STEPS: usize = 32;

/// A wrong answer of one kept question weighs as much as this many of its scope: what is wrong
/// with a question is mostly wrong with that question.
const OWN_WEIGHT: f64 = 20.0;

/// What is believed of a pair before anything was seen: wrong ones, of so many.
///
/// Of the pairs with another meaning in `fixtures/semantic` fewer than 1 in 400 are called the
/// same. Nothing is known of pairs that are merely alike.
const BELIEF_SAME: (f64, f64) = (1.0, 400.0);
const BELIEF_ALIKE: (f64, f64) = (1.0, 2.0);

/// One comparison of a kept answer with one that was asked for.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Check {
    /// Whether the questions mean the same word for word, or are merely alike.
    pub is_same: bool,
    /// How similar they are.
    pub similarity: f32,
    /// Whether the answers agreed.
    pub agreed: bool,
}

/// What to do with a kept answer.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Decision {
    /// Give it.
    Reuse,
    /// Ask anyway, and compare.
    Check,
}

/// The checks of one kept question, or of all of a scope.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Trust {
    same: Counts,
    alike: Counts,
}

#[derive(Debug, Clone, PartialEq, Eq)]
struct Counts {
    right: [u32; STEPS],
    wrong: [u32; STEPS],
}

impl Default for Trust {
    fn default() -> Self {
        let counts = Counts {
            right: [0; STEPS],
            wrong: [0; STEPS],
        };
        Self {
            same: counts.clone(),
            alike: counts,
        }
    }
}

impl Trust {
    /// Counts a check.
    pub fn learn(&mut self, check: Check) {
        let counts = if check.is_same {
            &mut self.same
        } else {
            &mut self.alike
        };
        let side = if check.agreed {
            &mut counts.right
        } else {
            &mut counts.wrong
        };
        if let Some(count) = side.get_mut(step(check.similarity)) {
            *count = count.saturating_add(1);
        }
    }

    /// The share of hits like this one that must be taken to be wrong; `own` is what is known of
    /// the kept question, `self` of its whole scope.
    pub fn risk(&self, own: &Self, is_same: bool, similarity: f32) -> f64 {
        let (belief, scope, own) = if is_same {
            (BELIEF_SAME, &self.same, &own.same)
        } else {
            (BELIEF_ALIKE, &self.alike, &own.alike)
        };
        let step = step(similarity);
        let right = sum(scope.right.get(..=step));
        let wrong = sum(scope.wrong.get(step..)) + OWN_WEIGHT * sum(own.wrong.get(step..));
        (belief.0 + wrong) / (belief.1 + wrong + right)
    }

    /// Whether a kept answer is given. At most a share `error_max` of all answers may be wrong, and
    /// a share `checked_min` of hits is asked anyway. `chance` is anywhere from 0 up to 1. A question
    /// that differs has no decision.
    pub fn decide(&self, own: &Self, hit: &Hit, bounds: &Bounds, chance: f64) -> Option<Decision> {
        let is_same = match hit.likeness {
            Likeness::Same => true,
            Likeness::Alike => false,
            Likeness::Different(_) => return None,
        };
        let risk = self.risk(own, is_same, hit.similarity);
        let checked = (1.0 - bounds.error_max / risk).max(bounds.checked_min);
        Some(if chance < checked {
            Decision::Check
        } else {
            Decision::Reuse
        })
    }
}

/// A kept question beside one that is asked.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Hit {
    /// How they compare.
    pub likeness: Likeness,
    /// How similar they are.
    pub similarity: f32,
}

/// How often hits may be wrong, and how often they are looked at.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Bounds {
    /// The share of answers that may be wrong.
    pub error_max: f64,
    /// The least share of hits that is asked anyway.
    pub checked_min: f64,
}

/// Where a similarity is counted.
fn step(similarity: f32) -> usize {
    (0..STEPS)
        .rev()
        .find(|step| similarity * 32.0 >= f32::from(u8::try_from(*step).unwrap_or(u8::MAX)))
        .unwrap_or(0)
}

fn sum(counts: Option<&[u32]>) -> f64 {
    counts
        .unwrap_or_default()
        .iter()
        .map(|count| f64::from(*count))
        .sum()
}

#[cfg(test)]
mod tests;
