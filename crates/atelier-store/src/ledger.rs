//! The money of relayed requests: reserved before each is sent, settled after, kept for ever.
//!
//! Sums are kept in memory and every change is one line in a journal, so that no request waits for
//! the database; [`Ledger::keep`] folds the journal into it. What a process that died has left is
//! folded by the next one, and a reservation without an end counts as spent.

mod answers;
mod journal;
mod living;
mod partials;
mod purses;

use std::{
    collections::BTreeMap,
    io,
    path::PathBuf,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::Duration,
};

use atelier_model::{Digest, MicroUsd, RelayRecord, Timestamp};
use tokio::{sync::Mutex as Turn, time::sleep};

pub use self::purses::{Budgets, OverBudget, Scope};
pub(crate) use self::purses::{DAY_MS, midnight};
use self::{
    answers::Answers,
    journal::{Chunk, Folded, Journal},
    partials::Partials,
    purses::{Purse, Purses},
};
use crate::{
    LockError, Store, StoreError, StoredAnswer,
    lock::{self, FileLock},
    queries::relays::ClientSpend,
};

/// Milliseconds between two foldings of the journal.
const FOLD_MS: u64 = 250;

/// Foldings between two looks at the money of batches: a second.
const FOLDS_A_LOOK: u64 = 4;

/// Transactions of one turn of forgetting.
const FORGETTINGS_MAX: u32 = 1_000;

/// The folder of the journal, in that of the state.
const FOLDER: &str = "relays";

