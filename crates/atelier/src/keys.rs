//! The user's key store: where it lies, and how it is opened.

use std::{
    io::{self, IsTerminal as _, Write as _},
    path::PathBuf,
    sync::OnceLock,
};

use atelier_exec::{Keyring, KeyringError};
use atelier_keys::{
    Clients, KeyStore, KeyStoreError, Lock, Passphrase, Vault, key_file_create, key_file_read,
};
use atelier_llm::Secret;
use atelier_model::Clock as _;
use atelier_seal::SealKey;
use atelier_store::Store;
use rustix::termios::{LocalModes, OptionalActions, tcgetattr, tcsetattr};

use crate::{
    app::SystemClock,
    cli_error::CliError,
    config::{user_file, user_state},
};

/// Variable with the passphrase of the key store.
pub(crate) const PASSPHRASE: &str = "ATELIER_PASSPHRASE";
/// Variable with the path of the key file.
pub(crate) const KEY_FILE: &str = "ATELIER_KEY_FILE";

/// Why the user's keys cannot be used.
#[derive(Debug, thiserror::Error)]
pub(crate) enum KeysError {
    /// The system names no folder for them.
    #[error("find the folder for your keys")]
    NoFolder,
    /// The store failed.
    #[error(transparent)]
    Store(#[from] KeyStoreError),
    /// Nobody can be asked for the passphrase.
    #[error("open {}: it is locked with a passphrase", .0.display())]
    NoPassphrase(PathBuf),
    /// Two passphrases that were to be the same are not.
    #[error("take the passphrase: the second one is another")]
    NotSame,
    /// A passphrase is too easy to guess.
    #[error("take a passphrase of fewer than {PASSPHRASE_CHARS_MIN} characters")]
    TooShort,
    /// There is no keyring.
    #[error("find the system's keyring")]
    NoKeyring,
    /// The keyring failed.
    #[error(transparent)]
    Keyring(#[from] KeyringError),
    /// The key is not in the keyring.
    #[error("find the key of {} in the system's keyring", .0.display())]
    NotInKeyring(PathBuf),
    /// A project's data key belongs to another key store.
    #[error("open what was recorded here: it was sealed by another user or on another machine")]
    Foreign,
    /// The terminal failed.
    #[error("ask at the terminal")]
    Terminal(#[source] io::Error),
}

/// Characters of a passphrase below which it is refused.
const PASSPHRASE_CHARS_MIN: usize = 8;

impl KeysError {
    /// What a person can do about it.
    pub(crate) fn hint(&self) -> String {
        match self {
            Self::NoFolder => "set HOME, or name a folder in ATELIER_DATA".to_owned(),
            Self::Store(error) => error.hint(),
            Self::NoPassphrase(_) => format!("put it into {PASSPHRASE}"),
            Self::NotSame => "try again; nothing was changed".to_owned(),
            Self::TooShort => "take several words".to_owned(),
            Self::NoKeyring => "install `secret-tool` (libsecret-tools), or use another lock: \
                                `atelier keys lock file` or `atelier keys lock passphrase`"
                .to_owned(),
            Self::Keyring(_) => "unlock the keyring, and try again".to_owned(),
            Self::NotInKeyring(path) => format!(
                "log in as the user whose keyring it is, or move {} away and add the keys again",
                path.display()
            ),
            Self::Foreign => "bring the key store and key file of that user here, or move \
                              `.atelier/state.db` away to begin anew"
                .to_owned(),
            Self::Terminal(_) => format!(
                "use a terminal; a key may also come on standard input, a passphrase in {PASSPHRASE}"
            ),
        }
    }
}

/// Whether somebody may be asked.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Asking {
    /// The person at the terminal, where there is one.
    Yes,
    /// Nobody.
    No,
}

/// Where the user's keys lie.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct KeyPlace {
    /// The store.
    pub(crate) store: KeyStore,
    /// The file with the key of its usual lock.
    pub(crate) key_file: PathBuf,
}

/// What was opened once serves to the end of the program: a passphrase is asked for once.
static OPENED: OnceLock<Vault> = OnceLock::new();

impl KeyPlace {
    /// Looks where they lie; `None` where the system names no folder.
    pub(crate) fn find() -> Option<Self> {
        let named = std::env::var_os(KEY_FILE).filter(|path| !path.is_empty());
        let usual = || Some(user_file()?.with_file_name("key"));
        Some(Self {
            store: KeyStore::at(user_state()?.join("keys.json")),
            key_file: named.map(PathBuf::from).or_else(usual)?,
        })
    }

