//! The service without its process: everything here is tested without starting one.

pub mod http;
pub mod json;
pub mod router;
pub mod server;
pub mod signal;

/// The service's name.
pub const NAME: &str = env!("CARGO_PKG_NAME");

/// The service's version.
pub const VERSION: &str = env!("CARGO_PKG_VERSION");

/// One line that says what the service is for.
pub const SUMMARY: &str = env!("CARGO_PKG_DESCRIPTION");
