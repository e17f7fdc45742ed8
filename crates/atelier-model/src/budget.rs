//! Budgets: what a run, a stage or a task may use up, and what it has used.

mod amount;

use std::fmt;

use serde::{Deserialize, Serialize};

use crate::MicroUsd;

/// Percents of a budget at which a person is told, once each.
pub const BUDGET_MARKS: [u64; 3] = [50, 80, 100];

/// What can be used up.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Resource {
    /// Millionths of a dollar.
    Usd,
    /// Tokens of prompts and answers, as the provider counts them.
    Tokens,
    /// Sendings to a provider.
    Calls,
    /// Milliseconds.
    Wall,
}

impl Resource {
    /// Each of them.
    pub const ALL: [Self; 4] = [Self::Usd, Self::Tokens, Self::Calls, Self::Wall];

    /// Its word, as in `[budget]`.
    pub fn name(self) -> &'static str {
        match self {
            Self::Usd => "usd",
            Self::Tokens => "tokens",
            Self::Calls => "calls",
            Self::Wall => "wall",
        }
    }

    /// An amount of it in the words of a person.
    pub fn in_words(self, amount: u64) -> String {
        match self {
            Self::Usd => MicroUsd(amount).to_string(),
            Self::Tokens => format!("{amount} tokens"),
            Self::Calls if amount == 1 => "1 call".to_owned(),
            Self::Calls => format!("{amount} calls"),
            Self::Wall => duration(amount),
        }
    }
}

impl fmt::Display for Resource {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

/// Milliseconds as `1h 05m`, `5m 03s` or `2.5s`.
fn duration(ms: u64) -> String {
    let seconds = ms / 1_000;
    match (seconds / 3_600, seconds / 60 % 60, seconds % 60) {
        (0, 0, _) => format!("{seconds}.{}s", ms % 1_000 / 100),
        (0, minutes, seconds) => format!("{minutes}m {seconds:02}s"),
        (hours, minutes, _) => format!("{hours}h {minutes:02}m"),
    }
}

/// What may be used up; `None` is without end.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Budget {
    /// Money.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub usd: Option<MicroUsd>,
    /// Tokens of prompts and answers together.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub tokens: Option<u64>,
    /// Sendings to a provider.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub calls: Option<u64>,
    /// Milliseconds of work.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub wall_ms: Option<u64>,
}

impl Budget {
    /// A budget of money alone.
    pub fn of_usd(usd: Option<MicroUsd>) -> Self {
        Self {
            usd,
            ..Self::default()
        }
    }

    /// Whether there is no end at all.
    pub fn is_none(&self) -> bool {
        *self == Self::default()
    }

    /// How much there is of something.
    pub fn limit(&self, resource: Resource) -> Option<u64> {
        match resource {
            Resource::Usd => self.usd.map(|usd| usd.0),
            Resource::Tokens => self.tokens,
            Resource::Calls => self.calls,
            Resource::Wall => self.wall_ms,
        }
    }

    /// The same with another limit of something.
    #[must_use]
    pub fn with(mut self, resource: Resource, limit: Option<u64>) -> Self {
        match resource {
            Resource::Usd => self.usd = limit.map(MicroUsd),
            Resource::Tokens => self.tokens = limit,
            Resource::Calls => self.calls = limit,
            Resource::Wall => self.wall_ms = limit,
        }
        self
    }

    /// These limits, and another budget's where this one has none.
    #[must_use]
    pub fn or(self, other: Self) -> Self {
        Self {
            usd: self.usd.or(other.usd),
            tokens: self.tokens.or(other.tokens),
            calls: self.calls.or(other.calls),
            wall_ms: self.wall_ms.or(other.wall_ms),
        }
    }
}

/// What is used up. What is reserved counts as used.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct Used {
    /// Money.
    pub usd: MicroUsd,
    /// Tokens.
    pub tokens: u64,
    /// Sendings.
    pub calls: u64,
    /// Milliseconds.
    pub wall_ms: u64,
}

impl Used {
    /// How much of something is used.
    pub fn of(&self, resource: Resource) -> u64 {
        match resource {
            Resource::Usd => self.usd.0,
            Resource::Tokens => self.tokens,
            Resource::Calls => self.calls,
            Resource::Wall => self.wall_ms,
        }
    }
}

/// Money and tokens of one sending.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Amount {
    /// Money.
    pub usd: MicroUsd,
    /// Tokens.
    pub tokens: u64,
}

impl From<MicroUsd> for Amount {
    fn from(usd: MicroUsd) -> Self {
        Self { usd, tokens: 0 }
    }
}

/// A new limit, or how much more than before.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Bound {
    /// This much in all.
    At(u64),
    /// This much more than the limit, or than what is used where there is none.
    More(u64),
}

/// What a person changes of a budget; what is not named stays.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(default)]
pub struct BudgetChange {
    /// Money.
    pub usd: Option<Bound>,
    /// Tokens.
    pub tokens: Option<Bound>,
    /// Sendings.
    pub calls: Option<Bound>,
    /// Milliseconds.
    pub wall_ms: Option<Bound>,
}

impl BudgetChange {
    /// Whether nothing is changed.
    pub fn is_none(&self) -> bool {
        *self == Self::default()
    }

    /// This change, and another where this one changes nothing.
    #[must_use]
    pub fn or(self, other: Self) -> Self {
        Self {
            usd: self.usd.or(other.usd),
            tokens: self.tokens.or(other.tokens),
            calls: self.calls.or(other.calls),
            wall_ms: self.wall_ms.or(other.wall_ms),
        }
    }

    /// The change of something.
    fn of(&self, resource: Resource) -> Option<Bound> {
        match resource {
            Resource::Usd => self.usd,
            Resource::Tokens => self.tokens,
            Resource::Calls => self.calls,
            Resource::Wall => self.wall_ms,
        }
    }

    /// The budget after the change.
    pub fn apply(&self, budget: Budget, used: Used) -> Budget {
        Resource::ALL.into_iter().fold(budget, |budget, resource| {
            let before = budget.limit(resource);
            let after = match self.of(resource) {
                None => before,
                Some(Bound::At(limit)) => Some(limit),
                Some(Bound::More(more)) => {
                    let from = before.unwrap_or_else(|| used.of(resource));
                    Some(from.saturating_add(more))
                }
            };
            budget.with(resource, after)
        })
    }
}

impl From<Budget> for BudgetChange {
    fn from(budget: Budget) -> Self {
        Self {
            usd: budget.usd.map(|usd| Bound::At(usd.0)),
            tokens: budget.tokens.map(Bound::At),
            calls: budget.calls.map(Bound::At),
            wall_ms: budget.wall_ms.map(Bound::At),
        }
    }
}

/// The marks that are passed when a limit is used this far, lowest first.
pub fn marks_passed(used: u64, limit: u64) -> impl Iterator<Item = u64> {
    let reached = move |mark: &u64| {
        u128::from(used) * 100 >= u128::from(limit) * u128::from(*mark) && used > 0
    };
    BUDGET_MARKS.into_iter().filter(reached)
}

#[cfg(test)]
mod tests;