    /// The same, or the error that says what is missing.
    pub(crate) fn found() -> Result<Self, KeysError> {
        Self::find().ok_or(KeysError::NoFolder)
    }

    /// The keys, where a store was begun.
    pub(crate) fn existing(&self, asking: Asking) -> Result<Option<Vault>, KeysError> {
        if let Some(vault) = self.opened() {
            return Ok(Some(vault));
        }
        match self.store.read()?.lock() {
            Some(lock) => self.open(lock, asking).map(Some),
            None => Ok(None),
        }
    }

    /// The keys; the store is begun where there is none.
    pub(crate) fn ensured(&self, asking: Asking) -> Result<Vault, KeysError> {
        if let Some(vault) = self.existing(asking)? {
            return Ok(vault);
        }
        let lock_key = key_file_create(&self.key_file)?;
        let master = self.store.begin(Lock::File, &lock_key)?;
        self.with(master)
    }

    /// The keys of clients.
    pub(crate) fn clients(&self) -> Result<Clients, KeysError> {
        Ok(Clients::open(self.store.clone())?)
    }

    fn with(&self, master: SealKey) -> Result<Vault, KeysError> {
        let vault = Vault::open(self.store.clone(), master)?;
        OPENED.get_or_init(|| vault.clone());
        Ok(vault)
    }

    fn opened(&self) -> Option<Vault> {
        let vault = OPENED.get().filter(|vault| *vault.store() == self.store);
        vault.cloned()
    }

    fn open(&self, lock: &Lock, asking: Asking) -> Result<Vault, KeysError> {
        let lock_key = self.lock_key(lock, asking)?;
        let master = self.store.open(&lock_key)?;
        let master = master.ok_or_else(|| self.key_file_missing())?;
        self.with(master)
    }

    /// The key of a lock.
    pub(crate) fn lock_key(&self, lock: &Lock, asking: Asking) -> Result<SealKey, KeysError> {
        match lock {
            Lock::File => {
                let key = key_file_read(&self.key_file)?;
                key.ok_or_else(|| self.key_file_missing())
            }
            Lock::Keyring => self.in_keyring(),
            Lock::Passphrase(passphrase) => {
                let said = self.passphrase(asking)?;
                Ok(passphrase.key(&said)?)
            }
        }
    }

    /// A lock of the keyring or of a passphrase that was not there before, with its key.
    pub(crate) fn new_lock(
        &self,
        kind: atelier_keys::LockKind,
    ) -> Result<(Lock, SealKey), KeysError> {
        use atelier_keys::LockKind as K;
        match kind {
            K::File => Ok((Lock::File, key_file_create(&self.key_file)?)),
            K::Keyring => {
                let key = atelier_keys::lock_key_new().map_err(KeyStoreError::from)?;
                let text = atelier_keys::lock_key_text(&key);
                keyring()?.keep(&self.name_in_keyring(), text.expose())?;
                Ok((Lock::Keyring, key))
            }
            K::Passphrase => {
                let said = new_passphrase()?;
                let passphrase = Passphrase::new().map_err(KeyStoreError::from)?;
                let key = passphrase.key(&said)?;
                Ok((Lock::Passphrase(passphrase), key))
            }
        }
    }

    fn in_keyring(&self) -> Result<SealKey, KeysError> {
        let kept = keyring()?.fetch(&self.name_in_keyring())?;
        let key = kept.and_then(|text| atelier_keys::lock_key_of(&text));
        key.ok_or_else(|| KeysError::NotInKeyring(self.store.path().to_owned()))
    }

    /// What the keyring calls the key of this store. A path may hold what its program would
    /// misread.
    fn name_in_keyring(&self) -> String {
        let path = self.store.path().to_string_lossy();
        atelier_model::Digest::of(path.as_bytes()).to_string()
    }

    fn passphrase(&self, asking: Asking) -> Result<Secret, KeysError> {
        if let Some(said) = passphrase_variable() {
            return Ok(said);
        }
        if asking == Asking::No || !is_person_there() {
            return Err(KeysError::NoPassphrase(self.store.path().to_owned()));
        }
        hidden(&format!("Passphrase of {}: ", self.store.path().display()))
    }

