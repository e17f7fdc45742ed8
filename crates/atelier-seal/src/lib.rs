//! Secrets, and the sealing of what must not lie open on a disk.
//!
//! [`Secret`] is a text that is shown to nobody. [`SealKey`] seals bytes so that only its holder
//! reads them, and only under the label they were sealed with: [`seal`] and [`unseal`] for what
//! changes, [`seal_content`] and [`unseal_content`] for what is kept under its digest. An
//! [`Envelope`] gives every secret a key of its own, which is itself sealed with the master key.
//!
//! Everything sealed is ChaCha20-Poly1305 (RFC 8439), which needs no special processor to be fast
//! and to take the same time for every key.
//!
//! Invariants: nothing here is random; whoever needs fresh bytes brings them. No key and no secret
//! has a `Debug` that shows it, and their memory is wiped.

mod envelope;
mod key;
mod sealing;
mod secret;
mod signing;

#[cfg(test)]
mod tests;

pub use envelope::{Envelope, Fresh};
pub use key::{KEY_BYTES, KeyPrint, SealKey};
pub use sealing::{
    NONCE_BYTES, SEALED_BYTES_MORE, UnsealError, seal, seal_content, unseal, unseal_content,
};
pub use secret::Secret;
pub use signing::{SignedContent, SigningKey, SigningKeyError};