/// Why a ledger cannot be kept.
#[derive(Debug, thiserror::Error)]
pub enum LedgerError {
    /// Another process keeps it: both would spend the same budget.
    #[error("keep the ledger of relayed requests")]
    Lock(#[source] LockError),
    /// The journal cannot be read or written.
    #[error("use the journal in {}", .path.display())]
    Journal {
        /// Its folder.
        path: PathBuf,
        /// What the system said.
        #[source]
        source: io::Error,
    },
    /// The database cannot be used.
    #[error(transparent)]
    Store(#[from] StoreError),
}

/// Why nothing was reserved.
#[derive(Debug, thiserror::Error)]
pub enum ReserveError {
    /// A budget does not cover it.
    #[error(transparent)]
    OverBudget(#[from] OverBudget),
    /// What is not written down cannot be spent.
    #[error("write the reservation down")]
    Journal(#[source] io::Error),
}

/// The ledger of relayed requests. Cheap to clone.
#[derive(Debug, Clone)]
pub struct Ledger {
    inner: Arc<Inner>,
}

#[derive(Debug)]
struct Inner {
    store: Store,
    purses: Mutex<Purses>,
    journal: Journal,
    answers: Answers,
    partials: Partials,
    folded: Turn<Folded>,
    dir: PathBuf,
    /// Whoever keeps it keeps it alone.
    _lock: Option<FileLock>,
}

/// Money reserved for one request. Whoever drops it unsettled has spent all of it: the provider may
/// charge for what was not read to its end.
#[derive(Debug)]
#[must_use = "what is reserved and not settled is spent"]
pub struct Reservation {
    client: Option<String>,
    amount: MicroUsd,
    at: Timestamp,
}

impl Reservation {
    /// Makes two reservations of one request one.
    pub fn join(self, more: Self) -> Self {
        let amount = self.amount + more.amount;
        Self { amount, ..more }
    }
}

impl Ledger {
    /// Opens the ledger of a store, after what dead processes have left in it was folded. Of the
    /// budget of everyone in total, only what is spent from now on counts.
    pub async fn open(store: &Store, budgets: Budgets, at: Timestamp) -> Result<Self, LedgerError> {
        let folder = store.folder().map(|folder| folder.join(FOLDER));
        let dir = folder.clone().unwrap_or_default();
        let failed = |source| LedgerError::Journal {
            path: dir.clone(),
            source,
        };
        let (journal, lock) = match &folder {
            None => (Journal::in_memory().map_err(failed)?, None),
            Some(dir) => {
                std::fs::create_dir_all(dir).map_err(failed)?;
                let lock = lock::on_disk(&dir.join("lock")).map_err(LedgerError::Lock)?;
                recover(store, dir).await?;
                (Journal::in_folder(dir).map_err(failed)?, Some(lock))
            }
        };
        let purses = purses(store, budgets, at).await?;
        Ok(Self {
            inner: Arc::new(Inner {
                store: store.clone(),
                purses: Mutex::new(purses),
                journal,
                answers: Answers::of(store).await?,
                partials: Partials::default(),
                folded: Turn::default(),
                dir,
                _lock: lock,
            }),
        })
    }

    /// Folds what dead processes have left in a store. Where a living one keeps the ledger, that
    /// one does it, and is given a moment for what it has settled by now.
    pub async fn recover(store: &Store) -> Result<(), LedgerError> {
        let Some(dir) = store.folder().map(|folder| folder.join(FOLDER)) else {
            return Ok(());
        };
        if !dir.exists() {
            return Ok(());
        }
        match lock::on_disk(&dir.join("lock")) {
            Ok(_lock) => recover(store, &dir).await,
            Err(LockError::Held { .. }) => Ok(living::folded(store, &dir).await?),
            Err(error @ LockError::File { .. }) => Err(LedgerError::Lock(error)),
        }
    }

    /// The state that it is kept in.
    pub fn store(&self) -> &Store {
        &self.inner.store
    }

    /// What may be spent by everyone together.
    pub fn budgets(&self) -> Budgets {
        self.purses().budgets()
    }

    /// Lets everyone together spend more or less from now on.
    pub fn set_budgets(&self, budgets: Budgets) {
        self.purses().set_budgets(budgets);
    }

    /// What is spent since it was opened, with what is reserved for requests under way.
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
        self.purses().take(needed, named, at)?;
        if needed > MicroUsd::ZERO
            && let Err(error) = self.inner.journal.reserved(record)
        {
            let client = record.client.as_deref();
            self.purses().give_back(needed, client, at);
            return Err(ReserveError::Journal(error));
        }
        Ok(Reservation {
            client: record.client.clone(),
            amount: needed,
            at,
        })
    }

    /// Keeps the end of a request, which had this money reserved.
    pub fn settle(
        &self,
        record: &RelayRecord,
        reservation: Option<Reservation>,
    ) -> Result<(), LedgerError> {
        // The line comes first: money that is given back and not written down could be spent twice.
        let written = self.inner.journal.settled(record);
        written.map_err(|source| self.failed(source))?;
        if let Some(reservation) = reservation {
            let left = reservation.amount.saturating_sub(record.cost);
            // Providers count pictures and thoughts as they like, also beyond the most there was.
            let over = record.cost.saturating_sub(reservation.amount);
            let client = reservation.client.as_deref();
            let mut purses = self.purses();
            purses.give_back(left, client, reservation.at);
            purses.overdraw(over, client, reservation.at);
        }
        Ok(())
    }

    /// The answer that a request was given before.
    pub async fn answer(
        &self,
        key: &Digest,
        now: Timestamp,
    ) -> Result<Option<StoredAnswer>, StoreError> {
        let Inner { store, answers, .. } = &*self.inner;
        answers.find(store, key, now).await
    }

    /// Keeps a complete answer for whoever asks the same again. It is not money: what a process
    /// that is killed has not folded yet is asked for once more.
    pub fn answer_keep(&self, key: Digest, answer: StoredAnswer) {
        self.inner.answers.keep(key, answer);
    }

    /// Keeps what had come of an answer that broke off, and returns the digest that it is found by;
    /// `None` where too much of that waits already. Its record is settled after this.
    pub fn partial_keep(&self, content: Vec<u8>, at: Timestamp) -> Option<Digest> {
        self.inner.partials.keep(content, at)
    }

    /// Folds the journal into the database again and again, and once more when it is told to stop.
    /// What could not be folded is tried again, and why is told once until it works again; after the
    /// last time it stays for the next process.
    pub async fn keep(
        &self,
        stop: impl Future<Output = ()>,
        mut told: impl FnMut(&LedgerError),
    ) -> Result<(), LedgerError> {
        let mut stop = std::pin::pin!(stop);
        let mut is_told = false;
        let mut folds: u64 = 0;
        loop {
            tokio::select! {
                () = &mut stop => break,
                () = sleep(Duration::from_millis(FOLD_MS)) => {}
            }
            // The journal has it, so nothing is lost by waiting for the next time.
            folds += 1;
            let mut folded = self.fold().await;
            if folded.is_ok() && folds.is_multiple_of(FOLDS_A_LOOK) {
                folded = self.look().await;
            }
            if let (Err(error), false) = (&folded, is_told) {
                told(error);
            }
            is_told = folded.is_err();
        }
        self.fold().await?;
        let folded = self.inner.folded.lock().await;
        let closed = self.inner.journal.close(&folded);
        closed.map_err(|source| self.failed(source))
    }

    /// Looks at what batches, which other processes send, take out of everyone's budget of the day.
    async fn look(&self) -> Result<(), LedgerError> {
        let batches = self.inner.store.batch_days().await?;
        self.purses().set_batches(batches);
        Ok(())
    }

    /// Folds everything that the journal has into the database. What comes meanwhile waits for the
    /// next time: a transaction for the few requests that end during another one would cost many
    /// times what they do together.
    pub async fn fold(&self) -> Result<(), LedgerError> {
        let mut folded = self.inner.folded.lock().await;
        let end = self.inner.journal.end();
        // Whoever finds a record finds what it names.
        self.inner.partials.fold(&self.inner.store).await?;
        while folded.place() < end
            && let Some(chunk) = self.next_chunk(&mut folded).await?
        {
            if folded.begin() {
                let settled = chunk.settled.clone();
                self.inner.store.relays_put_missing(settled).await?;
            } else {
                self.inner.store.relays_put(&chunk.settled).await?;
            }
            Journal::folded(chunk, &mut folded);
        }
        // What was noted beside the requests, such as clients that were turned away.
        self.inner.store.audit_flush().await?;
        Ok(self.inner.answers.fold(&self.inner.store).await?)
    }

    /// Lets the days before that of an instant go: of relayed requests the sums by day stay, of
    /// answers that broke off nothing does. Returns how many requests were folded; what one turn
    /// leaves is for the next.
    pub async fn forget(&self, before: Timestamp) -> Result<u64, LedgerError> {
        // Where the journal has a request still, the next process would take it for one that is
        // missing.
        self.inner
            .journal
            .turn()
            .map_err(|source| self.failed(source))?;
        self.fold().await?;
        let mut gone = 0;
        for _ in 0..FORGETTINGS_MAX {
            let rows = self.inner.store.relays_fold(before).await?;
            gone += rows;
            let partials = self.inner.store.partials_remove(before).await?;
            if rows == 0 && partials == 0 {
                break;
            }
        }
        Ok(gone)
    }

    /// Reads the journal where nobody waits for it.
    async fn next_chunk(&self, folded: &mut Folded) -> Result<Option<Chunk>, LedgerError> {
        let shed = self.inner.journal.shed(folded);
        shed.map_err(|source| self.failed(source))?;
        let (inner, place) = (Arc::clone(&self.inner), folded.place());
        let reading = tokio::task::spawn_blocking(move || inner.journal.next(place));
        let chunk = reading.await.map_err(io::Error::other).flatten();
        chunk.map_err(|source| self.failed(source))
    }

    fn failed(&self, source: io::Error) -> LedgerError {
        LedgerError::Journal {
            path: self.inner.dir.clone(),
            source,
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

/// Folds what is left in a folder whose lock is held.
async fn recover(store: &Store, dir: &std::path::Path) -> Result<(), LedgerError> {
    let failed = |source| LedgerError::Journal {
        path: dir.to_owned(),
        source,
    };
    let left = journal::left_behind(dir).map_err(failed)?;
    store.relays_put_missing(left).await?;
    journal::forget(dir).map_err(failed)
}

/// The purses as they stand at the beginning.
async fn purses(store: &Store, budgets: Budgets, at: Timestamp) -> Result<Purses, StoreError> {
    let spent = store.relay_client_spend(midnight(at)).await?;
    let today: MicroUsd = spent.iter().map(|one| one.today).sum();
    let mut clients = BTreeMap::new();
    for ClientSpend {
        client,
        total,
        today,
    } in spent
    {
        if let Some(client) = client {
            clients.insert(client, Purse::with(total, today, at));
        }
    }
    let everyone = Purse::with(MicroUsd::ZERO, today, at);
    let mut purses = Purses::with(budgets, everyone, clients);
    purses.set_batches(store.batch_days().await?);
    Ok(purses)
}

#[cfg(test)]
mod tests;
