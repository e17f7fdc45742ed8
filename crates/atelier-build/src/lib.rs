//! Drives build steps: examined by content, executed in the sandbox, kept for the next time.
//!
//! A [`Project`] is what there is to do, a [`Workshop`] holds every door to the outside, and
//! [`check`] brings a choice of steps to their end and says what became of each.
//!
//! Invariants: a step's result is used again only under the key of everything that went into it, and
//! only after what it made was found to stand or was restored; a failure and a success on another
//! try are kept for explanation and never used. What to do next is decided in `atelier-step`.

mod check;
mod examine;
mod execute;
mod judge;
mod junit;
mod look;
mod made;
mod narrow;
mod page;
mod plan;
mod project;
mod report;
mod retire;
mod run;
mod settle;
mod shared;
mod standing;
mod why;
mod workshop;

pub use check::{CheckError, Choice, Progress, check, check_after};
pub use narrow::{Ahead, Narrow, Narrowed, Nearly};
pub use plan::Plan;
pub use project::{Project, ProjectError};
pub use report::{CheckReport, Ended, StepReport};
pub use shared::Sharing;
pub use standing::{Glance, standing};
pub use why::{LastRun, Now, WhyReport, why};
pub use workshop::Workshop;
