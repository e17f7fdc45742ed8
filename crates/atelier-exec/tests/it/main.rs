//! The sandbox through its real helper program: real processes, real kernel.
#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

mod bench;
mod confinement;
mod crew;
mod endings;
mod environment;
mod output;
mod requests;
mod starts;
mod strong;
