//! Drives a run: plans, executes tasks, verifies, commits, documents and resumes.
//!
//! Start with [`build`] and [`resume`]; both take a [`Ctx`], which holds every door to the outside,
//! and return a [`Report`], whose [`Exit`] is the truth about the run.
//!
//! Invariants: the engine decides order; it holds no SQL, no HTTP, no parsing, and does not know
//! who watches: whoever does reads the event log. A model's word is never taken as proof.

mod agents;
mod approve;
mod build;
mod change;
mod checks;
mod commit;
mod conclude;
mod conduct;
mod context;
mod control;
mod ctx;
mod error;
mod estimate;
mod forecast;
mod form;
mod gc;
mod hidden;
mod inject;
mod kept;
mod lockfile;
mod oversee;
mod overview;
mod presence;
mod protect;
mod repeat;
mod replay;
mod report;
#[cfg(test)]
mod sample;
mod schedule;
mod sealed;
#[cfg(test)]
mod simulation;
mod summaries;
mod syntax;
mod task;
mod trace;
mod train;
mod trunk;
mod verdict;
mod verify;
mod work;

pub use agents::{Synced, task_sync};
pub use approve::{Answer, Approver, Question};
pub use build::{Begin, BuildRequest, Overrides, build, resume};
pub use change::{
    Adoption, ChangeEnd, ChangeError, ChangeRequest, Proposal, adopt, change, is_edition, propose,
    told,
};
pub use checks::{CheckSettings, Checks, OpenChecksError};
pub use control::{
    Command, CommandError, NoCriterion, Obeyed, TaskCommand, acceptance_changed, obey,
};
pub use ctx::Ctx;
pub use error::{BuildError, Exit, chain};
pub use estimate::{Estimate, StageEstimate, estimate};
pub use forecast::forecast;
pub use gc::{Freed, gc};
pub use inject::{NewTask, task_add};
pub use overview::{
    BudgetUse, ConfiguredBudgets, Overview, budgets_used, event_document, is_told, overview,
    run_document, run_forecast, task_help,
};
pub use replay::{
    Divergence, Overriding, PackError, Recorded, SeedError, Traced, go_on, pack, replay_gateway,
    replay_limits, seed, trailer,
};
pub use report::{Report, facts};
pub use trace::{
    AttemptWhy, Author, Chain, Link, TaskWhy, TraceError, authors, run_of, verify, why_task,
};
pub use verify::ChooseLevelError;
