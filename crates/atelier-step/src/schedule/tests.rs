//! Runs on a clock of their own: what is ordered when, how close to the best possible time, and that
//! nothing is ever exceeded, forgotten or begun twice.

#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

mod makespan;
mod rules;
mod simulation;
