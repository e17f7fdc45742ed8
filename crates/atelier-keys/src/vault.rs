//! The keys of providers as a running program holds them, always as they stand in the file.

use std::{
    collections::BTreeMap,
    fmt,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};

use atelier_model::Timestamp;
use atelier_seal::{SealKey, Secret, UnsealError, seal, unseal};

use crate::{
    Contents, KeyRing, KeyState, KeyStore, KeyStoreError, RandomError, random, store::Stamp,
};

/// What sealed data keys belong to; part of the stored format.
const DATA_KEY: &[u8] = b"atelier data key 1";

/// The keys of providers as a running program holds them. Cheap to clone; all clones are one.
#[derive(Clone)]
pub struct Vault {
    inner: Arc<Inner>,
}

struct Inner {
    store: KeyStore,
    master: SealKey,
    held: Mutex<Held>,
}

/// What was last read.
struct Held {
    stamp: Option<Stamp>,
    keys: BTreeMap<String, Vec<HeldKey>>,
    /// Keys that could not be opened.
    damaged: Vec<String>,
}

/// A key that was opened, and what its provider made of it.
#[derive(Clone)]
pub(crate) struct HeldKey {
    pub(crate) id: Arc<str>,
    pub(crate) secret: Arc<Secret>,
    pub(crate) state: KeyState,
    /// Until when its provider wants to be left alone.
    pub(crate) cool_until: Option<Timestamp>,
    /// Until when it counts as refused.
    pub(crate) refused_until: Option<Timestamp>,
}

impl Vault {
    /// Opens every key of a store. One that does not open is left out, and named by
    /// [`Self::damaged`].
    pub fn open(store: KeyStore, master: SealKey) -> Result<Self, KeyStoreError> {
        let stamp = store.stamp();
        let held = Held::of(&store.read()?, &master, stamp, &BTreeMap::new());
        Ok(Self {
            inner: Arc::new(Inner {
                store,
                master,
                held: Mutex::new(held),
            }),
        })
    }

    /// The keys of one provider.
    pub fn ring(&self, provider: &str) -> KeyRing {
        KeyRing::new(self.clone(), provider)
    }

    /// The key that everything of this user is sealed with.
    pub fn master(&self) -> &SealKey {
        &self.inner.master
    }

    /// The file in which the keys lie.
    pub fn store(&self) -> &KeyStore {
        &self.inner.store
    }

    /// A fresh data key for one project, with the form in which the project keeps it.
    pub fn data_key_new(&self) -> Result<(SealKey, Vec<u8>), RandomError> {
        let key = random::key()?;
        let sealed = seal(
            &self.data_key_lock(),
            random::bytes()?,
            DATA_KEY,
            key.expose(),
        );
        Ok((key, sealed))
    }

    /// The data key that a project keeps in that form.
    pub fn data_key_open(&self, sealed: &[u8]) -> Result<SealKey, UnsealError> {
        let bytes = unseal(&self.data_key_lock(), DATA_KEY, sealed)?;
        SealKey::from_slice(&bytes).ok_or(UnsealError::Cut)
    }

    fn data_key_lock(&self) -> SealKey {
        self.inner.master.for_purpose("data keys of projects")
    }

    /// Keys that could not be opened.
    pub fn damaged(&self) -> Vec<String> {
        self.held().damaged.clone()
    }

    /// Whether both are the same vault.
    pub(crate) fn is_same(&self, other: &Self) -> bool {
        Arc::ptr_eq(&self.inner, &other.inner)
    }

    /// Does something with the keys of a provider as they stand in the file now.
    pub(crate) fn with<T>(&self, provider: &str, work: impl FnOnce(&mut [HeldKey]) -> T) -> T {
        let mut held = self.held();
        self.refresh(&mut held);
        let keys = held.keys.get_mut(provider);
        work(keys.map_or(&mut [], Vec::as_mut_slice))
    }

    /// Reads the file again where it changed. A file that cannot be read now could be read before:
    /// what was read then stays, and the next question looks again.
    fn refresh(&self, held: &mut Held) {
        let stamp = self.inner.store.stamp();
        if stamp == held.stamp {
            return;
        }
        if let Ok(contents) = self.inner.store.read() {
            *held = Held::of(&contents, &self.inner.master, stamp, &held.keys);
        }
    }

    fn held(&self) -> MutexGuard<'_, Held> {
        // Whoever panicked had replaced all of it or nothing.
        self.inner
            .held
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
    }
}

impl Held {
    fn of(
        contents: &Contents,
        master: &SealKey,
        stamp: Option<Stamp>,
        before: &BTreeMap<String, Vec<HeldKey>>,
    ) -> Self {
        let mut held = Self {
            stamp,
            keys: BTreeMap::new(),
            damaged: Vec::new(),
        };
        let known: Vec<&HeldKey> = before.values().flatten().collect();
        for key in contents.keys.iter().filter(|key| key.is_usable()) {
            let Ok(Some(secret)) = key.open(master) else {
                held.damaged.push(key.id.clone());
                continue;
            };
            // What its provider made of a key does not change with other rows of the file.
            let same = known.iter().find(|known| *known.id == *key.id);
            held.keys
                .entry(key.provider.clone())
                .or_default()
                .push(HeldKey {
                    id: key.id.as_str().into(),
                    secret: Arc::new(secret),
                    state: key.state,
                    cool_until: same.and_then(|known| known.cool_until),
                    refused_until: same.and_then(|known| known.refused_until),
                });
        }
        held
    }
}

impl fmt::Debug for Vault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Vault({})", self.inner.store.path().display())
    }
}
