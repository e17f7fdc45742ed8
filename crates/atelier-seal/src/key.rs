//! Keys that seal, and how two of them are told apart.

use std::fmt;

use zeroize::Zeroizing;

/// Bytes of a key.
pub const KEY_BYTES: usize = 32;

/// Bytes of a print: enough that no two keys of one person share one.
const PRINT_BYTES: usize = 8;

/// What a derived key is for; the words are part of the stored format and never change.
const PRINT: &str = "atelier 2026 print of a sealing key";
const CONTENT: &str = "atelier 2026 key of one content";
const PURPOSE: &str = "atelier 2026 key for a purpose";

/// A key that seals. Its `Debug` shows its print alone, and its memory is wiped.
#[derive(Clone, PartialEq, Eq)]
pub struct SealKey(Zeroizing<[u8; KEY_BYTES]>);

/// What tells a key from another and gives nothing away about it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct KeyPrint([u8; PRINT_BYTES]);

impl SealKey {
    /// A key of fresh or derived bytes.
    pub fn from_bytes(bytes: [u8; KEY_BYTES]) -> Self {
        Self(Zeroizing::new(bytes))
    }

    /// A key of bytes that were read; `None` where there are too few or too many.
    pub fn from_slice(bytes: &[u8]) -> Option<Self> {
        bytes.try_into().ok().map(Self::from_bytes)
    }

    /// Its bytes, to be sealed in turn or to be kept where only their owner reads.
    pub fn expose(&self) -> &[u8; KEY_BYTES] {
        &self.0
    }

    /// Its print.
    pub fn print(&self) -> KeyPrint {
        let whole = blake3::derive_key(PRINT, &*self.0);
        let mut print = [0; PRINT_BYTES];
        print.copy_from_slice(&whole[..PRINT_BYTES]);
        KeyPrint(print)
    }

    /// A key that only this one leads to, for one purpose.
    #[must_use]
    pub fn for_purpose(&self, purpose: &str) -> Self {
        self.derived(PURPOSE, purpose.as_bytes())
    }

    /// The key of the content with a digest. There is one content to a digest, so it seals one
    /// thing only, and needs no nonce.
    pub(crate) fn of_content(&self, digest: &[u8; 32]) -> Self {
        self.derived(CONTENT, digest)
    }

    fn derived(&self, context: &str, input: &[u8]) -> Self {
        let material = Zeroizing::new([&self.0[..], input].concat());
        Self::from_bytes(blake3::derive_key(context, &material))
    }
}

impl fmt::Debug for SealKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "SealKey({})", self.print())
    }
}

impl fmt::Display for KeyPrint {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.iter().try_for_each(|byte| write!(f, "{byte:02x}"))
    }
}
