//! How often and how much a provider may be asked: pure state that is fed facts and the time.
//!
//! A [`Gate`](gate::Gate) holds what is known of one key and model, or of one line of the
//! configuration; the [`Turnstile`](turnstile::Turnstile) holds all gates and who waits before
//! them, in the order they came. Nothing here waits, reads a clock or sends.

pub(crate) mod contract;
pub(crate) mod gate;
pub(crate) mod measure;
pub(crate) mod meter;
pub(crate) mod rate;
pub(crate) mod told;
pub(crate) mod turnstile;
pub(crate) mod weights;

#[cfg(test)]
mod tests;
