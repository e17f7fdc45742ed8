//! Keys: texts that are sent to their provider and shown to nobody.

use std::fmt;

use zeroize::Zeroizing;

/// Characters of a long secret that are shown, so that a person can tell two keys apart.
const MASK_TAIL_CHARS: usize = 4;

/// Characters below which nothing of a secret is shown.
const MASK_CHARS_MIN: usize = 16;

/// A key. It has no `Serialize`, its `Debug` shows nothing, and its memory is wiped.
#[derive(Clone, PartialEq, Eq)]
pub struct Secret(Zeroizing<String>);

impl Secret {
    /// Keeps a key; white space around it, such as a line end read from a file, is dropped.
    pub fn new(text: &str) -> Self {
        Self(Zeroizing::new(text.trim().to_owned()))
    }

    /// The key itself, for the header that carries it.
    pub fn expose(&self) -> &str {
        &self.0
    }

    /// Whether there is nothing in it.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// What may be shown to a person: the last characters of a long key, and nothing of a short one.
    pub fn masked(&self) -> String {
        let count = self.0.chars().count();
        if count < MASK_CHARS_MIN {
            return "***".to_owned();
        }
        let tail: String = self.0.chars().skip(count - MASK_TAIL_CHARS).collect();
        format!("***{tail}")
    }

    /// The text with every occurrence of the key replaced: providers like to quote a wrong key.
    pub fn wiped_from(&self, text: &str) -> String {
        if self.is_empty() {
            return text.to_owned();
        }
        text.replace(self.expose(), "***")
    }
}

impl fmt::Debug for Secret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("***")
    }
}
