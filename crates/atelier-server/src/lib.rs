//! The doors through which other programs come in: the gateway and the runs over HTTP.
//!
//! [`Server::bind`] takes a port, [`Server::run`] answers on it until it is told to stop. Programs
//! that speak to OpenAI, Anthropic or Gemini name it as their base URL; every request goes through
//! a [`Relay`](atelier_llm::Relay).
//!
//! Where it stands in a project, it also tells of the [runs](Runs) there and lets them be steered.
//!
//! Invariants: nobody without a key is answered where keys are set; every body, connection and wait
//! has a bound; this crate knows no dialect and no provider.

mod admin;
mod door;
mod keys;
mod request;
mod runs;
mod server;

#[cfg(test)]
mod tests;

pub use keys::Keys;
pub use runs::Runs;
pub use server::{Bounds, Server, ServerError};
