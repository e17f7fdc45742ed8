//! Tests of the gateway as a whole, against a scripted server on a real socket.
#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]
#![expect(
    clippy::disallowed_methods,
    reason = "a test reads its fixtures and runs its own servers"
)]

mod ask;
mod bills;
mod breaker;
mod budget;
mod discover;
mod embed;
mod flight;
mod guard;
mod hedge;
mod keys;
mod limits;
mod partials;
mod prices;
mod registry;
mod relay;
mod requests;
mod retry;
mod routes;
mod routing;
mod routing_relayed;
mod semantic;
mod server;
pub(crate) mod world;
