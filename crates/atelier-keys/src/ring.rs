//! The keys of one provider: which is used now, and what its provider made of the others.

use std::{fmt, sync::Arc};

use atelier_model::Timestamp;
use atelier_seal::Secret;

use crate::{
    KeyState,
    vault::{HeldKey, Vault},
};

/// Milliseconds for which a refused key is used only where all others fail too. A person may have
/// mended it meanwhile.
const REFUSED_MS: i64 = 10 * 60 * 1_000;

/// The keys of one provider. Cheap to clone; all clones share what they learn.
#[derive(Clone)]
pub struct KeyRing {
    vault: Vault,
    provider: Arc<str>,
}

/// A key that was chosen.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Pick {
    /// The key.
    pub key: PickedKey,
    /// Whether there is another that nothing speaks against.
    pub has_spare: bool,
    /// Whether something once spoke against it.
    pub is_doubtful: bool,
}

/// A key for one sending.
#[derive(Clone, PartialEq, Eq)]
pub struct PickedKey {
    /// What tells it from every other; it may be shown.
    pub id: Arc<str>,
    /// Its value.
    pub secret: Arc<Secret>,
}

impl KeyRing {
    pub(crate) fn new(vault: Vault, provider: &str) -> Self {
        Self {
            vault,
            provider: provider.into(),
        }
    }

    /// Whose keys they are.
    pub fn provider(&self) -> &str {
        &self.provider
    }

    /// Whether there is no key at all.
    pub fn is_empty(&self) -> bool {
        self.vault.with(&self.provider, |keys| keys.is_empty())
    }

    /// The best key that was not tried yet: an active one before a retiring one, a fresh one before
    /// one that cools, and refused ones last. Without news it is the same every time: providers
    /// keep their caches of prompts by account.
    pub fn pick(&self, now: Timestamp, tried: &[Arc<str>]) -> Option<Pick> {
        self.vault.with(&self.provider, |keys| {
            let left = || keys.iter().filter(|key| !tried.contains(&key.id));
            let best = left().min_by_key(|key| key.rank(now))?;
            let mut others = left().filter(|key| key.id != best.id);
            Some(Pick {
                has_spare: others.any(|key| key.is_fresh(now)),
                is_doubtful: best.cool_until.is_some() || best.refused_until.is_some(),
                key: PickedKey {
                    id: Arc::clone(&best.id),
                    secret: Arc::clone(&best.secret),
                },
            })
        })
    }

    /// Whether there is a key that nothing speaks against and that was not tried yet.
    pub fn has_fresh(&self, now: Timestamp, tried: &[Arc<str>]) -> bool {
        self.vault.with(&self.provider, |keys| {
            let mut left = keys.iter().filter(|key| !tried.contains(&key.id));
            left.any(|key| key.is_fresh(now))
        })
    }

    /// Its provider does not accept a key.
    pub fn refused(&self, id: &str, now: Timestamp) {
        let until = Timestamp::from_millis(now.millis().saturating_add(REFUSED_MS));
        self.mark(id, |key| key.refused_until = Some(until));
    }

    /// Its provider wants to be left alone with a key for a while.
    pub fn cools(&self, id: &str, until: Timestamp) {
        self.mark(id, |key| key.cool_until = Some(until));
    }

    /// Its provider accepted a key.
    pub fn accepted(&self, id: &str) {
        self.mark(id, |key| {
            key.cool_until = None;
            key.refused_until = None;
        });
    }

    fn mark(&self, id: &str, mark: impl FnOnce(&mut HeldKey)) {
        self.vault.with(&self.provider, |keys| {
            if let Some(key) = keys.iter_mut().find(|key| *key.id == *id) {
                mark(key);
            }
        });
    }
}

impl HeldKey {
    fn is_refused(&self, now: Timestamp) -> bool {
        self.refused_until.is_some_and(|until| until > now)
    }

    fn cools(&self, now: Timestamp) -> bool {
        self.cool_until.is_some_and(|until| until > now)
    }

    fn is_fresh(&self, now: Timestamp) -> bool {
        !self.is_refused(now) && !self.cools(now)
    }

    /// The lowest is used first.
    fn rank(&self, now: Timestamp) -> (bool, Option<Timestamp>, bool) {
        let cools_until = self.cool_until.filter(|_| self.cools(now));
        let is_retiring = self.state != KeyState::Active;
        (self.is_refused(now), cools_until, is_retiring)
    }
}

impl PartialEq for KeyRing {
    fn eq(&self, other: &Self) -> bool {
        self.vault.is_same(&other.vault) && self.provider == other.provider
    }
}

impl fmt::Debug for KeyRing {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "KeyRing({})", self.provider)
    }
}

impl fmt::Debug for PickedKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "PickedKey({})", self.id)
    }
}
