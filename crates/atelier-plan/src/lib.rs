//! Requirement → design → plan → tasks.
//!
//! [`Draft`] asks the stages in order and returns a [`atelier_model::DevPlan`] that passed
//! [`lint`]; [`tasks`] turns its steps into tasks.
//!
//! Invariants: this crate decides order and judges plans; it knows nothing of HTTP, SQL, git or
//! processes.

mod change;
mod delta;
mod draft;
mod lint;
mod number;
mod stages;
mod tasks;

pub use change::{Changed, Wish, new_problems};
pub use delta::{DeltaError, Difference, StepName, apply, check_numbers, difference};
pub use draft::{Draft, DraftError, Drafted, Ground};
pub use lint::{Problem, executable, lint};
pub use stages::{STAGES, StageEntry};
pub use tasks::{step_task, task_step, tasks};
