//! Who shows a key at the gateway's door, always as it stands in the file.

use std::{
    collections::HashMap,
    fmt,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};

use atelier_model::Timestamp;

use crate::{
    Action, CLIENT_KEY_PREFIX, Client, KeyStore, KeyStoreError, client::digest_of, meter::Meter,
    store::Stamp,
};

/// The keys of clients as a running gateway knows them. Cheap to clone; all clones are one.
#[derive(Clone)]
pub struct Clients {
    inner: Arc<Inner>,
}

struct Inner {
    store: KeyStore,
    known: Mutex<Known>,
}

#[derive(Default)]
struct Known {
    stamp: Option<Stamp>,
    by_digest: HashMap<[u8; 32], Arc<Client>>,
    meters: HashMap<String, Meter>,
    /// Whether a key was ever issued. Neither a file that is gone nor one that says otherwise opens
    /// a door to everyone that was shut.
    were_any: bool,
}

/// Somebody who was let in.
pub type Admitted = Arc<Client>;

/// Why somebody was not let in.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Turned {
    /// Nobody was issued this key.
    #[error("the key is missing or wrong")]
    Unknown,
    /// The key was revoked.
    #[error("the key of {name} was revoked")]
    Revoked {
        /// Who had it.
        name: String,
    },
    /// Its time is over.
    #[error("the key of {name} ended at {at}")]
    Expired {
        /// Who has it.
        name: String,
        /// When it ended.
        at: Timestamp,
    },
    /// There are no keys yet, and this is not for everyone.
    #[error(
        "without a key nobody may {action}; `atelier keys issue NAME --role admin` issues one that may"
    )]
    Keyless {
        /// What was wanted.
        action: &'static str,
    },
    /// Its role may not do this.
    #[error("the key of {name} is a {}'s, who may not {}", .role, .action)]
    Role {
        /// Who has it.
        name: String,
        /// The role.
        role: &'static str,
        /// What was wanted.
        action: &'static str,
    },
    /// It is for other dialects.
    #[error("the key of {name} is not for requests to the {dialect} endpoint")]
    Dialect {
        /// Who has it.
        name: String,
        /// The dialect of the request.
        dialect: String,
    },
    /// Its requests come too fast.
    #[error("the key of {name} may be used {per_minute} times a minute")]
    TooOften {
        /// Who has it.
        name: String,
        /// How often.
        per_minute: u32,
        /// Milliseconds until the next request may come.
        wait_ms: u64,
    },
}

impl Turned {
    /// The HTTP status that says the same.
    pub fn status(&self) -> u16 {
        match self {
            Self::Unknown | Self::Revoked { .. } | Self::Expired { .. } | Self::Keyless { .. } => {
                401
            }
            Self::Role { .. } | Self::Dialect { .. } => 403,
            Self::TooOften { .. } => 429,
        }
    }
}

impl Clients {
    /// The clients of a store.
    pub fn open(store: KeyStore) -> Result<Self, KeyStoreError> {
        let mut known = Known::default();
        known.take(&store, store.stamp())?;
        Ok(Self {
            inner: Arc::new(Inner {
                store,
                known: Mutex::new(known),
            }),
        })
    }

    /// The file in which they lie.
    pub fn store(&self) -> &KeyStore {
        &self.inner.store
    }

    /// Whether no key was ever issued.
    pub fn are_none(&self) -> bool {
        !self.now().were_any
    }

    /// Lets in whoever shows a key that opens what is wanted, and counts the request.
    pub fn admit(
        &self,
        shown: &str,
        action: Action,
        dialect: Option<&str>,
        now: Timestamp,
    ) -> Result<Admitted, Turned> {
        if !shown.starts_with(CLIENT_KEY_PREFIX) {
            return Err(Turned::Unknown);
        }
        let digest = digest_of(shown);
        let mut known = self.now();
        let client = known.by_digest.get(&digest).map(Arc::clone);
        let client = client.ok_or(Turned::Unknown)?;
        is_allowed(&client, action, dialect, now)?;
        if let Some(per_minute) = client.terms.requests_per_minute {
            let meter = known.meters.entry(client.id.clone()).or_default();
            let taken = meter.take(now, per_minute);
            taken.map_err(|wait_ms| Turned::TooOften {
                name: client.name.clone(),
                per_minute,
                wait_ms,
            })?;
        }
        Ok(client)
    }

    /// What stands in the file now. A file that cannot be read now could be read before: what was
    /// read then stays, and the next question looks again.
    fn now(&self) -> MutexGuard<'_, Known> {
        let inner = &self.inner;
        // Whoever panicked had replaced all of it or nothing.
        let mut known = inner.known.lock().unwrap_or_else(PoisonError::into_inner);
        let stamp = inner.store.stamp();
        if stamp != known.stamp {
            let _ = known.take(&inner.store, stamp);
        }
        known
    }
}

impl Known {
    fn take(&mut self, store: &KeyStore, stamp: Option<Stamp>) -> Result<(), KeyStoreError> {
        let contents = store.read()?;
        self.were_any |= contents.were_issued;
        let clients = contents.clients.into_iter();
        self.by_digest = clients
            .filter_map(|client| Some((client.digest().try_into().ok()?, Arc::new(client))))
            .collect();
        let left: Vec<&str> = self
            .by_digest
            .values()
            .map(|client| client.id.as_str())
            .collect();
        self.meters.retain(|id, _| left.contains(&id.as_str()));
        self.stamp = stamp;
        Ok(())
    }
}

fn is_allowed(
    client: &Client,
    action: Action,
    dialect: Option<&str>,
    now: Timestamp,
) -> Result<(), Turned> {
    let name = client.name.clone();
    let terms = &client.terms;
    if client.revoked_at.is_some() {
        return Err(Turned::Revoked { name });
    }
    if let Some(at) = terms.expires_at.filter(|_| client.is_expired(now)) {
        return Err(Turned::Expired { name, at });
    }
    if !terms.role.may(action) {
        return Err(Turned::Role {
            name,
            role: terms.role.name(),
            action: action.name(),
        });
    }
    match dialect {
        Some(dialect) if !terms.allow_dialect(dialect) => Err(Turned::Dialect {
            name,
            dialect: dialect.to_owned(),
        }),
        Some(_) | None => Ok(()),
    }
}

impl fmt::Debug for Clients {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Clients({})", self.inner.store.path().display())
    }
}
