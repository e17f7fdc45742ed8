//! The real program from outside: a throwaway home, real git, real toolchains, stand-in models.

#![expect(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::disallowed_methods,
    reason = "a test fails by panicking, and stands outside the program it tests"
)]

mod budget;
mod failures;
mod killed;
mod offline;
mod requirements;
mod unchanged;
mod world;
