//! Limits kept against stand-ins that enforce the vendors' contracts, on a clock of their own.
#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

mod crowd;
mod gates;
mod headers;
mod meters;
mod vendors;
