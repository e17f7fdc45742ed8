//! A secret with a key of its own, which is sealed with the master key beside it.

use zeroize::Zeroizing;

use crate::{
    SealKey, UnsealError,
    sealing::{NONCE_BYTES, seal, unseal},
};

/// A sealed secret. What it is called and which version of it this is are bound to it: sealed
/// under one name, it does not open under another.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Envelope {
    /// The secret's own key, sealed with the master key.
    pub wrapped_key: Vec<u8>,
    /// The secret, sealed with its own key.
    pub body: Vec<u8>,
}

/// Bytes from a source of randomness, for one envelope.
#[derive(Clone)]
pub struct Fresh {
    /// The secret's own key.
    pub key: SealKey,
    /// For sealing that key with the master key.
    pub nonce: [u8; NONCE_BYTES],
}

impl Envelope {
    /// Seals a secret.
    pub fn seal(master: &SealKey, fresh: &Fresh, name: &str, version: u64, plain: &[u8]) -> Self {
        Self {
            wrapped_key: wrap(master, fresh, name, version),
            // The key seals this one body, so any nonce is used once.
            body: seal(
                &fresh.key,
                [0; NONCE_BYTES],
                &label("body", name, version),
                plain,
            ),
        }
    }

    /// Opens it under the name and version it was sealed with.
    pub fn open(
        &self,
        master: &SealKey,
        name: &str,
        version: u64,
    ) -> Result<Zeroizing<Vec<u8>>, UnsealError> {
        let key = self.key(master, name, version)?;
        unseal(&key, &label("body", name, version), &self.body)
    }

    /// The same secret for another master key; the body stays as it is.
    pub fn rewrap(
        &self,
        (old, new): (&SealKey, &SealKey),
        nonce: [u8; NONCE_BYTES],
        name: &str,
        version: u64,
    ) -> Result<Self, UnsealError> {
        let key = self.key(old, name, version)?;
        Ok(Self {
            wrapped_key: wrap(new, &Fresh { key, nonce }, name, version),
            body: self.body.clone(),
        })
    }

    fn key(&self, master: &SealKey, name: &str, version: u64) -> Result<SealKey, UnsealError> {
        let bytes = unseal(master, &label("key", name, version), &self.wrapped_key)?;
        SealKey::from_slice(&bytes).ok_or(UnsealError::Cut)
    }
}

fn wrap(master: &SealKey, fresh: &Fresh, name: &str, version: u64) -> Vec<u8> {
    let label = label("key", name, version);
    seal(master, fresh.nonce, &label, fresh.key.expose())
}

/// What the sealed bytes belong to. The name comes last, so that no two labels are the same bytes.
fn label(part: &str, name: &str, version: u64) -> Vec<u8> {
    format!("atelier envelope 1\n{part}\n{version}\n{name}").into_bytes()
}
