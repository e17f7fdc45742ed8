//! Results of build steps shared between machines: a client of the Remote Execution API's cache.
//!
//! The protocol is version 2 of the API at <https://github.com/bazelbuild/remote-apis>, of which only
//! the stores of actions and contents are used: nothing is ever executed elsewhere.
//!
//! Invariants: what a server says is never believed. A content comes back only if its digest is the
//! one that was asked for; whoever takes it in compares it with the digest of its own store, too.
//! A server that is away costs one time-out and nothing else.

mod action;
mod cache;
mod contents;
mod error;

pub use action::{Content, Shared};
pub use cache::{Address, SharedCache};
pub use error::{AddressError, SharedCacheError};
