//! State, events and replies on disk; all SQL of the house is here.
//!
//! Start with [`Store`]: it is opened on a project's `.atelier` folder and cloned freely. Every
//! method that changes state is one transaction with its events inside, so whoever reads the
//! event log sees exactly what the tables say. Each process that works is a [`Worker`]; what only one
//! may do at a time has a [`Lease`], and [`Store::under`] makes every change depend on one.
//!
//! ```no_run
//! use atelier_model::{Run, RunFact, Timestamp};
//! use atelier_store::{Store, StoreError};
//!
//! /// Goes on with a run whose process died. The caller holds the lease of its conduct.
//! async fn resume(store: &Store, run: &Run, at: Timestamp) -> Result<(), StoreError> {
//!     store.asks_recover(&run.id, at).await?;
//!     store.tasks_recover(&run.id, at).await?;
//!     store.run_advance(&run.id, RunFact::ResumedRunning, at).await?;
//!     Ok(())
//! }
//! ```
//!
//! Invariants: this crate reads no clock, makes no identifier and no random choice (callers bring
//! instants and ids), starts no process, and lets no row type out. Statuses are written through
//! the state machines of the model alone.

mod column;
mod error;
mod ledger;
mod lock;
mod notary;
mod notes;
mod open;
mod queries;
mod store;
mod write;

#[cfg(test)]
mod tests;

pub use error::StoreError;
pub use ledger::{Budgets, Ledger, LedgerError, OverBudget, Reservation, ReserveError, Scope};
pub use lock::LockError;
pub use notary::{AuditTrust, Notary, NotaryError, SEED_BYTES};
pub use open::OpenError;
pub use queries::acts::AttemptRound;
pub use queries::answers::StoredAnswer;
pub use queries::archive::ArchivedAnswer;
pub use queries::asks::{AskBeginError, Broken, RunCost, StageCost};
pub use queries::audit::AuditRow;
pub use queries::batches::{Batch, BatchBegun, BatchState};
pub use queries::budgets::{RunBudgets, RunProgress, RunUse};
pub use queries::calls::{ModelQuality, PastCall};
pub use queries::changes::{Amendment, ChangeRecord};
pub use queries::claims::{Choice, Claim, TaskMoves};
pub use queries::controls::{
    AnsweredQuestion, ControlError, OpenQuestion, QuestionKind, Rest, RunPulse, TaskEdit, TaskTerms,
};
pub use queries::documents::DocumentRow;
pub use queries::events::ChainError;
pub use queries::leases::{LEASE_MS, Lease, Worker, WorkerError};
pub use queries::overview::TaskLine;
pub use queries::relays::RelaySpend;
pub use queries::semantic::{SemanticCheck, SemanticQuestion, SemanticTotals};
pub use queries::spend::Spend;
pub use queries::tasks::{TaskName, TaskOutline};
pub use queries::trunk::{TrunkMove, TrunkPoint};
pub use store::Store;
