//! What may be spent on the requests of other programs, reserved before each is sent.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use atelier_model::MicroUsd;

/// The money of a relay: what is spent and reserved together never exceeds the budget.
#[derive(Debug, Default)]
pub(crate) struct Purse {
    budget: Option<MicroUsd>,
    /// Spent or reserved.
    taken: Mutex<MicroUsd>,
}

/// Why nothing was reserved.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("keep to the budget of {budget}: {taken} is spent or reserved and this may cost {needed}")]
pub(crate) struct PurseError {
    budget: MicroUsd,
    taken: MicroUsd,
    needed: MicroUsd,
}

/// Money reserved for one request. Whoever drops it without settling has spent all of it: the
/// provider may charge for what was not read to its end.
#[derive(Debug)]
pub(crate) struct Reservation {
    purse: Arc<Purse>,
    amount: MicroUsd,
}

impl Purse {
    /// A purse with so much in it; `None` is without end.
    pub(crate) fn new(budget: Option<MicroUsd>) -> Self {
        Self {
            budget,
            taken: Mutex::default(),
        }
    }

    /// Whether there is an end.
    pub(crate) fn is_bounded(&self) -> bool {
        self.budget.is_some()
    }

    /// What is spent or reserved.
    pub(crate) fn taken(&self) -> MicroUsd {
        *self.lock()
    }

    /// Reserves the most that a request can cost.
    pub(crate) fn reserve(self: &Arc<Self>, needed: MicroUsd) -> Result<Reservation, PurseError> {
        let mut taken = self.lock();
        let after = MicroUsd(taken.0.saturating_add(needed.0));
        if let Some(budget) = self.budget.filter(|budget| after > *budget) {
            return Err(PurseError {
                budget,
                taken: *taken,
                needed,
            });
        }
        *taken = after;
        Ok(Reservation {
            purse: Arc::clone(self),
            amount: needed,
        })
    }

    /// The amount is one number, so no panic leaves it half written.
    fn lock(&self) -> MutexGuard<'_, MicroUsd> {
        self.taken.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Reservation {
    /// What is left over goes back.
    pub(crate) fn settle(self, cost: MicroUsd) {
        let mut taken = self.purse.lock();
        *taken = MicroUsd(taken.0.saturating_sub(self.amount.0).saturating_add(cost.0));
    }
}
