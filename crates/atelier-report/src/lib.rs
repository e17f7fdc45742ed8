//! What a run came to, as one value and in the four forms people and programs read it.
//!
//! [`RunReport::of`] makes the report out of [`Facts`]; [`text`], [`markdown`] and [`page`] render it,
//! and its own JSON form is described by [`RunReport::schema`].
//!
//! Invariants: nothing is said here that the facts do not hold; every list has a named maximum, and
//! what a maximum left out is counted. This crate opens no file and reads no clock: the same facts
//! give the same bytes.

mod compose;
mod facts;
mod markdown;
mod page;
mod report;
mod text;
mod words;

pub use facts::{Advice, AskFact, Facts, Finding, Pipeline, Silent, Size};
pub use markdown::markdown;
pub use page::page;
pub use report::{
    Absence, Budgeted, Cache, Criterion, Delivery, Estimated, Evidence, Hint, Link, Load, ModelUse,
    Need, Note, Outcome, Pauses, Remark, Requirement, Retry, RunReport, Span, TaskLine, Timeline,
    Times, Tokens, Totals, Verdict, Workflow,
};
pub use text::{Mark, text};
pub use words::{count, duration, money};

#[cfg(test)]
mod sample;
#[cfg(test)]
mod tests;
