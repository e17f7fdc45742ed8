//! The keys that clients show, and what each of them opens.

use std::sync::Arc;

use atelier_keys::{Action, CLIENT_KEY_PREFIX, Client, Clients, KeyStore, Role, Turned};
use atelier_llm::Secret;
use atelier_model::Clock;
use hyper::header::{AUTHORIZATION, HeaderMap};

/// Headers that hold nothing but a key.
const KEY_HEADERS: [&str; 3] = ["x-api-key", "x-goog-api-key", "api-key"];

/// What everyone may do who shows a key without terms, or who needs none because there are none:
/// ask, and look on. Who else may come in is decided by whoever has an administrator's key.
const USUAL_ROLE: Role = Role::Builder;

/// The keys that open the door; without any it is open.
#[derive(Clone, Default)]
pub struct Keys {
    plain: Vec<Secret>,
    issued: Option<(Clients, Arc<dyn Clock>)>,
}

/// Somebody who is let in, with the terms of the key where it has some.
pub(crate) type Caller = Option<Arc<Client>>;

impl Keys {
    /// These keys, without terms; empty ones open nothing.
    pub fn new(keys: impl IntoIterator<Item = Secret>) -> Self {
        Self {
            plain: keys.into_iter().filter(|key| !key.is_empty()).collect(),
            issued: None,
        }
    }

    /// These, and the keys that were issued to clients or will be.
    #[must_use]
    pub fn with_clients(self, clients: Clients, clock: Arc<dyn Clock>) -> Self {
        Self {
            issued: Some((clients, clock)),
            ..self
        }
    }

    /// Where the keys of clients lie, and the clock that their terms go by.
    pub(crate) fn issuing(&self) -> Option<(&KeyStore, &dyn Clock)> {
        let (clients, clock) = self.issued.as_ref()?;
        Some((clients.store(), &**clock))
    }

    /// Whether anybody is answered.
    pub fn are_none(&self) -> bool {
        let are_issued = self.issued.as_ref().map(|(clients, _)| !clients.are_none());
        self.plain.is_empty() && !are_issued.unwrap_or(false)
    }

    /// Lets in whoever shows a key that opens what is wanted.
    pub(crate) fn admit(
        &self,
        (headers, query): (&HeaderMap, &str),
        action: Action,
        dialect: Option<&str>,
    ) -> Result<Caller, Turned> {
        let mut turned = Turned::Unknown;
        for shown in shown(headers, query) {
            if self.holds(shown) {
                return usual(action).map_err(|action| Turned::Role {
                    name: "--keys-from".to_owned(),
                    role: USUAL_ROLE.name(),
                    action,
                });
            }
            let Some((clients, clock)) = &self.issued else {
                continue;
            };
            match clients.admit(shown, action, dialect, clock.now()) {
                Ok(client) => return Ok(Some(client)),
                // Some programs show two keys, and what is wrong with ours tells more.
                Err(Turned::Unknown) => {}
                Err(why) => turned = why,
            }
        }
        if turned == Turned::Unknown && self.are_none() {
            if action == Action::SteerRuns {
                // Any page in a browser can reach an open door; what is under way is not for it.
                let action = action.name();
                return Err(Turned::Keyless { action });
            }
            return usual(action).map_err(|action| Turned::Keyless { action });
        }
        Err(turned)
    }

    /// Looks at every key to its end, so that the time tells nothing of them.
    fn holds(&self, shown: &str) -> bool {
        let same = self.plain.iter().map(|key| is_same(key.expose(), shown));
        same.fold(false, |any, same| any | same)
    }
}

/// Whether somebody who was let in may also do this.
pub(crate) fn may(caller: &Caller, action: Action) -> Result<(), Turned> {
    let (name, role) = match caller {
        Some(client) => (client.name.clone(), client.terms.role),
        None => ("--keys-from".to_owned(), USUAL_ROLE),
    };
    if role.may(action) {
        return Ok(());
    }
    Err(Turned::Role {
        name,
        role: role.name(),
        action: action.name(),
    })
}

/// Lets in somebody without terms, or says what they may not do.
fn usual(action: Action) -> Result<Caller, &'static str> {
    if USUAL_ROLE.may(action) {
        return Ok(None);
    }
    Err(action.name())
}

fn is_same(key: &str, shown: &str) -> bool {
    let (key, shown) = (key.as_bytes(), shown.as_bytes());
    let differing = key.iter().enumerate().fold(0_u8, |differing, (at, byte)| {
        differing | (byte ^ shown.get(at).copied().unwrap_or(0))
    });
    differing == 0 && key.len() == shown.len()
}

/// Whether a header may hold a key of a client, which goes no further than this door.
pub(crate) fn is_key_header(name: &str, value: &str) -> bool {
    name == AUTHORIZATION.as_str()
        || KEY_HEADERS.contains(&name)
        || value.contains(CLIENT_KEY_PREFIX)
}

/// Every key that a request shows.
fn shown<'r>(headers: &'r HeaderMap, query: &'r str) -> impl Iterator<Item = &'r str> {
    let bearer = headers.get(AUTHORIZATION).and_then(|value| {
        let (scheme, key) = value.to_str().ok()?.split_once(' ')?;
        scheme.eq_ignore_ascii_case("bearer").then(|| key.trim())
    });
    let named = KEY_HEADERS.into_iter();
    let named = named.filter_map(|name| headers.get(name)?.to_str().ok());
    let in_query = query
        .split('&')
        .filter_map(|pair| pair.strip_prefix("key="));
    bearer.into_iter().chain(named).chain(in_query)
}
