//! The doors through which other programs come in: the gateway over HTTP.
//!
//! [`Server::bind`] takes a port, [`Server::run`] answers on it until it is told to stop. Programs
//! that speak to OpenAI, Anthropic or Gemini name it as their base URL; every request goes through
//! a [`Relay`](atelier_llm::Relay).
//!
//! Invariants: nobody without a key is answered where keys are set; every body, connection and wait
//! has a bound; this crate knows no dialect and no provider.

mod admin;
mod door;
mod keys;
mod request;
mod server;

#[cfg(test)]
mod tests;

pub use keys::Keys;
pub use server::{Bounds, Server, ServerError};
