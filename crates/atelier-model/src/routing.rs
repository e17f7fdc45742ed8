//! Which of several routes answers an ask, and why the others do not.

use std::fmt;

use serde::{Deserialize, Serialize};

use crate::MicroUsd;

/// How one of several routes is chosen.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Strategy {
    /// In the order of the configuration.
    #[default]
    Static,
    /// The one that costs least for what is asked.
    Cost,
    /// Of two that are drawn, the one that answers sooner.
    Latency,
}

impl Strategy {
    /// Every strategy.
    pub const ALL: [Self; 3] = [Self::Static, Self::Cost, Self::Latency];

    /// Its word in the configuration.
    pub fn name(self) -> &'static str {
        match self {
            Self::Static => "static",
            Self::Cost => "cost",
            Self::Latency => "latency",
        }
    }

    /// The strategy of a word.
    pub fn from_name(name: &str) -> Option<Self> {
        Self::ALL
            .into_iter()
            .find(|strategy| strategy.name() == name)
    }
}

/// The route that an ask was given, where there was more than one.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct RouteChoice {
    /// How it was chosen.
    pub strategy: Strategy,
    /// Why it is this one.
    pub reason: ChoiceReason,
    /// The routes that stood before it, each with the reason why it is not asked.
    pub passed_over: Vec<PassedOver>,
}

impl RouteChoice {
    /// Whether it is asked because others failed, now or lately.
    pub fn is_standby(&self) -> bool {
        let is_down = |over: &PassedOver| {
            matches!(
                over.why,
                PassedOverReason::Failed { .. } | PassedOverReason::Resting { .. }
            )
        };
        self.passed_over.iter().any(is_down)
    }
}

/// Why a route was chosen.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "type", rename_all = "snake_case")]
pub enum ChoiceReason {
    /// It stands first among those that are able and ready to answer.
    First,
    /// Nobody is expected to cost less.
    Cheapest {
        /// What it is expected to cost.
        expected: MicroUsd,
    },
    /// Of the two that were drawn it is expected to answer sooner.
    Fastest {
        /// Milliseconds until it is expected to have answered; 0 where it was never asked.
        expected_ms: u64,
    },
    /// Those before it did not answer.
    Fallback,
    /// The one before it took so long that this one is asked beside it.
    Hedge {
        /// Milliseconds that it was waited for.
        after_ms: u64,
    },
    /// None is known to be able or ready, and this one stands first.
    LastResort,
}

/// A route that is not asked.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct PassedOver {
    /// The route, as `provider/model`.
    pub route: String,
    /// Why it is not asked.
    pub why: PassedOverReason,
}

/// Why a route is not asked.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "type", rename_all = "snake_case")]
pub enum PassedOverReason {
    /// Question and answer together have no room in its context window.
    Context {
        /// Tokens that are needed.
        needed: u64,
        /// Tokens that it takes.
        limit: u64,
    },
    /// It cannot call tools.
    Tools,
    /// It cannot be held to a schema.
    Schema,
    /// It cannot see images.
    Images,
    /// A budget is set and nobody knows what it costs.
    PriceUnknown,
    /// It failed lately, and is left alone.
    Resting {
        /// For so many milliseconds more.
        wait_ms: u64,
    },
    /// It was asked and did not answer.
    Failed {
        /// Why.
        error: String,
    },
}

impl fmt::Display for RouteChoice {
    /// In words: why it is this one, and why none of the others.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.reason.fmt(f)?;
        for PassedOver { route, why } in &self.passed_over {
            write!(f, "; not {route}: {why}")?;
        }
        Ok(())
    }
}

impl fmt::Display for ChoiceReason {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::First => f.write_str("first in order"),
            Self::Cheapest { expected } => write!(f, "cheapest, about {expected}"),
            Self::Fastest { expected_ms: 0 } => f.write_str("fastest, not measured yet"),
            Self::Fastest { expected_ms } => write!(f, "fastest, about {expected_ms} ms"),
            Self::Fallback => f.write_str("standby"),
            Self::Hedge { after_ms } => write!(f, "asked beside, after {after_ms} ms"),
            Self::LastResort => f.write_str("last resort"),
        }
    }
}

impl fmt::Display for PassedOverReason {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Context { needed, limit } => {
                write!(f, "it takes {limit} tokens and {needed} are needed")
            }
            Self::Tools => f.write_str("it calls no tools"),
            Self::Schema => f.write_str("it cannot be held to a schema"),
            Self::Images => f.write_str("it sees no images"),
            Self::PriceUnknown => f.write_str("its price is not known, and a budget is set"),
            Self::Resting { wait_ms } => {
                write!(f, "it is left alone for {} s more", wait_ms.div_ceil(1_000))
            }
            Self::Failed { error } => write!(f, "it failed to {error}"),
        }
    }
}

#[cfg(test)]
mod tests;
