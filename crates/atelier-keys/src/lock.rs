//! The lock of a key store: where the key comes from that opens its master key.

use argon2::{Algorithm, Argon2, Block, Params, Version};
use atelier_seal::{KEY_BYTES, SealKey, Secret};
use serde::{Deserialize, Serialize};
use zeroize::Zeroize as _;

use crate::{KeyStoreError, RandomError, hex, random};

/// The second recommendation of RFC 9106: for where 2 GiB are too much.
const MEMORY_KIB: u32 = 64 * 1024;
const PASSES: u32 = 3;
const LANES: u32 = 4;
const SALT_BYTES: usize = 16;

/// The most a file may demand: what stands there must not be able to use up the machine.
const MEMORY_KIB_MAX: u32 = 1024 * 1024;
const PASSES_MAX: u32 = 64;
const LANES_MAX: u32 = 16;

/// The lock of a key store, as it stands in its file.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "by", rename_all = "snake_case", deny_unknown_fields)]
pub enum Lock {
    /// A file that only its owner reads.
    File,
    /// The keyring of the system.
    Keyring,
    /// A passphrase.
    Passphrase(Passphrase),
}

/// The kinds of locks, as people choose between them.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum LockKind {
    /// A file that only its owner reads.
    File,
    /// The keyring of the system.
    Keyring,
    /// A passphrase.
    Passphrase,
}

/// How a passphrase becomes a key: Argon2id, which makes every guess cost memory and time.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Passphrase {
    #[serde(with = "hex::serde")]
    salt: Vec<u8>,
    memory_kib: u32,
    passes: u32,
    lanes: u32,
}

impl Lock {
    /// What kind of lock it is.
    pub fn kind(&self) -> LockKind {
        match self {
            Self::File => LockKind::File,
            Self::Keyring => LockKind::Keyring,
            Self::Passphrase(_) => LockKind::Passphrase,
        }
    }
}

impl LockKind {
    /// Every kind, the usual one first.
    pub const ALL: [Self; 3] = [Self::File, Self::Keyring, Self::Passphrase];

    /// Its word.
    pub fn name(self) -> &'static str {
        match self {
            Self::File => "file",
            Self::Keyring => "keyring",
            Self::Passphrase => "passphrase",
        }
    }

    /// The kind of a word.
    pub fn from_name(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|kind| kind.name() == name)
    }
}

impl Passphrase {
    /// With a fresh salt and today's costs.
    pub fn new() -> Result<Self, RandomError> {
        Ok(Self {
            salt: random::bytes::<SALT_BYTES>()?.to_vec(),
            memory_kib: MEMORY_KIB,
            passes: PASSES,
            lanes: LANES,
        })
    }

    /// The key of a passphrase. It takes a noticeable time.
    pub fn key(&self, passphrase: &Secret) -> Result<SealKey, KeyStoreError> {
        let is_bounded = self.memory_kib <= MEMORY_KIB_MAX
            && self.passes <= PASSES_MAX
            && self.lanes <= LANES_MAX;
        let params = Params::new(self.memory_kib, self.passes, self.lanes, Some(KEY_BYTES));
        let (Ok(params), true) = (params, is_bounded) else {
            return Err(KeyStoreError::PassphraseCosts);
        };
        let mut memory = vec![Block::default(); params.block_count()];
        let mut key = [0; KEY_BYTES];
        let argon = Argon2::new(Algorithm::Argon2id, Version::V0x13, params);
        let text = passphrase.expose().as_bytes();
        let made = argon.hash_password_into_with_memory(text, &self.salt, &mut key, &mut memory);
        memory.iter_mut().for_each(Block::zeroize);
        made.map_err(|_| KeyStoreError::PassphraseCosts)?;
        let seal_key = SealKey::from_bytes(key);
        key.zeroize();
        Ok(seal_key)
    }
}
