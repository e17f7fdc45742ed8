//! What is spent or reserved, by whom and on which day.

use std::collections::BTreeMap;

use atelier_model::{MicroUsd, Timestamp};

/// Milliseconds of a day.
pub(crate) const DAY_MS: i64 = 86_400_000;

/// What may be spent; `None` is without end.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Budgets {
    /// In all.
    pub total: Option<MicroUsd>,
    /// On one day, which begins at midnight UTC.
    pub day: Option<MicroUsd>,
}

impl Budgets {
    /// Whether there is any end.
    pub fn are_none(&self) -> bool {
        self.total.is_none() && self.day.is_none()
    }
}

/// Whose budget it is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Scope {
    /// All asks of a run.
    Run,
    /// Those of one stage.
    Stage,
    /// Those of one task.
    Task,
    /// All relayed requests.
    Everyone,
    /// All relayed requests of one day.
    EveryoneDay,
    /// One client's.
    Client,
    /// One client's of one day.
    ClientDay,
}

impl Scope {
    /// How it is called on record.
    pub fn word(self) -> &'static str {
        match self {
            Self::Run => "run",
            Self::Stage => "stage",
            Self::Task => "task",
            Self::Everyone => "everyone",
            Self::EveryoneDay => "day",
            Self::Client => "key",
            Self::ClientDay => "key-day",
        }
    }

    /// How it is called in messages.
    pub fn name(self) -> &'static str {
        match self {
            Self::Run | Self::Everyone => "budget",
            Self::Stage => "budget of the stage",
            Self::Task => "budget of the task",
            Self::EveryoneDay => "daily budget",
            Self::Client => "budget of this key",
            Self::ClientDay => "daily budget of this key",
        }
    }
}

/// Why nothing was reserved.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error(
    "keep to the {} of {budget}: {taken} is spent or reserved and this may cost {needed}",
    .scope.name()
)]
pub struct OverBudget {
    /// Whose budget does not cover it.
    pub scope: Scope,
    /// The budget.
    pub budget: MicroUsd,
    /// What is spent or reserved.
    pub taken: MicroUsd,
    /// What was asked for.
    pub needed: MicroUsd,
}

/// One sum that only grows while its day lasts.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(crate) struct Purse {
    total: MicroUsd,
    day: i64,
    today: MicroUsd,
}

impl Purse {
    /// A purse out of which this was taken before.
    pub(crate) fn with(total: MicroUsd, today: MicroUsd, at: Timestamp) -> Self {
        Self {
            total,
            day: day(at),
            today,
        }
    }

    /// What was taken in all, and on the day of this instant.
    fn taken(&self, day: i64) -> (MicroUsd, MicroUsd) {
        let today = if self.day == day {
            self.today
        } else {
            MicroUsd::ZERO
        };
        (self.total, today)
    }

    fn take(&mut self, amount: MicroUsd, day: i64) {
        self.total = self.total + amount;
        if self.day < day {
            self.day = day;
            self.today = MicroUsd::ZERO;
        }
        if self.day == day {
            self.today = self.today + amount;
        }
    }

    fn give_back(&mut self, amount: MicroUsd, day: i64) {
        self.total = self.total.saturating_sub(amount);
        if self.day == day {
            self.today = self.today.saturating_sub(amount);
        }
    }
}

/// Everybody's purse and that of each client.
#[derive(Debug, Default)]
pub(crate) struct Purses {
    /// What everyone may spend together.
    budgets: Budgets,
    everyone: Purse,
    /// What batches take out of everyone's budget, by the number of the day.
    batches: BTreeMap<i64, MicroUsd>,
    clients: BTreeMap<String, Purse>,
}

impl Purses {
    /// Purses out of which so much was taken before.
    pub(crate) fn with(
        budgets: Budgets,
        everyone: Purse,
        clients: BTreeMap<String, Purse>,
    ) -> Self {
        Self {
            budgets,
            everyone,
            batches: BTreeMap::new(),
            clients,
        }
    }

