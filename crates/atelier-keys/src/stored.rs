//! One key of a provider, as it is kept.

use atelier_model::Timestamp;
use atelier_seal::{Envelope, SealKey, Secret, UnsealError};
use serde::{Deserialize, Serialize};

use crate::{RandomError, hex, random};

/// How far a key has come.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum KeyState {
    /// It is used.
    Active,
    /// Another has taken its place; it is used only where that one fails.
    Retiring,
    /// It is never used again, and its value is gone.
    Revoked,
}

impl KeyState {
    /// Its word.
    pub fn name(self) -> &'static str {
        match self {
            Self::Active => "active",
            Self::Retiring => "retiring",
            Self::Revoked => "revoked",
        }
    }
}

/// A key of a provider. The value is in it sealed, or not at all.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct StoredKey {
    /// What tells it from every other.
    pub id: String,
    /// Whose key it is.
    pub provider: String,
    /// What its owner calls it.
    pub name: String,
    /// How far it has come.
    pub state: KeyState,
    /// The end of its value, so that a person can tell two apart.
    pub shown: String,
    /// When it was added.
    pub created_at: Timestamp,
    /// When it was last changed.
    pub changed_at: Timestamp,
    /// How often its value was exchanged. It is bound to the sealed value, so that an old one
    /// cannot be put in the place of a newer.
    pub version: u64,
    value: Option<Sealed>,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Sealed {
    #[serde(with = "hex::serde")]
    key: Vec<u8>,
    #[serde(with = "hex::serde")]
    body: Vec<u8>,
}

impl StoredKey {
    pub(crate) fn new(
        master: &SealKey,
        (provider, name): (&str, &str),
        secret: &Secret,
        now: Timestamp,
    ) -> Result<Self, RandomError> {
        let mut key = Self {
            id: random::id("key_")?,
            provider: provider.to_owned(),
            name: name.to_owned(),
            state: KeyState::Active,
            shown: secret.masked(),
            created_at: now,
            changed_at: now,
            version: 1,
            value: None,
        };
        let plain = secret.expose().as_bytes();
        let label = key.label();
        let Envelope { wrapped_key, body } =
            Envelope::seal(master, &random::fresh()?, &label, key.version, plain);
        key.value = Some(Sealed {
            key: wrapped_key,
            body,
        });
        Ok(key)
    }

    /// Its value; `None` where it is gone.
    pub fn open(&self, master: &SealKey) -> Result<Option<Secret>, UnsealError> {
        let Some(Sealed { key, body }) = &self.value else {
            return Ok(None);
        };
        let envelope = Envelope {
            wrapped_key: key.clone(),
            body: body.clone(),
        };
        let plain = envelope.open(master, &self.label(), self.version)?;
        let text = std::str::from_utf8(&plain).map_err(|_| UnsealError::Refused)?;
        Ok(Some(Secret::new(text)))
    }

    /// Whether it is used at all.
    pub fn is_usable(&self) -> bool {
        self.state != KeyState::Revoked && self.value.is_some()
    }

    /// Whether it is meant by its id, its provider, its name, or both with a slash between.
    pub fn is_named(&self, named: &str) -> bool {
        let own = [&self.id, &self.provider, &self.name];
        let both = named.split_once('/');
        own.iter().any(|&own| own == named)
            || both.is_some_and(|(provider, name)| self.provider == provider && self.name == name)
    }

    pub(crate) fn retire(&mut self, now: Timestamp) {
        if self.state == KeyState::Active {
            self.state = KeyState::Retiring;
            self.changed_at = now;
        }
    }

    pub(crate) fn revoke(&mut self, now: Timestamp) {
        self.state = KeyState::Revoked;
        self.value = None;
        self.changed_at = now;
    }

    /// What the sealed value belongs to: moved to another provider or row, it does not open.
    fn label(&self) -> String {
        format!("{}/{}", self.provider, self.id)
    }
}
