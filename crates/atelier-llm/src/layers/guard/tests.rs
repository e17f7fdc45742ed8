//! What the guard hides and restores, without a network.
#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

mod answer;
mod question;
mod strings;
