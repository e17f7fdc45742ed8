//! Content identifiers: what a block is, and the SHA-256 of its bytes.

use std::{fmt, str::FromStr};

use sha2::{Digest as _, Sha256};

/// Bytes of a content identifier of the one form that is used here.
pub(crate) const CID_BYTES: usize = 36;

/// Version 1, then the codec, then SHA-256 with 32 bytes.
const VERSION: u8 = 0x01;
const SHA2_256: u8 = 0x12;
const HASH_BYTES: u8 = 32;

/// Base 32 without padding, as RFC 4648 has it, in lower case; its mark among the bases is `b`.
const BASE32: &[u8; 32] = b"abcdefghijklmnopqrstuvwxyz234567";
const BASE32_MARK: char = 'b';

/// Characters of a content identifier after its mark.
const TEXT_CHARS: usize = (CID_BYTES * 8).div_ceil(5);

/// What the bytes of a block are.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Codec {
    /// Bytes that link to nothing.
    Raw,
    /// A node that may link to other blocks.
    DagCbor,
}

impl Codec {
    /// Its number in the table of codecs.
    pub(crate) fn number(self) -> u8 {
        match self {
            Self::Raw => 0x55,
            Self::DagCbor => 0x71,
        }
    }

    /// The codec with a number.
    pub(crate) fn of_number(number: u8) -> Option<Self> {
        [Self::Raw, Self::DagCbor]
            .into_iter()
            .find(|codec| codec.number() == number)
    }
}

/// The name of a block: version 1, SHA-256.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Cid {
    codec: Codec,
    hash: [u8; 32],
}

/// Why a text is no content identifier that is used here.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error(
    "read `{0}` as a content identifier: version 1 in base 32, with SHA-256, is `bafk…` or `bafy…`"
)]
pub struct ParseCidError(String);

impl Cid {
    /// The name of these bytes.
    pub fn of(codec: Codec, bytes: &[u8]) -> Self {
        Self {
            codec,
            hash: Sha256::digest(bytes).into(),
        }
    }

    /// What the block is.
    pub fn codec(&self) -> Codec {
        self.codec
    }

    /// The SHA-256 of the block, in hex.
    pub fn sha256(&self) -> String {
        use fmt::Write as _;
        self.hash.iter().fold(String::new(), |mut text, byte| {
            // Writing to a string cannot fail.
            let _ = write!(text, "{byte:02x}");
            text
        })
    }

    /// Whether it is the name of these bytes.
    pub fn names(&self, bytes: &[u8]) -> bool {
        Self::of(self.codec, bytes) == *self
    }

    /// Its binary form.
    pub(crate) fn bytes(&self) -> [u8; CID_BYTES] {
        let mut bytes = [0; CID_BYTES];
        bytes[..4].copy_from_slice(&[VERSION, self.codec.number(), SHA2_256, HASH_BYTES]);
        bytes[4..].copy_from_slice(&self.hash);
        bytes
    }

    /// Reads the binary form; `None` where it is of a form that is not used here.
    pub fn of_bytes(bytes: &[u8]) -> Option<Self> {
        let (head, hash) = bytes.split_first_chunk::<4>()?;
        let [VERSION, codec, SHA2_256, HASH_BYTES] = *head else {
            return None;
        };
        Some(Self {
            codec: Codec::of_number(codec)?,
            hash: hash.try_into().ok()?,
        })
    }
}

impl fmt::Display for Cid {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut text = String::from(BASE32_MARK);
        let (mut bits, mut count) = (0_u32, 0);
        for byte in self.bytes() {
            bits = bits << 8 | u32::from(byte);
            count += 8;
            while count >= 5 {
                count -= 5;
                text.push(char::from(BASE32[(bits >> count) as usize & 31]));
            }
            bits &= (1 << count) - 1;
        }
        if count > 0 {
            text.push(char::from(BASE32[(bits << (5 - count)) as usize & 31]));
        }
        f.write_str(&text)
    }
}

impl FromStr for Cid {
    type Err = ParseCidError;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let parsed = text.strip_prefix(BASE32_MARK).and_then(of_base32);
        let known = parsed.and_then(|bytes| Self::of_bytes(&bytes));
        known.ok_or_else(|| ParseCidError(text.chars().take(80).collect()))
    }
}

fn of_base32(text: &str) -> Option<Vec<u8>> {
    if text.len() != TEXT_CHARS {
        return None;
    }
    let mut bytes = Vec::with_capacity(CID_BYTES);
    let (mut bits, mut count) = (0_u32, 0);
    for letter in text.bytes() {
        let value = BASE32.iter().position(|other| *other == letter)?;
        bits = bits << 5 | u32::try_from(value).ok()?;
        count += 5;
        if count >= 8 {
            count -= 8;
            bytes.push(u8::try_from(bits >> count & 0xff).ok()?);
        }
        bits &= (1 << count) - 1;
    }
    // What is left over is nothing but filling.
    (bits == 0).then_some(bytes)
}
