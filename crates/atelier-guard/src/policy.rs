//! What is looked for.

use std::{fmt, str::FromStr};

use crate::kind::Kind;

/// What leaves the machine only as a placeholder; the later, the stricter.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Default)]
pub enum Policy {
    /// Nothing is looked for.
    Off,
    /// Keys, tokens, passwords.
    Secrets,
    /// Secrets and personal data.
    #[default]
    All,
}

impl Policy {
    /// Whether spans of this kind are looked for.
    pub fn covers(self, kind: Kind) -> bool {
        match self {
            Self::Off => false,
            Self::Secrets => kind.is_secret(),
            Self::All => true,
        }
    }

    /// The word in configuration.
    pub fn name(self) -> &'static str {
        match self {
            Self::Off => "off",
            Self::Secrets => "secrets",
            Self::All => "all",
        }
    }
}

impl fmt::Display for Policy {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

/// A word that names no policy.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("understand the policy `{0}`: it is off, secrets or all")]
pub struct UnknownPolicy(String);

impl FromStr for Policy {
    type Err = UnknownPolicy;

    fn from_str(word: &str) -> Result<Self, Self::Err> {
        [Self::Off, Self::Secrets, Self::All]
            .into_iter()
            .find(|policy| policy.name() == word)
            .ok_or_else(|| UnknownPolicy(word.to_owned()))
    }
}
