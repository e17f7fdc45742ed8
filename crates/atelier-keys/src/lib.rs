//! Keys of providers and of clients: kept sealed, chosen, exchanged and revoked.
//!
//! [`KeyStore`] is the user's file of keys. Keys of providers lie in it sealed with a master key;
//! the master key lies in it too, sealed with the key of its [`Lock`]: a file that only its owner
//! reads, the system's keyring, or a passphrase. Keys of clients lie in it as digests: whoever
//! reads the file cannot use them.
//!
//! [`Vault`] holds the keys of providers for a running program and hands them out through a
//! [`KeyRing`] for each provider; [`Clients`] tells who shows a key at the gateway's door. Both
//! notice a change of the file at the next question, so that nothing is restarted for a key.
//!
//! Invariants: this crate reads no clock and no environment, starts no process and opens no
//! connection; random bytes come from the system, and their absence is an error. No secret is
//! written unsealed, and none has a `Debug` that shows it.

mod client;
mod clients;
mod contents;
mod error;
mod hex;
mod key_file;
mod lock;
mod meter;
mod random;
mod ring;
mod role;
mod store;
mod stored;
mod vault;

#[cfg(test)]
mod tests;

pub use client::{CLIENT_KEY_PREFIX, Client, ClientTerms, Issued};
pub use clients::{Admitted, Clients, Turned};
pub use contents::{Contents, DamagedRow};
pub use error::KeyStoreError;
pub use key_file::{key_file_create, key_file_read, lock_key_new, lock_key_of, lock_key_text};
pub use lock::{Lock, LockKind, Passphrase};
pub use random::RandomError;
pub use ring::{KeyRing, Pick, PickedKey};
pub use role::{Action, Role};
pub use store::KeyStore;
pub use stored::{KeyState, StoredKey};
pub use vault::Vault;
