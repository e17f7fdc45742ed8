//! Sealing and unsealing: bytes that only the holder of a key reads, under one label only.

use ring::aead::{Aad, CHACHA20_POLY1305, LessSafeKey, Nonce, UnboundKey};
use zeroize::Zeroizing;

use crate::SealKey;

/// Bytes of a nonce.
pub const NONCE_BYTES: usize = 12;

/// Bytes by which a sealed content is longer than the plain one.
pub const SEALED_BYTES_MORE: usize = 1 + TAG_BYTES;

/// Bytes of the proof at the end.
const TAG_BYTES: usize = 16;

/// The first byte of everything sealed, so that another way of sealing can be told from this one.
const FORMAT: u8 = 1;

/// Why something sealed was not opened.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum UnsealError {
    /// It is sealed in a way that this program does not know.
    #[error("read sealed bytes of format {found}: this program knows format {FORMAT}")]
    Format {
        /// The format that stands there.
        found: u8,
    },
    /// It ends too early.
    #[error("read sealed bytes: they end too early")]
    Cut,
    /// The key or the label is another one, or bytes were changed.
    #[error("open sealed bytes: the key is another one, or they were changed or moved")]
    Refused,
}

/// Seals bytes under a label. A nonce may be used once with a key.
pub fn seal(key: &SealKey, nonce: [u8; NONCE_BYTES], label: &[u8], plain: &[u8]) -> Vec<u8> {
    let mut sealed = Vec::with_capacity(1 + NONCE_BYTES + plain.len() + TAG_BYTES);
    sealed.push(FORMAT);
    sealed.extend_from_slice(&nonce);
    close(key, nonce, label, plain, sealed)
}

/// Opens what was sealed with this key under this label.
pub fn unseal(
    key: &SealKey,
    label: &[u8],
    sealed: &[u8],
) -> Result<Zeroizing<Vec<u8>>, UnsealError> {
    let rest = formatted(sealed)?;
    let (nonce, body) = rest.split_first_chunk().ok_or(UnsealError::Cut)?;
    open(key, *nonce, label, body)
}

/// Seals a content that is kept under its digest. The same content is sealed to the same bytes, so
/// that it is kept once.
pub fn seal_content(key: &SealKey, digest: &[u8; 32], plain: &[u8]) -> Vec<u8> {
    let mut sealed = Vec::with_capacity(plain.len() + SEALED_BYTES_MORE);
    sealed.push(FORMAT);
    close(
        &key.of_content(digest),
        [0; NONCE_BYTES],
        digest,
        plain,
        sealed,
    )
}

/// Opens the content with a digest.
pub fn unseal_content(
    key: &SealKey,
    digest: &[u8; 32],
    sealed: &[u8],
) -> Result<Zeroizing<Vec<u8>>, UnsealError> {
    let body = formatted(sealed)?;
    open(&key.of_content(digest), [0; NONCE_BYTES], digest, body)
}

fn formatted(sealed: &[u8]) -> Result<&[u8], UnsealError> {
    match sealed.split_first() {
        None => Err(UnsealError::Cut),
        Some((&FORMAT, rest)) => Ok(rest),
        Some((&found, _)) => Err(UnsealError::Format { found }),
    }
}

/// Appends the sealed bytes to what stands before them.
fn close(
    key: &SealKey,
    nonce: [u8; NONCE_BYTES],
    label: &[u8],
    plain: &[u8],
    mut sealed: Vec<u8>,
) -> Vec<u8> {
    let begin = sealed.len();
    sealed.extend_from_slice(plain);
    let nonce = Nonce::assume_unique_for_key(nonce);
    let tag = cipher(key).seal_in_place_separate_tag(nonce, Aad::from(label), &mut sealed[begin..]);
    match tag {
        Ok(tag) => sealed.extend_from_slice(tag.as_ref()),
        // Only 256 GiB at once are too many. Without a tag nothing opens, and nothing shows.
        Err(_) => sealed.truncate(begin),
    }
    sealed
}

fn open(
    key: &SealKey,
    nonce: [u8; NONCE_BYTES],
    label: &[u8],
    body: &[u8],
) -> Result<Zeroizing<Vec<u8>>, UnsealError> {
    if body.len() < TAG_BYTES {
        return Err(UnsealError::Cut);
    }
    let mut plain = Zeroizing::new(body.to_vec());
    let nonce = Nonce::assume_unique_for_key(nonce);
    let opened = cipher(key).open_in_place(nonce, Aad::from(label), &mut plain);
    let length = opened.map_err(|_| UnsealError::Refused)?.len();
    plain.truncate(length);
    Ok(plain)
}

#[expect(
    clippy::expect_used,
    reason = "32 bytes are what this cipher's keys have"
)]
fn cipher(key: &SealKey) -> LessSafeKey {
    let unbound = UnboundKey::new(&CHACHA20_POLY1305, key.expose());
    LessSafeKey::new(unbound.expect("a key of this cipher has 32 bytes"))
}
