//! Random bytes from the system.

use atelier_seal::{Fresh, SealKey};
use ring::rand::{SecureRandom as _, SystemRandom};

/// The system gave no random bytes; without them no key is safe.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("get random bytes from the system")]
pub struct RandomError;

pub(crate) fn bytes<const N: usize>() -> Result<[u8; N], RandomError> {
    let mut bytes = [0; N];
    SystemRandom::new()
        .fill(&mut bytes)
        .map_err(|_| RandomError)?;
    Ok(bytes)
}

pub(crate) fn key() -> Result<SealKey, RandomError> {
    Ok(SealKey::from_bytes(bytes()?))
}

pub(crate) fn fresh() -> Result<Fresh, RandomError> {
    Ok(Fresh {
        key: key()?,
        nonce: bytes()?,
    })
}

/// A name that no other row has.
pub(crate) fn id(prefix: &str) -> Result<String, RandomError> {
    let bytes: [u8; 5] = bytes()?;
    Ok(format!("{prefix}{}", crate::hex::encode(&bytes)))
}
