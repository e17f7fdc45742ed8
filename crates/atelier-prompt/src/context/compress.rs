//! Texts that are only read, made shorter without another structure.

use std::{collections::BTreeMap, fmt, str::FromStr};

use atelier_model::Digest;

/// How context is made shorter.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Compression {
    /// Not at all.
    #[default]
    Off,
    /// Files that are not to be changed lose what tells nothing: comments, blanks, repetitions,
    /// and where they only stand beside the work, the bodies of their functions.
    Safe,
}

impl Compression {
    /// Its word in the configuration.
    pub fn name(self) -> &'static str {
        match self {
            Self::Off => "off",
            Self::Safe => "safe",
        }
    }
}

impl fmt::Display for Compression {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

/// A word that names no compression.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("understand the compression `{0}`: it is off or safe")]
pub struct UnknownCompression(String);

impl FromStr for Compression {
    type Err = UnknownCompression;

    fn from_str(word: &str) -> Result<Self, Self::Err> {
        [Self::Off, Self::Safe]
            .into_iter()
            .find(|compression| compression.name() == word)
            .ok_or_else(|| UnknownCompression(word.to_owned()))
    }
}

/// The text without blanks at the ends of lines, and with at most one blank line in a row.
pub fn squeeze(text: &str) -> String {
    let mut squeezed = String::with_capacity(text.len());
    for line in text.lines() {
        let line = line.trim_end();
        let is_repeated = squeezed.is_empty() || squeezed.ends_with("\n\n");
        if !line.is_empty() || !is_repeated {
            squeezed.push_str(line);
            squeezed.push('\n');
        }
    }
    squeezed.truncate(squeezed.trim_end_matches('\n').len());
    if text.ends_with('\n') && !squeezed.is_empty() {
        squeezed.push('\n');
    }
    squeezed
}

/// For each text that was there before, word for word, the place of the first one like it. Short
/// texts are not worth a reference.
pub fn repeated(texts: &[&str], bytes_min: usize) -> BTreeMap<usize, usize> {
    let mut first: BTreeMap<Digest, usize> = BTreeMap::new();
    let mut repeated = BTreeMap::new();
    for (at, text) in texts.iter().enumerate() {
        if text.len() < bytes_min {
            continue;
        }
        let before = *first.entry(Digest::of(text)).or_insert(at);
        if before != at {
            repeated.insert(at, before);
        }
    }
    repeated
}
