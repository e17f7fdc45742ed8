//! A throwaway key store, and what its tests share.
#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

mod clients;
mod files;
mod rings;
mod roles;
mod stores;
mod vaults;

use atelier_model::Timestamp;
use atelier_seal::{SealKey, Secret};
use tempfile::TempDir;

use crate::{KeyStore, Lock, Vault};

const SECRET: &str = "sk-planted-0123456789abcdef";
const OTHER: &str = "sk-planted-fedcba9876543210";

struct World {
    folder: TempDir,
    store: KeyStore,
    lock_key: SealKey,
    master: SealKey,
}

impl World {
    fn new() -> Self {
        let folder = TempDir::new().unwrap();
        let store = KeyStore::at(folder.path().join("data/keys.json"));
        let lock_key = SealKey::from_bytes([1; 32]);
        let master = store.begin(Lock::File, &lock_key).unwrap();
        Self {
            folder,
            store,
            lock_key,
            master,
        }
    }

    fn add(&self, provider: &str, name: &str, value: &str) -> String {
        let secret = Secret::new(value);
        let key = self
            .store
            .key_add(&self.master, (provider, name), &secret, at(0));
        key.unwrap().id
    }

    fn vault(&self) -> Vault {
        Vault::open(self.store.clone(), self.master.clone()).unwrap()
    }

    /// Every byte of every file.
    fn bytes(&self) -> Vec<u8> {
        let mut all = Vec::new();
        let mut folders = vec![self.folder.path().to_owned()];
        while let Some(folder) = folders.pop() {
            for entry in std::fs::read_dir(folder).unwrap() {
                let path = entry.unwrap().path();
                if path.is_dir() {
                    folders.push(path);
                } else {
                    all.extend(std::fs::read(path).unwrap());
                }
            }
        }
        all
    }

    fn holds(&self, text: &str) -> bool {
        let part = text.as_bytes();
        self.bytes()
            .windows(part.len())
            .any(|window| window == part)
    }

    /// Changes the file's text.
    fn edit(&self, change: impl FnOnce(String) -> String) {
        let text = std::fs::read_to_string(self.store.path()).unwrap();
        std::fs::write(self.store.path(), change(text)).unwrap();
    }
}

fn at(seconds: i64) -> Timestamp {
    Timestamp::from_millis(1_800_000_000_000 + seconds * 1_000)
}
