//! Keys that sign, and envelopes that say who signed what (DSSE).

use std::fmt;

use base64::{Engine as _, engine::general_purpose::STANDARD};
use ring::{
    digest,
    signature::{Ed25519KeyPair, KeyPair as _},
};
use zeroize::Zeroizing;

/// Lines around a private key in PEM form.
const PEM_BEGIN: &str = "-----BEGIN PRIVATE KEY-----";
const PEM_END: &str = "-----END PRIVATE KEY-----";

/// Bytes of an Ed25519 public key before its 32 bytes, as SPKI has it.
const SPKI_HEAD: [u8; 12] = [
    0x30, 0x2a, 0x30, 0x05, 0x06, 0x03, 0x2b, 0x65, 0x70, 0x03, 0x21, 0x00,
];

/// Why a text is no key that signs.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum SigningKeyError {
    /// It is not in PEM form.
    #[error("read it as a private key in PEM form (`{PEM_BEGIN}`)")]
    NoPem,
    /// It is a key of another kind.
    #[error("read it as an Ed25519 key")]
    NoEd25519,
}

/// An Ed25519 key that signs. Its `Debug` shows its name alone.
pub struct SigningKey {
    pair: Ed25519KeyPair,
}

/// A signed content: bytes, what they are, and who signed them.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SignedContent {
    /// The bytes in base 64.
    pub payload: String,
    /// Name of the key: SHA-256 of the public key as SPKI, in hex.
    pub key: String,
    /// The signature in base 64.
    pub signature: String,
}

impl SigningKey {
    /// Reads a PKCS#8 key in PEM form.
    pub fn from_pem(text: &str) -> Result<Self, SigningKeyError> {
        let inner = text.split_once(PEM_BEGIN).map(|(_, rest)| rest);
        let inner = inner.and_then(|rest| Some(rest.split_once(PEM_END)?.0));
        let inner = inner.ok_or(SigningKeyError::NoPem)?;
        let compact: Zeroizing<String> =
            Zeroizing::new(inner.chars().filter(|c| !c.is_whitespace()).collect());
        let der = STANDARD.decode(compact.as_bytes()).map(Zeroizing::new);
        let der = der.map_err(|_| SigningKeyError::NoPem)?;
        // Keys of OpenSSL come without their public half.
        let pair = Ed25519KeyPair::from_pkcs8_maybe_unchecked(&der);
        let pair = pair.map_err(|_| SigningKeyError::NoEd25519)?;
        Ok(Self { pair })
    }

    /// Its public half, as SPKI.
    pub fn public(&self) -> Vec<u8> {
        [&SPKI_HEAD, self.pair.public_key().as_ref()].concat()
    }

    /// What it is called: SHA-256 of its public half, in hex.
    pub fn name(&self) -> String {
        use fmt::Write as _;
        let digest = digest::digest(&digest::SHA256, &self.public());
        digest
            .as_ref()
            .iter()
            .fold(String::new(), |mut text, byte| {
                // Writing to a string cannot fail.
                let _ = write!(text, "{byte:02x}");
                text
            })
    }

    /// Signs bytes of a type. What is signed is both, each with its length: no other split of the
    /// same bytes has the same signature.
    pub fn sign(&self, kind: &str, payload: &[u8]) -> SignedContent {
        let head = format!("DSSEv1 {} {kind} {} ", kind.len(), payload.len());
        let signed = [head.as_bytes(), payload].concat();
        SignedContent {
            payload: STANDARD.encode(payload),
            key: self.name(),
            signature: STANDARD.encode(self.pair.sign(&signed)),
        }
    }
}

impl fmt::Debug for SigningKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("SigningKey").field(&self.name()).finish()
    }
}

#[cfg(test)]
mod tests;