    fn key_file_missing(&self) -> KeysError {
        KeysError::Store(KeyStoreError::KeyFileMissing {
            key_file: self.key_file.clone(),
            path: self.store.path().to_owned(),
        })
    }
}

fn keyring() -> Result<Keyring, KeysError> {
    let path = std::env::var("PATH").unwrap_or_default();
    Keyring::find(&path).ok_or(KeysError::NoKeyring)
}

fn passphrase_variable() -> Option<Secret> {
    let said = std::env::var(PASSPHRASE).ok()?;
    Some(Secret::new(&said)).filter(|said| !said.is_empty())
}

fn passphrase_twice() -> Result<Secret, KeysError> {
    let said = hidden("New passphrase: ")?;
    if hidden("The same again: ")? == said {
        Ok(said)
    } else {
        Err(KeysError::NotSame)
    }
}

fn new_passphrase() -> Result<Secret, KeysError> {
    let said = passphrase_variable().map_or_else(passphrase_twice, Ok)?;
    if said.expose().chars().count() < PASSPHRASE_CHARS_MIN {
        return Err(KeysError::TooShort);
    }
    Ok(said)
}

/// Has the contents of a state sealed, where a key store was begun.
pub(crate) async fn seal_existing(store: &Store) -> Result<(), CliError> {
    let Some(place) = KeyPlace::find() else {
        return Ok(());
    };
    let Some(kept) = store.data_key_fetch().await? else {
        return Ok(());
    };
    match place.existing(Asking::No) {
        Ok(Some(vault)) => open_with(store, &vault, &kept),
        Ok(None) => Err(KeysError::Foreign.into()),
        // What needs no content is shown without the passphrase too.
        Err(KeysError::NoPassphrase(_)) => Ok(()),
        Err(error) => Err(error.into()),
    }
}

/// Has the contents of a state sealed. Where the system names no folder for keys, or none that can
/// be written, they stay as they are; [`missing`] says so.
pub(crate) async fn seal(store: &Store, asking: Asking) -> Result<(), CliError> {
    let Some(place) = KeyPlace::find() else {
        return Ok(());
    };
    let vault = match place.ensured(asking) {
        Ok(vault) => vault,
        Err(KeysError::Store(KeyStoreError::Write { .. })) => return Ok(()),
        Err(error) => return Err(error.into()),
    };
    if let Some(kept) = store.data_key_fetch().await? {
        return open_with(store, &vault, &kept);
    }
    let fresh = vault.data_key_new();
    let (_, sealed) = fresh.map_err(|error| KeysError::Store(error.into()))?;
    let kept = store.data_key_ensure(&sealed, SystemClock.now()).await?;
    open_with(store, &vault, &kept)
}

fn open_with(store: &Store, vault: &Vault, kept: &[u8]) -> Result<(), CliError> {
    let key = vault.data_key_open(kept).map_err(|_| KeysError::Foreign)?;
    store.seal_with(key);
    Ok(())
}

/// Why what is recorded stays unsealed, where it does.
pub(crate) fn missing(asking: Asking) -> Option<String> {
    let said =
        |why: &str| format!("prompts and answers are kept unsealed: {why}; see `atelier doctor`");
    let Some(place) = KeyPlace::find() else {
        return Some(said("no folder for keys is known"));
    };
    match place.ensured(asking) {
        Err(KeysError::Store(error @ KeyStoreError::Write { .. })) => Some(said(&format!(
            "failed to {}",
            atelier_engine::chain(&error)
        ))),
        Ok(_) | Err(_) => None,
    }
}

/// Whether a person can be asked.
pub(crate) fn is_person_there() -> bool {
    io::stdin().is_terminal() && io::stderr().is_terminal()
}

/// Asks for something that is not shown while it is typed.
pub(crate) fn hidden(question: &str) -> Result<Secret, KeysError> {
    let mut line = zeroize::Zeroizing::new(String::new());
    let asked = (|| {
        let mut stderr = io::stderr();
        write!(stderr, "{question}")?;
        stderr.flush()?;
        let _shown = Unshown::begin()?;
        io::stdin().read_line(&mut line)?;
        writeln!(stderr)
    })();
    asked.map_err(KeysError::Terminal)?;
    Ok(Secret::new(&line))
}

/// A terminal that does not show what is typed, until this is dropped.
struct Unshown(rustix::termios::Termios);

impl Unshown {
    fn begin() -> io::Result<Self> {
        let before = tcgetattr(io::stdin())?;
        let mut silent = before.clone();
        silent.local_modes.remove(LocalModes::ECHO);
        silent.local_modes.insert(LocalModes::ECHONL);
        tcsetattr(io::stdin(), OptionalActions::Flush, &silent)?;
        Ok(Self(before))
    }
}

impl Drop for Unshown {
    fn drop(&mut self) {
        // A terminal that is gone has nothing to be restored.
        let _ = tcsetattr(io::stdin(), OptionalActions::Now, &self.0);
    }
}
