//! The money of relayed requests: reserved before each is sent, settled after, kept for ever.

mod purses;

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use atelier_model::{MicroUsd, RelayRecord, Timestamp};

use self::purses::Purses;
pub use self::purses::{Budgets, OverBudget, Scope};
use crate::Store;

/// Why nothing was reserved.
#[derive(Debug, thiserror::Error)]
pub enum ReserveError {
    /// A budget does not cover it.
    #[error(transparent)]
    OverBudget(#[from] OverBudget),
}

/// The ledger of relayed requests. Cheap to clone.
#[derive(Debug, Clone)]
pub struct Ledger {
    inner: Arc<Inner>,
}

#[derive(Debug)]
struct Inner {
    store: Store,
    budgets: Budgets,
    purses: Mutex<Purses>,
}

/// Money reserved for one request. Whoever drops it unsettled has spent all of it: the provider may
/// charge for what was not read to its end.
#[derive(Debug)]
pub struct Reservation {
    ledger: Ledger,
    client: Option<String>,
    amount: MicroUsd,
    at: Timestamp,
}

impl Reservation {
    /// Makes two reservations of one request one.
    pub fn join(&mut self, more: Self) {
        self.amount = self.amount + more.amount;
    }
}

impl Ledger {
    /// The ledger of a store. Nothing is spent of the budgets but what is spent from now on.
    pub fn new(store: Store, budgets: Budgets) -> Self {
        Self {
            inner: Arc::new(Inner {
                store,
                budgets,
                purses: Mutex::default(),
            }),
        }
    }

    /// The state that it is kept in.
    pub fn store(&self) -> &Store {
        &self.inner.store
    }

    /// What may be spent by everyone together.
    pub fn budgets(&self) -> Budgets {
        self.inner.budgets
    }

    /// What is spent, with what is reserved for requests under way.
    pub fn taken(&self) -> MicroUsd {
        self.purses().taken()
    }

    /// Whether a client has anything left to spend.
    pub fn admit(&self, record: &RelayRecord, client: Budgets) -> Result<(), OverBudget> {
        match &record.client {
            Some(name) => self.purses().admit(name, client, record.at),
            None => Ok(()),
        }
    }

    /// Reserves the most that a request can cost, out of everyone's budgets and its client's.
    pub fn reserve(
        &self,
        record: &RelayRecord,
        client: Budgets,
    ) -> Result<Reservation, ReserveError> {
        let named = record.client.as_deref().map(|name| (name, client));
        let (needed, at) = (record.reserved, record.at);
        self.purses().take(needed, self.inner.budgets, named, at)?;
        Ok(Reservation {
            ledger: self.clone(),
            client: record.client.clone(),
            amount: needed,
            at,
        })
    }

    /// Keeps the end of a request, which had this money reserved.
    pub fn settle(&self, record: &RelayRecord, reservation: Option<Reservation>) {
        if let Some(reservation) = reservation {
            let left = reservation.amount.saturating_sub(record.cost);
            let client = reservation.client.as_deref();
            self.purses().give_back(left, client, reservation.at);
        }
    }

    /// The sums are changed in one step each, so no panic leaves them half changed.
    fn purses(&self) -> MutexGuard<'_, Purses> {
        self.inner
            .purses
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
    }
}
