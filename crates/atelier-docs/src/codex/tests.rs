//! What agents are read from files as, which rosters are refused, and the files they share.

#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

mod files;
mod roster;