    /// Notes what batches take on the newest days.
    pub(crate) fn set_batches(&mut self, batches: BTreeMap<i64, MicroUsd>) {
        self.batches = batches;
    }

    /// What everyone may spend together.
    pub(crate) fn budgets(&self) -> Budgets {
        self.budgets
    }

    /// Lets everyone spend more or less.
    pub(crate) fn set_budgets(&mut self, budgets: Budgets) {
        self.budgets = budgets;
    }

    /// What everybody has spent or reserved.
    pub(crate) fn taken(&self) -> MicroUsd {
        self.everyone.total
    }

    /// Whether anything is left of a client's budgets.
    pub(crate) fn admit(
        &self,
        client: &str,
        budgets: Budgets,
        at: Timestamp,
    ) -> Result<(), OverBudget> {
        let purse = self.clients.get(client).copied().unwrap_or_default();
        let least = MicroUsd(1);
        covers(
            purse.taken(day(at)),
            least,
            budgets,
            (Scope::Client, Scope::ClientDay),
        )
    }

    /// Takes an amount out of every purse that it concerns, or out of none.
    pub(crate) fn take(
        &mut self,
        needed: MicroUsd,
        client: Option<(&str, Budgets)>,
        at: Timestamp,
    ) -> Result<(), OverBudget> {
        let day = day(at);
        let (total, today) = self.everyone.taken(day);
        let batches = self.batches.get(&day).copied().unwrap_or_default();
        covers(
            (total, today + batches),
            needed,
            self.budgets,
            (Scope::Everyone, Scope::EveryoneDay),
        )?;
        if let Some((name, budgets)) = client {
            let purse = self.clients.get(name).copied().unwrap_or_default();
            let scopes = (Scope::Client, Scope::ClientDay);
            covers(purse.taken(day), needed, budgets, scopes)?;
            if let Some(purse) = self.clients.get_mut(name) {
                purse.take(needed, day);
            } else {
                let mut purse = Purse::default();
                purse.take(needed, day);
                self.clients.insert(name.to_owned(), purse);
            }
        }
        self.everyone.take(needed, day);
        Ok(())
    }

    /// Takes what a request has cost beyond what was reserved for it. It is spent, whatever the
    /// budgets say, and leaves less to those that follow.
    pub(crate) fn overdraw(&mut self, amount: MicroUsd, client: Option<&str>, at: Timestamp) {
        let day = day(at);
        self.everyone.take(amount, day);
        if let Some(purse) = client.and_then(|name| self.clients.get_mut(name)) {
            purse.take(amount, day);
        }
    }

    /// Puts back what was taken at an instant and not spent.
    pub(crate) fn give_back(&mut self, amount: MicroUsd, client: Option<&str>, at: Timestamp) {
        let day = day(at);
        self.everyone.give_back(amount, day);
        if let Some(purse) = client.and_then(|name| self.clients.get_mut(name)) {
            purse.give_back(amount, day);
        }
    }
}

/// The number of the day of an instant.
pub(crate) fn day(at: Timestamp) -> i64 {
    at.millis().div_euclid(DAY_MS)
}

/// The first instant of the day of an instant.
pub(crate) fn midnight(at: Timestamp) -> Timestamp {
    Timestamp::from_millis(day(at).saturating_mul(DAY_MS))
}

fn covers(
    (total, today): (MicroUsd, MicroUsd),
    needed: MicroUsd,
    budgets: Budgets,
    (all, daily): (Scope, Scope),
) -> Result<(), OverBudget> {
    let pairs = [(all, budgets.total, total), (daily, budgets.day, today)];
    for (scope, budget, taken) in pairs {
        if let Some(budget) = budget.filter(|budget| taken + needed > *budget) {
            return Err(OverBudget {
                scope,
                budget,
                taken,
                needed,
            });
        }
    }
    Ok(())
}
